package rollup

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// A packed window is, all varints being those of encoding/binary:
//
//	scale      byte: values are whole numbers times 10^-scale, or noScale
//	present    uvarint: bit n is set when the window has bucket n
//	empty      uvarint: of the present ones, bit i is set when bucket i has no sample
//	ended      uvarint: of the present ones, bit i is set when bucket i ends in a staleness marker
//	endings    uvarint per ended bucket: milliseconds from the bucket's start to the marker
//	first      when any bucket has samples: uvarint milliseconds from the window's start to the first sample, and
//	           its value: varint of the whole number, or 8 bytes little endian without a scale
//	columns    of the buckets with samples: time, count, last, drops, min, max, sum
//
// A column begins with a byte. From 0 to 127 it holds whole numbers: each is what a prediction from the
// columns before lacks, its bits 0 to 5 are the width w of such a difference, bit 6 tells which of two
// predictions was nearer; the varint of the lowest difference follows, then w bits for each of the others above
// it, lowest bits first, in whole bytes. With columnFloats it holds float64 bits, each XORed with its prediction's: a
// byte with the numbers of leading and trailing zero bytes, and the bytes between. With columnSame all are as predicted.
const (
	noScale      = 0xff
	maxScale     = 9
	otherGuess   = 0x40
	widthMask    = 0x3f
	columnFloats = 0x80
	columnSame   = 0x81

	maxWhole = 1 << 53 // whole numbers above are not told apart by a float64
	maxGuess = 1 << 61 // keeps the difference of a sum to its guess within 63 bits
	nearly   = 1e-12   // how far a sum may be off the whole number that it would be without rounding
)

var powers = [maxScale + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// whole returns v as a whole number times 10^-scale, when it is one exactly.
func whole(v float64, scale int) (int64, bool) {
	n := math.Round(v * powers[scale])
	if !(math.Abs(n) < maxWhole) || n/powers[scale] != v || v == 0 && math.Signbit(v) {
		return 0, false
	}
	return int64(n), true
}

// nearlyWhole is whole for a sum of such numbers: what it is off by the rounding of each addition is put right.
func nearlyWhole(v float64, scale int) (int64, bool) {
	n := math.Round(v * powers[scale])
	if !(math.Abs(n) < maxWhole) || math.Abs(n-v*powers[scale]) > nearly*math.Abs(n)+nearly {
		return 0, false
	}
	return int64(n), true
}

// scale finds the scale at which all values are whole.
func (w *Window) scale() int {
	scale, ok := 0, true
	fit := func(v float64) {
		for ok {
			if _, whole := whole(v, scale); whole {
				return
			}
			if scale++; scale > maxScale {
				ok = false
			}
		}
	}
	fit(w.First)
	for i := range w.Buckets {
		if b := &w.Buckets[i]; b.Count > 0 {
			fit(b.Last)
			fit(b.Min)
			fit(b.Max)
		}
	}
	if !ok {
		return noScale
	}
	return scale
}

// Append packs the window at start, Unix milliseconds, whose buckets are so many milliseconds long, onto dst.
func (w *Window) Append(dst []byte, start, resolution int64) []byte {
	var present, empty, ended uint64
	var full []*Bucket
	for i := range w.Buckets {
		b := &w.Buckets[i]
		at := b.T
		if b.Count == 0 {
			at = b.EndT
			empty |= 1 << i
		} else {
			full = append(full, b)
		}
		if b.Ended {
			ended |= 1 << i
		}
		present |= 1 << ((at - start) / resolution)
	}
	scale := noScale
	if len(full) > 0 {
		scale = w.scale()
	}
	dst = append(dst, byte(scale))
	for _, mask := range []uint64{present, empty, ended} {
		dst = binary.AppendUvarint(dst, mask)
	}
	for i := range w.Buckets {
		if b := &w.Buckets[i]; b.Ended {
			dst = binary.AppendUvarint(dst, uint64((b.EndT-start)%resolution))
		}
	}
	if len(full) == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(w.FirstT-start))
	first, _ := whole(w.First, min(scale, maxScale))
	if scale == noScale {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(w.First))
	} else {
		dst = binary.AppendVarint(dst, first)
	}
	e := encoder{full: full, scale: scale, first: w.First, wholeFirst: first}
	return e.columns(dst, start, resolution)
}

// encoder packs the columns of the buckets that have samples.
type encoder struct {
	full              []*Bucket
	scale             int
	first             float64
	wholeFirst        int64
	diff, other       [MaxBuckets]int64
	last, low, high   [MaxBuckets]int64
	values, predicted [MaxBuckets]float64
}

