package panels

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// timeseriesOptions are the keys of a timeseries panel.
type timeseriesOptions struct {
	Common  `yaml:",inline"`
	Queries []Query  `yaml:"queries"`
	Range   string   `yaml:"range"` // default 30m
	Limits  []Limit  `yaml:"limits"`
	Stacked bool     `yaml:"stacked"`
	Area    bool     `yaml:"area"` // filled below the line
	Bars    bool     `yaml:"bars"`
	Log     bool     `yaml:"log"`
	Min     *float64 `yaml:"min"` // fixed ends of the axis
	Max     *float64 `yaml:"max"`
	// Marks are dashed moments: "causes" (default) where the roots of present incidents began,
	// "critical" at every critical event, "LABEL=VALUE" at every event with that label, such as
	// reason=OOMKilled or what=image, "none".
	Marks string          `yaml:"marks"`
	Under string          `yaml:"under"` // ID of the entity whose events are marked; default all
	Every string          `yaml:"every"`
	Empty model.Localized `yaml:"empty"`
}

type timeseries struct {
	timeseriesOptions
	exprs       []expression
	span, every time.Duration
}

func timeseriesKind() Kind {
	return Kind{Name: "timeseries", New: func(decode func(any) error) (Panel, error) {
		var t timeseries
		if err := decode(&t.timeseriesOptions); err != nil {
			return nil, err
		}
		if len(t.Queries) == 0 {
			return nil, fmt.Errorf("queries: want at least one")
		}
		for i, q := range t.Queries {
			x, err := parseRanged(fmt.Sprintf("queries[%d].expr", i), q.Expr)
			if err != nil {
				return nil, err
			}
			t.exprs = append(t.exprs, x)
		}
		var err error
		if t.span, err = parseSpan("range", t.Range, 30*time.Minute); err != nil {
			return nil, err
		}
		if t.every, err = parseSpan("every", t.Every, 0); err != nil {
			return nil, err
		}
		if label, value, byLabel := strings.Cut(t.Marks, "="); !byLabel || label == "" || value == "" {
			if t.Marks, err = oneOf("marks", t.Marks, "causes", "critical", "none"); err != nil {
				return nil, err
			}
		}
		if t.Min != nil && t.Max != nil && *t.Min >= *t.Max {
			return nil, fmt.Errorf("min, max: %v, %v: want min below max", *t.Min, *t.Max)
		}
		return &t, checkLimits(t.Limits)
	}}
}

func (t *timeseries) Deps() Deps {
	return Deps{Samples: true, Entities: true, Alerts: t.Marks == "causes", Events: t.Marks != "causes" && t.Marks != "none",
		Every: max(time.Second, min(t.span/400, 30*time.Second))} // about the width of a pixel
}

func (t *timeseries) Load(ctx context.Context, src model.Source, env Env) (*View, error) {
	now := src.Now()
	ages := make([]fresh, len(t.exprs))
	for i, x := range t.exprs {
		f, err := x.freshness(ctx, src, t.every)
		if err != nil {
			return nil, err
		}
		ages[i] = f
	}
	h, err := t.history(ctx, src, env, ages)
	if err != nil {
		return nil, err
	}
	chart := plot.Chart{
		Start: now.Add(-h.span), End: now, Unit: t.Unit, YMin: t.Min, YMax: t.Max, Stacked: t.Stacked, Log: t.Log,
		MaxGap: h.step * 3 / 2, Loc: env.Style.Loc, Lang: env.Lang, EndLabels: true,
		Moments: t.moments(src, env, now, h.span), Stretches: stretches(src, env, now.Add(-h.span), now),
	}
	v := &View{State: model.OK, MinW: 90, MinH: 40, Hold: min(h.step/2, longestHold)}
	silent := staleness(src)
	for i, q := range t.Queries {
		f := ages[i]
		if f.asOf.After(v.AsOf) { // the panel is as fresh as the freshest of its lines
			v.AsOf, v.Every = f.asOf, max(f.every, v.Hold)
		}
		called := names(q.Legend.In(env.Lang), fallbackName(t.exprs[i], q), h.lines[i])
		for j, line := range h.lines[i] {
			l := t.line(called[j], line, f, now, silent, env)
			l.Points = broken(l.Points, chart.Stretches)
			l.Band = cutBand(h.bands[i][j], l, now)
			chart.Series = append(chart.Series, l)
		}
	}
	if len(chart.Series) == 0 {
		notice, err := t.exprs[0].empty(ctx, src, env, t.Empty.In(env.Lang))
		if notice != nil {
			v.State = notice.State
		}
		v.Notice = notice
		return v, err
	}
	for _, l := range t.Limits {
		chart.Limits = append(chart.Limits, *plotLimit(l))
	}
	v.Right = t.subtitle(env, &chart, h)
	v.Paint = func(c *plot.Canvas, body plot.Rect) { plot.DrawChart(c, body, &chart, env.Style) }
	return v, nil
}

