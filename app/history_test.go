package app

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/app/board"
	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/store"
	"github.com/nocturne-noc/nocturne/store/model"
)

// TestSpikeShowsOnTheWall keeps four days of one sensor, every ten seconds, in a real store and draws
// them at a quarter of an hour a point: one hot sample that no point of the chart falls on is painted
// in the limit's colour, and nothing is without it.
func TestSpikeShowsOnTheWall(t *testing.T) {
	start := time.Date(2025, 11, 14, 0, 0, 0, 0, time.UTC)
	end := start.Add(4 * 24 * time.Hour)
	hot := start.Add(51*time.Hour + 7*time.Minute + 10*time.Second)
	for _, spike := range []float64{30, 90} {
		now := start
		s, err := store.Open(store.Options{Dir: t.TempDir(), Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		ls := labels.FromStrings("__name__", "temperature", "source", "lab")
		for ; !now.After(end); now = now.Add(10 * time.Second) {
			v := 30.0
			if now.Equal(hot) {
				v = spike
			}
			if err := s.Apply(model.Batch{Source: "lab", Scope: "a", Time: now, Every: 10 * time.Second,
				Samples: []model.Sample{{Labels: ls, T: now.UnixMilli(), V: v}}}); err != nil {
				t.Fatal(err)
			}
		}
		now = end
		if got := amber(t, s); (got > 0) != (spike > 60) {
			t.Errorf("with a sample of %v there are %d pixels in the limit's colour", spike, got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

const sensorBoard = `
boards:
  - name: lab
    panels:
      - {kind: timeseries, at: [0, 0, 24, 12], range: 4d, max: 100, limits: [{value: 60}], queries: [{expr: temperature}]}
`

// amber draws the sensor's board and counts the pixels of the colour of warnings in its chart.
func amber(t *testing.T, src model.Source) int {
	t.Helper()
	cfg, err := config.Parse("lab.yaml", []byte(sensorBoard), ".")
	if err != nil {
		t.Fatal(err)
	}
	look := LookOf(config.Wall{}, "en", "dark")
	img, err := snapshot(t.Context(), src, Boards(cfg.Boards), nil, SnapshotRequest{Size: "800x450"}, look, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	header := board.NewGeometry(800, 450, 24, 12, 1, false).Header
	n := 0
	for y := header.Max.Y; y < img.Rect.Max.Y; y++ {
		for x := range img.Rect.Max.X {
			if c := img.RGBAAt(x, y); int(c.R) > int(c.B)+60 { // nothing else on a quiet wall is
				n++
			}
		}
	}
	return n
}
