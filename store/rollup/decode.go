package rollup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

var errShort = errors.New("a rollup is cut short")

// columns are the buckets of a packed window, column by column: those of the first n with samples.
type columns struct {
	all   int // buckets
	n     int // of them, those with samples
	scale int
	empty uint64
	ended uint64

	bucket     [MaxBuckets]int64 // start of each, Unix milliseconds
	endT       [MaxBuckets]int64 // of those that ended
	firstT     int64
	first      float64
	wholeFirst int64

	t, count                       [MaxBuckets]int64
	last, drops, low, high, sum    [MaxBuckets]float64
	wholeLast, wholeLow, wholeHigh [MaxBuckets]int64
	scratch                        [MaxBuckets]int64
	data                           []byte // what is not read yet
	start, resolution              int64
}

// begin reads everything before the columns, and the columns of times and counts.
func (c *columns) begin(data []byte, start, resolution int64) error {
	c.data, c.start, c.resolution = data, start, resolution
	if len(data) == 0 || resolution <= 0 {
		return errShort
	}
	if c.scale = int(data[0]); c.scale > maxScale && c.scale != noScale {
		return fmt.Errorf("unknown rollup of scale %d: written by a newer version?", c.scale)
	}
	c.data = data[1:]
	var masks [3]uint64
	for i := range masks {
		var err error
		if masks[i], err = c.uvarint(); err != nil {
			return err
		}
	}
	present := masks[0]
	c.empty, c.ended = masks[1], masks[2]
	c.all = bits.OnesCount64(present)
	if bits.Len64(present) > MaxBuckets || bits.Len64(c.empty|c.ended) > c.all {
		return fmt.Errorf("a rollup claims the buckets %x, of them empty %x, ended %x", present, c.empty, c.ended)
	}
	for i := range c.all {
		c.bucket[i] = start + int64(bits.TrailingZeros64(present))*resolution
		present &= present - 1
	}
	for mask := c.ended; mask != 0; mask &= mask - 1 {
		offset, err := c.uvarint()
		if err != nil || offset >= uint64(resolution) {
			return errShort
		}
		i := bits.TrailingZeros64(mask)
		c.endT[i] = c.bucket[i] + int64(offset)
	}
	if c.n = c.all - bits.OnesCount64(c.empty); c.n == 0 {
		return nil
	}
	if err := c.readFirst(); err != nil {
		return err
	}
	return c.readTimes()
}

func (c *columns) readFirst() error {
	offset, err := c.uvarint()
	if err != nil || offset >= uint64(MaxBuckets*c.resolution) {
		return errShort
	}
	c.firstT = c.start + int64(offset)
	if c.scale != noScale {
		n, used := binary.Varint(c.data)
		if used <= 0 {
			return errShort
		}
		c.data = c.data[used:]
		c.wholeFirst, c.first = n, float64(n)/powers[c.scale]
		return nil
	}
	if len(c.data) < 8 {
		return errShort
	}
	c.first = math.Float64frombits(binary.LittleEndian.Uint64(c.data))
	c.data = c.data[8:]
	return nil
}

// readTimes reads the columns of times and counts.
func (c *columns) readTimes() error {
	if _, err := c.wholes(c.t[:c.n]); err != nil {
		return err
	}
	if _, err := c.wholes(c.count[:c.n]); err != nil {
		return err
	}
	i := 0
	for k := range c.all {
		if c.empty&(1<<k) != 0 {
			continue
		}
		if c.t[i] < 0 || c.t[i] >= c.resolution || c.count[i] <= 0 {
			return fmt.Errorf("a bucket of a rollup has %d samples to the millisecond %d", c.count[i], c.t[i])
		}
		c.t[i] += c.bucket[k]
		if c.ended&(1<<k) != 0 && c.endT[k] <= c.t[i] {
			return errors.New("a bucket of a rollup ends before its last sample")
		}
		i++
	}
	if c.firstT > c.t[0] || c.t[0]-c.firstT >= c.resolution {
		return errors.New("the first sample of a rollup is not in its first bucket")
	}
	return nil
}

func (c *columns) uvarint() (uint64, error) {
	v, used := binary.Uvarint(c.data)
	if used <= 0 {
		return 0, errShort
	}
	c.data = c.data[used:]
	return v, nil
}

// wholes reads a column of whole differences. Its head says which prediction they lack.
func (c *columns) wholes(out []int64) (head byte, err error) {
	if len(c.data) == 0 {
		return 0, errShort
	}
	head = c.data[0]
	low, used := binary.Varint(c.data[1:])
	if used <= 0 || head >= columnFloats {
		return 0, errShort
	}
	c.data = c.data[1+used:]
	width := int(head & widthMask)
	size := (len(out)*width + 7) / 8
	if size > len(c.data) {
		return 0, errShort
	}
	b := c.data[:size]
	c.data = c.data[size:]
	if width == 0 {
		for i := range out {
			out[i] = low
		}
		return head, nil
	}
	mask := uint64(1)<<width - 1
	for i := range out {
		at := i * width
		shift := at & 7
		if from := at >> 3; from+8 <= len(b) {
			word := binary.LittleEndian.Uint64(b[from:]) >> shift
			if shift+width > 64 {
				word |= uint64(b[from+8]) << (64 - shift)
			}
			out[i] = low + int64(word&mask)
		} else {
			var tail [16]byte
			copy(tail[:], b[from:])
			word := binary.LittleEndian.Uint64(tail[:])>>shift | uint64(tail[8])<<(64-shift)
			out[i] = low + int64(word&mask)
		}
	}
	return head, nil
}

