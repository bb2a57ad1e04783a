package alert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/nocturne-noc/nocturne/store/model"
)

// FoldRule says which alerts explain which others, in the way of Alertmanager's inhibition: a
// firing alert that Source matches is the cause of those that Target matches, when what joins them
// holds. Earlier rules of a table win.
type FoldRule struct {
	Source []*labels.Matcher
	Target []*labels.Matcher
	// Same lists alternatives, each a set of pairs "target's label: source's label" that must be
	// equal and not empty. Via lists kinds of links that lead, in order, from the target's entity to
	// the source's. With neither, the match alone joins.
	Same []map[string]string
	Via  []string
	// After keeps an alert that was there well before the source from being called its symptom.
	After bool
}

// afterSlack is how much sooner than its cause a symptom may be noticed.
const afterSlack = time.Minute

// ParseFold reads a table of fold rules: a YAML list with the keys source and target (PromQL
// selectors such as '{alertname="LinkDown"}'), same, via and after.
func ParseFold(data []byte) ([]FoldRule, error) {
	var raw []struct {
		Source string              `yaml:"source"`
		Target string              `yaml:"target"`
		Same   []map[string]string `yaml:"same"`
		Via    []string            `yaml:"via"`
		After  bool                `yaml:"after"`
	}
	if err := yaml.UnmarshalWithOptions(data, &raw, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("fold table: %w", err)
	}
	p := parser.NewParser(parser.Options{})
	table := make([]FoldRule, len(raw))
	for i, r := range raw {
		source, err := p.ParseMetricSelector(r.Source)
		if err != nil {
			return nil, fmt.Errorf("fold table: rule %d: source %q: %w", i+1, r.Source, err)
		}
		target, err := p.ParseMetricSelector(r.Target)
		if err != nil {
			return nil, fmt.Errorf("fold table: rule %d: target %q: %w", i+1, r.Target, err)
		}
		table[i] = FoldRule{Source: source, Target: target, Same: r.Same, Via: r.Via, After: r.After}
	}
	return table, nil
}

// Fold sets each alert's Cause to the root that explains it, "" for a root. links gives the links
// that start at an entity and are of one kind.
func Fold(table []FoldRule, alerts []model.Alert, links func(from, kind string) []model.Link) {
	var rules []sources
	for i := range table {
		if found := newSources(&table[i], alerts); len(found.all) > 0 {
			rules = append(rules, found)
		}
	}
	direct := make([]int, len(alerts)) // index of the alert that explains this one, -1 for none
	for t := range alerts {
		direct[t] = cause(rules, alerts, t, links)
	}
	for t := range alerts {
		root := direct[t]
		for range alerts { // as often as there can be steps: a circle ends with the first cause
			if root < 0 || direct[root] < 0 || direct[root] == t {
				break
			}
			root = direct[root]
		}
		alerts[t].Cause = ""
		if root >= 0 && (direct[root] != t || !alerts[t].Since.Before(alerts[root].Since)) {
			alerts[t].Cause = alerts[root].ID
		}
	}
}

// cause is the first alert, by the first rule, that explains another one; -1 for none.
func cause(rules []sources, alerts []model.Alert, t int, links func(from, kind string) []model.Link) int {
	for i := range rules {
		if r := &rules[i]; matches(r.rule.Target, alerts[t].Labels) {
			if s := r.first(alerts, t, links); s >= 0 {
				return s
			}
		}
	}
	return -1
}

func matches(ms []*labels.Matcher, ls map[string]string) bool {
	for _, m := range ms {
		if !m.Matches(ls[m.Name]) {
			return false
		}
	}
	return true
}

func same(alternatives []map[string]string, target, source map[string]string) bool {
	return len(alternatives) == 0 || slices.ContainsFunc(alternatives, func(pairs map[string]string) bool {
		for t, s := range pairs {
			if target[t] == "" || target[t] != source[s] {
				return false
			}
		}
		return true
	})
}

// reach follows the links from an entity, one kind after the other.
func reach(from string, kinds []string, links func(from, kind string) []model.Link) []string {
	if len(kinds) == 0 || from == "" {
		return nil
	}
	at := []string{from}
	for _, kind := range kinds {
		var next []string
		for _, id := range at {
			for _, l := range links(id, kind) {
				if !slices.Contains(next, l.B) {
					next = append(next, l.B)
				}
			}
		}
		at = next
	}
	return at
}

// linkIndex finds links by their start, built once for an evaluation and only when it is asked.
func linkIndex(src model.Source) func(from, kind string) []model.Link {
	var index map[string][]model.Link
	return func(from, kind string) []model.Link {
		if index == nil {
			index = map[string][]model.Link{}
			for _, l := range src.Links(model.Filter{}) {
				key := l.Kind + "|" + l.A
				index[key] = append(index[key], l)
			}
		}
		return index[kind+"|"+from]
	}
}

// title is a one-line text from foreign words.
func title(s string) string { return strings.Join(strings.Fields(s), " ") }
