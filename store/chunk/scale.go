package chunk

import (
	"math"
	"math/bits"
	"slices"
)

// The scales at which a value is taken for an integer: below floatBits, the value times that power of
// ten; at floatBits, the order of all floats.
const floatBits byte = 15

var powers = [floatBits]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14}

// Magnitudes stay below these: of whole numbers as far as integers reach on every machine, of other
// decimals as far as they are that rather than any float which happens to lie near one.
const (
	maxWhole   = 1 << 62
	maxDecimal = 1 << 48
)

// toInteger converts a value. If ok, toFloat gives the same bits again; else the integer is near, or 0
// where none is. Chunks on disk build on it: for any value it must stay the same, on every machine.
func toInteger(v float64, scale byte) (x int64, ok bool) {
	switch scale {
	case 0:
		if !(math.Abs(v) < maxWhole) { // or NaN
			return 0, false
		}
		x = int64(v)
		return x, math.Float64bits(float64(x)) == math.Float64bits(v)
	case floatBits:
		return inOrder(int64(math.Float64bits(v))), true
	}
	scaled := v * powers[scale]
	if !(math.Abs(scaled) < maxDecimal) {
		return 0, false
	}
	x = int64(math.RoundToEven(scaled))
	return x, math.Float64bits(float64(x)/powers[scale]) == math.Float64bits(v)
}

// toFloat is the inverse of toInteger. A quotient of two exact numbers is the float nearest to the
// decimal, which is how the decimal was read in the first place; a product with 0.01 would not be.
func toFloat(x int64, scale byte) float64 {
	switch scale {
	case 0:
		return float64(x)
	case floatBits:
		return math.Float64frombits(uint64(inOrder(x)))
	}
	return float64(x) / powers[scale]
}

// toFloats is toFloat of a block.
func toFloats(vs []float64, xs []int64, scale byte) {
	vs = vs[:len(xs)]
	switch scale {
	case 0:
		for i, x := range xs {
			vs[i] = float64(x)
		}
	case floatBits:
		for i, x := range xs {
			vs[i] = math.Float64frombits(uint64(inOrder(x)))
		}
	default:
		power := powers[scale]
		for i, x := range xs {
			vs[i] = float64(x) / power
		}
	}
}

// inOrder turns the bits of a float into an integer that sorts as the floats do, and back: floats
// keep a sign and a magnitude, integers count through zero.
func inOrder(b int64) int64 { return b ^ int64(uint64(b>>63)>>1) }

// integers converts a block at the lowest scale that suits it, but for the odd ones out, a set of
// positions. There, x goes evenly from the value before to the value after.
func integers(x *[blockLen]int64, values []uint64, before float64) (byte, uint64) {
	if whole(x, values) {
		return 0, 0
	}
	scale, odd, ok := floatBits, uint64(0), false
	for s := range floatBits {
		if odd, ok = decimals(x, values, s); ok {
			scale = s
			break
		}
	}
	if !ok {
		odd = floats(x, values)
	}
	if odd != 0 {
		prev, _ := toInteger(before, scale)
		bridge(x[:len(values)], odd, prev)
	} else if ok && scale > 0 && binaryFractions(x[:len(values)], values) {
		scale = floatBits
	}
	return scale, odd
}

// whole is decimals at scale 0 for the usual block, of which every value fits.
func whole(x *[blockLen]int64, values []uint64) bool {
	for i, b := range values {
		v := math.Float64frombits(b)
		n := int64(v)
		if !(math.Abs(v) < maxWhole) || math.Float64bits(float64(n)) != b {
			return false
		}
		x[i%blockLen] = n
	}
	return true
}

// decimals converts a block at a scale below floatBits. It is not ok when more than a few values do
// not fit, or half of them when they are special.
func decimals(x *[blockLen]int64, values []uint64, scale byte) (odd uint64, ok bool) {
	few, half := (len(values)+13)/16, len(values)/2
	for i, b := range values {
		v := math.Float64frombits(b)
		n, fits := toInteger(v, scale)
		if x[i] = n; fits {
			continue
		}
		odd |= 1 << i
		if special(v) {
			half--
		} else {
			few--
		}
		if few < 0 || half < 0 {
			return 0, false
		}
	}
	return odd, true
}

// floats converts a block at floatBits. Special values are odd unless most are.
func floats(x *[blockLen]int64, values []uint64) (odd uint64) {
	for i, b := range values {
		x[i] = inOrder(int64(b))
		if special(math.Float64frombits(b)) {
			odd |= 1 << i
		}
	}
	if bits.OnesCount64(odd) > len(values)/2 {
		return 0
	}
	return odd
}

// binaryFractions converts the values to the order of floats if they are shorter as that, as halves or
// sixteenths are: many sensors count in them. Such floats end in many zeros.
func binaryFractions(x []int64, values []uint64) bool {
	var y [blockLen]int64
	var ones uint64
	for i, b := range values {
		y[i] = inOrder(int64(b))
		ones |= uint64(y[i] - y[0])
		if ones<<32 != 0 {
			return false
		}
	}
	shorter := span(y[:len(x)])>>bits.TrailingZeros64(ones) < span(x)
	if shorter {
		copy(x, y[:])
	}
	return shorter
}

// span is how far the least and the greatest are apart.
func span(x []int64) uint64 { return uint64(slices.Max(x) - slices.Min(x)) }

// special says whether no decimal is v: NaN, infinite, minus zero.
func special(v float64) bool {
	return math.IsNaN(v) || math.IsInf(v, 0) || v == 0 && math.Signbit(v)
}

// bridge fills the positions in odd so that neither offsets nor differences stand out.
func bridge(x []int64, odd uint64, prev int64) {
	for odd != 0 {
		i := bits.TrailingZeros64(odd)
		k := bits.TrailingZeros64(^(odd >> i)) // so many in a row
		odd &^= (1<<k - 1) << i
		if i > 0 {
			prev = x[i-1]
		}
		next := prev
		if i+k < len(x) {
			next = x[i+k]
		}
		stride := (next - prev) / int64(k+1)
		for j := range k {
			x[i+j] = prev + stride*int64(j+1)
		}
	}
}
