package panels

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// keptMap is what of a map outlives a restart: where people put devices, and the order of all others,
// of those too that are gone for now. It is a value: nothing changes it later.
type keptMap struct {
	// Pinned is by node, in shares of the map's area.
	Pinned map[string]plot.Point `json:"pinned,omitempty"`
	Order  []keptNode            `json:"order,omitempty"`
}

// keptNode is a node's place in the order.
type keptNode struct {
	ID     string     `json:"id"`
	Layer  plot.Layer `json:"layer"`
	Parent string     `json:"parent,omitempty"`
	X      float64    `json:"x"`
}

const (
	// maxAbsent is how many devices that are gone keep their place.
	maxAbsent = 10_000
	// maxPinned bounds what is taken from a file.
	maxPinned = 20_000
	// keepEvery is how often a new order is written at most; what a person did is written at once.
	keepEvery = time.Minute
)

// mapMemory is what a map keeps, and whether it is written.
type mapMemory struct {
	read    bool
	pinned  map[string]plot.Point // replaced as a whole
	order   *plot.Layered         // with what is gone for now
	changed bool                  // the order is not written yet
	moved   bool                  // nor is what somebody did
	written time.Time
	err     error // why it is not kept; nil for all is well
}

// keptAs is the name under which the map is kept.
func (p *topologyPanel) keptAs(env Env) string {
	return "map/" + env.Board + "/" + cmp.Or(p.cfg.Map, "network")
}

