package board

import (
	"image"
	"testing"
)

func TestGeometryMatchesTheDrawing(t *testing.T) {
	g := NewGeometry(1920, 1080, 24, 12, 1, false)
	for _, tc := range []struct {
		at   [4]int
		want image.Rectangle
	}{
		{[4]int{0, 0, 14, 7}, image.Rect(18, 102, 1112, 657)},
		{[4]int{14, 0, 10, 7}, image.Rect(1124, 102, 1902, 657)},
		{[4]int{0, 7, 7, 5}, image.Rect(18, 669, 559, 1062)},
		{[4]int{0, 0, 99, 99}, image.Rect(18, 102, 1902, 1062)}, // beyond the grid
		{[4]int{-3, -3, 1, 1}, image.Rect(18, 102, 85, 171)},
	} {
		if got := g.Place(tc.at); got != tc.want {
			t.Errorf("Place(%v) = %v, want %v", tc.at, got, tc.want)
		}
	}
}

func TestGeometryNeighboursKeepOneGutter(t *testing.T) {
	for _, size := range []image.Point{{1440, 900}, {1366, 768}, {3840, 2160}, {1001, 733}} {
		g := NewGeometry(size.X, size.Y, 24, 12, 1, true)
		for c := range 23 {
			a, b := g.Place([4]int{c, 0, 1, 1}), g.Place([4]int{c + 1, 0, 1, 1})
			if b.Min.X-a.Max.X != g.gap {
				t.Errorf("%v: columns %d and %d are %d px apart, want %d", size, c, c+1, b.Min.X-a.Max.X, g.gap)
			}
		}
		last := g.Place([4]int{23, 11, 1, 1})
		if last.Max != g.grid.Max {
			t.Errorf("%v: last cell ends at %v, want %v", size, last.Max, g.grid.Max)
		}
	}
}

func TestGeometryDensity(t *testing.T) {
	for _, tc := range []struct {
		w, h int
		k    float64
	}{{1920, 1080, 1}, {3840, 2160, 2}, {1440, 900, 0.75}, {640, 360, minDensity}} {
		if g := NewGeometry(tc.w, tc.h, 24, 12, 1, false); g.K != tc.k {
			t.Errorf("%dx%d: density %v, want %v", tc.w, tc.h, g.K, tc.k)
		}
	}
}
