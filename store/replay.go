package store

import (
	"errors"
	"fmt"
	"math"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/chunk"
	"github.com/nocturne-noc/nocturne/store/model"
)

// replay rebuilds the head, the world and the open windows from a write-ahead file.
type replay struct {
	s       *Store
	series  []replaySeries // by number in the file
	sources []uint32       // the head's numbers, by number in the file
	lists   [][]uint32     // series numbers, by number in the file
	old     bool           // it has records of version 1 (or none of version 2)
	it      chunk.Iterator
}

// replaySeries is a series of the file, and the last value in it.
type replaySeries struct {
	m    *memSeries
	last float64
}

// current reports whether the file tells the same as memory, so that it can be gone on with: it does
// not when parts of it were sealed meanwhile, or when it is of version 1. It tells the journal where the
// file ends.
func (p *replay) current() bool {
	j, h := &p.s.journal, p.s.head
	j.series, j.sources, j.lists = len(p.series), len(p.sources), uint32(len(p.lists))
	if p.old || len(p.sources) == 0 || len(h.series) != len(p.series) || len(h.sources) != len(p.sources) {
		return false
	}
	for n := range p.series {
		rs := &p.series[n]
		if int(rs.m.n) != n || math.Float64bits(rs.last) != math.Float64bits(rs.m.last()) {
			return false
		}
	}
	return true
}

// frame applies the payload of one frame. An error means that the file is not what it should be
// although its checksum is right.
func (p *replay) frame(payload []byte) error {
	r := reader{b: payload}
	for len(r.b) > 0 && r.err == nil {
		rec := record(r.byte())
		body := reader{b: r.bytes()}
		if r.err != nil {
			break
		}
		err := p.record(rec, &body)
		if err == nil {
			err = body.err
		}
		switch {
		case errors.Is(err, bolt.ErrVersion):
			return err
		case err != nil:
			return fmt.Errorf("%w: record %d: %w", bolt.ErrDamaged, rec, err)
		}
	}
	if r.err != nil {
		return fmt.Errorf("%w: %w", bolt.ErrDamaged, r.err)
	}
	return nil
}

func (p *replay) record(rec record, r *reader) error {
	s := p.s
	switch rec {
	case recStart:
		s.head.sealed = max(s.head.sealed, r.varint())
		s.lastID = max(s.lastID, r.uvarint())
	case recCheckpoint:
		w := &stateWindow{start: r.varint(), checkpoint: append([]byte(nil), r.b...)}
		world, err := worldOf(w.checkpoint)
		if err != nil {
			return err
		}
		s.world, s.windows = world, []*stateWindow{w}
	case recWindow:
		return s.openWindow(r.varint())
	case recChanges:
		return p.changes(r)
	case recEvent:
		var e model.Event
		r.json(&e)
		if r.err == nil && len(s.windows) > 0 {
			s.lastID = max(s.lastID, e.ID)
			s.windows[len(s.windows)-1].events.Add(e)
		}
	case recSource:
		p.sources = append(p.sources, s.head.source(string(r.b)))
	case recSeries:
		n := r.uvarint()
		if n >= uint64(len(p.sources)) {
			return errTruncated
		}
		return p.define(r.labels(), r, p.sources[n])
	case recLabels:
		p.old = true
		return p.define(r.labels(), r, s.head.source(""))
	case recSamples:
		p.samples(r)
	case recList:
		p.list(r)
	case recGrid:
		return p.grid(r)
	case recChunk, recChunkXOR:
		return p.chunk(r, rec == recChunkXOR)
	default:
		return fmt.Errorf("%w: the write-ahead file has record %d, which this program does not know: use the program that wrote it", bolt.ErrVersion, rec)
	}
	return nil
}

func (p *replay) changes(r *reader) error {
	s := p.s
	if len(s.windows) == 0 {
		return fmt.Errorf("changes before a checkpoint")
	}
	w := s.windows[len(s.windows)-1]
	w.changes = append(w.changes, r.b...)
	return eachChange(r.b, func(c *change) error {
		s.at = max(s.at, c.at)
		return c.apply(s.world)
	})
}