// floats reads a column of float64 bits. Predicted may be out itself.
func (c *columns) floats(out, predicted []float64) error {
	if len(c.data) == 0 {
		return errShort
	}
	head := c.data[0]
	c.data = c.data[1:]
	if head == columnSame {
		copy(out, predicted)
		return nil
	}
	if head != columnFloats {
		return fmt.Errorf("unknown column %#x of a rollup: written by a newer version?", head)
	}
	for i := range out {
		x, err := c.xored()
		if err != nil {
			return err
		}
		out[i] = math.Float64frombits(x ^ math.Float64bits(predicted[i]))
	}
	return nil
}

// xored reads the difference of one float64's bits to its prediction's.
func (c *columns) xored() (uint64, error) {
	if len(c.data) == 0 {
		return 0, errShort
	}
	lead, trail := int(c.data[0]>>4), int(c.data[0]&15)
	size := 8 - lead - trail
	if size < 0 || size > len(c.data)-1 {
		return 0, errShort
	}
	var x uint64
	for i := size; i > 0; i-- {
		x = x<<8 | uint64(c.data[i])
	}
	c.data = c.data[1+size:]
	return x << (8 * trail), nil
}

var zeros [MaxBuckets]float64

// readLast reads the column of last values.
func (c *columns) readLast() error {
	n := c.n
	if c.scale == noScale {
		return c.chained(c.last[:n])
	}
	if _, err := c.wholes(c.wholeLast[:n]); err != nil {
		return err
	}
	before := c.wholeFirst
	for i := range n {
		before += c.wholeLast[i]
		c.wholeLast[i] = before
		c.last[i] = float64(before) / powers[c.scale]
	}
	return nil
}

// chained reads float64 bits, each predicted to be the one before.
func (c *columns) chained(out []float64) error {
	if len(c.data) == 0 {
		return errShort
	}
	head := c.data[0]
	c.data = c.data[1:]
	if head != columnSame && head != columnFloats {
		return fmt.Errorf("unknown column %#x of a rollup: written by a newer version?", head)
	}
	before := math.Float64bits(c.first)
	for i := range out {
		if head == columnFloats {
			x, err := c.xored()
			if err != nil {
				return err
			}
			before ^= x
		}
		out[i] = math.Float64frombits(before)
	}
	return nil
}

// readSums reads a column of sums, given two guesses of each.
func (c *columns) readSums(out []float64, guess func(i int) (int64, int64)) error {
	if len(c.data) > 0 && c.data[0] >= columnFloats {
		return c.floats(out, zeros[:c.n])
	}
	if c.scale == noScale {
		return errShort
	}
	diff := c.scratch[:c.n]
	head, err := c.wholes(diff)
	if err != nil {
		return err
	}
	for i, d := range diff {
		first, second := guess(i)
		if head&otherGuess != 0 {
			first = second
		}
		out[i] = float64(first+d) / powers[c.scale]
	}
	return nil
}

func (c *columns) readDrops() error {
	return c.readSums(c.drops[:c.n], func(int) (int64, int64) { return 0, 0 })
}

// readExtrema reads the columns of lowest and highest values, after those of last ones and drops.
func (c *columns) readExtrema() error {
	n := c.n
	if c.scale == noScale {
		return errors.Join(c.floats(c.low[:n], c.last[:n]), c.floats(c.high[:n], c.last[:n]))
	}
	head, err := c.wholes(c.wholeLow[:n])
	if err == nil {
		_, err = c.wholes(c.wholeHigh[:n])
	}
	if err != nil {
		return err
	}
	before := c.wholeFirst
	for i := range n {
		if head&otherGuess != 0 {
			c.wholeLow[i] += before
		} else {
			c.wholeLow[i] = c.wholeLast[i] - c.wholeLow[i]
		}
		before = c.wholeLast[i]
		c.wholeHigh[i] += c.wholeLast[i]
		c.low[i] = float64(c.wholeLow[i]) / powers[c.scale]
		c.high[i] = float64(c.wholeHigh[i]) / powers[c.scale]
	}
	return nil
}

func (c *columns) readSum() error {
	return c.readSums(c.sum[:c.n], func(i int) (int64, int64) {
		return guessSum(c.count[i], c.wholeLast[i], c.wholeLow[i], c.wholeHigh[i])
	})
}

// read reads the columns up to one.
func (c *columns) read(upTo Column) error {
	if c.n == 0 || upTo == Count {
		return nil
	}
	if err := c.readLast(); err != nil || upTo == Last {
		return err
	}
	if err := c.readDrops(); err != nil || upTo == Counter {
		return err
	}
	if err := c.readExtrema(); err != nil || upTo == Min || upTo == Max {
		return err
	}
	return c.readSum()
}

// Decode unpacks what Append packed, all of it, into w. It allocates for MaxBuckets buckets at most.
func Decode(data []byte, start, resolution int64, w *Window) error {
	var c columns
	if err := c.begin(data, start, resolution); err != nil {
		return err
	}
	if err := c.read(Sum); err != nil {
		return err
	}
	if len(c.data) > 0 {
		return fmt.Errorf("%d bytes lie behind a rollup", len(c.data))
	}
	*w = Window{Buckets: w.Buckets[:0]}
	if c.n > 0 {
		w.FirstT, w.First = c.firstT, c.first
	}
	i := 0
	for k := range c.all {
		b := Bucket{}
		if c.ended&(1<<k) != 0 {
			b.Ended, b.EndT = true, c.endT[k]
		}
		if c.empty&(1<<k) == 0 {
			b.T, b.Count, b.Last, b.Drops = c.t[i], c.count[i], c.last[i], c.drops[i]
			b.Min, b.Max, b.Sum = c.low[i], c.high[i], c.sum[i]
			i++
		} else if !b.Ended {
			return errors.New("a bucket of a rollup has neither samples nor an end")
		}
		w.Buckets = append(w.Buckets, b)
	}
	return nil
}
