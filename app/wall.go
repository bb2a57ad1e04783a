package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"

	"github.com/nocturne-noc/nocturne/app/board"
	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets"
	"github.com/nocturne-noc/nocturne/widgets/panels"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// Look is how boards are drawn, whether in a window or into a file.
type Look struct {
	Lang      string // "en", "ko"
	Light     bool
	TextScale float64 // 1 = 5 m before a 55 inch screen
	Loc       *time.Location
	Text      panels.Text
	Phrase    func(english string) string // what collectors say; see panels.Env
}

// Env makes the panels' environment of a look.
func (l Look) Env() (panels.Env, error) {
	face, err := widgets.Typeface()
	if err != nil {
		return panels.Env{}, fmt.Errorf("typeface: %w", err)
	}
	palette := plot.Dark()
	if l.Light {
		palette = plot.Light()
	}
	return panels.Env{Style: plot.Style{Palette: palette, K: 1, Loc: l.Loc}, Face: face, Text: l.Text, Phrase: l.Phrase, Lang: l.Lang}, nil
}

// WallOptions are what a Wall is made of.
type WallOptions struct {
	Source model.Source
	Boards []board.Spec
	Pages  Pages  // of what is on the boards
	Board  string // name of the first board to show; "" = the first
	Look   Look
	Kiosk  bool
	// Rotation is how long each board stands; 0 = boards change by hand alone.
	Rotation time.Duration
	// Banner is asked each second for what stands at the top; nil = nothing.
	Banner func() *board.Banner
	// Remember is told which board is shown, so that the next start shows it again.
	Remember func(board string)
	// Ack acknowledges an alert; nil where alerts cannot be acknowledged (a replay).
	Ack func(id string) error
	// Keep keeps what people arrange on boards; nil where nothing is kept.
	Keep panels.Keeper
	// Live is asked for documents and logs; nil where nothing is live. A kiosk shows none of them.
	Live model.Inspector
	// Player is what is being played; nil for a live wall.
	Player *Player
	// Changed delivers reloaded configurations, for their boards; nil = never.
	Changed <-chan *config.Config
	// Framed is told what each frame took, as by board.Pump; may be nil.
	Framed func(prepared, shown time.Duration)
	Log    *slog.Logger
}

// Wall is the wallboard's window: it shows one board at a time, changes boards by keyboard and
// rotation, and owns the pump.
type Wall struct {
	o      WallOptions
	env    panels.Env
	window fyne.Window
	view   *board.View
	pump   *board.Pump
	help   *widgets.Picture
	cancel context.CancelFunc

	mu      sync.Mutex // guards what follows: the window, the pump and the director meet here
	boards  []board.Spec
	pages   Pages
	stack   []opened           // over the board, the top last
	sheets  map[subject]string // by name: which sheet of a kind's pages was chosen last
	active  int
	w, h    int
	banner  bool
	paused  bool          // rotation stands still
	span    time.Duration // that all charts show, 0 = their own ranges
	until   time.Duration // left before span ends by itself
	hands   time.Duration // left before panels are told that nobody handles them any more
	current *board.Screen
}

// pumpTick is how often the wall looks for changes: a wall is not an animation.
const pumpTick = time.Second

// NewWall makes the window; Run shows it.
func NewWall(a fyne.App, o WallOptions) (*Wall, error) {
	env, err := o.Look.Env()
	if err != nil {
		return nil, err
	}
	if len(o.Boards) == 0 {
		return nil, fmt.Errorf("there is no board to show: name one under \"boards\" in the configuration")
	}
	env.Keep, env.Fixed = o.Keep, o.Kiosk
	env.Live, env.Withheld = o.Live, o.Kiosk
	a.Settings().SetTheme(newTheme(env.Style.Palette, o.Look.Light))
	w := &Wall{o: o, env: env, boards: o.Boards, pages: o.Pages, sheets: map[subject]string{}, window: a.NewWindow("Nocturne"), view: board.NewView()}
	if i := board.Find(o.Boards, o.Board); i >= 0 {
		w.active = i
	} else if o.Board != "" {
		return nil, fmt.Errorf("no board is named %q: want one of %s", o.Board, board.Names(o.Boards))
	}
	w.pump = board.NewPump(o.Source, fyne.Do, pumpTick)
	w.pump.Show = w.show
	w.pump.Stalled, w.pump.Framed = w.stalled, o.Framed
	w.view.OnResize = w.resized
	w.view.OnTap = w.tapped
	w.view.OnTouched = w.touched
	w.view.OnTab = func(tab int) { w.showSheet(tab) }
	w.window.SetPadded(false)
	w.window.SetContent(w.view)
	w.window.Resize(fyne.NewSize(1280, 720))
	w.window.SetFullScreen(o.Kiosk)
	w.keys()
	w.window.Canvas().Focus(w.view)
	return w, nil
}

