package plot

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// labNet is two cores with two cables between them, two distribution switches on
// both, and two access switches on each of these.
func labNet() ([]GraphNode, []GraphEdge) {
	edges := cables("core1-core2 core1-core2 core1-dist1 core2-dist1 core1-dist2 core2-dist2 dist1-acc11 dist1-acc12 dist2-acc21 dist2-acc22")
	return nodesOf(edges), edges
}

func cables(s string) []GraphEdge {
	var edges []GraphEdge
	for _, pair := range strings.Fields(s) {
		a, b, _ := strings.Cut(pair, "-")
		edges = append(edges, GraphEdge{a, b})
	}
	return edges
}

func nodesOf(edges []GraphEdge) []GraphNode {
	var nodes []GraphNode
	seen := map[string]bool{}
	for _, e := range edges {
		for _, id := range []string{e.A, e.B} {
			if !seen[id] {
				seen[id] = true
				nodes = append(nodes, GraphNode{ID: id})
			}
		}
	}
	return nodes
}

// rowsOf writes a result as one line per layer.
func rowsOf(l *Layered) string {
	var rows []string
	for layer := LayerEdge; layer <= LayerApart; layer++ {
		var ids []string
		for _, n := range l.Row(layer) {
			ids = append(ids, n.ID)
		}
		if ids != nil {
			rows = append(rows, fmt.Sprintf("%d: %s", layer, strings.Join(ids, " ")))
		}
	}
	return strings.Join(rows, "\n")
}

func TestLayoutGraphLayers(t *testing.T) {
	lab, labEdges := labNet()
	tests := []struct {
		name  string
		nodes []GraphNode
		edges []GraphEdge
		want  string
	}{
		{"none", nil, nil, ""},
		{"one", []GraphNode{{ID: "sw"}}, nil, "6: sw"},
		{"two", nil, cables("a-b"), "2: a b"},
		{"lab", lab, labEdges, "2: core1 core2\n3: dist1 dist2\n4: acc11 acc12 acc21 acc22"},
		{"star", nil, cables("hub-s1 hub-s2 hub-s10 hub-s3"), "2: hub\n4: s1 s2 s3 s10"},
		{"ring of six", nil, cables("a-b b-c c-d d-e e-f f-a"), "2: a\n4: b c d e f"},
		{
			"dual homed access",
			nil, cables("k1-k2 k1-d1 k2-d1 k1-d2 k2-d2 d1-a1 d2-a1 d1-a2 d2-a2 d1-a3 d2-a3"),
			"2: k1 k2\n3: d1 d2\n4: a1 a2 a3",
		},
		{
			"hints win over the graph",
			[]GraphNode{{ID: "x", Hint: LayerCore}, {ID: "y", Hint: LayerDistribution}, {ID: "z"}},
			cables("x-y y-z"), "2: x\n3: y\n4: z",
		},
		{
			"leaves and servers",
			append([]GraphNode{{ID: "isp", Leaf: true}, {ID: "printer", Leaf: true}, {ID: "db", Hint: LayerServers}, {ID: "fw", Hint: LayerEdge}}, lab...),
			append(cables("isp-fw fw-core1 acc11-printer acc22-db"), labEdges...),
			"1: fw isp\n2: core1 core2\n3: dist1 dist2\n4: acc11 acc12 acc21 acc22\n5: printer db",
		},
		{"unknown and looped edges are left out", []GraphNode{{ID: "a"}}, cables("a-a a-ghost"), "6: a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nodes := tt.nodes
			if nodes == nil {
				nodes = nodesOf(tt.edges)
			}
			l := LayoutGraph(nodes, tt.edges, nil)
			if diff := cmp.Diff(tt.want, rowsOf(l)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			for _, n := range l.Nodes {
				if !(n.X >= 0 && n.X <= 1 && n.Y >= 0 && n.Y <= 1) {
					t.Errorf("%s stands at (%g, %g), outside the unit square", n.ID, n.X, n.Y)
				}
			}
		})
	}
}

func TestLayoutGraphUnits(t *testing.T) {
	nodes, edges := labNet()
	edges = append(edges, cables("core1-db acc11-pc")...)
	nodes = append(nodes, GraphNode{ID: "db", Hint: LayerServers}, GraphNode{ID: "pc", Leaf: true})
	want := []Unit{
		{Parents: []string{"dist1"}, Clusters: []Cluster{{Up: []string{"dist1"}, Members: []string{"acc11", "acc12"}}}},
		{Parents: []string{"dist2"}, Clusters: []Cluster{{Up: []string{"dist2"}, Members: []string{"acc21", "acc22"}}}},
		{Clusters: []Cluster{{Up: []string{"core1"}, Members: []string{"db"}}}},
	}
	l := LayoutGraph(nodes, edges, nil)
	if diff := cmp.Diff(want, l.Units); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
	acc, _ := l.Node("acc11")
	pc, ok := l.Node("pc")
	if !ok || pc.Parent != "acc11" || pc.X != acc.X {
		t.Errorf("pc = %+v, want it under acc11 at x %g", pc, acc.X)
	}
	dist, _ := l.Node("dist1")
	if diff := cmp.Diff([]string{"core1", "core2"}, dist.Up); diff != "" {
		t.Errorf("dist1's uplinks (-want +got):\n%s", diff)
	}
}

