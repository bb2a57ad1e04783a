package kube

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// interner keeps one copy of strings that many objects share: namespaces, nodes, images, reasons.
type interner struct {
	mu sync.Mutex
	m  map[string]string
}

// maxInterned bounds the interner in a cluster whose images or nodes change for months.
const maxInterned = 100_000

func (in *interner) str(s string) string {
	if s == "" {
		return ""
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if known, ok := in.m[s]; ok {
		return known
	}
	if in.m == nil || len(in.m) >= maxInterned {
		in.m = map[string]string{}
	}
	s = strings.Clone(s)
	in.m[s] = s
	return s
}

// transform turns an object of the API into one of ours. It is idempotent, as informers demand, and
// a panic in it, which would end the program, is an error.
func (in *interner) transform(obj any) (out any, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("object %T of the API server: panicked: %v", obj, r)
		}
	}()
	switch o := obj.(type) {
	case *corev1.Node:
		return in.node(o), nil
	case *corev1.Pod:
		return in.pod(o), nil
	case *appsv1.Deployment:
		return in.deployment(o), nil
	case *appsv1.StatefulSet:
		return in.statefulSet(o), nil
	case *appsv1.DaemonSet:
		return in.daemonSet(o), nil
	case *appsv1.ReplicaSet:
		kind, name := in.owner(o.OwnerReferences)
		return &ReplicaSet{meta: in.meta(&o.ObjectMeta), OwnerKind: kind, Owner: name}, nil
	case *corev1.Service:
		return &Service{
			meta: in.meta(&o.ObjectMeta), Type: in.str(string(o.Spec.Type)), ClusterIP: o.Spec.ClusterIP,
			Selector: clip(labels.Set(o.Spec.Selector).String(), 200),
		}, nil
	case *discoveryv1.EndpointSlice:
		return in.slice(o), nil
	case *corev1.Event:
		return in.happening(o), nil
	}
	return obj, nil
}

func (in *interner) meta(m *metav1.ObjectMeta) meta {
	return meta{Name: m.Name, Namespace: in.str(m.Namespace), UID: string(m.UID), Version: m.ResourceVersion, Created: m.CreationTimestamp.Time}
}

func (in *interner) owner(refs []metav1.OwnerReference) (kind, name string) {
	for _, r := range refs {
		if r.Controller != nil && *r.Controller {
			return in.str(r.Kind), in.str(r.Name)
		}
	}
	return "", ""
}

