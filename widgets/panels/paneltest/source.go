// Package paneltest holds nights that panels and boards are tested on: a model.Source made of plain
// values, whose queries run on the real PromQL engine.
package paneltest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Source is a model.Source made of plain values. Fill it before the first read; then it may be read
// by any number of goroutines.
type Source struct {
	At       time.Time
	Things   []model.Entity
	Cables   []model.Link
	Happened []model.Event
	Firing   []model.Alert
	Rows     []model.SourceStatus
	Lines    []model.Series
	Noted    []model.Mark
	Every    time.Duration // between the points of Lines; PromQL looks back for two of them, or as usual
	Err      error         // answer of every query when not nil
	From, To time.Time

	sort, sortLinks sync.Once
}

var _ model.Source = (*Source)(nil)

// New returns an empty source at a moment.
func New(at time.Time) *Source { return &Source{At: at, Every: Every} }

// Now implements model.Source.
func (s *Source) Now() time.Time { return s.At }

// Revs implements model.Source: plain values do not change.
func (s *Source) Revs() model.Revs { return model.Revs{} }

// Replay implements model.Source; From and To make it a recording.
func (s *Source) Replay() (start, end time.Time, replay bool) {
	return s.From, s.To, !s.To.IsZero()
}

// Entities implements model.Source.
func (s *Source) Entities(f model.Filter) []model.Entity {
	s.sort.Do(func() {
		slices.SortFunc(s.Things, func(a, b model.Entity) int { return cmp.Compare(a.ID, b.ID) })
	})
	out := make([]model.Entity, 0, len(s.Things))
	for _, e := range s.Things {
		if (f.Kind == "" || f.Kind == e.Kind) && (f.Source == "" || f.Source == e.Source) &&
			(f.ID == "" || f.ID == e.ID) && (f.Under == "" || under(e.ID, f.Under)) {
			out = append(out, e)
		}
	}
	return out
}

func under(id, ancestor string) bool { return id == ancestor || strings.HasPrefix(id, ancestor+"/") }

// Links implements model.Source.
func (s *Source) Links(f model.Filter) []model.Link {
	s.sortLinks.Do(func() {
		slices.SortFunc(s.Cables, func(a, b model.Link) int { return cmp.Compare(a.Key(), b.Key()) })
	})
	out := make([]model.Link, 0, len(s.Cables))
	for _, l := range s.Cables {
		if (f.Kind == "" || string(f.Kind) == l.Kind) && (f.Source == "" || f.Source == l.Source) &&
			(f.ID == "" || f.ID == l.A || f.ID == l.B) && (f.Under == "" || under(l.A, f.Under) || under(l.B, f.Under)) {
			out = append(out, l)
		}
	}
	return out
}

// Events implements model.Source.
func (s *Source) Events(f model.EventFilter) []model.Event {
	limit := cmp.Or(f.Limit, 1000)
	text := strings.ToLower(f.Text)
	var out []model.Event
	for _, e := range s.Happened {
		switch {
		case !f.Since.IsZero() && e.Time.Before(f.Since),
			!f.Until.IsZero() && e.Time.After(f.Until),
			f.MinRank != model.Unknown && e.Severity.Rank() < f.MinRank.Rank(),
			f.Kind != "" && f.Kind != e.Kind,
			f.Source != "" && f.Source != e.Source,
			f.Entity != "" && f.Entity != e.Entity && (!strings.HasSuffix(f.Entity, "/") || !strings.HasPrefix(e.Entity, f.Entity)),
			text != "" && !strings.Contains(strings.ToLower(e.Title+"\n"+e.Text), text):
			continue
		}
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(a, b model.Event) int { return b.Time.Compare(a.Time) })
	return out[:min(limit, len(out))]
}

// Alerts implements model.Source.
func (s *Source) Alerts() []model.Alert {
	out := slices.Clone(s.Firing)
	slices.SortStableFunc(out, func(a, b model.Alert) int {
		if a.Pending != b.Pending {
			if a.Pending {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), a.Since.Compare(b.Since))
	})
	return out
}

// Sources implements model.Source.
func (s *Source) Sources() []model.SourceStatus { return s.Rows }

