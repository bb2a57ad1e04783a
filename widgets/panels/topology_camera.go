package panels

import (
	"image"
	"math"
	"slices"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// camera is what part of a map is looked at: the zero value is the whole of it. The middle is given
// in shares of the map's area, so that it outlives a change of the window's size.
type camera struct {
	zoom   float64 // 1 and more; below 1 stands for 1
	middle plot.Point
}

// maxZoom is how near one can come.
const maxZoom = 16

// near tells whether less than the whole map is looked at.
func (c camera) near() bool { return c.zoom > 1 }

// bounded keeps the camera within the map.
func (c camera) bounded() camera {
	c.zoom = math.Min(c.zoom, maxZoom)
	if !c.near() {
		return camera{}
	}
	half := 0.5 / c.zoom
	c.middle.X = math.Max(half, math.Min(c.middle.X, 1-half))
	c.middle.Y = math.Max(half, math.Min(c.middle.Y, 1-half))
	return c
}

// shares is the middle as it is looked at now.
func (c camera) shares() (zoom float64, middle plot.Point) {
	if !c.near() {
		return 1, plot.Point{X: 0.5, Y: 0.5}
	}
	return c.zoom, c.middle
}

// corner is how far the left upper corner of the screen is from that of the map, in whole pixels of the
// screen: two cameras of one zoom see the same pixels at different places.
func (c camera) corner(area plot.Rect) image.Point {
	z, m := c.shares()
	return image.Pt(int(math.Round(m.X*area.W*z-area.W/2)), int(math.Round(m.Y*area.H*z-area.H/2)))
}

// toScreen turns a place on the whole map into one on the screen.
func (c camera) toScreen(p plot.Point, area plot.Rect) plot.Point {
	z, _ := c.shares()
	at := c.corner(area)
	return plot.Point{X: area.X + (p.X-area.X)*z - float64(at.X), Y: area.Y + (p.Y-area.Y)*z - float64(at.Y)}
}

// toMap is the inverse of toScreen.
func (c camera) toMap(p plot.Point, area plot.Rect) plot.Point {
	z, _ := c.shares()
	at := c.corner(area)
	return plot.Point{X: area.X + (p.X-area.X+float64(at.X))/z, Y: area.Y + (p.Y-area.Y+float64(at.Y))/z}
}

// nearer comes nearer by a factor, or goes back, and leaves the place at where it is on the screen.
func (c camera) nearer(factor float64, at plot.Point, area plot.Rect) camera {
	fixed := c.toMap(at, area)
	z, _ := c.shares()
	out := camera{zoom: math.Min(z*factor, maxZoom)}
	if !out.near() {
		return camera{}
	}
	out.middle = plot.Point{
		X: ((fixed.X - area.X) - (at.X-area.X-area.W/2)/out.zoom) / area.W,
		Y: ((fixed.Y - area.Y) - (at.Y-area.Y-area.H/2)/out.zoom) / area.H,
	}
	return out.bounded()
}

// moved looks at another part: the map follows a hand that moved by so many pixels.
func (c camera) moved(by plot.Point, area plot.Rect) camera {
	if !c.near() {
		return c
	}
	c.middle.X -= by.X / c.zoom / area.W
	c.middle.Y -= by.Y / c.zoom / area.H
	return c.bounded()
}

// on puts a place of the whole map into the middle, at least so near.
func (c camera) on(p plot.Point, zoom float64, area plot.Rect) camera {
	z, _ := c.shares()
	return camera{zoom: math.Max(z, zoom), middle: plot.Point{X: (p.X - area.X) / area.W, Y: (p.Y - area.Y) / area.H}}.bounded()
}

// Boxes and text grow with the first steps and then stay as they are: what comes near is room, which
// the squares use to become boxes with names, and the counted to become seen.
const mostGrowth = 1.35

// lens draws a scene as a camera sees it.
type lens struct {
	m      *netMap
	base   *netScene
	cam    camera
	zoom   float64
	growth float64
	seen   plot.Rect // in pixels of the screen, with a margin
	out    *netScene
	k      float64
}

// through returns the scene as a camera sees it. Everything that is seen from afar keeps its place in
// proportion; nothing is arranged anew.
func (s *netScene) through(m *netMap, cam camera) *netScene {
	if !cam.near() {
		return s
	}
	v := &lens{m: m, base: s, cam: cam, zoom: cam.zoom, growth: math.Min(cam.zoom, mostGrowth), k: m.style.K}
	v.seen = s.area.Inset(-60 * v.k)
	out := *s
	out.flag, out.near, v.out = nil, true, &out
	v.boxes()
	v.folds()
	v.wires()
	v.rest()
	return v.out
}

func (v *lens) to(p plot.Point) plot.Point { return v.cam.toScreen(p, v.base.area) }

func (v *lens) rect(r plot.Rect) plot.Rect {
	a := v.to(plot.Point{X: r.X, Y: r.Y})
	return plot.Rect{X: a.X, Y: a.Y, W: r.W * v.zoom, H: r.H * v.zoom}
}

func (v *lens) visible(r plot.Rect) bool { return !v.seen.Intersect(r).Empty() }

// boxes places the boxes; squares with room for a name become boxes. All keep their number, since
// cables know them by it: what is not seen is empty.
func (v *lens) boxes() {
	v.out.boxes = make([]netBox, 0, len(v.base.boxes)+16)
	for i := range v.base.boxes {
		v.out.boxes = append(v.out.boxes, v.box(&v.base.boxes[i]))
	}
	v.out.boxOf = append([]int(nil), v.base.boxOf...)
}

func (v *lens) box(b *netBox) netBox {
	out := *b
	c := v.to(b.Center())
	w, h := b.W*v.growth, b.H*v.growth
	out.size = b.size * v.growth
	switch b.form {
	case formSite:
		w, h = b.W*v.zoom, b.H*v.zoom
		out.cells = make([]netBox, len(b.cells))
		for i, cell := range b.cells {
			at := v.to(cell.Center())
			cell.size *= v.growth
			cell.W, cell.H = cell.W*v.growth, cell.H*v.growth
			cell.X, cell.Y = at.X-cell.W/2, at.Y-cell.H/2
			out.cells[i] = cell
		}
	case formSquare, formCell:
		side := b.W * v.zoom
		switch {
		case b.node >= 0 && v.visible(plot.Rect{X: c.X - 80*v.k, Y: c.Y - 80*v.k, W: 160 * v.k, H: 160 * v.k}) && v.roomForName(b.node, squareRoom*side):
			w, h = math.Min(squareRoom*side, 150*v.k), math.Min(squareRoom*side, 44*v.k)
			out.form, out.size, out.bold = formBox, 18*v.k, true
			out.label = v.m.nodes[b.node].name
		case side >= 18*v.k:
			w = math.Min(side, 34*v.k)
			h, out.form = w, formSquare
		default:
			w, h = side, side
		}
	}
	out.Rect = plot.Rect{X: c.X - w/2, Y: c.Y - h/2, W: w, H: h}
	return out
}

// squareRoom is how wide a box may be in the place of a square, which has a gap beside it.
const squareRoom = 1.14

// roomForName tells whether a square of a width is better drawn as a box with a name.
func (v *lens) roomForName(node int, w float64) bool {
	if w < 44*v.k {
		return false
	}
	return w >= 150*v.k || v.m.face.Measure(v.m.nodes[node].name, plot.Font{Size: 18 * v.k, Bold: true})+10*v.k <= w
}

// folds shows what is counted where it is near enough to have a place each.
func (v *lens) folds() {
	open := make([]bool, len(v.base.folds)+1)
	for i, f := range v.base.folds {
		r := v.rect(f.Rect)
		w, h := foldW*v.k, foldH*v.k
		cols, rows := int(r.W/w), int(r.H/h)
		if cols < 1 || rows < 1 || cols*rows < len(f.nodes) {
			continue
		}
		open[i+1] = true
		if !v.visible(r) {
			continue
		}
		rows = (len(f.nodes) + cols - 1) / cols
		cols = (len(f.nodes) + rows - 1) / rows
		left := r.Center().X - float64(cols)*w/2
		for n, node := range f.nodes {
			cell := plot.Rect{X: left + float64(n%cols)*w, Y: r.Y + float64(n/cols)*h, W: w - 8*v.k, H: h - 8*v.k}
			v.out.boxOf[node] = len(v.out.boxes)
			v.out.boxes = append(v.out.boxes, netBox{Rect: cell, node: node, form: v.m.servedForm(node), label: v.m.nodes[node].name, size: 18 * v.k})
		}
	}
	for i, b := range v.base.boxes {
		if b.fold > 0 && open[b.fold] {
			v.out.boxes[i].Rect = plot.Rect{}
		}
	}
	v.out.labels = nil
	for _, l := range v.base.labels {
		if l.fold > 0 && open[l.fold] {
			continue
		}
		p := v.to(plot.Point{X: l.x, Y: l.y - 0.36*l.size})
		if !l.layer {
			l.size *= v.growth
			l.x = p.X
		}
		l.y = p.Y + 0.36*l.size
		if v.visible(plot.Rect{X: l.x - 200*v.k, Y: l.y - l.size, W: 400 * v.k, H: l.size}) {
			v.out.labels = append(v.out.labels, l)
		}
	}
}

// foldW and foldH are what a counted node needs to be seen.
const foldW, foldH = 110, 40

// foldZoom is the zoom at which a fold opens.
func foldZoom(f fold, k float64) float64 {
	z := max(foldW*k/f.W, foldH*k/f.H, 1)
	for int(f.W*z/foldW/k)*int(f.H*z/foldH/k) < len(f.nodes) && z < maxZoom {
		z *= 1.05
	}
	return z
}

// servedForm is the form of a box for what hangs on a switch.
func (m *netMap) servedForm(node int) boxForm {
	switch {
	case m.nodes[node].sick():
		return formBox
	case m.nodes[node].kind == model.KindStub:
		return formPill
	}
	return formPlain
}

// wires places the cables.
func (v *lens) wires() {
	v.out.wires = make([]netWire, 0, len(v.base.wires))
	moved := make([]int, len(v.base.wires)) // number in out, -1 for unseen
	for i := range v.base.wires {
		w := v.wire(&v.base.wires[i])
		moved[i] = -1
		if crosses(v.seen, w.pts) {
			moved[i] = len(v.out.wires)
			v.out.wires = append(v.out.wires, w)
		}
	}
	v.out.rings = nil
	for _, r := range v.base.rings {
		a, b := moved[r.wires[0]], moved[r.wires[1]]
		if a < 0 || b < 0 {
			continue
		}
		p, q := v.ringPoint(r, r.wires[0], a), v.ringPoint(r, r.wires[1], b)
		r.at = lerp(p, q, 0.5)
		r.size = dist(p, q) + 14*v.k
		v.out.rings = append(v.out.rings, r)
	}
}

// ringPoint is where a ring meets a member: at the same share of its path as on the whole map.
func (v *lens) ringPoint(r ring, base, out int) plot.Point {
	w := &v.base.wires[base]
	t := ringAt
	if dist(along(w.pts, t), r.at) > dist(along(w.pts, 1-t), r.at) {
		t = 1 - t
	}
	return along(v.out.wires[out].pts, t)
}

// wire moves a cable: its ends with their boxes, the bends between them with the map.
func (v *lens) wire(w *netWire) netWire {
	out := *w
	l := &v.m.links[w.link]
	last := len(w.pts) - 1
	out.pts = make([]plot.Point, len(w.pts))
	for i, p := range w.pts {
		out.pts[i] = v.to(p)
	}
	out.pts[0] = v.end(w.pts[0], l.a)
	out.pts[last] = v.end(w.pts[last], l.b)
	if d := dist(w.pts[0], v.nearestOn(w.pts[0], l.a)); w.form == wireTree && d > dist(w.pts[0], v.nearestOn(w.pts[0], l.b)) {
		out.pts[0] = v.end(w.pts[0], l.b) // a tree runs downwards whichever end is which
		out.pts[last] = v.end(w.pts[last], l.a)
	}
	if last == 3 {
		out.pts[1].X, out.pts[2].X = out.pts[0].X, out.pts[3].X
	}
	out.width = math.Max(2.4*v.k, math.Min(w.width*v.growth, 7*v.k)) // with room around it none need be thin
	if w.at == 1 {
		out.cross = out.foot()
	} else {
		out.cross = along(out.pts, w.at)
	}
	return out
}

// end moves a cable's end with the box that it is on.
func (v *lens) end(p plot.Point, node int) plot.Point {
	box, now := v.base.boxOf[node], v.out.boxOf[node]
	if now != box { // it was counted, and now has a box of its own
		r := v.out.boxes[now]
		return plot.Point{X: r.Center().X, Y: r.Y}
	}
	b, n := &v.base.boxes[box], &v.out.boxes[box]
	if n.Empty() || b.W == 0 || b.H == 0 {
		return v.to(p)
	}
	c, d := b.Center(), n.Center()
	return plot.Point{X: d.X + (p.X-c.X)*n.W/b.W, Y: d.Y + (p.Y-c.Y)*n.H/b.H}
}

// nearestOn is the point of a node's box that is nearest to p.
func (v *lens) nearestOn(p plot.Point, node int) plot.Point {
	b := v.base.boxes[v.base.boxOf[node]]
	return plot.Point{X: math.Max(b.X, math.Min(p.X, b.Right())), Y: math.Max(b.Y, math.Min(p.Y, b.Bottom()))}
}

// rest moves what lies on boxes and cables, which keeps its size, and the areas behind them.
func (v *lens) rest() {
	v.out.badges, v.out.zones, v.out.stems = nil, nil, nil
	for _, b := range v.base.badges {
		c := v.to(b.Center())
		b.X, b.Y = c.X-b.W/2, c.Y-b.H/2
		if v.visible(b.Rect) {
			v.out.badges = append(v.out.badges, b)
		}
	}
	for _, z := range v.base.zones {
		z.Rect = v.rect(z.Rect)
		v.out.zones = append(v.out.zones, z)
	}
	v.out.groups = nil
	for _, g := range v.base.groups {
		below := g.at > g.Y
		if g.Rect = v.rect(g.Rect); below {
			g.at = g.Bottom() - groupHead*v.k
		} else {
			g.at = g.Y
		}
		v.out.groups = append(v.out.groups, g)
	}
	for _, st := range v.base.stems { // a stem begins behind its box, which is drawn over it
		v.out.stems = append(v.out.stems, [2]plot.Point{v.to(plot.Point{X: st[0].X, Y: st[0].Y - 28*v.k}), v.to(st[1])})
	}
	if f := v.base.flag; f != nil {
		moved := *f
		moved.to = v.to(f.to)
		moved.X, moved.Y = moved.to.X+f.X-f.to.X, moved.to.Y+f.Y-f.to.Y
		v.out.flag = &moved
	}
}

// withCablesOf adds the cables of a device that were left out for want of room.
func (s *netScene) withCablesOf(m *netMap, entity string) *netScene {
	drawn := make([]bool, len(m.links))
	for i := range s.wires {
		drawn[s.wires[i].link] = true
	}
	out := *s
	out.wires = slices.Clip(s.wires)
	for i := range m.links {
		l := &m.links[i]
		x, y := s.boxOf[l.a], s.boxOf[l.b]
		if drawn[i] || l.A != entity && l.B != entity || x < 0 || y < 0 || x == y {
			continue
		}
		p, q := s.boxes[x].Rect, s.boxes[y].Rect
		if p.Empty() || q.Empty() {
			continue
		}
		pts := []plot.Point{edgeTowards(p, q.Center()), edgeTowards(q, p.Center())}
		out.wires = append(out.wires, netWire{link: i, pts: pts, width: 3 * m.style.K, cross: lerp(pts[0], pts[1], 0.5), at: 0.5})
	}
	return &out
}

// outside counts the devices with a problem that are on the map, but not where the camera looks.
func (s *netScene) outside(m *netMap) (critical, warning int) {
	for i := range m.nodes {
		box := s.boxOf[i]
		if box < 0 || !s.boxes[box].Intersect(s.area).Empty() {
			continue
		}
		switch m.nodes[i].state {
		case model.Critical:
			critical++
		case model.Warning:
			warning++
		}
	}
	return critical, warning
}

// crosses tells whether a path runs through r.
func crosses(r plot.Rect, pts []plot.Point) bool {
	for i := 1; i < len(pts); i++ {
		if touches(r, pts[i-1], pts[i]) {
			return true
		}
	}
	return false
}

// edgeTowards is where the line from a box's middle to a point leaves the box.
func edgeTowards(r plot.Rect, to plot.Point) plot.Point {
	c := r.Center()
	dx, dy := to.X-c.X, to.Y-c.Y
	t := math.Inf(1)
	if dx != 0 {
		t = math.Min(t, r.W/2/math.Abs(dx))
	}
	if dy != 0 {
		t = math.Min(t, r.H/2/math.Abs(dy))
	}
	if t > 1 {
		return c
	}
	return plot.Point{X: c.X + dx*t, Y: c.Y + dy*t}
}
