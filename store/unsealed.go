package store

import (
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/chunk"
)

// copyGroup is how many series are copied while the writer waits.
const copyGroup = 256

// mention is a chunk as it was at one moment: the writer may add to it afterwards.
type mention struct {
	chunk      *headChunk
	minT, maxT int64
	n          int
}

// unsealed returns the series in memory that match and touch the span, each batch entirely or not at
// all, and calls also at that very moment, for what must fit it; it says how much of them is wanted.
//
// However much that is, it does not hold up the writer: matching goes without the store's lock; then,
// in one go, it is only noted which chunks there are and how long they are; they are copied a few at a
// time. What the writer added meanwhile is cut off again, and a chunk that was sealed meanwhile is still
// the same.
func (s *Store) unsealed(mint, maxt int64, matchers []*labels.Matcher, also func() depth) []*seriesData {
	s.mu.RLock()
	x := s.head.index
	s.mu.RUnlock()
	numbers, of := x.matchFirst(matchers)

	s.mu.RLock()
	if x != s.head.index { // series were dropped and numbered anew: seldom, after sealing
		x = s.head.index
		numbers, of = x.matchFirst(matchers)
	}
	want := also()
	var out []*seriesData
	var mentions [][]mention
	note := func(m *memSeries) {
		if last := m.newest(); want == newest && last != nil && last.maxT <= maxt {
			if last.maxT >= mint {
				out = append(out, &seriesData{labels: m.labels, newest: &point{last.maxT, last.lastV}})
				mentions = append(mentions, nil)
			}
			return
		}
		var list []mention
		for _, c := range m.chunks {
			if c.maxT >= mint && c.minT <= maxt {
				list = append(list, mention{c, c.minT, c.maxT, c.n})
			}
		}
		if len(list) > 0 {
			out = append(out, &seriesData{labels: m.labels})
			mentions = append(mentions, list)
		}
	}
	for _, n := range numbers {
		note(s.head.series[n])
	}
	for _, m := range s.head.series[of:] { // since the index was asked
		if matchesAll(m.labels, matchers) {
			note(m)
		}
	}
	s.mu.RUnlock()

	for from := 0; from < len(out); from += copyGroup {
		to := min(from+copyGroup, len(out))
		s.mu.RLock()
		for i := from; i < to; i++ {
			for k := range mentions[i] {
				out[i].chunks = append(out[i].chunks, mentions[i][k].copy())
			}
		}
		s.mu.RUnlock()
		for i := from; i < to; i++ {
			for k, seen := range mentions[i] {
				out[i].chunks[k] = seen.cut(out[i].chunks[k])
			}
		}
	}
	return out
}

// copy takes the chunk as it is now. minT is a bound: maxT tells cut whether there is more than was noted.
func (c *mention) copy() chunkData {
	return chunkData{minT: c.minT, maxT: c.chunk.maxT, encoding: c.chunk.data.Encoding(), data: c.chunk.data.Bytes()}
}

// cut takes away what was added to the copy since it was noted.
func (c *mention) cut(d chunkData) chunkData {
	if d.maxT == c.maxT {
		return d
	}
	var short chunk.Chunk
	var it chunk.Iterator
	if err := it.Reset(d.encoding, d.data); err != nil {
		return d // of our own making: it is as it was packed
	}
	for short.Len() < c.n && it.Next() != chunkenc.ValNone {
		short.Append(it.At())
	}
	return chunkData{minT: c.minT, maxT: c.maxT, encoding: short.Encoding(), data: short.Bytes()}
}
