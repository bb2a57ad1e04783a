// Package clock is the time of the whole process. The wall hangs for months: meanwhile somebody sets
// the system clock, the machine sleeps, a hypervisor stops it. A chart must not get its samples twice
// for that, an alert must not fire for an hour that nobody saw, and people must be told.
//
// Everything asks one Clock. It counts the time since the machine was booted, suspend included, and
// compares that with the system clock once a second, by these rules:
//
//   - Differences of less than 2 s are made up for at 1 %: nobody notices, and time never runs backwards.
//   - When nothing of this process ran for 10 s or more, the machine slept (the boot clock went on, the
//     monotonic one did not) or the process was stopped. The boot clock knows how long, so the first
//     reading afterwards is right, whatever the system clock says.
//   - A system clock that is set ahead by 2 s to 10 min is followed at once: that is a correction.
//   - One that is further ahead may be a fault, and would make everything stale at a stroke. The Clock
//     goes on evenly for 5 min. If the system clock comes back within them, it is told and that is all;
//     if it stays, it is followed.
//   - A system clock that is set back is not followed: the same hour must not be lived, and stored, twice.
//     The Clock goes on, 1 % slow so that every rate stays right within 1 %, until the system clock has
//     caught up. After a restart it goes on from the time that was stored last, likewise.
//   - One that is set back by more than 3 h was wrong before, and catching up would take weeks. If it
//     stays for 5 min (after a restart: at once), it is followed. It is the only time that the Clock runs backwards.
//
// What follows in one step, ahead or back, leaves a stretch that nobody observed: see Report.Gap.
package clock

import (
	"context"
	"sync"
	"time"
)

// observeEvery is how often the clocks are compared.
const observeEvery = time.Second

// Reading is what the machine's clocks say at one moment.
type Reading struct {
	Wall time.Time     // the system clock, without Go's monotonic part
	Boot time.Duration // since some fixed moment, with the time that the machine slept
	Mono time.Duration // since some fixed moment, without it
}

// Clock is safe for concurrent use.
type Clock struct {
	read func() Reading
	tell func(Report)

	// Held through an observation and the telling of what it found, so that whoever observes after a
	// pause goes on only when all that follows from the pause has been done.
	observing sync.Mutex

	mu    sync.Mutex // guards all below; the clocks are read under it, so that no two answers cross
	rules rules
}

// New makes a Clock that starts at the system's time. read reads the machine's clocks; tell is told what
// happened to them, by one goroutine at a time, and may ask for Now.
func New(read func() Reading, tell func(Report)) *Clock {
	return &Clock{read: read, tell: tell, rules: newRules(read())}
}

// Now is the time, without Go's monotonic part.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rules.at(c.read().Boot)
}

// Resume goes on from what was stored last before the process was started. It is called once, before Run.
func (c *Clock) Resume(last time.Time) {
	c.note(func(r Reading) []Report { return c.rules.resume(r, last) })
}

// Observe compares the clocks. When it returns, everybody has been told what happened to them before
// it was called. It is cheap: those who bring what must not come before the news call it first.
func (c *Clock) Observe() {
	c.note(c.observe)
}

func (c *Clock) observe(r Reading) []Report { return c.rules.observe(r) }

// note takes a reading, has it looked at, and tells what came of it.
func (c *Clock) note(look func(Reading) []Report) {
	c.observing.Lock()
	defer c.observing.Unlock()
	c.mu.Lock()
	reports := look(c.read())
	c.mu.Unlock()
	for _, r := range reports {
		c.tell(r)
	}
}

// Trouble says, for the banner, how the system clock differs from this one; "" when it does not.
func (c *Clock) Trouble() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rules.trouble()
}

// Ahead is by how much this clock is ahead of the system's; negative when it is behind.
func (c *Clock) Ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.read()
	return c.rules.at(r.Boot).Sub(r.Wall)
}

// Run observes once a second until ctx ends.
func (c *Clock) Run(ctx context.Context) {
	tick := time.NewTicker(observeEvery)
	defer tick.Stop()
	for {
		c.Observe()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
