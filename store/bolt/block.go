package bolt

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	bbolt "go.etcd.io/bbolt"
)

// Blocks keep the chunks of many series in one value, because a value of its own for each would waste
// a tenth of the file: bbolt fills its pages with whole values only. The form of a block is drawn in the
// package's documentation.
const (
	// blockSize bounds a block, so that two with their headers, which is what bbolt puts into a node, just
	// fill 16 pages of 4 KiB.
	blockSize = 32<<10 - 8 - 16 - 4
	// groupSize is how much at least has a checksum of its own: little, so that one series is read without
	// the others, but not less than a checksum is worth.
	groupSize = 1 << 10
)

// blockWriter packs the series of a window, in the order of their numbers.
type blockWriter struct {
	put  func(key, value []byte) error
	seed uint32 // checksum of the window's start

	number uint32 // of the next series
	first  uint32 // of the block
	groups int
	head   []byte // of the block: series and bytes of each group
	body   []byte // of the block: whole groups
	group  []byte
	from   uint32 // first series of the group
}

func newBlockWriter(start int64, put func(key, value []byte) error) *blockWriter {
	return &blockWriter{put: put, seed: blockSeed(start)}
}

// blockSeed makes the checksums of two windows differ: a block in the wrong place is noticed.
func blockSeed(start int64) uint32 { return crc32.Checksum(windowKey(start), castagnoli) }

// add packs the chunks of the next series.
func (b *blockWriter) add(chunks []Chunk) error {
	b.group = appendEntry(b.group, chunks)
	b.number++
	if len(b.group) < groupSize {
		return nil
	}
	return b.endGroup()
}

// flush packs what is left.
func (b *blockWriter) flush() error {
	if err := b.endGroup(); err != nil {
		return err
	}
	return b.endBlock()
}

func (b *blockWriter) endGroup() error {
	if b.number == b.from {
		return nil
	}
	const most = 4 + 3*binary.MaxVarintLen32 // checksum of the head; first, groups, one group more
	if b.groups > 0 && len(b.head)+len(b.body)+len(b.group)+4+most+2*binary.MaxVarintLen32 > blockSize {
		if err := b.endBlock(); err != nil {
			return err
		}
	}
	b.group = binary.LittleEndian.AppendUint32(b.group, groupSum(b.seed, b.from, b.group))
	b.head = binary.AppendUvarint(b.head, uint64(b.number-b.from))
	b.head = binary.AppendUvarint(b.head, uint64(len(b.group)))
	b.body = append(b.body, b.group...)
	b.groups++
	b.group, b.from = b.group[:0], b.number
	return nil
}

func (b *blockWriter) endBlock() error {
	if b.groups == 0 {
		return nil
	}
	value := make([]byte, 0, len(b.head)+len(b.body)+16)
	value = binary.AppendUvarint(value, uint64(b.first))
	value = binary.AppendUvarint(value, uint64(b.groups))
	value = append(value, b.head...)
	value = binary.LittleEndian.AppendUint32(value, groupSum(b.seed, b.first, value))
	value = append(value, b.body...)
	last := b.from - 1 // of the last whole group
	b.first, b.groups, b.head, b.body = b.from, 0, b.head[:0], b.body[:0]
	return b.put(seriesKey(last), value)
}

// groupSum is the checksum of what begins with a series.
func groupSum(seed, first uint32, b []byte) uint32 {
	return crc32.Update(crc32.Update(seed, castagnoli, seriesKey(first)), castagnoli, b)
}

// appendEntry packs the chunks of one series: of each its length, doubled, plus one when another one
// follows; its encoding; its data. No chunks at all are one empty one of encoding 0.
func appendEntry(b []byte, chunks []Chunk) []byte {
	if len(chunks) == 0 {
		return append(b, 0, 0)
	}
	for i, c := range chunks {
		n := uint64(len(c.Data)) << 1
		if i+1 < len(chunks) {
			n |= 1
		}
		b = append(binary.AppendUvarint(b, n), c.Encoding)
		b = append(b, c.Data...)
	}
	return b
}

