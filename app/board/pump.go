package board

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Pump drives one View: once a tick it updates the screen off the main goroutine and puts all that
// changed up in a single call on the main goroutine. It never queues a second call before the first
// has run, so a blocked window costs memory for one frame and no more.
type Pump struct {
	Source model.Source
	// Do runs f on the main goroutine, soon; fyne.Do in the program.
	Do func(f func())
	// Tick is the time between two updates.
	Tick time.Duration
	// Show puts pictures up; called on the main goroutine. screen is new when fresh is set.
	Show func(screen *Screen, changes []Change, fresh bool)
	// Stalled is told when the main goroutine has not taken a frame for that long, and again (0)
	// when it has recovered. May be nil.
	Stalled func(d time.Duration)
	// Framed is told what a frame took: off the main goroutine to load and paint, and from then on until the window
	// has drawn it, which includes the wait for the display's next tick. Called on the main goroutine; may be nil.
	Framed func(prepared, shown time.Duration)

	// Frames counts the frames that the window has taken.
	Frames *atomic.Uint64

	next atomic.Pointer[Screen]
	wake chan struct{}
}

// stallAfter is how long the main goroutine may keep a frame waiting before that is worth an event.
const stallAfter = 5 * time.Second

// displayTick is within what time Fyne begins to draw what has changed (runGL of its driver).
const displayTick = time.Second / 60

// NewPump returns a pump that still has no screen.
func NewPump(src model.Source, do func(func()), tick time.Duration) *Pump {
	return &Pump{Source: src, Do: do, Tick: tick, Frames: new(atomic.Uint64), wake: make(chan struct{}, 1)}
}

// SetScreen makes the pump drive another screen from now on. Safe from any goroutine.
func (p *Pump) SetScreen(s *Screen) {
	p.next.Store(s)
	p.Wake()
}

// Wake asks for an update before the next tick.
func (p *Pump) Wake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Run pumps until ctx ends.
func (p *Pump) Run(ctx context.Context) {
	ticker := time.NewTicker(p.Tick)
	defer ticker.Stop()
	start := time.Now()
	var shown *Screen
	for {
		var drawn func()
		if s := p.next.Load(); s != nil {
			began := time.Now()
			beat := int(began.Sub(start) / time.Second)
			changes := s.Update(ctx, p.Source, beat)
			if ctx.Err() != nil {
				return
			}
			if p.next.Load() == s { // else a newer screen came meanwhile: this one is not worth showing
				fresh := s != shown
				handed := time.Now()
				if !p.show(ctx, s, changes, fresh) {
					return
				}
				shown = s
				if p.Framed != nil {
					drawn = func() { p.Framed(handed.Sub(began), time.Since(handed)) }
				}
			}
		}
		if !p.rest(ctx, ticker.C, drawn) {
			return
		}
	}
}

// rest waits for the next tick or a Wake; false when ctx has ended. drawn runs on the main goroutine when that has
// drawn what it was given last; nil for nothing.
func (p *Pump) rest(ctx context.Context, tick <-chan time.Time, drawn func()) bool {
	var drawing <-chan time.Time
	if drawn != nil {
		drawing = time.After(displayTick)
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-drawing: // by now it draws, or has drawn
			p.Do(drawn)
		case <-p.wake:
			return true
		case <-tick:
			return true
		}
	}
}

// show hands one frame over and waits until the main goroutine has taken it.
func (p *Pump) show(ctx context.Context, s *Screen, changes []Change, fresh bool) bool {
	taken := make(chan struct{})
	p.Do(func() {
		defer close(taken)
		p.Show(s, changes, fresh)
	})
	timer := time.NewTimer(stallAfter)
	defer timer.Stop()
	stalled := false
	for {
		select {
		case <-taken:
			p.Frames.Add(1)
			if stalled && p.Stalled != nil {
				p.Stalled(0)
			}
			return true
		case <-timer.C:
			stalled = true
			if p.Stalled != nil {
				p.Stalled(stallAfter)
			}
		case <-ctx.Done():
			return false
		}
	}
}
