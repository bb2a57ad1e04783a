package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bbolt "go.etcd.io/bbolt"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

// never is a tick that a test does not live to see: it ticks by itself.
const never = 1000 * time.Hour

// round applies what a small wall applies in one round: samples, an entity, an alert, a source row.
func round(t testing.TB, s *Store, c *clock, i int) {
	t.Helper()
	state := model.OK
	if i%7 == 3 {
		state = model.Critical
	}
	b := model.Batch{Source: "snmp", Scope: "sw", Time: c.now, Every: 10 * time.Second, Replace: true,
		Entities: []model.Entity{{ID: "device/sw", Kind: model.KindDevice, Name: "sw", State: state, Labels: map[string]string{"site": "x"}}},
		Links:    []model.Link{{A: "device/a", B: "device/sw", Kind: "ethernet", State: state, SpeedBPS: math.NaN()}},
		Events:   []model.Event{{Title: fmt.Sprint("trap ", i), Kind: "trap"}},
	}
	for k := range 5 {
		port := fmt.Sprint("eth", k)
		b.Samples = append(b.Samples,
			sample(c.now, float64(i*1000*(k+1)), "__name__", "octets", "device", "sw", "ifName", port),
			sample(c.now, float64(i)/7+float64(k), "__name__", "load", "device", "sw", "ifName", port))
	}
	apply(t, s, b)
	apply(t, s, model.Batch{Source: "alerts", Time: c.now, Alerts: []model.Alert{
		{ID: "1", Name: "Load", Severity: model.Warning, Since: c.now.Add(-time.Minute), Value: math.Inf(1), Labels: map[string]string{}},
		{ID: "2", Name: "Value", Severity: state, Since: c.now, Value: float64(i), Labels: map[string]string{}}}})
	if err := s.SetStatus([]model.SourceStatus{{Name: "snmp", Target: "sw", State: state, LastOK: c.now, Samples: i}}); err != nil {
		t.Fatal(err)
	}
}

// picture is all that a wall could show at one moment.
type picture struct {
	Entities []model.Entity
	Links    []model.Link
	Alerts   []model.Alert
	Sources  []model.SourceStatus
	Events   []model.Event
	Series   []model.Series
}

// pictureOf takes the samples of a span, as PromQL writes it, before at.
func pictureOf(t testing.TB, s model.Source, at time.Time, span string) picture {
	t.Helper()
	list, err := s.Query(context.Background(), `{__name__=~".+"}[`+span+`]`, at)
	if err != nil {
		t.Fatal(err)
	}
	return picture{s.Entities(model.Filter{}), s.Links(model.Filter{}), s.Alerts(), s.Sources(), s.Events(model.EventFilter{Limit: 1000}), list}
}

func diffPictures(want, got picture) string {
	return cmp.Diff(want, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
		cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }),
		cmp.Comparer(func(a, b model.Series) bool {
			return a.Labels.String() == b.Labels.String() && cmp.Equal(a.Points, b.Points, cmp.Comparer(func(x, y float64) bool {
				return math.Float64bits(x) == math.Float64bits(y)
			}))
		}))
}

