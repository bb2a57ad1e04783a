package kube

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"fmt"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

var (
	deploymentBehaviour  = workloadBehaviour(model.KindDeployment, (*interner).deployment)
	statefulSetBehaviour = workloadBehaviour(model.KindStatefulSet, (*interner).statefulSet)
	daemonSetBehaviour   = workloadBehaviour(model.KindDaemonSet, (*interner).daemonSet)
	replicaSetBehaviour  = behaves[appsv1.ReplicaSet, ReplicaSet]((*interner).replicaSet, nil, nil, nil)
)

func workloadBehaviour[A any](kind model.Kind, keep func(*interner, *A) *Workload) behaviour {
	return behaves(keep,
		func(v *view, w *Workload) (model.Entity, bool) { return v.load(kind, w), true }, nil,
		func(s *sampler, _ *view, w *Workload) { s.load(kind, w) })
}

func (in *interner) replicaSet(o *appsv1.ReplicaSet) *ReplicaSet {
	kind, name := in.owner(o.OwnerReferences)
	return &ReplicaSet{meta: in.meta(&o.ObjectMeta), OwnerKind: kind, Owner: name}
}

// Workload is a deployment, stateful set or daemon set.
type Workload struct {
	meta
	Desired, Ready, Available, Updated, Misplaced int32
	Conditions                                    []Condition
}

// workloadKinds are the kinds of collections that hold workloads.
var workloadKinds = map[string]model.Kind{
	"deployments": model.KindDeployment, "statefulsets": model.KindStatefulSet, "daemonsets": model.KindDaemonSet,
}

// collectionFor is the inverse of workloadKinds.
func collectionFor(kind model.Kind) string { return string(kind) + "s" }

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

// JudgeWorkload judges a deployment, stateful set or daemon set: a problem when fewer serve than are
// wanted, critical when none does. A lost node counts its daemons as misplaced: lostNodes is how many
// there are, so that they are not blamed twice.
func JudgeWorkload(w *Workload, lostNodes int, now time.Time) Verdict {
	short := fmt.Sprintf("%d of %d available", w.Available, w.Desired)
	for _, c := range w.Conditions {
		switch {
		case c.Type == "Progressing" && c.Status == "False":
			v := Verdict{model.Warning, words(fmt.Sprintf("%s, %s", c.Reason, short), c.Message)}
			if w.Desired > 0 && w.Available == 0 {
				v.State = model.Critical
			}
			return v
		case c.Type == "ReplicaFailure" && c.Status == "True":
			return Verdict{model.Warning, words(fmt.Sprintf("%s, %s", c.Reason, short), c.Message)}
		}
	}
	switch {
	case w.Desired == 0:
		return Verdict{model.OK, "scaled to 0"}
	case w.Available < w.Desired && now.Sub(w.Created) < grace:
		return Verdict{model.OK, "starting, " + short}
	case w.Available <= 0:
		return Verdict{model.Critical, short}
	case w.Available < w.Desired:
		return Verdict{model.Warning, short}
	case int(w.Misplaced) > lostNodes:
		return Verdict{model.Warning, "runs on " + plural(int(w.Misplaced)-lostNodes, "node") + " where it should not"}
	}
	return Verdict{State: model.OK}
}

func (v *view) load(kind model.Kind, w *Workload) model.Entity {
	verdict := v.verdict(collectionFor(kind), JudgeWorkload(w, v.lostNodes, v.now))
	return model.Entity{
		ID: model.ObjectID(v.cluster, w.Namespace, kind, w.Name), Kind: kind, Name: w.Name,
		Parent: model.NamespaceID(v.cluster, w.Namespace), State: verdict.State, Reason: verdict.Reason,
		Labels: map[string]string{"namespace": w.Namespace, "desired": number(w.Desired), "ready": number(w.Ready), "available": number(w.Available), "updated": number(w.Updated)},
	}
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

// ReplicaSet only leads from a pod to its deployment.
type ReplicaSet struct {
	meta
	OwnerKind, Owner string
}
