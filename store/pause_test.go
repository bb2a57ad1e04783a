package store

import (
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// A sleep is a gap: what was measured last ends where the sleep begins, and begins again with the first
// poll, in PromQL and so in every chart (fault 32).
func TestPause(t *testing.T) {
	began := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	for _, asleep := range []time.Duration{2 * time.Minute, time.Hour, 5 * time.Hour} {
		t.Run(asleep.String(), func(t *testing.T) {
			now := began
			s, err := Open(Options{Dir: t.TempDir(), Now: func() time.Time { return now }, Tick: never})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}()
			poll := func(rounds int) {
				for range rounds {
					octets := float64(now.Unix()-began.Unix()) * 1000
					apply(t, s, model.Batch{Source: "s", Scope: "s", Time: now, Every: 10 * time.Second, Samples: []model.Sample{
						sample(now, octets, "__name__", "octets"),
						sample(now, 1, "__name__", "up"),
						sample(now, 7, "__name__", forState),
					}})
					now = now.Add(10 * time.Second)
				}
			}
			poll(60)
			last := now.Add(-10 * time.Second)
			from := last.Add(4 * time.Second)
			now = from.Add(asleep)
			woke := now
			if err := s.Pause(from, woke); err != nil {
				t.Fatal(err)
			}
			if got := points(t, s, "up", now, now, time.Second); len(got) != 0 {
				t.Errorf("before the first poll: %v", got)
			}
			now = now.Add(3 * time.Second)
			first := now
			poll(60)
			for _, p := range points(t, s, "up", began, now, time.Second) {
				if at := time.UnixMilli(p.T); !at.Before(from) && at.Before(first) {
					t.Fatalf("a point at %v, asleep from %v, polled at %v", at, from, first)
				}
			}
			if got := points(t, s, "up", from.Add(-time.Second), from.Add(-time.Second), time.Second); len(got) != 1 {
				t.Errorf("a moment before the sleep: %v", got)
			}
			if got := points(t, s, "up", first, now, time.Second); len(got) < 590 {
				t.Errorf("after the sleep %d points", len(got))
			}
			for _, p := range points(t, s, "rate(octets[1m])", began, now, 5*time.Second) {
				// PromQL reaches less than its range where a line begins or ends, and never beyond.
				if p.V <= 0 || p.V > 1001 {
					t.Errorf("a rate of %v at %v, it was 1000 all the time", p.V, time.UnixMilli(p.T))
				}
			}
			if got := points(t, s, forState, from.Add(time.Minute), from.Add(time.Minute), time.Second); len(got) != 1 {
				t.Errorf("the rules' own notes end too: %v", got)
			}
			if d := s.Dropped(); d != (Dropped{}) {
				t.Errorf("dropped %+v", d)
			}
		})
	}
}

// What came after the pause is not ended by it, and what ended before does not end again.
func TestPauseLeavesOthers(t *testing.T) {
	now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	s, err := Open(Options{Now: func() time.Time { return now }, Tick: never})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	from, to := now.Add(time.Minute), now.Add(time.Hour)
	apply(t, s, model.Batch{Source: "s", Scope: "s", Time: now, Replace: true, Samples: []model.Sample{sample(now, 1, "__name__", "ended")}})
	apply(t, s, model.Batch{Source: "s", Scope: "s", Time: now.Add(time.Second), Replace: true, Samples: []model.Sample{sample(now.Add(time.Second), 1, "__name__", "other")}})
	now = to
	apply(t, s, model.Batch{Source: "s", Scope: "new", Time: now, Samples: []model.Sample{sample(now, 1, "__name__", "new")}})
	for range 2 {
		if err := s.Pause(from, to); err != nil {
			t.Fatal(err)
		}
	}
	if got := points(t, s, "new", now, now, time.Second); len(got) != 1 {
		t.Errorf("new: %v", got)
	}
	if got := points(t, s, "other", now, now, time.Second); len(got) != 0 {
		t.Errorf("other: %v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Pause(from, to); err == nil {
		t.Error("paused when closed")
	}
}

// A store knows when it was left, so that time can go on from there.
func TestLeft(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	open := func() *Store {
		t.Helper()
		s, err := Open(Options{Dir: dir, Now: func() time.Time { return now }, Tick: never})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	if left := s.Left(); !left.IsZero() {
		t.Errorf("a new folder was left at %v", left)
	}
	now = now.Add(time.Minute)
	apply(t, s, model.Batch{Source: "s", Scope: "s", Time: now, Every: time.Minute, Samples: []model.Sample{sample(now, 1, "__name__", "up")}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want := now
	now = now.Add(-time.Hour) // the system clock is set back meanwhile
	s = open()
	if left := s.Left(); !left.Equal(want) {
		t.Errorf("left at %v, want %v", left, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// points are the only line of a query, none when there is none.
func points(t *testing.T, s *Store, expr string, start, end time.Time, step time.Duration) []model.Point {
	t.Helper()
	list, err := s.QueryRange(t.Context(), expr, start, end, step)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		return nil
	}
	if len(list) > 1 {
		t.Fatalf("%s has %d lines", expr, len(list))
	}
	return list[0].Points
}
