package plot

import (
	"image/color"
	"math"
	"time"
)

// drawPlot draws everything within the axes, what matters most last.
func (d *chartDrawing) drawPlot() {
	if d.plot.Empty() {
		return
	}
	inside := d.plot
	inside.Y, inside.H = inside.Y-2*d.k, inside.H+4*d.k
	inside.W += 2 * d.k
	restore := d.c.Clip(inside)
	d.drawStretches()
	d.drawBand(d.rest, d.p.BarTrack)
	if d.spec.Stacked {
		d.drawStack()
	} else {
		d.drawAreas()
		d.drawBands()
	}
	d.drawNow()
	d.drawLimits()
	if !d.spec.Stacked {
		for urgent := range 4 {
			for i := range d.lines {
				if l := &d.lines[i]; urgency(l.kind) == urgent {
					d.drawLine(l)
				}
			}
		}
	}
	restore()
	d.drawMoments()
	d.drawStretchLabels()
	if d.labelled {
		d.drawLabels()
	}
}

// alpha returns col with its alpha multiplied.
func (d *chartDrawing) alpha(col color.NRGBA, share float64) color.NRGBA {
	col.A = uint8(float64(col.A)*share + 0.5)
	return col
}

// at returns the pixel of a sample.
func (d *chartDrawing) at(s Sample) Point { return Point{d.x.At(float64(s.T)), d.y.At(s.V)} }

// base is the pixel row that areas and bars stand on.
func (d *chartDrawing) base() float64 {
	if d.spec.Log {
		return d.plot.Bottom()
	}
	return clamp(d.y.At(0), d.plot.Y, d.plot.Bottom())
}

// runs calls draw with each unbroken stretch of samples, in pixels.
func (d *chartDrawing) runs(samples []Sample, draw func([]Point)) {
	d.points = d.points[:0]
	for _, s := range samples {
		if finite(s.V) {
			d.points = append(d.points, d.at(s))
			continue
		}
		if len(d.points) > 0 {
			draw(d.points)
			d.points = d.points[:0]
		}
	}
	if len(d.points) > 0 {
		draw(d.points)
	}
}

// drawAreas fills below the lines that ask for it. One area is opaque; several
// shine through each other in their lines' colours.
func (d *chartDrawing) drawAreas() {
	areas := 0
	for i := range d.lines {
		if d.lines[i].Area {
			areas++
		}
	}
	base := d.base()
	for i := range d.lines {
		l := &d.lines[i]
		if !l.Area {
			continue
		}
		col := d.p.Area2
		if areas > 1 {
			col = d.alpha(l.colour, 0.16)
		}
		d.runs(l.samples, func(pts []Point) { d.fillTo(pts, base, col) })
	}
}

// fillTo fills between a line and the base, above and below it.
func (d *chartDrawing) fillTo(pts []Point, base float64, col color.NRGBA) {
	above := true
	for _, p := range pts {
		above = above && p.Y <= base
	}
	if above {
		d.c.Area(pts, base, col)
		return
	}
	pts = append(pts, Point{pts[len(pts)-1].X, base}, Point{pts[0].X, base})
	d.points = pts
	// A line that crosses the base goes round its halves in opposite directions;
	// the rasterizer fills both.
	d.c.Polygon(pts, col)
}

// drawStack draws the series on top of each other, where there are any.
func (d *chartDrawing) drawStack() {
	var upper, lower [stackColumns + 1]Point
	known := d.stack(func(*chartLine, int64, float64, float64) {})
	n := 0
	d.stack(func(l *chartLine, t int64, low, high float64) {
		x := d.x.At(float64(t))
		upper[n], lower[n] = Point{x, d.y.At(high)}, Point{x, d.y.At(low)}
		if n++; n < len(upper) {
			return
		}
		n = 0
		for from := 0; from < len(known); from++ {
			to := from
			for to < len(known) && known[to] {
				to++
			}
			if to-from > 1 {
				d.drawLayer(l, upper[from:to], lower[from:to])
			}
			from = to
		}
	})
}

// drawLayer draws an unbroken stretch of one series of a stack.
func (d *chartDrawing) drawLayer(l *chartLine, upper, lower []Point) {
	d.points = append(d.points[:0], upper...)
	for i := len(lower) - 1; i >= 0; i-- {
		d.points = append(d.points, lower[i])
	}
	d.c.Polygon(d.points, d.alpha(l.colour, 0.35))
	if !l.rest {
		d.c.Polyline(upper, 1.5*d.k, l.colour, nil)
	}
}

