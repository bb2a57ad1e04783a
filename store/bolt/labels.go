package bolt

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

// encodeLabels stores label sets: the number of symbols, each symbol with its length, the number of
// sets, and per set the number of labels and two symbol numbers for each. All numbers are uvarints.
func encodeLabels(sets []labels.Labels) []byte {
	numbers := map[string]uint64{}
	for _, ls := range sets {
		ls.Range(func(l labels.Label) { numbers[l.Name], numbers[l.Value] = 0, 0 })
	}
	symbols := make([]string, 0, len(numbers))
	for s := range numbers {
		symbols = append(symbols, s)
	}
	slices.Sort(symbols)
	b := binary.AppendUvarint(nil, uint64(len(symbols)))
	for i, s := range symbols {
		numbers[s] = uint64(i)
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	b = binary.AppendUvarint(b, uint64(len(sets)))
	for _, ls := range sets {
		b = binary.AppendUvarint(b, uint64(ls.Len()))
		ls.Range(func(l labels.Label) {
			b = binary.AppendUvarint(binary.AppendUvarint(b, numbers[l.Name]), numbers[l.Value])
		})
	}
	return b
}

// decodeLabels is the inverse of encodeLabels.
func decodeLabels(b []byte) ([]labels.Labels, error) {
	bad := false
	number := func(limit uint64) int {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > limit {
			bad = true
			return 0
		}
		b = b[n:]
		return int(v)
	}
	symbols := make([]string, number(uint64(len(b)))) // each takes a byte at least
	for i := range symbols {
		n := number(uint64(len(b)))
		if bad || n > len(b) {
			return nil, fmt.Errorf("%w: label symbols are cut short", ErrDamaged)
		}
		symbols[i] = string(b[:n])
		b = b[n:]
	}
	sets := make([]labels.Labels, number(uint64(len(b))))
	builder := labels.NewScratchBuilder(16)
	for i := range sets {
		builder.Reset()
		for range number(uint64(len(b))) {
			name, val := number(uint64(len(symbols))), number(uint64(len(symbols)))
			if bad || name >= len(symbols) || val >= len(symbols) {
				return nil, fmt.Errorf("%w: label sets are cut short", ErrDamaged)
			}
			builder.Add(symbols[name], symbols[val])
		}
		builder.Sort()
		sets[i] = builder.Labels()
	}
	if bad {
		return nil, fmt.Errorf("%w: label sets are cut short", ErrDamaged)
	}
	return sets, nil
}

// indexKey names an index by its content.
func indexKey(plain []byte) []byte {
	sum := sha256.Sum256(plain)
	return sum[:16]
}
