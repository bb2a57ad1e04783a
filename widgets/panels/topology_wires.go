package panels

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// bundle is all cables between two boxes.
type bundle struct {
	up, low int // boxes; up is the higher one, or the left one of a row
	links   []int
	row     bool       // both stand in one row
	from    plot.Point // on up's edge
	to      plot.Point // on low's edge
}

// routeWires runs every cable whose ends both have a place on the map.
func (a *arranger) routeWires() {
	byPair := map[[2]int]*bundle{}
	for i, l := range a.links {
		x, y := a.boxOf[l.a], a.boxOf[l.b]
		if x < 0 || y < 0 || x == y {
			continue
		}
		if a.lower(x, y) {
			x, y = y, x
		}
		b := byPair[[2]int{x, y}]
		if b == nil {
			b = &bundle{up: x, low: y, row: a.sameRow(x, y)}
			byPair[[2]int{x, y}] = b
		}
		b.links = append(b.links, i)
	}
	keys := slices.SortedFunc(maps.Keys(byPair), func(p, q [2]int) int { return cmp.Or(cmp.Compare(p[0], q[0]), cmp.Compare(p[1], q[1])) })
	uplinks := map[int]int{}
	for _, key := range keys {
		if b := byPair[key]; !b.row {
			uplinks[b.low]++
		}
	}
	var straight []*bundle
	a.thin = 1
	for _, key := range keys {
		b := byPair[key]
		up, low := a.boxes[b.up], a.boxes[b.low]
		single := uplinks[b.low] == 1
		switch {
		case b.row:
			a.routeRow(b)
		case !a.full && a.isBelow(low) && !a.stackedBelow(up, low):
			a.routeTrouble(b) // a line already leads to what is counted
		case low.form == formCell || low.grid:
			a.routeTrouble(b)
		case a.stackedBelow(up, low):
			a.routeTree(b, 2.5*a.k, low.Center().X)
		case low.form == formSquare && a.isMember(low):
			a.routeTree(b, 2.4*a.k, up.Center().X)
		case !a.full && single && a.isMember(low) && up.Bottom() < low.Y:
			a.routeTree(b, 3.2*a.k, up.Center().X)
		default:
			straight = append(straight, b)
		}
	}
	a.assignPorts(straight)
	a.thin = math.Min(1, math.Max(0.3, 24/float64(max(1, len(straight)))))
	for _, b := range straight {
		a.run(b, []plot.Point{b.from, b.to})
	}
}

// lower tells whether box x stands below box y, or right of it in the same row.
func (a *arranger) lower(x, y int) bool {
	p, q := a.boxes[x].Center(), a.boxes[y].Center()
	if a.sameRow(x, y) {
		return p.X > q.X
	}
	return p.Y > q.Y
}

func (a *arranger) sameRow(x, y int) bool {
	p, q := a.boxes[x], a.boxes[y]
	return p.Y < q.Bottom() && q.Y < p.Bottom()
}

// isMember tells whether a box is of the access row, or hangs on the spine as such.
func (a *arranger) isMember(b netBox) bool {
	row := a.rows[plot.LayerAccess]
	return b.Y >= row.y-1 && b.Bottom() <= row.y+row.h+1
}

// isBelow tells whether a box is of the servers' row.
func (a *arranger) isBelow(b netBox) bool {
	row, ok := a.rows[plot.LayerServers]
	return ok && b.Y >= row.y-1
}

// stackedBelow tells whether low is in the stack under up.
func (a *arranger) stackedBelow(up, low netBox) bool {
	return (a.isMember(up) || a.isPinned(up)) && low.Y > up.Bottom() && math.Abs(up.Center().X-low.Center().X) < 2
}

// isPinned tells whether somebody put a box where it is.
func (a *arranger) isPinned(b netBox) bool {
	if b.node < 0 {
		return false
	}
	_, ok := a.pinned[a.nodes[b.node].id]
	return ok
}

