package control

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
)

// The shapes are those of https://prometheus.io/docs/prometheus/latest/querying/api/, so that
// whoever reads Prometheus reads this.

const (
	maxPoints = 11_000 // of one series in one answer, as Prometheus has it
	maxList   = 100_000
)

// queryData is the answer to a query. Value marshals itself.
type queryData struct {
	ResultType parser.ValueType `json:"resultType"`
	Result     parser.Value     `json:"result"`
}

func (a *api) timeOf(r *http.Request, name string, otherwise time.Time) (time.Time, error) {
	s := r.FormValue(name)
	if s == "" {
		return otherwise, nil
	}
	t, err := ParseTime(s, a.Source.Now())
	if err != nil {
		return t, badData("parameter %s: %w", name, err)
	}
	return t, nil
}

func (a *api) query(r *http.Request) (any, error) {
	at, err := a.timeOf(r, "time", a.Source.Now())
	if err != nil {
		return nil, err
	}
	q, err := a.Engine.NewInstantQuery(r.Context(), a.Queryable, nil, r.FormValue("query"), at)
	if err != nil {
		return nil, badData("query: %w", err)
	}
	return run(r, q)
}

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
		return nil, badData("parameter step: %w", err)
	case start.IsZero():
		return nil, badData("parameter start is missing")
	case end.Before(start):
		return nil, badData("the end lies before the start")
	case end.Sub(start)/step >= maxPoints:
		return nil, badData("more than %d points per series: ask for a larger step", maxPoints)
	}
	q, err := a.Engine.NewRangeQuery(r.Context(), a.Queryable, nil, r.FormValue("query"), start, end, step)
	if err != nil {
		return nil, badData("query: %w", err)
	}
	return run(r, q)
}

func run(r *http.Request, q promql.Query) (any, error) {
	// The result is marshalled after this returns, so its pooled slices are not given back.
	res := q.Exec(r.Context())
	if res.Err != nil {
		return nil, res.Err
	}
	return queryData{res.Value.Type(), res.Value}, nil
}

// selection is what match[], start and end ask for.
type selection struct {
	storage.Querier
	sets  [][]*labels.Matcher
	hints storage.SelectHints
}

