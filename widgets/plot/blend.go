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
	odd = odd + odd>>8&evenChannels
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
	s := opaquePixel(col)
	for ; len(row) >= 4; row = row[4:] {
		d := binary.LittleEndian.Uint32(row)
		binary.LittleEndian.PutUint32(row, mix(s, d, a))
	}
}

// blendMask blends col over row, each pixel covered by its byte of mask. Runs of
// eight untouched or fully covered pixels are taken at once.
func blendMask(row, mask []uint8, col color.NRGBA) {
	s, alpha := opaquePixel(col), uint32(col.A)
	if alpha == 0 {
		return
	}
	row = row[:4*len(mask)]
	i := 0
	for i < len(mask) {
		if i+8 <= len(mask) {
			switch binary.LittleEndian.Uint64(mask[i:]) {
			case 0:
				i += 8
				continue
			case 1<<64 - 1:
				blendEight(row[4*i:4*i+32], s, alpha)
				i += 8
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

// blendEight blends the pixel s by alpha over eight pixels.
func blendEight(row []uint8, s, alpha uint32) {
	if alpha == 255 {
		two := uint64(s) | uint64(s)<<32
		for i := 0; i <= 24; i += 8 {
			binary.LittleEndian.PutUint64(row[i:], two)
		}
		return
	}
	for i := 0; i <= 28; i += 4 {
		binary.LittleEndian.PutUint32(row[i:], mix(s, binary.LittleEndian.Uint32(row[i:]), alpha))
	}
}
