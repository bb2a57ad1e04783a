package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/rollup"
)

const (
	// rawSpan is how much time a selector may look at and still always read samples.
	rawSpan = 26 * time.Hour
	// instantBuckets is how many buckets the range of an instant query has at least.
	instantBuckets = 100
	// subqueryStep is that of subqueries that do not say.
	subqueryStep = time.Minute
)

// planned is a query as the engine is to evaluate it.
type planned struct {
	expr     string
	lookback time.Duration // how far back the newest value counts
	notes    []string      // where the answer is not exactly what was asked
}

// plan decides which tier each selector of a query reads, and rewrites the expression accordingly. step is 0
// for an instant query; since says from when on a tier has history.
//
//   - A selector that looks at 26 hours at most, its range, offset aside and the steps of the query together,
//     reads samples: exact PromQL.
//   - Beyond, it reads the coarsest tier whose buckets are no longer than the step (of the query, or of the
//     subquery around it). Within the range of a range selector there are two buckets at least; in an instant
//     query, a hundred.
//   - What no tier but a coarser one goes back to, that one answers.
//   - rate, increase and delta compare the ends of buckets: so many that they lie as far apart as the range is
//     long, one bucket at least. That is why the range in the rewritten expression is a bucket longer, and the result
//     is scaled to what was asked. rate and increase count resets within buckets. A note says where the range
//     was shorter than a bucket.
//   - deriv, predict_linear, last_, present_ and absent_over_time read last values; min_, max_, sum_, count_ and
//     avg_over_time what their names say. A bucket counts at the time of its last sample.
//   - Every other function of a range reads samples. Where they are gone it gets last values, and a note says so.
//
// A selector's tier travels in a matcher on a reserved label: see hold.
func plan(p parser.Parser, expr string, start, end time.Time, step time.Duration, since func(*bolt.Tier) int64) (planned, error) {
	out := planned{expr: expr, lookback: LookbackDelta}
	root, err := p.ParseExpr(expr)
	if err != nil {
		return out, err
	}
	if strings.Contains(expr, holdLabel) && reserved(root) {
		return out, fmt.Errorf("label %s is reserved: leave it out of the query", holdLabel)
	}
	pl := planner{start: start.UnixMilli(), end: end.UnixMilli(), since: since}
	root = pl.rewrite(root, timing{pl.start, pl.end, step.Milliseconds()})
	if pl.changed {
		out.expr = root.String()
	}
	out.lookback += pl.lookback
	out.notes = slices.Compact(pl.notes)
	return out, nil
}

// reserved reports whether an expression asks for the label that holds travel in.
func reserved(root parser.Expr) (found bool) {
	parser.Inspect(root, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			found = found || slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == holdLabel })
		}
		return nil
	})
	return found
}

// planner rewrites one expression.
type planner struct {
	start, end int64 // of the query, Unix milliseconds
	since      func(*bolt.Tier) int64
	changed    bool
	lookback   time.Duration // beyond the usual
	notes      []string
}

// timing is when an expression is evaluated: from first to last, Unix milliseconds, in steps of milliseconds,
// 0 for once.
type timing struct{ first, last, step int64 }

// at is the timing within an offset and under an @ modifier.
func (pl *planner) at(sc timing, timestamp *int64, startOrEnd parser.ItemType, offset time.Duration) timing {
	switch {
	case timestamp != nil:
		sc = timing{*timestamp, *timestamp, 0}
	case startOrEnd == parser.START:
		sc = timing{pl.start, pl.start, 0}
	case startOrEnd == parser.END:
		sc = timing{pl.end, pl.end, 0}
	}
	sc.first -= offset.Milliseconds()
	sc.last -= offset.Milliseconds()
	return sc
}

