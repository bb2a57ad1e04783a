package panels

import (
	"math"
	"slices"

	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// leastCell is the side of the smallest square, in px at density 1.
const leastCell = 4

// cellGap is the space between squares of a size.
func (a *arranger) cellGap(cell float64) float64 {
	if cell >= 26*a.k {
		return 8 * a.k
	}
	return math.Max(1, 0.22*cell)
}

// cellThatFits returns the largest side with which every unit's squares find room in its slot.
func (a *arranger) cellThatFits(row rowSpan) float64 {
	for size := 24; size > leastCell; size-- {
		cell := math.Round(float64(size) * a.k)
		if !slices.ContainsFunc(a.units, func(u unitPlan) bool {
			cols, rows := a.gridSize(u.w, row.h, cell)
			return cols*rows < len(u.members)
		}) {
			return cell
		}
	}
	return leastCell * a.k
}

// gridSize is how many squares fit beside and below each other.
func (a *arranger) gridSize(w, h, cell float64) (cols, rows int) {
	gap := a.cellGap(cell)
	return max(1, int((w+gap)/(cell+gap))), max(1, int((h+gap)/(cell+gap)))
}

// placeSquares places a unit's members as squares. Where there are more than fit, those with
// problems are shown first; how many are left out is said in the legend.
func (a *arranger) placeSquares(u *unitPlan, row rowSpan) {
	gap := a.cellGap(a.cell)
	cols, rows := a.gridSize(u.w+1, row.h+1, a.cell)
	if a.form == formSquare {
		rows = a.lines
	}
	shown := u.members
	if fit := cols * rows; len(shown) > fit {
		shown = slices.Clone(shown)
		slices.SortStableFunc(shown, func(x, y member) int { return a.nodes[y.node].state.Rank() - a.nodes[x.node].state.Rank() })
		a.hidden += len(shown) - fit
		shown = shown[:fit]
	}
	lines := (len(shown) + cols - 1) / cols
	cols = (len(shown) + lines - 1) / lines // even lines
	w := float64(cols)*(a.cell+gap) - gap
	x, y := u.x+(u.w-w)/2, row.y
	if a.lines == 1 {
		y = row.middle() - a.cell/2
	}
	for i, m := range shown {
		r := plot.Rect{X: x + float64(i%cols)*(a.cell+gap), Y: y + float64(i/cols)*(a.cell+gap), W: a.cell, H: a.cell}
		a.add(netBox{Rect: r, node: m.node, form: a.form, grid: lines > 1})
	}
	if lines > 1 {
		a.comb(u, x, y, cols, gap)
	}
}

// comb leads from a unit's parents to several lines of squares: down, and where the squares are large
// enough for it across, with a tooth to each column.
func (a *arranger) comb(u *unitPlan, x, y float64, cols int, gap float64) {
	line := func(x0, y0, x1, y1 float64) {
		a.stems = append(a.stems, [2]plot.Point{{X: x0, Y: y0}, {X: x1, Y: y1}})
	}
	back, left, right := y-4*a.k, math.Inf(1), math.Inf(-1)
	if a.form == formSquare {
		back = y - 14*a.k
		for i := range cols {
			tooth := x + float64(i)*(a.cell+gap) + a.cell/2
			line(tooth, back, tooth, y)
			left, right = math.Min(left, tooth), math.Max(right, tooth)
		}
	}
	for _, p := range u.parents {
		box := a.boxes[a.boxOf[p]]
		line(box.Center().X, box.Bottom(), box.Center().X, back)
		left, right = math.Min(left, box.Center().X), math.Max(right, box.Center().X)
	}
	if a.form == formSquare {
		line(left-a.k, back, right+a.k, back)
	}
}
