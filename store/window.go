package store

import (
	"maps"
	"slices"

	"github.com/nocturne-noc/nocturne/store/eventlog"
)

// stateWindow is the world and the events of one window: the checkpoint at its start, all that
// changed since, and what happened.
type stateWindow struct {
	start      int64  // Unix milliseconds
	checkpoint []byte // changes that make the world of that moment
	changes    []byte
	events     eventlog.Log
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
	for _, m := range w.marks {
		put(change{op: opMark, mark: m})
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
