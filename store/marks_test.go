package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Marks are there after a restart, however old they are.
func TestMarks(t *testing.T) {
	c := newClock()
	start := c.now
	opts := Options{Dir: t.TempDir(), Now: c.Now, Tick: never, Retention: 24 * time.Hour}
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	mark := func(from, to time.Duration, kind, text string) model.Mark {
		return model.Mark{Start: start.Add(from), End: start.Add(to), Kind: kind, Text: text}
	}
	sleep, set := mark(time.Hour, 2*time.Hour, model.MarkAsleep, "slept"), mark(0, time.Minute, model.MarkClock, "set back")
	for _, m := range []model.Mark{mark(time.Hour, time.Hour, model.MarkAsleep, "sleeps"), sleep, set} {
		if err := s.Mark(m); err != nil {
			t.Fatal(err)
		}
	}
	if s.Mark(model.Mark{Start: start}) == nil || s.Mark(mark(2, 1, model.MarkClock, "")) == nil {
		t.Error("a mark without kind, or that ends before it begins, is taken")
	}
	check := func(from, to time.Duration, want ...model.Mark) {
		t.Helper()
		if diff := cmp.Diff(want, s.Marks(start.Add(from), start.Add(to)), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("marks from %v to %v (-want +got):\n%s", from, to, diff)
		}
	}
	check(0, 24*time.Hour, set, sleep)
	s.tick()
	s = killed(t, s, opts)
	check(0, 24*time.Hour, set, sleep)
	for range 100 { // four days
		c.advance(time.Hour)
		s.tick()
	}
	s = killed(t, s, opts)
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	check(0, 1000*time.Hour, set, sleep)
	check(90*time.Minute, 100*time.Minute, sleep)
	check(2*time.Minute, 59*time.Minute)
}
