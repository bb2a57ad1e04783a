package plot

import (
	"image/color"
	"math"
	"sort"
)

// bandWindow returns the ranges of an ordered band that lie in start..end, if only in part.
func bandWindow(in []Range, start, end int64) []Range {
	lo := sort.Search(len(in), func(i int) bool { return in[i].To > start })
	hi := sort.Search(len(in), func(i int) bool { return in[i].From >= end })
	return in[lo:max(lo, hi)]
}

// bandPeak is the greatest distance from 0 in sight.
func bandPeak(in []Range, start, end int64) float64 {
	peak := 0.0
	for _, r := range bandWindow(in, start, end) {
		if finite(r.Lo) && finite(r.Hi) {
			peak = math.Max(peak, math.Max(math.Abs(r.Lo), math.Abs(r.Hi)))
		}
	}
	return peak
}

// bandPassed tells whether any part of the band is past the limit.
func bandPassed(band []Range, limit Limit) bool {
	for _, r := range band {
		if limit.passed(r.Hi) || limit.passed(r.Lo) {
			return true
		}
	}
	return false
}

// decimateBand appends to dst what is needed to draw in over columns pixels from start to end: ranges
// that touch and share a pixel become one, which is as wide as all of them.
func decimateBand(dst, in []Range, start, end int64, columns int) []Range {
	if columns < 1 || end <= start {
		return dst
	}
	pixel := float64(end-start) / float64(columns)
	base := len(dst)
	for _, r := range bandWindow(in, start, end) {
		if !finite(r.Lo) || !finite(r.Hi) || r.To <= r.From {
			continue
		}
		if n := len(dst); n > base && r.From <= dst[n-1].To && float64(r.To-dst[n-1].From) <= pixel {
			last := &dst[n-1]
			last.To, last.Lo, last.Hi = r.To, math.Min(last.Lo, r.Lo), math.Max(last.Hi, r.Hi)
			continue
		}
		dst = append(dst, r)
	}
	return dst
}

// restColumns is the resolution of the band that stands for the rest.
const restColumns = 120

// addRest widens the band of the rest by a series and its own band.
func (d *chartDrawing) addRest(line *Line) {
	width := float64(d.end-d.start) / restColumns
	at := func(t int64) int { return max(0, min(int(float64(t-d.start)/width), restColumns-1)) }
	if len(d.rest) == 0 {
		edge := func(i int) int64 { return d.start + int64(float64(i)*width) }
		for i := range restColumns {
			d.rest = append(d.rest, Range{From: edge(i), To: edge(i + 1), Lo: math.NaN(), Hi: math.NaN()})
		}
	}
	widen := func(r *Range, lo, hi float64) {
		if !(r.Lo <= lo) {
			r.Lo = lo
		}
		if !(r.Hi >= hi) {
			r.Hi = hi
		}
	}
	for _, s := range Window(line.Points, d.start, d.end) {
		if finite(s.V) && s.T >= d.start {
			widen(&d.rest[at(s.T)], s.V, s.V)
		}
	}
	for _, r := range bandWindow(line.Band, d.start, d.end) {
		if finite(r.Lo) && finite(r.Hi) {
			for i := at(r.From); i <= at(r.To-1); i++ {
				widen(&d.rest[i], r.Lo, r.Hi)
			}
		}
	}
}

// drawBands draws the lines' envelopes: fainter the more of them there are, so that the lines stay
// what is seen first, and in a limit's colour where they are past it.
func (d *chartDrawing) drawBands() {
	n := 0
	for i := range d.lines {
		if len(d.lines[i].band) > 0 {
			n++
		}
	}
	if n == 0 {
		return
	}
	share := 0.38 / (1 + 0.22*float64(n-1))
	if d.restN > 0 {
		share /= 2
	}
	for i := range d.lines {
		l := &d.lines[i]
		d.drawBand(l.band, d.alpha(l.colour, share))
		for _, severity := range [2]Kind{KindWarning, KindCritical} {
			for _, limit := range d.spec.Limits {
				if limit.Severity == severity && finite(limit.Value) && bandPassed(l.band, limit) {
					restore := d.c.Clip(d.beyond(limit))
					d.drawBand(l.band, d.alpha(d.p.State(severity), 0.55))
					restore()
				}
			}
		}
	}
}

// beyond is the part of the plot that lies past a limit.
func (d *chartDrawing) beyond(limit Limit) Rect {
	r := d.plot.Inset(-2 * d.k)
	edge := clamp(d.y.At(limit.Value), r.Y, r.Bottom())
	if limit.Below {
		return Rect{r.X, edge, r.W, r.Bottom() - edge}
	}
	return Rect{r.X, r.Y, r.W, edge - r.Y}
}

// drawBand fills between the lower and the upper ends of ranges. Where two meet, the wider one
// counts: the envelope holds every value, and what lasted for one range is not drawn to a hair.
func (d *chartDrawing) drawBand(band []Range, col color.NRGBA) {
	for i := 0; i < len(band); {
		j := i
		for j < len(band) && finite(band[j].Lo) && finite(band[j].Hi) && (j == i || band[j].From <= band[j-1].To) {
			j++
		}
		if j > i {
			d.fillBand(band[i:j], col)
		}
		i = max(j, i+1)
	}
}

// fillBand fills ranges that touch.
func (d *chartDrawing) fillBand(run []Range, col color.NRGBA) {
	d.points = d.points[:0]
	edge := func(pick func(a, b float64) float64, of func(Range) float64) {
		d.points = append(d.points, Point{d.x.At(float64(run[0].From)), d.y.At(of(run[0]))})
		for i, r := range run {
			next := run[min(i+1, len(run)-1)]
			d.points = append(d.points, Point{d.x.At(float64(r.To)), d.y.At(pick(of(r), of(next)))})
		}
	}
	edge(math.Max, func(r Range) float64 { return r.Hi })
	edge(math.Min, func(r Range) float64 { return r.Lo })
	half := len(run) + 1
	d.c.Between(d.points[:half], d.points[half:], col)
}
