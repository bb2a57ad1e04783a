package plot

import (
	"cmp"
	"fmt"
	"slices"
)

// place orders the rows and gives every node its position.
func (g *graph) place(prev *Layered) *Layered {
	o := &order{graph: g, was: make([]int, len(g.nodes)), at: make([]float64, len(g.nodes))}
	for i, n := range g.nodes {
		o.was[i] = -1
		if prev != nil {
			if at, ok := prev.index[n.ID]; ok {
				o.was[i] = at
			}
		}
	}
	for i, layer := range g.layer {
		o.rows[layer] = append(o.rows[layer], i)
	}
	for layer := range o.rows {
		o.settle(o.rows[layer])
	}
	o.parents = LayerDistribution
	if len(o.rows[LayerDistribution]) == 0 {
		o.parents = LayerCore
	}
	o.makeUnits()
	if prev == nil {
		o.sweep()
	} else {
		o.keepUnits(prev)
	}
	o.assignX()
	return o.result()
}

// order is the working form of the rows' order.
type order struct {
	*graph
	was     []int // position in the previous result, -1 for a new node
	rows    [LayerApart + 1][]int
	parents Layer // the lowest row of the spine
	units   []unit
	at      []float64 // x of each node
}

type unit struct {
	parents  []int
	clusters []cluster
}

// top is what the unit hangs on the core with.
func (u unit) top() []int {
	if len(u.parents) > 0 {
		return u.parents
	}
	return u.clusters[0].members
}

type cluster struct{ up, members []int }

// settle sorts nodes: the known ones as they were, each new one behind the known
// one that comes before it by name.
func (o *order) settle(nodes []int) {
	slices.Sort(nodes) // numbers are in natural order
	var known, fresh []int
	for _, i := range nodes {
		if o.was[i] >= 0 {
			known = append(known, i)
		} else {
			fresh = append(fresh, i)
		}
	}
	if len(known) == 0 {
		return
	}
	slices.SortFunc(known, func(a, b int) int { return cmp.Compare(o.was[a], o.was[b]) })
	for n := len(fresh) - 1; n >= 0; n-- {
		at := 0
		for k, i := range known {
			if i < fresh[n] {
				at = k + 1
			}
		}
		known = slices.Insert(known, at, fresh[n])
	}
	copy(nodes, known)
}

// spine tells whether a node stands in one of the upper rows.
func (o *order) spine(i int) bool {
	return o.layer[i] == LayerEdge || o.layer[i] == LayerCore || o.layer[i] == LayerDistribution
}

// makeUnits groups what hangs on the spine into clusters, and clusters that share
// a parent into units.
func (o *order) makeUnits() {
	var clusters []cluster
	byUp := map[string]int{}
	for _, layer := range []Layer{LayerAccess, LayerServers} {
		for _, i := range o.rows[layer] {
			if o.parent[i] >= 0 && !o.spine(o.parent[i]) {
				continue // it stands below another member
			}
			up := o.uplinks(i)
			key := fmt.Sprint(up)
			at, ok := byUp[key]
			if !ok {
				at = len(clusters)
				byUp[key] = at
				clusters = append(clusters, cluster{up: up})
			}
			clusters[at].members = append(clusters[at].members, i)
		}
	}
	// Union-find over the parents.
	root := map[int]int{}
	for _, p := range o.rows[o.parents] {
		root[p] = p
	}
	find := func(p int) int {
		for root[p] != p {
			p = root[p]
		}
		return p
	}
	for _, c := range clusters {
		for _, p := range c.up {
			if _, ok := root[p]; ok && o.holds(c) {
				a, b := find(c.up[0]), find(p)
				root[max(a, b)] = min(a, b)
			}
		}
	}
	unitOf := map[int]int{}
	for _, p := range o.rows[o.parents] {
		r := find(p)
		at, ok := unitOf[r]
		if !ok {
			at = len(o.units)
			unitOf[r] = at
			o.units = append(o.units, unit{})
		}
		o.units[at].parents = append(o.units[at].parents, p)
	}
	for _, c := range clusters {
		if !o.holds(c) {
			o.units = append(o.units, unit{clusters: []cluster{c}})
			continue
		}
		at := unitOf[find(c.up[0])]
		o.units[at].clusters = append(o.units[at].clusters, c)
	}
	for _, u := range o.units {
		o.orderClusters(u)
	}
}

