package plot

import (
	"math"
	"testing"
	"time"
)

func TestFormat(t *testing.T) {
	for _, tc := range []struct {
		v              float64
		unit           string
		number, suffix string
	}{
		{9.1e9, UnitBits, "9.10", "Gb/s"},
		{2.314e9, UnitBits, "2.31", "Gb/s"},
		{91.04e6, UnitBits, "91.0", "Mb/s"},
		{910e3, UnitBits, "910", "kb/s"},
		{999.4e6, UnitBits, "999", "Mb/s"},
		{999.6e6, UnitBits, "1.00", "Gb/s"},
		{0, UnitBits, "0", "b/s"},
		{12, UnitBits, "12", "b/s"},
		{-5.7e9, UnitBits, "–5.70", "Gb/s"},
		{1.5e6, UnitBytesPS, "1.50", "MB/s"},
		{1024, UnitBytes, "1.00", "KiB"},
		{1023, UnitBytes, "1023", "B"},
		{1408 * (1 << 30), UnitBytes, "1.38", "TiB"},
		{1023.99 * (1 << 20), UnitBytes, "1.00", "GiB"},
		{86.2, UnitPercent, "86", "%"},
		{5, UnitPercent, "5", "%"},
		{9.96, UnitPercent, "10", "%"},
		{4.25, UnitPercent, "4.2", "%"},
		{99.97, UnitPercent, "99.97", "%"},
		{99.9999, UnitPercent, "99.99", "%"},
		{100, UnitPercent, "100", "%"},
		{0.91, UnitRatio, "91", "%"},
		{0.00012, UnitRatio, "0.01", "%"},
		{1.7e-9, UnitPercent, "0.00", "%"},
		{0.0042, UnitSeconds, "4.20", "ms"},
		{93784, UnitSeconds, "1.09", "d"},
		{59.94, UnitSeconds, "59.9", "s"},
		{59.99, UnitSeconds, "1.00", "min"},
		{90, UnitSeconds, "1.50", "min"},
		{250, "ms", "250", "ms"},
		{4820, UnitShort, "4.82", "k"},
		{14, UnitShort, "14", ""},
		{2.5, UnitShort, "2.50", ""},
		{2100, "pps", "2.10", "k/s"},
		{-28.6, "dBm", "–28.6", "dBm"},
		{41, "celsius", "41", "°C"},
		{0.00001, UnitNone, "1e-05", ""},
		{math.NaN(), UnitBits, "–", ""},
		{math.Inf(1), UnitBits, "inf", ""},
		{math.Inf(-1), UnitBits, "–inf", ""},
		{math.Copysign(0, -1), UnitNone, "0", ""},
		{1e300, UnitBits, "", "Pb/s"},
		{5e-324, UnitSeconds, "0.00", "ns"},
	} {
		number, suffix := Format(tc.v, tc.unit)
		if tc.number == "" {
			number = ""
		}
		if number != tc.number || suffix != tc.suffix {
			t.Errorf("%v %s is %q %q, want %q %q", tc.v, tc.unit, number, suffix, tc.number, tc.suffix)
		}
	}
	if got := FormatText(9.1e9, UnitBits); got != "9.10 Gb/s" {
		t.Errorf("in one string: %q", got)
	}
}

// TestFormatKeepsItsWidth counts through three decades: a figure may not change
// between two, three and four characters from one value to the next but where it
// gains a digit before the point.
func TestFormatKeepsItsWidth(t *testing.T) {
	for v := 1.0; v < 1e12; v *= 1.00137 {
		number, suffix := Format(v*1e3+0.5, UnitBits)
		if len(number) < 3 || len(number) > 4 {
			t.Fatalf("%v is written %q %q, want three digits", v, number, suffix)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for _, tc := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0 s"}, {45 * time.Second, "45 s"}, {7*time.Minute + 16*time.Second, "7 min"}, {99 * time.Minute, "1 h 39 min"},
		{5 * time.Hour, "5 h"}, {30 * time.Hour, "1 d 6 h"}, {18*24*time.Hour + time.Hour, "18 d"}, {-time.Minute, "–1 min"},
		{math.MinInt64, "–106751 d"}, {math.MaxInt64, "106751 d"},
	} {
		if got := FormatDuration(tc.d); got != tc.want {
			t.Errorf("%v is %q, want %q", tc.d, got, tc.want)
		}
	}
}

func TestAxisUnit(t *testing.T) {
	for _, tc := range []struct {
		top, step           float64
		unit                string
		suffix, tick, value string // tick of step, value of top
	}{
		{10e9, 2e9, UnitBits, "Gb/s", "2", "10.0"},
		{1e9, 0.25e9, UnitBits, "Gb/s", "0.25", "1.000"},
		{100, 25, UnitPercent, "%", "25", "100"},
		{1, 0.2, UnitRatio, "%", "20", "100"},
		{1536 << 30, 512 << 30, UnitBytes, "TiB", "0.5", "1.50"},
		{-30, 5, "dBm", "dBm", "5", "–30.0"},
		{0.005, 0.001, UnitSeconds, "ms", "1", "5.0"},
		{0, 0, UnitBits, "b/s", "0", "0.0"},
	} {
		a := AxisUnitFor(tc.top, tc.step, tc.unit)
		if a.Suffix != tc.suffix || a.Tick(tc.step) != tc.tick || a.Value(tc.top) != tc.value {
			t.Errorf("%v by %v %s: %q, tick %q, value %q; want %q, %q, %q",
				tc.top, tc.step, tc.unit, a.Suffix, a.Tick(tc.step), a.Value(tc.top), tc.suffix, tc.tick, tc.value)
		}
	}
}
