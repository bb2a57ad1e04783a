package collectors

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pollFunc and watchFunc are collectors made of functions.
type pollFunc func(context.Context, Emit) error

func (f pollFunc) Collect(ctx context.Context, emit Emit) error { return f(ctx, emit) }

type watchFunc func(context.Context, Emit, func(error)) error

func (f watchFunc) Watch(ctx context.Context, emit Emit, status func(error)) error {
	return f(ctx, emit, status)
}

// wallboard is what a store would see.
type wallboard struct {
	mu      sync.Mutex
	batches []model.Batch
	rows    []model.SourceStatus
	history []model.SourceStatus // each row that differed from the one before
}

func (w *wallboard) sink(b model.Batch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batches = append(w.batches, b)
	return nil
}

func (w *wallboard) status(rows []model.SourceStatus) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rows = rows
	w.history = append(w.history, rows...)
}

func (w *wallboard) row(t *testing.T, source, target string) model.SourceStatus {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.rows {
		if r.Name == source && r.Target == target {
			return r
		}
	}
	t.Fatalf("no row for %s %s in %+v", source, target, w.rows)
	return model.SourceStatus{}
}

// told is what a source itself told, without the Runner's own measurements.
func (w *wallboard) told(source string) []model.Batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []model.Batch
	for _, b := range w.batches {
		if b.Source == source && !strings.HasPrefix(b.Scope, "collector/") {
			out = append(out, b)
		}
	}
	return out
}

// self is the latest of the Runner's own measurements.
func (w *wallboard) self(source, metric string) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := -1.0
	for _, b := range w.batches {
		for _, s := range b.Samples {
			if s.Labels.Get("source") == source && s.Labels.Get(prom.MetricNameLabel) == metric {
				v = s.V
			}
		}
	}
	return v
}

// start runs sources until the test ends.
func start(t *testing.T, sources ...Source) (*Runner, *wallboard) {
	t.Helper()
	w := &wallboard{}
	r := NewRunner(w.sink, w.status, Options{Log: slog.New(slog.DiscardHandler)})
	if err := r.Set(sources); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return r, w
}

func source(name string, jobs ...Job) Source {
	return Source{Name: name, Kind: "test", Open: func() ([]Job, error) { return jobs, nil }}
}

func poll(every time.Duration, f pollFunc) Job { return Job{Target: "t", Every: every, Poll: f} }

func TestPollRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const every = 5 * time.Second
		_, w := start(t, source("s", poll(every, func(_ context.Context, emit Emit) error {
			emit(model.Batch{Scope: "x", Samples: []model.Sample{{Labels: labels.FromStrings(prom.MetricNameLabel, "m")}}})
			return nil
		})))
		time.Sleep(time.Minute)
		synctest.Wait()
		told := w.told("s")
		if n := len(told); n < 12 || n > 14 {
			t.Fatalf("%d rounds in a minute, want about 12", n)
		}
		g := newGrid("s", "t", every)
		for i, b := range told {
			if b.Samples[0].T != b.Time.UnixMilli() || b.Every != every || b.Source != "s" {
				t.Errorf("round %d is not filled in: %+v", i, b)
			}
			if i == 0 {
				continue // at once, not on the grid
			}
			if !g.floor(b.Time).Equal(b.Time) {
				t.Errorf("round %d at %v is off the grid", i, b.Time)
			}
			if i > 1 && b.Time.Sub(told[i-1].Time) != every {
				t.Errorf("round %d is %v after the one before, want %v", i, b.Time.Sub(told[i-1].Time), every)
			}
		}
		if r := w.row(t, "s", "t"); r.State != model.OK || r.Samples != 1 || r.Error != "" {
			t.Errorf("row %+v, want ok with one sample", r)
		}
		if v := w.self("s", "nocturne_collector_success"); v != 1 {
			t.Errorf("success = %v, want 1", v)
		}
	})
}

// A poll that fails is tried at each interval, and the first that succeeds clears the row.
func TestPollHealsWithinAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		broken := true
		_, w := start(t, source("s", poll(5*time.Second, func(context.Context, Emit) error {
			mu.Lock()
			defer mu.Unlock()
			if broken {
				return errors.New("no answer from 10.0.0.1")
			}
			return nil
		})))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if r := w.row(t, "s", "t"); r.State != model.Critical || r.Error != "no answer from 10.0.0.1" {
			t.Fatalf("row %+v, want critical with the error", r)
		}
		if v := w.self("s", "nocturne_collector_success"); v != 0 {
			t.Errorf("success = %v, want 0", v)
		}
		mu.Lock()
		broken = false
		mu.Unlock()
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if r := w.row(t, "s", "t"); r.State != model.OK || r.Error != "" {
			t.Errorf("row %+v, want ok within an interval", r)
		}
	})
}

func TestPanicIsContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := start(t,
			source("bad", poll(5*time.Second, func(context.Context, Emit) error { return nil })),
			source("good", poll(5*time.Second, func(context.Context, Emit) error { return nil })))
		time.Sleep(20 * time.Second)
		if err := r.Panic("nobody"); err == nil {
			t.Error("a drill on a source that does not exist was accepted")
		}
		if err := r.Panic("bad"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5*time.Second + 300*time.Millisecond)
		synctest.Wait()
		if row := w.row(t, "bad", "t"); row.State != model.Critical || !strings.HasPrefix(row.Error, "panicked: fault drill") {
			t.Errorf("row %+v, want critical and the panic's words", row)
		}
		if row := w.row(t, "good", "t"); row.State != model.OK {
			t.Errorf("the other source's row is %+v, want ok", row)
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if row := w.row(t, "bad", "t"); row.State != model.OK {
			t.Errorf("row %+v, want ok after the next round", row)
		}
		if v := w.self("bad", "nocturne_collector_panics_total"); v != 1 {
			t.Errorf("panics = %v, want 1", v)
		}
	})
}

// A collector that panics in each round is tried less and less often, but at least once a minute.
func TestPanicsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rounds []time.Time
		start(t, source("s", poll(time.Second, func(context.Context, Emit) error {
			rounds = append(rounds, time.Now())
			panic("again")
		})))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(rounds); n < 12 || n > 17 {
			t.Fatalf("%d rounds in ten minutes, want about 6 + 9", n)
		}
		if gap := rounds[len(rounds)-1].Sub(rounds[len(rounds)-2]); gap < time.Minute || gap > 62*time.Second {
			t.Errorf("last gap %v, want a minute", gap)
		}
	})
}

// A collector that ignores its deadline is never run twice at once, and its row turns stale.
func TestHungPollTurnsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		rounds := 0
		_, w := start(t, source("s", poll(5*time.Second, func(context.Context, Emit) error {
			if rounds++; rounds == 3 {
				<-hang
			}
			return nil
		})))
		time.Sleep(time.Minute)
		synctest.Wait()
		if rounds != 3 {
			t.Errorf("%d rounds, want none beside the one that hangs", rounds)
		}
		if r := w.row(t, "s", "t"); r.State != model.Stale || !strings.Contains(r.Error, "has not ended") {
			t.Errorf("row %+v, want stale", r)
		}
		close(hang)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if r := w.row(t, "s", "t"); r.State != model.OK {
			t.Errorf("row %+v, want ok after it woke", r)
		}
	})
}

func TestDeadlineIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job := poll(10*time.Second, func(ctx context.Context, emit Emit) error {
			<-ctx.Done()
			emit(model.Batch{Scope: "partial"})
			return ctx.Err()
		})
		job.Timeout = 2 * time.Second
		_, w := start(t, source("s", job))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if r := w.row(t, "s", "t"); r.State != model.Critical || !strings.HasPrefix(r.Error, "no answer within 2s") || r.Duration != 2*time.Second {
			t.Errorf("row %+v, want the deadline named", r)
		}
		if len(w.told("s")) == 0 {
			t.Error("what was learnt before the deadline is lost")
		}
	})
}

func TestRemarkIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, w := start(t, source("s", poll(5*time.Second, func(context.Context, Emit) error {
			return Remark{model.Warning, "no permission to list events"}
		})))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if r := w.row(t, "s", "t"); r.State != model.Warning || r.Error != "no permission to list events" || r.LastOK.IsZero() {
			t.Errorf("row %+v, want a warning that is not a failure", r)
		}
		if v := w.self("s", "nocturne_collector_success"); v != 1 {
			t.Errorf("success = %v, want 1", v)
		}
	})
}

func TestOpenIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		_, w := start(t, Source{Name: "s", Kind: "test", Open: func() ([]Job, error) {
			if tries++; tries < 4 {
				return nil, errors.New("kubeconfig ~/.kube/config: no such file")
			}
			return []Job{poll(5*time.Second, func(context.Context, Emit) error { return nil })}, nil
		}})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if r := w.row(t, "s", ""); r.State != model.Critical || !strings.Contains(r.Error, "no such file") {
			t.Errorf("row %+v, want critical", r)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if r := w.row(t, "s", "t"); r.State != model.OK || tries != 4 {
			t.Errorf("row %+v after %d tries, want ok after 4", r, tries)
		}
	})
}

func TestWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		starts := 0
		say := make(chan error)
		watcher := watchFunc(func(ctx context.Context, emit Emit, status func(error)) error {
			starts++
			tick := time.NewTicker(10 * time.Second)
			defer tick.Stop()
			status(nil)
			confirm := true
			for {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-tick.C:
					if confirm {
						emit(model.Batch{Scope: "c"})
					}
				case err := <-say:
					if err == nil {
						return errors.New("connection lost for good")
					}
					if err.Error() == "mute" {
						confirm = false
						continue
					}
					status(err)
				}
			}
		})
		r, w := start(t, source("s", Job{Target: "t", Every: 10 * time.Second, Watch: watcher}))
		state := func(after time.Duration) model.SourceStatus {
			time.Sleep(after)
			synctest.Wait()
			return w.row(t, "s", "t")
		}
		if r := state(35 * time.Second); r.State != model.OK {
			t.Errorf("row %+v, want ok", r)
		}
		say <- errors.New("connection refused")
		if r := state(time.Second); r.State != model.Critical || r.Error != "connection refused" {
			t.Errorf("row %+v, want critical at once", r)
		}
		say <- nil // ends: started again within a second
		if r := state(3 * time.Second); r.State != model.OK || starts != 2 {
			t.Errorf("row %+v after %d starts, want ok after 2", r, starts)
		}
		say <- errors.New("mute")
		if r := state(20 * time.Second); r.State != model.Stale {
			t.Errorf("row %+v, want stale when it confirms nothing", r)
		}
		if err := r.Panic("s"); err != nil {
			t.Fatal(err)
		}
		if r := state(300 * time.Millisecond); r.State != model.Critical || !strings.HasPrefix(r.Error, "panicked: ") {
			t.Errorf("row %+v, want the panic", r)
		}
		if r := state(5 * time.Second); r.State != model.OK || starts != 3 {
			t.Errorf("row %+v after %d starts, want ok after 3", r, starts)
		}
	})
}

func TestSetDiffs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		opened := map[string]int{}
		mk := func(name, hash string, scopes ...string) Source {
			return Source{Name: name, Kind: "test", Hash: hash, Open: func() ([]Job, error) {
				mu.Lock()
				opened[name]++
				mu.Unlock()
				return []Job{poll(5*time.Second, func(_ context.Context, emit Emit) error {
					for _, s := range scopes {
						emit(model.Batch{Scope: s, Replace: true, Entities: []model.Entity{{ID: s}}})
					}
					return nil
				})}, nil
			}}
		}
		r, w := start(t, mk("a", "1", "a1"), mk("b", "1", "b1", "b2"), mk("c", "1", "c1"))
		time.Sleep(20 * time.Second)
		if err := r.Set([]Source{mk("a", "1", "a1"), mk("b", "2", "b2"), mk("d", "1", "d1")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		want := map[string]int{"a": 1, "b": 2, "c": 1, "d": 1}
		for name, n := range want {
			if opened[name] != n {
				t.Errorf("source %s was opened %d times, want %d", name, opened[name], n)
			}
		}
		var names []string
		for _, row := range w.rows {
			names = append(names, row.Name)
		}
		if !slices.Equal(names, []string{"a", "b", "d"}) {
			t.Errorf("rows of %v, want a, b, d", names)
		}
		withdrawn := map[string]bool{}
		for _, b := range append(w.told("b"), w.told("c")...) {
			if b.Replace && len(b.Entities) == 0 {
				withdrawn[b.Scope] = true
			}
		}
		if !withdrawn["b1"] || withdrawn["b2"] || !withdrawn["c1"] {
			t.Errorf("withdrawn scopes %v, want b1 and c1", withdrawn)
		}
		if err := r.Set([]Source{mk("a", "1"), mk("a", "2")}); err == nil {
			t.Error("two sources of one name were accepted")
		}
	})
}

func TestSinkErrorIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wallboard{}
		r := NewRunner(func(model.Batch) error { return errors.New("data folder is full") }, w.status, Options{Log: slog.New(slog.DiscardHandler)})
		if err := r.Set([]Source{source("s", poll(5*time.Second, func(_ context.Context, emit Emit) error { emit(model.Batch{}); return nil }))}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r.Run(ctx)
		if row := w.row(t, "s", "t"); row.State != model.Critical || !strings.Contains(row.Error, "data folder is full") {
			t.Errorf("row %+v, want the store's words", row)
		}
	})
}

func TestGrid(t *testing.T) {
	base := time.Unix(1_800_000_000, 0)
	g := grid{every: 10 * time.Second, phase: 3 * time.Second}
	for _, c := range []struct {
		at          time.Duration
		floor, next time.Duration
	}{
		{0, -7 * time.Second, 3 * time.Second},
		{3 * time.Second, 3 * time.Second, 3 * time.Second},
		{3*time.Second + 1, 3 * time.Second, 13 * time.Second},
		{12 * time.Second, 3 * time.Second, 13 * time.Second},
	} {
		if got := g.floor(base.Add(c.at)); !got.Equal(base.Add(c.floor)) {
			t.Errorf("floor(%v) = %v, want %v", c.at, got.Sub(base), c.floor)
		}
		if got := g.next(base.Add(c.at), 0); !got.Equal(base.Add(c.next)) {
			t.Errorf("next(%v) = %v, want %v", c.at, got.Sub(base), c.next)
		}
	}
	spread := map[time.Duration]bool{}
	for _, target := range strings.Split("abcdefghijklmnop", "") {
		spread[newGrid("s", target, time.Minute).phase/(10*time.Second)] = true
	}
	if len(spread) < 4 {
		t.Errorf("16 targets fall into %d of 6 parts of the interval", len(spread))
	}
}
