package plot

import (
	"image/color"
	"math"
)

// Palette is every colour of the wall. Saturated colour is reserved for states
// that want a person; each state also has its own lightness, shape and letter.
type Palette struct {
	Background, Header, Surface, Raised color.NRGBA // window, its header strip, panels, hover and dialogs
	Edge, Outline, Grid                 color.NRGBA // panel edge, controls and boxes, chart grid
	Text, Text2, Muted, Faint           color.NRGBA // values, titles, labels, empty states only

	OK, OKEdge color.NRGBA    // the quiet dot; the edge of calm cells
	OKCells    [4]color.NRGBA // honeycomb, from idle to busy

	Warning, WarnTint, WarnText color.NRGBA // outline, the box behind it, text on that

	Critical, CritInk, OnCrit, CritTint, CritZone color.NRGBA // plate, text, text on the plate, box, impact zone

	Unknown, UnknownTint color.NRGBA
	Stale, Hatch, Hatch2 color.NRGBA // dashed edge; stripes behind boxes; stripes on panels

	Bar, BarTrack color.NRGBA
	Area, Area2   color.NRGBA // fill below a line; below the line that matters
	Series        [6]color.NRGBA

	// Link use: nothing, from 1 %, from 25 %, from 50 %; above that Warning and Critical.
	UseIdle, UseLow, UseSome, UseHalf color.NRGBA

	Inverse, OnInverse color.NRGBA // replay, never a state
	Focus, FocusTint   color.NRGBA // editing, never a state
}

// Dark returns the palette of the wall at night, the default.
func Dark() *Palette {
	return &Palette{
		Background: rgb(0x0B0F14), Header: rgb(0x0E141B), Surface: rgb(0x121821), Raised: rgb(0x1A222D),
		Edge: rgb(0x212B36), Outline: rgb(0x2A3542), Grid: rgb(0x1F2833),
		Text: rgb(0xE6EDF3), Text2: rgb(0xBAC6D1), Muted: rgb(0x8B98A5), Faint: rgb(0x55626F),
		OK: rgb(0x3F8F84), OKEdge: rgb(0x2C5A56),
		OKCells: [4]color.NRGBA{rgb(0x1B3135), rgb(0x214044), rgb(0x2A5054), rgb(0x376467)},
		Warning: rgb(0xF2B705), WarnTint: rgb(0x2A230D), WarnText: rgb(0xF2B705),
		Critical: rgb(0xFF5A3C), CritInk: rgb(0xFF8468), OnCrit: rgb(0x1A0703),
		CritTint: rgb(0x2B1715), CritZone: rgb(0x1A1618),
		Unknown: rgb(0x9A7FD1), UnknownTint: rgb(0x1B1828),
		Stale: rgb(0x8B98A5), Hatch: rgb(0x222D39), Hatch2: rgb(0x33404D),
		Bar: rgb(0x5F7789), BarTrack: rgb(0x1B2430), Area: rgb(0x16222E), Area2: rgb(0x1A2A38),
		Series: [6]color.NRGBA{
			rgb(0x6CB2E8), rgb(0xD5DDE6), rgb(0x4C7FB0), rgb(0x7FB59B), rgb(0xC3A3C9), rgb(0x8C99A6),
		},
		UseIdle: rgb(0x33404E), UseLow: rgb(0x465868), UseSome: rgb(0x637A8C), UseHalf: rgb(0x8BA1B2),
		Inverse: rgb(0xE6EDF3), OnInverse: rgb(0x0B0F14),
		Focus: rgb(0x6CB2E8), FocusTint: rgb(0x13283A),
	}
}

