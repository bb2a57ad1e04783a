package panels

import (
	"context"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// shortSpans are the spans that a chart is shortened to while its history is young.
var shortSpans = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour,
}

// youngSpan is how much of span a chart need show: all of it, or the least that covers what there is
// when the data begins late in it and there is none before it either. A gap at the beginning of the
// span with data before it shortens nothing.
func youngSpan(ctx context.Context, src model.Source, exprs []expression, answers [][]model.Series, span time.Duration) (time.Duration, error) {
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
	const back, step = 24 * time.Hour, 5 * time.Minute // PromQL's own look back, so that nothing is missed
	start := now.Add(-span).Truncate(step)
	for _, x := range exprs {
		older, err := src.QueryRange(ctx, x.text, start.Add(-back), start, step)
		if err != nil {
			return 0, err
		}
		if len(older) > 0 {
			return span, nil
		}
	}
	return young, nil
}
