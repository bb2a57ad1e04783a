package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Limits of one query.
const (
	QueryTimeout  = 20 * time.Second
	MaxSamples    = 5_000_000
	LookbackDelta = 5 * time.Minute
)

// maxQueries is how many queries run at a time. More wait: each may take the memory of MaxSamples.
const maxQueries = 8

// queryEngine is Prometheus' engine behind plan: it reads rollups where they are true.
type queryEngine struct {
	*promql.Engine
	parser parser.Parser
}

func newEngine(log *slog.Logger) *queryEngine {
	p := parser.NewParser(parser.Options{})
	return &queryEngine{parser: p, Engine: promql.NewEngine(promql.EngineOpts{
		Logger:                   log,
		MaxSamples:               MaxSamples,
		Timeout:                  QueryTimeout,
		LookbackDelta:            LookbackDelta,
		ActiveQueryTracker:       make(queryTracker, maxQueries),
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return subqueryStep.Milliseconds() },
		Parser:                   p,
	})}
}

var _ promql.QueryEngine = (*queryEngine)(nil)

// queryTracker lets as many queries run as it has room for.
type queryTracker chan struct{}

func (t queryTracker) GetMaxConcurrent() int { return cap(t) }

func (t queryTracker) Insert(ctx context.Context, _ string) (int, error) {
	select {
	case t <- struct{}{}:
		return 0, nil
	default:
	}
	const place = "waiting for other queries"
	select {
	case t <- struct{}{}:
		return 0, nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return 0, promql.ErrQueryTimeout(place)
		}
		return 0, promql.ErrQueryCanceled(place)
	}
}

func (t queryTracker) Delete(int) { <-t }

func (queryTracker) Close() error { return nil }

// ours tells a queryable of history that this engine asks it.
func ours(q storage.Queryable) storage.Queryable {
	if of, ok := q.(queryable); ok {
		of.own = true
		return of
	}
	return q
}

// plan plans a query of history. Anything else is read as it is.
func (e *queryEngine) plan(q storage.Queryable, expr string, start, end time.Time, step time.Duration) (planned, error) {
	if of, ok := q.(queryable); ok {
		return plan(e.parser, expr, start, end, step, of.since)
	}
	return planned{expr: expr}, nil
}

// NewInstantQuery implements promql.QueryEngine.
func (e *queryEngine) NewInstantQuery(ctx context.Context, q storage.Queryable, opts promql.QueryOpts, expr string, at time.Time) (promql.Query, error) {
	p, err := e.plan(q, expr, at, at, 0)
	if err != nil {
		return nil, err
	}
	inner, err := e.Engine.NewInstantQuery(ctx, ours(q), p.opts(opts), p.expr, at)
	return plannedQuery{inner, expr, p.notes}, err
}

// NewRangeQuery implements promql.QueryEngine.
func (e *queryEngine) NewRangeQuery(ctx context.Context, q storage.Queryable, opts promql.QueryOpts, expr string, start, end time.Time, step time.Duration) (promql.Query, error) {
	p, err := e.plan(q, expr, start, end, step)
	if err != nil {
		return nil, err
	}
	return e.planned(ctx, q, opts, expr, p, start, end, step)
}

// planned makes a range query that is planned already.
func (e *queryEngine) planned(ctx context.Context, q storage.Queryable, opts promql.QueryOpts, expr string, p planned, start, end time.Time, step time.Duration) (promql.Query, error) {
	inner, err := e.Engine.NewRangeQuery(ctx, ours(q), p.opts(opts), p.expr, start, end, step)
	return plannedQuery{inner, expr, p.notes}, err
}

// opts returns the options of the query, unless the caller has any.
func (p planned) opts(given promql.QueryOpts) promql.QueryOpts {
	if given != nil && given.LookbackDelta() > p.lookback {
		return given
	}
	return promql.NewPrometheusQueryOpts(given != nil && given.EnablePerStepStats(), p.lookback)
}

// plannedQuery is a query that remembers how it was asked, and where the answer differs.
type plannedQuery struct {
	promql.Query
	expr  string
	notes []string
}

// String returns the expression as it was asked.
func (q plannedQuery) String() string { return q.expr }

// Exec evaluates the query. The notes come as annotations; errors about limits say what to do.
func (q plannedQuery) Exec(ctx context.Context) *promql.Result {
	res := q.Query.Exec(ctx)
	for _, note := range q.notes {
		res.Warnings.Add(fmt.Errorf("%w: %s", annotations.PromQLInfo, note))
	}
	const remedy = "narrow the selector or the time, or use a longer step"
	if errors.As(res.Err, new(promql.ErrTooManySamples)) {
		res.Err = fmt.Errorf("%w: %d at most: %s", res.Err, MaxSamples, remedy)
	} else if errors.As(res.Err, new(promql.ErrQueryTimeout)) {
		res.Err = fmt.Errorf("%w: after %v: %s", res.Err, QueryTimeout, remedy)
	}
	return res
}

