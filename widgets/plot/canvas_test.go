package plot

import (
	"image"
	"image/color"
	"math"
	"testing"
)

var (
	white = color.NRGBA{255, 255, 255, 255}
	black = color.NRGBA{0, 0, 0, 255}
)

// blank returns a black canvas without typeface.
func blank(w, h int) *Canvas {
	c := NewCanvas(image.NewRGBA(image.Rect(0, 0, w, h)), nil)
	c.Clear(black)
	return c
}

// lit returns the sum of all red channels, in whole white pixels.
func lit(c *Canvas) float64 {
	sum := 0
	for i := 0; i < len(c.Image().Pix); i += 4 {
		sum += int(c.Image().Pix[i])
	}
	return float64(sum) / 255
}

func red(c *Canvas, x, y int) int { return int(c.Image().RGBAAt(x, y).R) }

func TestFillRect(t *testing.T) {
	for _, tc := range []struct {
		name string
		r    Rect
		area float64
		at   map[image.Point]int
	}{
		{"aligned", Rect{2, 3, 4, 2}, 8, map[image.Point]int{{2, 3}: 255, {5, 4}: 255, {1, 3}: 0, {6, 4}: 0}},
		{"half columns", Rect{2.5, 3, 3, 2}, 6, map[image.Point]int{{2, 3}: 128, {3, 3}: 255, {5, 3}: 128}},
		{"half rows", Rect{2, 3.5, 3, 1}, 3, map[image.Point]int{{2, 3}: 128, {2, 4}: 128}},
		{"within a pixel", Rect{2.25, 3.25, 0.5, 0.5}, 0.25, map[image.Point]int{{2, 3}: 64}},
		{"across two columns", Rect{2.75, 3, 0.5, 1}, 0.5, map[image.Point]int{{2, 3}: 64, {3, 3}: 64}},
		{"a column's rest and a bit", Rect{2.5, 3, 1, 1}, 1, map[image.Point]int{{2, 3}: 128, {3, 3}: 128}},
		{"partly outside", Rect{-5, -5, 7, 7}, 4, map[image.Point]int{{0, 0}: 255, {1, 1}: 255, {2, 2}: 0}},
		{"all around", Rect{-1e9, -1e9, 2e9, 2e9}, 160, nil},
		{"empty", Rect{2, 2, 0, 5}, 0, nil},
		{"negative", Rect{2, 2, -3, 5}, 0, nil},
		{"no number", Rect{math.NaN(), 2, 3, 5}, 0, nil},
		{"endless", Rect{2, 2, math.Inf(1), 5}, 0, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := blank(16, 10)
			c.FillRect(tc.r, white)
			if got := lit(c); math.Abs(got-tc.area) > 0.05 {
				t.Errorf("covers %.2f pixels, want %.2f", got, tc.area)
			}
			for p, want := range tc.at {
				if got := red(c, p.X, p.Y); got != want {
					t.Errorf("pixel %v is %d, want %d", p, got, want)
				}
			}
		})
	}
}

// TestBlend compares the packed arithmetic with plain rounding for every
// combination of colour, ground and alpha in coarse steps.
func TestBlend(t *testing.T) {
	row, mask := make([]uint8, 4*19), make([]uint8, 19)
	for s := 0; s <= 255; s += 15 {
		for d := 0; d <= 255; d += 15 {
			for a := 0; a <= 255; a += 5 {
				want := int(math.Floor(float64(s*a+d*(255-a))/255 + 0.5))
				col := color.NRGBA{uint8(s), uint8(s), uint8(s), uint8(a)}
				check := func(how string) {
					t.Helper()
					for i := range mask {
						if got := int(row[4*i+1]); got != want {
							t.Fatalf("%s: %d over %d at %d gives %d in pixel %d, want %d", how, s, d, a, got, i, want)
						}
					}
				}
				ground := func() {
					for i := range row {
						row[i] = uint8(d)
					}
				}
				ground()
				blendSolid(row, col, 255)
				check("solid")
				ground()
				for i := range mask {
					mask[i] = 255
				}
				blendMask(row, mask, col)
				check("full mask")
				ground()
				for i := range mask {
					mask[i] = uint8(a)
				}
				col.A = 255
				blendMask(row, mask, col)
				check("mask")
			}
		}
	}
}