// What was synced is there again, whether or not the store was closed; and it goes on.
func TestReopen(t *testing.T) {
	for _, rounds := range []int{1, 30, 3000} { // 3000 rounds are more than four windows
		t.Run(fmt.Sprint(rounds), func(t *testing.T) {
			c := newClock()
			dir := t.TempDir()
			opts := Options{Dir: dir, Now: c.Now, Tick: never}
			s := open(t, opts)
			for i := range rounds {
				round(t, s, c, i)
				if i%10 == 0 {
					s.tick()
				}
				c.advance(10 * time.Second)
			}
			if err := s.Health(); err != nil {
				t.Fatal(err)
			}
			want := pictureOf(t, s, c.now, "1d")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				s = open(t, opts)
				if diff := diffPictures(want, pictureOf(t, s, c.now, "1d")); diff != "" {
					t.Fatalf("after reopening (-before +after):\n%s", diff)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			s = open(t, opts)
			round(t, s, c, rounds)
			last := s.Events(model.EventFilter{Limit: 1, Kind: "trap"})[0]
			if want := want.Events[0].ID; last.ID <= want {
				t.Errorf("event number %d after %d", last.ID, want)
			}
			if got := evaluate(t, s, `octets{ifName="eth0"}`, c.now); got != float64(rounds*1000) {
				t.Errorf("octets = %v", got)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join(dir, "wal-*"))
			if err != nil || len(files) != 1 {
				t.Errorf("write-ahead files: %v, %v", files, err)
			}
		})
	}
}

func TestSealAndRetain(t *testing.T) {
	c := newClock() // 5:00
	dir := t.TempDir()
	s := open(t, Options{Dir: dir, Now: c.Now, Tick: never, Retention: 48 * time.Hour})
	start := c.now
	for i := range 3 * 24 * 6 { // three days of ten minutes
		round(t, s, c, i)
		s.tick()
		c.advance(10 * time.Minute)
	}
	if err := s.Health(); err != nil {
		t.Fatal(err)
	}
	days, err := filepath.Glob(filepath.Join(dir, "day-*.db"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range days {
		days[i] = filepath.Base(days[i])
	}
	if diff := cmp.Diff([]string{"day-20260305.db", "day-20260306.db", "day-20260307.db"}, days); diff != "" {
		t.Error(diff)
	}
	if got := evaluate(t, s, `count_over_time(octets{ifName="eth0"}[1d])`, c.now); got != 143 && got != 144 {
		t.Errorf("%v samples in the last day", got)
	}
	if got := evaluate(t, s, `octets{ifName="eth0"}`, start.Add(time.Hour)); got != 6000 {
		t.Errorf("the rollups of the first day tell %v", got)
	}
	if n := len(s.head.series[0].chunks); n > 2 {
		t.Errorf("%d chunks are still in memory", n)
	}
	if ev := s.Events(model.EventFilter{Kind: "trap", Limit: 10000}); len(ev) < 48*6 || ev[0].Title != "trap 431" {
		t.Errorf("%d events, the last %v", len(ev), ev[0])
	}
	one := model.EventFilter{Since: start.Add(48 * time.Hour), Until: start.Add(48*time.Hour + 9*time.Minute), Kind: "trap"}
	if ev := s.Events(one); len(ev) != 1 || ev[0].Title != "trap 288" {
		t.Errorf("events of ten minutes: %v", ev)
	}
}

func TestSecondInstance(t *testing.T) {
	dir := t.TempDir()
	open(t, Options{Dir: dir})
	_, err := Open(Options{Dir: dir})
	if !errors.Is(err, bolt.ErrInUse) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("second instance: %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	s := open(t, Options{Dir: dir, Now: c.Now, Tick: never})
	round(t, s, c, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	s = open(t, Options{Dir: dir, Now: c.Now, ReadOnly: true})
	if got := evaluate(t, s, `octets{ifName="eth4"}`, c.now); got != 5000 {
		t.Errorf("octets = %v", got)
	}
	if err := errors.Join(s.Apply(model.Batch{}), s.Sync()); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Apply: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// tree maps the names of files to their content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(b)
	}
	return out
}

func TestUnknownVersion(t *testing.T) {
	c := newClock()
	sealed := func(t *testing.T) string {
		dir := t.TempDir()
		s := open(t, Options{Dir: dir, Now: c.Now, Tick: never})
		round(t, s, c, 1)
		c.advance(3 * time.Hour)
		s.tick()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	newer := func(path string) error {
		if strings.HasSuffix(path, ".log") {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte{9}, 7)
			return errors.Join(err, f.Close())
		}
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			return err
		}
		return errors.Join(db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("meta")).Put([]byte("version"), binary.BigEndian.AppendUint32(nil, 9))
		}), db.Close())
	}
	for _, pattern := range []string{"day-*.db", "wal-*.log", "store.db"} {
		t.Run(pattern, func(t *testing.T) {
			dir := sealed(t)
			files, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil || len(files) != 1 {
				t.Fatal(files, err)
			}
			if err := newer(files[0]); err != nil {
				t.Fatal(err)
			}
			before := tree(t, dir)
			if _, err = Open(Options{Dir: dir, Now: c.Now}); !errors.Is(err, bolt.ErrVersion) || !strings.Contains(err.Error(), files[0]) {
				t.Errorf("Open: %v", err)
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Errorf("the folder was touched:\n%s", diff)
			}
		})
	}
}

