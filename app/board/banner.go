package board

import (
	"github.com/nocturne-noc/nocturne/widgets/panels"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// paintBanner draws the strip at the top: inverse for a replay, amber for trouble of the wall itself.
func paintBanner(c *plot.Canvas, env panels.Env, b Banner) {
	p, k := env.Style.Palette, env.Style.K
	r := c.Bounds()
	ink := p.OnInverse
	var x float64
	if b.Replay {
		c.Clear(p.Inverse)
		c.FillRound(plot.Rect{X: 28.7 * k, Y: 13 * k, W: 4.6 * k, H: 18 * k}, k, ink)
		c.FillRound(plot.Rect{X: 38.8 * k, Y: 13 * k, W: 4.6 * k, H: 18 * k}, k, ink)
		x = 62 * k
	} else {
		ink = p.WarnText
		c.Clear(p.WarnTint)
		c.FillRect(plot.Rect{X: 0, Y: r.H - 2*k, W: r.W, H: 2 * k}, p.Warning)
		c.Mark(plot.KindWarning, 36*k, 21*k, 28*k, p, k, plot.MarkOptions{})
		x = 64 * k
	}
	head, body := plot.Font{Size: 26 * k, Bold: true}, plot.Font{Size: 20 * k}
	if !b.Replay {
		head.Size = 20 * k
	}
	right := r.W - 24*k
	if b.Right != "" {
		f := plot.Font{Size: 20 * k, Bold: true}
		c.TextRight(right, 30*k, b.Right, f, ink)
		right -= c.Measure(b.Right, f) + 24*k
	}
	x += c.Text(x, 31*k, c.Ellipsis(b.Head, head, right-x), head, ink) + 22*k
	c.Text(x, 30*k, c.Ellipsis(b.Text, body, right-x), body, ink)
}

// frameReplay draws the light frame that says at any distance that this is not now.
func frameReplay(c *plot.Canvas, env panels.Env) {
	r, w := c.Bounds(), 4*env.Style.K
	col := env.Style.Palette.Inverse
	c.FillRect(plot.Rect{X: 0, Y: 0, W: w, H: r.H}, col)
	c.FillRect(plot.Rect{X: r.W - w, Y: 0, W: w, H: r.H}, col)
	c.FillRect(plot.Rect{X: 0, Y: r.H - w, W: r.W, H: w}, col)
}
