package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/chunk"
	"github.com/nocturne-noc/nocturne/store/model"
)

// record is what a frame of the write-ahead file consists of, one after the other.
type record byte

// The records. Their numbers are stored on disk: append only.
const (
	recStart      record = 1 + iota // sealed, last event ID: begins a file
	recCheckpoint                   // window start, changes that make the world at it
	recWindow                       // window start: the world so far is its checkpoint
	recChanges                      // changes
	recEvent                        // JSON
	recSeries                       // labels: gets the next series number
	recSamples                      // count, then series number, time and value, each against the one before
	recChunk                        // series number, window, first and last time, last value, XOR chunk
)

const (
	maxJournalBuffer = 128 << 20 // not yet written: a disk that is stuck must not take all memory
	frameTarget      = 1 << 20
)

// journal collects what has to go to the write-ahead file. It has no lock of its own.
type journal struct {
	file    uint64 // number of the file: series that it does not know are defined in it
	next    uint32 // number of the next series in it
	lost    bool   // the file is behind: nothing is logged until a new one is begun from memory
	buf     []byte // whole frames
	frame   []byte // payload under construction
	changes []byte // of the frame
	samples []byte // of the frame
	count   uint64 // of samples
	ref, t  int64  // of the last one
}

// begin starts a new file. What was collected for the old one is forgotten.
func (j *journal) begin() {
	*j = journal{file: j.file + 1}
}

func (j *journal) append(rec record, payload []byte) {
	if !j.lost {
		j.frame = appendBytes(append(j.frame, byte(rec)), payload)
	}
}

func (j *journal) event(e *model.Event) error {
	if j.lost {
		return nil
	}
	b, err := json.Marshal(e)
	if err == nil {
		j.append(recEvent, b)
	}
	return err
}

// define makes sure that the file knows the series.
func (j *journal) define(m *memSeries) {
	if m.wal == j.file {
		return
	}
	m.wal, m.walRef, m.walLast = j.file, j.next, 0
	j.next++
	j.append(recSeries, encodeSeries(m.labels))
}

func (j *journal) sample(m *memSeries, t int64, v float64) {
	if j.lost {
		return
	}
	j.define(m)
	b := binary.AppendVarint(j.samples, int64(m.walRef)-j.ref)
	b = binary.AppendVarint(b, t-j.t)
	j.samples = appendValue(b, m.walLast, v)
	j.ref, j.t, m.walLast = int64(m.walRef), t, v
	j.count++
}

// commit closes the frame: all of it is replayed, or nothing.
func (j *journal) commit() {
	if len(j.changes) > 0 {
		j.append(recChanges, j.changes)
	}
	if j.count > 0 {
		j.append(recSamples, append(binary.AppendUvarint(nil, j.count), j.samples...))
	}
	if len(j.frame) > 0 {
		j.buf = bolt.AppendFrame(j.buf, j.frame)
	}
	j.frame, j.changes, j.samples, j.count, j.ref, j.t = j.frame[:0], j.changes[:0], j.samples[:0], 0, 0, 0
	if len(j.buf) > maxJournalBuffer {
		j.lost, j.buf = true, nil
	}
}

// take hands over the frames to be written.
func (j *journal) take() []byte {
	b := j.buf
	j.buf = nil
	return b
}

// An integer is stored as its difference from the last value, doubled; anything else as 1 and the
// eight bytes of the float.
func appendValue(b []byte, last, v float64) []byte {
	if isInteger(v) && isInteger(last) {
		d := int64(v) - int64(last)
		return binary.AppendUvarint(b, (uint64(d<<1)^uint64(d>>63))<<1)
	}
	return binary.LittleEndian.AppendUint64(append(b, 1), math.Float64bits(v))
}

func (r *reader) value(last float64) float64 {
	n := r.uvarint()
	if n == 1 {
		return r.float()
	}
	n >>= 1
	return float64(int64(last) + (int64(n>>1) ^ -int64(n&1)))
}

// isInteger is true for what survives the way through int64 bit by bit, well within its range.
func isInteger(f float64) bool {
	return f > -1<<53 && f < 1<<53 && math.Float64bits(float64(int64(f))) == math.Float64bits(f)
}

func appendBytes(b, v []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func encodeSeries(ls labels.Labels) []byte {
	b := binary.AppendUvarint(nil, uint64(ls.Len()))
	ls.Range(func(l labels.Label) { b = appendString(appendString(b, l.Name), l.Value) })
	return b
}

func (r *reader) labels() labels.Labels {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail()
		return labels.EmptyLabels()
	}
	builder := labels.NewScratchBuilder(int(n))
	for range n {
		builder.Add(r.string(), r.string())
	}
	builder.Sort()
	return builder.Labels()
}

