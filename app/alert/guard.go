package alert

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
)

// guarded asks for the condition of a rule before it asks for all of it. Rules are silent most of the time, but what
// they join their condition with, such as the node of each of 20,000 pods, would be read each time.
func guarded(query rules.QueryFunc, p parser.Parser) rules.QueryFunc {
	var mu sync.Mutex
	guards := map[string]string{} // by expression, "" for none; there are as many as rules
	guardOf := func(text string) string {
		mu.Lock()
		defer mu.Unlock()
		guard, known := guards[text]
		if !known {
			if expr, err := p.ParseExpr(text); err == nil {
				if condition := conditionOf(expr); condition != nil {
					guard = condition.String()
				}
			}
			guards[text] = guard
		}
		return guard
	}
	return func(ctx context.Context, text string, at time.Time) (promql.Vector, error) {
		if guard := guardOf(text); guard != "" {
			if found, err := query(ctx, guard, at); err == nil && len(found) == 0 {
				return nil, nil
			}
		}
		return query(ctx, text, at)
	}
}

// conditionOf is a part of an expression without which the whole has no result, and that is asked for cheaply: of what
// is joined by and, unless or arithmetic, the left side where it filters. It is nil where there is none.
func conditionOf(expr parser.Expr) parser.Expr {
	switch e := expr.(type) {
	case *parser.ParenExpr:
		return conditionOf(e.Expr)
	case *parser.AggregateExpr: // of nothing is nothing
		return conditionOf(e.Expr)
	case *parser.BinaryExpr:
		switch {
		case e.Op == parser.LOR:
			return nil
		case e.LHS.Type() != parser.ValueTypeVector:
			return conditionOf(e.RHS)
		case e.RHS.Type() != parser.ValueTypeVector:
			return conditionOf(e.LHS)
		}
		if e.VectorMatching != nil && e.VectorMatching.FillValues.LHS != nil {
			return nil // what the left side lacks is filled in
		}
		if deeper := conditionOf(e.LHS); deeper != nil {
			return deeper
		}
		if filters(e.LHS) {
			return e.LHS
		}
	}
	return nil
}

// filters reports whether an expression leaves out series by their values, so that it often has no result.
func filters(expr parser.Expr) bool {
	switch e := expr.(type) {
	case *parser.ParenExpr:
		return filters(e.Expr)
	case *parser.AggregateExpr:
		return filters(e.Expr)
	case *parser.BinaryExpr:
		return e.Op.IsComparisonOperator() && !e.ReturnBool || e.Op != parser.LOR && (filters(e.LHS) || filters(e.RHS))
	}
	return false
}