// Run shows the window and returns when it has been closed and everything that it started has ended.
func (w *Wall) Run(ctx context.Context) {
	ctx, w.cancel = context.WithCancel(ctx)
	defer w.cancel()
	var owned sync.WaitGroup
	owned.Go(func() { w.pump.Run(ctx) })
	owned.Go(func() { w.direct(ctx) })
	closed := make(chan struct{})
	w.window.SetOnClosed(func() {
		close(closed)
		w.cancel()
	})
	owned.Go(func() { // whoever ends ctx (a signal) closes the window
		select {
		case <-closed:
		case <-ctx.Done():
			select {
			case <-closed:
			default:
				fyne.Do(w.window.Close)
			}
		}
	})
	w.window.ShowAndRun()
	w.cancel()
	owned.Wait()
}

// direct is the director: it rotates boards, takes over reloaded ones, and lets a banner come and go.
func (w *Wall) direct(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	left := w.o.Rotation
	for {
		select {
		case <-ctx.Done():
			return
		case cfg := <-w.o.Changed:
			boards, err := boardsOf(cfg)
			if err != nil {
				w.o.Log.Error("the changed boards are not shown", "error", err)
				continue
			}
			pages, err := PagesOf(cfg)
			if err != nil {
				w.o.Log.Error("the changed pages are not shown", "error", err)
				continue
			}
			w.setBoards(boards, pages)
		case <-tick.C:
			w.updateBanner()
			w.ageRange(time.Second)
			w.ageHands(time.Second)
			if w.o.Rotation <= 0 {
				continue
			}
			w.mu.Lock()
			paused := w.paused || len(w.stack) > 0 // somebody reads a page
			w.mu.Unlock()
			if left -= time.Second; left <= 0 && !paused {
				left = w.o.Rotation
				w.turn(1)
			}
		}
	}
}

// setBoards takes over the boards of a reloaded configuration, staying on the same one by name.
func (w *Wall) setBoards(boards []board.Spec, pages Pages) {
	if len(boards) == 0 {
		return
	}
	w.mu.Lock()
	name := w.boards[w.active].Name
	w.boards, w.pages = boards, pages
	w.active = max(0, board.Find(boards, name))
	w.mu.Unlock()
	w.rebuild()
}

// updateBanner asks what stands at the top; one that comes or goes moves the grid.
func (w *Wall) updateBanner() {
	b := w.bannerNow()
	w.mu.Lock()
	moved := (b != nil) != w.banner
	if !moved && w.current != nil && b != nil {
		w.current.SetBanner(b)
	}
	w.mu.Unlock()
	if moved {
		w.rebuild()
	}
}

func (w *Wall) bannerNow() *board.Banner {
	if w.o.Banner == nil {
		return nil
	}
	return w.o.Banner()
}

// rebuild makes the screen of the active board at the window's size.
func (w *Wall) rebuild() {
	b := w.bannerNow()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.w <= 0 || w.h <= 0 {
		return
	}
	w.banner = b != nil
	env := w.env
	env.Range = w.span
	spec := w.boards[w.active]
	o := board.Options{
		W: w.w, H: w.h, TextScale: w.o.Look.TextScale, Env: env,
		Board: w.active, Boards: len(w.boards), Banner: b,
	}
	if n := len(w.stack); n > 0 {
		page := w.stack[n-1]
		o.Trail = append([]string{spec.In(env.Lang)}, page.Trail...)
		o.Tabs, o.Tab = page.Tabs(env.Lang), page.sheet
		spec = page.Sheets[page.sheet].Spec
	}
	w.current = board.NewScreen(spec, o)
	w.pump.SetScreen(w.current)
}

