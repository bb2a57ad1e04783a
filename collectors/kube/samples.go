package kube

import (
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// sampler collects the samples of one instant.
type sampler struct {
	cluster string
	t       int64
	out     []model.Sample
	pairs   []string
}

// add adds a sample; pairs are label names and values.
func (s *sampler) add(name string, value float64, pairs ...string) {
	s.pairs = append(append(s.pairs[:0], prom.MetricNameLabel, name, "cluster", s.cluster), pairs...)
	s.out = append(s.out, model.Sample{Labels: labels.FromStrings(s.pairs...), T: s.t, V: value})
}

// flag is 1 for true.
func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// The values of a condition's status and of a pod's phase, each of which has a series of its own.
var (
	statuses = []struct{ api, label string }{{"True", "true"}, {"False", "false"}, {"Unknown", "unknown"}}
	phases   = []string{"Pending", "Running", "Succeeded", "Failed", "Unknown"}
)

// samples measures the cluster under kube-state-metrics' names. What cannot be read is absent.
func (v *view) samples(t time.Time, latency time.Duration) []model.Sample {
	s := &sampler{cluster: v.cluster, t: t.UnixMilli(), out: make([]model.Sample, 0, 20*len(v.objects["pods"])+30*len(v.objects["nodes"])+64)}
	s.add("nocturne_kube_api_latency_seconds", latency.Seconds())
	for i := range resources {
		r := &resources[i]
		if r.measure == nil || !v.readable(r.name) {
			continue
		}
		for _, obj := range v.objects[r.name] {
			r.measure(s, v, obj)
		}
	}
	for name, r := range v.usage.nodes {
		s.add("nocturne_kube_node_cpu_usage_cores", r.CPU, "node", name)
		s.add("nocturne_kube_node_memory_usage_bytes", r.Memory, "node", name)
	}
	for pod, r := range v.usage.pods {
		s.add("nocturne_kube_pod_cpu_usage_cores", r.CPU, "namespace", pod.namespace, "pod", pod.name)
		s.add("nocturne_kube_pod_memory_usage_bytes", r.Memory, "namespace", pod.namespace, "pod", pod.name)
	}
	return s.out
}

// resources adds those amounts that are said.
func (s *sampler) resources(name string, r Resources, pairs ...string) {
	for _, one := range []struct {
		value          float64
		resource, unit string
	}{{r.CPU, "cpu", "core"}, {r.Memory, "memory", "byte"}, {r.Pods, "pods", "integer"}} {
		if one.value > 0 {
			s.add(name, one.value, append(pairs[:len(pairs):len(pairs)], "resource", one.resource, "unit", one.unit)...)
		}
	}
}
