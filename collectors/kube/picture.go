package kube

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Links are drawn for all pods of a cluster up to maxLinkedPods, beyond that only for those in
// trouble: the rest hang on their parents anyway. A service names at most maxServicePods.
const (
	maxLinkedPods  = 5000
	maxServicePods = 50
)

// picture is what the wall shows of a cluster.
type picture struct {
	entities []model.Entity
	links    []model.Link
}

func (p picture) empty() bool { return len(p.entities) == 0 }

// diff is what has to be told to get from p to next.
func (p picture) diff(next picture) (entities []model.Entity, links []model.Link, gone, goneLinks []string) {
	old := make(map[string]*model.Entity, len(p.entities))
	for i := range p.entities {
		old[p.entities[i].ID] = &p.entities[i]
	}
	for _, e := range next.entities {
		if was, ok := old[e.ID]; !ok || !sameEntity(*was, e) {
			entities = append(entities, e)
		}
		delete(old, e.ID)
	}
	oldLinks := make(map[string]bool, len(p.links))
	for _, l := range p.links {
		oldLinks[l.Key()] = true
	}
	for _, l := range next.links {
		if key := l.Key(); oldLinks[key] {
			delete(oldLinks, key)
		} else {
			links = append(links, l)
		}
	}
	return entities, links, slices.Sorted(maps.Keys(old)), slices.Sorted(maps.Keys(oldLinks))
}

func sameEntity(a, b model.Entity) bool {
	return a.State == b.State && a.Reason == b.Reason && a.Parent == b.Parent && a.Name == b.Name && maps.Equal(a.Labels, b.Labels)
}

// tally counts the objects of a namespace or cluster.
type tally struct{ pods, ready, problems, critical int }

func (t *tally) count(s model.State) {
	if s.Problem() {
		t.problems++
	}
	if s == model.Critical {
		t.critical++
	}
}

// picture draws the cluster.
func (v *view) picture() picture {
	var pic picture
	spaces := map[string]*tally{}
	var all tally
	space := func(ns string) *tally {
		if spaces[ns] == nil {
			spaces[ns] = &tally{}
		}
		return spaces[ns]
	}
	linked := len(v.objects["pods"]) <= maxLinkedPods
	for i := range resources {
		r := &resources[i]
		if r.draw == nil {
			continue
		}
		for _, obj := range v.objects[r.name] {
			e, ok := r.draw(v, obj)
			if !ok {
				continue
			}
			pic.entities = append(pic.entities, e)
			if r.namespaced {
				space(obj.(metav1.Object).GetNamespace()).count(e.State)
			}
			if r.link != nil && (linked || e.State.Problem()) {
				pic.links = r.link(v, obj, e.ID, pic.links)
			}
		}
	}
	for p := range each[*Pod](v, "pods") {
		if p.Phase == "Succeeded" {
			continue
		}
		t := space(p.Namespace)
		t.pods++
		all.pods++
		if p.ready() && !v.isLost(p.Node) {
			t.ready++
			all.ready++
		}
	}
	for _, ns := range slices.Sorted(maps.Keys(spaces)) {
		pic.entities = append(pic.entities, v.namespace(ns, *spaces[ns]))
	}
	pic.entities = append(pic.entities, v.clusterEntity(all))
	slices.SortFunc(pic.entities, func(a, b model.Entity) int { return cmp.Compare(a.ID, b.ID) })
	return pic
}

func (v *view) clusterEntity(all tally) model.Entity {
	labels := map[string]string{"context": v.context, "server": v.host}
	set(labels, "version", v.version)
	ready := 0
	for n := range each[*Node](v, "nodes") {
		if n.ready() {
			ready++
		}
	}
	verdict := v.verdict("nodes", Verdict{State: model.OK})
	if v.known["nodes"] && v.trouble["nodes"] == nil {
		labels["nodes"], labels["nodes_ready"] = number(len(v.objects["nodes"])), number(ready)
		switch bad := len(v.objects["nodes"]) - ready; {
		case len(v.objects["nodes"]) == 0:
			verdict = Verdict{model.Warning, "it has no node"}
		case ready == 0:
			verdict = Verdict{model.Critical, "no node is ready"}
		case bad > 0:
			verdict = Verdict{model.Warning, fmt.Sprintf("%d of %d nodes not ready", bad, len(v.objects["nodes"]))}
		}
	}
	if v.known["pods"] && v.trouble["pods"] == nil {
		labels["pods"], labels["pods_ready"] = number(all.pods), number(all.ready)
	}
	for _, r := range resources {
		if err := v.trouble[r.name]; isForbidden(err) {
			labels["no_permission"] = joinText(labels["no_permission"], r.name)
		}
	}
	set(labels, "usage", v.usage.remark)
	return model.Entity{ID: model.ClusterID(v.cluster), Kind: model.KindCluster, Name: v.cluster, State: verdict.State, Reason: verdict.Reason, Labels: labels}
}

func (v *view) namespace(ns string, t tally) model.Entity {
	e := model.Entity{
		ID: model.NamespaceID(v.cluster, ns), Kind: model.KindNamespace, Name: ns, Parent: model.ClusterID(v.cluster), State: model.OK,
		Labels: map[string]string{"pods": number(t.pods), "pods_ready": number(t.ready), "problems": number(t.problems)},
	}
	if t.problems > 0 { // a namespace is never green over a problem, and its tile is not the problem itself
		e.State, e.Reason = model.Warning, plural(t.problems, "problem")
		if t.critical > 0 {
			e.Reason += fmt.Sprintf(", %d critical", t.critical)
		}
	}
	return e
}

func link(kind, from, to, evidence, observer string) model.Link {
	return model.Link{Kind: kind, A: from, B: to, State: model.OK, Confidence: 1, Evidence: []model.Evidence{{Source: evidence, Observer: observer}}}
}

// set puts a label where there is something to say.
func set(labels map[string]string, name, value string) {
	if value != "" {
		labels[name] = value
	}
}

func number[N int | int32](n N) string { return strconv.FormatInt(int64(n), 10) }
