package scrape

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/scrape"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// endpoint is what is kept of a target from one scrape to the next.
type endpoint struct {
	member    *member
	scope     string // the target as people wrote it, or see scopeOf
	object    string // the pod or service that it was found by, "" for none
	exporters Exporters
	dialer    *dialer
	now       func() time.Time // of the wallboard

	mu    sync.Mutex
	grid  grid
	size  int // samples of the last good scrape
	ended bool
	about []model.Sample   // the last that Prometheus said of it
	dated map[uint64]dated // the last sample of each series that the target itself dates, by the hash of its labels
	picks picks
	place string // behind what the answer that is read now stops making sense
}

// begin makes the appender of a scrape.
func (e *endpoint) begin(t *scrape.Target) *appender {
	e.mu.Lock()
	defer e.mu.Unlock()
	return &appender{endpoint: e, target: t, samples: make([]model.Sample, 0, e.size+len(aboutNames))}
}

// broke notes how far an answer could be read.
func (e *endpoint) broke(a *appender) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := len(a.samples)
	last := a.samples[n-1].Labels
	own := last.MatchLabels(false, prom.MetricNameLabel, "instance", "job")
	e.place = fmt.Sprintf("after %d samples, the last of them %s", n, clip(last.Get(prom.MetricNameLabel)+own.String(), maxQuote))
}

// scope names of a target's batches. The series have one of their own: they end when a scrape
// fails, while the entity stays and turns stale.
func (e *endpoint) seriesScope() string { return "series/" + e.scope }

// commit tells of a scrape: first how it went, so that what is told of a bad one does not count as a sign
// of life. The last word of a loop that was replaced does not count.
func (e *endpoint) commit(a *appender) {
	e.mu.Lock()
	defer e.mu.Unlock()
	about, own, ok := a.about()
	place := e.place
	e.place = ""
	if !ok || e.ended || value.IsStaleNaN(about.up) {
		return
	}
	e.about = slices.Clone(a.samples[len(own):]) // the rest of the batch is not to be kept
	at := e.grid.date(about.at + time.Until(e.now()).Milliseconds())
	late, twice := e.redate(a.samples, about.at, at)
	if about.up == 0 {
		e.member.report(e.scope, explain(a.target.URL(), a.target.LastError(), place))
	} else {
		e.member.report(e.scope, leftOut(int(about.relabeled)-len(own)+twice, late, int(about.relabeled)))
	}
	e.member.emit(model.Batch{Scope: e.seriesScope(), Time: time.UnixMilli(at), Replace: true, Samples: a.samples})
	if about.up == 0 {
		return
	}
	e.size = len(own)
	if about.added > 0 {
		e.picks.forget()
	}
	entity := e.exporters.entity(instance(e.about), e.called(), e.picks.of(own, e.exporters))
	e.describe(&entity, a.target)
	e.member.emit(model.Batch{Scope: e.scope, Time: time.UnixMilli(at), Replace: true, Entities: []model.Entity{entity}, Links: e.links(entity.ID)})
}

// called is what people call the target.
func (e *endpoint) called() string {
	if e.object == "" {
		return instance(e.about)
	}
	_, name, place, _ := model.ParseID(e.object)
	return place["namespace"] + "/" + name
}

// links say in what the target runs.
func (e *endpoint) links(id string) []model.Link {
	if e.object == "" {
		return nil
	}
	return []model.Link{{
		Kind: "runs-on", A: id, B: e.object, State: model.OK, Confidence: 1,
		Evidence: []model.Evidence{{Source: "annotation", Observer: e.object}},
	}}
}

// dated is a sample that its target dates.
type dated struct {
	t    int64  // Unix milliseconds
	bits uint64 // of its value
}

// redate sets samples that have the time of the scrape to that of the grid. Of those that the target dates itself it
// counts the ones that are older than what it told before, and those of the same time and another value.
func (e *endpoint) redate(samples []model.Sample, from, to int64) (late, twice int) {
	var all map[uint64]dated
	for i := range samples {
		s := &samples[i]
		if s.T == from {
			s.T = to
			continue
		}
		if all == nil {
			all = map[uint64]dated{}
		}
		key, now := s.Labels.Hash(), dated{s.T, math.Float64bits(s.V)}
		before, known := all[key]
		if !known {
			before, known = e.dated[key]
		}
		switch {
		case known && now.t < before.t:
			late, now = late+1, before
		case known && now.t == before.t && now.bits != before.bits:
			twice, now = twice+1, before
		}
		all[key] = now
	}
	e.dated = all
	return late, twice
}

// end withdraws a target that is not scraped any more.
func (e *endpoint) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = true
	if len(e.about) == 0 {
		return
	}
	gone := make([]model.Sample, len(e.about))
	for i, s := range e.about {
		gone[i] = model.Sample{Labels: s.Labels, V: staleNaN}
	}
	e.member.emit(model.Batch{Scope: e.seriesScope(), Replace: true, Samples: gone})
	e.member.emit(model.Batch{Scope: e.scope, Replace: true})
}

// instance is the label of that name.
func instance(about []model.Sample) string { return about[0].Labels.Get("instance") }

// describe adds what is known of the target whatever it exposes.
func (e *endpoint) describe(entity *model.Entity, t *scrape.Target) {
	u := t.URL()
	entity.Labels["target"] = u.Host
	if ip := e.dialer.address(u.Host); ip != "" && global(ip) {
		entity.Labels["addresses"] = ip
	}
	t.LabelsRange(func(l labels.Label) {
		if l.Name != "instance" {
			entity.Labels[l.Name] = clip(l.Value, maxLabel)
		}
	})
}

// leftOut is the remark about samples of a good answer that are not kept; nil for none. Prometheus leaves out
// what has the same labels twice, and what is dated more than ten minutes ahead.
func leftOut(dropped, late, all int) error {
	switch {
	case dropped > 0 && late > 0:
		return collectors.Remark{State: model.Warning, Text: fmt.Sprintf("%d of %d samples are left out (the same series twice, or dated more than 10 minutes ahead), and %d are older than what was told before: mend the exporter, or set honor_timestamps: false", dropped, all, late)}
	case dropped > 0:
		return collectors.Remark{State: model.Warning, Text: fmt.Sprintf("%d of %d samples are left out: the same series is there twice, or is dated more than 10 minutes ahead (mend the exporter, or make them differ with metric_relabel)", dropped, all)}
	case late > 0:
		return collectors.Remark{State: model.Warning, Text: fmt.Sprintf("%d of %d samples are out of order, older than what the target told before: set honor_timestamps: false to date them by the scrape", late, all)}
	}
	return nil
}
