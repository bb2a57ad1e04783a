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
	s := &sampler{cluster: v.cluster, t: t.UnixMilli(), out: make([]model.Sample, 0, 20*len(v.pods)+30*len(v.nodes)+64)}
	s.add("nocturne_kube_api_latency_seconds", latency.Seconds())
	if v.readable("nodes") {
		for _, n := range v.nodes {
			s.node(n)
		}
	}
	if v.readable("pods") {
		for _, p := range v.pods {
			s.pod(p, v.isLost(p.Node))
		}
	}
	for kind, loads := range v.loads {
		if v.readable(collectionFor(kind)) {
			for _, w := range loads {
				s.load(kind, w)
			}
		}
	}
	if v.readable("services") {
		for _, svc := range v.services {
			s.add("kube_service_info", 1, "namespace", svc.Namespace, "service", svc.Name, "cluster_ip", svc.ClusterIP)
			if ends := v.endpoints[svc.Namespace+"/"+svc.Name]; v.readable("endpointslices") && svc.Selector != "" {
				if ends == nil {
					ends = &endpoints{}
				}
				s.add("nocturne_kube_service_endpoints", float64(ends.total), "namespace", svc.Namespace, "service", svc.Name)
				s.add("nocturne_kube_service_endpoints_ready", float64(ends.ready), "namespace", svc.Namespace, "service", svc.Name)
			}
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

// readable reports whether a collection is known and can still be read.
func (v *view) readable(collection string) bool {
	return v.known[collection] && v.trouble[collection] == nil
}

func (s *sampler) node(n *Node) {
	s.add("kube_node_info", 1, "node", n.Name, "kernel_version", n.Kernel, "os_image", n.OSImage,
		"container_runtime_version", n.Runtime, "kubelet_version", n.Version, "internal_ip", n.Address)
	for _, c := range n.Conditions {
		for _, st := range statuses {
			s.add("kube_node_status_condition", flag(c.Status == st.api), "node", n.Name, "condition", c.Type, "status", st.label)
		}
	}
	s.resources("kube_node_status_capacity", n.Capacity, "node", n.Name)
	s.resources("kube_node_status_allocatable", n.Allocatable, "node", n.Name)
	s.add("kube_node_spec_unschedulable", flag(n.Cordoned), "node", n.Name)
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

func (s *sampler) pod(p *Pod, lost bool) {
	ns, pod := p.Namespace, p.Name
	s.add("kube_pod_info", 1, "namespace", ns, "pod", pod, "uid", p.UID, "node", p.Node, "pod_ip", p.IP,
		"created_by_kind", p.OwnerKind, "created_by_name", p.Owner)
	for _, phase := range phases {
		s.add("kube_pod_status_phase", flag(p.Phase == phase), "namespace", ns, "pod", pod, "phase", phase)
	}
	ready := "Unknown"
	if p.Ready != nil && !lost {
		ready = p.Ready.Status
	}
	for _, st := range statuses {
		s.add("kube_pod_status_ready", flag(ready == st.api), "namespace", ns, "pod", pod, "condition", st.label)
	}
	for _, c := range p.Containers {
		s.container(p, c)
	}
}

func (s *sampler) container(p *Pod, c Container) {
	prefix := "kube_pod_container_"
	if c.Init {
		prefix = "kube_pod_init_container_"
	}
	ids := []string{"namespace", p.Namespace, "pod", p.Name, "container", c.Name}
	with := func(pairs ...string) []string { return append(ids[:len(ids):len(ids)], pairs...) }
	s.add(prefix+"status_restarts_total", float64(c.Restarts), ids...)
	if c.Waiting != "" {
		s.add(prefix+"status_waiting_reason", 1, with("reason", c.Waiting)...)
	}
	if c.Last != nil && c.Last.Reason != "" {
		s.add(prefix+"status_last_terminated_reason", 1, with("reason", c.Last.Reason)...)
	}
	s.resources(prefix+"resource_requests", c.Request, with("node", p.Node)...)
	s.resources(prefix+"resource_limits", c.Limits, with("node", p.Node)...)
}

func (s *sampler) load(kind model.Kind, w *Workload) {
	add := func(name string, n int32) {
		s.add("kube_"+string(kind)+name, float64(n), "namespace", w.Namespace, string(kind), w.Name)
	}
	switch kind {
	case model.KindDeployment:
		add("_spec_replicas", w.Desired)
		add("_status_replicas_available", w.Available)
		add("_status_replicas_unavailable", max(w.Desired-w.Available, 0))
		add("_status_replicas_ready", w.Ready)
		add("_status_replicas_updated", w.Updated)
	case model.KindStatefulSet:
		add("_replicas", w.Desired)
		add("_status_replicas_available", w.Available)
		add("_status_replicas_ready", w.Ready)
		add("_status_replicas_updated", w.Updated)
	case model.KindDaemonSet:
		add("_status_desired_number_scheduled", w.Desired)
		add("_status_number_available", w.Available)
		add("_status_number_unavailable", max(w.Desired-w.Available, 0))
		add("_status_number_ready", w.Ready)
		add("_status_number_misscheduled", w.Misplaced)
	}
}