func TestClearAndClip(t *testing.T) {
	c := blank(20, 10)
	restore := c.Clip(Rect{5, 2, 10, 4})
	inner := c.Clip(Rect{0, 0, 8, 100})
	c.Clear(white)
	c.FillRect(Rect{-100, -100, 500, 500}, white)
	inner()
	if got := lit(c); got != 3*4 {
		t.Errorf("the clips' overlap is 12 pixels, %.1f are lit", got)
	}
	c.Clear(white)
	restore()
	if got := lit(c); got != 10*4 {
		t.Errorf("the outer clip is 40 pixels, %.1f are lit", got)
	}
	c.Clear(color.NRGBA{200, 100, 50, 128})
	if got, want := c.Image().RGBAAt(19, 9), (color.RGBA{100, 50, 25, 128}); got != want {
		t.Errorf("cleared to %v, want %v premultiplied", got, want)
	}
}

func TestShapesCoverTheirArea(t *testing.T) {
	square := []Point{{10, 10}, {30, 10}, {30, 30}, {10, 30}}
	for _, tc := range []struct {
		name string
		draw func(*Canvas)
		area float64
	}{
		{"disc", func(c *Canvas) { c.Disc(40, 40, 15, white) }, math.Pi * 225},
		{"small disc", func(c *Canvas) { c.Disc(40.3, 40.7, 2, white) }, math.Pi * 4},
		{"ring", func(c *Canvas) { c.Circle(40, 40, 15, 3, white, nil) }, 2 * math.Pi * 15 * 3},
		{"dashed ring", func(c *Canvas) { c.Circle(40, 40, 15, 3, white, Dash{4, 4}) }, math.Pi * 15 * 3},
		{"round rectangle", func(c *Canvas) { c.FillRound(Rect{5, 5, 60, 40}, 8, white) }, 2400 - (4-math.Pi)*64},
		{"pill", func(c *Canvas) { c.FillRound(Rect{5, 5.5, 60, 9}, 100, white) }, 51*9 + math.Pi*4.5*4.5},
		{"edge", func(c *Canvas) { c.StrokeRound(Rect{5, 5, 60, 40}, 0, 2, white, nil) }, 2400 - 56*36},
		{"round edge", func(c *Canvas) { c.StrokeRound(Rect{5, 5, 60, 40}, 6, 2, white, nil) }, 2400 - 56*36 - (4-math.Pi)*(36-16)},
		{"dashed edge", func(c *Canvas) { c.StrokeRound(Rect{5, 5, 60, 40}, 0, 2, white, Dash{6, 4}) }, 196 * 2 * 0.6},
		{"polygon", func(c *Canvas) { c.Polygon(square, white) }, 400},
		{"outline", func(c *Canvas) { c.StrokePolygon(square, 2, white, nil) }, 160},
		{"level line", func(c *Canvas) { c.Line(5, 20.5, 65, 20.5, 1, white, nil) }, 60},
		{"hairline", func(c *Canvas) { c.Line(5, 20, 65, 60, 0.5, white, nil) }, math.Hypot(60, 40) * 0.5},
		{"slanted line", func(c *Canvas) { c.Line(5, 20, 65, 60, 3, white, nil) }, math.Hypot(60, 40) * 3},
		{"dashed line", func(c *Canvas) { c.Line(5, 20, 65, 20, 2, white, Dash{5, 3}) }, 38 * 2},
		{"dashes used twice over", func(c *Canvas) { c.Line(5, 20, 65, 20, 2, white, Dash{5}) }, 60},
		{"curve", func(c *Canvas) { c.Curve(Point{5, 40}, Point{25, 40}, Point{45, 40}, Point{65, 40}, 2, white, nil) }, 120},
		{"gauge", func(c *Canvas) { c.Arc(40, 40, 20, 8, math.Pi, 2*math.Pi, white) }, math.Pi * 20 * 8},
		{"gauge, backwards", func(c *Canvas) { c.Arc(40, 40, 20, 8, 2*math.Pi, math.Pi, white) }, math.Pi * 20 * 8},
		{"area", func(c *Canvas) { c.Area([]Point{{10, 30}, {30, 10}, {50, 30}}, 50, white) }, 400 + 800},
		{"hatch", func(c *Canvas) { c.Hatch(Rect{0, 0, 80, 80}, 0, 8, 2, white) }, 1600},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := blank(80, 80)
			tc.draw(c)
			if got := lit(c); math.Abs(got-tc.area) > 0.02*tc.area+1.5 {
				t.Errorf("covers %.1f pixels, want %.1f", got, tc.area)
			}
		})
	}
}

