package board

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// Spec is one board as configured.
type Spec struct {
	Name    string
	Title   model.Localized
	Columns int
	Rows    int
	Panels  []Placed
}

// In is the board's title in a language, else its name.
func (s Spec) In(lang string) string { return cmp.Or(s.Title.In(lang), s.Name) }

// Find is the index of the board of that name, -1 for none.
func Find(boards []Spec, name string) int {
	return slices.IndexFunc(boards, func(b Spec) bool { return b.Name == name })
}

// Names lists the boards' names for a message.
func Names(boards []Spec) string {
	names := make([]string, len(boards))
	for i, b := range boards {
		names[i] = b.Name
	}
	return strings.Join(names, ", ")
}

// Placed is a panel with its place. Broken, when set, is shown in the panel's stead: a panel whose
// configuration is wrong says so on its own face and leaves the others alone.
type Placed struct {
	At     [4]int
	Title  model.Localized
	Panel  panels.Panel
	Broken error
}

// Banner is the strip at the top of the window: a replay, or something wrong with the wall itself.
type Banner struct {
	Replay bool
	Head   string
	Text   string
	Right  string
}

// Options are what a Screen needs beside the data.
type Options struct {
	W, H      int
	TextScale float64 // 1 = the designed viewing distance
	Env       panels.Env
	Board     int // index of the board among Boards
	Boards    int
	Banner    *Banner
	// Trail is where a page is: its board and what the entity is in; empty on a board.
	Trail []string
	// Tabs are the titles of the page's sheets, Tab is the one that is shown; nil where there are none.
	Tabs []string
	Tab  int
	// LoadTimeout bounds one panel's Load; 0 = 5 s.
	LoadTimeout time.Duration
}

const defaultLoadTimeout = 5 * time.Second

// Screen is one board at one size: it loads what has changed and paints it into images. It is
// driven by one goroutine; panels load in parallel inside Update.
type Screen struct {
	spec   Spec
	opts   Options
	geo    Geometry
	tiles  []*tile
	header pair
	banner pair
	words  atomic.Pointer[Banner] // what the banner says
}

// pair is two buffers of one picture: one is shown while the other is painted.
type pair struct {
	rect        image.Rectangle
	front, back *image.RGBA
}

func newPair(r image.Rectangle) pair {
	b := image.Rect(0, 0, r.Dx(), r.Dy())
	return pair{rect: r, front: image.NewRGBA(b), back: image.NewRGBA(b)}
}

// flip shows what was painted last.
func (p *pair) flip() { p.front, p.back = p.back, p.front }

// tile is one panel on the screen.
type tile struct {
	pair
	placed  Placed
	env     panels.Env
	view    *panels.View // last good view
	err     error
	loaded  time.Time // by the source's clock
	revs    model.Revs
	painted bool
	touched atomic.Bool // somebody handled the panel since it was loaded
}

// Change is a picture that Update painted anew.
type Change struct {
	Index int // of the panel; HeaderIndex or BannerIndex
	Image *image.RGBA
	Spots []panels.Spot // what reacts to the mouse, in pixels of Image
}

// The indexes of pictures that are not panels.
const (
	HeaderIndex = -1
	BannerIndex = -2
)

// NewScreen prepares a board for a screen of Options.W x H pixels.
func NewScreen(spec Spec, opts Options) *Screen {
	if opts.TextScale <= 0 {
		opts.TextScale = 1
	}
	if opts.LoadTimeout <= 0 {
		opts.LoadTimeout = defaultLoadTimeout
	}
	g := NewGeometry(opts.W, opts.H, spec.Columns, spec.Rows, opts.TextScale, opts.Banner != nil)
	if len(opts.Tabs) > 0 {
		g = g.withTabs()
	}
	opts.Env.Style.K, opts.Env.Board = g.K, spec.Name
	s := &Screen{spec: spec, opts: opts, geo: g, header: newPair(g.Header), banner: newPair(g.Banner)}
	s.words.Store(opts.Banner)
	for _, p := range spec.Panels {
		t := &tile{pair: newPair(g.Place(p.At)), placed: p, env: opts.Env}
		t.env.Size = g.body(t.rect.Dx(), t.rect.Dy())
		s.tiles = append(s.tiles, t)
	}
	return s
}

// Geometry is where everything is.
func (s *Screen) Geometry() Geometry { return s.geo }

// Places are the panels' rectangles on the screen, in the board's order.
func (s *Screen) Places() []image.Rectangle {
	out := make([]image.Rectangle, len(s.tiles))
	for i, t := range s.tiles {
		out[i] = t.rect
	}
	return out
}

