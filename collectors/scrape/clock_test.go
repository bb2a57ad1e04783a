package scrape

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/collectors"
)

// TestClockOfTheWall: the wallboard's time goes on evenly when the clock of the machine is set, and samples are dated by
// it, not by the machine's, which Prometheus' scraper has.
func TestClockOfTheWall(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Round(0).Add(time.Duration(ahead.Load())) }
	x := serve(t, "a_value 1\n")
	b := watch(t, Config{Targets: []string{x.target()}}, func(env *collectors.Env) { env.Now = now })
	for _, shift := range []time.Duration{0, time.Hour, 30 * time.Minute} {
		b.mu.Lock()
		ahead.Store(int64(shift))
		before := len(b.series(x.target()))
		b.mu.Unlock()
		b.await("two scrapes", func() bool { return len(b.series(x.target())) >= before+2 }) // one may have been under way
		b.mu.Lock()
		last := b.series(x.target())[before+1]
		b.mu.Unlock()
		if off := now().Sub(last.Time); off < 0 || off > 2*testEvery {
			t.Errorf("with a clock that is %v ahead a scrape is dated %v before now", shift, off)
		}
		for _, s := range last.Samples {
			if s.T != last.Time.UnixMilli() {
				t.Errorf("%s is dated %v, its batch %v", s.Labels, time.UnixMilli(s.T), last.Time)
			}
		}
	}
}
