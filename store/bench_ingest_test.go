package store

import (
	"testing"

	"github.com/nocturne-noc/nocturne/store/model"
)

// BenchmarkIngest is one round of 10,000 series, synced, with the sealing and rolling up that falls
// due: for a profile. BenchmarkHistory compares with the peer.
func BenchmarkIngest(b *testing.B) {
	c := newClock()
	s := open(b, Options{Dir: b.TempDir(), Now: c.Now, Tick: never})
	f := newFleet()
	const ahead = 64
	var batches [ahead]model.Batch
	written := int64(0)
	b.ReportAllocs()
	before := cpuTime()
	cpu := cpuTime() - before
	for i := 0; b.Loop(); i++ {
		if i%ahead == 0 {
			b.StopTimer()
			at := c.now
			for k := range batches {
				batches[k] = f.batch(at)
				at = at.Add(benchEvery)
			}
			b.StartTimer()
		}
		before = cpuTime()
		apply(b, s, batches[i%ahead])
		s.mu.RLock()
		written += int64(len(s.journal.buf))
		s.mu.RUnlock()
		s.tick()
		cpu += cpuTime() - before
		c.advance(benchEvery)
	}
	n := float64(b.N) * benchSeries
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/sample")
	b.ReportMetric(float64(cpu.Nanoseconds())/n, "cpu-ns/sample")
	b.ReportMetric(float64(written)/n, "wal-B/sample")
}