// engine is shared: it holds no data of its own.
var engine = sync.OnceValue(func() *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		MaxSamples: 5_000_000, Timeout: 10 * time.Second, LookbackDelta: 5 * time.Minute,
		EnableAtModifier: true, EnableNegativeOffset: true, Parser: parser.NewParser(parser.Options{}),
		NoStepSubqueryIntervalFn: func(int64) int64 { return 15_000 },
	})
})

// Query implements model.Source.
func (s *Source) Query(ctx context.Context, expr string, at time.Time) ([]model.Series, error) {
	if s.Err != nil {
		return nil, s.Err
	}
	q, err := engine().NewInstantQuery(ctx, queryable{s.Lines}, s.opts(), expr, at)
	return series(ctx, q, err)
}

// QueryBand implements model.Source: it asks for each point of the data and keeps the lowest and the
// highest of each step.
func (s *Source) QueryBand(ctx context.Context, expr string, start, end time.Time, step time.Duration) (low, high []model.Series, err error) {
	if step <= s.Every {
		return nil, nil, s.Err
	}
	all, err := s.QueryRange(ctx, expr, start.Add(s.Every-step), end, s.Every)
	if err != nil {
		return nil, nil, err
	}
	for _, line := range all {
		low = append(low, model.Series{Labels: line.Labels, Points: reduce(line.Points, start, step, math.Min)})
		high = append(high, model.Series{Labels: line.Labels, Points: reduce(line.Points, start, step, math.Max)})
	}
	return low, high, nil
}

// reduce joins the points since the step before into one at each step.
func reduce(points []model.Point, start time.Time, step time.Duration, pick func(a, b float64) float64) []model.Point {
	var out []model.Point
	for _, p := range points {
		t := start
		if late := time.UnixMilli(p.T).Sub(start); late > 0 {
			t = start.Add((late + step - 1).Truncate(step))
		}
		if n := len(out); n > 0 && out[n-1].T == t.UnixMilli() {
			out[n-1].V = pick(out[n-1].V, p.V)
			continue
		}
		out = append(out, model.Point{T: t.UnixMilli(), V: p.V})
	}
	return out
}

// Marks implements model.Source.
func (s *Source) Marks(start, end time.Time) []model.Mark {
	var out []model.Mark
	for _, m := range s.Noted {
		if !m.Start.After(end) && !m.End.Before(start) {
			out = append(out, m)
		}
	}
	return out
}

// opts makes PromQL look back as far as the data's points are apart.
func (s *Source) opts() promql.QueryOpts {
	return promql.NewPrometheusQueryOpts(false, max(2*s.Every, 5*time.Minute))
}

// QueryRange implements model.Source.
func (s *Source) QueryRange(ctx context.Context, expr string, start, end time.Time, step time.Duration) ([]model.Series, error) {
	if s.Err != nil {
		return nil, s.Err
	}
	q, err := engine().NewRangeQuery(ctx, queryable{s.Lines}, s.opts(), expr, start, end, step)
	return series(ctx, q, err)
}

func series(ctx context.Context, q promql.Query, err error) ([]model.Series, error) {
	if err != nil {
		return nil, err
	}
	defer q.Close()
	res := q.Exec(ctx)
	if res.Err != nil {
		return nil, res.Err
	}
	switch v := res.Value.(type) {
	case promql.Vector:
		out := make([]model.Series, len(v))
		for i, p := range v {
			out[i] = model.Series{Labels: p.Metric, Points: []model.Point{{T: p.T, V: p.F}}}
		}
		return out, nil
	case promql.Scalar:
		return []model.Series{{Labels: labels.EmptyLabels(), Points: []model.Point{{T: v.T, V: v.V}}}}, nil
	case promql.Matrix:
		out := make([]model.Series, len(v))
		for i, line := range v {
			out[i] = model.Series{Labels: line.Metric, Points: make([]model.Point, len(line.Floats))}
			for j, p := range line.Floats {
				out[i].Points[j] = model.Point{T: p.T, V: p.F}
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("a query answered with %T: want a vector, a matrix or a scalar", res.Value)
}
