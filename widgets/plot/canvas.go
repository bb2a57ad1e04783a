package plot

import (
	"image"
	"image/color"
	"math"
)

// Canvas paints on an image.RGBA. It belongs to one goroutine; several canvases
// on different images may share one Typeface and draw at the same time.
type Canvas struct {
	img  *image.RGBA
	face *Typeface
	clip image.Rectangle
}

// NewCanvas returns a canvas over the whole of img. face may be nil for a canvas
// on which no text is drawn.
func NewCanvas(img *image.RGBA, face *Typeface) *Canvas {
	return &Canvas{img: img, face: face, clip: img.Rect}
}

// Bounds returns the whole image's rectangle, whatever the clip is.
func (c *Canvas) Bounds() Rect {
	b := c.img.Rect
	return Rect{float64(b.Min.X), float64(b.Min.Y), float64(b.Dx()), float64(b.Dy())}
}

// Image returns the image that the canvas paints on.
func (c *Canvas) Image() *image.RGBA { return c.img }

// Typeface returns the typeface that the canvas writes with, nil where it has none.
func (c *Canvas) Typeface() *Typeface { return c.face }

// Clip limits all painting to r (rounded to whole pixels) within the present
// clip, until restore is called.
func (c *Canvas) Clip(r Rect) (restore func()) {
	was := c.clip
	c.clip = was.Intersect(pixelRect(r, math.Round, math.Round))
	return func() { c.clip = was }
}

// pixelRect turns r into whole pixels, the near edges rounded by lo and the far
// ones by hi. What cannot be drawn becomes the empty rectangle.
func pixelRect(r Rect, lo, hi func(float64) float64) image.Rectangle {
	if r.Empty() || !r.finite() {
		return image.Rectangle{}
	}
	const far = 1 << 20 // beyond any image; keeps the conversion to int defined
	px := func(v float64) int { return int(clamp(v, -far, far)) }
	return image.Rect(px(lo(r.X)), px(lo(r.Y)), px(hi(r.Right())), px(hi(r.Bottom())))
}

// Clear sets every pixel within the clip to col, without blending.
func (c *Canvas) Clear(col color.NRGBA) {
	p := premultiply(col)
	if c.clip.Empty() {
		return
	}
	first := c.row(c.clip.Min.Y, c.clip.Min.X, c.clip.Max.X)
	fillPixels(first, p)
	for y := c.clip.Min.Y + 1; y < c.clip.Max.Y; y++ {
		copy(c.row(y, c.clip.Min.X, c.clip.Max.X), first)
	}
}

// row returns the bytes of the pixels [x0, x1) of line y.
func (c *Canvas) row(y, x0, x1 int) []uint8 {
	i := c.img.PixOffset(x0, y)
	n := 4 * (x1 - x0)
	return c.img.Pix[i : i+n : i+n]
}

// FillRect fills r. Edges that lie between pixels are blended by the share of
// the pixel that they cover.
func (c *Canvas) FillRect(r Rect, col color.NRGBA) {
	box := pixelRect(r, math.Floor, math.Ceil).Intersect(c.clip)
	if box.Empty() || col.A == 0 {
		return
	}
	// The columns that are covered wholly, and the shares of the two beside them.
	solid := pixelRect(r, math.Ceil, math.Floor)
	if solid.Min.X >= solid.Max.X || r.Right() < math.Ceil(r.X) {
		c.fillThin(r, box, col)
		return
	}
	x0, x1 := max(box.Min.X, int(math.Ceil(r.X))), min(box.Max.X, int(math.Floor(r.Right())))
	left := math.Ceil(r.X) - r.X
	right := r.Right() - math.Floor(r.Right())
	var full []uint8 // a finished row of opaque pixels
	for y := box.Min.Y; y < box.Max.Y; y++ {
		share := overlap(r.Y, r.Bottom(), y)
		if x0 < x1 {
			row := c.row(y, x0, x1)
			switch {
			case share < 1 || col.A < 255:
				blendSolid(row, col, share255(share))
			case full == nil:
				fillPixels(row, opaquePixel(col))
				full = row
			default:
				copy(row, full)
			}
		}
		if box.Min.X < x0 && left > 0 {
			blendSolid(c.row(y, box.Min.X, box.Min.X+1), col, share255(share*left))
		}
		if box.Max.X > x1 && right > 0 {
			blendSolid(c.row(y, box.Max.X-1, box.Max.X), col, share255(share*right))
		}
	}
}

// fillThin fills a rectangle that covers no column wholly.
func (c *Canvas) fillThin(r Rect, box image.Rectangle, col color.NRGBA) {
	for y := box.Min.Y; y < box.Max.Y; y++ {
		share := overlap(r.Y, r.Bottom(), y)
		for x := box.Min.X; x < box.Max.X; x++ {
			blendSolid(c.row(y, x, x+1), col, share255(share*overlap(r.X, r.Right(), x)))
		}
	}
}

// overlap returns how much of the pixel [i, i+1) lies within [lo, hi).
func overlap(lo, hi float64, i int) float64 {
	return clamp(math.Min(hi, float64(i+1))-math.Max(lo, float64(i)), 0, 1)
}

// share255 turns a share of 0..1 into 0..255.
func share255(share float64) uint8 { return uint8(clamp(share, 0, 1)*255 + 0.5) }

// FillRound fills r with rounded corners.
func (c *Canvas) FillRound(r Rect, radius float64, col color.NRGBA) {
	radius = cornerRadius(r, radius)
	if radius < 0.25 {
		c.FillRect(r, col)
		return
	}
	c.roundParts(r, radius, func(part Rect) { c.FillRect(part, col) }, func(box image.Rectangle) {
		c.shade(box, col, func(x, y float64) float64 { return 0.5 - roundDistance(r, radius, x, y) })
	})
}

