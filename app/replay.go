package app

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/app/board"
	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/store"
	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// Player is a recording being played: a clock of its own, and the Source that shows the recording as
// it was at that clock. Its methods are safe for concurrent use.
type Player struct {
	rec        *store.Recording
	source     model.Source
	temporary  string // a file to remove at the end
	now        func() time.Time
	start, end time.Time

	mu     sync.Mutex
	began  time.Time // when the present stretch began, by now
	from   time.Time // what the recording's clock showed then
	speed  float64
	paused bool
}

// Speeds that a replay can be played at.
const (
	minSpeed = 1.0 / 4
	maxSpeed = 64
)

// OpenReplay opens a recording and plays it from its start.
func OpenReplay(path string, speed float64, now func() time.Time) (*Player, error) {
	rec, err := store.OpenRecording(path)
	if err != nil {
		return nil, err
	}
	p := &Player{rec: rec, now: now, began: now(), speed: min(max(speed, minSpeed), maxSpeed)}
	p.start, p.end = rec.Extent()
	p.from = p.start
	p.source = rec.View(p.Clock)
	return p, nil
}

// OpenDemo plays the built-in recording, beginning a minute before its first incident.
func OpenDemo(speed float64, now func() time.Time) (*Player, error) {
	f, err := os.CreateTemp("", "nocturne-demo-*.nocturne")
	if err != nil {
		return nil, fmt.Errorf("demo recording: %w", err)
	}
	_, err = f.Write(assets.Demo)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("demo recording %s: %w", f.Name(), err), os.Remove(f.Name()))
	}
	p, err := OpenReplay(f.Name(), speed, now)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("demo recording: %w", err), os.Remove(f.Name()))
	}
	p.temporary = f.Name()
	if first, _ := p.Incidents(); !first.IsZero() {
		p.Seek(first.Add(-time.Minute))
	}
	return p, nil
}

// Close ends the replay.
func (p *Player) Close() error {
	err := p.rec.Close()
	if p.temporary != "" {
		err = errors.Join(err, os.Remove(p.temporary))
	}
	return err
}

// Source shows the recording at the player's clock.
func (p *Player) Source() model.Source { return p.source }

// Extent is the recording's first and last moment.
func (p *Player) Extent() (start, end time.Time) { return p.start, p.end }

// Clock is the recording's time now. At the end it begins again.
func (p *Player) Clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock()
}

func (p *Player) clock() time.Time {
	if p.paused {
		return p.from
	}
	at := p.from.Add(time.Duration(float64(p.now().Sub(p.began)) * p.speed))
	if length := p.end.Sub(p.start); length > 0 && at.After(p.end) {
		at = p.start.Add(at.Sub(p.start) % length)
	}
	return at
}

// change restarts the stretch at the present position after f has changed how it runs.
func (p *Player) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.from, p.began = p.clock(), p.now()
	f()
}

// Seek goes to a moment of the recording, clamped to its extent.
func (p *Player) Seek(t time.Time) {
	if t.Before(p.start) {
		t = p.start
	}
	if t.After(p.end) {
		t = p.end
	}
	p.change(func() { p.from = t })
}

// Skip goes forward or back.
func (p *Player) Skip(d time.Duration) { p.Seek(p.Clock().Add(d)) }

// Toggle pauses or goes on.
func (p *Player) Toggle() { p.change(func() { p.paused = !p.paused }) }

// Paused reports whether the replay stands still.
func (p *Player) Paused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused
}

// Faster multiplies the speed, within bounds.
func (p *Player) Faster(by float64) {
	p.change(func() { p.speed = min(max(p.speed*by, minSpeed), maxSpeed) })
}

// Speed is how many recorded seconds pass in one.
func (p *Player) Speed() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.speed
}

// Incidents finds when the first critical alert of the recording fired, and the moment that shows
// most: shortly after the greatest number of them were firing. Both are zero without any.
func (p *Player) Incidents() (first, height time.Time) {
	view := p.rec.View(func() time.Time { return p.end })
	events := view.Events(model.EventFilter{Kind: "alert", Since: p.start, Until: p.end, Limit: 10_000})
	firing, most := map[string]bool{}, 0
	for i := len(events) - 1; i >= 0; i-- { // oldest first
		e := events[i]
		key := e.Labels["alert"]
		switch e.Labels["transition"] {
		case "fired":
			if e.Severity != model.Critical {
				continue
			}
			if first.IsZero() {
				first = e.Time
			}
			firing[key] = true
		case "resolved":
			delete(firing, key)
		}
		if len(firing) > most {
			most, height = len(firing), e.Time
		}
	}
	if !height.IsZero() {
		height = height.Add(90 * time.Second)
	}
	return first, height
}

// Banner is what stands at the top of a wall that shows the past.
func (p *Player) Banner(look Look) *board.Banner {
	text := look.Text("%s, recorded %s to %s", momentText(look, p.Clock()), p.start.In(look.Loc).Format("15:04"), p.end.In(look.Loc).Format("15:04"))
	b := &board.Banner{Replay: true, Head: look.Text("REPLAY"), Text: text, Right: look.Text("Speed ×%g", p.Speed())}
	if p.Paused() {
		b.Right = look.Text("Paused, Space goes on")
	}
	return b
}

// momentText says an instant in full, in the look's zone and language.
func momentText(look Look, t time.Time) string {
	return board.Moment(t, panels.Env{Style: plot.Style{Loc: look.Loc}, Text: look.Text, Lang: look.Lang})
}
