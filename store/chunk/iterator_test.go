package chunk_test

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/chunk"
)

// op is a sample as the fuzzer changes it: 16 bytes.
func op(s sample) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(s.t)), math.Float64bits(s.v))
}

// samplesOf turns bytes into samples whose times rise: a time that does not is one step after the last.
func samplesOf(ops []byte) (out []sample) {
	for ; len(ops) >= 16; ops = ops[16:] {
		s := sample{int64(binary.BigEndian.Uint64(ops)), math.Float64frombits(binary.BigEndian.Uint64(ops[8:]))}
		if n := len(out); n > 0 && s.t <= out[n-1].t {
			if out[n-1].t > math.MaxInt64-every {
				break
			}
			s.t = out[n-1].t + every
		}
		out = append(out, s)
	}
	return out
}

// Old files hold XOR chunks.
func TestReadXOR(t *testing.T) {
	for _, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			data := xorOf(t, s.samples).Bytes()
			want, err := drained(xorOf(t, s.samples).Iterator(nil))
			if err != nil {
				t.Fatal(err)
			}
			got, err := read(chunk.XOR, data)
			if err != nil {
				t.Fatal(err)
			}
			if d := diff(want, got); d != "" {
				t.Error(d)
			}
			if n, _, _, err := chunk.Check(chunk.XOR, data); err != nil || n != len(want) {
				t.Errorf("check: %d samples, %v", n, err)
			}
		})
	}
}

func drained(it chunkenc.Iterator) (out []sample, err error) {
	for it.Next() != chunkenc.ValNone {
		t, v := it.At()
		out = append(out, sample{t, v})
	}
	return out, it.Err()
}

// Block gives what Next gives, also where both are used by turns.
func TestBlock(t *testing.T) {
	for _, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			data := deltaOf(s.samples).Bytes()
			for _, steps := range []int{0, 1, 63, 64, 100} {
				var it chunk.Iterator
				if err := it.Reset(chunk.Delta, data); err != nil {
					t.Fatal(err)
				}
				var got []sample
				for more := true; more; {
					for range steps {
						if it.Next() != chunkenc.ValNone {
							at, v := it.At()
							got = append(got, sample{at, v})
						}
					}
					ts, vs := it.Block()
					for i := range ts {
						got = append(got, sample{ts[i], vs[i]})
					}
					more = len(ts) > 0 || it.Next() != chunkenc.ValNone && func() bool {
						at, v := it.At()
						got = append(got, sample{at, v})
						return true
					}()
				}
				if it.Err() != nil {
					t.Fatal(it.Err())
				}
				if d := diff(s.samples, got); d != "" {
					t.Fatalf("after %d steps each: %s", steps, d)
				}
			}
		})
	}
}

func TestSeek(t *testing.T) {
	samples := offGrid(onGrid(300, 0, octets(seeded(1))), func(i int, t int64) int64 { return t + int64(i%7) })
	end := samples[len(samples)-1].t
	for name, data := range map[byte][]byte{chunk.Delta: deltaOf(samples).Bytes(), chunk.XOR: xorOf(t, samples).Bytes()} {
		var it chunk.Iterator
		for from := int64(start - 1); from <= end+1; from += 9_999 {
			for _, before := range []int{0, 1, 70} { // a few steps, and then the seek
				if err := it.Reset(name, data); err != nil {
					t.Fatal(err)
				}
				for range before {
					it.Next()
				}
				i := max(slices.IndexFunc(samples, func(s sample) bool { return s.t >= from }), before-1)
				got := it.Seek(from)
				if from > end {
					if got != chunkenc.ValNone || it.Next() != chunkenc.ValNone {
						t.Fatalf("there is a sample after the last")
					}
					continue
				}
				at, v := it.At()
				if got != chunkenc.ValFloat || (sample{at, v}) != samples[i] || it.AtT() != at {
					t.Fatalf("seek of %d after %d: %v at %d; want %v", from, before, v, at, samples[i])
				}
				if next := it.Next(); (next == chunkenc.ValFloat) != (i+1 < len(samples)) || next == chunkenc.ValFloat && it.AtT() != samples[i+1].t {
					t.Fatalf("after the seek of %d comes %d", from, it.AtT())
				}
			}
		}
	}
}

