package app

import (
	"slices"
	"time"
)

// ranges are what the keyboard offers to show on all charts instead of their own ranges.
var ranges = []time.Duration{
	time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 365 * 24 * time.Hour,
}

// rangeStands is how long a chosen range stands after the last key: a wall that nobody looks at shows
// what its boards were made to show.
const rangeStands = 10 * time.Minute

// nextRange goes one step from a range (0 = the charts' own) to a longer (1) or shorter (-1) one.
// extent bounds it where it is not 0: the first range that holds all of it is the longest.
func nextRange(now time.Duration, by int, extent time.Duration) time.Duration {
	offered := ranges
	if extent > 0 {
		if i := slices.IndexFunc(ranges, func(r time.Duration) bool { return r >= extent }); i >= 0 {
			offered = ranges[:i+1]
		}
	}
	i := slices.Index(offered, now) + by
	if i < 0 {
		return 0
	}
	return offered[min(i, len(offered)-1)]
}

// chooseRange shows all charts over a longer (1) or shorter (-1) time than now.
func (w *Wall) chooseRange(by int) {
	var extent time.Duration
	if start, end, replay := w.o.Source.Replay(); replay {
		extent = end.Sub(start)
	}
	w.mu.Lock()
	next := nextRange(w.span, by, extent)
	w.until = rangeStands
	w.mu.Unlock()
	w.setRange(next)
}

// setRange shows all charts over a range, 0 for their own, and reports whether that is a change.
func (w *Wall) setRange(span time.Duration) bool {
	w.mu.Lock()
	changed := w.span != span
	w.span = span
	w.mu.Unlock()
	if changed {
		w.rebuild()
	}
	return changed
}

// ageRange ends a chosen range that has stood for long enough.
func (w *Wall) ageRange(by time.Duration) {
	w.mu.Lock()
	w.until = max(0, w.until-by)
	over := w.until == 0
	w.mu.Unlock()
	if over {
		w.setRange(0)
	}
}
