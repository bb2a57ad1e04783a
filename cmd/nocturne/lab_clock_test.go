//go:build lab

package main

import (
	"fmt"
	"maps"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// firing are the titles of the alerts that fire.
func (l *lab) firing() []string {
	titles := map[string]bool{}
	for _, a := range l.alerts() {
		if !a.Pending {
			titles[a.Title] = true
		}
	}
	return slices.Sorted(maps.Keys(titles))
}

// noStorm checks that the pause that begins was no cause of any alert: those that fired fire on, and no
// others came or went.
func (l *lab) noStorm(before []string, from time.Time) {
	l.t.Helper()
	if diff := cmp.Diff(before, l.firing()); diff != "" {
		l.t.Errorf("alerts (-before +after):\n%s", diff)
	}
	list, err := l.events("alert")
	if err != nil {
		l.t.Fatal(err)
	}
	for _, e := range list {
		if e.Time.After(from) {
			l.t.Errorf("event at %v: %s %s", e.Time.Format(time.TimeOnly), e.Title, e.Text)
		}
	}
}

// gap checks that no line of a query leads from one moment to another.
func (l *lab) gap(expr string, from, to time.Time) {
	l.t.Helper()
	for _, series := range l.matrix(fmt.Sprintf("%s[%ds:1s]", expr, int(to.Sub(from).Seconds())), to) {
		for _, s := range series {
			if s.at.After(from) {
				l.t.Errorf("%s has a value at %v: the wall was away from %v to %v", expr, s.at, from, to)
				return
			}
		}
	}
}

// TestLabSleep is fault 32, in two ways: the process is stopped for real, and a drill lets it believe
// that the machine slept for an hour.
func TestLabSleep(t *testing.T) {
	l := newLab(t)
	began := l.start()
	l.within(began, 30*time.Second, "start shows host, devices, links and cluster", l.up)
	at := l.fault("link-down")
	l.within(at, 3*poll+5*time.Second, "alert", l.alerting("LinkDown", "core1", true))
	time.Sleep(time.Until(at.Add(45 * time.Second))) // what else follows from the cut cable has fired
	firing, since := l.firing(), l.alert("LinkDown").Since

	const stopped = 70 * time.Second
	from := l.now()
	l.signal(syscall.SIGSTOP)
	time.Sleep(stopped)
	l.signal(syscall.SIGCONT)
	woke := time.Now()
	l.within(woke, 5*time.Second, "an event says that Nocturne was stopped", l.told("clock", "Nocturne was stopped for 1 min 1"))
	l.within(woke, poll+time.Second, "all is alive again", l.alive)
	time.Sleep(time.Until(woke.Add(30 * time.Second)))
	l.noStorm(firing, from)
	l.gap("node_load1", from.Add(2*time.Second), from.Add(stopped-time.Second))
	l.gap("sum(ifHCInOctets)", from.Add(2*time.Second), from.Add(stopped-time.Second))

	from = l.now()
	l.fault("machine-sleeps")
	woke = time.Now()
	l.within(woke, 5*time.Second, "an event says that the machine slept", l.told("clock", "the machine slept for 1 h 0 min"))
	l.within(woke, poll+6*time.Second, "all is alive again", l.alive)
	time.Sleep(time.Until(woke.Add(30 * time.Second)))
	l.noStorm(firing, from)
	l.gap("node_load1", from.Add(2*time.Second), from.Add(time.Hour-time.Second))
	l.gap("sum(ifHCInOctets)", from.Add(2*time.Second), from.Add(time.Hour-time.Second))
	if again := l.alert("LinkDown").Since; !again.Equal(since) {
		t.Errorf("LinkDown was active since %v, after the sleep since %v", since, again)
	}
	if now := l.now(); time.Until(now) < 59*time.Minute {
		t.Errorf("the wall's time is %v", now)
	}
	checkSamples(t, l.samples(ownClock, 70*time.Minute, l.now()))
	l.checkRates(70*time.Minute, l.now())
	if err := l.problem("time:", false)(); err != nil {
		t.Error(err)
	}
	l.heal("link-down")
}

// alive checks that nothing is stale.
func (l *lab) alive() error {
	all, err := l.entities()
	if err != nil {
		return err
	}
	stale := 0
	for _, e := range all {
		if e.State == "stale" {
			stale++
		}
	}
	if stale > 0 || len(all) == 0 {
		return fmt.Errorf("%d of %d things are stale", stale, len(all))
	}
	return nil
}

// TestLabClockBack is fault 33: the system clock is set back an hour, and later right again.
func TestLabClockBack(t *testing.T) {
	l := newLab(t)
	began := l.start()
	l.within(began, 30*time.Second, "start shows host, devices, links and cluster", l.up)
	time.Sleep(time.Until(began.Add(60 * time.Second))) // what a start brings by itself is over
	firing := l.firing()

	from := l.now()
	at := l.fault("clock-back")
	l.within(at, 3*time.Second, "an event says so", l.told("clock", "system clock was set back 1 h 0 min"))
	l.within(at, 3*time.Second, "the banner says so", l.problem("system clock was set back 1 h 0 min", true))
	time.Sleep(40 * time.Second)
	if err := l.up(); err != nil {
		t.Error(err)
	}
	if passed := l.now().Sub(from); passed < 39*time.Second || passed > 60*time.Second {
		t.Errorf("%v have passed in a little more than 40 s", passed)
	}
	l.noStorm(firing, from)

	at = l.heal("clock-back")
	l.within(at, 3*time.Second, "an event says that it is over", l.told("clock", "agree again"))
	l.within(at, 3*time.Second, "the banner is gone", l.problem("time:", false))
	time.Sleep(15 * time.Second)
	l.noStorm(firing, from)
	now := l.now()
	if off := time.Until(now).Abs(); off > 2*time.Second {
		t.Errorf("the wall's time is off by %v", off)
	}
	all := l.samples(ownClock, now.Sub(from)+30*time.Second, now)
	checkSamples(t, all)
	for i := 1; i < len(all); i++ { // a poll comes at its instant of the grid, or in its place a little later
		if apart := all[i].at.Sub(all[i-1].at); apart > poll+poll/2 {
			t.Errorf("%v without a sample before %v", apart, all[i].at)
		}
	}
	t.Logf("%d samples in %v", len(all), now.Sub(from)+30*time.Second)
	l.checkRates(now.Sub(from)+30*time.Second, now)
}
