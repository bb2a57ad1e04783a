package panels

import (
	"image"
	"image/draw"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// mapRaster is what was painted of a near map. While somebody only moves over the map, it is shifted,
// and no more than what comes into sight is painted: a map of thousands of devices moves with the hand.
type mapRaster struct {
	mu  sync.Mutex
	key rasterKey
	at  image.Point // of the camera, in pixels of the map
	img *image.RGBA
}

// rasterKey is what a raster is a picture of, but for the place.
type rasterKey struct {
	base     *netScene
	style    plot.Style
	zoom     float64
	selected target
	area     plot.Rect
}

// paint brings the raster up to date and copies it onto a canvas at a place.
func (r *mapRaster) paint(c *plot.Canvas, s *shownMap, place plot.Rect) {
	r.mu.Lock()
	defer r.mu.Unlock()
	area := s.scene.area
	key := rasterKey{s.base.scene, s.base.style, s.hand.camera.zoom, s.hand.selected, area}
	at := s.hand.camera.corner(area)
	size := image.Rect(0, 0, max(1, int(area.W)), max(1, int(area.H)))
	if r.img == nil || r.img.Rect != size {
		r.img, r.key = image.NewRGBA(size), rasterKey{}
	}
	parts := []image.Rectangle{size}
	if r.key == key {
		parts = shift(r.img, r.at.Sub(at))
	}
	r.key, r.at = key, at
	var painting sync.WaitGroup
	var broken atomic.Pointer[any] // the caller deals with what goes wrong in a band, as if it were its own
	for _, part := range parts {
		for _, band := range bands(part) {
			painting.Go(func() {
				defer func() {
					if err := recover(); err != nil {
						broken.Store(&err)
					}
				}()
				n := mapPen{newPen(plot.NewCanvas(r.img, s.base.m.face), s.base.style), s.base.m}
				seen := plot.Rect{X: float64(band.Min.X), Y: float64(band.Min.Y), W: float64(band.Dx()), H: float64(band.Dy())}
				defer n.Clip(seen)()
				n.Clear(n.p.Surface)
				n.body(s.scene, seen)
			})
		}
	}
	painting.Wait()
	if err := broken.Load(); err != nil {
		r.key = rasterKey{}
		panic(*err)
	}
	to := size.Add(image.Pt(int(place.X), int(place.Y)))
	draw.Draw(c.Image(), to, r.img, image.Point{}, draw.Src)
}

// leastBand is the height from which on a part is painted by several processors.
const leastBand = 200

// bands divides a part into what is painted at the same time.
func bands(part image.Rectangle) []image.Rectangle {
	n := min(runtime.GOMAXPROCS(0), max(1, part.Dy()/leastBand))
	var out []image.Rectangle
	for i := range n {
		band := image.Rect(part.Min.X, part.Min.Y+part.Dy()*i/n, part.Max.X, part.Min.Y+part.Dy()*(i+1)/n)
		if !band.Empty() {
			out = append(out, band)
		}
	}
	return out
}

// shift moves a picture by so many pixels and returns the parts that have to be painted: what came in
// at its sides. The parts share no pixel.
func shift(img *image.RGBA, by image.Point) []image.Rectangle {
	all := img.Rect
	kept := all.Intersect(all.Add(by))
	if by == (image.Point{}) {
		return nil
	}
	if kept.Empty() {
		return []image.Rectangle{all}
	}
	var itself image.Image = img
	draw.Draw(img, kept, itself, kept.Min.Sub(by), draw.Src) // which allows for the overlap
	return []image.Rectangle{
		image.Rect(all.Min.X, all.Min.Y, all.Max.X, kept.Min.Y),
		image.Rect(all.Min.X, kept.Max.Y, all.Max.X, all.Max.Y),
		image.Rect(all.Min.X, kept.Min.Y, kept.Min.X, kept.Max.Y),
		image.Rect(kept.Max.X, kept.Min.Y, all.Max.X, kept.Max.Y),
	}
}
