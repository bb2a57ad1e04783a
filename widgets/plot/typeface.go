package plot

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"math"
	"sort"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/fontscan"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/segmenter"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// Font is a size in pixels and a weight of the wall's one typeface.
type Font struct {
	Size float64
	Bold bool
}

// size returns the font's size within what is drawn: 1 to 512 px.
func (f Font) size() float64 { return clamp(f.Size, 1, 512) }

const (
	// maxRunes bounds how much of a string is drawn or measured.
	maxRunes = 1024
	// shapeSize is the size that text is shaped at. Outlines are not hinted, so
	// everything scales from it, and one shaped run serves all sizes.
	shapeSize = 1024
	ellipsis  = "…"
)

// Typeface measures and rasterises text. It is safe for concurrent use; shaped
// runs and glyph masks are cached within a bound.
type Typeface struct {
	regular, bold *font.Face
	runs          cache[runKey, *run]
	glyphs        cache[glyphKey, *glyphMask]

	mu        sync.Mutex // guards all below, and the faces, whose reads are cached inside
	shaper    shaping.HarfbuzzShaper
	split     shaping.Segmenter
	graphemes segmenter.Segmenter
	ras       vector.Rasterizer
	system    *fontscan.FontMap // nil until a rune needs it
	fallback  map[fallbackKey]*font.Face
}

type runKey struct {
	text string
	bold bool
}

// run is a shaped string, at shapeSize.
type run struct {
	glyphs  []placedGlyph
	advance float64
}

// placedGlyph is one glyph of a run; x and y are at shapeSize, y downwards.
type placedGlyph struct {
	face *font.Face
	id   font.GID
	rune int // index of the first rune that it stands for
	x, y float64
	adv  float64
}

type fallbackKey struct {
	r    rune
	bold bool
}

// NewTypeface reads the regular and the bold cut from TrueType or OpenType bytes.
func NewTypeface(regular, bold []byte) (*Typeface, error) {
	t := &Typeface{fallback: make(map[fallbackKey]*font.Face)}
	t.runs.limit = 4 << 20
	t.glyphs.limit = 8 << 20
	var err error
	if t.regular, err = font.ParseTTF(bytes.NewReader(regular)); err != nil {
		return nil, fmt.Errorf("typeface: regular cut: %w; hand over the bytes of a TTF or OTF file", err)
	}
	if t.bold, err = font.ParseTTF(bytes.NewReader(bold)); err != nil {
		return nil, fmt.Errorf("typeface: bold cut: %w; hand over the bytes of a TTF or OTF file", err)
	}
	return t, nil
}

// Measure returns how far s advances, in pixels.
func (t *Typeface) Measure(s string, f Font) float64 {
	return t.shape(s, f.Bold).advance * f.size() / shapeSize
}

// CapHeight returns the height of a capital letter, in pixels.
func (t *Typeface) CapHeight(f Font) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	face := t.cut(f.Bold)
	return float64(face.LineMetric(font.CapHeight)) / float64(face.Upem()) * f.size()
}

// Ellipsis returns s if it is at most maxWidth wide, otherwise as much of its
// beginning as fits before an ellipsis. It cuts between graphemes. Where not even
// the ellipsis fits, the result is empty.
func (t *Typeface) Ellipsis(s string, f Font, maxWidth float64) string {
	if t.Measure(s, f) <= maxWidth {
		return s
	}
	room := (maxWidth - t.Measure(ellipsis, f)) * shapeSize / f.size()
	if !(room >= 0) {
		return ""
	}
	s = clean(s)
	r := t.shape(s, f.Bold)
	text := []rune(s)
	// width[i] is where the glyphs of the runes before i end.
	width := make([]float64, len(text)+1)
	for _, g := range r.glyphs {
		width[min(g.rune, len(text))] += g.adv
	}
	sum := 0.0
	for i, w := range width {
		width[i] = sum
		sum += w
	}
	cut := 0
	for _, end := range t.breaks(text) {
		if width[end] > room {
			break
		}
		cut = end
	}
	part := func(end int) string { return strings.TrimRight(string(text[:end]), " ") + ellipsis }
	if p := part(cut); t.Measure(p, f) <= maxWidth {
		return p
	}
	// Shaping a part alone can differ a little from that part within the whole.
	ends := t.breaks(text[:cut])
	wide := sort.Search(len(ends), func(i int) bool { return t.Measure(part(ends[i]), f) > maxWidth })
	if wide == 0 {
		return part(0)
	}
	return part(ends[wide-1])
}

// breaks returns where the graphemes of text end.
func (t *Typeface) breaks(text []rune) []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.graphemes.Init(text)
	var ends []int
	for it := t.graphemes.GraphemeIterator(); it.Next(); {
		g := it.Grapheme()
		ends = append(ends, g.Offset+len(g.Text))
	}
	return ends
}

