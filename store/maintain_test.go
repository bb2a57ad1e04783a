package store

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/chunk"
	"github.com/nocturne-noc/nocturne/store/eventlog"
	"github.com/nocturne-noc/nocturne/store/model"
)

func quiet(string) {}

// twoDays is a store that has run for a little more than two days, with rollups.
func twoDays(t *testing.T, opts Options, c *clock) *Store {
	t.Helper()
	s := open(t, opts)
	for i := range 3000 {
		round(t, s, c, i)
		if i%10 == 0 {
			s.tick()
		}
		c.advance(time.Minute)
	}
	for range 100 { // rollups are made one at a tick
		s.tick()
	}
	if err := s.Health(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Check counts what there is; a backup of a running store is a store of its own, with all that was
// applied; both leave the store as it was.
func TestCheckAndBackup(t *testing.T) {
	c := newClock()
	opts := Options{Dir: t.TempDir(), Now: c.Now, Tick: never}
	s := twoDays(t, opts, c)
	round(t, s, c, 5000) // not synced yet
	want := pictureOf(t, s, c.now, "10d")

	report, err := s.Check(t.Context(), quiet)
	if err != nil || len(report.Damage) > 0 {
		t.Fatal(err, report)
	}
	raw, fine := report.Tiers[0], report.Tiers[1]
	if raw.Series != 10 || raw.Samples < 10*2800 || raw.Samples > 10*3001 || raw.Files < 2 || raw.BytesPerSample() <= 0 || !raw.End.After(raw.Start) {
		t.Errorf("raw: %+v", raw)
	}
	if fine.Windows != raw.Windows || fine.Series != 10 || fine.Samples < raw.Samples/6 || report.Tiers[2].Windows == 0 {
		t.Errorf("rollups: %+v", report.Tiers)
	}
	if report.Events < 2800 || report.EventBytes == 0 || report.StateBytes == 0 || report.WALBytes == 0 || report.AsideBytes != 0 {
		t.Errorf("%+v", report)
	}

	to := filepath.Join(t.TempDir(), "copy")
	copied, err := s.Backup(t.Context(), to, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if want := raw.Files + fine.Files + report.Tiers[2].Files + 1; copied.Files != want || copied.Bytes == 0 {
		t.Errorf("%+v, want %d files", copied, want)
	}
	if _, err := s.Backup(t.Context(), to, quiet); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a second backup into the same folder: %v", err)
	}
	again, err := CheckDir(t.Context(), to, quiet)
	if err != nil || len(again.Damage) > 0 || cmp.Diff(report.Tiers[0].Samples, again.Tiers[0].Samples) != "" {
		t.Errorf("the copy: %+v, %v", again, err)
	}
	b := open(t, Options{Dir: to, Now: c.Now, Tick: never})
	if diff := diffPictures(want, pictureOf(t, b, c.now, "10d")); diff != "" {
		t.Errorf("the copy (-original +copy):\n%s", diff)
	}
	if diff := diffPictures(want, pictureOf(t, s, c.now, "10d")); diff != "" {
		t.Errorf("the original (-before +after):\n%s", diff)
	}
	for _, x := range []*Store{b, s} {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Check(t.Context(), quiet); !errors.Is(err, ErrClosed) {
		t.Errorf("check of a closed store: %v", err)
	}
	second := filepath.Join(t.TempDir(), "second")
	if offline, err := BackupDir(t.Context(), opts.Dir, second, quiet); err != nil || offline.Files != copied.Files {
		t.Errorf("backup of a folder that nobody uses: %+v, %v", offline, err)
	}
}

// A backup that is broken off, at whichever file, leaves nothing that looks like one.
func TestBackupStopped(t *testing.T) {
	c := newClock()
	s := twoDays(t, Options{Dir: t.TempDir(), Now: c.Now, Tick: never}, c)
	for at := 0; ; at++ {
		to := filepath.Join(t.TempDir(), "copy")
		ctx, cancel := context.WithCancel(t.Context())
		left := at
		_, err := s.Backup(ctx, to, func(string) {
			if left == 0 {
				cancel()
			}
			left--
		})
		cancel()
		if left >= 0 {
			if err != nil || at < 5 {
				t.Errorf("%d files: %v", at, err)
			}
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("stopped at file %d: %v", at, err)
		}
		if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("stopped at file %d: the folder is there: %v", at, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// wastefulDir has a day that was written several times over, of random samples.
func wastefulDir(t *testing.T) string {
	t.Helper()
	path := t.TempDir()
	dir, err := bolt.OpenDir(path, false)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	w := &bolt.WindowData{MinT: 0, MaxT: 99_000}
	for n := range 500 {
		var c chunk.Chunk
		for i := range 100 {
			c.Append(int64(i)*1000, r.NormFloat64())
		}
		w.Series = append(w.Series, labels.FromStrings("__name__", "m", "n", strconv.Itoa(1000+n)))
		w.Chunks = append(w.Chunks, []bolt.Chunk{{Encoding: c.Encoding(), Data: c.Bytes()}})
		w.Samples += c.Len()
	}
	for range 3 {
		if _, err := dir.Put(bolt.Raw, w); err != nil {
			t.Fatal(err)
		}
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCompact(t *testing.T) {
	path := wastefulDir(t)
	before, err := CheckDir(t.Context(), path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	_, err = CompactDir(stopped, path, func(string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	if entries, err := os.ReadDir(path); err != nil || len(entries) != 2 { // the day and the lock
		t.Errorf("stopping left %v, %v", entries, err)
	}
	report, err := CompactDir(t.Context(), path, quiet)
	if err != nil || len(report.Files) != 1 || report.Files[0].After >= report.Files[0].Before*3/4 {
		t.Fatalf("%+v, %v", report, err)
	}
	after, err := CheckDir(t.Context(), path, quiet)
	if err != nil || len(after.Damage) > 0 {
		t.Fatal(err, after)
	}
	before.Tiers[0].Bytes = report.Files[0].After
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	if report, err := CompactDir(t.Context(), path, quiet); err != nil || len(report.Files) != 0 || report.Looked != 1 {
		t.Errorf("once more: %+v, %v", report, err)
	}
}

// Compacting a running store leaves what it shows as it is.
func TestCompactRunning(t *testing.T) {
	c := newClock()
	s := open(t, Options{Dir: wastefulDir(t), Now: c.Now, Tick: never, Retention: 100 * 365 * 24 * time.Hour})
	want, err := s.Query(t.Context(), "sum(sum_over_time(m[1m]))", time.UnixMilli(99_000))
	if err != nil || len(want) != 1 {
		t.Fatal(want, err)
	}
	report, err := s.Compact(t.Context(), quiet)
	if err != nil || len(report.Files) != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	got, err := s.Query(t.Context(), "sum(sum_over_time(m[1m]))", time.UnixMilli(99_000))
	if diff := cmp.Diff(want[0].Points, got[0].Points); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// What a version before wrote says the same afterwards.
func TestModernize(t *testing.T) {
	old := chunkenc.NewXORChunk()
	app, err := old.Appender()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		app.Append(0, int64(i)*1000, float64(i)/3)
	}
	events := []model.Event{{ID: 1, Time: time.UnixMilli(5000).UTC(), Title: "one", Kind: "trap"}, {ID: 2, Time: time.UnixMilli(6000).UTC(), Title: "two"}}
	var packed []byte
	for i := range events {
		b, err := json.Marshal(&events[i])
		if err != nil {
			t.Fatal(err)
		}
		packed = appendBytes(packed, b)
	}
	var today chunk.Chunk
	today.Append(60_000, 7)
	w := &bolt.WindowData{
		Series: []labels.Labels{labels.FromStrings("a", "b")}, Events: packed,
		Chunks: [][]bolt.Chunk{{{Encoding: chunk.XOR, Data: old.Bytes()}, {Encoding: today.Encoding(), Data: today.Bytes()}}},
	}
	if err := modernize(w); err != nil {
		t.Fatal(err)
	}
	if len(w.Chunks[0]) != 1 || w.Chunks[0][0].Encoding != chunk.Delta {
		t.Fatalf("%+v", w.Chunks)
	}
	var it chunk.Iterator
	if err := it.Reset(chunk.Delta, w.Chunks[0][0].Data); err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; it.Next() != chunkenc.ValNone; n++ {
		ts, v := it.At()
		if n < 50 && (ts != int64(n)*1000 || v != float64(n)/3) || n == 50 && (ts != 60_000 || v != 7) {
			t.Errorf("sample %d is %v at %d", n, v, ts)
		}
	}
	block, err := eventlog.Decode(w.Events)
	if err != nil || n != 51 || w.EventIndex == nil {
		t.Fatal(err, n)
	}
	list, err := block.Events()
	if diff := cmp.Diff(events, list); err != nil || diff != "" {
		t.Error(err, diff)
	}
	w.Chunks[0] = []bolt.Chunk{{Encoding: 99, Data: []byte("x")}}
	if err := modernize(w); !errors.Is(err, bolt.ErrDamaged) {
		t.Errorf("a chunk that cannot be read: %v", err)
	}
}

// Each kind of damage is named, and nothing is touched.
func TestCheckDamage(t *testing.T) {
	window := func(change func(*bolt.WindowData)) *bolt.WindowData {
		var c chunk.Chunk
		c.Append(1000, 1)
		c.Append(2000, 2)
		w := &bolt.WindowData{
			MinT: 1000, MaxT: 2000, Samples: 2, Series: []labels.Labels{labels.FromStrings("a", "b")},
			Chunks: [][]bolt.Chunk{{{Encoding: c.Encoding(), Data: c.Bytes()}}},
		}
		change(w)
		return w
	}
	for _, tt := range []struct {
		name   string
		change func(*bolt.WindowData)
		want   string // "" for no damage
	}{
		{"none", func(*bolt.WindowData) {}, ""},
		{"count", func(w *bolt.WindowData) { w.Samples = 3 }, "it has 2 samples, not 3"},
		{"chunk", func(w *bolt.WindowData) { w.Chunks[0][0].Data = w.Chunks[0][0].Data[:3] }, "series 0: "},
		{"encoding", func(w *bolt.WindowData) { w.Chunks[0][0].Encoding = 77 }, "encoding 77"},
		{"time twice", func(w *bolt.WindowData) { w.Chunks[0] = append(w.Chunks[0], w.Chunks[0][0]) }, "a sample at 1000 follows one at 2000"},
		{"state", func(w *bolt.WindowData) { w.Checkpoint = []byte("?") }, "its state: "},
		{"events", func(w *bolt.WindowData) { w.Events = []byte("?") }, "its events: "},
		{"order", func(w *bolt.WindowData) {
			w.Series = append(w.Series, labels.FromStrings("a", "a"))
			w.Chunks = append(w.Chunks, nil)
		}, "not sorted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := t.TempDir()
			dir, err := bolt.OpenDir(path, false)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := dir.Put(bolt.Raw, window(tt.change)); err != nil {
				t.Fatal(err)
			}
			if err := dir.Close(); err != nil {
				t.Fatal(err)
			}
			report, err := CheckDir(t.Context(), path, quiet)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(report.Damage, "\n"); tt.want == "" && got != "" || !strings.Contains(got, tt.want) || tt.want != "" && !strings.Contains(got, "day-19700101.db") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
