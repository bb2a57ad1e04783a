package panels

import (
	"math"
	"slices"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// target is a device, or a link, that somebody means.
type target struct{ entity, link string }

func (t target) none() bool { return t == target{} }

// mapHand is what people did to a map.
type mapHand struct {
	camera   camera
	selected target
	search   mapSearch
	found    target // the result of the search that is shown
	drag     mapDrag
	unlocked bool // devices can be moved
}

// shownMap is a picture of a map: what is on the screen, and where.
type shownMap struct {
	base   mapBase
	hand   mapHand
	scene  *netScene  // as the camera sees it
	card   *mapCard   // nil where nothing is selected
	index  *mapIndex  // nil while nobody searches
	ground *mapGround // nil for none
	raster *mapRaster // shared by the pictures of one map
	err    error      // why what people arrange is not kept, or no background is shown
	fixed  bool       // people may arrange nothing
}

func newShownMap(base mapBase, hand mapHand, d *mapDetail, index *mapIndex, env Env) *shownMap {
	s := &shownMap{base: base, hand: hand, scene: base.scene.through(base.m, hand.camera), index: index}
	if hand.selected.entity != "" {
		s.scene = s.scene.withCablesOf(base.m, hand.selected.entity)
	}
	if d != nil {
		s.card = newMapCard(d, base.m, env, s.cardPlace(hand.selected))
	}
	return s
}

// cardWidth is the width of a card on a map of a size.
func cardWidth(size plot.Rect, k float64) float64 { return math.Min(440*k, size.W) }

// cardPlace is where the card of what is selected goes: on the side where that is not.
func (s *shownMap) cardPlace(t target) plot.Rect {
	size, k := s.scene.size, s.base.style.K
	w := cardWidth(size, k)
	r := plot.Rect{X: size.Right() - w, Y: size.Y, W: w, H: size.H}
	if p, ok := s.scene.placeOf(s.base.m, t); ok && p.X > size.Right()-w-110*k && size.W > 2*w {
		r.X = size.X
	}
	return r
}

// paint draws the map, what is selected, and its card.
func (s *shownMap) paint(c *plot.Canvas, body plot.Rect) {
	scene := s.scene.at(s.base.m, body)
	n := mapPen{newPen(c, s.base.style), s.base.m}
	switch {
	case scene.near && s.ground == nil && s.raster != nil:
		s.raster.paint(c, s, scene.area)
		n.rowNames(scene)
		n.legend(scene)
	case s.ground != nil:
		s.ground.paint(c, scene.area)
		fallthrough
	default:
		s.base.m.paint(c, scene)
	}
	n.selection(scene, s.hand.selected)
	n.selection(scene, s.hand.found)
	if scene.near {
		n.nearness(scene)
	}
	if s.hand.unlocked {
		n.pins(scene)
		n.editing(scene.area)
	}
	if s.err != nil {
		n.trouble(scene.area, s.err)
	}
	if s.card != nil {
		s.card.paint(n, body.X-s.scene.size.X, body.Y-s.scene.size.Y)
	}
	if s.hand.search.open {
		n.searching(scene.area, s.hand.search, s.index.find(s.hand.search.text))
	}
}

// handNow is what people did to the map until now, and why that is not kept, nil for it is.
func (p *topologyPanel) handNow() (mapHand, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hand, p.memory.err
}

// Handle implements Interactive.
func (p *topologyPanel) Handle(g Gesture) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown == nil {
		return false
	}
	was := p.hand
	area := p.shown.scene.area
	switch g.Kind {
	case Tap:
		p.hand.tap(g.At, p.shown)
		if p.hand == was && p.shown.means(g.At, was.selected) {
			p.open = was.selected.entity // tapped again, or its card
		}
		return true
	case Drag:
		return p.drag(g)
	case Drop:
		p.hand.drag = mapDrag{}
	case Scroll:
		if g.By.Y != 0 {
			p.hand.camera = p.hand.camera.nearer(math.Pow(zoomStep, math.Copysign(1, g.By.Y)), g.At, area)
		}
		return true
	case Leave:
		p.hand.leave()
	case Key:
		if node, ok := p.shown.base.m.nodeOf(p.hand.selected.entity); ok && p.hand.unlocked && !p.hand.search.open && (g.Rune == 'u' || g.Rune == 'U') {
			p.memory.pin(p.shown.base.m.nodes[node].id, nil)
			return true
		}
		if (g.Key == "Return" || g.Key == "KP_Enter") && !p.hand.search.open && p.hand.selected.entity != "" {
			p.open = p.hand.selected.entity
			return true
		}
		return p.hand.key(g, p.shown)
	}
	return p.hand != was
}

// Open implements Opener.
func (p *topologyPanel) Open() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	entity := p.open
	p.open = ""
	return entity
}

// leave goes back to the whole map.
func (h *mapHand) leave() { *h = mapHand{} }

