package eventlog

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Block is the events of one window, by time and ID. The texts and the labels stay packed until they
// are asked for. It never changes.
type Block struct {
	times      []int64 // Unix nanoseconds
	ids        []uint64
	severities []byte
	kinds      column
	sources    column
	entities   column
	segments   []segment
	index      *Index // nil when nobody made one here
	memory     int
}

// column is a text that each row has, as its place in a sorted dictionary.
type column struct {
	words string
	ends  []uint32 // of the words
	rows  []byte
	width int
}

func (c *column) at(row int) uint32 {
	switch c.width {
	case 1:
		return uint32(c.rows[row])
	case 2:
		return uint32(c.rows[2*row]) | uint32(c.rows[2*row+1])<<8
	default:
		return uint32(c.rows[4*row]) | uint32(c.rows[4*row+1])<<8 | uint32(c.rows[4*row+2])<<16 | uint32(c.rows[4*row+3])<<24
	}
}

// of is the word of a row.
func (c *column) of(row int) string { return c.word(int(c.at(row))) }

func (c *column) word(n int) string {
	if n == 0 {
		return c.words[:c.ends[0]]
	}
	return c.words[c.ends[n-1]:c.ends[n]]
}

// span returns the places from and, excluded, to of a word, or of all that it is a prefix of.
func (c *column) span(word string, prefix bool) (from, to uint32) {
	if word == "" {
		return 0, math.MaxUint32
	}
	size := len(c.ends)
	i := sort.Search(size, func(n int) bool { return c.word(n) >= word })
	k := i
	for k < size && (c.word(k) == word || prefix && strings.HasPrefix(c.word(k), word)) {
		k++
	}
	return uint32(i), uint32(k)
}

// segment is a stretch of rows with what is packed of them.
type segment struct {
	first, rows   int
	texts, others []byte // packed
}

// Decode reads a block that Encode made, or a list of JSON objects from before there were blocks. An
// empty value has no events. The value must not be changed afterwards. It fails with ErrDamaged.
func Decode(b []byte) (*Block, error) {
	if len(b) > 0 && b[0] > maxVersion {
		return decodeJSON(b)
	}
	if len(b) > 0 && b[0] != blockVersion {
		return nil, fmt.Errorf("%w: a block of version %d, want %d", ErrDamaged, b[0], blockVersion)
	}
	block := &Block{memory: 500}
	if len(b) == 0 {
		return block, nil
	}
	r := reader{b: b[1:]}
	packed := r.bytes()
	if r.err != nil {
		return nil, fmt.Errorf("%w: the head is cut short", ErrDamaged)
	}
	plain, err := unpack(packed)
	if err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	head := reader{b: plain}
	if err := block.decodeHead(&head); err != nil {
		return nil, err
	}
	r.b = bytes.Clone(r.b) // without the packed head
	if err := block.decodeSegments(&head, &r); err != nil {
		return nil, err
	}
	block.memory += len(b) - len(packed) + 17*len(block.times) + 64*len(block.segments)
	for _, c := range []*column{&block.kinds, &block.sources, &block.entities} {
		block.memory += len(c.words) + 4*len(c.ends) + len(c.rows)
	}
	return block, nil
}

func (b *Block) decodeHead(r *reader) error {
	n := r.uvarint()
	if n > uint64(len(r.b)) { // a row takes more than one byte
		return fmt.Errorf("%w: %d events in %d bytes", ErrDamaged, n, len(r.b))
	}
	rows := int(n)
	columns := []*column{&b.kinds, &b.sources, &b.entities}
	for _, c := range columns {
		if err := c.decodeWords(r); err != nil {
			return err
		}
	}
	unit := int64(r.uvarint())
	t := r.varint()
	b.times = make([]int64, rows)
	for i := range b.times {
		t += int64(r.uvarint())
		b.times[i] = t * unit
		if i > 0 && b.times[i] < b.times[i-1] {
			return fmt.Errorf("%w: event %d comes after a later one", ErrDamaged, i)
		}
	}
	id := uint64(0)
	b.ids = make([]uint64, rows)
	for i := range b.ids {
		id += uint64(r.varint())
		b.ids[i] = id
	}
	b.severities = bytes.Clone(r.take(uint64(rows))) // the rest of the head is not kept
	for _, c := range columns {
		c.rows = bytes.Clone(r.take(uint64(rows * c.width)))
	}
	if r.err != nil {
		return fmt.Errorf("%w: the head is cut short", ErrDamaged)
	}
	for _, c := range columns {
		for row := range rows {
			if int(c.at(row)) >= len(c.ends) {
				return fmt.Errorf("%w: event %d points beyond the dictionary", ErrDamaged, row)
			}
		}
	}
	return nil
}

func (c *column) decodeWords(r *reader) error {
	n := r.uvarint()
	if n > uint64(len(r.b)) { // a word takes a byte at least
		return fmt.Errorf("%w: %d words in %d bytes", ErrDamaged, n, len(r.b))
	}
	var words []byte
	var last []byte
	c.ends = make([]uint32, n)
	for i := range c.ends {
		word := r.bytes()
		if i > 0 && bytes.Compare(last, word) >= 0 {
			return fmt.Errorf("%w: a dictionary is not sorted", ErrDamaged)
		}
		words = append(words, word...)
		c.ends[i], last = uint32(len(words)), word
	}
	c.words, c.width = string(words), symbolWidth(int(n))
	return nil
}

