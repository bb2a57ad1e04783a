package app

import (
	"slices"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/app/board"
	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/widgets/panels"
)

// On the built-in recording somebody searches for a switch and opens what was found: the board's first
// panel, the map, takes every key and shows what it did.
func TestMapIsHandledOnTheDemo(t *testing.T) {
	p, err := OpenDemo(1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	p.Toggle()
	_, height := p.Incidents()
	p.Seek(height)
	boards, err := ReplayBoards(p)
	if err != nil {
		t.Fatal(err)
	}
	look := LookOf(config.Wall{Distance: 5, Screen: 55}, "en", "dark")
	env, err := look.Env()
	if err != nil {
		t.Fatal(err)
	}
	s := board.NewScreen(boards[board.Find(boards, "network")], board.Options{W: 1920, H: 1080, TextScale: 1, Env: env, LoadTimeout: time.Minute})
	s.Update(t.Context(), p.Source(), 0)
	was := slices.Clone(s.Compose().Pix)
	for _, g := range []panels.Gesture{{Rune: '/'}, {Rune: 'd'}, {Rune: 'i'}, {Rune: 's'}, {Rune: 't'}, {Rune: '2'}, {Key: "Return"}} {
		g.Kind = panels.Key
		if !s.Handle(0, g) {
			t.Fatalf("the map did not take %+v", g)
		}
		changed := s.Update(t.Context(), p.Source(), 0)
		if !slices.ContainsFunc(changed, func(c board.Change) bool { return c.Index == 0 }) {
			t.Fatalf("%+v did not change the map", g)
		}
		is := slices.Clone(s.Compose().Pix)
		if slices.Equal(was, is) {
			t.Errorf("after %+v the wall looks as before", g)
		}
		was = is
	}
	if !s.Leave() {
		t.Error("a map that was left stays as it was")
	}
}
