package host

import (
	"syscall"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// BenchmarkCollect reads this machine; cpu-ns/op is what all goroutines of it used,
// and the programs that it started. At 5 s a round, 75 ms
// would be 1.5 % of a core.
func BenchmarkCollect(b *testing.B) {
	c := New("box", time.Now)
	_ = c.Collect(b.Context(), func(model.Batch) {}) // the first round looks at everything
	before := cpuTime(b)
	for b.Loop() {
		_ = c.Collect(b.Context(), func(model.Batch) {})
	}
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// cpuTime is what this process and its children have used, in nanoseconds.
func cpuTime(b *testing.B) int64 {
	b.Helper()
	var total int64
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var used syscall.Rusage
		if err := syscall.Getrusage(who, &used); err != nil {
			b.Fatal(err)
		}
		total += used.Utime.Nano() + used.Stime.Nano()
	}
	return total
}
