package kube

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"fmt"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

var autoscalerBehaviour = behaves((*interner).autoscaler, (*view).autoscaler, (*view).autoscalerLinks, (*sampler).autoscaler)

// atMaximumFor is how long an autoscaler may want more than its maximum.
const atMaximumFor = 15 * time.Minute

// Autoscaler is a horizontal pod autoscaler of autoscaling/v2.
type Autoscaler struct {
	meta
	TargetVersion, TargetKind, Target string // what it scales
	Min, Max, Current, Desired        int32
	Conditions                        []Condition
}

func (in *interner) autoscaler(o *autoscalingv2.HorizontalPodAutoscaler) *Autoscaler {
	ref := o.Spec.ScaleTargetRef
	a := &Autoscaler{
		meta: in.meta(&o.ObjectMeta), TargetVersion: in.str(clip(ref.APIVersion, 100)), TargetKind: in.str(clip(ref.Kind, 63)), Target: in.str(clip(ref.Name, 253)),
		Min: replicas(o.Spec.MinReplicas), Max: o.Spec.MaxReplicas, Current: o.Status.CurrentReplicas, Desired: o.Status.DesiredReplicas,
	}
	for _, c := range o.Status.Conditions {
		good := (c.Status == "True") == (c.Type != autoscalingv2.ScalingLimited)
		a.Conditions = append(a.Conditions, in.condition(string(c.Type), string(c.Status), c.Reason, c.Message, c.LastTransitionTime, good))
	}
	return a
}

// JudgeAutoscaler judges an autoscaler: one that cannot scale, does not know whether it should, or has
// wanted more than its maximum for a while.
func JudgeAutoscaler(a *Autoscaler, now time.Time) Verdict {
	able, active := conditionIn(a.Conditions, string(autoscalingv2.AbleToScale)), conditionIn(a.Conditions, string(autoscalingv2.ScalingActive))
	limited := conditionIn(a.Conditions, string(autoscalingv2.ScalingLimited))
	for _, c := range []*Condition{able, active} {
		switch {
		case c == nil || c.Status == "True":
		case c.Reason == "ScalingDisabled":
			return Verdict{model.OK, "off: its target is scaled to 0"}
		case now.Sub(a.Created) < grace: // no metrics have been gathered of what was just made
			return Verdict{model.OK, "starting, " + c.Reason}
		default:
			return Verdict{model.Warning, words("cannot scale, "+c.Reason, c.Message)}
		}
	}
	if limited != nil && limited.Status == "True" && limited.Reason == "TooManyReplicas" && a.Min < a.Max {
		what := fmt.Sprintf("at its maximum of %d since %s", a.Max, clock(limited.Since, now))
		if now.Sub(limited.Since) >= atMaximumFor {
			return Verdict{model.Warning, what}
		}
		return Verdict{model.OK, what}
	}
	return Verdict{State: model.OK}
}

func (v *view) autoscaler(a *Autoscaler) (model.Entity, bool) {
	return v.object("horizontalpodautoscalers", model.KindAutoscaler, &a.meta, JudgeAutoscaler(a, v.now), map[string]string{
		"target": strings.ToLower(a.TargetKind) + "/" + a.Target,
		"min":    number(a.Min), "max": number(a.Max), "current": number(a.Current), "desired": number(a.Desired),
	}), true
}

func (v *view) autoscalerLinks(a *Autoscaler, id string, links []model.Link) []model.Link {
	target := model.ObjectID(v.cluster, a.Namespace, model.Kind(strings.ToLower(a.TargetKind)), a.Target)
	if v.loadIDs[target] {
		links = append(links, link("scales", id, target, "reference", id))
	}
	return links
}

func (s *sampler) autoscaler(_ *view, a *Autoscaler) {
	ids := []string{"namespace", a.Namespace, "horizontalpodautoscaler", a.Name}
	add := func(name string, value float64, pairs ...string) {
		s.add("kube_horizontalpodautoscaler_"+name, value, append(ids[:len(ids):len(ids)], pairs...)...)
	}
	add("info", 1, "scaletargetref_api_version", a.TargetVersion, "scaletargetref_kind", a.TargetKind, "scaletargetref_name", a.Target)
	add("spec_min_replicas", float64(a.Min))
	add("spec_max_replicas", float64(a.Max))
	add("status_current_replicas", float64(a.Current))
	add("status_desired_replicas", float64(a.Desired))
	for _, c := range a.Conditions {
		for _, st := range statuses {
			add("status_condition", flag(c.Status == st.api), "condition", c.Type, "status", st.label)
		}
	}
}
