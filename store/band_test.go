package store

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestExtremes(t *testing.T) {
	p := parser.NewParser(parser.Options{})
	for expr, want := range map[string][3]string{
		`x{a="b"} offset 1h`:            {`min_over_time(x{a="b"}[10m] offset 1h)`, `max_over_time(x{a="b"}[10m] offset 1h)`, "x"},
		`(x)`:                           {`(min_over_time(x[10m]))`, `(max_over_time(x[10m]))`, "x"},
		`-x`:                            {`-max_over_time(x[10m])`, `-min_over_time(x[10m])`},
		`x * 8 / 1000`:                  {`min_over_time(x[10m]) * 8 / 1000`, `max_over_time(x[10m]) * 8 / 1000`},
		`100 - x`:                       {`100 - max_over_time(x[10m])`, `100 - min_over_time(x[10m])`},
		`x * -1`:                        {`max_over_time(x[10m]) * -1`, `min_over_time(x[10m]) * -1`},
		`max by (a) (x)`:                {"", `max by (a) (max_over_time(x[10m]))`},
		`-min without (a) (x)`:          {"", `-min without (a) (min_over_time(x[10m]))`},
		`1 / x`:                         {},
		`x * 0`:                         {},
		`x + y`:                         {},
		`rate(x[5m])`:                   {},
		`sum(x)`:                        {},
		`max by (__name__) (x)`:         {},
		`{__name__=~"a|b"}`:             {},
		`x > 5`:                         {},
		`max_over_time(x[5m])`:          {},
		`label_replace(x, "","","","")`: {},
	} {
		e, err := p.ParseExpr(expr)
		if err != nil {
			t.Fatal(err)
		}
		got := extremes(e, 10*time.Minute)
		var texts [3]string
		if got.low != nil {
			texts[0] = got.low.String()
		}
		if got.high != nil {
			texts[1] = got.high.String()
		}
		texts[2] = got.name
		if diff := cmp.Diff(want, texts); diff != "" {
			t.Errorf("%s:\n%s", expr, diff)
		}
	}
}

func TestInnerStep(t *testing.T) {
	p := parser.NewParser(parser.Options{})
	for _, tc := range []struct {
		expr       string
		span, step time.Duration
		want       time.Duration
	}{
		{`sum(x)`, time.Hour, 6 * time.Second, 0},
		{`sum(x)`, 6 * time.Hour, time.Minute, 10 * time.Second},
		{`sum(x)`, 24 * time.Hour, 144 * time.Second, 12 * time.Second},
		{`rate(x[5m])`, 24 * time.Hour, 144 * time.Second, 0},
		{`rate(x[5m])`, 7 * 24 * time.Hour, 1008 * time.Second, 336 * time.Second},
		{`rate(x[5m])`, 365 * 24 * time.Hour, 14 * time.Hour, time.Hour},
		{`rate(x[1d])`, 365 * 24 * time.Hour, 14 * time.Hour, 0},
	} {
		e, err := p.ParseExpr(tc.expr)
		if err != nil {
			t.Fatal(err)
		}
		end := time.Unix(1_800_000_000, 0)
		if got := innerStep(e, end.Add(-tc.span), end, tc.step); got != tc.want {
			t.Errorf("%s over %v in steps of %v: %v, want %v", tc.expr, tc.span, tc.step, got, tc.want)
		}
	}
}

func TestReduce(t *testing.T) {
	nan := math.NaN()
	list := []model.Series{{Points: []model.Point{{T: 60, V: 1}, {T: 80, V: 5}, {T: 100, V: nan}, {T: 110, V: nan}, {T: 150, V: 7}, {T: 200, V: 3}}}}
	got := reduce(list, 100, 50, math.Max)
	want := []model.Series{{Points: []model.Point{{T: 100, V: 5}, {T: 150, V: 7}, {T: 200, V: 3}}}}
	if diff := cmp.Diff(want, got, cmp.Comparer(labels.Equal)); diff != "" {
		t.Error(diff)
	}
}

// A burst of traffic between two steps shows in the band of its rate, and of a sum over series.
func TestBandOfOtherExpressions(t *testing.T) {
	c := newClock()
	c.set(c.now.Truncate(time.Hour))
	s := open(t, Options{Now: c.Now, Tick: never})
	start, octets := c.now, 0.0
	for i := range 6 * 60 * 6 { // six hours, every ten seconds
		at := i % (6 * 60)
		up := 1.0
		if octets += 1000; at >= 120 && at < 180 { // ten minutes of each hour, twenty minutes past
			octets += 99_000
			up = 0
		}
		apply(t, s, model.Batch{Source: "a", Time: c.now, Samples: []model.Sample{
			sample(c.now, octets, "__name__", "octets", "a", "1"), sample(c.now, up, "__name__", "up", "a", "1"), sample(c.now, 1, "__name__", "up", "a", "2"),
		}})
		c.advance(10 * time.Second)
	}
	for expr, want := range map[string][2]float64{`rate(octets[5m])`: {100, 10_000}, `sum(up)`: {1, 2}, `sum(up) * 10`: {10, 20}} {
		low, high, err := s.QueryBand(t.Context(), expr, start.Add(2*time.Hour), start.Add(5*time.Hour), time.Hour)
		if err != nil || len(low) != 1 || len(high) != 1 || len(low[0].Points) != 4 {
			t.Fatalf("%s: %v %v %v", expr, low, high, err)
		}
		for i := range low[0].Points {
			if l, h := low[0].Points[i].V, high[0].Points[i].V; math.Abs(l-want[0]) > 1 || math.Abs(h-want[1]) > 1 {
				t.Errorf("%s: step %d goes from %v to %v, want %v", expr, i, l, h, want)
			}
		}
	}
	for _, expr := range []string{`octets`, `up{a="2"}`, `7`} {
		low, high, err := s.QueryBand(t.Context(), expr, start.Add(time.Hour), start.Add(2*time.Hour), 5*time.Second)
		if err != nil || low != nil || high != nil {
			t.Errorf("%s in steps shorter than its own: %v %v %v", expr, low, high, err)
		}
	}
	if low, _, err := s.QueryBand(t.Context(), `up{a="2"}`, start.Add(time.Hour), start.Add(2*time.Hour), time.Minute); err != nil || low != nil {
		t.Errorf("what never changes has the band %v: %v", low, err)
	}
	if _, _, err := s.QueryBand(t.Context(), `up{`, start, start.Add(time.Hour), time.Minute); err == nil {
		t.Error("what does not parse has a band")
	}
}
