package panels

import (
	"cmp"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

func (l *landscapeLayout) paint(n pen, env Env, body plot.Rect) {
	k := l.k
	for _, b := range l.blocks {
		place := b.Offset(body.X, body.Y)
		l.paintTitle(n, b, place)
		if b.left > 0 {
			n.text(place.X, place.Bottom()-l.pitch/2+6*k, env.Text("+%d more", b.left), 18, true, n.p.Text2)
		}
	}
	l.each(func(r *landscapeRow, place plot.Rect) { l.paintRow(n, env, r, place.Offset(body.X, body.Y)) })
	ink := n.p.Text2
	var left []string
	switch {
	case l.moreBad > 0:
		left, ink = append(left, env.Text("+%d projects, %d in trouble", l.more, l.moreBad)), n.p.Ink(plot.KindWarning)
	case l.more > 0:
		left = append(left, env.Text("+%d projects", l.more))
	}
	if l.hidden > 0 {
		left = append(left, env.Text("+%d clusters", l.hidden))
	}
	n.text(body.X, body.Y+l.h-6*k, strings.Join(left, ", "), 18, true, ink)
}

// paintTitle writes a category and, where there are several, the clusters above their columns.
func (l *landscapeLayout) paintTitle(n pen, b landscapeBlock, place plot.Rect) {
	k := l.k
	base := place.Y + 20*k
	n.text(place.X, base, n.fit(b.name, 18, true, l.nameW-12*k), 18, true, n.p.Text2)
	if len(l.clusters) > 1 {
		for i, name := range l.clusters {
			cell := l.cell(place, i)
			n.text(cell.X+4*k, base, middle(n, name, 18, false, cell.W-10*k), 18, false, n.p.Muted)
		}
	}
	n.rule(place.X, place.Right(), place.Y+projectHead*k-5*k, n.p.Grid)
}

func (l *landscapeLayout) paintRow(n pen, env Env, r *landscapeRow, place plot.Rect) {
	k := l.k
	base := place.Y + l.pitch/2 + l.size*k/3
	bad := r.state().Problem()
	ink := n.p.Text2
	if bad {
		ink = n.p.Text
	}
	n.text(place.X, base, n.fit(r.name, l.size, bad, l.nameW-10*k), l.size, bad, ink)
	for i, c := range r.cells[:len(l.clusters)] {
		if c != nil {
			l.paintCell(n, env, c, l.cell(place, i))
		}
	}
	if said := l.said(r); said != "" && l.reasons {
		n.text(place.X, place.Y+l.pitch+17*k, n.fit(said, 18, false, place.W), 18, false, n.ink(r.state()))
	}
}

// paintCell draws a project in a cluster: a small dot and its version while it is well, else a box.
func (l *landscapeLayout) paintCell(n pen, env Env, c *landscapeCell, cell plot.Rect) {
	k := l.k
	middleY := cell.Y + cell.H/2
	box := plot.Rect{X: cell.X, Y: cell.Y + 2*k, W: cell.W - 6*k, H: cell.H - 4*k}
	ink, bold := n.p.Text2, c.state.Problem()
	switch c.state {
	case model.OK:
		n.mark(c.state, cell.X+12*k, middleY, 12)
	case model.Critical:
		n.FillRound(box, 4*k, n.p.CritTint)
		n.StrokeRound(box, 4*k, 2.5*k, n.p.Critical, nil)
	case model.Warning:
		n.FillRound(box, 4*k, n.p.Tint(markKind(c.state)))
		n.StrokeRound(box, 4*k, 1.5*k, n.p.Warning, nil)
	default:
		n.StrokeRound(box, 4*k, 1.2*k, n.p.State(markKind(c.state)), plot.Dash{5 * k, 4 * k})
	}
	if c.state != model.OK {
		n.mark(c.state, cell.X+12*k, middleY, 19)
		ink = n.ink(c.state)
	}
	x, base := cell.X+26*k, middleY+l.size*k/3
	room := box.Right() - x - 4*k
	said := c.version
	if len(l.clusters) > 1 { // there is no room for more than one
		said = cmp.Or(c.version, c.workloads, c.objects)
	}
	if full := said + c.others; n.width(full, l.size, bold) <= room {
		said = full
	}
	end := n.text(x, base, n.fit(said, l.size, bold, room), l.size, bold, ink)
	if len(l.clusters) > 1 {
		return
	}
	var facts []string
	if c.workloads != "" {
		facts = append(facts, env.Text("workloads %s", c.workloads))
	}
	if c.objects != "" {
		facts = append(facts, env.Text("objects %s", c.objects))
	}
	if c.figure != "" {
		facts = append(facts, c.figure)
	}
	for ; len(facts) > 0; facts = facts[1:] { // the figure that somebody chose stays longest
		text := strings.Join(facts, "   ")
		if n.width(text, 18, false) <= box.Right()-end-22*k {
			n.right(box.Right()-8*k, base, text, 18, false, n.p.Muted)
			return
		}
	}
}
