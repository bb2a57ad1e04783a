package alert_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// TestServersAreCalledByName holds that an alert's words name a server as the wall does, and its labels do not change.
func TestServersAreCalledByName(t *testing.T) {
	b := newBench(t, fstest.MapFS{"r.yml": {Data: []byte(`groups:
  - name: g
    rules:
      - alert: Busy
        expr: busy > 1
        annotations: {summary: '{{ $labels.instance }} busy', summary_ko: '{{ $labels.instance }} 사용률 높음'}
      - alert: Cut
        expr: up == 0
        annotations: {summary: '{{ $labels.a }} – {{ $labels.b }} down'}
`)}}, nil)
	server := func(id, name string) model.Entity {
		return model.Entity{ID: model.ServerID(id), Kind: model.KindServer, Name: name, State: model.OK}
	}
	if err := b.store.Apply(model.Batch{Source: "s", Scope: "s", Time: b.now, Entities: []model.Entity{server("10.0.0.7:9100", "db1"), server("plain", "other")}}); err != nil {
		t.Fatal(err)
	}
	b.series[`busy{instance="10.0.0.7:9100"}`] = 2
	b.series[`busy{instance="10.0.0.8:9100"}`] = 2
	b.series[`busy{instance="plain"}`] = 2
	b.series[`up{a="sw1", b="10.0.0.7:9100"}`] = 0
	b.step(10 * time.Second)
	got := map[string]string{}
	for _, a := range b.store.Alerts() {
		got[a.Title] = a.Annotations["summary_ko"] + a.Labels["instance"] + a.Labels["b"]
	}
	want := map[string]string{
		"db1 busy": "db1 사용률 높음10.0.0.7:9100", "10.0.0.8:9100 busy": "10.0.0.8:9100 사용률 높음10.0.0.8:9100",
		"plain busy": "plain 사용률 높음plain", "sw1 – db1 down": "10.0.0.7:9100",
	}
	for title, rest := range want {
		if got[title] != rest {
			t.Errorf("%q: %q, want %q; of %v", title, got[title], rest, got)
		}
	}
}
