package plot

import (
	"image"
	"image/color"
	"math"
)

// Line draws a straight line with square ends.
func (c *Canvas) Line(x0, y0, x1, y1, width float64, col color.NRGBA, dash Dash) {
	if dash.solid() && width > 0 && (x0 == x1 || y0 == y1) {
		r := Rect{math.Min(x0, x1), math.Min(y0, y1) - width/2, math.Abs(x1 - x0), width}
		if x0 == x1 {
			r = Rect{x0 - width/2, math.Min(y0, y1), width, math.Abs(y1 - y0)}
		}
		c.FillRect(r, col)
		return
	}
	pts := [2]Point{{x0, y0}, {x1, y1}}
	c.Polyline(pts[:], width, col, dash)
}

// Polyline draws a line through pts with round joins and square ends.
func (c *Canvas) Polyline(pts []Point, width float64, col color.NRGBA, dash Dash) {
	s := getScratch()
	defer putScratch(s)
	c.strokePath(s, pts, width, col, dash, false)
}

// PolylineRound is Polyline with round ends, for ticks, crosses and chevrons.
func (c *Canvas) PolylineRound(pts []Point, width float64, col color.NRGBA) {
	s := getScratch()
	defer putScratch(s)
	c.strokePath(s, pts, width, col, nil, true)
}

// StrokePolygon draws the closed outline through pts with round joins, the
// stroke centred on the outline.
func (c *Canvas) StrokePolygon(pts []Point, width float64, col color.NRGBA, dash Dash) {
	if len(pts) < 2 {
		return
	}
	s := getScratch()
	defer putScratch(s)
	s.path = append(append(s.path[:0], pts...), pts[0])
	c.strokePath(s, s.path, width, col, dash, dash.solid())
}

// Curve draws a cubic Bézier curve from p0 to p1 with the control points c0 and c1.
func (c *Canvas) Curve(p0, c0, c1, p1 Point, width float64, col color.NRGBA, dash Dash) {
	s := getScratch()
	defer putScratch(s)
	s.path = cubicPath(s.path[:0], p0, c0, c1, p1)
	c.strokePath(s, s.path, width, col, dash, false)
}

// cubicPath appends the curve as straight pieces of a few pixels.
func cubicPath(path []Point, p0, c0, c1, p1 Point) []Point {
	length := math.Hypot(c0.X-p0.X, c0.Y-p0.Y) + math.Hypot(c1.X-c0.X, c1.Y-c0.Y) + math.Hypot(p1.X-c1.X, p1.Y-c1.Y)
	n := int(clamp(length/4, 4, 256))
	for i := 0; i <= n; i++ {
		t := float64(i) / float64(n)
		u := 1 - t
		a, b, d, e := u*u*u, 3*u*u*t, 3*u*t*t, t*t*t
		path = append(path, Point{
			a*p0.X + b*c0.X + d*c1.X + e*p1.X,
			a*p0.Y + b*c0.Y + d*c1.Y + e*p1.Y,
		})
	}
	return path
}

// arcPath appends an arc around (x, y) from one angle to another, in radians,
// clockwise from the right as y grows downwards.
func arcPath(path []Point, x, y, rx, ry, from, to float64) []Point {
	if !finite(from) || !finite(to) {
		return path
	}
	turn := clamp(math.Abs(to-from), 0, 2*math.Pi)
	to = from + math.Copysign(turn, to-from)
	n := int(clamp(math.Max(rx, ry)*turn/3, 2, 512)) + 4*int(turn)
	for i := 0; i <= n; i++ {
		sin, cos := math.Sincos(from + (to-from)*float64(i)/float64(n))
		path = append(path, Point{x + rx*cos, y + ry*sin})
	}
	return path
}

