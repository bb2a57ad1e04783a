package collectors

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestWheel holds that a source of many targets makes its rounds in time with bounded workers, that no target is in two
// rounds at once, and that a source that is too slow for its interval still serves all its targets alike.
func TestWheel(t *testing.T) {
	for _, tc := range []struct {
		name    string
		targets int
		rounds  int // of each target in a minute, at least
	}{
		{"easy", 1000, 6},
		{"too many", 3000, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				now, most := 0, 0
				rounds := make([]int, tc.targets)
				inside := make([]bool, tc.targets)
				var jobs []Job
				for i := range tc.targets {
					jobs = append(jobs, Job{Target: fmt.Sprint(i), Every: 10 * time.Second, Poll: pollFunc(func(context.Context, Emit) error {
						mu.Lock()
						if inside[i] {
							t.Errorf("target %d is in two rounds", i)
						}
						rounds[i]++
						now, inside[i] = now+1, true
						most = max(most, now)
						mu.Unlock()
						time.Sleep(2 * time.Second)
						mu.Lock()
						defer mu.Unlock()
						now, inside[i] = now-1, false
						return nil
					})})
				}
				start(t, source("s", jobs...))
				time.Sleep(71 * time.Second) // a first round at once, and a minute
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				if most > maxWorkers {
					t.Errorf("%d rounds at once, want at most %d", most, maxWorkers)
				}
				for i, n := range rounds {
					if n < tc.rounds {
						t.Errorf("target %d had %d rounds, want at least %d", i, n, tc.rounds)
					}
				}
			})
		})
	}
}
