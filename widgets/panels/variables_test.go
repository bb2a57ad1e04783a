package panels

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

func TestVariables(t *testing.T) {
	long := timing{step: 24 * time.Hour, span: 365 * 24 * time.Hour, every: 10 * time.Second}
	short := timing{step: 10 * time.Second, span: 30 * time.Minute, every: 30 * time.Second}
	for _, tc := range []struct {
		text string
		t    timing
		want string
	}{
		{"rate(x[1m])", long, "rate(x[1m])"},
		{"rate(x[$__rate_interval])", long, "rate(x[1d15s])"},
		{"rate(x[$__rate_interval])", short, "rate(x[2m])"},
		{"rate(x[$__rate_interval])", timing{step: 10 * time.Second, span: 30 * time.Minute}, "rate(x[1m])"},
		{"avg_over_time(x[$__interval]) - avg_over_time(x[$__range])", short, "avg_over_time(x[10s]) - avg_over_time(x[30m])"},
		{"increase(x[$__range])", long, "increase(x[1y])"},
		{`max_over_time(x{a=~"b$"}[$__range:$__interval])`, long, `max_over_time(x{a=~"b$"}[1y:1d])`},
	} {
		x, err := parseRanged("expr", tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		if got := x.in(tc.t); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.text, got, tc.want)
		}
	}
	for _, tc := range []struct{ kind, keys, want string }{
		{"timeseries", "{queries: [{expr: 'rate(x[$__rate])'}]}", "queries[0].expr: unknown variable $__rate: want $__interval,"},
		{"timeseries", "{queries: [{expr: 'x * $__range_s'}]}", "unknown variable $__range_s"},
		{"timeseries", "{queries: [{expr: 'x[$__range]'}]}", "range vector"},
		{"stat", "{expr: 'rate(x[$__range])', range: none}", "this panel has no range"},
		{"topn", "{expr: 'rate(x[$__rate_interval])'}", "this panel has no range"},
		{"stat", "{expr: x, range: 11y}", "at most 10y"},
	} {
		if _, err := tryPanel(tc.kind, tc.keys); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s %s: error %v, want one about %q", tc.kind, tc.keys, err, tc.want)
		}
	}
}

// TestStepsAreRound checks that no chart asks for more than a point in two pixels, and that long steps
// are whole windows of the rollups and whole parts of a day.
func TestStepsAreRound(t *testing.T) {
	for _, tc := range []struct {
		span  time.Duration
		w     float64
		want  time.Duration
		whole time.Duration
	}{
		{30 * time.Minute, 509, 10 * time.Second, time.Second},
		{24 * time.Hour, 509, 6 * time.Minute, time.Minute},
		{24 * time.Hour, 100, 30 * time.Minute, 5 * time.Minute},
		{7 * day, 509, 40 * time.Minute, 5 * time.Minute},
		{30 * day, 509, 3 * time.Hour, time.Hour},
		{90 * day, 509, day, day},
		{365 * day, 509, 2 * day, day},
		{365 * day, 1884, day, day},
		{10 * 365 * day, 0, 153 * day, day},
	} {
		if got := stepFor(tc.span, tc.w); got != tc.want {
			t.Errorf("%v on %v pixels: %v, want %v", tc.span, tc.w, got, tc.want)
		}
	}
	for span := time.Minute; span < longest; span += span / 7 {
		for _, w := range []float64{0, 90, 509, 1884, 8000} {
			step := stepFor(span, w)
			if points := float64(span) / float64(step); points > max(24, w/2) {
				t.Fatalf("%v on %v pixels: %v points %v apart", span, w, points, step)
			}
			if unit := wholePart(step); step%unit != 0 {
				t.Fatalf("%v on %v pixels: step %v is not whole in %v", span, w, step, unit)
			}
		}
	}
}

// wholePart is what a step must be a multiple of.
func wholePart(step time.Duration) time.Duration {
	switch {
	case step > 6*time.Hour:
		return day
	case step > time.Hour:
		return time.Hour
	case step > 10*time.Minute:
		return 5 * time.Minute
	}
	return time.Second
}

