package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/app/clock"
	nocturne "github.com/nocturne-noc/nocturne/store/model"
)

const (
	// clockSource is the name under which events of the clocks are kept.
	clockSource = "clock"
	// pauseEnds is how long a pause ends every series: a shorter one is not told from a late poll.
	pauseEnds = time.Minute
	// aheadEvery is how often it is measured how far the wall's time is ahead of the system's.
	aheadEvery = 10 * time.Second
	// aheadMetric lets rules judge the clocks of others by the system clock.
	aheadMetric = "nocturne_clock_ahead_seconds"
)

// openClock makes the time that everything here goes by, unless a test has brought its own.
func (c *Core) openClock() {
	if c.opts.Now != nil {
		return
	}
	c.clock = clock.New(c.drill.Read, c.clockTold)
	c.opts.Now = c.clock.Now
}

// resumeClock goes on from what the store knows of before, and marks the time between.
func (c *Core) resumeClock(left time.Time) {
	if c.clock == nil {
		return
	}
	c.clock.Resume(left)
	if now := c.opts.Now(); !left.IsZero() && now.Sub(left) >= pauseEnds {
		c.pause(left, now, nocturne.MarkAsleep, "Nocturne did not run")
	}
}

// observe has everybody told what happened to the clocks, before anything is told that came after it.
func (c *Core) observe() {
	if c.clock != nil {
		c.clock.Observe()
	}
}

// apply is what collectors hand their batches to.
func (c *Core) apply(b nocturne.Batch) error {
	c.observe()
	return c.store.Apply(b)
}

// evalTime is the time at which rules are evaluated.
func (c *Core) evalTime() time.Time {
	c.observe()
	return c.opts.Now()
}

// clockTold passes on what happened to the clocks: an event, a mark in history, and the end of all lines
// where nobody observed anything.
func (c *Core) clockTold(r clock.Report) {
	c.opts.Log.Warn("clock", "what", string(r.Kind), "from", r.From, "to", r.To, "text", r.Text())
	e := nocturne.Event{Severity: nocturne.Warning, Kind: "clock", Title: "clock", Text: r.Text(),
		Labels: map[string]string{"what": string(r.Kind), "from": r.From.UTC().Format(time.RFC3339), "to": r.To.UTC().Format(time.RFC3339)}}
	if r.Over() {
		e.Severity = nocturne.OK
	}
	if err := c.store.Apply(nocturne.Batch{Source: clockSource, Time: c.opts.Now(), Events: []nocturne.Event{e}}); err != nil {
		c.opts.Log.Error("an event of the clock is not kept", "err", err)
	}
	kind := nocturne.MarkClock
	if r.Kind == clock.Slept || r.Kind == clock.Stopped {
		kind = nocturne.MarkAsleep
	}
	if from, to, ok := r.Gap(); ok {
		c.pause(from, to, kind, r.Text())
		return
	}
	c.mark(nocturne.Mark{Start: r.From, End: r.From, Kind: kind, Text: r.Text()})
}

// pause marks a stretch that nobody observed, and ends all lines where it begins.
func (c *Core) pause(from, to time.Time, kind, text string) {
	c.mark(nocturne.Mark{Start: from, End: to, Kind: kind, Text: text})
	if to.Sub(from) < pauseEnds {
		return
	}
	if err := c.store.Pause(from, to); err != nil {
		c.opts.Log.Error("the lines before a pause do not end", "err", err)
	}
}

func (c *Core) mark(m nocturne.Mark) {
	if err := c.store.Mark(m); err != nil {
		c.opts.Log.Error("a mark is not kept", "mark", m.Text, "err", err)
	}
}

// watchClock measures the clock until ctx ends.
func (c *Core) watchClock(ctx context.Context) {
	tick := time.NewTicker(aheadEvery)
	defer tick.Stop()
	for {
		c.tellAhead()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tellAhead measures how far the wall's time is ahead of the system's.
func (c *Core) tellAhead() {
	now := c.opts.Now().Truncate(aheadEvery)
	sample := nocturne.Sample{T: now.UnixMilli(), V: c.clock.Ahead().Round(time.Millisecond).Seconds(),
		Labels: labels.FromStrings(model.MetricNameLabel, aheadMetric)}
	err := c.apply(nocturne.Batch{Source: clockSource, Scope: clockSource, Time: now, Samples: []nocturne.Sample{sample}})
	if err != nil {
		c.opts.Log.Error("the clock is not measured", "err", err)
	}
}

// clockTrouble says how the system clock differs from the wall's time, for the banner.
func (c *Core) clockTrouble() string {
	if c.clock == nil {
		return ""
	}
	return c.clock.Trouble()
}

// moveClock is a fault drill: for this process the system clock is off by a duration ("set"), or the
// machine slept for one ("sleep").
func (c *Core) moveClock(what string, by time.Duration) error {
	switch {
	case c.clock == nil:
		return errors.New("this wallboard has a time of its own that cannot be moved")
	case what == "set":
		c.drill.Set(by)
	case by < 0:
		return fmt.Errorf("%s %v: nobody sleeps backwards", what, by)
	default:
		c.drill.Sleep(by)
	}
	c.observe()
	return nil
}
