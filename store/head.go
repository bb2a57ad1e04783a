package store

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/chunk"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Limits on what comes from outside.
const (
	maxLabelSetBytes = 16 << 10 // of all names and values of one series
	maxChunkSamples  = 60_000   // a chunk counts its samples in 16 bits
)

var staleNaN = math.Float64frombits(value.StaleNaN)

// errTooManySeries keeps a flood of new series out; those that are known go on.
var errTooManySeries = errors.New("the source has more series than are kept")

// head is the part of history that is not sealed yet: per series and two-hour window one chunk that
// grows. It has no lock of its own: the Store's guards it.
type head struct {
	index   *index
	series  []*memSeries          // by number in index
	byHash  map[uint64]*memSeries // chained by memSeries.next
	sealed  int64                 // samples before this Unix millisecond are sealed: nothing may be added to them
	oldest  int64                 // samples before this Unix millisecond are older than anything that is kept
	sources []*sourceSeries       // by memSeries.source
	limit   int                   // series of one source, 0 for any number
}

// memSeries is one series in the head. There may be 100,000: what each sample needs comes first.
type memSeries struct {
	labels labels.Labels
	sent   labels.Labels // as its source handed them over: the same, but for labels that are empty
	open   *headChunk    // the one that was written last
	n      uint32        // its number in the head, gone when it is not in it any more
	source uint32        // who brought it first
	gen    uint64        // the batch that last brought a sample one by one
	chunks []*headChunk  // by window
	next   *memSeries    // with the same hash
}

const gone = math.MaxUint32

// headChunk is a chunk that grows until its window is sealed; then it does not change any more.
type headChunk struct {
	window     int64 // start of its window
	minT, maxT int64
	lastV      float64
	n          int // samples; the chunk counts them too, in a place that is rarely in the cache
	data       chunk.Chunk
}

// sourceSeries counts the series of one source in the head.
type sourceSeries struct {
	name    string
	series  int
	refused int  // samples of new series that were left out since the window began
	told    bool // an event tells of it
}

func newHead(limit int) *head {
	return &head{index: newIndex(nil), byHash: map[uint64]*memSeries{}, sealed: math.MinInt64, oldest: math.MinInt64, limit: limit}
}

// get finds a series, nil for none.
func (h *head) get(ls labels.Labels) *memSeries {
	for m := h.byHash[ls.Hash()]; m != nil; m = m.next {
		if labels.Equal(m.labels, ls) {
			return m
		}
	}
	return nil
}

// source returns the number of a source.
func (h *head) source(name string) uint32 {
	for n, src := range h.sources {
		if src.name == name {
			return uint32(n)
		}
	}
	h.sources = append(h.sources, &sourceSeries{name: name})
	return uint32(len(h.sources) - 1)
}

// getOrAdd finds or makes a series of a source. It fails for labels that no series may have, and with
// errTooManySeries when the source has too many already.
func (h *head) getOrAdd(ls labels.Labels, source uint32) (*memSeries, error) {
	if m := h.get(ls); m != nil {
		return m, nil
	}
	if err := checkLabels(ls); err != nil {
		return nil, err
	}
	if full := ls.WithoutEmpty(); full.Len() < ls.Len() { // to Prometheus an empty label is none
		m, err := h.getOrAdd(full, source)
		if err == nil {
			m.sent = ls
		}
		return m, err
	}
	if src := h.sources[source]; h.limit > 0 && src.series >= h.limit {
		src.refused++
		return nil, fmt.Errorf("series %.80q: %w", ls.Get(prom.MetricNameLabel), errTooManySeries)
	}
	m := &memSeries{labels: ls, sent: ls, source: source}
	h.insert(m)
	return m, nil
}

func (h *head) insert(m *memSeries) {
	hash := m.labels.Hash()
	m.next = h.byHash[hash]
	h.byHash[hash] = m
	m.n = h.index.add(m.labels)
	h.series = append(h.series, m)
	h.sources[m.source].series++
}

// ofEntity returns the series that speak of an entity. The last element of its ID is the value of
// one of their labels.
func (h *head) ofEntity(id string) []*memSeries {
	name := unescapeID.Replace(id[strings.LastIndexByte(id, '/')+1:])
	var out []*memSeries
	for _, n := range h.index.withValue(name) {
		if m := h.series[n]; model.EntityOf(m.labels) == id {
			out = append(out, m)
		}
	}
	return out
}

var unescapeID = strings.NewReplacer("%2F", "/", "%25", "%")

