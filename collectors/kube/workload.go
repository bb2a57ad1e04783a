package kube

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fmt"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

var (
	deploymentBehaviour  = workloadBehaviour((*interner).deployment)
	statefulSetBehaviour = workloadBehaviour((*interner).statefulSet)
	daemonSetBehaviour   = workloadBehaviour((*interner).daemonSet)
	replicaSetBehaviour  = behaves[metav1.PartialObjectMetadata, ReplicaSet]((*interner).replicaSet, nil, nil, (*sampler).replicaSet)
)

func workloadBehaviour[A any](keep func(*interner, *A) *Workload) behaviour {
	return behaves(keep,
		func(v *view, w *Workload) (model.Entity, bool) { return v.load(w), true }, nil,
		func(s *sampler, _ *view, w *Workload) { s.load(w) })
}

func (in *interner) replicaSet(o *metav1.PartialObjectMetadata) *ReplicaSet {
	kind, name := in.owner(o.OwnerReferences)
	return &ReplicaSet{meta: in.meta(&o.ObjectMeta), OwnerKind: kind, Owner: name}
}

// Workload is a deployment, stateful set or daemon set.
type Workload struct {
	meta
	Kind                                          model.Kind
	Desired, Ready, Available, Updated, Misplaced int32
	Partition                                     int32 // pods of a stateful set that keep the old revision
	Paused, OnDelete                              bool  // the rollout; the update waits for somebody to delete pods
	Conditions                                    []Condition
	Template                                      Template
	project                                       *member // of the landscape, nil for none
}

// workloadKinds are the kinds of collections that hold workloads.
var workloadKinds = map[string]model.Kind{
	"deployments": model.KindDeployment, "statefulsets": model.KindStatefulSet, "daemonsets": model.KindDaemonSet,
}

// collectionFor is the inverse of workloadKinds.
func collectionFor(kind model.Kind) string { return string(kind) + "s" }

func (in *interner) deployment(o *appsv1.Deployment) *Workload {
	w := &Workload{
		meta: in.meta(&o.ObjectMeta), Kind: model.KindDeployment, Desired: replicas(o.Spec.Replicas), Ready: o.Status.ReadyReplicas,
		Available: o.Status.AvailableReplicas, Updated: o.Status.UpdatedReplicas, Paused: o.Spec.Paused, Template: in.template(&o.Spec.Template), project: in.workloadProject(&o.ObjectMeta, &o.Spec.Template),
	}
	for _, c := range o.Status.Conditions {
		good := (c.Status == corev1.ConditionTrue) == (c.Type != appsv1.DeploymentReplicaFailure)
		w.Conditions = append(w.Conditions, in.condition(string(c.Type), string(c.Status), c.Reason, c.Message, c.LastTransitionTime, good))
	}
	return w
}

func (in *interner) statefulSet(o *appsv1.StatefulSet) *Workload {
	available := o.Status.AvailableReplicas
	if available == 0 && o.Spec.MinReadySeconds == 0 {
		available = o.Status.ReadyReplicas // clusters before 1.22 do not tell
	}
	w := &Workload{
		meta: in.meta(&o.ObjectMeta), Kind: model.KindStatefulSet, Desired: replicas(o.Spec.Replicas), Ready: o.Status.ReadyReplicas,
		Available: available, Updated: o.Status.UpdatedReplicas, Template: in.template(&o.Spec.Template), project: in.workloadProject(&o.ObjectMeta, &o.Spec.Template),
		OnDelete: o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType,
	}
	if r := o.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil {
		w.Partition = *r.Partition
	}
	return w
}

