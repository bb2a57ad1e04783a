package panels

import (
	"maps"
	"slices"
	"testing"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// chain is an ingress to a service to two pods of a deployment on two nodes, one with a claim, and beside it a
// service that sends nowhere.
func chain() *paneltest.Source {
	s := paneltest.New(paneltest.Quiet().At)
	id := func(kind model.Kind, name string) string { return model.ObjectID("c", "shop", kind, name) }
	in := map[string]string{"namespace": "shop"}
	s.Add(
		model.Entity{ID: id(model.KindIngress, "front"), Kind: model.KindIngress, Name: "front", State: model.OK, Labels: in},
		model.Entity{ID: id(model.KindService, "web"), Kind: model.KindService, Name: "web", State: model.OK, Labels: map[string]string{"namespace": "shop", "endpoints": "2", "endpoints_ready": "1"}},
		model.Entity{ID: id(model.KindService, "idle"), Kind: model.KindService, Name: "idle", State: model.OK, Labels: map[string]string{"namespace": "shop"}},
		model.Entity{ID: id(model.KindDeployment, "web"), Kind: model.KindDeployment, Name: "web", State: model.Warning, Labels: map[string]string{"namespace": "shop", "desired": "2", "ready": "1"}},
		model.Entity{ID: id(model.KindPod, "web-a"), Kind: model.KindPod, Name: "web-a", Parent: id(model.KindDeployment, "web"), State: model.OK, Labels: map[string]string{"namespace": "shop", "node": "n1"}},
		model.Entity{ID: id(model.KindPod, "web-b"), Kind: model.KindPod, Name: "web-b", Parent: id(model.KindDeployment, "web"), State: model.Critical, Labels: map[string]string{"namespace": "shop", "node": "n2"}},
		model.Entity{ID: id(model.KindVolumeClaim, "data"), Kind: model.KindVolumeClaim, Name: "data", State: model.OK, Labels: in},
		model.Entity{ID: model.NodeID("c", "n1"), Kind: model.KindNode, Name: "n1", State: model.OK},
		model.Entity{ID: model.NodeID("c", "n2"), Kind: model.KindNode, Name: "n2", State: model.OK},
	)
	link := func(kind, a, b string) { s.Cables = append(s.Cables, model.Link{Kind: kind, A: a, B: b}) }
	link("routes", id(model.KindIngress, "front"), id(model.KindService, "web"))
	link("selects", id(model.KindService, "web"), id(model.KindPod, "web-a"))
	link("selects", id(model.KindService, "web"), id(model.KindPod, "web-b"))
	link("mounts", id(model.KindPod, "web-a"), id(model.KindVolumeClaim, "data"))
	return s
}

func TestFlowFollowsRequests(t *testing.T) {
	g := readFlow(chain(), "", testEnv(1060, 440))
	c := g.choose(6, "")
	if c.root == nil || c.root.name != "web" || c.root.column != flowService {
		t.Fatalf("the way of %+v is lit, want that of the service web", c.root)
	}
	var lit []string
	for id := range maps.Keys(c.lit) {
		lit = append(lit, g.things[id].name)
	}
	slices.Sort(lit)
	if want := []string{"data", "front", "n2", "web", "web"}; !slices.Equal(lit, want) {
		t.Errorf("lit are %q, want %q: of the nodes only that of the pod in trouble", lit, want)
	}
	for column, want := range []int{1, 2, 1, 2, 1} {
		if got := len(c.columns[column]); got != want {
			t.Errorf("column %d has %d things, want %d", column, got, want)
		}
	}
}

func TestFlowFolds(t *testing.T) {
	g := readFlow(paneltest.Fleet(hugeCluster, "big"), "", testEnv(1060, 440))
	size := plot.Rect{W: 1060, H: 440}
	l := layFlow(g, size, 1, "")
	var places []plot.Rect
	shown := map[flowColumn]int{}
	for _, b := range l.boxes {
		places = append(places, b.Rect)
		shown[b.column]++
		if b.Right() > size.W+.5 || b.Bottom() > size.H+.5 {
			t.Errorf("%s stands out: %v", b.name, b.Rect)
		}
	}
	if a, b, found := overlap(places); found {
		t.Errorf("%v and %v overlap", a, b)
	}
	services := 0
	for _, thing := range g.things {
		if thing.column == flowService {
			services++
		}
	}
	if got := shown[flowService] + l.choice.more[flowService]; got != services {
		t.Errorf("%d services are drawn or counted, want %d", got, services)
	}
	for _, b := range l.boxes {
		if b.column == flowService && b.state == model.OK {
			t.Errorf("%s is well and drawn, while others in trouble are folded", b.name)
		}
	}
}
