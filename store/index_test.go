package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/labels"
)

// Whatever the labels and matchers, the index finds what looking at each label set finds.
func TestIndexAgainstBruteForce(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		checkIndex(t, rng)
	}
}

func FuzzIndex(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) { checkIndex(t, rand.New(rand.NewPCG(a, b))) })
}

func checkIndex(t *testing.T, rng *rand.Rand) {
	t.Helper()
	names, values := []string{"__name__", "a", "b", "c"}, []string{"", "x", "y", "z", "xy", "xyz"}
	seen := map[string]bool{}
	var sets []labels.Labels
	for range rng.IntN(60) {
		var pairs []string
		for _, name := range names {
			if v := values[rng.IntN(len(values))]; v != "" {
				pairs = append(pairs, name, v)
			}
		}
		if ls := labels.FromStrings(pairs...); !seen[ls.String()] {
			seen[ls.String()] = true
			sets = append(sets, ls)
		}
	}
	patterns := []string{"x|y", "x.*", ".*", ".+", "", "x?", "[yz]", "q"}
	x := newIndex(sets)
	for range 20 {
		var matchers []*labels.Matcher
		for range rng.IntN(4) {
			kind := labels.MatchType(rng.IntN(4))
			value := values[rng.IntN(len(values))]
			if kind == labels.MatchRegexp || kind == labels.MatchNotRegexp {
				value = patterns[rng.IntN(len(patterns))]
			}
			matchers = append(matchers, labels.MustNewMatcher(kind, names[rng.IntN(len(names))], value))
		}
		var want []uint32
		for n, ls := range sets {
			if matchesAll(ls, matchers) {
				want = append(want, uint32(n))
			}
		}
		if diff := cmp.Diff(want, x.match(matchers...), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%v among %v (-want +got):\n%s", matchers, sets, diff)
		}
	}
}

func TestIntersect(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	random := func(n, of int) []uint32 {
		out := make([]uint32, n)
		for i := range out {
			out[i] = uint32(rng.IntN(of))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	for _, n := range []int{0, 1, 2, 3, 10, 1000} {
		for _, k := range []int{0, 1, 5, 1000} {
			a, b := random(n, 1500), random(k, 1500)
			var both, only []uint32
			for _, v := range a {
				if slices.Contains(b, v) {
					both = append(both, v)
				} else {
					only = append(only, v)
				}
			}
			if diff := cmp.Diff(both, intersect(a, b), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("intersect %d and %d: %s", n, k, diff)
			}
			if diff := cmp.Diff(only, subtract(a, b), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("subtract %d and %d: %s", n, k, diff)
			}
		}
	}
}

// BenchmarkMatch finds series among 100,000.
func BenchmarkMatch(b *testing.B) {
	x := newIndex(nil)
	for i := range 100_000 {
		x.add(labels.FromStrings("__name__", []string{"ifHCInOctets", "ifHCOutOctets", "ifInErrors", "ifOutErrors"}[i%4],
			"device", fmt.Sprintf("switch-%04d", i/400), "ifName", fmt.Sprintf("Gi1/0/%d", i/4%100)))
	}
	eq := func(name, value string) *labels.Matcher {
		return labels.MustNewMatcher(labels.MatchEqual, name, value)
	}
	re := func(name, value string) *labels.Matcher {
		return labels.MustNewMatcher(labels.MatchRegexp, name, value)
	}
	for _, tc := range []struct {
		name     string
		matchers []*labels.Matcher
		found    int
	}{
		{"one device", []*labels.Matcher{eq("__name__", "ifHCInOctets"), eq("device", "switch-0123")}, 100},
		{"one port", []*labels.Matcher{eq("__name__", "ifHCInOctets"), eq("device", "switch-0123"), eq("ifName", "Gi1/0/7")}, 1},
		{"some ports", []*labels.Matcher{eq("__name__", "ifHCInOctets"), eq("device", "switch-0123"), re("ifName", "Gi1/0/[1-3].*")}, 33},
		{"some devices", []*labels.Matcher{eq("__name__", "ifHCInOctets"), re("device", "switch-000.*")}, 1000},
		{"two metrics", []*labels.Matcher{re("__name__", "ifHC(In|Out)Octets"), eq("device", "switch-0123")}, 200},
		{"one metric", []*labels.Matcher{eq("__name__", "ifInErrors")}, 25_000},
	} {
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if found := x.match(tc.matchers...); len(found) != tc.found {
					b.Fatal(len(found))
				}
			}
		})
	}
}
