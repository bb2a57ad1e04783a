package panels

import (
	"math"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// legendItem is a class that is on the screen: its sample, w wide, and its name.
type legendItem struct {
	w    float64 // at density 1
	name string
	draw func(n mapPen, x, y float64) // x is the sample's left edge, y its middle
	// tight items belong to the scale before them.
	tight bool
}

// onScreen is which classes a map holds.
type onScreen struct {
	use                                        [6]bool // by step of the scale
	unknownUse, unknownSpeed, down             bool
	halves, stale, unknown                     bool
	maintenance, lag, folded, impact, backedUp bool
}

// useSteps are the shares at which the scale of use changes, and how they are written.
var useSteps = [6]struct {
	from float64
	name string
}{{0, "0"}, {0.01, "1"}, {0.25, "25"}, {0.5, "50"}, {0.8, "80"}, {0.95, "95"}}

// findClasses finds which classes the map holds.
func (a *arranger) findClasses() onScreen {
	var s onScreen
	for _, w := range a.wires {
		l := &a.links[w.link]
		s.down = s.down || l.down
		if l.down {
			continue
		}
		s.stale = s.stale || l.stale
		s.halves = s.halves || w.form == wireHalves
		for _, use := range l.use {
			if math.IsNaN(use) {
				s.unknownUse = s.unknownUse || !l.stale && l.SpeedBPS > 0
				s.unknownSpeed = s.unknownSpeed || !l.stale && l.SpeedBPS <= 0
				continue
			}
			for i := len(useSteps) - 1; i >= 0; i-- {
				if use >= useSteps[i].from {
					s.use[i] = true
					break
				}
			}
		}
	}
	for _, b := range a.boxes {
		if b.node < 0 {
			continue
		}
		switch a.nodes[b.node].state {
		case model.Stale:
			s.stale = true
		case model.Maintenance:
			s.maintenance = true
		case model.Unknown:
			s.unknown = true
		}
		s.folded = s.folded || (b.form == formSquare || b.form == formCell) && a.nodes[b.node].state == model.OK
	}
	s.lag = len(a.rings) > 0
	for _, im := range a.impacts {
		s.impact = true
		s.backedUp = s.backedUp || !im.cutOff
	}
	return s
}

// makeLegend explains the classes that are on the screen, as many as there is room for.
func (a *arranger) makeLegend(foot plot.Rect) {
	s := a.classes
	items := append(a.scaleItems(s), a.classItems(s)...)
	a.footY = foot.Bottom() - 14*a.k
	if a.full {
		a.footY = foot.Bottom() - 20*a.k
	}
	room := foot.W
	for i, item := range items {
		room -= a.itemWidth(item)
		if room < -24*a.k {
			items = items[:i]
			break
		}
	}
	a.foot = items
}

// itemWidth is the width of an item with the space behind it.
func (a *arranger) itemWidth(item legendItem) float64 {
	w := a.measure(item.name, 18*a.k, false)
	switch {
	case item.draw == nil:
		return w + 11*a.k
	case item.tight:
		return item.w*a.k + w + 18*a.k
	}
	return item.w*a.k + w + 28*a.k
}

func (a *arranger) scaleItems(s onScreen) []legendItem {
	last := -1
	for i, on := range s.use {
		if on {
			last = i
		}
	}
	var items []legendItem
	if last < 0 {
		return nil
	}
	items = append(items, legendItem{name: a.text("Use each way")})
	if a.full {
		return append(items, a.scaleBar(s))
	}
	for i, on := range s.use {
		if !on {
			continue
		}
		name := useSteps[i].name
		if i == last {
			name += " %"
		}
		from := useSteps[i].from
		items = append(items, legendItem{w: 28, name: name, tight: i != last, draw: func(n mapPen, x, y float64) {
			h := 8.0
			if from >= 0.8 {
				h = 11
			}
			n.FillRect(plot.Rect{X: x, Y: y - h/2*n.k, W: 28 * n.k, H: h * n.k}, n.p.Use(from))
		}})
	}
	return items
}

// scaleBar is the scale in one piece, the shares below it, from the lowest to the highest on screen.
func (a *arranger) scaleBar(s onScreen) legendItem {
	first, last := -1, 0
	for i, on := range s.use {
		if on && first < 0 {
			first = i
		}
		if on {
			last = i
		}
	}
	return legendItem{w: float64(last-first+1)*42 + 6, draw: func(n mapPen, x, y float64) {
		for i := first; i <= last; i++ {
			h, name := 8.0, useSteps[i].name
			if useSteps[i].from >= 0.8 {
				h = 11
			}
			if i == last {
				name += " %"
			}
			n.FillRect(plot.Rect{X: x, Y: y - (7+h-8)*n.k, W: 40 * n.k, H: h * n.k}, n.p.Use(useSteps[i].from))
			n.text(x, y+19*n.k, name, 18, false, n.p.Muted)
			x += 42 * n.k
		}
	}}
}

func (a *arranger) classItems(s onScreen) []legendItem {
	var items []legendItem
	add := func(on bool, w float64, name string, draw func(n mapPen, x, y float64)) {
		if on {
			items = append(items, legendItem{w: w, name: name, draw: draw})
		}
	}
	add(a.hidden > 0, 0, a.text("+%d switches not shown", a.hidden), func(mapPen, float64, float64) {})
	add(a.full && s.halves && anyOf(s.use[:]), 54, a.text("sent by each end"), func(n mapPen, x, y float64) {
		pts := []plot.Point{{X: x, Y: y}, {X: x + 54*n.k, Y: y}}
		n.half(pts, 0.5, 5*n.k, 0.5)
		n.half(reversed(pts), 0.5, 5*n.k, 0.25)
	})
	add(s.lag, 26, a.text("LAG"), func(n mapPen, x, y float64) {
		for _, dy := range []float64{-3, 3} {
			n.Line(x, y+dy*n.k, x+26*n.k, y+dy*n.k, 2*n.k, n.p.UseSome, nil)
		}
		n.Lag(x+13*n.k, y, 16*n.k, 1.5*n.k, 0, n.p.Text2)
	})
	add(s.down, 30, a.text("down"), func(n mapPen, x, y float64) {
		n.Line(x, y, x+30*n.k, y, 3*n.k, n.p.Critical, plot.Dash{7 * n.k, 5 * n.k})
	})
	impact := a.text("cut off")
	if s.backedUp {
		impact = a.text("on backup path")
	}
	add(s.impact, 26, impact, func(n mapPen, x, y float64) {
		r := plot.Rect{X: x, Y: y - 9*n.k, W: 26 * n.k, H: 18 * n.k}
		n.FillRound(r, 3*n.k, n.p.CritZone)
		n.StrokeRound(r, 3*n.k, 1.5*n.k, n.p.Critical, plot.Dash{3 * n.k, 4 * n.k})
	})
	add(s.maintenance, 20, a.text("maintenance"), func(n mapPen, x, y float64) {
		n.Mark(plot.KindMaintenance, x+10*n.k, y, 20*n.k, n.p, n.k, plot.MarkOptions{})
	})
	add(s.stale, 26, a.text("stale"), func(n mapPen, x, y float64) {
		r := plot.Rect{X: x, Y: y - 9*n.k, W: 26 * n.k, H: 18 * n.k}
		n.Hatch(r, 3*n.k, 6*n.k, 1.4*n.k, n.p.Hatch2)
		n.StrokeRound(r, 3*n.k, 1.5*n.k, n.p.Stale, plot.Dash{4 * n.k, 3 * n.k})
	})
	add(s.unknown, 20, a.text("unknown"), func(n mapPen, x, y float64) {
		n.Mark(plot.KindUnknown, x+10*n.k, y, 20*n.k, n.p, n.k, plot.MarkOptions{})
	})
	unknown := a.text("use not known")
	switch {
	case s.unknownUse && s.unknownSpeed:
		unknown = a.text("use or speed not known")
	case s.unknownSpeed:
		unknown = a.text("speed not known")
	}
	add(s.unknownUse || s.unknownSpeed, 34, unknown, func(n mapPen, x, y float64) {
		n.Line(x, y, x+34*n.k, y, 3*n.k, n.p.Use(math.NaN()), unknownDash.Scaled(n.k))
	})
	add(s.folded, 18, a.text("folded switches"), func(n mapPen, x, y float64) {
		r := plot.Rect{X: x, Y: y - 9*n.k, W: 18 * n.k, H: 18 * n.k}
		if a.form == formCell {
			n.FillRect(r.Inset(4*n.k), n.p.OKCells[1])
			return
		}
		n.frame(pixels(r), 3*n.k, formSquare, model.OK, false)
		n.Disc(r.X+9*n.k, y, 3*n.k, n.p.OK)
	})
	return items
}

func anyOf(list []bool) bool {
	for _, b := range list {
		if b {
			return true
		}
	}
	return false
}

// legend draws the foot of the map.
func (n mapPen) legend(s *netScene) {
	if len(s.foot) == 0 {
		return
	}
	if n.m.full {
		n.rule(s.size.X, s.size.Right(), s.footY-36*n.k, n.p.Grid)
	}
	x, y := s.size.X, s.footY
	for i, item := range s.foot {
		if item.draw == nil {
			x = n.text(x, y+6.5*n.k, item.name, 18, false, n.p.Muted) + 11*n.k
			continue
		}
		item.draw(n, x, y)
		x += item.w * n.k
		if item.w > 0 {
			x += 6 * n.k
		}
		x = n.text(x, y+6.5*n.k, item.name, 18, false, n.p.Muted) + 12*n.k
		if !item.tight && i < len(s.foot)-1 {
			x += 10 * n.k
		}
	}
}
