package store

import (
	"fmt"
	"math"
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
	maxChunkSamples  = 60_000   // an XOR chunk counts its samples in 16 bits
)

var staleNaN = math.Float64frombits(value.StaleNaN)

// head is the part of history that is not sealed yet: per series and two-hour window one open XOR
// chunk. It has no lock of its own: the Store's guards it.
type head struct {
	index    *index
	series   []*memSeries          // by number in index
	byHash   map[uint64]*memSeries // chained by memSeries.next
	byEntity map[string][]*memSeries
	sealed   int64 // samples before this Unix millisecond are sealed: nothing may be added to them
}

// memSeries is one series in the head.
type memSeries struct {
	labels labels.Labels
	next   *memSeries // with the same hash
	chunks []*headChunk
	lastT  int64 // Unix milliseconds, MinInt64 before the first sample
	lastV  float64
	gen    uint64 // the batch that last brought a sample

	// As the write-ahead file wal knows the series: its number there and the last value in it.
	wal     uint64
	walRef  uint32
	walLast float64
}

type headChunk struct {
	window     int64 // start of its window
	minT, maxT int64
	n          int // samples; the chunk counts them too, in a place that is rarely in the cache
	data       chunk.Chunk
}

func newHead() *head {
	return &head{
		index:    newIndex(nil),
		byHash:   map[uint64]*memSeries{},
		byEntity: map[string][]*memSeries{},
		sealed:   math.MinInt64,
	}
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

// getOrAdd finds or makes a series. It fails for labels that no series may have.
func (h *head) getOrAdd(ls labels.Labels) (*memSeries, error) {
	if m := h.get(ls); m != nil {
		return m, nil
	}
	if err := checkLabels(ls); err != nil {
		return nil, err
	}
	m := &memSeries{labels: ls.Copy(), lastT: math.MinInt64}
	h.insert(m)
	return m, nil
}

func (h *head) insert(m *memSeries) {
	hash := m.labels.Hash()
	m.next = h.byHash[hash]
	h.byHash[hash] = m
	h.index.add(m.labels)
	h.series = append(h.series, m)
	if id := model.EntityOf(m.labels); id != "" {
		h.byEntity[id] = append(h.byEntity[id], m)
	}
}

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

// check says whether m takes a sample at t: storage.ErrOutOfOrderSample, ErrTooOldSample or
// ErrDuplicateSampleForTimestamp when it does not. A sample that is there already in the same
// value is accepted and changes nothing: fresh is false.
func (h *head) check(m *memSeries, t int64, v float64) (fresh bool, err error) {
	switch {
	case t > m.lastT && t >= h.sealed:
		return true, nil
	case t == m.lastT && math.Float64bits(v) == math.Float64bits(m.lastV):
		return false, nil
	case t == m.lastT:
		return false, storage.NewDuplicateFloatErr(t, m.lastV, v)
	case t < h.sealed:
		return false, storage.ErrTooOldSample
	default:
		return false, storage.ErrOutOfOrderSample
	}
}

// add appends a sample that check has let through.
func (m *memSeries) add(t int64, v float64) {
	window := bolt.WindowStart(t)
	var c *headChunk
	if n := len(m.chunks); n > 0 {
		c = m.chunks[n-1]
	}
	if c == nil || c.window != window || c.n >= maxChunkSamples {
		c = &headChunk{window: window, minT: t}
		m.chunks = append(m.chunks, c)
	}
	c.data.Append(t, v)
	c.maxT = t
	c.n++
	m.lastT, m.lastV = t, v
}

// ended reports whether the series ends in a staleness marker or never began.
func (m *memSeries) ended() bool {
	return m.lastT == math.MinInt64 || value.IsStaleNaN(m.lastV)
}

// dropSealed forgets all chunks of windows before end, and all series that have nothing since.
func (h *head) dropSealed(end int64) {
	h.sealed = max(h.sealed, end)
	kept := make([]*memSeries, 0, len(h.series))
	for _, m := range h.series {
		var chunks []*headChunk
		for _, c := range m.chunks {
			if c.window >= end {
				chunks = append(chunks, c)
			}
		}
		m.chunks = chunks
		if len(chunks) > 0 {
			kept = append(kept, m)
		}
	}
	if len(kept) == len(h.series) {
		return
	}
	sealed := h.sealed
	*h = *newHead()
	h.sealed = sealed
	for _, m := range kept {
		m.next = nil
		h.insert(m)
	}
}
