package kube

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

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

// watchTable has a view that no session made look as if all of the table were watched.
func (v *view) watchTable() {
	if v.resources == nil {
		for i := range resources {
			v.resources = append(v.resources, &resources[i])
		}
	}
}

// picture draws the whole cluster at once.
func (v *view) picture() picture {
	v.watchTable()
	c := newCanvas()
	c.draw(v, true)
	return c.picture(v)
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
	if len(v.only) > 0 {
		labels["only"] = strings.Join(v.only, ", ")
		verdict = Verdict{model.Unknown, onlyReadable(v.only)}
	}
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
	for _, r := range v.all() {
		if err := v.trouble[r.name]; isForbidden(err) {
			labels["no_permission"] = joinText(labels["no_permission"], r.name)
		}
	}
	set(labels, "usage", v.usage.remark)
	return model.Entity{ID: model.ClusterID(v.cluster), Kind: model.KindCluster, Name: v.cluster, State: verdict.State, Reason: verdict.Reason, Labels: labels}
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
