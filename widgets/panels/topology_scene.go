package panels

import (
	"math"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// netMap is a network together with how it is to be drawn.
type netMap struct {
	*network
	layout   *plot.Layered
	impacts  []netImpact
	full     bool
	pinned   map[string]plot.Point // where people put nodes, in shares of the area
	grouping []topologyGroup
	lang     string
	style    plot.Style
	text     Text
	face     *plot.Typeface
}

// boxForm is how much of a node is drawn.
type boxForm int

const (
	formBox    boxForm = iota // a named box
	formPlain                 // a named box without an edge: servers
	formPill                  // a named pill: neighbours by hearsay
	formSquare                // a square with a dot or a mark
	formCell                  // a small square without anything in it
	formSite                  // a frame around a site's devices
)

// netBox is one place on the map. node is -1 for "+3", which stands for several.
type netBox struct {
	plot.Rect
	node  int
	form  boxForm
	grid  bool // one of several lines of squares
	label string
	size  float64 // of the label
	bold  bool
	fold  int      // 1 and more: the fold that "+3" stands for
	inner *netSite // the devices of a site whose frame this is
	cells []netBox // their boxes, within the frame; node counts within the site
}

// wireForm is how a cable is drawn.
type wireForm int

const (
	wireHalves wireForm = iota // two halves, each coloured by what its end sends
	wireTree                   // one thin line, coloured by the busier direction
)

// netWire is a cable on the map, from its end a to its end b.
type netWire struct {
	link  int
	form  wireForm
	pts   []plot.Point
	width float64
	cross plot.Point // where a cable that is down has its plate
	at    float64    // the share of the path where that is
}

// ring binds the members of an aggregation.
type ring struct {
	at          plot.Point
	size, angle float64
	name        string
	wires       [2]int // the outermost members
}

// netLabel is a plain text on the map; the align is that of the text about x.
type netLabel struct {
	x, y   float64 // y is the baseline
	align  int     // -1 from x, 0 about x, 1 up to x
	s      string
	size   float64
	bold   bool
	strong bool // in text2 instead of muted
	node   int  // whose servers it counts, -1 for none
	short  string
	layer  bool // it names a row, and stands at the left however near somebody comes
	fold   int  // 1 and more: the fold that it counts
}

// fold is a place where several nodes are counted; who comes near enough sees them.
type fold struct {
	plot.Rect
	nodes []int
}

// netZone is the area of an impact.
type netZone struct {
	plot.Rect
	lines []string
}

// netBadge is the use of a hot link.
type netBadge struct {
	plot.Rect
	s        string
	critical bool
}

// netFlag is the flag of the root cause; its tip points at the cross.
type netFlag struct {
	plot.Rect
	right bool // the flag stands left of what it points at
	to    plot.Point
	s     string
}

// netScene is the map in pixels: what painting needs, and nothing else.
type netScene struct {
	size    plot.Rect
	area    plot.Rect // without the legend
	near    bool      // less than the whole map: what leans over the area's edge is cut off
	boxes   []netBox
	boxOf   []int // box by node, -1 for none
	wires   []netWire
	rings   []ring
	zones   []netZone
	groups  []netGroup
	labels  []netLabel
	badges  []netBadge
	flag    *netFlag
	folds   []fold
	stems   [][2]plot.Point // from a switch to what it carries, where that has no cable of its own on the map
	classes onScreen
	foot    []legendItem
	footY   float64
}

// at returns the scene for a body: moved where the body has the size that the scene was made for,
// otherwise made anew.
func (s *netScene) at(m *netMap, body plot.Rect) *netScene {
	if math.Abs(body.W-s.size.W) > 0.5 || math.Abs(body.H-s.size.H) > 0.5 {
		return m.arrange(body)
	}
	if body.X == s.size.X && body.Y == s.size.Y {
		return s
	}
	return s.moved(body.X-s.size.X, body.Y-s.size.Y)
}

// moved returns a copy of the scene at another place.
func (s *netScene) moved(dx, dy float64) *netScene {
	out := *s
	out.size, out.area = s.size.Offset(dx, dy), s.area.Offset(dx, dy)
	out.footY += dy
	out.boxes = movedBoxes(s.boxes, dx, dy)
	points := 0
	for _, w := range s.wires {
		points += len(w.pts)
	}
	pool := make([]plot.Point, 0, points)
	out.wires = make([]netWire, len(s.wires))
	for i, w := range s.wires {
		from := len(pool)
		for _, p := range w.pts {
			pool = append(pool, plot.Point{X: p.X + dx, Y: p.Y + dy})
		}
		w.pts = pool[from:len(pool):len(pool)]
		w.cross.X, w.cross.Y = w.cross.X+dx, w.cross.Y+dy
		out.wires[i] = w
	}
	out.rings = make([]ring, len(s.rings))
	for i, r := range s.rings {
		r.at.X, r.at.Y = r.at.X+dx, r.at.Y+dy
		out.rings[i] = r
	}
	out.zones = make([]netZone, len(s.zones))
	for i, z := range s.zones {
		z.Rect = z.Offset(dx, dy)
		out.zones[i] = z
	}
	out.groups = make([]netGroup, len(s.groups))
	for i, g := range s.groups {
		g.Rect, g.at = g.Offset(dx, dy), g.at+dy
		out.groups[i] = g
	}
	out.labels = make([]netLabel, len(s.labels))
	for i, l := range s.labels {
		l.x, l.y = l.x+dx, l.y+dy
		out.labels[i] = l
	}
	out.badges = make([]netBadge, len(s.badges))
	for i, b := range s.badges {
		b.Rect = b.Offset(dx, dy)
		out.badges[i] = b
	}
	out.stems = make([][2]plot.Point, len(s.stems))
	for i, st := range s.stems {
		for e := range st {
			out.stems[i][e] = plot.Point{X: st[e].X + dx, Y: st[e].Y + dy}
		}
	}
	if s.flag != nil {
		f := *s.flag
		f.Rect, f.to = f.Offset(dx, dy), plot.Point{X: f.to.X + dx, Y: f.to.Y + dy}
		out.flag = &f
	}
	return &out
}

func movedBoxes(boxes []netBox, dx, dy float64) []netBox {
	out := make([]netBox, len(boxes))
	for i, b := range boxes {
		b.Rect = b.Offset(dx, dy)
		if b.cells != nil {
			b.cells = movedBoxes(b.cells, dx, dy)
		}
		out[i] = b
	}
	return out
}

// spotsOf are the places of devices, then those of links, in body coordinates.
func (s *netScene) spotsOf(m *netMap) []Spot {
	var spots []Spot
	for _, b := range s.boxes {
		switch {
		case b.inner != nil:
			for _, cell := range b.cells {
				if cell.node >= 0 {
					spots = append(spots, Spot{Rect: cell.Rect, Entity: b.inner.nodes[cell.node].id})
				}
			}
		case b.node >= 0 && m.nodes[b.node].site == nil:
			spots = append(spots, Spot{Rect: b.Rect, Entity: m.nodes[b.node].id})
		case b.node >= 0:
			spots = append(spots, Spot{Rect: b.Rect, Entity: m.nodes[b.node].site.nodes[0].id})
		}
	}
	r := 16 * m.style.K
	for _, w := range s.wires {
		p := w.middle()
		if w.form == wireTree {
			p = w.foot()
		}
		if m.links[w.link].down {
			p = w.cross
		}
		spots = append(spots, Spot{Rect: plot.Rect{X: p.X - r, Y: p.Y - r, W: 2 * r, H: 2 * r}, Link: m.links[w.link].Key()})
	}
	return spots
}

// middle is the point half way along a wire.
func (w *netWire) middle() plot.Point { return along(w.pts, 0.5) }

// foot is a point near a tree wire's lower end, where it runs alone.
func (w *netWire) foot() plot.Point {
	last := w.pts[len(w.pts)-1]
	before := w.pts[len(w.pts)-2]
	return plot.Point{X: (last.X + before.X) / 2, Y: (last.Y + before.Y) / 2}
}

// along returns the point at the share t of a path's length.
func along(pts []plot.Point, t float64) plot.Point {
	total := 0.0
	for i := 1; i < len(pts); i++ {
		total += dist(pts[i-1], pts[i])
	}
	left := t * total
	for i := 1; i < len(pts); i++ {
		d := dist(pts[i-1], pts[i])
		if left <= d && d > 0 {
			return lerp(pts[i-1], pts[i], left/d)
		}
		left -= d
	}
	return pts[len(pts)-1]
}

func dist(a, b plot.Point) float64 { return math.Hypot(b.X-a.X, b.Y-a.Y) }

func lerp(a, b plot.Point, t float64) plot.Point {
	return plot.Point{X: a.X + (b.X-a.X)*t, Y: a.Y + (b.Y-a.Y)*t}
}

// sick tells whether a node wants to be seen: it is unfolded where there is room.
func (n *netNode) sick() bool { return n.state != model.OK && n.state != model.Maintenance }
