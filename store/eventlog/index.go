package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	indexVersion = 1
	// maxKinds bounds the table of kinds: they are a handful of words unless somebody makes them up.
	maxKinds = 64
	// The filter has so many bits for each key and is at most half full: a name that is not there is
	// taken for known in at most one of 16 cases, a text, which has many keys, next to never.
	nameProbes    = 4
	gramProbes    = 2
	minFilterBits = 1 << 9
	maxFilterBits = 1 << 23
)

// ErrDamaged is what a block or an index that is not what it should be fails with.
var ErrDamaged = errors.New("damaged events")

// Index sums up a block: when its events happened, what kinds of which severities there are, and a
// Bloom filter of its sources, of its entities and all that they are under, and of what its texts in
// lower case consist of. It may hold what is not there, and never lacks what is.
type Index struct {
	rows        int
	first, last int64             // instants, Unix nanoseconds
	kinds       map[string]uint64 // bits of the severities of each kind; nil when there are too many
	filter      []uint64          // a power of two of words
}

// newIndex sums up events, which come in the order of time.
func newIndex(list []model.Event) *Index {
	x := &Index{rows: len(list), first: math.MaxInt64, last: math.MinInt64, kinds: map[string]uint64{}}
	size := min(max(len(list)*256, minFilterBits), maxFilterBits)
	x.filter = make([]uint64, 1<<bits.Len(uint(size-1))/64)
	var buf []byte
	entities := map[string]bool{}
	for i := range list {
		e := &list[i]
		x.first, x.last = min(x.first, nanos(e.Time)), max(x.last, nanos(e.Time))
		if x.kinds != nil {
			x.kinds[e.Kind] |= severityBit(e.Severity)
		}
		if len(x.kinds) > maxKinds {
			x.kinds = nil
		}
		x.set(sourceKey(e.Source))
		if !entities[e.Entity] {
			entities[e.Entity] = true
			x.set(entityKey(e.Entity))
			for k := range len(e.Entity) {
				if e.Entity[k] == '/' {
					x.set(prefixKey(e.Entity[:k+1]))
				}
			}
		}
		for _, text := range []string{e.Title, e.Text} {
			buf = fold(buf, text)
			eachGram(buf, x.set)
		}
	}
	x.shrink()
	return x
}

// shrink halves the filter while it stays at most half full: a key's bit is its hash modulo the size.
func (x *Index) shrink() {
	for half := len(x.filter) / 2; half*64 >= minFilterBits; half /= 2 {
		full := 0
		for i := range half {
			full += bits.OnesCount64(x.filter[i] | x.filter[i+half])
		}
		if full > half*64/2 {
			break
		}
		for i := range half {
			x.filter[i] |= x.filter[i+half]
		}
		x.filter = x.filter[:half]
	}
	x.filter = slices.Clone(x.filter)
}

// Rows is the number of events.
func (x *Index) Rows() int { return x.rows }

// may reports whether there can be an event that q wants, not older than oldest.
func (x *Index) may(q *query, oldest int64) bool {
	if x.rows == 0 || x.last < max(q.since, oldest) || x.first > q.until {
		return false
	}
	if x.kinds != nil {
		found := x.kinds[q.kind]
		if q.kind == "" {
			for _, severities := range x.kinds {
				found |= severities
			}
		}
		if found&q.severities == 0 {
			return false
		}
	}
	for _, key := range q.keys {
		if !x.has(key) {
			return false
		}
	}
	return true
}

func (x *Index) set(key key) {
	mask := uint64(len(x.filter)*64 - 1)
	for range key.probes {
		x.filter[key.hash&mask/64] |= 1 << (key.hash & 63)
		key.hash = bits.RotateLeft64(key.hash, 23) * 0x9E3779B97F4A7C15
	}
}

func (x *Index) has(key key) bool {
	mask := uint64(len(x.filter)*64 - 1)
	for range key.probes {
		if x.filter[key.hash&mask/64]&(1<<(key.hash&63)) == 0 {
			return false
		}
		key.hash = bits.RotateLeft64(key.hash, 23) * 0x9E3779B97F4A7C15
	}
	return true
}

// encode writes the index: version byte, uvarint rows, first and last instant as varints, uvarint
// kinds + 1 (0 = too many) with the bits of each, then the filter's words, little endian.
func (x *Index) encode() []byte {
	b := binary.AppendUvarint([]byte{indexVersion}, uint64(x.rows))
	b = binary.AppendVarint(b, x.first)
	b = binary.AppendVarint(b, x.last)
	if x.kinds == nil {
		b = append(b, 0)
	} else {
		b = binary.AppendUvarint(b, uint64(len(x.kinds)+1))
		for _, kind := range slices.Sorted(maps.Keys(x.kinds)) {
			b = binary.AppendUvarint(appendString(b, kind), x.kinds[kind])
		}
	}
	for _, word := range x.filter {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	return b
}

// DecodeIndex reads what Encode made. It fails with ErrDamaged.
func DecodeIndex(b []byte) (*Index, error) {
	r := reader{b: b}
	if version := r.byte(); version != indexVersion {
		return nil, fmt.Errorf("%w: the index has version %d, want %d", ErrDamaged, version, indexVersion)
	}
	x := &Index{rows: int(min(r.uvarint(), math.MaxInt32)), first: r.varint(), last: r.varint()}
	if n := r.uvarint(); n > maxKinds+1 {
		return nil, fmt.Errorf("%w: the index has %d kinds", ErrDamaged, n-1)
	} else if n > 0 {
		x.kinds = make(map[string]uint64, n-1)
		for range n - 1 {
			kind := strings.Clone(r.string())
			x.kinds[kind] = r.uvarint()
		}
	}
	words := len(r.b) / 8
	if r.err != nil || len(r.b)%8 != 0 || words == 0 || bits.OnesCount(uint(words)) != 1 {
		return nil, fmt.Errorf("%w: the index is cut short", ErrDamaged)
	}
	x.filter = make([]uint64, words)
	for i := range x.filter {
		x.filter[i] = binary.LittleEndian.Uint64(r.b[8*i:])
	}
	return x, nil
}

// Bytes is what the index takes in memory, about.
func (x *Index) Bytes() int { return 200 + 8*len(x.filter) + 64*len(x.kinds) }

// key is what the filter knows of. What kind of thing it stands for is in its hash.
type key struct {
	hash   uint64
	probes int
}

func sourceKey(s string) key { return key{hash('s', s), nameProbes} }
func entityKey(s string) key { return key{hash('e', s), nameProbes} }
func prefixKey(s string) key { return key{hash('/', s), nameProbes} }

// eachGram visits the keys of all three bytes in a row, and of all five: three tell words from each
// other, but not addresses and other numbers. A text of fewer has none: it may be anywhere.
func eachGram(folded []byte, visit func(key)) {
	gram := uint64(0)
	for i, c := range folded {
		gram = gram<<8 | uint64(c)
		if i >= 2 {
			visit(key{mix(gram&0xFFFFFF | 3<<56), gramProbes})
		}
		if i >= 4 {
			visit(key{mix(gram&0xFFFFFFFFFF | 5<<56), gramProbes})
		}
	}
}

// hash is FNV-1a, mixed. It is stored on disk by what it sets: never change it.
func hash(of byte, s string) uint64 {
	h := (uint64(14695981039346656037) ^ uint64(of)) * 1099511628211
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// mix is the finalizer of SplitMix64.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xBF58476D1CE4E5B9
	h = (h ^ h>>27) * 0x94D049BB133111EB
	return h ^ h>>31
}
