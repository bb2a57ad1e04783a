package panels

import (
	"math"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// box draws one place on the map.
func (n mapPen) box(b *netBox) {
	state, ack := n.state(b)
	switch b.form {
	case formSquare:
		n.square(b, state, ack)
	case formCell:
		n.cell(b, state)
	case formSite:
		n.site(b, state)
	default:
		n.named(b, state, ack)
	}
}

// frame draws the ground and the edge of a box: the weight of its ink is its severity.
func (n mapPen) frame(r plot.Rect, radius float64, form boxForm, state model.State, ack bool) {
	switch state {
	case model.Critical:
		n.FillRound(r, radius, n.p.CritTint)
		n.StrokeRound(r, radius, math.Max(1, (2-btof(ack))*n.k), n.p.Critical, nil)
	case model.Warning:
		n.FillRound(r, radius, n.p.WarnTint)
		n.StrokeRound(r, radius, math.Max(1, (2-btof(ack))*n.k), n.p.Warning, nil)
	case model.Stale:
		n.FillRound(r, radius, n.p.Surface)
		n.Hatch(r, radius, 8*n.k, 1.4*n.k, n.p.Hatch2)
		n.StrokeRound(r, radius, 1.5*n.k, n.p.Stale, plot.Dash{5 * n.k, 4 * n.k})
	case model.Unknown:
		n.FillRound(r, radius, n.p.UnknownTint)
		n.StrokeRound(r, radius, 1.5*n.k, n.p.Unknown, plot.Dash{5 * n.k, 4 * n.k})
	case model.Maintenance:
		n.FillRound(r, radius, n.p.Raised)
		n.StrokeRound(r, radius, 1.5*n.k, n.p.Stale, plot.Dash{2 * n.k, 3 * n.k})
	default:
		switch form {
		case formPlain:
			n.FillRound(r, radius, n.p.Raised)
		case formPill:
			n.FillRound(r, radius, n.p.Surface)
			n.StrokeRound(r, radius, math.Max(1, n.k), n.p.Outline, nil)
		default:
			n.FillRound(r, radius, n.p.Raised)
			n.StrokeRound(r, radius, math.Max(1, n.k), n.p.Outline, nil)
		}
	}
}

// named draws a box with its name: the mark stands before the name, or, with full detail and in
// narrow boxes, as a badge on the corner.
func (n mapPen) named(b *netBox, state model.State, ack bool) {
	r := pixels(b.Rect)
	radius := 5 * n.k
	if b.form == formPill {
		radius = r.H / 2
	}
	n.frame(r, radius, b.form, state, ack)
	marked := state != model.OK
	size := 26 * n.k
	if state == model.Warning || state == model.Maintenance {
		size = 22 * n.k
	}
	f := plot.Font{Size: b.size, Bold: b.bold || state.Problem()}
	inside := marked && (!n.m.full || r.W > 170*n.k) && n.Measure(b.label, f)+size+20*n.k <= r.W
	pad := 8 * n.k
	if r.W < 110*n.k {
		pad = 5 * n.k
	}
	room := r.W - 2*pad
	if inside {
		room -= size + 8*n.k
	}
	s := n.Ellipsis(b.label, f, math.Max(room, 0))
	w := n.Measure(s, f)
	x := r.X + (r.W-w)/2
	if inside {
		x = r.X + (r.W-w-size-8*n.k)/2 + size + 8*n.k
	}
	col := n.p.Text2
	if state.Problem() {
		col = n.p.Text
	}
	baseline := r.Y + r.H/2 + 0.36*b.size
	if state == model.Stale && s != "" {
		n.FillRound(plot.Rect{X: x - 4*n.k, Y: r.Y + r.H/2 - 0.6*b.size, W: w + 8*n.k, H: 1.2 * b.size}, 3*n.k, n.p.Surface)
	}
	n.Text(x, baseline, s, f, col)
	if !marked {
		return
	}
	o := plot.MarkOptions{Ack: ack, Behind: n.p.Tint(markKind(state))}
	if inside {
		n.Mark(markKind(state), x-8*n.k-size/2, r.Y+r.H/2, size, n.p, n.k, o)
		return
	}
	// The corner badge cuts itself free from the edge that it stands on.
	cx, cy, s24 := r.X+1*n.k, r.Y+1*n.k, 24*n.k
	if state != model.Warning {
		n.FillRound(plot.Rect{X: cx - s24/2, Y: cy - s24/2, W: s24, H: s24}, 6*n.k, n.p.Surface)
	}
	n.Mark(markKind(state), cx, cy, s24, n.p, n.k, o)
}

// square draws a folded switch: a dot, or the mark of its state.
func (n mapPen) square(b *netBox, state model.State, ack bool) {
	r := pixels(b.Rect)
	s := r.W
	switch state {
	case model.OK:
		n.frame(r, 4*n.k, formSquare, state, ack)
		n.Disc(r.X+s/2, r.Y+s/2, 0.155*s, n.p.OK)
	case model.Maintenance:
		n.frame(r, 4*n.k, formSquare, model.OK, ack)
		n.Pause(r.X+s/2, r.Y+s/2, s, n.p.Text2)
	case model.Critical:
		n.FillRound(r, 0.12*s, n.p.Critical)
		if 0.66*s >= 12*n.k {
			n.TextCenter(r.X+s/2, r.Y+s/2+0.235*s, "C", plot.Font{Size: 0.66 * s, Bold: true}, n.p.OnCrit)
		}
	case model.Stale:
		n.FillRound(r, 4*n.k, n.p.Surface)
		n.Hatch(r, 4*n.k, 6*n.k, 1.4*n.k, n.p.Hatch2)
		n.StrokeRound(r, 4*n.k, 1.5*n.k, n.p.Stale, plot.Dash{3 * n.k, 3 * n.k})
	default:
		n.frame(r, 4*n.k, formSquare, state, ack)
		n.Mark(markKind(state), r.X+s/2, r.Y+s/2, 0.66*s, n.p, n.k, plot.MarkOptions{Ack: ack})
	}
}

// cell draws one of many switches.
func (n mapPen) cell(b *netBox, state model.State) {
	r := b.Rect
	switch state {
	case model.OK:
		n.FillRect(pixels(r), n.p.OKCells[1])
	case model.Critical:
		n.FillRect(pixels(r).Inset(-math.Max(1, 0.15*r.W)), n.p.Critical)
	case model.Warning:
		n.FillRect(pixels(r), n.p.WarnTint)
		n.StrokeRound(pixels(r), 0, math.Min(2*n.k, r.W/3), n.p.Warning, nil)
	case model.Maintenance:
		n.StrokeRound(pixels(r), 0, math.Max(1, n.k), n.p.Muted, nil)
	case model.Stale:
		n.FillRect(pixels(r), n.p.Hatch2)
		n.StrokeRound(pixels(r), 0, math.Max(1, n.k), n.p.Stale, nil)
	default:
		n.FillRect(pixels(r), n.p.UnknownTint)
		n.StrokeRound(pixels(r), 0, math.Max(1.5*n.k, 1), n.p.Unknown, nil)
	}
}

// site draws a frame around the devices of a site.
func (n mapPen) site(b *netBox, state model.State) {
	r := pixels(b.Rect)
	if state == model.Stale {
		n.FillRound(r, 8*n.k, n.p.Surface)
		n.Hatch(r, 8*n.k, 10*n.k, 1.5*n.k, n.p.Hatch)
		n.StrokeRound(r, 8*n.k, 1.5*n.k, n.p.Stale, plot.Dash{6 * n.k, 4 * n.k})
	} else {
		n.StrokeRound(r, 8*n.k, math.Max(1, n.k), n.p.Outline, nil)
	}
	x, y := r.X+16*n.k, r.Y+30*n.k
	title := n.fit(b.label, 18, true, r.W-60*n.k)
	if state == model.Stale {
		w := n.width(title, 18, true)
		n.FillRound(plot.Rect{X: x - 2*n.k, Y: y - 22*n.k, W: w + 46*n.k, H: 32 * n.k}, 4*n.k, n.p.Surface)
	}
	col := n.p.Muted
	if state != model.OK {
		n.mark(state, x+16*n.k, y-6*n.k, 26)
		x += 38 * n.k
		col = n.p.Text
	}
	n.text(x, y, title, 18, true, col)
	for _, wire := range b.inner.wires {
		if max(wire[0], wire[1]) >= len(b.cells) {
			continue
		}
		p, q := b.cells[wire[0]], b.cells[wire[1]]
		if p.node < 0 || q.node < 0 {
			continue
		}
		col, dash := n.p.UseLow, plot.Dash(nil)
		if state == model.Stale {
			col, dash = n.p.Stale, plot.Dash{6 * n.k, 4 * n.k}
		}
		n.Polyline(between(p.Rect, q.Rect), 2*n.k, col, dash)
	}
	for i := range b.cells {
		cell := b.cells[i]
		s := model.OK
		if cell.node >= 0 {
			s = b.inner.nodes[cell.node].state
		}
		if s == model.Stale { // the frame has the mark
			n.frame(pixels(cell.Rect), 5*n.k, formBox, s, false)
			f := plot.Font{Size: cell.size}
			label := n.Ellipsis(cell.label, f, cell.W-20*n.k)
			w := n.Measure(label, f)
			mid := cell.Center()
			n.FillRound(plot.Rect{X: mid.X - w/2 - 4*n.k, Y: mid.Y - 11*n.k, W: w + 8*n.k, H: 22 * n.k}, 3*n.k, n.p.Surface)
			n.TextCenter(mid.X, mid.Y+0.36*cell.size, label, f, n.p.Text2)
			continue
		}
		inner := netBox{Rect: cell.Rect, node: -1, form: formBox, label: cell.label, size: cell.size}
		n.named(&inner, s, false)
	}
}

// between is the path of a cable between two boxes: across where they stand side by side, otherwise
// down, across and down.
func between(p, q plot.Rect) []plot.Point {
	if q.Y < p.Y || q.Y == p.Y && q.X < p.X {
		p, q = q, p
	}
	if q.Y < p.Bottom() {
		y := p.Center().Y
		return []plot.Point{{X: p.Right(), Y: y}, {X: q.X, Y: y}}
	}
	mid := (p.Bottom() + q.Y) / 2
	return []plot.Point{{X: p.Center().X, Y: p.Bottom()}, {X: p.Center().X, Y: mid}, {X: q.Center().X, Y: mid}, {X: q.Center().X, Y: q.Y}}
}

// pixels puts a rectangle on whole pixels, so that its edges are sharp.
func pixels(r plot.Rect) plot.Rect {
	x, y := math.Round(r.X), math.Round(r.Y)
	return plot.Rect{X: x, Y: y, W: math.Round(r.Right()) - x, H: math.Round(r.Bottom()) - y}
}
