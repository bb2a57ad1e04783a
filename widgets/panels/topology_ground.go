package panels

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/jpeg" // a format of background pictures
	_ "image/png"  // another one
	"io"
	"os"
	"path"
	"path/filepath"

	ximage "golang.org/x/image/draw"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// topologyGroup frames devices that belong together: a building, a tenant.
type topologyGroup struct {
	Name    model.Localized `yaml:"name"`
	Devices []string        `yaml:"devices"` // names with * and ?
}

// checkGround validates groups and background.
func (c *topologyConfig) checkGround() error {
	for i, g := range c.Groups {
		if len(g.Name) == 0 || len(g.Devices) == 0 {
			return fmt.Errorf("groups[%d]: want a name and devices", i)
		}
		for _, pattern := range g.Devices {
			if _, err := path.Match(pattern, ""); err != nil {
				return fmt.Errorf("groups[%d].devices: %q: want a name, with * and ? for what may differ", i, pattern)
			}
		}
	}
	if c.Background != "" && !filepath.IsAbs(c.Background) {
		return fmt.Errorf("background: %q: want the picture's whole path, from / on", c.Background)
	}
	return nil
}

// netGroup is a frame around devices that belong together.
type netGroup struct {
	plot.Rect
	name string  // "" on the further frames of a group that stands in several places
	at   float64 // upper edge of the name's line
}

// groupHead is the room for a group's name above its devices.
const groupHead = 30

// placeGroups frames each group: once where nothing foreign stands between its devices, otherwise as
// often as need be. A frame never holds what does not belong to it.
func (a *arranger) placeGroups() {
	for _, g := range a.grouping {
		mine := map[int]bool{}
		var frames []plot.Rect
		for i := range a.boxes {
			if n := a.boxes[i].node; n >= 0 && g.holds(a.nodes[n].name) {
				mine[i] = true
			}
		}
		for i := range a.boxes {
			if !mine[i] {
				continue
			}
			r := a.boxes[i].Inset(-10 * a.k)
			joined := false
			for f := range frames {
				if all := union(frames[f], r); a.free(all, mine) {
					frames[f], joined = all, true
					break
				}
			}
			if !joined {
				frames = append(frames, r)
			}
		}
		name := g.Name.In(a.lang)
		for f, r := range frames {
			out := netGroup{Rect: r.Intersect(a.area)}
			head := plot.Rect{X: r.X, Y: r.Y - groupHead*a.k, W: r.W, H: groupHead * a.k}
			foot := plot.Rect{X: r.X, Y: r.Bottom(), W: r.W, H: groupHead * a.k}
			switch {
			case f > 0:
			case a.free(head, mine) && head.Y >= a.area.Y:
				out.Y, out.H, out.name, out.at = head.Y, r.Bottom()-head.Y, name, head.Y
			case a.free(foot, mine) && foot.Bottom() <= a.area.Bottom():
				out.H, out.name, out.at = foot.Bottom()-r.Y, name, foot.Y
			}
			a.groups = append(a.groups, out)
		}
	}
}

func (g *topologyGroup) holds(name string) bool {
	for _, pattern := range g.Devices {
		if ok, err := path.Match(pattern, name); ok && err == nil {
			return true
		}
	}
	return false
}

// group draws a frame that is quieter than any state.
func (n mapPen) group(g netGroup) {
	n.StrokeRound(pixels(g.Rect), 8*n.k, 1.5*n.k, n.p.Outline, nil)
	if g.name != "" {
		n.text(g.X+12*n.k, g.at+22*n.k, n.fit(g.name, 18, true, g.W-24*n.k), 18, true, n.p.Muted)
	}
}

// Limits of a background picture.
const (
	maxGroundBytes = 32 << 20
	maxGroundSide  = 4096
)

