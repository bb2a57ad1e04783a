package syslog

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Limits of what has a series of its own.
const (
	maxSeries = 5000
	maxApps   = 50 // of one machine
	other     = "other"
)

// What became of a line; the label "fate" of nocturne_syslog_lines_total.
const (
	fateShown   = "shown"   // as an event
	fateFolded  = "folded"  // a repeat
	fateSampled = "sampled" // announced as not shown
	fateOverrun = "overrun" // the same: it came faster than lines are looked at
)

// messageKey is a series of nocturne_syslog_messages_total.
type messageKey struct {
	machine  string // entity, or the sender's address
	severity string
	app      string
}

type patternKey struct{ machine, pattern string }

// counted is a number and the labels that it has.
type counted struct {
	labels []string
	n      uint64
}

// stats counts since the start. All but the atomic numbers are the desk's alone.
type stats struct {
	messages map[messageKey]*counted
	apps     map[string]int // series of a machine
	patterns map[patternKey]*counted
	fates    map[string]uint64
	invalid  uint64 // in neither format

	refused atomic.Uint64 // connections
	kernel  atomic.Uint64 // datagrams that the kernel had no room for
}

func newStats(patterns []Pattern) *stats {
	s := &stats{
		messages: map[messageKey]*counted{}, apps: map[string]int{}, patterns: map[patternKey]*counted{},
		fates: map[string]uint64{fateShown: 0, fateFolded: 0, fateSampled: 0, fateOverrun: 0}, // a counter that is there before it counts has a rate
	}
	for _, p := range patterns {
		s.patterns[patternKey{pattern: p.Name}] = &counted{labels: []string{"pattern", p.Name}}
	}
	return s
}

// labelsOf are the labels under which a machine is known, or a sender that is none.
func labelsOf(w *who, from string) []string {
	if len(w.labels) > 0 {
		return w.labels
	}
	return []string{"sender", from}
}

func (s *stats) message(m *Message, w *who, from string) {
	key := messageKey{cmp.Or(w.entity, from), m.severityWord(), m.App}
	c := s.messages[key]
	if c == nil {
		if s.apps[key.machine] >= maxApps {
			key.app = other
		}
		pairs := labelsOf(w, from)
		if len(s.messages) >= maxSeries {
			key.machine, key.app, pairs = other, other, []string{"sender", other}
		}
		if c = s.messages[key]; c == nil {
			s.apps[key.machine]++
			c = &counted{labels: slices.Concat(pairs, []string{"severity", key.severity})}
			if key.app != "" {
				c.labels = append(c.labels, "app", key.app)
			}
			s.messages[key] = c
		}
	}
	c.n++
}

func (s *stats) pattern(name string, w *who, from string) {
	key := patternKey{cmp.Or(w.entity, from), name}
	c := s.patterns[key]
	if c == nil {
		pairs := labelsOf(w, from)
		if len(s.patterns) >= maxSeries {
			key.machine, pairs = other, []string{"sender", other}
		}
		if c = s.patterns[key]; c == nil {
			c = &counted{labels: slices.Concat(pairs, []string{"pattern", name})}
			s.patterns[key] = c
		}
	}
	c.n++
}

// samples are the counters as series of a source.
func (s *stats) samples(source string) []model.Sample {
	var out []model.Sample
	add := func(name string, n uint64, pairs ...string) {
		all := append([]string{prom.MetricNameLabel, name, "source", source}, pairs...)
		out = append(out, model.Sample{Labels: labels.FromStrings(all...), V: float64(n)})
	}
	for _, key := range slices.SortedFunc(maps.Keys(s.messages), func(a, b messageKey) int {
		return cmp.Or(strings.Compare(a.machine, b.machine), strings.Compare(a.severity, b.severity), strings.Compare(a.app, b.app))
	}) {
		add("nocturne_syslog_messages_total", s.messages[key].n, s.messages[key].labels...)
	}
	for _, key := range slices.SortedFunc(maps.Keys(s.patterns), func(a, b patternKey) int {
		return cmp.Or(strings.Compare(a.machine, b.machine), strings.Compare(a.pattern, b.pattern))
	}) {
		add("nocturne_syslog_pattern_total", s.patterns[key].n, s.patterns[key].labels...)
	}
	for _, fate := range slices.Sorted(maps.Keys(s.fates)) {
		add("nocturne_syslog_lines_total", s.fates[fate], "fate", fate)
	}
	add("nocturne_syslog_invalid_total", s.invalid)
	add("nocturne_syslog_kernel_dropped_total", s.kernel.Load())
	add("nocturne_syslog_refused_connections_total", s.refused.Load())
	return out
}
