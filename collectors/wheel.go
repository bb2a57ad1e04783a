package collectors

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// maxWorkers bounds how many rounds of one source are made at once. Most of a round is waiting for
// the target: ten thousand devices that take half a second each, polled once a minute, need about
// eighty workers, and the ones that do not answer some more.
const maxWorkers = 512

// wheel makes the rounds of a source's polled jobs. It turns once an interval, and each job has its
// place on it by the phase of its grid; a job that is in a round is off the wheel, so that there is
// never a second one. Beside the bounded workers it costs a target nothing but its place.
type wheel struct {
	places places
	due    []*job    // in order, waiting for a worker
	todo   chan *job // to the workers
	done   chan *job // back from them
	busy   int       // workers in a round
	hired  int       // workers there are
}

func newWheel() *wheel {
	return &wheel{todo: make(chan *job, maxWorkers), done: make(chan *job, maxWorkers)}
}

// run makes rounds until ctx ends and the last of them has ended.
func (w *wheel) run(ctx context.Context, jobs []*job) {
	var workers sync.WaitGroup
	defer workers.Wait()
	defer close(w.todo)
	for _, j := range jobs {
		j.begin()
		heap.Push(&w.places, j)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case j := <-w.done:
			w.busy--
			heap.Push(&w.places, j)
		}
		now := time.Now()
		for len(w.places) > 0 && !w.places[0].wake.After(now) {
			w.due = append(w.due, heap.Pop(&w.places).(*job))
		}
		for len(w.due) > 0 && w.busy < maxWorkers {
			if w.busy == w.hired {
				w.hired++
				workers.Go(func() { w.work(ctx) })
			}
			w.busy++
			w.todo <- w.due[0]
			w.due = w.due[1:]
		}
		if len(w.places) > 0 {
			timer.Reset(time.Until(w.places[0].wake))
		}
	}
}

// work makes one round after the other until there will be no more.
func (w *wheel) work(ctx context.Context) {
	for j := range w.todo {
		j.turn(ctx)
		w.done <- j
	}
}

// places are the jobs that wait, the next one first.
type places []*job

func (p places) Len() int           { return len(p) }
func (p places) Less(i, k int) bool { return p[i].wake.Before(p[k].wake) }
func (p places) Swap(i, k int)      { p[i], p[k] = p[k], p[i] }
func (p *places) Push(x any)        { *p = append(*p, x.(*job)) }
func (p *places) Pop() any {
	last := len(*p) - 1
	j := (*p)[last]
	*p = (*p)[:last]
	return j
}
