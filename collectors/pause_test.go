package collectors

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// After a sleep, or a clock that was set, each target is polled once and soon, not all at the same
// moment; the samples say when they were taken, and the grid goes on (faults 32 and 33).
func TestPollAfterPause(t *testing.T) {
	const targets, every = 40, 20 * time.Second
	for _, jump := range []time.Duration{time.Hour, 25 * time.Second, -5 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var offset atomic.Int64
				now := func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
				type taken struct{ target, at, dated time.Duration } // since the start
				var mu sync.Mutex
				var rounds []taken
				began := time.Now()
				var jobs []Job
				for i := range targets {
					jobs = append(jobs, Job{Target: fmt.Sprint(i), Every: every, Poll: pollFunc(func(_ context.Context, emit Emit) error {
						emit(model.Batch{Scope: fmt.Sprint(i), Samples: []model.Sample{{Labels: labels.FromStrings(prom.MetricNameLabel, "m"), V: float64(i)}}})
						return nil
					})})
				}
				w := &wallboard{}
				r := NewRunner(func(b model.Batch) error {
					mu.Lock()
					defer mu.Unlock()
					if len(b.Samples) == 1 {
						rounds = append(rounds, taken{time.Duration(b.Samples[0].V), now().Sub(began), time.UnixMilli(b.Samples[0].T).Sub(began)})
					}
					return nil
				}, w.status, Options{Now: now, Log: slog.New(slog.DiscardHandler)})
				if err := r.Set([]Source{source("s", jobs...)}); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { defer close(done); r.Run(ctx) }()
				time.Sleep(time.Minute)
				synctest.Wait()
				mu.Lock()
				rounds = nil
				mu.Unlock()
				offset.Store(int64(jump))
				time.Sleep(3*every + time.Second) // and the jitter of the last round
				synctest.Wait()
				cancel()
				<-done

				perTarget := map[time.Duration][]taken{}
				var at []time.Duration
				for _, r := range rounds {
					if late := r.at - r.dated; late < -time.Millisecond || late > time.Second {
						t.Errorf("target %d was polled at %v, and it is dated %v earlier", r.target, r.at, late)
					}
					if len(perTarget[r.target]) == 0 {
						at = append(at, r.at)
					}
					perTarget[r.target] = append(perTarget[r.target], r)
				}
				if len(perTarget) != targets {
					t.Fatalf("%d targets were polled, want %d", len(perTarget), targets)
				}
				for target, list := range perTarget {
					if n := len(list); n < 3 || n > 5 {
						t.Errorf("target %d was polled %d times in three intervals", target, n)
					}
					for i := 1; i < len(list); i++ {
						if apart := list[i].at - list[i-1].at; apart < every/4 {
							t.Errorf("target %d was polled twice within %v", target, apart)
						}
					}
				}
				slices.Sort(at)
				burst := 0
				for i := range at { // in any 200 ms
					n := 0
					for ; i+n < len(at) && at[i+n]-at[i] < 200*time.Millisecond; n++ {
					}
					burst = max(burst, n)
				}
				if burst > targets/2 {
					t.Errorf("%d of %d targets were polled within 200 ms", burst, targets)
				}
			})
		})
	}
}

// How long a round took, and how long it may take, is nothing that setting the clock can change.
func TestRoundWhileClockIsSet(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var offset atomic.Int64
			now := func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
			w := &wallboard{}
			r := NewRunner(w.sink, w.status, Options{Now: now, Log: slog.New(slog.DiscardHandler)})
			job := poll(time.Minute, func(ctx context.Context, _ Emit) error {
				select {
				case <-time.After(4 * time.Second):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			job.Timeout = 5 * time.Second
			if err := r.Set([]Source{source("s", job)}); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); r.Run(ctx) }()
			time.Sleep(2 * time.Second) // the round has begun
			synctest.Wait()
			offset.Store(int64(jump))
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if row := w.row(t, "s", "t"); row.State != model.OK || row.Duration != 4*time.Second {
				t.Errorf("clock set by %v: %+v, want a good round of 4 s", jump, row)
			}
			cancel()
			<-done
		})
	}
}
