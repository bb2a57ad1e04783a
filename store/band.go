package store

import (
	"context"
	"math"
	"slices"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	// minBandStep is the shortest step that may hold more than one sample worth a band.
	minBandStep = 10 * time.Second
	// maxInnerSteps is into how many a step is divided at most to find the lowest and highest in between.
	maxInnerSteps = 16
	// maxBandSteps bounds the inner steps of a whole band.
	maxBandSteps = 10_000
)

// bandLabel tells the two lines of a band apart while they are kept together.
const bandLabel = "__band__"

// band finds the lowest and the highest value of each line within each step. What follows the lowest and highest
// samples is computed from those, exactly, out of rollups for a long time: see extremes. Any other expression
// is evaluated at shorter steps, down to the resolution of the tier that answers.
func (p panels) band(ctx context.Context, expr string, start, end time.Time, step time.Duration) (low, high []model.Series, err error) {
	if err := checkRange(expr, start, end, step); err != nil {
		return nil, nil, err
	}
	root, err := p.engine.parser.ParseExpr(expr)
	if err != nil || step < minBandStep || step%time.Millisecond != 0 || root.Type() != parser.ValueTypeVector {
		return nil, nil, err
	}
	e := extremes(root, step)
	inner := innerStep(root, start, end, step)
	if (e.low == nil || e.high == nil) && inner == 0 {
		return nil, nil, nil
	}
	lines, err := p.ranges.query(rangeKey{expr: expr, band: true}, start, end, step, p.now(), func(from, to time.Time) ([]model.Series, error) {
		return p.both(ctx, expr, e, inner, span{start.UnixMilli(), end.UnixMilli()}, from, to, step)
	})
	if err != nil {
		return nil, nil, err
	}
	low, high = splitBand(lines)
	return low, high, nil
}

// both evaluates the two lines from one step to another of a band over whole, marked by bandLabel.
func (p panels) both(ctx context.Context, expr string, e pair, inner time.Duration, whole span, from, to time.Time, step time.Duration) ([]model.Series, error) {
	var lines []model.Series
	put := func(list []model.Series, mark string, named bool) {
		for _, l := range list {
			b := labels.NewBuilder(l.Labels).Set(bandLabel, mark)
			if named {
				b.Set(prom.MetricNameLabel, e.name)
			}
			lines = append(lines, model.Series{Labels: b.Labels(), Points: l.Points})
		}
	}
	for mark, exact := range map[string]parser.Expr{"low": e.low, "high": e.high} {
		if exact == nil {
			continue
		}
		text := exact.String()
		pl, err := p.prepare(text, time.UnixMilli(whole.from), time.UnixMilli(whole.to), step)
		if err != nil {
			return nil, err
		}
		list, err := p.evaluate(ctx, text, pl, from, to, step)
		if err != nil {
			return nil, err
		}
		put(list, mark, e.name != "")
	}
	if e.low != nil && e.high != nil {
		return lines, nil
	}
	pl, err := p.prepare(expr, time.UnixMilli(whole.from), time.UnixMilli(whole.to), inner)
	if err != nil {
		return nil, err
	}
	list, err := p.evaluate(ctx, expr, pl, from.Add(inner-step), to, inner)
	if err != nil {
		return nil, err
	}
	if e.low == nil {
		put(reduce(list, from.UnixMilli(), step.Milliseconds(), math.Min), "low", false)
	}
	if e.high == nil {
		put(reduce(list, from.UnixMilli(), step.Milliseconds(), math.Max), "high", false)
	}
	return lines, nil
}

// reduce joins the points of the step before each of from, from+step, ... into one.
func reduce(list []model.Series, from, step int64, pick func(a, b float64) float64) []model.Series {
	out := make([]model.Series, 0, len(list))
	for _, l := range list {
		var points []model.Point
		for _, p := range l.Points {
			t := from - floorDiv(from-p.T, step)*step // the step at or after it
			switch n := len(points); {
			case n == 0 || points[n-1].T != t:
				points = append(points, model.Point{T: t, V: p.V})
			case math.IsNaN(points[n-1].V):
				points[n-1].V = p.V
			case !math.IsNaN(p.V):
				points[n-1].V = pick(points[n-1].V, p.V)
			}
		}
		out = append(out, model.Series{Labels: l.Labels, Points: points})
	}
	return out
}

// splitBand parts the lines by their mark. A band without any width is none.
func splitBand(lines []model.Series) (low, high []model.Series) {
	for _, l := range lines {
		s := model.Series{Labels: labels.NewBuilder(l.Labels).Del(bandLabel).Labels(), Points: l.Points}
		if l.Labels.Get(bandLabel) == "low" {
			low = append(low, s)
		} else {
			high = append(high, s)
		}
	}
	byLabels := func(a, b model.Series) int { return labels.Compare(a.Labels, b.Labels) }
	slices.SortFunc(low, byLabels)
	slices.SortFunc(high, byLabels)
	if slices.EqualFunc(low, high, func(a, b model.Series) bool {
		return labels.Equal(a.Labels, b.Labels) && slices.Equal(a.Points, b.Points)
	}) {
		return nil, nil
	}
	return low, high
}

