package board

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"github.com/nocturne-noc/nocturne/widgets"
	"github.com/nocturne-noc/nocturne/widgets/panels"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// View is the Fyne side of a Screen: one picture per panel and one for the header, at exact pixels.
// Between them the window's own background shows, which the theme colours: a rectangle over the whole
// screen would cost a quarter of each frame in software GL.
// All its methods belong to Fyne's main goroutine.
type View struct {
	widget.BaseWidget
	// OnResize is told the size in pixels when it has changed: the screen must be made anew.
	OnResize func(w, h int)
	// OnTap is told which panel was tapped and on which of its spots, in pixels of the panel.
	OnTap func(panel int, spot panels.Spot)
	// OnTab is told which tab of the header was tapped.
	OnTab func(tab int)
	// OnTouched is called when somebody has handled a panel: the screen is worth an update.
	OnTouched func()

	header, banner *widgets.Picture
	frame          [3]*canvas.Rectangle // of a replay: left, right, bottom
	tiles          []*widgets.Picture
	spots          [][]panels.Spot // by tile, of the picture that is up
	screen         *Screen
	pixels         image.Point
	hand           int // the panel that was handled last: it gets the keys first
	selected       *Selected
	ring           *canvas.Rectangle // around what is selected
	// OnKey and OnRune get the keys while the view has the keyboard.
	OnKey  func(*fyne.KeyEvent)
	OnRune func(rune)
}

var (
	_ fyne.Widget   = (*View)(nil)
	_ fyne.Tabbable = (*View)(nil)
)

// NewView returns an empty view.
func NewView() *View {
	v := &View{header: widgets.NewPicture(), banner: widgets.NewPicture(), ring: canvas.NewRectangle(color.Transparent)}
	v.ring.Hidden = true
	for i := range v.frame {
		v.frame[i] = canvas.NewRectangle(nil)
	}
	v.header.OnTapped = func(x, y float64) {
		v.takeKeyboard()
		if v.screen == nil || v.OnTab == nil {
			return
		}
		if tab := v.screen.TabAt(x, y); tab >= 0 {
			v.OnTab(tab)
		}
	}
	v.ExtendBaseWidget(v)
	return v
}

// SetScreen shows another board, or the same at another size, from its first pictures on.
func (v *View) SetScreen(s *Screen, pictures []Change) {
	v.screen, v.hand, v.selected = s, 0, nil
	v.ring.StrokeColor = s.opts.Env.Style.Palette.Focus
	v.tiles, v.spots = v.tiles[:0], make([][]panels.Spot, len(s.tiles))
	for i := range s.tiles {
		p := widgets.NewPicture()
		p.OnTapped = func(x, y float64) {
			v.takeKeyboard()
			if !v.handle(i, panels.Gesture{Kind: panels.Tap, At: plot.Point{X: x, Y: y}}) {
				v.tapped(i, x, y)
			}
		}
		p.OnDragged = func(x, y, dx, dy float64) {
			v.handle(i, panels.Gesture{Kind: panels.Drag, At: plot.Point{X: x, Y: y}, By: plot.Point{X: dx, Y: dy}})
		}
		p.OnDragEnd = func() { v.handle(i, panels.Gesture{Kind: panels.Drop}) }
		p.OnScrolled = func(x, y, dx, dy float64) {
			v.handle(i, panels.Gesture{Kind: panels.Scroll, At: plot.Point{X: x, Y: y}, By: plot.Point{X: dx, Y: dy}})
		}
		v.tiles = append(v.tiles, p)
	}
	banner := s.words.Load()
	for _, f := range v.frame {
		f.FillColor = s.opts.Env.Style.Palette.Inverse
		f.Hidden = banner == nil || !banner.Replay
	}
	v.banner.Hidden = banner == nil
	v.Pictures(pictures)
	v.Refresh()
}

// Pictures puts new pictures up.
func (v *View) Pictures(changes []Change) {
	for _, c := range changes {
		switch {
		case c.Index == HeaderIndex:
			v.header.SetImage(c.Image)
		case c.Index == BannerIndex:
			v.banner.SetImage(c.Image)
		case c.Index < len(v.tiles):
			v.tiles[c.Index].SetImage(c.Image)
			v.spots[c.Index] = c.Spots
		}
	}
	v.follow()
}

