package store

import (
	"context"
	"slices"
	"time"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/eventlog"
	"github.com/nocturne-noc/nocturne/store/model"
)

// repeats knows which events with a UID were told lately, so that a source that reads its own past
// anew after a restart does not tell it twice. It remembers what came in this window and the last,
// at most as many as windows keep. It has no lock of its own.
type repeats struct{ current, last map[repeatKey]struct{} }

type repeatKey struct {
	source, uid string
	count       int
}

// again reports whether e was told before, and remembers it. An event without a UID is always new.
func (r *repeats) again(e *model.Event) bool {
	key := repeatKey{e.Source, e.Labels[model.LabelUID], e.Count}
	if key.uid == "" {
		return false
	}
	if _, ok := r.current[key]; ok {
		return true
	}
	if _, ok := r.last[key]; ok {
		return true
	}
	if r.current == nil {
		r.current = map[repeatKey]struct{}{}
	}
	if len(r.current) < maxWindowEvents {
		r.current[key] = struct{}{}
	}
	return false
}

// nextWindow forgets what was told before the window that ends.
func (r *repeats) nextWindow() { r.current, r.last = nil, r.current }

// recallEvents makes repeats know what was told in the last window's length.
func (s *Store) recallEvents(now time.Time) {
	told := now.Add(-bolt.Window)
	parts := slices.DeleteFunc(s.eventParts(), func(p eventlog.Part) bool { return p.Last < told.UnixNano() })
	list, err := eventlog.Search(context.Background(), s.archive.events, parts, model.EventFilter{Limit: maxWindowEvents})
	if err != nil {
		s.log.Warn("events that are told again may show twice", "err", err)
	}
	for _, e := range list {
		s.repeats.again(&e)
	}
}
