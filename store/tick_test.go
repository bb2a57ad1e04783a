package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// What is applied is on disk at the next tick, and not before.
func TestTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, err := Open(Options{Dir: dir, Tick: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		size := func() int64 {
			info, err := os.Stat(filepath.Join(dir, "wal-00000001.log"))
			if err != nil {
				t.Fatal(err)
			}
			return info.Size()
		}
		before := size()
		time.Sleep(300 * time.Millisecond)
		apply(t, s, model.Batch{Source: "x", Events: []model.Event{{Title: "one"}}})
		time.Sleep(600 * time.Millisecond)
		synctest.Wait()
		if got := size(); got != before {
			t.Errorf("%d bytes before the tick, want %d", got, before)
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		if got := size(); got <= before {
			t.Errorf("nothing was written at the tick")
		}
		before = size()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := size(); got != before {
			t.Errorf("ticks without news wrote %d bytes", got-before)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Apply(model.Batch{}); !errors.Is(err, ErrClosed) {
			t.Errorf("Apply on a closed store: %v", err)
		}
	})
}
