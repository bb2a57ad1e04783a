package chunk

import (
	"math"
	"math/bits"
)

// column is how a block of integers is packed.
type column struct {
	differences bool
	shift       uint  // all are multiples of 1 << shift
	base        int64 // what is packed is what lies above it
	width       uint  // in so many bits each; the rest of larger ones is patched
}

// plan chooses how to pack x and fills u with what is to be packed. It reports whether some of u need
// more than the width.
func plan(u *[blockLen]uint64, x []int64, prev int64) (c column, patched bool) {
	n := len(x)
	var ones uint64
	before := prev
	for i, v := range x {
		d := uint64(v - before)
		before = v
		u[i%blockLen] = d
		ones |= d
	}
	if c.differences = steady(x); !c.differences {
		for i, v := range x {
			u[i%blockLen] = uint64(v - prev)
		}
	}
	if ones == 0 {
		return c, false
	}
	if shift := uint(bits.TrailingZeros64(ones)); shift*uint(n) > 16 {
		c.shift = shift
	}
	least, second, third, most := int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MinInt64)
	falls := 0
	for i, d := range u[:n] {
		v := int64(d) >> (c.shift & 63)
		u[i] = uint64(v)
		most = max(most, v)
		falls -= int(v >> 63)
		if v < third {
			third = max(v, second)
			if v < second {
				second = max(v, least)
				least = min(v, least)
			}
		}
	}
	c.base = least
	var cost int
	c.width, cost = width(u[:n], least)
	// A higher base leaves sudden falls to patches: two, or of differences a few.
	low := third
	if c.differences && third < 0 && falls <= n/4 {
		low = 0
	}
	if n > 8 && uint64(low-least)>>(max(c.width, 2)-2) != 0 { // it is worth a try
		if w, less := width(u[:n], low); less < cost {
			c.base, c.width = low, w
		}
	}
	if least >= 0 && c.width < 64 && most>>c.width == 0 {
		c.base = 0 // it would save no bit
	}
	var rest uint64
	for i := range u[:n] {
		u[i] -= uint64(c.base)
		rest |= uint64(int64(u[i]) >> c.width)
	}
	return c, rest != 0 && c.width < 64
}

// steady says whether differences are smaller than offsets from a middle. They are judged by the bits
// they have in sum: a few large ones, which will be patched, weigh little in that. A third of a block
// tells enough.
func steady(x []int64) bool {
	n := len(x)
	middle := median(x[0], x[n/2], x[n-1])
	var offsets, differences int
	for i := 1; i < n; i += 3 {
		offsets += bits.Len64(magnitude(x[i] - middle))
		differences += bits.Len64(magnitude(x[i] - x[i-1]))
	}
	return differences+n/16 < offsets // noise has larger differences than offsets, though this may not tell
}

// width finds the bits per integer above base for which packed integers and patches are smallest, and
// how many bytes that takes.
func width(u []uint64, base int64) (best uint, cost int) {
	var above, below [65]uint8 // how many need so many bits, by the side of the base
	longest, deepest, patches := 0, -1, 0
	for _, v := range u {
		d := int64(v) - base
		if d < 0 {
			l := bits.Len64(uint64(^d))
			below[l]++
			deepest = max(deepest, l)
			patches++
			continue
		}
		l := bits.Len64(uint64(d))
		above[l]++
		longest = max(longest, l)
	}
	best, cost = 64, 8*len(u)
	for w := longest; w >= 0 && patches <= len(u)/4; w-- {
		sum := (len(u)*w + 7) / 8
		for l := w + 1; l <= longest; l++ {
			sum += int(above[l]) * patchBytes(l-w)
		}
		for l := range deepest + 1 {
			sum += int(below[l]) * patchBytes(max(l-w, 0))
		}
		if sum < cost {
			best, cost = uint(w), sum
		}
		patches += int(above[w])
	}
	if best >= uint(columnWidth) {
		best = 64
	}
	return best, cost
}

// patchBytes is the size of a patch of so many bits: a position, and a varint with a sign.
func patchBytes(n int) int { return 2 + n/7 }

func median(a, b, c int64) int64 { return max(min(a, b), min(max(a, b), c)) }

func magnitude(v int64) uint64 { return uint64(max(v, -v)) }
