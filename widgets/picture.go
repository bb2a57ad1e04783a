// Package widgets holds the Fyne atoms of the wall. They are dumb: setters and a Refresh; no
// goroutine and no fyne.Do, which are the pump's.
package widgets

import (
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// Picture shows an image pixel by pixel. The image must have the size in pixels that the widget
// covers: anything else is scaled by the driver, which costs more than painting it anew.
type Picture struct {
	widget.BaseWidget
	// OnTapped is called with the position in pixels of the image.
	OnTapped func(x, y float64)
	// OnDragged and OnScrolled are called with the position and by how far, OnDragEnd at the end of a
	// drag; all in pixels of the image.
	OnDragged, OnScrolled func(x, y, dx, dy float64)
	OnDragEnd             func()
	// Pointer is asked for the pointer's shape at a position in pixels of the image.
	Pointer func(x, y float64) desktop.Cursor

	image  *canvas.Image
	cursor desktop.Cursor
}

var (
	_ fyne.Widget        = (*Picture)(nil)
	_ fyne.Tappable      = (*Picture)(nil)
	_ fyne.Draggable     = (*Picture)(nil)
	_ fyne.Scrollable    = (*Picture)(nil)
	_ desktop.Cursorable = (*Picture)(nil)
	_ desktop.Hoverable  = (*Picture)(nil)
)

// NewPicture returns an empty picture.
func NewPicture() *Picture {
	p := &Picture{image: &canvas.Image{FillMode: canvas.ImageFillStretch, ScaleMode: canvas.ImageScaleFastest}, cursor: desktop.DefaultCursor}
	p.ExtendBaseWidget(p)
	return p
}

// SetImage shows img, which must not be painted on until another image is shown.
func (p *Picture) SetImage(img *image.RGBA) {
	p.image.Image = img
	p.image.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (p *Picture) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(p.image) }

// MinSize implements fyne.CanvasObject: a picture never forces its window to grow.
func (p *Picture) MinSize() fyne.Size { return fyne.NewSize(1, 1) }

// Tapped implements fyne.Tappable.
func (p *Picture) Tapped(e *fyne.PointEvent) {
	if p.OnTapped != nil {
		p.OnTapped(p.pixel(e.Position))
	}
}

// Dragged implements fyne.Draggable.
func (p *Picture) Dragged(e *fyne.DragEvent) {
	if p.OnDragged != nil {
		x, y := p.pixel(e.Position)
		dx, dy := p.pixel(fyne.NewPos(e.Dragged.DX, e.Dragged.DY))
		p.OnDragged(x, y, dx, dy)
	}
}

// DragEnd implements fyne.Draggable.
func (p *Picture) DragEnd() {
	if p.OnDragEnd != nil {
		p.OnDragEnd()
	}
}

// Scrolled implements fyne.Scrollable.
func (p *Picture) Scrolled(e *fyne.ScrollEvent) {
	if p.OnScrolled != nil {
		x, y := p.pixel(e.Position)
		dx, dy := p.pixel(fyne.NewPos(e.Scrolled.DX, e.Scrolled.DY))
		p.OnScrolled(x, y, dx, dy)
	}
}

// Cursor implements desktop.Cursorable.
func (p *Picture) Cursor() desktop.Cursor { return p.cursor }

// MouseIn implements desktop.Hoverable.
func (p *Picture) MouseIn(e *desktop.MouseEvent) { p.MouseMoved(e) }

// MouseMoved implements desktop.Hoverable.
func (p *Picture) MouseMoved(e *desktop.MouseEvent) {
	p.cursor = desktop.DefaultCursor
	if p.Pointer != nil {
		p.cursor = p.Pointer(p.pixel(e.Position))
	}
}

// MouseOut implements desktop.Hoverable.
func (p *Picture) MouseOut() { p.cursor = desktop.DefaultCursor }

// pixel turns a position in the widget into one in the image.
func (p *Picture) pixel(at fyne.Position) (x, y float64) {
	size := p.Size()
	if p.image.Image == nil || size.Width <= 0 || size.Height <= 0 {
		return 0, 0
	}
	b := p.image.Image.Bounds()
	return float64(at.X/size.Width) * float64(b.Dx()), float64(at.Y/size.Height) * float64(b.Dy())
}
