package panels

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// Measures of a honeycomb at density 1.
const (
	combFoot  = 46 // line that names the worst cell
	combTitle = 31 // title of a group and what is left free below it
	combGap   = 14 // between groups
	rowRatio  = 0.866
	// combLargest is the widest pitch: larger cells would make few pods look like a great thing.
	combLargest = 40.0
	leastPitch  = 12.0 // the narrowest
	reasonLine  = 24   // what is said of a sick node, below its cells
)

// combLayout is where everything of a honeycomb stands, from the body's corner.
type combLayout struct {
	pitch  float64 // between the middles of cells
	places []cellPlace
	titles []combPlace
	more   int // cells not drawn
	moreAt plot.Point
	worst  *cell
	foot   plot.Rect
	k      float64
	single bool      // few enough critical cells to draw each larger than its place
	blocks *blockMap // nil unless there are so many cells that each group is a block
}

type cellPlace struct {
	cell
	x, y float64
}

type combPlace struct {
	*comb
	box      plot.Rect
	cellsEnd float64 // bottom of the last row of cells
}

// layComb finds the largest cells with which all groups fit under names that are not cut. Where none
// do the names are cut, and after that the groups are given up: the cells are laid out in one field,
// worst first. Where not all fit there either each group is a block, in which what is well is counted; and what
// is in no group is counted.
func layComb(combs []comb, cells []cell, body plot.Rect, k float64) combLayout {
	lay := combLayout{k: k, worst: worstCell(cells)}
	if lay.worst != nil && body.H >= 130*k {
		lay.foot, body = body.CutBottom(combFoot * k)
		body.H -= 4 * k
	}
	if len(combs) > 1 || len(combs) == 1 && combs[0].name != "" {
		place := lay.grouped
		if uneven(combs) {
			place = lay.shelved
		}
		room := math.Sqrt(body.W * body.H / (rowRatio * float64(len(cells)) * k * k)) // no wider pitch can fit
		for pitch := combLargest; pitch >= 18.0; pitch-- {
			if pitch <= room && place(combs, body, pitch*k, true) {
				return lay
			}
		}
		for pitch := 26.0; pitch >= 14; pitch -= 2 {
			if pitch <= room && place(combs, body, pitch*k, false) {
				return lay
			}
		}
	}
	if len(combs) > 1 && len(cells) > fieldRoom(body, leastPitch*k) {
		most := 0
		for _, c := range combs {
			if c.id != "" { // nodes are alike, namespaces are not
				most = max(most, len(c.cells))
			}
		}
		lay.blocks = layBlocks([]kubeZone{{combs: combs}}, roomFor(most), body, k)
		return lay
	}
	lay.flat(cells, body)
	return lay
}

// fieldRoom is how many cells fit into one field.
func fieldRoom(body plot.Rect, pitch float64) int {
	return max(1, int((body.W-pitch/2)/pitch)) * max(1, int((body.H-pitch*.3)/(pitch*rowRatio)))
}

// grid is a way to lay groups out in equal boxes.
type grid struct {
	columns, rows, perRow int     // perRow: cells side by side in a group
	w, h                  float64 // of a box and the gap beside and below it
}

// grouped tries to lay out all groups with cells pitch apart, in the columns that leave the fewest
// boxes empty. whole asks for room for uncut names and for what is said of sick nodes.
func (l *combLayout) grouped(combs []comb, body plot.Rect, pitch float64, whole bool) bool {
	var best grid
	for columns := min(len(combs), 40); columns >= 1; columns-- {
		g, ok := l.gridOf(combs, body, pitch, whole, columns)
		if ok && (best.columns == 0 || g.rows*g.columns < best.rows*best.columns) {
			best = g
		}
	}
	if best.columns == 0 {
		return false
	}
	l.pitch = pitch
	gap := combGap * l.k
	h := min((body.H+gap)/float64(best.rows), best.h*1.3)
	for i := range combs {
		w := min(best.w-gap, max(l.least(&combs[i], whole), (float64(best.perRow)+.5)*pitch))
		box := plot.Rect{X: body.X + float64(i%best.columns)*best.w, Y: body.Y + float64(i/best.columns)*h, W: w, H: h - gap}
		l.add(&combs[i], box, best.perRow)
	}
	return true
}

