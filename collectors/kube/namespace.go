package kube

import (
	corev1 "k8s.io/api/core/v1"

	"fmt"
	"slices"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// namespaceBehaviour draws nothing by itself: a namespace is drawn with the sum of what is in it.
var namespaceBehaviour = behaves[corev1.Namespace, Namespace]((*interner).namespace, nil, nil, (*sampler).namespace)

// terminatingFor is how long the deletion of a namespace may take.
const terminatingFor = 10 * time.Minute

// blocking are the conditions that hold back the deletion of a namespace, the most telling first.
var blocking = []corev1.NamespaceConditionType{
	corev1.NamespaceDeletionDiscoveryFailure, corev1.NamespaceDeletionGVParsingFailure, corev1.NamespaceDeletionContentFailure,
	corev1.NamespaceFinalizersRemaining, corev1.NamespaceContentRemaining,
}

// Namespace is a namespace of a cluster.
type Namespace struct {
	meta
	Phase   string
	Gone    time.Time  // when it was told to go, zero while it stays
	Blocked *Condition // what holds back its deletion
}

func (in *interner) namespace(o *corev1.Namespace) *Namespace {
	n := &Namespace{meta: in.meta(&o.ObjectMeta), Phase: in.str(clip(string(o.Status.Phase), 40))}
	n.Name = in.str(n.Name) // all that is in it shares this string
	if o.DeletionTimestamp != nil {
		n.Gone = o.DeletionTimestamp.Time
	}
	first := len(blocking)
	for _, c := range o.Status.Conditions {
		if i := slices.Index(blocking, c.Type); c.Status == corev1.ConditionTrue && i >= 0 && i < first {
			first = i
			blocked := in.condition(string(c.Type), string(c.Status), c.Reason, c.Message, c.LastTransitionTime, false)
			n.Blocked = &blocked
		}
	}
	return n
}

// JudgeNamespace judges a namespace by itself: one whose deletion does not come to its end.
func JudgeNamespace(n *Namespace, now time.Time) Verdict {
	switch {
	case n.Phase != string(corev1.NamespaceTerminating) || n.Gone.IsZero():
		return Verdict{State: model.OK}
	case now.Sub(n.Gone) <= terminatingFor:
		return Verdict{model.OK, "terminating"}
	}
	what := "terminating since " + clock(n.Gone, now)
	if n.Blocked == nil {
		return Verdict{model.Warning, what}
	}
	return Verdict{model.Warning, words(what+", "+n.Blocked.Reason, n.Blocked.Message)}
}

// watches reports whether the objects of a namespace are watched.
func (v *view) watches(namespace string) bool {
	return len(v.namespaces) == 0 || slices.Contains(v.namespaces, namespace)
}

// namespace draws a namespace with the sum of what is in it.
func (v *view) namespace(ns string, t tally) model.Entity {
	e := model.Entity{
		ID: model.NamespaceID(v.cluster, ns), Kind: model.KindNamespace, Name: ns, Parent: model.ClusterID(v.cluster), State: model.OK,
		Labels: map[string]string{"pods": number(t.pods), "pods_ready": number(t.ready), "problems": number(t.problems)},
	}
	if n, ok := find[*Namespace](v, "namespaces", "", ns); ok {
		own := JudgeNamespace(n, v.now)
		e.State, e.Reason = own.State, own.Reason
		set(e.Labels, "phase", n.Phase)
	}
	if v.readable("networkpolicies") {
		e.Labels["network_policies"] = number(v.policiesOf(ns))
	}
	if t.problems > 0 { // a namespace is never green over a problem, and its tile is not the problem itself
		within := plural(t.problems, "problem")
		if t.critical > 0 {
			within += fmt.Sprintf(", %d critical", t.critical)
		}
		e.State, e.Reason = model.Warning, joinText(e.Reason, within)
	}
	return e
}

// policiesOf is how many network policies a namespace has.
func (v *view) policiesOf(namespace string) int {
	if v.lookup.policies == nil {
		v.lookup.policies = map[string]int{}
		for p := range each[*NetworkPolicy](v, "networkpolicies") {
			v.lookup.policies[p.Namespace]++
		}
	}
	return v.lookup.policies[namespace]
}

func (s *sampler) namespace(_ *view, n *Namespace) {
	s.add("kube_namespace_created", unix(n.Created), "namespace", n.Name)
	for _, phase := range []corev1.NamespacePhase{corev1.NamespaceActive, corev1.NamespaceTerminating} {
		s.add("kube_namespace_status_phase", flag(n.Phase == string(phase)), "namespace", n.Name, "phase", string(phase))
	}
}
