package store

import (
	"testing"

	"github.com/nocturne-noc/nocturne/store/bolt"
)

// BenchmarkReopen opens a folder whose write-ahead file holds two hours of 10,000 series.
func BenchmarkReopen(b *testing.B) {
	c := newClock()
	c.set(c.now.Truncate(bolt.Window))
	opts := Options{Dir: b.TempDir(), Now: c.Now, Tick: never}
	s := open(b, opts)
	f := newFleet()
	for range 700 {
		apply(b, s, f.batch(c.now))
		s.tick()
		c.advance(benchEvery)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := Open(opts)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
