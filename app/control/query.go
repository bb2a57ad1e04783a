package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/prometheus/prometheus/util/stats"
)

// maxPoints is how many steps one answer may have, as in Prometheus: a week by the minute.
const maxPoints = 11_000

// query evaluates PromQL at one instant.
func (a *api) query(r *http.Request) (any, error) {
	at, err := a.timeOf(r, "time", a.Source.Now())
	if err != nil {
		return nil, err
	}
	return a.run(r, func(ctx context.Context, o promql.QueryOpts) (promql.Query, error) {
		return a.Engine.NewInstantQuery(ctx, a.Queryable, o, r.FormValue("query"), at)
	})
}

// queryRange evaluates PromQL from start to end, by default now, in steps.
func (a *api) queryRange(r *http.Request) (any, error) {
	start, err := a.timeOf(r, "start", time.Time{})
	if err != nil {
		return nil, err
	}
	end, err := a.timeOf(r, "end", a.Source.Now())
	if err != nil {
		return nil, err
	}
	step, err := ParseStep(r.FormValue("step"))
	switch {
	case err != nil:
		return nil, invalid("step", err)
	case start.IsZero():
		return nil, invalid("start", errors.New("it is missing"))
	case end.Before(start):
		return nil, invalid("end", errors.New("end timestamp must not be before start time"))
	case end.Sub(start)/step > maxPoints:
		return nil, badData("exceeded maximum resolution of %d points per timeseries: ask for a larger step", maxPoints)
	}
	return a.run(r, func(ctx context.Context, o promql.QueryOpts) (promql.Query, error) {
		return a.Engine.NewRangeQuery(ctx, a.Queryable, o, r.FormValue("query"), start, end, step)
	})
}

// run evaluates what open makes, by the parameters that both sorts of queries have: timeout,
// lookback_delta, limit (of series) and stats.
func (a *api) run(r *http.Request, open func(context.Context, promql.QueryOpts) (promql.Query, error)) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	lookback, err := durationOf(r, "lookback_delta")
	if err != nil {
		return nil, err
	}
	wanted, err := durationOf(r, "timeout")
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	if wanted > 0 { // beside the limits that hold anyway
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, wanted)
		defer cancel()
	}
	show := r.FormValue("stats")
	q, err := open(ctx, promql.NewPrometheusQueryOpts(show == "all", lookback))
	switch {
	case err != nil && ctx.Err() != nil: // it waited for other queries
		return nil, err
	case err != nil:
		return nil, invalid("query", err)
	}
	res := q.Exec(ctx)
	if res.Err != nil {
		q.Close()
		return nil, res.Err
	}
	answer := remarked{warnings: res.Warnings, query: r.FormValue("query"), done: q.Close}
	data := queryData{value: res.Value}
	switch v := res.Value.(type) {
	case promql.Vector:
		data.value = promql.Vector(cut(v, limit, &answer.warnings))
	case promql.Matrix:
		data.value = promql.Matrix(cut(v, limit, &answer.warnings))
	}
	if show != "" {
		data.stats = stats.NewQueryStats(q.Stats())
	}
	answer.data = data
	return answer, nil
}

// limitOf is the parameter limit, 0 for none.
func limitOf(r *http.Request) (int, error) {
	s := r.FormValue("limit")
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err == nil && n < 0 {
		err = errors.New("limit must be non-negative")
	}
	if err != nil {
		return 0, invalid("limit", err)
	}
	return n, nil
}

// cut shortens a list to limit elements, 0 for no limit, and says so.
func cut[T any](list []T, limit int, warnings *annotations.Annotations) []T {
	if limit == 0 || len(list) <= limit {
		return list
	}
	warnings.Add(errTruncated)
	return list[:limit]
}

// timeOf reads a moment as Prometheus does, and as ParseTime does for people.
func (a *api) timeOf(r *http.Request, name string, otherwise time.Time) (time.Time, error) {
	s := r.FormValue(name)
	if s == "" {
		return otherwise, nil
	}
	t, err := parseAPITime(s, a.Source.Now())
	if err != nil {
		return t, invalid(name, err)
	}
	return t, nil
}

// durationOf reads a span above zero; 0 when it is not given.
func durationOf(r *http.Request, name string) (time.Duration, error) {
	s := r.FormValue(name)
	if s == "" {
		return 0, nil
	}
	d, err := ParseStep(s)
	if err != nil {
		return 0, invalid(name, fmt.Errorf("%q is not a duration above zero: write it like 15s or 5m", s))
	}
	return d, nil
}
