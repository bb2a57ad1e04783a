package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

// What is wrong in a batch is named, and does not keep out the rest.
func TestBadBatch(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now})
	err := s.Apply(model.Batch{Source: "snmp", Scope: "sw7", Time: c.now,
		Samples: []model.Sample{
			sample(c.now, 1, "__name__", "good"),
			sample(c.now, 1, "__name__", "broken", "x", "\xff"),
			sample(c.now, 1, "__name__", "huge", "x", strings.Repeat("x", maxLabelSetBytes)),
			sample(c.now, 1),
			sample(c.now.Add(time.Hour), 1, "__name__", "good"),
		},
		Entities: []model.Entity{{Name: "nameless"}, {ID: "device/sw7", Kind: model.KindDevice}}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"snmp/sw7", "3 samples", `series "broken"`, "is not UTF-8", "1 entities without an ID"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	for range 2 {
		apply(t, s, model.Batch{Source: "a", Samples: []model.Sample{
			sample(c.now, 1, "__name__", "good"), sample(c.now, 2, "__name__", "good"), sample(c.now.Add(-time.Second), 2, "__name__", "good")}})
	}
	if got := evaluate(t, s, "good", c.now); got != 1 {
		t.Errorf("good = %v", got)
	}
	if list := s.Entities(model.Filter{}); len(list) != 1 {
		t.Errorf("entities: %v", list)
	}
	if diff := cmp.Diff(Dropped{Late: 2, Duplicate: 2, Future: 1, Labels: 3}, s.Dropped()); diff != "" {
		t.Error(diff)
	}
}

func TestEventFilter(t *testing.T) {
	c := newClock()
	s := open(t, Options{Dir: t.TempDir(), Now: c.Now, Tick: never})
	start := c.now
	for i := range 300 { // 25 hours, most of them sealed
		apply(t, s, model.Batch{Source: []string{"snmp", "kube"}[i%2], Events: []model.Event{{
			Kind: []string{"trap", "syslog", "kubernetes"}[i%3], Severity: []model.State{model.OK, model.Warning, model.Critical}[i%3],
			Entity: fmt.Sprintf("device/sw%d/port/%d", i%4, i%5), Title: fmt.Sprint("Title ", i), Text: "Link DOWN"}}})
		c.advance(5 * time.Minute)
		s.tick()
	}
	apply(t, s, model.Batch{Source: "late", Events: []model.Event{{Time: start.Add(10*time.Hour + time.Minute), Title: "told late"}}})
	at := func(i int) time.Time { return start.Add(time.Duration(i) * 5 * time.Minute) }
	for _, tc := range []struct {
		name        string
		f           model.EventFilter
		n           int
		first, last string
	}{
		{"all", model.EventFilter{}, 301, "Title 299", "Title 0"},
		{"limit", model.EventFilter{Limit: 7}, 7, "Title 299", "Title 293"},
		{"span", model.EventFilter{Since: at(100), Until: at(110)}, 11, "Title 110", "Title 100"},
		{"told late", model.EventFilter{Since: at(120), Until: at(121)}, 3, "Title 121", "Title 120"},
		{"severity", model.EventFilter{MinRank: model.Warning}, 200, "Title 299", "Title 1"},
		{"kind", model.EventFilter{Kind: "trap"}, 100, "Title 297", "Title 0"},
		{"source", model.EventFilter{Source: "late"}, 1, "told late", "told late"},
		{"entity", model.EventFilter{Entity: "device/sw1/port/1"}, 15, "Title 281", "Title 1"},
		{"entities under", model.EventFilter{Entity: "device/sw1/"}, 75, "Title 297", "Title 1"},
		{"no entity", model.EventFilter{Entity: "device/sw1"}, 0, "", ""},
		{"text", model.EventFilter{Text: "link down", Limit: 1000}, 300, "Title 299", "Title 0"},
		{"title", model.EventFilter{Text: "TITLE 25"}, 11, "Title 259", "Title 25"},
	} {
		list := s.Events(tc.f)
		if len(list) != tc.n {
			t.Errorf("%s: %d events, want %d", tc.name, len(list), tc.n)
			continue
		}
		if tc.n > 0 && (list[0].Title != tc.first || list[tc.n-1].Title != tc.last) {
			t.Errorf("%s: from %q to %q, want %q to %q", tc.name, list[0].Title, list[tc.n-1].Title, tc.first, tc.last)
		}
		for i := 1; i < len(list); i++ {
			if list[i].Time.After(list[i-1].Time) {
				t.Errorf("%s: event %d is newer than the one before it", tc.name, i)
			}
		}
	}
}

// Readers of every kind run beside the writer and the sealing of windows. Each selection sees a
// batch entirely or not at all.
func TestReadersBesideWriter(t *testing.T) {
	var mu sync.Mutex
	now := newClock().now
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	s := open(t, Options{Dir: t.TempDir(), Now: clock, Tick: never})
	past, err := s.At(func() time.Time { return clock().Add(-time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	start := now
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				for _, src := range []model.Source{s, past} {
					list, err := src.Query(context.Background(), `sum by (i) ({__name__=~"x|y"})`, clock())
					if err != nil {
						t.Error(err)
						return
					}
					for _, series := range list {
						if series.Points[0].V != 0 { // x and y cancel out within each batch
							t.Errorf("half a batch: %v", list)
							return
						}
					}
					src.Revs()
					src.Entities(model.Filter{Under: "device"})
					src.Links(model.Filter{})
					src.Alerts()
					src.Sources()
					src.Events(model.EventFilter{Limit: 10})
				}
			}
		})
	}
	for i := range 400 {
		at := clock()
		b := model.Batch{Source: "w", Scope: "w", Time: at, Every: time.Minute, Replace: true,
			Entities: []model.Entity{{ID: "device/x", State: model.State(1 + i%3)}}}
		for k := range 20 {
			b.Samples = append(b.Samples, sample(at, float64(i), "__name__", "x", "i", fmt.Sprint(k)), sample(at, float64(-i), "__name__", "y", "i", fmt.Sprint(k)))
		}
		apply(t, s, b)
		s.tick()
		mu.Lock()
		now = now.Add(time.Minute)
		mu.Unlock()
	}
	close(done)
	readers.Wait()
	if err := s.Health(); err != nil {
		t.Error(err)
	}
	if got := evaluate(t, s, `count_over_time(x{i="7"}[1d])`, clock()); got != 400 {
		t.Errorf("%v samples since %v, want 400", got, start)
	}
}