func (pl *planner) rewrite(e parser.Expr, sc timing) parser.Expr {
	switch e := e.(type) {
	case *parser.VectorSelector:
		pl.instant(e, sc)
	case *parser.SubqueryExpr:
		if e.RangeExpr != nil || e.StepExpr != nil || e.OriginalOffsetExpr != nil {
			return e // known only when it is evaluated
		}
		inner := pl.at(sc, e.Timestamp, e.StartOrEnd, e.OriginalOffset)
		inner.first -= e.Range.Milliseconds()
		if inner.step = e.Step.Milliseconds(); inner.step == 0 {
			inner.step = subqueryStep.Milliseconds()
		}
		e.Expr = pl.rewrite(e.Expr, inner)
	case *parser.Call:
		if len(e.Args) > 0 {
			if m, ok := e.Args[0].(*parser.MatrixSelector); ok {
				return pl.ranged(e, m, sc)
			}
		}
		for i, arg := range e.Args {
			if m, ok := arg.(*parser.MatrixSelector); ok {
				pl.exact(e.Func.Name, m, sc)
				continue
			}
			e.Args[i] = pl.rewrite(arg, sc)
		}
	case *parser.AggregateExpr:
		e.Expr = pl.rewrite(e.Expr, sc)
		if e.Param != nil {
			e.Param = pl.rewrite(e.Param, sc)
		}
	case *parser.BinaryExpr:
		e.LHS, e.RHS = pl.rewrite(e.LHS, sc), pl.rewrite(e.RHS, sc)
	case *parser.ParenExpr:
		e.Expr = pl.rewrite(e.Expr, sc)
	case *parser.UnaryExpr:
		e.Expr = pl.rewrite(e.Expr, sc)
	case *parser.MatrixSelector:
		pl.exact("a range", e, sc)
	}
	return e
}

// tier chooses one for a selector of the range r, 0 for none, all in milliseconds. buckets is how many the range
// has to have. forced is true when finer tiers do not go back as far.
func (pl *planner) tier(sc timing, r int64, buckets int64) (tier *bolt.Tier, forced bool) {
	tier = bolt.Raw
	from := sc.first - max(r, LookbackDelta.Milliseconds())
	if sc.last-from > rawSpan.Milliseconds() {
		for _, t := range bolt.Tiers[1:] {
			resolution := t.Resolution.Milliseconds()
			switch {
			case sc.step > 0 && resolution <= sc.step && (r == 0 || buckets*resolution <= r):
				tier = t
			case sc.step == 0 && r > 0 && instantBuckets*resolution <= r:
				tier = t
			}
		}
	}
	return pl.reaching(tier, from)
}

// reaching returns the tier, or the next coarser one that goes back to from, or farther than it at least.
func (pl *planner) reaching(tier *bolt.Tier, from int64) (reaching *bolt.Tier, forced bool) {
	for _, coarser := range bolt.Tiers[slices.Index(bolt.Tiers, tier)+1:] {
		if since := pl.since(tier); from >= since || pl.since(coarser) >= since {
			break
		}
		tier, forced = coarser, true
	}
	return tier, forced
}

func (pl *planner) note(format string, args ...any) {
	pl.notes = append(pl.notes, fmt.Sprintf(format, args...))
}

// hold makes a selector read a tier.
func (pl *planner) hold(s *parser.VectorSelector, tier *bolt.Tier, column rollup.Column) {
	if tier == bolt.Raw {
		return
	}
	s.LabelMatchers = append(slices.Clone(s.LabelMatchers), hold{tier, column}.matcher())
	pl.changed = true
}

// instant plans a selector of single values.
func (pl *planner) instant(s *parser.VectorSelector, sc timing) {
	if s.OriginalOffsetExpr != nil || s.Anchored || s.Smoothed {
		return
	}
	tier, _ := pl.tier(pl.at(sc, s.Timestamp, s.StartOrEnd, s.OriginalOffset), 0, 0)
	pl.hold(s, tier, rollup.Last)
	pl.lookback = max(pl.lookback, tier.Resolution)
}