// nextChunk is the inverse of appendEntry, chunk by chunk.
func nextChunk(b []byte) (c Chunk, more bool, rest []byte, ok bool) {
	n, used := binary.Uvarint(b)
	if used <= 0 || used >= len(b) || n>>1 > uint64(len(b)-used-1) {
		return c, false, nil, false
	}
	at, size := used+1, int(n>>1)
	return Chunk{b[used], b[at : at+size : at+size]}, n&1 != 0, b[at+size:], true
}

// block is a block that is being read.
type block struct {
	seed       uint32
	first, end uint32 // its series; end is not in it

	head, body []byte // of the groups that follow
	groups     int
	groupEnd   uint32 // of the group that is open
	number     uint32 // of the next entry in it
	entries    []byte // from that on
}

// open begins to read a block.
func (b *block) open(value []byte, last uint32) error {
	first, a := binary.Uvarint(value)
	if a <= 0 || first > uint64(last) {
		return errBlock
	}
	groups, n := binary.Uvarint(value[a:])
	if n <= 0 || groups > uint64(len(value)) {
		return errBlock
	}
	at := a + n
	head := value[at:]
	for range 2 * groups {
		_, n := binary.Uvarint(value[at:])
		if n <= 0 {
			return errBlock
		}
		at += n
	}
	if len(value)-at < 4 || binary.LittleEndian.Uint32(value[at:]) != groupSum(b.seed, uint32(first), value[:at]) {
		return errBlock
	}
	b.first, b.end = uint32(first), last+1
	b.head, b.body, b.groups = head, value[at+4:], int(groups)
	b.number, b.groupEnd, b.entries = b.first, b.first, nil
	return nil
}

var errBlock = fmt.Errorf("%w: a block of chunks does not check", ErrDamaged)

// chunks visits those of a series that is not before the one that was read last.
func (b *block) chunks(n uint32, visit func(uint32, Chunk)) error {
	for n >= b.groupEnd {
		if err := b.nextGroup(n); err != nil {
			return err
		}
	}
	for b.number <= n {
		for more := true; more; {
			var c Chunk
			var ok bool
			if c, more, b.entries, ok = nextChunk(b.entries); !ok {
				return errBlock
			}
			if b.number == n && c.Encoding != 0 {
				visit(n, c)
			}
		}
		b.number++
	}
	return nil
}

// nextGroup goes to the next one, and checks it when the series is in it.
func (b *block) nextGroup(wanted uint32) error {
	if b.groups == 0 {
		return errBlock
	}
	count, a := binary.Uvarint(b.head)
	size, n := binary.Uvarint(b.head[max(a, 0):])
	if a <= 0 || n <= 0 || size < 4 || size > uint64(len(b.body)) || count == 0 || count > uint64(b.end-b.groupEnd) {
		return errBlock
	}
	first := b.groupEnd
	group := b.body[:size-4]
	sum := b.body[size-4 : size]
	b.head, b.body, b.groups = b.head[a+n:], b.body[size:], b.groups-1
	b.number, b.groupEnd, b.entries = first, first+uint32(count), group
	if wanted < b.groupEnd && binary.LittleEndian.Uint32(sum) != groupSum(b.seed, first, group) {
		return errBlock
	}
	return nil
}

// blockChunks visits the chunks of the numbered series of a window.
func blockChunks(blocks *bbolt.Bucket, start int64, numbers []uint32, visit func(uint32, Chunk)) error {
	b := block{seed: blockSeed(start)}
	var cursor *bbolt.Cursor
	for _, n := range numbers {
		if cursor == nil || n < b.number || n >= b.end {
			if cursor == nil {
				cursor = blocks.Cursor()
			}
			key, value := cursor.Seek(seriesKey(n)) // a block's key is its last series
			if len(key) != 4 {
				return fmt.Errorf("window %d: %w: series %d is missing", start, ErrDamaged, n)
			}
			if err := b.open(value, binary.BigEndian.Uint32(key)); err != nil {
				return fmt.Errorf("window %d, series %d: %w", start, n, err)
			}
			if n < b.first {
				return fmt.Errorf("window %d: %w: series %d is missing", start, ErrDamaged, n)
			}
		}
		if err := b.chunks(n, visit); err != nil {
			return fmt.Errorf("window %d, series %d: %w", start, n, err)
		}
	}
	return nil
}
