package plot

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	gochart "github.com/wcharczuk/go-chart/v2"
)

// seoul is the zone of the test pictures; fixed, so that they need no database.
func seoul() *time.Location { return time.FixedZone("KST", 9*3600) }

// incident is the moment at which the test pictures' link goes down.
func incident() time.Time { return time.Date(2025, 11, 18, 3, 12, 8, 0, seoul()) }

// noisy returns n samples of a slow wave with noise, end to end.
func noisy(seed uint64, start, end time.Time, n int, level, wave float64) []Sample {
	r := rand.New(rand.NewPCG(seed, 7))
	out := make([]Sample, n)
	walk := 0.0
	span := end.Sub(start).Milliseconds()
	for i := range out {
		walk = 0.9*walk + wave*(r.Float64()-0.5)
		out[i] = Sample{start.UnixMilli() + span*int64(i)/int64(n-1), level + walk + wave*math.Sin(float64(i)/40)}
	}
	return out
}

// uplinks is the chart of the incident night.
func uplinks() *Chart {
	end := incident().Add(7*time.Minute + 16*time.Second)
	start := end.Add(-50 * time.Minute)
	down := incident().UnixMilli()
	cut := func(points []Sample, after float64) []Sample {
		for i := range points {
			if points[i].T >= down {
				points[i].V = after
				if after > 0 {
					points[i].V += 1e8 * math.Sin(float64(i)/3)
				}
			}
		}
		return points
	}
	return &Chart{
		Series: []Line{
			{Name: "Te1/1/4", Label: "Te1/1/4 down", Points: cut(noisy(1, start, end, 300, 5.7e9, 4e8), 0), Severity: KindCritical, Since: incident()},
			{Name: "Te1/1/3", Points: cut(noisy(2, start, end, 300, 3.2e9, 3e8), 9.1e9)},
			{Name: "dist3", Points: noisy(3, start, end, 300, 4.4e9, 4e8)},
			{Name: "dist1", Points: noisy(4, start, end, 300, 2.6e9, 2e8)},
			{Name: "dist4", Points: noisy(5, start, end, 300, 1.6e9, 2e8)},
		},
		Start: start, End: end, Unit: UnitBits, Loc: seoul(), EndLabels: true,
		Limits:  []Limit{{Value: 8e9, Severity: KindWarning}},
		Moments: []Moment{{At: incident(), Label: "03:12"}},
	}
}

// usage is an area with requests and limits, and a gap.
func usage() *Chart {
	end := incident().Add(7 * time.Minute)
	start := end.Add(-45 * time.Minute)
	used := noisy(9, start, end, 200, 1.05e12, 2e10)
	for i := 90; i < 100; i++ {
		used[i].V = math.NaN()
	}
	flat := func(v float64) []Sample { return []Sample{{start.UnixMilli(), v}, {end.UnixMilli(), v}} }
	return &Chart{
		Series: []Line{
			{Name: "used", Points: used, Area: true},
			{Name: "requests", Points: flat(1.25e12), Dash: Dash{7, 5}, Colour: Dark().Text2},
			{Name: "limits", Points: flat(1.4e12), Dash: Dash{2, 4}, Colour: Dark().Muted},
		},
		Start: start, End: end, Unit: UnitBytes, Loc: seoul(), EndLabels: true,
	}
}

// many has more series than a chart draws by themselves.
func many() *Chart {
	c := uplinks()
	c.Series = nil
	for i := range 44 {
		c.Series = append(c.Series, Line{Name: "acc" + string(rune('A'+i%26)), Points: noisy(uint64(i), c.Start, c.End, 120, float64(44-i)*1e8, 8e7)})
	}
	c.Limits, c.Moments = nil, nil
	return c
}

func mirrored() *Chart {
	c := uplinks()
	down := noisy(5, c.Start, c.End, 300, -3e9, 2e8)
	c.Series = []Line{{Name: "out", Points: noisy(4, c.Start, c.End, 300, 5e9, 2e8), Area: true}, {Name: "in", Points: down, Area: true}}
	c.Mirror = true
	c.Limits = nil
	return c
}

func bars() *Chart {
	c := uplinks()
	pts := noisy(11, c.Start, c.End, 14, 40, 20)
	for i := range pts {
		pts[i].V = math.Exp(float64(i) / 2.4)
	}
	c.Series = []Line{{Name: "errors", Points: pts, Bars: true}}
	c.Unit, c.EndLabels = UnitNone, false
	c.Limits = []Limit{{Value: 100, Severity: KindWarning}}
	return c
}

func stacked() *Chart {
	c := many()
	c.Series = c.Series[:4]
	c.Stacked = true
	return c
}

func stackedMany() *Chart {
	c := many()
	c.Stacked = true
	return c
}

