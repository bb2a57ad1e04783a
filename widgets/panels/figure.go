package panels

import (
	"math"
	"strconv"

	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// format writes a value and its unit apart, as plot.Format does, and percentages as people say them:
// one decimal below 10 and next to 100, which only what is full is called; none in between.
func format(v float64, unit string) (number, suffix string) {
	number, suffix = plot.Format(v, unit)
	if suffix != "%" || math.IsNaN(v) || math.IsInf(v, 0) {
		return number, suffix
	}
	percent := v
	if unit == plot.UnitRatio {
		percent *= 100
	}
	switch abs := math.Abs(percent); {
	case abs > 99 && abs < 100:
		percent = math.Copysign(math.Floor(abs*10)/10, percent)
	case abs > 0 && abs < 0.05:
		return "0.0", suffix
	default:
		return number, suffix
	}
	return strconv.FormatFloat(percent, 'f', 1, 64), suffix
}

// formatText is format in one string.
func formatText(v float64, unit string) string {
	number, suffix := format(v, unit)
	if suffix == "" {
		return number
	}
	return number + " " + suffix
}
