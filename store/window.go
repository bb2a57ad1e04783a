package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/nocturne-noc/nocturne/store/model"
)

// maxWindowEvents bounds the events of one window: a flood must not take all memory.
const maxWindowEvents = 200_000

// stateWindow is the world and the events of one window: the checkpoint at its start, all that
// changed since, and what happened.
type stateWindow struct {
	start      int64  // Unix milliseconds
	checkpoint []byte // changes that make the world of that moment
	changes    []byte
	events     []model.Event // by time and ID
}

// addEvent puts an event in its place: most come in order, some tell of an earlier time. It says
// no when there are too many.
func (w *stateWindow) addEvent(e model.Event) bool {
	n := len(w.events)
	if n >= maxWindowEvents {
		return false
	}
	if n == 0 || compareEvents(w.events[n-1], e) < 0 {
		w.events = append(w.events, e)
		return true
	}
	i := sort.Search(n, func(i int) bool { return compareEvents(w.events[i], e) > 0 })
	// Readers may hold the old slice: it is not changed in place.
	w.events = slices.Insert(slices.Clone(w.events), i, e)
	return true
}

// openWindow begins the window at start: the world as it is now is its checkpoint.
func (s *Store) openWindow(start int64) error {
	checkpoint, err := s.world.snapshot(start)
	if err != nil {
		return err
	}
	s.windows = append(s.windows, &stateWindow{start: start, checkpoint: checkpoint})
	return nil
}

// snapshot returns the changes that make this world out of an empty one.
func (w *world) snapshot(at int64) ([]byte, error) {
	var b []byte
	var failed error
	put := func(c change) {
		c.at = at
		var err error
		if b, err = c.encode(b); err != nil {
			failed = err
		}
	}
	for _, s := range w.scopes {
		put(change{op: opScope, key: s.key})
		put(change{op: opSeen, scope: s.n, seen: s.seen, every: s.every})
	}
	for _, id := range sortedKeysOf(&w.entityIDs, w.entities) {
		for _, c := range w.entities[id].list {
			put(change{op: opEntity, scope: c.scope.n, entity: c.value})
		}
	}
	for _, key := range sortedKeysOf(&w.linkKeys, w.links) {
		for _, c := range w.links[key].list {
			put(change{op: opLink, scope: c.scope.n, link: c.value})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.alerts)) {
		put(change{op: opAlert, alert: w.alerts[id], value: w.alerts[id].Value})
	}
	for _, row := range w.Sources() {
		put(change{op: opRow, row: row})
	}
	return b, failed
}

// worldOf is the inverse of snapshot.
func worldOf(checkpoint []byte) (*world, error) {
	w := newWorld()
	err := eachChange(checkpoint, func(c *change) error { return c.apply(w) })
	return w, err
}

// eachChange visits changes in order.
func eachChange(b []byte, visit func(*change) error) error {
	for len(b) > 0 {
		c, rest, err := decodeChange(b)
		if err != nil {
			return err
		}
		if err := visit(&c); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// encodeEvents stores events as JSON, each with its length before it.
func encodeEvents(list []model.Event) ([]byte, error) {
	var b []byte
	for i := range list {
		j, err := json.Marshal(&list[i])
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", list[i].ID, err)
		}
		b = appendBytes(b, j)
	}
	return b, nil
}

func decodeEvents(b []byte) ([]model.Event, error) {
	var out []model.Event
	for r := (reader{b: b}); len(r.b) > 0; {
		body := reader{b: r.bytes()}
		var e model.Event
		body.json(&e)
		if r.err != nil || body.err != nil {
			return nil, fmt.Errorf("event %d of the window cannot be read", len(out))
		}
		out = append(out, e)
	}
	return out, nil
}
