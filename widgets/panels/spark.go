package panels

import (
	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// spark draws the past of a reading as a line without axes, with the limit that it has passed, and a
// dashed wall where a silent source's data ends.
func (r reading) spark(n pen, env Env, box plot.Rect, area bool) {
	if len(r.past) < 2 || box.W < 30*n.k || box.H < 12*n.k {
		return
	}
	s := plot.Spark{Points: r.past, Band: r.band, Stretches: r.marks, Start: r.start, End: r.end, Area: area, Dot: true, MaxGap: 3 * r.step}
	if r.stale {
		n.FillRound(box.Inset(-4*n.k), 4*n.k, n.p.Surface)
		s.Colour, s.Area, s.Dot = n.p.Muted, false, false
		share := float64(r.asOf.Sub(r.start)) / float64(r.end.Sub(r.start))
		if x := box.X + clamp01(share)*(box.W-2*n.k); share > 0 {
			n.Line(x, box.Y, x, box.Bottom(), 1.5*n.k, n.p.Stale, plot.Dash{4 * n.k, 3 * n.k})
		}
	} else if r.hit != nil {
		s.Limit = plotLimit(*r.hit)
	}
	plot.Sparkline(n.Canvas, box, &s, env.Style)
}

// plotLimit is a limit as charts draw it.
func plotLimit(l Limit) *plot.Limit {
	state, err := l.state()
	if err != nil {
		state = model.Warning // New has refused it long before
	}
	return &plot.Limit{Value: l.Value, Severity: markKind(state), Below: l.Below}
}
