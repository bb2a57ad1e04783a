package plot

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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

// stackedLate begins in the middle and has a hole: where nothing is known, the sum is not 0.
func stackedLate() *Chart {
	c := stacked()
	c.MaxGap = time.Minute
	middle, hole := c.Start.Add(c.End.Sub(c.Start)/3).UnixMilli(), c.Start.Add(c.End.Sub(c.Start)*2/3).UnixMilli()
	for i := range c.Series {
		c.Series[i].Points = slices.DeleteFunc(slices.Clone(c.Series[i].Points), func(s Sample) bool {
			return s.T < middle || s.T > hole && s.T < hole+(5*time.Minute).Milliseconds()
		})
	}
	return c
}

// ended has a series that fell silent, one that flickers, and an envelope.
func ended() *Chart {
	c := uplinks()
	silent := noisy(3, c.Start, c.End, 300, 4.4e9, 4e8)[:240]
	flicker := noisy(4, c.Start, c.End, 60, 2.6e9, 2e8)
	for i := range flicker {
		if i%7 > 2 && i%7 != 5 {
			flicker[i].V = math.NaN()
		}
	}
	smooth := noisy(8, c.Start, c.End, 50, 7e9, 1e8)
	var band []Range
	for i, s := range smooth[1:] {
		band = append(band, Range{smooth[i].T, s.T, s.V - 8e8, s.V + 5e8})
	}
	c.Series = []Line{
		{Name: "busan", Points: silent, Severity: KindStale},
		{Name: "flicker", Points: flicker},
		{Name: "mean", Points: smooth, Band: band},
	}
	c.Limits, c.Moments = nil, nil
	return c
}