func (in *interner) daemonSet(o *appsv1.DaemonSet) *Workload {
	return &Workload{
		meta: in.meta(&o.ObjectMeta), Kind: model.KindDaemonSet, Desired: o.Status.DesiredNumberScheduled, Ready: o.Status.NumberReady,
		Available: o.Status.NumberAvailable, Updated: o.Status.UpdatedNumberScheduled, Misplaced: o.Status.NumberMisscheduled,
		Template: in.template(&o.Spec.Template), project: in.workloadProject(&o.ObjectMeta, &o.Spec.Template), OnDelete: o.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType,
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
	young := now.Sub(w.Created) < grace
	none := w.Desired > 0 && w.Available <= 0
	for _, c := range w.Conditions {
		stuck := c.Type == "Progressing" && c.Status == "False"
		if !stuck && (c.Type != "ReplicaFailure" || c.Status != "True") {
			continue
		}
		v := Verdict{model.Warning, words(fmt.Sprintf("%s, %s", c.Reason, short), c.Message)}
		if none && (stuck || !young) {
			v.State = model.Critical
		}
		return v
	}
	switch behind := w.behind(); {
	case w.Desired == 0:
		return Verdict{model.OK, "scaled to 0"}
	case w.Available < w.Desired && young:
		return Verdict{model.OK, "starting, " + short}
	case none:
		return Verdict{model.Critical, joinComma(short, behind)}
	case w.Available < w.Desired:
		return Verdict{model.Warning, joinComma(short, behind)}
	case int(w.Misplaced) > lostNodes:
		return Verdict{model.Warning, "runs on " + plural(int(w.Misplaced)-lostNodes, "node") + " where it should not"}
	default:
		return Verdict{model.OK, behind}
	}
}

// behind says how far a rollout has come, and what holds it; "" when every pod is of the latest template.
func (w *Workload) behind() string {
	if w.Updated >= w.Desired {
		return ""
	}
	updated := fmt.Sprintf("%d of %d updated", w.Updated, w.Desired)
	switch {
	case w.Paused:
		return updated + ", rollout paused"
	case w.OnDelete:
		return updated + ", the rest when their pods are deleted"
	case w.Partition > 0 && w.Updated >= w.Desired-w.Partition:
		return updated + fmt.Sprintf(", held by partition %d", w.Partition)
	}
	return updated
}

func (v *view) load(w *Workload) model.Entity {
	verdict := v.verdict(collectionFor(w.Kind), JudgeWorkload(w, v.lostNodes, v.now))
	e := model.Entity{
		ID: model.ObjectID(v.cluster, w.Namespace, w.Kind, w.Name), Kind: w.Kind, Name: w.Name,
		Parent: model.NamespaceID(v.cluster, w.Namespace), State: verdict.State, Reason: verdict.Reason,
		Labels: map[string]string{"namespace": w.Namespace, "desired": number(w.Desired), "ready": number(w.Ready), "available": number(w.Available), "updated": number(w.Updated)},
	}
	if len(w.Template.Containers) > 0 {
		set(e.Labels, "image", w.Template.main().Image)
	}
	if at := v.lastRollout(w); !at.IsZero() {
		e.Labels["changed"] = at.UTC().Format(time.RFC3339)
	}
	if v.trouble[collectionFor(w.Kind)] != nil {
		return e
	}
	if lost := v.lostPods(w); lost.pods > 0 && v.readable("pods") {
		own, theirs, said := strings.Cut(verdict.Reason, ": ")
		if e.Reason = joinComma(own, lost.String()); said {
			e.Reason += ": " + theirs
		}
	}
	if e.State.Problem() {
		set(e.Labels, "why", v.whyWorkload(w).text())
	}
	return e
}

func (s *sampler) load(w *Workload) {
	kind := w.Kind
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

// ReplicaSet leads from a pod to its deployment, and says when that was rolled out.
type ReplicaSet struct {
	meta
	OwnerKind, Owner string
}

// replicaSet measures who owns a replica set. Those that are kept for a rollback only have no series: nothing
// leads to them, and there are ten for each deployment.
func (s *sampler) replicaSet(v *view, rs *ReplicaSet) {
	if v.controlsPods("ReplicaSet", rs.Namespace, rs.Name) {
		s.add("kube_replicaset_owner", 1, "namespace", rs.Namespace, "replicaset", rs.Name,
			"owner_kind", rs.OwnerKind, "owner_name", rs.Owner, "owner_is_controller", "true")
	}
}