// decodeSegments reads the list of segments off the head, and cuts the data along it.
func (b *Block) decodeSegments(head, data *reader) error {
	n := head.uvarint()
	if n > uint64(len(head.b)) {
		return fmt.Errorf("%w: %d segments in %d bytes", ErrDamaged, n, len(head.b))
	}
	b.segments = make([]segment, n)
	first := 0
	for i := range b.segments {
		rows := head.uvarint()
		if rows == 0 || rows > uint64(min(segmentRows, len(b.times)-first)) {
			return fmt.Errorf("%w: segment %d has %d rows", ErrDamaged, i, rows)
		}
		b.segments[i] = segment{first: first, rows: int(rows), texts: data.take(head.uvarint()), others: data.take(head.uvarint())}
		first += int(rows)
	}
	if head.err != nil || data.err != nil || first != len(b.times) {
		return fmt.Errorf("%w: the segments have %d of %d events", ErrDamaged, first, len(b.times))
	}
	return nil
}

// Bytes is what the block takes in memory, about.
func (b *Block) Bytes() int { return b.memory }

// LastID is the highest ID, 0 when there are no events.
func (b *Block) LastID() uint64 {
	if len(b.ids) == 0 {
		return 0
	}
	return slices.Max(b.ids)
}

// Len is the number of events.
func (b *Block) Len() int { return len(b.times) }

// Events unpacks all, by time and ID.
func (b *Block) Events() ([]model.Event, error) {
	out := make([]model.Event, 0, b.Len())
	for i := range b.segments {
		texts, err := b.unpackTexts(i)
		if err != nil {
			return nil, err
		}
		others, err := b.unpackOthers(i)
		if err != nil {
			return nil, err
		}
		for row := range b.segments[i].rows {
			out = append(out, b.event(i, row, texts, others))
		}
	}
	return out, nil
}

// segmentOf returns the number of the segment that holds a row.
func (b *Block) segmentOf(row int) int {
	return sort.Search(len(b.segments), func(i int) bool { return b.segments[i].first > row }) - 1
}

// event puts a row of a segment together. It holds on to nothing of the block.
func (b *Block) event(segment, row int, texts *texts, others *others) model.Event {
	at := b.segments[segment].first + row
	kind, source, entity := b.kinds.of(at), b.sources.of(at), b.entities.of(at)
	title, text := texts.row(row)
	all := kind + source + entity + title + text // one allocation for the five of them
	cut := func(n int) (s string) {
		s, all = all[:n], all[n:]
		return s
	}
	return model.Event{
		ID: b.ids[at], Time: time.Unix(0, b.times[at]).UTC(), Severity: model.State(b.severities[at]),
		Kind: cut(len(kind)), Source: cut(len(source)), Entity: cut(len(entity)), Title: cut(len(title)), Text: cut(len(text)),
		Count: others.counts[row], Labels: others.labelsOf(row),
	}
}

// texts are the titles and texts of a segment.
type texts struct {
	data  string
	spans [][2]uint32 // of title and text of each row in turn
}

func (t *texts) row(row int) (title, text string) {
	a, b := t.spans[2*row], t.spans[2*row+1]
	return t.data[a[0]:a[1]], t.data[b[0]:b[1]]
}

func (b *Block) unpackTexts(i int) (*texts, error) {
	s := &b.segments[i]
	plain, err := unpack(s.texts)
	if err != nil {
		return nil, fmt.Errorf("texts of segment %d: %w", i, err)
	}
	r := reader{b: plain}
	t := &texts{data: string(plain), spans: make([][2]uint32, 0, 2*s.rows)}
	for range 2 * s.rows {
		n := uint32(len(r.bytes()))
		end := uint32(len(plain) - len(r.b))
		t.spans = append(t.spans, [2]uint32{end - n, end})
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: the texts of segment %d are cut short", ErrDamaged, i)
	}
	return t, nil
}

// others are the counts and labels of a segment.
type others struct {
	data   []byte
	counts []int
	labels []uint32 // where those of each row begin
}

func (o *others) labelsOf(row int) map[string]string {
	r := reader{b: o.data[o.labels[row]:]}
	n := r.uvarint()
	if n == 0 {
		return nil
	}
	m := make(map[string]string, n)
	for range n {
		name := r.string()
		m[name] = r.string()
	}
	return m
}

func (b *Block) unpackOthers(i int) (*others, error) {
	s := &b.segments[i]
	plain, err := unpack(s.others)
	if err != nil {
		return nil, fmt.Errorf("labels of segment %d: %w", i, err)
	}
	o := &others{data: plain, counts: make([]int, s.rows), labels: make([]uint32, s.rows)}
	r := reader{b: plain}
	for row := range s.rows {
		o.counts[row] = int(r.varint())
		o.labels[row] = uint32(len(plain) - len(r.b))
		n := r.uvarint()
		if n > uint64(len(r.b)) {
			r.fail()
		}
		for k := uint64(0); k < 2*n && r.err == nil; k++ {
			r.bytes()
		}
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: the labels of segment %d are cut short", ErrDamaged, i)
	}
	return o, nil
}