// clean makes foreign text drawable: bounded, valid UTF-8, and with U+FFFD for
// control characters and for marks that would turn the direction of what follows.
func clean(s string) string {
	plain := len(s) <= maxRunes
	for i := 0; plain && i < len(s); i++ {
		plain = s[i] >= ' ' && s[i] < 0x7F
	}
	if plain {
		return s
	}
	var b strings.Builder
	n := 0
	for _, r := range s { // invalid bytes come out as U+FFFD
		if n == maxRunes {
			b.WriteString(ellipsis)
			break
		}
		n++
		if unicode.IsControl(r) || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			r = utf8.RuneError
		}
		b.WriteRune(r)
	}
	return b.String()
}

// cut returns the face of the given weight.
func (t *Typeface) cut(bold bool) *font.Face {
	if bold {
		return t.bold
	}
	return t.regular
}

// shape returns the shaped run of s.
func (t *Typeface) shape(s string, bold bool) *run {
	if len(s) > maxRunes*utf8.UTFMax {
		s = s[:maxRunes*utf8.UTFMax] // clean marks the cut
	}
	key := runKey{s, bold}
	if r, ok := t.runs.get(key); ok {
		return r
	}
	r, ok := t.runs.getOld(key)
	if !ok {
		r = t.shapeNow(clean(s), bold)
		key.text = strings.Clone(s)
	}
	t.runs.put(key, r, 96+len(s)+48*len(r.glyphs))
	return r
}

// shapeNow shapes s, splitting it by direction, script and face.
func (t *Typeface) shapeNow(s string, bold bool) *run {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := []rune(s)
	in := shaping.Input{
		Text: text, RunEnd: len(text), Direction: di.DirectionLTR,
		Face: t.cut(bold), Size: fixed.I(shapeSize),
		Script: language.Latin, Language: language.NewLanguage("en"),
	}
	parts := []shaping.Input{in}
	if len(text) != len(s) { // not ASCII
		parts = t.split.Split(in, faces{t, bold})
	}
	r := &run{glyphs: make([]placedGlyph, 0, len(text))}
	for _, part := range visualOrder(parts) {
		for _, g := range t.shaper.Shape(part).Glyphs {
			adv := toFloat(g.XAdvance)
			r.glyphs = append(r.glyphs, placedGlyph{
				face: part.Face, id: g.GlyphID, rune: g.ClusterIndex,
				x: r.advance + toFloat(g.XOffset), y: -toFloat(g.YOffset), adv: adv,
			})
			r.advance += adv
		}
	}
	return r
}

func toFloat(v fixed.Int26_6) float64 { return float64(v) / 64 }

// visualOrder reverses each stretch of right-to-left runs, so that drawing can go
// from left to right.
func visualOrder(parts []shaping.Input) []shaping.Input {
	for i := 0; i < len(parts); {
		j := i
		for j < len(parts) && parts[j].Direction == di.DirectionRTL {
			j++
		}
		for a, b := i, j-1; a < b; a, b = a+1, b-1 {
			parts[a], parts[b] = parts[b], parts[a]
		}
		i = max(j, i+1)
	}
	return parts
}

// faces picks the face of each rune for the segmenter. The typeface's lock is held.
type faces struct {
	t    *Typeface
	bold bool
}

// ResolveFace returns the typeface's own cut where it has the rune, otherwise a
// system font, otherwise the own cut again, whose empty glyph is drawn as a box.
func (f faces) ResolveFace(r rune) *font.Face {
	own := f.t.cut(f.bold)
	if _, has := own.NominalGlyph(r); has {
		return own
	}
	key := fallbackKey{r, f.bold}
	face, ok := f.t.fallback[key]
	if !ok {
		if face = f.t.systemFace(r, f.bold); face == nil {
			face = own
		}
		if len(f.t.fallback) > 1<<14 {
			clear(f.t.fallback)
		}
		f.t.fallback[key] = face
	}
	return face
}

// systemFace finds an installed font that has r, or nil. The first call scans the
// system's font folders; the scan is kept in the user's cache folder.
func (t *Typeface) systemFace(r rune, bold bool) *font.Face {
	if t.system == nil {
		quiet := log.New(io.Discard, "", 0)
		t.system = fontscan.NewFontMap(quiet)
		if err := t.system.UseSystemFonts(""); err != nil {
			// A machine without readable fonts draws boxes; the map stays empty.
			t.system = fontscan.NewFontMap(quiet)
		}
	}
	weight := font.WeightNormal
	if bold {
		weight = font.WeightBold
	}
	t.system.SetQuery(fontscan.Query{
		Families: []string{"Noto Sans CJK KR", "NanumGothic", "Noto Sans", fontscan.SansSerif},
		Aspect:   font.Aspect{Weight: weight},
	})
	face := t.system.ResolveFace(r)
	if face == nil {
		return nil
	}
	if _, has := face.NominalGlyph(r); !has {
		return nil
	}
	return face
}

// snapQuarter splits x into a whole pixel and a quarter of a pixel.
func snapQuarter(x float64) (px int, quarter uint8) {
	q := math.Floor(x*4 + 0.5)
	px = int(math.Floor(q / 4))
	return px, uint8(int(q) - 4*px)
}
