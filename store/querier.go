package store

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/chunk"
	"github.com/nocturne-noc/nocturne/store/rollup"
)

// history is what a querier reads: a store's, or a recording's.
type history interface {
	// load finds the series that match and have samples in the span, with what want asks for of each.
	load(ctx context.Context, mint, maxt int64, want depth, matchers []*labels.Matcher) (*merger, error)
	// indexes visits the indexes of everything in the span.
	indexes(ctx context.Context, mint, maxt int64, visit func(*index)) error
	// since says from when on a tier has history, in Unix milliseconds; MaxInt64 when it has none.
	since(tier *bolt.Tier) int64
}

// queryable reads history by Prometheus' interface, up to what the clock says.
type queryable struct {
	history
	clock func() int64 // Unix milliseconds; nil for no limit
	own   bool         // it is asked by an engine that looks back by LookbackDelta or more
}

// depth is how much of a series is read.
type depth int

const (
	whole  depth = iota // all of its samples in the span
	newest              // the last one in the span is enough
)

// Queryable reads all samples, of the head and sealed, by Prometheus' interface. The engine that the Store
// offers reads rollups by it where they are true; any other engine reads samples.
func (s *Store) Queryable() storage.Queryable { return queryable{history: s} }

// Querier implements storage.Queryable.
func (q queryable) Querier(mint, maxt int64) (storage.Querier, error) {
	if q.clock != nil {
		maxt = min(maxt, q.clock())
	}
	return &querier{history: q.history, mint: mint, maxt: maxt, own: q.own}, nil
}

// chunkData is one chunk that nobody changes any more. Of its samples those from minT to maxT count.
type chunkData struct {
	minT, maxT int64
	encoding   byte
	data       []byte
	tier       *bolt.Tier // of a rollup chunk, with the start of its window
	start      int64
}

// querier reads series of a span of time.
type querier struct {
	history
	mint, maxt int64
	own        bool
}

// seriesData is one series with its chunks in time order.
type seriesData struct {
	labels     labels.Labels
	column     rollup.Column
	chunks     []chunkData
	mint, maxt int64
	newest     *point // all that was asked for; then there are no chunks
}

// Select reads all of its data at once: what is written later is not in it.
func (q *querier) Select(ctx context.Context, sortSeries bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	mint, maxt, want := q.mint, q.maxt, whole
	if hints != nil {
		mint, maxt = max(mint, hints.Start), min(maxt, hints.End)
		// A span no longer than the engine looks back is that of one moment: a range, a subquery or a second
		// moment would make it longer.
		if q.own && hints.Range == 0 && hints.End-hints.Start < LookbackDelta.Milliseconds() {
			want = newest
		}
	}
	found, err := q.load(ctx, mint, maxt, want, matchers)
	if err != nil {
		return storage.ErrSeriesSet(err)
	}
	list := found.list
	for _, d := range list {
		d.mint, d.maxt = mint, maxt
	}
	if sortSeries {
		slices.SortFunc(list, func(a, b *seriesData) int { return labels.Compare(a.labels, b.labels) })
	}
	return &seriesSet{list: list, at: -1, notes: found.damage}
}

func (q *querier) LabelNames(ctx context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	set := map[string]struct{}{}
	err := q.indexes(ctx, q.mint, q.maxt, func(x *index) {
		if len(matchers) == 0 {
			for name := range x.postings {
				set[name] = struct{}{}
			}
			return
		}
		for _, n := range x.match(matchers...) {
			x.sets[n].Range(func(l labels.Label) { set[l.Name] = struct{}{} })
		}
	})
	return sortedSet(set, hints), nil, err
}

func (q *querier) LabelValues(ctx context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	set := map[string]struct{}{}
	err := q.indexes(ctx, q.mint, q.maxt, func(x *index) {
		if len(matchers) == 0 {
			for v := range x.postings[name] {
				set[v] = struct{}{}
			}
			return
		}
		for _, n := range x.match(matchers...) {
			if v := x.sets[n].Get(name); v != "" {
				set[v] = struct{}{}
			}
		}
	})
	return sortedSet(set, hints), nil, err
}

func sortedSet(set map[string]struct{}, hints *storage.LabelHints) []string {
	out := make([]string, 0, len(set))
	for v := range set {
		out = append(out, v)
	}
	slices.Sort(out)
	if hints != nil && hints.Limit > 0 && len(out) > hints.Limit {
		out = out[:hints.Limit]
	}
	return out
}

