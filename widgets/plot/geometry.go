package plot

import "math"

// Point is a place on the canvas, in pixels.
type Point struct{ X, Y float64 }

// Dash is a sequence of on and off lengths in pixels; nil is a solid line. As
// in SVG's stroke-dasharray, an odd number of lengths is used twice over.
type Dash []float64

// Scaled returns the dash with all its lengths multiplied by k.
func (d Dash) Scaled(k float64) Dash {
	if d == nil {
		return nil
	}
	out := make(Dash, len(d))
	for i, v := range d {
		out[i] = v * k
	}
	return out
}

// solid tells whether the dash draws an unbroken line: it is empty, or its
// lengths cannot be walked.
func (d Dash) solid() bool {
	sum := 0.0
	for _, v := range d {
		if !(v >= 0) || math.IsInf(v, 1) {
			return true
		}
		sum += v
	}
	return sum < 0.25
}

// Rect is an axis-parallel rectangle, in pixels.
type Rect struct{ X, Y, W, H float64 }

// Right returns the x of the right edge.
func (r Rect) Right() float64 { return r.X + r.W }

// Bottom returns the y of the lower edge.
func (r Rect) Bottom() float64 { return r.Y + r.H }

// Center returns the middle of the rectangle.
func (r Rect) Center() Point { return Point{r.X + r.W/2, r.Y + r.H/2} }

// Empty tells whether the rectangle holds no area.
func (r Rect) Empty() bool { return !(r.W > 0 && r.H > 0) }

// Contains tells whether (x, y) lies inside; the right and lower edges do not.
func (r Rect) Contains(x, y float64) bool {
	return x >= r.X && x < r.Right() && y >= r.Y && y < r.Bottom()
}

// Inset returns the rectangle with each edge moved inwards by d (outwards when
// d is negative). A rectangle too small for it shrinks to its middle.
func (r Rect) Inset(d float64) Rect { return r.InsetXY(d, d) }

// InsetXY is Inset with separate distances for the vertical and horizontal edges.
func (r Rect) InsetXY(dx, dy float64) Rect {
	dx, dy = math.Min(dx, r.W/2), math.Min(dy, r.H/2)
	return Rect{r.X + dx, r.Y + dy, r.W - 2*dx, r.H - 2*dy}
}

// Offset returns the rectangle moved by (dx, dy).
func (r Rect) Offset(dx, dy float64) Rect { return Rect{r.X + dx, r.Y + dy, r.W, r.H} }

// CutTop splits off the uppermost h pixels, or all where there are fewer.
func (r Rect) CutTop(h float64) (top, rest Rect) {
	h = clamp(h, 0, r.H)
	return Rect{r.X, r.Y, r.W, h}, Rect{r.X, r.Y + h, r.W, r.H - h}
}

// CutBottom splits off the lowest h pixels, or all where there are fewer.
func (r Rect) CutBottom(h float64) (bottom, rest Rect) {
	h = clamp(h, 0, r.H)
	return Rect{r.X, r.Bottom() - h, r.W, h}, Rect{r.X, r.Y, r.W, r.H - h}
}

// CutLeft splits off the leftmost w pixels, or all where there are fewer.
func (r Rect) CutLeft(w float64) (left, rest Rect) {
	w = clamp(w, 0, r.W)
	return Rect{r.X, r.Y, w, r.H}, Rect{r.X + w, r.Y, r.W - w, r.H}
}

// CutRight splits off the rightmost w pixels, or all where there are fewer.
func (r Rect) CutRight(w float64) (right, rest Rect) {
	w = clamp(w, 0, r.W)
	return Rect{r.Right() - w, r.Y, w, r.H}, Rect{r.X, r.Y, r.W - w, r.H}
}

// Intersect returns the part that both rectangles share; it may be empty.
func (r Rect) Intersect(o Rect) Rect {
	x, y := math.Max(r.X, o.X), math.Max(r.Y, o.Y)
	return Rect{x, y, math.Min(r.Right(), o.Right()) - x, math.Min(r.Bottom(), o.Bottom()) - y}
}

// finite tells whether all four numbers can be drawn with.
func (r Rect) finite() bool {
	return finite(r.X) && finite(r.Y) && finite(r.W) && finite(r.H)
}

// finite tells whether v can stand for a pixel: no NaN, no infinity.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// clamp limits v to [lo, hi]; NaN becomes lo.
func clamp(v, lo, hi float64) float64 {
	if !(v > lo) {
		return lo
	}
	if v > hi {
		return hi
	}
	return v
}
