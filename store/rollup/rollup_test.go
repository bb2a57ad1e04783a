package rollup

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

const (
	testStart = int64(1_700_006_400_000)
	fiveMin   = int64(300_000)
	hour      = int64(3_600_000)
)

type point struct {
	t int64
	v float64
}

// shape makes the samples of a window of two hours, every ten seconds unless it leaves some out.
type shape struct {
	name string
	at   func(rng *rand.Rand, i int, last float64) (float64, bool)
}

var shapes = []shape{
	{"octets", func(rng *rand.Rand, _ int, last float64) (float64, bool) {
		return last + float64(rng.IntN(1_000_000)), true
	}},
	{"errors", func(rng *rand.Rand, _ int, last float64) (float64, bool) {
		return last + float64(rng.IntN(100)/99), true
	}},
	{"sensor", func(rng *rand.Rand, _ int, _ float64) (float64, bool) { return 20 + float64(rng.IntN(3)), true }},
	{"decimal", func(rng *rand.Rand, _ int, _ float64) (float64, bool) {
		return math.Round(2000+rng.NormFloat64()*100) / 100, true
	}},
	{"true float", func(rng *rand.Rand, _ int, last float64) (float64, bool) { return last + rng.NormFloat64(), true }},
	{"constant", func(*rand.Rand, int, float64) (float64, bool) { return 1, true }},
	{"resets", func(rng *rand.Rand, i int, last float64) (float64, bool) {
		if i%100 == 99 {
			return float64(rng.IntN(1000)), true
		}
		return last + float64(rng.IntN(1000)), true
	}},
	{"gaps", func(rng *rand.Rand, i int, _ float64) (float64, bool) {
		return float64(i), i%200 < 20 || rng.IntN(9) == 0
	}},
	{"ends", func(_ *rand.Rand, i int, _ float64) (float64, bool) {
		if i%97 == 96 {
			return staleNaN, true
		}
		return float64(i), i%97 < 40
	}},
	{"only an end", func(_ *rand.Rand, i int, _ float64) (float64, bool) { return staleNaN, i == 50 }},
	{"NaN and Inf", func(_ *rand.Rand, i int, _ float64) (float64, bool) {
		return []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 3}[i/30%5], true
	}},
	{"huge", func(rng *rand.Rand, _ int, _ float64) (float64, bool) {
		return float64(rng.Int64N(1<<53)) * float64(rng.IntN(3)-1), true
	}},
	{"one", func(_ *rand.Rand, i int, _ float64) (float64, bool) { return -7.25, i == 333 }},
}

func (s shape) samples(start int64, n int) []point {
	rng := rand.New(rand.NewPCG(1, 2))
	var out []point
	last := 0.0
	for i := range n {
		if v, ok := s.at(rng, i, last); ok {
			out = append(out, point{start + int64(i)*10_000, v})
			last = v
		}
	}
	return out
}

func roll(points []point, start, resolution int64) *Window {
	var r Roller
	r.Reset(start, resolution)
	for _, p := range points {
		if value.IsStaleNaN(p.v) {
			r.End(p.t)
		} else {
			r.Add(p.t, p.v)
		}
	}
	return r.Window()
}

// brute computes a bucket from all samples by the words of Bucket's documentation.
func brute(points []point, from, to int64) (b Bucket, any bool) {
	first, seen, before := true, false, 0.0
	for _, p := range points {
		if value.IsStaleNaN(p.v) {
			if p.t >= from && p.t < to {
				any, b.Ended, b.EndT = true, true, p.t
			}
			continue
		}
		if p.t >= from && p.t < to {
			any = true
			if seen && p.v < before {
				b.Drops += before
			}
			if first || p.v < b.Min || math.IsNaN(b.Min) {
				b.Min = p.v
			}
			if first || p.v > b.Max || math.IsNaN(b.Max) {
				b.Max = p.v
			}
			first = false
			b.Count++
			b.Sum += p.v
			b.T, b.Last, b.Ended, b.EndT = p.t, p.v, false, 0
		}
		seen, before = true, p.v
	}
	return b, any
}

var same = cmp.Options{cmpopts.EquateNaNs(), cmpopts.EquateApprox(1e-11, 0), cmpopts.EquateEmpty()}

