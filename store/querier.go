package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/nocturne-noc/nocturne/store/chunk"
)

// loadFunc finds the series that match and have samples in the span, with their chunks.
type loadFunc func(ctx context.Context, mint, maxt int64, matchers []*labels.Matcher) (*merger, error)

// namesFunc visits the indexes of everything in the span.
type namesFunc func(ctx context.Context, mint, maxt int64, visit func(*index)) error

// Queryable reads all samples, of the head and sealed, by Prometheus' interface.
func (s *Store) Queryable() storage.Queryable {
	return storage.QueryableFunc(func(mint, maxt int64) (storage.Querier, error) {
		return &querier{load: s.load, names: s.indexes, mint: mint, maxt: maxt}, nil
	})
}

// chunkData is one chunk that nobody changes any more.
type chunkData struct {
	minT, maxT int64 // bounds, not necessarily met
	encoding   byte
	data       []byte
}

// querier reads series of a span of time from whatever loads them.
type querier struct {
	load       loadFunc
	names      namesFunc
	mint, maxt int64
}

// seriesData is one series with its chunks in time order.
type seriesData struct {
	labels     labels.Labels
	chunks     []chunkData
	mint, maxt int64
}

// Select reads all of its data at once: what is written later is not in it.
func (q *querier) Select(ctx context.Context, sortSeries bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	mint, maxt := q.mint, q.maxt
	if hints != nil {
		mint, maxt = max(mint, hints.Start), min(maxt, hints.End)
	}
	found, err := q.load(ctx, mint, maxt, matchers)
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
	return &seriesSet{list: list, at: -1, damage: found.damage}
}

