package alert

import (
	"maps"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
)

// sources are the alerts that a fold rule takes for causes, as indexes in order, and where to look them up: thousands
// of pods may restart at once, and each is both.
type sources struct {
	rule     *FoldRule
	all      []int
	pairs    [][]string         // of each alternative of Same, the target's labels in order
	bySame   []map[string][]int // likewise, by the values of the source's labels
	byEntity map[string][]int   // where the rule goes by links
}

func newSources(rule *FoldRule, alerts []model.Alert) sources {
	r := sources{rule: rule}
	for s := range alerts {
		if !alerts[s].Pending && matches(rule.Source, alerts[s].Labels) {
			r.all = append(r.all, s)
		}
	}
	if len(r.all) == 0 {
		return r
	}
	if len(rule.Via) > 0 {
		r.byEntity = map[string][]int{}
		for _, s := range r.all {
			r.byEntity[alerts[s].Entity] = append(r.byEntity[alerts[s].Entity], s)
		}
		return r
	}
	for _, alternative := range rule.Same {
		names := slices.Sorted(maps.Keys(alternative))
		index := map[string][]int{}
		for _, s := range r.all {
			key, ok := joined(names, func(name string) string { return alerts[s].Labels[alternative[name]] })
			if ok {
				index[key] = append(index[key], s)
			}
		}
		r.pairs, r.bySame = append(r.pairs, names), append(r.bySame, index)
	}
	return r
}

// joined puts values together so that none runs into the next; ok is false when one is empty.
func joined(names []string, value func(name string) string) (key string, ok bool) {
	var text strings.Builder
	for _, name := range names {
		v := value(name)
		if v == "" {
			return "", false
		}
		text.WriteString(v)
		text.WriteByte(0xff) // is in no text of UTF-8
	}
	return text.String(), true
}

// first is the first source that explains alert t; -1 for none.
func (r *sources) first(alerts []model.Alert, t int, links func(from, kind string) []model.Link) int {
	target, found := &alerts[t], -1
	look := func(list []int) {
		for _, s := range list {
			switch {
			case found >= 0 && s >= found:
				return
			case s == t, r.rule.After && target.Since.Before(alerts[s].Since.Add(-afterSlack)):
			case len(r.rule.Via) > 0 && !same(r.rule.Same, target.Labels, alerts[s].Labels):
			default:
				found = s
				return
			}
		}
	}
	switch {
	case len(r.rule.Via) > 0:
		for _, entity := range reach(target.Entity, r.rule.Via, links) {
			look(r.byEntity[entity])
		}
	case len(r.rule.Same) > 0:
		for i, names := range r.pairs {
			if key, ok := joined(names, func(name string) string { return target.Labels[name] }); ok {
				look(r.bySame[i][key])
			}
		}
	default:
		look(r.all)
	}
	return found
}
