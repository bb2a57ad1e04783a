package plot

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"fyne.io/fyne/v2/theme"
)

var update = flag.Bool("update", false, "rewrite the golden pictures")

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

// golden compares img with testdata/name.png, pixel by pixel, with room for
// the last digit of floating point on other processors. What differs is written
// to testdata/failed.
func golden(t *testing.T, name string, img *image.RGBA) {
	t.Helper()
	path := filepath.Join("testdata", name+".png")
	if *update {
		writePNG(t, path, img)
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update and look at the picture", err)
	}
	want, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	differing := 0
	if want.Bounds() != img.Bounds() {
		differing = -1
	} else {
		for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
			for x := img.Rect.Min.X; x < img.Rect.Max.X; x++ {
				if !alike(want.At(x, y), img.At(x, y)) {
					differing++
				}
			}
		}
	}
	if differing != 0 {
		failed := filepath.Join("testdata", "failed", name+".png")
		writePNG(t, failed, img)
		t.Errorf("%s: %d pixels differ (-1: another size); compare with %s", path, differing, failed)
	}
}

// alike tells whether two pixels differ by at most two steps a channel.
func alike(a, b color.Color) bool {
	r, g, bl, al := a.RGBA()
	r2, g2, bl2, al2 := b.RGBA()
	for _, d := range [4]int{int(r>>8) - int(r2>>8), int(g>>8) - int(g2>>8), int(bl>>8) - int(bl2>>8), int(al>>8) - int(al2>>8)} {
		if d < -2 || d > 2 {
			return false
		}
	}
	return true
}

func writePNG(t *testing.T, path string, img *image.RGBA) {
	t.Helper()
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
