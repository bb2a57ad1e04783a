package panels

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
)

// A chart marks the events of a label, of one entity where that is asked for.
func TestMarksByLabel(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	src := paneltest.New(now)
	line := model.Series{Labels: labels.FromStrings("__name__", "load")}
	for at := now.Add(-time.Hour); !at.After(now); at = at.Add(src.Every) {
		line.Points = append(line.Points, model.Point{T: at.UnixMilli(), V: 1})
	}
	src.Lines = []model.Series{line}
	event := func(pod, reason string, age time.Duration) model.Event {
		return model.Event{Time: now.Add(-age), Severity: model.Warning, Kind: "kubernetes", Entity: pod, Labels: map[string]string{"reason": reason}}
	}
	src.Happened = []model.Event{
		event("kube/c/ns/s/pod/a", "OOMKilled", 10*time.Minute), event("kube/c/ns/s/pod/a", "BackOff", 15*time.Minute),
		event("kube/c/ns/s/pod/b", "OOMKilled", 20*time.Minute), event("kube/c/ns/s/pod/a", "OOMKilled", 3*time.Hour),
	}
	for keys, want := range map[string]int{
		"marks: reason=OOMKilled":                           2,
		"marks: reason=OOMKilled, under: kube/c/ns/s/pod/a": 1,
		"marks: reason=Evicted":                             0,
		"marks: none":                                       0,
	} {
		p, err := tryPanel("timeseries", "{queries: [{expr: load}], range: 1h, "+keys+"}")
		if err != nil {
			t.Fatalf("%s: %v", keys, err)
		}
		chart := p.(*timeseries)
		if got := chart.moments(src, testEnv(400, 200), now, time.Hour); len(got) != want {
			t.Errorf("%s: %d marks, want %d", keys, len(got), want)
		}
		if deps := chart.Deps(); deps.Events != (chart.Marks != "none") {
			t.Errorf("%s: asks for events: %v", keys, deps.Events)
		}
	}
	for _, keys := range []string{"marks: '=x'", "marks: 'reason='"} {
		if _, err := tryPanel("timeseries", "{queries: [{expr: load}], "+keys+"}"); err == nil {
			t.Errorf("%s is accepted", keys)
		}
	}
}
