package plot

import (
	"image"
	"image/color"
	"image/draw"
	"math"
)

// Polygon fills the area within pts, which need not be closed. Parts that the
// outline goes round twice are filled once; parts that it goes round in opposite
// directions stay empty.
func (c *Canvas) Polygon(pts []Point, col color.NRGBA) {
	s := getScratch()
	defer putScratch(s)
	c.fillPath(s, pts, col)
}

// Area fills between a line and the horizontal baseY. The line runs from left to
// right; NaN coordinates are left out.
func (c *Canvas) Area(pts []Point, baseY float64, col color.NRGBA) {
	if len(pts) < 2 || !finite(baseY) {
		return
	}
	// Below the line's lowest point the area is a rectangle: only the band that
	// the line itself runs through needs the rasterizer.
	s := getScratch()
	defer putScratch(s)
	x0, x1, low := math.Inf(1), math.Inf(-1), math.Inf(-1)
	s.path = s.path[:0]
	for _, p := range pts {
		if !finite(p.X) || !finite(p.Y) {
			continue
		}
		p.Y = math.Min(p.Y, baseY)
		x0, x1, low = math.Min(x0, p.X), math.Max(x1, p.X), math.Max(low, p.Y)
		s.path = append(s.path, p)
	}
	if len(s.path) < 2 {
		return
	}
	low = math.Min(math.Ceil(low), baseY)
	s.path = append(s.path, Point{x1, low}, Point{x0, low})
	c.fillPath(s, s.path, col)
	c.FillRect(Rect{x0, low, x1 - x0, baseY - low}, col)
}

// fillPath fills pts through the coverage rasterizer, cut to the clip first.
func (c *Canvas) fillPath(s *scratch, pts []Point, col color.NRGBA) {
	if len(pts) < 3 || col.A == 0 {
		return
	}
	box := pathBox(pts, 0).Intersect(c.clip)
	if box.Empty() {
		return
	}
	w, h := box.Dx(), box.Dy()
	pts = s.clipPolygon(pts, box)
	if len(pts) < 3 {
		return
	}
	s.ras.Reset(w, h)
	s.ras.DrawOp = draw.Src
	ox, oy := float64(box.Min.X), float64(box.Min.Y)
	s.ras.MoveTo(float32(pts[0].X-ox), float32(pts[0].Y-oy))
	for _, p := range pts[1:] {
		s.ras.LineTo(float32(p.X-ox), float32(p.Y-oy))
	}
	s.ras.ClosePath()
	if cap(s.alpha.Pix) < w*h {
		s.alpha.Pix = make([]uint8, w*h)
	}
	s.alpha.Pix, s.alpha.Stride, s.alpha.Rect = s.alpha.Pix[:w*h], w, image.Rect(0, 0, w, h)
	s.ras.Draw(&s.alpha, s.alpha.Rect, image.Opaque, image.Point{})
	for y := range h {
		blendMask(c.row(box.Min.Y+y, box.Min.X, box.Max.X), s.alpha.Pix[y*w:(y+1)*w], col)
	}
}

// clipPolygon cuts a polygon to box (Sutherland and Hodgman), leaving out points
// that are not finite. A polygon that lies inside is returned as it is.
func (s *scratch) clipPolygon(pts []Point, box image.Rectangle) []Point {
	x0, y0, x1, y1 := float64(box.Min.X), float64(box.Min.Y), float64(box.Max.X), float64(box.Max.Y)
	inside := true
	for _, p := range pts {
		// NaN fails the comparisons too.
		inside = inside && p.X >= x0 && p.X <= x1 && p.Y >= y0 && p.Y <= y1
	}
	if inside {
		return pts
	}
	s.clipA = s.clipA[:0]
	for _, p := range pts {
		if finite(p.X) && finite(p.Y) {
			s.clipA = append(s.clipA, p)
		}
	}
	// Each side keeps what lies at depth >= 0.
	for _, depth := range [4]func(Point) float64{
		func(p Point) float64 { return p.X - x0 },
		func(p Point) float64 { return x1 - p.X },
		func(p Point) float64 { return p.Y - y0 },
		func(p Point) float64 { return y1 - p.Y },
	} {
		s.clipB = s.clipB[:0]
		for i, p := range s.clipA {
			q := s.clipA[(i+1)%len(s.clipA)]
			dp, dq := depth(p), depth(q)
			if dp >= 0 {
				s.clipB = append(s.clipB, p)
			}
			if (dp >= 0) != (dq >= 0) {
				t := dp / (dp - dq)
				s.clipB = append(s.clipB, Point{p.X + t*(q.X-p.X), p.Y + t*(q.Y-p.Y)})
			}
		}
		s.clipA, s.clipB = s.clipB, s.clipA
	}
	return s.clipA
}
