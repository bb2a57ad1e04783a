package bolt

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type stored struct {
	key, value []byte
}

func blocksOf(t testing.TB, start int64, list [][]Chunk) []stored {
	t.Helper()
	var out []stored
	w := newBlockWriter(start, func(key, value []byte) error {
		out = append(out, stored{key, value})
		return nil
	})
	for _, chunks := range list {
		if err := w.add(chunks); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	return out
}

// What is packed comes out again, whatever the lengths, and blocks are filled but never too long.
func TestBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, tc := range []struct {
		name        string
		series, max int
	}{{"none", 0, 1}, {"one", 1, 10}, {"tiny", 5000, 3}, {"rollups", 3000, 200}, {"samples", 300, 2000}, {"large", 20, 20_000}, {"larger than a block", 5, 100_000}} {
		t.Run(tc.name, func(t *testing.T) {
			list := make([][]Chunk, tc.series)
			for i := range list {
				for range r.IntN(3) {
					c := Chunk{Encoding: byte(1 + r.IntN(3)), Data: make([]byte, r.IntN(tc.max+1))}
					for k := range c.Data {
						c.Data[k] = byte(r.Uint32())
					}
					list[i] = append(list[i], c)
				}
			}
			got := make([][]Chunk, tc.series)
			blocks := blocksOf(t, 7200_000, list)
			n, full := uint32(0), 0
			for i, b := range blocks {
				if len(b.value) > blockSize && tc.max < 10_000 {
					t.Errorf("block %d has %d bytes", i, len(b.value))
				}
				if len(b.value) > blockSize-4096 {
					full++
				}
				open := block{seed: blockSeed(7200_000)}
				last := binary.BigEndian.Uint32(b.key)
				if err := open.open(b.value, last); err != nil || open.first != n {
					t.Fatalf("block %d begins with %d, want %d: %v", i, open.first, n, err)
				}
				for ; n <= last; n++ {
					if err := open.chunks(n, func(n uint32, c Chunk) { got[n] = append(got[n], c) }); err != nil {
						t.Fatalf("series %d: %v", n, err)
					}
				}
			}
			if int(n) != tc.series || tc.max < 10_000 && full < len(blocks)-1 {
				t.Errorf("%d series in %d blocks of which %d are full", n, len(blocks), full)
			}
			for i := range list {
				if len(list[i]) == 0 {
					list[i] = nil
				}
			}
			if diff := cmp.Diff(list, got, cmp.Comparer(bytes.Equal)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A flipped byte is noticed by whoever reads what it belongs to; a block of another window is, too.
func TestBlockDamage(t *testing.T) {
	list := [][]Chunk{}
	for i := range 60 {
		list = append(list, []Chunk{{2, bytes.Repeat([]byte{byte(i)}, 100)}})
	}
	b := blocksOf(t, 0, list)[0]
	read := func(start int64, value []byte) (same, wrong int, failed bool) {
		for n := range uint32(60) {
			open := block{seed: blockSeed(start)}
			err := open.open(value, 59)
			if err == nil {
				err = open.chunks(n, func(n uint32, c Chunk) {
					if c.Encoding == 2 && bytes.Equal(c.Data, list[n][0].Data) {
						same++
					} else {
						wrong++
					}
				})
			}
			failed = failed || err != nil
		}
		return same, wrong, failed
	}
	if same, wrong, failed := read(0, b.value); same != 60 || wrong > 0 || failed {
		t.Fatal(same, wrong, failed)
	}
	if same, wrong, failed := read(7200_000, b.value); same+wrong > 0 || !failed {
		t.Error("the block of another window is read", same, wrong, failed)
	}
	for at := range b.value {
		broken := bytes.Clone(b.value)
		broken[at] ^= 0x10
		if same, wrong, failed := read(0, broken); wrong > 0 || same == 60 || !failed {
			t.Errorf("byte %d: %d right, %d wrong, noticed: %v", at, same, wrong, failed)
		}
	}
}

func FuzzBlock(f *testing.F) {
	list := [][]Chunk{{{1, []byte("abc")}}, {}, {{2, []byte("de")}, {3, nil}}}
	f.Add(blocksOf(f, 0, list)[0].value, uint32(2), uint32(2))
	f.Fuzz(func(t *testing.T, value []byte, last, wanted uint32) {
		read := func(b *block) {
			n := 0
			if err := b.chunks(wanted, func(_ uint32, c Chunk) { n += len(c.Data) }); err == nil && n > len(value) {
				t.Errorf("%d bytes of chunks in a block of %d", n, len(value))
			}
		}
		b := block{seed: blockSeed(0)}
		if b.open(value, last) == nil && wanted >= b.first && wanted <= last {
			read(&b)
		}
		// The same behind the checksums.
		read(&block{groupEnd: wanted + 1, entries: value})
		read(&block{end: last, groups: len(value), head: value, body: value})
	})
}
