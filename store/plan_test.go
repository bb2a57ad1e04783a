package store

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/nocturne-noc/nocturne/store/bolt"
)

func TestPlan(t *testing.T) {
	const day = 24 * time.Hour
	end := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	since := func(tier *bolt.Tier) int64 {
		return end.Add(-map[*bolt.Tier]time.Duration{bolt.Raw: 30 * day, bolt.FiveMinutes: 365 * day, bolt.OneHour: 5 * 365 * day}[tier]).UnixMilli()
	}
	young := func(*bolt.Tier) int64 { return math.MaxInt64 }
	for _, tc := range []struct {
		name         string
		expr         string
		span, step   time.Duration
		ago          time.Duration // how long before now the query ends
		since        func(*bolt.Tier) int64
		want         string // "" for as it is
		wantLookback time.Duration
		wantNote     string
	}{
		{name: "an hour", expr: `rate(x[5m])`, span: time.Hour, step: 6 * time.Second},
		{name: "a day", expr: `sum(x)`, span: day, step: 144 * time.Second},
		{name: "now", expr: `max(x) / min(y offset 7d)`},
		{name: "two hours, a week ago", expr: `x offset 1w`, span: 2 * time.Hour, step: time.Minute},
		{name: "a week in short steps", expr: `x`, span: 7 * day, step: time.Minute},
		{
			name: "a week", expr: `x{a="b"}`, span: 7 * day, step: 1008 * time.Second,
			want: `x{__rollup__=~"5m:last",a="b"}`, wantLookback: 10 * time.Minute,
		},
		{
			name: "a year", expr: `sum by (a) (x) / 8`, span: 364 * day, step: 14 * time.Hour,
			want: `sum by (a) (x{__rollup__=~"1h:last"}) / 8`, wantLookback: 65 * time.Minute,
		},
		{
			name: "rate", expr: `rate(x[20m])*8`, span: 7 * day, step: 1008 * time.Second,
			want: `rate(x{__rollup__=~"5m:counter"}[25m]) * 8`,
		},
		{
			name: "rate of a bucket", expr: `rate(x[5m])`, span: 7 * day, step: 1008 * time.Second,
			want: `rate(x{__rollup__=~"5m:counter"}[10m])`,
		},
		{
			name: "increase of less than a bucket", expr: `increase(x[5m])`, span: 364 * day, step: 14 * time.Hour,
			want: `(rate(x{__rollup__=~"1h:counter"}[2h]) * 300)`, wantNote: "increase over 5m",
		},
		{
			name: "averages", expr: `max by (a) (avg_over_time(x[1h] offset 5m))`, span: 7 * day, step: 1008 * time.Second,
			want: `max by (a) ((sum_over_time(x{__rollup__=~"5m:sum"}[1h] offset 5m) / sum_over_time(x{__rollup__=~"5m:count"}[1h] offset 5m)))`,
		},
		{
			name: "counts", expr: `count_over_time(x[1h])`, span: 7 * day, step: time.Hour,
			want: `sum_over_time(x{__rollup__=~"5m:count"}[1h])`,
		},
		{
			name: "extremes", expr: `min_over_time(x[14h]) < max_over_time(x[1h])`, span: 364 * day, step: 14 * time.Hour,
			want: `min_over_time(x{__rollup__=~"1h:min"}[14h]) < max_over_time(x{__rollup__=~"5m:max"}[1h])`,
		},
		{
			name: "increase", expr: `increase(x[1d])`, span: 364 * day, step: 14 * time.Hour,
			want: `(rate(x{__rollup__=~"1h:counter"}[1d1h]) * 86400)`,
		},
		{name: "extremes of less than two buckets", expr: `max_over_time(x[5m])`, span: 7 * day, step: 1008 * time.Second},
		{name: "what only samples tell", expr: `quantile_over_time(0.9, x[1h]) + changes(x[1h]) + irate(x[1h])`, span: 7 * day, step: time.Hour},
		{
			name: "prediction", expr: `predict_linear(x[6h], 3600) + deriv(x[6h]) + delta(x[3h])`, span: 7 * day, step: time.Hour,
			want: `predict_linear(x{__rollup__=~"1h:last"}[6h], 3600) + deriv(x{__rollup__=~"1h:last"}[6h]) + (delta(x{__rollup__=~"1h:last"}[4h]) * 0.75)`,
		},
		{
			name: "absent", expr: `absent(x{a="b"}) or absent_over_time(x[2h])`, span: 364 * day, step: 14 * time.Hour,
			want: `absent(x{__rollup__=~"1h:last",a="b"}) or absent_over_time(x{__rollup__=~"1h:last"}[2h])`, wantLookback: 65 * time.Minute,
		},
		{
			name: "a long range now", expr: `avg_over_time(x[29d]) + rate(y[3d])`,
			want: `(sum_over_time(x{__rollup__=~"1h:sum"}[29d]) / sum_over_time(x{__rollup__=~"1h:count"}[29d])) + rate(y{__rollup__=~"5m:counter"}[3d5m])`,
		},
		{
			name: "subqueries", expr: `max_over_time(rate(x[10m])[29d:1h]) + max_over_time(x[29d:1m])`,
			want: `max_over_time(rate(x{__rollup__=~"1h:counter"}[2h])[29d:1h]) + max_over_time(x[29d:1m])`, wantNote: "rate over 10m",
		},
		{name: "moments", expr: `x @ 1772000000 + rate(x[5m] @ end())`, span: 7 * day, step: time.Hour},
		{
			name: "samples are gone", expr: `x + rate(y[1m]) + quantile_over_time(0.5, z[5m]) + max_over_time(z[1m])`,
			span: time.Hour, step: 6 * time.Second, ago: 100 * day,
			want:         `x{__rollup__=~"5m:last"} + rate(y{__rollup__=~"5m:counter"}[10m]) + quantile_over_time(0.5, z[5m]) + max_over_time(z{__rollup__=~"5m:max"}[5m])`,
			wantLookback: 10 * time.Minute, wantNote: "quantile_over_time wants samples",
		},
		{
			name: "five minutes are gone", expr: `x`, span: time.Hour, step: 6 * time.Second, ago: 2 * 365 * day,
			want: `x{__rollup__=~"1h:last"}`, wantLookback: 65 * time.Minute,
		},
		{name: "nothing is sealed", expr: `x`, span: time.Hour, step: 6 * time.Second, ago: 2 * 365 * day, since: young},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.since == nil {
				tc.since = since
			}
			if tc.want == "" {
				tc.want = tc.expr
			}
			if tc.wantLookback == 0 {
				tc.wantLookback = LookbackDelta
			}
			to := end.Add(-tc.ago)
			p := parser.NewParser(parser.Options{})
			got, err := plan(p, tc.expr, to.Add(-tc.span), to, tc.step, tc.since)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sortedMatchers(t, p, tc.want), sortedMatchers(t, p, got.expr)); diff != "" {
				t.Error(diff)
			}
			if got.lookback != tc.wantLookback {
				t.Errorf("lookback %v, want %v", got.lookback, tc.wantLookback)
			}
			if notes := strings.Join(got.notes, "; "); (notes == "") != (tc.wantNote == "") || !strings.Contains(notes, tc.wantNote) {
				t.Errorf("notes %q, want %q", notes, tc.wantNote)
			}
		})
	}
}