// TestAreaIsAPolygon compares the column-wise area with the polygon that it is,
// for lines that are steep, outside, or stand still.
func TestAreaIsAPolygon(t *testing.T) {
	for name, pts := range map[string][]Point{
		"across columns": {{3, 50}, {63.5, 20}, {64.5, 60}, {130, 10}, {190.3, 40}},
		"dense":          {{10, 10}, {10.2, 60}, {10.4, 5}, {10.9, 44}, {11.1, 12}, {64, 30}},
		"upright":        {{64, 60}, {64, 10}, {128, 10}, {128, 70}},
		"beyond":         {{-500, 30}, {90, 20}, {900, 60}},
		"below the base": {{10, 20}, {100, 75}, {180, 20}},
		"far apart":      {{1, 60}, {199, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			const base = 70.5
			a, b := blank(200, 80), blank(200, 80)
			col := color.NRGBA{255, 255, 255, 200}
			a.Area(pts, base, col)
			var poly []Point
			for i, p := range pts {
				if p.Y > base || i > 0 && pts[i-1].Y > base { // cut at the base
					if i > 0 {
						q := pts[i-1]
						poly = append(poly, Point{q.X + (p.X-q.X)*(base-q.Y)/(p.Y-q.Y), base})
					}
				}
				if p.Y <= base {
					poly = append(poly, p)
				}
			}
			poly = append(poly, Point{poly[len(poly)-1].X, base}, Point{poly[0].X, base})
			b.Polygon(poly, col)
			worst := 0
			for i := range a.Image().Pix {
				worst = max(worst, int(math.Abs(float64(a.Image().Pix[i])-float64(b.Image().Pix[i]))))
			}
			if worst > 8 {
				t.Errorf("the pictures differ by up to %d of 255", worst)
			}
		})
	}
}

// TestStrokeHasNoKnots draws a half transparent line that crosses itself.
func TestStrokeHasNoKnots(t *testing.T) {
	c := blank(60, 60)
	col := color.NRGBA{255, 255, 255, 128}
	c.Polyline([]Point{{5, 5}, {55, 55}, {55, 5}, {5, 55}}, 6, col, nil)
	brightest := 0
	for i := 0; i < len(c.Image().Pix); i += 4 {
		brightest = max(brightest, int(c.Image().Pix[i]))
	}
	if brightest != 128 {
		t.Errorf("the brightest pixel is %d, want 128 everywhere on the line", brightest)
	}
}

func TestStrokeRoundStaysInside(t *testing.T) {
	for _, dash := range []Dash{nil, {6, 4}} {
		c := blank(60, 40)
		c.StrokeRound(Rect{10, 10, 40, 20}, 6, 3, white, dash)
		for y := range 40 {
			for x := range 60 {
				if inside := (Rect{10, 10, 40, 20}).Contains(float64(x), float64(y)); !inside && red(c, x, y) != 0 {
					t.Fatalf("dash %v: pixel %d,%d outside is %d", dash, x, y, red(c, x, y))
				}
			}
		}
	}
}

// TestHatchMeets draws two neighbouring hatches and one over both.
func TestHatchMeets(t *testing.T) {
	a, b := blank(64, 32), blank(64, 32)
	a.Hatch(Rect{0, 0, 31, 32}, 0, 8, 1.5, white)
	a.Hatch(Rect{31, 0, 33, 32}, 0, 8, 1.5, white)
	b.Hatch(Rect{0, 0, 64, 32}, 0, 8, 1.5, white)
	for i := range a.Image().Pix {
		if a.Image().Pix[i] != b.Image().Pix[i] {
			t.Fatalf("byte %d differs: %d and %d", i, a.Image().Pix[i], b.Image().Pix[i])
		}
	}
}

// TestDashesKeepTheirPlace draws a long dashed line once on a wide canvas and
// once on a narrow one: what the clip cuts away must not move the rest.
func TestDashesKeepTheirPlace(t *testing.T) {
	wide, narrow := blank(400, 8), blank(400, 8)
	restore := narrow.Clip(Rect{300, 0, 50, 8})
	for _, c := range []*Canvas{wide, narrow} {
		c.Line(-1000, 4.2, 3000, 4.2, 2, white, Dash{7, 4, 2, 3})
	}
	restore()
	for x := 302; x < 348; x++ {
		if a, b := red(wide, x, 4), red(narrow, x, 4); a < b-1 || a > b+1 {
			t.Fatalf("column %d is %d on the whole canvas and %d within a clip", x, a, b)
		}
	}
}