// tap chooses a result of the search, or selects what is tapped.
func (h *mapHand) tap(at plot.Point, s *shownMap) {
	if h.search.open {
		found := s.index.find(h.search.text)
		_, rows := searchBox(s.scene.area, s.base.style.K, len(found))
		first := max(0, min(h.search.at-resultRows+1, len(found)-resultRows))
		for i, r := range rows {
			if r.Contains(at.X, at.Y) {
				h.choose(found[first+i].to, s)
				return
			}
		}
		h.search, h.found = mapSearch{}, target{}
		return
	}
	h.selected = s.at(at, h.selected)
}

// zoomStep is how much nearer one step of the wheel or a key comes.
const zoomStep = 1.25

// key takes a key and reports whether the map made use of it.
func (h *mapHand) key(g Gesture, s *shownMap) bool {
	if h.search.open {
		h.searchKey(g, s)
		return true
	}
	area := s.scene.area
	switch g.Key {
	case "Escape":
		return h.escape()
	case "Left", "Right", "Up", "Down":
		return h.arrow(g.Key, s)
	}
	switch g.Rune {
	case 'z', 'Z':
		h.camera = h.camera.nearer(zoomStep*zoomStep, area.Center(), area)
	case 'x', 'X':
		h.camera = h.camera.nearer(1/zoomStep/zoomStep, area.Center(), area)
	case '0':
		h.camera = camera{}
	case 'l', 'L':
		if s.fixed {
			return false
		}
		h.unlocked = !h.unlocked
	case '/':
		h.search = mapSearch{open: true}
	default:
		return false
	}
	return true
}

// escape goes one step back: it closes the card, else locks the devices, else shows the whole map again.
func (h *mapHand) escape() bool {
	switch {
	case !h.selected.none():
		h.selected = target{}
	case h.unlocked:
		h.unlocked = false
	case h.camera.near():
		h.camera = camera{}
	default:
		return false
	}
	return true
}

// directions are where the arrows lead.
var directions = map[string]plot.Point{"Left": {X: -1}, "Right": {X: 1}, "Up": {Y: -1}, "Down": {Y: 1}}

// arrow goes from the selected device to the next one in a direction or, where none is selected and
// less than the whole map is seen, moves over the map.
func (h *mapHand) arrow(key string, s *shownMap) bool {
	d := directions[key]
	if h.selected.none() {
		if !h.camera.near() {
			return false
		}
		area := s.scene.area
		h.camera = h.camera.moved(plot.Point{X: -d.X * area.W / 4, Y: -d.Y * area.H / 4}, area)
		return true
	}
	from, ok := s.scene.placeOf(s.base.m, h.selected)
	if !ok {
		return true
	}
	best := math.Inf(1)
	for _, b := range s.scene.boxes {
		if b.node < 0 || b.Empty() {
			continue
		}
		to := b.Center()
		ahead, aside := (to.X-from.X)*d.X+(to.Y-from.Y)*d.Y, math.Abs((to.X-from.X)*d.Y)+math.Abs((to.Y-from.Y)*d.X)
		if score := ahead + 3*aside; ahead > 2 && score < best {
			best, h.selected = score, target{entity: s.base.m.entityOf(b.node)}
		}
	}
	h.follow(s)
	return true
}

// follow moves the camera so that what is selected is seen.
func (h *mapHand) follow(s *shownMap) {
	p, ok := s.base.scene.placeOf(s.base.m, h.selected)
	if !ok || !h.camera.near() {
		return
	}
	area := s.scene.area
	if at := h.camera.toScreen(p, area); !area.Inset(0.1*area.H).Contains(at.X, at.Y) {
		h.camera = h.camera.on(p, 1, area)
	}
}

// entityOf is the entity that a node stands for: of a site its gateway.
func (m *netMap) entityOf(node int) string {
	if site := m.nodes[node].site; site != nil {
		return site.nodes[0].id
	}
	return m.nodes[node].id
}

// at finds what is meant by a tap: on the card what it leads to, on the map a device before a link.
func (s *shownMap) at(p plot.Point, selected target) target {
	if s.card != nil && s.card.place.Contains(p.X, p.Y) {
		for _, l := range s.card.leads {
			if l.Contains(p.X, p.Y) {
				return l.to
			}
		}
		return selected
	}
	if !s.scene.area.Contains(p.X, p.Y) {
		return selected
	}
	return s.scene.hit(s.base.m, p)
}

// means reports whether a place is that of what is selected, or of its card.
func (s *shownMap) means(p plot.Point, selected target) bool {
	if selected.none() {
		return false
	}
	return s.card != nil && s.card.place.Contains(p.X, p.Y) || s.scene.area.Contains(p.X, p.Y) && s.scene.hit(s.base.m, p) == selected
}

// reach is how far from a cable a tap still means it.
const reach = 9

// hit finds the device or the link at a place.
func (s *netScene) hit(m *netMap, p plot.Point) target {
	for i := len(s.boxes) - 1; i >= 0; i-- {
		b := &s.boxes[i]
		if !b.Contains(p.X, p.Y) {
			continue
		}
		if b.inner != nil {
			for _, cell := range b.cells {
				if cell.node >= 0 && cell.Contains(p.X, p.Y) {
					return target{entity: b.inner.nodes[cell.node].id}
				}
			}
		}
		if b.node >= 0 {
			return target{entity: m.entityOf(b.node)}
		}
	}
	best, found := reach*m.style.K, target{}
	for i := range s.wires {
		w := &s.wires[i]
		l := &m.links[w.link]
		d := distanceTo(w.pts, p)
		if l.down && dist(w.cross, p) < 24*m.style.K {
			d = 0
		}
		if d < best {
			best, found = d, target{link: l.Key()}
		}
	}
	return found
}

