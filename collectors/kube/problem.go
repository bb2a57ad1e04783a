package kube

import (
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
)

// maxProblems is how many problems of a cluster are measured, and so become alerts of their own.
const maxProblems = 1000

// problems measures each object that is in trouble as nocturne_kube_problem 1, so that one rule can alert of
// them all in the words of its tile. Its labels are those of the entity, its kind and name, the
// severity, and the reason as far as it is our own: what others wrote may be another with each look,
// and each would be a series.
func (s *sampler) problems(v *view, entities []*model.Entity) {
	for n := range each[*Namespace](v, "namespaces") {
		if own := JudgeNamespace(n, v.now); own.State.Problem() && v.readable("namespaces") {
			entities = append(entities, &model.Entity{ID: model.NamespaceID(v.cluster, n.Name), State: own.State, Reason: own.Reason})
		}
	}
	entities = slices.DeleteFunc(entities, func(e *model.Entity) bool { return !e.State.Problem() })
	if len(entities) > maxProblems {
		slices.SortStableFunc(entities, func(a, b *model.Entity) int { return b.State.Rank() - a.State.Rank() })
		entities = entities[:maxProblems]
	}
	for _, e := range entities {
		kind, name, labels, ok := model.ParseID(e.ID)
		if !ok || kind == model.KindProject { // a project sums up what is told by itself
			continue
		}
		pairs := []string{"kind", string(kind), "name", name, "severity", e.State.String(), "reason", ownWords(kind, e.Reason)}
		for label, value := range labels {
			if label != "cluster" {
				pairs = append(pairs, label, value)
			}
		}
		s.add("nocturne_kube_problem", 1, pairs...)
	}
}

// ownWords is a reason without what others wrote, which follows a colon, and of a pod without its count
// of restarts, which rises.
func ownWords(kind model.Kind, reason string) string {
	reason, _, _ = strings.Cut(reason, ": ")
	if kind == model.KindPod {
		reason, _, _ = strings.Cut(reason, ", ")
	}
	return clip(reason, 200)
}
