package eventlog

import (
	"math"
	"slices"

	"github.com/nocturne-noc/nocturne/store/model"
)

// tailRows is how many events of an open window are kept unpacked.
const tailRows = 1024

// Log is the events of a window that is still open, in the order in which they are told. What comes
// late is in no hurry to find its place: searching sorts. The zero Log is empty. A copy of a Log is
// a snapshot: what is added to one of them later is not in the other, provided that only one of them
// is added to.
type Log struct {
	blocks []*Block
	tail   []model.Event
	packed int // events in blocks
	bytes  int // of all, unpacked
}

// Add takes in an event.
func (l *Log) Add(e model.Event) {
	l.bytes += eventSize(&e)
	l.tail = append(l.tail, e)
	if len(l.tail)%tailRows != 0 {
		return
	}
	list := slices.Clone(l.tail)
	slices.SortFunc(list, Compare)
	if b, err := newBlock(list); err == nil { // otherwise it stays in the tail
		l.blocks = append(l.blocks, b)
		l.packed += b.Len()
		l.tail = nil
	}
}

// Len is the number of events.
func (l *Log) Len() int { return l.packed + len(l.tail) }

// Bytes is what the events would take unpacked, about.
func (l *Log) Bytes() int { return l.bytes }

// Parts are what Search looks through.
func (l *Log) Parts() []Part {
	parts := make([]Part, 0, len(l.blocks)+1)
	for _, b := range l.blocks {
		parts = append(parts, Part{First: b.times[0], Last: b.times[b.Len()-1], Block: func() (*Block, error) { return b, nil }})
	}
	if len(l.tail) > 0 {
		parts = append(parts, Part{First: math.MinInt64, Last: math.MaxInt64, Tail: l.tail})
	}
	return parts
}

// Events unpacks all, by time and ID.
func (l *Log) Events() ([]model.Event, error) {
	out := make([]model.Event, 0, l.Len())
	for _, b := range l.blocks {
		list, err := b.Events()
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	out = append(out, l.tail...)
	slices.SortFunc(out, Compare)
	return out, nil
}
