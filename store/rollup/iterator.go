package rollup

import (
	"fmt"
	"math"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// Column is what of the buckets is shown as samples, one sample a bucket unless said otherwise.
type Column string

// maxSamples is the most that one window gives: a last value and a staleness marker a bucket.
const maxSamples = 2 * MaxBuckets

// The columns. Samples stands for the samples themselves, which only tier raw has: where it is gone the last ones
// take their place.
const (
	Samples Column = ""
	Last    Column = "last"    // last values, and staleness markers where series end
	Counter Column = "counter" // last values, and what resets within the window took away up to there
	Min     Column = "min"
	Max     Column = "max"
	Sum     Column = "sum"
	Count   Column = "count"
)

// unixMilli is a moment in Unix milliseconds. (Under its own name, so that go vet does not take Seek
// for io.Seeker's.)
type unixMilli = int64

var staleNaN = math.Float64frombits(value.StaleNaN)

// Iterator shows one column of packed windows, one after the other, as Prometheus' interface of samples. The
// zero value has none.
type Iterator struct {
	columns columns
	n, at   int
	t       [maxSamples]int64
	v       [maxSamples]float64
}

var _ chunkenc.Iterator = (*Iterator)(nil)

// Reset begins another window: that at start, Unix milliseconds, whose buckets are so many milliseconds long.
func (it *Iterator) Reset(data []byte, start, resolution int64, column Column) error {
	it.n, it.at = 0, -1
	c := &it.columns
	if column == Samples {
		column = Last
	}
	if err := c.begin(data, start, resolution); err != nil {
		return err
	}
	if err := c.read(column); err != nil {
		return err
	}
	switch column {
	case Last:
		it.lasts()
	case Counter:
		it.counter()
	case Count:
		for i := range c.n {
			it.put(c.t[i], float64(c.count[i]))
		}
	case Min:
		it.values(c.low[:c.n])
	case Max:
		it.values(c.high[:c.n])
	case Sum:
		it.values(c.sum[:c.n])
	default:
		it.n = 0
		return fmt.Errorf("rollups have no column %q", column)
	}
	return nil
}

func (it *Iterator) put(t int64, v float64) {
	it.t[it.n], it.v[it.n] = t, v
	it.n++
}

func (it *Iterator) values(list []float64) {
	it.n = copy(it.v[:], list)
	copy(it.t[:it.n], it.columns.t[:it.n])
}

func (it *Iterator) lasts() {
	c := &it.columns
	if c.empty|c.ended == 0 {
		it.values(c.last[:c.n])
		return
	}
	i := 0
	for k := range c.all {
		if c.empty&(1<<k) == 0 {
			it.put(c.t[i], c.last[i])
			i++
		}
		if c.ended&(1<<k) != 0 {
			it.put(c.endT[k], staleNaN)
		}
	}
}

// counter shows last values as those of a counter that was never reset within the window.
func (it *Iterator) counter() {
	c := &it.columns
	lost := 0.0
	for i := range c.n {
		lost += c.drops[i]
		it.put(c.t[i], c.last[i]+lost)
	}
}

// Ends returns, of a window that has samples, the value of the first one and, read as Counter, that of the last one, and
// what resets in between took away. With them a reader carries a counter from one window to the next.
func (it *Iterator) Ends() (first, last, lost float64, ok bool) {
	c := &it.columns
	if c.n == 0 {
		return 0, 0, 0, false
	}
	for _, d := range c.drops[:c.n] {
		lost += d
	}
	return c.first, c.last[c.n-1], lost, true
}

// Next implements chunkenc.Iterator.
func (it *Iterator) Next() chunkenc.ValueType {
	if it.at+1 >= it.n {
		it.at = it.n
		return chunkenc.ValNone
	}
	it.at++
	return chunkenc.ValFloat
}

// Seek implements chunkenc.Iterator.
func (it *Iterator) Seek(t unixMilli) chunkenc.ValueType {
	it.at = max(it.at, 0)
	for it.at < it.n && it.t[it.at] < t {
		it.at++
	}
	if it.at >= it.n {
		return chunkenc.ValNone
	}
	return chunkenc.ValFloat
}

// At implements chunkenc.Iterator.
func (it *Iterator) At() (t int64, v float64) { return it.t[it.at], it.v[it.at] }

// AtT implements chunkenc.Iterator.
func (it *Iterator) AtT() int64 { return it.t[it.at] }

// AtST implements chunkenc.Iterator: start timestamps are not kept.
func (*Iterator) AtST() int64 { return 0 }

// AtHistogram implements chunkenc.Iterator: there are none.
func (*Iterator) AtHistogram(*histogram.Histogram) (int64, *histogram.Histogram) { return 0, nil }

// AtFloatHistogram implements chunkenc.Iterator: there are none.
func (*Iterator) AtFloatHistogram(*histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	return 0, nil
}

// Err implements chunkenc.Iterator: Reset has told already.
func (*Iterator) Err() error { return nil }
