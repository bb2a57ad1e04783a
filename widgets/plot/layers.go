package plot

import (
	"cmp"
	"slices"
	"strings"
)

// Layer is a row of the network map, counted from the top.
type Layer int

// The layers. LayerAuto, as a hint, leaves the layer to be found from the graph.
const (
	LayerAuto         Layer = iota
	LayerEdge               // firewalls, WAN routers, providers: above the core
	LayerCore               // what holds the rest together
	LayerDistribution       // between core and access
	LayerAccess             // the leaves of the switched network
	LayerServers            // what hangs on a switch and forwards nothing
	LayerApart              // linked to nothing
)

// GraphNode is a device to be placed.
type GraphNode struct {
	ID   string
	Hint Layer // the layer, where it is known
	// Leaf says that nothing is known behind the node (a neighbour by hearsay): it
	// stands below what it hangs on, or above where that is the core or the edge.
	Leaf bool
	// Weight is the width that the node needs against others; 0 stands for 1.
	Weight float64
}

// GraphEdge is a cable; parallel ones may repeat. Its direction says nothing.
type GraphEdge struct{ A, B string }

// LayeredNode is a placed node.
type LayeredNode struct {
	ID    string
	Layer Layer
	// Up are the nodes above that it is linked to, the nearest layer first; Parent
	// is the one that it hangs under, "" at the top.
	Up     []string
	Parent string
	// X and Y are the place in the unit square, Y downwards.
	X, Y float64
}

// Cluster is a set of nodes below the spine that hang on the same nodes of it.
type Cluster struct {
	Up      []string
	Members []string // from left to right
}

// Unit is a part of the map that stands in a column of its own: parents in the
// lowest row of the spine, and the clusters below that hang on any of them. A unit
// without parents hangs on something higher.
type Unit struct {
	Parents  []string
	Clusters []Cluster
}

// Layered is a graph in rows: the spine (edge, core, distribution) above, and in
// units below it what hangs on it. It is a value: nothing changes it later.
type Layered struct {
	Nodes []LayeredNode // by layer, from left to right
	Units []Unit        // from left to right
	index map[string]int
}

// Node returns the placed node of an ID.
func (l *Layered) Node(id string) (LayeredNode, bool) {
	i, ok := l.index[id]
	if !ok {
		return LayeredNode{}, false
	}
	return l.Nodes[i], true
}

// Row returns the nodes of a layer, from left to right.
func (l *Layered) Row(layer Layer) []LayeredNode {
	lo, _ := slices.BinarySearchFunc(l.Nodes, layer, func(n LayeredNode, y Layer) int { return cmp.Compare(n.Layer, y) })
	hi, _ := slices.BinarySearchFunc(l.Nodes, layer+1, func(n LayeredNode, y Layer) int { return cmp.Compare(n.Layer, y) })
	return l.Nodes[lo:hi]
}

// LayoutGraph finds the layers of a network, hangs each node under another, and
// orders the rows so that few cables cross. The same input gives the same result,
// in whatever order it comes. prev, when not nil, is the result that people have on
// the wall: its nodes keep their layers, parents and order, and new ones are put in
// between. Only where fewer than half of the nodes are known is all of it computed
// afresh. Edges that name no node, or one node twice, are left out.
func LayoutGraph(nodes []GraphNode, edges []GraphEdge, prev *Layered) *Layered {
	g := newGraph(nodes, edges)
	if prev != nil {
		known := 0
		for _, n := range g.nodes {
			if _, ok := prev.index[n.ID]; ok {
				known++
			}
		}
		if 2*known < len(g.nodes) {
			prev = nil
		}
	}
	g.findLayers(prev)
	g.findParents(prev)
	return g.place(prev)
}

// graph is the working form of a network: nodes by number in natural order.
type graph struct {
	nodes  []GraphNode
	index  map[string]int
	near   [][]int // distinct neighbours, ascending
	layer  []Layer
	depth  []int // cables to the core
	up     [][]int
	parent []int // -1 for none
}