func TestRollPackDecode(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			points := s.samples(testStart, 720)
			w := roll(points, testStart, fiveMin)
			var want []Bucket
			for from := testStart; from < testStart+24*fiveMin; from += fiveMin {
				if b, ok := brute(points, from, from+fiveMin); ok {
					want = append(want, b)
				}
			}
			for i := range w.Buckets { // EndT of a bucket that goes on after all means nothing
				if !w.Buckets[i].Ended {
					w.Buckets[i].EndT = 0
				}
			}
			if diff := cmp.Diff(want, w.Buckets, same); diff != "" {
				t.Fatal(diff)
			}
			packed := w.Append(nil, testStart, fiveMin)
			var got Window
			if err := Decode(packed, testStart, fiveMin, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(w, &got, same); diff != "" {
				t.Fatal(diff)
			}
			for i := range got.Buckets { // all but the sums come back bit by bit
				g, b := got.Buckets[i], w.Buckets[i]
				for k, v := range []float64{b.Min, b.Max, b.Last} {
					if math.Float64bits([]float64{g.Min, g.Max, g.Last}[k]) != math.Float64bits(v) {
						t.Errorf("bucket %d: %v became %v", i, b, g)
					}
				}
			}
			t.Logf("%d bytes, %.3f a sample", len(packed), float64(len(packed))/float64(len(points)))
		})
	}
}

// Hours that are merged out of five minutes are those that the samples give.
func TestMerge(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			points := s.samples(testStart, 12*720)
			want := roll(points, testStart, hour)
			var r Roller
			r.Reset(testStart, hour)
			for start := testStart; start < testStart+24*hour; start += 2 * hour {
				var of []point
				for _, p := range points {
					if p.t >= start && p.t < start+2*hour {
						of = append(of, p)
					}
				}
				var fine Window
				if err := Decode(roll(of, start, fiveMin).Append(nil, start, fiveMin), start, fiveMin, &fine); err != nil {
					t.Fatal(err)
				}
				r.Merge(&fine)
			}
			got := r.Window()
			for _, w := range []*Window{want, got} {
				for i := range w.Buckets {
					if !w.Buckets[i].Ended {
						w.Buckets[i].EndT = 0
					}
				}
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateApprox(1e-9, 1e-6)); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func read(it chunkenc.Iterator) (out []point) {
	for it.Next() != chunkenc.ValNone {
		t, v := it.At()
		out = append(out, point{t, v})
	}
	return out
}

func TestColumns(t *testing.T) {
	points := []point{{10, 5}, {20, 9}, {110, 2}, {120, 4}, {190, 3}, {310, 4}, {320, staleNaN}, {430, staleNaN}}
	packed := roll(points, 0, 100).Append(nil, 0, 100)
	for column, want := range map[Column][]point{
		Last:    {{20, 9}, {190, 3}, {310, 4}, {320, staleNaN}, {430, staleNaN}},
		Samples: {{20, 9}, {190, 3}, {310, 4}, {320, staleNaN}, {430, staleNaN}},
		Counter: {{20, 9}, {190, 16}, {310, 17}},
		Min:     {{20, 5}, {190, 2}, {310, 4}},
		Max:     {{20, 9}, {190, 4}, {310, 4}},
		Sum:     {{20, 14}, {190, 9}, {310, 4}},
		Count:   {{20, 2}, {190, 3}, {310, 1}},
	} {
		t.Run(string(column), func(t *testing.T) {
			var it Iterator
			if err := it.Reset(packed, 0, 100, column); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, read(&it), cmp.AllowUnexported(point{}), cmpopts.EquateNaNs()); diff != "" {
				t.Error(diff)
			}
			for _, p := range want { // Seek finds each from the beginning
				if err := it.Reset(packed, 0, 100, column); err != nil {
					t.Fatal(err)
				}
				if it.Seek(p.t) != chunkenc.ValFloat || it.AtT() != p.t || it.Seek(p.t-5) != chunkenc.ValFloat || it.AtT() != p.t {
					t.Errorf("Seek(%d) stands at %d", p.t, it.AtT())
				}
			}
			if it.Seek(1000) != chunkenc.ValNone || it.Next() != chunkenc.ValNone {
				t.Error("Seek found something behind the end")
			}
		})
	}
	var it Iterator
	if err := it.Reset(packed, 0, 100, "median"); err == nil || it.Next() != chunkenc.ValNone {
		t.Errorf("an unknown column: %v", err)
	}
}

// The increase over the counter's column is that of the samples, and so is what carries over to the next window.
func TestCounterIncrease(t *testing.T) {
	for _, s := range []shape{shapes[0], shapes[1], shapes[6]} {
		points := s.samples(testStart, 720)
		var it Iterator
		if err := it.Reset(roll(points, testStart, fiveMin).Append(nil, testStart, fiveMin), testStart, fiveMin, Counter); err != nil {
			t.Fatal(err)
		}
		first, last, lost, ok := it.Ends()
		if want := increase(points); !ok || first != points[0].v || last != points[719].v || last+lost-first != want {
			t.Errorf("%s: %v, %v, lost %v, want an increase of %v", s.name, first, last, lost, want)
		}
		got, want := read(&it), increase(points[29:])
		if d := got[len(got)-1].v - got[0].v; d != want {
			t.Errorf("%s: %v between the first and last bucket, want %v", s.name, d, want)
		}
	}
}

