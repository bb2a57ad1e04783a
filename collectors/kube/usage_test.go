package kube

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"
)

const summaryJSON = `{"node": {"nodeName": "liar", "cpu": {"usageNanoCores": 1500000000, "usageCoreNanoSeconds": 9000000000}, "memory": {"workingSetBytes": 2000}},
"pods": [{"podRef": {"name": "web", "namespace": "shop", "uid": "u"},
  "containers": [{"name": "app", "cpu": {"usageNanoCores": 250000000, "usageCoreNanoSeconds": 3000000000}, "memory": {"workingSetBytes": 700},
    "rootfs": {"usedBytes": 40}, "logs": {"usedBytes": 2}}, {"name": "new"}],
  "network": {"name": "eth0", "rxBytes": 11, "txBytes": 12, "interfaces": []},
  "volume": [{"name": "data", "usedBytes": 5, "capacityBytes": 10, "availableBytes": 4, "pvcRef": {"name": "claim", "namespace": "shop"}}, {"name": "token", "usedBytes": 1}]}]}`

func TestSummaryIsMeasured(t *testing.T) {
	s, err := parseSummary(strings.NewReader(summaryJSON), "n1")
	if err != nil {
		t.Fatal(err)
	}
	v := shop()
	v.usage = usage{remark: "no metrics, requests shown"}.with([]nodeSummary{s})
	if v.usage.remark != "no metrics API, usage from the kubelets" || v.usage.nodes["n1"].CPU != 1.5 || v.usage.pods[podName{"shop", "web"}].CPU != 0.25 {
		t.Errorf("usage of a cluster without a metrics API: %+v", v.usage)
	}
	got := map[string]float64{}
	for _, one := range v.samples(noon, 0) {
		got[one.Labels.String()] = one.V
	}
	for name, want := range map[string]float64{
		`{__name__="container_cpu_usage_seconds_total", cluster="c", container="app", namespace="shop", node="n1", pod="web"}`:       3,
		`{__name__="container_memory_working_set_bytes", cluster="c", container="app", namespace="shop", node="n1", pod="web"}`:      700,
		`{__name__="container_fs_usage_bytes", cluster="c", container="app", namespace="shop", node="n1", pod="web"}`:                42,
		`{__name__="container_network_receive_bytes_total", cluster="c", interface="eth0", namespace="shop", node="n1", pod="web"}`:  11,
		`{__name__="container_network_transmit_bytes_total", cluster="c", interface="eth0", namespace="shop", node="n1", pod="web"}`: 12,
		`{__name__="kubelet_volume_stats_used_bytes", cluster="c", namespace="shop", node="n1", persistentvolumeclaim="claim"}`:      5,
		`{__name__="kubelet_volume_stats_capacity_bytes", cluster="c", namespace="shop", node="n1", persistentvolumeclaim="claim"}`:  10,
		`{__name__="kubelet_volume_stats_available_bytes", cluster="c", namespace="shop", node="n1", persistentvolumeclaim="claim"}`: 4,
		`{__name__="nocturne_kube_container_cpu_usage_cores", cluster="c", container="app", namespace="shop", pod="web"}`:            0.25,
		`{__name__="nocturne_kube_container_memory_working_set_bytes", cluster="c", container="app", namespace="shop", pod="web"}`:   700,
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s = %v (there: %v), want %v", name, value, ok, want)
		}
	}
	for name := range got {
		if strings.Contains(name, "liar") || strings.Contains(name, `container="new"`) && !strings.Contains(name, "web-1") {
			t.Errorf("%s is measured", name)
		}
	}
}

// A metrics API that works is not replaced by the kubelets' word.
func TestSummaryBesideMetrics(t *testing.T) {
	s, err := parseSummary(strings.NewReader(summaryJSON), "n1")
	if err != nil {
		t.Fatal(err)
	}
	u := usage{nodes: map[string]Resources{"n1": {CPU: 7}}}
	if got := u.with([]nodeSummary{s}); got.nodes["n1"].CPU != 7 || len(got.summaries) != 1 {
		t.Errorf("%+v", got)
	}
}

func FuzzSummary(f *testing.F) {
	f.Add([]byte(summaryJSON))
	f.Add([]byte(`{"pods":[{"volume":[{"pvcRef":{}}],"network":{"rxBytes":1e308}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseSummary(strings.NewReader(string(data)), "n1")
		if err != nil {
			return
		}
		v := shop()
		v.usage = usage{remark: "none"}.with([]nodeSummary{s})
		v.samples(noon, 0)
	})
}

// Many kubelets are asked at once, but not all of them, and one that fails is left out.
func TestReadSummaries(t *testing.T) {
	var now, most atomic.Int32
	gate := make(chan struct{}, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		gate <- struct{}{}
		if strings.Contains(r.URL.Path, "/n13/") {
			http.Error(w, "no", http.StatusBadGateway)
			return
		}
		if !strings.HasSuffix(r.URL.Path, "/proxy/stats/summary") {
			t.Errorf("asked for %s", r.URL.Path)
		}
		_, _ = w.Write([]byte(summaryJSON))
	}))
	t.Cleanup(srv.Close)
	c, err := newCluster("c", "ctx", &rest.Config{Host: srv.URL}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.disconnect()
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprint("n", i+10))
	}
	got := c.readSummaries(t.Context(), names)
	if len(got) != 39 || slices.ContainsFunc(got, func(s nodeSummary) bool { return s.Node.Name == "n13" }) || most.Load() > summaryAtOnce {
		t.Errorf("%d summaries, %d at once", len(got), most.Load())
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got := c.readSummaries(ended, names); len(got) != 0 {
		t.Errorf("%d summaries after the end", len(got))
	}
}
