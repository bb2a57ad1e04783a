package plot

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Names of units that have their own way of being written. They are those of
// Grafana's panels; any other name is a suffix that is written as it stands.
const (
	UnitNone    = ""
	UnitShort   = "short"       // SI: 4.82 k
	UnitBits    = "bps"         // SI: Gb/s
	UnitBytesPS = "Bps"         // SI: MB/s
	UnitBytes   = "bytes"       // IEC: GiB
	UnitPercent = "percent"     // 0..100
	UnitRatio   = "percentunit" // 0..1, written as %
	UnitSeconds = "s"
)

// prefix is one step of a unit: values from size on are divided by it.
type prefix struct {
	size   float64
	suffix string
}

// prefixes returns the steps of a unit from large to small, and the suffix of
// what is smaller than the last; nil where a unit has no steps.
func prefixes(unit string) []prefix {
	si := func(tail string) []prefix {
		return []prefix{{1e15, "P" + tail}, {1e12, "T" + tail}, {1e9, "G" + tail}, {1e6, "M" + tail}, {1e3, "k" + tail}, {1, tail}}
	}
	switch unit {
	case UnitShort:
		return si("")
	case UnitBits, "bit/s", "b/s", "binbps":
		return si("b/s")
	case UnitBytesPS, "byte/s", "B/s", "binBps":
		return si("B/s")
	case UnitBytes, "B":
		return []prefix{{1 << 50, "PiB"}, {1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, "B"}}
	case "decbytes":
		return si("B")
	case "pps", "ops", "reqps", "rps", "cps", "iops":
		return si("/s")
	case "hertz":
		return si("Hz")
	case "watt":
		return si("W")
	case UnitSeconds:
		return []prefix{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}, {1e-9, "ns"}}
	case "ms":
		return []prefix{{864e5, "d"}, {36e5, "h"}, {6e4, "min"}, {1e3, "s"}, {1, "ms"}, {1e-3, "µs"}}
	}
	return nil
}

// percentFactor tells whether the unit is written in %, and what a value is multiplied by.
func percentFactor(unit string) (factor float64, ok bool) {
	switch unit {
	case UnitPercent, "%":
		return 1, true
	case UnitRatio:
		return 100, true
	}
	return 1, false
}

// plainSuffix returns what stands behind a number of a unit without steps.
func plainSuffix(unit string) string {
	switch unit {
	case UnitNone, "none":
		return ""
	case "celsius":
		return "°C"
	case "volt":
		return "V"
	case "amp":
		return "A"
	}
	return unit
}

// Format writes a value with three significant digits, so that a figure keeps
// its width while it changes: 9.10 Gb/s, 91.0 MB/s, 910 KiB. What is no number is
// written as an en dash, infinities as "inf".
func Format(value float64, unit string) (number, suffix string) {
	switch {
	case math.IsNaN(value):
		return "–", ""
	case math.IsInf(value, 1):
		return "inf", ""
	case math.IsInf(value, -1):
		return "–inf", ""
	}
	if factor, ok := percentFactor(unit); ok {
		return formatPercent(value * factor), "%"
	}
	steps := prefixes(unit)
	if steps == nil {
		return formatPlain(value), plainSuffix(unit)
	}
	i := pickPrefix(steps, math.Abs(value))
	scaled := value / steps[i].size
	if steps[i].size == 1 && scaled == math.Trunc(scaled) {
		return formatFixed(scaled, 0), steps[i].suffix // whole things have no decimals
	}
	return formatFixed(scaled, decimals(scaled)), steps[i].suffix
}

// pickPrefix returns the step for a magnitude, counting what would be rounded up
// to the next step (999.6 M) as that step already.
func pickPrefix(steps []prefix, abs float64) int {
	unity := len(steps) - 1
	for i, s := range steps {
		if s.size == 1 {
			unity = i
		}
	}
	if abs == 0 {
		return unity
	}
	for i, s := range steps {
		if abs >= s.size {
			return i
		}
		if i+1 < len(steps) {
			below := steps[i+1].size
			digits := math.Pow(10, float64(decimals(abs/below)))
			if math.Round(abs/below*digits)/digits*below >= s.size {
				return i
			}
		}
	}
	return len(steps) - 1
}

