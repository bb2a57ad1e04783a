package collectors

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// job is a Job that runs.
type job struct {
	Job
	s     *running
	row   *row
	grid  grid
	first time.Duration // over which the first rounds of the source are spread
	drill atomic.Bool   // panic in the next round
	kick  chan struct{} // of a watch

	settledOnce bool // had a good round; guarded by s.mu

	// Of a polled job, for the wheel.
	at     time.Time // of the next round
	fresh  bool      // it is not one of the grid
	wake   time.Time // when the wheel is to make it, by the monotonic clock
	panics backoff
}

// firstSpread is how far the first rounds of so many targets are spread, so that the wall fills at
// once and yet not in a burst, behind which those that are due by their grids would queue.
func firstSpread(targets int) time.Duration {
	const perSecond = 300 // first rounds ask the most, and each dead target keeps a worker for all of its tries
	return max(time.Second, time.Duration(targets)*time.Second/perSecond)
}

// jitter keeps a poll from meeting the target's own timers at each round; small against the
// interval, since samples are dated by the grid.
func jitter(every time.Duration) time.Duration {
	return rand.N(min(every/100, 50*time.Millisecond) + 1)
}

// begin sets the first round.
func (j *job) begin() {
	now := j.s.r.now()
	j.at, j.fresh = now.Add(j.spread()), true
	j.sleepUntil(now)
}

// sleepUntil sets when the wheel comes to the next round. The distance to it is one of the wall's
// clock, and waited for by the monotonic one.
func (j *job) sleepUntil(now time.Time) {
	j.wake = time.Now().Add(wall(j.at).Sub(wall(now)) + jitter(j.Every))
}

// turn makes the round that is due, and sets the next one.
func (j *job) turn(ctx context.Context) {
	now := j.s.r.now()
	if now.Sub(j.at).Abs() > j.Every/2 && !j.fresh {
		// The machine slept, or the clock was set: what was due then is not made up for. Others come
		// from the same pause, so that this round is spread like a first one, and dated like one:
		// an instant of the grid may be long past.
		j.at, j.fresh = now.Add(j.spread()), true
		j.sleepUntil(now)
		return
	}
	t := now
	if !j.fresh {
		t = j.grid.floor(now.Add(j.Every / 16))
	}
	err := j.round(ctx, t)
	now = j.s.r.now()
	var wait time.Duration
	if errors.As(err, new(panicError)) {
		wait = j.panics.next()
	} else {
		j.panics.reset()
	}
	if j.fresh {
		wait = max(wait, j.Every/4)
	}
	from := now
	if !from.After(t) {
		from = t.Add(1) // the timer was a little early: this instant of the grid is done
	}
	j.at, j.fresh = j.grid.next(from, wait), false
	j.sleepUntil(now)
}

// spread is how long the target waits when all are to be polled at once.
func (j *job) spread() time.Duration {
	return time.Duration(float64(min(j.first, j.Every/2)) * float64(j.grid.phase) / float64(j.Every))
}

// round makes one round dated t.
func (j *job) round(ctx context.Context, t time.Time) (err error) {
	r := j.s.r
	timeout := j.Timeout
	if timeout == 0 {
		timeout = j.Every
	}
	round, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tell := &teller{job: j, ctx: ctx, time: t}
	j.row.begin(r.now())
	err = j.collect(round, tell.emit)
	if ctx.Err() != nil {
		return nil // stopped from outside: says nothing of the target
	}
	if errors.Is(err, context.DeadlineExceeded) && round.Err() != nil {
		err = fmt.Errorf("no answer within %v: %w", timeout, err)
	}
	samples, sinkErr := tell.result()
	if sinkErr != nil {
		err = errors.Join(err, sinkErr)
	}
	j.row.end(r.now(), samples, err)
	j.measure(t)
	j.settled(err)
	r.changed()
	return err
}

func (j *job) collect(ctx context.Context, emit Emit) (err error) {
	defer j.s.recovered(j.row, &err)
	if j.drill.Swap(false) {
		panic("fault drill")
	}
	return j.Poll.Collect(ctx, emit)
}

// watch keeps the watcher running until ctx ends.
func (j *job) watch(ctx context.Context) {
	var wait backoff
	for {
		began := j.s.r.now()
		err := j.watchOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if j.s.r.now().Sub(began) > maxBackoff {
			wait.reset()
		}
		pause := wait.next()
		if err == nil {
			err = fmt.Errorf("ended without saying why; started again in %v", pause)
		}
		j.row.health(j.s.r.now(), err)
		j.measure(j.grid.floor(j.s.r.now()))
		j.s.r.log.Warn("watch ended", "source", j.s.Name, "target", j.Target, "again_in", pause, "error", err)
		j.s.r.changed()
		if !sleep(ctx, pause) {
			return
		}
	}
}

// watchOnce runs the watcher until it ends and measures it at each instant of the grid.
func (j *job) watchOnce(ctx context.Context) error {
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- j.watchRecovered(watching) }()
	for {
		now := j.s.r.now()
		t := time.NewTimer(j.grid.next(now, time.Millisecond).Sub(wall(now)))
		select {
		case err := <-ended:
			t.Stop()
			return err
		case <-j.kick:
			if j.drill.Load() {
				cancel()
			}
		case <-t.C:
			j.measure(j.grid.floor(j.s.r.now().Add(j.Every / 16)))
		}
		t.Stop()
	}
}

func (j *job) watchRecovered(ctx context.Context) (err error) {
	defer j.s.recovered(j.row, &err)
	r := j.s.r
	tell := &teller{job: j, ctx: ctx, watch: true}
	err = j.Watch.Watch(ctx, tell.emit, func(health error) {
		if ctx.Err() != nil {
			return
		}
		j.row.health(r.now(), health)
		j.settled(health)
		r.changed()
	})
	if j.drill.Swap(false) {
		panic("fault drill")
	}
	return err
}
