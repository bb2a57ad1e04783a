package store

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Limits of one query.
const (
	QueryTimeout  = 20 * time.Second
	MaxSamples    = 5_000_000
	LookbackDelta = 5 * time.Minute
)

func newEngine(log *slog.Logger) *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		Logger:               log,
		MaxSamples:           MaxSamples,
		Timeout:              QueryTimeout,
		LookbackDelta:        LookbackDelta,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 {
			return time.Minute.Milliseconds()
		},
		Parser: parser.NewParser(parser.Options{}),
	})
}

// InstantValue evaluates PromQL at one instant and returns what Prometheus' own engine does.
func (s *Store) InstantValue(ctx context.Context, expr string, at time.Time) (parser.Value, error) {
	return instantValue(ctx, s.engine, s.Queryable(), expr, at)
}

// RangeValue evaluates PromQL from start to end in steps and returns what Prometheus' own engine does.
func (s *Store) RangeValue(ctx context.Context, expr string, start, end time.Time, step time.Duration) (parser.Value, error) {
	return rangeValue(ctx, s.engine, s.Queryable(), expr, start, end, step)
}

// The value outlives the query: the engine's pooled slices are not given back.
func instantValue(ctx context.Context, eng *promql.Engine, q storage.Queryable, expr string, at time.Time) (parser.Value, error) {
	query, err := eng.NewInstantQuery(ctx, q, nil, expr, at)
	if err != nil {
		return nil, fmt.Errorf("query %q: %w", expr, err)
	}
	res := query.Exec(ctx)
	if res.Err != nil {
		return nil, fmt.Errorf("query %q: %w", expr, res.Err)
	}
	return res.Value, nil
}

func rangeValue(ctx context.Context, eng *promql.Engine, q storage.Queryable, expr string, start, end time.Time, step time.Duration) (parser.Value, error) {
	if step <= 0 {
		return nil, fmt.Errorf("query %q: step is %v, must be above zero", expr, step)
	}
	if end.Before(start) {
		return nil, fmt.Errorf("query %q: ends at %v, before its start %v", expr, end, start)
	}
	query, err := eng.NewRangeQuery(ctx, q, nil, expr, start, end, step)
	if err != nil {
		return nil, fmt.Errorf("query %q: %w", expr, err)
	}
	res := query.Exec(ctx)
	if res.Err != nil {
		return nil, fmt.Errorf("query %q: %w", expr, res.Err)
	}
	return res.Value, nil
}

func instant(ctx context.Context, eng *promql.Engine, q storage.Queryable, expr string, at time.Time) ([]model.Series, error) {
	v, err := instantValue(ctx, eng, q, expr, at)
	if err != nil {
		return nil, err
	}
	return toSeries(expr, v)
}

func ranged(ctx context.Context, eng *promql.Engine, q storage.Queryable, expr string, start, end time.Time, step time.Duration) ([]model.Series, error) {
	v, err := rangeValue(ctx, eng, q, expr, start, end, step)
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
