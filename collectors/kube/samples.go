package kube

import (
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// sampler collects the samples of one instant.
type sampler struct {
	cluster string
	t       int64
	out     []model.Sample
	pairs   []string
	was     []model.Sample // what the object that is measured had last time
	from    int            // where its samples begin in out
}

// add adds a sample; pairs are label names and values.
func (s *sampler) add(name string, value float64, pairs ...string) {
	s.pairs = append(append(s.pairs[:0], prom.MetricNameLabel, name, "cluster", s.cluster), pairs...)
	ls := labels.FromStrings(s.pairs...)
	if i := len(s.out) - s.from; i < len(s.was) && labels.Equal(s.was[i].Labels, ls) {
		ls = s.was[i].Labels // the store holds that one: another would be there twice
	}
	s.out = append(s.out, model.Sample{Labels: ls, T: s.t, V: value})
}

// flag is 1 for true.
func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// The values of a condition's status, each of which has a series of its own.
var statuses = []struct{ api, label string }{{"True", "true"}, {"False", "false"}, {"Unknown", "unknown"}}

// samples measures the cluster under kube-state-metrics' names. What cannot be read is absent.
func (v *view) samples(t time.Time, latency time.Duration) []model.Sample {
	v.watchTable()
	c := newCanvas()
	c.draw(v, true)
	return c.samples(v, t, latency)
}

// resources adds those amounts that are said.
func (s *sampler) resources(name string, r Resources, pairs ...string) {
	for _, one := range []struct {
		value          float64
		resource, unit string
	}{{r.CPU, "cpu", "core"}, {r.Memory, "memory", "byte"}, {r.Pods, "pods", "integer"}} {
		if one.value > 0 {
			s.add(name, one.value, append(pairs[:len(pairs):len(pairs)], "resource", one.resource, "unit", one.unit)...)
		}
	}
}
