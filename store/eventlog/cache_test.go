package eventlog

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestCacheKeepsWhatWasUsedLast(t *testing.T) {
	c := NewCache(100)
	made := 0
	get := func(key string, size int) {
		if v, err := Get(c, key, func() (string, int, error) { made++; return key, size, nil }); err != nil || v != key {
			t.Fatal(v, err)
		}
	}
	get("a", 40)
	get("b", 40)
	get("a", 40)
	get("c", 40) // b goes
	get("a", 40)
	if made != 3 || c.Used() != 80 {
		t.Fatalf("made %d, %d bytes used", made, c.Used())
	}
	get("b", 40) // c goes
	get("a", 40)
	get("large", 101) // is not kept
	if made != 5 || c.Used() != 80 {
		t.Fatalf("made %d, %d bytes used", made, c.Used())
	}
	bad := errors.New("bad")
	for range 2 {
		if _, err := Get(c, "x", func() (int, int, error) { made++; return 0, 0, bad }); !errors.Is(err, bad) {
			t.Error(err)
		}
	}
	if made != 7 {
		t.Error("an error was kept")
	}
}

// Many who ask for the same thing at once have it made once.
func TestCacheMakesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCache(100)
		release := make(chan struct{})
		var made atomic.Int32
		var readers sync.WaitGroup
		for range 20 {
			readers.Go(func() {
				v, err := Get(c, 1, func() (string, int, error) { made.Add(1); <-release; return "x", 1, nil })
				if v != "x" || err != nil {
					t.Error(v, err)
				}
			})
		}
		synctest.Wait()
		if made.Load() != 1 {
			t.Errorf("made %d times", made.Load())
		}
		close(release)
		readers.Wait()
	})
}

// Going round and round through a little more than fits finds most of it.
func TestCacheOutlivesScans(t *testing.T) {
	c := NewCache(100)
	made := 0
	for i := range 12_000 {
		if _, err := Get(c, i%120, func() (int, int, error) { made++; return 0, 1, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if made > 8000 {
		t.Errorf("made %d of 12000", made)
	}
}
