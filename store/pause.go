package store

import (
	"math"
	"time"

	prom "github.com/prometheus/common/model"
)

// forState is the series in which rules keep since when an alert is pending: a note for the time after
// a pause, not something that was measured.
const forState = "ALERTS_FOR_STATE"

// Left is the time of the last change before the store was opened, zero when there was none: the clock
// has to go on from there.
func (s *Store) Left() time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.left == math.MinInt64 {
		return time.Time{}
	}
	return time.UnixMilli(s.left)
}

// Pause says that nobody observed anything from from to to: the machine slept. Every series that went
// on before ends at from with a staleness marker, so that neither PromQL nor a chart carries its last
// value into the pause; its next sample begins it again. Call it before what was observed since is applied.
func (s *Store) Pause(from, to time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.begin(); err != nil {
		return err
	}
	defer s.commit()
	at := max(from.UnixMilli(), s.head.sealed)
	for _, m := range s.head.series {
		if m.ended() || m.open.maxT >= to.UnixMilli() || m.labels.Get(prom.MetricNameLabel) == forState {
			continue
		}
		s.endSeries(m, at)
	}
	s.world.revs.Samples++
	return nil
}
