package panels

import (
	"math"
	"slices"

	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// kubeZone is a row of blocks under one name: the nodes of a zone, the namespaces of a cluster.
type kubeZone struct {
	name  string
	combs []comb
}

// blockMap is where the blocks of a map stand: each group of cells has a box of its own, in the order of
// the names. Boxes keep their places when cells come and go, and when somebody comes nearer.
type blockMap struct {
	zones  []kubeZone
	area   plot.Rect // of the whole map
	places []blockPlace
	heads  []zoneTitle
	most   int  // cells for which each block has room; 0: as many as it holds
	named  bool // cells are called by their names where there is room
	more   int  // blocks for which there is no room
	k      float64
}

type blockPlace struct {
	plot.Rect
	*comb
}

// zoneTitle is the name of a zone above its blocks.
type zoneTitle struct {
	*kubeZone
	at plot.Rect
}

// Measures of a map of blocks at density 1.
const (
	blockHead    = 30.0 // name of a zone
	blockTitle   = 28.0 // name of a block
	blockNamed   = 84.0 // a block narrower than this has no name
	blockWidest  = 420.0
	blockFlat    = .62 // height of a block for its width, at least
	blockLeast   = 6.0 // width below which a block is not drawn
	blockCell    = 4.0 // pixels from cell to cell below which calm cells are folded
	largestCell  = 24.0
	chipW, chipH = 132.0, 27.0 // least size of a cell with its name
)

// layBlocks finds the largest blocks with which all fit under the names of their zones. Where the names of
// zones take too much room they are left out, and after that the blocks that are well.
func layBlocks(zones []kubeZone, most int, area plot.Rect, k float64) *blockMap {
	m := &blockMap{zones: zones, area: area, most: most, k: k}
	named := len(zones) > 1 || len(zones) == 1 && zones[0].name != ""
	if named && m.fit(true) || m.fit(false) {
		return m
	}
	m.fold()
	return m
}

// fit places all blocks, as large as they can be, or reports that they do not fit.
func (m *blockMap) fit(heads bool) bool {
	total := 0
	for _, z := range m.zones {
		total += len(z.combs)
	}
	for columns := 1; columns <= 4*total; columns++ {
		gap := m.gap(m.area.W / float64(columns))
		w := (m.area.W+gap)/float64(columns) - gap
		if w < blockLeast*m.k {
			return false
		}
		if w > blockWidest*m.k && columns < total {
			continue
		}
		h := math.Max(m.tall(w), blockFlat*w)
		rows, used := m.flow(columns, w, h, gap, heads, false)
		if used > m.area.H+gap {
			continue
		}
		spare := (m.area.H + gap - used) / float64(rows)
		h = math.Min(h+spare, 1.25*math.Max(w, h))
		if widest := m.widest(columns); widest < columns { // no row is full
			columns = widest
			w = math.Min((m.area.W+gap)/float64(columns)-gap, math.Max(w, 2.6*h))
		}
		m.flow(columns, w, h, gap, heads, true)
		return true
	}
	return false
}

// widest is how many of so many columns the longest row takes.
func (m *blockMap) widest(columns int) int {
	most := 1
	for _, z := range m.zones {
		used := 0
		for _, c := range z.combs {
			used += min(max(1, c.span), columns)
		}
		most = max(most, min(used, columns))
	}
	return most
}

// gap is what is left free between blocks of a width.
func (m *blockMap) gap(w float64) float64 {
	switch {
	case w >= blockNamed*m.k:
		return 12 * m.k
	case w >= 30*m.k:
		return 6 * m.k
	}
	return 3 * m.k
}

// tall is how high a block has to be, for a name and two rows of cells.
func (m *blockMap) tall(w float64) float64 {
	if w >= blockNamed*m.k {
		return (blockTitle + 30) * m.k
	}
	return 0
}

// flow sets the blocks from left to right in rows and returns how many rows there are and the height that
// they take with a gap at their end. It only counts unless keep is set.
func (m *blockMap) flow(columns int, w, h, gap float64, heads, keep bool) (rows int, used float64) {
	y := m.area.Y
	for i := range m.zones {
		z := &m.zones[i]
		if heads {
			if keep {
				m.heads = append(m.heads, zoneTitle{z, plot.Rect{X: m.area.X, Y: y, W: m.area.W, H: blockHead * m.k}})
			}
			y += blockHead * m.k
		}
		column := 0
		for j := range z.combs {
			span := min(max(1, z.combs[j].span), columns)
			if column+span > columns {
				column, y, rows = 0, y+h+gap, rows+1
			}
			if keep {
				at := plot.Rect{X: m.area.X + float64(column)*(w+gap), Y: y, W: float64(span)*(w+gap) - gap, H: h}
				m.places = append(m.places, blockPlace{at, &z.combs[j]})
			}
			column += span
		}
		if column > 0 {
			y, rows = y+h+gap, rows+1
		}
	}
	return max(1, rows), y - m.area.Y
}

// fold leaves out blocks that are well, from the end, until the rest fits as squares of the least size.
func (m *blockMap) fold() {
	side, gap := blockLeast*m.k, m.gap(0)
	columns := max(1, int((m.area.W+gap)/(side+gap)))
	room := columns * max(1, int((m.area.H-blockHead*m.k+gap)/(side+gap)))
	var all []*comb
	for i := range m.zones {
		for j := range m.zones[i].combs {
			all = append(all, &m.zones[i].combs[j])
		}
	}
	order := slices.Clone(all)
	slices.SortStableFunc(order, func(a, b *comb) int { return b.worst.Rank() - a.worst.Rank() })
	shown := map[*comb]bool{}
	for _, c := range order[:min(room, len(order))] {
		shown[c] = true
	}
	m.more = len(all) - len(shown)
	i := 0
	for _, c := range all {
		if shown[c] {
			m.places = append(m.places, blockPlace{plot.Rect{X: m.area.X + float64(i%columns)*(side+gap), Y: m.area.Y + float64(i/columns)*(side+gap), W: side, H: side}, c})
			i++
		}
	}
}

// blockForm is how the cells of a block are shown.
type blockForm int

const (
	cellsFolded blockForm = iota // those that are well are counted
	cellsSquare                  // a square each
	cellsNamed                   // with their names
)

// blockFace is how a block looks at the size that it has on the screen.
type blockFace struct {
	form   blockForm
	titled bool
	inner  plot.Rect // where the cells are
	pitchX float64   // from cell to cell
	pitchY float64
	perRow int
	room   int // cells that have a place
}

// face finds out how much of a block can be shown in a place.
func (m *blockMap) face(r plot.Rect, c *comb) blockFace {
	k := m.k
	f := blockFace{titled: r.W >= blockNamed*k && r.H >= (blockTitle+8)*k, inner: r.Inset(math.Max(1, r.W/24))}
	if f.titled {
		f.inner = plot.Rect{X: r.X + 9*k, Y: r.Y + blockTitle*k, W: r.W - 18*k, H: r.H - (blockTitle+7)*k}
	}
	n := len(c.cells)
	for least := 2 * chipW * k; m.named && f.titled && least >= chipW*k; least -= 12 * k { // as wide as there is room
		perRow := int(f.inner.W / least)
		if perRow == 0 {
			continue
		}
		if rows := (n + perRow - 1) / perRow; float64(rows)*chipH*k <= f.inner.H {
			f.form, f.perRow, f.room = cellsNamed, perRow, n
			f.pitchX, f.pitchY = f.inner.W/float64(perRow), math.Min(f.inner.H/float64(max(1, rows)), 34*k)
			return f
		}
	}
	if f.squares(max(n, m.most), largestCell*k) {
		f.form = cellsSquare
		return f
	}
	f.form = cellsFolded
	pitch := math.Floor(math.Max(blockCell*k, math.Min(11*k, math.Min(r.W, r.H)/2.2))) // alike, so that more problems show as more
	for ; pitch > blockCell*k && int(f.inner.W/pitch)*int(f.inner.H/pitch) < c.sick; pitch-- {
	}
	f.pitchX, f.pitchY = pitch, pitch
	f.perRow = max(1, int(f.inner.W/pitch))
	f.room = f.perRow * max(1, int(f.inner.H/pitch))
	return f
}

// squares lays n squares out as large as they can be, and reports whether they are large enough.
func (f *blockFace) squares(n int, largest float64) bool {
	pitch := math.Min(largest, math.Sqrt(f.inner.W*f.inner.H/float64(n)))
	if pitch > 12 {
		pitch = math.Floor(pitch) // whole pixels, so that all are alike
	}
	for ; pitch >= blockCell; pitch -= .5 {
		f.perRow = int(f.inner.W / pitch)
		if f.room = f.perRow * int(f.inner.H/pitch); f.room >= n {
			f.pitchX, f.pitchY = pitch, pitch
			return true
		}
	}
	return false
}

// at is the place of the i-th cell that is shown.
func (f *blockFace) at(i int) plot.Rect {
	gap := math.Max(1, math.Round(math.Min(f.pitchX, f.pitchY)/8))
	x, y := f.inner.X+float64(i%f.perRow)*f.pitchX, f.inner.Y+float64(i/f.perRow)*f.pitchY
	return plot.Rect{X: math.Round(x), Y: math.Round(y), W: math.Max(2, math.Floor(f.pitchX-gap)), H: math.Max(2, math.Floor(f.pitchY-gap))}
}

// seenAt is where a place of the whole map is on the screen.
func (m *blockMap) seenAt(r plot.Rect, cam camera) plot.Rect {
	if !cam.near() {
		return r
	}
	at := cam.toScreen(plot.Point{X: r.X, Y: r.Y}, m.area)
	return plot.Rect{X: at.X, Y: at.Y, W: r.W * cam.zoom, H: r.H * cam.zoom}
}

// spots are the cells and blocks that are seen, the cells first, for they lie on their blocks.
func (m *blockMap) spots(cam camera) []Spot {
	var cells, blocks []Spot
	for _, p := range m.places {
		r := m.seenAt(p.Rect, cam)
		if r.Intersect(m.area).Empty() {
			continue
		}
		f := m.face(r, p.comb)
		for i, c := range shownCells(&f, p.comb) {
			if at := f.at(i).Intersect(m.area); !at.Empty() {
				cells = append(cells, Spot{Rect: at, Entity: c.id})
			}
		}
		if p.id != "" {
			blocks = append(blocks, Spot{Rect: r.Intersect(m.area), Entity: p.id})
		}
	}
	return append(cells, blocks...)
}

// shownCells are the cells that a face shows, by their places: all, or those in trouble.
func shownCells(f *blockFace, c *comb) []*cell {
	n := len(c.cells)
	if f.form == cellsFolded {
		n = c.sick
	}
	out := make([]*cell, 0, min(n, f.room))
	for i := range c.cells {
		if len(out) == cap(out) {
			break
		}
		if f.form != cellsFolded || c.cells[i].state.Problem() {
			out = append(out, &c.cells[i])
		}
	}
	return out
}