func newGraph(nodes []GraphNode, edges []GraphEdge) *graph {
	g := &graph{nodes: slices.Clone(nodes), index: make(map[string]int, len(nodes))}
	slices.SortFunc(g.nodes, func(a, b GraphNode) int { return CompareNatural(a.ID, b.ID) })
	g.nodes = slices.CompactFunc(g.nodes, func(a, b GraphNode) bool { return a.ID == b.ID })
	for i, n := range g.nodes {
		g.index[n.ID] = i
	}
	g.near = make([][]int, len(g.nodes))
	for _, e := range edges {
		a, okA := g.index[e.A]
		b, okB := g.index[e.B]
		if okA && okB && a != b {
			g.near[a] = append(g.near[a], b)
			g.near[b] = append(g.near[b], a)
		}
	}
	for i, near := range g.near {
		slices.Sort(near)
		g.near[i] = slices.Compact(near)
	}
	return g
}

// findLayers sets layer and depth: hints first, then what prev says, then the
// graph itself. Its core is what is left when, round after round, all nodes with
// fewer neighbours than each of their neighbours are taken off.
func (g *graph) findLayers(prev *Layered) {
	n := len(g.nodes)
	g.layer, g.depth = make([]Layer, n), make([]int, n)
	for i, node := range g.nodes {
		g.layer[i] = node.Hint
		if node.Hint == LayerAuto && prev != nil && !node.Leaf {
			if was, ok := prev.Node(node.ID); ok && was.Layer != LayerApart {
				g.layer[i] = was.Layer
			}
		}
		if g.layer[i] == LayerAuto && len(g.near[i]) == 0 {
			g.layer[i] = LayerApart
		}
	}
	height := g.peel()
	for _, part := range g.components() {
		g.chooseCore(part, height)
	}
	g.measureDepth()
	for _, i := range g.byDepth() {
		node := g.nodes[i]
		if g.layer[i] != LayerAuto {
			continue
		}
		switch {
		case node.Leaf:
			g.layer[i] = g.leafLayer(i)
		case g.behindEdge(i):
			g.layer[i] = LayerEdge
		case g.depth[i] == 1 && height[i] > 0:
			g.layer[i] = LayerDistribution
		default:
			g.layer[i] = LayerAccess
		}
	}
}

// forwards tells whether a node may be part of the switched network.
func (g *graph) forwards(i int) bool {
	return !g.nodes[i].Leaf && g.nodes[i].Hint != LayerServers && g.layer[i] != LayerApart
}

// peel returns for each forwarding node the round in which it was taken off: 0 for
// the leaves, the highest figure for the core.
func (g *graph) peel() []int {
	height := make([]int, len(g.nodes))
	degree := make([]int, len(g.nodes))
	var left []int
	for i := range g.nodes {
		if g.forwards(i) && g.nodes[i].Hint != LayerEdge { // a firewall more makes no core
			left = append(left, i)
		}
	}
	in := make([]bool, len(g.nodes))
	for _, i := range left {
		in[i] = true
	}
	for round := 0; len(left) > 0; round++ {
		for _, i := range left {
			degree[i], height[i] = 0, round
			for _, j := range g.near[i] {
				if in[j] {
					degree[i]++
				}
			}
		}
		var rest, off []int
		for _, i := range left {
			leaf := degree[i] > 0
			for _, j := range g.near[i] {
				leaf = leaf && (!in[j] || degree[i] < degree[j])
			}
			if leaf {
				off = append(off, i)
			} else {
				rest = append(rest, i)
			}
		}
		if len(off) == 0 {
			break
		}
		for _, i := range off {
			in[i] = false
		}
		left = rest
	}
	return height
}

// components returns the connected parts of the forwarding nodes.
func (g *graph) components() [][]int {
	seen := make([]bool, len(g.nodes))
	var parts [][]int
	for i := range g.nodes {
		if seen[i] || !g.forwards(i) {
			continue
		}
		seen[i] = true
		part := []int{i}
		for at := 0; at < len(part); at++ {
			for _, j := range g.near[part[at]] {
				if !seen[j] && g.forwards(j) {
					seen[j] = true
					part = append(part, j)
				}
			}
		}
		parts = append(parts, part)
	}
	return parts
}

// maxCore is how many nodes of one part the graph alone makes a core.
const maxCore = 4

// chooseCore makes a core in a connected part that has none by its hints: the
// nodes that were peeled last, the best linked of them where these are many.
func (g *graph) chooseCore(part, height []int) {
	top, best := -1, 0
	for _, i := range part {
		if g.layer[i] == LayerCore || g.layer[i] == LayerDistribution {
			return
		}
		if g.layer[i] == LayerAuto {
			top = max(top, height[i])
		}
	}
	var core []int
	for _, i := range part {
		if g.layer[i] == LayerAuto && height[i] == top {
			core = append(core, i)
			best = max(best, len(g.near[i]))
		}
	}
	if len(core) > maxCore {
		core = slices.DeleteFunc(core, func(i int) bool { return 4*len(g.near[i]) < 3*best })
		slices.SortStableFunc(core, func(a, b int) int {
			return cmp.Or(cmp.Compare(len(g.near[b]), len(g.near[a])), cmp.Compare(a, b))
		})
		if len(core) > maxCore { // all alike, as in a ring: one has to be the top
			core = core[:1]
		}
	}
	for _, i := range core {
		g.layer[i] = LayerCore
	}
}