func (*querier) Close() error { return nil }

type seriesSet struct {
	list  []*seriesData
	at    int
	notes annotations.Annotations
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.list) }
func (s *seriesSet) At() storage.Series                { return s.list[s.at] }
func (*seriesSet) Err() error                          { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return s.notes }

func (d *seriesData) Labels() labels.Labels { return d.labels }

func (d *seriesData) Iterator(it chunkenc.Iterator) chunkenc.Iterator {
	if d.newest != nil {
		return newPointIterator(it, *d.newest)
	}
	c, ok := it.(*chunkIterator)
	if !ok {
		c = &chunkIterator{}
	}
	c.Iterator, c.chunks, c.column, c.mint, c.maxt, c.last, c.err = chunkenc.NewNopIterator(), d.chunks, d.column, d.mint, d.maxt, chunkenc.ValNone, nil
	c.to, c.prev, c.lost = math.MinInt64, math.NaN(), 0
	return c
}

// unixMilli is a moment in Unix milliseconds. (Under its own name, so that go vet does not take Seek
// for io.Seeker's.)
type unixMilli = int64

// chunkIterator walks over the samples of consecutive chunks that lie in [mint, maxt].
type chunkIterator struct {
	chunkenc.Iterator // of the current chunk
	samples           chunk.Iterator
	buckets           *rollup.Iterator // nil until the first rollup
	chunks            []chunkData      // still to come
	column            rollup.Column
	counting          bool  // each sample of the current chunk counts as one
	mint, maxt        int64 // of the whole
	from, to          int64 // of the current chunk
	last              chunkenc.ValueType
	t                 int64 // of the current sample
	err               error

	// As a counter all samples are shown as if it had never been reset, whatever they are read from.
	value float64 // of the current sample
	prev  float64 // the one before as it was, NaN for none
	lost  float64 // to resets so far
}

func (c *chunkIterator) Next() chunkenc.ValueType {
	for c.err == nil {
		for c.last = c.Iterator.Next(); c.last != chunkenc.ValNone; c.last = c.Iterator.Next() {
			if c.t = c.Iterator.AtT(); c.t >= c.from {
				if c.t <= c.to {
					c.count()
					return c.last
				}
				break
			}
		}
		if !c.open() {
			break
		}
	}
	c.last = chunkenc.ValNone
	return c.last
}

// open goes on to the next chunk.
func (c *chunkIterator) open() bool {
	if c.err = c.Iterator.Err(); c.err != nil || len(c.chunks) == 0 || c.chunks[0].minT > c.maxt {
		c.Iterator = chunkenc.NewNopIterator()
		return false
	}
	if c.column == rollup.Counter && c.Iterator == chunkenc.Iterator(c.buckets) {
		if _, last, lost, ok := c.buckets.Ends(); ok {
			c.prev = last
			c.lost += lost
		}
	}
	next := &c.chunks[0]
	c.chunks = c.chunks[1:]
	c.from, c.to = max(c.mint, next.minT), min(c.maxt, next.maxT)
	if next.encoding != chunk.Rollup {
		c.err = c.samples.Reset(next.encoding, next.data)
		c.Iterator, c.counting = &c.samples, c.column == rollup.Count
		return c.err == nil
	}
	if c.buckets == nil {
		c.buckets = &rollup.Iterator{}
	}
	c.err = c.buckets.Reset(next.data, next.start, next.tier.Resolution.Milliseconds(), c.column)
	c.Iterator, c.counting = c.buckets, false
	if c.err == nil && c.column == rollup.Counter {
		if first, _, _, ok := c.buckets.Ends(); ok && first < c.prev {
			c.lost += c.prev
		}
	}
	return c.err == nil
}

// count makes the value of the current sample that of a counter that was never reset.
func (c *chunkIterator) count() {
	if c.column != rollup.Counter {
		return
	}
	_, v := c.Iterator.At()
	if c.Iterator != chunkenc.Iterator(c.buckets) && !value.IsStaleNaN(v) {
		if v < c.prev {
			c.lost += c.prev
		}
		c.prev = v
	}
	if c.value = v; !value.IsStaleNaN(v) {
		c.value = v + c.lost
	}
}

