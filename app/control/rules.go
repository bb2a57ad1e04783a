package control

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"
)

// The shapes are those of https://prometheus.io/docs/prometheus/latest/querying/api/#rules, so that
// whoever reads Prometheus reads this.

type promAlert struct {
	Labels          labels.Labels `json:"labels"`
	Annotations     labels.Labels `json:"annotations"`
	State           string        `json:"state"`
	ActiveAt        *time.Time    `json:"activeAt,omitempty"`
	KeepFiringSince *time.Time    `json:"keepFiringSince,omitempty"`
	Value           string        `json:"value"`
}

type promAlerts struct {
	Alerts []promAlert `json:"alerts"`
}

type alertingRule struct {
	State          string           `json:"state"`
	Name           string           `json:"name"`
	Query          string           `json:"query"`
	Duration       float64          `json:"duration"`
	KeepFiringFor  float64          `json:"keepFiringFor"`
	Labels         labels.Labels    `json:"labels"`
	Annotations    labels.Labels    `json:"annotations"`
	Alerts         []promAlert      `json:"alerts"` // null when they are left out, as in Prometheus
	Health         rules.RuleHealth `json:"health"`
	LastError      string           `json:"lastError,omitempty"`
	EvaluationTime float64          `json:"evaluationTime"`
	LastEvaluation time.Time        `json:"lastEvaluation"`
	Type           string           `json:"type"`
}

type recordingRule struct {
	Name           string           `json:"name"`
	Query          string           `json:"query"`
	Labels         labels.Labels    `json:"labels"`
	Health         rules.RuleHealth `json:"health"`
	LastError      string           `json:"lastError,omitempty"`
	EvaluationTime float64          `json:"evaluationTime"`
	LastEvaluation time.Time        `json:"lastEvaluation"`
	Type           string           `json:"type"`
}

type ruleGroup struct {
	Name           string    `json:"name"`
	File           string    `json:"file"`
	Rules          []any     `json:"rules"` // alertingRule, recordingRule
	Interval       float64   `json:"interval"`
	Limit          int       `json:"limit"`
	EvaluationTime float64   `json:"evaluationTime"`
	LastEvaluation time.Time `json:"lastEvaluation"`
}

type ruleGroups struct {
	Groups    []ruleGroup `json:"groups"`
	NextToken string      `json:"groupNextToken,omitempty"`
}

// ruleFilter is which rules are asked for; empty lists want everything.
type ruleFilter struct {
	names, groups, files []string
	kind                 string // "alert", "record"
	match                [][]*labels.Matcher
	bare                 bool // without their alerts
	page                 int  // groups in one answer, 0 for all
	from                 string
}

func (a *api) ruleFilter(r *http.Request) (f ruleFilter, err error) {
	f = ruleFilter{
		names: r.Form["rule_name[]"], groups: r.Form["rule_group[]"], files: r.Form["file[]"],
		kind: r.FormValue("type"), from: r.FormValue("group_next_token"),
	}
	if f.match, err = a.matchers(r); err != nil {
		return f, err
	}
	if f.kind != "" && f.kind != "alert" && f.kind != "record" {
		return f, invalid("type", errors.New("want alert or record"))
	}
	if s := r.FormValue("exclude_alerts"); s != "" {
		if f.bare, err = strconv.ParseBool(s); err != nil {
			return f, invalid("exclude_alerts", err)
		}
	}
	if s := r.FormValue("group_limit"); s != "" {
		if f.page, err = strconv.Atoi(s); err != nil || f.page <= 0 {
			return f, invalid("group_limit", errors.New("want a number greater than 0"))
		}
	} else if f.from != "" {
		return f, invalid("group_next_token", errors.New("group_limit needs to be present in order to paginate over the groups"))
	}
	return f, nil
}

