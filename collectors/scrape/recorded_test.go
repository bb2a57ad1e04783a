package scrape

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store"
	"github.com/nocturne-noc/nocturne/store/model"
)

// recording is a recorded answer; the test is skipped where there is none.
func recording(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "shared", "data", "scrape", name))
		if err == nil {
			return string(text)
		}
	}
	t.Skipf("no recorded %s in shared/data/scrape above this folder", name)
	return ""
}

// stored applies what a source tells to a store in memory.
func stored(t testing.TB, b *bench) *store.Store {
	t.Helper()
	s, err := store.Open(store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, batch := range b.told {
		batch.Source = "servers"
		if batch.Every == 0 {
			batch.Every = testEvery
		}
		if err := s.Apply(batch); err != nil {
			t.Error(err)
		}
	}
	return s
}

// count is how many series a query gives.
func count(t testing.TB, s *store.Store, expr string) int {
	t.Helper()
	list, err := s.Query(t.Context(), expr, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestRecordedNodeExporter scrapes what a node_exporter once exposed: a server that the pages and rules of
// this machine's own collector work for.
func TestRecordedNodeExporter(t *testing.T) {
	text := recording(t, "node_exporter.prom")
	x := serve(t, text)
	b := watch(t, Config{Targets: []string{x.target()}}, nil)
	first, entity := b.first(x.target())
	samples := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "" {
			samples++
		}
	}
	if got := len(first.Samples) - len(aboutNames); got != samples {
		t.Errorf("%d samples, the recording has %d", got, samples)
	}
	if entity.Kind != model.KindServer || entity.ID != model.ServerID(x.target()) ||
		entity.State != model.Critical || entity.Reason != "RAID md11: a disk has failed" || entity.Labels["platform"] != "Ubuntu 20.04.2 LTS" {
		t.Errorf("entity %+v", entity)
	}
	s := stored(t, b)
	if n := count(t, s, `rate(node_cpu_seconds_total{instance="`+x.target()+`"}[5m]) or node_cpu_seconds_total{instance="`+x.target()+`"}`); n == 0 {
		t.Error("no processors")
	}
}

// TestSeriesEnd holds that series end in the store when they vanish from the answer, and all of them when the target
// falls silent, as Prometheus has it; the entity turns stale.
func TestSeriesEnd(t *testing.T) {
	t.Parallel()
	x := serve(t, "node_boot_time_seconds 1\nstays 1\nvanishes 1\n")
	b := watch(t, Config{Targets: []string{x.target()}}, nil)
	b.first(x.target())
	if s := stored(t, b); count(t, s, "vanishes") != 1 || count(t, s, "up == 1") != 1 {
		t.Error("what is exposed is not in the store")
	}
	x.set("node_boot_time_seconds 1\nstays 1\n")
	b.await("an answer without a series", func() bool {
		all := b.series(x.target())
		return len(all[len(all)-1].Samples) == 2+len(aboutNames)
	})
	if s := stored(t, b); count(t, s, "vanishes") != 0 || count(t, s, "stays") != 1 {
		t.Error("a series that vanished has not ended")
	}
	x.CloseClientConnections()
	x.Close()
	b.await("silence", func() bool { return b.down(x.target()) })
	s := stored(t, b)
	if count(t, s, "stays") != 0 || count(t, s, "up == 0") != 1 {
		t.Error("the series of a silent target have not ended, or up is not 0")
	}
	if list := s.Entities(model.Filter{Kind: model.KindServer}); len(list) != 1 {
		t.Errorf("%d servers, want the one that is silent", len(list))
	}
}
