package snmp_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/store/model"
)

// bench is a source of kind snmp on test agents, with a clock of its own.
type bench struct {
	t       testing.TB
	jobs    []collectors.Job
	mu      sync.Mutex
	now     time.Time
	batches map[string]model.Batch // the last of each scope
	events  []model.Event
}

func newBench(t testing.TB, c snmp.Config, known []model.Link) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), batches: map[string]model.Batch{}}
	if c.Timeout == 0 {
		c.Timeout = 150 * time.Millisecond
	}
	retries := 1
	c.Retries = &retries
	jobs, err := snmp.Kind().Open(collectors.Env{
		Name: "campus", Every: 5 * time.Second,
		Decode: func(into any) error { *into.(*snmp.Config) = c; return nil },
		Secret: func(ref string) (string, error) { return strings.TrimPrefix(ref, "env:"), nil },
		Links:  func(string) []model.Link { return known },
		Now: func() time.Time {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.now
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.jobs = jobs
	b.beside()
	return b
}

// beside runs what runs beside the rounds of the jobs until the test ends.
func (b *bench) beside() {
	ctx, cancel := context.WithCancel(b.t.Context())
	var group sync.WaitGroup
	b.t.Cleanup(func() { cancel(); group.Wait() })
	for _, job := range b.jobs {
		if job.Beside != nil {
			group.Go(func() { _ = job.Beside(ctx, b.take) }) // it ends with ctx
		}
	}
}

func (b *bench) take(batch model.Batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.batches[batch.Scope] = batch
	b.events = append(b.events, batch.Events...)
}

// round polls all targets once and moves the clock by one interval.
func (b *bench) round() []error {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	errs := make([]error, len(b.jobs))
	for i, job := range b.jobs {
		errs[i] = job.Poll.Collect(ctx, b.take)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(5 * time.Second)
	return errs
}

func (b *bench) well() {
	b.t.Helper()
	for i, err := range b.round() {
		if err != nil {
			b.t.Fatalf("%s: %v", b.jobs[i].Target, err)
		}
	}
}

func (b *bench) link() model.Link {
	b.t.Helper()
	links := b.batches["topology"].Links
	if len(links) != 1 {
		b.t.Fatalf("%d links, want 1: %v", len(links), links)
	}
	return links[0]
}

func (b *bench) sample(scope, name string, pairs ...string) (float64, labels.Labels) {
	b.t.Helper()
	for _, s := range b.batches[scope].Samples {
		if s.Labels.Get(prom.MetricNameLabel) != name {
			continue
		}
		fits := true
		for i := 0; i < len(pairs); i += 2 {
			fits = fits && s.Labels.Get(pairs[i]) == pairs[i+1]
		}
		if fits {
			return s.V, s.Labels
		}
	}
	b.t.Fatalf("no sample %s%v in scope %s", name, pairs, scope)
	return 0, labels.EmptyLabels()
}

func (b *bench) entity(scope, id string) model.Entity {
	b.t.Helper()
	for _, e := range b.batches[scope].Entities {
		if e.ID == id {
			return e
		}
	}
	b.t.Fatalf("no entity %s in scope %s", id, scope)
	return model.Entity{}
}
