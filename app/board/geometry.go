// Package board lays panels out on the wall's grid, dresses them with frames, paints the header
// strip, and keeps them up to date (the pump). Everything but view.go is free of Fyne, so a board
// is rendered for a snapshot by the same code that fills the window.
package board

import (
	"image"
	"math"

	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// Measures of the wall at density 1, in pixels of a 1920x1080 screen.
const (
	designW, designH = 1920, 1080
	headerHeight     = 90
	bannerHeight     = 44
	margin           = 18
	gutter           = 12
	radius           = 6
	minDensity       = 0.5
)

// Geometry is where things are on one screen, in whole pixels.
type Geometry struct {
	W, H int
	// K is the density: every inner size of a panel is multiplied by it.
	K             float64
	Banner        image.Rectangle // empty without one
	Header        image.Rectangle
	columns, rows int
	grid          image.Rectangle
	gap           int
}

// NewGeometry divides a screen of w x h pixels into header, grid and, where asked for, a banner at the top.
// textScale enlarges all inner sizes for a greater viewing distance; 1 is 5 m before a 55 inch screen.
func NewGeometry(w, h, columns, rows int, textScale float64, banner bool) Geometry {
	k := math.Max(minDensity, math.Min(float64(w)/designW, float64(h)/designH)*textScale)
	px := func(v float64) int { return int(math.Round(v * k)) }
	g := Geometry{W: w, H: h, K: k, columns: max(1, columns), rows: max(1, rows), gap: px(gutter)}
	top := 0
	if banner {
		g.Banner = image.Rect(0, 0, w, px(bannerHeight))
		top = g.Banner.Max.Y
	}
	g.Header = image.Rect(0, top, w, top+px(headerHeight))
	g.grid = image.Rect(px(margin), g.Header.Max.Y+g.gap, w-px(margin), h-px(margin))
	return g
}

// withTabs is the same with a row of tabs at the header's foot, at the grid's cost.
func (g Geometry) withTabs() Geometry {
	h := int(math.Round(tabsHeight * g.K))
	g.Header.Max.Y += h
	g.grid.Min.Y = min(g.grid.Min.Y+h, g.grid.Max.Y)
	return g
}

// Place is the pixel rectangle of a panel at (column, row, width, height) in grid cells. Cells beyond
// the grid are clamped to it.
func (g Geometry) Place(at [4]int) image.Rectangle {
	col, row := clamp(at[0], 0, g.columns-1), clamp(at[1], 0, g.rows-1)
	right, bottom := clamp(at[0]+at[2], col+1, g.columns), clamp(at[1]+at[3], row+1, g.rows)
	x0, x1 := edge(g.grid.Min.X, g.grid.Dx(), g.gap, col, g.columns), edge(g.grid.Min.X, g.grid.Dx(), g.gap, right, g.columns)
	y0, y1 := edge(g.grid.Min.Y, g.grid.Dy(), g.gap, row, g.rows), edge(g.grid.Min.Y, g.grid.Dy(), g.gap, bottom, g.rows)
	return image.Rect(x0, y0, x1-g.gap, y1-g.gap)
}

// edge is where cell i of n begins: n cells and n-1 gaps fill size; rounding is shared out so that
// neighbours always keep exactly one gap.
func edge(origin, size, gap, i, n int) int {
	return origin + int(math.Round(float64(i)*float64(size+gap)/float64(n)))
}

func clamp(v, lo, hi int) int { return max(lo, min(v, hi)) }

// body is the part of a panel of w x h pixels that is left below its title.
func (g Geometry) body(w, h int) plot.Rect {
	pad, top, bottom := 16*g.K, 48*g.K, 14*g.K
	return plot.Rect{X: pad, Y: top, W: math.Max(0, float64(w)-2*pad), H: math.Max(0, float64(h)-top-bottom)}
}
