package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/eventlog"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Windows from before there were blocks, beside new ones, are searched alike.
func TestOldEvents(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	var want []model.Event
	d, err := bolt.OpenDir(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	for w := range 4 {
		start := bolt.WindowStart(c.now.Add(time.Duration(w-4) * bolt.Window).UnixMilli())
		e := model.Event{ID: uint64(w + 1), Time: time.UnixMilli(start).UTC(), Kind: "trap", Source: "snmp", Title: fmt.Sprint("switch ", w), Text: "링크 DOWN"}
		want = append([]model.Event{e}, want...)
		encode := jsonEvents
		if w%2 == 1 {
			encode = eventlog.Encode
		}
		block, index, err := encode([]model.Event{e})
		if err != nil {
			t.Fatal(err)
		}
		data := &bolt.WindowData{Start: start, MinT: math.MaxInt64, MaxT: math.MinInt64, Events: block, EventIndex: index}
		if _, err := d.Put(bolt.Raw, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, Options{Dir: dir, Now: c.Now, Tick: never, ReadOnly: true})
	for _, tc := range []struct {
		f    model.EventFilter
		want []model.Event
	}{
		{model.EventFilter{}, want}, {model.EventFilter{Text: "링크 down"}, want}, {model.EventFilter{Text: "SWITCH 2"}, want[1:2]},
		{model.EventFilter{Kind: "syslog"}, []model.Event{}}, {model.EventFilter{Until: want[2].Time}, want[2:]},
	} {
		got, err := s.FindEvents(t.Context(), tc.f)
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%+v: %v\n%s", tc.f, err, diff)
		}
	}
}

// The recording that comes with the program is of version 1.
func TestEventsOfTheDemo(t *testing.T) {
	r, err := OpenRecording(filepath.Join("..", "assets", "demo.nocturne"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	start, end := r.Extent()
	all := r.View(func() time.Time { return end }).Events(model.EventFilter{Limit: math.MaxInt})
	critical := 0
	for _, e := range all {
		if e.Time.Before(start) || e.Time.After(end) {
			t.Errorf("event %d is of %v", e.ID, e.Time)
		}
		if e.Severity == model.Critical && strings.Contains(strings.ToLower(e.Title+e.Text), "core") {
			critical++
		}
	}
	found := r.View(func() time.Time { return end }).Events(model.EventFilter{MinRank: model.Critical, Text: "CORE", Limit: math.MaxInt})
	if len(all) == 0 || critical == 0 || len(found) != critical {
		t.Errorf("%d events, %d of them critical with that text, %d found", len(all), critical, len(found))
	}
}

// What is sealed is searched by its index: a word that is nowhere is not looked for in the events.
func TestSealedEventsHaveAnIndex(t *testing.T) {
	c := newClock()
	s := open(t, Options{Dir: t.TempDir(), Now: c.Now, Tick: never})
	for i := range 30 {
		apply(t, s, model.Batch{Source: "snmp", Events: []model.Event{{Kind: "trap", Title: fmt.Sprint("switch ", i), Text: "link down"}}})
		c.advance(30 * time.Minute)
		s.tick()
	}
	windows := s.archive.list(bolt.Raw)
	if len(windows) < 5 {
		t.Fatalf("%d windows are sealed", len(windows))
	}
	unpacked := func(text string) (n int) {
		s.archive.events = eventlog.NewCache(eventMemory)
		if _, err := s.FindEvents(t.Context(), model.EventFilter{Text: text}); err != nil {
			t.Fatal(err)
		}
		for _, w := range windows {
			if _, ok := eventlog.Peek[*eventlog.Block](s.archive.events, eventKey{w.File, w.Start, false}); ok {
				n++
			}
		}
		return n
	}
	if all, none := unpacked("link"), unpacked("power supply"); all != len(windows) || none != 0 {
		t.Errorf("%d and %d of %d windows were unpacked, want all and none", all, none, len(windows))
	}
}

// A source whose clock runs ahead cannot hide what it tells.
func TestEventFromTheFuture(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now, Tick: never})
	apply(t, s, model.Batch{Source: "snmp", Events: []model.Event{
		{Time: c.now.AddDate(5, 0, 0), Title: "ahead"}, {Time: c.now.Add(-time.Minute), Title: "before"}, {Time: time.Unix(-1<<40, 0), Title: "long ago"}}})
	var got []string
	for _, e := range s.Events(model.EventFilter{Until: c.now}) {
		got = append(got, e.Title)
	}
	if diff := cmp.Diff([]string{"ahead", "before", "long ago"}, got); diff != "" {
		t.Error(diff)
	}
}

// A flood of long events is cut before it takes all memory, and what was dropped is counted.
func TestEventFlood(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now, Tick: never})
	long := strings.Repeat("flood ", 10_000)
	var b model.Batch
	for range maxWindowEventBytes/(16<<10) + 100 {
		b.Events = append(b.Events, model.Event{Title: "t", Text: long})
	}
	apply(t, s, b)
	events := s.windows[0].events
	if n := s.Dropped().Events; n == 0 || int(n)+events.Len() != len(b.Events) || events.Bytes() > maxWindowEventBytes+32<<10 {
		t.Errorf("%d of %d dropped, %d bytes", n, len(b.Events), events.Bytes())
	}
}

func TestEventsCutShort(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now, Tick: never})
	apply(t, s, model.Batch{Source: "snmp", Events: []model.Event{{Title: "a"}}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.FindEvents(ctx, model.EventFilter{}); !errors.Is(err, eventlog.ErrCutShort) {
		t.Errorf("%v, want that it was cut short", err)
	}
	past, err := s.At(c.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := past.(*View).FindEvents(ctx, model.EventFilter{}); !errors.Is(err, eventlog.ErrCutShort) {
		t.Errorf("%v, want that it was cut short", err)
	}
}
