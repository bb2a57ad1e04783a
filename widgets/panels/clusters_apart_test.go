package panels

import (
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
)

// Nodes of two clusters that share a name are two groups, each with its own node's state.
func TestNodesOfSeveralClusters(t *testing.T) {
	src := paneltest.New(time.Unix(1_700_000_000, 0))
	var pods []model.Entity
	for cluster, state := range map[string]model.State{"a": model.OK, "b": model.Critical} {
		pod := model.Entity{ID: model.ObjectID(cluster, "shop", model.KindPod, "p"), Kind: model.KindPod, Name: "p", State: model.OK, Labels: map[string]string{"node": "n1"}}
		pods = append(pods, pod)
		src.Things = append(src.Things, pod, model.Entity{ID: model.NodeID(cluster, "n1"), Kind: model.KindNode, Name: "n1", State: state})
	}
	h := &honeycomb{honeycombOptions: honeycombOptions{Group: "node"}}
	for _, c := range []struct {
		of   []model.Entity
		want map[string]model.State
	}{
		{pods, map[string]model.State{"a/n1": model.OK, "b/n1": model.Critical}},
		{pods[:1], map[string]model.State{"n1": 0}},
	} {
		several := severalClusters(c.of)
		var cells []cell
		for _, e := range c.of {
			cells = append(cells, cell{id: e.ID, place: h.groupOf(e, several)})
		}
		combs := h.combs(src, cells, several)
		if len(combs) != len(c.want) {
			t.Fatalf("%d groups, want %d", len(combs), len(c.want))
		}
		for _, g := range combs {
			if want, ok := c.want[g.name]; !ok || several && (g.state != want || len(g.cells) != 1) {
				t.Errorf("group %q: %v, %d cells; want %v", g.name, g.state, len(g.cells), c.want)
			}
		}
	}
}

// What cannot be known is no zero: it is not counted at all.
func TestUnknownIsNotCounted(t *testing.T) {
	src := paneltest.New(time.Unix(1_700_000_000, 0))
	for name, state := range map[string]model.State{"known": model.OK, "hidden": model.Unknown, "old": model.Stale, "bad": model.Warning} {
		for _, kind := range []model.Kind{model.KindService, model.KindDeployment} {
			src.Things = append(src.Things, model.Entity{ID: model.ObjectID("a", "shop", kind, name), Kind: kind, Name: name, State: state})
		}
	}
	got := tallyClusters(src, map[string]int{model.ClusterID("a"): 0})[0]
	if got.services != 2 || got.serviceWell != 1 || got.workloads != 2 || got.workloadsWell != 1 {
		t.Errorf("services %d of %d, workloads %d of %d; want 1 of 2 of each", got.serviceWell, got.services, got.workloadsWell, got.workloads)
	}
}
