package app

import (
	"testing"
	"time"
)

func TestNextRange(t *testing.T) {
	const hour, day = time.Hour, 24 * time.Hour
	for _, tc := range []struct {
		name   string
		now    time.Duration
		by     int
		extent time.Duration
		want   time.Duration
	}{
		{"first", 0, 1, 0, hour},
		{"longer", hour, 1, 0, 6 * hour},
		{"longest", 365 * day, 1, 0, 365 * day},
		{"shorter", 7 * day, -1, 0, day},
		{"back to their own", hour, -1, 0, 0},
		{"shorter than their own", 0, -1, 0, 0},
		{"a recording of 50 minutes", hour, 1, 50 * time.Minute, hour},
		{"a recording of two hours", hour, 1, 2 * hour, 6 * hour},
		{"no more than a recording", 6 * hour, 1, 2 * hour, 6 * hour},
		{"a recording of ten years", 30 * day, 1, 3650 * day, 365 * day},
	} {
		if got := nextRange(tc.now, tc.by, tc.extent); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// TestRangeEndsByItself chooses a range and waits for it to end.
func TestRangeEndsByItself(t *testing.T) {
	w := &Wall{span: time.Hour, until: rangeStands}
	w.ageRange(rangeStands - time.Second)
	if w.span != time.Hour {
		t.Errorf("a second before its time the range is %v", w.span)
	}
	w.ageRange(time.Second)
	if w.span != 0 {
		t.Errorf("after its time the range is %v", w.span)
	}
	if w.setRange(0) {
		t.Error("Esc claims to have ended a range that was over")
	}
}
