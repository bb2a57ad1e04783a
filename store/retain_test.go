package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

func filesIn(t *testing.T, dir, pattern string) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		names = append(names, filepath.Base(path))
	}
	return names
}

// What is larger than allowed goes by whole files, the oldest samples first, each with an event.
func TestSizeCap(t *testing.T) {
	c := newClock()
	opts := Options{Dir: t.TempDir(), Now: c.Now, Tick: never}
	rolled(t, c, opts, 4*24*6)
	last := c.now.Add(-10 * time.Minute)
	s := open(t, opts)
	size, err := s.dir.Size()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		limit int64
		days  []string
		told  []string
	}{
		{"enough", size.Total() * 2, []string{"day-20260304.db", "day-20260305.db", "day-20260306.db", "day-20260307.db", "day-20260308.db"}, nil},
		{"a little too much", size.Total() * 9 / 10, []string{"day-20260305.db", "day-20260306.db", "day-20260307.db", "day-20260308.db"},
			[]string{"the oldest file of samples is removed, from 2026-03-04 on"}},
		{"far too much", 1, []string{"day-20260308.db"}, []string{"nothing is left that may be removed",
			"from 2026-03-07 on", "from 2026-03-06 on", "from 2026-03-05 on"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := c.now
			opts.MaxBytes = tc.limit
			s := open(t, opts)
			for range 3 { // says it once
				s.tick()
				c.advance(cleanEvery)
			}
			if err := s.Health(); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tc.days, filesIn(t, opts.Dir, "day-*")); diff != "" {
				t.Error(diff)
			}
			list := s.Events(model.EventFilter{Kind: "store", Since: before})
			if len(list) != len(tc.told) {
				t.Fatalf("events: %v", list)
			}
			for i, want := range tc.told {
				if !strings.Contains(list[i].Text, want) || !strings.Contains(list[i].Text, "store.max_size") {
					t.Errorf("event %q does not say %q", list[i].Text, want)
				}
			}
			if got := evaluate(t, s, `octets{ifName="eth0"}`, last); got != 4*24*6*1000-1000 {
				t.Errorf("the last sample is %v", got)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A day that turns out to be damaged while the wall runs is set aside once, with an event and a mark;
// its rollups and the other days go on, also after a restart.
func TestDamageFoundByReader(t *testing.T) {
	c := newClock()
	start := c.now
	opts := Options{Dir: t.TempDir(), Now: c.Now, Tick: never}
	rolled(t, c, opts, 3*24*6)
	s := open(t, opts)
	scratch(t, filepath.Join(opts.Dir, "day-20260305.db"))
	noon := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	ask := func() {
		for _, expr := range []string{`count_over_time(octets[20h])`, `count_over_time(load[20h])`} {
			if _, err := s.Query(t.Context(), expr, noon.Add(8*time.Hour)); err != nil {
				t.Errorf("%s: %v", expr, err)
			}
		}
	}
	ask()
	ask() // while nobody has looked after it
	s.tick()
	ask()
	s.tick()
	check := func() {
		t.Helper()
		if diff := cmp.Diff([]string{"day-20260304.db", "day-20260305.db.damaged", "day-20260306.db", "day-20260307.db"}, filesIn(t, opts.Dir, "day-*")); diff != "" {
			t.Error(diff)
		}
		list := s.Events(model.EventFilter{Kind: "store"})
		if len(list) != 1 || !strings.Contains(list[0].Text, "day-20260305.db is damaged") {
			t.Errorf("events: %v", list)
		}
		marks := s.Marks(start, c.now)
		if len(marks) != 1 || marks[0].Kind != model.MarkDamaged || !marks[0].Start.Equal(noon.Add(-12*time.Hour)) || !marks[0].End.Equal(noon.Add(12*time.Hour)) {
			t.Errorf("marks: %v", marks)
		}
		if got := evaluate(t, s, `octets{ifName="eth0"}`, noon); got != 186000 {
			t.Errorf("the rollups of the day tell %v", got)
		}
		if got := evaluate(t, s, `count_over_time(octets{ifName="eth0"}[10h])`, noon.Add(36*time.Hour)); got != 60 {
			t.Errorf("the next day has %v samples", got)
		}
	}
	check()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, opts)
	check()
}

// scratch spoils all of a bbolt file but its two meta pages, under the eyes of whoever has it open.
func scratch(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	const metaPages = 2 * 4096
	for i := metaPages; i < len(b); i++ {
		b[i] ^= 0x55
	}
	if _, err := f.WriteAt(b[metaPages:], metaPages); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// Damage of one tier's file leaves the others alone, and rollups are made again from the samples.
func TestDamagedRollups(t *testing.T) {
	c := newClock()
	opts := Options{Dir: t.TempDir(), Now: c.Now, Tick: never}
	rolled(t, c, opts, 2*24*6)
	for _, name := range []string{"5m-202603.db", "1h-2026.db"} {
		if err := os.WriteFile(filepath.Join(opts.Dir, name), []byte(strings.Repeat("noise", 4000)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, opts)
	if list := storeTexts(s); len(list) != 2 {
		t.Errorf("events: %q", list)
	}
	catchUpAll(t, s)
	if diff := cmp.Diff(starts(s, bolt.Raw), starts(s, bolt.FiveMinutes)); diff != "" {
		t.Errorf("windows of 5 minute rollups (-raw +5m):\n%s", diff)
	}
	checkRollups(t, s)
	if marks := s.Marks(c.now.Add(-48*time.Hour), c.now); len(marks) != 0 {
		t.Errorf("marks where nothing is missing: %v", marks)
	}
}