func latency() *Chart {
	c := uplinks()
	pts := noisy(12, c.Start, c.End, 300, 2, 2)
	for i := range pts {
		pts[i].V = math.Pow(10, pts[i].V/3-1.5)
	}
	c.Series = []Line{{Name: "p99", Points: pts}}
	c.Unit, c.Log, c.Limits = UnitSeconds, true, []Limit{{Value: 0.3, Severity: KindWarning, Label: "limit"}}
	return c
}

func TestChartPictures(t *testing.T) {
	for _, tc := range []struct {
		name string
		w, h int
		k    float64
		spec *Chart
		p    *Palette
	}{
		{"uplinks", 508, 340, 1, uplinks(), Dark()},
		{"uplinks-light", 381, 255, 0.75, uplinks(), Light()},
		{"uplinks-4k", 1016, 680, 2, uplinks(), Dark()},
		{"usage", 460, 250, 1, usage(), Dark()},
		{"many", 460, 300, 1, many(), Dark()},
		{"mirror", 520, 170, 1, mirrored(), Dark()},
		{"bars", 360, 130, 1, bars(), Dark()},
		{"stacked", 460, 260, 1, stacked(), Dark()},
		{"stacked-many", 460, 260, 1, stackedMany(), Dark()},
		{"log", 460, 260, 1, latency(), Dark()},
		{"tiny", 110, 60, 1, uplinks(), Dark()},
		{"empty", 300, 120, 1, &Chart{Start: incident(), End: incident().Add(time.Hour)}, Dark()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := testCanvas(t, tc.w+32, tc.h+32, tc.p)
			DrawChart(c, Rect{16, 16, float64(tc.w), float64(tc.h)}, tc.spec, Style{Palette: tc.p, K: tc.k})
			golden(t, "chart-"+tc.name, c.Image())
		})
	}
}

// goChart is the same picture described for go-chart alone: what a program would
// draw without a renderer of its own.
func goChart(w, h, n int, area bool) gochart.Chart {
	spec := benchmarkChart(n, area)
	g := gochart.Chart{
		Width: w, Height: h,
		XAxis: gochart.XAxis{Style: gochart.Shown()},
		YAxis: gochart.YAxis{Style: gochart.Shown()},
	}
	for i, l := range spec.Series {
		s := gochart.ContinuousSeries{Name: l.Name, Style: gochart.Style{StrokeColor: gochart.GetDefaultColor(i), StrokeWidth: 2.2}}
		if area {
			s.Style.FillColor = gochart.GetDefaultColor(i).WithAlpha(64)
		}
		for _, p := range l.Points {
			s.XValues = append(s.XValues, float64(p.T))
			s.YValues = append(s.YValues, p.V)
		}
		g.Series = append(g.Series, s)
	}
	return g
}

func benchmarkChart(n int, area bool) *Chart {
	c := &Chart{Start: incident().Add(-time.Hour), End: incident(), Unit: UnitBits, Loc: seoul()}
	for i := range 3 {
		c.Series = append(c.Series, Line{
			Name: "series", Points: noisy(uint64(i), c.Start, c.End, n, float64(i+2)*1e9, 5e8), Area: area,
		})
	}
	return c
}

// discardRGBA takes go-chart's picture as it is, without encoding it.
type discardRGBA struct{}

func (discardRGBA) Write(p []byte) (int, error) { return len(p), nil }
func (discardRGBA) SetRGBA(*image.RGBA)         {}

// BenchmarkChartRender draws three series of 600 points: "own" is DrawChart,
// "renderer" is go-chart's chart on our renderer, "go-chart" is its own raster
// renderer, the peer.
func BenchmarkChartRender(b *testing.B) {
	for _, size := range []struct{ w, h int }{{800, 300}, {1600, 600}} {
		for _, area := range []bool{false, true} {
			kind := "lines"
			if area {
				kind = "areas"
			}
			name := fmt.Sprintf("%s/%dx%d", kind, size.w, size.h)
			b.Run(name+"/own", func(b *testing.B) {
				c := testCanvas(b, size.w, size.h, Dark())
				spec := benchmarkChart(600, area)
				st := Style{Palette: Dark(), K: 1}
				b.ReportAllocs()
				for b.Loop() {
					c.Clear(st.Palette.Surface)
					DrawChart(c, c.Bounds(), spec, st)
				}
			})
			g := goChart(size.w, size.h, 600, area)
			b.Run(name+"/renderer", func(b *testing.B) {
				c := testCanvas(b, size.w, size.h, Dark())
				provider := func(int, int) (gochart.Renderer, error) { return c.Renderer(c.Bounds(), 1), nil }
				b.ReportAllocs()
				for b.Loop() {
					if err := g.Render(provider, discardRGBA{}); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(name+"/go-chart", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := g.Render(gochart.PNG, discardRGBA{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