// gridOf is the grid with that many columns, if all groups fit into it.
func (l *combLayout) gridOf(combs []comb, body plot.Rect, pitch float64, whole bool, columns int) (grid, bool) {
	gap := combGap * l.k
	g := grid{columns: columns, rows: (len(combs) + columns - 1) / columns, w: (body.W + gap) / float64(columns)}
	w, most, least := g.w-gap, 0, 0.0
	for i := range combs {
		most, least = max(most, len(combs[i].cells)), max(least, l.least(&combs[i], whole))
	}
	g.perRow = int((w - pitch/2 + 2*l.k) / pitch)
	if g.perRow < min(most, 3) || w < least {
		return g, false
	}
	deep := (most + g.perRow - 1) / g.perRow
	if deep > 2*g.perRow && columns > 1 {
		return g, false
	}
	g.perRow = (most + deep - 1) / deep
	tall := 0.0
	for _, c := range combs {
		h := float64((len(c.cells)+g.perRow-1)/g.perRow) * pitch * rowRatio
		if whole && c.state.Problem() && c.reasonW > 0 {
			h += reasonLine * l.k * min(2, math.Ceil(1.1*c.reasonW/w))
		}
		tall = max(tall, h)
	}
	g.h = combTitle*l.k + tall + pitch*.45 + gap
	return g, float64(g.rows)*g.h <= body.H+gap
}

// least is how narrow a group may be.
func (l *combLayout) least(c *comb, whole bool) float64 {
	if whole {
		return max(84*l.k, c.titleW)
	}
	return 84 * l.k
}

// add sets a group's title and cells into its box.
func (l *combLayout) add(c *comb, box plot.Rect, perRow int) {
	rows := (len(c.cells) + perRow - 1) / perRow
	l.titles = append(l.titles, combPlace{comb: c, box: box, cellsEnd: box.Y + combTitle*l.k + float64(rows)*l.pitch*rowRatio})
	l.fill(c.cells, plot.Rect{X: box.X, Y: box.Y + combTitle*l.k, W: box.W, H: box.H}, perRow)
}

// uneven reports whether groups differ so much in size that equal boxes would be mostly empty. Nodes
// keep their places when their pods move.
func uneven(combs []comb) bool {
	least, most := math.MaxInt, 0
	for _, c := range combs {
		if c.id != "" {
			return false
		}
		least, most = min(least, len(c.cells)), max(most, len(c.cells))
	}
	return most > 2*least && most > 8
}

// shelved tries to set groups side by side, all as deep as each other and each as wide as it must be,
// on as many shelves as the height allows. The flattest way that fits is taken.
func (l *combLayout) shelved(combs []comb, body plot.Rect, pitch float64, whole bool) bool {
	gap := combGap * l.k
	for deep := 1; ; deep++ {
		h := combTitle*l.k + float64(deep)*pitch*rowRatio + pitch*.45 + gap
		shelves := int((body.H + gap) / h)
		if shelves < 1 {
			return false
		}
		boxes, ok := l.shelve(combs, body, pitch, whole, deep, shelves)
		if !ok {
			continue
		}
		l.pitch = pitch
		used := boxes[len(boxes)-1].Y + 1
		h = min((body.H+gap)/used, h*1.3)
		for i, box := range boxes {
			box.Y, box.H = body.Y+box.Y*h, h-gap
			l.add(&combs[i], box, max(1, (len(combs[i].cells)+deep-1)/deep))
		}
		return true
	}
}

// shelve gives each group a width for its depth and a place from the left; Y is the shelf's number.
func (l *combLayout) shelve(combs []comb, body plot.Rect, pitch float64, whole bool, deep, shelves int) ([]plot.Rect, bool) {
	out := make([]plot.Rect, len(combs))
	x, shelf := body.X, 0
	for i := range combs {
		w := max(l.least(&combs[i], whole), (float64((len(combs[i].cells)+deep-1)/deep)+.5)*pitch)
		if x > body.X && x+w > body.Right()+1 {
			x, shelf = body.X, shelf+1
		}
		if x+w > body.Right()+1 || shelf >= shelves {
			return nil, false
		}
		out[i] = plot.Rect{X: x, Y: float64(shelf), W: w}
		x += w + combGap*l.k
	}
	return out, true
}

// flat lays all cells out worst first, as large as they can be, and counts those that do not fit.
func (l *combLayout) flat(cells []cell, body plot.Rect) {
	cells = slices.Clone(cells)
	slices.SortFunc(cells, func(a, b cell) int {
		return cmp.Or(cmp.Compare(b.state.Rank(), a.state.Rank()), strings.Compare(a.id, b.id))
	})
	for _, pitch := range []float64{combLargest, 36, 32, 28, 24, 22, 20, 18, 16, 14, 12} {
		l.pitch = pitch * l.k
		perRow := max(1, int((body.W-l.pitch/2)/l.pitch))
		rows := max(1, int((body.H-l.pitch*.3)/(l.pitch*rowRatio)))
		room := perRow * rows
		if len(cells) <= room {
			l.fill(cells, body, perRow)
			return
		}
		if pitch > 12 && (pitch > 20 || !crowded(cells, room)) {
			continue
		}
		tag := 1 + int(90*l.k/l.pitch) // cells that the count takes the place of
		room = max(1, room-tag)
		l.more = len(cells) - room
		l.fill(cells[:room], body, perRow)
		last := l.places[len(l.places)-1]
		l.moreAt = plot.Point{X: last.x + l.pitch*.8, Y: last.y + 7*l.k}
		return
	}
}

