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

// segment adds the line from a to b with half width hw. An end is round unless
// it is said to be cut square.
func (m coverage) segment(a, b Point, hw float64, cutA, cutB bool) {
	dx, dy := b.X-a.X, b.Y-a.Y
	length := math.Sqrt(dx*dx + dy*dy)
	if length < 1e-9 {
		if cutA || cutB {
			return
		}
		dx, dy, length = 1, 0, 1e-9
	}
	dx, dy = dx/length, dy/length
	reach := hw + 0.5
	y0 := max(int(math.Floor(math.Min(a.Y, b.Y)-reach)), m.box.Min.Y)
	y1 := min(int(math.Ceil(math.Max(a.Y, b.Y)+reach)), m.box.Max.Y)
	minX, maxX := math.Min(a.X, b.X)-reach, math.Max(a.X, b.X)+reach
	thin := math.Min(1, 2*hw)
	for y := y0; y < y1; y++ {
		py := float64(y) + 0.5 - a.Y
		lo, hi := minX, maxX
		if math.Abs(dy) > 1e-6 { // the columns where the stroke crosses this row
			mid, half := a.X+py*dx/dy, reach/math.Abs(dy)
			lo, hi = math.Max(lo, mid-half), math.Min(hi, mid+half)
		}
		x0, x1 := max(int(math.Floor(lo)), m.box.Min.X), min(int(math.Ceil(hi)), m.box.Max.X)
		if x0 >= x1 {
			continue
		}
		row := m.mask[(y-m.box.Min.Y)*m.w : (y-m.box.Min.Y+1)*m.w]
		px := float64(x0) + 0.5 - a.X
		along, off := px*dx+py*dy, px*dy-py*dx
		for x := x0; x < x1; x++ {
			d, end := math.Abs(off), 1.0
			switch {
			case along < 0 && !cutA:
				d = math.Sqrt(along*along + off*off)
			case along > length && !cutB:
				over := along - length
				d = math.Sqrt(over*over + off*off)
			}
			if cutA && along < 0.5 {
				end = math.Max(0, along+0.5)
			}
			if rest := length - along; cutB && rest < 0.5 {
				end *= math.Max(0, rest+0.5)
			}
			if share := math.Min(reach-d, thin) * end; share > 0 {
				if v := uint8(share*255 + 0.5); v > row[x-m.box.Min.X] {
					row[x-m.box.Min.X] = v
				}
			}
			along += dx
			off += dy
		}
		sp := &m.spans[y-m.box.Min.Y]
		sp.lo = min(sp.lo, int32(x0-m.box.Min.X))
		sp.hi = max(sp.hi, int32(x1-m.box.Min.X))
	}
}
