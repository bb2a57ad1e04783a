package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

// A source that reads its own past anew does not tell it twice, also not over a restart.
func TestRepeatedEvents(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	tell := func(s *Store, source string, age time.Duration, uid string, count int) {
		e := model.Event{Time: c.now.Add(-age), Kind: "kubernetes", Title: uid, Count: count}
		if uid != "" {
			e.Labels = map[string]string{model.LabelUID: uid}
		}
		apply(t, s, model.Batch{Source: source, Events: []model.Event{e}})
	}
	told := func(s *Store) (out []string) {
		for _, e := range s.Events(model.EventFilter{}) {
			out = append(out, fmt.Sprintf("%s %q %d", e.Source, e.Title, e.Count))
		}
		return out
	}
	check := func(name string, s *Store, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, told(s)); diff != "" {
			t.Errorf("%s: newest first, want -, got +:\n%s", name, diff)
		}
	}
	opts := Options{Dir: dir, Now: c.Now, Tick: never}
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	tell(s, "kube", 0, "a", 1)
	tell(s, "kube", 0, "a", 1)
	revs := s.Revs().Events
	tell(s, "kube", 0, "a", 1)
	if got := s.Revs().Events; got != revs {
		t.Errorf("a repeat is news to the panels: revision %d after %d", got, revs)
	}
	tell(s, "kube", 0, "a", 2)
	tell(s, "other", 0, "a", 1)
	tell(s, "kube", 0, "", 1)
	tell(s, "kube", 0, "", 1)
	want := []string{`kube "" 1`, `kube "" 1`, `other "a" 1`, `kube "a" 2`, `kube "a" 1`}
	check("first run", s, want...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	// An hour later, with the window of then sealed behind a new one.
	c.advance(55 * time.Minute)
	s = open(t, opts)
	c.advance(8 * time.Minute)
	s.tick()
	if len(s.windows) != 1 {
		t.Fatalf("%d windows in memory, want the first one sealed", len(s.windows))
	}
	tell(s, "kube", time.Hour, "a", 1)
	tell(s, "kube", time.Hour, "a", 2)
	tell(s, "kube", 0, "b", 1)
	check("after a restart", s, append([]string{`kube "b" 1`}, want...)...)

	// And started anew when only a sealed window knows of it.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, opts)
	tell(s, "kube", time.Hour, "a", 2)
	tell(s, "kube", 0, "a", 3)
	check("after another", s, append([]string{`kube "a" 3`, `kube "b" 1`}, want...)...)
}

// What is remembered ends with the windows, and is never more than they keep.
func TestRepeatsAreBounded(t *testing.T) {
	var r repeats
	tell := func(n int) bool {
		return r.again(&model.Event{Source: "kube", Count: n, Labels: map[string]string{model.LabelUID: "a"}})
	}
	for n := range maxWindowEvents + 100 {
		if tell(n) {
			t.Fatalf("%d is new", n)
		}
	}
	if len(r.current) != maxWindowEvents || !tell(0) || tell(maxWindowEvents) {
		t.Errorf("%d are remembered", len(r.current))
	}
	r.nextWindow()
	if !tell(0) {
		t.Error("the last window is forgotten")
	}
	r.nextWindow()
	if tell(0) || len(r.last) != 0 {
		t.Errorf("the window before the last is still remembered: %d", len(r.last))
	}
}
