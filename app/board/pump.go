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

	// Frames counts the frames that the window has taken.
	Frames *atomic.Uint64

	next atomic.Pointer[Screen]
	wake chan struct{}
}

// stallAfter is how long the main goroutine may keep a frame waiting before that is worth an event.
const stallAfter = 5 * time.Second

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
		if s := p.next.Load(); s != nil {
			beat := int(time.Since(start) / time.Second)
			changes := s.Update(ctx, p.Source, beat)
			if ctx.Err() != nil {
				return
			}
			if p.next.Load() == s { // else a newer screen came meanwhile: this one is not worth showing
				fresh := s != shown
				if !p.show(ctx, s, changes, fresh) {
					return
				}
				shown = s
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		case <-ticker.C:
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
