package control

import (
	"context"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store"
	"github.com/nocturne-noc/nocturne/store/model"
)

// collectTimeout bounds what one scrape asks of the store.
const collectTimeout = 5 * time.Second

// Self is what the wallboard tells of itself on /metrics, beside what the Go runtime and the process
// tell. It is a prometheus.Collector whose values are read when they are asked for.
type Self struct {
	Source  model.Source
	Dir     string               // the data folder; "" = memory only
	Dropped func() store.Dropped // samples and events that were not kept
	Health  func() Health

	batches, samples, nanoseconds atomic.Uint64
}

// Measure counts what goes through apply.
func (s *Self) Measure(apply func(model.Batch) error) func(model.Batch) error {
	return func(b model.Batch) error {
		start := time.Now()
		err := apply(b)
		s.batches.Add(1)
		s.samples.Add(uint64(len(b.Samples)))
		s.nanoseconds.Add(uint64(time.Since(start)))
		return err
	}
}

// Describe tells nothing beforehand: the labels depend on the sources.
func (*Self) Describe(chan<- *prometheus.Desc) {}

// Collect reads everything.
func (s *Self) Collect(out chan<- prometheus.Metric) {
	t := teller{out}
	h := s.Health()
	t.gauge("nocturne_build_info", "Always 1: the version that runs.", 1, "version", h.Version)
	t.gauge("nocturne_problems", "What is wrong with the wallboard itself, as its banner says.", float64(len(h.Problems)))
	s.sources(t)
	s.alerts(t)
	s.entities(t)
	s.store(t)
}

// sources tells of the collectors, by the series that they tell of themselves.
func (s *Self) sources(t teller) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	now := s.Source.Now()
	list, err := s.Source.Query(ctx, `{__name__=~"nocturne_collector_.+"}`, now)
	if err != nil {
		t.out <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
	}
	for _, series := range list {
		name := series.Labels.Get(prom.MetricNameLabel)
		m := MetadataOf(name)
		kind := prometheus.GaugeValue
		if m.Type == prom.MetricTypeCounter {
			kind = prometheus.CounterValue
		}
		var pairs []string
		series.Labels.Range(func(l labels.Label) {
			if l.Name != prom.MetricNameLabel {
				pairs = append(pairs, l.Name, l.Value)
			}
		})
		for _, p := range series.Points {
			t.tell(kind, name, m.Help, p.V, pairs...)
		}
	}
	for _, row := range s.Source.Sources() {
		if !row.LastOK.IsZero() {
			t.gauge("nocturne_collector_last_success_timestamp_seconds", "When the target's last good round was, in Unix seconds.",
				float64(row.LastOK.UnixMilli())/1000, "source", row.Name, "target", row.Target, "kind", row.Kind)
		}
	}
}

// alerts counts the active ones. Severities without any have a zero, so that a rule can ask for it.
func (s *Self) alerts(t teller) {
	type key struct{ severity, state string }
	count := map[key]int{}
	for _, severity := range []model.State{model.Critical, model.Warning} {
		count[key{severity.String(), "firing"}], count[key{severity.String(), "pending"}] = 0, 0
	}
	acknowledged := 0
	for _, a := range s.Source.Alerts() {
		state := "firing"
		if a.Pending {
			state = "pending"
		}
		count[key{a.Severity.String(), state}]++
		if a.AckBy != "" {
			acknowledged++
		}
	}
	for k, n := range count {
		t.gauge("nocturne_alerts", "Active alerts.", float64(n), "severity", k.severity, "state", k.state)
	}
	t.gauge("nocturne_alerts_acknowledged", "Active alerts that somebody has acknowledged.", float64(acknowledged))
	t.counter("nocturne_events_total", "Events since the start.", float64(s.Source.Revs().Events))
}

func (s *Self) entities(t teller) {
	type key struct{ kind, state string }
	count := map[key]int{}
	for _, e := range s.Source.Entities(model.Filter{}) {
		count[key{string(e.Kind), e.State.String()}]++
	}
	for k, n := range count {
		t.gauge("nocturne_entities", "Entities that the wall knows.", float64(n), "kind", k.kind, "state", k.state)
	}
}

// store tells what history takes, and what it did not take in.
func (s *Self) store(t teller) {
	t.counter("nocturne_store_batches_total", "Batches that were handed to the store.", float64(s.batches.Load()))
	t.counter("nocturne_store_samples_total", "Samples that were handed to the store.", float64(s.samples.Load()))
	t.counter("nocturne_store_apply_seconds_total", "Time in which batches were taken in.", time.Duration(s.nanoseconds.Load()).Seconds())
	// By reflection, so that no reason is forgotten here.
	dropped := reflect.ValueOf(s.Dropped())
	for i := range dropped.NumField() {
		if !dropped.Field(i).CanUint() {
			continue
		}
		t.counter("nocturne_store_dropped_total", "Samples, and under the reason events: events, that were not kept.",
			float64(dropped.Field(i).Uint()), "reason", strings.ToLower(dropped.Type().Field(i).Name))
	}
	if s.Dir == "" {
		return
	}
	sizes, err := sizesOf(s.Dir)
	if err != nil {
		t.out <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
		return
	}
	for what, size := range sizes {
		t.gauge("nocturne_store_files", "Files of the data folder.", float64(size.files), "of", what)
		t.gauge("nocturne_store_size_bytes", "Bytes of the files of the data folder.", float64(size.bytes), "of", what)
	}
}

// size is what some files take.
type size struct {
	files int
	bytes int64
}

// filesOf says by the beginnings of their names what the files of a data folder hold; see store/bolt.
var filesOf = []struct{ prefix, what string }{{"day-", "raw"}, {"5m-", "5m"}, {"1h-", "1h"}, {"wal-", "wal"}}

// sizesOf adds up the files of a data folder: of each tier, the write-ahead files, what was set aside
// as damaged, and the rest.
func sizesOf(dir string) (map[string]size, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	sizes := map[string]size{"damaged": {}, "other": {}}
	for _, f := range filesOf {
		sizes[f.what] = size{}
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue // removed meanwhile, or the socket
		}
		what := "other"
		for _, f := range filesOf {
			if strings.HasPrefix(entry.Name(), f.prefix) {
				what = f.what
			}
		}
		if strings.Contains(entry.Name(), ".damaged") {
			what = "damaged"
		}
		old := sizes[what]
		sizes[what] = size{old.files + 1, old.bytes + info.Size()}
	}
	return sizes, nil
}

// teller hands metrics over.
type teller struct{ out chan<- prometheus.Metric }

func (t teller) gauge(name, help string, v float64, pairs ...string) {
	t.tell(prometheus.GaugeValue, name, help, v, pairs...)
}

func (t teller) counter(name, help string, v float64, pairs ...string) {
	t.tell(prometheus.CounterValue, name, help, v, pairs...)
}

// tell takes labels as pairs of names and values.
func (t teller) tell(kind prometheus.ValueType, name, help string, v float64, pairs ...string) {
	var names, values []string
	for i := 0; i+1 < len(pairs); i += 2 {
		names, values = append(names, pairs[i]), append(values, strings.ToValidUTF8(pairs[i+1], "\uFFFD"))
	}
	desc := prometheus.NewDesc(name, help, names, nil)
	m, err := prometheus.NewConstMetric(desc, kind, v, values...)
	if err != nil {
		m = prometheus.NewInvalidMetric(desc, err)
	}
	t.out <- m
}

var _ prometheus.Collector = (*Self)(nil)
