package collectors

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// running is a source with its goroutines.
type running struct {
	Source
	r         *Runner
	cancel    context.CancelFunc
	done      chan struct{}
	inherited *running // the same source under its former configuration, nil for none

	mu     sync.Mutex
	rows   []*row
	jobs   []*job
	scopes map[string]bool // that this source has told of
	settle int             // jobs that have not had a good round yet
}

func (s *running) newRow(target string, every time.Duration) *row {
	return &row{source: s.Name, kind: s.Kind, target: target, every: every}
}

func (s *running) allRows() []*row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows
}

func (s *running) scopesSeen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.scopes))
}

func (s *running) drill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		j.drill.Store(true)
		select {
		case j.kick <- struct{}{}:
		default:
		}
	}
}

// run opens the source, with backoff while that fails, and runs its jobs until ctx ends.
func (s *running) run(ctx context.Context) {
	var wait backoff
	opening := s.allRows()[0]
	for {
		opening.begin(s.r.now())
		jobs, err := s.open(opening)
		if err == nil {
			s.runJobs(ctx, jobs)
			return
		}
		opening.end(s.r.now(), 0, err)
		s.r.log.Error("source cannot be opened", "source", s.Name, "kind", s.Kind, "error", err)
		s.r.changed()
		if !sleep(ctx, wait.next()) {
			return
		}
	}
}

func (s *running) open(row *row) (jobs []Job, err error) {
	defer s.recovered(row, &err)
	jobs, err = s.Open()
	if err != nil {
		return nil, err
	}
	for _, j := range jobs {
		if (j.Poll == nil) == (j.Watch == nil) || j.Every <= 0 {
			return nil, fmt.Errorf("target %q: want an interval and either a poll or a watch", j.Target)
		}
	}
	return jobs, nil
}

func (s *running) runJobs(ctx context.Context, jobs []Job) {
	s.mu.Lock()
	s.rows, s.settle = nil, len(jobs)
	for _, j := range jobs {
		row := s.newRow(j.Target, j.Every)
		s.rows = append(s.rows, row)
		s.jobs = append(s.jobs, &job{Job: j, s: s, row: row, grid: newGrid(s.Name, j.Target, j.Every), first: firstSpread(len(jobs))})
		if j.Watch != nil {
			s.jobs[len(s.jobs)-1].kick = make(chan struct{}, 1)
		}
	}
	s.mu.Unlock()
	s.r.changed()
	var wg sync.WaitGroup
	var polled []*job
	for _, j := range s.jobs {
		if j.Poll != nil {
			polled = append(polled, j)
		} else {
			wg.Go(func() { j.watch(ctx) })
		}
		if j.Beside != nil {
			wg.Go(func() { j.beside(ctx) })
		}
	}
	wg.Go(func() { newWheel().run(ctx, polled) })
	wg.Wait()
}

// recovered turns a panic into *err. It is to be deferred.
func (s *running) recovered(row *row, err *error) {
	if p := recover(); p != nil {
		row.panicked()
		s.r.log.Error("collector panicked", "source", s.Name, "target", row.target, "panic", p, "stack", string(debug.Stack()))
		*err = panicError{fmt.Errorf("panicked: %v (the stack is in the log; it is started again by itself)", p)}
	}
}

// panicError tells a panic from an ordinary failure.
type panicError struct{ error }

// settled withdraws what the source told under its former configuration and tells no more, once
// every job had a good round.
func (j *job) settled(err error) {
	s := j.s
	if !success(err) {
		return
	}
	s.mu.Lock()
	if j.settledOnce {
		s.mu.Unlock()
		return
	}
	j.settledOnce = true
	s.settle--
	old := s.inherited
	last := s.settle == 0 && old != nil
	if last {
		s.inherited = nil
	}
	s.mu.Unlock()
	if !last {
		return
	}
	var gone []string
	for _, scope := range old.scopesSeen() {
		s.mu.Lock()
		told := s.scopes[scope]
		s.mu.Unlock()
		if !told {
			gone = append(gone, scope)
		}
	}
	s.withdraw(gone)
}

// withdraw tells that the scopes hold nothing any more.
func (s *running) withdraw(scopes []string) {
	for _, scope := range scopes {
		if err := s.r.sink(model.Batch{Source: s.Name, Scope: scope, Time: wall(s.r.now()), Replace: true}); err != nil {
			s.r.log.Error("store refused to forget a removed source", "source", s.Name, "scope", scope, "error", err)
		}
	}
}
