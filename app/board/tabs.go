package board

import (
	"strconv"

	"github.com/nocturne-noc/nocturne/widgets/panels"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// tabsHeight is what the header grows by, at density 1, where a page has sheets.
const tabsHeight = 46

// tabs are the titles of a page's sheets, side by side at the foot of the header.
type tabs struct {
	titles []string
	active int
}

// places are the titles' rectangles in a header of that size. Where they do not fit all are made
// narrower by the same share.
func (t tabs) places(c *plot.Canvas, env panels.Env, header plot.Rect) []plot.Rect {
	k := env.Style.K
	left, room := (margin-12)*k, header.W-2*(margin-12)*k
	widths, sum := make([]float64, len(t.titles)), 0.0
	for i, title := range t.titles {
		// As wide as it is in bold, so that nothing moves when another one is chosen.
		widths[i] = 58*k + c.Measure(title, plot.Font{Size: 20 * k, Bold: true})
		sum += widths[i]
	}
	squeeze := min(1, room/max(1, sum))
	out := make([]plot.Rect, len(widths))
	for i, w := range widths {
		out[i] = plot.Rect{X: left, Y: header.H - tabsHeight*k, W: w * squeeze, H: tabsHeight * k}
		left += w * squeeze
	}
	return out
}

// paint draws the titles with the digits that choose them. The one that is shown stands on the board's own
// ground, under a bar: it is told by weight and shape, for colour means trouble here.
func (t tabs) paint(c *plot.Canvas, env panels.Env) {
	p, k := env.Style.Palette, env.Style.K
	header := c.Bounds()
	c.FillRect(plot.Rect{Y: header.H - tabsHeight*k - max(1, k), W: header.W, H: max(1, k)}, p.Outline)
	for i, r := range t.places(c, env, header) {
		font, ink, digit := plot.Font{Size: 20 * k}, p.Text2, p.Muted
		if i == t.active {
			font.Bold, ink, digit = true, p.Text, p.Text2
			c.FillRect(plot.Rect{X: r.X, Y: r.Y, W: r.W, H: r.H}, p.Background)
			c.FillRect(plot.Rect{X: r.X, Y: r.Y - max(1, k), W: r.W, H: 3 * k}, p.Text)
		}
		base := r.Y + 30*k
		x := r.X + 14*k
		x += c.Text(x, base, strconv.Itoa(i+1), plot.Font{Size: 18 * k}, digit) + 9*k
		c.Text(x, base, c.Ellipsis(t.titles[i], font, r.Right()-10*k-x), font, ink)
	}
}

// at is the index of the title at a place of the header, -1 for none.
func (t tabs) at(c *plot.Canvas, env panels.Env, x, y float64) int {
	for i, r := range t.places(c, env, c.Bounds()) {
		if x >= r.X && x < r.Right() && y >= r.Y && y < r.Bottom() {
			return i
		}
	}
	return -1
}
