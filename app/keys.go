package app

import (
	"image"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"github.com/nocturne-noc/nocturne/widgets"
	"github.com/nocturne-noc/nocturne/widgets/panels"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// keyHelp is what "?" shows; the bindings stand in keys below.
var keyHelp = [][2]string{
	{"F11", "full screen"},
	{"← →", "previous, next board; on a page, sheet"},
	{"1 – 9", "board by number; on a page, sheet"},
	{"Space", "pause or go on: replay, rotation"},
	{"[ ]", "replay slower, faster"},
	{", .", "replay 30 s back, forward"},
	{"− +", "charts over a longer, shorter time"},
	{"Tab ↓ ↑", "select what is on the board, worst first"},
	{"Enter", "open the page of what is selected"},
	{"A", "acknowledge the selected alert, else the one in the header"},
	{"/", "search the map, a document, a log"},
	{"N ⇧N", "next match of a search, the one before"},
	{"PgUp PgDn", "document, log: one page up, down"},
	{"C P W", "log: next container, the one before its restart, lines cut or whole"},
	{"Z X 0", "map nearer, farther, whole"},
	{"L U", "map: let devices be dragged, give one its own place back"},
	{"?", "these keys"},
	{"Esc", "one step back: this list, page, charts, full screen"},
	{"Ctrl+Q", "quit"},
}

// keys binds the keyboard.
func (w *Wall) keys() {
	c := w.window.Canvas()
	onKey := func(e *fyne.KeyEvent) {
		if w.help == nil && e.Name != fyne.KeyF11 && w.view.Key(string(e.Name), 0) {
			return
		}
		switch e.Name {
		case fyne.KeyF11:
			if !w.o.Kiosk {
				w.window.SetFullScreen(!w.window.FullScreen())
			}
		case fyne.KeyLeft, fyne.KeyPageUp:
			if e.Name != fyne.KeyLeft || !w.turnSheet(-1) {
				w.turn(-1)
			}
		case fyne.KeyRight, fyne.KeyPageDown:
			if e.Name != fyne.KeyRight || !w.turnSheet(1) {
				w.turn(1)
			}
		case fyne.KeyHome:
			w.goTo(0)
		case fyne.KeySpace:
			w.pause()
		case fyne.KeyTab:
			by := 1
			if d, ok := fyne.CurrentApp().Driver().(desktop.Driver); ok && d.CurrentKeyModifiers()&fyne.KeyModifierShift != 0 {
				by = -1
			}
			w.selectNext(by)
		case fyne.KeyDown:
			w.selectNext(1)
		case fyne.KeyUp:
			w.selectNext(-1)
		case fyne.KeyReturn, fyne.KeyEnter:
			if s, ok := w.view.Selection(); ok {
				w.choose(s.Spot)
			}
		case fyne.KeyBackspace:
			w.back()
		case fyne.KeyEscape:
			w.escape()
		}
	}
	onRune := func(r rune) {
		if w.help == nil && w.view.Key("", r) {
			return
		}
		switch {
		case r >= '1' && r <= '9':
			if i := int(r - '1'); !w.showSheet(i) {
				w.goTo(i)
			}
		case r == '?':
			w.toggleHelp()
		case r == '-':
			w.chooseRange(1)
		case r == '+' || r == '=':
			w.chooseRange(-1)
		case r == 'a' || r == 'A':
			w.ackChosen()
		case w.o.Player != nil:
			w.play(r)
		}
	}
	c.SetOnTypedKey(onKey)
	c.SetOnTypedRune(onRune)
	w.view.OnKey, w.view.OnRune = onKey, onRune
	if !w.o.Kiosk {
		c.AddShortcut(&desktop.CustomShortcut{KeyName: fyne.KeyQ, Modifier: fyne.KeyModifierShortcutDefault},
			func(fyne.Shortcut) { w.window.Close() })
	}
}

// pause stops or goes on with what moves by itself: the replay, else the rotation of boards.
func (w *Wall) pause() {
	if w.o.Player != nil {
		w.o.Player.Toggle()
		w.updateBanner()
		w.pump.Wake()
		return
	}
	w.mu.Lock()
	w.paused = !w.paused
	w.mu.Unlock()
}

// play handles the keys of a replay.
func (w *Wall) play(r rune) {
	switch r {
	case '[':
		w.o.Player.Faster(0.5)
	case ']':
		w.o.Player.Faster(2)
	case ',':
		w.o.Player.Skip(-30 * time.Second)
	case '.':
		w.o.Player.Skip(30 * time.Second)
	default:
		return
	}
	w.updateBanner()
	w.pump.Wake()
}

// escape goes one step back: it closes the help, else gives the charts their own ranges again, else
// leaves full screen.
func (w *Wall) escape() {
	switch {
	case w.help != nil:
		w.toggleHelp()
	case w.view.Unselect():
	case w.back():
	case w.setRange(0):
	case !w.o.Kiosk && w.window.FullScreen():
		w.window.SetFullScreen(false)
	}
}

// toggleHelp shows or hides the keys over the board.
func (w *Wall) toggleHelp() {
	c := w.window.Canvas()
	if w.help != nil {
		c.Overlays().Remove(w.help)
		w.help = nil
		return
	}
	env := w.env
	scale := float64(c.Scale())
	env.Style.K = scale
	width, height := int(560*scale), int(float64(72+44*len(keyHelp))*scale)
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	paintHelp(plot.NewCanvas(img, env.Face), env)
	w.help = widgets.NewPicture()
	w.help.SetImage(img)
	w.help.OnTapped = func(float64, float64) { w.toggleHelp() }
	size := fyne.NewSize(float32(width)/c.Scale(), float32(height)/c.Scale())
	c.Overlays().Add(w.help)
	w.help.Resize(size)
	w.help.Move(fyne.NewPos((c.Size().Width-size.Width)/2, (c.Size().Height-size.Height)/2))
}

// paintHelp draws the list of keys.
func paintHelp(c *plot.Canvas, env panels.Env) {
	p, k := env.Style.Palette, env.Style.K
	r := c.Bounds()
	c.Clear(p.Raised)
	c.StrokeRound(r, 6*k, 1.5*k, p.Outline, nil)
	c.Text(24*k, 40*k, env.Text("Keys"), plot.Font{Size: 22 * k, Bold: true}, p.Text)
	y := 84 * k
	for _, row := range keyHelp {
		bold, regular := plot.Font{Size: 18 * k, Bold: true}, plot.Font{Size: 18 * k}
		w := c.Measure(row[0], bold) + 20*k
		box := plot.Rect{X: 24 * k, Y: y - 22*k, W: w, H: 32 * k}
		c.StrokeRound(box, 4*k, k, p.Outline, nil)
		c.Text(box.X+10*k, y, row[0], bold, p.Text)
		c.Text(150*k, y, c.Ellipsis(env.Text(row[1]), regular, r.W-174*k), regular, p.Text2)
		y += 44 * k
	}
}
