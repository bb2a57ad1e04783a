package kube

import (
	corev1 "k8s.io/api/core/v1"

	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/nocturne-noc/nocturne/store/model"
)

var quotaBehaviour = behaves((*interner).quota, (*view).quota, nil, (*sampler).quota)

const (
	quotaHigh  = 0.9 // of what is allowed
	maxLimited = 30  // limits of one quota that its entity lists
)

// Limit is what a quota allows of one resource.
type Limit struct {
	Resource           string
	Hard, Used         float64
	HardText, UsedText string // as in the API, "10Gi"
}

// use is the share that is used; a limit of nothing is full from the start, and nothing to tell of.
func (l Limit) use() float64 {
	if l.Hard <= 0 {
		return 0
	}
	return l.Used / l.Hard
}

// Quota is a resource quota of a namespace, with its limits by name.
type Quota struct {
	meta
	Limits []Limit
}

func (in *interner) quota(o *corev1.ResourceQuota) *Quota {
	q := &Quota{meta: in.meta(&o.ObjectMeta)}
	for name, hard := range o.Status.Hard {
		used := o.Status.Used[name]
		q.Limits = append(q.Limits, Limit{
			Resource: in.str(clip(string(name), 100)), Hard: hard.AsApproximateFloat64(), Used: used.AsApproximateFloat64(),
			HardText: in.str(clip(hard.String(), 40)), UsedText: in.str(clip(used.String(), 40)),
		})
	}
	slices.SortFunc(q.Limits, func(a, b Limit) int { return cmp.Compare(a.Resource, b.Resource) })
	return q
}

// JudgeQuota judges a quota by its fullest limit.
func JudgeQuota(q *Quota) Verdict {
	var worst Limit
	for _, l := range q.Limits {
		if l.use() > worst.use() {
			worst = l
		}
	}
	of := fmt.Sprintf("%s of %s", worst.UsedText, worst.HardText)
	switch {
	case worst.use() >= 1:
		return Verdict{model.Warning, worst.Resource + " full, " + of + ": nothing more is admitted"}
	case worst.use() > quotaHigh:
		return Verdict{model.Warning, fmt.Sprintf("%s %.0f %% used, %s", worst.Resource, math.Floor(worst.use()*100), of)}
	}
	return Verdict{State: model.OK}
}

func (v *view) quota(q *Quota) (model.Entity, bool) {
	labels := map[string]string{}
	for _, l := range q.Limits[:min(len(q.Limits), maxLimited)] {
		labels["limit/"+l.Resource] = l.UsedText + " of " + l.HardText
	}
	return v.object("resourcequotas", model.KindQuota, &q.meta, JudgeQuota(q), labels), true
}

func (s *sampler) quota(_ *view, q *Quota) {
	for _, l := range q.Limits {
		s.add("kube_resourcequota", l.Hard, "namespace", q.Namespace, "resourcequota", q.Name, "resource", l.Resource, "type", "hard")
		s.add("kube_resourcequota", l.Used, "namespace", q.Namespace, "resourcequota", q.Name, "resource", l.Resource, "type", "used")
	}
	s.add("kube_resourcequota_created", unix(q.Created), "namespace", q.Namespace, "resourcequota", q.Name)
}
