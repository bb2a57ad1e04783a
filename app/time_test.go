package app

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// drillClock moves the clocks of the wallboard on dir, as a fault drill does.
func drillClock(t *testing.T, dir, what, by string) {
	t.Helper()
	client, done, err := Connect(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Post(t.Context(), "/api/lab/clock", url.Values{what: {by}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
}

func clockEvents(c *Core) []string {
	var out []string
	for _, e := range c.Source().Events(model.EventFilter{Kind: "clock"}) {
		out = append(out, e.Labels["what"])
	}
	return out
}

// polled tells how many polls there were between two moments, the first rounded down to a second.
func polled(t *testing.T, c *Core, from, to time.Time) int {
	t.Helper()
	seconds := int(to.Sub(from).Seconds()) + 1
	list, err := c.Source().Query(t.Context(), fmt.Sprintf("count_over_time(node_load1[%ds])", seconds), to)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		return 0
	}
	return int(list[0].Points[0].V)
}

// The machine sleeps, and its clock is set back: the wall says so, and history has a gap and nothing
// twice (faults 32 and 33). After a restart time goes on from what was stored.
func TestCoreClock(t *testing.T) {
	dir := shortDir(t)
	c := openCore(t, dir, "sources: [{kind: host, every: 1s}]\n")
	began := c.Source().Now()
	eventually(t, "load is known", func() bool { return polled(t, c, began, c.Source().Now()) >= 2 })

	drillClock(t, dir, "sleep", "1h")
	woke := c.Source().Now()
	if since := woke.Sub(began); since < time.Hour {
		t.Errorf("after an hour's sleep only %v have passed", since)
	}
	if got := clockEvents(c); len(got) != 1 || got[0] != "slept" {
		t.Errorf("events %v", got)
	}
	eventually(t, "load is known again", func() bool { return polled(t, c, woke, c.Source().Now()) >= 2 })
	marks := c.Source().Marks(began, woke)
	if len(marks) != 1 || marks[0].Kind != model.MarkAsleep || marks[0].End.Sub(marks[0].Start) < time.Hour {
		t.Errorf("marks %+v", marks)
	}
	list, err := c.Source().QueryRange(t.Context(), "node_load1", began, woke, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if last := s.Points[len(s.Points)-1]; last.T > began.Add(testLimit).UnixMilli() {
			t.Errorf("a line into the sleep, to %v", time.UnixMilli(last.T))
		}
	}
	if text := problemIn(c, "time"); text != "" {
		t.Errorf("a sleep is no trouble: %q", text)
	}

	before := c.Source().Now()
	drillClock(t, dir, "set", "-1h")
	if now := c.Source().Now(); now.Before(before) {
		t.Errorf("time ran back from %v to %v", before, now)
	}
	if got := clockEvents(c); len(got) != 2 || got[0] != "set-back" {
		t.Errorf("events %v", got)
	}
	if text := problemIn(c, "time"); !strings.Contains(text, "system clock was set back 1 h 0 min") {
		t.Errorf("banner %q", text)
	}
	eventually(t, "polls go on", func() bool { return polled(t, c, before, c.Source().Now()) >= 4 })
	if d := c.Store().Dropped(); d.Late+d.Duplicate+d.Future > 0 {
		t.Errorf("dropped %+v", d)
	}
	left := c.Source().Now()
	closeCore(t, c)

	c = openCore(t, dir, "sources: [{kind: host, every: 1s}]\n")
	defer closeCore(t, c)
	if now := c.Source().Now(); now.Before(left.Add(-2*time.Second)) || now.After(left.Add(testLimit)) {
		t.Errorf("left at %v, went on at %v", left, now)
	}
	if got := clockEvents(c); len(got) != 3 || got[0] != "behind" {
		t.Errorf("events %v", got)
	}
}

func TestMoveClockRefused(t *testing.T) {
	c, err := Open(t.Context(), Options{DataDir: shortDir(t), Now: time.Now, Lab: true})
	if err != nil {
		t.Fatal(err)
	}
	defer closeCore(t, c)
	if err := c.moveClock("set", time.Hour); err == nil {
		t.Error("moved a clock that is not its own")
	}
	own := &Core{}
	own.openClock()
	if err := own.moveClock("sleep", -time.Hour); err == nil {
		t.Error("slept backwards")
	}
}
