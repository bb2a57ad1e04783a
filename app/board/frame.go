package board

import (
	"image/color"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// paintPanel paints a whole panel: frame, title row and body.
func paintPanel(c *plot.Canvas, g Geometry, env panels.Env, title string, v *panels.View, now time.Time) {
	p, k := env.Style.Palette, env.Style.K
	all := c.Bounds()
	c.Clear(p.Background)
	if v.Bare && v.Notice == nil && v.Paint != nil {
		v.Paint(c, all)
		return
	}
	if v.Title != "" {
		title = v.Title
	}
	stale := v.State == model.Stale || model.IsStale(now, v.AsOf, v.Every) && !v.AsOf.IsZero()
	state := v.State
	if state == model.Unknown && (v.Notice == nil || v.Notice.State != model.Unknown) {
		state = model.OK // the zero value: a panel that says nothing of its frame has a quiet one
	}
	paintFrame(c, all, p, k, state, stale)

	row := plot.Rect{X: 16 * k, Y: 0, W: all.W - 32*k, H: 48 * k}
	paintTitle(c, row, env, title, v, stale, now)

	body := g.body(int(all.W), int(all.H))
	switch {
	case body.W < v.MinW*k || body.H < v.MinH*k || body.W < 24*k || body.H < 18*k:
		paintTooSmall(c, body, env)
	case v.Notice != nil:
		paintNotice(c, body, env, v.Notice)
	case v.Paint != nil:
		defer c.Clip(body.Inset(-12 * k))() // strokes and badges may lean over the body's edge, never over the frame
		v.Paint(c, body)
	}
}

// paintFrame draws the surface and an edge that tells the state by weight and pattern, not by hue alone.
func paintFrame(c *plot.Canvas, r plot.Rect, p *plot.Palette, k float64, state model.State, stale bool) {
	rad := radius * k
	c.FillRound(r, rad, p.Surface)
	switch {
	case stale:
		c.Hatch(r, rad, 9*k, 1.5*k, p.Hatch)
		c.StrokeRound(r, rad, 1.5*k, p.Stale, plot.Dash{6 * k, 4 * k})
	case state == model.Unknown:
		c.StrokeRound(r, rad, 1.5*k, p.Unknown, plot.Dash{6 * k, 4 * k})
	case state == model.Critical:
		c.StrokeRound(r, rad, 2*k, p.Critical, nil)
	default:
		c.StrokeRound(r, rad, max(1, k), p.Edge, nil)
	}
}

// paintTitle writes the title, and at the right the unit, a legend, or how old the data is.
func paintTitle(c *plot.Canvas, row plot.Rect, env panels.Env, title string, v *panels.View, stale bool, now time.Time) {
	p, k := env.Style.Palette, env.Style.K
	bold, regular := plot.Font{Size: 18 * k, Bold: true}, plot.Font{Size: 18 * k}
	base := row.Y + 31*k
	right := row.Right()
	plate := func(x, w float64) { // text on a hatched panel stands on a plate
		if stale {
			c.FillRound(plot.Rect{X: x - 6*k, Y: row.Y + 10*k, W: w + 12*k, H: 30 * k}, 3*k, p.Surface)
		}
	}
	switch {
	case stale && !v.AsOf.IsZero():
		text := env.Text("%s old", panels.Duration(env.Text, now.Sub(v.AsOf)))
		w := c.Measure(text, bold)
		plate(right-w-34*k, w+34*k)
		c.Mark(plot.KindStale, right-w-20*k, row.Y+25*k, 24*k, p, k, plot.MarkOptions{})
		c.TextRight(right, base, text, bold, p.Text)
		right -= w + 46*k
	case v.Head != nil:
		w := c.Measure(title, bold)
		restore := c.Clip(row)
		v.Head(c, plot.Rect{X: row.X + w + 24*k, Y: row.Y, W: row.W - w - 24*k, H: row.H})
		restore()
		right = row.X + w + 24*k
	case v.Right != "":
		text := c.Ellipsis(v.Right, regular, row.W*0.6)
		w := c.Measure(text, regular)
		plate(right-w, w)
		c.TextRight(right, base, text, regular, p.Muted)
		right -= w + 16*k
	}
	title = c.Ellipsis(title, bold, right-row.X)
	plate(row.X, c.Measure(title, bold))
	c.Text(row.X, base, title, bold, p.Text2)
}

// paintNotice draws an honest face: what is the matter and what to do about it.
func paintNotice(c *plot.Canvas, r plot.Rect, env panels.Env, n *panels.Notice) {
	p, k := env.Style.Palette, env.Style.K
	const mark, head, line = 40, 26, 28
	cy := r.Y + 34*k
	switch n.State {
	case model.OK:
		c.Disc(r.X+24*k, cy, 11*k, p.OK)
	case model.Critical: // the panel itself is broken: a crossed box in violet, for it says nothing of the world
		box := plot.Rect{X: r.X + 4*k, Y: cy - 20*k, W: mark * k, H: mark * k}
		c.FillRound(box, 4*k, p.UnknownTint)
		c.StrokeRound(box, 4*k, 2*k, p.Unknown, nil)
		c.Line(box.X+11*k, box.Y+11*k, box.Right()-11*k, box.Bottom()-11*k, 2.5*k, p.Unknown, nil)
		c.Line(box.Right()-11*k, box.Y+11*k, box.X+11*k, box.Bottom()-11*k, 2.5*k, p.Unknown, nil)
	case model.Stale:
		c.Mark(plot.KindStale, r.X+24*k, cy, mark*k, p, k, plot.MarkOptions{})
	default:
		c.Mark(plot.KindUnknown, r.X+24*k, cy, mark*k, p, k, plot.MarkOptions{})
	}
	f := plot.Font{Size: head * k, Bold: true}
	c.Text(r.X+62*k, cy+9*k, c.Ellipsis(n.Head, f, r.W-62*k), f, p.Text)
	y, body := cy+58*k, plot.Font{Size: 18 * k}
	col := p.Text2
	for _, text := range n.Lines {
		for _, part := range wrap(c, text, body, r.W, 3) {
			if y > r.Bottom() {
				return
			}
			c.Text(r.X, y, part, body, col)
			y += line * k
		}
		col = p.Muted
	}
}

func paintTooSmall(c *plot.Canvas, r plot.Rect, env panels.Env) {
	k := env.Style.K
	f := plot.Font{Size: 18 * k}
	defer c.Clip(r)()
	c.Text(r.X, r.Y+20*k, c.Ellipsis(env.Text("Too small"), f, r.W), f, env.Style.Palette.Text)
}

// wrap breaks text at spaces into at most lines lines of width; the last is cut with an ellipsis.
func wrap(c *plot.Canvas, text string, f plot.Font, width float64, lines int) []string {
	var out []string
	for rest := text; rest != ""; {
		if len(out) == lines-1 || c.Measure(rest, f) <= width {
			return append(out, c.Ellipsis(rest, f, width))
		}
		cut := 0
		for i, r := range rest {
			if r == ' ' {
				if c.Measure(rest[:i], f) > width {
					break
				}
				cut = i
			}
		}
		if cut == 0 {
			return append(out, c.Ellipsis(rest, f, width))
		}
		out, rest = append(out, rest[:cut]), rest[cut+1:]
	}
	return out
}

// mix blends a share of b into a.
func mix(a, b color.NRGBA, share float64) color.NRGBA {
	m := func(x, y uint8) uint8 { return uint8(float64(x) + (float64(y)-float64(x))*share + 0.5) }
	return color.NRGBA{R: m(a.R, b.R), G: m(a.G, b.G), B: m(a.B, b.B), A: 255}
}