// lanes returns the distance of each of n parallel cables from their middle.
func (a *arranger) lanes(n int, row bool) []float64 {
	step := 12 * a.k
	switch {
	case a.full && row:
		step = 18 * a.k
	case a.full:
		step = 10 * a.k
	}
	step = math.Min(step, 30*a.k/float64(max(1, n-1)))
	out := make([]float64, n)
	for i := range out {
		out[i] = (float64(i) - float64(n-1)/2) * step
	}
	return out
}

// width is the stroke of a cable by the layer that it reaches.
func (a *arranger) width(b *bundle) float64 {
	w := 4.0
	if a.full {
		core := a.rows[plot.LayerCore]
		core0 := core.y - core.h/2
		switch {
		case a.isMember(a.boxes[b.low]):
			w = 5
		case a.boxes[b.up].Y < core0:
			w = 4.6
		default:
			w = 6
		}
		if len(b.links) > 1 && !(b.row && a.boxes[b.up].Y > core0) {
			w = 3.2
		}
	}
	return w * a.k * a.thin
}

// run adds a bundle's cables along a path, side by side: above each other along a row, otherwise
// beside each other, so that all of them end on the boxes' edges.
func (a *arranger) run(b *bundle, path []plot.Point) {
	from, to := path[0], path[len(path)-1]
	length := math.Max(1, dist(from, to))
	nx, ny := 0.0, 1.0
	if !b.row {
		nx, ny = math.Min(1.5, length/math.Max(1, math.Abs(to.Y-from.Y))), 0
	}
	named := ""
	lanes := a.lanes(len(b.links), b.row)
	for i, off := range lanes {
		link := b.links[i]
		w := netWire{link: link, width: a.width(b)}
		for _, p := range path {
			w.pts = append(w.pts, plot.Point{X: p.X + nx*off, Y: p.Y + ny*off})
		}
		if u, _ := a.links[link].hottest(); u >= 0.8 {
			w.width += 2 * a.k
		}
		if a.boxOf[a.links[link].a] != b.up {
			slices.Reverse(w.pts)
		}
		a.wires = append(a.wires, w)
		named = cmp.Or(named, a.links[link].lag)
	}
	if named == "" || len(b.links) < 2 {
		return
	}
	size := lanes[len(lanes)-1] - lanes[0] + 18*a.k
	switch {
	case a.full && b.row:
		size += 8 * a.k
	case a.full:
		size -= 5 * a.k
	}
	r := ring{
		at: along(path, ringAt), size: size, angle: math.Atan2(to.Y-from.Y, to.X-from.X),
		wires: [2]int{len(a.wires) - len(b.links), len(a.wires) - 1},
	}
	if b.row && a.full {
		r.name = named
	}
	a.rings = append(a.rings, r)
}

// ringAt is the share of a bundle's path, from its upper end, where its ring is.
const ringAt = 0.28

// routeRow runs a bundle between two boxes of one row: straight where nothing stands between them,
// otherwise in an arc below them.
func (a *arranger) routeRow(b *bundle) {
	left, right := a.boxes[b.up], a.boxes[b.low]
	y := left.Center().Y
	free := true
	for i, box := range a.boxes {
		if i != b.up && i != b.low && box.Y < y && box.Bottom() > y && box.X > left.X && box.Right() < right.Right() {
			free = false
		}
	}
	if !free && !a.full && (a.foldedEdge(b.up) || a.foldedEdge(b.low)) {
		a.routeTrouble(b)
		return
	}
	if free {
		// Level even where one box is taller than the other: a frame beside a router.
		if right.H > 2*left.H {
			y = left.Center().Y
		} else if left.H > 2*right.H {
			y = right.Center().Y
		}
		path := []plot.Point{{X: left.Right(), Y: y}, {X: right.X, Y: y}}
		if right.X-left.Right() >= 28*a.k {
			a.run(b, path)
			return
		}
		for _, link := range b.links { // too short for two halves
			a.wires = append(a.wires, netWire{link: link, form: wireTree, pts: path, width: 3.2 * a.k})
		}
		return
	}
	p0 := plot.Point{X: left.Center().X + left.W/4, Y: left.Bottom()}
	p1 := plot.Point{X: right.Center().X - right.W/4, Y: right.Bottom()}
	drop := math.Min(36*a.k, 12*a.k+0.06*(p1.X-p0.X))
	if left.form == formSquare {
		drop = 16 * a.k
	}
	var path []plot.Point
	for i := range 13 {
		t := float64(i) / 12
		path = append(path, plot.Point{X: p0.X + (p1.X-p0.X)*t, Y: p0.Y + (p1.Y-p0.Y)*t + 4*drop*t*(1-t)})
	}
	a.run(b, path)
}

