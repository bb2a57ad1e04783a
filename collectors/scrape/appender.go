package scrape

import (
	"math"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"

	"github.com/nocturne-noc/nocturne/store/model"
)

// appender takes the samples of one scrape, the target's own first and then Prometheus' about the scrape.
type appender struct {
	endpoint *endpoint // nil when nobody wants them any more
	target   *scrape.Target
	samples  []model.Sample
}

// Append keeps a sample. It gives no reference: the labels that the scrape cache hands over are the
// same memory each time, which is all that the store needs to find a series again, and series that end
// are found by what is missing in a batch.
func (a *appender) Append(_ storage.SeriesRef, ls labels.Labels, _, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, _ storage.AOptions) (storage.SeriesRef, error) {
	if a.endpoint != nil && h == nil && fh == nil {
		a.samples = append(a.samples, model.Sample{Labels: ls, T: t, V: v})
	}
	return 0, nil
}

// Commit ends the scrape: its last samples say how it went.
func (a *appender) Commit() error {
	if a.endpoint != nil {
		a.endpoint.commit(a)
	}
	return nil
}

// Rollback forgets what could be read of an answer that is wrong further on.
func (a *appender) Rollback() error {
	if a.endpoint != nil && len(a.samples) > 0 {
		a.endpoint.broke(a)
	}
	a.samples = nil
	return nil
}

// about is what Prometheus says of a scrape.
type about struct {
	at        int64   // Unix milliseconds
	up        float64 // 1, 0; the staleness marker when a target has left
	relabeled float64 // samples that it counted after metric_relabel
	added     float64 // series that are new
}

// aboutNames are Prometheus' own samples, in their order.
var aboutNames = [...]string{"up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added"}

// about reads the samples at the end; ok is false where they are not there.
func (a *appender) about() (out about, own []model.Sample, ok bool) {
	n := len(a.samples) - len(aboutNames)
	if n < 0 || a.samples[n].Labels.Get(prom.MetricNameLabel) != aboutNames[0] {
		return out, nil, false
	}
	last := a.samples[n:]
	return about{at: last[0].T, up: last[0].V, relabeled: last[3].V, added: last[4].V}, a.samples[:n], true
}

// grid is when a target is scraped: the first time and whole intervals from there. Samples that are
// dated so compress to a fraction of those that jitter with the load of this machine.
type grid struct {
	every       time.Duration
	first, last int64 // Unix milliseconds
}

// date is the time of the grid for a scrape that began at t, in Unix milliseconds. A clock that was set, or a
// machine that slept, begins another grid.
func (g *grid) date(t int64) int64 {
	every := g.every.Milliseconds()
	at := g.first + int64(math.Round(float64(t-g.first)/float64(every)))*every
	if off := t - at; g.first == 0 || at <= g.last || max(off, -off) > min(every/8, 500) {
		g.first, at = t, t
	}
	g.last = at
	return at
}

// staleNaN is how Prometheus marks the end of a series.
var staleNaN = math.Float64frombits(value.StaleNaN)