// uplinks returns the spine nodes of the lowest layer that a node hangs on.
func (o *order) uplinks(i int) []int {
	var up []int
	for _, j := range o.up[i] {
		if o.spine(j) && (len(up) == 0 || o.layer[j] == o.layer[up[0]]) {
			up = append(up, j)
		}
	}
	slices.Sort(up)
	return up
}

// holds tells whether a cluster hangs on the row of parents.
func (o *order) holds(c cluster) bool {
	return len(c.up) > 0 && o.layer[c.up[0]] == o.parents
}

// orderClusters puts a unit's clusters under the middle of their parents.
func (o *order) orderClusters(u unit) {
	middle := func(c cluster) float64 {
		sum := 0.0
		for _, p := range c.up {
			sum += float64(slices.Index(u.parents, p))
		}
		return sum / float64(max(1, len(c.up)))
	}
	slices.SortStableFunc(u.clusters, func(a, b cluster) int {
		return cmp.Or(cmp.Compare(middle(a), middle(b)), cmp.Compare(len(a.up), len(b.up)))
	})
}

// keepUnits puts the units where their nodes were; new ones stay behind the one before them.
func (o *order) keepUnits(prev *Layered) {
	type kept struct {
		unit
		x float64
	}
	units, x := make([]kept, len(o.units)), 0.0
	for i, u := range o.units {
		sum, known := 0.0, 0
		for _, at := range u.top() {
			if o.was[at] >= 0 {
				sum += prev.Nodes[o.was[at]].X
				known++
			}
		}
		if known > 0 {
			x = sum / float64(known)
		}
		units[i] = kept{u, x}
	}
	slices.SortStableFunc(units, func(a, b kept) int { return cmp.Compare(a.x, b.x) })
	for i, u := range units {
		o.units[i] = u.unit
	}
}

// maxSweeps bounds the search for an order with fewer crossings.
const maxSweeps = 8

// sweep moves the core and the units to the middle of what they are linked to, in
// turn, as long as that takes crossings away.
func (o *order) sweep() {
	best := o.crossings()
	for range maxSweeps {
		if best == 0 {
			break
		}
		units, core, edge := slices.Clone(o.units), slices.Clone(o.rows[LayerCore]), slices.Clone(o.rows[LayerEdge])
		o.number()
		slices.SortStableFunc(o.units, func(a, b unit) int {
			return cmp.Compare(o.barycentre(a.top(), LayerCore), o.barycentre(b.top(), LayerCore))
		})
		o.number()
		if o.parents != LayerCore {
			o.sortRow(o.rows[LayerCore], o.parents)
		}
		o.number()
		o.sortRow(o.rows[LayerEdge], LayerCore)
		if now := o.crossings(); now < best {
			best = now
			continue
		}
		o.units, o.rows[LayerCore], o.rows[LayerEdge] = units, core, edge
		break
	}
	o.number()
}

// number sets the x of each node of the spine to its place within its row, the
// rows being as wide as each other.
func (o *order) number() {
	o.rows[o.parents] = o.rows[o.parents][:0]
	for _, u := range o.units {
		o.rows[o.parents] = append(o.rows[o.parents], u.parents...)
	}
	for _, layer := range []Layer{LayerEdge, LayerCore, LayerDistribution} {
		for k, i := range o.rows[layer] {
			o.at[i] = (float64(k) + 0.5) / float64(len(o.rows[layer]))
		}
	}
}

func (o *order) sortRow(row []int, to Layer) {
	slices.SortStableFunc(row, func(a, b int) int {
		return cmp.Compare(o.barycentre([]int{a}, to), o.barycentre([]int{b}, to))
	})
}

// barycentre is the mean x of what the nodes are linked to in a layer; nodes that
// have no such link stay where they are.
func (o *order) barycentre(nodes []int, to Layer) float64 {
	sum, n, own := 0.0, 0, 0.0
	for _, i := range nodes {
		own += o.at[i] / float64(len(nodes))
		for _, j := range o.near[i] {
			if o.layer[j] == to {
				sum += o.at[j]
				n++
			}
		}
	}
	if n == 0 {
		return own
	}
	return sum / float64(n)
}

