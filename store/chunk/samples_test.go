package chunk_test

import (
	"math"
	"math/rand/v2"

	"github.com/prometheus/prometheus/model/value"
)

// sample is one point of a series.
type sample struct {
	t int64
	v float64
}

const (
	start = 1_700_000_000_000 // Unix milliseconds
	every = 10_000            // milliseconds
)

var (
	stale     = math.Float64frombits(value.StaleNaN)
	minusZero = math.Copysign(0, -1)
)

// onGrid makes n samples on the poll grid, each from the one before.
func onGrid(n int, first float64, next func(i int, v float64) float64) []sample {
	out := make([]sample, n)
	v := first
	for i := range out {
		v = next(i, v)
		out[i] = sample{start + int64(i)*every, v}
	}
	return out
}

// offGrid moves the times of samples.
func offGrid(in []sample, move func(i int, t int64) int64) []sample {
	for i := range in {
		in[i].t = move(i, in[i].t)
	}
	return in
}

// seeded is a source of numbers that are the same each time.
func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 42)) }

// The kinds of values that a wall sees. Each takes the number of the sample and the value before it.
func octets(rng *rand.Rand) func(int, float64) float64 {
	return func(_ int, v float64) float64 { return v + float64(rng.IntN(1_000_000)) }
}

func rareCounter(rng *rand.Rand) func(int, float64) float64 {
	return func(_ int, v float64) float64 { return v + float64(rng.IntN(100)/99) }
}

func sensor(rng *rand.Rand) func(int, float64) float64 {
	return func(int, float64) float64 { return 20 + float64(rng.IntN(3)) }
}

func decimal(rng *rand.Rand) func(int, float64) float64 {
	return func(int, float64) float64 { return float64(10_000+rng.IntN(5000)) / 100 }
}

func randomWalk(rng *rand.Rand) func(int, float64) float64 {
	return func(_ int, v float64) float64 { return v + rng.NormFloat64() }
}

func constant(int, float64) float64 { return 42 }

// sometimes puts v in the place of every nth value.
func sometimes(v float64, n int, f func(int, float64) float64) func(int, float64) float64 {
	last := 0.0
	return func(i int, _ float64) float64 {
		last = f(i, last)
		if i%n == n-1 {
			return v
		}
		return last
	}
}

