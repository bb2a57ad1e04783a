package plot

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestScale(t *testing.T) {
	for _, tc := range []struct {
		name  string
		s     Scale
		v, px float64
	}{
		{"linear", Linear(0, 10, 100, 0), 2.5, 75},
		{"beyond", Linear(0, 10, 100, 0), 12, -20},
		{"no extent", Linear(5, 5, 0, 100), 7, 50},
		{"log", Log(1, 1000, 0, 300), 10, 100},
		{"log of nothing", Log(1, 1000, 0, 300), 0, 0},
		{"log from zero", Log(0, 1000, 0, 300), 10, 100},
		{"log below zero", Log(-5, -1, 0, 100), 10, 100},
	} {
		if got := tc.s.At(tc.v); math.Abs(got-tc.px) > 1e-9 {
			t.Errorf("%s: %v is at %v, want %v", tc.name, tc.v, got, tc.px)
		}
	}
	for _, s := range []Scale{Linear(-3, 8, 400, 20), Log(0.1, 1e6, 0, 500)} {
		for _, v := range []float64{0.5, 1, 7.25} {
			if got := s.Invert(s.At(v)); math.Abs(got-v) > 1e-9 {
				t.Errorf("%v comes back as %v", v, got)
			}
		}
	}
	if got := Linear(0, 1, 0, 1).At(math.NaN()); !math.IsNaN(got) {
		t.Errorf("no number is at %v", got)
	}
}

func TestNiceRange(t *testing.T) {
	for _, tc := range []struct {
		lo, hi       float64
		n            int
		unit         string
		wlo, whi, st float64
	}{
		{0, 9.3, 5, UnitNone, 0, 10, 2},
		{0, 100, 4, UnitNone, 0, 100, 50},
		{-28.6, -5.9, 4, UnitNone, -30, 0, 10},
		{0, 0, 4, UnitNone, 0, 1, 0.5},
		{7, 7, 4, UnitNone, 0, 8, 2},
		{-7, -7, 4, UnitNone, -8, 0, 2},
		{0, 3.1 * (1 << 30), 4, UnitBytes, 0, 4 << 30, 1 << 30},
		{0, 3000, 4, UnitSeconds, 0, 3600, 900},
		{math.NaN(), 5, 4, UnitNone, 0, 1, 0.5},
		{0, math.Inf(1), 4, UnitNone, 0, 1, 0.5},
		{0, 225, 1, UnitNone, 0, 500, 500},
		{1e9, 1e9 + 1, 4, UnitNone, 1e9, 1e9 + 1, 0.5},
	} {
		lo, hi, step := NiceRange(tc.lo, tc.hi, tc.n, tc.unit)
		if math.Abs(lo-tc.wlo) > 1e-6 || math.Abs(hi-tc.whi) > 1e-6 || math.Abs(step-tc.st) > 1e-9 {
			t.Errorf("%v..%v in %d: %v..%v by %v, want %v..%v by %v", tc.lo, tc.hi, tc.n, lo, hi, step, tc.wlo, tc.whi, tc.st)
		}
	}
}

// TestNiceRangeHolds checks, over many magnitudes, what NiceRange promises.
func TestNiceRangeHolds(t *testing.T) {
	for e := -12.0; e <= 15; e += 0.37 {
		for _, lo := range []float64{0, -0.3, 0.2, 0.95} {
			for n := 1; n <= 6; n++ {
				top := math.Pow(10, e)
				a, b, step := NiceRange(lo*top, top, n, UnitNone)
				if a > lo*top+step*1e-6 || b < top-step*1e-6 || !(step > 0) {
					t.Fatalf("%v..%v in %d: %v..%v by %v does not hold the values", lo*top, top, n, a, b, step)
				}
				if got := len(ValueTicks(a, b, step)); got < 2 || n > 1 && got > n+2 {
					t.Fatalf("%v..%v in %d: %d ticks", lo*top, top, n, got)
				}
			}
		}
	}
}

func TestLogTicks(t *testing.T) {
	if got := fmt.Sprint(LogTicks(0.01, 10)); got != "[0.01 0.1 1 10]" {
		t.Errorf("ticks are %v", got)
	}
	if got := LogTicks(0, 10); got != nil {
		t.Errorf("ticks from nought: %v", got)
	}
}

