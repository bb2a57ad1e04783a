package panels

import (
	"slices"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// Measures of a landscape panel at density 1.
const (
	projectName   = 152 // least width of names
	projectCell   = 96  // least width of a cluster's column
	projectCells  = 150 // its greatest, where there are several
	projectWide   = 560 // width beyond which a block gets no wider by choice
	projectMargin = 28  // between blocks side by side
	projectHead   = 34  // a category's title
	projectGap    = 18  // below a category
	projectReason = 26  // a line of words below a project in trouble
	projectFoot   = 28  // what is not shown
)

// landscapeLayout is where everything of a landscape stands, from the body's corner.
type landscapeLayout struct {
	clusters []string
	hidden   int // clusters that have no column
	blocks   []landscapeBlock
	more     int // projects that no block counts
	moreBad  int // of them in trouble
	nameW    float64
	cellW    float64
	width    float64
	pitch    float64
	size     float64 // of text, at density 1
	longest  string  // name of a project
	face     *plot.Typeface
	reasons  bool
	k        float64
	h        float64
}

// landscapeBlock is a category with those of its projects that are drawn.
type landscapeBlock struct {
	*landscapeGroup
	shown int
	left  int // projects that are counted below the others
	plot.Rect
}

// landscapeTry is one way to lay a landscape out.
type landscapeTry struct {
	columns int
	pitch   float64
	calm    int // projects without trouble that a category shows
	reasons bool
}

// layLandscape finds the roomiest way to show all projects; where there is none, calm ones are counted in
// place of being drawn, those of the largest categories first.
func layLandscape(clusters []string, groups []landscapeGroup, env Env) landscapeLayout {
	k := env.Style.K
	lay := landscapeLayout{clusters: clusters, k: k, h: env.Size.H, face: env.Face}
	most, widestName := 0, 0.0
	for _, g := range groups {
		most = max(most, len(g.rows))
		for _, r := range g.rows {
			if w := env.Face.Measure(r.name, plot.Font{Size: 18, Bold: true}); w > widestName {
				widestName, lay.longest = w, r.name
			}
		}
	}
	if fits := max(1, int((env.Size.W/k-projectName)/projectCell)); fits < len(clusters) {
		lay.hidden = len(clusters) - fits
		lay.clusters = worstClusters(clusters, groups, fits)
	}
	least := projectName + projectCell*float64(len(lay.clusters))
	widest := max(1, int((env.Size.W/k+projectMargin)/(least+projectMargin)))
	wide := max(projectWide, projectName+projectCells*float64(len(lay.clusters)))
	narrow := min(widest, max(1, int((env.Size.W/k+projectMargin)/(min(wide, env.Size.W/k)+projectMargin))))
	var tries []landscapeTry
	for columns := narrow; columns <= widest; columns++ {
		for _, pitch := range []float64{44, 40, 36, 32} {
			tries = append(tries, landscapeTry{columns, pitch, most, true})
		}
	}
	for calm := most; calm >= 0; calm-- {
		tries = append(tries, landscapeTry{widest, 28, calm, true})
	}
	for _, t := range tries {
		if lay.try(groups, env.Size.W, t, false) {
			return lay
		}
	}
	if !lay.try(groups, env.Size.W, landscapeTry{widest, 28, 0, true}, true) {
		lay.try(groups, env.Size.W, landscapeTry{widest, 28, 0, false}, true)
	}
	return lay
}

// worstClusters picks the clusters to show where not all have room: those with the worst projects.
func worstClusters(clusters []string, groups []landscapeGroup, n int) []string {
	trouble := make([]int, len(clusters))
	for _, g := range groups {
		for _, r := range g.rows {
			for i, c := range r.cells {
				if c != nil && c.state != model.OK {
					trouble[i] += 1 + 100*c.state.Rank()
				}
			}
		}
	}
	order := make([]int, len(clusters))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return trouble[b] - trouble[a] })
	order = order[:n]
	slices.Sort(order)
	out := make([]string, n)
	for i, c := range order {
		out[i] = clusters[c]
	}
	for gi := range groups { // the cells follow
		for ri := range groups[gi].rows {
			r := &groups[gi].rows[ri]
			cells := make([]*landscapeCell, n, n+1)
			for i, c := range order {
				cells[i] = r.cells[c]
			}
			worst := slices.Index(order, r.worst)
			if worst < 0 { // it is in a cluster that has no column
				cells, worst = append(cells, r.cells[r.worst]), n
			}
			r.cells, r.worst = cells, worst
		}
	}
	return out
}

