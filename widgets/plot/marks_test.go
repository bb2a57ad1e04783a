package plot

import "testing"

// TestMarksPicture draws every mark as on the boards: large, small, acknowledged,
// hollow, in both palettes.
func TestMarksPicture(t *testing.T) {
	for name, p := range map[string]*Palette{"dark": Dark(), "light": Light()} {
		t.Run(name, func(t *testing.T) {
			c := testCanvas(t, 640, 400, p)
			kinds := []Kind{KindCritical, KindWarning, KindStale, KindUnknown, KindMaintenance, KindAcknowledged, KindOK}
			for i, kind := range kinds {
				x := 50 + float64(i)*88
				c.Mark(kind, x, 50, 40, p, 1, MarkOptions{})
				c.Mark(kind, x, 120, 40, p, 1, MarkOptions{Ack: true})
				c.Mark(kind, x, 190, 40, p, 1, MarkOptions{Hollow: true})
				c.Mark(kind, x, 245, 24, p, 1, MarkOptions{})
				c.Mark(kind, x, 280, 16, p, 1, MarkOptions{})
				c.Mark(kind, x+30, 280, 10, p, 1, MarkOptions{})
			}
			c.FillRound(Rect{20, 310, 112, 58}, 6, p.Critical)
			c.Mark(KindCritical, 55, 339, 40, p, 1, MarkOptions{Inverse: true})
			c.Text(88, 356, "3", Font{48, true}, p.OnCrit)
			c.FillRound(Rect{150, 310, 139, 58}, 6, p.WarnTint)
			c.StrokeRound(Rect{150, 310, 139, 58}, 6, 2, p.Warning, nil)
			c.Mark(KindWarning, 185, 339, 42, p, 1, MarkOptions{})
			c.Text(218, 356, "16", Font{48, true}, p.WarnText)
			c.Hatch(Rect{310, 310, 112, 58}, 6, 8, 1.5, p.Hatch2)
			c.StrokeRound(Rect{310, 310, 112, 58}, 6, 1.5, p.Stale, Dash{6, 4})
			c.Mark(KindStale, 345, 339, 40, p, 1, MarkOptions{})
			c.Chevron(450, 340, 18, 2, 1.5708, p.Text2)
			c.Cross(480, 340, 24, 3, p.CritInk)
			c.Arrow(500, 350, 540, 330, 3, p.Text2)
			c.Lag(560, 340, 16, 1.5, 0, p.Text2)
			c.Arc(605, 350, 22, 10, 3.14159, 5.5, p.Bar)
			golden(t, "marks-"+name, c.Image())
		})
	}
}