// innerStep returns at which steps an expression is evaluated within a step: no finer than what answers it, and than
// half the shortest range in it, which evens out what is shorter. It is 0 when there is nothing in between.
func innerStep(root parser.Expr, start, end time.Time, step time.Duration) time.Duration {
	finest := max(step/maxInnerSteps, minBandStep, time.Duration(float64(end.Sub(start)+step)/maxBandSteps))
	if end.Sub(start) > rawSpan-LookbackDelta {
		for _, tier := range bolt.Tiers[1:] {
			if 2*tier.Resolution <= step {
				finest = max(finest, tier.Resolution)
			}
		}
	}
	shortest := time.Duration(math.MaxInt64)
	parser.Inspect(root, func(n parser.Node, _ []parser.Node) error {
		if m, ok := n.(*parser.MatrixSelector); ok {
			shortest = min(shortest, m.Range)
		}
		return nil
	})
	if shortest < math.MaxInt64 {
		finest = max(finest, shortest/2)
	}
	ms := step.Milliseconds()
	for k := ms / max(finest.Milliseconds(), 1); k >= 2; k-- {
		if ms%k == 0 {
			return time.Duration(ms/k) * time.Millisecond
		}
	}
	return 0
}

// pair are the expressions of the lowest and the highest value within a step, nil where there is none. name is the
// metric's name when the expression itself keeps it.
type pair struct {
	low, high parser.Expr
	name      string
}

// extremes finds the pair of an expression. A selector has one, and keeps it through brackets, signs, and
// arithmetic with a number that rises or falls with it. The highest of several lines is the highest of their
// highest values, the lowest likewise; what the lowest of the highest is they do not tell.
func extremes(e parser.Expr, step time.Duration) pair {
	switch e := e.(type) {
	case *parser.VectorSelector:
		if e.OriginalOffsetExpr != nil || e.Anchored || e.Smoothed {
			return pair{}
		}
		name := nameOf(e)
		if name == "" {
			return pair{} // the names of the lines would be lost
		}
		over := func(function string) parser.Expr {
			return &parser.Call{Func: parser.Functions[function], Args: parser.Expressions{&parser.MatrixSelector{VectorSelector: e, Range: step}}}
		}
		return pair{over("min_over_time"), over("max_over_time"), name}
	case *parser.ParenExpr:
		return extremes(e.Expr, step).wrap(func(x parser.Expr) parser.Expr { return &parser.ParenExpr{Expr: x} })
	case *parser.UnaryExpr:
		p := extremes(e.Expr, step).wrap(func(x parser.Expr) parser.Expr { return &parser.UnaryExpr{Op: e.Op, Expr: x} })
		if e.Op == parser.SUB {
			p = pair{low: p.high, high: p.low}
		}
		return p
	case *parser.BinaryExpr:
		return extremesOfBinary(e, step)
	case *parser.AggregateExpr:
		if slices.Contains(e.Grouping, prom.MetricNameLabel) {
			return pair{}
		}
		p := extremes(e.Expr, step).wrap(func(x parser.Expr) parser.Expr {
			return &parser.AggregateExpr{Op: e.Op, Expr: x, Grouping: e.Grouping, Without: e.Without}
		})
		switch e.Op {
		case parser.MAX:
			return pair{high: p.high}
		case parser.MIN:
			return pair{low: p.low}
		}
	}
	return pair{}
}

// extremesOfBinary is extremes of arithmetic with a number on one side.
func extremesOfBinary(e *parser.BinaryExpr, step time.Duration) pair {
	number, left := numberOf(e.LHS)
	line := e.RHS
	if !left {
		var right bool
		if number, right = numberOf(e.RHS); !right {
			return pair{}
		}
		line = e.LHS
	}
	falls := false
	switch {
	case e.Op == parser.ADD:
	case e.Op == parser.SUB:
		falls = left
	case (e.Op == parser.MUL || e.Op == parser.DIV && !left) && number != 0 && !math.IsNaN(number):
		falls = number < 0
	default:
		return pair{}
	}
	p := extremes(line, step).wrap(func(x parser.Expr) parser.Expr {
		if left {
			return &parser.BinaryExpr{Op: e.Op, LHS: e.LHS, RHS: x}
		}
		return &parser.BinaryExpr{Op: e.Op, LHS: x, RHS: e.RHS}
	})
	if p.name = ""; falls {
		p.low, p.high = p.high, p.low
	}
	return p
}

func (p pair) wrap(with func(parser.Expr) parser.Expr) pair {
	if p.low != nil {
		p.low = with(p.low)
	}
	if p.high != nil {
		p.high = with(p.high)
	}
	return p
}

func numberOf(e parser.Expr) (float64, bool) {
	switch e := e.(type) {
	case *parser.NumberLiteral:
		return e.Val, true
	case *parser.ParenExpr:
		return numberOf(e.Expr)
	case *parser.UnaryExpr:
		v, ok := numberOf(e.Expr)
		if e.Op == parser.SUB {
			v = -v
		}
		return v, ok
	default:
		return 0, false
	}
}

// nameOf is the one metric name that a selector selects, "" when there may be others.
func nameOf(s *parser.VectorSelector) string {
	for _, m := range s.LabelMatchers {
		if m.Name == prom.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}
