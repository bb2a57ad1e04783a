package alert_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/app/alert"
	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/store/model"
)

func builtinFold(tb testing.TB) []alert.FoldRule {
	tb.Helper()
	table, err := alert.ParseFold(assets.Fold)
	if err != nil {
		tb.Fatal(err)
	}
	return table
}

// plainly is how a rule is defined: the first source, in the order of the list, that all conditions hold for.
func plainly(table []alert.FoldRule, list []model.Alert, t int, links func(from, kind string) []model.Link) string {
	match := func(i int, target bool, r *alert.FoldRule) bool {
		ms := r.Source
		if target {
			ms = r.Target
		}
		for _, m := range ms {
			if !m.Matches(list[i].Labels[m.Name]) {
				return false
			}
		}
		return true
	}
	for i := range table {
		r := &table[i]
		if !match(t, true, r) {
			continue
		}
		at := []string{list[t].Entity}
		for _, kind := range r.Via {
			var next []string
			for _, id := range at {
				for _, l := range links(id, kind) {
					next = append(next, l.B)
				}
			}
			at = next
		}
		for s := range list {
			joined := len(r.Same) == 0
			for _, pairs := range r.Same {
				all := true
				for a, b := range pairs {
					all = all && list[t].Labels[a] != "" && list[t].Labels[a] == list[s].Labels[b]
				}
				joined = joined || all
			}
			if s != t && !list[s].Pending && match(s, false, r) && joined && (len(r.Via) == 0 || slices.Contains(at, list[s].Entity)) &&
				(!r.After || !list[t].Since.Before(list[s].Since.Add(-time.Minute))) {
				return list[s].ID
			}
		}
	}
	return ""
}

// TestFoldAsDefined compares the causes of random alerts, found by what they share, with those of the definition. Chains
// are left out: a table in which no target is a source has none.
func TestFoldAsDefined(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	links := func(from, kind string) []model.Link {
		if kind != "owns" || from == "" {
			return nil
		}
		return []model.Link{{A: from, B: "e" + from[1:2], Kind: kind}, {A: from, B: "e3", Kind: kind}}
	}
	table := []alert.FoldRule{
		{Source: mustMatch(t, `{alertname="S1"}`), Target: mustMatch(t, `{alertname=~"T.*"}`), Same: []map[string]string{{"a": "a", "b": "b"}, {"a": "b"}}, After: true},
		{Source: mustMatch(t, `{alertname="S2"}`), Target: mustMatch(t, `{alertname="T2"}`), Via: []string{"owns"}},
		{Source: mustMatch(t, `{alertname=~"S.*"}`), Target: mustMatch(t, `{alertname="T3"}`), Same: []map[string]string{{"b": "b"}}, Via: []string{"owns"}},
		{Source: mustMatch(t, `{alertname="S3"}`), Target: mustMatch(t, `{alertname="T1"}`), After: true},
	}
	folded := 0
	for range 200 {
		var list []model.Alert
		for i := range 40 {
			list = append(list, model.Alert{
				ID: fmt.Sprint(i), Pending: rnd.IntN(5) == 0, Entity: pick("", "e1", "e2", "e3"), Since: epoch.Add(time.Duration(rnd.IntN(300)) * time.Second),
				Labels: map[string]string{"alertname": pick("S1", "S2", "S3", "T1", "T2", "T3"), "a": pick("", "x", "y"), "b": pick("", "x", "y")},
			})
		}
		alert.Fold(table, list, links)
		for i := range list {
			want := plainly(table, list, i, links)
			if list[i].Cause != want {
				t.Fatalf("alert %+v has the cause %q, want %q", list[i], list[i].Cause, want)
			}
			if want != "" {
				folded++
			}
		}
	}
	if folded < 500 {
		t.Errorf("only %d alerts had a cause: the test tests nothing", folded)
	}
}

// BenchmarkFold folds 3,000 restarting pods, and a lost node with its own, by the built-in table.
func BenchmarkFold(b *testing.B) {
	table := builtinFold(b)
	var list []model.Alert
	for i := range 3000 {
		pod := fmt.Sprint("pod-", i)
		list = append(list, model.Alert{
			ID: pod, Entity: model.ObjectID("c", "ns", model.KindPod, pod), Since: epoch,
			Labels: map[string]string{"alertname": "KubePodRestarting", "cluster": "c", "namespace": "ns", "pod": pod, "node": fmt.Sprint("node-", i%100)},
		})
	}
	list = append(list, model.Alert{ID: "node", Since: epoch, Labels: map[string]string{"alertname": "KubeNodeNotReady", "cluster": "c", "node": "node-7"}})
	none := func(string, string) []model.Link { return nil }
	b.ReportAllocs()
	for b.Loop() {
		alert.Fold(table, list, none)
	}
	if list[7].Cause != "node" || list[8].Cause != "" {
		b.Errorf("causes %q and %q", list[7].Cause, list[8].Cause)
	}
}
