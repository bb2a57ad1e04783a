package panels

import (
	"math"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// spark draws the past of a reading as a line without axes: the part beyond a limit in its colour,
// a dot at the newest value, and a dashed wall where a silent source's data ends.
func (r reading) spark(n pen, box plot.Rect, limits []Limit) {
	if len(r.past) < 2 || box.W < 30*n.k || box.H < 12*n.k {
		return
	}
	if r.stale {
		n.FillRound(box.Inset(-4*n.k), 4*n.k, n.p.Surface)
	}
	lo, hi := r.extent(limits)
	margin := 4 * n.k
	x := plot.Linear(float64(r.start.UnixMilli()), float64(r.end.UnixMilli()), box.X, box.Right()-margin-1)
	y := plot.Linear(lo, hi, box.Bottom()-margin, box.Y+margin)
	pts := make([]plot.Point, 0, len(r.past))
	for _, s := range r.past {
		if !math.IsNaN(s.V) {
			pts = append(pts, plot.Point{X: x.At(float64(s.T)), Y: y.At(s.V)})
		}
	}
	if len(pts) < 2 {
		return
	}
	line := n.p.Series[0]
	if r.stale {
		line = n.p.Muted
	} else if box.H > 60*n.k {
		n.Area(pts, box.Bottom(), n.p.Area)
	}
	r.paintLimits(n, box, y, limits)
	n.Polyline(pts, 2.4*n.k, line, nil)
	last := pts[len(pts)-1]
	if r.stale {
		n.Line(last.X, box.Y, last.X, box.Bottom(), 1.5*n.k, n.p.Stale, plot.Dash{4 * n.k, 3 * n.k})
		return
	}
	if r.hit != nil && len(limits) > 0 {
		past := pastLimit(pts, y.At(r.hit.Value), r.hit.Below)
		n.Polyline(past, 3.4*n.k, n.limitColour(*r.hit), nil)
	}
	n.Disc(last.X, last.Y, 4.5*n.k, n.p.Text)
}

// extent is the range of values, a little wider than the data.
func (r reading) extent(limits []Limit) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, s := range r.past {
		if !math.IsNaN(s.V) {
			lo, hi = min(lo, s.V), max(hi, s.V)
		}
	}
	if r.hit != nil && len(limits) > 0 {
		lo, hi = min(lo, r.hit.Value), max(hi, r.hit.Value)
	}
	room := (hi - lo) * .12
	if room < 1e-3*math.Abs(hi) || room == 0 { // a flat line is drawn through the middle, not blown up
		room = max(math.Abs(hi)*.05, 1e-9)
	}
	return lo - room, hi + room
}

func (r reading) paintLimits(n pen, box plot.Rect, y plot.Scale, limits []Limit) {
	for _, l := range limits {
		at := y.At(l.Value)
		if at < box.Y || at > box.Bottom() {
			continue
		}
		col := n.p.Muted
		if r.hit != nil && *r.hit == l {
			col = n.limitColour(l)
		}
		n.Line(box.X, at, box.Right(), at, 1.5*n.k, col, plot.Dash{2 * n.k, 5 * n.k})
	}
}

func (n pen) limitColour(l Limit) colour {
	if s, err := l.state(); err == nil {
		return n.p.State(markKind(s))
	}
	return n.p.State(markKind(model.Warning))
}

// pastLimit is the end of a line that lies beyond a limit at the height of at.
func pastLimit(pts []plot.Point, at float64, below bool) []plot.Point {
	beyond := func(p plot.Point) bool { return (p.Y < at) != below }
	i := len(pts)
	for i > 0 && beyond(pts[i-1]) {
		i--
	}
	out := pts[i:]
	if i > 0 && i < len(pts) {
		a, b := pts[i-1], pts[i]
		share := (at - a.Y) / (b.Y - a.Y)
		out = append([]plot.Point{{X: a.X + share*(b.X-a.X), Y: at}}, out...)
	}
	return out
}