// measureDepth sets the distance of each node from the core of its part or, where it has none, from
// the highest layer that is known by hints.
func (g *graph) measureDepth() {
	for i := range g.depth {
		g.depth[i] = -1
	}
	for _, roots := range []Layer{LayerCore, LayerDistribution, LayerEdge, LayerAccess, LayerServers, LayerAuto} {
		var queue []int
		for i, layer := range g.layer {
			root := g.nodes[i].Hint == roots || roots == LayerCore && layer == roots
			if root && g.depth[i] < 0 {
				g.depth[i] = 0
				queue = append(queue, i)
			}
		}
		for at := 0; at < len(queue); at++ {
			for _, j := range g.near[queue[at]] {
				if g.depth[j] < 0 {
					g.depth[j] = g.depth[queue[at]] + 1
					queue = append(queue, j)
				}
			}
		}
	}
}

// byDepth returns all nodes, those nearest to the core first.
func (g *graph) byDepth() []int {
	order := make([]int, len(g.nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(g.depth[a], g.depth[b]) })
	return order
}

// leafLayer places a leaf by what it hangs on.
func (g *graph) leafLayer(i int) Layer {
	for _, j := range g.near[i] {
		if g.layer[j] != LayerCore && g.layer[j] != LayerEdge {
			return LayerServers
		}
	}
	return LayerEdge
}

// behindEdge tells whether all of a node's ways to the core begin at the edge.
func (g *graph) behindEdge(i int) bool {
	for _, j := range g.near[i] {
		if g.depth[j] < g.depth[i] && g.layer[j] != LayerEdge {
			return false
		}
	}
	return g.depth[i] > 0
}

// findParents sets up and parent. A node is above another where its layer is, or,
// within one layer, where it is nearer to the core.
func (g *graph) findParents(prev *Layered) {
	g.up, g.parent = make([][]int, len(g.nodes)), make([]int, len(g.nodes))
	for i := range g.nodes {
		g.parent[i] = -1
		for _, j := range g.near[i] {
			if g.above(j, i) {
				g.up[i] = append(g.up[i], j)
			}
		}
		slices.SortStableFunc(g.up[i], func(a, b int) int {
			return cmp.Or(cmp.Compare(g.layer[b], g.layer[a]), cmp.Compare(g.depth[b], g.depth[a]))
		})
		if len(g.up[i]) == 0 {
			continue
		}
		g.parent[i] = g.up[i][0]
		if prev == nil {
			continue
		}
		if was, ok := prev.Node(g.nodes[i].ID); ok {
			for _, j := range g.up[i] {
				if g.nodes[j].ID == was.Parent {
					g.parent[i] = j
				}
			}
		}
	}
}

func (g *graph) above(a, b int) bool {
	if g.layer[a] == LayerServers { // nothing hangs on a server
		return false
	}
	if g.layer[b] == LayerEdge && g.layer[a] == LayerCore {
		return true // the edge hangs on the core, upwards
	}
	if g.layer[a] == LayerEdge && g.layer[b] == LayerCore {
		return false
	}
	if g.layer[a] != g.layer[b] {
		return g.layer[a] < g.layer[b]
	}
	return g.depth[a] < g.depth[b]
}

// CompareNatural orders names as people do: runs of digits by their value, so that
// acc2 comes before acc10.
func CompareNatural(a, b string) int {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		if digit(a[i]) && digit(b[j]) {
			x, y := digits(a[i:]), digits(b[j:])
			i, j = i+len(x), j+len(y)
			x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
				return c
			}
			continue
		}
		if a[i] != b[j] {
			return cmp.Compare(a[i], b[j])
		}
		i, j = i+1, j+1
	}
	return cmp.Or(cmp.Compare(len(a)-i, len(b)-j), strings.Compare(a, b))
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// digits returns the run of digits at the beginning of s.
func digits(s string) string {
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	return s[:n]
}