// forecast is a disk that fills up, with a part of the axis in the future.
func forecast() *Chart {
	now := incident()
	c := &Chart{Start: now.Add(-12 * time.Hour), End: now.Add(12 * time.Hour), Now: now, Loc: seoul(), Unit: UnitPercent}
	var past, future []Sample
	for h := -12; h <= 0; h++ {
		past = append(past, Sample{now.Add(time.Duration(h) * time.Hour).UnixMilli(), 86 + float64(h)*1.4})
	}
	for h := range 11 {
		future = append(future, Sample{now.Add(time.Duration(h) * time.Hour).UnixMilli(), 86 + float64(h)*1.4})
	}
	top := 100.0
	c.YMax = &top
	c.Series = []Line{{Name: "used", Points: past}, {Name: "then", Points: future, Dash: Dash{4, 4}, Colour: Dark().Warning}}
	c.Limits = []Limit{{Value: 95, Severity: KindCritical}}
	c.Moments = []Moment{{At: now, Label: "now"}}
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
		{"stacked-late", 460, 260, 1, stackedLate(), Dark()},
		{"log", 460, 260, 1, latency(), Dark()},
		{"stale", 460, 220, 1, ended(), Dark()},
		{"forecast", 300, 200, 1, forecast(), Dark()},
		{"spiky", 640, 260, 1, spiky(), Dark()},
		{"spiky-light", 480, 195, 0.75, spiky(), Light()},
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

func TestSpread(t *testing.T) {
	for _, tc := range []struct {
		name          string
		places        []float64
		pitch, lo, hi float64
		want          []float64
	}{
		{"none", nil, 10, 0, 100, []float64{}},
		{"apart already", []float64{10, 40, 90}, 20, 0, 100, []float64{10, 40, 90}},
		{"two meet in the middle", []float64{50, 50}, 20, 0, 100, []float64{40, 60}},
		{"a heap", []float64{50, 50, 50}, 20, 0, 100, []float64{30, 50, 70}},
		{"heaps that meet", []float64{40, 40, 55, 55}, 10, 0, 100, []float64{32.5, 42.5, 52.5, 62.5}},
		{"at the top", []float64{-5, 0, 3}, 10, 0, 100, []float64{0, 10, 20}},
		{"at the bottom", []float64{98, 99, 500}, 10, 0, 100, []float64{80, 90, 100}},
		{"too many", []float64{1, 2, 3}, 60, 0, 100, []float64{0, 50, 100}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Spread(tc.places, tc.pitch, tc.lo, tc.hi)
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSpreadHolds checks the promise for many random places.
func TestSpreadHolds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		places := make([]float64, 1+r.IntN(9))
		for i := range places {
			places[i] = r.Float64()*300 - 50
		}
		slices.Sort(places)
		got := Spread(places, 20, 0, 200)
		for i, y := range got {
			if y < -1e-9 || y > 200+1e-9 || i > 0 && y-got[i-1] < 20-1e-9 {
				t.Fatalf("%v become %v", places, got)
			}
		}
	}
}

func TestChartValueAxis(t *testing.T) {
	ten, hundred := 10.0, 100.0
	line := func(values ...float64) []Line {
		l := Line{}
		for i, v := range values {
			l.Points = append(l.Points, Sample{incident().Add(time.Duration(i) * time.Minute).UnixMilli(), v})
		}
		return []Line{l}
	}
	area := line(41, 42)
	area[0].Area = true
	for _, tc := range []struct {
		name   string
		spec   Chart
		lo, hi float64
	}{
		{"from nought", Chart{Series: line(3, 9)}, 0, 10},
		{"close together", Chart{Series: line(41, 42)}, 41, 42},
		{"an area stands on nought", Chart{Series: area}, 0, 60},
		{"percent stands on nought", Chart{Series: line(41, 42), Unit: UnitPercent}, 0, 60},
		{"below nought", Chart{Series: line(-28, -6)}, -30, 0},
		{"a limit in reach", Chart{Series: line(3, 5), Limits: []Limit{{Value: 8}}}, 0, 8},
		{"a limit out of reach", Chart{Series: line(3, 5), Limits: []Limit{{Value: 800}}}, 0, 6},
		{"fixed", Chart{Series: line(3, 5), YMin: &ten, YMax: &hundred}, 10, 100},
		{"level", Chart{Series: line(7, 7)}, 0, 8},
		{"nothing but gaps", Chart{Series: line(math.NaN(), math.NaN())}, 0, 0},
		{"infinite values", Chart{Series: line(math.Inf(1), 3, 4)}, 0, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.spec.Start, tc.spec.End = incident(), incident().Add(2*time.Minute)
			d := &chartDrawing{spec: &tc.spec, p: Dark(), k: 1, start: tc.spec.Start.UnixMilli(), end: tc.spec.End.UnixMilli()}
			if d.prepare(300) {
				d.scaleValues(250)
			}
			if d.lo != tc.lo || d.hi != tc.hi {
				t.Errorf("the axis goes from %v to %v, want %v to %v", d.lo, d.hi, tc.lo, tc.hi)
			}
		})
	}
	spec := uplinks()
	if got := spec.AxisUnit(340, Style{Palette: Dark(), K: 1}); got.Suffix != "Gb/s" || got.Tick(2e9) != "2" {
		t.Errorf("the chart's axis is %+v", got)
	}
}

// TestPastLimit cuts a line at its limit.
func TestPastLimit(t *testing.T) {
	nan := math.NaN()
	d := &chartDrawing{x: Linear(0, 100, 0, 100), y: Linear(0, 100, 100, 0)}
	for _, tc := range []struct {
		name  string
		limit Limit
		in    []Sample
		want  [][]Point
	}{
		{"never", Limit{Value: 50}, []Sample{{0, 10}, {10, 50}}, nil},
		{"once", Limit{Value: 50}, []Sample{{0, 0}, {10, 100}, {20, 0}}, [][]Point{{{5, 50}, {10, 0}, {15, 50}}}},
		{"to the end", Limit{Value: 50}, []Sample{{0, 0}, {10, 100}, {20, 90}}, [][]Point{{{5, 50}, {10, 0}, {20, 10}}}},
		{"a gap within", Limit{Value: 50}, []Sample{{0, 90}, {10, 100}, {15, nan}, {20, 90}, {30, 60}}, [][]Point{{{0, 10}, {10, 0}}, {{20, 10}, {30, 40}}}},
		{"below", Limit{Value: 50, Below: true}, []Sample{{0, 100}, {10, 0}}, [][]Point{{{5, 50}, {10, 100}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got [][]Point
			d.past(tc.in, tc.limit, func(pts []Point) { got = append(got, slices.Clone(pts)) })
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestHostileCharts draws charts that no sound data gives; none may panic, hang,
// or paint outside its rectangle.
func TestHostileCharts(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	start := incident()
	points := func(values ...float64) []Sample {
		var out []Sample
		for i, v := range values {
			out = append(out, Sample{start.Add(time.Duration(i) * time.Minute).UnixMilli(), v})
		}
		return out
	}
	hour := start.Add(time.Hour)
	for name, spec := range map[string]*Chart{
		"none":            nil,
		"zero":            {},
		"backwards":       {Start: hour, End: start, Series: []Line{{Points: points(1, 2)}}},
		"huge":            {Start: start, End: hour, Series: []Line{{Points: points(1e308, -1e308, 1)}}, EndLabels: true},
		"tiny":            {Start: start, End: hour, Series: []Line{{Points: points(5e-324, 0)}}, EndLabels: true},
		"no numbers":      {Start: start, End: hour, Series: []Line{{Points: points(nan, inf, -inf)}}, EndLabels: true},
		"one sample":      {Start: start, End: hour, Series: []Line{{Points: points(3)}}, EndLabels: true},
		"log below 0":     {Start: start, End: hour, Log: true, Series: []Line{{Points: points(-5, 0, -1)}}},
		"log mixed":       {Start: start, End: hour, Log: true, Series: []Line{{Points: points(-5, 0, 1e300)}}, Limits: []Limit{{Value: 0}}},
		"bad limits":      {Start: start, End: hour, Series: []Line{{Points: points(1, 2)}}, Limits: []Limit{{Value: nan}, {Value: inf, Severity: KindCritical, Label: "x"}}},
		"ends crossed":    {Start: start, End: hour, Series: []Line{{Points: points(1, 2)}}, YMin: &hostileHigh, YMax: &hostileLow},
		"ends no numbers": {Start: start, End: hour, Series: []Line{{Points: points(1, 2)}}, YMin: &nan, YMax: &inf},
		"bad bands":       {Start: start, End: hour, Series: []Line{{Points: points(1), Band: []Range{{start.UnixMilli(), hour.UnixMilli(), nan, 3}, {hour.UnixMilli(), 0, 3, inf}, {0, 1 << 62, 5, -5}, {-1 << 62, 1 << 62, 1, 2}}}}},
		"bad stretches":   {Start: start, End: hour, Series: []Line{{Points: points(1, 2)}}, Stretches: []Stretch{{}, {Start: hour, End: start}, {Start: time.Unix(-1<<40, 0), End: time.Unix(1<<40, 0), Label: strings.Repeat("x", 9000)}, {Start: start, End: start}}},
		"bad text":        {Start: start, End: hour, EndLabels: true, Series: []Line{{Name: "\xff\x00\u202E" + strings.Repeat("한", 5000), Points: points(1, 2), Severity: KindCritical}}, Moments: []Moment{{At: start.Add(time.Minute), Label: strings.Repeat("x", 9000)}}},
		"unordered":       {Start: start, End: hour, Series: []Line{{Points: []Sample{{hour.UnixMilli(), 1}, {start.UnixMilli(), 5}, {0, 3}}}}},
		"far apart":       {Start: time.Unix(0, 0), End: time.Unix(1<<40, 0), Series: []Line{{Points: points(1, 2)}}},
		"stacked gaps":    {Start: start, End: hour, Stacked: true, Series: []Line{{Points: points(nan, 1)}, {Points: nil}, {Points: points(-3, 4)}}, EndLabels: true},
		"bars":            {Start: start, End: hour, Series: []Line{{Points: points(1, nan, -2), Bars: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range [][2]float64{{300, 200}, {60, 30}, {1, 1}, {0, 0}} {
				c := testCanvas(t, 320, 220, Dark())
				DrawChart(c, Rect{10, 10, size[0], size[1]}, spec, Style{Palette: Dark(), K: 1})
				for _, p := range [][2]int{{5, 5}, {315, 100}, {150, 215}} {
					if got := c.Image().RGBAAt(p[0], p[1]); got.R != Dark().Surface.R {
						t.Errorf("%v: pixel %v outside is %v", size, p, got)
					}
				}
			}
		})
	}
}

var hostileHigh, hostileLow = 10.0, -10.0

func TestSparklinePicture(t *testing.T) {
	p := Dark()
	c := testCanvas(t, 480, 120, p)
	end := incident()
	start := end.Add(-time.Hour)
	st := Style{Palette: p, K: 1}
	Sparkline(c, Rect{16, 16, 200, 80}, &Spark{Points: noisy(4, start, end, 80, 50, 8), Start: start, End: end, Area: true, Dot: true}, st)
	rising := noisy(6, start, end, 80, 0, 0.2)
	for i := range rising {
		rising[i].V += 60 + float64(i*i)/250
	}
	Sparkline(c, Rect{248, 16, 200, 80}, &Spark{Points: rising, Start: start, End: end, Area: true, Dot: true, Limit: &Limit{Value: 70, Severity: KindWarning}}, st)
	golden(t, "sparkline", c.Image())
}
