package store

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
)

// BenchmarkPanels asks for a week on 40 panels, out of 10,000 series that were polled every ten seconds,
// and for a year out of 200 that were polled every minute. Nothing is remembered between the questions.
func BenchmarkPanels(b *testing.B) {
	for _, tc := range []struct {
		name   string
		series int
		every  time.Duration
		days   int
	}{{"week", benchSeries, benchEvery, 7}, {"year", 200, time.Minute, 365}} {
		b.Run(tc.name, func(b *testing.B) {
			c := newClock()
			c.set(c.now.Truncate(24 * time.Hour))
			start := c.now
			s := open(b, Options{Dir: b.TempDir(), Now: c.Now, Tick: never, Retention: 1000 * 24 * time.Hour})
			l := newFleet()
			l.labels, l.values = l.labels[:tc.series], l.values[:tc.series]
			for c.now.Before(start.AddDate(0, 0, tc.days)) {
				apply(b, s, l.batch(c.now))
				s.tick()
				c.advance(tc.every)
			}
			if err := s.Health(); err != nil {
				b.Fatal(err)
			}
			end := c.now.Add(-tc.every)
			step := (end.Sub(start) / 600).Round(time.Second)
			var times, cpu []time.Duration
			runtime.LockOSThread() // a query runs on one thread, whose processor time is its own on a busy machine too
			defer runtime.UnlockOSThread()
			b.ResetTimer()
			for b.Loop() {
				for i := range 10 * 40 {
					panel := i % 40
					expr := panelExpr(panel, tc.series, step)
					from, used := time.Now(), threadTime()
					got, err := ranged(context.Background(), s.Engine(), s.Queryable(), expr, start, end, step)
					times, cpu = append(times, time.Since(from)), append(cpu, threadTime()-used)
					if err != nil || len(got) == 0 || len(got[0].Points) < 590 {
						b.Fatalf("%s: %d lines: %v", expr, len(got), err)
					}
				}
			}
			first := slices.Sorted(slices.Values(times[:40])) // files and indexes are touched for the first time
			b.ReportMetric(float64(first[20])/1e6, "p50-first-ms")
			b.ReportMetric(float64(first[39])/1e6, "max-first-ms")
			for name, list := range map[string][]time.Duration{"": times[40:], "-cpu": cpu[40:]} {
				slices.Sort(list)
				b.ReportMetric(float64(list[len(list)/2])/1e6, "p50"+name+"-ms")
				b.ReportMetric(float64(list[len(list)*99/100])/1e6, "p99"+name+"-ms")
			}
		})
	}
}

func threadTime() time.Duration {
	const thread = 1 // RUSAGE_THREAD of getrusage(2)
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// panelExpr is what a panel asks: rates of some ten ports, what a device's sensors say, sums.
func panelExpr(panel, series int, step time.Duration) string {
	device := fmt.Sprintf("switch-%03d", panel%(series/100))
	switch panel % 4 {
	case 0:
		return fmt.Sprintf(`rate(ifHCInOctets{device=%q,ifName=~"Gi1/0/[0-2].?"}[%ds])*8`, device, int(step.Seconds())*2)
	case 1:
		return fmt.Sprintf(`max by (device) (sensor{device=%q})`, device)
	case 2:
		return fmt.Sprintf(`max_over_time(sensor{device=%q,ifName=~"Gi1/0/[1-3].?"}[%ds])`, device, int(step.Seconds()))
	default:
		return fmt.Sprintf(`sensor{device=%q,ifName=~"Gi1/0/[2-4].?"}`, device)
	}
}
