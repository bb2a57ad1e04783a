package kube

import (
	corev1 "k8s.io/api/core/v1"

	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/version"

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
	Labels, Taints                []string // sorted, as "key=value" and "key=value:Effect"
}

func (in *interner) node(o *corev1.Node) *Node {
	n := &Node{
		meta: in.meta(&o.ObjectMeta), Version: in.str(o.Status.NodeInfo.KubeletVersion), OSImage: in.str(o.Status.NodeInfo.OSImage),
		Kernel: in.str(o.Status.NodeInfo.KernelVersion), Runtime: in.str(o.Status.NodeInfo.ContainerRuntimeVersion),
		Cordoned: o.Spec.Unschedulable, Capacity: amounts(o.Status.Capacity), Allocatable: amounts(o.Status.Allocatable),
		Zone: in.str(cmp.Or(o.Labels[corev1.LabelTopologyZone], o.Labels[corev1.LabelFailureDomainBetaZone])),
	}
	n.Labels, n.Taints = in.nodeLabels(o.Labels), in.taints(o.Spec.Taints)
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

// maxNodeLabels bounds what is kept of a node's labels.
const maxNodeLabels = 100

func (in *interner) nodeLabels(all map[string]string) []string {
	list := make([]string, 0, len(all))
	for k, v := range all {
		list = append(list, in.str(clip(k, 100)+"="+clip(v, 63)))
	}
	slices.Sort(list)
	return slices.Clip(list[:min(len(list), maxNodeLabels)])
}

// taints are those that somebody has put there. What the control plane adds and takes away with the node's
// conditions, and with its cordon, is told as these.
func (in *interner) taints(all []corev1.Taint) []string {
	var list []string
	for _, t := range all {
		if !strings.HasPrefix(t.Key, "node.kubernetes.io/") {
			list = append(list, in.str(clip(t.ToString(), 200)))
		}
	}
	slices.Sort(list)
	return list[:min(len(list), maxNodeLabels)]
}

// maxSkew is by how many minor versions a kubelet may be older than the API server.
// https://kubernetes.io/releases/version-skew-policy/
const maxSkew = 3

// skew says how a kubelet's version does not fit the API server's, "" when it does or cannot be told.
func skew(kubelet, server string) string {
	k, err1 := version.ParseGeneric(kubelet)
	s, err2 := version.ParseGeneric(server)
	switch {
	case err1 != nil || err2 != nil || k.Major() != s.Major():
		return ""
	case k.Minor() > s.Minor():
		return fmt.Sprintf("kubelet %s is newer than the API server %s", kubelet, server)
	case s.Minor()-k.Minor() > maxSkew:
		return fmt.Sprintf("kubelet %s is %d minor versions behind the API server", kubelet, s.Minor()-k.Minor())
	}
	return ""
}

// JudgeNode judges a node by its conditions.
func JudgeNode(n *Node, now time.Time) Verdict {
	ready, pressures := n.condition("Ready"), n.pressures()
	switch {
	case ready == nil:
		return Verdict{model.Unknown, "its kubelet has not reported yet"}
	case ready.Status == "Unknown":
		return Verdict{model.Critical, "lost: kubelet silent since " + clock(ready.Since, now)}
	case ready.Status != "True":
		return Verdict{model.Critical, words("not ready", ready.Message)}
	case len(pressures) > 0:
		return Verdict{model.Warning, words(pressures[0].Type, pressures[0].Message)}
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

// condition is one of the node's conditions, nil when its kubelet has not told it.
func (n *Node) condition(kind string) *Condition {
	for i := range n.Conditions {
		if n.Conditions[i].Type == kind {
			return &n.Conditions[i]
		}
	}
	return nil
}

// lost reports whether the node's kubelet has fallen silent.
func (n *Node) lost() bool {
	c := n.condition("Ready")
	return c != nil && c.Status == "Unknown"
}

func (n *Node) ready() bool {
	c := n.condition("Ready")
	return c != nil && c.Status == "True"
}

// pressures are the conditions that say that the node runs out of something.
func (n *Node) pressures() []*Condition {
	var list []*Condition
	for i := range n.Conditions {
		if c := &n.Conditions[i]; c.Status == "True" && isPressure(c.Type) {
			list = append(list, c)
		}
	}
	return list
}

func (v *view) node(n *Node) (model.Entity, bool) {
	verdict := v.verdict("nodes", JudgeNode(n, v.now))
	labels := map[string]string{
		"cpu_allocatable":    strconv.FormatFloat(n.Allocatable.CPU, 'g', -1, 64),
		"memory_allocatable": strconv.FormatFloat(n.Allocatable.Memory, 'f', 0, 64),
	}
	set(labels, "roles", n.Roles)
	set(labels, "version", n.Version)
	set(labels, "runtime", n.Runtime)
	set(labels, "zone", n.Zone)
	set(labels, "address", n.Address)
	set(labels, "taints", clip(strings.Join(n.Taints, ", "), 300))
	set(labels, "labels", clip(strings.Join(n.Labels, ", "), 1000))
	old := skew(n.Version, v.version)
	set(labels, "skew", old)
	var pressures string
	for _, c := range n.pressures() {
		pressures = joinComma(pressures, c.Type)
	}
	set(labels, "pressure", pressures)
	if n.Cordoned {
		labels["cordoned"] = "true"
	}
	e := model.Entity{ID: model.NodeID(v.cluster, n.Name), Kind: model.KindNode, Name: n.Name, Parent: model.ClusterID(v.cluster), State: verdict.State, Reason: verdict.Reason, Labels: labels}
	if v.trouble["nodes"] != nil {
		return e, true
	}
	if e.State == model.OK {
		e.Reason = joinComma(e.Reason, old)
	}
	if e.State.Problem() {
		set(labels, "why", v.whyNode(n).text())
		e.Since = n.since()
	}
	return e, true
}

// since is when the trouble of a node began, zero when it is well or does not say.
func (n *Node) since() time.Time {
	if c := n.condition("Ready"); c != nil && c.Status != "True" {
		return c.Since
	}
	if list := n.pressures(); len(list) > 0 {
		return list[0].Since
	}
	return time.Time{}
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