func (e *encoder) columns(dst []byte, start, resolution int64) []byte {
	n := len(e.full)
	for i, b := range e.full {
		e.diff[i] = (b.T - start) % resolution
		e.other[i] = b.Count
	}
	dst = appendWhole(dst, e.diff[:n], nil)
	dst = appendWhole(dst, e.other[:n], nil)

	if e.scale == noScale {
		return e.floats(dst)
	}
	before := e.wholeFirst
	for i, b := range e.full {
		e.last[i], _ = whole(b.Last, e.scale)
		e.low[i], _ = whole(b.Min, e.scale)
		e.high[i], _ = whole(b.Max, e.scale)
		e.diff[i] = e.last[i] - before
		before = e.last[i]
	}
	dst = appendWhole(dst, e.diff[:n], nil)
	dst = e.nearlyColumn(dst, func(b *Bucket) float64 { return b.Drops }, func(int) (int64, int64) { return 0, 0 })
	before = e.wholeFirst
	for i := range n {
		e.diff[i], e.other[i] = e.last[i]-e.low[i], e.low[i]-before
		before = e.last[i]
	}
	dst = appendWhole(dst, e.diff[:n], e.other[:n])
	for i := range n {
		e.diff[i] = e.high[i] - e.last[i]
	}
	dst = appendWhole(dst, e.diff[:n], nil)
	return e.nearlyColumn(dst, func(b *Bucket) float64 { return b.Sum }, func(i int) (int64, int64) {
		return guessSum(e.full[i].Count, e.last[i], e.low[i], e.high[i])
	})
}

// guessSum guesses the sum of so many samples in two ways. What overflows does so in reading too.
func guessSum(count, last, low, high int64) (middle, steady int64) {
	return count * (low + high) / 2, count * last
}

// nearlyColumn packs sums of values: whole numbers if they are, else float64 bits.
func (e *encoder) nearlyColumn(dst []byte, value func(*Bucket) float64, guess func(int) (int64, int64)) []byte {
	n := len(e.full)
	for i, b := range e.full {
		v, ok := nearlyWhole(value(b), e.scale)
		if !ok || float64(b.Count)*max(math.Abs(b.Min), math.Abs(b.Max))*powers[e.scale] > maxGuess {
			for i, b := range e.full {
				e.values[i], e.predicted[i] = value(b), 0
			}
			return appendFloats(dst, e.values[:n], e.predicted[:n])
		}
		first, second := guess(i)
		e.diff[i], e.other[i] = v-first, v-second
	}
	return appendWhole(dst, e.diff[:n], e.other[:n])
}

// floats packs the columns of values that are no whole numbers on one scale.
func (e *encoder) floats(dst []byte) []byte {
	n := len(e.full)
	before := e.first
	for i, b := range e.full {
		e.values[i], e.predicted[i] = b.Last, before
		before = b.Last
	}
	dst = appendFloats(dst, e.values[:n], e.predicted[:n])
	for i, b := range e.full {
		e.values[i], e.predicted[i] = b.Drops, 0
	}
	dst = appendFloats(dst, e.values[:n], e.predicted[:n])
	for i, b := range e.full {
		e.values[i], e.predicted[i] = b.Min, b.Last
	}
	dst = appendFloats(dst, e.values[:n], e.predicted[:n])
	for i, b := range e.full {
		e.values[i] = b.Max
	}
	dst = appendFloats(dst, e.values[:n], e.predicted[:n])
	for i, b := range e.full {
		e.values[i], e.predicted[i] = b.Sum, 0
	}
	return appendFloats(dst, e.values[:n], e.predicted[:n])
}

// appendWhole packs a column of differences: those that need fewer bits, if there are others.
func appendWhole(dst []byte, diff, other []int64) []byte {
	low, width := rangeOf(diff)
	head := byte(0)
	if other != nil {
		if otherLow, otherWidth := rangeOf(other); otherWidth < width {
			low, width, diff, head = otherLow, otherWidth, other, otherGuess
		}
	}
	dst = binary.AppendVarint(append(dst, head|byte(width)), low)
	var word uint64
	used := 0
	for _, d := range diff {
		if width == 0 {
			break
		}
		v := uint64(d - low)
		word |= v << used
		if used += width; used < 64 {
			continue
		}
		dst = binary.LittleEndian.AppendUint64(dst, word)
		used -= 64
		word = v >> (width - used) // 0 when used is 0: a shift by the whole width or more
	}
	for ; used > 0; used -= 8 {
		dst = append(dst, byte(word))
		word >>= 8
	}
	return dst
}

// rangeOf returns the lowest number, and how many bits the others need above it. What whole lets through
// keeps all differences within 63 bits.
func rangeOf(list []int64) (low int64, width int) {
	low, high := list[0], list[0]
	for _, v := range list {
		low, high = min(low, v), max(high, v)
	}
	return low, bits.Len64(uint64(high - low))
}

func appendFloats(dst []byte, values, predicted []float64) []byte {
	same := true
	for i, v := range values {
		same = same && math.Float64bits(v) == math.Float64bits(predicted[i])
	}
	if same {
		return append(dst, columnSame)
	}
	dst = append(dst, columnFloats)
	for i, v := range values {
		x := math.Float64bits(v) ^ math.Float64bits(predicted[i])
		lead, trail := 8, 0
		if x != 0 {
			lead, trail = bits.LeadingZeros64(x)/8, bits.TrailingZeros64(x)/8
		}
		dst = append(dst, byte(lead<<4|trail))
		x >>= 8 * trail
		for range 8 - lead - trail {
			dst = append(dst, byte(x))
			x >>= 8
		}
	}
	return dst
}