func (a *api) selection(r *http.Request) (*selection, error) {
	sets, err := a.parser.ParseMetricSelectors(r.Form["match[]"])
	if err != nil {
		return nil, badData("parameter match[]: %w", err)
	}
	for _, set := range sets {
		if !slices.ContainsFunc(set, func(m *labels.Matcher) bool { return !m.Matches("") }) {
			return nil, badData("parameter match[]: at least one matcher must not match the empty text")
		}
	}
	start, err := a.timeOf(r, "start", a.Source.Now().Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	end, err := a.timeOf(r, "end", a.Source.Now())
	if err != nil {
		return nil, err
	}
	q, err := a.Queryable.Querier(start.UnixMilli(), end.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("reading history: %w", err)
	}
	return &selection{q, sets, storage.SelectHints{Start: start.UnixMilli(), End: end.UnixMilli(), Func: "series"}}, nil
}

func (a *api) series(r *http.Request) (any, error) {
	q, err := a.selection(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = q.Close() }() // only read
	if len(q.sets) == 0 {
		return nil, badData("parameter match[] is missing")
	}
	found := map[uint64]labels.Labels{}
	for _, set := range q.sets {
		ss := q.Select(r.Context(), false, &q.hints, set...)
		for ss.Next() && len(found) < maxList {
			ls := ss.At().Labels()
			found[ls.Hash()] = ls
		}
		if ss.Err() != nil {
			return nil, ss.Err()
		}
	}
	return orEmpty(slices.SortedFunc(maps.Values(found), labels.Compare)), nil
}

func (a *api) labelNames(r *http.Request) (any, error) {
	return a.union(r, func(q storage.Querier, ms []*labels.Matcher) ([]string, error) {
		names, _, err := q.LabelNames(r.Context(), nil, ms...)
		return names, err
	})
}

func (a *api) labelValues(r *http.Request) (any, error) {
	return a.union(r, func(q storage.Querier, ms []*labels.Matcher) ([]string, error) {
		values, _, err := q.LabelValues(r.Context(), r.PathValue("name"), nil, ms...)
		return values, err
	})
}

// union collects texts over all selectors, sorted, each once; never nil.
func (a *api) union(r *http.Request, read func(storage.Querier, []*labels.Matcher) ([]string, error)) (any, error) {
	q, err := a.selection(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = q.Close() }() // only read
	if len(q.sets) == 0 {
		q.sets = [][]*labels.Matcher{nil}
	}
	all := []string{}
	for _, set := range q.sets {
		list, err := read(q, set)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// metadata is empty: the store keeps no HELP and TYPE, and tools that ask expect an answer.
func (a *api) metadata(*http.Request) (any, error) { return map[string]any{}, nil }

func (a *api) buildInfo(*http.Request) (any, error) {
	version := ""
	if a.Health != nil {
		version = a.Health().Version
	}
	return map[string]string{
		"version": version, "revision": "", "branch": "", "buildUser": "", "buildDate": "",
		"goVersion": runtime.Version(), "application": "nocturne",
	}, nil
}

type promAlert struct {
	Labels      labels.Labels `json:"labels"`
	Annotations labels.Labels `json:"annotations"`
	State       string        `json:"state"`
	ActiveAt    time.Time     `json:"activeAt"`
	Value       string        `json:"value"`
}

type promRule struct {
	State          string           `json:"state,omitempty"`
	Name           string           `json:"name"`
	Query          string           `json:"query"`
	Duration       float64          `json:"duration"`
	KeepFiringFor  float64          `json:"keepFiringFor"`
	Labels         labels.Labels    `json:"labels"`
	Annotations    *labels.Labels   `json:"annotations,omitempty"`
	Alerts         []promAlert      `json:"alerts,omitempty"`
	Health         rules.RuleHealth `json:"health"`
	LastError      string           `json:"lastError,omitempty"`
	EvaluationTime float64          `json:"evaluationTime"`
	LastEvaluation time.Time        `json:"lastEvaluation"`
	Type           string           `json:"type"`
}

type promGroup struct {
	Name           string     `json:"name"`
	File           string     `json:"file"`
	Rules          []promRule `json:"rules"`
	Interval       float64    `json:"interval"`
	Limit          int        `json:"limit"`
	EvaluationTime float64    `json:"evaluationTime"`
	LastEvaluation time.Time  `json:"lastEvaluation"`
}

func (a *api) rules(*http.Request) (any, error) {
	groups, err := a.groups()
	if err != nil {
		return nil, err
	}
	list := make([]promGroup, 0, len(groups))
	for _, g := range groups {
		pg := promGroup{
			Name: g.Name(), File: g.File(), Rules: []promRule{}, Interval: g.Interval().Seconds(), Limit: g.Limit(),
			EvaluationTime: g.GetEvaluationTime().Seconds(), LastEvaluation: g.GetLastEvaluation(),
		}
		for _, r := range g.Rules() {
			pg.Rules = append(pg.Rules, ruleOf(r))
		}
		list = append(list, pg)
	}
	return map[string]any{"groups": list}, nil
}

func ruleOf(r rules.Rule) promRule {
	pr := promRule{
		Name: r.Name(), Query: r.Query().String(), Labels: r.Labels(), Health: r.Health(),
		EvaluationTime: r.GetEvaluationDuration().Seconds(), LastEvaluation: r.GetEvaluationTimestamp(), Type: "recording",
	}
	if err := r.LastError(); err != nil {
		pr.LastError = err.Error()
	}
	if alerting, ok := r.(*rules.AlertingRule); ok {
		annotations := alerting.Annotations()
		pr.Type, pr.State, pr.Annotations = "alerting", alerting.State().String(), &annotations
		pr.Duration, pr.KeepFiringFor = alerting.HoldDuration().Seconds(), alerting.KeepFiringFor().Seconds()
		pr.Alerts = alertsOf(alerting)
	}
	return pr
}

func alertsOf(r *rules.AlertingRule) []promAlert {
	list := []promAlert{}
	for _, active := range r.ActiveAlerts() {
		list = append(list, promAlert{
			Labels: active.Labels, Annotations: active.Annotations, State: active.State.String(),
			ActiveAt: active.ActiveAt, Value: strconv.FormatFloat(active.Value, 'e', -1, 64),
		})
	}
	return list
}

func (a *api) promAlerts(*http.Request) (any, error) {
	groups, err := a.groups()
	if err != nil {
		return nil, err
	}
	list := []promAlert{}
	for _, g := range groups {
		for _, r := range g.AlertingRules() {
			list = append(list, alertsOf(r)...)
		}
	}
	return map[string]any{"alerts": list}, nil
}

func (a *api) groups() ([]*rules.Group, error) {
	if a.Groups == nil {
		return nil, &apiError{"unavailable", errors.New("no rules run here: start the wallboard on this data folder")}
	}
	return a.Groups(), nil
}
