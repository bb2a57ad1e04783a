package app

import (
	"cmp"
	"slices"

	"github.com/nocturne-noc/nocturne/app/board"
	"github.com/nocturne-noc/nocturne/store/model"
)

// target is a spot that can be selected by keyboard.
type target struct {
	board.Selected
	rank int
}

// selectNext moves the selection by so many spots, the worst first.
func (w *Wall) selectNext(by int) {
	states := map[string]model.Entity{}
	for _, e := range w.o.Source.Entities(model.Filter{}) {
		states[e.ID] = e
	}
	alerts := map[string]model.Alert{}
	for _, a := range w.o.Source.Alerts() {
		alerts[a.ID] = a
	}
	var targets []target
	for _, s := range w.view.Spots() {
		if s.Spot.Entity == "" && s.Spot.Alert == "" || s.Spot.Ack {
			continue
		}
		t := target{Selected: s, rank: states[s.Spot.Entity].State.Rank()}
		if _, known := states[s.Spot.Entity]; !known {
			t.rank = 0
		}
		if a, ok := alerts[s.Spot.Alert]; ok {
			t.rank = a.Severity.Rank()
		}
		targets = append(targets, t)
	}
	if len(targets) == 0 {
		return
	}
	slices.SortStableFunc(targets, func(a, b target) int {
		return cmp.Or(b.rank-a.rank, cmp.Compare(a.Tile, b.Tile))
	})
	next := 0
	if by < 0 {
		next = len(targets) - 1
	}
	if now, ok := w.view.Selection(); ok {
		if i := slices.IndexFunc(targets, func(t target) bool { return t.Same(now) }); i >= 0 {
			next = ((i+by)%len(targets) + len(targets)) % len(targets)
		}
	}
	w.view.Select(targets[next].Selected)
	w.touched()
}
