package panels

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// overlap returns two places that share a pixel.
func overlap(places []plot.Rect) (a, b plot.Rect, found bool) {
	places = slices.Clone(places)
	slices.SortFunc(places, func(a, b plot.Rect) int { return int(a.Y-b.Y)*10_000 + int(a.X-b.X) })
	for i, a := range places {
		for _, b := range places[i+1:] {
			if b.Y >= a.Bottom()-.5 {
				break
			}
			if a.Inset(.5).Intersect(b.Inset(.5)) != (plot.Rect{}) && !a.Inset(.5).Intersect(b.Inset(.5)).Empty() {
				return a, b, true
			}
		}
	}
	return a, b, false
}

func TestBlocksShowOrCountAll(t *testing.T) {
	for _, size := range []paneltest.FleetSize{{Nodes: 1, Pods: 3}, {Nodes: 12, Pods: 400, Sick: 20, Lost: true}, {Nodes: 300, Pods: 3000, Sick: 20}, {Nodes: 6000, Pods: 6000, Sick: 100}} {
		src := paneltest.Fleet(size, "prod")
		for _, area := range []plot.Rect{{W: 1060, H: 440}, {W: 300, H: 200}, {W: 3700, H: 1900}} {
			world := readByNode(src, "", testEnv(area.W, area.H))
			m := layBlocks(world.zones, world.most, area, 1)
			var places []plot.Rect
			sick := 0
			for _, p := range m.places {
				places = append(places, p.Rect)
				if p.X < area.X-.5 || p.Right() > area.Right()+.5 || p.Bottom() > area.Bottom()+.5 {
					t.Errorf("%d nodes in %v: the block of %s stands out: %v", size.Nodes, area, p.name, p.Rect)
				}
				f := m.face(p.Rect, p.comb)
				shown := shownCells(&f, p.comb)
				for _, c := range shown {
					if c.state.Problem() {
						sick++
					}
				}
				if missing := p.sick - min(p.sick, f.room); f.form != cellsFolded && len(shown) != len(p.cells) || f.form == cellsFolded && len(shown) != p.sick-missing {
					t.Errorf("%d nodes in %v: %d of %d cells of %s are shown, %d in trouble", size.Nodes, area, len(shown), len(p.cells), p.name, p.sick)
				}
			}
			if a, b, found := overlap(places); found {
				t.Errorf("%d nodes in %v: %v and %v overlap", size.Nodes, area, a, b)
			}
			if len(m.places)+m.more != size.Nodes {
				t.Errorf("%d nodes in %v: %d blocks and %d counted", size.Nodes, area, len(m.places), m.more)
			}
			if area.W > 1000 && m.more == 0 && sick != world.counts[model.Critical]+world.counts[model.Warning] && size.Nodes < 6000 {
				t.Errorf("%d nodes in %v: %d pods in trouble are drawn, want %v", size.Nodes, area, sick, world.counts)
			}
			for i := range world.zones { // what is left out is well
				for j := range world.zones[i].combs {
					c := &world.zones[i].combs[j]
					if m.more > 0 && m.more < size.Nodes/2 && c.worst.Problem() && !slices.ContainsFunc(m.places, func(p blockPlace) bool { return p.name == c.name }) {
						t.Errorf("%d nodes in %v: %s is in trouble and left out", size.Nodes, area, c.name)
					}
				}
			}
		}
	}
}

// TestBlocksStay checks that a new pod moves nothing, and that coming nearer keeps all in proportion.
func TestBlocksStay(t *testing.T) {
	size := paneltest.FleetSize{Nodes: 40, Pods: 800}
	area := plot.Rect{W: 1060, H: 440}
	places := func(more ...model.Entity) *blockMap {
		src := paneltest.Fleet(size, "prod")
		src.Add(more...)
		world := readByNode(src, "", testEnv(area.W, area.H))
		return layBlocks(world.zones, world.most, area, 1)
	}
	before := places()
	after := places(model.Entity{ID: model.ObjectID("prod", "x", model.KindPod, "new"), Kind: model.KindPod, Name: "new", State: model.OK, Labels: map[string]string{"node": "node-0007"}})
	for i, p := range before.places {
		if q := after.places[i]; q.Rect != p.Rect || q.name != p.name {
			t.Fatalf("a new pod moved %s from %v to %v", p.name, p.Rect, q.Rect)
		}
	}
	cam := camera{}.nearer(4, plot.Point{X: 500, Y: 200}, area)
	for _, p := range before.places {
		if r := before.seenAt(p.Rect, cam); r.W != 4*p.W || r.H != 4*p.H {
			t.Fatalf("%s is %v from near, want four times %v", p.name, r, p.Rect)
		}
	}
	if near, far := before.spots(cam), before.spots(camera{}); len(near) >= len(far) {
		t.Errorf("%d places react from near and %d from afar: want fewer", len(near), len(far))
	}
}

