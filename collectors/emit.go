package collectors

import (
	"context"
	"fmt"
	"sync"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// teller fills in and hands over the batches of one round, or of one run of a watcher.
type teller struct {
	job   *job
	ctx   context.Context // the job's, not the round's: what was learnt before a deadline counts
	time  time.Time       // of the round; unused for a watcher
	watch bool

	mu      sync.Mutex
	samples int
	err     error
}

func (t *teller) emit(b model.Batch) {
	if t.ctx.Err() != nil {
		return // the source was removed meanwhile
	}
	s := t.job.s
	now := t.time
	if t.watch {
		now = s.r.now()
	}
	b.Source = s.Name
	if b.Time.IsZero() {
		b.Time = wall(now)
	}
	if b.Every == 0 {
		b.Every = t.job.Every
	}
	for i := range b.Samples {
		if b.Samples[i].T == 0 {
			b.Samples[i].T = b.Time.UnixMilli()
		}
	}
	s.mu.Lock()
	s.scopes[b.Scope] = true
	s.mu.Unlock()
	err := s.r.sink(b)
	if t.watch {
		if err != nil {
			s.r.log.Error("store refused a batch", "source", s.Name, "target", t.job.Target, "error", err)
			return
		}
		t.job.row.confirm(s.r.now(), len(b.Samples))
		s.r.changed()
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.samples += len(b.Samples)
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("store refused a batch: %w", err)
	}
}

func (t *teller) result() (samples int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.samples, t.err
}

// measure tells how the target's last round went.
func (j *job) measure(t time.Time) {
	j.row.mu.Lock()
	ok, duration, samples, panics := 0.0, j.row.duration, j.row.samples, j.row.panics
	if success(j.row.err) && !j.row.lastOK.IsZero() {
		ok = 1
	}
	j.row.mu.Unlock()
	one := func(name string, v float64) model.Sample {
		return model.Sample{T: t.UnixMilli(), V: v, Labels: labels.FromStrings(
			prom.MetricNameLabel, name, "source", j.s.Name, "target", j.Target, "kind", j.s.Kind)}
	}
	batch := model.Batch{
		// A scope of its own: it must not confirm what the collector itself did not.
		Source: j.s.Name, Scope: "collector/" + j.Target, Time: t, Every: j.Every,
		Samples: []model.Sample{
			one("nocturne_collector_success", ok),
			one("nocturne_collector_duration_seconds", duration.Seconds()),
			one("nocturne_collector_samples", float64(samples)),
			one("nocturne_collector_panics_total", float64(panics)),
		},
	}
	if err := j.s.r.sink(batch); err != nil {
		j.s.r.log.Error("store refused the measurements of a collector", "source", j.s.Name, "target", j.Target, "error", err)
	}
}