func TestTimeTicks(t *testing.T) {
	kst := time.FixedZone("KST", 9*3600)
	nepal := time.FixedZone("NPT", 5*3600+45*60)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("no time zone database: %v", err)
	}
	cairo, err := time.LoadLocation("Africa/Cairo") // its clocks go forward at midnight
	if err != nil {
		t.Skipf("no time zone database: %v", err)
	}
	at := func(loc *time.Location, s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04:05", s, loc)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tc := range []struct {
		name       string
		loc        *time.Location
		start, end string
		n          int
		want       string
		lang       string
	}{
		{"seconds", kst, "2025-11-18 03:12:07", "2025-11-18 03:12:39", 4, "03:12:10 03:12:20 03:12:30", ""},
		{"minutes", kst, "2025-11-18 02:29:24", "2025-11-18 03:19:24", 4, "02:30 02:45 03:00 03:15", ""},
		{"quarter-hour zone", nepal, "2025-11-18 02:29:24", "2025-11-18 03:19:24", 4, "02:30 02:45 03:00 03:15", ""},
		{"hours", kst, "2025-11-17 20:10:00", "2025-11-18 04:10:00", 5, "22:00 00:00 02:00 04:00", ""},
		{"a day", kst, "2025-11-17 20:10:00", "2025-11-18 21:10:00", 6, "18 Nov 06:00 12:00 18:00", ""},
		{"days", kst, "2025-11-14 12:00:00", "2025-11-19 12:00:00", 6, "15 Nov 16 Nov 17 Nov 18 Nov 19 Nov", ""},
		{"weeks", kst, "2025-11-01 00:00:00", "2025-12-01 00:00:00", 5, "3 Nov 10 Nov 17 Nov 24 Nov 1 Dec", ""},
		{"months", kst, "2025-01-15 00:00:00", "2025-06-15 00:00:00", 6, "Feb 2025 Mar Apr May Jun", ""},
		{"years", kst, "2019-05-01 00:00:00", "2024-06-01 00:00:00", 6, "2020 2021 2022 2023 2024", ""},
		{"summer begins", berlin, "2025-03-30 00:00:00", "2025-03-30 06:00:00", 7, "00:00 01:00 03:00 04:00 05:00 06:00", ""},
		{"summer ends", berlin, "2025-10-26 00:00:00", "2025-10-26 12:00:00", 6, "00:00 03:00 06:00 09:00 12:00", ""},
		{"days over the end of summer", berlin, "2025-10-24 12:00:00", "2025-10-28 12:00:00", 5, "25 Oct 26 Oct 27 Oct 28 Oct", ""},
		{"weeks over the beginning of summer", berlin, "2025-03-15 00:00:00", "2025-04-10 00:00:00", 4, "17 Mar 24 Mar 31 Mar 7 Apr", ""},
		{"months over both", berlin, "2025-02-10 00:00:00", "2026-02-10 00:00:00", 4, "Apr Jul Oct 2026", ""},
		{"no midnight", cairo, "2025-04-23 12:00:00", "2025-04-27 12:00:00", 4, "24 Apr 25 Apr 26 Apr 27 Apr", ""},
		{"a day in Korean", kst, "2025-11-17 20:10:00", "2025-11-18 21:10:00", 6, "11월 18일 06:00 12:00 18:00", "ko"},
		{"a week in Korean", kst, "2025-11-28 12:00:00", "2025-12-05 12:00:00", 4, "11월 30일 12월 2일 12월 4일", "ko"},
		{"a year in Korean", kst, "2024-11-18 12:00:00", "2025-11-18 12:00:00", 5, "2025년 4월 7월 10월", "ko"},
		{"half a year in Korean", kst, "2025-03-18 12:00:00", "2025-07-18 12:00:00", 5, "2025년 4월 5월 6월 7월", "ko"},
		{"years in Korean", kst, "2019-05-01 00:00:00", "2024-06-01 00:00:00", 6, "2020년 2021년 2022년 2023년 2024년", "ko"},
		{"one", kst, "2025-11-18 03:12:00", "2025-11-18 03:13:00", 1, "03:12", ""},
		{"backwards", kst, "2025-11-18 03:12:00", "2025-11-18 03:11:00", 5, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var labels []string
			var before time.Time
			for _, tick := range TimeTicks(at(tc.loc, tc.start), at(tc.loc, tc.end), tc.n, tc.loc, tc.lang) {
				labels = append(labels, tick.Label)
				if !tick.At.After(before) {
					t.Errorf("%v comes after %v", tick.At, before)
				}
				before = tick.At
			}
			if got := strings.Join(labels, " "); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// TestTimeTicksHold checks over all lengths that ticks are few and in the range.
func TestTimeTicksHold(t *testing.T) {
	start := time.Date(2025, 11, 18, 3, 12, 8, 123e6, time.UTC)
	for d := 2 * time.Second; d > 0 && d < 200*365*24*time.Hour; d += d / 3 {
		for n := 1; n <= 12; n++ {
			ticks := TimeTicks(start, start.Add(d), n, nil, "")
			if len(ticks) > n {
				t.Fatalf("%v: %d ticks, want at most %d", d, len(ticks), n)
			}
			if n >= 4 && len(ticks) == 0 {
				t.Fatalf("%v in %d: no tick", d, n)
			}
			for _, tick := range ticks {
				if tick.At.Before(start) || tick.At.After(start.Add(d)) {
					t.Fatalf("%v: tick %v outside", d, tick.At)
				}
			}
		}
	}
}
