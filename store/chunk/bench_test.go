package chunk_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/chunk"
)

const benchSamples = 720 // two hours, one each ten seconds

// loads are the kinds of series, in benchSamples.
var loads = []struct {
	name string
	make func(rng *rand.Rand) []sample
}{
	{"octets", of(octets)},
	{"rare", of(rareCounter)},
	{"sensors", of(sensor)},
	{"decimals", of(decimal)},
	{"floats", of(randomWalk)},
	{"jitter", func(rng *rand.Rand) []sample { // sensors that are read up to 40 ms late
		return offGrid(of(sensor)(rng), func(_ int, t int64) int64 { return t + rng.Int64N(40) })
	}},
}

func of(kind func(*rand.Rand) func(int, float64) float64) func(*rand.Rand) []sample {
	return func(rng *rand.Rand) []sample {
		return onGrid(benchSamples, float64(rng.IntN(1_000_000_000)), kind(rng))
	}
}

func perSample(b *testing.B, series [][]sample, size int) {
	n := 0
	for _, s := range series {
		n += len(s)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/sample")
	if size > 0 {
		b.ReportMetric(float64(size)/float64(n), "B/sample")
	}
}

func run(b *testing.B, series [][]sample) {
	b.Run("append/nocturne", func(b *testing.B) {
		size := 0
		for b.Loop() {
			size = 0
			for _, s := range series {
				size += len(deltaOf(s).Bytes())
			}
		}
		perSample(b, series, size)
	})
	b.Run("append/prometheus", func(b *testing.B) {
		size := 0
		for b.Loop() {
			size = 0
			for _, s := range series {
				size += len(xorOf(b, s).Bytes())
			}
		}
		perSample(b, series, size)
	})
	b.Run("read/nocturne", func(b *testing.B) {
		var data [][]byte
		for _, s := range series {
			data = append(data, deltaOf(s).Bytes())
		}
		var it chunk.Iterator
		for b.Loop() {
			for _, d := range data {
				if err := it.Reset(chunk.Delta, d); err != nil {
					b.Fatal(err)
				}
				drain(&it)
			}
		}
		perSample(b, series, 0)
	})
	b.Run("blocks/nocturne", func(b *testing.B) {
		var data [][]byte
		for _, s := range series {
			data = append(data, deltaOf(s).Bytes())
		}
		var it chunk.Iterator
		for b.Loop() {
			for _, d := range data {
				if err := it.Reset(chunk.Delta, d); err != nil {
					b.Fatal(err)
				}
				for ts, _ := it.Block(); len(ts) > 0; ts, _ = it.Block() {
				}
			}
		}
		perSample(b, series, 0)
	})
	b.Run("read/prometheus", func(b *testing.B) {
		var chunks []*chunkenc.XORChunk
		for _, s := range series {
			chunks = append(chunks, xorOf(b, s))
		}
		var it chunkenc.Iterator
		for b.Loop() {
			for _, c := range chunks {
				it = c.Iterator(it)
				drain(it)
			}
		}
		perSample(b, series, 0)
	})
}

// drain reads as a query does, through the interface.
//
//go:noinline
func drain(it chunkenc.Iterator) (sum float64) {
	for it.Next() != chunkenc.ValNone {
		_, v := it.At()
		sum += v
	}
	return sum
}

// BenchmarkCodec packs and reads two hours of 100 series of each kind. The peer is Prometheus' XOR
// chunk, in one chunk as well.
func BenchmarkCodec(b *testing.B) {
	for _, load := range loads {
		b.Run(load.name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			series := make([][]sample, 100)
			for i := range series {
				series[i] = load.make(rng)
			}
			run(b, series)
		})
	}
	b.Run("fleet", func(b *testing.B) { // the mixture of the benchmarks of package store
		rng := rand.New(rand.NewPCG(1, 2))
		var series [][]sample
		for range 40 {
			for _, load := range loads[:3] {
				series = append(series, load.make(rng))
			}
		}
		run(b, series)
	})
	b.Run("node_exporter", func(b *testing.B) { run(b, nodeExporter(b)) })
	b.Run("demo", func(b *testing.B) { run(b, demo(b)) })
}

// nodeExporter is a recorded page of node_exporter, made to move as package store's benchmarks do: a
// third of its counters rise by their mean rate, a third of its gauges wander by a thousandth.
func nodeExporter(tb testing.TB) [][]sample {
	path := filepath.Join("..", "..", "..", "shared", "data", "scrape", "node_exporter.prom")
	page, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		tb.Skipf("no recorded page beside the repository: %v", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	counters := map[string]bool{}
	var out [][]sample
	parser := textparse.NewPromParser(page, labels.NewSymbolTable(), false)
	for n := 0; ; {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			tb.Fatalf("%s: %v", path, err)
		}
		if entry == textparse.EntryType {
			name, kind := parser.Type()
			counters[string(name)] = string(kind) == "counter"
		}
		if entry != textparse.EntrySeries {
			continue
		}
		name, _, v := parser.Series()
		name, _, _ = bytes.Cut(name, []byte("{"))
		rate := 0.0
		if n++; n%3 == 0 && v != 0 && !math.IsNaN(v) && !math.IsInf(v, 0) {
			if rate = -1; counters[string(name)] {
				rate = v / (100 * 24 * 360) // some hundred days of uptime
			}
		}
		whole := v == math.Trunc(v)
		first := v
		out = append(out, onGrid(benchSamples, 0, func(int, float64) float64 {
			switch {
			case rate > 0 && whole:
				v += math.Round(rate * 2 * rng.Float64())
			case rate > 0: // seconds, to the hundredth
				v = math.Round((v+rate*2*rng.Float64())*100) / 100
			case rate < 0 && whole:
				v = math.Round(first * (1 + 0.001*rng.NormFloat64()))
			case rate < 0:
				v = first * (1 + 0.001*rng.NormFloat64())
			}
			return v
		}))
	}
}

// demo is the recording of a campus that the demo plays: what was measured, as it was.
func demo(tb testing.TB) (out [][]sample) {
	tb.Helper()
	file, err := bolt.OpenFile(filepath.Join("..", "..", "assets", "demo.nocturne"), bolt.KindRecording)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	windows, err := file.Windows()
	if err != nil {
		tb.Fatal(err)
	}
	for _, w := range windows {
		sets, err := file.Labels(w.Index)
		if err != nil {
			tb.Fatal(err)
		}
		numbers := make([]uint32, len(sets))
		for i := range numbers {
			numbers[i] = uint32(i)
		}
		err = file.Chunks(w.Start, numbers, func(_ uint32, c bolt.Chunk) {
			samples, err := read(c.Encoding, c.Data)
			if err != nil {
				tb.Error(err)
			}
			out = append(out, samples)
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	return out
}