func TestRangesOf(t *testing.T) {
	pts := func(tv ...float64) []model.Point {
		var out []model.Point
		for i := 0; i < len(tv); i += 2 {
			out = append(out, model.Point{T: int64(tv[i]) * 1000, V: tv[i+1]})
		}
		return out
	}
	r := func(to int64, lo, hi float64) plot.Range {
		return plot.Range{From: (to - 10) * 1000, To: to * 1000, Lo: lo, Hi: hi}
	}
	for _, tc := range []struct {
		name            string
		line, low, high []model.Point
		want            []plot.Range
	}{
		{"nothing", nil, nil, nil, []plot.Range{}},
		{"all three", pts(10, 5, 20, 6), pts(10, 1, 20, 6), pts(10, 9, 20, 70), []plot.Range{r(10, 1, 9), r(20, 6, 70)}},
		{"the line outside of its extent", pts(10, 5), pts(10, 6), pts(10, 7), []plot.Range{r(10, 5, 7)}},
		{"no extent at one step", pts(10, 5, 20, 6, 30, 7), pts(10, 1, 30, 2), pts(10, 9, 30, 8), []plot.Range{r(10, 1, 9), r(20, 6, 6), r(30, 2, 8)}},
		{"came and went between two points", pts(10, 5), pts(10, 5, 30, 2), pts(10, 5, 30, 3), []plot.Range{r(10, 5, 5), r(30, 2, 3)}},
		{"the highest alone", pts(10, 5), nil, pts(10, 9), []plot.Range{r(10, 5, 9)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, rangesOf(tc.line, tc.low, tc.high, 10*time.Second)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLongChartTellsAll loads a year at two days a point: the spikes of an hour are in the band, also
// one since the last point; the last value is the present one; and nothing is joined over lost history.
func TestLongChartTellsAll(t *testing.T) {
	src := yearOfSpikes()
	lost := time.Date(2025, 5, 3, 9, 0, 0, 0, paneltest.KST)
	src.Noted = []model.Mark{{Start: lost.Add(time.Hour), End: lost.Add(5 * time.Hour), Kind: model.MarkDamaged}}
	inlet := src.Lines[0].Points
	inlet[len(inlet)-3].V = 99 // two hours ago: no point of the chart has been since
	panel := newPanel(t, "timeseries", yearKeys).(*timeseries)
	env := testEnv(509, 300)
	ages := []fresh{{asOf: at, every: time.Hour}}
	h, err := panel.history(t.Context(), src, env, ages)
	if err != nil {
		t.Fatal(err)
	}
	if h.step != 2*day || h.span != 365*day || h.bandless {
		t.Fatalf("history is %v at %v", h.span, h.step)
	}
	for i, line := range h.lines[0] {
		if line.Labels.Get("sensor") != "inlet" {
			continue
		}
		last := line.Points[len(line.Points)-1]
		if last.T != at.UnixMilli() || last.V != inlet[len(inlet)-1].V {
			t.Errorf("the line ends with %v at %v, want the present", last.V, time.UnixMilli(last.T))
		}
		var over []float64
		for _, r := range cutBand(h.bands[0][i], plot.Line{}, at) {
			if r.To > at.UnixMilli() {
				t.Errorf("the band reaches into the future: %v", time.UnixMilli(r.To))
			}
			if r.Hi > 60 {
				over = append(over, r.Hi)
			}
		}
		if diff := cmp.Diff([]float64{63, 74, 90, 66, 71, 99}, over); diff != "" {
			t.Errorf("spikes in the band: %s", diff)
		}
		marks := stretches(src, env, at.Add(-h.span), at)
		points := samplesOf(&line, at, false)
		if got := len(broken(points, marks)) - len(points); got != 1 {
			t.Errorf("the line has %d breaks, want one at the lost hours", got)
		}
	}
}

// TestChosenRangeCounts checks that the range chosen for the whole wall goes before the panel's own.
func TestChosenRangeCounts(t *testing.T) {
	env := testEnv(509, 300)
	env.Range = 7 * day
	v, err := newPanel(t, "timeseries", crowdKeys).Load(t.Context(), weeks(2), env)
	if err != nil {
		t.Fatal(err)
	}
	if v.Right != "Gb/s, 7 d" {
		t.Errorf("the chart is of %q", v.Right)
	}
	if v.Hold != longestHold {
		t.Errorf("a chart of a week is held for %v", v.Hold)
	}
}

func TestMarksThatAllButTouchAreOne(t *testing.T) {
	src := paneltest.New(at)
	mark := func(kind string, from, to time.Duration) {
		src.Noted = append(src.Noted, model.Mark{Start: at.Add(-from), End: at.Add(-to), Kind: kind})
	}
	mark(model.MarkDamaged, 100*day, 99*day)
	mark(model.MarkAsleep, 99*day, 98*day)
	mark(model.MarkDamaged, 99*day, 98*day)
	mark(model.MarkDamaged, 50*day, 49*day)
	got := stretches(src, testEnv(500, 300), at.Add(-365*day), at)
	want := []plot.Stretch{
		{Start: at.Add(-100 * day), End: at.Add(-98 * day), Label: "history damaged"},
		{Start: at.Add(-99 * day), End: at.Add(-98 * day), Label: "no record", Faint: true},
		{Start: at.Add(-50 * day), End: at.Add(-49 * day), Label: "history damaged"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