// crossings counts the pairs of cables that cross between the rows of the spine.
func (o *order) crossings() int {
	o.number()
	total := 0
	for _, rows := range [][2]Layer{{LayerEdge, LayerCore}, {LayerCore, LayerDistribution}} {
		var pairs [][2]int // places in the upper and in the lower row
		place := map[int]int{}
		for k, i := range o.rows[rows[1]] {
			place[i] = k
		}
		for k, i := range o.rows[rows[0]] {
			for _, j := range o.near[i] {
				if low, ok := place[j]; ok {
					pairs = append(pairs, [2]int{k, low})
				}
			}
		}
		total += inversions(pairs, len(o.rows[rows[1]]))
	}
	return total
}

// inversions counts the pairs (a, b), (c, d) with a < c and b > d, by a Fenwick tree
// over the second figures, which are below n.
func inversions(pairs [][2]int, n int) int {
	slices.SortFunc(pairs, func(p, q [2]int) int { return cmp.Or(cmp.Compare(p[0], q[0]), cmp.Compare(p[1], q[1])) })
	tree, total := make([]int, n+1), 0
	for seen, p := range pairs {
		notAbove := 0
		for i := p[1] + 1; i > 0; i -= i & -i {
			notAbove += tree[i]
		}
		total += seen - notAbove
		for i := p[1] + 1; i <= n; i += i & -i {
			tree[i]++
		}
	}
	return total
}

// assignX spreads the units over the width by their weights, centres parents over
// their clusters, and spreads the rows above.
func (o *order) assignX() {
	o.number()
	sum := 0.0
	for _, u := range o.units {
		sum += o.unitWeight(u)
	}
	left := 0.0
	for _, u := range o.units {
		w := o.unitWeight(u) / sum
		o.spread(u.parents, left, w)
		var members []int
		for _, c := range u.clusters {
			members = append(members, c.members...)
		}
		o.spread(members, left, w)
		left += w
	}
	// What hangs below members stands under them; the order by depth has seen them.
	for _, i := range o.byDepth() {
		if p := o.parent[i]; p >= 0 && !o.spine(i) && !o.spine(p) {
			o.at[i] = o.at[p]
		}
	}
	o.spread(o.rows[LayerApart], 0, 1)
}

func (o *order) weight(i int) float64 {
	if w := o.nodes[i].Weight; w > 0 {
		return w
	}
	return 1
}

func (o *order) unitWeight(u unit) float64 {
	parents, members := 0.0, 0.0
	for _, i := range u.parents {
		parents += o.weight(i)
	}
	for _, c := range u.clusters {
		for _, i := range c.members {
			members += o.weight(i)
		}
	}
	return max(parents, members)
}

// spread places nodes side by side over [left, left+width] by their weights.
func (o *order) spread(nodes []int, left, width float64) {
	sum := 0.0
	for _, i := range nodes {
		sum += o.weight(i)
	}
	for _, i := range nodes {
		w := width * o.weight(i) / sum
		o.at[i] = left + w/2
		left += w
	}
}

// result turns the working form into the exported one.
func (o *order) result() *Layered {
	l := &Layered{index: make(map[string]int, len(o.nodes))}
	rows := 0
	for _, row := range o.rows {
		if len(row) > 0 {
			rows++
		}
	}
	row := 0
	for layer, nodes := range o.rows {
		if len(nodes) == 0 {
			continue
		}
		slices.SortStableFunc(nodes, func(a, b int) int { return cmp.Compare(o.at[a], o.at[b]) })
		y := (float64(row) + 0.5) / float64(rows)
		row++
		for _, i := range nodes {
			n := LayeredNode{ID: o.nodes[i].ID, Layer: Layer(layer), Up: o.ids(o.up[i]), X: o.at[i], Y: y}
			if o.parent[i] >= 0 {
				n.Parent = o.nodes[o.parent[i]].ID
			}
			l.index[n.ID] = len(l.Nodes)
			l.Nodes = append(l.Nodes, n)
		}
	}
	for _, u := range o.units {
		out := Unit{Parents: o.ids(u.parents)}
		for _, c := range u.clusters {
			out.Clusters = append(out.Clusters, Cluster{Up: o.ids(c.up), Members: o.ids(c.members)})
		}
		l.Units = append(l.Units, out)
	}
	return l
}

func (o *order) ids(nodes []int) []string {
	var ids []string
	for _, i := range nodes {
		ids = append(ids, o.nodes[i].ID)
	}
	return ids
}
