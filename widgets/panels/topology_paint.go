package panels

import (
	"math"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// paint draws a scene: areas first, then cables from the quiet to the loud, then boxes, and on top
// what wants a person.
func (m *netMap) paint(c *plot.Canvas, s *netScene) {
	n := mapPen{newPen(c, m.style), m}
	if s.near {
		n.body(s, s.area)
	} else {
		n.body(s, s.size.Inset(-2*n.k))
	}
	n.rowNames(s)
	n.legend(s)
}

// body draws what lies on the map within a part of it.
func (n mapPen) body(s *netScene, seen plot.Rect) {
	m := n.m
	defer n.Clip(seen)()
	for _, g := range s.groups {
		n.group(g)
	}
	for _, z := range s.zones {
		n.zone(z)
	}
	for _, st := range s.stems {
		n.Line(st[0].X, st[0].Y, st[1].X, st[1].Y, 2*n.k, n.p.UseIdle, nil)
	}
	for loud := range 3 {
		for i := range s.wires {
			if w := &s.wires[i]; n.loudness(w) == loud && crosses(seen.Inset(-20*n.k), w.pts) {
				n.wire(w)
			}
		}
	}
	for _, r := range s.rings {
		n.Lag(r.at.X, r.at.Y, r.size, 1.5*n.k, r.angle, n.p.Text2)
	}
	for i := range s.boxes {
		if b := &s.boxes[i]; !b.Inset(-16*n.k).Intersect(seen).Empty() && !b.Empty() {
			n.box(b)
		}
	}
	for i := range s.wires {
		if w := &s.wires[i]; m.links[w.link].down {
			n.downWire(w)
		}
	}
	for _, l := range s.labels {
		if !l.layer {
			n.label(l)
		}
	}
	if s.flag != nil {
		n.flag(s.flag)
	}
	for i := range s.wires {
		if w := &s.wires[i]; m.links[w.link].down {
			n.cross(w)
		}
	}
	for _, b := range s.badges {
		n.badge(b)
	}
}

// rowNames writes the layers' names at the left, over whatever comes by beneath them.
func (n mapPen) rowNames(s *netScene) {
	defer n.Clip(s.area)()
	for _, l := range s.labels {
		if !l.layer {
			continue
		}
		if s.near {
			w := n.Measure(l.s, plot.Font{Size: l.size, Bold: l.bold})
			n.FillRound(plot.Rect{X: l.x - 6*n.k, Y: l.y - 19*n.k, W: w + 12*n.k, H: 26 * n.k}, 3*n.k, n.p.Surface)
		}
		n.label(l)
	}
}

// mapPen draws the parts of a map.
type mapPen struct {
	pen
	m *netMap
}

// loudness orders cables: those with no use known, those that are well, hot ones. Cables that are
// down come last of all, above the boxes.
func (n mapPen) loudness(w *netWire) int {
	l := &n.m.links[w.link]
	use, _ := l.hottest()
	switch {
	case l.down:
		return -1
	case use >= 0.8:
		return 2
	case math.IsNaN(use):
		return 0
	}
	return 1
}

func (n mapPen) zone(z netZone) {
	n.FillRound(z.Rect, 8*n.k, n.p.CritZone)
	n.StrokeRound(z.Rect, 8*n.k, 1.5*n.k, n.p.Critical, plot.Dash{3 * n.k, 5 * n.k})
	y := z.Bottom() - float64(len(z.lines))*24*n.k + 8*n.k
	for i, s := range z.lines {
		col := n.p.Muted
		if i == 0 {
			col = n.p.Text2
		}
		n.text(z.X+14*n.k, y, s, 18, i == 0, col)
		y += 24 * n.k
	}
}

// wire draws a cable that is up.
func (n mapPen) wire(w *netWire) {
	l := &n.m.links[w.link]
	use, _ := l.hottest()
	switch {
	case l.stale:
		n.Polyline(w.pts, math.Min(w.width, 2.5*n.k), n.p.Stale, plot.Dash{6 * n.k, 5 * n.k})
	case w.form == wireTree && math.IsNaN(use):
		n.Polyline(w.pts, math.Min(w.width, 2*n.k), n.p.UseLow, unknownDash.Scaled(n.k))
	case w.form == wireTree:
		n.Polyline(w.pts, w.width+btof(use >= 0.8)*1.6*n.k, n.p.Use(use), nil)
	default:
		n.half(w.pts, 0.5, w.width, l.use[0])
		n.half(reversed(w.pts), 0.5, w.width, l.use[1])
	}
}

// unknownDash is the line of a cable whose use is not known; one that is down is dashed otherwise.
var unknownDash = plot.Dash{8, 4, 2, 4}

// half draws what one end sends: from the beginning of the path towards its middle.
func (n mapPen) half(pts []plot.Point, share, width, use float64) {
	col, dash := n.p.Use(use), plot.Dash(nil)
	if math.IsNaN(use) {
		width, dash = math.Min(width, 3*n.k), unknownDash.Scaled(n.k)
	}
	length := 0.0
	for i := 1; i < len(pts); i++ {
		length += dist(pts[i-1], pts[i])
	}
	head := 0.72*2.6*width + 2*n.k
	gap := 4 * n.k
	if n.m.full {
		gap = 1.5 * n.k
	}
	reach := share*length - gap
	if reach <= 0 {
		return
	}
	arrow := n.m.full && dash == nil && reach > 1.6*head
	if arrow {
		reach -= head
	}
	line := upTo(pts, reach)
	n.Polyline(line, width, col, dash)
	if !arrow {
		return
	}
	base, before := line[len(line)-1], line[len(line)-2]
	d := math.Max(1e-6, dist(before, base))
	dx, dy := (base.X-before.X)/d, (base.Y-before.Y)/d
	wing := 1.3 * width
	n.Polygon([]plot.Point{
		{X: base.X + dx*head, Y: base.Y + dy*head},
		{X: base.X - dy*wing - dx*0.5, Y: base.Y + dx*wing - dy*0.5},
		{X: base.X + dy*wing - dx*0.5, Y: base.Y - dx*wing - dy*0.5},
	}, col)
}

// upTo returns the first part of a path, so long.
func upTo(pts []plot.Point, length float64) []plot.Point {
	out := []plot.Point{pts[0]}
	for i := 1; i < len(pts); i++ {
		d := dist(pts[i-1], pts[i])
		if d >= length && d > 0 {
			return append(out, lerp(pts[i-1], pts[i], length/d))
		}
		length -= d
		out = append(out, pts[i])
	}
	return out
}

func reversed(pts []plot.Point) []plot.Point {
	out := make([]plot.Point, len(pts))
	for i, p := range pts {
		out[len(pts)-1-i] = p
	}
	return out
}

func (n mapPen) downWire(w *netWire) {
	dash := plot.Dash{9 * n.k, 7 * n.k}
	width := math.Min(4*n.k, math.Max(w.width, 3*n.k))
	if n.m.full && w.form == wireHalves {
		dash, width = plot.Dash{14 * n.k, 10 * n.k}, 6*n.k
		n.Polyline(w.pts, 16*n.k, n.p.Outline, nil)
		n.Polyline(w.pts, 12*n.k, n.p.Surface, nil)
	}
	n.Polyline(w.pts, width, n.p.Critical, dash)
}

// cross draws the plate on a cable that is down: solid, or an outline once somebody has taken it on.
func (n mapPen) cross(w *netWire) {
	s := 28 * n.k
	if n.m.full {
		s = 34 * n.k
	}
	if w.form == wireTree {
		s = 20 * n.k
	}
	r := plot.Rect{X: w.cross.X - s/2, Y: w.cross.Y - s/2, W: s, H: s}
	n.FillRound(r.Inset(-2*n.k), 5*n.k, n.p.Surface)
	if n.m.links[w.link].ack {
		n.FillRound(r, 4*n.k, n.p.CritTint)
		n.StrokeRound(r, 4*n.k, 2*n.k, n.p.Critical, nil)
		n.Cross(w.cross.X, w.cross.Y, 0.6*s, 0.1*s, n.p.CritInk)
		return
	}
	n.FillRound(r, 4*n.k, n.p.Critical)
	n.Cross(w.cross.X, w.cross.Y, 0.69*s, 0.12*s, n.p.OnCrit)
}

func (n mapPen) flag(f *netFlag) {
	tip := plot.Point{X: f.Right(), Y: f.Y + f.H/2}
	cut, edge := -12*n.k, f.X
	if !f.right {
		tip.X, cut, edge = f.X, 12*n.k, f.Right()
	}
	n.Line(tip.X, tip.Y, f.to.X, f.to.Y, 1.5*n.k, n.p.Critical, nil)
	corner := math.Copysign(4*n.k, cut)
	n.Polygon([]plot.Point{
		{X: edge - corner, Y: f.Y}, {X: tip.X + cut, Y: f.Y}, tip, {X: tip.X + cut, Y: f.Bottom()},
		{X: edge - corner, Y: f.Bottom()}, {X: edge, Y: f.Bottom() - 4*n.k}, {X: edge, Y: f.Y + 4*n.k},
	}, n.p.Critical)
	x := f.X + 10*n.k
	if !f.right {
		x = f.X + 18*n.k
	}
	n.text(x, f.Y+24.2*n.k, f.s, 20, true, n.p.OnCrit)
}

func (n mapPen) badge(b netBadge) {
	kind := plot.KindWarning
	fill, ink := n.p.WarnTint, n.p.WarnText
	if b.critical {
		kind, fill, ink = plot.KindCritical, n.p.Critical, n.p.OnCrit
	}
	n.FillRound(b.Rect, 4*n.k, fill)
	if !b.critical {
		n.StrokeRound(b.Rect, 4*n.k, 1.5*n.k, n.p.Warning, nil)
	}
	n.Mark(kind, b.X+19*n.k, b.Y+16*n.k, 22*n.k, n.p, n.k, plot.MarkOptions{Inverse: true})
	size := 20.0
	if n.m.full {
		size = 22
	}
	n.text(b.X+36*n.k, b.Y+16*n.k+size*0.36*n.k, b.s, size, true, ink)
}

func (n mapPen) label(l netLabel) {
	col := n.p.Muted
	if l.strong {
		col = n.p.Text2
	}
	f := plot.Font{Size: l.size, Bold: l.bold}
	switch l.align {
	case -1:
		n.Text(l.x, l.y, l.s, f, col)
	case 1:
		n.TextRight(l.x, l.y, l.s, f, col)
	default:
		n.TextCenter(l.x, l.y, l.s, f, col)
	}
}

func btof(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// state is the state that a box shows, and whether somebody has taken it on.
func (n mapPen) state(b *netBox) (s model.State, ack bool) {
	if b.node < 0 {
		return model.OK, false
	}
	return n.m.nodes[b.node].state, n.m.nodes[b.node].ack
}
