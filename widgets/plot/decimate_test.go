package plot

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestDecimate(t *testing.T) {
	nan := math.NaN()
	for _, tc := range []struct {
		name    string
		in      []Sample
		columns int
		maxGap  int64
		want    []Sample
	}{
		{"nothing", nil, 10, 0, nil},
		{"few stay as they are", []Sample{{0, 1}, {50, 2}, {100, 3}}, 10, 0, []Sample{{0, 1}, {50, 2}, {100, 3}}},
		{"first, low, high, last of a column", []Sample{{0, 5}, {10, 9}, {20, 1}, {30, 6}, {40, 5}}, 1, 0, []Sample{{0, 5}, {10, 9}, {20, 1}, {40, 5}}},
		{"equal ones are kept once", []Sample{{0, 5}, {10, 5}, {20, 5}}, 1, 0, []Sample{{0, 5}, {20, 5}}},
		{"a gap", []Sample{{0, 1}, {40, nan}, {60, 2}}, 10, 0, []Sample{{0, 1}, {40, nan}, {60, 2}}},
		{"gaps join", []Sample{{0, 1}, {30, nan}, {40, nan}, {50, math.Inf(1)}, {60, 2}}, 10, 0, []Sample{{0, 1}, {30, nan}, {60, 2}}},
		{"no gap before the first", []Sample{{0, nan}, {60, 2}}, 10, 0, []Sample{{60, 2}}},
		{"a pause", []Sample{{0, 1}, {10, 1}, {50, 2}}, 10, 20, []Sample{{0, 1}, {10, 1}, {30, nan}, {50, 2}}},
		{"a pause as long as allowed", []Sample{{0, 1}, {20, 2}}, 10, 20, []Sample{{0, 1}, {20, 2}}},
		{"neighbours outside", []Sample{{-90, 7}, {-10, 1}, {50, 2}, {110, 3}, {190, 7}}, 10, 0, []Sample{{-10, 1}, {50, 2}, {110, 3}}},
		{"no columns", []Sample{{0, 1}}, 0, 0, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Decimate(nil, tc.in, 0, 100, tc.columns, tc.maxGap)
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateNaNs()); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := Decimate(nil, []Sample{{0, 1}}, 100, 100, 10, 0); got != nil {
		t.Errorf("an empty window gives %v", got)
	}
}

// TestDecimateKeepsSpikes hides a spike of one sample in each of many columns,
// among gaps, and asks for the bound on what comes out.
func TestDecimateKeepsSpikes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	const n, columns = 200_000, 400
	in := make([]Sample, n)
	spikes := map[int64]float64{}
	for i := range in {
		in[i] = Sample{int64(i), r.Float64()}
		switch {
		case i%997 == 500:
			in[i].V = 100 + float64(i)
			spikes[int64(i)] = in[i].V
		case r.IntN(20) == 0:
			in[i].V = math.NaN()
		}
	}
	out := Decimate(nil, in, 0, n, columns, 0)
	if len(out) > 9*columns {
		t.Errorf("%d samples come out, want at most %d", len(out), 9*columns)
	}
	highest := map[int64]float64{} // of each column, of what went in
	for at, v := range spikes {
		highest[at*columns/n] = math.Max(highest[at*columns/n], v)
	}
	for _, s := range out {
		if v, ok := spikes[s.T]; ok && v == s.V && v == highest[s.T*columns/n] {
			delete(highest, s.T*columns/n)
		}
	}
	if len(highest) > 0 {
		t.Errorf("%d columns lost their spike", len(highest))
	}
	for i := 1; i < len(out); i++ {
		if out[i].T < out[i-1].T {
			t.Fatalf("sample %d is older than the one before", i)
		}
	}
}

func BenchmarkDecimate(b *testing.B) {
	in := make([]Sample, 100_000)
	for i := range in {
		in[i] = Sample{int64(i), math.Sin(float64(i) / 50)}
	}
	var out []Sample
	b.ReportAllocs()
	for b.Loop() {
		out = Decimate(out[:0], in, 0, 100_000, 800, 0)
	}
}
