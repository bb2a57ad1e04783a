package store

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/bolt"
)

// starts lists the windows of a tier by their UTC starts.
func starts(s *Store, tier *bolt.Tier) (out []string) {
	for _, w := range s.archive.list(tier) {
		out = append(out, time.UnixMilli(w.Start).UTC().Format("02 15h"))
	}
	return out
}

// rolled runs a store for some days of ten minute rounds in a folder.
func rolled(t *testing.T, c *clock, opts Options, rounds int) {
	t.Helper()
	s := open(t, opts)
	for i := range rounds {
		round(t, s, c, i)
		s.tick()
		c.advance(10 * time.Minute)
	}
	if err := s.Health(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// catchUpAll ticks until all rollups are there.
func catchUpAll(t testing.TB, s *Store) {
	t.Helper()
	for range 1000 {
		s.keeper.mu.Lock()
		done := s.keeper.caughtUp
		s.keeper.mu.Unlock()
		if done {
			return
		}
		s.tick()
		if err := s.Health(); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("rollups do not get done")
}

// Each sealed window is rolled up, each complete day merged; a rollup file that is lost is made again.
func TestRollups(t *testing.T) {
	c := newClock() // 5:00 on the 4th
	opts := Options{Dir: t.TempDir(), Now: c.Now, Tick: never}
	rolled(t, c, opts, 2*24*6+12) // until 7:00 on the 6th
	for _, lost := range []string{"", "5m-*.db", "1h-*.db", "*h-*.db", "[15][mh]-*.db"} {
		t.Run("without "+lost, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(opts.Dir, lost))
			if err != nil || lost != "" && len(files) == 0 {
				t.Fatal(files, err)
			}
			for _, file := range files {
				if lost != "" {
					if err := os.Remove(file); err != nil {
						t.Fatal(err)
					}
				}
			}
			s := open(t, opts)
			catchUpAll(t, s)
			if diff := cmp.Diff(starts(s, bolt.Raw), starts(s, bolt.FiveMinutes)); diff != "" {
				t.Errorf("windows of 5 minute rollups (-raw +5m):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"04 00h", "05 00h"}, starts(s, bolt.OneHour)); diff != "" {
				t.Errorf("days:\n%s", diff)
			}
			checkRollups(t, s)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// checkRollups compares every window of every rollup with one made again from the samples.
func checkRollups(t testing.TB, s *Store) {
	t.Helper()
	compare := func(w bolt.SealedWindow, want *bolt.WindowData, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		got, err := thaw(w)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil || len(got.Series) != len(want.Series) {
			t.Fatalf("%s: window %v: %d series, want those of %v", w.Tier.Name, time.UnixMilli(w.Start).UTC(), len(got.Series), want)
		}
		for n := range want.Series {
			if diff := cmp.Diff(fmt.Sprint(want.Series[n], want.Chunks[n]), fmt.Sprint(got.Series[n], got.Chunks[n])); diff != "" {
				t.Fatalf("%s: window %v:\n%s", w.Tier.Name, time.UnixMilli(w.Start).UTC(), diff)
			}
		}
	}
	raw := map[int64]bolt.SealedWindow{}
	for _, w := range s.archive.list(bolt.Raw) {
		raw[w.Start] = w
	}
	days := map[int64][]bolt.SealedWindow{}
	for _, w := range s.archive.list(bolt.FiveMinutes) {
		days[bolt.OneHour.Start(w.Start)] = append(days[bolt.OneHour.Start(w.Start)], w)
		if raw[w.Start].File == nil {
			continue // removed by retention
		}
		data, err := thaw(raw[w.Start])
		if err != nil {
			t.Fatal(err)
		}
		want, err := rollUp(data)
		compare(w, want, err)
	}
	for _, w := range s.archive.list(bolt.OneHour) {
		if raw[w.Start].File == nil {
			continue
		}
		want, err := mergeDay(w.Start, days[w.Start])
		compare(w, want, err)
	}
}

// A day that gets another window after it was merged is merged again.
func TestDayMergedAgain(t *testing.T) {
	c := newClock()
	opts := Options{Dir: t.TempDir(), Now: c.Now, Tick: never}
	s := open(t, opts)
	round(t, s, c, 1)
	start := c.now
	c.advance(24 * time.Hour)
	s.tick()
	catchUpAll(t, s)
	late := sample(start.Add(4*time.Hour), 7, "__name__", "late") // of a window that had nothing
	apply(t, s, batchOf("s", late))
	c.advance(2 * time.Hour)
	s.tick()
	catchUpAll(t, s)
	if diff := cmp.Diff([]string{"04 04h", "04 08h"}, starts(s, bolt.FiveMinutes)[:2]); diff != "" {
		t.Error(diff)
	}
	if w := s.archive.list(bolt.OneHour)[0]; w.Series != 11 {
		t.Errorf("the day has %d series, want 11", w.Series)
	}
	checkRollups(t, s)
}
