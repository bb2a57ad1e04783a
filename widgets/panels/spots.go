package panels

import "github.com/nocturne-noc/nocturne/widgets/plot"

// rowSpot is the place of a row that begins y below the body's top.
func rowSpot(env Env, y, h float64) plot.Rect { return plot.Rect{Y: y, W: env.Size.W, H: h} }

// wholePlace is the place of a bare panel, from its corner: what the body of env.Size was cut from.
// The margins are alike on the left, the right and below.
func wholePlace(env Env) plot.Rect {
	b := env.Size
	return plot.Rect{W: b.W + 2*b.X, H: b.Y + b.H + b.X}
}
