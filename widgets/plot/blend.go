package plot

import (
	"encoding/binary"
	"image/color"
)

// Blending works on two channels at a time, each in 16 bits of a word: a pixel
// is (s*a + d*(255-a))/255 per channel, with s the source's plain colour and its
// alpha 255, so that the result stays premultiplied.

const (
	evenChannels = 0x00FF00FF
	roundUp      = 0x00800080
)

// premultiply returns col as an RGBA pixel, packed as it lies in memory.
func premultiply(col color.NRGBA) uint32 {
	return mix(uint32(col.R)|uint32(col.G)<<8|uint32(col.B)<<16|0xFF<<24, 0, uint32(col.A))
}

// mix blends the pixel s over d by a (0..255).
func mix(s, d, a uint32) uint32 {
	inv := 255 - a
	even := (s&evenChannels)*a + (d&evenChannels)*inv + roundUp
	odd := (s>>8&evenChannels)*a + (d>>8&evenChannels)*inv + roundUp
	even = (even + even>>8&evenChannels) >> 8 & evenChannels
	odd += odd >> 8 & evenChannels
	return even | odd&^evenChannels
}

// opaquePixel packs col with full alpha.
func opaquePixel(col color.NRGBA) uint32 {
	return uint32(col.R) | uint32(col.G)<<8 | uint32(col.B)<<16 | 0xFF<<24
}

// share multiplies two shares of 255.
func scale255(a, b uint32) uint32 {
	t := a*b + 128
	return (t + t>>8) >> 8
}

// fillPixels sets every pixel of row.
func fillPixels(row []uint8, pixel uint32) {
	if len(row) < 4 {
		return
	}
	binary.LittleEndian.PutUint32(row, pixel)
	for n := 4; n < len(row); n *= 2 {
		copy(row[n:], row[:n])
	}
}

// blendSolid blends col over all pixels of row, each covered by share.
func blendSolid(row []uint8, col color.NRGBA, share uint8) {
	a := scale255(uint32(col.A), uint32(share))
	switch a {
	case 0:
		return
	case 255:
		fillPixels(row, opaquePixel(col))
		return
	}
	newRun(opaquePixel(col), a).blend(row)
}

// blendMask blends col over row, each pixel covered by its byte of mask. Runs of
// untouched or fully covered pixels are taken at once.
func blendMask(row, mask []uint8, col color.NRGBA) {
	s, alpha := opaquePixel(col), uint32(col.A)
	if alpha == 0 {
		return
	}
	row = row[:4*len(mask)]
	full := newRun(s, alpha)
	i := 0
	for i < len(mask) {
		if i+8 <= len(mask) {
			switch binary.LittleEndian.Uint64(mask[i:]) {
			case 0:
				i += 8
				continue
			case 1<<64 - 1:
				j := i + 8
				for j+8 <= len(mask) && binary.LittleEndian.Uint64(mask[j:]) == 1<<64-1 {
					j += 8
				}
				full.blend(row[4*i : 4*j])
				i = j
				continue
			}
		}
		stop := min(i+8, len(mask))
		for ; i < stop; i++ {
			m := uint32(mask[i])
			if m == 0 {
				continue
			}
			p := row[4*i : 4*i+4]
			if a := scale255(m, alpha); a == 255 {
				binary.LittleEndian.PutUint32(p, s)
			} else {
				binary.LittleEndian.PutUint32(p, mix(s, binary.LittleEndian.Uint32(p), a))
			}
		}
	}
}

// run32 blends one colour with one alpha over many pixels, two of them at a time.
type run32 struct {
	even, odd uint64 // the colour's part of the sums, in every lane
	inv       uint64
	pixel     uint32
}

const evenLanes = 0x00FF00FF00FF00FF

// newRun prepares blending the pixel s by a (0..255).
func newRun(s, a uint32) run32 {
	twice := func(v uint32) uint64 { return uint64(v) | uint64(v)<<32 }
	return run32{
		even:  twice((s&evenChannels)*a + roundUp),
		odd:   twice((s>>8&evenChannels)*a + roundUp),
		inv:   uint64(255 - a),
		pixel: s,
	}
}

// blend blends over all pixels of row.
func (r run32) blend(row []uint8) {
	if r.inv == 0 {
		fillPixels(row, r.pixel)
		return
	}
	for ; len(row) >= 8; row = row[8:] {
		d := binary.LittleEndian.Uint64(row)
		even := d&evenLanes*r.inv + r.even
		odd := d>>8&evenLanes*r.inv + r.odd
		even = (even + even>>8&evenLanes) >> 8 & evenLanes
		odd += odd >> 8 & evenLanes
		binary.LittleEndian.PutUint64(row, even|odd&^evenLanes)
	}
	if len(row) >= 4 {
		a := 255 - uint32(r.inv)
		binary.LittleEndian.PutUint32(row, mix(r.pixel, binary.LittleEndian.Uint32(row), a))
	}
}