// foldedEdge tells whether a box stands for devices of the edge.
func (a *arranger) foldedEdge(box int) bool {
	i := a.boxes[box].node
	if i < 0 {
		return false
	}
	n, _ := a.layout.Node(a.nodes[i].id)
	return n.Layer == plot.LayerEdge
}

// routeTree runs a bundle down from x, across, and down again to the middle of the lower box.
func (a *arranger) routeTree(b *bundle, width, x float64) {
	up, low := a.boxes[b.up], a.boxes[b.low]
	bus := (up.Bottom() + low.Y) / 2
	lanes := a.lanes(len(b.links), false)
	apart := slices.ContainsFunc(b.links, func(i int) bool { return a.links[i].down })
	for i, link := range b.links {
		off := 0.0
		if apart { // the one that is down shows beside the ones that are up
			off = lanes[i] / 2
		}
		to := low.Center().X + off
		w := netWire{link: link, form: wireTree, width: width}
		if math.Abs(to-x-off) < 1 {
			w.pts = []plot.Point{{X: to, Y: up.Bottom()}, {X: to, Y: low.Y}}
		} else {
			w.pts = []plot.Point{{X: x + off, Y: up.Bottom()}, {X: x + off, Y: bus}, {X: to, Y: bus}, {X: to, Y: low.Y}}
		}
		a.wires = append(a.wires, w)
	}
}

// routeTrouble runs only those cables into a crowd of squares that want to be seen.
func (a *arranger) routeTrouble(b *bundle) {
	up, low := a.boxes[b.up], a.boxes[b.low]
	for _, link := range b.links {
		if u, _ := a.links[link].hottest(); !a.links[link].down && !(u >= 0.8) {
			continue
		}
		pts := []plot.Point{{X: up.Center().X, Y: up.Bottom()}, {X: low.Center().X, Y: low.Y}}
		if a.boxOf[a.links[link].a] != b.up {
			slices.Reverse(pts)
		}
		a.wires = append(a.wires, netWire{link: link, pts: pts, width: 3 * a.k})
	}
}

// assignPorts spreads the ends of straight bundles along the boxes' edges in the order in which they
// lead away, so that they do not cross where they begin.
func (a *arranger) assignPorts(bundles []*bundle) {
	type end struct {
		b    *bundle
		low  bool
		away float64 // direction in which it leads
	}
	down, up := map[int][]end{}, map[int][]end{}
	for _, b := range bundles {
		p, q := a.boxes[b.up], a.boxes[b.low]
		dy := math.Max(1, q.Y-p.Bottom())
		down[b.up] = append(down[b.up], end{b, false, (q.Center().X - p.Center().X) / dy})
		up[b.low] = append(up[b.low], end{b, true, (p.Center().X - q.Center().X) / dy})
	}
	for side, ends := range []map[int][]end{down, up} {
		for box, list := range ends {
			slices.SortStableFunc(list, func(x, y end) int { return cmp.Compare(x.away, y.away) })
			r := a.boxes[box]
			y := r.Bottom()
			if side == 1 {
				y = r.Y
			}
			lanes := 0
			for _, e := range list {
				lanes = max(lanes, len(e.b.links))
			}
			most, share := 40*a.k, 0.62
			if lanes > 1 {
				share = 0.78
			}
			step := math.Min(most, share*r.W/float64(max(1, len(list)-1)))
			for n, e := range list {
				x := r.Center().X + (float64(n)-float64(len(list)-1)/2)*step
				if r.form == formSite {
					x = math.Max(r.X+20*a.k, math.Min(x, r.Right()-20*a.k))
				}
				if e.low {
					e.b.to = plot.Point{X: x, Y: y}
				} else {
					e.b.from = plot.Point{X: x, Y: y}
				}
			}
		}
	}
}