// increase is what PromQL makes of samples, before it extrapolates.
func increase(points []point) float64 {
	sum := points[len(points)-1].v - points[0].v
	for i := 1; i < len(points); i++ {
		if points[i].v < points[i-1].v {
			sum += points[i-1].v
		}
	}
	return sum
}

func TestAllocations(t *testing.T) {
	packed := roll(shapes[0].samples(testStart, 720), testStart, fiveMin).Append(nil, testStart, fiveMin)
	var it Iterator
	for _, column := range []Column{Last, Counter, Min, Sum, Count} {
		if n := testing.AllocsPerRun(100, func() {
			if err := it.Reset(packed, testStart, fiveMin, column); err != nil {
				t.Fatal(err)
			}
			for it.Next() != chunkenc.ValNone {
				it.At()
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", column, n)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range shapes {
		f.Add(roll(s.samples(testStart, 720), testStart, fiveMin).Append(nil, testStart, fiveMin))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var w Window
		whole := Decode(data, testStart, fiveMin, &w)
		var it Iterator
		for _, column := range []Column{Last, Counter, Min, Max, Sum, Count} {
			if err := it.Reset(data, testStart, fiveMin, column); err != nil {
				if whole == nil {
					t.Fatalf("%s: %v, though all of it can be read", column, err)
				}
				continue
			}
			before := int64(math.MinInt64)
			for it.Next() != chunkenc.ValNone {
				if it.AtT() <= before {
					t.Fatalf("%s: %d comes after %d", column, it.AtT(), before)
				}
				before = it.AtT()
			}
		}
		if whole != nil {
			return
		}
		var again Window
		if err := Decode(w.Append(nil, testStart, fiveMin), testStart, fiveMin, &again); err != nil {
			t.Fatal(err)
		}
		if len(again.Buckets) != len(w.Buckets) {
			t.Fatalf("%d buckets became %d", len(w.Buckets), len(again.Buckets))
		}
	})
}

// FuzzRoundTrip packs samples of any bits.
func FuzzRoundTrip(f *testing.F) {
	for _, s := range shapes {
		var b []byte
		for _, p := range s.samples(0, 100) {
			b = binary.LittleEndian.AppendUint64(append(b, byte(p.t>>10)), math.Float64bits(p.v))
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Roller
		r.Reset(testStart, fiveMin)
		at := testStart
		for ; len(b) >= 9; b = b[9:] {
			at += int64(b[0])*1000 + 1
			if v := math.Float64frombits(binary.LittleEndian.Uint64(b[1:])); value.IsStaleNaN(v) {
				r.End(at)
			} else {
				r.Add(at, v)
			}
		}
		w := r.Window()
		var got Window
		if err := Decode(w.Append(nil, testStart, fiveMin), testStart, fiveMin, &got); err != nil {
			t.Fatal(err)
		}
		for i := range got.Buckets {
			g, b := got.Buckets[i], w.Buckets[i]
			if g.T != b.T || g.Count != b.Count || g.Ended != b.Ended {
				t.Fatalf("%+v became %+v", b, g)
			}
			for k, v := range []float64{b.Min, b.Max, b.Last} {
				if math.Float64bits([]float64{g.Min, g.Max, g.Last}[k]) != math.Float64bits(v) {
					t.Fatalf("%+v became %+v", b, g)
				}
			}
			for k, v := range []float64{b.Sum, b.Drops} {
				if x := []float64{g.Sum, g.Drops}[k]; math.Abs(x-v) > 1e-9*math.Abs(v)+1e-9 {
					t.Fatalf("%+v became %+v", b, g)
				}
			}
		}
	})
}

func BenchmarkIterate(b *testing.B) {
	for _, s := range shapes[:5] {
		packed := roll(s.samples(testStart, 720), testStart, fiveMin).Append(nil, testStart, fiveMin)
		for _, column := range []Column{Counter, Max, Sum} {
			b.Run(fmt.Sprint(s.name, "/", column), func(b *testing.B) {
				var it Iterator
				for b.Loop() {
					if err := it.Reset(packed, testStart, fiveMin, column); err != nil {
						b.Fatal(err)
					}
					for it.Next() != chunkenc.ValNone {
						it.At()
					}
				}
				b.ReportMetric(float64(len(packed))/720, "B/raw-sample")
			})
		}
	}
}

func BenchmarkRoll(b *testing.B) {
	points := shapes[0].samples(testStart, 720)
	var r Roller
	var buf []byte
	for b.Loop() {
		r.Reset(testStart, fiveMin)
		for _, p := range points {
			r.Add(p.t, p.v)
		}
		buf = r.Window().Append(buf[:0], testStart, fiveMin)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/720, "ns/raw-sample")
}