// resized is called by the view on the main goroutine.
func (w *Wall) resized(width, height int) {
	w.mu.Lock()
	w.w, w.h = width, height
	w.mu.Unlock()
	w.rebuild()
}

// show is called by the pump on the main goroutine.
func (w *Wall) show(s *board.Screen, changes []board.Change, fresh bool) {
	if fresh {
		w.view.SetScreen(s, changes)
		return
	}
	w.view.Pictures(changes)
}

// stalled is told by the pump when the main goroutine stands still, and when it goes on.
func (w *Wall) stalled(d time.Duration) {
	if d > 0 {
		w.o.Log.Error("the window has not taken a frame", "for", d)
		return
	}
	w.o.Log.Warn("the window takes frames again")
}

// turn goes by boards forward or back, round and round.
func (w *Wall) turn(by int) {
	w.mu.Lock()
	n := len(w.boards)
	i := ((w.active+by)%n + n) % n
	w.mu.Unlock()
	w.goTo(i)
}

// goTo shows board i, when there is one.
func (w *Wall) goTo(i int) {
	w.mu.Lock()
	if i < 0 || i >= len(w.boards) || i == w.active && len(w.stack) == 0 {
		w.mu.Unlock()
		return
	}
	w.active, w.stack = i, nil
	name := w.boards[i].Name
	w.mu.Unlock()
	w.rebuild()
	if w.o.Remember != nil {
		w.o.Remember(name)
	}
}

// tapped is called by the view on the main goroutine.
func (w *Wall) tapped(_ int, spot panels.Spot) {
	w.choose(spot)
}

// choose does what a spot is for: it opens the page of its entity, or acknowledges where that is the key, or
// where an alert is about no entity.
func (w *Wall) choose(spot panels.Spot) {
	switch {
	case spot.Alert != "" && (spot.Ack || spot.Entity == ""):
		w.ack(spot.Alert)
	case spot.Entity != "":
		w.openPage(spot.Entity)
	}
}

// handsStand is how long panels stay as people left them: a wall that nobody handles shows what its
// boards were made to show, problems first.
const handsStand = 10 * time.Minute

// touched is called by the view on the main goroutine when somebody has handled a panel.
func (w *Wall) touched() {
	w.mu.Lock()
	w.hands = handsStand
	w.mu.Unlock()
	w.pump.Wake()
}

// ageHands tells the panels when nobody has handled them for long.
func (w *Wall) ageHands(by time.Duration) {
	w.mu.Lock()
	over := w.hands > 0 && w.hands <= by
	w.hands = max(0, w.hands-by)
	current := w.current
	w.mu.Unlock()
	if over {
		w.closePages()
	}
	if over && current != nil && current.Leave() {
		w.pump.Wake()
	}
}

// ack acknowledges an alert, when this wall may.
func (w *Wall) ack(id string) {
	if w.o.Ack == nil || w.o.Kiosk {
		return
	}
	if err := w.o.Ack(id); err != nil {
		w.o.Log.Warn("cannot acknowledge", "alert", id, "error", err)
	}
	w.pump.Wake()
}

// CountFrames makes the wall count the frames that its window has taken in n, for benchmarks.
func (w *Wall) CountFrames(n *atomic.Uint64) { w.pump.Frames = n }

// ackChosen acknowledges the selected alert, else what the header strip names.
func (w *Wall) ackChosen() {
	if s, ok := w.view.Selection(); ok && s.Spot.Alert != "" {
		w.ack(s.Spot.Alert)
		return
	}
	if a := board.Oldest(w.o.Source.Alerts()); a != nil {
		w.ack(a.ID)
	}
}
