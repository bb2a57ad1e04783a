package kube

import (
	corev1 "k8s.io/api/core/v1"

	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

var nodeBehaviour = behaves((*interner).node, (*view).node, nil, (*sampler).node)

// Node is a machine of the cluster.
type Node struct {
	meta
	Roles, Version, Zone, Address string
	OSImage, Kernel, Runtime      string
	Cordoned                      bool
	Capacity, Allocatable         Resources
	Conditions                    []Condition
}

func (in *interner) node(o *corev1.Node) *Node {
	n := &Node{
		meta: in.meta(&o.ObjectMeta), Version: in.str(o.Status.NodeInfo.KubeletVersion), OSImage: in.str(o.Status.NodeInfo.OSImage),
		Kernel: in.str(o.Status.NodeInfo.KernelVersion), Runtime: in.str(o.Status.NodeInfo.ContainerRuntimeVersion),
		Cordoned: o.Spec.Unschedulable, Capacity: amounts(o.Status.Capacity), Allocatable: amounts(o.Status.Allocatable),
		Zone: in.str(cmp.Or(o.Labels[corev1.LabelTopologyZone], o.Labels[corev1.LabelFailureDomainBetaZone])),
	}
	var roles []string
	for key := range o.Labels {
		if role, ok := strings.CutPrefix(key, "node-role.kubernetes.io/"); ok && role != "" {
			roles = append(roles, role)
		}
	}
	slices.Sort(roles)
	n.Roles = in.str(strings.Join(roles, ","))
	for _, a := range o.Status.Addresses {
		if a.Type == corev1.NodeInternalIP && n.Address == "" {
			n.Address = a.Address
		}
	}
	for _, c := range o.Status.Conditions {
		good := corev1.ConditionFalse
		if c.Type == corev1.NodeReady {
			good = corev1.ConditionTrue
		}
		n.Conditions = append(n.Conditions, in.condition(string(c.Type), string(c.Status), c.Reason, c.Message, c.LastTransitionTime, c.Status == good))
	}
	return n
}

// JudgeNode judges a node by its conditions.
func JudgeNode(n *Node, now time.Time) Verdict {
	var ready *Condition
	var pressure *Condition
	for i := range n.Conditions {
		c := &n.Conditions[i]
		switch {
		case c.Type == "Ready":
			ready = c
		case pressure == nil && c.Status == "True" && isPressure(c.Type):
			pressure = c
		}
	}
	switch {
	case ready == nil:
		return Verdict{model.Unknown, "its kubelet has not reported yet"}
	case ready.Status == "Unknown":
		return Verdict{model.Critical, "lost: kubelet silent since " + clock(ready.Since, now)}
	case ready.Status != "True":
		return Verdict{model.Critical, words("not ready", ready.Message)}
	case pressure != nil:
		return Verdict{model.Warning, words(pressure.Type, pressure.Message)}
	case n.Cordoned:
		return Verdict{model.OK, "cordoned"}
	}
	return Verdict{State: model.OK}
}

func isPressure(condition string) bool {
	switch condition {
	case "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable":
		return true
	}
	return false
}

// lost reports whether the node's kubelet has fallen silent.
func (n *Node) lost() bool {
	for _, c := range n.Conditions {
		if c.Type == "Ready" {
			return c.Status == "Unknown"
		}
	}
	return false
}

func (n *Node) ready() bool {
	for _, c := range n.Conditions {
		if c.Type == "Ready" {
			return c.Status == "True"
		}
	}
	return false
}

func (v *view) node(n *Node) (model.Entity, bool) {
	verdict := v.verdict("nodes", JudgeNode(n, v.now))
	labels := map[string]string{
		"cpu_allocatable":    strconv.FormatFloat(n.Allocatable.CPU, 'g', -1, 64),
		"memory_allocatable": strconv.FormatFloat(n.Allocatable.Memory, 'f', 0, 64),
	}
	set(labels, "roles", n.Roles)
	set(labels, "version", n.Version)
	set(labels, "zone", n.Zone)
	set(labels, "address", n.Address)
	if n.Cordoned {
		labels["cordoned"] = "true"
	}
	return model.Entity{ID: model.NodeID(v.cluster, n.Name), Kind: model.KindNode, Name: n.Name, Parent: model.ClusterID(v.cluster), State: verdict.State, Reason: verdict.Reason, Labels: labels}, true
}

func (s *sampler) node(_ *view, n *Node) {
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
