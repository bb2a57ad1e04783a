package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/eventlog"
	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	// lateEvent is how long after it happened an event may be told and still be found by its time.
	lateEvent = 24 * time.Hour
	// maxWindowEvents and maxWindowEventBytes bound the events of one window: a flood must not take all
	// memory, nor make a window that cannot be sealed.
	maxWindowEvents     = 200_000
	maxWindowEventBytes = 200 << 20
	// eventMemory is how many bytes of unpacked events are kept at hand.
	eventMemory = 64 << 20
	// eventPatience bounds a search: no panel waits longer.
	eventPatience = 2 * time.Second
)

// Events are newest first. A search that takes too long is cut short: the log says so, and FindEvents.
func (s *Store) Events(f model.EventFilter) []model.Event {
	list, err := s.FindEvents(context.Background(), f)
	if err != nil {
		s.log.Warn("events are missing from the answer", "err", err)
	}
	return list
}

// FindEvents is Events that says why the answer is not all there is: it could not be read, or the
// search was cut short (eventlog.ErrCutShort). What is answered beside the error is true.
func (s *Store) FindEvents(ctx context.Context, f model.EventFilter) ([]model.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, eventPatience)
	defer cancel()
	return eventlog.Search(ctx, s.archive.events, s.eventParts(), f)
}

// Events are newest first.
func (v *View) Events(f model.EventFilter) []model.Event {
	list, err := v.FindEvents(context.Background(), f)
	if err != nil {
		v.log.Warn("events are missing from the answer", "err", err)
	}
	return list
}

// FindEvents is Events that says why the answer is not all there is, as Store.FindEvents does.
func (v *View) FindEvents(ctx context.Context, f model.EventFilter) ([]model.Event, error) {
	now := v.clock()
	if f.Until.IsZero() || f.Until.After(now) {
		f.Until = now
	}
	return v.findEvents(ctx, f)
}

// event gives an event its number and logs it, unless it was told before. It happened now at the
// latest: a source whose clock runs ahead cannot hide what it tells.
func (s *Store) event(e model.Event) {
	if s.repeats.again(&e) {
		return
	}
	events := &s.windows[len(s.windows)-1].events
	if events.Len() >= maxWindowEvents || events.Bytes() >= maxWindowEventBytes {
		s.dropped.Events++
		return
	}
	s.lastID++
	e.ID = s.lastID
	if now := time.UnixMilli(s.at); !e.Time.Before(now.Add(time.Millisecond)) {
		e.Time = now
	}
	e = eventlog.Bound(e)
	events.Add(e)
	if err := s.journal.event(&e); err != nil {
		s.log.Error("an event is lost", "title", e.Title, "err", err)
	}
	s.world.revs.Events++
}

// eventParts lists what events there are: sealed windows and open ones.
func (s *Store) eventParts() []eventlog.Part {
	s.mu.RLock()
	defer s.mu.RUnlock()
	parts := s.archive.eventParts()
	for _, w := range s.windows {
		parts = append(parts, w.events.Parts()...)
	}
	return parts
}

// eventsBetween returns the events that happened from one millisecond to another, oldest first.
func (s *Store) eventsBetween(ctx context.Context, from, to int64) ([]model.Event, error) {
	f := model.EventFilter{Since: time.UnixMilli(from), Until: time.UnixMilli(to + 1).Add(-1), Limit: math.MaxInt}
	list, err := eventlog.Search(ctx, s.archive.events, s.eventParts(), f)
	slices.Reverse(list)
	return list, err
}

// findEvents searches the sealed windows.
func (a *archive) findEvents(ctx context.Context, f model.EventFilter) ([]model.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, eventPatience)
	defer cancel()
	return eventlog.Search(ctx, a.events, a.eventParts(), f)
}

// eventParts lists the sealed windows. Nothing is told before it happens, so their ends bound the
// times of their events.
func (a *archive) eventParts() []eventlog.Part {
	windows := a.list(bolt.Raw)
	parts := make([]eventlog.Part, len(windows))
	for i, w := range windows {
		parts[i] = eventlog.Part{
			First: time.UnixMilli(w.Start).Add(-lateEvent).UnixNano(),
			Last:  time.UnixMilli(w.End()).UnixNano() - 1,
			Index: func() (*eventlog.Index, error) { return a.eventIndex(w) },
			Block: func() (*eventlog.Block, error) { return a.eventBlock(w) },
		}
	}
	return parts
}

// eventKey is what the events of a window are cached under.
type eventKey struct {
	file  *bolt.File
	start int64
	index bool
}

// eventBlock reads the events of a window.
func (a *archive) eventBlock(w bolt.SealedWindow) (*eventlog.Block, error) {
	return eventlog.Get(a.events, eventKey{w.File, w.Start, false}, func() (*eventlog.Block, int, error) {
		packed, err := w.File.Events(w.Start)
		if err != nil {
			return nil, 0, err
		}
		b, err := eventlog.Decode(packed)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: window %d: %w", w.File.Path(), w.Start, err)
		}
		return b, b.Bytes(), nil
	})
}

// eventIndex reads what sums up the events of a window, nil when nothing does: in files of version 1.
func (a *archive) eventIndex(w bolt.SealedWindow) (*eventlog.Index, error) {
	return eventlog.Get(a.events, eventKey{w.File, w.Start, true}, func() (*eventlog.Index, int, error) {
		packed, err := w.File.EventIndex(w.Start)
		if err != nil || packed == nil {
			return nil, 100, err
		}
		x, err := eventlog.DecodeIndex(packed)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: window %d: %w", w.File.Path(), w.Start, err)
		}
		return x, x.Bytes(), nil
	})
}