// Key gives a key, or a letter, to the panel that was handled last and then to the others, and reports
// whether one made use of it.
func (v *View) Key(name string, letter rune) bool {
	if v.screen == nil {
		return false
	}
	g := panels.Gesture{Kind: panels.Key, Key: name, Rune: letter}
	if v.handle(v.hand, g) {
		return true
	}
	for i := range v.tiles {
		if i != v.hand && v.handle(i, g) {
			return true
		}
	}
	return false
}

func (v *View) handle(panel int, g panels.Gesture) bool {
	if !v.screen.Handle(panel, g) {
		return false
	}
	v.hand = panel
	if entity := v.screen.open(panel); entity != "" && v.OnTap != nil {
		v.OnTap(panel, panels.Spot{Entity: entity})
	}
	if v.OnTouched != nil {
		v.OnTouched()
	}
	return true
}

// tapped finds the spot under a tap.
func (v *View) tapped(panel int, x, y float64) {
	if v.OnTap == nil || panel >= len(v.spots) {
		return
	}
	for _, s := range v.spots[panel] {
		if x >= s.Rect.X && x < s.Rect.Right() && y >= s.Rect.Y && y < s.Rect.Bottom() {
			v.OnTap(panel, s)
			return
		}
	}
}

// MinSize implements fyne.CanvasObject: the wall takes any size.
func (v *View) MinSize() fyne.Size { return fyne.NewSize(320, 180) }

// CreateRenderer implements fyne.Widget.
func (v *View) CreateRenderer() fyne.WidgetRenderer { return &viewRenderer{v} }

type viewRenderer struct{ v *View }

func (r *viewRenderer) Destroy() {}

func (r *viewRenderer) MinSize() fyne.Size { return r.v.MinSize() }

func (r *viewRenderer) Objects() []fyne.CanvasObject {
	out := []fyne.CanvasObject{r.v.banner, r.v.header}
	for _, t := range r.v.tiles {
		out = append(out, t)
	}
	for _, f := range r.v.frame {
		out = append(out, f)
	}
	return append(out, r.v.ring)
}

func (r *viewRenderer) Refresh() {
	r.Layout(r.v.Size())
	canvas.Refresh(r.v)
}

// Layout puts every picture where its pixels are, so that the driver never scales one.
func (r *viewRenderer) Layout(size fyne.Size) {
	v := r.v
	scale := scaleOf(v)
	px := image.Pt(int(size.Width*scale+0.5), int(size.Height*scale+0.5))
	if px != v.pixels {
		v.pixels = px
		if v.OnResize != nil {
			v.OnResize(px.X, px.Y)
		}
	}
	if v.screen == nil {
		return
	}
	place := func(o fyne.CanvasObject, at image.Rectangle) {
		o.Move(fyne.NewPos(float32(at.Min.X)/scale, float32(at.Min.Y)/scale))
		o.Resize(fyne.NewSize(float32(at.Dx())/scale, float32(at.Dy())/scale))
	}
	g := v.screen.geo
	place(v.header, g.Header)
	place(v.banner, g.Banner)
	for i, t := range v.tiles {
		place(t, v.screen.tiles[i].rect)
	}
	v.ring.StrokeWidth = float32(3*g.K) / scale
	if v.selected != nil {
		place(v.ring, v.selected.on(v.screen).Inset(-int(3*g.K)))
	}
	w := max(1, int(4*g.K))
	place(v.frame[0], image.Rect(0, g.Banner.Max.Y, w, g.H))
	place(v.frame[1], image.Rect(g.W-w, g.Banner.Max.Y, g.W, g.H))
	place(v.frame[2], image.Rect(0, g.H-w, g.W, g.H))
}

// scaleOf is how many pixels one Fyne unit has where v is shown, 1 where it is not shown yet.
func scaleOf(o fyne.CanvasObject) float32 {
	app := fyne.CurrentApp()
	if app == nil {
		return 1
	}
	if c := app.Driver().CanvasForObject(o); c != nil {
		return c.Scale()
	}
	return 1
}