// roundPath appends the closed edge of a round rectangle, clockwise from the end
// of its upper left corner, where SVG begins to dash.
func roundPath(path []Point, r Rect, radius float64) []Point {
	radius = cornerRadius(r, radius)
	left, right := r.X+radius, r.Right()-radius
	top, bottom := r.Y+radius, r.Bottom()-radius
	start := Point{left, r.Y}
	path = append(path, start)
	if radius < 0.25 {
		return append(path, Point{right, r.Y}, Point{r.Right(), bottom}, Point{left, r.Bottom()}, start)
	}
	path = arcPath(path, right, top, radius, radius, -math.Pi/2, 0)
	path = arcPath(path, right, bottom, radius, radius, 0, math.Pi/2)
	path = arcPath(path, left, bottom, radius, radius, math.Pi/2, math.Pi)
	return arcPath(path, left, top, radius, radius, math.Pi, 3*math.Pi/2)
}

// Circle draws a ring whose stroke is centred on the radius r.
func (c *Canvas) Circle(x, y, r, width float64, col color.NRGBA, dash Dash) {
	if !(r > 0) || !(width > 0) || !finite(x+y+r+width) {
		return
	}
	if !dash.solid() {
		s := getScratch()
		defer putScratch(s)
		s.path = arcPath(s.path[:0], x, y, r, r, 0, 2*math.Pi)
		c.strokePath(s, s.path, width, col, dash, false)
		return
	}
	outer := r + width/2
	c.StrokeRound(Rect{x - outer, y - outer, 2 * outer, 2 * outer}, outer, width, col, nil)
}

// Disc fills a circle.
func (c *Canvas) Disc(x, y, r float64, col color.NRGBA) {
	c.FillRound(Rect{x - r, y - r, 2 * r, 2 * r}, r, col)
}

// Ellipse draws the outline of an ellipse, the stroke centred on it.
func (c *Canvas) Ellipse(x, y, rx, ry, width float64, col color.NRGBA, dash Dash) {
	s := getScratch()
	defer putScratch(s)
	s.path = arcPath(s.path[:0], x, y, rx, ry, 0, 2*math.Pi)
	c.strokePath(s, s.path, width, col, dash, dash.solid())
}

// Arc draws a part of a ring with square ends, from one angle to another in
// radians, clockwise from the right; the stroke is centred on the radius r.
func (c *Canvas) Arc(x, y, r, width, from, to float64, col color.NRGBA) {
	if !(r > 0) || !(width > 0) {
		return
	}
	s := getScratch()
	defer putScratch(s)
	s.path = arcPath(s.path[:0], x, y, r+width/2, r+width/2, from, to)
	s.path = arcPath(s.path, x, y, math.Max(0, r-width/2), math.Max(0, r-width/2), to, from)
	c.fillPath(s, s.path, col)
}

// strokePath draws pts as one line; round says whether its two ends are round.
func (c *Canvas) strokePath(s *scratch, pts []Point, width float64, col color.NRGBA, dash Dash, round bool) {
	if len(pts) < 2 || !(width > 0) || !finite(width) || col.A == 0 {
		return
	}
	width = math.Min(width, 1<<12)
	box := pathBox(pts, width/2+1).Intersect(c.clip)
	if box.Empty() {
		return
	}
	m := s.coverage(box)
	reach := width/2 + 1
	seen := Rect{float64(box.Min.X) - reach, float64(box.Min.Y) - reach, float64(box.Dx()) + 2*reach, float64(box.Dy()) + 2*reach}
	if dash.solid() {
		m.polyline(pts, width/2, !round, seen)
	} else {
		s.part = walkDashes(pts, dash, s.part, seen, func(part []Point) { m.polyline(part, width/2, true, seen) })
	}
	m.paint(c, col)
}

// polyline adds a line through pts to the mask, its ends cut square or left round.
// Segments that cannot touch seen are skipped, the others are cut to it, so no
// coordinate costs more than the picture has room for.
func (m coverage) polyline(pts []Point, hw float64, cut bool, seen Rect) {
	last := len(pts) - 1
	for last > 0 && pts[last] == pts[last-1] {
		last--
	}
	first := 0
	for first < last && pts[first] == pts[first+1] {
		first++
	}
	if first == last && cut {
		return
	}
	// A round join close to a square end would reach beyond it, so all segments
	// near an end are cut along it.
	reach := hw + 1
	var head, tail plane
	if cut {
		head, tail = toward(pts[first], pts[first+1]), toward(pts[last], pts[last-1])
	}
	var cuts [2]plane
	for i := first; i < last; i++ {
		a, b, ok := cutSegment(pts[i], pts[i+1], seen)
		if !ok {
			continue
		}
		n := 0
		if cut && near(pts[first], pts[first:i+1], reach) {
			cuts[n] = head
			n++
		}
		if cut && near(pts[last], pts[i+1:last+1], reach) {
			cuts[n] = tail
			n++
		}
		m.segment(a, b, hw, cuts[:n])
	}
}

