package panels

import (
	"fmt"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// paint draws the blocks that a camera sees. Cells whose names hold found are ringed; "" rings none.
func (m *blockMap) paint(n pen, env Env, body plot.Rect, cam camera, found string) {
	area := m.area.Offset(body.X, body.Y)
	defer n.Clip(area.Inset(-2 * n.k))()
	for _, h := range m.heads {
		at := m.seenAt(h.at, cam).Offset(body.X, body.Y)
		if !at.Intersect(area).Empty() {
			m.paintZone(n, env, at.Intersect(area), h.kubeZone)
		}
	}
	for _, p := range m.places {
		r := m.seenAt(p.Rect, cam).Offset(body.X, body.Y)
		if !r.Intersect(area).Empty() {
			m.paintBlock(n, r, p.comb, found)
		}
	}
	if m.more > 0 {
		n.text(area.X, area.Bottom()-6*n.k, n.fit(env.Text("+%d more without a problem", m.more), 18, true, area.W), 18, true, n.p.Text2)
	}
}

// paintZone names a zone and counts what is in it.
func (m *blockMap) paintZone(n pen, env Env, r plot.Rect, z *kubeZone) {
	sick := 0
	for i := range z.combs {
		if z.combs[i].worst.Problem() {
			sick++
		}
	}
	base := r.Y + 20*n.k
	text := fmt.Sprint(len(z.combs))
	if sick > 0 {
		text = env.Text("%d of %d with problems", sick, len(z.combs))
	}
	end := n.right(r.Right(), base, text, 18, false, n.p.Muted) - 12*n.k
	name := z.name
	if name == "" {
		name = "–"
	}
	n.text(r.X, base, n.fit(name, 18, true, end-r.X), 18, true, n.p.Text2)
}

// paintBlock draws a block at its place on the screen.
func (m *blockMap) paintBlock(n pen, r plot.Rect, c *comb, found string) {
	f := m.face(r, c)
	if !f.titled && f.form == cellsFolded {
		m.paintTile(n, r, c, &f)
	} else {
		m.paintFrame(n, r, c, &f)
	}
	shown := shownCells(&f, c)
	if !f.titled && c.solid(&f) {
		shown = nil
	}
	for i, one := range shown {
		at := f.at(i)
		if f.form == cellsNamed {
			n.chip(at, one)
		} else {
			n.square(at, one.state, one.level)
		}
		if found != "" && strings.Contains(one.name, found) {
			n.StrokeRound(at.Inset(-2*n.k), 2*n.k, 2*n.k, n.p.Focus, nil)
		}
	}
	if f.form == cellsFolded && f.titled {
		m.paintFolded(n, r, c, &f, len(shown))
	}
	if found != "" && strings.Contains(c.name, found) {
		n.StrokeRound(r.Inset(-2*n.k), 4*n.k, 2*n.k, n.p.Focus, nil)
	}
}

// paintFrame draws the box of a block, and its name where there is room.
func (m *blockMap) paintFrame(n pen, r plot.Rect, c *comb, f *blockFace) {
	k := n.k
	radius := min(5*k, r.W/8)
	switch c.state {
	case model.Critical:
		n.FillRound(r, radius, n.p.CritZone)
		n.StrokeRound(r, radius, 2*k, n.p.Critical, nil)
	case model.Warning:
		n.FillRound(r, radius, n.p.Raised)
		n.StrokeRound(r, radius, 2*k, n.p.Warning, nil)
	case model.OK:
		n.FillRound(r, radius, n.p.Raised)
		if f.titled {
			n.StrokeRound(r, radius, max(1, k), n.p.Outline, nil)
		}
	default:
		n.StrokeRound(r, radius, 1.5*k, n.p.State(markKind(c.state)), plot.Dash{6 * k, 4 * k})
	}
	if !f.titled {
		return
	}
	x, base, bold, col := r.X+9*k, r.Y+21*k, false, n.p.Text2
	if c.state != model.OK {
		n.mark(c.state, x+9*k, base-6*k, 20)
		x, bold, col = x+25*k, true, n.p.Text
	}
	name := c.name
	if name == "" {
		name = "–"
	}
	edge := r.Right() - 9*k
	figure := c.figure
	if figure == "" {
		figure = fmt.Sprint(len(c.cells))
	}
	if n.width(figure, 18, false)+n.width(name, 18, bold)+12*k <= edge-x { // the name goes before it
		edge = n.right(edge, base, figure, 18, false, n.p.Muted) - 8*k
	}
	n.text(x, base, middle(n, name, 18, bold, edge-x), 18, bold, col)
}

// paintFolded counts what is not drawn of a block: the calm cells, and problems for which there is no room.
func (m *blockMap) paintFolded(n pen, r plot.Rect, c *comb, f *blockFace, shown int) {
	text := fmt.Sprintf("+%d", len(c.cells)-shown)
	if base := r.Bottom() - 8*n.k; shown == 0 || f.at(shown-1).Bottom() < base-18*n.k {
		n.right(r.Right()-9*n.k, base, text, 18, true, n.p.Muted)
	}
}

// paintTile draws a block that is too small for all its cells: its ground tells how full it is.
func (m *blockMap) paintTile(n pen, r plot.Rect, c *comb, f *blockFace) {
	k := n.k
	r = plot.Rect{X: float64(int(r.X)), Y: float64(int(r.Y)), W: max(2, float64(int(r.W))), H: max(2, float64(int(r.H)))}
	switch {
	case c.solid(f):
		n.FillRect(r, n.p.Critical)
		if size := min(r.W, r.H) * .8; size >= 12*k {
			n.TextCenter(r.Center().X, r.Center().Y+size*.36, "C", plot.Font{Size: size, Bold: true}, n.p.OnCrit)
		}
	case c.state == model.Warning:
		n.FillRect(r, n.p.Warning)
		n.FillRect(r.Inset(max(1, r.W/9)), n.p.WarnTint)
	case c.state == model.OK:
		n.FillRect(r, n.p.OKCells[m.level(c)])
	default:
		n.square(r, c.state, 0)
	}
}

// solid reports whether a tile is critical as a whole: its node is, or more of its cells than have a place.
func (c *comb) solid(f *blockFace) bool {
	return f.form == cellsFolded && (c.state == model.Critical || c.state == model.OK && c.worst == model.Critical && c.sick > f.room)
}

// level is how full a block is beside the fullest: one of the two calmest grounds.
func (m *blockMap) level(c *comb) int {
	if m.most == 0 {
		return 0
	}
	return min(1, 2*len(c.cells)/(m.most+1))
}

// square draws a cell: calm ones filled, warnings hollow, critical ones solid with a letter where one can be
// read, the others hollow in the colour of their state.
func (n pen) square(r plot.Rect, s model.State, level int) {
	thin := max(1, min(2*n.k, float64(int(r.W/4))))
	switch s {
	case model.OK:
		n.FillRect(r, n.p.OKCells[level])
	case model.Critical:
		if r.W >= 12 {
			r = r.Inset(-1)
			n.FillRect(r.Inset(-1), n.p.Surface)
		}
		n.FillRect(r, n.p.Critical)
		if size := r.W * .8; size >= 12*n.k {
			n.TextCenter(r.Center().X, r.Center().Y+size*.36, "C", plot.Font{Size: size, Bold: true}, n.p.OnCrit)
		}
	case model.Warning:
		n.FillRect(r, n.p.Warning)
		n.FillRect(r.Inset(thin), n.p.WarnTint)
	default:
		kind := markKind(s)
		n.FillRect(r, n.p.State(kind))
		n.FillRect(r.Inset(thin), n.p.Tint(kind))
	}
}

// chip draws a cell with its name and, where it has one, its figure.
func (n pen) chip(r plot.Rect, c *cell) {
	k := n.k
	r = r.InsetXY(2*k, 1*k)
	fill, edge, col := n.p.OKCells[c.level], n.p.OKEdge, n.p.Text2
	if c.state != model.OK {
		fill, edge, col = n.p.Tint(markKind(c.state)), n.p.State(markKind(c.state)), n.p.Text
	}
	if c.state == model.Critical {
		fill = n.p.CritTint
	}
	n.FillRound(r, 3*k, fill)
	n.StrokeRound(r, 3*k, max(1, k), edge, nil)
	x, base := r.X+7*k, r.Center().Y+6.5*k
	if c.state != model.OK {
		n.mark(c.state, x+7*k, r.Center().Y, 16)
		x += 20 * k
	}
	right := r.Right() - 7*k
	if c.figure != "" {
		right = n.right(right, base, c.figure, 18, c.state.Problem(), n.ink(c.state)) - 7*k
	}
	n.text(x, base, middle(n, c.name, 18, c.state.Problem(), right-x), 18, c.state.Problem(), col)
}
