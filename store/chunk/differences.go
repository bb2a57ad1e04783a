package chunk

import (
	"encoding/binary"
	"math/bits"
)

// differences are numbers of an open block, its values or how late its times are: of each, the bits in which it
// differs from the one before. A number takes a byte, of which the lower three bits are how many zero bytes its
// difference ends in and the rest how many bytes of it follow; then these, the lowest first. So what repeats takes one
// byte, a counter three or four, and a float with all its digits eight or nine.
type differences []byte

// longestDifference is a byte and all eight of a value.
const longestDifference = 9

// with appends the difference of a value.
func (d differences) with(x uint64) differences {
	if len(d)+longestDifference > cap(d) {
		d = d.grown()
	}
	if x == 0 {
		return append(d, 0)
	}
	zeros := bits.TrailingZeros64(x) / 8
	x >>= 8 * zeros
	size := (bits.Len64(x) + 7) / 8
	d = append(d, byte(size<<3|zeros))
	return binary.LittleEndian.AppendUint64(d, x)[:len(d)+size]
}

// grown is d with room for a value and a quarter more, no more than a block can need: there is one for each series
// that moves. Go's own sizes of memory are multiples of 32 here.
func (d differences) grown() differences {
	need := len(d) + longestDifference
	return append(make(differences, 0, max(need, min((need+need/4+31)&^31, blockLen*longestDifference))), d...)
}

// read sets values to those that d holds, of which before is the one before the first. Eight bytes can be read
// wherever with has written: what is behind d then is masked.
func (d differences) read(values []uint64, before uint64) {
	for i := range values {
		size := uint(d[0] >> 3)
		if size > 0 {
			x := binary.LittleEndian.Uint64(d[1:9]) & (1<<(8*size) - 1)
			before ^= x << (8 * (d[0] & 7))
		}
		values[i], d = before, d[1+size:]
	}
}

// lateness is how much later than in step the times of an open block are, in milliseconds.
type lateness struct {
	differences
	last int64
}

func (l *lateness) add(late int64) {
	l.differences = l.with(uint64(late ^ l.last))
	l.last = late
}
