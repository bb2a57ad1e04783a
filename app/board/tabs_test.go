package board

import (
	"image"
	"slices"
	"testing"

	"github.com/nocturne-noc/nocturne/widgets"
	"github.com/nocturne-noc/nocturne/widgets/panels"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// Titles stand side by side within the header, however many and long they are, and keep their places whichever
// is chosen.
func TestTabsHaveTheirPlaces(t *testing.T) {
	face, err := widgets.Typeface()
	if err != nil {
		t.Fatal(err)
	}
	long := slices.Repeat([]string{"프로세스와 스레드와 열린 파일"}, 9)
	for _, tc := range []struct {
		name   string
		titles []string
		w, k   float64
	}{
		{"few", []string{"Summary", "CPU"}, 1920, 1},
		{"long", long, 1920, 1},
		{"4K", long, 3840, 2},
		{"narrow", long, 320, 0.5},
	} {
		env := panels.Env{Style: plot.Style{Palette: plot.Dark(), K: tc.k}, Face: face}
		c := plot.NewCanvas(image.NewRGBA(image.Rect(0, 0, int(tc.w), int((headerHeight+tabsHeight)*tc.k))), face)
		var before []plot.Rect
		for active := range tc.titles {
			tabs := tabs{tc.titles, active}
			places := tabs.places(c, env, c.Bounds())
			if active > 0 && !slices.Equal(places, before) {
				t.Errorf("%s: titles move when another is chosen", tc.name)
			}
			before = places
			tabs.paint(c, env)
		}
		for i, r := range before {
			if r.X < 0 || r.Right() > tc.w+0.5 || r.Bottom() > c.Bounds().H+0.5 || i > 0 && r.X < before[i-1].Right()-0.5 {
				t.Errorf("%s: title %d is at %+v", tc.name, i, r)
			}
			if got := (tabs{tc.titles, 0}).at(c, env, r.X+r.W/2, r.Y+r.H/2); got != i {
				t.Errorf("%s: at title %d there is %d", tc.name, i, got)
			}
		}
	}
}

// A screen with tabs has a higher header, and its panels begin below it.
func TestTabsMakeRoom(t *testing.T) {
	plain := NewGeometry(1920, 1080, 24, 12, 1, true)
	with := plain.withTabs()
	if got := with.Header.Dy() - plain.Header.Dy(); got != tabsHeight {
		t.Errorf("the header grows by %d", got)
	}
	for _, at := range [][4]int{{0, 0, 24, 1}, {0, 11, 24, 1}} {
		if r := with.Place(at); r.Min.Y < with.Header.Max.Y || r.Max.Y > 1080 || r.Empty() {
			t.Errorf("%v is at %v, the header ends at %d", at, r, with.Header.Max.Y)
		}
	}
	if tiny := NewGeometry(320, 180, 24, 12, 1, true).withTabs(); tiny.Place([4]int{0, 0, 24, 12}).Dy() < 0 {
		t.Error("a tiny screen has panels of less than nothing")
	}
}
