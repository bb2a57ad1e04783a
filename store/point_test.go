package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/nocturne-noc/nocturne/store/model"
)

// TestOneMoment compares what the newest samples alone answer with what the whole chunks do: at moments within,
// at and behind samples, over series that end, over gaps, and with the forms of queries that need more than one moment.
func TestOneMoment(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now})
	start := c.now
	for i := range 40 {
		at := start.Add(time.Duration(i) * 15 * time.Second)
		b := model.Batch{Source: "s", Scope: "x", Time: at, Every: 15 * time.Second}
		b.Samples = append(b.Samples, sample(at, float64(i), "__name__", "m", "k", "steady"))
		if i < 10 {
			b.Samples = append(b.Samples, sample(at, float64(2*i), "__name__", "m", "k", "silent"))
		}
		if i < 20 {
			b.Samples = append(b.Samples, sample(at, float64(3*i), "__name__", "m", "k", "ended"))
		}
		if i == 20 {
			b.Samples = append(b.Samples, sample(at, staleNaN, "__name__", "m", "k", "ended"))
		}
		c.set(at)
		apply(t, s, b)
	}
	whole := promql.NewEngine(promql.EngineOpts{MaxSamples: MaxSamples, Timeout: time.Minute, LookbackDelta: LookbackDelta, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return subqueryStep.Milliseconds() }})
	own := newEngine(nil)
	for _, expr := range []string{
		"m", "sum(m)", "timestamp(m)", "m offset 1m", "m offset -1m", "m @ start()", "rate(m[1m])", "max_over_time(m[2m:15s])", "max_over_time(sum(m)[2m:15s])",
		"m - m offset 15s", "absent(m{k=\"silent\"})", "count(m > 3)", "last_over_time(m[1m])", `m{k=~"e.+"}`, "m and on(k) (m offset 5m)",
	} {
		for _, at := range []time.Duration{-time.Second, 0, 7 * time.Second, 3 * time.Minute, 5*time.Minute - time.Millisecond, 5 * time.Minute, 5*time.Minute + time.Second, 585 * time.Second, 10 * time.Minute, 14*time.Minute + 44*time.Second, 15 * time.Minute} {
			moment := start.Add(at)
			ask := func(e promql.QueryEngine) string {
				q, err := e.NewInstantQuery(t.Context(), s.Queryable(), nil, expr, moment)
				if err != nil {
					t.Fatal(err)
				}
				defer q.Close()
				return fmt.Sprint(q.Exec(t.Context()))
			}
			if got, want := ask(own), ask(whole); got != want {
				t.Errorf("%s at +%v:\n%s\nwant\n%s", expr, at, got, want)
			}
		}
	}
}

// BenchmarkOneMoment asks 20,000 series for one moment, as rules do, with the newest samples alone and with whole chunks.
func BenchmarkOneMoment(b *testing.B) {
	const series, rounds = 20_000, 240
	c := newClock()
	s := open(b, Options{Now: c.Now})
	var at time.Time
	sets := make([]labels.Labels, series)
	for k := range sets {
		sets[k] = labels.FromStrings("__name__", "kube_pod_status_ready", "pod", fmt.Sprint("pod-", k))
	}
	for i := range rounds {
		at = c.now.Add(15 * time.Second)
		c.set(at)
		batch := model.Batch{Source: "s", Scope: "x", Time: at, Every: 15 * time.Second}
		for k, ls := range sets {
			batch.Samples = append(batch.Samples, model.Sample{Labels: ls, T: at.UnixMilli(), V: float64((i + k) / 50 % 2)})
		}
		apply(b, s, batch)
	}
	own := newEngine(nil)
	for _, tc := range []struct {
		name   string
		engine promql.QueryEngine
	}{{"newest", own}, {"chunks", own.Engine}} {
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				q, err := tc.engine.NewInstantQuery(b.Context(), s.Queryable(), nil, "kube_pod_status_ready == 2", at)
				if err != nil {
					b.Fatal(err)
				}
				if r := q.Exec(b.Context()); r.Err != nil {
					b.Fatal(r.Err)
				}
				q.Close()
			}
		})
	}
}