func (p *replay) define(ls labels.Labels, r *reader, source uint32) error {
	if r.err != nil {
		return r.err
	}
	m, err := p.s.head.getOrAdd(ls, source)
	if err != nil {
		return err
	}
	p.series = append(p.series, replaySeries{m: m})
	return nil
}

// take adds a sample to a series of the file, unless it was sealed meanwhile.
func (p *replay) take(rs *replaySeries, t int64, v float64) {
	rs.last = v
	if c := rs.m.open; c.takes(t, p.s.head.sealed) {
		c.append(t, v)
	} else if fresh, err := p.s.head.check(rs.m, t, v); err == nil && fresh {
		rs.m.add(t, v)
	}
}

func (p *replay) samples(r *reader) {
	var ref, t int64
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		ref += r.varint()
		t += r.varint()
		if ref < 0 || ref >= int64(len(p.series)) {
			r.fail()
			return
		}
		rs := &p.series[ref]
		if v := r.value(rs.last); r.err == nil {
			p.take(rs, t, v)
		}
	}
}

func (p *replay) list(r *reader) {
	key := listKey{scopeKey{r.string(), r.string()}, r.byte() != 0}
	n := r.uvarint()
	if n > uint64(len(r.b)) { // each takes a byte at least
		r.fail()
		return
	}
	refs := make([]uint32, 0, n)
	l := &seriesList{steady: true, file: p.s.journal.file, number: uint32(len(p.lists))}
	for ref := int64(0); n > 0; n-- {
		if ref += r.varint(); ref < 0 || ref >= int64(len(p.series)) {
			r.fail()
			return
		}
		refs = append(refs, uint32(ref))
		l.series = append(l.series, p.series[ref].m)
	}
	p.lists = append(p.lists, refs)
	p.s.lists[key] = l
}

func (p *replay) grid(r *reader) error {
	n, count, t := r.uvarint(), r.uvarint(), r.varint()
	if n >= uint64(len(p.lists)) || count > uint64(len(p.lists[n])) {
		return errTruncated
	}
	values, ok := newColumnReader(r.b, int(count))
	if !ok {
		return errTruncated
	}
	for _, ref := range p.lists[n][:count] {
		rs := &p.series[ref]
		v := values.next(rs.last)
		if values.short {
			return errTruncated
		}
		p.take(rs, t, v)
	}
	return nil
}

func (p *replay) chunk(r *reader, xor bool) error {
	ref := r.uvarint()
	c := &headChunk{window: r.varint(), minT: r.varint(), maxT: r.varint()}
	last := r.float()
	encoding := chunk.XOR
	if !xor {
		encoding = r.byte()
	}
	if r.err != nil || ref >= uint64(len(p.series)) || len(r.b) < 2 {
		return errTruncated
	}
	if c.window < p.s.head.sealed || c.window != bolt.WindowStart(c.minT) || c.window != bolt.WindowStart(c.maxT) {
		p.series[ref].last = last
		return nil // sealed meanwhile
	}
	// The chunk is built anew rather than taken over: so it is known to be sound, and can grow.
	if err := p.it.Reset(encoding, r.b); err != nil {
		return err
	}
	for p.it.Next() != chunkenc.ValNone {
		t, v := p.it.At()
		p.take(&p.series[ref], t, v)
	}
	p.series[ref].last = last
	return p.it.Err()
}

// value reads what appendValue wrote.
func (r *reader) value(last float64) float64 {
	n := r.uvarint()
	if n == 1 {
		return r.float()
	}
	n >>= 1
	return float64(int64(last) + (int64(n>>1) ^ -int64(n&1)))
}

func (r *reader) labels() labels.Labels {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail()
		return labels.EmptyLabels()
	}
	builder := labels.NewScratchBuilder(int(min(n, math.MaxUint8)))
	for range n {
		builder.Add(r.string(), r.string())
	}
	builder.Sort()
	return builder.Labels()
}
