package panels

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	promodel "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/nocturne-noc/nocturne/store/model"
)

// defaultEvery is how often a series is expected when no source says how often it comes.
const defaultEvery = 30 * time.Second

// expression is a PromQL expression that has been parsed, and the selectors of series in it.
type expression struct {
	text      string // with its variables, which in fills in
	selectors []selector
}

// selector picks series: the metric's name, its matchers, and both as PromQL.
type selector struct {
	metric   string
	matchers []*labels.Matcher
	text     string
}

// parseExpression reads PromQL. The error names the key and the place in the text.
func parseExpression(key, text string) (expression, error) { return parse(key, text, false) }

// parseRanged reads PromQL of a panel with a range, which may hold variables.
func parseRanged(key, text string) (expression, error) { return parse(key, text, true) }

func parse(key, text string, ranged bool) (expression, error) {
	x := expression{text: text}
	if strings.TrimSpace(text) == "" {
		return x, fmt.Errorf("%s: want a PromQL expression", key)
	}
	if err := checkVariables(key, text, ranged); err != nil {
		return x, err
	}
	ast, err := parser.NewParser(parser.Options{}).ParseExpr(x.in(sampleTiming))
	if err != nil {
		return x, fmt.Errorf("%s: %w", key, err)
	}
	switch ast.Type() {
	case parser.ValueTypeVector, parser.ValueTypeScalar:
	default:
		return x, fmt.Errorf("%s: %s gives a %s: want an instant vector, put rate() or max_over_time() around it", key, text, parser.DocumentedType(ast.Type()))
	}
	parser.Inspect(ast, func(node parser.Node, _ []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok {
			plain := (&parser.VectorSelector{Name: v.Name, LabelMatchers: v.LabelMatchers}).String()
			if !slices.ContainsFunc(x.selectors, func(s selector) bool { return s.text == plain }) {
				x.selectors = append(x.selectors, selector{v.Name, v.LabelMatchers, plain})
			}
		}
		return nil
	})
	return x, nil
}

// in is the PromQL of a chart of that timing.
func (x expression) in(t timing) string { return t.fill(x.text) }

// fresh is how old the data behind an expression is.
type fresh struct {
	asOf  time.Time // newest point of the selector that is most behind; zero where none has one
	every time.Duration
	told  time.Duration // every where a source or the panel tells it, else 0
}

// stale reports whether the data is older than it should be.
func (f fresh) stale(now time.Time) bool {
	return !f.asOf.IsZero() && model.IsStale(now, f.asOf, f.every)
}

// merge keeps the older of two.
func (f fresh) merge(g fresh) fresh {
	switch {
	case f.asOf.IsZero():
		return g
	case g.asOf.IsZero() || f.asOf.Before(g.asOf):
		return f
	}
	return g
}

// freshness finds out when the series behind the expression last had a point within the last hour;
// every is the sources' own interval unless the panel says it.
func (x expression) freshness(ctx context.Context, src model.Source, every time.Duration) (fresh, error) {
	const most = 4 // selectors looked at: more would cost as much as the panel itself
	var f fresh
	for _, s := range x.selectors[:min(most, len(x.selectors))] {
		one, err := s.freshness(ctx, src, every)
		if err != nil {
			return fresh{}, err
		}
		f = f.merge(one) // of "a or b" one may never be told: what its answer lacks is seen by its emptiness
	}
	if len(x.selectors) == 0 { // a constant is never old
		return fresh{asOf: src.Now(), every: every, told: every}, nil
	}
	return f, nil
}

func (s selector) freshness(ctx context.Context, src model.Source, every time.Duration) (fresh, error) {
	found, err := src.Query(ctx, "max by (source) (timestamp("+s.text+"))", src.Now())
	if err != nil {
		return fresh{}, fmt.Errorf("age of %s: %w", s.text, err)
	}
	if len(found) == 0 { // older than PromQL looks back by itself
		found, err = src.Query(ctx, "max by (source) (max_over_time(timestamp("+s.text+")[1h:1m]))", src.Now())
		if err != nil {
			return fresh{}, fmt.Errorf("age of %s: %w", s.text, err)
		}
	}
	f := fresh{every: every, told: every}
	if f.every == 0 {
		f.every = defaultEvery
	}
	for _, line := range found {
		sec := line.Points[0].V
		if at := time.UnixMilli(int64(sec * 1000)); at.After(f.asOf) {
			f.asOf = at
			if every == 0 {
				f.told = everyOf(src, line.Labels.Get("source"))
				f.every = cmp.Or(f.told, defaultEvery)
			}
		}
	}
	return f, nil
}

// everyOf is the interval of a source, 0 when it is not known.
func everyOf(src model.Source, name string) time.Duration {
	if name != "" {
		for _, row := range src.Sources() {
			if row.Name == name && row.Every > 0 {
				return row.Every
			}
		}
	}
	return 0
}

// legend fills {{label}} references of a template from a series' labels.
func legend(template string, ls labels.Labels) string {
	var b strings.Builder
	for {
		i := strings.Index(template, "{{")
		j := strings.Index(template, "}}")
		if i < 0 || j < i {
			b.WriteString(template)
			return strings.TrimSpace(b.String())
		}
		b.WriteString(template[:i])
		b.WriteString(ls.Get(strings.TrimPrefix(strings.TrimSpace(template[i+2:j]), ".")))
		template = template[j+2:]
	}
}

// names finds what to call each series: by the template, or by the values of the labels in which
// the series differ, or by the fallback.
func names(template, fallback string, lines []model.Series) []string {
	out := make([]string, len(lines))
	var differ []string
	if template == "" {
		differ = differing(lines)
	}
	for i, line := range lines {
		if template != "" {
			out[i] = legend(template, line.Labels)
		} else {
			parts := make([]string, 0, len(differ))
			for _, name := range differ {
				if v := line.Labels.Get(name); v != "" {
					parts = append(parts, v)
				}
			}
			out[i] = strings.Join(parts, " ")
		}
		if out[i] == "" {
			out[i] = fallback
		}
	}
	return out
}

// differing lists the labels that do not have the same value in all series, the name left out.
func differing(lines []model.Series) []string {
	var out []string
	if len(lines) == 0 {
		return nil
	}
	seen := map[string]bool{promodel.MetricNameLabel: true}
	for _, line := range lines {
		line.Labels.Range(func(l labels.Label) {
			if seen[l.Name] {
				return
			}
			seen[l.Name] = true
			for _, other := range lines {
				if other.Labels.Get(l.Name) != l.Value {
					out = append(out, l.Name)
					return
				}
			}
		})
	}
	slices.Sort(out)
	return out
}
