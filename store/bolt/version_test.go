package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	bbolt "go.etcd.io/bbolt"
)

func setVersion(t *testing.T, path string, version uint32) {
	t.Helper()
	change(t, path, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(keyVersion, binary.BigEndian.AppendUint32(nil, version))
	})
}

func change(t *testing.T, path string, do func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(do); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// makeOld turns the windows of a file into the form of version 1.
func makeOld(t *testing.T, path string) {
	t.Helper()
	f, err := OpenFile(path, KindDay)
	if err != nil {
		t.Fatal(err)
	}
	list, err := f.Windows()
	if err != nil {
		t.Fatal(err)
	}
	var data []*WindowData
	for _, info := range list {
		w, err := f.Read(info.Start)
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, w)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	change(t, path, func(tx *bbolt.Tx) error {
		for _, w := range data {
			bucket := tx.Bucket(bucketWindows).Bucket(windowKey(w.Start))
			if err := bucket.DeleteBucket(bucketBlocks); err != nil {
				return err
			}
			chunks, err := bucket.CreateBucket(bucketChunks)
			if err != nil {
				return err
			}
			for n, list := range w.Chunks {
				var value []byte
				for _, c := range list {
					value = append(binary.AppendUvarint(append(value, c.Encoding), uint64(len(c.Data))), c.Data...)
				}
				if err := chunks.Put(seriesKey(uint32(n)), sum(seriesKey(uint32(n)), value)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	setVersion(t, path, 1)
}

// A file of version 1 is read; written to, it becomes one of version 2 that still has it all; written
// anew, it has nothing of version 1 left.
func TestVersion1(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	f, err := CreateFile(path, KindDay)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Put(window(0, 300)); err != nil {
		t.Fatal(err)
	}
	if err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	want, err := readAll(path)
	if err != nil {
		t.Fatal(err)
	}
	makeOld(t, path)

	check := func(when string, version, old int) {
		t.Helper()
		got, err := readAll(path)
		if diff := cmp.Diff(want, got[:min(len(want), len(got))]); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", when, err, diff)
		}
		if f, err = OpenFile(path, KindDay); err != nil {
			t.Fatal(err)
		}
		if u, err := f.Usage(); err != nil || u.Version != version || u.Old != old || u.Used > u.Bytes {
			t.Errorf("%s: %+v, %v", when, u, err)
		}
	}
	check("version 1", 1, 1)
	if _, err := f.Put(window(Window.Milliseconds(), 300)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	check("written to", 2, 1)
	kept := fmt.Sprint(must(f.Windows()))
	before, after, err := f.Rewrite(func(w *WindowData) error {
		if len(w.Series) != 300 || string(w.Checkpoint) != "checkpoint" {
			t.Errorf("window %d: %d series, %q", w.Start, len(w.Series), w.Checkpoint)
		}
		return nil
	})
	if err != nil || after >= before {
		t.Errorf("written anew: %d bytes became %d, %v", before, after, err)
	}
	if len(kept) == 0 || len(must(f.Windows())) != 2 {
		t.Error("a window is lost")
	}
	if _, err := f.Put(window(2*Window.Milliseconds(), 3)); err != nil { // goes on
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f, err = OpenFile(path, KindDay)
	if err != nil {
		t.Fatal(err)
	}
	if u, err := f.Usage(); err != nil || u.Old != 0 {
		t.Errorf("%+v, %v", u, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// After a failure that may have lost pages that are still shown, the file is written anew, with all that it
// has, before it is gone on with; as long as that fails, it stays readable.
func TestSuspectFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	f, err := CreateFile(path, KindDay)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Put(window(0, 300)); err != nil {
		t.Fatal(err)
	}
	was := must(os.Stat(path))
	f.suspect = suspicion(fmt.Errorf("put: %w", syscall.EIO)) // as a sync fails
	if err := os.MkdirAll(filepath.Join(path+tmpSuffix, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Put(window(Window.Milliseconds(), 300)); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), path) {
		t.Errorf("put although the file cannot be written anew: %v", err)
	}
	if n := len(must(f.Windows())); n != 1 {
		t.Errorf("%d windows are left", n)
	}
	if err := os.RemoveAll(path + tmpSuffix); err != nil {
		t.Fatal(err)
	}
	for i := range int64(2) {
		if _, err := f.Put(window((1+i)*Window.Milliseconds(), 300)); err != nil {
			t.Error(err)
		}
		if is := must(os.Stat(path)); os.SameFile(was, is) {
			t.Error("it is the same file")
		} else if i > 0 && f.suspect != nil {
			t.Error("it is suspect still")
		}
	}
	if n := len(must(f.Windows())); n != 3 {
		t.Errorf("%d windows", n)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if suspicion(&os.PathError{Op: "write", Err: syscall.ENOSPC}) != nil {
		t.Error("a write that fails spoils nothing")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
