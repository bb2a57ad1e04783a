package chunk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// Iterator reads chunks of samples of every encoding, one after the other. It implements
// chunkenc.Iterator. It unpacks a block at a time; Next is a step within that.
type Iterator struct {
	ts    [blockLen]int64
	vs    [blockLen]float64
	at, n uint // the current sample, and how many there are in this block

	encoding byte
	data     []byte // Delta: the blocks that are not yet unpacked
	left     int    // Delta: and their samples
	state
	started bool // a sample was read: the next must be later
	err     error

	chunk chunkenc.XORChunk
	xor   chunkenc.Iterator
}

var _ chunkenc.Iterator = (*Iterator)(nil)

// Reset begins another chunk. Data must not change while it is read. It fails for an encoding that
// does not hold samples or is unknown, and for a damaged header; damage further on ends the samples,
// and Err reports it.
func (it *Iterator) Reset(encoding byte, data []byte) error {
	it.at, it.n, it.left, it.data, it.started = math.MaxUint, 0, 0, nil, false
	it.encoding, it.err = encoding, nil
	switch encoding {
	case XOR:
		if len(data) < 2 {
			it.err = fmt.Errorf("XOR chunk of %d bytes: %w", len(data), errShort)
			break
		}
		it.chunk.Reset(data)
		it.xor = it.chunk.Iterator(it.xor)
	case Delta:
		it.err = it.begin(data)
	default:
		it.err = fmt.Errorf("chunk of encoding %d: it holds no samples that this version reads; was it written by a newer version?", encoding)
	}
	return it.err
}

// begin reads the header of a Delta chunk.
func (it *Iterator) begin(data []byte) error {
	if len(data) == 0 {
		return fmt.Errorf("chunk without bytes: %w", errShort)
	}
	if data[0] != version {
		return fmt.Errorf("chunk of version %d: only version %d is known; was it written by a newer version?", data[0], version)
	}
	data = data[1:]
	n, k := binary.Uvarint(data)
	if k <= 0 {
		return fmt.Errorf("chunk's header: %w", errShort)
	}
	data = data[k:]
	first, k := binary.Varint(data)
	if k <= 0 {
		return fmt.Errorf("chunk's header: %w", errShort)
	}
	data = data[k:]
	step, k := binary.Varint(data)
	if k <= 0 {
		return fmt.Errorf("chunk's header: %w", errShort)
	}
	data = data[k:]
	if n == 0 || n > blockLen*uint64(len(data)) { // a block has a byte at least
		return fmt.Errorf("chunk of %d bytes says that it has %d samples: it is damaged", len(data), n)
	}
	it.data, it.left = data, int(n)
	it.state = state{t: first - step, step: step}
	return nil
}

// next unpacks the next block. It reports false at the end.
func (it *Iterator) next() bool {
	if it.err != nil {
		return false
	}
	last, n := it.ts[(it.n-1)%blockLen], 0
	switch {
	case it.encoding == XOR:
		n, it.err = it.readXOR()
	case it.left > 0:
		n = min(it.left, blockLen)
		it.data, it.err = readBlock(it.data, &it.state, &it.ts, &it.vs, n)
		if it.left -= n; it.err == nil && it.left == 0 && len(it.data) > 0 {
			it.err = fmt.Errorf("%d bytes follow its last sample", len(it.data))
		}
	}
	if it.err == nil && n > 0 && it.started && it.ts[0] <= last {
		it.err = errFall
	}
	if it.err != nil {
		it.err = fmt.Errorf("damaged chunk: %w", it.err)
		return false
	}
	if n == 0 {
		return false
	}
	it.at, it.n, it.started = 0, uint(n), true
	return true
}

// readXOR reads as many samples as a block has.
func (it *Iterator) readXOR() (n int, err error) {
	for n < blockLen && it.xor.Next() != chunkenc.ValNone {
		it.ts[n], it.vs[n] = it.xor.At()
		n++
	}
	if n == 0 {
		return 0, it.xor.Err()
	}
	if !rise(it.ts[:n]) {
		return 0, errFall
	}
	return n, nil
}

// Next goes on to the next sample.
func (it *Iterator) Next() chunkenc.ValueType {
	if it.at++; it.at < it.n {
		return chunkenc.ValFloat
	}
	if !it.next() {
		it.at = it.n - 1 // stays on the last sample
		return chunkenc.ValNone
	}
	return chunkenc.ValFloat
}

// unixMilli is a moment in Unix milliseconds. (Under its own name, so that go vet does not take Seek
// for io.Seeker's.)
type unixMilli = int64

// Seek goes on to the first sample at or after t, unless it stands on one.
func (it *Iterator) Seek(t unixMilli) chunkenc.ValueType {
	if it.err != nil || it.at >= it.n && it.Next() == chunkenc.ValNone {
		return chunkenc.ValNone
	}
	for it.ts[it.n-1] < t {
		it.at = it.n - 1
		if it.Next() == chunkenc.ValNone {
			return chunkenc.ValNone
		}
	}
	for it.ts[it.at] < t {
		it.at++
	}
	return chunkenc.ValFloat
}

// Block is for those who want many samples at a time: it returns all that follow the current sample
// in its block, or else the samples of the next block, and stands on the last of them. The times are
// in milliseconds; both slices have the same length, and hold until the iterator moves on. They are
// empty at the end, when Err says whether there should have been more.
func (it *Iterator) Block() (ts []int64, vs []float64) {
	from := it.at + 1
	if from >= it.n {
		if !it.next() {
			it.at = it.n - 1
			return nil, nil
		}
		from = 0
	}
	it.at = it.n - 1
	return it.ts[from:it.n], it.vs[from:it.n]
}

// At is the current sample. Indexes are taken modulo the block, which spares a test for each sample.
func (it *Iterator) At() (t int64, v float64) {
	return it.ts[it.at%blockLen], it.vs[it.at%blockLen]
}

// AtT is the current time.
func (it *Iterator) AtT() int64 { return it.ts[it.at%blockLen] }

// AtST is 0: start times are not kept.
func (*Iterator) AtST() int64 { return 0 }

// AtHistogram is never called: there are no histograms.
func (it *Iterator) AtHistogram(*histogram.Histogram) (int64, *histogram.Histogram) {
	return it.AtT(), nil
}

// AtFloatHistogram is never called: there are no histograms.
func (it *Iterator) AtFloatHistogram(*histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	return it.AtT(), nil
}

// Err is why the samples ended early, nil when they did not.
func (it *Iterator) Err() error { return it.err }

// Check reads all of a chunk and returns how many samples it has, and the time of the first and the
// last in milliseconds. It fails for a chunk that cannot be read to its end, or that has none.
func Check(encoding byte, data []byte) (n int, minT, maxT int64, err error) {
	var it Iterator
	if err := it.Reset(encoding, data); err != nil {
		return 0, 0, 0, err
	}
	for ts, _ := it.Block(); len(ts) > 0; ts, _ = it.Block() {
		if n == 0 {
			minT = ts[0]
		}
		n, maxT = n+len(ts), ts[len(ts)-1]
	}
	if it.err == nil && n == 0 {
		it.err = errors.New("chunk without samples")
	}
	return n, minT, maxT, it.err
}
