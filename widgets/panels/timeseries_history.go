package panels

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

const (
	// longestHold is the longest that a chart is left as it is, however long its range: the readings at
	// the ends of its lines are the present.
	longestHold = time.Minute
	// longStep is the step from which on the last point of a line may be much older than its last value.
	longStep = time.Minute
	// tailStep is the step from which on extremes since the last point are asked for by themselves.
	tailStep = 5 * time.Minute
)

// history is what a chart shows of the past: for each query its lines, and for each line the extent
// that it had from point to point, empty where the points tell all.
type history struct {
	span, step time.Duration
	lines      [][]model.Series
	bands      [][][]plot.Range
	bandless   bool // there are extents, but they could not be found out in time
}

// history reads all queries over the chart's span, or over less while there is no more.
func (t *timeseries) history(ctx context.Context, src model.Source, env Env, ages []fresh) (history, error) {
	h := history{span: t.span}
	if env.Range > 0 {
		h.span = env.Range
	}
	if err := t.ask(ctx, src, env, ages, &h); err != nil {
		return h, err
	}
	every := time.Duration(0)
	for _, f := range ages {
		every = max(every, f.told)
	}
	span, err := youngSpan(ctx, src, t.exprs, h.lines, h.span, every)
	if err != nil {
		return h, err
	}
	if span < h.span { // again, with points as close as the shorter span lets them be
		h.span = span
		if err = t.ask(ctx, src, env, ages, &h); err != nil {
			return h, err
		}
	}
	h.bands = make([][][]plot.Range, len(t.exprs))
	for i, x := range t.exprs {
		h.bands[i] = make([][]plot.Range, len(h.lines[i]))
		if t.Stacked || t.Bars || h.step < 2*ages[i].every {
			continue // a sum of extremes never was; a bar speaks of all its time already
		}
		text := x.in(timing{h.step, h.span, ages[i].told})
		bands, err := bandsOf(ctx, src, text, h.span, h.step, h.lines[i])
		if ctx.Err() != nil {
			return h, ctx.Err()
		}
		if err != nil { // lines without their extents are true, if not all: say so and show them
			h.bandless = true
			continue
		}
		h.bands[i] = bands
	}
	return h, t.last(ctx, src, ages, &h)
}

// ask evaluates all queries over h.span, which it chooses the step for.
func (t *timeseries) ask(ctx context.Context, src model.Source, env Env, ages []fresh, h *history) error {
	width := env.width()
	if t.Bars { // bars that can be told apart
		width = 0
	}
	h.step = stepFor(h.span, width)
	h.lines = make([][]model.Series, len(t.exprs))
	now := src.Now()
	for i, x := range t.exprs {
		text := x.in(timing{h.step, h.span, ages[i].told})
		found, err := src.QueryRange(ctx, text, now.Add(-h.span).Truncate(h.step), now.Truncate(h.step), h.step)
		if err != nil {
			return err
		}
		h.lines[i] = found
	}
	return nil
}

// last puts the present values at the ends of lines whose points are far apart. A line that has come
// since the last point has no extent yet.
func (t *timeseries) last(ctx context.Context, src model.Source, ages []fresh, h *history) error {
	if h.step < longStep || t.Bars {
		return nil
	}
	now := src.Now()
	for i, x := range t.exprs {
		found, err := src.Query(ctx, x.in(timing{h.step, h.span, ages[i].told}), now)
		if err != nil {
			return err
		}
		h.lines[i] = slices.Clone(h.lines[i]) // what a Source gave is not ours to change
		at := byLabels(h.lines[i])
		for _, s := range found {
			j, known := at.find(s.Labels)
			if !known {
				h.lines[i] = append(h.lines[i], s)
				h.bands[i] = append(h.bands[i], nil)
				continue
			}
			line := &h.lines[i][j]
			if n := len(line.Points); n > 0 && line.Points[n-1].T < s.Points[0].T {
				line.Points = append(line.Points[:n:n], s.Points[0])
			}
		}
	}
	return nil
}

