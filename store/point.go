package store

import "github.com/prometheus/prometheus/tsdb/chunkenc"

// point is one sample.
type point struct {
	t unixMilli
	v float64
}

// pointIterator walks over a single sample. What is asked for one moment needs no more of a series, and most of
// what rules ask is so: copying and unpacking its chunk would cost many times as much.
type pointIterator struct {
	chunkenc.Iterator // of no samples: there are no histograms
	point
	state chunkenc.ValueType // of the current sample
	begun bool
}

// newPointIterator makes one, in the place of it where that may be used again.
func newPointIterator(it chunkenc.Iterator, p point) chunkenc.Iterator {
	again, ok := it.(*pointIterator)
	if !ok {
		again = &pointIterator{Iterator: chunkenc.NewNopIterator()}
	}
	again.point, again.state, again.begun = p, chunkenc.ValNone, false
	return again
}

// Next implements chunkenc.Iterator, as the others do.
func (p *pointIterator) Next() chunkenc.ValueType {
	if p.state = chunkenc.ValNone; !p.begun {
		p.begun, p.state = true, chunkenc.ValFloat
	}
	return p.state
}

func (p *pointIterator) Seek(t unixMilli) chunkenc.ValueType {
	if p.state == chunkenc.ValNone || p.t < t {
		if p.Next(); p.t < t {
			p.state = chunkenc.ValNone
		}
	}
	return p.state
}

func (p *pointIterator) At() (unixMilli, float64) { return p.t, p.v }
func (p *pointIterator) AtT() unixMilli           { return p.t }
