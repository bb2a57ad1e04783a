package collectors

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Source is one configured source, ready to be opened.
type Source struct {
	Name string // unique among all sources
	Kind string
	Hash string // of its configuration: a source whose hash changes is started anew by Set
	// Open validates the configuration and returns the jobs. The Runner calls it again, with
	// backoff, while it fails: a missing file may yet appear.
	Open func() ([]Job, error)
}

// Options are the Runner's surroundings. The zero value is good.
type Options struct {
	Now func() time.Time // default time.Now
	Log *slog.Logger     // default slog.Default()
}

// Runner runs the jobs of all sources and keeps one row of health for each target.
//
// A polled target has its own grid of instants, spread over the interval by a hash; the Time of
// a batch and the T of its samples, where the collector leaves them zero, are the instant on the
// grid. After a pause (the machine slept, the clock was set) what was missed is not made up for: all
// targets are polled once, spread as at the start, and go on by their grids. How long a round takes, and
// may take, is measured by the monotonic clock. A poll that fails is tried again at its next instant, so that it heals within an interval.
// Only what is likely to fail again at once backs off, from a second to a minute: a source that
// cannot be opened, a panic, a watcher that ends.
//
// The Runner adds measurements of its own to each source: nocturne_collector_success,
// nocturne_collector_duration_seconds, nocturne_collector_samples and
// nocturne_collector_panics_total, labelled with source, target and kind.
type Runner struct {
	sink   func(model.Batch) error
	status func([]model.SourceStatus)
	now    func() time.Time
	log    *slog.Logger
	wake   chan struct{} // the rows may have changed
	jobs   sync.WaitGroup

	mu      sync.Mutex
	ctx     context.Context // nil unless Run runs
	want    []Source
	running map[string]*running
}

// NewRunner returns a Runner that hands batches to sink and all rows, sorted by name and target,
// to status whenever one changes. Calls to status never overlap; calls to sink do.
func NewRunner(sink func(model.Batch) error, status func([]model.SourceStatus), opts Options) *Runner {
	r := &Runner{sink: sink, status: status, now: opts.Now, log: opts.Log, wake: make(chan struct{}, 1), running: map[string]*running{}}
	if r.now == nil {
		r.now = time.Now
	}
	if r.log == nil {
		r.log = slog.Default()
	}
	return r
}

// Set says which sources there are from now on. Those whose name and hash it knows run on
// untouched; changed ones are stopped and started anew; what the store holds of a source that is
// gone is withdrawn. It does not block and may be called before and while Run runs.
func (r *Runner) Set(sources []Source) error {
	names := map[string]bool{}
	for _, s := range sources {
		if names[s.Name] {
			return fmt.Errorf("source %q: name used twice: give each source a name of its own", s.Name)
		}
		names[s.Name] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.want = slices.Clone(sources)
	if r.ctx != nil {
		r.apply()
	}
	return nil
}

// Run runs the sources until ctx ends and all of their goroutines have ended.
func (r *Runner) Run(ctx context.Context) {
	r.mu.Lock()
	r.ctx = ctx
	r.apply()
	r.mu.Unlock()
	r.publish(ctx)
	r.mu.Lock()
	r.ctx = nil
	clear(r.running)
	r.mu.Unlock()
	r.jobs.Wait()
}

// Panic makes each job of the source panic at its next round, inside the job's own goroutine. It
// is a fault drill: it proves on a running wall that a broken collector takes nothing else down.
func (r *Runner) Panic(source string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.running[source]
	if !ok {
		return fmt.Errorf("source %q does not run: name one of the configured sources", source)
	}
	s.drill()
	return nil
}

// apply brings what runs into line with what is wanted. The caller holds mu.
func (r *Runner) apply() {
	wanted := map[string]bool{}
	for _, s := range r.want {
		wanted[s.Name] = true
		old := r.running[s.Name]
		if old != nil && old.Hash == s.Hash {
			continue
		}
		r.running[s.Name] = r.start(s, old)
	}
	for name, s := range r.running {
		if !wanted[name] {
			delete(r.running, name)
			s.cancel()
			r.jobs.Go(func() {
				<-s.done
				s.withdraw(s.scopesSeen())
			})
		}
	}
	r.changed()
}

// start runs a source once old, the same source under its former configuration, has ended.
func (r *Runner) start(src Source, old *running) *running {
	ctx, cancel := context.WithCancel(r.ctx)
	s := &running{Source: src, r: r, cancel: cancel, done: make(chan struct{}), scopes: map[string]bool{}}
	s.rows = []*row{s.newRow("", 0)}
	if old != nil {
		old.cancel()
		s.inherited = old
	}
	r.jobs.Go(func() {
		defer close(s.done)
		defer cancel()
		if old != nil {
			<-old.done
		}
		s.run(ctx)
	})
	return s
}

// changed has the rows published soon.
func (r *Runner) changed() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// How often the rows are looked at: a silent target turns stale without anybody saying so, and
// hundreds of targets must not publish hundreds of times a second.
const (
	rowsEvery = time.Second
	rowsPause = 200 * time.Millisecond // at least,
	rowPause  = 100 * time.Microsecond // and that much for each row,
	rowsShare = 50                     // and so many times as long as looking at them took
)

// publish hands the rows to status until ctx ends.
func (r *Runner) publish(ctx context.Context) {
	tick := time.NewTicker(rowsEvery)
	defer tick.Stop()
	var last []model.SourceStatus
	for {
		began := time.Now()
		rows := r.rows()
		if last == nil || !slices.Equal(rows, last) {
			r.status(rows)
			last = rows
		}
		if !sleep(ctx, max(rowsPause, time.Duration(len(rows))*rowPause, rowsShare*time.Since(began))) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-r.wake:
		}
	}
}

// rows is a snapshot of all rows, sorted by name and target; never nil.
func (r *Runner) rows() []model.SourceStatus {
	r.mu.Lock()
	sources := make([]*running, 0, len(r.running))
	for _, s := range r.running {
		sources = append(sources, s)
	}
	r.mu.Unlock()
	now := r.now()
	out := []model.SourceStatus{}
	for _, s := range sources {
		for _, row := range s.allRows() {
			out = append(out, row.status(now))
		}
	}
	slices.SortFunc(out, func(a, b model.SourceStatus) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Target, b.Target))
	})
	return out
}

// sleep waits for d and reports whether ctx still lives.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
