package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// TestRangeCacheAnswersAsTheEngineDoes asks what a wall asks, a step later each time, and holds every
// answer against one that was evaluated whole: with series that come and go, late samples, and a
// clock that stands still and jumps.
func TestRangeCacheAnswersAsTheEngineDoes(t *testing.T) {
	exprs := []string{
		`octets`, `rate(octets[1m])`, `topk(2, rate(octets[2m]))`, `sum by (a) (octets)`, `count(octets) or vector(0)`,
		`octets offset 1m`, `max_over_time(sum(octets)[3m:30s])`, `time()`, `octets @ end()`, `octets offset -30s`,
		`predict_linear(octets[5m], 3600)`, `absent(octets{a="9"})`, `7`,
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	c := newClock()
	s := open(t, Options{Now: c.Now, Tick: never})
	type late struct {
		due   time.Time
		batch model.Batch
	}
	var coming []late
	ctx := context.Background()
	for round := range 400 {
		for i := range 6 {
			if (round/40+i)%3 == 0 { // comes and goes
				continue
			}
			b := model.Batch{Source: fmt.Sprint("s", i), Time: c.now, Samples: []model.Sample{
				sample(c.now, float64(round*100*(i+1)), "__name__", "octets", "a", fmt.Sprint(i%3), "i", fmt.Sprint(i)),
			}}
			if rnd.IntN(4) == 0 { // told up to a minute after it was measured
				coming = append(coming, late{c.now.Add(time.Duration(rnd.IntN(60)) * time.Second), b})
				continue
			}
			apply(t, s, b)
		}
		kept := coming[:0]
		for _, l := range coming {
			if l.due.After(c.now) {
				kept = append(kept, l)
				continue
			}
			apply(t, s, l.batch)
		}
		coming = kept
		step := 10 * time.Second
		end := c.now.Truncate(step)
		for _, span := range []time.Duration{time.Minute, 15 * time.Minute} {
			for _, expr := range exprs {
				got, err := s.QueryRange(ctx, expr, end.Add(-span), end, step)
				if err != nil {
					t.Fatal(err)
				}
				want, err := ranged(ctx, s.engine, s.Queryable(), expr, end.Add(-span), end, step)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, cmp.Comparer(labels.Equal)); diff != "" {
					t.Fatalf("round %d, %s over %v (-whole +kept):\n%s", round, expr, span, diff)
				}
			}
		}
		switch {
		case round%90 == 89:
			c.advance(5 * time.Minute)
		case round%7 == 0: // asked twice at one moment
		default:
			c.advance(time.Duration(1+rnd.IntN(12)) * time.Second)
		}
	}
}

func TestRangeCacheEvaluatesNewStepsAlone(t *testing.T) {
	c := newRangeCache()
	now := time.Unix(1_800_000_000, 0)
	steps := 0
	ask := func() {
		t.Helper()
		_, err := c.query(rangeKey{expr: "up"}, now.Add(-time.Hour), now, 10*time.Second, now, func(start, end time.Time) ([]model.Series, error) {
			steps += int(end.Sub(start)/(10*time.Second)) + 1
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	ask()
	if steps != 361 {
		t.Errorf("the first time %d steps were evaluated, want 361", steps)
	}
	steps = 0
	now = now.Add(10 * time.Second)
	ask()
	if want := int(settle/(10*time.Second)) + 1; steps > want {
		t.Errorf("a step later %d steps were evaluated, want at most %d", steps, want)
	}
	now = now.Add(refreshAfter)
	steps = 0
	ask()
	if steps != 361 {
		t.Errorf("after %v %d steps were evaluated, want all", refreshAfter, steps)
	}
}

func BenchmarkRangeOfAWall(b *testing.B) {
	c := newClock()
	s := open(b, Options{Now: c.Now})
	for i := range 360 {
		batch := model.Batch{Source: "a", Time: c.now}
		for p := range 50 {
			batch.Samples = append(batch.Samples, sample(c.now, float64(i*(p+1)*1000), "__name__", "octets", "port", fmt.Sprint(p)))
		}
		apply(b, s, batch)
		c.advance(10 * time.Second)
	}
	ctx := context.Background()
	end := c.now.Truncate(10 * time.Second)
	run := func(b *testing.B, query func(start, end time.Time) ([]model.Series, error)) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := query(end.Add(-30*time.Minute), end); err != nil {
				b.Fatal(err)
			}
		}
	}
	const expr = `sum(rate(octets[1m]))`
	b.Run("kept", func(b *testing.B) {
		run(b, func(start, end time.Time) ([]model.Series, error) {
			return s.QueryRange(ctx, expr, start, end, 10*time.Second)
		})
	})
	b.Run("engine", func(b *testing.B) {
		run(b, func(start, end time.Time) ([]model.Series, error) {
			return ranged(ctx, s.engine, s.Queryable(), expr, start, end, 10*time.Second)
		})
	})
}
