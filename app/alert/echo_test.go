package alert_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/nocturne-noc/nocturne/app/alert"
)

// A symptom that only its rule's patience keeps goes with its cause; one that stood alone stays as long as
// its rule says.
func TestKeptSymptomsGoWithTheirCause(t *testing.T) {
	const patient = `groups:
  - name: g
    rules:
      - {alert: Cause, expr: 'cause == 1', annotations: {summary: 'cause'}}
      - {alert: Symptom, expr: 'symptom == 1', keep_firing_for: 2m, annotations: {summary: 'symptom {{ $labels.of }}'}}
`
	b := newBench(t, fstest.MapFS{"r.yml": {Data: []byte(patient)}}, []alert.FoldRule{{
		Source: mustMatch(t, `{alertname="Cause"}`), Target: mustMatch(t, `{alertname="Symptom", of="cause"}`),
	}})
	b.series["cause"], b.series[`symptom{of="cause"}`], b.series[`symptom{of="itself"}`] = 1, 1, 1
	b.step(10 * time.Second)
	b.want("symptom cause < cause", "cause", "symptom itself")
	b.series["cause"] = 0
	b.step(5 * time.Second)
	b.want("symptom cause", "symptom itself") // it still is so
	b.series[`symptom{of="cause"}`], b.series[`symptom{of="itself"}`] = 0, 0
	b.step(5 * time.Second)
	b.want("symptom itself")
	b.step(3 * time.Minute)
	b.want()
}
