package plot

import (
	"math"
	"time"
)

// Stretch is a time of which something is known that the data itself does not tell, for example that
// it was lost: a hatch behind the lines, which cannot be taken for data.
type Stretch struct {
	Start, End time.Time
	Label      string
	// Faint is what is no trouble: a fainter hatch, left out where it is too short to be seen, and
	// labelled only where the words fit into it.
	Faint bool
}

const (
	stretchLeast = 3 // pixels at density 1 that a stretch of trouble is wide at least
	faintLeast   = 4 // below which a faint one is left out
)

// box is where the stretch is in the plot, empty where it is not drawn.
func (d *chartDrawing) box(s Stretch) Rect {
	from, to := s.Start.UnixMilli(), s.End.UnixMilli()
	if to < d.start || from > d.end || to < from {
		return Rect{}
	}
	x := clamp(d.x.At(float64(from)), d.plot.X, d.plot.Right())
	w := clamp(d.x.At(float64(to)), d.plot.X, d.plot.Right()) - x
	switch least := stretchLeast * d.k; {
	case s.Faint && w < faintLeast*d.k:
		return Rect{}
	case w < least:
		x = clamp(x+w/2-least/2, d.plot.X, d.plot.Right()-least)
		w = least
	}
	left := math.Floor(x)
	return Rect{left, d.plot.Y, math.Ceil(x+w) - left, d.plot.H}
}

// drawStretches hatches the stretches, those of trouble over the others.
func (d *chartDrawing) drawStretches() {
	for _, faint := range [2]bool{true, false} {
		for _, s := range d.spec.Stretches {
			r := d.box(s)
			if s.Faint != faint || r.Empty() {
				continue
			}
			if faint {
				d.c.Hatch(r, 0, 9*d.k, 1.5*d.k, d.p.Hatch)
				continue
			}
			d.c.Hatch(r, 0, 9*d.k, 2*d.k, d.p.Hatch2)
			for _, x := range [2]float64{r.X + 0.5, r.Right() - 0.5} {
				d.c.Line(x, r.Y, x, r.Bottom(), math.Max(1, math.Round(d.k)), d.p.Stale, Dash{6 * d.k, 4 * d.k})
			}
		}
	}
}

// drawStretchLabels writes what the stretches are: within them, else, for trouble, beside them.
func (d *chartDrawing) drawStretchLabels() {
	if !d.axes {
		return
	}
	f := d.font()
	for _, s := range d.spec.Stretches {
		r := d.box(s)
		if s.Label == "" || r.Empty() {
			continue
		}
		text := d.c.Ellipsis(s.Label, f, d.plot.W/2)
		w := d.c.Measure(text, f)
		if w+12*d.k <= r.W {
			d.word(r.X+(r.W-w)/2, text, w, f, d.p.Muted)
			continue
		}
		if s.Faint {
			continue
		}
		if !d.word(r.Right()+7*d.k, text, w, f, d.p.Muted) {
			d.word(r.X-7*d.k-w, text, w, f, d.p.Muted)
		}
	}
}
