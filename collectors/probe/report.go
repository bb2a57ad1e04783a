package probe

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// report is what one probe finds out. It is written by one goroutine.
type report struct {
	metrics []metric
	labels  map[string]string // of the entity: address, status, expires, ...
	phase   string            // what is being waited for, in words that follow "while"
	state   model.State       // of a probe that succeeds
	latency time.Duration     // that is judged; 0 for all that the probe took
	reason  string
}

// metric is a sample before it has got the labels that all samples of a target share.
type metric struct {
	name   string
	labels []string // name, value, name, value, ...
	value  float64
}

func newReport() *report { return &report{labels: map[string]string{}, state: model.OK} }

func (r *report) add(name string, value float64, pairs ...string) {
	r.metrics = append(r.metrics, metric{name, pairs, value})
}

// notice judges a probe that works all the same. The worst of several counts, of equals the first.
func (r *report) notice(state model.State, format string, args ...any) {
	if state.Worse(r.state) {
		r.state, r.reason = state, fmt.Sprintf(format, args...)
	}
}

// samples gives the metrics the labels of the target. Their time is set by the Runner.
func (r *report) samples(shared []string) []model.Sample {
	out := make([]model.Sample, len(r.metrics))
	for i, m := range r.metrics {
		pairs := append([]string{prom.MetricNameLabel, m.name}, shared...)
		out[i] = model.Sample{Labels: labels.FromStrings(append(pairs, m.labels...)...), V: m.value}
	}
	return out
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// maxWords bounds what is shown of a foreign text, in runes.
const maxWords = 200

// words makes a foreign text fit to be shown: one line, printable, of bounded length.
func words(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if n == maxWords {
			b.WriteRune('…')
			break
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		b.WriteRune(r)
		n++
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// span is a duration in a few words: "2.6 s", "40 ms", "3 d".
func span(d time.Duration) string {
	switch d = d.Abs(); {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d d", int(d/(24*time.Hour)))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d h", int(d/time.Hour))
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	case d >= time.Second:
		return fmt.Sprintf("%.3g s", d.Seconds())
	}
	return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
}