// near tells whether the whole of a path stays within reach of an end.
func near(end Point, path []Point, reach float64) bool {
	if len(path) > 64 {
		return false
	}
	for _, p := range path {
		if math.Abs(p.X-end.X) > reach || math.Abs(p.Y-end.Y) > reach {
			return false
		}
	}
	return true
}

// pathBox returns the whole pixels around pts grown by margin. Points that are
// not finite are left out.
func pathBox(pts []Point, margin float64) image.Rectangle {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range pts {
		if finite(p.X) && finite(p.Y) {
			x0, x1 = math.Min(x0, p.X), math.Max(x1, p.X)
			y0, y1 = math.Min(y0, p.Y), math.Max(y1, p.Y)
		}
	}
	return pixelRect(Rect{x0 - margin, y0 - margin, x1 - x0 + 2*margin, y1 - y0 + 2*margin}, math.Floor, math.Ceil)
}

// cutSegment clips the line from a to b to r (Liang and Barsky). ok is false
// where nothing is left or an end is not finite.
func cutSegment(a, b Point, r Rect) (_, _ Point, ok bool) {
	if r.Contains(a.X, a.Y) && r.Contains(b.X, b.Y) {
		return a, b, true
	}
	dx, dy := b.X-a.X, b.Y-a.Y
	if !finite(dx) || !finite(dy) {
		return a, b, false
	}
	t0, t1 := 0.0, 1.0
	for _, side := range [4][2]float64{
		{-dx, a.X - r.X}, {dx, r.Right() - a.X}, {-dy, a.Y - r.Y}, {dy, r.Bottom() - a.Y},
	} {
		p, q := side[0], side[1]
		switch {
		case p == 0:
			if q < 0 {
				return a, b, false
			}
		case p < 0:
			t0 = math.Max(t0, q/p)
		default:
			t1 = math.Min(t1, q/p)
		}
	}
	if t0 > t1 {
		return a, b, false
	}
	return Point{a.X + t0*dx, a.Y + t0*dy}, Point{a.X + t1*dx, a.Y + t1*dy}, true
}

// walkDashes calls draw with each "on" stretch of the path that may touch seen.
// part is a buffer, given back for the next call.
func walkDashes(pts []Point, dash Dash, part []Point, seen Rect, draw func([]Point)) []Point {
	period := 0.0
	for _, v := range dash {
		period += v
	}
	if len(dash)%2 == 1 {
		period *= 2
	}
	n, on, left := 0, true, dash[0]
	part = append(part[:0], pts[0])
	for i := 0; i+1 < len(pts); i++ {
		a, b := pts[i], pts[i+1]
		length := math.Hypot(b.X-a.X, b.Y-a.Y)
		if !finite(length) || length == 0 {
			continue
		}
		ca, cb, ok := cutSegment(a, b, seen)
		enter, leave := math.Hypot(ca.X-a.X, ca.Y-a.Y), math.Hypot(cb.X-a.X, cb.Y-a.Y)
		if !ok {
			enter, leave = length, length
		}
		for at := 0.0; at < length; {
			// Far outside, whole periods are passed over at once.
			far := length - at
			if at < enter {
				far = enter - at
			}
			if at < enter || at > leave {
				at += math.Max(0, math.Floor(far/period)-1) * period
			}
			step := math.Min(left, length-at)
			at += step
			left -= step
			p := Point{a.X + (b.X-a.X)*at/length, a.Y + (b.Y-a.Y)*at/length}
			if on {
				part = append(part, p)
			}
			if left > 1e-9 {
				continue
			}
			if on && len(part) > 1 {
				draw(part)
			}
			n = (n + 1) % len(dash)
			on, left = !on, dash[n]
			part = append(part[:0], p)
		}
	}
	if on && len(part) > 1 {
		draw(part)
	}
	return part
}
