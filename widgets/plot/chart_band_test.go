package plot

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// spiky is a year of two lines a point a day, with their extents; one had a spike of an hour past the
// limit, a day is lost, and the machine slept for weeks.
func spiky() *Chart {
	end := incident()
	start := end.AddDate(-1, 0, 0)
	c := &Chart{
		Start: start, End: end, Loc: seoul(), EndLabels: true, MaxGap: 36 * time.Hour,
		Limits: []Limit{{Value: 80, Severity: KindWarning}},
		Stretches: []Stretch{
			{Start: start.AddDate(0, 3, 0), End: start.AddDate(0, 3, 1), Label: "history damaged"},
			{Start: start.AddDate(0, 6, 0), End: start.AddDate(0, 8, 15), Label: "asleep", Faint: true},
			{Start: start.AddDate(0, 9, 0), End: start.AddDate(0, 9, 0).Add(time.Hour), Label: "too short to be seen", Faint: true},
		},
	}
	for n := range 2 {
		points := noisy(uint64(n), start, end, 366, 50-20*float64(n), 3)
		var band []Range
		var kept []Sample
		for i, s := range points {
			if at := time.UnixMilli(s.T); at.After(c.Stretches[1].Start) && at.Before(c.Stretches[1].End) || i == 92 {
				continue
			}
			kept = append(kept, s)
			band = append(band, Range{s.T - 86400e3, s.T, s.V - 5, s.V + 4})
		}
		if n == 0 {
			band[200].Hi, band[250].Hi = 95, 70
		}
		c.Series = append(c.Series, Line{Name: string(rune('a' + n)), Points: kept, Band: band})
	}
	return c
}

func TestDecimateBand(t *testing.T) {
	nan := math.NaN()
	for _, tc := range []struct {
		name    string
		in      []Range
		columns int
		want    []Range
	}{
		{"nothing", nil, 10, nil},
		{"as it is", []Range{{0, 10, 1, 2}, {10, 20, 0, 5}}, 10, []Range{{0, 10, 1, 2}, {10, 20, 0, 5}}},
		{"two in a pixel", []Range{{0, 10, 1, 2}, {10, 20, 0, 5}, {20, 30, 3, 4}}, 5, []Range{{0, 20, 0, 5}, {20, 30, 3, 4}}},
		{"a spike stays", []Range{{0, 1, 1, 2}, {1, 2, 1, 99}, {2, 3, 1, 2}}, 1, []Range{{0, 3, 1, 99}}},
		{"a gap stays", []Range{{0, 1, 1, 2}, {2, 3, 1, 2}}, 1, []Range{{0, 1, 1, 2}, {2, 3, 1, 2}}},
		{"no numbers", []Range{{0, 10, nan, 2}, {10, 20, 1, math.Inf(1)}, {20, 30, 1, 2}}, 10, []Range{{20, 30, 1, 2}}},
		{"without length", []Range{{5, 5, 1, 2}, {9, 4, 1, 2}}, 10, nil},
		{"out of sight", []Range{{-20, -10, 1, 2}, {-10, 5, 1, 2}, {95, 110, 1, 2}, {110, 120, 1, 2}}, 10, []Range{{-10, 5, 1, 2}, {95, 110, 1, 2}}},
		{"no columns", []Range{{0, 10, 1, 2}}, 0, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, decimateBand(nil, tc.in, 0, 100, tc.columns)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBetweenIsAPolygon compares what Between covers with the polygon of the same outline.
func TestBetweenIsAPolygon(t *testing.T) {
	var upper, lower []Point
	for i := range 60 {
		x := 3.3 + 5.1*float64(i)
		y := 50 + 30*math.Sin(float64(i)/3)
		upper, lower = append(upper, Point{x, y - 4}), append(lower, Point{x, y + 7*math.Cos(float64(i)) + 8})
	}
	upper[30].Y = 2 // a spike
	a, b := testCanvas(t, 320, 120, Dark()), testCanvas(t, 320, 120, Dark())
	a.Between(upper, lower, white)
	outline := append([]Point(nil), upper...)
	for i := len(lower) - 1; i >= 0; i-- {
		outline = append(outline, lower[i])
	}
	b.Polygon(outline, white)
	for i := range a.Image().Pix {
		if d := int(a.Image().Pix[i]) - int(b.Image().Pix[i]); d < -3 || d > 3 {
			t.Fatalf("pixel %d,%d differs by %d", i/4%320, i/4/320, d)
		}
	}
}

// TestBandIsInTheAxis checks that a spike which no sample tells is in the picture, for lines of their
// own and for those that share an envelope.
func TestBandIsInTheAxis(t *testing.T) {
	for name, n := range map[string]int{"one line": 1, "the rest of many": MaxSeries + 3} {
		c := spiky()
		c.Limits = nil
		line := c.Series[1]
		line.Band = append([]Range(nil), line.Band...)
		line.Band[100].Hi = 480
		c.Series = nil
		for range n {
			c.Series = append(c.Series, line)
		}
		d := &chartDrawing{spec: c, p: Dark(), k: 1, start: c.Start.UnixMilli(), end: c.End.UnixMilli()}
		d.prepare(500)
		if _, hi := d.extent(); hi != 480 {
			t.Errorf("%s: the highest value in sight is %v", name, hi)
		}
		c.Stacked = true
		d = &chartDrawing{spec: c, p: Dark(), k: 1, start: c.Start.UnixMilli(), end: c.End.UnixMilli()}
		d.prepare(500)
		for _, l := range d.lines {
			if len(l.band) > 0 {
				t.Errorf("%s: a stacked line has a band: what the extremes of a sum are, they do not tell", name)
				break
			}
		}
	}
}

// BenchmarkChartBands draws BenchmarkChartRender's lines, each with its extent.
func BenchmarkChartBands(b *testing.B) {
	c := testCanvas(b, 1600, 600, Dark())
	spec := benchmarkChart(600, false)
	for i, l := range spec.Series {
		for j, s := range l.Points[1:] {
			spec.Series[i].Band = append(spec.Series[i].Band, Range{l.Points[j].T, s.T, s.V - 2e8, s.V + 3e8})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Clear(Dark().Surface)
		DrawChart(c, c.Bounds(), spec, Style{Palette: Dark(), K: 1})
	}
}