// An iterator is used again and again: for nothing.
func TestNoAllocations(t *testing.T) {
	for _, s := range shapes() {
		xor, delta := xorOf(t, s.samples).Bytes(), deltaOf(s.samples).Bytes()
		it := new(chunk.Iterator)
		allocs := testing.AllocsPerRun(5, func() {
			for _, c := range []struct {
				encoding byte
				data     []byte
			}{{chunk.Delta, delta}, {chunk.XOR, xor}} {
				if err := it.Reset(c.encoding, c.data); err != nil {
					t.Fatal(err)
				}
				n := 0
				for it.Next() != chunkenc.ValNone {
					n++
				}
				if n != len(s.samples) {
					t.Fatalf("%s: %d samples", s.name, n)
				}
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %g allocations", s.name, allocs)
		}
	}
}

func TestDamage(t *testing.T) {
	good := deltaOf(onGrid(200, 0, sometimes(math.Pi, 40, sensor(seeded(1))))).Bytes()
	jitter := deltaOf(offGrid(onGrid(64, 0, constant), func(i int, t int64) int64 { return t + int64(i%3) })).Bytes()
	header := []byte{1, 2, 0, 20} // two samples from 0, step 10
	with := func(tail ...byte) []byte { return append(slices.Clone(header), tail...) }
	for _, tt := range []struct {
		name     string
		encoding byte
		data     []byte
		want     string
	}{
		{"no bytes", chunk.Delta, nil, "cut short"},
		{"newer version", chunk.Delta, []byte{2, 1, 0, 0}, "newer version"},
		{"newer encoding", 77, good, "newer version"},
		{"rollup", chunk.Rollup, good, "holds no samples"},
		{"XOR without bytes", chunk.XOR, nil, "cut short"},
		{"XOR without samples", chunk.XOR, []byte{0, 0}, "without samples"},
		{"XOR that ends early", chunk.XOR, []byte{0, 9, 2}, "damaged chunk"},
		{"no samples", chunk.Delta, []byte{1, 0, 0, 0, 0}, "0 samples"},
		{"more samples than any bytes hold", chunk.Delta, []byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 20, 0, 0}, "damaged"},
		{"a count without end", chunk.Delta, []byte{1, 0xff, 0xff}, "cut short"},
		{"no first time", chunk.Delta, []byte{1, 1}, "cut short"},
		{"no step", chunk.Delta, []byte{1, 1, 0}, "cut short"},
		{"bytes behind", chunk.Delta, append(slices.Clone(good), 0), "1 bytes follow"},
		{"fine", chunk.Delta, with(0), ""},
		{"a head of nothing", chunk.Delta, with(0x10), "unknown block"},
		{"no form", chunk.Delta, with(0x02), "cut short"},
		{"no base", chunk.Delta, with(0x02, 0x40), "cut short"},
		{"no shift", chunk.Delta, with(0x02, 0x80), "cut short"},
		{"a shift too far", chunk.Delta, with(0x02, 0x80, 64), "64 bits"},
		{"no integers", chunk.Delta, with(0x02, 0x3f, 1, 2, 3), "cut short"},
		{"no patches", chunk.Delta, with(0x0a, 0), "cut short"},
		{"half a patch", chunk.Delta, with(0x0a, 0, 1), "cut short"},
		{"patch outside", chunk.Delta, with(0x0a, 0, 2, 2), "outside"},
		{"float outside", chunk.Delta, with(0x0a, 0, 0x42, 2), "outside"},
		{"half a float", chunk.Delta, with(0x0a, 0, 0x41), "cut short"},
		{"integer behind float", chunk.Delta, with(0x0a, 0, 0xc0, 2, 1, 2), "outside"},
		{"no times", chunk.Delta, with(0x01), "cut short"},
		{"times of a scale", chunk.Delta, with(0x01, 0x12, 0), "unknown column"},
		{"times without a step", chunk.Delta, with(0x01, 0x03), "cut short"},
		{"times of NaN", chunk.Delta, with(0x01, 0x0a, 0, 0x40, 0), "no integer"},
		{"times that fall", chunk.Delta, with(0x01, 0x03, 23, 0), "do not rise"}, // a step of -2
		{"step of none", chunk.Delta, []byte{1, 2, 0, 0, 0}, "do not rise"},
		{"time that falls between blocks", chunk.Delta, append(append([]byte{1, 66}, header[2:]...), 0, 0x01, 0x02, 0x40, 127), "do not rise"},
		{"jitter", chunk.Delta, jitter, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, _, _, err := chunk.Check(tt.encoding, tt.data)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%d samples, %v; want %q", n, err, tt.want)
			}
			if _, read := read(tt.encoding, tt.data); tt.want != "without samples" && (err == nil) != (read == nil) {
				t.Errorf("check says %v, but reading %v", err, read)
			}
		})
	}
	for n := range good {
		if _, _, _, err := chunk.Check(chunk.Delta, good[:n]); err == nil {
			t.Errorf("a chunk cut to %d of %d bytes is fine", n, len(good))
		}
	}
}

// FuzzRead reads foreign bytes: they are refused, or they are samples whose times rise, however they
// are read; and those survive being packed anew.
func FuzzRead(f *testing.F) {
	for _, s := range shapes() {
		samples := s.samples[:min(len(s.samples), 150)]
		f.Add(chunk.Delta, deltaOf(samples).Bytes(), int64(start))
		f.Add(chunk.XOR, xorOf(f, samples).Bytes(), int64(start))
	}
	f.Fuzz(func(t *testing.T, encoding byte, data []byte, at int64) {
		if len(data) > 1<<12 {
			return // what is larger is only slower
		}
		n, minT, maxT, err := chunk.Check(encoding, data)
		got, readErr := read(encoding, data)
		if (err == nil) != (readErr == nil && n > 0) || n != len(got) {
			t.Fatalf("check: %d samples, %v; reading: %d, %v", n, err, len(got), readErr)
		}
		if n == 0 {
			return
		}
		if minT != got[0].t || maxT != got[n-1].t || n > 64*len(data) {
			t.Fatalf("%d samples from %d to %d in %d bytes", n, minT, maxT, len(data))
		}
		if !slices.IsSortedFunc(got, func(a, b sample) int {
			if a.t < b.t {
				return -1
			}
			return 1
		}) {
			t.Fatal("times do not rise")
		}
		var it chunk.Iterator
		if err := it.Reset(encoding, data); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(got, func(s sample) bool { return s.t >= at })
		if found := it.Seek(at); (found == chunkenc.ValFloat) != (i >= 0) || i >= 0 && it.AtT() != got[i].t {
			t.Fatalf("seek of %d is at %d, not sample %d", at, it.AtT(), i)
		}
		again, err := read(chunk.Delta, deltaOf(got).Bytes())
		if d := diff(got, again); d != "" || err != nil {
			t.Fatal(err, d)
		}
	})
}
