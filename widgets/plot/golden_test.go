package plot

import (
	"image"
	"testing"

	"fyne.io/fyne/v2/theme"

	"github.com/nocturne-noc/nocturne/widgets/plot/plottest"
)

// testTypeface returns Fyne's bundled Noto Sans.
func testTypeface(t testing.TB) *Typeface {
	t.Helper()
	face, err := NewTypeface(theme.DefaultTextFont().Content(), theme.DefaultTextBoldFont().Content())
	if err != nil {
		t.Fatal(err)
	}
	return face
}

// testCanvas returns a canvas of w by h with the palette's surface on it.
func testCanvas(t testing.TB, w, h int, p *Palette) *Canvas {
	t.Helper()
	c := NewCanvas(image.NewRGBA(image.Rect(0, 0, w, h)), testTypeface(t))
	c.Clear(p.Surface)
	return c
}

func golden(t *testing.T, name string, img *image.RGBA) {
	t.Helper()
	plottest.Golden(t, name, img)
}