// TestHostileNumbers draws everything with numbers that no picture has.
func TestHostileNumbers(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	p := Dark()
	for _, v := range []float64{nan, inf, -inf, 1e300, -1e300, math.MaxFloat64, 1e12, 0, -5, 5e-324} {
		c := testCanvas(t, 40, 30, p)
		restore := c.Clip(Rect{10, 10, 20, 10})
		pts := []Point{{v, 1}, {5, v}, {v, v}, {20, 20}, {-v, v}}
		for _, r := range []Rect{{v, 1, 5, 5}, {1, 1, v, 5}, {v, v, v, v}, {1, 1, 5, v}} {
			c.FillRect(r, white)
			c.FillRound(r, v, white)
			c.FillRound(r, 3, white)
			c.StrokeRound(r, 3, v, white, Dash{v, 3})
			c.StrokeRound(r, v, 2, white, Dash{3, 3})
			c.Hatch(r, 3, 8, v, white)
			c.Hatch(r, v, 1e-9+math.Abs(v), 2, white)
			c.Clip(r)()
		}
		c.Polyline(pts, 2, white, nil)
		c.Polyline(pts, v, white, Dash{3, 2})
		c.Polygon(pts, white)
		c.StrokePolygon(pts, 2, white, Dash{v})
		c.Area(pts, v, white)
		c.Area(pts, 20, white)
		c.Curve(pts[0], pts[1], pts[2], pts[3], 2, white, Dash{1, 1})
		c.Circle(v, 5, 5, 2, white, nil)
		c.Circle(5, 5, v, 2, white, Dash{2, 2})
		c.Disc(5, v, 5, white)
		c.Ellipse(5, 5, v, 3, 1, white, nil)
		c.Arc(5, 5, 10, 3, 0, v, white)
		c.Arc(5, 5, v, 3, 0, 1, white)
		c.Arrow(v, 0, 5, 5, 2, white)
		c.Mark(KindCritical, v, 5, 10, p, 1, MarkOptions{})
		c.Mark(KindWarning, 5, 5, v, p, 1, MarkOptions{Ack: true})
		c.Text(v, 10, "text", Font{Size: 12}, white)
		c.Text(5, v, "text", Font{Size: v}, white)
		restore()
		if got := c.Image().RGBAAt(2, 2); got != (color.RGBA{p.Surface.R, p.Surface.G, p.Surface.B, 255}) {
			t.Errorf("%v: painted outside the clip: %v", v, got)
		}
	}
}

func TestRectCuts(t *testing.T) {
	r := Rect{10, 20, 100, 50}
	for _, tc := range []struct {
		name                string
		cut                 func(float64) (Rect, Rect)
		part, rest, allPart Rect
	}{
		{"top", r.CutTop, Rect{10, 20, 100, 15}, Rect{10, 35, 100, 35}, Rect{10, 20, 100, 50}},
		{"bottom", r.CutBottom, Rect{10, 55, 100, 15}, Rect{10, 20, 100, 35}, Rect{10, 20, 100, 50}},
		{"left", r.CutLeft, Rect{10, 20, 15, 50}, Rect{25, 20, 85, 50}, Rect{10, 20, 100, 50}},
		{"right", r.CutRight, Rect{95, 20, 15, 50}, Rect{10, 20, 85, 50}, Rect{10, 20, 100, 50}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if part, rest := tc.cut(15); part != tc.part || rest != tc.rest {
				t.Errorf("cut 15: %v and %v, want %v and %v", part, rest, tc.part, tc.rest)
			}
			if part, rest := tc.cut(1000); part != tc.allPart || !rest.Empty() {
				t.Errorf("cut too much: %v and %v, want %v and nothing", part, rest, tc.allPart)
			}
		})
	}
	if got, want := r.Inset(4), (Rect{14, 24, 92, 42}); got != want {
		t.Errorf("inset: %v, want %v", got, want)
	}
	if got, want := r.Inset(40), (Rect{50, 45, 20, 0}); got != want {
		t.Errorf("inset too far: %v, want %v", got, want)
	}
}

// TestRedrawAllocates holds the painter to no allocation once its buffers are warm.
func TestRedrawAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools drop their buffers")
	}
	c := testCanvas(t, 300, 200, Dark())
	pts := make([]Point, 300)
	for i := range pts {
		pts[i] = Point{float64(i), 100 + 50*math.Sin(float64(i)/9)}
	}
	dash := Dash{6, 4}
	draw := func() {
		c.Clear(black)
		c.FillRect(Rect{1.5, 2, 100, 50}, white)
		c.Polyline(pts, 2.2, white, nil)
		c.Polyline(pts, 2.2, white, dash)
		c.Area(pts, 190, white)
		c.Text(10, 50, "Te1/1/4 91 %", Font{Size: 18}, white)
	}
	draw()
	if n := testing.AllocsPerRun(20, draw); n > 1 {
		t.Errorf("a redraw allocates %.0f times, want none", n)
	}
}
