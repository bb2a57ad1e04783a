package kube

import "cmp"

func (s *sampler) pod(v *view, p *Pod) {
	ns, pod := p.Namespace, p.Name
	s.add("kube_pod_info", 1, "namespace", ns, "pod", pod, "uid", p.UID, "node", p.Node, "pod_ip", p.IP,
		"created_by_kind", p.OwnerKind, "created_by_name", p.Owner)
	// Of a phase and of a state of readiness only those that hold have a series, and readiness itself: in
	// a large cluster the zeros of the others would be a third of all series. What ends to hold ends its
	// series, so that selecting == 1, > 0 and sums answer as ever.
	s.add("kube_pod_status_phase", 1, "namespace", ns, "pod", pod, "phase", cmp.Or(p.Phase, "Unknown"))
	ready := "Unknown"
	if p.Ready != nil && !v.isLost(p.Node) {
		ready = p.Ready.Status
	}
	for _, st := range statuses {
		if ready == st.api || st.api == "True" {
			s.add("kube_pod_status_ready", flag(ready == st.api), "namespace", ns, "pod", pod, "condition", st.label)
		}
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