// Whatever is at the end of the write-ahead file, all before it is there.
func TestTornTail(t *testing.T) {
	c := newClock()
	start := c.now
	dir := t.TempDir()
	opts := Options{Dir: dir, Now: c.Now, Tick: never}
	s := open(t, opts)
	for i := range 10 {
		round(t, s, c, i)
		c.advance(10 * time.Second)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wal, err := filepath.Glob(filepath.Join(dir, "wal-*"))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(wal[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		tail func() []byte
		lost bool
	}{
		{"garbage behind", func() []byte { return append(whole[:len(whole):len(whole)], "garbage, and more of it"...) }, false},
		{"zeros behind", func() []byte { return append(whole[:len(whole):len(whole)], make([]byte, 4096)...) }, false},
		{"a huge length behind", func() []byte { return append(whole[:len(whole):len(whole)], 0xff, 0xff, 0xff, 0x0f, 1, 2, 3, 4, 5) }, false},
		{"cut short", func() []byte { return whole[:len(whole)-3] }, true},
		{"bit flipped", func() []byte {
			b := append([]byte(nil), whole...)
			b[len(b)-5] ^= 4
			return b
		}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := os.WriteFile(wal[0], tc.tail(), 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, opts)
			// The last frame is a source row: the samples of the last round are in an earlier one.
			if got := evaluate(t, s, `octets{ifName="eth0"}`, c.now); got != 9000 {
				t.Errorf("octets = %v", got)
			}
			if row := s.Sources()[0]; (row.Samples == 8) != tc.lost {
				t.Errorf("the row of the last frame: %+v", row)
			}
			round(t, s, c, 10)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, opts)
			if got := evaluate(t, s, `count_over_time(octets{ifName="eth0"}[1h])`, c.now); got != 11 {
				t.Errorf("%v samples since %v, want 11", got, start)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

type brokenDisk struct{ wal }

func (brokenDisk) Append([]byte) error { return errors.New("no space left on device") }

// A disk that fails is an error state and one event; the wall goes on in memory, and when the disk
// works again everything is on it.
func TestBrokenDisk(t *testing.T) {
	c := newClock()
	dir := filepath.Join(t.TempDir(), "data")
	opts := Options{Dir: dir, Now: c.Now, Tick: never}
	s := open(t, opts)
	round(t, s, c, 0)
	s.tick()
	s.disk.wal = brokenDisk{s.disk.wal}
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 20; i++ {
		c.advance(10 * time.Second)
		round(t, s, c, i)
		s.tick()
		if s.Health() == nil {
			t.Fatal("the failure does not show")
		}
	}
	if got := evaluate(t, s, `octets{ifName="eth0"}`, c.now); got != 19000 {
		t.Errorf("octets = %v", got)
	}
	if err := os.Rename(dir+"-away", dir); err != nil {
		t.Fatal(err)
	}
	c.advance(10 * time.Second)
	round(t, s, c, 20)
	s.tick()
	if err := s.Health(); err != nil {
		t.Fatalf("still failing: %v", err)
	}
	s.tick() // the event that tells of it
	var texts []string
	for _, e := range s.Events(model.EventFilter{Kind: "store"}) {
		text, _, _ := strings.Cut(e.Text, ":")
		texts = append(texts, text)
	}
	if diff := cmp.Diff([]string{"history is being written again", "history is kept in memory only"}, texts); diff != "" {
		t.Error(diff)
	}
	want := pictureOf(t, s, c.now, "1d")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, opts)
	if diff := diffPictures(want, pictureOf(t, s, c.now, "1d")); diff != "" {
		t.Errorf("after reopening:\n%s", diff)
	}
}

// A day that cannot be read is set aside with an event, and the rest is there.
func TestDamagedDay(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	opts := Options{Dir: dir, Now: c.Now, Tick: never}
	s := open(t, opts)
	for i := range 36 {
		round(t, s, c, i)
		s.tick()
		c.advance(time.Hour)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "day-20260304.db"), []byte(strings.Repeat("noise", 4000)), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, opts)
	if ev := s.Events(model.EventFilter{Kind: "store"}); len(ev) != 1 || !strings.Contains(ev[0].Text, "day-20260304.db") {
		t.Errorf("events: %v", ev)
	}
	if got := evaluate(t, s, `octets{ifName="eth0"}`, c.now.Add(-10*time.Hour)); got != 26000 {
		t.Errorf("octets = %v", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "day-20260304.db.damaged")); err != nil {
		t.Error(err)
	}
}
