package kube

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	prom "github.com/prometheus/common/model"
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
	v, ok := b.samples[labels.FromStrings(append(pairs, prom.MetricNameLabel, name)...).String()]
	return v, ok
}

// run runs a source on the board until the test ends.
func run(t *testing.T, cfg Config, every time.Duration) *board {
	t.Helper()
	b := newBoard()
	runTo(t, cfg, every, b.sink, b.status)
	return b
}

// runCluster is run with clusters that prepare has changed.
func runCluster(t *testing.T, cfg Config, every time.Duration, b *board, prepare func(*Cluster)) {
	t.Helper()
	runJobs(t, cfg, every, b.sink, b.status, func(jobs []collectors.Job) {
		for _, j := range jobs {
			prepare(j.Watch.(*Cluster))
		}
	})
}

func runTo(t *testing.T, cfg Config, every time.Duration, sink func(model.Batch) error, status func([]model.SourceStatus)) {
	t.Helper()
	runJobs(t, cfg, every, sink, status, func([]collectors.Job) {})
}

func runJobs(t *testing.T, cfg Config, every time.Duration, sink func(model.Batch) error, status func([]model.SourceStatus), prepare func([]collectors.Job)) {
	t.Helper()
	r := collectors.NewRunner(sink, status, collectors.Options{Log: slog.New(slog.DiscardHandler)})
	err := r.Set([]collectors.Source{{Name: "test", Kind: kindName, Open: func() ([]collectors.Job, error) {
		jobs, err := open(collectors.Env{Name: "test", Every: every, Now: time.Now, Decode: func(into any) error {
			*into.(*Config) = cfg
			return nil
		}})
		prepare(jobs)
		return jobs, err
	}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// labDir is where cmd/lab keeps a running lab, found in a folder above the package's.
func labDir(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		lab := filepath.Join(dir, ".cache", "lab")
		if _, err := os.Stat(filepath.Join(lab, "run", "lab.sock")); err == nil { // there as long as it runs
			return lab
		}
	}
	t.Skip("no lab is up: start it with cmd/lab")
	return ""
}

// TestLab reads the cluster of cmd/lab, where one is up.
func TestLab(t *testing.T) {
	b := run(t, Config{Kubeconfig: filepath.Join(labDir(t), "run", "kubeconfig"), Context: "lab-seoul"}, 5*time.Second)
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
	t.Logf("first picture after %v: %d entities %v, %d links, %d samples, %d events", took, len(b.entities), kinds, len(b.links), len(b.samples), len(b.events))
	if len(kinds[model.KindNode]) == 0 || len(kinds[model.KindPod]) == 0 {
		t.Error("no nodes or no pods")
	}
}

// TestLabFaults injects faults into the cluster of cmd/lab and waits for the wall to say so, and for
// it to clear when they are healed. It disturbs whoever else looks at that lab, so it has to be
// asked for with NOCTURNE_LAB_FAULTS=1.
func TestLabFaults(t *testing.T) {
	if os.Getenv("NOCTURNE_LAB_FAULTS") == "" {
		t.Skip("set NOCTURNE_LAB_FAULTS=1 to inject faults into the lab")
	}
	dir := labDir(t)
	lab := func(args ...string) {
		ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
		defer cancel()
		if out, err := exec.CommandContext(ctx, filepath.Join(dir, "bin", "lab"), args...).CombinedOutput(); err != nil {
			t.Fatalf("lab %v: %v: %s", args, err, out)
		}
	}
	b := run(t, Config{Kubeconfig: filepath.Join(dir, "run", "kubeconfig"), Context: "lab-seoul"}, 5*time.Second)
	some := func(kind model.Kind, state model.State, reason string) bool {
		for _, e := range b.entities {
			if e.Kind == kind && e.State == state && strings.Contains(e.Reason, reason) {
				return true
			}
		}
		return false
	}
	well := func() bool {
		return b.row().State == model.OK && len(b.entities) > 100 && !some(model.KindPod, model.Critical, "") && !some(model.KindNode, model.Critical, "") && !some(model.KindPod, model.Warning, "") && !some(model.KindService, model.Critical, "")
	}
	b.await(t, time.Minute, "a lab that is well", well)
	for _, f := range []struct {
		fault string
		limit time.Duration
		seen  func() bool
	}{
		{"pod-crash", 5 * time.Second, func() bool { return some(model.KindPod, model.Critical, "CrashLoopBackOff, ") }},
		{"image-pull", 20 * time.Second, func() bool {
			return some(model.KindPod, model.Critical, "ImagePullBackOff ") || some(model.KindPod, model.Critical, "ErrImagePull ")
		}},
		{"unschedulable", 25 * time.Second, func() bool { return some(model.KindPod, model.Warning, "unschedulable: 0/10 nodes") }},
		{"service-empty", 10 * time.Second, func() bool { return some(model.KindService, model.Critical, "no endpoint: selector app") }},
		{"node-notready", 5 * time.Second, func() bool {
			return some(model.KindNode, model.Critical, "lost: kubelet silent") && some(model.KindPod, model.Warning, "on lost node ")
		}},
		{"apiserver-hang", 12 * time.Second, func() bool {
			return b.row().State == model.Critical && strings.Contains(b.row().Error, "no answer: it hangs")
		}},
		{"apiserver-down", 5 * time.Second, func() bool {
			return b.row().State == model.Critical && strings.Contains(b.row().Error, "connection refused")
		}},
	} {
		t.Run(f.fault, func(t *testing.T) {
			defer lab("heal")
			lab("fault", f.fault)
			took := b.await(t, f.limit, f.fault, f.seen)
			b.mu.Lock()
			for _, e := range b.entities {
				if e.State.Problem() {
					t.Logf("%s: %v %q", e.ID, e.State, e.Reason)
				}
			}
			t.Logf("row: %v %q", b.row().State, b.row().Error)
			b.mu.Unlock()
			lab("heal", f.fault)
			t.Logf("seen %v after it was in force, clear %v after it was healed", took, b.await(t, 90*time.Second, "heal of "+f.fault, well))
		})
	}
}