// drawLine draws a series, and over it the parts that are past a limit.
func (d *chartDrawing) drawLine(l *chartLine) {
	if l.Bars {
		d.drawBars(l)
		return
	}
	d.strokeSamples(l.samples, l.width, l.colour, l.dash)
	if since := l.Since.UnixMilli(); !l.Since.IsZero() && urgency(l.Severity) >= 2 {
		restore := d.c.Clip(Rect{d.x.At(float64(since)) - 2*d.k, 0, 1 << 16, 1 << 16})
		d.strokeSamples(l.samples, math.Max(3*d.k, l.width), d.p.State(l.Severity), nil)
		restore()
	}
	for _, severity := range [2]Kind{KindWarning, KindCritical} {
		for _, limit := range d.spec.Limits {
			if limit.Severity == severity && finite(limit.Value) {
				d.past(l.samples, limit, func(pts []Point) {
					d.c.Polyline(pts, math.Max(3*d.k, l.width), d.p.State(severity), nil)
				})
			}
		}
	}
}

// strokeSamples draws the unbroken stretches as lines and lonely samples as dots.
func (d *chartDrawing) strokeSamples(samples []Sample, width float64, col color.NRGBA, dash Dash) {
	d.runs(samples, func(pts []Point) {
		if len(pts) == 1 {
			d.c.Disc(pts[0].X, pts[0].Y, math.Max(0.8*width, 1.5), col)
			return
		}
		d.c.Polyline(pts, width, col, dash)
	})
}

// past calls draw with each stretch of the line that lies past a limit, cut
// where the line crosses it.
func (d *chartDrawing) past(samples []Sample, limit Limit, draw func([]Point)) {
	d.points = d.points[:0]
	emit := func() {
		if len(d.points) > 1 {
			draw(d.points)
		}
		d.points = d.points[:0]
	}
	edge := d.y.At(limit.Value)
	cross := func(a, b Sample) Point {
		p, q := d.at(a), d.at(b)
		return Point{p.X + (q.X-p.X)*(edge-p.Y)/(q.Y-p.Y), edge}
	}
	for i, s := range samples {
		if !finite(s.V) {
			emit()
			continue
		}
		joined := i > 0 && finite(samples[i-1].V)
		bad := limit.passed(s.V)
		if joined && bad != limit.passed(samples[i-1].V) {
			d.points = append(d.points, cross(samples[i-1], s))
			if !bad {
				emit()
			}
		}
		if bad {
			d.points = append(d.points, d.at(s))
		}
	}
	emit()
}

// drawBars draws each sample as a bar over the time since the one before, which
// is what rates and increases speak of.
func (d *chartDrawing) drawBars(l *chartLine) {
	pitch := d.plot.W
	for i := 1; i < len(l.samples); i++ {
		if step := d.x.At(float64(l.samples[i].T)) - d.x.At(float64(l.samples[i-1].T)); step > 0 {
			pitch = math.Min(pitch, step)
		}
	}
	if len(l.samples) < 2 {
		pitch = math.Min(pitch, 20*d.k)
	}
	w := math.Max(1, math.Round(math.Min(pitch*0.78, 40*d.k)))
	base := math.Round(d.base())
	for _, s := range l.samples {
		if !finite(s.V) {
			continue
		}
		col := d.p.Bar
		if l.Colour.A != 0 {
			col = l.Colour
		}
		if kind := d.kindOf(s.V); kind != KindNone {
			col = d.p.State(kind)
		}
		p := d.at(s)
		x, y := math.Round(p.X-(pitch+w)/2), math.Min(p.Y, base)
		d.c.FillRect(Rect{x, y, w, math.Max(math.Abs(p.Y-base), 1)}, col)
	}
}

// drawLimits draws the thresholds: grey until a value in sight has passed.
func (d *chartDrawing) drawLimits() {
	for _, limit := range d.spec.Limits {
		y := math.Round(d.y.At(limit.Value))
		if !finite(y) || y < d.plot.Y || y > d.plot.Bottom() {
			continue
		}
		col, dash := d.p.Muted, Dash{2 * d.k, 4 * d.k}
		if d.crossed(limit) {
			col, dash = d.p.State(limit.Severity), Dash{2 * d.k, 5 * d.k}
		}
		d.c.Line(d.plot.X, y, d.plot.Right(), y, 1.5*d.k, col, dash)
	}
}

// crossed tells whether any value in sight is past the limit.
func (d *chartDrawing) crossed(limit Limit) bool {
	for i := range d.lines {
		for _, s := range d.lines[i].samples {
			if s.T >= d.start && s.T <= d.end && limit.passed(s.V) {
				return true
			}
		}
		if bandPassed(d.lines[i].band, limit) {
			return true
		}
	}
	return false
}