// sortedMatchers prints an expression in one way.
func sortedMatchers(t *testing.T, p parser.Parser, expr string) string {
	t.Helper()
	e, err := p.ParseExpr(expr)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return e.Pretty(0)
}

func TestReservedLabel(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now})
	for _, expr := range []string{`x{__rollup__="5m:last"}`, `rate(x{__rollup__=~".*"}[5m])`} {
		if _, err := s.Query(t.Context(), expr, c.now); err == nil || !strings.Contains(err.Error(), "reserved") {
			t.Errorf("%s: %v", expr, err)
		}
	}
	if _, err := s.Query(t.Context(), `label_replace(x, "a", "__rollup__", "b", ".*")`, c.now); err != nil {
		t.Errorf("a string that looks like it: %v", err)
	}
}

// FuzzPlan plans whatever parses: the rewritten text parses too, and gives the same type.
func FuzzPlan(f *testing.F) {
	for _, expr := range []string{
		`rate(x[5m])`, `avg_over_time(x[1h] offset -5m) > bool 3`, `max_over_time(sum(rate(x[5m]))[3d:10m])`,
		`x @ start() + on (a) group_left y`, `absent(x{a!="b"})`, `-count_over_time({__name__=~"a|b"}[30d])`, `"x"`, `x[5m]`,
	} {
		f.Add(expr, uint16(1), uint16(100))
	}
	p := parser.NewParser(parser.Options{})
	end := time.Unix(1_800_000_000, 0)
	f.Fuzz(func(t *testing.T, expr string, step, hours uint16) {
		before, err := p.ParseExpr(expr)
		if err != nil || strings.Contains(expr, holdLabel) {
			return
		}
		for _, since := range []int64{0, math.MaxInt64, end.UnixMilli()} {
			got, err := plan(p, expr, end.Add(-time.Duration(hours)*time.Hour), end, time.Duration(step)*time.Minute,
				func(tier *bolt.Tier) int64 { return since - int64(tier.Resolution) })
			if err != nil {
				t.Fatal(err)
			}
			after, err := p.ParseExpr(got.expr)
			if err != nil {
				t.Fatalf("%q became %q: %v", expr, got.expr, err)
			}
			if before.Type() != after.Type() {
				t.Fatalf("%q, %s, became %q, %s", expr, before.Type(), got.expr, after.Type())
			}
		}
	})
}
