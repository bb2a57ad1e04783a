package store

import (
	"context"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// clock is a clock that a test sets. The store's goroutines read it too; only the test reads now itself.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) { c.set(c.now.Add(d)) }

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)} }

func open(t testing.TB, opts Options) *Store {
	t.Helper()
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func apply(t testing.TB, s *Store, b model.Batch) {
	t.Helper()
	if err := s.Apply(b); err != nil {
		t.Fatal(err)
	}
}

func sample(at time.Time, v float64, ls ...string) model.Sample {
	return model.Sample{Labels: labels.FromStrings(ls...), T: at.UnixMilli(), V: v}
}

// evaluate takes expr to a single number, NaN for an empty result.
func evaluate(t testing.TB, s model.Source, expr string, at time.Time) float64 {
	t.Helper()
	list, err := s.Query(context.Background(), expr, at)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case len(list) == 0:
		return math.NaN()
	case len(list) > 1 || len(list[0].Points) != 1:
		t.Fatalf("%s gives %v, want one value", expr, list)
	}
	return list[0].Points[0].V
}

func TestQueryOverHead(t *testing.T) {
	c := newClock()
	start := c.now
	s := open(t, Options{Now: c.Now})
	for i := range 61 {
		apply(t, s, model.Batch{Source: "a", Time: c.now, Samples: []model.Sample{
			sample(c.now, float64(i*100), "__name__", "octets", "ifName", "eth0"),
			sample(c.now, float64(i*50), "__name__", "octets", "ifName", "eth1"),
			sample(c.now, 1, "__name__", "up"),
		}})
		c.advance(10 * time.Second)
	}
	at := start.Add(10 * time.Minute)
	for expr, want := range map[string]float64{
		`octets{ifName="eth0"}`:                        6000,
		`octets{ifName!="eth0"}`:                       3000,
		`octets{ifName=~"eth1|eth7"}`:                  3000,
		`sum(octets)`:                                  9000,
		`count({__name__=~".+"})`:                      3,
		`count({__name__=~".+", ifName=""})`:           1,
		`rate(octets{ifName="eth0"}[1m])`:              10,
		`octets{ifName="eth0"} offset 1m`:              5400,
		`count_over_time(up[2m])`:                      12,
		`42`:                                           42,
		`max_over_time(sum(octets)[5m:1m])`:            9000,
		`count(octets{ifName!~"eth.*"}) or vector(-1)`: -1,
		`count(octets{nosuch="x"}) or vector(-1)`:      -1,
	} {
		if got := evaluate(t, s, expr, at); got != want {
			t.Errorf("%s = %v, want %v", expr, got, want)
		}
	}
	list, err := s.QueryRange(context.Background(), `octets{ifName="eth0"}`, start, at, time.Minute)
	if err != nil || len(list) != 1 || len(list[0].Points) != 11 || list[0].Points[3].V != 1800 {
		t.Errorf("range: %v, %v", list, err)
	}
	names, err := s.LabelNames(context.Background(), start, at)
	if diff := cmp.Diff([]string{"__name__", "ifName"}, names); err != nil || diff != "" {
		t.Error(err, diff)
	}
	values, err := s.LabelValues(context.Background(), "ifName", start, at, labels.MustNewMatcher(labels.MatchEqual, "__name__", "octets"))
	if diff := cmp.Diff([]string{"eth0", "eth1"}, values); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