func (q *querier) LabelNames(ctx context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	set := map[string]struct{}{}
	err := q.names(ctx, q.mint, q.maxt, func(x *index) {
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
	err := q.names(ctx, q.mint, q.maxt, func(x *index) {
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
	list   []*seriesData
	at     int
	damage annotations.Annotations
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.list) }
func (s *seriesSet) At() storage.Series                { return s.list[s.at] }
func (*seriesSet) Err() error                          { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return s.damage }

func (d *seriesData) Labels() labels.Labels { return d.labels }

func (d *seriesData) Iterator(it chunkenc.Iterator) chunkenc.Iterator {
	c, ok := it.(*chunkIterator)
	if !ok {
		c = &chunkIterator{}
	}
	*c = chunkIterator{Iterator: chunkenc.NewNopIterator(), reader: c.reader, chunks: d.chunks, mint: d.mint, maxt: d.maxt}
	return c
}

// unixMilli is a moment in Unix milliseconds. (Under its own name, so that go vet does not take Seek
// for io.Seeker's.)
type unixMilli = int64

// chunkIterator walks over the samples of consecutive chunks that lie in [mint, maxt].
type chunkIterator struct {
	chunkenc.Iterator // of the current chunk
	reader            chunk.Iterator
	chunks            []chunkData // still to come
	mint, maxt        int64
	last              chunkenc.ValueType
	err               error
}

func (c *chunkIterator) Next() chunkenc.ValueType {
	for c.err == nil {
		for c.last = c.Iterator.Next(); c.last != chunkenc.ValNone; c.last = c.Iterator.Next() {
			t := c.AtT()
			if t > c.maxt {
				c.chunks = nil
				c.Iterator = chunkenc.NewNopIterator()
				c.last = chunkenc.ValNone
				return c.last
			}
			if t >= c.mint {
				return c.last
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
	if c.err = c.Iterator.Err(); c.err != nil || len(c.chunks) == 0 {
		return false
	}
	next := c.chunks[0]
	c.chunks = c.chunks[1:]
	if c.err = c.reader.Reset(next.encoding, next.data); c.err != nil {
		return false
	}
	c.Iterator = &c.reader
	return true
}

// Seek goes on to the first sample at or after t.
func (c *chunkIterator) Seek(t unixMilli) chunkenc.ValueType {
	if c.last != chunkenc.ValNone && c.AtT() >= t {
		return c.last
	}
	if len(c.chunks) > 0 && c.chunks[0].minT <= t { // nothing left in the current chunk
		for len(c.chunks) > 1 && c.chunks[1].minT <= t {
			c.chunks = c.chunks[1:]
		}
		if !c.open() {
			return chunkenc.ValNone
		}
	}
	for v := c.Next(); v != chunkenc.ValNone; v = c.Next() {
		if c.AtT() >= t {
			return v
		}
	}
	return chunkenc.ValNone
}

func (c *chunkIterator) Err() error { return cmp.Or(c.err, c.Iterator.Err()) }

// load collects the series of a span, sealed and from the head.
func (s *Store) load(ctx context.Context, mint, maxt int64, matchers []*labels.Matcher) (*merger, error) {
	s.mu.RLock()
	windows := s.archive.list() // a window is in here or in the head
	fresh := s.head.load(mint, maxt, matchers)
	s.mu.RUnlock()
	if len(touching(windows, mint, maxt)) == 0 {
		return &merger{list: fresh}, ctx.Err()
	}
	m := newMerger()
	err := s.archive.load(ctx, windows, mint, maxt, matchers, m)
	for _, d := range fresh {
		m.add(d.labels, d.chunks...)
	}
	if len(m.damage) > 0 {
		s.log.Error("damaged history is left out of an answer", "err", m.damage.AsErrors()[0])
	}
	return m, err
}

// indexes visits the index of every part of history that touches the span.
func (s *Store) indexes(ctx context.Context, mint, maxt int64, visit func(*index)) error {
	s.mu.RLock()
	windows := s.archive.list()
	visit(s.head.index)
	s.mu.RUnlock()
	return s.archive.visit(ctx, windows, mint, maxt, visit)
}

// load copies the chunks of all matching series that touch the span.
func (h *head) load(mint, maxt int64, matchers []*labels.Matcher) []*seriesData {
	var out []*seriesData
	for _, n := range h.index.match(matchers...) {
		m := h.series[n]
		var d *seriesData
		for _, c := range m.chunks {
			if c.maxT < mint || c.minT > maxt {
				continue
			}
			if d == nil {
				d = &seriesData{labels: m.labels}
				out = append(out, d)
			}
			d.chunks = append(d.chunks, chunkData{c.minT, c.maxT, c.data.Encoding(), c.data.Bytes()})
		}
	}
	return out
}

// Series returns the label sets that satisfy any of the selectors and have samples in the span.
func (s *Store) Series(ctx context.Context, start, end time.Time, selectors ...[]*labels.Matcher) ([]labels.Labels, error) {
	var out []labels.Labels
	seen := map[uint64][]labels.Labels{}
	for _, matchers := range selectors {
		found, err := s.load(ctx, start.UnixMilli(), end.UnixMilli(), matchers)
		if err != nil {
			return nil, err
		}
		for _, d := range found.list {
			hash := d.labels.Hash()
			if slices.ContainsFunc(seen[hash], func(ls labels.Labels) bool { return labels.Equal(ls, d.labels) }) {
				continue
			}
			seen[hash] = append(seen[hash], d.labels)
			out = append(out, d.labels)
		}
	}
	slices.SortFunc(out, labels.Compare)
	return out, nil
}

// LabelNames returns the label names in the span, of the series that satisfy the matchers.
func (s *Store) LabelNames(ctx context.Context, start, end time.Time, matchers ...*labels.Matcher) ([]string, error) {
	q := querier{load: s.load, names: s.indexes, mint: start.UnixMilli(), maxt: end.UnixMilli()}
	names, _, err := q.LabelNames(ctx, nil, matchers...)
	return names, err
}

// LabelValues returns the values of a label in the span, of the series that satisfy the matchers.
func (s *Store) LabelValues(ctx context.Context, name string, start, end time.Time, matchers ...*labels.Matcher) ([]string, error) {
	q := querier{load: s.load, names: s.indexes, mint: start.UnixMilli(), maxt: end.UnixMilli()}
	values, _, err := q.LabelValues(ctx, name, nil, matchers...)
	return values, err
}