func TestLayoutGraphFewCrossings(t *testing.T) {
	// Named against their cables: in the order of names every pair crosses.
	nodes := []GraphNode{{ID: "c1", Hint: LayerCore}, {ID: "c2", Hint: LayerCore}, {ID: "d1", Hint: LayerDistribution}, {ID: "d2", Hint: LayerDistribution}}
	l := LayoutGraph(nodes, cables("c1-d2 c2-d1"), nil)
	c1, _ := l.Node("c1")
	c2, _ := l.Node("c2")
	d1, _ := l.Node("d1")
	d2, _ := l.Node("d2")
	if (c1.X < c2.X) != (d2.X < d1.X) {
		t.Errorf("the cables cross:\n%s", rowsOf(l))
	}
}

func TestLayoutGraphIsTheSameInAnyOrder(t *testing.T) {
	nodes, edges := bigNet(300, 700)
	want := LayoutGraph(nodes, edges, nil)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		rng.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
		rng.Shuffle(len(edges), func(i, j int) { edges[i], edges[j] = edges[j], edges[i] })
		for i := range edges {
			edges[i].A, edges[i].B = edges[i].B, edges[i].A
		}
		got := LayoutGraph(nodes, edges, nil)
		if diff := cmp.Diff(want.Nodes, got.Nodes); diff != "" {
			t.Fatalf("another order of the input moved nodes (-want +got):\n%s", diff)
		}
	}
}

func TestLayoutGraphKeepsWhatPeopleKnow(t *testing.T) {
	nodes, edges := labNet()
	before := LayoutGraph(nodes, edges, nil)

	t.Run("nothing new", func(t *testing.T) {
		after := LayoutGraph(nodes, edges, before)
		if diff := cmp.Diff(before.Nodes, after.Nodes); diff != "" {
			t.Errorf("nodes moved (-before +after):\n%s", diff)
		}
	})
	t.Run("a cable is gone", func(t *testing.T) {
		after := LayoutGraph(nodes, edges[:len(edges)-1], before)
		for _, n := range before.Nodes {
			if got, _ := after.Node(n.ID); got.Layer != n.Layer {
				t.Errorf("%s is now in layer %d, was in %d", n.ID, got.Layer, n.Layer)
			}
		}
	})
	t.Run("a switch more", func(t *testing.T) {
		more := append(slices.Clone(nodes), GraphNode{ID: "acc13"})
		after := LayoutGraph(more, append(slices.Clone(edges), GraphEdge{"dist1", "acc13"}), before)
		want := "2: core1 core2\n3: dist1 dist2\n4: acc11 acc12 acc13 acc21 acc22"
		if diff := cmp.Diff(want, rowsOf(after)); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
	})
	t.Run("mostly new", func(t *testing.T) {
		big, bigEdges := bigNet(100, 200)
		want, got := LayoutGraph(big, bigEdges, nil), LayoutGraph(big, bigEdges, before)
		if diff := cmp.Diff(want.Nodes, got.Nodes); diff != "" {
			t.Errorf("an outdated layout was followed (-fresh +got):\n%s", diff)
		}
	})
}

// bigNet is a campus of n nodes: 2 cores, 2 % distribution switches, the rest
// access switches on one or two of these, and parallel cables up to m in all.
func bigNet(n, m int) ([]GraphNode, []GraphEdge) {
	rng := rand.New(rand.NewPCG(7, 7))
	dist := max(2, n/50)
	edges := cables("core1-core2")
	for d := range dist {
		edges = append(edges, GraphEdge{"core1", fmt.Sprintf("dist%d", d)}, GraphEdge{"core2", fmt.Sprintf("dist%d", d)})
	}
	for a := range n - 2 - dist {
		d := rng.IntN(dist)
		edges = append(edges, GraphEdge{fmt.Sprintf("dist%d", d), fmt.Sprintf("acc%d", a)})
		if a%3 == 0 {
			edges = append(edges, GraphEdge{fmt.Sprintf("dist%d", (d^1)%dist), fmt.Sprintf("acc%d", a)})
		}
	}
	for len(edges) < m {
		edges = append(edges, edges[rng.IntN(len(edges))])
	}
	return nodesOf(edges), edges
}

