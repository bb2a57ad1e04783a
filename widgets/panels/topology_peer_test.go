package panels

import (
	"image/color"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
)

// BenchmarkTopologyObjects moves the same map as BenchmarkTopologyRaster made of canvas objects: a
// rectangle and a text for each device, a line for each half of a cable.
func BenchmarkTopologyObjects(b *testing.B) {
	test.NewTempApp(b)
	m, s := sceneOf(bigCampus(), true, 1299, 898)
	all := container.NewWithoutLayout()
	for _, w := range s.wires {
		for i := 1; i < len(w.pts); i++ {
			for range 2 {
				l := canvas.NewLine(color.White)
				l.Position1 = fyne.NewPos(float32(w.pts[i-1].X), float32(w.pts[i-1].Y))
				l.Position2 = fyne.NewPos(float32(w.pts[i].X), float32(w.pts[i].Y))
				all.Add(l)
			}
		}
	}
	for _, box := range s.boxes {
		r := canvas.NewRectangle(color.Gray{Y: 40})
		r.Move(fyne.NewPos(float32(box.X), float32(box.Y)))
		r.Resize(fyne.NewSize(float32(box.W), float32(box.H)))
		all.Add(r)
		if box.label != "" {
			t := canvas.NewText(m.nodes[max(0, box.node)].name, color.White)
			t.Move(fyne.NewPos(float32(box.X), float32(box.Y)))
			all.Add(t)
		}
	}
	c := software.NewCanvas()
	c.SetPadded(false)
	c.SetContent(container.NewWithoutLayout(all))
	c.Resize(fyne.NewSize(1299, 898))
	b.ReportMetric(float64(len(all.Objects)), "objects")
	i := 0
	for b.Loop() {
		all.Move(fyne.NewPos(float32(i%40), float32(i%20)))
		i++
		if img := software.RenderCanvas(c, theme.DefaultTheme()); img.Bounds().Empty() {
			b.Fatal("nothing was drawn")
		}
	}
}
