package plot

import (
	"fmt"
	"image/color"
	"math"
	"testing"
)

// linear returns a colour's linear-light sRGB channels, 0..1 (IEC 61966-2-1).
func linear(c color.NRGBA) [3]float64 {
	f := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return [3]float64{f(c.R), f(c.G), f(c.B)}
}

// luminance is the relative luminance of WCAG 2.
func luminance(rgb [3]float64) float64 { return 0.2126*rgb[0] + 0.7152*rgb[1] + 0.0722*rgb[2] }

// contrast is the ratio of WCAG 2, 1..21.
func contrast(a, b color.NRGBA) float64 {
	x, y := luminance(linear(a)), luminance(linear(b))
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

// lab returns CIE L*a*b* under D65.
func lab(rgb [3]float64) [3]float64 {
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124564*rgb[0] + 0.3575761*rgb[1] + 0.1804375*rgb[2]) / 0.95047)
	y := f(0.2126729*rgb[0] + 0.7151522*rgb[1] + 0.0721750*rgb[2])
	z := f((0.0193339*rgb[0] + 0.1191920*rgb[1] + 0.9503041*rgb[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// deltaE is the colour difference CIE76.
func deltaE(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

// vision is a simulation of full colour-vision deficiency, on linear RGB
// (Machado, Oliveira and Fernandes, 2009).
type vision struct {
	name   string
	matrix [3][3]float64
}

var visions = []vision{
	{"normal", [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}},
	{"protan", [3][3]float64{{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}}},
	{"deutan", [3][3]float64{{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}}},
	{"tritan", [3][3]float64{{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}}},
}

func (v vision) see(c color.NRGBA) [3]float64 {
	in, out := linear(c), [3]float64{}
	for i, row := range v.matrix {
		out[i] = clamp(row[0]*in[0]+row[1]*in[1]+row[2]*in[2], 0, 1)
	}
	return lab(out)
}

func palettes() map[string]*Palette { return map[string]*Palette{"dark": Dark(), "light": Light()} }

func TestContrast(t *testing.T) {
	for name, p := range palettes() {
		for _, tc := range []struct {
			what     string
			ink, on  color.NRGBA
			at, most float64
		}{
			{"text on a panel", p.Text, p.Surface, 12, 21},
			{"title on a panel", p.Text2, p.Surface, 7, 21},
			{"label on a panel", p.Muted, p.Surface, 4.5, 21},
			{"label on the background", p.Muted, p.Background, 4.5, 21},
			{"empty state on a panel", p.Faint, p.Surface, 2.5, 4.5},
			{"critical text on a panel", p.CritInk, p.Surface, 7, 21},
			{"critical text on its tint", p.CritInk, p.CritTint, 6, 21},
			{"letter on the critical plate", p.OnCrit, p.Critical, 5.5, 21},
			{"critical plate on a panel", p.Critical, p.Surface, 5, 21},
			{"warning text on its tint", p.WarnText, p.WarnTint, 5.5, 21},
			{"warning outline on a panel", p.Warning, p.Surface, 3, 21},
			{"unknown outline on its tint", p.Unknown, p.UnknownTint, 4.5, 21},
			{"text on the replay banner", p.OnInverse, p.Inverse, 12, 21},
			{"ok dot on a panel", p.OK, p.Surface, 3, 21},
			{"grid on a panel", p.Grid, p.Surface, 1.05, 1.5},
			{"hatch on a panel", p.Hatch2, p.Surface, 1.3, 2.5},
		} {
			if got := contrast(tc.ink, tc.on); got < tc.at || got > tc.most {
				t.Errorf("%s: %s is %.2f:1, want %.2f to %.2f", name, tc.what, got, tc.at, tc.most)
			}
		}
	}
}

// TestStatesStayApart asks of each eye that any two states differ clearly. What
// is alike in hue differs in lightness; shape and letter come on top.
func TestStatesStayApart(t *testing.T) {
	for name, p := range palettes() {
		states := []struct {
			name string
			col  color.NRGBA
		}{
			{"ok", p.OK}, {"warning", p.Warning}, {"critical", p.Critical}, {"unknown", p.Unknown}, {"stale", p.Stale}, {"panel", p.Surface},
		}
		for _, v := range visions {
			for i, a := range states {
				for _, b := range states[i+1:] {
					least := 15.0
					switch {
					case a.name == "warning" && b.name == "critical":
						least = 22
					case a.name == "unknown" && b.name == "stale", a.name == "ok" && b.name == "stale":
						least = 5 // neither is urgent; a dot and a dashed ring are told apart by shape
					}
					if d := deltaE(v.see(a.col), v.see(b.col)); d < least {
						t.Errorf("%s, %s: %s and %s differ by %.1f, want %.0f", name, v.name, a.name, b.name, d, least)
					}
				}
			}
		}
	}
}

// TestSeriesAreNoStates keeps lines away from the colours of trouble.
func TestSeriesAreNoStates(t *testing.T) {
	for name, p := range palettes() {
		for i, s := range p.Series {
			for _, v := range visions {
				for state, col := range map[string]color.NRGBA{"warning": p.Warning, "critical": p.Critical} {
					if d := deltaE(v.see(s), v.see(col)); d < 20 {
						t.Errorf("%s, %s: series %d and %s differ by %.1f, want 20", name, v.name, i+1, state, d)
					}
				}
			}
		}
	}
}

// TestGreyscale holds the order of lightness: what is calm recedes into the
// panel, and a warning and a critical plate do not look the same.
func TestGreyscale(t *testing.T) {
	for name, p := range palettes() {
		ground := lab(linear(p.Surface))[0]
		away := func(c color.NRGBA) float64 { return math.Abs(lab(linear(c))[0] - ground) }
		rising := func(what string, cols ...color.NRGBA) {
			t.Helper()
			for i := 1; i < len(cols); i++ {
				if away(cols[i]) <= away(cols[i-1]) {
					t.Errorf("%s: %s %d does not stand out more than %d (%.1f, %.1f)", name, what, i, i-1, away(cols[i]), away(cols[i-1]))
				}
			}
		}
		rising("calm cells", p.OKCells[0], p.OKCells[1], p.OKCells[2], p.OKCells[3], p.OK)
		rising("link use", p.UseIdle, p.UseLow, p.UseSome, p.UseHalf)
		rising("frames", p.Grid, p.Outline, p.Faint, p.Muted, p.Text2, p.Text)
		rising("calm before critical", p.OKCells[3], p.Critical)
		rising("tints before outlines", p.CritZone, p.CritTint, p.Critical)
		if d := math.Abs(away(p.Warning) - away(p.Critical)); d < 12 {
			t.Errorf("%s: warning and critical are %.1f apart in lightness, want 12", name, d)
		}
	}
}

func TestUse(t *testing.T) {
	p := Dark()
	for _, tc := range []struct {
		ratio float64
		want  color.NRGBA
	}{
		{-1, p.UseIdle}, {0, p.UseIdle}, {0.0099, p.UseIdle}, {0.01, p.UseLow}, {0.2499, p.UseLow}, {0.25, p.UseSome},
		{0.5, p.UseHalf}, {0.7999, p.UseHalf}, {0.8, p.Warning}, {0.95, p.Critical}, {7, p.Critical}, {math.NaN(), p.UseLow},
	} {
		if got := p.Use(tc.ratio); got != tc.want {
			t.Errorf("use of %v is %v, want %v", tc.ratio, got, tc.want)
		}
	}
}

func TestSeriesStyle(t *testing.T) {
	p := Dark()
	seen := map[string]int{}
	for i := range 2 * len(p.Series) {
		col, dash := p.SeriesStyle(i, 1)
		key := fmt.Sprint(col, dash)
		if first, twice := seen[key]; twice {
			t.Errorf("series %d looks like series %d", i, first)
		}
		seen[key] = i
		if dashed := dash != nil; dashed != (i >= 4) {
			t.Errorf("series %d: dashed is %v, want it from the fifth on", i, dashed)
		}
	}
}
