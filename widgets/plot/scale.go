package plot

import "math"

// Scale maps values to pixels, linearly or by their logarithm. The zero Scale
// maps everything to 0.
type Scale struct {
	lo, hi float64 // values (their logarithms on a log scale)
	a, b   float64 // the pixels of lo and hi
	log    bool
}

// Linear returns a scale that maps lo to the pixel a and hi to b.
func Linear(lo, hi, a, b float64) Scale { return Scale{lo: lo, hi: hi, a: a, b: b} }

// Log returns a logarithmic scale that maps lo to a and hi to b. Both are to be
// above 0; where they are not, lo becomes a thousandth of hi, or the scale 1..10.
func Log(lo, hi, a, b float64) Scale {
	if !(hi > 0) {
		lo, hi = 1, 10
	}
	if !(lo > 0) {
		lo = hi / 1000
	}
	return Scale{lo: math.Log10(lo), hi: math.Log10(hi), a: a, b: b, log: true}
}

// At returns the pixel of v. A scale without extent maps everything to the
// middle. What a log scale has no place for is put at its lower end; NaN stays NaN.
func (s Scale) At(v float64) float64 {
	if s.log {
		if v <= 0 {
			return s.a
		}
		v = math.Log10(v)
	}
	if s.hi == s.lo {
		return (s.a + s.b) / 2
	}
	return s.a + (v-s.lo)/(s.hi-s.lo)*(s.b-s.a)
}

// Invert returns the value at pixel p.
func (s Scale) Invert(p float64) float64 {
	v := s.lo
	if s.b != s.a {
		v += (p - s.a) / (s.b - s.a) * (s.hi - s.lo)
	}
	if s.log {
		return math.Pow(10, v)
	}
	return v
}
