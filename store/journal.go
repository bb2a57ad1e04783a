package store

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

// record is what a frame of the write-ahead file consists of, one after the other.
type record byte

// The records. Their numbers are stored on disk: append only. Files of version 1 have those up to
// recChunkXOR.
const (
	recStart      record = 1 + iota // sealed, last event ID: begins a file
	recCheckpoint                   // window start, changes that make the world at it
	recWindow                       // window start: the world so far is its checkpoint
	recChanges                      // changes
	recEvent                        // JSON
	recLabels                       // labels: gets the next series number (version 1)
	recSamples                      // count, then series number, time and value, each against the one before
	recChunkXOR                     // series number, window, first and last time, last value, XOR chunk (version 1)
	recSource                       // name: gets the next source number
	recSeries                       // source number, labels: gets the next series number
	recChunk                        // series number, window, first and last time, last value, encoding, chunk
	recList                         // source, scope, whether the batch replaces, series numbers: gets the next list number
	recGrid                         // list number, count, time, column: one value of each of a list's first series
)

const (
	maxJournalBuffer = 128 << 20 // not yet written: a disk that is stuck must not take all memory
	frameTarget      = 1 << 20
)

// journal collects what has to go to the write-ahead file. It has no lock of its own. The file
// numbers series as the head does, sources likewise.
type journal struct {
	file    uint64 // number of the file: lists that it does not know are told to it anew
	series  int    // how many of the head's series are in the file
	sources int    // how many of the head's sources
	lists   uint32 // how many lists
	lost    bool   // the file is behind: nothing is logged until a new one is begun from memory
	buf     []byte // whole frames
	spare   []byte // buf of before, to be used again
	frame   []byte // payload under construction
	changes []byte // of the frame
	samples []byte // of the frame
	count   uint64 // of samples
	ref, t  int64  // of the last one
	body    []byte // a record under construction
	grid    gridRecord
}

// gridRecord is the samples of a batch whose series and their order are those of the batch before.
type gridRecord struct {
	list   uint32
	t      int64
	values column
}

// seriesList is the series of a scope's batches, in their order. Sources tell the same list again and
// again: so a sample is found by its place, and stored as a value alone.
type seriesList struct {
	series []*memSeries
	steady bool   // it came twice
	file   uint64 // the write-ahead file that knows it
	number uint32 // in that file
}

type listKey struct {
	scopeKey
	replace bool
}

// begin starts a new file. What was collected for the old one is forgotten.
func (j *journal) begin() {
	*j = journal{file: j.file + 1, frame: j.frame[:0], samples: j.samples[:0], changes: j.changes[:0], spare: j.spare, grid: j.grid}
	j.grid.values.reset()
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

// define makes sure that the file knows all series of the head.
func (j *journal) define(h *head) {
	if j.lost {
		return
	}
	for _, src := range h.sources[j.sources:] {
		j.append(recSource, []byte(src.name))
	}
	for _, m := range h.series[j.series:] {
		j.body = binary.AppendUvarint(j.body[:0], uint64(m.source))
		j.body = appendLabels(j.body, m.labels)
		j.append(recSeries, j.body)
	}
	j.sources, j.series = len(h.sources), len(h.series)
}

// know makes sure that the file knows a list. Its series are defined already.
func (j *journal) know(key listKey, l *seriesList) {
	if j.lost || l.file == j.file {
		return
	}
	l.file, l.number = j.file, j.lists
	j.lists++
	b := appendString(appendString(j.body[:0], key.source), key.scope)
	b = append(b, boolByte(key.replace))
	b = binary.AppendUvarint(b, uint64(len(l.series)))
	ref := int64(0)
	for _, m := range l.series {
		b = binary.AppendVarint(b, int64(m.n)-ref)
		ref = int64(m.n)
	}
	j.append(recList, b)
	j.body = b
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// sample logs a sample that is about to be added to m.
func (j *journal) sample(m *memSeries, t int64, v float64) {
	if j.lost {
		return
	}
	b := binary.AppendVarint(j.samples, int64(m.n)-j.ref)
	b = binary.AppendVarint(b, t-j.t)
	j.samples = appendValue(b, m.last(), v)
	j.ref, j.t = int64(m.n), t
	j.count++
}

// commit closes the frame: all of it is replayed, or nothing.
func (j *journal) commit(h *head) {
	if j.lost {
		j.buf = nil
	} else {
		j.define(h)
		if len(j.changes) > 0 {
			j.append(recChanges, j.changes)
		}
		if values := &j.grid.values; values.n > 0 {
			b := binary.AppendUvarint(j.body[:0], uint64(j.grid.list))
			b = binary.AppendUvarint(b, uint64(values.n))
			b = binary.AppendVarint(b, j.grid.t)
			b = append(append(b, values.codes...), values.data...)
			j.append(recGrid, b)
			j.body = b
		}
		if j.count > 0 {
			j.body = append(binary.AppendUvarint(j.body[:0], j.count), j.samples...)
			j.append(recSamples, j.body)
		}
		if len(j.frame) > 0 {
			j.buf = bolt.AppendFrame(j.buf, j.frame)
		}
	}
	j.grid.values.reset()
	j.frame, j.changes, j.samples, j.body = reuse(j.frame), reuse(j.changes), reuse(j.samples), reuse(j.body)
	j.count, j.ref, j.t = 0, 0, 0
}

// bounded gives the file up when it is too far behind.
func (j *journal) bounded() {
	if len(j.buf) > maxJournalBuffer {
		j.lost, j.buf = true, nil
	}
}

// take hands over the frames to be written; give brings their memory back.
func (j *journal) take() []byte {
	b := j.buf
	j.buf, j.spare = j.spare[:0], nil
	return b
}

func (j *journal) give(b []byte) {
	if b = reuse(b); b != nil {
		j.spare = b
	}
}

// reuse empties a buffer, or gives it up where it has grown for something rare, such as the first
// picture of a large cluster.
func reuse(b []byte) []byte {
	const worthKeeping = 1 << 20
	if cap(b) > worthKeeping {
		return nil
	}
	return b[:0]
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

func appendBytes(b, v []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func appendLabels(b []byte, ls labels.Labels) []byte {
	b = binary.AppendUvarint(b, uint64(ls.Len()))
	ls.Range(func(l labels.Label) { b = appendString(appendString(b, l.Name), l.Value) })
	return b
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
		events, err := w.events.Events()
		if err != nil {
			return nil, err
		}
		for k := range events {
			if err := j.event(&events[k]); err != nil {
				return nil, err
			}
		}
	}
	j.commit(s.head)
	for _, m := range s.head.series {
		for _, c := range m.chunks {
			b := binary.AppendUvarint(j.body[:0], uint64(m.n))
			b = binary.AppendVarint(b, c.window)
			b = binary.AppendVarint(b, c.minT)
			b = binary.AppendVarint(b, c.maxT)
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(m.last()))
			b = append(b, c.data.Encoding())
			b = append(b, c.data.Bytes()...)
			j.body = b
			j.append(recChunk, b)
		}
		if len(j.frame) > frameTarget {
			j.commit(s.head)
		}
	}
	for key, l := range s.lists {
		if l.steady = l.steady && !slices.ContainsFunc(l.series, func(m *memSeries) bool { return m.n == gone }); l.steady {
			j.know(key, l)
		}
	}
	j.commit(s.head)
	return j.take(), nil
}
