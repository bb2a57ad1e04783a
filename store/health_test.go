package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

// storeTexts are the texts of the store's own events, newest first, up to the first colon.
func storeTexts(s *Store) (texts []string) {
	for _, e := range s.Events(model.EventFilter{Kind: "store"}) {
		text, _, _ := strings.Cut(e.Text, ":")
		texts = append(texts, text)
	}
	return texts
}

// A folder that cannot even be read keeps nobody from watching.
func TestNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := newClock()
	s := open(t, Options{Dir: filepath.Join(file, "data"), Now: c.Now, Tick: never})
	for i := range 40 * 6 {
		round(t, s, c, i)
		s.tick()
		if list := storeTexts(s); i < 60 && len(list) != 1 {
			t.Fatalf("events: %q", list)
		}
		c.advance(10 * time.Minute)
	}
	err := s.Health()
	if err == nil {
		t.Fatal("the failure does not show")
	}
	for _, want := range []string{"runs from memory", file, "start anew", "samples that waited for it are lost"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if got := evaluate(t, s, `octets{ifName="eth0"}`, c.now.Add(-10*time.Minute)); got != 239000 {
		t.Errorf("octets = %v", got)
	}
	if got := s.Dropped().Memory; got < 13*6*10 || got > 17*6*10 { // 40 hours, of which a day is kept
		t.Errorf("%d samples were given up", got)
	}
	if err := s.Sync(); err == nil {
		t.Error("Sync claims that all is on disk")
	}
}

// A folder that is full or read-only when the store is opened shows what history there is; when it can
// be written again, all that was missed is written.
func TestOpenUnwritable(t *testing.T) {
	for _, tc := range []struct {
		name         string
		break_, heal func(t *testing.T, dir string)
	}{
		{"read-only", func(t *testing.T, dir string) { remount(t, dir, true) }, func(t *testing.T, dir string) { remount(t, dir, false) }},
		{"full", fill, func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "ballast")); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			disk := smallDisk(t)
			c := newClock()
			opts := Options{Dir: filepath.Join(disk, "data"), Now: c.Now, Tick: never}
			rolled(t, c, opts, 20)
			tc.break_(t, disk)
			s, err := Open(opts)
			if err != nil {
				t.Fatal(err)
			}
			for i := 20; i < 40; i++ { // seals a window meanwhile
				round(t, s, c, i)
				s.tick()
				if err := s.Health(); err == nil || !strings.Contains(err.Error(), opts.Dir) {
					t.Fatalf("Health: %v", err)
				}
				c.advance(10 * time.Minute)
			}
			if got := evaluate(t, s, `count_over_time(octets{ifName="eth0"}[1d])`, c.now); got != 40 {
				t.Errorf("%v samples can be read, want 40", got)
			}
			tc.heal(t, disk)
			for range 3 {
				c.advance(10 * time.Second)
				s.tick()
			}
			if err := s.Health(); err != nil {
				t.Fatalf("still failing: %v", err)
			}
			if list := storeTexts(s); len(list) != 2 || list[0] != "history is being written again" {
				t.Errorf("events: %q", list)
			}
			round(t, s, c, 40)
			s.tick()
			s = killed(t, s, opts)
			if got := evaluate(t, s, `count_over_time(octets{ifName="eth0"}[1d])`, c.now); got != 41 {
				t.Errorf("%v samples are there after a restart, want 41", got)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A disk that fills up while the store runs: the wall goes on, both ends are told, nothing is lost.
func TestDiskFillsUp(t *testing.T) {
	disk := smallDisk(t)
	c := newClock()
	opts := Options{Dir: filepath.Join(disk, "data"), Now: c.Now, Tick: never}
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	rounds := 0
	more := func(n int) {
		t.Helper()
		for range n {
			round(t, s, c, rounds)
			rounds++
			s.tick()
			c.advance(10 * time.Minute)
		}
	}
	more(20)
	fill(t, disk)
	more(20)
	if s.Health() == nil {
		t.Fatal("the failure does not show")
	}
	if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
		t.Fatal(err)
	}
	more(2)
	if err := s.Health(); err != nil {
		t.Fatalf("still failing: %v", err)
	}
	if list := storeTexts(s); len(list) != 2 {
		t.Errorf("events: %q", list)
	}
	s = killed(t, s, opts)
	if got := evaluate(t, s, `count_over_time(octets{ifName="eth0"}[1d])`, c.now); got != float64(rounds) {
		t.Errorf("%v samples are there after a restart, want %d", got, rounds)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A second instance and a newer version are refused also where nothing could be written.
func TestRefusedIsNotUnwritable(t *testing.T) {
	for _, err := range []error{bolt.ErrInUse, bolt.ErrVersion, bolt.ErrDamaged, errors.New("another")} {
		if unwritable(err) {
			t.Errorf("%v would be taken for a disk that is full", err)
		}
	}
}