// decimals returns how many decimals give three significant digits.
func decimals(v float64) int {
	switch v = math.Abs(v); {
	case v >= 99.95:
		return 0
	case v >= 9.995:
		return 1
	}
	return 2
}

// formatPlain writes a value of a unit without steps.
func formatPlain(v float64) string {
	abs := math.Abs(v)
	switch {
	case v == math.Trunc(v) && abs < 1e15:
		return formatFixed(v, 0)
	case abs >= 1e15 || abs < 0.005:
		return minus(strconv.FormatFloat(v, 'g', 3, 64))
	}
	return formatFixed(v, decimals(v))
}

// formatPercent writes a percentage: whole from 10 on, and never 100 for what is
// short of it.
func formatPercent(v float64) string {
	abs := math.Abs(v)
	switch {
	case abs == math.Trunc(abs) && abs < 1e15:
		return formatFixed(v, 0)
	case abs > 99 && abs < 100:
		return formatFixed(math.Copysign(math.Floor(abs*100)/100, v), 2)
	case abs >= 9.95:
		return formatFixed(v, 0)
	case abs < 0.05:
		return formatFixed(v, 2)
	}
	return formatFixed(v, 1)
}

// formatFixed writes v with n decimals; never "-0".
func formatFixed(v float64, n int) string {
	s := strconv.FormatFloat(v, 'f', n, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return minus(s)
}

// minus writes negative numbers with an en dash, which is as wide as a digit.
func minus(s string) string {
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		return "–" + rest
	}
	return s
}

// FormatText is Format in one string, with a space before the suffix.
func FormatText(value float64, unit string) string {
	number, suffix := Format(value, unit)
	if suffix == "" {
		return number
	}
	return number + " " + suffix
}

// FormatDuration writes how long something has lasted, in its two largest units:
// "1 h 39 min", "7 min", "18 d", "45 s". Seconds are dropped from a minute on,
// and minutes from a day on.
func FormatDuration(d time.Duration) string {
	sign := ""
	if d < 0 {
		d, sign = -max(d, math.MinInt64+1), "–"
	}
	pair := func(big int64, bigName string, small int64, smallName string) string {
		s := sign + strconv.FormatInt(big, 10) + " " + bigName
		if small > 0 {
			s += " " + strconv.FormatInt(small, 10) + " " + smallName
		}
		return s
	}
	sec := int64(d / time.Second)
	switch {
	case sec < 60:
		return pair(sec, "s", 0, "")
	case sec < 3600:
		return pair(sec/60, "min", 0, "")
	case sec < 86400:
		return pair(sec/3600, "h", sec%3600/60, "min")
	case sec < 7*86400:
		return pair(sec/86400, "d", sec%86400/3600, "h")
	}
	return pair(sec/86400, "d", 0, "")
}

// AxisUnit is how all figures of one axis are written: one prefix for all.
type AxisUnit struct {
	Divisor  float64 // values are divided by it
	Suffix   string  // for the panel's title: "Gb/s"
	Decimals int
}

// AxisUnitFor returns the writing of an axis whose largest magnitude is top and whose
// ticks are step apart, both in the unit's own measure.
func AxisUnitFor(top, step float64, unit string) AxisUnit {
	a := AxisUnit{Divisor: 1, Suffix: plainSuffix(unit)}
	if factor, ok := percentFactor(unit); ok {
		a = AxisUnit{Divisor: 1 / factor, Suffix: "%"}
	} else if steps := prefixes(unit); steps != nil {
		p := steps[pickPrefix(steps, math.Abs(top))]
		a = AxisUnit{Divisor: p.size, Suffix: p.suffix}
	}
	for scaled := math.Abs(step) / a.Divisor; a.Decimals < 6; a.Decimals++ {
		if scaled == 0 || math.Abs(scaled-math.Round(scaled)) < 1e-6*math.Max(1, scaled) {
			break
		}
		scaled *= 10
	}
	return a
}

// Tick writes a tick's value.
func (a AxisUnit) Tick(v float64) string { return formatFixed(v/a.Divisor, a.Decimals) }

// Value writes a reading next to the axis, with a decimal more than its ticks.
func (a AxisUnit) Value(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		number, _ := Format(v, UnitNone)
		return number
	}
	n := a.Decimals
	if math.Abs(v/a.Divisor) < 99.95 {
		n++
	}
	return formatFixed(v/a.Divisor, n)
}