// shapes are series of every kind, and the most bytes that each may take. New ones go to the end: the
// golden file holds what these random numbers made.
func shapes() []shape {
	rng := seeded(7)
	return []shape{
		{"one", 14, onGrid(1, 0, constant)},
		{"one decimal", 16, onGrid(1, 0, func(int, float64) float64 { return 12345.67 })},
		{"one stale", 22, onGrid(1, 0, func(int, float64) float64 { return stale })},
		{"two", 16, onGrid(2, 0, constant)},
		{"a full block", 14 + 10, onGrid(64, 0, constant)},
		{"a block and one", 14 + 10, onGrid(65, 0, constant)},
		{"constant", 14 + 20, onGrid(720, 0, constant)},
		{"constant float", 14 + 30, onGrid(720, 0, func(int, float64) float64 { return math.Pi })},
		{"constant NaN", 14 + 30, onGrid(720, 0, func(int, float64) float64 { return math.NaN() })},
		{"zero", 14 + 14, onGrid(720, 0, func(int, float64) float64 { return 0 })},
		{"octets", 720 * 2.7, onGrid(720, 123_456_789_012, octets(rng))},
		{"octets with resets", 720 * 2.9, onGrid(720, 0, func(i int, v float64) float64 {
			if i%100 == 99 {
				return 0
			}
			return v + float64(rng.IntN(1_000_000))
		})},
		{"counter beyond 2^53", 720 * 2.7, onGrid(720, 1<<60, func(_ int, v float64) float64 { return v + 4096*float64(rng.IntN(1_000_000)) })},
		{"steady counter", 80, onGrid(720, 1000, func(_ int, v float64) float64 { return v + 10 })},
		{"rare counter", 720 * 0.2, onGrid(720, 7, rareCounter(rng))},
		{"states", 720 * 0.25, onGrid(720, 1, func(_ int, v float64) float64 {
			if rng.IntN(50) == 0 {
				return float64(rng.IntN(3))
			}
			return v
		})},
		{"sensor", 720 * 0.4, onGrid(720, 0, sensor(rng))},
		{"a spike", 14 + 30, onGrid(720, 0, sometimes(1e9, 500, constant))},
		{"memory in pages", 720 * 1.5, onGrid(720, 0, func(int, float64) float64 { return 4096 * float64(1_000_000+rng.IntN(1000)) })},
		{"half degrees", 720 * 0.5, onGrid(720, 0, func(int, float64) float64 { return 20 + float64(rng.IntN(5))/2 })},
		{"sixteenths of a degree about zero", 720 * 2.2, onGrid(720, 0, func(int, float64) float64 { return float64(rng.IntN(100)-50) / 16 })},
		{"two decimals", 720 * 1.8, onGrid(720, 0, decimal(rng))},
		{"negative decimals", 720 * 1.8, onGrid(720, 0, func(int, float64) float64 { return -float64(rng.IntN(5000)) / 100 })},
		{"seconds with nine decimals", 720 * 3.2, onGrid(720, 0, func(int, float64) float64 { return float64(10_000_000+rng.IntN(3_000_000)) / 1e9 })},
		{"decimals, one of another scale", 720 * 1.9, onGrid(720, 0, sometimes(1.0/3, 300, decimal(rng)))},
		{"random walk", 720 * 6.6, onGrid(720, 100, randomWalk(rng))},
		{"floats that were 32 bits", 720 * 3, onGrid(720, 0, func(int, float64) float64 { return float64(float32(20.1) + float32(rng.IntN(30))/10) })},
		{"a float that seldom moves", 720 * 1.4, onGrid(720, 0.5, func(_ int, v float64) float64 {
			if rng.IntN(10) == 0 {
				return rng.Float64()
			}
			return v
		})},
		{"random bits", 720 * 8.4, onGrid(720, 0, func(int, float64) float64 { return math.Float64frombits(rng.Uint64()) })},
		{"staleness markers", 720*2.7 + 100, onGrid(720, 0, sometimes(stale, 40, octets(rng)))},
		{"floats and staleness markers", 720 * 7, onGrid(720, 0, sometimes(stale, 40, randomWalk(rng)))},
		{"infinities", 720 * 0.7, onGrid(720, 0, sometimes(math.Inf(1), 20, sensor(rng)))},
		{"minus infinities", 720 * 1.1, onGrid(720, 0, sometimes(math.Inf(-1), 20, sensor(rng)))},
		{"minus zeros", 720 * 1.1, onGrid(720, 0, sometimes(minusZero, 20, sensor(rng)))},
		{"NaN now and again", 720 * 1, onGrid(720, 0, sometimes(math.NaN(), 20, sensor(rng)))},
		{"mostly NaN", 720 * 8.4, onGrid(720, 0, sometimes(1, 3, func(int, float64) float64 { return math.NaN() }))},
		{"extremes", 720 * 8.5, onGrid(720, math.MaxFloat64, func(_ int, v float64) float64 { return -v })},
		{"times that jitter", 720 * 1.3, offGrid(onGrid(720, 0, sensor(rng)), func(_ int, t int64) int64 { return t + rng.Int64N(40) })},
		{"times with gaps", 200, offGrid(onGrid(720, 0, constant), func(i int, t int64) int64 { return t + int64(i/100)*every })},
		{"times at random", 720 * 4, offGrid(onGrid(720, 0, constant), func(i int, t int64) int64 { return t + int64(i)*1e8 + rng.Int64N(1e7) })},
		{"the pace changes", 120, offGrid(onGrid(720, 0, constant), func(i int, t int64) int64 { return t + int64(max(i-300, 0))*every })},
		{"times before 1970", 14 + 30, offGrid(onGrid(720, 0, constant), func(_ int, t int64) int64 { return t - 2*start })},
		{"all of time", 60, []sample{{math.MinInt64, 1}, {math.MinInt64 + 1, 2}, {0, 3}, {math.MaxInt64, 4}}},
		{"the ends of time", 40, []sample{{math.MinInt64, 1}, {math.MaxInt64, 1}}},
		{"60,000 samples", 60_000 * 2.6, onGrid(60_000, 0, octets(rng))},
	}
}

type shape struct {
	name    string
	most    float64 // bytes
	samples []sample
}
