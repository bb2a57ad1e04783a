package alert

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

func TestCondition(t *testing.T) {
	p := parser.NewParser(parser.Options{})
	for _, tc := range []struct{ expr, want string }{
		{`up == 0`, ""},
		{`rate(a[1m]) / b > 0.9`, ""},
		{`a == 1 and on (x) b`, `a == 1`},
		{`a == 1 unless on (x) b`, `a == 1`},
		{`max by (x) (a == 1 unless on (x) b == 1) * on (x) group_left (y) max by (x, y) (c)`, `a == 1`},
		{`max by (x) (a == 1) * on (x) group_left (y) c`, `max by (x) (a == 1)`},
		{`100 * (a > 5 and b) > 3`, `a > 5`},
		{`a == 1 or b == 1`, ""},
		{`(a == 1 or b == 1) and c`, ""},
		{`a == bool 1 and c`, ""},
		{`absent(a == 1 and b)`, ""},
		{`count_values("v", a == 1 and b)`, `a == 1`},
		{`a and b == 1`, ""},
		{`sum(a) > 1 and sum(b)`, `sum(a) > 1`},
	} {
		expr, err := p.ParseExpr(tc.expr)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if condition := conditionOf(expr); condition != nil {
			got = condition.String()
		}
		if got != tc.want {
			t.Errorf("%s: condition %q, want %q", tc.expr, got, tc.want)
		}
	}
}

// TestGuarded holds that the whole is asked for when, and only when, its condition has a result.
func TestGuarded(t *testing.T) {
	var asked []string
	answers := map[string]promql.Vector{}
	query := guarded(func(_ context.Context, text string, _ time.Time) (promql.Vector, error) {
		asked = append(asked, text)
		return answers[text], nil
	}, parser.NewParser(parser.Options{}))
	ask := func(text string) promql.Vector {
		asked = nil
		v, err := query(t.Context(), text, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	const whole, condition = "a == 1 and b", "a == 1"
	answers[whole] = promql.Vector{{F: 1}}
	if got := ask(whole); len(got) != 0 || !slices.Equal(asked, []string{condition}) {
		t.Errorf("silent: %v, asked %q", got, asked)
	}
	answers[condition] = promql.Vector{{F: 1}}
	if got := ask(whole); len(got) != 1 || !slices.Equal(asked, []string{condition, whole}) {
		t.Errorf("not silent: %v, asked %q", got, asked)
	}
	if ask("up == 0"); !slices.Equal(asked, []string{"up == 0"}) {
		t.Errorf("without a condition of its own: asked %q", asked)
	}
}
