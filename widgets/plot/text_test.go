package plot

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"fyne.io/fyne/v2/theme"
)

func TestNewTypefaceRejects(t *testing.T) {
	good := theme.DefaultTextFont().Content()
	for name, cuts := range map[string][2][]byte{
		"regular": {nil, good}, "bold": {good, []byte("not a font")}, "half": {good[:1000], good},
	} {
		if face, err := NewTypeface(cuts[0], cuts[1]); err == nil || face != nil {
			t.Errorf("%s: got %v and %v, want an error", name, face, err)
		}
	}
}

func TestMeasure(t *testing.T) {
	face := testTypeface(t)
	for _, bold := range []bool{false, true} {
		zero := face.Measure("0", Font{18, bold})
		for _, digit := range "123456789" {
			if got := face.Measure(string(digit), Font{18, bold}); got != zero {
				t.Errorf("bold %v: %c is %.3f wide, 0 is %.3f: figures would jump", bold, digit, got, zero)
			}
		}
		if one, three := face.Measure("link", Font{18, bold}), face.Measure("link", Font{54, bold}); math.Abs(3*one-three) > 0.01 {
			t.Errorf("bold %v: width grows from %.3f to %.3f with three times the size", bold, one, three)
		}
	}
	if r, b := face.Measure("dist2", Font{18, false}), face.Measure("dist2", Font{18, true}); r >= b {
		t.Errorf("regular is %.2f wide and bold %.2f", r, b)
	}
	if got := face.Measure("", Font{18, false}); got != 0 {
		t.Errorf("nothing is %.2f wide", got)
	}
	if got := face.CapHeight(Font{Size: 18}); math.Abs(got-12.85) > 0.1 {
		t.Errorf("capitals of 18 px are %.2f high, want 12.85", got)
	}
}

func TestTextAlignment(t *testing.T) {
	f := Font{Size: 24}
	extent := func(draw func(c *Canvas)) (left, right int) {
		c := testCanvas(t, 200, 40, Dark())
		c.Clear(black)
		draw(c)
		left, right = 200, -1
		for x := range 200 {
			for y := range 40 {
				if red(c, x, y) > 40 {
					left, right = min(left, x), max(right, x)
				}
			}
		}
		return left, right
	}
	w := testTypeface(t).Measure("HHH", f)
	for _, tc := range []struct {
		name string
		draw func(*Canvas)
		left float64
	}{
		{"left", func(c *Canvas) { c.Text(100, 30, "HHH", f, white) }, 100},
		{"right", func(c *Canvas) { c.TextRight(100, 30, "HHH", f, white) }, 100 - w},
		{"centre", func(c *Canvas) { c.TextCenter(100, 30, "HHH", f, white) }, 100 - w/2},
	} {
		left, right := extent(tc.draw)
		// H has about 2.3 px of bearing at this size.
		if math.Abs(float64(left)-tc.left-2.3) > 1 || math.Abs(float64(right)-tc.left-w+3.3) > 1 {
			t.Errorf("%s: ink from %d to %d, want it within %.1f to %.1f", tc.name, left, right, tc.left, tc.left+w)
		}
	}
}

func TestEllipsis(t *testing.T) {
	face := testTypeface(t)
	f := Font{Size: 18}
	for _, tc := range []struct {
		in    string
		width float64
		want  string
	}{
		{"short", 100, "short"},
		{"", 10, ""},
		{"", -1, ""},
		{"anything", 0, ""},
		{"anything", math.NaN(), ""},
		{"checkout-7d9f8c6b5-x2x7k", 100, "checkout-…"},
		{"two words", face.Measure("two …", f), "two…"},
		{"e\u0301e\u0301e\u0301e\u0301", face.Measure("e\u0301e\u0301…", f) + 0.1, "e\u0301e\u0301…"},
		{"a\nb", 100, "a\nb"},
	} {
		if got := face.Ellipsis(tc.in, f, tc.width); got != tc.want {
			t.Errorf("%q in %.1f px is %q, want %q", tc.in, tc.width, got, tc.want)
		}
	}
	long := strings.Repeat("iW한글", 500)
	for width := 0.0; width < 400; width += 7 {
		if got := face.Ellipsis(long, f, width); face.Measure(got, f) > width {
			t.Fatalf("%.0f px: %q is %.1f wide", width, got, face.Measure(got, f))
		}
	}
}