// SetBanner changes the banner's text. A banner that comes or goes needs a new Screen.
// Safe while the screen is being updated.
func (s *Screen) SetBanner(b *Banner) { s.words.Store(b) }

// Update loads the panels whose data has changed, paints what is due, and returns the new pictures.
// beat is a count that the caller raises by one each second.
func (s *Screen) Update(ctx context.Context, src model.Source, beat int) []Change {
	now, revs := src.Now(), src.Revs()
	changed := make([]bool, len(s.tiles))
	var wg sync.WaitGroup
	slots := make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))
	for i, t := range s.tiles {
		if touched := t.touched.Swap(false); !touched && !t.due(now, revs) {
			continue
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			slots <- struct{}{}
			defer func() { <-slots }()
			t.load(ctx, src, revs, s.opts.LoadTimeout)
			t.paint(s.geo, src.Now())
			changed[i] = true
		}()
	}
	wg.Wait()

	var out []Change
	for i, t := range s.tiles {
		if changed[i] {
			t.flip()
			out = append(out, Change{i, t.front, t.spots(s.geo)})
		}
	}
	head := readHeadline(src, s.opts.Env, s.spec.In(s.opts.Env.Lang), s.opts.Boards, s.opts.Board, beat)
	head.trail, head.tabs = s.opts.Trail, s.tabs()
	c := plot.NewCanvas(s.header.back, s.opts.Env.Face)
	head.paint(c, s.opts.Env)
	s.header.flip()
	out = append(out, Change{Index: HeaderIndex, Image: s.header.front})
	if b := s.words.Load(); b != nil && !s.geo.Banner.Empty() {
		paintBanner(plot.NewCanvas(s.banner.back, s.opts.Env.Face), s.opts.Env, *b)
		s.banner.flip()
		out = append(out, Change{Index: BannerIndex, Image: s.banner.front})
	}
	return out
}

func (s *Screen) tabs() tabs { return tabs{s.opts.Tabs, s.opts.Tab} }

// TabAt is the index of the tab at a place of the header's picture, in its pixels; -1 for none.
func (s *Screen) TabAt(x, y float64) int {
	// A canvas of its own: the header's buffers may be painted at this moment.
	r := s.header.rect
	c := plot.NewCanvas(&image.RGBA{Rect: image.Rect(0, 0, r.Dx(), r.Dy())}, s.opts.Env.Face)
	return s.tabs().at(c, s.opts.Env, x, y)
}

// open is the entity whose page somebody asked a panel for with the last gesture, "" for none.
func (s *Screen) open(panel int) string {
	if p, ok := s.tiles[panel].placed.Panel.(panels.Opener); ok {
		return p.Open()
	}
	return ""
}

// Handle gives a gesture to a panel, in pixels of its picture, and reports whether the panel made use
// of it: the next Update paints it anew. Safe while the screen is being updated.
func (s *Screen) Handle(panel int, g panels.Gesture) bool {
	if panel < 0 || panel >= len(s.tiles) {
		return false
	}
	t := s.tiles[panel]
	p, ok := t.placed.Panel.(panels.Interactive)
	if !ok {
		return false
	}
	body := s.geo.body(t.rect.Dx(), t.rect.Dy())
	g.At.X, g.At.Y = g.At.X-body.X, g.At.Y-body.Y
	if !handleSafely(p, g) {
		return false
	}
	t.touched.Store(true)
	return true
}

// handleSafely keeps a panel that panics from taking the window with it: the gesture is lost.
func handleSafely(p panels.Interactive, g panels.Gesture) (used bool) {
	defer func() {
		if recover() != nil {
			used = true
		}
	}()
	return p.Handle(g)
}

// Leave tells all panels that nobody has touched the wall for long, and reports whether that changes
// what they show. Safe while the screen is being updated.
func (s *Screen) Leave() bool {
	changed := false
	for i := range s.tiles {
		changed = s.Handle(i, panels.Gesture{Kind: panels.Leave}) || changed
	}
	return changed
}

// Compose paints the whole screen into one image, for snapshots.
func (s *Screen) Compose() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, s.geo.W, s.geo.H))
	c := plot.NewCanvas(img, nil)
	c.Clear(s.opts.Env.Style.Palette.Background)
	blit(img, s.header)
	if s.words.Load() != nil {
		blit(img, s.banner)
	}
	for _, t := range s.tiles {
		blit(img, t.pair)
	}
	if b := s.words.Load(); b != nil && b.Replay {
		frameReplay(c, s.opts.Env)
	}
	return img
}