// distanceTo is how far a place is from a path.
func distanceTo(pts []plot.Point, p plot.Point) float64 {
	best := math.Inf(1)
	for i := 1; i < len(pts); i++ {
		a, b := pts[i-1], pts[i]
		t := 0.0
		if d := dist(a, b); d > 0 {
			t = clamp01(((p.X-a.X)*(b.X-a.X) + (p.Y-a.Y)*(b.Y-a.Y)) / d / d)
		}
		best = math.Min(best, dist(p, lerp(a, b, t)))
	}
	return best
}

// placeOf is where something stands in the scene: a device that is only counted where its count is.
func (s *netScene) placeOf(m *netMap, t target) (plot.Point, bool) {
	if t.link != "" {
		for i := range s.wires {
			if w := &s.wires[i]; m.links[w.link].Key() == t.link {
				return w.middle(), true
			}
		}
		return plot.Point{}, false
	}
	node, ok := m.nodeOf(t.entity)
	if !ok {
		return plot.Point{}, false
	}
	if box := s.boxOf[node]; box >= 0 && !s.boxes[box].Empty() {
		b := &s.boxes[box]
		for _, cell := range b.cells {
			if cell.node >= 0 && b.inner.nodes[cell.node].id == t.entity {
				return cell.Center(), true
			}
		}
		return b.Center(), true
	}
	for _, f := range s.folds {
		if slices.Contains(f.nodes, node) {
			return f.Center(), true
		}
	}
	return plot.Point{}, false
}

// selection draws a ring around what is selected.
func (n mapPen) selection(s *netScene, t target) {
	if t.none() {
		return
	}
	defer n.Clip(s.area)()
	if t.link == "" {
		for i := range s.boxes {
			b := &s.boxes[i]
			for _, cell := range b.cells {
				if cell.node >= 0 && b.inner.nodes[cell.node].id == t.entity {
					n.StrokeRound(pixels(cell.Rect).Inset(-5*n.k), 8*n.k, 2.5*n.k, n.p.Text, nil)
				}
			}
			if b.node >= 0 && b.inner == nil && !b.Empty() && n.m.entityOf(b.node) == t.entity {
				n.StrokeRound(pixels(b.Rect).Inset(-5*n.k), 8*n.k, 2.5*n.k, n.p.Text, nil)
			}
		}
		return
	}
	for i := range s.wires {
		w := &s.wires[i]
		l := &n.m.links[w.link]
		if l.Key() != t.link {
			continue
		}
		n.rail(w.pts, 9*n.k)
		if l.down {
			r := plot.Rect{X: w.cross.X - 22*n.k, Y: w.cross.Y - 22*n.k, W: 44 * n.k, H: 44 * n.k}
			n.StrokeRound(r, 8*n.k, 2.5*n.k, n.p.Text, nil)
		}
	}
}

// rail draws a line on either side of a path.
func (n mapPen) rail(pts []plot.Point, away float64) {
	for _, side := range []float64{-away, away} {
		for i := 1; i < len(pts); i++ {
			a, b := pts[i-1], pts[i]
			d := math.Max(1e-6, dist(a, b))
			nx, ny := -(b.Y-a.Y)/d*side, (b.X-a.X)/d*side
			n.Line(a.X+nx, a.Y+ny, b.X+nx, b.Y+ny, 2*n.k, n.p.Text, nil)
		}
	}
}

// nearness says that the map is larger than what is seen, and whether problems are elsewhere on it.
func (n mapPen) nearness(s *netScene) {
	critical, warning := s.outside(n.m)
	text := n.m.text("0 shows the whole map")
	w := n.width(text, 18, false) + 24*n.k
	type count struct {
		state model.State
		n     int
	}
	counts := []count{{model.Critical, critical}, {model.Warning, warning}}
	if critical+warning > 0 {
		text = n.m.text("outside; 0 shows all")
		w = n.width(text, 18, false) + 24*n.k
		for _, c := range counts {
			if c.n > 0 {
				w += n.width(itoa(c.n), 20, true) + 44*n.k
			}
		}
	}
	r := plot.Rect{X: s.area.X + 8*n.k, Y: s.area.Bottom() - 48*n.k, W: w, H: 40 * n.k}
	n.FillRound(r, 5*n.k, n.p.Raised)
	n.StrokeRound(r, 5*n.k, math.Max(1, n.k), n.p.Outline, nil)
	x := r.X + 12*n.k
	for _, c := range counts {
		if c.n > 0 {
			n.mark(c.state, x+12*n.k, r.Center().Y, 24)
			x = n.text(x+30*n.k, r.Y+27*n.k, itoa(c.n), 20, true, n.p.Text) + 14*n.k
		}
	}
	n.text(x, r.Y+26*n.k, text, 18, false, n.p.Text2)
}
