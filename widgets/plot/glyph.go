package plot

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
)

type glyphKey struct {
	face    *font.Face
	id      font.GID
	size    uint32 // in 1/64 px
	quarter uint8
}

// glyphMask is the coverage of a glyph; (left, top) is its corner's place
// relative to the pen, in pixels.
type glyphMask struct {
	w, h, left, top int
	pix             []uint8
}

// glyph returns the mask of a glyph at a size and a quarter of a pixel.
func (t *Typeface) glyph(face *font.Face, id font.GID, size float64, quarter uint8) *glyphMask {
	key := glyphKey{face, id, uint32(size*64 + 0.5), quarter}
	if m, ok := t.glyphs.get(key); ok {
		return m
	}
	m, ok := t.glyphs.getOld(key)
	if !ok {
		m = t.rasterise(key)
	}
	t.glyphs.put(key, m, 96+len(m.pix))
	return m
}

// rasterise draws a glyph's outline, TrueType and CFF alike.
func (t *Typeface) rasterise(key glyphKey) *glyphMask {
	t.mu.Lock()
	defer t.mu.Unlock()
	size := float32(key.size) / 64
	scale := size / float32(key.face.Upem())
	shift := float32(key.quarter) / 4
	segments := t.outline(key.face, key.id)
	minX, minY, maxX, maxY := float32(math.Inf(1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.Inf(-1))
	for i := range segments {
		for _, p := range segments[i].ArgsSlice() {
			x, y := p.X*scale+shift, -p.Y*scale
			minX, maxX = min(minX, x), max(maxX, x)
			minY, maxY = min(minY, y), max(maxY, y)
		}
	}
	if !(maxX > minX && maxY > minY) || maxX-minX > 8*size || maxY-minY > 8*size {
		return &glyphMask{} // a space, or an outline that no sound font has
	}
	left, top := int(math.Floor(float64(minX))), int(math.Floor(float64(minY)))
	w, h := int(math.Ceil(float64(maxX)))-left, int(math.Ceil(float64(maxY)))-top
	m := &glyphMask{w: w, h: h, left: left, top: top, pix: make([]uint8, w*h)}
	x := func(p opentype.SegmentPoint) float32 { return p.X*scale + shift - float32(left) }
	y := func(p opentype.SegmentPoint) float32 { return -p.Y*scale - float32(top) }
	t.ras.Reset(w, h)
	t.ras.DrawOp = draw.Src
	for i, s := range segments {
		a := s.Args
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			if i > 0 {
				t.ras.ClosePath()
			}
			t.ras.MoveTo(x(a[0]), y(a[0]))
		case opentype.SegmentOpLineTo:
			t.ras.LineTo(x(a[0]), y(a[0]))
		case opentype.SegmentOpQuadTo:
			t.ras.QuadTo(x(a[0]), y(a[0]), x(a[1]), y(a[1]))
		case opentype.SegmentOpCubeTo:
			t.ras.CubeTo(x(a[0]), y(a[0]), x(a[1]), y(a[1]), x(a[2]), y(a[2]))
		}
	}
	t.ras.ClosePath()
	dst := &image.Alpha{Pix: m.pix, Stride: w, Rect: image.Rect(0, 0, w, h)}
	t.ras.Draw(dst, dst.Rect, image.Opaque, image.Point{})
	return m
}

// outline returns a glyph's outline in font units, y upwards. A glyph that the
// font does not have, or has only as a bitmap or a picture, is a box.
func (t *Typeface) outline(face *font.Face, id font.GID) []opentype.Segment {
	if id != 0 {
		switch g := face.GlyphData(id).(type) {
		case font.GlyphOutline:
			return g.Segments
		case font.GlyphSVG:
			if len(g.Outline.Segments) > 0 {
				return g.Outline.Segments
			}
		case font.GlyphBitmap:
			if g.Outline != nil {
				return g.Outline.Segments
			}
		}
	}
	return missingGlyph(float32(face.Upem()), face.HorizontalAdvance(id))
}

