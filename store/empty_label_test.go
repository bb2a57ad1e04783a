package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// To Prometheus a label that is empty is none: the series is the one without it, and keeps its place
// in the scope's list all the same.
func TestEmptyLabels(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now, Tick: never})
	for i := range 3 {
		apply(t, s, model.Batch{Source: "s", Scope: "s", Time: c.now, Replace: true, Samples: []model.Sample{
			sample(c.now, float64(i), "__name__", "a", "rack", ""),
			sample(c.now, float64(i), "__name__", "b", "rack", "7"),
		}})
		c.advance(benchEvery)
	}
	got, err := s.Series(t.Context(), c.now.Add(-benchEvery), c.now, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []labels.Labels{labels.FromStrings("__name__", "a"), labels.FromStrings("__name__", "b", "rack", "7")}
	if diff := cmp.Diff(want, got, cmp.Comparer(labels.Equal)); diff != "" {
		t.Error(diff)
	}
	if list := s.lists[listKey{scopeKey{"s", "s"}, true}]; !list.steady {
		t.Error("the batches did not go by their places in the list")
	}
}
