package panels

import (
	"image/color"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// colour is what canvases draw with.
type colour = color.NRGBA

// pen draws in the wall's style. Sizes of text and marks are given at density 1 and multiplied by
// the density here; places are in pixels.
type pen struct {
	*plot.Canvas
	p *plot.Palette
	k float64
}

func newPen(c *plot.Canvas, st plot.Style) pen { return pen{c, st.Palette, st.K} }

func (n pen) font(size float64, bold bool) plot.Font {
	return plot.Font{Size: size * n.k, Bold: bold}
}

// text writes s from x on and returns where it ends.
func (n pen) text(x, baseline float64, s string, size float64, bold bool, col colour) float64 {
	return x + n.Text(x, baseline, s, n.font(size, bold), col)
}

// right writes s so that it ends at x and returns where it begins.
func (n pen) right(x, baseline float64, s string, size float64, bold bool, col colour) float64 {
	return x - n.TextRight(x, baseline, s, n.font(size, bold), col)
}

func (n pen) width(s string, size float64, bold bool) float64 {
	return n.Measure(s, n.font(size, bold))
}

// fit cuts s to w pixels.
func (n pen) fit(s string, size float64, bold bool, w float64) string {
	return n.Ellipsis(s, n.font(size, bold), w)
}

// rule draws a hairline on whole pixels.
func (n pen) rule(x0, x1, y float64, col colour) {
	n.FillRect(plot.Rect{X: x0, Y: float64(int(y)), W: x1 - x0, H: max(1, float64(int(n.k)))}, col)
}

// mark draws the mark of a state, size high.
func (n pen) mark(s model.State, x, y, size float64) {
	n.Mark(markKind(s), x, y, size*n.k, n.p, n.k, plot.MarkOptions{})
}

// plate writes s in inverted video, the only way that a critical figure is set, ending at x.
// It returns where the plate begins. Other states get an outlined plate.
func (n pen) plate(x, baseline float64, s string, size float64, state model.State) float64 {
	pad := size * n.k / 3
	w := n.width(s, size, true) + 2*pad
	box := plot.Rect{X: x - w, Y: baseline - size*1.06*n.k, W: w, H: size * 1.42 * n.k}
	ink := n.p.OnCrit
	if state == model.Critical {
		n.FillRound(box, 4*n.k, n.p.Critical)
	} else {
		n.FillRound(box, 4*n.k, n.p.Tint(markKind(state)))
		n.StrokeRound(box, 4*n.k, 1.5*n.k, n.p.State(markKind(state)), nil)
		ink = n.p.Ink(markKind(state))
	}
	n.text(box.X+pad, baseline, s, size, true, ink)
	return box.X
}

// bar draws a horizontal bar filled to share (0..1) of its length.
func (n pen) bar(r plot.Rect, share float64, col colour) {
	n.FillRound(r, 2*n.k, n.p.BarTrack)
	r.W *= clamp01(share)
	if r.W >= 1 {
		n.FillRound(r, 2*n.k, col)
	}
}

// hatched marks a row or a box as stale. What is written on it stands on plates.
func (n pen) hatched(r plot.Rect) {
	n.Hatch(r, 3*n.k, 9*n.k, 1.5*n.k, n.p.Hatch)
}

// under clears a plate behind text that is to be written on a hatched ground.
func (n pen) under(x0, x1, baseline, size float64) {
	n.FillRect(plot.Rect{X: x0 - 3*n.k, Y: baseline - size*n.k, W: x1 - x0 + 6*n.k, H: size * 1.3 * n.k}, n.p.Surface)
}

// ink is the colour of a figure in a state.
func (n pen) ink(s model.State) colour {
	switch s {
	case model.Stale, model.Unknown, model.Maintenance:
		return n.p.Muted
	case model.OK:
		return n.p.Text
	}
	return n.p.Ink(markKind(s))
}

// markKind is the mark of a state.
func markKind(s model.State) plot.Kind {
	switch s {
	case model.OK:
		return plot.KindOK
	case model.Warning:
		return plot.KindWarning
	case model.Critical:
		return plot.KindCritical
	case model.Stale:
		return plot.KindStale
	case model.Maintenance:
		return plot.KindMaintenance
	}
	return plot.KindUnknown
}

func clamp01(v float64) float64 {
	if !(v > 0) { // NaN too
		return 0
	}
	return min(v, 1)
}

// clock says an instant by its time of day, with the date when that was not today.
func clock(t, now time.Time, loc *time.Location, layout string) string {
	t, now = t.In(loc), now.In(loc)
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format(layout)
	}
	return t.Format("01-02 15:04")
}

// middle cuts s to w pixels. A name such as shop/checkout-56c859bbc9-8bl4b is cut in its middle, so
// that the head and the tail that tell it from its like both stay; words are cut at their end.
func middle(n pen, s string, size float64, bold bool, w float64) string {
	if n.width(s, size, bold) <= w || strings.ContainsRune(s, ' ') {
		return n.fit(s, size, bold, w)
	}
	letters := []rune(s)
	tail := len(letters) - min(5, len(letters)) // a pod's own letters
	if dash := strings.LastIndexByte(s, '-'); dash > 0 && len(s)-dash <= 12 {
		tail = len([]rune(s[:dash+1]))
	}
	end := string(letters[tail:])
	for head := tail; head >= 3; head-- {
		if cut := string(letters[:head]) + "…" + end; n.width(cut, size, bold) <= w {
			return cut
		}
	}
	return n.fit(s, size, bold, w)
}

// wrapWords breaks text at spaces into at most lines lines of w pixels; the last is cut.
func wrapWords(n pen, text string, size float64, bold bool, w float64, lines int) []string {
	var out []string
	for text != "" {
		if len(out) == lines-1 || n.width(text, size, bold) <= w {
			return append(out, n.fit(text, size, bold, w))
		}
		cut := strings.LastIndexByte(text, ' ')
		for cut > 0 && n.width(text[:cut], size, bold) > w {
			cut = strings.LastIndexByte(text[:cut], ' ')
		}
		if cut <= 0 {
			return append(out, n.fit(text, size, bold, w))
		}
		out, text = append(out, text[:cut]), strings.TrimLeft(text[cut:], " ")
	}
	return out
}
