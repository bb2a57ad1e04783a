package chunk

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

// FuzzDifferences holds that any bits come back as they were, in at most nine bytes each.
func FuzzDifferences(f *testing.F) {
	of := func(values ...float64) (out []byte) {
		for _, v := range values {
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
		}
		return out
	}
	f.Add(uint64(0), of(0, 1, 1, 2, 1e9, 1e9+15, math.Inf(1), math.NaN(), -0.1, math.Copysign(0, -1)))
	f.Add(math.Float64bits(3.7), of(3.7, 3.8, math.MaxFloat64, math.SmallestNonzeroFloat64))
	f.Add(^uint64(0), of())
	f.Fuzz(func(t *testing.T, before uint64, data []byte) {
		var values []uint64
		var d differences
		last := before
		for ; len(data) >= 8; data = data[8:] {
			v := binary.LittleEndian.Uint64(data)
			size := len(d)
			if d = d.with(v ^ last); len(d) > size+9 || v == last && len(d) != size+1 {
				t.Fatalf("%x after %x takes %d bytes", v, last, len(d)-size)
			}
			values, last = append(values, v), v
		}
		got := make([]uint64, len(values))
		d.read(got, before)
		if !slices.Equal(got, values) {
			t.Errorf("%x, want %x", got, values)
		}
	})
}