func TestLayoutGraphIsFast(t *testing.T) {
	nets := map[string]func() ([]GraphNode, []GraphEdge){
		"campus": func() ([]GraphNode, []GraphEdge) { return bigNet(2000, 5000) },
		"chain": func() ([]GraphNode, []GraphEdge) {
			var edges []GraphEdge
			for i := range 1999 {
				edges = append(edges, GraphEdge{fmt.Sprint(i), fmt.Sprint(i + 1)})
			}
			return nodesOf(edges), edges
		},
		"mesh": func() ([]GraphNode, []GraphEdge) {
			rng := rand.New(rand.NewPCG(3, 4))
			var edges []GraphEdge
			for range 5000 {
				edges = append(edges, GraphEdge{fmt.Sprint(rng.IntN(2000)), fmt.Sprint(rng.IntN(2000))})
			}
			return nodesOf(edges), edges
		},
	}
	for name, net := range nets {
		nodes, edges := net()
		start := time.Now()
		l := LayoutGraph(nodes, edges, nil)
		if took := time.Since(start); took > 4*time.Second { // a second, with room for a busy machine and -race
			t.Errorf("%s of %d nodes and %d cables took %s, want less than a second", name, len(nodes), len(edges), took)
		}
		if len(l.Nodes) != len(nodes) {
			t.Errorf("%s: %d of %d nodes are placed", name, len(l.Nodes), len(nodes))
		}
	}
}

// FuzzLayoutGraph holds that any graph is placed whole, within the unit square,
// and that every node below the spine is in exactly one column.
func FuzzLayoutGraph(f *testing.F) {
	f.Add([]byte{0, 1, 1, 2, 2, 0}, []byte{0, 3, 5})
	f.Add([]byte{0, 1, 0, 2, 0, 3, 7, 7}, []byte{2})
	f.Fuzz(func(t *testing.T, wires, hints []byte) {
		var nodes []GraphNode
		for i := range 12 {
			n := GraphNode{ID: fmt.Sprint(i)}
			if i < len(hints) {
				n.Hint, n.Leaf = Layer(hints[i]%6), hints[i] > 200
			}
			nodes = append(nodes, n)
		}
		var edges []GraphEdge
		for i := 0; i+1 < len(wires) && i < 60; i += 2 {
			edges = append(edges, GraphEdge{fmt.Sprint(wires[i] % 14), fmt.Sprint(wires[i+1] % 14)})
		}
		l := LayoutGraph(nodes, edges, nil)
		if len(l.Nodes) != len(nodes) {
			t.Fatalf("%d of %d nodes are placed", len(l.Nodes), len(nodes))
		}
		column := map[string]int{}
		for _, u := range l.Units {
			for _, c := range u.Clusters {
				for _, id := range c.Members {
					column[id]++
				}
			}
		}
		for _, n := range l.Nodes {
			if math.IsNaN(n.X) || n.X < 0 || n.X > 1 || n.Layer == LayerAuto {
				t.Errorf("%+v is not placed", n)
			}
			below := n.Layer == LayerAccess || n.Layer == LayerServers
			for id := n.Parent; below && column[n.ID] == 0 && id != ""; { // walk up to its column
				p, _ := l.Node(id)
				id = p.Parent
				if column[p.ID] > 0 {
					column[n.ID] = 1
				}
			}
			if below && column[n.ID] != 1 {
				t.Errorf("%s is in %d columns", n.ID, column[n.ID])
			}
		}
		again := LayoutGraph(nodes, edges, l)
		if diff := cmp.Diff(l.Nodes, again.Nodes); diff != "" {
			t.Errorf("the same graph moved (-before +after):\n%s", diff)
		}
	})
}

func TestCompareNatural(t *testing.T) {
	want := []string{"", "acc", "acc02", "acc2", "acc10", "acc10a", "b1"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, CompareNatural)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func BenchmarkLayoutGraph(b *testing.B) {
	nodes, edges := bigNet(2000, 5000)
	for b.Loop() {
		LayoutGraph(nodes, edges, nil)
	}
}

func TestRestore(t *testing.T) {
	nodes, edges := labNet()
	before := LayoutGraph(nodes, edges, nil)
	if diff := cmp.Diff(rowsOf(before), rowsOf(Restore(before.Nodes))); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	bad := Restore([]LayeredNode{{ID: "a", Layer: 99}, {ID: "", Layer: LayerCore}, {ID: "b", Layer: LayerCore, X: math.NaN()}, {ID: "c", Layer: LayerCore}, {ID: "c", Layer: LayerAccess}})
	if len(bad.Nodes) != 1 || bad.Nodes[0].ID != "c" || bad.Nodes[0].Layer != LayerCore {
		t.Errorf("restored %+v, want the first c alone", bad.Nodes)
	}
	LayoutGraph(nodes, edges, bad)
}

func TestRemembering(t *testing.T) {
	nodes, edges := labNet()
	before := LayoutGraph(nodes, edges, nil)
	few := LayoutGraph(nodes[:3], nil, before) // the others are gone, and nobody tells of a link
	memory := few.Remembering(before, len(nodes))
	if diff := cmp.Diff(rowsOf(before), rowsOf(memory)); diff != "" {
		t.Errorf("remembered (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(rowsOf(before), rowsOf(LayoutGraph(nodes, edges, memory))); diff != "" {
		t.Errorf("all back again (-want +got):\n%s", diff)
	}
	if got := len(few.Remembering(before, 2).Nodes); got != 5 {
		t.Errorf("%d nodes remembered, want 3 and at most 2 that are gone", got)
	}
}
