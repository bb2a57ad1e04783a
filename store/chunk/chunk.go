package chunk

import (
	"encoding/binary"
	"math"
)

// The encodings of a chunk. Their numbers are stored on disk: append only.
const (
	XOR    byte = 1 // an XOR chunk of Prometheus' tsdb/chunkenc
	Delta  byte = 2 // blocks of integers, see the package's documentation
	Rollup byte = 3 // buckets of a tier, see package rollup
)

// version is the first byte of a Delta chunk.
const version byte = 1

// Chunk is a chunk that grows. The zero value is empty. It is not safe for concurrent use and must
// not be copied once it is in use, but what Bytes returned stays as it is.
//
// The samples of the last, open block wait beside the packed ones. A series that stays as it is, sampled on
// its grid, needs no memory for them: while all values of the block are one and the times keep step,
// values and times are nil. The very first sample may be off the grid: a source is asked at once when
// the wall starts, and in step from then on.
type Chunk struct {
	packed []byte      // the full blocks, after first time and step
	n      uint32      // samples, packed or not
	off    int32       // how much later than in step the first sample is, less than longestStep; 0 once it is packed
	state              // before the open block
	last   uint64      // bits of the last value; of all of the open block's while values is nil
	times  *lateness   // of the open block, where it is out of step
	values differences // of the open block, the first to the value before it
}

// longestStep bounds, in milliseconds, the pace that a source keeps.
const longestStep = 24 * 60 * 60 * 1000

// buffer holds the times or the values of a block.
type buffer [blockLen]uint64

// Append adds a sample. Times, in milliseconds, must rise; values may be any float, bit by bit.
func (c *Chunk) Append(t int64, v float64) {
	switch c.n {
	case 0:
		c.t = t
	case 1: // the first two samples set the pace
		first := c.t
		c.step = t - first
		c.t = first - c.step
	case 2: // or the second and the third, where the first was off the grid
		before := c.regular(1)
		if step := t - before; step != c.step && 0 < min(step, c.step) && max(step, c.step) < longestStep {
			first := c.regular(0)
			c.step = step
			c.t = before - 2*step
			c.off = int32(first - c.regular(0))
		}
	}
	i := int(c.n % blockLen)
	if c.times == nil && c.n > 0 && t != c.regular(i) {
		c.times = c.inStep(i)
	}
	if c.times != nil {
		c.times.add(t - c.regular(i))
	}
	switch b := math.Float64bits(v); {
	case i == 0:
		c.last = b
	case c.values != nil:
		c.values, c.last = c.values.with(b^c.last), b
	case b != c.last:
		c.values = c.repeated(i).with(b ^ c.last)
		c.last = b
	}
	c.n++
	if i == blockLen-1 {
		c.pack()
	}
}

// repeated begins differences with n times the last value.
func (c *Chunk) repeated(n int) differences {
	d := differences(nil).with(c.last ^ c.bits)
	for range n - 1 {
		d = d.with(0)
	}
	return d
}

// inStep is the lateness of the first n times of the open block, which kept step.
func (c *Chunk) inStep(n int) *lateness {
	late := new(lateness)
	for k := range n {
		if k == 0 {
			late.add(int64(c.off))
		} else {
			late.add(0)
		}
	}
	return late
}

// appendOpen appends the n samples of the open block.
func (c *Chunk) appendOpen(dst []byte, s *state, n int) []byte {
	var room [2]buffer
	var times, values *buffer
	if c.times != nil || c.off != 0 {
		times = &room[0]
		if c.times != nil {
			c.times.read(times[:n], 0)
		} else {
			times[0] = uint64(c.off)
		}
		for i := range n {
			times[i] += uint64(c.regular(i))
		}
	}
	if c.values != nil || c.last != c.bits {
		values = &room[1]
		if c.values != nil {
			c.values.read(values[:n], c.bits)
		} else {
			for i := range n {
				values[i] = c.last
			}
		}
	}
	return appendBlock(dst, s, times, values, n)
}

// pack moves the full open block to the packed ones.
func (c *Chunk) pack() {
	if c.packed == nil {
		c.packed = c.appendStart(nil)
	}
	c.packed = c.appendOpen(c.packed, &c.state, blockLen)
	c.off = 0
	c.times, c.values = nil, nil
}

// appendStart writes what stands before the first block.
func (c *Chunk) appendStart(dst []byte) []byte {
	first := c.t + c.step
	return binary.AppendVarint(binary.AppendVarint(dst, first), c.step)
}

// Len is the number of samples.
func (c *Chunk) Len() int { return int(c.n) }

// Encoding is how Bytes is to be read.
func (c *Chunk) Encoding() byte { return Delta }

// Size is an upper bound, in bytes, of what Bytes would return, for the price of an addition.
func (c *Chunk) Size() int {
	if c.n == 0 {
		return 0
	}
	size := 1 + 3*binary.MaxVarintLen64 + len(c.packed)
	if c.times != nil || c.values != nil || c.last != c.bits || c.off != 0 {
		size += maxBlockBytes
	}
	return size + 1
}

// Bytes returns all samples so far, as a copy; nil for none.
func (c *Chunk) Bytes() []byte {
	if c.n == 0 {
		return nil
	}
	// The header and the open block are put together beside, so that the copy has its exact size.
	var head [1 + 3*binary.MaxVarintLen64]byte
	h := binary.AppendUvarint(append(head[:0], version), uint64(c.n))
	if c.packed == nil {
		h = c.appendStart(h)
	}
	var room [maxBlockBytes]byte
	tail := room[:0]
	if open := int(c.n % blockLen); open > 0 {
		s := c.state
		tail = c.appendOpen(tail, &s, open)
	}
	out := make([]byte, 0, len(h)+len(c.packed)+len(tail))
	return append(append(append(out, h...), c.packed...), tail...)
}
