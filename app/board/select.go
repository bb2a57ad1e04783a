package board

import (
	"image"
	"math"

	"fyne.io/fyne/v2"

	"github.com/nocturne-noc/nocturne/widgets/panels"
)

// Selected is a spot of one of the view's panels.
type Selected struct {
	Tile int
	Spot panels.Spot
}

// Same reports whether two are about the same on the same panel, wherever they are drawn.
func (s Selected) Same(t Selected) bool {
	return s.Tile == t.Tile && s.Spot.Entity == t.Spot.Entity && s.Spot.Alert == t.Spot.Alert && s.Spot.Ack == t.Spot.Ack
}

// on is the place of the spot on the whole screen, in pixels.
func (s Selected) on(screen *Screen) image.Rectangle {
	at, r := screen.tiles[s.Tile].rect, s.Spot.Rect
	return image.Rect(int(math.Floor(r.X)), int(math.Floor(r.Y)), int(math.Ceil(r.Right())), int(math.Ceil(r.Bottom()))).
		Add(at.Min).Intersect(at)
}

// Spots are all places that react to the mouse, in the order of the panels. What is there several times on
// one panel is listed once.
func (v *View) Spots() []Selected {
	var out []Selected
	for tile, spots := range v.spots {
		seen := map[panels.Spot]bool{}
		for _, s := range spots {
			key := s
			key.Rect = panels.Spot{}.Rect
			if !seen[key] {
				seen[key] = true
				out = append(out, Selected{tile, s})
			}
		}
	}
	return out
}

// Selection is what is selected, false for nothing.
func (v *View) Selection() (Selected, bool) {
	if v.selected == nil {
		return Selected{}, false
	}
	return *v.selected, true
}

// Select draws a ring around a spot.
func (v *View) Select(s Selected) {
	v.selected = &s
	v.ring.Hidden = false
	v.Refresh()
}

// Unselect takes the ring away and reports whether there was one.
func (v *View) Unselect() bool {
	had := v.selected != nil
	v.selected, v.ring.Hidden = nil, true
	if had {
		v.Refresh()
	}
	return had
}

// follow keeps the ring on what is selected when new pictures have moved it, or drops it with its spot.
func (v *View) follow() {
	if v.selected == nil {
		v.ring.Hidden = true
		return
	}
	for _, s := range v.Spots() {
		if s.Same(*v.selected) {
			if s.Spot.Rect != v.selected.Spot.Rect {
				v.Select(s)
			}
			return
		}
	}
	v.Unselect()
}

// takeKeyboard makes the view the one that keys go to, Tab among them.
func (v *View) takeKeyboard() {
	if app := fyne.CurrentApp(); app != nil {
		if c := app.Driver().CanvasForObject(v); c != nil && c.Focused() != v {
			c.Focus(v)
		}
	}
}

// FocusGained implements fyne.Focusable.
func (v *View) FocusGained() {}

// FocusLost implements fyne.Focusable.
func (v *View) FocusLost() {}

// AcceptsTab implements fyne.Tabbable: Tab goes by spots.
func (v *View) AcceptsTab() bool { return true }

// TypedKey implements fyne.Focusable.
func (v *View) TypedKey(e *fyne.KeyEvent) {
	if v.OnKey != nil {
		v.OnKey(e)
	}
}

// TypedRune implements fyne.Focusable.
func (v *View) TypedRune(r rune) {
	if v.OnRune != nil {
		v.OnRune(r)
	}
}
