package control_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	prom "github.com/prometheus/common/model"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/host"
	"github.com/nocturne-noc/nocturne/store"
	"github.com/nocturne-noc/nocturne/store/model"
)

func TestMetadataOf(t *testing.T) {
	for name, want := range map[string]prom.MetricType{
		"ifHCInOctets":                                  prom.MetricTypeCounter,
		"node_cpu_seconds_total":                        prom.MetricTypeCounter,
		"node_memory_MemTotal_bytes":                    prom.MetricTypeGauge,
		"kube_pod_init_container_resource_limits":       prom.MetricTypeGauge,
		"kube_pod_init_container_status_restarts_total": prom.MetricTypeCounter,
		"kube_pod_init_container_nothing":               prom.MetricTypeUnknown,
		"something_total":                               prom.MetricTypeUnknown,
		"":                                              prom.MetricTypeUnknown,
	} {
		m := control.MetadataOf(name)
		if m.Type != want || (m.Help == "") != (want == prom.MetricTypeUnknown) {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// Everything that the collectors measure is in the table: what this machine's host collector brings,
// and what the recording of a real network and a real cluster holds.
func TestMetadataIsComplete(t *testing.T) {
	names := map[string]bool{}
	jobs, err := host.Kind().Open(collectors.Env{Name: "host", Decode: func(any) error { return nil }, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		err := j.Poll.Collect(t.Context(), func(b model.Batch) {
			for _, s := range b.Samples {
				names[s.Labels.Get(prom.MetricNameLabel)] = true
			}
		})
		if err != nil {
			t.Logf("host: %v", err) // a machine that does not tell everything
		}
	}
	path := filepath.Join(t.TempDir(), "demo.nocturne")
	if err := os.WriteFile(path, assets.Demo, 0o600); err != nil {
		t.Fatal(err)
	}
	rec, err := store.OpenRecording(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rec.Close(); err != nil {
			t.Error(err)
		}
	}()
	_, end := rec.Extent()
	list, err := rec.View(func() time.Time { return end }).Query(t.Context(), `count by (__name__) (last_over_time({__name__!=""}[1h]))`, end)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		names[s.Labels.Get(prom.MetricNameLabel)] = true
	}
	if len(names) < 50 {
		t.Errorf("only %d metrics were found", len(names))
	}
	for name := range names {
		recorded := strings.Contains(name, ":") // by a rule, not by a collector
		if m := control.MetadataOf(name); !recorded && m.Type == prom.MetricTypeUnknown {
			t.Errorf("%s is not in the table", name)
		}
	}
}