// fallbackName is what the only line of a query without legend is called.
func fallbackName(x expression, q Query) string {
	if len(x.selectors) > 0 && x.selectors[0].metric != "" {
		return x.selectors[0].metric
	}
	return q.Expr
}

// staleness maps the entities that are silent or cut off to what is known of them.
func staleness(src model.Source) map[string]model.Entity {
	out := map[string]model.Entity{}
	for _, e := range src.Entities(model.Filter{}) {
		if e.State == model.Stale || e.Kind == model.KindInterface && e.State == model.Critical {
			out[e.ID] = e
		}
	}
	return out
}

// line makes a series into a line of the chart. A silent one ends where its data ends; a port that is
// down says so from the moment that it went down.
func (t *timeseries) line(name string, s model.Series, f fresh, now time.Time, sick map[string]model.Entity, env Env) plot.Line {
	e := sick[model.EntityOf(s.Labels)]
	cut := fresh{asOf: f.asOf}
	stale := f.stale(now)
	if e.State == model.Stale {
		stale = true
		if e.Seen.Before(cut.asOf) {
			cut.asOf = e.Seen
		}
	}
	out := plot.Line{Name: name, Points: samplesOf(&s, cut.asOf, stale), Area: t.Area, Bars: t.Bars}
	switch {
	case stale:
		out.Severity, out.Since = plot.KindStale, cut.asOf
	case e.State == model.Critical:
		out.Severity, out.Since = plot.KindCritical, e.Since
		if e.Reason != "" {
			out.Label = name + " " + env.Said(e.Reason)
		}
	}
	return out
}

// moments are what the chart marks in time, the newest few.
func (t *timeseries) moments(src model.Source, env Env, now time.Time, span time.Duration) []plot.Moment {
	const most = 3
	start := now.Add(-span)
	var times []time.Time
	switch t.Marks {
	case "causes":
		for _, a := range src.Alerts() {
			if a.Cause == "" && !a.Pending && a.Severity == model.Critical && a.Since.After(start) {
				times = append(times, a.Since)
			}
		}
	case "critical":
		for _, e := range src.Events(model.EventFilter{Since: start, Until: now, MinRank: model.Critical, Entity: t.Under, Limit: 50}) {
			times = append(times, e.Time)
		}
	case "none":
	default:
		label, value, _ := strings.Cut(t.Marks, "=")
		for _, e := range src.Events(model.EventFilter{Since: start, Until: now, Entity: t.Under}) {
			if e.Labels[label] == value {
				times = append(times, e.Time)
			}
		}
	}
	slices.SortFunc(times, func(a, b time.Time) int { return b.Compare(a) })
	var out []plot.Moment
	for _, at := range times {
		if len(out) == most {
			break
		}
		if n := len(out); n == 0 || out[n-1].At.Sub(at) > span/50 {
			m := plot.Moment{At: at, Label: at.In(env.Style.Loc).Format("15:04")}
			if n > 0 && out[n-1].At.Sub(at) < span/5 { // two times of day would run into each other
				m.Label = ""
			}
			out = append(out, m)
		}
	}
	return out
}

// subtitle says the unit of the axis and the span, and when spikes between the points are not shown.
func (t *timeseries) subtitle(env Env, chart *plot.Chart, h history) string {
	var words []string
	if suffix := chart.AxisUnit(env.Size.H, env.Style).Suffix; suffix != "" {
		words = append(words, suffix)
	}
	words = append(words, spanText(env.Text, h.span))
	if h.bandless {
		words = append(words, env.Text("short peaks not shown"))
	}
	return strings.Join(words, ", ")
}
