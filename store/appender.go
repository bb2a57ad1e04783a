package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/metadata"
	"github.com/prometheus/prometheus/storage"
)

// Appendable takes in what rules record, by Prometheus' interface.
func (s *Store) Appendable() storage.Appendable { return appendable{s} }

type appendable struct{ s *Store }

func (a appendable) Appender(ctx context.Context) storage.Appender {
	return &appender{s: a.s, ctx: ctx}
}

// appender collects samples and adds them all at once.
type appender struct {
	s       *Store
	ctx     context.Context
	pending []pendingSample
}

type pendingSample struct {
	labels labels.Labels
	t      int64
	v      float64
}

var errFloatsOnly = errors.New("only float samples are kept: aggregate native histograms in the rule")

// Append checks a sample against what is stored already. Within one appender samples of a series
// come in time order.
func (a *appender) Append(_ storage.SeriesRef, ls labels.Labels, t int64, v float64) (storage.SeriesRef, error) {
	ls = ls.WithoutEmpty()
	a.s.mu.RLock()
	defer a.s.mu.RUnlock()
	if m := a.s.head.get(ls); m != nil {
		if _, err := a.s.head.check(m, t, v); err != nil {
			return 0, err
		}
	} else {
		if err := checkLabels(ls); err != nil {
			return 0, err
		}
		if t < a.s.head.sealed || t < a.s.head.oldest {
			return 0, storage.ErrTooOldSample
		}
	}
	a.pending = append(a.pending, pendingSample{ls, t, v})
	return 0, nil
}

// Commit adds the samples.
func (a *appender) Commit() error {
	s := a.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.begin(); err != nil {
		return err
	}
	defer s.commit()
	source := s.head.source(ruleSource)
	for _, p := range a.pending {
		m, err := s.head.getOrAdd(p.labels, source)
		if errors.Is(err, errTooManySeries) {
			s.dropped.Series++
			s.tellFlood(source, ruleSource)
			continue
		}
		if err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		s.sample(m, p.t, p.v)
	}
	a.pending = nil
	s.world.revs.Samples++
	return a.ctx.Err()
}

// Rollback forgets the samples.
func (a *appender) Rollback() error {
	a.pending = nil
	return nil
}

// SetOptions: samples out of order are never taken in, which is all that there is to set.
func (*appender) SetOptions(*storage.AppendOptions) {}

func (*appender) AppendExemplar(storage.SeriesRef, labels.Labels, exemplar.Exemplar) (storage.SeriesRef, error) {
	return 0, storage.ErrExemplarsDisabled
}

func (*appender) AppendHistogram(storage.SeriesRef, labels.Labels, int64, *histogram.Histogram, *histogram.FloatHistogram) (storage.SeriesRef, error) {
	return 0, errFloatsOnly
}

func (*appender) AppendHistogramSTZeroSample(storage.SeriesRef, labels.Labels, int64, int64, *histogram.Histogram, *histogram.FloatHistogram) (storage.SeriesRef, error) {
	return 0, errFloatsOnly
}

// UpdateMetadata keeps nothing.
func (*appender) UpdateMetadata(ref storage.SeriesRef, _ labels.Labels, _ metadata.Metadata) (storage.SeriesRef, error) {
	return ref, nil
}

// AppendSTZeroSample keeps nothing: start timestamps are not stored.
func (*appender) AppendSTZeroSample(ref storage.SeriesRef, _ labels.Labels, _, _ int64) (storage.SeriesRef, error) {
	return ref, nil
}
