package plot

import (
	"math"
	"sort"
)

// Sample is one reading: T in milliseconds since 1970, V its value. A NaN is a
// gap: the line is interrupted there.
type Sample struct {
	T int64
	V float64
}

// Window returns the samples of a time-ordered slice that a picture of
// start..end needs: those within and the neighbour on either side.
func Window(in []Sample, start, end int64) []Sample {
	lo := sort.Search(len(in), func(i int) bool { return in[i].T >= start })
	hi := sort.Search(len(in), func(i int) bool { return in[i].T > end })
	return in[max(lo-1, 0):min(hi+1, len(in))]
}

// Decimate appends to dst what is needed to draw in, which is ordered by time,
// over columns pixels from start to end: of each column the first, lowest,
// highest and last sample, in their order of time, so that every spike stays
// (M4: Jugel et al., VLDB 2014). Gaps stay gaps: NaN and infinite samples, and
// pauses longer than maxGap milliseconds where that is above 0, become one NaN.
// A column keeps one gap
// at most, so at most nine samples a column come out.
func Decimate(dst, in []Sample, start, end int64, columns int, maxGap int64) []Sample {
	in = Window(in, start, end)
	if columns < 1 || end <= start || len(in) == 0 {
		return dst
	}
	d := decimator{out: dst, base: len(dst), last: -1}
	scale := float64(columns) / float64(end-start)
	before := int64(math.MinInt64)
	for _, s := range in {
		column := int(clamp(math.Floor(float64(s.T-start)*scale), -1, float64(columns)))
		if !finite(s.V) {
			d.gap(s.T, column)
			continue
		}
		if maxGap > 0 && before != math.MinInt64 && s.T-before > maxGap {
			d.gap(before+(s.T-before)/2, column)
		}
		before = s.T
		d.add(s, column)
	}
	d.flush()
	return d.out
}

// decimator gathers the samples of one column.
type decimator struct {
	out                   []Sample
	base                  int // of out, where this call's samples begin
	n                     int // samples gathered
	column                int
	first, low, high, end Sample
	last                  int // column of the newest gap
}

func (d *decimator) add(s Sample, column int) {
	if d.n > 0 && column != d.column {
		d.flush()
	}
	if d.n == 0 {
		d.column, d.first, d.low, d.high = column, s, s, s
	}
	if s.V < d.low.V {
		d.low = s
	}
	if s.V > d.high.V {
		d.high = s
	}
	d.end = s
	d.n++
}

// flush writes the gathered samples in their order of time.
func (d *decimator) flush() {
	if d.n == 0 {
		return
	}
	d.n = 0
	a, b := d.low, d.high
	if b.T < a.T {
		a, b = b, a
	}
	newest := int64(math.MinInt64)
	for _, s := range [4]Sample{d.first, a, b, d.end} {
		if s.T > newest {
			d.out = append(d.out, s)
			newest = s.T
		}
	}
}

// gap ends the line. A column keeps one gap: what flickers faster than the
// picture can show is drawn as one break.
func (d *decimator) gap(t int64, column int) {
	if d.last == column && d.n > 0 && d.column == column {
		return
	}
	d.flush()
	if n := len(d.out); n > d.base && !math.IsNaN(d.out[n-1].V) {
		d.out = append(d.out, Sample{t, math.NaN()})
		d.last = column
	}
}