// rules are the rule groups that run, with what became of them.
func (a *api) rules(r *http.Request) (any, error) {
	groups, err := a.groups()
	if err != nil {
		return nil, err
	}
	f, err := a.ruleFilter(r)
	if err != nil {
		return nil, err
	}
	if f.from != "" {
		n := slices.IndexFunc(groups, func(g *rules.Group) bool { return pageToken(g) == f.from })
		if n < 0 {
			return nil, invalid("group_next_token", errors.New("no group has it: the rules were changed, begin anew"))
		}
		groups = groups[n:]
	}
	found := ruleGroups{Groups: []ruleGroup{}}
	for _, g := range groups {
		list := f.pick(g)
		if len(list) == 0 {
			continue
		}
		if f.page > 0 && len(found.Groups) == f.page {
			found.NextToken = pageToken(g)
			break
		}
		found.Groups = append(found.Groups, ruleGroup{
			Name: g.Name(), File: g.File(), Rules: list, Interval: g.Interval().Seconds(), Limit: g.Limit(),
			EvaluationTime: g.GetEvaluationTime().Seconds(), LastEvaluation: g.GetLastEvaluation(),
		})
	}
	return found, nil
}

// pageToken names the group that the next page begins with.
func pageToken(g *rules.Group) string {
	sum := sha256.Sum256([]byte(g.File() + ";" + g.Name()))
	return hex.EncodeToString(sum[:])
}

// pick lists those rules of a group that are asked for.
func (f *ruleFilter) pick(g *rules.Group) []any {
	wants := func(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }
	if !wants(f.groups, g.Name()) || !wants(f.files, g.File()) {
		return nil
	}
	var out []any
	for _, r := range g.Rules(f.match...) {
		alerting, isAlert := r.(*rules.AlertingRule)
		switch {
		case !wants(f.names, r.Name()):
		case isAlert && f.kind != "record":
			out = append(out, f.alerting(alerting))
		case !isAlert && f.kind != "alert":
			out = append(out, recordingRule{
				Name: r.Name(), Query: r.Query().String(), Labels: r.Labels(), Health: r.Health(), LastError: textOf(r.LastError()),
				EvaluationTime: r.GetEvaluationDuration().Seconds(), LastEvaluation: r.GetEvaluationTimestamp(), Type: "recording",
			})
		}
	}
	return out
}

func (f *ruleFilter) alerting(r *rules.AlertingRule) alertingRule {
	rule := alertingRule{
		State: r.State().String(), Name: r.Name(), Query: r.Query().String(),
		Duration: r.HoldDuration().Seconds(), KeepFiringFor: r.KeepFiringFor().Seconds(),
		Labels: r.Labels(), Annotations: r.Annotations(), Health: r.Health(), LastError: textOf(r.LastError()),
		EvaluationTime: r.GetEvaluationDuration().Seconds(), LastEvaluation: r.GetEvaluationTimestamp(), Type: "alerting",
	}
	if !f.bare {
		rule.Alerts = alertsOf(r)
	}
	return rule
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// alertsOf are a rule's pending and firing alerts; never nil.
func alertsOf(r *rules.AlertingRule) []promAlert {
	list := []promAlert{}
	for _, active := range r.ActiveAlerts() {
		alert := promAlert{
			Labels: active.Labels, Annotations: active.Annotations, State: active.State.String(),
			ActiveAt: &active.ActiveAt, Value: strconv.FormatFloat(active.Value, 'e', -1, 64),
		}
		if !active.KeepFiringSince.IsZero() {
			alert.KeepFiringSince = &active.KeepFiringSince
		}
		list = append(list, alert)
	}
	return list
}

// promAlerts are the pending and firing alerts of all rules.
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
	return promAlerts{list}, nil
}

func (a *api) groups() ([]*rules.Group, error) {
	if a.Groups == nil {
		return nil, &apiError{sortUnavailable, errors.New("no rules run here: start the wallboard on this data folder")}
	}
	return a.Groups(), nil
}
