package panels

import (
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
)

// TestYoungHistoryShortensTheChart checks that only what has no past at all is shown over a shorter span.
func TestYoungHistoryShortensTheChart(t *testing.T) {
	at := time.Date(2025, 11, 18, 3, 19, 24, 0, paneltest.KST)
	x, err := parseExpression("expr", "load")
	if err != nil {
		t.Fatal(err)
	}
	span := 30 * time.Minute
	points := func(ages ...time.Duration) []model.Series {
		var line model.Series
		for _, age := range ages {
			line.Points = append(line.Points, model.Point{T: at.Add(-age).UnixMilli()})
		}
		return []model.Series{line}
	}
	empty, old := paneltest.New(at), paneltest.New(at)
	old.Gauge("load", paneltest.Const(1), "instance", "db1") // told for longer than the span
	for _, c := range []struct {
		name    string
		src     *paneltest.Source
		answers []model.Series
		want    time.Duration
	}{
		{"one point", empty, points(10 * time.Second), time.Minute},
		{"three minutes", empty, points(3*time.Minute, time.Minute), 5 * time.Minute},
		{"exactly ten", empty, points(10 * time.Minute), 10 * time.Minute},
		{"twenty", empty, points(20 * time.Minute), span},
		{"nothing", empty, nil, span},
		{"a gap", old, points(3 * time.Minute), span},
	} {
		got, err := youngSpan(t.Context(), c.src, []expression{x}, [][]model.Series{c.answers}, span, paneltest.Every)
		if err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
