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

// tableLane is where a column stands; W is 0 for one that has no room.
type tableLane struct{ x, w float64 }

// lanes shares the width out among the names and the columns. Columns for which there is no room are
// left out from the left, but never the last. Words get what is to spare, and without words all do.
func (t *table) lanes(n pen, env Env, body plot.Rect, rows []tableRow) (lanes []tableLane, nameW float64) {
	k := n.k
	gap := 24 * k
	widths := make([]float64, len(t.Columns))
	words := -1
	for j, col := range t.Columns {
		widths[j] = n.width(col.Title.In(env.Lang), 18, false)
		for _, r := range rows {
			widths[j] = max(widths[j], n.width(r.cells[j].text, 20, true))
		}
		if col.wide() {
			words = j
			widths[j] = min(widths[j], body.W*.3)
		}
		widths[j] = min(widths[j], body.W*.5)
	}
	for _, r := range rows {
		nameW = max(nameW, n.width(r.name, 20, true))
	}
	nameW = 32*k + min(nameW, body.W*.42)
	first, used := 0, nameW
	for _, w := range widths {
		used += w + gap
	}
	for first < len(widths)-1 && used > body.W {
		used -= widths[first] + gap
		first++
	}
	spare := max(0, body.W-used)
	if words >= first {
		widths[words] += spare
	} else {
		gap += min(spare/float64(len(widths)-first+1), 60*k)
	}
	lanes = make([]tableLane, len(widths))
	x := body.Right()
	for j := len(widths) - 1; j >= first; j-- {
		x -= widths[j]
		lanes[j] = tableLane{x, widths[j]}
		x -= gap
	}
	return lanes, x - body.X
}

func (t *table) paint(n pen, env Env, body plot.Rect, rows []tableRow) {
	k := n.k
	lanes, nameW := t.lanes(n, env, body, rows)
	for j, col := range t.Columns {
		title := n.fit(col.Title.In(env.Lang), 18, false, lanes[j].w)
		if col.wide() {
			n.text(lanes[j].x, body.Y+11*k, title, 18, false, n.p.Muted)
		} else if lanes[j].w > 0 {
			n.right(lanes[j].x+lanes[j].w, body.Y+11*k, title, 18, false, n.p.Muted)
		}
	}
	pitch := tablePitch(body.H, len(rows), k)
	for i, r := range rows {
		row := plot.Rect{X: body.X, Y: body.Y + tableHead*k + float64(i)*pitch, W: body.W, H: pitch}
		n.rule(row.X, row.Right(), row.Y, n.p.Grid)
		t.paintRow(n, row, lanes, nameW, r)
	}
}

func (t *table) paintRow(n pen, row plot.Rect, lanes []tableLane, nameW float64, r tableRow) {
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
	x := row.X
	if !r.plain {
		n.mark(r.worst, row.X+10*k, mid, 22)
		x += 30 * k
	}
	text := n.fit(r.name, 20, bad, row.X+nameW-x)
	if dim {
		n.under(x, x+n.width(text, 20, bad), base, 20)
	}
	n.text(x, base, text, 20, bad, name)
	for j, c := range r.cells {
		lane := lanes[j]
		if lane.w == 0 || c.text == "" {
			continue
		}
		col, bold := figure, c.state.Problem()
		if bold {
			col = n.ink(c.state)
		}
		text := n.fit(c.text, 20, bold, lane.w+2)
		left := lane.x
		if !t.Columns[j].wide() {
			left = lane.x + lane.w - n.width(text, 20, bold)
		}
		if dim {
			n.under(left, left+n.width(text, 20, bold), base, 20)
		}
		if c.state == model.Critical && !dim {
			n.plate(lane.x+lane.w, base, n.fit(c.text, 18, true, lane.w), 18, model.Critical)
		} else {
			n.text(left, base, text, 20, bold, col)
		}
	}
}