// try lays all categories out, each below the shortest column so far. It reports whether all fit. As a last
// resort what fits is kept, and it reports whether all trouble does.
func (l *landscapeLayout) try(groups []landscapeGroup, w float64, t landscapeTry, last bool) bool {
	k := l.k
	l.blocks, l.more, l.moreBad = nil, 0, 0
	l.pitch, l.reasons = t.pitch*k, t.reasons
	l.width = (w+projectMargin*k)/float64(t.columns) - projectMargin*k
	l.size = 18
	if t.pitch >= 40 && (l.width-projectName*k)/float64(len(l.clusters)) >= 130*k {
		l.size = 22
	}
	l.nameW = min(l.width*.45, max(projectName*k, l.face.Measure(l.longest, plot.Font{Size: l.size * k, Bold: true})+16*k))
	l.cellW = (l.width - l.nameW) / float64(len(l.clusters))
	if len(l.clusters) > 1 {
		l.cellW = min(l.cellW, projectCells*k)
		l.nameW = l.width - l.cellW*float64(len(l.clusters))
	}
	limit := l.h
	if l.hidden > 0 || last {
		limit -= projectFoot * k
	}
	heights := make([]float64, t.columns)
	for i := range groups {
		g := &groups[i]
		shown := 0
		for shown < len(g.rows) && (g.rows[shown].state() != model.OK || shown < t.calm) {
			shown++
		}
		if shown == len(g.rows)-1 {
			shown++ // the line that counts one takes its room
		}
		left := len(g.rows) - shown
		if last {
			left = 0 // one count for all
		}
		h := l.height(g, shown, left)
		column := 0
		for c := range heights {
			if heights[c] < heights[column] {
				column = c
			}
		}
		for last && shown > 0 && heights[column]+h > limit {
			shown--
			h = l.height(g, shown, left)
		}
		if heights[column]+h > limit && !last {
			return false
		}
		if last {
			l.count(g.rows[shown:])
			if shown == 0 {
				continue
			}
		}
		l.blocks = append(l.blocks, landscapeBlock{g, shown, left, plot.Rect{X: float64(column) * (l.width + projectMargin*k), Y: heights[column], W: l.width, H: h}})
		heights[column] += h + projectGap*k
	}
	return l.moreBad == 0
}

// count takes in projects that are not drawn.
func (l *landscapeLayout) count(rows []landscapeRow) {
	l.more += len(rows)
	for i := range rows {
		if rows[i].state().Problem() {
			l.moreBad++
		}
	}
}

// height is what a category takes with some of its projects.
func (l *landscapeLayout) height(g *landscapeGroup, shown, left int) float64 {
	h := projectHead * l.k
	for i := range g.rows[:shown] {
		h += l.rowHeight(&g.rows[i])
	}
	if left > 0 {
		h += l.pitch
	}
	return h
}

func (l *landscapeLayout) rowHeight(r *landscapeRow) float64 {
	if l.reasons && l.said(r) != "" {
		return l.pitch + projectReason*l.k
	}
	return l.pitch
}

// said is what is written below a project: why it is in trouble, and where.
func (l *landscapeLayout) said(r *landscapeRow) string {
	c := r.cells[r.worst]
	if c.state == model.OK || c.state == model.Stale || c.reason == "" {
		return ""
	}
	if len(l.clusters) == 1 && l.hidden == 0 {
		return c.reason
	}
	return clusterOf(c.id) + ": " + c.reason
}

// each goes through the rows that are drawn, with their places.
func (l *landscapeLayout) each(yield func(r *landscapeRow, place plot.Rect)) {
	for _, b := range l.blocks {
		y := b.Y + projectHead*l.k
		for i := range b.rows[:b.shown] {
			r := &b.rows[i]
			h := l.rowHeight(r)
			yield(r, plot.Rect{X: b.X, Y: y, W: b.W, H: h})
			y += h
		}
	}
}

// cell is the place of a cluster's cell in a row.
func (l *landscapeLayout) cell(row plot.Rect, i int) plot.Rect {
	return plot.Rect{X: row.X + l.nameW + float64(i)*l.cellW, Y: row.Y, W: l.cellW, H: l.pitch}
}

func (l *landscapeLayout) spots() []Spot {
	var spots []Spot
	l.each(func(r *landscapeRow, place plot.Rect) {
		for i, c := range r.cells[:len(l.clusters)] {
			if c != nil {
				spots = append(spots, Spot{Rect: l.cell(place, i), Entity: c.id})
			}
		}
		name := plot.Rect{X: place.X, Y: place.Y, W: l.nameW, H: l.pitch}
		spots = append(spots, Spot{Rect: name, Entity: r.cells[r.worst].id})
	})
	return spots
}
