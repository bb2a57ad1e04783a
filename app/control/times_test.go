package control_test

import (
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/app/control"
)

func TestParseTime(t *testing.T) {
	for s, want := range map[string]time.Time{
		"now": now, "-1h": now.Add(-time.Hour), "-1d": now.Add(-24 * time.Hour), "2026-03-01T03:00:00Z": now,
		"1772334000": now, "1772334000.5": now.Add(500 * time.Millisecond),
	} {
		if got, err := control.ParseTime(s, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "-", "yesterday", "NaN", "Inf", "-1", "1e300", "+1h"} {
		if got, err := control.ParseTime(s, now); err == nil {
			t.Errorf("%q is %v", s, got)
		}
	}
}

func FuzzTimes(f *testing.F) {
	for _, s := range []string{"now", "-1h", "1e9", "2026-03-01T03:00:00Z", "5m", "0", "NaN"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := control.ParseTime(s, now); err == nil && got.Year() > 40_000 {
			t.Errorf("%q is %v", s, got)
		}
		if d, err := control.ParseStep(s); err == nil && d <= 0 {
			t.Errorf("%q is %v", s, d)
		}
	})
}
