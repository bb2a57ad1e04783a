package chunk_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/chunk"
)

var update = flag.Bool("update", false, "write the golden files anew")

// same compares floats bit by bit: NaN has many.
func same(a, b sample) bool {
	return a.t == b.t && math.Float64bits(a.v) == math.Float64bits(b.v)
}

// diff is what differs between series, "" for nothing. It is called often, and cmp is slow.
func diff(want, got []sample) string {
	if slices.EqualFunc(want, got, same) {
		return ""
	}
	return cmp.Diff(want, got, cmp.Comparer(same))
}

func deltaOf(samples []sample) *chunk.Chunk {
	c := new(chunk.Chunk)
	for _, s := range samples {
		c.Append(s.t, s.v)
	}
	return c
}

func xorOf(tb testing.TB, samples []sample) *chunkenc.XORChunk {
	tb.Helper()
	c := chunkenc.NewXORChunk()
	app, err := c.Appender()
	if err != nil {
		tb.Fatal(err)
	}
	for _, s := range samples {
		app.Append(0, s.t, s.v)
	}
	return c
}

// read reads a chunk sample by sample.
func read(encoding byte, data []byte) ([]sample, error) {
	var it chunk.Iterator
	if err := it.Reset(encoding, data); err != nil {
		return nil, err
	}
	var out []sample
	for it.Next() == chunkenc.ValFloat {
		t, v := it.At()
		out = append(out, sample{t, v})
	}
	return out, it.Err()
}

func TestRoundTrip(t *testing.T) {
	for _, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			c := deltaOf(s.samples)
			data := c.Bytes()
			if c.Len() != len(s.samples) || c.Encoding() != chunk.Delta {
				t.Errorf("%d samples in encoding %d", c.Len(), c.Encoding())
			}
			got, err := read(chunk.Delta, data)
			if err != nil {
				t.Fatal(err)
			}
			if d := diff(s.samples, got); d != "" {
				t.Error(d)
			}
			if float64(len(data)) > s.most {
				t.Errorf("%d bytes, %.3f a sample; at most %g", len(data), float64(len(data))/float64(len(s.samples)), s.most)
			}
			if len(data) > c.Size() {
				t.Errorf("%d bytes are more than the bound of %d", len(data), c.Size())
			}
			n, minT, maxT, err := chunk.Check(chunk.Delta, data)
			if first, last := s.samples[0].t, s.samples[len(s.samples)-1].t; err != nil || n != len(s.samples) || minT != first || maxT != last {
				t.Errorf("check: %d samples from %d to %d, %v; want %d from %d to %d", n, minT, maxT, err, len(s.samples), first, last)
			}
		})
	}
}

// A chunk is asked for its bytes after each sample, and what it gave stays as it is.
func TestGrowth(t *testing.T) {
	for _, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			samples := s.samples[:min(len(s.samples), 200)]
			var c chunk.Chunk
			var grown [][]byte
			for _, p := range samples {
				c.Append(p.t, p.v)
				grown = append(grown, c.Bytes())
			}
			for i, data := range grown {
				got, err := read(chunk.Delta, data)
				if err != nil {
					t.Fatal(err)
				}
				if d := diff(samples[:i+1], got); d != "" {
					t.Fatalf("after %d: %s", i+1, d)
				}
			}
		})
	}
}

// Readers read copies while the chunk grows: the race detector would tell.
func TestGrowthWhileRead(t *testing.T) {
	samples := onGrid(2000, 0, octets(seeded(1)))
	var c chunk.Chunk
	var readers sync.WaitGroup
	for i, s := range samples {
		c.Append(s.t, s.v)
		if i%100 != 0 {
			continue
		}
		data := c.Bytes()
		readers.Go(func() {
			got, err := read(chunk.Delta, data)
			if d := diff(samples[:i+1], got); d != "" || err != nil {
				t.Errorf("after %d: %v %s", i+1, err, d)
			}
		})
	}
	readers.Wait()
}

func TestEmpty(t *testing.T) {
	var c chunk.Chunk
	if c.Bytes() != nil || c.Len() != 0 || c.Size() != 0 {
		t.Errorf("an empty chunk has %d samples in %d bytes", c.Len(), len(c.Bytes()))
	}
}

// Chunks are kept for years. What version 1 wrote must be read for ever; that it is still written so
// is no more than a hint for who changes the packing.
func TestGolden(t *testing.T) {
	path := filepath.Join("testdata", "version1.golden")
	var text strings.Builder
	kept := map[string][]sample{}
	for _, s := range shapes() {
		kept[s.name] = s.samples[:min(len(s.samples), 130)]
		fmt.Fprintf(&text, "%s: %x\n", s.name, deltaOf(kept[s.name]).Bytes())
	}
	if *update {
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(golden)) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), ": ")
		data, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		got, err := read(chunk.Delta, data)
		if d := diff(kept[name], got); d != "" || err != nil {
			t.Errorf("%s is read otherwise: %v %s", name, err, d)
		}
	}
	if d := cmp.Diff(string(golden), text.String()); d != "" {
		t.Errorf("chunks are packed otherwise; if that is meant, run with -update after the rest passes: %s", d)
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, s := range shapes() {
		var ops []byte
		for _, p := range s.samples[:min(len(s.samples), 150)] {
			ops = append(ops, op(p)...)
		}
		f.Add(ops)
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		samples := samplesOf(ops)
		var c chunk.Chunk
		for i, s := range samples {
			c.Append(s.t, s.v)
			if i%50 == 7 {
				c.Bytes() // must not disturb what follows
			}
		}
		if len(samples) == 0 {
			return
		}
		data := c.Bytes()
		got, err := read(chunk.Delta, data)
		if err != nil {
			t.Fatal(err)
		}
		if d := diff(samples, got); d != "" {
			t.Fatal(d)
		}
		if len(data) > c.Size() {
			t.Fatalf("%d bytes are more than the bound of %d", len(data), c.Size())
		}
	})
}

// TestConstantSeriesNeedsNoBuffer holds that a series which stays as it is costs no more than its chunk,
// whatever its value is and although its first sample came when the wall started and not on the grid.
func TestConstantSeriesNeedsNoBuffer(t *testing.T) {
	chunks := make([]chunk.Chunk, 1000)
	i := 0
	allocs := testing.AllocsPerRun(len(chunks)-2, func() {
		c := &chunks[i]
		i++
		c.Append(start-[]int64{3_700, 13_700}[i%2], 42)
		for k := range 20 {
			c.Append(start+int64(k)*every, 42)
		}
	})
	if allocs > 0 {
		t.Errorf("%.1f allocations for a constant series", allocs)
	}
}
