package kube

func (s *sampler) pod(v *view, p *Pod) {
	ns, pod := p.Namespace, p.Name
	s.add("kube_pod_info", 1, "namespace", ns, "pod", pod, "uid", p.UID, "node", p.Node, "pod_ip", p.IP,
		"created_by_kind", p.OwnerKind, "created_by_name", p.Owner)
	for _, phase := range phases {
		s.add("kube_pod_status_phase", flag(p.Phase == phase), "namespace", ns, "pod", pod, "phase", phase)
	}
	ready := "Unknown"
	if p.Ready != nil && !v.isLost(p.Node) {
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