// StrokeRound draws the edge of r, width wide, so that it stays inside r.
func (c *Canvas) StrokeRound(r Rect, radius, width float64, col color.NRGBA, dash Dash) {
	if r.Empty() || !r.finite() || !(width > 0) {
		return
	}
	radius = cornerRadius(r, radius)
	if !dash.solid() {
		s := getScratch()
		defer putScratch(s)
		s.path = roundPath(s.path[:0], r.Inset(width/2), math.Max(0, radius-width/2))
		c.strokePath(s, s.path, width, col, dash, false)
		return
	}
	width = math.Min(width, math.Min(r.W, r.H)/2)
	corner := math.Max(radius, width)
	straight := func(part Rect) { // the sides of the ring that run through this part
		for _, side := range [4]Rect{
			{r.X, r.Y, r.W, width}, {r.X, r.Bottom() - width, r.W, width},
			{r.X, r.Y, width, r.H}, {r.Right() - width, r.Y, width, r.H},
		} {
			c.FillRect(part.Intersect(side), col)
		}
	}
	c.roundParts(r, corner, straight, func(box image.Rectangle) {
		c.shade(box, col, func(x, y float64) float64 {
			d := roundDistance(r, radius, x, y)
			return clamp(0.5-d, 0, 1) - clamp(0.5-(d+width), 0, 1)
		})
	})
}

// roundParts cuts a round rectangle into straight parts and four corner boxes of
// whole pixels, or, where that leaves nothing straight, one box for all.
func (c *Canvas) roundParts(r Rect, radius float64, straight func(Rect), corner func(image.Rectangle)) {
	if r.Empty() || !r.finite() {
		return
	}
	x0, x1 := math.Ceil(r.X+radius), math.Floor(r.Right()-radius)
	y0, y1 := math.Ceil(r.Y+radius), math.Floor(r.Bottom()-radius)
	all := pixelRect(r, math.Floor, math.Ceil)
	if x1 < x0 || y1 < y0 {
		corner(all)
		return
	}
	straight(Rect{x0, r.Y, x1 - x0, r.H})
	straight(Rect{r.X, y0, x0 - r.X, y1 - y0})
	straight(Rect{x1, y0, r.Right() - x1, y1 - y0})
	ix0, ix1, iy0, iy1 := int(x0), int(x1), int(y0), int(y1)
	corner(image.Rect(all.Min.X, all.Min.Y, ix0, iy0))
	corner(image.Rect(ix1, all.Min.Y, all.Max.X, iy0))
	corner(image.Rect(all.Min.X, iy1, ix0, all.Max.Y))
	corner(image.Rect(ix1, iy1, all.Max.X, all.Max.Y))
}

// shade blends col over box by the share (0..1, clamped) at each pixel's centre.
func (c *Canvas) shade(box image.Rectangle, col color.NRGBA, share func(x, y float64) float64) {
	box = box.Intersect(c.clip)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := c.row(y, box.Min.X, box.Max.X)
		for x := box.Min.X; x < box.Max.X; x++ {
			i := 4 * (x - box.Min.X)
			blendSolid(row[i:i+4], col, share255(share(float64(x)+0.5, float64(y)+0.5)))
		}
	}
}

// cornerRadius limits a radius to what r has room for.
func cornerRadius(r Rect, radius float64) float64 {
	return clamp(radius, 0, math.Min(r.W, r.H)/2)
}

// roundDistance is the signed distance of (x, y) from the edge of a round
// rectangle: negative inside.
func roundDistance(r Rect, radius, x, y float64) float64 {
	qx := math.Abs(x-r.X-r.W/2) - r.W/2 + radius
	qy := math.Abs(y-r.Y-r.H/2) - r.H/2 + radius
	if qx > 0 && qy > 0 {
		return math.Sqrt(qx*qx+qy*qy) - radius
	}
	return math.Max(qx, qy) - radius
}

// Hatch draws 45 degree stripes, rising to the right, width wide and period
// apart, within the round rectangle. Stripes are anchored at the canvas' origin,
// so neighbouring hatches meet.
func (c *Canvas) Hatch(r Rect, radius, period, width float64, col color.NRGBA) {
	box := pixelRect(r, math.Floor, math.Ceil).Intersect(c.clip)
	if box.Empty() || !(period > 0) || !(width > 0) {
		return
	}
	s := getScratch()
	defer putScratch(s)
	// A stripe's share depends on x+y alone: one table serves every row.
	from := box.Min.X + box.Min.Y
	table := s.bytes(box.Dx() + box.Dy())
	for i := range table {
		u := math.Mod(float64(from+i+1)/math.Sqrt2, period)
		if u < 0 {
			u += period
		}
		d := math.Abs(u-period/2) - width/2
		table[i] = share255(0.5 - d)
	}
	radius = cornerRadius(r, radius)
	c.roundParts(r, radius, func(part Rect) {
		p := pixelRect(part, math.Round, math.Round).Intersect(box)
		for y := p.Min.Y; y < p.Max.Y; y++ {
			i := p.Min.X + y - from
			blendMask(c.row(y, p.Min.X, p.Max.X), table[i:i+p.Dx()], col)
		}
	}, func(corner image.Rectangle) {
		c.shade(corner.Intersect(box), col, func(x, y float64) float64 {
			stripe := float64(table[int(x)+int(y)-from]) / 255
			return stripe * clamp(0.5-roundDistance(r, radius, x, y), 0, 1)
		})
	})
}