// readGround reads a background picture.
func readGround(file string) (*image.Gray, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("background: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	size, _, err := image.DecodeConfig(io.LimitReader(f, maxGroundBytes))
	if err != nil {
		return nil, fmt.Errorf("background %s: %w: want a PNG or JPEG file", file, err)
	}
	if size.Width > maxGroundSide || size.Height > maxGroundSide || size.Width < 1 || size.Height < 1 {
		return nil, fmt.Errorf("background %s: %d x %d pixels: want at most %d x %d", file, size.Width, size.Height, maxGroundSide, maxGroundSide)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("background %s: %w", file, err)
	}
	img, _, err := image.Decode(io.LimitReader(f, maxGroundBytes))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("background %s: want a PNG or JPEG file of at most %d MB", file, maxGroundBytes>>20), err)
	}
	paper := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	draw.Draw(paper, paper.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(paper, paper.Rect, img, img.Bounds().Min, draw.Over)
	return inkOf(paper), nil
}

// inkOf is how much a picture differs from its own ground: 0 for the paper of a plan drawn on white,
// and for the night of one drawn on black. Its colours are not kept: colour means trouble.
func inkOf(img *image.RGBA) *image.Gray {
	ink := image.NewGray(img.Rect)
	draw.Draw(ink, ink.Rect, img, image.Point{}, draw.Src)
	sum := 0
	for _, v := range ink.Pix {
		sum += int(v)
	}
	if sum > 127*len(ink.Pix) {
		for i, v := range ink.Pix {
			ink.Pix[i] = 255 - v
		}
	}
	return ink
}

// mapGround is a background as a camera sees it: made once, shown until the camera moves.
type mapGround struct {
	source *image.Gray
	cam    camera
	area   plot.Rect
	style  plot.Style
	seen   *image.RGBA // of the area's pixels
}

// groundShare is how much of a background's ink shows, of 255: states come first.
const groundShare = 75

// newGround cuts and scales a background: the whole picture within the area's width and height.
func newGround(source *image.Gray, cam camera, area plot.Rect, style plot.Style) *mapGround {
	g := &mapGround{source: source, cam: cam, area: area, style: style}
	g.seen = image.NewRGBA(image.Rect(0, 0, max(1, int(area.W)), max(1, int(area.H))))
	ink := image.NewGray(g.seen.Rect)
	size := source.Rect.Size()
	scale := min(area.W/float64(size.X), area.H/float64(size.Y))
	w, h := float64(size.X)*scale, float64(size.Y)*scale
	corner := plot.Point{X: area.X + (area.W-w)/2, Y: area.Y + (area.H-h)/2}
	from, to := cam.toScreen(corner, area), cam.toScreen(plot.Point{X: corner.X + w, Y: corner.Y + h}, area)
	at := image.Rect(int(from.X-area.X), int(from.Y-area.Y), int(to.X-area.X), int(to.Y-area.Y))
	var how ximage.Scaler = ximage.CatmullRom
	if cam.near() { // it moves: soon rather than smooth
		how = ximage.NearestNeighbor
	}
	how.Scale(ink, at, source, source.Rect, ximage.Src, nil)
	var shades [256]color.RGBA
	p := style.Palette
	for i := range shades {
		mix := func(a, b uint8) uint8 { return uint8(int(a) + (int(b)-int(a))*i*groundShare/255/255) }
		shades[i] = color.RGBA{mix(p.Surface.R, p.Muted.R), mix(p.Surface.G, p.Muted.G), mix(p.Surface.B, p.Muted.B), 255}
	}
	for i, v := range ink.Pix {
		s := shades[v]
		g.seen.Pix[4*i], g.seen.Pix[4*i+1], g.seen.Pix[4*i+2], g.seen.Pix[4*i+3] = s.R, s.G, s.B, s.A
	}
	return g
}

// paint draws the background at a place of the canvas.
func (g *mapGround) paint(c *plot.Canvas, area plot.Rect) {
	at := image.Rect(0, 0, g.seen.Rect.Dx(), g.seen.Rect.Dy()).Add(image.Pt(int(area.X), int(area.Y)))
	draw.Draw(c.Image(), at, g.seen, image.Point{}, draw.Src)
}