// crowded reports whether there are so many cells that smaller ones would not show them all either,
// while those with a problem do fit.
func crowded(cells []cell, room int) bool {
	bad := 0
	for _, c := range cells {
		if c.state.Problem() {
			bad++
		}
	}
	return len(cells) > 4*room && bad <= room
}

// fill sets cells row by row, every other row half a cell further right. The smallest holes come last.
func (l *combLayout) fill(cells []cell, box plot.Rect, perRow int) {
	for i, c := range cells {
		row, col := i/perRow, i%perRow
		x := box.X + l.pitch*(.5+float64(col)) + float64(row%2)*l.pitch/2
		l.places = append(l.places, cellPlace{c, x, box.Y + l.pitch*(.58+rowRatio*float64(row))})
	}
}

// worstCell is the one to name: the worst, and among equals the one that has been so the longest.
func worstCell(cells []cell) *cell {
	var out *cell
	for i := range cells {
		c := &cells[i]
		if c.state.Problem() && c.worse(out) {
			out = c
		}
	}
	return out
}

// worse reports whether a cell is to be named before another, which may be nil.
func (c *cell) worse(than *cell) bool {
	return than == nil || c.state.Worse(than.state) || c.state == than.state && c.since.Before(than.since)
}

func (l *combLayout) spots() []Spot {
	if l.blocks != nil {
		return l.blockSpots()
	}
	out := make([]Spot, 0, len(l.places)+len(l.titles))
	for _, t := range l.titles {
		if t.id != "" {
			out = append(out, Spot{Rect: plot.Rect{X: t.box.X, Y: t.box.Y, W: t.box.W, H: combTitle * l.k}, Entity: t.id})
		}
	}
	half := l.pitch / 2
	for _, p := range l.places {
		out = append(out, Spot{Rect: plot.Rect{X: p.x - half, Y: p.y - half, W: l.pitch, H: l.pitch}, Entity: p.id})
	}
	if l.worst != nil && !l.foot.Empty() {
		out = append(out, Spot{Rect: l.foot, Entity: l.worst.id})
	}
	return out
}

// blockSpots are the spots of groups that are blocks. A group that is no entity is left to its cells.
func (l *combLayout) blockSpots() []Spot {
	out := l.blocks.spots(camera{})
	if l.worst != nil && !l.foot.Empty() {
		out = append(out, Spot{Rect: l.foot, Entity: l.worst.id})
	}
	return out
}

func (l *combLayout) paint(n pen, env Env, body plot.Rect, now time.Time) {
	if l.blocks != nil {
		l.blocks.paint(n, env, body, camera{}, "")
	}
	for _, t := range l.titles {
		l.paintTitle(n, body, t)
	}
	radius := l.pitch*.577 - 1.2*l.k
	var late []cellPlace
	for _, p := range l.places {
		if p.state == model.Critical {
			late = append(late, p) // drawn last, over its neighbours
			continue
		}
		l.paintCell(n, body.X+p.x, body.Y+p.y, radius, p.cell)
	}
	l.single = len(late) <= 12
	for _, p := range late {
		l.paintCell(n, body.X+p.x, body.Y+p.y, radius, p.cell)
	}
	if l.more > 0 {
		n.text(body.X+l.moreAt.X, body.Y+l.moreAt.Y, fmt.Sprintf("+%d", l.more), 20, true, n.p.Text2)
	}
	if l.worst != nil && !l.foot.Empty() {
		paintWorst(n, env, l.foot.Offset(body.X, body.Y), l.worst, now)
	}
}

