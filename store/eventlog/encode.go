package eventlog

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	// blockVersion is the first byte of a block, and maxVersion what it will ever be. A list of JSON
	// objects begins with the length of the first, which is more.
	blockVersion = 2
	maxVersion   = 31
	// A segment ends at so many rows, or bytes of texts: small enough to unpack for a single row, large
	// enough to pack well.
	segmentRows  = 512
	segmentBytes = 64 << 10
)

// Encode packs events, which are sorted by time and ID, into a block and its index. No events make
// none of both.
func Encode(list []model.Event) (block, index []byte, err error) {
	if len(list) == 0 {
		return nil, nil, nil
	}
	if block, err = encodeBlock(list); err != nil {
		return nil, nil, err
	}
	return block, newIndex(list).encode(), nil
}

func encodeBlock(list []model.Event) ([]byte, error) {
	head, err := encodeHead(list)
	if err != nil {
		return nil, err
	}
	var directory, data []byte
	segments := uint64(0)
	for rest := list; len(rest) > 0; segments++ {
		n, texts, others := encodeSegment(rest)
		rest = rest[n:]
		if texts, err = pack(texts); err != nil {
			return nil, err
		}
		if others, err = pack(others); err != nil {
			return nil, err
		}
		for _, n := range []int{n, len(texts), len(others)} {
			directory = binary.AppendUvarint(directory, uint64(n))
		}
		data = append(append(data, texts...), others...)
	}
	head = append(binary.AppendUvarint(head, segments), directory...)
	if len(head) > maxPlain {
		return nil, fmt.Errorf("%d events have more sources and entities than one block holds", len(list))
	}
	if head, err = pack(head); err != nil {
		return nil, err
	}
	return append(appendString([]byte{blockVersion}, head), data...), nil
}

// encodeHead writes the head up to its list of segments.
func encodeHead(list []model.Event) ([]byte, error) {
	b := binary.AppendUvarint(nil, uint64(len(list)))
	columns := make([][]byte, 3)
	for i, of := range []func(*model.Event) string{
		func(e *model.Event) string { return e.Kind },
		func(e *model.Event) string { return e.Source },
		func(e *model.Event) string { return e.Entity },
	} {
		b, columns[i] = encodeSymbols(b, list, of)
	}
	unit := timeUnit(list)
	b = binary.AppendUvarint(b, uint64(unit))
	last := nanos(list[0].Time) / unit
	b = binary.AppendVarint(b, last)
	for i := range list {
		t := nanos(list[i].Time) / unit
		if t < last {
			return nil, fmt.Errorf("event %d comes after a later one", list[i].ID)
		}
		b, last = binary.AppendUvarint(b, uint64(t-last)), t
	}
	id := uint64(0)
	for i := range list {
		b, id = binary.AppendVarint(b, int64(list[i].ID-id)), list[i].ID
	}
	for i := range list {
		b = append(b, byte(list[i].Severity))
	}
	return append(b, slices.Concat(columns...)...), nil
}

// timeUnit is the coarsest unit that all instants are whole multiples of, in nanoseconds.
func timeUnit(list []model.Event) int64 {
	unit := int64(1e9)
	for i := range list {
		for nanos(list[i].Time)%unit != 0 {
			unit /= 1000
		}
	}
	return unit
}

// encodeSymbols appends to b the dictionary of a text that all events have, and returns the column.
func encodeSymbols(b []byte, list []model.Event, of func(*model.Event) string) (head, column []byte) {
	symbols := map[string]uint32{}
	for i := range list {
		symbols[of(&list[i])] = 0
	}
	sorted := slices.Sorted(maps.Keys(symbols))
	b = binary.AppendUvarint(b, uint64(len(sorted)))
	for n, s := range sorted {
		symbols[s] = uint32(n)
		b = appendString(b, s)
	}
	width := symbolWidth(len(sorted))
	for i := range list {
		n := symbols[of(&list[i])]
		for k := range width {
			column = append(column, byte(n>>(8*k)))
		}
	}
	return b, column
}

// symbolWidth is how many bytes a place in a dictionary takes.
func symbolWidth(size int) int {
	switch {
	case size <= 1<<8:
		return 1
	case size <= 1<<16:
		return 2
	default:
		return 4
	}
}

// encodeSegment takes as many events off the front as make a segment.
func encodeSegment(list []model.Event) (rows int, texts, others []byte) {
	for rows < min(len(list), segmentRows) && len(texts) < segmentBytes {
		e := &list[rows]
		texts = appendString(appendString(texts, e.Title), e.Text)
		others = binary.AppendVarint(others, int64(e.Count))
		others = binary.AppendUvarint(others, uint64(len(e.Labels)))
		for _, name := range slices.Sorted(maps.Keys(e.Labels)) {
			others = appendString(appendString(others, name), e.Labels[name])
		}
		rows++
	}
	return rows, texts, others
}
