package plot

import (
	"bytes"
	"image"
	"math"
	"testing"

	gochart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// collector takes the picture of a renderer.
type collector struct {
	bytes.Buffer
	img *image.RGBA
}

func (c *collector) SetRGBA(img *image.RGBA) { c.img = img }

// TestRendererPicture draws one of go-chart's own charts, axes and all, through
// the renderer.
func TestRendererPicture(t *testing.T) {
	g := gochart.Chart{
		Width: 420, Height: 220,
		ColorPalette: gochart.AlternateColorPalette,
		XAxis:        gochart.XAxis{Name: "hours"},
		YAxis:        gochart.YAxis{GridMajorStyle: gochart.Style{StrokeColor: drawing.ColorFromHex("dddddd"), StrokeWidth: 1}},
		Series: []gochart.Series{
			gochart.ContinuousSeries{
				XValues: []float64{0, 1, 2, 3, 4, 5}, YValues: []float64{1, 4, 2, 6, 3, 5},
				Style: gochart.Style{StrokeColor: gochart.ColorBlue, StrokeWidth: 2, FillColor: gochart.ColorBlue.WithAlpha(40), DotWidth: 4, DotColor: gochart.ColorRed},
			},
			gochart.AnnotationSeries{Annotations: []gochart.Value2{{XValue: 3, YValue: 6, Label: "most"}}},
		},
	}
	var out collector
	if err := g.Render(RasterProvider(testTypeface(t)), &out); err != nil {
		t.Fatal(err)
	}
	if out.img == nil || out.Len() > 0 {
		t.Fatalf("the collector got image %v and %d bytes, want an image alone", out.img, out.Len())
	}
	golden(t, "renderer", out.img)
}

func TestRasterProviderRejects(t *testing.T) {
	for _, size := range [][2]int{{0, 10}, {10, -1}, {1 << 15, 10}} {
		if r, err := RasterProvider(nil)(size[0], size[1]); err == nil || r != nil {
			t.Errorf("%v: got %v and %v, want an error", size, r, err)
		}
	}
}

func TestRendererPaths(t *testing.T) {
	for _, tc := range []struct {
		name string
		path func(gochart.Renderer)
		area float64
	}{
		{"rectangle", func(r gochart.Renderer) {
			r.MoveTo(10, 10)
			r.LineTo(30, 10)
			r.LineTo(30, 20)
			r.LineTo(10, 20)
			r.Close()
			r.Fill()
		}, 200},
		{"two rectangles", func(r gochart.Renderer) {
			for x := 0; x < 60; x += 40 {
				r.MoveTo(x, 10)
				r.LineTo(x, 30)
				r.LineTo(x+10, 30)
				r.LineTo(x+10, 10)
				r.LineTo(x, 10)
			}
			r.Fill()
		}, 400},
		{"triangle", func(r gochart.Renderer) {
			r.MoveTo(10, 10)
			r.LineTo(30, 30)
			r.LineTo(10, 30)
			r.Close()
			r.Fill()
		}, 200},
		{"area below a line", func(r gochart.Renderer) {
			r.MoveTo(10, 30)
			r.LineTo(30, 10)
			r.LineTo(50, 30)
			r.LineTo(50, 50)
			r.LineTo(10, 50)
			r.LineTo(10, 30)
			r.Fill()
		}, 400 + 800},
		{"circle", func(r gochart.Renderer) { r.Circle(15, 30, 30); r.Fill() }, math.Pi * 225},
		{"sector", func(r gochart.Renderer) { r.MoveTo(30, 30); r.ArcTo(30, 30, 20, 20, 0, math.Pi/2); r.Close(); r.Fill() }, math.Pi * 100},
		{"curve", func(r gochart.Renderer) { r.MoveTo(10, 30); r.QuadCurveTo(30, 30, 50, 30); r.Stroke() }, 80},
		{"crisp line", func(r gochart.Renderer) { r.SetStrokeWidth(1); r.MoveTo(10, 30); r.LineTo(50, 30); r.Stroke() }, 40},
		{"no path", func(r gochart.Renderer) { r.Close(); r.FillStroke() }, 0},
		{"style reset", func(r gochart.Renderer) { r.ResetStyle(); r.MoveTo(10, 30); r.LineTo(50, 40); r.FillStroke() }, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := blank(64, 64)
			r := c.Renderer(c.Bounds(), 1)
			r.SetFillColor(drawing.ColorWhite)
			r.SetStrokeColor(drawing.ColorWhite)
			r.SetStrokeWidth(2)
			tc.path(r)
			if got := lit(c); math.Abs(got-tc.area) > 0.02*tc.area+1 {
				t.Errorf("covers %.1f pixels, want %.1f", got, tc.area)
			}
		})
	}
	c := blank(64, 64)
	r := c.Renderer(c.Bounds(), 1)
	r.SetStrokeColor(drawing.ColorWhite)
	r.SetStrokeWidth(1)
	r.MoveTo(10, 30)
	r.LineTo(50, 30)
	r.Stroke()
	if got := red(c, 20, 30); got != 255 {
		t.Errorf("a line of 1 px at 30 gives its row %d, want 255", got)
	}
}

// TestRendererMargins holds the labels' boxes to what the axes' margins need.
func TestRendererMargins(t *testing.T) {
	c := testCanvas(t, 64, 64, Dark())
	for _, tc := range []struct {
		class         string
		k             float64
		extraW, extra int
	}{{classX, 1, 0, 0}, {classX, 2, 0, 10}, {classY, 2, 10, 0}, {"", 2, 0, 0}} {
		r := c.Renderer(c.Bounds(), tc.k)
		r.SetFontSize(18)
		plain := r.MeasureText("03:12")
		r.SetClassName(tc.class)
		got := r.MeasureText("03:12")
		if got.Right != plain.Right+tc.extraW || got.Bottom != plain.Bottom+tc.extra || plain.Bottom != 13 {
			t.Errorf("class %q at %v: %v, without class %v", tc.class, tc.k, got, plain)
		}
	}
}