// Light returns the palette for bright rooms and paper.
func Light() *Palette {
	return &Palette{
		Background: rgb(0xE9EDF1), Header: rgb(0xF7F9FB), Surface: rgb(0xFFFFFF), Raised: rgb(0xF3F6F8),
		Edge: rgb(0xD3DBE2), Outline: rgb(0xC3CDD6), Grid: rgb(0xE6EBEF),
		Text: rgb(0x15202B), Text2: rgb(0x3A4854), Muted: rgb(0x586775), Faint: rgb(0x8592A0),
		OK: rgb(0x2F7F75), OKEdge: rgb(0xA9CBC6),
		OKCells: [4]color.NRGBA{rgb(0xDCEBE9), rgb(0xCFE3E0), rgb(0xBCD7D3), rgb(0xA9CBC6)},
		Warning: rgb(0xBF8600), WarnTint: rgb(0xFFF3CF), WarnText: rgb(0x7F5600),
		Critical: rgb(0xB51D06), CritInk: rgb(0xA81A05), OnCrit: rgb(0xFFFFFF),
		CritTint: rgb(0xFDE7E2), CritZone: rgb(0xFDF1EE),
		Unknown: rgb(0x6B4FB0), UnknownTint: rgb(0xF1EDFA),
		Stale: rgb(0x6B7884), Hatch: rgb(0xDDE4EA), Hatch2: rgb(0xC7D1DA),
		Bar: rgb(0x8A9BAA), BarTrack: rgb(0xE9EEF2), Area: rgb(0xEDF3F9), Area2: rgb(0xE1ECF6),
		Series: [6]color.NRGBA{
			rgb(0x1F6CAA), rgb(0x3A4854), rgb(0x5E9CD0), rgb(0x4E8F73), rgb(0x9A6BA3), rgb(0x8A97A3),
		},
		UseIdle: rgb(0xCFD8DF), UseLow: rgb(0xB5C2CC), UseSome: rgb(0x9AABB8), UseHalf: rgb(0x7F93A3),
		Inverse: rgb(0x15202B), OnInverse: rgb(0xFFFFFF),
		Focus: rgb(0x1F6CAA), FocusTint: rgb(0xE1ECF6),
	}
}

// rgb returns the opaque colour 0xRRGGBB.
func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xFF}
}

// Use returns the colour of a link that is used to ratio (0..1) of its speed:
// grey until it matters. NaN stands for a link whose speed is not known.
func (p *Palette) Use(ratio float64) color.NRGBA {
	switch {
	case math.IsNaN(ratio):
		return p.UseLow
	case ratio >= 0.95:
		return p.Critical
	case ratio >= 0.80:
		return p.Warning
	case ratio >= 0.50:
		return p.UseHalf
	case ratio >= 0.25:
		return p.UseSome
	case ratio >= 0.01:
		return p.UseLow
	}
	return p.UseIdle
}

// SeriesStyle returns the colour and the dash of the i-th series, counted from
// 0. From the fifth on a line is also dashed, and after the sixth the colours
// begin again with another dash.
func (p *Palette) SeriesStyle(i int, k float64) (color.NRGBA, Dash) {
	n := len(p.Series)
	i = max(i, 0)
	var dash Dash
	switch {
	case i >= n:
		dash = Dash{2 * k, 4 * k}
	case i >= 4:
		dash = Dash{7 * k, 5 * k}
	}
	return p.Series[i%n], dash
}

// State returns the colour that stands for a kind: its outline or its plate.
func (p *Palette) State(kind Kind) color.NRGBA {
	switch kind {
	case KindOK:
		return p.OK
	case KindWarning:
		return p.Warning
	case KindCritical:
		return p.Critical
	case KindUnknown:
		return p.Unknown
	case KindStale, KindMaintenance, KindAcknowledged:
		return p.Stale
	}
	return p.Muted
}

// Ink returns the colour of text that speaks of a kind on a panel.
func (p *Palette) Ink(kind Kind) color.NRGBA {
	switch kind {
	case KindWarning:
		return p.WarnText
	case KindCritical:
		return p.CritInk
	case KindUnknown:
		return p.Unknown
	case KindStale, KindMaintenance, KindAcknowledged:
		return p.Text2
	}
	return p.Text
}

// Tint returns the fill of a box that is in a kind's state.
func (p *Palette) Tint(kind Kind) color.NRGBA {
	switch kind {
	case KindWarning:
		return p.WarnTint
	case KindCritical:
		return p.CritTint
	case KindUnknown:
		return p.UnknownTint
	}
	return p.Surface
}
