//go:build lab

package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

// TestLabKill is fault 30: after kill -9 there is the same board and the same acknowledgement, what was
// firing fires on with its age, and at most one tick is lost.
func TestLabKill(t *testing.T) {
	l := newLab(t)
	began := l.start()
	l.within(began, 30*time.Second, "start shows host, devices, links and cluster", l.up)
	at := l.fault("link-down")
	l.within(at, 3*poll+5*time.Second, "alert", l.alerting("LinkDown", "core1", true))
	before := l.alert("LinkDown")
	if out, err := l.nocturne("ack", before.ID, "--by", "kim", "--note", "on my way"); err != nil {
		t.Fatalf("ack: %v: %s", err, out)
	}
	acked := time.Now()
	board := l.board()
	l.fault("kill-wall") // at once: an acknowledgement is on disk when it is answered
	killed := time.Now()
	select {
	case <-l.done:
	case <-time.After(10 * time.Second):
		t.Fatal("the wallboard survived SIGKILL")
	}
	l.wall = nil
	t.Logf("killed %v after the acknowledgement", killed.Sub(acked).Round(time.Millisecond))

	// What is there, before anybody measures anew.
	kept := l.samples(ownClock, time.Minute, killed)
	if len(kept) == 0 {
		t.Fatal("no samples of the last minute")
	}
	lost := killed.Sub(kept[len(kept)-1].at)
	t.Logf("the newest sample is %.1f s older than the kill, polls are every %v", lost.Seconds(), poll)
	if lost > poll+2*time.Second {
		t.Error("that is more than one poll and one tick")
	}
	if diff := cmp.Diff(board, l.board()); diff != "" {
		t.Errorf("the board (-before the kill +after it):\n%s", diff)
	}

	began = l.start()
	l.within(began, 20*time.Second, "the wallboard answers", l.problem("", true))
	l.within(began, 20*time.Second, "alert after restart", l.alerting("LinkDown", "core1", true))
	after := l.alert("LinkDown")
	if after.Since.Sub(before.Since).Abs() > time.Second {
		t.Errorf("LinkDown was active since %v, after the restart since %v", before.Since, after.Since)
	}
	if after.AckBy != "kim" || after.AckNote != "on my way" {
		t.Errorf("acknowledged by %q (%q), want kim (on my way)", after.AckBy, after.AckNote)
	}
	l.within(began, 40*time.Second, "the same board is alive", func() error {
		if diff := cmp.Diff(board, l.board()); diff != "" {
			return fmt.Errorf("-before the kill +after the restart:\n%s", diff)
		}
		return nil
	})
	again := l.samples(ownClock, 5*time.Minute, time.Now())
	checkSamples(t, again)
	if len(again) < len(kept) || !again[0].at.Equal(kept[0].at) {
		t.Errorf("%d samples from %v on, before the restart %d from %v on", len(again), again[0].at, len(kept), kept[0].at)
	}
	if a := l.alert("LinkDown"); a.AckBy != "kim" {
		t.Errorf("after evaluations acknowledged by %q, want kim", a.AckBy)
	}
	l.heal("link-down")
}

// board is what the wall shows of devices, nodes and links: their states by ID.
func (l *lab) board() map[string]string {
	l.t.Helper()
	all, err := l.entities()
	if err != nil {
		l.t.Fatal(err)
	}
	out := map[string]string{}
	for id, e := range all {
		if e.Kind == string(model.KindDevice) || e.Kind == string(model.KindNode) || e.Kind == string(model.KindServer) {
			out[id] = e.State
		}
	}
	top, err := l.topology()
	if err != nil {
		l.t.Fatal(err)
	}
	for _, link := range top.Links {
		out[link.A+" "+link.APort+" - "+link.B+" "+link.BPort] = link.State
	}
	return out
}

// alert is the active alert of that name.
func (l *lab) alert(name string) model.Alert {
	l.t.Helper()
	for _, a := range l.alerts() {
		if a.Name == name {
			return a
		}
	}
	l.t.Fatalf("no alert %s", name)
	return model.Alert{}
}

// alerts are those that fire.
func (l *lab) alerts() []model.Alert {
	l.t.Helper()
	out, err := l.nocturne("alerts", "--json")
	if err != nil {
		l.t.Fatal(err)
	}
	var list []model.Alert
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		l.t.Fatal(err)
	}
	return list
}
