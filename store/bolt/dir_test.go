package bolt

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func ms(s string) int64 {
	t, err := time.Parse(time.DateTime, s)
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}

func openTest(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := OpenDir(path, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func put(t *testing.T, d *Dir, tier *Tier, starts ...string) {
	t.Helper()
	for _, s := range starts {
		if _, err := d.Put(tier, window(ms(s), 20)); err != nil {
			t.Fatal(err)
		}
	}
}

func starts(t *testing.T, d *Dir, tier *Tier) []string {
	t.Helper()
	list, err := d.Windows(tier)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, w := range list {
		out = append(out, time.UnixMilli(w.Start).UTC().Format(time.DateTime))
	}
	return out
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

// names lists the files of the folder, but the lock's.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.Name() != lockName && e.Name() != pidName {
			out = append(out, e.Name())
		}
	}
	return out
}

// Each tier has its own files, and each is found again after opening anew.
func TestTiers(t *testing.T) {
	path := t.TempDir()
	d := openTest(t, path)
	raw := []string{"2026-01-31 22:00:00", "2026-02-01 00:00:00", "2026-02-01 02:00:00"}
	hours := []string{"2025-12-31 00:00:00", "2026-01-01 00:00:00"}
	put(t, d, Raw, raw...)
	put(t, d, FiveMinutes, raw...)
	put(t, d, OneHour, hours...)
	want := []string{"1h-2025.db", "1h-2026.db", "5m-202601.db", "5m-202602.db", "day-20260131.db", "day-20260201.db"}
	same(t, "files", want, names(t, path))
	for range 2 {
		same(t, "raw", raw, starts(t, d, Raw))
		same(t, "5m", raw, starts(t, d, FiveMinutes))
		same(t, "1h", hours, starts(t, d, OneHour))
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = openTest(t, path)
	}
	list, err := d.Windows(OneHour)
	if err != nil || list[0].End()-list[0].Start != 24*time.Hour.Milliseconds() {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestRetention(t *testing.T) {
	path := t.TempDir()
	d := openTest(t, path)
	put(t, d, Raw, "2026-01-30 00:00:00", "2026-01-31 22:00:00", "2026-02-01 00:00:00")
	put(t, d, FiveMinutes, "2026-01-30 00:00:00", "2026-02-01 00:00:00")
	windows, err := d.Windows(Raw)
	if err != nil {
		t.Fatal(err)
	}
	before, err := d.Size()
	if err != nil {
		t.Fatal(err)
	}
	same(t, "span", []int64{ms("2026-01-30 00:00:00"), ms("2026-02-01 02:00:00")}, []int64{before.Tiers[0].Start, before.Tiers[0].End})
	same(t, "files", []int{3, 2, 0}, []int{before.Tiers[0].Files, before.Tiers[1].Files, before.Tiers[2].Files})

	removed, err := d.Remove(Raw, ms("2026-01-30 23:59:59"))
	if removed || err != nil {
		t.Error("a day that is not over yet was removed", err)
	}
	removed, err = d.Remove(Raw, ms("2026-01-31 00:00:00"))
	if !removed || err != nil {
		t.Error("nothing was removed", err)
	}
	same(t, "left", []string{"2026-01-31 22:00:00", "2026-02-01 00:00:00"}, starts(t, d, Raw))
	if _, err := windows[0].File.Windows(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("reading what was removed: %v", err)
	}
	for _, want := range []bool{true, false} {
		if removed, err := d.RemoveOldest(Raw); removed != want || err != nil {
			t.Errorf("RemoveOldest: %v, %v", removed, err)
		}
	}
	same(t, "left", []string{"5m-202601.db", "5m-202602.db", "day-20260201.db"}, names(t, path))
	after, err := d.Size()
	if err != nil || after.Total() >= before.Total() || after.Tiers[1] != before.Tiers[1] {
		t.Errorf("%+v, it was %+v; %v", after, before, err)
	}
}

// A reader that is at work keeps its file until it is done.
func TestRemoveWaitsForReaders(t *testing.T) {
	d := openTest(t, t.TempDir())
	put(t, d, Raw, "2026-01-30 00:00:00")
	file := d.Files(Raw)[0]
	inside, removed := make(chan struct{}), make(chan error, 1)
	err := file.View(func(r *Reader) error {
		go func() {
			close(inside)
			_, err := d.Remove(Raw, ms("2026-02-01 00:00:00"))
			removed <- err
		}()
		<-inside
		for len(d.Files(Raw)) > 0 { // the removal has begun
			select {
			case err := <-removed:
				t.Fatal("removed below a reader", err)
			default:
			}
		}
		_, err := r.Windows()
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := <-removed; err != nil {
		t.Error(err)
	}
}

// Several versions of a day that are damaged one after the other are all kept, and all told of.
func TestDamage(t *testing.T) {
	path := t.TempDir()
	d := openTest(t, path)
	for n := range 3 {
		put(t, d, Raw, "2026-01-30 00:00:00", "2026-01-30 02:00:00", "2026-01-31 00:00:00")
		put(t, d, FiveMinutes, "2026-01-30 00:00:00")
		if n == 1 { // found while reading
			if err := d.SetAside(d.Files(Raw)[0], ErrDamaged); err != nil {
				t.Fatal(err)
			}
		} else { // found when opening
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(path, "day-20260130.db"), []byte("no such thing"), 0o600); err != nil {
				t.Fatal(err)
			}
			d = openTest(t, path)
			if len(d.Aside()) != 1 {
				t.Error(d.Aside())
			}
		}
		same(t, "the others are left alone", []string{"2026-01-31 00:00:00"}, starts(t, d, Raw))
		same(t, "the rollup too", []string{"2026-01-30 00:00:00"}, starts(t, d, FiveMinutes))
		if got := d.Damaged(); len(got) != n+1 {
			t.Errorf("%d damaged: %+v", n+1, got)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openTest(t, path)
	var paths []string
	for _, x := range d.Damaged() {
		paths = append(paths, filepath.Base(x.Path))
		if x.Tier != Raw || x.Start != ms("2026-01-30 00:00:00") || x.End != ms("2026-01-31 00:00:00") || !errors.Is(x.Err, ErrDamaged) {
			t.Errorf("%+v", x)
		}
	}
	same(t, "set aside", []string{"day-20260130.db.damaged", "day-20260130.db.damaged-2", "day-20260130.db.damaged-3"}, paths)
	if len(d.Aside()) != 0 {
		t.Error("told twice:", d.Aside())
	}
	size, err := d.Size()
	if err != nil || size.Aside == 0 {
		t.Errorf("%+v, %v", size, err)
	}
}

func TestAsideNames(t *testing.T) {
	for name, want := range map[string]bool{
		"day-20260130.db.damaged": true, "5m-202601.db.damaged-12": true, "day-20260130.db.damaged-1": false, "day-20260130.db.damaged-02": false,
		"day-20260130.db.damaged-x": false, "day-20269930.db.damaged": false, "day-20260130.db": false, "wal-00000001.log.damaged": false,
	} {
		if _, _, ok := asideOf(name); ok != want {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

// A file of another version fails the opening, and stays as it is.
func TestUnknownVersion(t *testing.T) {
	path := t.TempDir()
	d := openTest(t, path)
	put(t, d, Raw, "2026-01-30 00:00:00")
	file := d.Files(Raw)[0].Path()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	setVersion(t, file, 77)
	was, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := OpenDir(path, false); !errors.Is(err, ErrVersion) {
		t.Errorf("%v, %v", d, err)
	}
	if _, err := CreateFile(file, KindDay); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
	if is, err := os.ReadFile(file); err != nil || string(is) != string(was) {
		t.Error("it was changed", err)
	}
}

// Half of a new file is nothing, and does not stay.
func TestUnfinished(t *testing.T) {
	path := t.TempDir()
	for _, name := range []string{"day-20260130.db.tmp", "wal-00000001.log.tmp", "mine.tmp"} {
		if err := os.WriteFile(filepath.Join(path, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := openTest(t, path)
	same(t, "left", []string{"mine.tmp"}, names(t, path))
	if len(d.Aside())+len(d.Damaged()) != 0 {
		t.Error(d.Aside(), d.Damaged())
	}
}
