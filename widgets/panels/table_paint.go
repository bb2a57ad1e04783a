package panels

import (
	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

const tableHead = 22 // height of the column titles

func tablePitch(h float64, rows int, k float64) float64 {
	return min((h-tableHead*k)/float64(rows), 48*k)
}

// wide reports whether a column holds words that may be cut, rather than figures.
func (c *column) wide() bool { return c.Field == "reason" || c.Field == "parent" }

// tableWidths finds the right edge of each column and where the names end. Columns for which there is
// no room are left out, from the left, but never the last; theirs is 0.
func (t *table) tableWidths(n pen, env Env, body plot.Rect, rows []tableRow) (edges []float64, nameEnd float64) {
	k := n.k
	widths := make([]float64, len(t.Columns))
	for j, col := range t.Columns {
		widths[j] = n.width(col.Title.In(env.Lang), 18, false)
		for _, r := range rows {
			widths[j] = max(widths[j], n.width(r.cells[j].text, 20, true))
		}
		if col.wide() {
			widths[j] = min(widths[j], body.W*.45)
		}
	}
	names := 0.0
	for _, r := range rows {
		names = max(names, n.width(r.name, 20, true))
	}
	names = 30*k + min(names, body.W*.4)
	first := 0
	used := func() float64 {
		sum := names
		for _, w := range widths[first:] {
			sum += w + 24*k
		}
		return sum
	}
	for first < len(widths)-1 && used() > body.W {
		first++
	}
	edges = make([]float64, len(widths))
	x := body.Right()
	spare := max(0, body.W-used()) / float64(len(widths)-first+1)
	for j := len(widths) - 1; j >= first; j-- {
		edges[j] = x
		x -= widths[j] + 24*k + min(spare, 60*k)
	}
	return edges, min(x+min(spare, 60*k), body.Right())
}

func (t *table) paint(n pen, env Env, body plot.Rect, rows []tableRow) {
	k := n.k
	edges, nameEnd := t.tableWidths(n, env, body, rows)
	for j, col := range t.Columns {
		if edges[j] > 0 {
			n.right(edges[j], body.Y+11*k, col.Title.In(env.Lang), 18, false, n.p.Muted)
		}
	}
	pitch := tablePitch(body.H, len(rows), k)
	for i, r := range rows {
		row := plot.Rect{X: body.X, Y: body.Y + tableHead*k + float64(i)*pitch, W: body.W, H: pitch}
		n.rule(row.X, row.Right(), row.Y, n.p.Grid)
		t.paintRow(n, row, edges, nameEnd, r)
	}
}

func (t *table) paintRow(n pen, row plot.Rect, edges []float64, nameEnd float64, r tableRow) {
	k := n.k
	mid := row.Y + row.H/2
	base := mid + 7*k
	bad := r.worst.Problem()
	dim := r.state == model.Stale || r.state == model.Unknown
	name, figure := n.p.Text2, n.p.Text2
	if bad {
		name, figure = n.p.Text, n.p.Text
	}
	if dim {
		name, figure = n.p.Muted, n.p.Muted
		n.hatched(plot.Rect{X: row.X, Y: row.Y + 3*k, W: row.W, H: row.H - 5*k})
	}
	n.mark(r.worst, row.X+10*k, mid, 22)
	text := n.fit(r.name, 20, bad, nameEnd-row.X-30*k)
	if dim {
		n.under(row.X+30*k, row.X+30*k+n.width(text, 20, bad), base, 20)
	}
	n.text(row.X+30*k, base, text, 20, bad, name)
	left := nameEnd
	for j, c := range r.cells {
		if edges[j] == 0 || c.text == "" {
			continue
		}
		room := edges[j] - left - 20*k
		if !t.Columns[j].wide() {
			room = row.W * .5
		}
		text := n.fit(c.text, 20, c.state.Problem(), room)
		col, bold := figure, false
		if c.state.Problem() {
			col, bold = n.ink(c.state), true
		}
		if dim {
			n.under(edges[j]-n.width(text, 20, bold), edges[j], base, 20)
		}
		if c.state == model.Critical && !dim {
			n.plate(edges[j], base, text, 18, model.Critical)
		} else {
			n.right(edges[j], base, text, 20, bold, col)
		}
		left = edges[j]
	}
}