// snapshot begins a new write-ahead file with all that is not sealed, and returns its first frames.
func (s *Store) snapshot() ([]byte, error) {
	j := &s.journal
	j.begin()
	start := binary.AppendVarint(nil, s.head.sealed)
	j.append(recStart, binary.AppendUvarint(start, s.lastID))
	for i, w := range s.windows {
		at := binary.AppendVarint(nil, w.start)
		if i == 0 {
			j.append(recCheckpoint, append(at, w.checkpoint...))
		} else {
			j.append(recWindow, at)
		}
		if len(w.changes) > 0 {
			j.append(recChanges, w.changes)
		}
		for k := range w.events {
			if err := j.event(&w.events[k]); err != nil {
				return nil, err
			}
		}
	}
	j.commit()
	for _, m := range s.head.series {
		for _, c := range m.chunks {
			j.define(m)
			b := binary.AppendUvarint(nil, uint64(m.walRef))
			b = binary.AppendVarint(b, c.window)
			b = binary.AppendVarint(b, c.minT)
			b = binary.AppendVarint(b, c.maxT)
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(m.lastV))
			j.append(recChunk, append(b, c.data.Bytes()...))
			m.walLast = m.lastV
		}
		if len(j.frame) > frameTarget {
			j.commit()
		}
	}
	j.commit()
	if j.lost {
		return nil, fmt.Errorf("what is not sealed yet takes more than %d bytes", maxJournalBuffer)
	}
	return j.take(), nil
}

// replay rebuilds the head, the world and the open windows from a write-ahead file.
type replay struct {
	s      *Store
	series []*memSeries // by number in the file
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
		if err := p.record(rec, &body); err != nil {
			return fmt.Errorf("%w: record %d: %w", bolt.ErrDamaged, rec, err)
		}
		if body.err != nil {
			return fmt.Errorf("%w: record %d: %w", bolt.ErrDamaged, rec, body.err)
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
		if len(s.windows) == 0 {
			return fmt.Errorf("changes before a checkpoint")
		}
		w := s.windows[len(s.windows)-1]
		w.changes = append(w.changes, r.b...)
		return eachChange(r.b, func(c *change) error {
			s.at = max(s.at, c.at)
			return c.apply(s.world)
		})
	case recEvent:
		var e model.Event
		r.json(&e)
		if r.err == nil && len(s.windows) > 0 {
			s.lastID = max(s.lastID, e.ID)
			s.windows[len(s.windows)-1].addEvent(e)
		}
	case recSeries:
		ls := r.labels()
		if r.err != nil {
			return r.err
		}
		m, err := s.head.getOrAdd(ls)
		if err != nil {
			return err
		}
		m.wal, m.walRef, m.walLast = s.journal.file, s.journal.next, 0
		s.journal.next++
		p.series = append(p.series, m)
	case recSamples:
		p.samples(r)
	case recChunk:
		return p.chunk(r)
	default:
		return fmt.Errorf("unknown: was it written by a newer version?")
	}
	return nil
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
		m := p.series[ref]
		v := r.value(m.walLast)
		if r.err != nil {
			return
		}
		m.walLast = v
		if fresh, err := p.s.head.check(m, t, v); err == nil && fresh {
			m.add(t, v)
		}
	}
}

func (p *replay) chunk(r *reader) error {
	ref := r.uvarint()
	c := &headChunk{window: r.varint(), minT: r.varint(), maxT: r.varint()}
	last := r.float()
	if r.err != nil || ref >= uint64(len(p.series)) || len(r.b) < 2 {
		return errTruncated
	}
	m := p.series[ref]
	m.walLast = last
	if c.window < p.s.head.sealed || c.minT <= m.lastT || c.window != bolt.WindowStart(c.minT) || c.window != bolt.WindowStart(c.maxT) {
		return nil // sealed meanwhile
	}
	// The chunk is built anew rather than taken over: so it is known to be sound, and can grow.
	var it chunk.Iterator
	if err := it.Reset(c.data.Encoding(), r.b); err != nil {
		return err
	}
	for it.Next() != chunkenc.ValNone {
		t, v := it.At()
		if fresh, err := p.s.head.check(m, t, v); err == nil && fresh {
			m.add(t, v)
		}
	}
	return it.Err()
}
