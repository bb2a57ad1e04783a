package plot

import (
	"errors"
	"image"
	"image/color"
	"io"
	"math"

	"github.com/golang/freetype/truetype"
	gochart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// Class names that tell the renderer which axis a style belongs to: go-chart's
// margins are fixed pixels, and the renderer adds to them by density.
const (
	classX = "x"
	classY = "y"
	// axisMargin is go-chart's distance between an axis and its labels.
	axisMargin = gochart.DefaultXAxisMargin
)

// renderer lets go-chart draw on a Canvas: go-chart keeps the layout, the axes
// and the ticks, and hands each path over. Rectangles and level lines, most of a
// chart, take the canvas' fast paths and are moved onto whole pixels.
type renderer struct {
	c      *Canvas
	origin Point // where go-chart's (0, 0) is
	k      float64

	class        string
	stroke, fill color.NRGBA
	width        float64
	dash         Dash
	font         Font
	ink          color.NRGBA
	dpi          float64
	path         []Point
	starts       []int // where the parts of path begin
}

var _ gochart.Renderer = (*renderer)(nil)

// Renderer returns a go-chart renderer that draws within r of the canvas. Text
// stays level whatever rotation go-chart asks for. k is the density by which
// go-chart's axis margins are stretched.
func (c *Canvas) Renderer(r Rect, k float64) gochart.Renderer {
	return &renderer{c: c, origin: Point{math.Round(r.X), math.Round(r.Y)}, k: k, dpi: gochart.DefaultDPI}
}

func (r *renderer) ResetStyle() {
	r.class, r.stroke, r.fill, r.width, r.dash = "", color.NRGBA{}, color.NRGBA{}, 0, nil
}

func (r *renderer) GetDPI() float64                      { return r.dpi }
func (r *renderer) SetDPI(dpi float64)                   { r.dpi = dpi }
func (r *renderer) SetClassName(name string)             { r.class = name }
func (r *renderer) SetStrokeColor(col drawing.Color)     { r.stroke = color.NRGBA(col) }
func (r *renderer) SetFillColor(col drawing.Color)       { r.fill = color.NRGBA(col) }
func (r *renderer) SetStrokeWidth(width float64)         { r.width = width }
func (r *renderer) SetStrokeDashArray(lengths []float64) { r.dash = lengths }
func (r *renderer) SetFont(*truetype.Font)               {}
func (r *renderer) SetFontColor(col drawing.Color)       { r.ink = color.NRGBA(col) }
func (r *renderer) SetFontSize(size float64)             { r.font.Size = size }
func (r *renderer) SetTextRotation(float64)              {}
func (r *renderer) ClearTextRotation()                   {}
func (r *renderer) at(x, y int) Point                    { return Point{r.origin.X + float64(x), r.origin.Y + float64(y)} }
func (r *renderer) MoveTo(x, y int)                      { r.start(r.at(x, y)) }
func (r *renderer) LineTo(x, y int)                      { r.path = append(r.path, r.at(x, y)) }
func (r *renderer) start(p Point) {
	r.starts = append(r.starts, len(r.path))
	r.path = append(r.path, p)
}
func (r *renderer) reset() { r.path, r.starts = r.path[:0], r.starts[:0] }

func (r *renderer) QuadCurveTo(cx, cy, x, y int) {
	if len(r.path) == 0 {
		r.MoveTo(cx, cy)
	}
	a, q, b := r.path[len(r.path)-1], r.at(cx, cy), r.at(x, y)
	third := func(end Point) Point { return Point{end.X + (q.X-end.X)*2/3, end.Y + (q.Y-end.Y)*2/3} }
	r.path = cubicPath(r.path, a, third(a), third(b), b)
}

func (r *renderer) ArcTo(cx, cy int, rx, ry, startAngle, delta float64) {
	p := r.at(cx, cy)
	if len(r.path) == 0 {
		r.starts = append(r.starts, 0)
	}
	r.path = arcPath(r.path, p.X, p.Y, rx, ry, startAngle, startAngle+delta)
}

func (r *renderer) Circle(radius float64, x, y int) {
	p := r.at(x, y)
	r.starts = append(r.starts, len(r.path))
	r.path = arcPath(r.path, p.X, p.Y, radius, radius, 0, 2*math.Pi)
}

// Close ends the open part where it began.
func (r *renderer) Close() {
	if n := len(r.starts); n > 0 {
		r.path = append(r.path, r.path[r.starts[n-1]])
	}
}

func (r *renderer) Stroke() { r.strokeParts(); r.reset() }
func (r *renderer) Fill()   { r.fillParts(); r.reset() }

func (r *renderer) FillStroke() {
	r.fillParts()
	r.strokeParts()
	r.reset()
}

// parts calls f with each part of the path.
func (r *renderer) parts(f func([]Point)) {
	for i, from := range r.starts {
		to := len(r.path)
		if i+1 < len(r.starts) {
			to = r.starts[i+1]
		}
		f(r.path[from:to])
	}
}

func (r *renderer) strokeParts() {
	if r.stroke.A == 0 || !(r.width > 0) {
		return
	}
	r.parts(func(p []Point) {
		if len(p) == 2 && (p[0].X == p[1].X || p[0].Y == p[1].Y) {
			// A level line goes onto whole pixels, or it would be grey and twice as wide.
			d := math.Mod(math.Round(r.width), 2) / 2
			if p[0].X == p[1].X {
				p[0].X, p[1].X = p[0].X+d, p[1].X+d
			} else {
				p[0].Y, p[1].Y = p[0].Y+d, p[1].Y+d
			}
			r.c.Line(p[0].X, p[0].Y, p[1].X, p[1].Y, r.width, r.stroke, r.dash)
			return
		}
		r.c.Polyline(p, r.width, r.stroke, r.dash)
	})
}

func (r *renderer) fillParts() {
	if r.fill.A == 0 {
		return
	}
	r.parts(func(p []Point) {
		if box, ok := asRect(p); ok {
			r.c.FillRect(box, r.fill)
			return
		}
		// A line series closes its area along the base: the canvas fills that by rows.
		if n := len(p); n > 4 && p[n-1] == p[0] && p[n-2].X == p[0].X && p[n-2].Y == p[n-3].Y && p[n-3].X == p[n-4].X {
			r.c.Area(p[:n-3], p[n-2].Y, r.fill)
			return
		}
		r.c.Polygon(p, r.fill)
	})
}

// asRect recognises an axis-parallel rectangle.
func asRect(p []Point) (Rect, bool) {
	if len(p) == 5 && p[4] == p[0] {
		p = p[:4]
	}
	if len(p) != 4 {
		return Rect{}, false
	}
	flat := p[0].Y == p[1].Y && p[1].X == p[2].X && p[2].Y == p[3].Y && p[3].X == p[0].X
	tall := p[0].X == p[1].X && p[1].Y == p[2].Y && p[2].X == p[3].X && p[3].Y == p[0].Y
	if !flat && !tall {
		return Rect{}, false
	}
	x, y := math.Min(p[0].X, p[2].X), math.Min(p[0].Y, p[2].Y)
	return Rect{x, y, math.Abs(p[2].X - p[0].X), math.Abs(p[2].Y - p[0].Y)}, true
}

func (r *renderer) Text(body string, x, y int) {
	p := r.at(x, y)
	r.c.Text(p.X, p.Y, body, r.font, r.ink)
}

// MeasureText returns a box from the baseline to the height of capitals, with
// the density's share of the axis margin.
func (r *renderer) MeasureText(body string) gochart.Box {
	box := gochart.Box{Right: int(math.Ceil(r.c.Measure(body, r.font)))}
	if r.c.face != nil {
		box.Bottom = int(math.Round(r.c.face.CapHeight(r.font)))
	}
	extra := int(math.Round(axisMargin * (r.k - 1)))
	switch r.class {
	case classX:
		box.Bottom += extra
	case classY:
		box.Right += extra
	}
	return box
}

// Save hands the picture to a collector, as go-chart's own raster renderer does.
// To any other writer it writes nothing: the picture is on the canvas already.
func (r *renderer) Save(w io.Writer) error {
	if collector, ok := w.(gochart.RGBACollector); ok {
		if r.c.img == nil {
			return errors.New("chart renderer: the canvas has no image; make it with NewCanvas")
		}
		collector.SetRGBA(r.c.img)
	}
	return nil
}

// RasterProvider returns a provider for go-chart that draws on fresh images with
// the given typeface.
func RasterProvider(face *Typeface) gochart.RendererProvider {
	return func(width, height int) (gochart.Renderer, error) {
		if width < 1 || height < 1 || width > 1<<14 || height > 1<<14 {
			return nil, errors.New("chart renderer: width and height must be between 1 and 16384 pixels")
		}
		c := NewCanvas(image.NewRGBA(image.Rect(0, 0, width, height)), face)
		return c.Renderer(c.Bounds(), 1), nil
	}
}