func TestNamespacesHoldWorkloads(t *testing.T) {
	src := paneltest.New(paneltest.Quiet().At)
	id := func(kind model.Kind, name string) string { return model.ObjectID("c", "shop", kind, name) }
	src.Add(
		model.Entity{ID: model.NamespaceID("c", "shop"), Kind: model.KindNamespace, Name: "shop", State: model.OK, Labels: map[string]string{"pods": "4", "pods_ready": "2"}},
		model.Entity{ID: id(model.KindDeployment, "web"), Kind: model.KindDeployment, Name: "web", State: model.OK, Labels: map[string]string{"desired": "2", "ready": "2"}},
		model.Entity{ID: id(model.KindPod, "web-1"), Kind: model.KindPod, Name: "web-1", Parent: id(model.KindDeployment, "web"), State: model.Critical, Reason: "CrashLoopBackOff"},
		model.Entity{ID: id(model.KindPod, "alone"), Kind: model.KindPod, Name: "alone", Parent: model.NamespaceID("c", "shop"), State: model.Critical},
		model.Entity{ID: id(model.KindPod, "fine"), Kind: model.KindPod, Name: "fine", Parent: model.NamespaceID("c", "shop"), State: model.OK},
		model.Entity{ID: id(model.KindCronJob, "backup"), Kind: model.KindCronJob, Name: "backup", State: model.OK},
		model.Entity{ID: id(model.KindJob, "backup-1"), Kind: model.KindJob, Name: "backup-1", Parent: id(model.KindCronJob, "backup"), State: model.OK},
		model.Entity{ID: id(model.KindJob, "backup-2"), Kind: model.KindJob, Name: "backup-2", Parent: id(model.KindCronJob, "backup"), State: model.Critical},
	)
	world := readByNamespace(src, "", testEnv(800, 400))
	if len(world.zones) != 1 || len(world.zones[0].combs) != 1 {
		t.Fatalf("zones = %+v, want one with one namespace", world.zones)
	}
	shop := world.zones[0].combs[0]
	var got []string
	for _, c := range shop.cells {
		got = append(got, fmt.Sprint(c.name, " ", c.state, " ", c.figure))
	}
	want := []string{"alone critical ", "backup ok ", "backup-2 critical ", "web warning 2/2"}
	if !slices.Equal(got, want) || shop.figure != "2/4" {
		t.Errorf("shop (%s) holds %q, want %q", shop.figure, got, want)
	}
}

// TestKubemapHand handles a map as people do.
func TestKubemapHand(t *testing.T) {
	src := paneltest.Fleet(smallCluster, "prod")
	env := testEnv(1060, 440)
	load := func(p Panel) *View {
		t.Helper()
		v, err := p.Load(context.Background(), src, env)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	m := newPanel(t, "kubemap", "{by: node}").(*kubemap)
	if m.Handle(Gesture{Kind: Key, Rune: 'z'}) {
		t.Error("a map that was never shown made use of a key")
	}
	load(m)
	if m.Handle(Gesture{Kind: Tap, At: plot.Point{X: 30, Y: 60}}) {
		t.Error("a tap on a node was not left to its spot")
	}
	if !m.Handle(Gesture{Kind: Scroll, At: plot.Point{X: 30, Y: 60}, By: plot.Point{Y: 1}}) || !m.hand.camera.near() {
		t.Error("the wheel did not come nearer")
	}
	if !m.Handle(Gesture{Kind: Key, Rune: '/'}) {
		t.Error("no search")
	}
	for _, r := range "NODE-0007" {
		m.Handle(Gesture{Kind: Key, Rune: r})
	}
	m.Handle(Gesture{Kind: Key, Key: "Return"})
	if m.hand.text != "node-0007" || m.hand.typing {
		t.Errorf("search is %q, typing %v", m.hand.text, m.hand.typing)
	}
	if found := readByNode(src, "", env).count(m.hand.text); found != 1 {
		t.Errorf("%d found, want the node", found)
	}
	m.Handle(Gesture{Kind: Leave})
	if m.hand != (kubeHand{}) {
		t.Errorf("after everybody left the map is %+v", m.hand)
	}

	flow := newPanel(t, "kubemap", "{by: service}").(*kubemap)
	load(flow)
	box := flow.shown.boxes[slices.IndexFunc(flow.shown.boxes, func(b flowBox) bool { return b.column == flowService })]
	if !flow.Handle(Gesture{Kind: Tap, At: box.Center()}) {
		t.Fatal("a tap on a service selected nothing")
	}
	load(flow)
	box = flow.shown.boxes[slices.IndexFunc(flow.shown.boxes, func(b flowBox) bool { return b.id == box.id })]
	if flow.Handle(Gesture{Kind: Tap, At: box.Center()}) {
		t.Error("a second tap was not left to the spot, which opens the page")
	}
}