// drawNow draws the present where the chart reaches into the future.
func (d *chartDrawing) drawNow() {
	if d.spec.Now.IsZero() {
		return
	}
	now := d.spec.Now.UnixMilli()
	if now <= d.start || now >= d.end-(d.end-d.start)/200 {
		return
	}
	x := math.Floor(d.x.At(float64(now))) + 0.5
	d.c.Line(x, d.plot.Y, x, d.plot.Bottom(), 1, d.p.Outline, nil)
}

// drawMoments draws the upright dashed lines and their words, which step aside
// from each other: a word without room is left out, its line stays.
func (d *chartDrawing) drawMoments() {
	f := Font{Size: 18 * d.k, Bold: true}
	for _, m := range d.spec.Moments {
		t := m.At.UnixMilli()
		if t < d.start || t > d.end {
			continue
		}
		x := math.Floor(d.x.At(float64(t))) + 0.5
		d.c.Line(x, d.plot.Y, x, d.plot.Bottom(), math.Max(1, math.Round(d.k)), d.p.Muted, Dash{3 * d.k, 3 * d.k})
		if m.Label == "" || !d.axes {
			continue
		}
		text := d.c.Ellipsis(m.Label, f, d.plot.W/2)
		w := d.c.Measure(text, f)
		for _, left := range [2]float64{x - 7*d.k - w, x + 7*d.k} {
			if d.word(left, text, w, f, d.p.Text2) {
				break
			}
		}
	}
}

// word writes a text of width w at the top of the plot where there is room for it from left on.
func (d *chartDrawing) word(left float64, text string, w float64, f Font, col color.NRGBA) bool {
	box := Rect{left, d.plot.Y, w, 18 * d.k}
	if left < d.plot.X || left+w > d.plot.Right() {
		return false
	}
	for _, other := range d.taken {
		if !box.InsetXY(-8*d.k, 0).Intersect(other).Empty() {
			return false
		}
	}
	d.c.FillRect(box.InsetXY(-3*d.k, 0), d.p.Surface) // lines do not run through words
	d.c.Text(left, d.plot.Y+14*d.k, text, f, col)
	d.taken = append(d.taken, box)
	return true
}

// Spark is a line without axes, for a figure's side.
type Spark struct {
	Points     []Sample
	Band       []Range // as in a Line
	Stretches  []Stretch
	Start, End time.Time
	Colour     color.NRGBA // the first series' colour by default
	Area       bool
	Dot        bool // the newest sample as a dot
	Limit      *Limit
	MaxGap     time.Duration
	YMin, YMax *float64
}

// Sparkline draws s within r.
func Sparkline(c *Canvas, r Rect, s *Spark, st Style) {
	if r.Empty() || !r.finite() || s == nil || st.Palette == nil || !s.End.After(s.Start) {
		return
	}
	d := chartPool.Get().(*chartDrawing)
	defer d.release()
	d.c, d.p, d.k = c, st.Palette, st.K
	if d.k <= 0 {
		d.k = 1
	}
	spec := Chart{
		Start: s.Start, End: s.End, MaxGap: s.MaxGap, Stretches: s.Stretches,
		Series: []Line{{Points: s.Points, Band: s.Band, Colour: s.Colour, Width: 2 * d.k, Area: s.Area}},
	}
	if s.Limit != nil {
		spec.Limits = []Limit{*s.Limit}
	}
	d.spec = &spec
	d.start, d.end = s.Start.UnixMilli(), s.End.UnixMilli()
	if !d.prepare(int(math.Ceil(r.W))) {
		return
	}
	d.lo, d.hi = d.extent()
	for _, l := range spec.Limits {
		d.lo, d.hi = math.Min(d.lo, l.Value), math.Max(d.hi, l.Value)
	}
	if s.YMin != nil {
		d.lo = *s.YMin
	}
	if s.YMax != nil {
		d.hi = *s.YMax
	}
	restore := c.Clip(r)
	defer restore()
	margin := 2 * d.k
	if s.Dot {
		margin = 5 * d.k
	}
	d.plot = Rect{r.X, r.Y + margin, r.W - margin, r.H - 2*margin}
	if d.plot.Empty() {
		return
	}
	d.x = Linear(float64(d.start), float64(d.end), d.plot.X, d.plot.Right())
	d.y = Linear(d.lo, d.hi, d.plot.Bottom(), d.plot.Y)
	l := &d.lines[0]
	d.drawStretches()
	if s.Area {
		d.runs(l.samples, func(pts []Point) { c.Area(pts, r.Bottom(), d.p.Area) })
	}
	d.drawBands()
	d.drawLimits()
	d.drawLine(l)
	if s.Dot && finite(l.last.V) {
		p := d.at(l.last)
		c.Disc(p.X, p.Y, 4.5*d.k, d.p.Text)
	}
}
