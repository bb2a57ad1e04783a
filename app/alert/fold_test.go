package alert_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/nocturne-noc/nocturne/app/alert"
	"github.com/nocturne-noc/nocturne/store/model"
)

func mustMatch(t *testing.T, selector string) []*labels.Matcher {
	t.Helper()
	m, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFold(t *testing.T) {
	table := []alert.FoldRule{
		{Source: mustMatch(t, `{alertname="Cut"}`), Target: mustMatch(t, `{alertname="Full"}`), Same: []map[string]string{{"device": "a"}, {"device": "b"}}, After: true},
		{Source: mustMatch(t, `{alertname="Node"}`), Target: mustMatch(t, `{alertname="Pod"}`), Same: []map[string]string{{"node": "node"}}},
		{Source: mustMatch(t, `{alertname="Pod"}`), Target: mustMatch(t, `{alertname="Workload"}`), Via: []string{"owns"}},
		{Source: mustMatch(t, `{alertname="Egg"}`), Target: mustMatch(t, `{alertname="Hen"}`)},
		{Source: mustMatch(t, `{alertname="Hen"}`), Target: mustMatch(t, `{alertname="Egg"}`)},
	}
	links := func(from, kind string) []model.Link {
		if from == "workload" && kind == "owns" {
			return []model.Link{{A: from, B: "pod2", Kind: kind}}
		}
		return nil
	}
	at := func(id, name string, after time.Duration, ls map[string]string) model.Alert {
		if ls == nil {
			ls = map[string]string{}
		}
		ls["alertname"] = name
		return model.Alert{ID: id, Name: name, Labels: ls, Since: epoch.Add(after), Entity: ls["entity"]}
	}
	list := []model.Alert{
		at("cut", "Cut", time.Minute, map[string]string{"a": "core", "b": "dist"}),
		at("after", "Full", 2*time.Minute, map[string]string{"device": "dist"}),
		at("long before", "Full", -time.Hour, map[string]string{"device": "core"}),
		at("elsewhere", "Full", 2*time.Minute, map[string]string{"device": "edge"}),
		at("nowhere", "Full", 2*time.Minute, nil),
		at("node", "Node", 0, map[string]string{"node": "n1"}),
		at("pod1", "Pod", 0, map[string]string{"node": "n2", "entity": "pod1"}),
		at("pod2", "Pod", 0, map[string]string{"node": "n1", "entity": "pod2"}),
		at("workload", "Workload", 0, map[string]string{"entity": "workload"}),
		at("hen", "Hen", 0, nil),
		at("egg", "Egg", time.Second, nil),
	}
	alert.Fold(table, list, links)
	got := map[string]string{}
	for _, a := range list {
		if a.Cause != "" {
			got[a.ID] = a.Cause
		}
	}
	want := map[string]string{"after": "cut", "pod2": "node", "workload": "node", "egg": "hen"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	list[5].Pending = true // not sure yet: explains nothing
	alert.Fold(table, list, links)
	if list[7].Cause != "" || list[8].Cause != "pod2" {
		t.Errorf("a pending cause: pod %q, workload %q", list[7].Cause, list[8].Cause)
	}
}

func TestParseFold(t *testing.T) {
	for yaml, want := range map[string]string{
		`[{source: '{a="b"}', target: '{c="d"}', same: [{x: y}]}]`: "",
		`[{sauce: '{a="b"}'}]`:                "fold table",
		`[{source: '{a=', target: '{}'}]`:     "rule 1: source",
		`[{source: '{a="b"}', target: 'x['}]`: "rule 1: target",
	} {
		_, err := alert.ParseFold([]byte(yaml))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", yaml, err)
		}
	}
}