// exact plans a function that only samples answer.
func (pl *planner) exact(function string, m *parser.MatrixSelector, sc timing) {
	s := m.VectorSelector.(*parser.VectorSelector)
	sc = pl.at(sc, s.Timestamp, s.StartOrEnd, s.OriginalOffset)
	if tier, forced := pl.reaching(bolt.Raw, sc.first-m.Range.Milliseconds()); forced {
		pl.note("%s wants samples: where they are gone it is given the last values of every %s", function, tier.Name)
	}
}

// columns are what functions of a range read.
var columns = map[string]rollup.Column{
	"rate": rollup.Counter, "increase": rollup.Counter,
	"delta": rollup.Last, "deriv": rollup.Last, "predict_linear": rollup.Last,
	"last_over_time": rollup.Last, "present_over_time": rollup.Last, "absent_over_time": rollup.Last,
	"min_over_time": rollup.Min, "max_over_time": rollup.Max, "sum_over_time": rollup.Sum,
	"count_over_time": rollup.Count, "avg_over_time": rollup.Sum,
}

// ranged plans a function of a range.
func (pl *planner) ranged(call *parser.Call, m *parser.MatrixSelector, sc timing) parser.Expr {
	s := m.VectorSelector.(*parser.VectorSelector)
	column, known := columns[call.Func.Name]
	if !known || m.RangeExpr != nil || s.OriginalOffsetExpr != nil || s.Anchored || s.Smoothed {
		pl.exact(call.Func.Name, m, sc)
		return call
	}
	for i, arg := range call.Args[1:] {
		call.Args[i+1] = pl.rewrite(arg, sc)
	}
	inner := pl.at(sc, s.Timestamp, s.StartOrEnd, s.OriginalOffset)
	buckets, r := int64(2), m.Range
	ends := slices.Contains([]string{"rate", "increase", "delta"}, call.Func.Name)
	if ends {
		buckets = 0
	}
	tier, forced := pl.tier(inner, r.Milliseconds(), buckets)
	if tier == bolt.Raw {
		return call
	}
	summed := slices.Contains([]string{"sum_over_time", "count_over_time"}, call.Func.Name)
	if r < tier.Resolution && (ends || forced && !summed) { // so that each range has a bucket
		m.Range = tier.Resolution
		pl.note("%s over %s is answered out of buckets of %s", call.Func.Name, prom.Duration(r), tier.Name)
	}
	if ends {
		m.Range += tier.Resolution
	}
	switch call.Func.Name {
	case "count_over_time":
		pl.hold(s, tier, column)
		return &parser.Call{Func: parser.Functions["sum_over_time"], Args: call.Args}
	case "avg_over_time":
		counted := *s
		pl.hold(s, tier, rollup.Sum)
		pl.hold(&counted, tier, rollup.Count)
		sum := parser.Functions["sum_over_time"]
		return &parser.ParenExpr{Expr: &parser.BinaryExpr{
			Op:  parser.DIV,
			LHS: &parser.Call{Func: sum, Args: parser.Expressions{m}},
			RHS: &parser.Call{Func: sum, Args: parser.Expressions{&parser.MatrixSelector{VectorSelector: &counted, Range: m.Range}}},

			VectorMatching: &parser.VectorMatching{Card: parser.CardOneToOne},
		}}
	case "increase":
		pl.hold(s, tier, column)
		return scaled("rate", call.Args, r.Seconds())
	case "delta":
		pl.hold(s, tier, column)
		return scaled("delta", call.Args, r.Seconds()/m.Range.Seconds())
	default:
		pl.hold(s, tier, column)
	}
	return call
}

func scaled(function string, args parser.Expressions, by float64) parser.Expr {
	return &parser.ParenExpr{Expr: &parser.BinaryExpr{
		Op: parser.MUL, LHS: &parser.Call{Func: parser.Functions[function], Args: args}, RHS: &parser.NumberLiteral{Val: by},
	}}
}
