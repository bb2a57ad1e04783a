package panels

import (
	"context"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// shortSpans are the spans that a chart is shortened to while its history is young.
var shortSpans = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 14 * day, 30 * day, 90 * day, 180 * day,
}

const day = 24 * time.Hour

// stepFor is how far apart the points of a chart w pixels wide at density 1 are: one in two pixels,
// and round, so that neighbouring loads ask for the same moments and long steps are whole windows of
// the rollups that answer them. What is too long to show the shape of a day is whole days: points that
// were at noon and at midnight in turn would make a thicket of the line.
func stepFor(span time.Duration, w float64) time.Duration {
	points := max(24, min(w/2, 2000))
	step := time.Duration(float64(span) / points)
	for _, nice := range []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	} {
		if step <= nice {
			return nice
		}
	}
	switch {
	case step <= 10*time.Minute:
		return up(step, time.Minute)
	case step <= time.Hour:
		return up(step, 5*time.Minute)
	}
	for _, nice := range []time.Duration{2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour} {
		if step <= nice {
			return nice
		}
	}
	return up(step, day)
}

// up rounds d up to a multiple of unit.
func up(d, unit time.Duration) time.Duration { return (d + unit - 1).Truncate(unit) }

// youngSpan is how much of span a chart need show: all of it, or the least that covers what there is
// when the data begins late in it and there is none before it either. A gap at the beginning of the
// span with data before it shortens nothing. every is how often the sources measure.
func youngSpan(ctx context.Context, src model.Source, exprs []expression, answers [][]model.Series, span, every time.Duration) (time.Duration, error) {
	now := src.Now()
	var first time.Time
	for _, lines := range answers {
		for _, line := range lines {
			if len(line.Points) == 0 {
				continue
			}
			if at := time.UnixMilli(line.Points[0].T); first.IsZero() || at.Before(first) {
				first = at
			}
		}
	}
	young := span
	if !first.IsZero() {
		for _, s := range shortSpans {
			if now.Sub(first) <= s {
				young = s
				break
			}
		}
	}
	if young >= span {
		return span, nil
	}
	const back, step = day, 5 * time.Minute // PromQL's own look back, so that nothing is missed
	start := now.Add(-span).Truncate(step)
	for _, x := range exprs {
		older, err := src.QueryRange(ctx, x.in(timing{step: step, span: span, every: every}), start.Add(-back), start, step)
		if err != nil {
			return 0, err
		}
		if len(older) > 0 {
			return span, nil
		}
	}
	return young, nil
}
