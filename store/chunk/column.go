package chunk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/prometheus/prometheus/model/value"
)

// The second byte of a column.
const (
	columnWidth byte = 0x3f // bits per integer; columnWidth itself stands for 64
	columnBase  byte = 0x40 // a base follows
	columnShift byte = 0x80 // a shift follows
)

// The first byte of a patch.
const (
	patchAt      byte = 0x3f // the position in the block
	patchSpecial byte = 0x40 // the patch is a whole float, else what the packed integer lacks
	patchMore    byte = 0x80 // another patch follows
)

// appendColumn writes the integers x, of which the one before was prev. Positions in odd are floats
// of their own, in raw. It completes the block's head at dst[head].
func appendColumn(dst []byte, head int, x []int64, prev int64, odd uint64, raw *buffer) []byte {
	var u [blockLen]uint64
	c, patched := plan(&u, x, prev)
	if c.differences {
		dst[head] |= headDifferences
	}
	at := len(dst)
	dst = append(dst, byte(min(c.width, uint(columnWidth))))
	if c.base != 0 {
		dst[at] |= columnBase
		dst = binary.AppendVarint(dst, c.base)
	}
	if c.shift != 0 {
		dst[at] |= columnShift
		dst = append(dst, byte(c.shift))
	}
	dst = pack(dst, u[:len(x)], c.width)
	last := -1
	if patched {
		for i, v := range u[:len(x)] {
			if rest := int64(v) >> c.width; rest != 0 {
				last = len(dst)
				dst = binary.AppendVarint(append(dst, byte(i)|patchMore), rest)
			}
		}
	}
	for ; odd != 0; odd &= odd - 1 {
		i := bits.TrailingZeros64(odd)
		last = len(dst)
		dst = binary.AppendUvarint(append(dst, byte(i)|patchMore|patchSpecial), raw[i]^value.StaleNaN)
	}
	if last >= 0 {
		dst[last] &^= patchMore
		dst[head] |= headPatches
	}
	return dst
}

// pack appends the lowest bits of each integer, the first in the lowest bits of the first byte.
func pack(dst []byte, u []uint64, width uint) []byte {
	if width == 0 {
		return dst
	}
	mask := ^uint64(0) >> (64 - width)
	var word uint64
	var fill uint
	for _, v := range u {
		v &= mask
		word |= v << fill
		if fill += width; fill >= 64 {
			dst = binary.LittleEndian.AppendUint64(dst, word)
			fill -= 64
			word = v >> (width - fill)
		}
	}
	for ; fill > 0; fill -= min(fill, 8) {
		dst = append(dst, byte(word))
		word >>= 8
	}
	return dst
}

// unpack is the inverse of pack.
func unpack(x []int64, data []byte, width uint) (rest []byte, err error) {
	if width == 0 {
		clear(x)
		return data, nil
	}
	size := (len(x)*int(width) + 7) / 8
	if len(data) < size {
		return nil, errShort
	}
	const slack = 9 // bytes read at once
	packed := data
	if len(data) < size+slack {
		var room [blockLen*8 + slack]byte
		copy(room[:], data[:size])
		packed = room[:]
	}
	mask := ^uint64(0) >> (64 - width)
	if width <= 57 {
		for i, at := 0, uint(0); i < len(x); i, at = i+1, at+width {
			o := at / 8
			x[i] = int64(binary.LittleEndian.Uint64(packed[o:o+8]) >> (at % 8) & mask)
		}
		return data[size:], nil
	}
	for i, at := 0, uint(0); i < len(x); i, at = i+1, at+width {
		low, high := binary.LittleEndian.Uint64(packed[at/8:]), uint64(packed[at/8+8])
		x[i] = int64((low>>(at%8) | high<<(64-at%8)) & mask)
	}
	return data[size:], nil
}

// readColumn is the inverse of appendColumn but for its special patches, which follow in rest if
// special is set.
func readColumn(data []byte, head byte, x []int64, prev int64) (rest []byte, special bool, err error) {
	if len(data) == 0 {
		return nil, false, errShort
	}
	flags, data := data[0], data[1:]
	width, shift, base := uint(flags&columnWidth), uint(0), int64(0)
	if width == uint(columnWidth) {
		width = 64
	}
	if flags&columnBase != 0 {
		var k int
		if base, k = binary.Varint(data); k <= 0 {
			return nil, false, errShort
		}
		data = data[k:]
	}
	if flags&columnShift != 0 {
		if len(data) == 0 {
			return nil, false, errShort
		}
		shift, data = uint(data[0]), data[1:]
		if shift > 63 {
			return nil, false, fmt.Errorf("a shift of %d bits", shift)
		}
	}
	if data, err = unpack(x, data, width); err != nil {
		return nil, false, err
	}
	if head&headPatches != 0 {
		if data, special, err = readPatches(data, x, width); err != nil {
			return nil, false, err
		}
	}
	base <<= shift
	if head&headDifferences == 0 {
		for i, v := range x {
			x[i] = prev + base + v<<(shift&63)
		}
		return data, special, nil
	}
	for i, v := range x {
		prev += base + v<<(shift&63) // which is shift, and the compiler knows that it is below 64
		x[i] = prev
	}
	return data, special, nil
}

// readPatches adds to x what did not fit the width. It stops at the first special patch.
func readPatches(data []byte, x []int64, width uint) (rest []byte, special bool, err error) {
	for more := true; more; {
		if len(data) == 0 {
			return nil, false, errShort
		}
		flags := data[0]
		if flags&patchSpecial != 0 {
			return data, true, nil
		}
		at := int(flags & patchAt)
		if at >= len(x) {
			return nil, false, errPatch
		}
		v, k := binary.Varint(data[1:])
		if k <= 0 {
			return nil, false, errShort
		}
		x[at] += v << width
		data, more = data[1+k:], flags&patchMore != 0
	}
	return data, false, nil
}

var errPatch = errors.New("a patch lies outside its block")

// readSpecials puts floats of their own in their places.
func readSpecials(data []byte, vs []float64) (rest []byte, err error) {
	for more := true; more; {
		if len(data) == 0 {
			return nil, errShort
		}
		flags := data[0]
		at := int(flags & patchAt)
		if at >= len(vs) || flags&patchSpecial == 0 {
			return nil, errPatch
		}
		b, k := binary.Uvarint(data[1:])
		if k <= 0 {
			return nil, errShort
		}
		vs[at] = math.Float64frombits(b ^ value.StaleNaN)
		data, more = data[1+k:], flags&patchMore != 0
	}
	return data, nil
}