func (in *interner) node(o *corev1.Node) *Node {
	n := &Node{
		meta: in.meta(&o.ObjectMeta), Version: in.str(o.Status.NodeInfo.KubeletVersion), OSImage: in.str(o.Status.NodeInfo.OSImage),
		Kernel: in.str(o.Status.NodeInfo.KernelVersion), Runtime: in.str(o.Status.NodeInfo.ContainerRuntimeVersion),
		Cordoned: o.Spec.Unschedulable, Capacity: resources(o.Status.Capacity), Allocatable: resources(o.Status.Allocatable),
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

func (in *interner) condition(kind, status, reason, message string, since metav1.Time, good bool) Condition {
	c := Condition{Type: in.str(kind), Status: in.str(status), Reason: in.str(clip(reason, 80)), Since: since.Time}
	if !good {
		c.Message = in.str(clip(message, 300))
	}
	return c
}

func (in *interner) pod(o *corev1.Pod) *Pod {
	p := &Pod{
		meta: in.meta(&o.ObjectMeta), Node: in.str(o.Spec.NodeName), IP: o.Status.PodIP, Phase: in.str(string(o.Status.Phase)),
		Reason: in.str(clip(o.Status.Reason, 80)), Message: clip(o.Status.Message, 300), QoS: in.str(string(o.Status.QOSClass)),
	}
	p.OwnerKind, p.Owner = in.owner(o.OwnerReferences)
	if o.DeletionTimestamp != nil {
		p.GoneBy = o.DeletionTimestamp.Time
	}
	for _, c := range o.Status.Conditions {
		switch c.Type {
		case corev1.PodReady:
			ready := in.condition(string(c.Type), string(c.Status), c.Reason, c.Message, c.LastTransitionTime, c.Status == corev1.ConditionTrue)
			p.Ready = &ready
		case corev1.PodScheduled:
			if c.Status != corev1.ConditionTrue {
				scheduled := in.condition(string(c.Type), string(c.Status), c.Reason, c.Message, c.LastTransitionTime, false)
				p.Scheduled = &scheduled
			}
		}
	}
	p.Containers = make([]Container, 0, len(o.Spec.InitContainers)+len(o.Spec.Containers))
	for _, c := range o.Spec.InitContainers {
		p.Containers = append(p.Containers, in.container(c, o.Status.InitContainerStatuses, true))
	}
	for _, c := range o.Spec.Containers {
		p.Containers = append(p.Containers, in.container(c, o.Status.ContainerStatuses, false))
	}
	return p
}

func (in *interner) container(spec corev1.Container, statuses []corev1.ContainerStatus, init bool) Container {
	c := Container{
		Name: in.str(spec.Name), Image: in.str(clip(spec.Image, 200)), Init: init,
		Request: resources(spec.Resources.Requests), Limits: resources(spec.Resources.Limits),
	}
	for _, s := range statuses {
		if s.Name != spec.Name {
			continue
		}
		c.Ready, c.Restarts, c.Running = s.Ready, s.RestartCount, s.State.Running != nil
		c.Started = s.Started != nil && *s.Started
		if w := s.State.Waiting; w != nil {
			c.Waiting, c.Message = in.str(clip(w.Reason, 80)), in.str(clip(w.Message, 300))
		}
		c.Ended, c.Last = in.termination(s.State.Terminated), in.termination(s.LastTerminationState.Terminated)
	}
	return c
}

func (in *interner) termination(t *corev1.ContainerStateTerminated) *Termination {
	if t == nil {
		return nil
	}
	return &Termination{Reason: in.str(clip(t.Reason, 80)), ExitCode: t.ExitCode, At: t.FinishedAt.Time}
}

func resources(l corev1.ResourceList) Resources {
	return Resources{CPU: l.Cpu().AsApproximateFloat64(), Memory: l.Memory().AsApproximateFloat64(), Pods: l.Pods().AsApproximateFloat64()}
}

func (in *interner) deployment(o *appsv1.Deployment) *Workload {
	w := &Workload{meta: in.meta(&o.ObjectMeta), Desired: replicas(o.Spec.Replicas), Ready: o.Status.ReadyReplicas, Available: o.Status.AvailableReplicas, Updated: o.Status.UpdatedReplicas}
	for _, c := range o.Status.Conditions {
		good := (c.Status == corev1.ConditionTrue) == (c.Type != appsv1.DeploymentReplicaFailure)
		w.Conditions = append(w.Conditions, in.condition(string(c.Type), string(c.Status), c.Reason, c.Message, c.LastTransitionTime, good))
	}
	return w
}

func (in *interner) statefulSet(o *appsv1.StatefulSet) *Workload {
	available := o.Status.AvailableReplicas
	if available == 0 {
		available = o.Status.ReadyReplicas // clusters before 1.22 do not tell
	}
	return &Workload{meta: in.meta(&o.ObjectMeta), Desired: replicas(o.Spec.Replicas), Ready: o.Status.ReadyReplicas, Available: available, Updated: o.Status.UpdatedReplicas}
}

func (in *interner) daemonSet(o *appsv1.DaemonSet) *Workload {
	return &Workload{
		meta: in.meta(&o.ObjectMeta), Desired: o.Status.DesiredNumberScheduled, Ready: o.Status.NumberReady,
		Available: o.Status.NumberAvailable, Updated: o.Status.UpdatedNumberScheduled, Misplaced: o.Status.NumberMisscheduled,
	}
}

// replicas is the wanted number; the API's default is one.
func replicas(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}

func (in *interner) slice(o *discoveryv1.EndpointSlice) *Slice {
	s := &Slice{meta: in.meta(&o.ObjectMeta), Service: in.str(o.Labels[discoveryv1.LabelServiceName])}
	for _, e := range o.Endpoints {
		s.Total++
		if e.Conditions.Ready == nil || *e.Conditions.Ready { // nil is to be read as ready
			s.Ready++
		}
		if e.TargetRef != nil && e.TargetRef.Kind == "Pod" {
			s.Pods = append(s.Pods, in.str(e.TargetRef.Name))
		}
	}
	return s
}

func (in *interner) happening(o *corev1.Event) *Happening {
	h := &Happening{
		meta: in.meta(&o.ObjectMeta), Kind: in.str(o.InvolvedObject.Kind), ObjectNamespace: in.str(o.InvolvedObject.Namespace),
		ObjectName: in.str(o.InvolvedObject.Name), Type: in.str(o.Type), Reason: in.str(clip(o.Reason, 80)),
		Message: in.str(clip(o.Message, 500)), From: in.str(cmp.Or(o.ReportingController, o.Source.Component)), Count: int(max(o.Count, 1)),
	}
	if h.ObjectNamespace == "" && h.Kind == "Endpoints" { // its controller leaves the namespace out
		h.ObjectNamespace = in.str(o.Namespace)
	}
	h.Last = latest(o.LastTimestamp.Time, o.EventTime.Time, o.FirstTimestamp.Time)
	if o.Series != nil {
		h.Count = max(h.Count, int(o.Series.Count))
		h.Last = latest(h.Last, o.Series.LastObservedTime.Time)
	}
	if h.Last.IsZero() {
		h.Last = h.Created
	}
	return h
}

func latest(times ...time.Time) time.Time {
	return slices.MaxFunc(times, time.Time.Compare)
}

// clip makes foreign text fit for a wall: one line, printable, at most n runes.
func clip(s string, n int) string {
	var b strings.Builder
	space, count := false, 0
	for _, r := range s {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			space = count > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			count++
			space = false
		}
		if count >= n {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
		count++
	}
	return b.String()
}
