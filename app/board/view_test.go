package board

import (
	"image"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/widgets/panels"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// shownView is a View in a window of w x h pixels at a scale, with the first pictures of spec up.
func shownView(t *testing.T, spec Spec, w, h int, scale float32, banner *Banner) (*View, *Screen) {
	t.Helper()
	test.NewTempApp(t)
	v := NewView()
	win := test.NewWindow(v)
	t.Cleanup(win.Close)
	win.SetPadded(false)
	win.Canvas().(test.WindowlessCanvas).SetScale(scale)
	win.Resize(fyne.NewSize(float32(w)/scale, float32(h)/scale))
	s := NewScreen(spec, Options{W: w, H: h, Env: testEnv(t, false), Banner: banner})
	v.SetScreen(s, s.Update(t.Context(), paneltest.New(night), 0))
	return v, s
}

// A picture whose widget covers other pixels than its own would be scaled by the driver at each frame.
func TestViewPutsPicturesAtTheirPixels(t *testing.T) {
	for _, tc := range []struct {
		name   string
		w, h   int
		scale  float32
		banner *Banner
	}{
		{"full HD", 1920, 1080, 1, nil},
		{"UHD at two pixels a unit", 3840, 2160, 2, nil},
		{"odd size and scale", 1367, 767, 1.5, nil},
		{"replay", 1920, 1080, 1.25, &Banner{Replay: true, Head: "REPLAY"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, s := shownView(t, faces(night), tc.w, tc.h, tc.scale, tc.banner)
			if want := image.Pt(tc.w, tc.h); v.pixels != want {
				t.Errorf("the view has %v pixels, want %v", v.pixels, want)
			}
			check := func(name string, o fyne.CanvasObject, want image.Rectangle) {
				t.Helper()
				px := func(units float32) int { return int(units*tc.scale + 0.5) }
				at, size := o.Position(), o.Size()
				got := image.Rectangle{Min: image.Pt(px(at.X), px(at.Y))}
				got.Max = got.Min.Add(image.Pt(px(size.Width), px(size.Height)))
				if got != want {
					t.Errorf("%s covers %v, its picture %v", name, got, want)
				}
			}
			check("header", v.header, s.geo.Header)
			if tc.banner != nil {
				check("banner", v.banner, s.geo.Banner)
			}
			if len(v.tiles) != len(s.tiles) {
				t.Fatalf("%d tiles for %d panels", len(v.tiles), len(s.tiles))
			}
			for i, tile := range s.tiles {
				check(tile.placed.Title.In("en"), v.tiles[i], tile.rect)
				if tile.front.Rect.Size() != tile.rect.Size() {
					t.Errorf("tile %d: image of %v for %v", i, tile.front.Rect.Size(), tile.rect.Size())
				}
			}
			for i, f := range v.frame {
				if f.Visible() != (tc.banner != nil) {
					t.Errorf("frame %d of the replay is shown: %v", i, f.Visible())
				}
			}
		})
	}
}

func TestViewTells(t *testing.T) {
	spot := panels.Spot{Rect: plot.Rect{X: 10, Y: 20, W: 30, H: 40}, Entity: "device/a", Alert: "1"}
	paint := func(*plot.Canvas, plot.Rect) {}
	framed := &fakePanel{view: &panels.View{Paint: paint, Spots: []panels.Spot{spot}}}
	bare := &fakePanel{view: &panels.View{Bare: true, Paint: paint, Spots: []panels.Spot{spot}}}
	notice := &fakePanel{view: &panels.View{Notice: &panels.Notice{Head: "None"}, Spots: []panels.Spot{spot}}}
	const scale = 1.5
	v, s := shownView(t, Spec{Columns: 3, Rows: 1, Panels: []Placed{
		{At: [4]int{0, 0, 1, 1}, Panel: framed}, {At: [4]int{1, 0, 1, 1}, Panel: bare}, {At: [4]int{2, 0, 1, 1}, Panel: notice}}},
		1920, 1080, scale, nil)
	body := s.geo.body(s.tiles[0].rect.Dx(), s.tiles[0].rect.Dy())
	type tap struct {
		panel  int
		entity string
	}
	for _, tc := range []struct {
		name  string
		panel int
		x, y  float64 // pixels of the panel
		want  []tap
	}{
		{"first pixel of the body's spot", 0, body.X + 10.5, body.Y + 20.5, []tap{{0, "device/a"}}},
		{"last pixel of the body's spot", 0, body.X + 39.5, body.Y + 59.5, []tap{{0, "device/a"}}},
		{"left of it", 0, body.X + 8, body.Y + 30, nil},
		{"below it", 0, body.X + 20, body.Y + 62, nil},
		{"the panel's title, where the spot is in body coordinates", 0, 12, 22, nil},
		{"bare", 1, 12, 22, []tap{{1, "device/a"}}},
		{"beside the bare spot", 1, 42, 22, nil},
		{"a notice has no spots", 2, body.X + 20, body.Y + 30, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []tap
			v.OnTap = func(panel int, s panels.Spot) { got = append(got, tap{panel, s.Entity}) }
			test.TapAt(v.tiles[tc.panel], fyne.NewPos(float32(tc.x/scale), float32(tc.y/scale)))
			if len(got) != len(tc.want) || len(got) > 0 && got[0] != tc.want[0] {
				t.Errorf("told %v, want %v", got, tc.want)
			}
		})
	}

	// What is tapped is what is up: a picture with other spots takes the old ones away.
	framed.view = &panels.View{Paint: paint}
	s.tiles[0].painted = false
	v.Pictures(s.Update(t.Context(), paneltest.New(night), 1))
	v.OnTap = func(int, panels.Spot) { t.Error("a spot of the last picture is still there") }
	test.TapAt(v.tiles[0], fyne.NewPos(float32((body.X+20)/scale), float32((body.Y+30)/scale)))
}

