package plot

import (
	"image/color"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	gochart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// MaxSeries is how many lines a chart draws by themselves. Of more, the first
// MaxSeries-1 by severity and size stay, and the rest become one band.
const MaxSeries = 7

// Chart is what a time-series chart shows. The zero value of an optional field
// leaves the matter to the chart.
type Chart struct {
	Series     []Line
	Start, End time.Time
	Unit       string
	YMin, YMax *float64 // fixed ends of the value axis
	Limits     []Limit
	Moments    []Moment
	Now        time.Time     // drawn as a line where it lies before End
	MaxGap     time.Duration // a longer pause between samples is a gap; 0: never
	Stacked    bool          // series stand on each other
	Mirror     bool          // values below 0 are written without their sign (in below, out above)
	Log        bool          // logarithmic value axis
	EndLabels  bool          // names and last values at the lines' ends
	Stretches  []Stretch     // what is known of the data itself, drawn behind it
	Loc        *time.Location
	Lang       string // of dates on the time axis: "ko", else English
	Empty      string // written where there is no sample at all; "No sample" by default
}

// Line is one series of a chart. Points are ordered by time; NaN is a gap.
type Line struct {
	Name     string
	Label    string // at the line's end instead of name and last value
	Points   []Sample
	Band     []Range     // an envelope around the line, ordered by time; not in stacks
	Colour   color.NRGBA // the palette's series colour by default
	Width    float64     // in pixels
	Dash     Dash
	Area     bool // filled down to 0
	Bars     bool // drawn as bars
	Severity Kind // of the series as it is now; otherwise the limits decide
	// Since is when Severity began: from then on the line is drawn in its colour.
	Since time.Time
}

// Range is the extent of a series during a while (milliseconds). Whiles that touch
// are one envelope; a pause between them is a gap, and so is what is not finite.
type Range struct {
	From, To int64
	Lo, Hi   float64
}

// Limit is a threshold. It is grey until a value in sight has passed it.
type Limit struct {
	Value    float64
	Label    string // at the right, with EndLabels
	Severity Kind   // KindWarning or KindCritical
	Below    bool   // values below are what it warns of
}

// passed tells whether v is on the bad side.
func (l Limit) passed(v float64) bool {
	if l.Below {
		return v < l.Value
	}
	return v > l.Value
}

// Moment is something that happened: a dashed upright line with a word.
type Moment struct {
	At    time.Time
	Label string
}

// chartDrawing is one chart being drawn. Its buffers are pooled.
type chartDrawing struct {
	c    *Canvas
	spec *Chart
	p    *Palette
	k    float64
	loc  *time.Location

	lines    []chartLine
	rest     []Range // envelope of the series that are not drawn by themselves
	restN    int
	samples  []Sample // what the lines draw, one after another
	ranges   []Range  // what their bands draw
	points   []Point
	labels   []endLabel
	taken    []Rect // places of words within the plot
	order    []rankedLine
	lo, hi   float64
	step     float64
	axis     AxisUnit
	start    int64
	end      int64
	plot     Rect // set by go-chart's layout
	x, y     Scale
	axes     bool // there is room for axes and words
	labelled bool
}

// chartLine is a series as it is drawn.
type chartLine struct {
	*Line
	colour  color.NRGBA
	dash    Dash
	width   float64
	samples []Sample
	band    []Range
	last    Sample // the newest reading, V NaN where there is none
	kind    Kind
	rest    bool
}

var chartPool = sync.Pool{New: func() any { return new(chartDrawing) }}

// DrawChart draws a time-series chart within r. go-chart lays out the axes and
// their ticks; the lines are drawn with fractions of a pixel.
func DrawChart(c *Canvas, r Rect, spec *Chart, st Style) {
	if r.Empty() || !r.finite() || spec == nil || st.Palette == nil {
		return
	}
	restore := c.Clip(r)
	defer restore()
	d := chartPool.Get().(*chartDrawing)
	defer d.release()
	d.c, d.spec, d.p, d.k, d.loc = c, spec, st.Palette, st.K, spec.Loc
	if d.k <= 0 {
		d.k = 1
	}
	if d.loc == nil {
		d.loc = st.Loc
	}
	if d.loc == nil {
		d.loc = time.UTC
	}
	d.start, d.end = spec.Start.UnixMilli(), spec.End.UnixMilli()
	if d.end <= d.start {
		d.note(r, "The chart's end is not after its start")
		return
	}
	if !d.prepare(int(math.Ceil(r.W))) {
		empty := spec.Empty
		if empty == "" {
			empty = "No sample"
		}
		d.note(r, empty)
		return
	}
	d.render(r)
}

// release gives the buffers back without what they point to.
func (d *chartDrawing) release() {
	clear(d.lines)
	clear(d.labels)
	clear(d.order)
	*d = chartDrawing{
		lines: d.lines[:0], rest: d.rest[:0], samples: d.samples[:0], ranges: d.ranges[:0],
		points: d.points[:0], labels: d.labels[:0], taken: d.taken[:0], order: d.order[:0],
	}
	chartPool.Put(d)
}

// note writes a line of text where a chart would be.
func (d *chartDrawing) note(r Rect, text string) {
	f := Font{Size: 18 * d.k}
	text = d.c.Ellipsis(text, f, r.W)
	d.c.TextCenter(r.X+r.W/2, r.Y+r.H/2+6*d.k, text, f, d.p.Muted)
}

// font is the font of labels and axes.
func (d *chartDrawing) font() Font { return Font{Size: 18 * d.k} }

// render lays the chart out through go-chart, which calls back to draw.
func (d *chartDrawing) render(r Rect) {
	d.scaleValues(r.H)
	d.axes = r.H >= 72*d.k && r.W >= 120*d.k
	d.labelled = d.spec.EndLabels && d.axes && r.W >= 240*d.k
	right := 0.0
	if d.labelled {
		right = d.gatherLabels(0.45 * r.W)
	}
	// go-chart reads a padding of 0 as its own default, hence the margin around r.
	const pad = 5
	outer := Rect{math.Round(r.X) - pad, math.Round(r.Y) - pad, math.Floor(r.W) + 2*pad, math.Floor(r.H) + 2*pad}
	yTicks := d.valueTicks()
	xr := &axisRange{scale: Linear(float64(d.start), float64(d.end), 0, 0)}
	yr := &axisRange{scale: d.valueScale(0, 0)}
	outline, label := style(d.p.Outline, 1), gochart.Style{
		ClassName: classY, FontSize: 18 * d.k, FontColor: drawing.Color(d.p.Muted), StrokeWidth: 1,
	}
	xStyle := outline
	xStyle.ClassName, xStyle.FontSize, xStyle.FontColor = classX, label.FontSize, label.FontColor
	g := gochart.Chart{
		Width: int(outer.W), Height: int(outer.H),
		ColorPalette: noColours{},
		Background:   gochart.Style{Padding: gochart.Box{Top: pad + int(math.Ceil(2*d.k)), Left: pad, Bottom: pad, Right: pad + int(math.Ceil(right))}},
		XAxis: gochart.XAxis{
			Style: xStyle, Range: xr,
			GridMajorStyle: gochart.Hidden(), GridMinorStyle: gochart.Hidden(),
		},
		YAxis:          gochart.YAxis{Style: gochart.Hidden(), Range: yr},
		YAxisSecondary: gochart.YAxis{Style: label, Range: yr, Ticks: yTicks, GridLines: d.gridLines(yTicks)},
		Series:         []gochart.Series{chartSeries{d}},
	}
	if d.lo < 0 && d.hi > 0 {
		g.YAxisSecondary.Zero.Style = outline
	}
	if d.axes {
		g.XAxis.Ticks = d.timeTicks(r.W-right, yTicks)
		if slices.ContainsFunc(g.XAxis.Ticks, func(t gochart.Tick) bool { return strings.IndexFunc(t.Label, unicode.IsLetter) >= 0 }) {
			g.Background.Padding.Bottom += int(math.Ceil(4 * d.k)) // names of months reach below the line, digits do not
		}
	}
	if !d.axes || len(g.XAxis.Ticks) == 0 {
		g.XAxis.Style = gochart.Hidden()
	}
	if !d.axes {
		g.YAxisSecondary.Style = gochart.Hidden()
	}
	if err := g.Render(func(int, int) (gochart.Renderer, error) { return d.c.Renderer(outer, d.k), nil }, io.Discard); err != nil {
		d.note(r, "The chart cannot be drawn: "+err.Error())
	}
}

// style returns a go-chart style for a line.
func style(col color.NRGBA, width float64) gochart.Style {
	return gochart.Style{StrokeColor: drawing.Color(col), StrokeWidth: width}
}

// valueTicks returns the ticks of the value axis in go-chart's form.
func (d *chartDrawing) valueTicks() []gochart.Tick {
	values := ValueTicks(d.lo, d.hi, d.step)
	if d.spec.Log {
		values = LogTicks(d.lo, d.hi)
	}
	ticks := make([]gochart.Tick, len(values))
	for i, v := range values {
		shown := v
		if d.spec.Mirror {
			shown = math.Abs(v)
		}
		ticks[i] = gochart.Tick{Value: v, Label: d.axis.Tick(shown)}
		if d.spec.Log {
			ticks[i].Label = d.logLabel(v)
		}
	}
	return ticks
}

// logLabel writes a power of ten with a prefix of its own.
func (d *chartDrawing) logLabel(v float64) string {
	number, suffix := Format(v, d.spec.Unit)
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	if suffix == "" {
		return number
	}
	return number + " " + suffix
}

// gridLines returns a line for each tick but the one on the time axis.
func (d *chartDrawing) gridLines(ticks []gochart.Tick) []gochart.GridLine {
	lines := make([]gochart.GridLine, 0, len(ticks))
	for _, t := range ticks {
		if t.Value != d.lo {
			lines = append(lines, gochart.GridLine{Value: t.Value, Style: style(d.p.Grid, 1)})
		}
	}
	if len(lines) == 0 { // go-chart would make its own of an empty list
		lines = append(lines, gochart.GridLine{Value: d.hi, Style: style(d.p.Grid, 1)})
	}
	return lines
}

// timeTicks returns the ticks of the time axis that have room below a chart of
// the given width.
func (d *chartDrawing) timeTicks(width float64, yTicks []gochart.Tick) []gochart.Tick {
	f := d.font()
	left := 0.0
	for _, t := range yTicks {
		left = math.Max(left, d.c.Measure(t.Label, f))
	}
	left += axisMargin*d.k + 1
	widest := d.c.Measure("00:00", f)
	var found []TimeTick
	for {
		found = TimeTicks(d.spec.Start, d.spec.End, max(1, int((width-left)/(widest+26*d.k))), d.loc, d.spec.Lang)
		most := widest
		for _, t := range found {
			most = math.Max(most, d.c.Measure(t.Label, f))
		}
		if most <= widest+1 {
			break
		}
		widest = most
	}
	scale := Linear(float64(d.start), float64(d.end), left, width)
	var ticks []gochart.Tick
	for _, t := range found {
		v := float64(t.At.UnixMilli())
		if half := d.c.Measure(t.Label, f)/2 + 1; scale.At(v)+half <= width && scale.At(v) >= half {
			ticks = append(ticks, gochart.Tick{Value: v, Label: t.Label})
		}
	}
	return ticks
}

// valueScale maps the value axis to pixels from a to b.
func (d *chartDrawing) valueScale(a, b float64) Scale {
	if d.spec.Log {
		return Log(d.lo, d.hi, a, b)
	}
	return Linear(d.lo, d.hi, a, b)
}

// chartSeries is the go-chart series through which all of a chart's lines are
// drawn. go-chart's own series round each point to whole pixels, which makes slow
// lines into stairs.
type chartSeries struct{ d *chartDrawing }

var _ gochart.Series = chartSeries{}

func (s chartSeries) GetName() string             { return "lines" }
func (s chartSeries) GetYAxis() gochart.YAxisType { return gochart.YAxisSecondary }
func (s chartSeries) GetStyle() gochart.Style     { return gochart.Style{} }
func (s chartSeries) Validate() error             { return nil }

// Render draws the lines within the box that go-chart's layout left for them.
func (s chartSeries) Render(r gochart.Renderer, box gochart.Box, _, _ gochart.Range, _ gochart.Style) {
	own, ok := r.(*renderer)
	if !ok {
		return
	}
	d := s.d
	d.plot = Rect{own.origin.X + float64(box.Left), own.origin.Y + float64(box.Top), float64(box.Width()), float64(box.Height())}
	d.x = Linear(float64(d.start), float64(d.end), d.plot.X, d.plot.Right())
	d.y = d.valueScale(d.plot.Bottom(), d.plot.Y)
	d.drawPlot()
}

// axisRange is a go-chart range whose ends stay as they are given; go-chart's own
// ranges shrink to their first and last tick.
type axisRange struct {
	scale  Scale
	domain int
}

var _ gochart.Range = (*axisRange)(nil)

func (a *axisRange) String() string     { return "fixed range" }
func (a *axisRange) IsZero() bool       { return false }
func (a *axisRange) GetMin() float64    { return a.scale.lo }
func (a *axisRange) SetMin(float64)     {}
func (a *axisRange) GetMax() float64    { return a.scale.hi }
func (a *axisRange) SetMax(float64)     {}
func (a *axisRange) GetDelta() float64  { return a.scale.hi - a.scale.lo }
func (a *axisRange) GetDomain() int     { return a.domain }
func (a *axisRange) IsDescending() bool { return false }

func (a *axisRange) SetDomain(domain int) { a.domain, a.scale.b = domain, float64(domain) }

func (a *axisRange) Translate(v float64) int {
	return int(math.Round(clamp(a.scale.At(v), -1<<20, 1<<20)))
}

// noColours keeps go-chart from filling or framing anything by itself.
type noColours struct{}

func (noColours) BackgroundColor() drawing.Color       { return drawing.Color{} }
func (noColours) BackgroundStrokeColor() drawing.Color { return drawing.Color{} }
func (noColours) CanvasColor() drawing.Color           { return drawing.Color{} }
func (noColours) CanvasStrokeColor() drawing.Color     { return drawing.Color{} }
func (noColours) AxisStrokeColor() drawing.Color       { return drawing.Color{} }
func (noColours) TextColor() drawing.Color             { return drawing.Color{} }
func (noColours) GetSeriesColor(int) drawing.Color     { return drawing.Color{} }