// Seek goes on to the first sample at or after t.
func (c *chunkIterator) Seek(t unixMilli) chunkenc.ValueType {
	if c.last != chunkenc.ValNone && c.t >= t {
		return c.last
	}
	if len(c.chunks) > 0 && c.chunks[0].minT <= t && c.chunks[0].minT > c.to { // nothing left in the current chunk
		c.prev = math.NaN() // nobody compares across what is skipped
		for len(c.chunks) > 1 && c.chunks[1].minT <= t && c.chunks[1].minT > c.chunks[0].maxT {
			c.chunks = c.chunks[1:]
		}
		if !c.open() {
			c.last = chunkenc.ValNone
			return c.last
		}
	}
	if c.last = c.Iterator.Seek(max(t, c.from)); c.last != chunkenc.ValNone {
		if c.t = c.Iterator.AtT(); c.t <= c.to {
			c.count()
			return c.last
		}
	}
	return c.Next() // of the chunks behind
}

// AtT is the time of the current sample.
func (c *chunkIterator) AtT() int64 { return c.t }

// At is the current sample.
func (c *chunkIterator) At() (t int64, v float64) {
	t, v = c.Iterator.At()
	switch {
	case c.column == rollup.Counter:
		v = c.value
	case c.counting && !value.IsStaleNaN(v):
		v = 1
	}
	return t, v
}

func (c *chunkIterator) Err() error { return cmp.Or(c.err, c.Iterator.Err()) }

// load collects the series of a span, sealed and from the head.
func (s *Store) load(ctx context.Context, mint, maxt int64, want depth, matchers []*labels.Matcher) (*merger, error) {
	h, matchers := takeHold(matchers)
	var pieces []piece
	fresh := s.unsealed(mint, maxt, matchers, func() depth {
		pieces = s.archive.cover(h.tier, mint, maxt) // a window is here or there
		if len(pieces) > 0 || h.column != "" {
			return whole
		}
		return want
	})
	m := newMerger(h.column, matchers)
	if len(pieces) == 0 {
		m.list = fresh
		for _, d := range fresh {
			d.column = h.column
		}
		return m, errors.Join(ctx.Err(), m.affordable())
	}
	err := s.archive.load(ctx, pieces, m)
	for _, d := range fresh {
		to := m.series(d.labels)
		to.chunks = append(to.chunks, d.chunks...)
	}
	return m, err
}

// indexes visits the index of every part of history that touches the span. That of the head comes under lock.
func (s *Store) indexes(ctx context.Context, mint, maxt int64, visit func(*index)) error {
	s.mu.RLock()
	pieces := s.archive.cover(bolt.Raw, mint, maxt)
	if end, ok := s.archive.end(); !ok || maxt >= end { // else all of the span is sealed
		visit(s.head.index)
	}
	s.mu.RUnlock()
	return s.archive.visit(ctx, pieces, visit)
}

func (s *Store) since(tier *bolt.Tier) int64 { return s.archive.since(tier) }

// Series returns the label sets that satisfy any of the selectors and are there in the span, or close to it.
func (s *Store) Series(ctx context.Context, start, end time.Time, selectors ...[]*labels.Matcher) ([]labels.Labels, error) {
	all := newMerger(rollup.Samples, nil)
	err := s.indexes(ctx, start.UnixMilli(), end.UnixMilli(), func(x *index) {
		for _, matchers := range selectors {
			for _, n := range x.match(matchers...) {
				all.series(x.sets[n])
			}
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([]labels.Labels, len(all.list))
	for i, d := range all.list {
		out[i] = d.labels
	}
	slices.SortFunc(out, labels.Compare)
	return out, nil
}

// LabelNames returns the label names in the span, of the series that satisfy the matchers.
func (s *Store) LabelNames(ctx context.Context, start, end time.Time, matchers ...*labels.Matcher) ([]string, error) {
	q := querier{history: s, mint: start.UnixMilli(), maxt: end.UnixMilli()}
	names, _, err := q.LabelNames(ctx, nil, matchers...)
	return names, err
}

// LabelValues returns the values of a label in the span, of the series that satisfy the matchers.
func (s *Store) LabelValues(ctx context.Context, name string, start, end time.Time, matchers ...*labels.Matcher) ([]string, error) {
	q := querier{history: s, mint: start.UnixMilli(), maxt: end.UnixMilli()}
	values, _, err := q.LabelValues(ctx, name, nil, matchers...)
	return values, err
}