func checkLabels(ls labels.Labels) error {
	if ls.IsEmpty() {
		return fmt.Errorf("series without labels: give it a name")
	}
	if n := ls.ByteSize(); n > maxLabelSetBytes {
		return fmt.Errorf("series %.80q has %d bytes of labels, at most %d are kept: drop labels at its source", ls.Get(prom.MetricNameLabel), n, maxLabelSetBytes)
	}
	if name, twice := ls.HasDuplicateLabelNames(); twice {
		return fmt.Errorf("series %.80q has label %q twice", ls.Get(prom.MetricNameLabel), name)
	}
	return ls.Validate(func(l labels.Label) error {
		if !utf8.ValidString(l.Name) || !utf8.ValidString(l.Value) {
			return fmt.Errorf("series %.80q: label %.80q=%.80q is not UTF-8", ls.Get(prom.MetricNameLabel), l.Name, l.Value)
		}
		return nil
	})
}

// check says whether m takes a sample at t: it does when its window is not sealed and has nothing as
// late. (Only within the window: a clock that was wrongly a day ahead must not block the series for
// a day.) Otherwise it fails with storage.ErrOutOfOrderSample, ErrTooOldSample or
// ErrDuplicateSampleForTimestamp. A sample that is there already in the same value is accepted and
// changes nothing: fresh is false.
func (h *head) check(m *memSeries, t int64, v float64) (fresh bool, err error) {
	if t < h.sealed || t < h.oldest {
		return false, storage.ErrTooOldSample
	}
	c := m.chunkOf(bolt.WindowStart(t))
	switch {
	case c == nil || t > c.maxT:
		return true, nil
	case t < c.maxT:
		return false, storage.ErrOutOfOrderSample
	case math.Float64bits(v) == math.Float64bits(c.lastV):
		return false, nil
	default:
		return false, storage.NewDuplicateFloatErr(t, c.lastV, v)
	}
}

// chunkOf returns the last chunk of a window, nil for none.
func (m *memSeries) chunkOf(window int64) *headChunk {
	if m.open != nil && m.open.window == window {
		return m.open
	}
	for _, c := range slices.Backward(m.chunks) {
		if c.window == window {
			return c
		}
	}
	return nil
}

// takes reports whether a sample at t is simply the next one of the chunk: the rule, told cheaply.
func (c *headChunk) takes(t, sealed int64) bool {
	return c != nil && t > c.maxT && t-c.window < bolt.Window.Milliseconds() && c.window >= sealed && c.n < maxChunkSamples
}

// add appends a sample that check has let through.
func (m *memSeries) add(t int64, v float64) {
	window := bolt.WindowStart(t)
	c := m.chunkOf(window)
	if c == nil || c.n >= maxChunkSamples {
		c = &headChunk{window: window, minT: t}
		i := len(m.chunks)
		for i > 0 && m.chunks[i-1].window > window {
			i--
		}
		m.chunks = slices.Insert(m.chunks, i, c)
	}
	m.open = c
	c.append(t, v)
}

func (c *headChunk) append(t int64, v float64) {
	c.data.Append(t, v)
	c.maxT, c.lastV = t, v
	c.n++
}

// newest is the chunk with the latest sample, nil for none.
func (m *memSeries) newest() *headChunk {
	if len(m.chunks) == 0 {
		return nil
	}
	return m.chunks[len(m.chunks)-1]
}

// last is the value that was added last; the write-ahead file stores differences to it.
func (m *memSeries) last() float64 {
	if m.open == nil {
		return 0
	}
	return m.open.lastV
}

// ended reports whether the series ends in a staleness marker or never began.
func (m *memSeries) ended() bool {
	return m.open == nil || value.IsStaleNaN(m.open.lastV)
}

// dropSealed forgets all chunks of windows before end, and all series that have nothing since.
func (h *head) dropSealed(end int64) {
	h.sealed = max(h.sealed, end)
	kept := make([]*memSeries, 0, len(h.series))
	for _, m := range h.series {
		m.chunks = slices.DeleteFunc(m.chunks, func(c *headChunk) bool { return c.window < end })
		if len(m.chunks) == 0 {
			m.open, m.chunks = nil, nil
			continue
		}
		if m.open.window < end {
			m.open = m.chunks[len(m.chunks)-1]
		}
		kept = append(kept, m)
	}
	if len(kept) == len(h.series) {
		return
	}
	for _, m := range h.series {
		m.n, m.next = gone, nil
	}
	for _, src := range h.sources {
		src.series = 0
	}
	h.index, h.series, h.byHash = newIndex(nil), make([]*memSeries, 0, len(kept)), make(map[uint64]*memSeries, len(kept))
	for _, m := range kept {
		h.insert(m)
	}
}