// paintTitle names a group. A node that is lost or sick gets a box round all that is on it.
func (l *combLayout) paintTitle(n pen, body plot.Rect, t combPlace) {
	k := l.k
	box := t.box.Offset(body.X, body.Y)
	name, bold, col := t.name, false, n.p.Text2
	x, base := box.X, box.Y+20*k
	if name == "" {
		name, col = "–", n.p.Muted
	}
	if t.state.Problem() || t.state == model.Stale {
		frame := plot.Rect{X: box.X - 6*k, Y: box.Y - 5*k, W: box.W + 12*k, H: box.H + 6*k}
		switch t.state {
		case model.Critical:
			n.FillRound(frame, 5*k, n.p.CritZone)
			n.StrokeRound(frame, 5*k, 2*k, n.p.Critical, nil)
		case model.Warning:
			n.StrokeRound(frame, 5*k, 2*k, n.p.Warning, nil)
		default: // dashed cells and the mark say it
		}
		n.mark(t.state, x+11*k, base-6*k, 22)
		x += 28 * k
		bold, col = true, n.p.Text
		if t.state != model.Stale {
			l.paintReason(n, body, t)
		}
	}
	edge := box.Right()
	if !bold {
		edge = n.right(edge, base, fmt.Sprint(len(t.cells)), 18, false, n.p.Muted) - 8*k
	}
	n.text(x, base, n.fit(name, 18, bold, edge-x), 18, bold, col)
}

// paintReason writes why a node is sick below its cells, in at most two lines.
func (l *combLayout) paintReason(n pen, body plot.Rect, t combPlace) {
	k := l.k
	box := t.box.Offset(body.X, body.Y)
	room := int((t.box.Bottom() - t.cellsEnd - l.pitch*.3) / (reasonLine * k))
	if room < 1 || t.reason == "" {
		return
	}
	lines := wrapWords(n, t.reason, 18, true, box.W, min(room, 2))
	for i, line := range lines {
		n.text(box.X, box.Bottom()-float64(6+reasonLine*(len(lines)-1-i))*k, line, 18, true, n.ink(t.state))
	}
}

// paintCell draws a cell: calm ones filled, warnings hollow, critical ones larger with a ring and a
// letter, stale ones and unknown ones dashed.
func (l *combLayout) paintCell(n pen, x, y, radius float64, c cell) {
	k := l.k
	switch c.state {
	case model.OK:
		hexagon(n, x, y, radius, n.p.OKCells[c.level])
	case model.Critical:
		r := radius
		if l.single {
			r += 3 * k * min(1, radius/(10*k))
			hexagon(n, x, y, r+2*k, n.p.Surface)
		}
		hexagon(n, x, y, r, n.p.Critical)
		pts := hexagonAt(x, y, r)
		n.StrokePolygon(pts[:], min(2*k, r*.2), n.p.Text, nil)
		if size := r * 1.1; size >= 12*k {
			n.TextCenter(x, y+size*.36, "C", plot.Font{Size: size, Bold: true}, n.p.OnCrit)
		}
	case model.Warning:
		hexagon(n, x, y, radius, n.p.WarnTint)
		pts := hexagonAt(x, y, radius-k)
		n.StrokePolygon(pts[:], min(2*k, radius*.25), n.p.Warning, nil)
	default:
		kind := markKind(c.state)
		hexagon(n, x, y, radius, n.p.Tint(kind))
		pts := hexagonAt(x, y, radius-k)
		n.StrokePolygon(pts[:], min(1.5*k, radius*.2), n.p.State(kind), plot.Dash{3 * k, 2 * k})
	}
}

// hexagonAt is a pointy hexagon.
func hexagonAt(x, y, r float64) [6]plot.Point {
	w := r * math.Sqrt(3) / 2
	return [6]plot.Point{{X: x, Y: y - r}, {X: x + w, Y: y - r/2}, {X: x + w, Y: y + r/2}, {X: x, Y: y + r}, {X: x - w, Y: y + r/2}, {X: x - w, Y: y - r/2}}
}

func hexagon(n pen, x, y, r float64, col colour) {
	pts := hexagonAt(x, y, r)
	n.Polygon(pts[:], col)
}

// paintWorst names the worst cell, where it is, what is wrong and since when.
func paintWorst(n pen, env Env, r plot.Rect, c *cell, now time.Time) {
	k := n.k
	n.rule(r.X, r.Right(), r.Y, n.p.Grid)
	base := r.Y + 29*k
	edge := n.plate(r.Right(), base+1*k, Duration(env.Text, now.Sub(c.since)), 20, c.state) - 14*k
	n.mark(c.state, r.X+12*k, base-7*k, 24)
	name := n.fit(c.name, 20, true, (edge-r.X)*.6)
	x := n.text(r.X+34*k, base, name, 20, true, n.p.Text) + 12*k
	text := env.Said(c.reason)
	if c.place != "" {
		text = c.place + ", " + text
	}
	n.text(x, base, n.fit(text, 18, false, edge-x), 18, false, n.p.Muted)
}
