package plot

import (
	"cmp"
	"math"
	"slices"
)

// rankedLine is a series with what decides whether it is drawn by itself.
type rankedLine struct {
	index int
	kind  Kind
	peak  float64
	rest  bool // one of those that share a colour and a label
}

// prepare picks and decimates the lines. It returns false where there is nothing
// to draw.
func (d *chartDrawing) prepare(columns int) bool {
	shown := d.pick()
	gap := d.spec.MaxGap.Milliseconds()
	for n, i := range shown {
		line := &d.spec.Series[i.index]
		from := len(d.samples)
		d.samples = Decimate(d.samples, line.Points, d.start, d.end, columns, gap)
		l := chartLine{Line: line, samples: d.samples[from:len(d.samples):len(d.samples)], last: newest(line.Points, d.start, d.end), kind: i.kind}
		if !d.spec.Stacked && !line.Bars {
			from := len(d.ranges)
			d.ranges = decimateBand(d.ranges, line.Band, d.start, d.end, columns)
			l.band = d.ranges[from:len(d.ranges):len(d.ranges)]
		}
		l.colour, l.dash = d.p.SeriesStyle(n, d.k)
		if i.rest {
			l.rest, l.colour, l.dash = true, d.p.Bar, nil
		}
		if i.kind == KindStale || i.kind == KindUnknown {
			l.colour = d.p.Stale
		}
		if line.Colour.A != 0 {
			l.colour, l.dash = line.Colour, nil
		}
		if line.Dash != nil {
			l.dash = line.Dash
		}
		if l.width = line.Width; !(l.width > 0) {
			l.width = 2.2 * d.k
			if line.Area {
				l.width = 2.6 * d.k
			}
		}
		d.lines = append(d.lines, l)
	}
	for _, l := range d.lines {
		if len(l.samples) > 0 || len(l.band) > 0 {
			return true
		}
	}
	return false
}

// pick returns the series to draw, in their own order, and gathers the rest.
func (d *chartDrawing) pick() []rankedLine {
	all := d.spec.Series
	d.order = d.order[:0]
	for i := range all {
		r := rankedLine{index: i, kind: all[i].Severity}
		for _, s := range Window(all[i].Points, d.start, d.end) {
			if finite(s.V) {
				r.peak = math.Max(r.peak, math.Abs(s.V))
			}
		}
		r.peak = math.Max(r.peak, bandPeak(all[i].Band, d.start, d.end))
		if last := newest(all[i].Points, d.start, d.end).V; r.kind == KindNone {
			r.kind = d.kindOf(last)
		}
		d.order = append(d.order, r)
	}
	if len(all) <= MaxSeries {
		return d.order
	}
	slices.SortStableFunc(d.order, func(a, b rankedLine) int {
		return cmp.Or(cmp.Compare(urgency(b.kind), urgency(a.kind)), cmp.Compare(b.peak, a.peak))
	})
	d.restN = len(all) - (MaxSeries - 1)
	if d.spec.Stacked { // the rest is part of the sum: it stands on top
		for i := range d.order[MaxSeries-1:] {
			d.order[MaxSeries-1+i].rest = true
		}
		return d.order
	}
	for _, r := range d.order[MaxSeries-1:] {
		d.addRest(&all[r.index])
	}
	d.order = d.order[:MaxSeries-1]
	slices.SortFunc(d.order, func(a, b rankedLine) int { return cmp.Compare(a.index, b.index) })
	return d.order
}

// urgency orders kinds by how much they want to be seen.
func urgency(kind Kind) int {
	switch kind {
	case KindCritical:
		return 3
	case KindWarning:
		return 2
	case KindStale, KindUnknown:
		return 1
	}
	return 0
}

// newest returns the last finite sample within start..end, or NaN.
func newest(points []Sample, start, end int64) Sample {
	in := Window(points, start, end)
	for i := len(in) - 1; i >= 0; i-- {
		if s := in[i]; finite(s.V) && s.T >= start && s.T <= end {
			return s
		}
	}
	return Sample{V: math.NaN()}
}

// kindOf returns the worst limit that v has passed.
func (d *chartDrawing) kindOf(v float64) Kind {
	worst := KindNone
	for _, l := range d.spec.Limits {
		if l.passed(v) && urgency(l.Severity) > urgency(worst) {
			worst = l.Severity
		}
	}
	return worst
}