// handled is a panel that takes every gesture but letters, and counts its loads.
type handled struct {
	fakePanel
	got []panels.Gesture
}

func (h *handled) Handle(g panels.Gesture) bool {
	if g.Key == "panic" {
		panic("a gesture that nobody thought of")
	}
	h.got = append(h.got, g)
	return g.Rune == 0 && g.Kind != panels.Leave
}

func TestViewGivesGesturesToThePanel(t *testing.T) {
	spot := panels.Spot{Rect: plot.Rect{W: 900, H: 900}, Entity: "device/a"}
	paint := func(*plot.Canvas, plot.Rect) {}
	h := &handled{fakePanel: fakePanel{view: &panels.View{Paint: paint, Spots: []panels.Spot{spot}}}}
	plain := &fakePanel{view: &panels.View{Paint: paint, Spots: []panels.Spot{spot}}}
	const scale = 2
	v, s := shownView(t, Spec{Name: "noc", Columns: 2, Rows: 1, Panels: []Placed{
		{At: [4]int{0, 0, 1, 1}, Panel: plain}, {At: [4]int{1, 0, 1, 1}, Panel: h}}}, 1920, 1080, scale, nil)
	body := s.geo.body(s.tiles[1].rect.Dx(), s.tiles[1].rect.Dy())
	touched, tapped := 0, 0
	v.OnTouched = func() { touched++ }
	v.OnTap = func(int, panels.Spot) { tapped++ }
	at := fyne.NewPos(float32((body.X+100)/scale), float32((body.Y+50)/scale))
	px := plot.Point{X: 100, Y: 50}
	test.TapAt(v.tiles[1], at)
	v.tiles[1].Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: at}, Dragged: fyne.NewDelta(3, -4)})
	v.tiles[1].DragEnd()
	v.tiles[1].Scrolled(&fyne.ScrollEvent{PointEvent: fyne.PointEvent{Position: at}, Scrolled: fyne.NewDelta(0, 5)})
	if !v.Key("Escape", 0) {
		t.Error("a key that a panel takes is left to the wall")
	}
	if v.Key("", 'x') {
		t.Error("a letter that no panel takes is kept from the wall")
	}
	want := []panels.Gesture{
		{Kind: panels.Tap, At: px}, {Kind: panels.Drag, At: px, By: plot.Point{X: 6, Y: -8}}, {Kind: panels.Drop},
		{Kind: panels.Scroll, At: px, By: plot.Point{Y: 10}}, {Kind: panels.Key, Key: "Escape"}, {Kind: panels.Key, Rune: 'x'},
	}
	near := cmp.Comparer(func(a, b plot.Point) bool { return math.Abs(a.X-b.X) < 1 && math.Abs(a.Y-b.Y) < 1 })
	for i := range h.got { // keys and the end of a drag have no place
		if k := h.got[i].Kind; k == panels.Drop || k == panels.Key {
			h.got[i].At = plot.Point{}
		}
	}
	if diff := cmp.Diff(want, h.got, near); diff != "" {
		t.Errorf("gestures (-want +got):\n%s", diff)
	}
	if tapped != 0 || touched != 5 {
		t.Errorf("%d taps went on to the wall and it was told of %d touches, want 0 and 5", tapped, touched)
	}
	v.Key("panic", 0) // the wall lives on
	test.TapAt(v.tiles[0], at)
	if tapped != 1 {
		t.Error("a tap on a panel that takes none is lost")
	}
	loads := h.loads
	s.Update(t.Context(), paneltest.New(night), 1)
	if h.loads != loads+1 {
		t.Errorf("a panel that was handled was loaded %d times, want once", h.loads-loads)
	}
	s.Update(t.Context(), paneltest.New(night), 2)
	if h.loads != loads+1 {
		t.Error("a panel is loaded again although nobody handled it")
	}
	if s.Leave() {
		t.Error("a panel that shows nothing else was painted anew")
	}
	if got := s.tiles[1].env.Board; got != "noc" {
		t.Errorf("the panel is told that it is on board %q", got)
	}
}

func TestViewAsksForAScreenOfItsNewSize(t *testing.T) {
	v, _ := shownView(t, faces(night), 1280, 720, 1, nil)
	var got []image.Point
	v.OnResize = func(w, h int) { got = append(got, image.Pt(w, h)) }
	v.Resize(fyne.NewSize(1920, 1080))
	v.Resize(fyne.NewSize(1920, 1080))
	if len(got) != 1 || got[0] != image.Pt(1920, 1080) {
		t.Errorf("asked for %v, want 1920x1080 once", got)
	}
}
