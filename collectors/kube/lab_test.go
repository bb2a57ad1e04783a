package kube

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// board is what a store would see of a cluster.
type board struct {
	mu       sync.Mutex
	entities map[string]model.Entity
	links    map[string]model.Link
	events   []model.Event
	samples  map[string]float64 // of the latest batch that has any
	seen     time.Time          // last batch
	rows     []model.SourceStatus
	changed  chan struct{}
}

func newBoard() *board {
	return &board{entities: map[string]model.Entity{}, links: map[string]model.Link{}, changed: make(chan struct{}, 1)}
}

func (b *board) sink(batch model.Batch) error {
	if batch.Source != "" && len(batch.Scope) > 9 && batch.Scope[:9] == "collector" {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if batch.Replace {
		clear(b.entities)
		clear(b.links)
	}
	for _, e := range batch.Entities {
		b.entities[e.ID] = e
	}
	for _, l := range batch.Links {
		b.links[l.Key()] = l
	}
	for _, id := range batch.Gone {
		delete(b.entities, id)
	}
	for _, key := range batch.GoneLinks {
		delete(b.links, key)
	}
	b.events = append(b.events, batch.Events...)
	if batch.Samples != nil {
		b.samples = map[string]float64{}
		for _, s := range batch.Samples {
			b.samples[s.Labels.String()] = s.V
		}
	}
	b.seen = time.Now()
	poke(b.changed)
	return nil
}

func (b *board) status(rows []model.SourceStatus) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows = rows
	poke(b.changed)
}

// await waits until cond holds, which is asked after each change with the board locked.
func (b *board) await(t *testing.T, limit time.Duration, what string, cond func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	for {
		b.mu.Lock()
		ok := cond()
		b.mu.Unlock()
		if ok {
			return time.Since(began)
		}
		select {
		case <-b.changed:
		case <-timeout.C:
			b.mu.Lock()
			defer b.mu.Unlock()
			t.Fatalf("%s: not within %v; rows %+v, %d entities", what, limit, b.rows, len(b.entities))
		}
	}
}

func (b *board) value(name string, pairs ...string) (float64, bool) {
	v, ok := b.samples[labels.FromStrings(append(pairs, labels.MetricName, name)...).String()]
	return v, ok
}

// run runs a source on the board until the test ends.
func run(t *testing.T, cfg Config, every time.Duration) *board {
	t.Helper()
	b := newBoard()
	r := collectors.NewRunner(b.sink, b.status, collectors.Options{Log: slog.New(slog.DiscardHandler)})
	err := r.Set([]collectors.Source{{Name: "test", Kind: kindName, Open: func() ([]collectors.Job, error) {
		return open(collectors.Env{Name: "test", Every: every, Now: time.Now, Decode: func(into any) error {
			*into.(*Config) = cfg
			return nil
		}})
	}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return b
}

// TestLab reads the cluster of cmd/lab, where one is up.
func TestLab(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := ""
	for ; kubeconfig == "" && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, ".cache", "lab", "run", "kubeconfig")
		if _, err := os.Stat(path); err == nil {
			kubeconfig = path
		}
	}
	if kubeconfig == "" {
		t.Skip("no lab is up: start it with cmd/lab")
	}
	b := run(t, Config{Kubeconfig: kubeconfig}, 5*time.Second)
	took := b.await(t, 15*time.Second, "first picture", func() bool { return len(b.entities) > 100 && b.samples != nil })
	b.mu.Lock()
	defer b.mu.Unlock()
	kinds := map[model.Kind]map[model.State]int{}
	for _, e := range b.entities {
		if kinds[e.Kind] == nil {
			kinds[e.Kind] = map[model.State]int{}
		}
		kinds[e.Kind][e.State]++
		if e.State != model.OK || e.Kind == model.KindCluster {
			t.Logf("%s: %v %q %v", e.ID, e.State, e.Reason, e.Labels)
		}
	}
	t.Logf("first picture after %v: %d entities %v, %d links, %d samples, %d events; row %+v", took, len(b.entities), kinds, len(b.links), len(b.samples), len(b.events), b.rows)
	if n := len(kinds[model.KindNode]); n == 0 {
		t.Error("no nodes")
	}
	for _, e := range b.events[:min(len(b.events), 5)] {
		t.Log(fmt.Sprintf("%+v", e))
	}
}
