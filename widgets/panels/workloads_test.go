package panels

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

func TestWorkloadsAddUp(t *testing.T) {
	src := paneltest.Fleet(paneltest.FleetSize{Nodes: 4, Pods: 20, Linked: true}, "prod")
	w := newPanel(t, "workloads", "{}").(*workloads)
	rows, pods := w.read(src)
	if len(rows) != 2 || len(pods) != 20 {
		t.Fatalf("%d rows of %d pods, want 2 of 20", len(rows), len(pods))
	}
	if err := measureWorkloads(context.Background(), src, rows, pods, workloadLanes(1800, 1)); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.cpuAsked != 2.5 || r.memoryAsked != 10*512<<20 || r.restarts != 0 || math.IsNaN(r.cpu) {
			t.Errorf("%s asks for %v cores and %v bytes, uses %v, %v restarts", r.name, r.cpuAsked, r.memoryAsked, r.cpu, r.restarts)
		}
		if r.ready != 10 || r.desired != 10 || r.changed.IsZero() {
			t.Errorf("%s is %+v", r.name, r)
		}
	}
	rows, pods = w.read(src)
	if err := measureWorkloads(context.Background(), src, rows, pods, workloadLanes(400, 1)); err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(rows[0].cpu) {
		t.Error("a column that has no room was asked for")
	}
}

func TestWorkloadsSortByHead(t *testing.T) {
	src := paneltest.Fleet(smallCluster, "prod")
	env := testEnv(1060, 440)
	w := newPanel(t, "workloads", "{}").(*workloads)
	first := func() string {
		t.Helper()
		v, err := w.Load(context.Background(), src, env)
		if err != nil {
			t.Fatal(err)
		}
		return v.Spots[0].Entity
	}
	worst := first()
	lane := w.lanes[slices.IndexFunc(w.lanes, func(l workloadLane) bool { return l.key == "name" })]
	head := Gesture{Kind: Tap, At: plot.Point{X: lane.x + 20, Y: 8}}
	if !w.Handle(head) {
		t.Fatal("a tap on the head of the names did nothing")
	}
	if got, want := first(), model.ObjectID("prod", "team-00", model.KindDeployment, "api-01"); got != want || got == worst {
		t.Errorf("by name %s comes first, want %s", got, want)
	}
	if w.Handle(Gesture{Kind: Tap, At: plot.Point{X: lane.x + 20, Y: 90}}) {
		t.Error("a tap on a row was not left to its spot")
	}
	w.Handle(head)
	if got := first(); got != worst {
		t.Errorf("after a second tap %s comes first, want %s", got, worst)
	}
}

func TestWorkloadLanes(t *testing.T) {
	for width := 160.0; width < 2000; width += 37 {
		end := 0.0
		for _, l := range workloadLanes(width, 1) {
			if l.x < end {
				t.Errorf("%v wide: column %s begins at %v, before %v", width, l.key, l.x, end)
			}
			end = l.x + l.w
		}
		if end > width+.5 && width > 200 {
			t.Errorf("%v wide: the columns end at %v", width, end)
		}
	}
	if _, err := tryPanel("workloads", "{kinds: [pod]}"); err == nil {
		t.Error("pods were taken for workloads")
	}
}

// TestCardsCountAll checks that each cluster has a card or is counted, however many there are.
func TestCardsCountAll(t *testing.T) {
	for _, n := range []int{1, 3, 12, 40} {
		if got := len(cardPlaces(plot.Rect{W: 1884, H: 150}, n, 1)); got != n {
			t.Errorf("%d clusters have %d cards on a board", n, got)
		}
	}
	places := cardPlaces(plot.Rect{W: 300, H: 60}, 40, 1)
	if a, b, found := overlap(places); found || len(places) == 0 || len(places) >= 40 {
		t.Errorf("%d cards in a small place, %v and %v", len(places), a, b)
	}
}
