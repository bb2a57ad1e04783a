package kube

import (
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

var budgetBehaviour = behaves((*interner).budget, (*view).budget, (*view).budgetLinks, (*sampler).budget)

// maxGuarded is how many pods a budget names on the map.
const maxGuarded = maxServicePods

// Budget is a pod disruption budget of policy/v1.
type Budget struct {
	meta
	Healthy, Desired, Allowed, Expected int32 // pods
	Selector                            labels.Selector
	Failed                              *Condition // its controller cannot tell
}

func (in *interner) budget(o *policyv1.PodDisruptionBudget) *Budget {
	b := &Budget{
		meta: in.meta(&o.ObjectMeta), Healthy: o.Status.CurrentHealthy, Desired: o.Status.DesiredHealthy,
		Allowed: o.Status.DisruptionsAllowed, Expected: o.Status.ExpectedPods, Selector: labels.Nothing(),
	}
	if s, err := metav1.LabelSelectorAsSelector(o.Spec.Selector); err == nil {
		b.Selector = s
	}
	for _, c := range o.Status.Conditions {
		if c.Type == policyv1.DisruptionAllowedCondition && c.Reason == policyv1.SyncFailedReason {
			failed := in.condition(c.Type, string(c.Status), c.Reason, c.Message, c.LastTransitionTime, false)
			b.Failed = &failed
		}
	}
	return b
}

// JudgeBudget judges a disruption budget. That nothing may be disrupted is a problem only while less is
// healthy than it demands: otherwise it is what its owner wants, and drains have to wait.
func JudgeBudget(b *Budget, now time.Time) Verdict {
	switch {
	case b.Failed != nil && now.Sub(b.Failed.Since) >= grace:
		return Verdict{model.Warning, words("its controller cannot tell what may be disrupted", b.Failed.Message)}
	case b.Expected == 0:
		return Verdict{model.OK, "guards no pod"}
	case b.Healthy < b.Desired && now.Sub(b.Created) < grace:
		return Verdict{model.OK, fmt.Sprintf("starting, %d of %d pods healthy, %d needed", b.Healthy, b.Expected, b.Desired)}
	case b.Healthy < b.Desired:
		return Verdict{model.Warning, fmt.Sprintf("%d of %d pods healthy, %d needed: no disruption allowed", b.Healthy, b.Expected, b.Desired)}
	case b.Allowed == 0:
		return Verdict{model.OK, "no disruption allowed: a drain waits"}
	}
	return Verdict{State: model.OK}
}

func (v *view) budget(b *Budget) (model.Entity, bool) {
	return v.object("poddisruptionbudgets", model.KindBudget, &b.meta, JudgeBudget(b, v.now), map[string]string{
		"healthy": number(b.Healthy), "desired": number(b.Desired), "allowed": number(b.Allowed), "pods": number(b.Expected),
		"selector": clip(b.Selector.String(), 200),
	}), true
}

func (v *view) budgetLinks(b *Budget, id string, links []model.Link) []model.Link {
	var guarded []string
	for text, pods := range v.related().alike[b.Namespace] {
		if !b.Selector.Matches(labelsOf(text)) {
			continue
		}
		for _, p := range pods {
			if !p.ended() {
				guarded = append(guarded, p.Name)
			}
		}
	}
	slices.Sort(guarded) // so that the same ones are named again and again
	for _, name := range guarded[:min(len(guarded), maxGuarded)] {
		links = append(links, link("guards", id, model.ObjectID(v.cluster, b.Namespace, model.KindPod, name), "selector", id))
	}
	return links
}

// labelsOf is the inverse of labelText.
func labelsOf(text string) labels.Set {
	set := labels.Set{}
	for pair := range strings.SplitSeq(strings.Trim(text, ","), ",") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			set[key] = value
		}
	}
	return set
}

func (s *sampler) budget(_ *view, b *Budget) {
	add := func(name string, value float64) {
		s.add("kube_poddisruptionbudget_"+name, value, "namespace", b.Namespace, "poddisruptionbudget", b.Name)
	}
	add("created", unix(b.Created))
	add("status_current_healthy", float64(b.Healthy))
	add("status_desired_healthy", float64(b.Desired))
	add("status_pod_disruptions_allowed", float64(b.Allowed))
	add("status_expected_pods", float64(b.Expected))
}