// recall reads what was kept, once.
func (p *topologyPanel) recall(env Env) {
	p.mu.Lock()
	done := p.memory.read
	p.mu.Unlock()
	if done {
		return
	}
	var kept keptMap
	var err error
	if env.Keep != nil {
		if err = env.Keep.Load(p.keptAs(env), &kept); err != nil {
			err = fmt.Errorf("%s", env.Text("Places are not kept: %s", err.Error()))
		}
	}
	var nodes []plot.LayeredNode
	for _, n := range kept.Order[:min(len(kept.Order), maxAbsent+maxPinned)] {
		nodes = append(nodes, plot.LayeredNode{ID: n.ID, Layer: n.Layer, Parent: n.Parent, X: n.X})
	}
	pinned := map[string]plot.Point{}
	for id, at := range kept.Pinned {
		if len(pinned) < maxPinned && !math.IsNaN(at.X+at.Y) {
			pinned[id] = plot.Point{X: clamp01(at.X), Y: clamp01(at.Y)}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.memory.read {
		return
	}
	p.memory.read, p.memory.err, p.memory.pinned = true, err, pinned
	if len(nodes) > 0 {
		p.memory.order = plot.Restore(nodes)
	}
}

// keep writes what has changed: what somebody did at once, a new order now and then.
func (p *topologyPanel) keep(env Env, now time.Time) {
	if env.Keep == nil || env.Fixed {
		return
	}
	p.mu.Lock()
	m := p.memory
	due := m.moved && !p.hand.drag.on || m.changed && (m.written.IsZero() || now.Sub(m.written).Abs() >= keepEvery)
	if due {
		p.memory.moved, p.memory.changed, p.memory.written = false, false, now
	}
	p.mu.Unlock()
	if !due {
		return
	}
	kept := keptMap{Pinned: m.pinned}
	if m.order != nil {
		for _, n := range m.order.Nodes {
			kept.Order = append(kept.Order, keptNode{ID: n.ID, Layer: n.Layer, Parent: n.Parent, X: n.X})
		}
	}
	err := env.Keep.Save(p.keptAs(env), kept)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.memory.err = err
	if err != nil { // it is tried again
		p.memory.changed, p.memory.err = true, fmt.Errorf("%s", env.Text("Places are not kept: %s", err.Error()))
	}
}

// pin puts a node at a place of the map, or, with nil, gives it its own place back. The caller holds
// the lock.
func (m *mapMemory) pin(node string, at *plot.Point) {
	m.pinned = maps.Clone(m.pinned)
	if m.pinned == nil {
		m.pinned = map[string]plot.Point{}
	}
	if at == nil {
		delete(m.pinned, node)
	} else {
		m.pinned[node] = plot.Point{X: clamp01(at.X), Y: clamp01(at.Y)}
	}
	m.moved = true
}

// mapDrag is a hand on the map, or on one of its devices.
type mapDrag struct {
	on   bool
	node string     // "" for the map itself
	grip plot.Point // from the pointer to the device's middle
}

// drag moves the map, or the device that was under the hand where it began.
func (p *topologyPanel) drag(g Gesture) bool {
	s, h := p.shown, &p.hand
	area := s.scene.area
	if !h.drag.on {
		h.drag = mapDrag{on: true}
		start := plot.Point{X: g.At.X - g.By.X, Y: g.At.Y - g.By.Y}
		if t := s.scene.hit(s.base.m, start); h.unlocked && t.entity != "" {
			if node, ok := s.base.m.nodeOf(t.entity); ok {
				at, _ := s.base.scene.placeOf(s.base.m, target{entity: t.entity})
				from := h.camera.toMap(start, area)
				h.drag.node, h.drag.grip = s.base.m.nodes[node].id, plot.Point{X: at.X - from.X, Y: at.Y - from.Y}
			}
		}
	}
	if h.drag.node == "" {
		was := h.camera
		h.camera = h.camera.moved(g.By, area)
		return h.camera != was
	}
	at := h.camera.toMap(g.At, area)
	p.memory.pin(h.drag.node, &plot.Point{X: (at.X + h.drag.grip.X - area.X) / area.W, Y: (at.Y + h.drag.grip.Y - area.Y) / area.H})
	return true
}

// nodeOf is the node that shows an entity: a site for each of its devices.
func (m *netMap) nodeOf(entity string) (int, bool) {
	i := slices.IndexFunc(m.nodes, func(n netNode) bool {
		return n.id == entity || n.site != nil && slices.ContainsFunc(n.site.nodes, func(n netNode) bool { return n.id == entity })
	})
	return i, i >= 0
}

// placePinned puts what people put somewhere there, and what hangs below it with it.
func (a *arranger) placePinned() {
	for _, id := range slices.Sorted(maps.Keys(a.pinned)) {
		i, ok := a.index[id]
		if !ok {
			continue
		}
		to := plot.Point{X: a.area.X + a.pinned[id].X*a.area.W, Y: a.area.Y + a.pinned[id].Y*a.area.H}
		box := a.boxOf[i]
		if box < 0 { // it was only counted
			a.unfold(i)
			w := math.Min(150*a.k, a.labelWidth(i, 18*a.k)+20*a.k)
			a.add(netBox{Rect: plot.Rect{W: w, H: 34 * a.k}, node: i, form: a.servedForm(i), label: a.nodes[i].name, size: 18 * a.k})
			box = a.boxOf[i]
		}
		b := &a.boxes[box]
		if b.node != i { // folded into one box with others, which stays
			continue
		}
		was := b.Rect
		if b.form == formSquare || b.form == formCell {
			b.W, b.H = math.Min(150*a.k, a.labelWidth(i, 18*a.k)+24*a.k), 42*a.k
			b.form, b.label, b.size, b.bold, b.grid = formBox, a.nodes[i].name, 18*a.k, true, false
		}
		b.X = math.Max(a.area.X, math.Min(to.X-b.W/2, a.area.Right()-b.W))
		b.Y = math.Max(a.area.Y, math.Min(to.Y-b.H/2, a.area.Bottom()-b.H))
		dx, dy := b.Center().X-was.Center().X, b.Center().Y-was.Center().Y
		for c := range b.cells {
			b.cells[c].Rect = b.cells[c].Offset(dx, dy)
		}
		a.moveBelow(i, was, dx, dy)
	}
}

// unfold takes a node out of the place that counts it.
func (a *arranger) unfold(node int) {
	for i := range a.folds {
		f := &a.folds[i]
		f.nodes = slices.DeleteFunc(slices.Clone(f.nodes), func(n int) bool { return n == node })
	}
}

// moveBelow moves what hangs below a pinned node: the boxes that nobody pinned, its count, and the
// stems that begin at its box.
func (a *arranger) moveBelow(node int, was plot.Rect, dx, dy float64) {
	mine := map[int]bool{}
	for i := range a.nodes {
		n, _ := a.layout.Node(a.nodes[i].id)
		_, pinned := a.pinned[a.nodes[i].id]
		mine[i] = n.Layer == plot.LayerServers && n.Parent == a.nodes[node].id && !pinned
	}
	counted := false
	for i := range a.folds {
		f := &a.folds[i]
		if len(f.nodes) == 0 || slices.ContainsFunc(f.nodes, func(n int) bool { return !mine[n] }) {
			continue
		}
		f.Rect, counted = f.Offset(dx, dy), true
		for b := range a.boxes {
			if a.boxes[b].fold == i+1 && a.boxes[b].node < 0 {
				a.boxes[b].Rect = a.boxes[b].Offset(dx, dy)
			}
		}
		for l := range a.labels {
			if a.labels[l].fold == i+1 {
				a.labels[l].x, a.labels[l].y = a.labels[l].x+dx, a.labels[l].y+dy
			}
		}
	}
	for b := range a.boxes {
		if n := a.boxes[b].node; n >= 0 && mine[n] {
			a.boxes[b].Rect = a.boxes[b].Offset(dx, dy)
		}
	}
	carries := a.carriesGrid(node)
	for i := range a.stems {
		st := &a.stems[i]
		if math.Abs(st[0].X-was.Center().X) > 1 || st[0].Y < was.Y || st[0].Y > was.Bottom()+8*a.k || !carries && !counted {
			continue
		}
		st[0] = plot.Point{X: st[0].X + dx, Y: st[0].Y + dy}
		if !carries {
			st[1] = plot.Point{X: st[1].X + dx, Y: st[1].Y + dy}
		}
	}
}

// carriesGrid tells whether a node is a parent of squares, which stay where they are.
func (a *arranger) carriesGrid(node int) bool {
	return slices.ContainsFunc(a.units, func(u unitPlan) bool { return slices.Contains(u.parents, node) })
}

// pins draws a pin on each device that was put where it is; only who may move them sees that.
func (n mapPen) pins(s *netScene) {
	defer n.Clip(s.area)()
	for i := range s.boxes {
		b := &s.boxes[i]
		if b.node < 0 || b.Empty() {
			continue
		}
		if _, ok := n.m.pinned[n.m.nodes[b.node].id]; ok {
			x, y := b.Right()-2*n.k, b.Y+2*n.k
			n.Disc(x, y, 7*n.k, n.p.Focus)
			n.Disc(x, y, 3*n.k, n.p.Surface)
		}
	}
}

// editing says that devices can be moved, and how that ends.
func (n mapPen) editing(area plot.Rect) {
	s := n.m.text("Unlocked: drag devices; U unpins the selected one; L locks")
	r := plot.Rect{X: area.X + 8*n.k, Y: area.Y + 8*n.k, H: 36 * n.k}
	r.W = math.Min(n.width(s, 18, false)+24*n.k, area.W-16*n.k)
	n.FillRound(r, 5*n.k, n.p.FocusTint)
	n.StrokeRound(r, 5*n.k, 1.5*n.k, n.p.Focus, nil)
	n.text(r.X+12*n.k, r.Y+24*n.k, n.fit(s, 18, false, r.W-24*n.k), 18, false, n.p.Text)
}

// trouble says what is wrong with the map itself: what people arranged is not kept, no background.
func (n mapPen) trouble(area plot.Rect, err error) {
	s := err.Error()
	r := plot.Rect{X: area.X + 8*n.k, Y: area.Bottom() - 92*n.k, H: 36 * n.k}
	r.W = math.Min(n.width(s, 18, false)+54*n.k, area.W-16*n.k)
	n.FillRound(r, 5*n.k, n.p.WarnTint)
	n.StrokeRound(r, 5*n.k, 1.5*n.k, n.p.Warning, nil)
	n.mark(model.Warning, r.X+20*n.k, r.Center().Y, 22)
	n.text(r.X+40*n.k, r.Y+24*n.k, n.fit(s, 18, false, r.W-52*n.k), 18, false, n.p.WarnText)
}
