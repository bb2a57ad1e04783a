package panels

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	promodel "github.com/prometheus/common/model"
)

// The variables that a query of a panel with a range may hold where PromQL wants a duration. Names
// and meaning are Grafana's.
const (
	varInterval     = "$__interval"      // from one point of the chart to the next
	varRateInterval = "$__rate_interval" // what rate() needs to see every change between two points
	varRange        = "$__range"         // the whole of the chart
)

var variable = regexp.MustCompile(`\$\w*`)

// timing is what the variables stand for.
type timing struct {
	step, span time.Duration // of the chart; at least a second
	every      time.Duration // how often the source measures, 0 where nothing tells
}

// leastEvery is what the rate interval counts with where sources measure more often or nothing tells:
// the interval that Grafana takes for granted. Below it a rate is more noise than news.
const leastEvery = 15 * time.Second

// sampleTiming is what queries are checked with when they are read.
var sampleTiming = timing{step: time.Minute, span: time.Hour, every: 10 * time.Second}

// fill puts values in the places of the variables, as PromQL durations.
func (t timing) fill(text string) string {
	if !strings.Contains(text, "$__") {
		return text
	}
	return variable.ReplaceAllStringFunc(text, func(name string) string {
		switch name {
		case varInterval:
			return promodel.Duration(t.step).String()
		case varRateInterval:
			every := max(t.every, leastEvery)
			return promodel.Duration(max(t.step+every, 4*every)).String()
		case varRange:
			return promodel.Duration(t.span).String()
		}
		return name
	})
}

// checkVariables refuses a name that nothing is known by, and any where the panel has no range.
func checkVariables(key, text string, ranged bool) error {
	known := []string{varInterval, varRateInterval, varRange}
	for _, name := range variable.FindAllString(text, -1) {
		switch {
		case !strings.HasPrefix(name, "$__"): // a regular expression's end of line
		case !slices.Contains(known, name):
			return fmt.Errorf("%s: unknown variable %s: want %s", key, name, strings.Join(known, ", "))
		case !ranged:
			return fmt.Errorf("%s: %s: this panel has no range: want a duration such as 5m", key, name)
		}
	}
	return nil
}