func blit(dst *image.RGBA, p pair) {
	for y := range p.front.Rect.Dy() {
		if p.rect.Min.Y+y >= dst.Rect.Max.Y {
			return
		}
		from := p.front.Pix[y*p.front.Stride : y*p.front.Stride+4*p.front.Rect.Dx()]
		copy(dst.Pix[dst.PixOffset(p.rect.Min.X, p.rect.Min.Y+y):], from)
	}
}

// spots are the places of the tile's picture that react to the mouse, in its pixels. A face that
// shows an error or a notice has none.
func (t *tile) spots(g Geometry) []panels.Spot {
	if t.err != nil || t.view == nil || t.view.Notice != nil {
		return nil
	}
	if t.view.Bare {
		return t.view.Spots
	}
	body := g.body(t.rect.Dx(), t.rect.Dy())
	out := slices.Clone(t.view.Spots)
	for i := range out {
		out[i].Rect.X += body.X
		out[i].Rect.Y += body.Y
	}
	return out
}

// due reports whether the tile must be loaded again.
func (t *tile) due(now time.Time, revs model.Revs) bool {
	if !t.painted {
		return true
	}
	if t.placed.Panel == nil {
		return false
	}
	d := t.placed.Panel.Deps()
	if now.Before(t.loaded) || d.Clock { // the clock of a replay may jump back
		return true
	}
	if d.Entities && revs.Entities != t.revs.Entities || d.Events && revs.Events != t.revs.Events ||
		d.Alerts && revs.Alerts != t.revs.Alerts || d.Sources && revs.Sources != t.revs.Sources {
		return true
	}
	waited := now.Sub(t.loaded)
	if t.err == nil && t.view != nil {
		d.Every = max(d.Every, t.view.Hold)
	}
	if d.Samples && revs.Samples != t.revs.Samples && waited >= d.Every {
		return true
	}
	if t.err != nil && waited >= 10*time.Second { // a query that failed may have healed
		return true
	}
	// What was fresh may have become stale, and an age that is shown grows.
	if v := t.view; v != nil && !v.AsOf.IsZero() && model.IsStale(now, v.AsOf, v.Every) {
		return true
	}
	return false
}

// load asks the panel for its view. A panel that panics or hangs spoils its own face alone.
func (t *tile) load(ctx context.Context, src model.Source, revs model.Revs, timeout time.Duration) {
	t.loaded, t.revs, t.painted = src.Now(), revs, true
	if t.placed.Broken != nil || t.placed.Panel == nil {
		t.err = t.placed.Broken
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	view, err := loadSafely(ctx, t.placed.Panel, src, t.env)
	if err == nil && view == nil {
		err = fmt.Errorf("the panel gave no picture")
	}
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("took longer than %v: %w", timeout, err)
		}
		t.err = err
		return
	}
	t.view, t.err = view, nil
}

func loadSafely(ctx context.Context, p panels.Panel, src model.Source, env panels.Env) (v *panels.View, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panicked: %v\n%s", r, debug.Stack())
		}
	}()
	return p.Load(ctx, src, env)
}

// paint paints the tile's view, or its error, into the back buffer.
func (t *tile) paint(g Geometry, now time.Time) {
	c := plot.NewCanvas(t.back, t.env.Face)
	title := t.placed.Title.In(t.env.Lang)
	defer func() {
		if r := recover(); r != nil {
			t.err = fmt.Errorf("panicked while painting: %v", r)
			paintPanel(c, g, t.env, title, brokenView(t.env, t.err, time.Time{}), now)
		}
	}()
	if t.err != nil {
		var good time.Time
		if t.view != nil {
			good = t.view.AsOf
		}
		paintPanel(c, g, t.env, title, brokenView(t.env, t.err, good), now)
		return
	}
	paintPanel(c, g, t.env, title, t.view, now)
}

// brokenView is the face of a panel that cannot be drawn.
func brokenView(env panels.Env, err error, lastGood time.Time) *panels.View {
	n := &panels.Notice{State: model.Critical, Head: env.Text("Panel is broken"), Lines: []string{firstLine(err.Error())}}
	if !lastGood.IsZero() {
		n.Lines = append(n.Lines, env.Text("Last good picture was at %s", lastGood.In(env.Style.Loc).Format("15:04:05")))
	}
	return &panels.View{Notice: n}
}

func firstLine(s string) string {
	for i, r := range s {
		if r == '\n' {
			return s[:i]
		}
	}
	return s
}
