package plot

import (
	"math"
	"slices"
	"time"
)

// NiceStep returns the smallest of 1, 2 and 5 times a power of ten (for bytes of
// two, in steps of 1024) that is at least v.
func NiceStep(v float64, unit string) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return 1
	}
	if unit == UnitBytes || unit == "B" {
		if v <= 1 {
			return 1
		}
		return math.Exp2(math.Ceil(math.Log2(v) - 1e-9))
	}
	if steps := timeSteps(unit); steps != nil && v > steps[0] {
		for _, s := range steps {
			if s >= v*(1-1e-9) {
				return s
			}
		}
		day := steps[len(steps)-1]
		return day * NiceStep(v/day, UnitNone)
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range [3]float64{1, 2, 5} {
		if m*power >= v*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// timeSteps returns the steps of an axis of durations from a second on.
func timeSteps(unit string) []float64 {
	second := 1.0
	switch unit {
	case UnitSeconds:
	case "ms":
		second = 1000
	default:
		return nil
	}
	steps := []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400}
	for i := range steps {
		steps[i] *= second
	}
	return steps
}

// NiceRange widens lo..hi to whole steps, of which there are about n and at most
// n+1, and returns the step. A range without extent is given some.
func NiceRange(lo, hi float64, n int, unit string) (niceLo, niceHi, step float64) {
	if !finite(lo) || !finite(hi) || lo > hi || math.Abs(lo) > 1e300 || math.Abs(hi) > 1e300 {
		lo, hi = 0, 1
	}
	if hi-lo <= 1e-12*math.Max(math.Abs(lo), math.Abs(hi)) {
		switch {
		case hi == 0:
			hi = 1
		case hi > 0:
			lo = 0
		default:
			hi = 0
		}
	}
	n = max(n, 1)
	step = NiceStep((hi-lo)/float64(n), unit)
	for {
		niceLo, niceHi = math.Floor(lo/step+1e-9)*step, math.Ceil(hi/step-1e-9)*step
		if (niceHi-niceLo)/step <= float64(n)+1.5 || n == 1 {
			return niceLo, niceHi, step
		}
		step = NiceStep(step*1.01, unit)
	}
}

// ValueTicks returns the multiples of step within lo..hi, at most 1000.
func ValueTicks(lo, hi, step float64) []float64 {
	if !(step > 0) || !(hi >= lo) || (hi-lo)/step > 1000 {
		return nil
	}
	first := math.Ceil(lo/step - 1e-9)
	var ticks []float64
	for i := 0.0; (first+i)*step <= hi+step*1e-9; i++ {
		ticks = append(ticks, (first+i)*step)
	}
	return ticks
}

// LogTicks returns the powers of ten within lo..hi.
func LogTicks(lo, hi float64) []float64 {
	if !(lo > 0) || !(hi >= lo) || math.IsInf(hi, 0) {
		return nil
	}
	var ticks []float64
	for e := math.Ceil(math.Log10(lo) - 1e-9); e <= math.Log10(hi)+1e-9; e++ {
		ticks = append(ticks, math.Pow(10, e))
	}
	return ticks
}

// TimeTick is a moment on a time axis and what is written below it.
type TimeTick struct {
	At    time.Time
	Label string
}

// timeStep is a distance between time ticks: a length of the clock, or days, or months.
type timeStep struct {
	clock        time.Duration
	days, months int
	layout       string // of times of day
}

// approx returns about how long the step is.
func (s timeStep) approx() time.Duration {
	const day = 24 * time.Hour
	return s.clock + time.Duration(s.days)*day + time.Duration(s.months)*day*365/12
}

// timeAxisSteps lists the steps from short to long.
func timeAxisSteps() []timeStep {
	var steps []timeStep
	for _, n := range [...]int{1, 2, 5, 10, 15, 30} {
		steps = append(steps, timeStep{clock: time.Duration(n) * time.Second, layout: "15:04:05"})
	}
	for _, n := range [...]int{1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720} {
		steps = append(steps, timeStep{clock: time.Duration(n) * time.Minute, layout: "15:04"})
	}
	for _, n := range [...]int{1, 2, 3, 7, 14} {
		steps = append(steps, timeStep{days: n})
	}
	for _, n := range [...]int{1, 3, 6} {
		steps = append(steps, timeStep{months: n})
	}
	for _, n := range [...]int{12, 24, 60, 120, 240, 600, 1200} {
		steps = append(steps, timeStep{months: n})
	}
	return steps
}

// dates are the layouts of a language's dates on an axis.
type dates struct{ day, month, monthOfYear, year string }

func datesOf(lang string) dates {
	if lang == "ko" {
		return dates{"1월 2일", "1월", "2006년 1월", "2006년"}
	}
	return dates{"2 Jan", "Jan", "Jan 2006", "2006"}
}

// TimeTicks returns at most n moments between start and end that are round on
// the clock of loc: seconds, minutes, hours from midnight, days, weeks from Monday,
// months, years. Midnight among hours is written as its date, and January among
// months as its year; without one, the first month says its year. Dates are written
// in Korean where lang is "ko", else in English. Changes to and from summer time neither
// double a tick nor shift the later ones.
func TimeTicks(start, end time.Time, n int, loc *time.Location, lang string) []TimeTick {
	if loc == nil {
		loc = time.UTC
	}
	if !end.After(start) || n < 1 || end.Sub(start) == math.MaxInt64 || start.Year() < 1 || end.Year() > 9999 {
		return nil
	}
	start, end = start.In(loc), end.In(loc)
	steps := timeAxisSteps()
	for i, s := range steps {
		if time.Duration(n)*s.approx() < end.Sub(start) && i < len(steps)-1 {
			continue
		}
		ticks := s.ticks(start, end, datesOf(lang))
		if len(ticks) <= n || i == len(steps)-1 {
			return ticks[:min(len(ticks), n)]
		}
	}
	return nil
}

// label writes what stands below the tick at t on an axis of that length.
func (s timeStep) label(t time.Time, length time.Duration, d dates) string {
	midnight := t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0
	switch {
	case s.months >= 12 || s.months > 0 && t.Month() == time.January:
		return t.Format(d.year)
	case s.months > 0:
		return t.Format(d.month)
	case s.days > 0 || length > 24*time.Hour && midnight:
		return t.Format(d.day)
	}
	return t.Format(s.layout)
}

// ticks returns the step's moments within start..end.
func (s timeStep) ticks(start, end time.Time, words dates) []TimeTick {
	loc := start.Location()
	y, m, d := start.Date()
	var ticks []TimeTick
	add := func(t time.Time) {
		if t.Before(start) || t.After(end) || len(ticks) > 0 && !t.After(ticks[len(ticks)-1].At) {
			return
		}
		ticks = append(ticks, TimeTick{t, s.label(t, end.Sub(start), words)})
	}
	const limit = 1000 // of candidates: a bound, never reached by a step that fits
	switch {
	case s.months > 0:
		first := time.Date(y, 1, 1, 0, 0, 0, 0, loc)
		if s.months > 12 {
			years := s.months / 12
			first = time.Date(y/years*years, 1, 1, 0, 0, 0, 0, loc)
		}
		for i := range limit {
			t := first.AddDate(0, i*s.months, 0)
			if t.After(end) {
				break
			}
			add(t)
		}
	case s.days > 0:
		// Counted from a Monday, so that the ticks stay where they are while the
		// window moves on.
		monday := time.Date(1970, 1, 5, 0, 0, 0, 0, time.UTC)
		day := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(monday).Hours() / 24)
		day -= ((day % s.days) + s.days) % s.days
		for i := range limit {
			t := time.Date(1970, 1, 5+day+i*s.days, 0, 0, 0, 0, loc)
			if t.After(end) {
				break
			}
			add(t)
		}
	case s.clock >= time.Hour:
		hours := int(s.clock / time.Hour)
		for i := range limit {
			t := time.Date(y, m, d, i*hours, 0, 0, 0, loc)
			if t.After(end) {
				break
			}
			if t.Hour()%hours == 0 { // an hour that summer time leaves out is no tick
				add(t)
			}
		}
	default:
		_, offset := start.Zone()
		shift := time.Duration(offset) * time.Second
		t := start.Add(shift).Truncate(s.clock).Add(-shift)
		for i := 0; i < limit && !t.After(end); i++ {
			add(t)
			t = t.Add(s.clock)
		}
	}
	january := func(t TimeTick) bool { return t.At.Month() == time.January }
	if s.months > 0 && len(ticks) > 0 && !slices.ContainsFunc(ticks, january) {
		ticks[0].Label = ticks[0].At.Format(words.monthOfYear)
	}
	return ticks
}
