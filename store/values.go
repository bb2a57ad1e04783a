package store

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// column packs one value of each of many series, each against the series' last one: per value half a
// byte that says how it is told, and as many bytes as it takes, little-endian.
//
//	0      the same bits again
//	1..7   an integer that differs from an integer: n bytes of the zigzag difference
//	8..15  anything else: the highest n-7 bytes of its bits, XORed with the last one's
type column struct {
	codes []byte // two values a byte, the first in the low half
	data  []byte
	n     int
}

func (c *column) reset() { c.codes, c.data, c.n = c.codes[:0], c.data[:0], 0 }

func (c *column) append(last, v float64) {
	code, u := packValue(last, v)
	if c.n&1 == 0 {
		c.codes = append(c.codes, code)
	} else {
		c.codes[c.n>>1] |= code << 4
	}
	c.n++
	if code > 0 {
		c.data = binary.LittleEndian.AppendUint64(c.data, u)
		c.data = c.data[:len(c.data)-8+codeBytes(code)]
	}
}

func codeBytes(code byte) int {
	if code < 8 {
		return int(code)
	}
	return int(code) - 7
}

func packValue(last, v float64) (code byte, u uint64) {
	x := math.Float64bits(v) ^ math.Float64bits(last)
	if x == 0 {
		return 0, 0
	}
	if isInteger(v) && isInteger(last) {
		d := int64(v) - int64(last)
		u = uint64(d<<1) ^ uint64(d>>63)
		return byte((bits.Len64(u) + 7) / 8), u
	}
	zeros := bits.TrailingZeros64(x) / 8
	return byte(15 - zeros), x >> (8 * zeros)
}

// columnReader is the inverse of column. Bytes that are missing read as the same value again.
type columnReader struct {
	codes, data []byte
	i           int
	short       bool // the data ended before the values did
}

// newColumnReader takes the n values at the start of b.
func newColumnReader(b []byte, n int) (c columnReader, ok bool) {
	size := (n + 1) / 2
	if n < 0 || size > len(b) {
		return c, false
	}
	return columnReader{codes: b[:size], data: b[size:]}, true
}

// next returns the next value of a series whose last one is given. It is called at most n times.
func (c *columnReader) next(last float64) float64 {
	code := c.codes[c.i>>1] >> (c.i & 1 * 4) & 15
	c.i++
	if code == 0 {
		return last
	}
	size := codeBytes(code)
	var u uint64
	switch {
	case len(c.data) >= 8:
		u = binary.LittleEndian.Uint64(c.data) & (math.MaxUint64 >> (64 - 8*size))
	case len(c.data) >= size:
		var b [8]byte
		copy(b[:], c.data[:size])
		u = binary.LittleEndian.Uint64(b[:])
	default:
		c.short = true
		return last
	}
	c.data = c.data[size:]
	if code < 8 {
		return float64(int64(last) + (int64(u>>1) ^ -int64(u&1)))
	}
	return math.Float64frombits(math.Float64bits(last) ^ u<<(64-8*size))
}

// isInteger is true for what survives the way through int64 bit by bit, well within its range.
func isInteger(f float64) bool {
	return f > -1<<53 && f < 1<<53 && math.Float64bits(float64(int64(f))) == math.Float64bits(f)
}