// InstantValue evaluates PromQL at one instant and returns what Prometheus' own engine does.
func (s *Store) InstantValue(ctx context.Context, expr string, at time.Time) (parser.Value, error) {
	return instantValue(ctx, s.engine, s.Queryable(), expr, at)
}

// RangeValue evaluates PromQL from start to end in steps and returns what Prometheus' own engine does.
func (s *Store) RangeValue(ctx context.Context, expr string, start, end time.Time, step time.Duration) (parser.Value, error) {
	return rangeValue(ctx, s.engine, s.Queryable(), expr, start, end, step)
}

func instantValue(ctx context.Context, eng promql.QueryEngine, q storage.Queryable, expr string, at time.Time) (parser.Value, error) {
	query, err := eng.NewInstantQuery(ctx, q, nil, expr, at)
	return valueOf(ctx, query, expr, err)
}

func rangeValue(ctx context.Context, eng promql.QueryEngine, q storage.Queryable, expr string, start, end time.Time, step time.Duration) (parser.Value, error) {
	if err := checkRange(expr, start, end, step); err != nil {
		return nil, err
	}
	query, err := eng.NewRangeQuery(ctx, q, nil, expr, start, end, step)
	return valueOf(ctx, query, expr, err)
}

func checkRange(expr string, start, end time.Time, step time.Duration) error {
	if step <= 0 {
		return fmt.Errorf("query %q: step is %v, must be above zero", expr, step)
	}
	if end.Before(start) {
		return fmt.Errorf("query %q: ends at %v, before its start %v", expr, end, start)
	}
	return nil
}

// valueOf runs a query, unless it could not be made. The value outlives the query: the engine's pooled slices are
// not given back.
func valueOf(ctx context.Context, query promql.Query, expr string, err error) (parser.Value, error) {
	if err != nil {
		return nil, fmt.Errorf("query %q: %w", expr, err)
	}
	res := query.Exec(ctx)
	if res.Err != nil {
		return nil, fmt.Errorf("query %q: %w", expr, res.Err)
	}
	return res.Value, nil
}

func instant(ctx context.Context, eng promql.QueryEngine, q storage.Queryable, expr string, at time.Time) ([]model.Series, error) {
	v, err := instantValue(ctx, eng, q, expr, at)
	if err != nil {
		return nil, err
	}
	return toSeries(expr, v)
}

func ranged(ctx context.Context, eng promql.QueryEngine, q storage.Queryable, expr string, start, end time.Time, step time.Duration) ([]model.Series, error) {
	v, err := rangeValue(ctx, eng, q, expr, start, end, step)
	if err != nil {
		return nil, err
	}
	return toSeries(expr, v)
}

// panels answers the range queries of panels: planned for the whole range, evaluated where it is new.
type panels struct {
	engine *queryEngine
	source storage.Queryable
	ranges *rangeCache
	now    func() time.Time
}

func (p panels) line(ctx context.Context, expr string, start, end time.Time, step time.Duration) ([]model.Series, error) {
	pl, err := p.prepare(expr, start, end, step)
	if err != nil {
		return nil, err
	}
	return p.ranges.query(rangeKey{expr: pl.expr}, start, end, step, p.now(), func(start, end time.Time) ([]model.Series, error) {
		return p.evaluate(ctx, expr, pl, start, end, step)
	})
}

func (p panels) prepare(expr string, start, end time.Time, step time.Duration) (planned, error) {
	if err := checkRange(expr, start, end, step); err != nil {
		return planned{}, err
	}
	pl, err := p.engine.plan(p.source, expr, start, end, step)
	if err != nil {
		return pl, fmt.Errorf("query %q: %w", expr, err)
	}
	return pl, nil
}

func (p panels) evaluate(ctx context.Context, expr string, pl planned, start, end time.Time, step time.Duration) ([]model.Series, error) {
	query, err := p.engine.planned(ctx, p.source, nil, expr, pl, start, end, step)
	v, err := valueOf(ctx, query, expr, err)
	if err != nil {
		return nil, err
	}
	return toSeries(expr, v)
}

func toSeries(expr string, v parser.Value) ([]model.Series, error) {
	switch v := v.(type) {
	case promql.Scalar:
		return []model.Series{{Points: []model.Point{{T: v.T, V: v.V}}}}, nil
	case promql.Vector:
		out := make([]model.Series, 0, len(v))
		for _, s := range v {
			if s.H == nil {
				out = append(out, model.Series{Labels: s.Metric, Points: []model.Point{{T: s.T, V: s.F}}})
			}
		}
		return out, nil
	case promql.Matrix:
		out := make([]model.Series, 0, len(v))
		for _, s := range v {
			points := make([]model.Point, len(s.Floats))
			for i, p := range s.Floats {
				points[i] = model.Point{T: p.T, V: p.F}
			}
			out = append(out, model.Series{Labels: s.Metric, Points: points})
		}
		return out, nil
	default:
		return nil, fmt.Errorf("query %q gives a %s: want a scalar, a vector or a matrix", expr, v.Type())
	}
}