// missingGlyph is an empty box as high as a capital letter.
func missingGlyph(upem, advance float32) []opentype.Segment {
	if advance < upem/4 {
		advance = upem / 2
	}
	stroke := upem / 16
	var out []opentype.Segment
	corner := func(op opentype.SegmentOp, x, y float32) {
		out = append(out, opentype.Segment{Op: op, Args: [3]opentype.SegmentPoint{{X: x, Y: y}}})
	}
	box := func(x0, y0, x1, y1 float32) {
		corner(opentype.SegmentOpMoveTo, x0, y0)
		corner(opentype.SegmentOpLineTo, x1, y0)
		corner(opentype.SegmentOpLineTo, x1, y1)
		corner(opentype.SegmentOpLineTo, x0, y1)
	}
	x0, x1, top := stroke, advance-stroke, upem*0.72
	box(x0, 0, x1, top)
	box(x1-stroke, stroke, x0+stroke, top-stroke) // the other way round: a hole
	return out
}

// Text writes s from x on, on the baseline (rounded to a whole pixel), and
// returns how far it advances. Foreign text is safe here: control characters and
// invalid UTF-8 are drawn as U+FFFD, and very long strings are cut.
func (c *Canvas) Text(x, baseline float64, s string, f Font, col color.NRGBA) (advance float64) {
	if c.face == nil || s == "" || !finite(x) || !finite(baseline) {
		return 0
	}
	r := c.face.shape(s, f.Bold)
	size := f.size()
	scale := size / shapeSize
	advance = r.advance * scale
	const far = 1 << 20
	if col.A == 0 || math.Abs(x) > far || math.Abs(baseline) > far {
		return advance
	}
	base := math.Floor(baseline + 0.5)
	for i := range r.glyphs {
		g := &r.glyphs[i]
		gx := x + g.x*scale
		if gx > float64(c.clip.Max.X)+size {
			break
		}
		if gx < float64(c.clip.Min.X)-4*size {
			continue
		}
		px, quarter := snapQuarter(gx)
		m := c.face.glyph(g.face, g.id, size, quarter)
		c.blit(m, px, int(math.Floor(base+g.y*scale+0.5)), col)
	}
	return advance
}

// blit blends col through a glyph's mask with the pen at (x, y).
func (c *Canvas) blit(m *glyphMask, x, y int, col color.NRGBA) {
	x, y = x+m.left, y+m.top
	box := image.Rect(x, y, x+m.w, y+m.h).Intersect(c.clip)
	for row := box.Min.Y; row < box.Max.Y; row++ {
		i := (row-y)*m.w + box.Min.X - x
		blendMask(c.row(row, box.Min.X, box.Max.X), m.pix[i:i+box.Dx()], col)
	}
}

// TextRight writes s so that it ends at x, and returns how far it advances.
func (c *Canvas) TextRight(x, baseline float64, s string, f Font, col color.NRGBA) (advance float64) {
	return c.Text(x-c.Measure(s, f), baseline, s, f, col)
}

// TextCenter writes s with its middle at x, and returns how far it advances.
func (c *Canvas) TextCenter(x, baseline float64, s string, f Font, col color.NRGBA) (advance float64) {
	return c.Text(x-c.Measure(s, f)/2, baseline, s, f, col)
}

// Measure returns how far s advances, in pixels; 0 on a canvas without typeface.
func (c *Canvas) Measure(s string, f Font) float64 {
	if c.face == nil {
		return 0
	}
	return c.face.Measure(s, f)
}

// Ellipsis cuts s to maxWidth; see Typeface.Ellipsis.
func (c *Canvas) Ellipsis(s string, f Font, maxWidth float64) string {
	if c.face == nil {
		return s
	}
	return c.face.Ellipsis(s, f, maxWidth)
}
