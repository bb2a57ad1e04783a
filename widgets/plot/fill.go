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

// Area fills between a line and the horizontal baseY below it. The line runs from
// left to right; points that are not finite are left out.
func (c *Canvas) Area(pts []Point, baseY float64, col color.NRGBA) {
	if !finite(baseY) || col.A == 0 {
		return
	}
	s := getScratch()
	defer putScratch(s)
	s.path = s.path[:0]
	ascending := true
	var before Point
	for _, p := range pts {
		if !finite(p.X) || !finite(p.Y) {
			continue
		}
		if len(s.path) > 0 {
			ascending = ascending && p.X >= before.X
			if (p.Y > baseY) != (before.Y > baseY) {
				t := (baseY - before.Y) / (p.Y - before.Y)
				s.path = append(s.path, Point{before.X + t*(p.X-before.X), baseY})
			}
		}
		s.path = append(s.path, Point{p.X, math.Min(p.Y, baseY)})
		before = p
	}
	line := s.path
	if len(line) < 2 {
		return
	}
	if !ascending {
		s.path = append(s.path, Point{line[len(line)-1].X, baseY}, Point{line[0].X, baseY})
		c.fillPath(s, s.path, col)
		return
	}
	// Column by column, only the band that the line runs through needs the
	// rasterizer: what lies below is a rectangle. Columns meet between pixels.
	const column = 64
	end := math.Min(line[len(line)-1].X, float64(c.clip.Max.X))
	for left := math.Max(line[0].X, float64(c.clip.Min.X)); left < end; {
		right := math.Min((math.Floor(left/column)+1)*column, end)
		for len(line) > 2 && line[1].X <= left {
			line = line[1:]
		}
		s.part = append(s.part[:0], Point{left, heightAt(line, left)})
		i := 1
		for ; i < len(line) && line[i].X < right; i++ {
			s.part = append(s.part, line[i])
		}
		s.part = append(s.part, Point{right, heightAt(line[i-1:], right)})
		c.fillColumn(s, baseY, col)
		left = right
	}
}

// heightAt returns the line's y at x, which lies on its first segment.
func heightAt(line []Point, x float64) float64 {
	if len(line) < 2 || line[1].X <= line[0].X {
		return line[0].Y
	}
	t := clamp((x-line[0].X)/(line[1].X-line[0].X), 0, 1)
	return line[0].Y + t*(line[1].Y-line[0].Y)
}

// fillColumn fills below the line in s.part.
func (c *Canvas) fillColumn(s *scratch, baseY float64, col color.NRGBA) {
	low := math.Inf(-1)
	for _, p := range s.part {
		low = math.Max(low, p.Y)
	}
	low = math.Min(math.Ceil(low), baseY)
	left, right := s.part[0].X, s.part[len(s.part)-1].X
	s.part = append(s.part, Point{right, low}, Point{left, low})
	c.fillPath(s, s.part, col)
	c.FillRect(Rect{left, low, right - left, baseY - low}, col)
}

// Between fills between two lines that run from left to right and have their points at the same x,
// upper before lower. Like Area it goes column by column: what a long thin band covers is little.
func (c *Canvas) Between(upper, lower []Point, col color.NRGBA) {
	n := min(len(upper), len(lower))
	if n < 2 || col.A == 0 {
		return
	}
	s := getScratch()
	defer putScratch(s)
	upper, lower = upper[:n], lower[:n]
	const column = 64
	end := math.Min(upper[n-1].X, float64(c.clip.Max.X))
	for left := math.Max(upper[0].X, float64(c.clip.Min.X)); left < end; {
		right := math.Min((math.Floor(left/column)+1)*column, end)
		for len(upper) > 2 && upper[1].X <= left {
			upper, lower = upper[1:], lower[1:]
		}
		i := 1
		for i < len(upper) && upper[i].X < right {
			i++
		}
		s.part = append(append(s.part[:0], Point{left, heightAt(upper, left)}), upper[1:i]...)
		s.part = append(s.part, Point{right, heightAt(upper[i-1:], right)}, Point{right, heightAt(lower[i-1:], right)})
		for j := i - 1; j >= 1; j-- {
			s.part = append(s.part, lower[j])
		}
		s.part = append(s.part, Point{left, heightAt(lower, left)})
		c.fillPath(s, s.part, col)
		left = right
	}
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
