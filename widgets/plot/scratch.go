package plot

import (
	"image"
	"image/color"
	"math"
	"sync"

	"golang.org/x/image/vector"
)

// scratch holds the buffers of one drawing call. They are pooled, since canvases
// come and go with every frame while the buffers' sizes stay the same.
type scratch struct {
	mask  []uint8 // coverage of a stroke, row by row; all zero between calls
	spans []span  // the touched part of each row of mask
	path  []Point // a curve or an edge, flattened
	part  []Point // one dash of a path
	table []uint8
	alpha image.Alpha
	ras   vector.Rasterizer
	clipA []Point // polygon clipping, two buffers in turn
	clipB []Point
}

// span is the half-open range of touched columns of a row.
type span struct{ lo, hi int32 }

var scratchPool = sync.Pool{New: func() any { return new(scratch) }}

func getScratch() *scratch  { return scratchPool.Get().(*scratch) }
func putScratch(s *scratch) { scratchPool.Put(s) }

// bytes returns n bytes of undefined content.
func (s *scratch) bytes(n int) []uint8 {
	if cap(s.table) < n {
		s.table = make([]uint8, n)
	}
	return s.table[:n]
}

// coverage is a stroke's mask over box. Overlapping parts of one stroke keep the
// larger share, so a line that crosses itself has no darker knots.
type coverage struct {
	box   image.Rectangle
	w     int
	mask  []uint8
	spans []span
}

// coverage prepares the mask for box.
func (s *scratch) coverage(box image.Rectangle) coverage {
	w, h := box.Dx(), box.Dy()
	if cap(s.mask) < w*h {
		s.mask = make([]uint8, w*h)
	}
	if cap(s.spans) < h {
		s.spans = make([]span, h)
	}
	s.spans = s.spans[:h]
	for i := range s.spans {
		s.spans[i] = span{int32(w), 0}
	}
	return coverage{box: box, w: w, mask: s.mask[:w*h], spans: s.spans}
}

// paint blends col through the mask and leaves the mask zero again.
func (m coverage) paint(c *Canvas, col color.NRGBA) {
	for i, sp := range m.spans {
		if sp.lo >= sp.hi {
			continue
		}
		lo, hi := int(sp.lo), int(sp.hi)
		cells := m.mask[i*m.w+lo : i*m.w+hi]
		blendMask(c.row(m.box.Min.Y+i, m.box.Min.X+lo, m.box.Min.X+hi), cells, col)
		clear(cells)
	}
}

// plane is a straight edge through a point; what lies on the side that the
// direction points to is kept.
type plane struct {
	at  Point
	dir Point // of length 1
}

// toward returns the edge through a that keeps the side where b is.
func toward(a, b Point) plane {
	dx, dy := b.X-a.X, b.Y-a.Y
	length := math.Sqrt(dx*dx + dy*dy)
	return plane{at: a, dir: Point{dx / length, dy / length}}
}

// depth returns how far p lies on the side that is kept.
func (e plane) depth(p Point) float64 {
	return (p.X-e.at.X)*e.dir.X + (p.Y-e.at.Y)*e.dir.Y
}

// segment adds the line from a to b with half width hw and round ends, less what
// lies beyond the edges of cuts.
func (m coverage) segment(a, b Point, hw float64, cuts []plane) {
	dx, dy := b.X-a.X, b.Y-a.Y
	length := math.Sqrt(dx*dx + dy*dy)
	if length < 1e-9 {
		dx, dy, length = 1, 0, 1e-9
	}
	dx, dy = dx/length, dy/length
	reach := hw + 0.5
	s := stroke{dx: float32(dx), dy: float32(dy), length: float32(length), reach: float32(reach), thin: float32(min(1, 2*hw)), outer: float32(reach * reach), inner: -1}
	if hw > 0.5 {
		s.inner = float32((hw - 0.5) * (hw - 0.5))
	}
	y0 := max(int(math.Floor(min(a.Y, b.Y)-reach)), m.box.Min.Y)
	y1 := min(int(math.Ceil(max(a.Y, b.Y)+reach)), m.box.Max.Y)
	minX, maxX := min(a.X, b.X)-reach, max(a.X, b.X)+reach
	slope, half := 0.0, math.Inf(1) // of the columns that a row shares with the stroke
	if math.Abs(dy) > 1e-6 {
		slope, half = dx/dy, reach/math.Abs(dy)
	}
	for y := y0; y < y1; y++ {
		py := float64(y) + 0.5 - a.Y
		mid := a.X + py*slope
		lo, hi := minX, maxX
		if mid-half > lo {
			lo = mid - half
		}
		if mid+half < hi {
			hi = mid + half
		}
		x0, x1 := max(int(math.Floor(lo)), m.box.Min.X), min(int(math.Ceil(hi)), m.box.Max.X)
		if x0 >= x1 {
			continue
		}
		row := m.mask[(y-m.box.Min.Y)*m.w+x0-m.box.Min.X : (y-m.box.Min.Y)*m.w+x1-m.box.Min.X]
		px := float64(x0) + 0.5 - a.X
		along, off := float32(px*dx+py*dy), float32(px*dy-py*dx)
		if len(cuts) > 0 {
			s.cutRow(row, along, off, Point{float64(x0) + 0.5, float64(y) + 0.5}, cuts)
		} else {
			s.row(row, along, off)
		}
		sp := &m.spans[y-m.box.Min.Y]
		sp.lo = min(sp.lo, int32(x0-m.box.Min.X))
		sp.hi = max(sp.hi, int32(x1-m.box.Min.X))
	}
}

// stroke is a straight piece of line while its rows are filled in. Coverage falls
// from full to none over the pixel around its edge: between the distances whose
// squares are inner and outer.
type stroke struct {
	dx, dy, length      float32
	reach, inner, outer float32
	thin                float32 // the most that a line below 1 px covers
}

// row adds the stroke with round ends to a row of the mask; (along, off) is the
// first pixel's place in the stroke's own axes.
func (s *stroke) row(row []uint8, along, off float32) {
	for i := range row {
		over := along
		if over > 0 {
			if over -= s.length; over < 0 {
				over = 0
			}
		}
		if d := off*off + over*over; d < s.outer {
			v := uint8(255)
			if d > s.inner {
				v = s.share(s.reach - float32(math.Sqrt(float64(d))))
			}
			if v > row[i] {
				row[i] = v
			}
		}
		along += s.dx
		off += s.dy
	}
}

// cutRow is row within the edges of cuts; first is the first pixel's middle.
func (s *stroke) cutRow(row []uint8, along, off float32, first Point, cuts []plane) {
	for i := range row {
		over := along
		if over > 0 {
			over = max(0, over-s.length)
		}
		if d := off*off + over*over; d < s.outer {
			v := min(s.thin, s.reach-float32(math.Sqrt(float64(d))))
			for _, cut := range cuts {
				v *= float32(clamp(cut.depth(Point{first.X + float64(i), first.Y})+0.5, 0, 1))
			}
			if v := s.share(v); v > row[i] {
				row[i] = v
			}
		}
		along += s.dx
		off += s.dy
	}
}

// share turns a coverage into a byte of the mask.
func (s *stroke) share(cover float32) uint8 {
	if cover > s.thin {
		cover = s.thin
	}
	return uint8(cover*255 + 0.5)
}
