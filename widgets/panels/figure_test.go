package panels

import (
	"math"
	"testing"

	"github.com/nocturne-noc/nocturne/widgets/plot"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{
		{0, plot.UnitPercent, "0 %"}, {0.01, plot.UnitPercent, "0.0 %"}, {0.3, plot.UnitPercent, "0.3 %"}, {9.14, plot.UnitPercent, "9.1 %"},
		{9.96, plot.UnitPercent, "10 %"}, {91.4, plot.UnitPercent, "91 %"}, {98.9, plot.UnitPercent, "99 %"}, {99.04, plot.UnitPercent, "99.0 %"},
		{99.87, plot.UnitPercent, "99.8 %"}, {99.999, plot.UnitPercent, "99.9 %"}, {100, plot.UnitPercent, "100 %"}, {0.9999, plot.UnitRatio, "99.9 %"},
		{1, plot.UnitRatio, "100 %"}, {140, plot.UnitPercent, "140 %"}, {math.NaN(), plot.UnitPercent, "–"}, {math.Inf(1), plot.UnitRatio, "inf"},
		{9.1e9, plot.UnitBits, "9.10 Gb/s"},
	} {
		if got := formatText(c.v, c.unit); got != c.want {
			t.Errorf("%v %s: %q, want %q", c.v, c.unit, got, c.want)
		}
	}
}
