package store

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/nocturne-noc/nocturne/store/model"
)

// ruleSource is who brings the series that rules record.
const ruleSource = "rules"

// applySamples takes in the samples of a batch. Most batches bring the series of the one before in the
// same order, all at one time: those go by their place in the scope's list, the rest one by one.
func (s *Store) applySamples(b *model.Batch, now time.Time) error {
	if len(b.Samples) == 0 {
		return nil
	}
	key := listKey{scopeKey{b.Source, b.Scope}, b.Replace}
	list := s.lists[key]
	if list == nil {
		list = &seriesList{}
		s.lists[key] = list
	}
	latest := now.Add(futureTolerance).UnixMilli()
	n := 0
	if list.steady {
		n = s.applyGrid(key, list, b.Samples, latest)
	}
	s.world.revs.Samples++
	if n == len(b.Samples) && n == len(list.series) {
		return nil
	}
	return s.applyEach(key, list, b, n, latest)
}

// applyGrid takes in the first samples of a batch, as long as each is of the series that is in its
// place in the list, and at the time of the first. It returns how many.
func (s *Store) applyGrid(key listKey, l *seriesList, samples []model.Sample, latest int64) int {
	t := samples[0].T
	if t > latest || t < s.head.sealed {
		return 0
	}
	s.journal.know(key, l)
	grid := &s.journal.grid
	grid.list, grid.t = l.number, t
	n := min(len(samples), len(l.series))
	for i, m := range l.series[:n] {
		sample := &samples[i]
		if sample.T != t || m.n == gone || !labels.Equal(m.sent, sample.Labels) {
			return i
		}
		last := m.last()
		if c := m.open; c.takes(t, s.head.sealed) {
			c.append(t, sample.V)
		} else if fresh, err := s.head.check(m, t, sample.V); err == nil && fresh {
			m.add(t, sample.V)
		} else {
			return i
		}
		grid.values.append(last, sample.V)
	}
	return n
}

// applyEach takes in the samples of a batch from the n-th on, and makes its series the list of the
// scope. A series that was in the list and is not in a replacing batch has ended.
func (s *Store) applyEach(key listKey, list *seriesList, b *model.Batch, n int, latest int64) error {
	s.gen++
	series := make([]*memSeries, 0, len(b.Samples))
	for _, m := range list.series[:n] {
		m.gen = s.gen
		series = append(series, m)
	}
	source := s.head.source(b.Source)
	var bad error
	badCount, refused := 0, 0
	for i := n; i < len(b.Samples); i++ {
		sample := &b.Samples[i]
		m, err := s.seriesOf(list, len(series), sample.Labels, source)
		switch {
		case errors.Is(err, errTooManySeries):
			refused++
			continue
		case err != nil:
			bad = cmp.Or(bad, err)
			badCount++
			continue
		}
		if m.gen != s.gen {
			m.gen = s.gen
			series = append(series, m)
		}
		if sample.T > latest {
			s.dropped.Future++
			continue
		}
		s.sample(m, sample.T, sample.V)
	}
	s.dropped.Labels += uint64(badCount)
	if refused > 0 {
		s.dropped.Series += uint64(refused)
		s.tellFlood(source, b.Source)
	}
	if b.Replace {
		for _, m := range list.series {
			if m.gen != s.gen {
				s.endSeries(m, b.Time.UnixMilli())
			}
		}
	}
	if slices.Equal(list.series, series) {
		list.steady = true
	} else {
		s.lists[key] = &seriesList{series: series}
	}
	if bad != nil {
		return fmt.Errorf("%d samples left out, the first: %w", badCount, bad)
	}
	return nil
}

// seriesOf finds or makes the series of a sample: most are in the place where they were last time.
func (s *Store) seriesOf(list *seriesList, place int, ls labels.Labels, source uint32) (*memSeries, error) {
	if place < len(list.series) {
		if m := list.series[place]; m.n != gone && labels.Equal(m.sent, ls) {
			return m, nil
		}
	}
	return s.head.getOrAdd(ls, source)
}

// sample adds one sample, or counts why not.
func (s *Store) sample(m *memSeries, t int64, v float64) {
	fresh, err := s.head.check(m, t, v)
	switch {
	case errors.Is(err, storage.ErrDuplicateSampleForTimestamp):
		s.dropped.Duplicate++
	case err != nil:
		s.dropped.Late++
	case fresh:
		s.journal.sample(m, t, v)
		m.add(t, v)
	}
}

// endSeries marks that a series has no value from t on.
func (s *Store) endSeries(m *memSeries, t int64) {
	if m.n != gone && !m.ended() {
		s.sample(m, max(t, m.open.maxT+1), staleNaN)
	}
}

// tellFlood makes one event a window when a source has more series than are kept.
func (s *Store) tellFlood(source uint32, name string) {
	src := s.head.sources[source]
	if src.told {
		return
	}
	src.told = true
	byMetric := map[string]int{}
	for _, m := range s.head.series {
		if m.source == source {
			byMetric[m.labels.Get(prom.MetricNameLabel)]++
		}
	}
	most := slices.MaxFunc(slices.Collect(maps.Keys(byMetric)), func(a, b string) int {
		return cmp.Or(cmp.Compare(byMetric[a], byMetric[b]), cmp.Compare(b, a))
	})
	s.event(model.Event{Time: time.UnixMilli(s.at), Severity: model.Warning, Kind: "store", Entity: model.SourceID(name), Title: name, Source: "store",
		Text: fmt.Sprintf("has brought more than %d series: %d new ones were left out of its last batch, those that are known go on. Most are of %s (%d): drop labels at the source, or raise store.max_series",
			s.head.limit, src.refused, most, byMetric[most])})
}

// nextFlood begins the count of what was left out anew.
func (h *head) nextFlood() {
	for _, src := range h.sources {
		src.refused, src.told = 0, false
	}
}

// forgetLists drops the lists of scopes whose series are all gone.
func (s *Store) forgetLists() {
	maps.DeleteFunc(s.lists, func(_ listKey, l *seriesList) bool {
		return !slices.ContainsFunc(l.series, func(m *memSeries) bool { return m.n != gone })
	})
}