// bandsOf finds the extent of each line from point to point, and from the last one to now.
func bandsOf(ctx context.Context, src model.Source, expr string, span, step time.Duration, lines []model.Series) ([][]plot.Range, error) {
	now := src.Now()
	low, high, err := src.QueryBand(ctx, expr, now.Add(-span).Truncate(step), now.Truncate(step), step)
	if err != nil {
		return nil, err
	}
	out := make([][]plot.Range, len(lines))
	if len(low)+len(high) == 0 {
		return out, nil
	}
	lowAt, highAt := byLabels(low), byLabels(high)
	for i, line := range lines {
		out[i] = rangesOf(line.Points, lowAt.points(line.Labels), highAt.points(line.Labels), step)
	}
	if step < tailStep {
		return out, nil
	}
	at := now.Truncate(time.Minute) // moments that loads within a minute have in common
	if low, high, err = src.QueryBand(ctx, expr, at, at, step); err != nil {
		return nil, err
	}
	lowAt, highAt = byLabels(low), byLabels(high)
	for i, line := range lines {
		tail := rangesOf(nil, lowAt.points(line.Labels), highAt.points(line.Labels), step)
		if n := len(out[i]); n > 0 && len(tail) == 1 {
			r := tail[0]
			r.From, r.To = out[i][n-1].To, max(r.To, out[i][n-1].To)
			out[i] = append(out[i], r)
		}
	}
	return out, nil
}

// rangesOf joins a line with its lowest and highest values. Each range ends at a point and holds the
// line there and all that is known of the step before it.
func rangesOf(line, low, high []model.Point, step time.Duration) []plot.Range {
	out := make([]plot.Range, 0, max(len(line), len(low), len(high)))
	for len(line)+len(low)+len(high) > 0 {
		t := int64(math.MaxInt64)
		for _, points := range [3][]model.Point{line, low, high} {
			if len(points) > 0 {
				t = min(t, points[0].T)
			}
		}
		r := plot.Range{From: t - step.Milliseconds(), To: t, Lo: math.Inf(1), Hi: math.Inf(-1)}
		for _, points := range [3]*[]model.Point{&line, &low, &high} {
			if len(*points) > 0 && (*points)[0].T == t {
				if v := (*points)[0].V; !math.IsNaN(v) {
					r.Lo, r.Hi = min(r.Lo, v), max(r.Hi, v)
				}
				*points = (*points)[1:]
			}
		}
		if !math.IsInf(r.Lo, 0) && !math.IsInf(r.Hi, 0) {
			out = append(out, r)
		}
	}
	return out
}

// cutBand ends a band with its line where that is silent, and at now.
func cutBand(band []plot.Range, l plot.Line, now time.Time) []plot.Range {
	end := now.UnixMilli()
	if l.Severity == plot.KindStale {
		end = l.Since.UnixMilli()
	}
	for i := len(band) - 1; i >= 0 && band[i].To > end; i-- {
		if band[i].From >= end {
			band = band[:i]
			continue
		}
		band[i].To = end
	}
	return band
}

// labelled finds series by their labels.
type labelled struct {
	lines []model.Series
	at    map[uint64]int // by the labels' hash
}

func byLabels(lines []model.Series) labelled {
	out := labelled{lines, make(map[uint64]int, len(lines))}
	for i, line := range lines {
		out.at[line.Labels.Hash()] = i
	}
	return out
}

func (l labelled) find(ls labels.Labels) (int, bool) {
	i, ok := l.at[ls.Hash()]
	return i, ok && labels.Equal(l.lines[i].Labels, ls)
}

// points are those of the series with the labels, nil where there is none.
func (l labelled) points(ls labels.Labels) []model.Point {
	if i, ok := l.find(ls); ok {
		return l.lines[i].Points
	}
	return nil
}

// broken interrupts a line that no point is known of within lost history: what is before and after it
// is not joined.
func broken(points []plot.Sample, lost []plot.Stretch) []plot.Sample {
	for _, s := range lost {
		if s.Faint {
			continue
		}
		from, to := s.Start.UnixMilli(), s.End.UnixMilli()
		i, _ := slices.BinarySearchFunc(points, from+1, func(p plot.Sample, t int64) int { return cmp.Compare(p.T, t) })
		if i > 0 && i < len(points) && points[i].T >= to {
			points = slices.Insert(points, i, plot.Sample{T: from + (to-from)/2, V: math.NaN()})
		}
	}
	return points
}

// stretches are the marks of history as a chart shows them. Marks of a kind that all but touch are one.
func stretches(src model.Source, env Env, start, end time.Time) []plot.Stretch {
	var out []plot.Stretch
	open := map[string]int{} // by kind, where its newest stretch is
	for _, m := range src.Marks(start, end) {
		if i, ok := open[m.Kind]; ok && m.Start.Sub(out[i].End) <= end.Sub(start)/500 {
			if m.End.After(out[i].End) {
				out[i].End = m.End
			}
			continue
		}
		s := plot.Stretch{Start: m.Start, End: m.End, Faint: true}
		switch m.Kind {
		case model.MarkDamaged:
			s.Label, s.Faint = env.Text("history damaged"), false
		case model.MarkAsleep:
			s.Label = env.Text("no record")
		case model.MarkClock:
			s.Label = env.Text("clock was set")
		}
		open[m.Kind] = len(out)
		out = append(out, s)
	}
	return out
}