// scaleValues chooses the ends and the step of the value axis for a chart of
// the given height.
func (d *chartDrawing) scaleValues(height float64) {
	lo, hi := d.extent()
	smallest, top := lo, hi
	zero := d.spec.Stacked
	for _, l := range d.lines {
		zero = zero || l.Area || l.Bars
	}
	if _, percent := percentFactor(d.spec.Unit); percent {
		zero = true
	}
	switch {
	case lo >= 0 && (zero || hi-lo >= 0.15*hi):
		lo = 0
	case hi <= 0 && zero:
		hi = 0
	}
	for _, l := range d.spec.Limits {
		// A limit in reach belongs into the picture; a far one would flatten it.
		if finite(l.Value) && l.Value <= hi+1.5*(hi-lo) && l.Value >= lo-0.5*(hi-lo) {
			lo, hi = math.Min(lo, l.Value), math.Max(hi, l.Value)
		}
	}
	if d.spec.YMin != nil && finite(*d.spec.YMin) {
		lo = *d.spec.YMin
	}
	if d.spec.YMax != nil && finite(*d.spec.YMax) {
		hi = *d.spec.YMax
	}
	if hi < lo {
		hi = lo
	}
	n := int(clamp((height-36*d.k)/(44*d.k), 1, 6))
	if d.spec.Log && hi > 0 {
		if smallest = math.Max(smallest, top/1e9); !(smallest > 0) {
			smallest = top / 1000
		}
		d.lo, d.hi = math.Pow(10, math.Floor(math.Log10(smallest))), math.Pow(10, math.Ceil(math.Log10(top)))
		if d.lo >= d.hi {
			d.hi = 10 * d.lo
		}
		d.step = d.lo
		d.axis = AxisUnitFor(d.hi, 0, d.spec.Unit)
		return
	}
	d.lo, d.hi, d.step = NiceRange(lo, hi, n, d.spec.Unit)
	if d.spec.YMin != nil && finite(*d.spec.YMin) && *d.spec.YMin < d.hi {
		d.lo = *d.spec.YMin
	}
	if d.spec.YMax != nil && finite(*d.spec.YMax) && *d.spec.YMax > d.lo {
		d.hi = *d.spec.YMax
	}
	d.axis = AxisUnitFor(math.Max(math.Abs(d.lo), math.Abs(d.hi)), d.step, d.spec.Unit)
}

// AxisUnit returns how the chart will write its values, for the panel's title:
// the same prefix and suffix for all ticks and end labels. height is that of the
// rectangle which the chart will be given.
func (ch *Chart) AxisUnit(height float64, st Style) AxisUnit {
	d := chartPool.Get().(*chartDrawing)
	defer d.release()
	d.spec, d.p, d.k = ch, st.Palette, st.K
	if d.p == nil {
		d.p = Dark()
	}
	if d.k <= 0 {
		d.k = 1
	}
	d.start, d.end = ch.Start.UnixMilli(), ch.End.UnixMilli()
	if d.end <= d.start || !d.prepare(512) {
		return AxisUnitFor(0, 0, ch.Unit)
	}
	d.scaleValues(height)
	return d.axis
}

// extent returns the lowest and the highest value in sight.
func (d *chartDrawing) extent() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	add := func(v float64) {
		if finite(v) {
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
	}
	if d.spec.Stacked {
		d.stack(func(_ *chartLine, _ int64, low, high float64) {
			add(low)
			add(high)
		})
	} else {
		for i := range d.lines {
			for _, s := range d.lines[i].samples {
				if s.T >= d.start && s.T <= d.end {
					add(s.V)
				}
			}
		}
	}
	for i := range d.lines {
		for _, b := range d.lines[i].band {
			add(b.Lo)
			add(b.Hi)
		}
	}
	for _, b := range d.rest {
		add(b.Lo)
		add(b.Hi)
	}
	if lo > hi {
		return 0, 1
	}
	return lo, hi
}

// stackColumns is the resolution of stacked charts.
const stackColumns = 300

// stack calls f for each series from the lowest up, at stackColumns+1 moments:
// with the sum below it and the sum with it. A series without a sample at a
// moment adds nothing. It returns at which moments any series had one: at the
// others the sum is not 0, but unknown.
func (d *chartDrawing) stack(f func(l *chartLine, t int64, low, high float64)) (known [stackColumns + 1]bool) {
	var sums [stackColumns + 1]float64
	reach := d.spec.MaxGap.Milliseconds()
	if reach <= 0 {
		reach = (d.end - d.start) / 20
	}
	for i := range d.lines {
		l := &d.lines[i]
		next := 0
		for col := range sums {
			t := d.start + (d.end-d.start)*int64(col)/stackColumns
			for next < len(l.samples) && l.samples[next].T <= t {
				next++
			}
			v := 0.0
			if next > 0 {
				if s := l.samples[next-1]; finite(s.V) && t-s.T <= reach {
					v, known[col] = s.V, true
				}
			}
			low := sums[col]
			sums[col] += v
			f(l, t, low, sums[col])
		}
	}
	return known
}