func TestClean(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"plain text", "plain text"},
		{"tab\tand\nline", "tab\uFFFDand\uFFFDline"},
		{"bad \xff\xfe bytes", "bad \uFFFD\uFFFD bytes"},
		{"escape \x1b[31m", "escape \uFFFD[31m"},
		{"turned \u202Eexe.txt", "turned \uFFFDexe.txt"},
		{"한글 이름", "한글 이름"},
		{strings.Repeat("x", 5000), strings.Repeat("x", maxRunes) + "…"},
	} {
		if got := clean(tc.in); got != tc.want {
			t.Errorf("%.40q becomes %.40q, want %.40q", tc.in, got, tc.want)
		}
	}
}

// TestMissingGlyph draws runes that no installed font is likely to have: a box,
// with a width, in place of nothing.
func TestMissingGlyph(t *testing.T) {
	c := testCanvas(t, 60, 40, Dark())
	c.Clear(black)
	advance := c.Text(10, 30, "\U000F1234\uE9F1", Font{Size: 24}, white)
	if advance < 10 || lit(c) < 20 {
		t.Errorf("missing glyphs advance %.1f px and cover %.1f pixels, want boxes", advance, lit(c))
	}
}

// TestHangul needs an installed font; without one the boxes of TestMissingGlyph
// are all that can be drawn.
func TestHangul(t *testing.T) {
	face := testTypeface(t)
	r := face.shape("한글 노드", false)
	for _, g := range r.glyphs {
		if g.id == 0 {
			t.Skip("no installed font has Hangul; install fonts-noto-cjk to run this test")
		}
	}
	f := Font{Size: 22}
	if one, two := face.Measure("한", f), face.Measure("한글", f); one < 15 || math.Abs(two-2*one) > 0.5 {
		t.Errorf("one syllable is %.1f wide and two are %.1f at 22 px", one, two)
	}
	c := testCanvas(t, 200, 40, Dark())
	c.Clear(black)
	c.Text(4, 30, "한글", Font{Size: 22, Bold: true}, white)
	if ink := lit(c); ink < 60 {
		t.Errorf("two syllables cover %.1f pixels, want ink", ink)
	}
}

func TestCachesStayBounded(t *testing.T) {
	face := testTypeface(t)
	face.runs.limit, face.glyphs.limit = 20<<10, 20<<10
	c := testCanvas(t, 300, 100, Dark())
	c.face = face
	for i := range 2000 {
		c.Text(float64(i)/9, 50, fmt.Sprintf("value %d", i), Font{Size: 10 + float64(i%60)}, white)
	}
	if n := len(face.runs.cur) + len(face.runs.old); n > 400 {
		t.Errorf("%d runs are kept, want a bound", n)
	}
	if n := len(face.glyphs.cur) + len(face.glyphs.old); n > 400 {
		t.Errorf("%d glyphs are kept, want a bound", n)
	}
}

// TestTypefaceIsShared draws with one typeface from many goroutines, as panels do.
func TestTypefaceIsShared(t *testing.T) {
	face := testTypeface(t)
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			c := blank(200, 40)
			c.face = face
			for i := range 60 {
				text := fmt.Sprintf("node-%02d 한 %d", n, i)
				c.Text(4, 30, face.Ellipsis(text, Font{Size: 18}, 90), Font{Size: 18, Bold: i%2 == 0}, white)
			}
		})
	}
	group.Wait()
}

// FuzzText draws and cuts foreign bytes.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"dist2 Te1/1/4", "한글", "\xff\xfe", "a\u0301\u0301\u0301", "\u202Eabc", "مرحبا abc", "👨‍👩‍👧", "\x00\x1b[0m", "क्षि", strings.Repeat("\u0301", 3000)} {
		f.Add(seed, 18.0, 80.0)
	}
	face := testTypeface(f)
	c := blank(120, 40)
	c.face = face
	f.Fuzz(func(t *testing.T, s string, size, width float64) {
		font := Font{Size: size}
		if w := face.Measure(s, font); !finite(w) || w < 0 || w > 2*(maxRunes+1)*512 {
			t.Errorf("%q is %v wide", s, w)
		}
		got := face.Ellipsis(s, font, width)
		if got != s && got != "" && (!utf8.ValidString(got) || face.Measure(got, font) > width) {
			t.Errorf("%q in %v px is %q, %v wide", s, width, got, face.Measure(got, font))
		}
		c.Text(width, 30, s, font, white)
	})
}

func BenchmarkText(b *testing.B) {
	c := testCanvas(b, 400, 40, Dark())
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Text(4, 30, "dist2 Te1/1/4 – core1 link down", Font{22, true}, white)
		}
	})
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			i++
			c.Text(4, 30, fmt.Sprintf("%d.%02d Gb/s", i, i%100), Font{22, true}, white)
		}
	})
}
