package alert_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fleet has n switches that are hot for half of what it takes to fire, and n that fire.
func fleet(t *testing.T, n int) *bench {
	t.Helper()
	b := newBench(t, simpleRules(), nil)
	for i := range n {
		b.series[fmt.Sprintf(`temperature{device="fire%d"}`, i)] = 60
		b.series[fmt.Sprintf(`light{device="dark%d"}`, i)] = 0
	}
	b.step(70 * time.Second)
	for i := range n {
		b.series[fmt.Sprintf(`temperature{device="warm%d"}`, i)] = 60
	}
	b.step(35 * time.Second)
	if firing, pending := b.count(); firing != 2*n || pending != n {
		t.Fatalf("%d fire and %d are pending, want %d and %d", firing, pending, 2*n, n)
	}
	return b
}

func (b *bench) count() (firing, pending int) {
	for _, a := range b.store.Alerts() {
		if a.Pending {
			pending++
		} else {
			firing++
		}
	}
	return firing, pending
}

// sinces are the times since when alerts fire, by title.
func (b *bench) sinces() map[string]time.Time {
	out := map[string]time.Time{}
	for _, a := range b.store.Alerts() {
		if !a.Pending {
			out[a.Title] = a.Since
		}
	}
	return out
}

// After a gap nothing fires for time that nobody saw, and nothing resolves (fault 32).
func TestPause(t *testing.T) {
	const n = 50
	const resumed = 0                                          // the collectors have their first round when the rules have theirs
	for gap, lates := range map[time.Duration][]time.Duration{ // until the first round of the collectors
		35 * time.Second: {resumed, 25 * time.Second},
		2 * time.Minute:  {5 * time.Second},
		time.Hour:        {resumed, 5 * time.Second, 25 * time.Second},
		9 * time.Hour:    {25 * time.Second},
		-4 * time.Hour:   {resumed}, // nothing ends there: lines go on from what is of the future now
	} {
		for _, late := range lates {
			t.Run(fmt.Sprintf("%v, first round after %v", gap, late), func(t *testing.T) {
				b := fleet(t, n)
				events, sinces, left := b.events(), b.sinces(), b.now
				b.advance(gap)
				if gap > 0 { // as the wall does: lines end where the pause begins
					if err := b.store.Pause(left, b.now); err != nil {
						t.Fatal(err)
					}
				}
				told := b.series
				b.series = map[string]float64{}
				b.stepSilently(late)
				b.series = told
				b.step(25 * time.Second)
				if firing, pending := b.count(); firing != 2*n || pending != n {
					t.Errorf("%d fire and %d are pending, want %d and %d as before", firing, pending, 2*n, n)
				}
				if diff := cmp.Diff(events, b.events()); diff != "" {
					t.Errorf("the pause made events:\n%.2000s", diff)
				}
				if gap > 0 {
					if diff := cmp.Diff(sinces, b.sinces()); diff != "" {
						t.Errorf("since when they fire:\n%.2000s", diff)
					}
				}
				b.step(10 * time.Second) // 35 s before the gap, and what is left of the minute
				if firing, pending := b.count(); firing != 3*n || pending != 0 {
					t.Errorf("%d fire and %d are pending, want all %d to fire: their time has been seen", firing, pending, 3*n)
				}
			})
		}
	}
}

// Two pauses in a row, the second before anybody was heard of again, count neither.
func TestPauseTwice(t *testing.T) {
	b := fleet(t, 1)
	events := b.events()
	for range 2 {
		left := b.now
		b.advance(time.Hour)
		if err := b.store.Pause(left, b.now); err != nil {
			t.Fatal(err)
		}
		told := b.series
		b.series = map[string]float64{}
		b.stepSilently(20 * time.Second)
		b.series = told
	}
	b.step(25 * time.Second)
	if firing, pending := b.count(); firing != 2 || pending != 1 {
		t.Errorf("%d fire and %d are pending, want 2 and 1", firing, pending)
	}
	if diff := cmp.Diff(events, b.events()); diff != "" {
		t.Errorf("the pauses made events:\n%s", diff)
	}
	b.step(10 * time.Second)
	if firing, _ := b.count(); firing != 3 {
		t.Errorf("%d fire, want 3", firing)
	}
}

// stepSilently evaluates the rules while no collector tells anything.
func (b *bench) stepSilently(d time.Duration) {
	b.t.Helper()
	for end := b.now.Add(d); b.now.Before(end); {
		b.advance(b.every)
		b.manager.Eval(b.t.Context(), b.now)
	}
}
