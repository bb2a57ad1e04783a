package store

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

// cleanEvery is how often retention is looked at.
const cleanEvery = time.Hour

// keeper looks after the sealed files, in a goroutine of its own: it seals windows, rolls them up,
// and removes what is too old or too much. It does one heavy thing at a tick.
type keeper struct {
	mu        sync.Mutex // held while it works
	retryAt   time.Time  // after a failure
	cleanedAt time.Time  // retention was last looked at
	sealedTo  int64      // all windows that start before this Unix millisecond were sealed when it was last looked at
	caughtUp  bool       // every tier has what it should
	again     map[int64]struct{}
	skip      map[skipKey]struct{} // windows out of which nothing could be made
	told      string               // the last thing that tellOnce told

	harmMu sync.Mutex
	harm   []harm // found by readers, not yet set aside
}

type skipKey struct {
	tier  *bolt.Tier
	start int64
}

// harm is damage that a reader came upon.
type harm struct {
	file *bolt.File
	tier *bolt.Tier
	err  error
}

// keep does what is due on the sealed files.
func (s *Store) keep(now time.Time) {
	s.keeper.mu.Lock()
	defer s.keeper.mu.Unlock()
	if wait := s.keeper.retryAt.Sub(now); wait > 0 && wait <= retryEvery {
		return
	}
	err := s.keepOnce(now)
	if err != nil {
		s.keeper.retryAt = now.Add(retryEvery)
	}
	s.setHealth(keeping, err, now)
}

func (s *Store) keepOnce(now time.Time) error {
	if s.offline != nil {
		if err := s.goOnline(); err != nil {
			s.setHealth(writing, err, now)
			return s.sealBefore(limitOf(now)) // bounds what waits in memory
		}
	}
	s.setAsideHarm(now)
	if err := s.sealBefore(limitOf(now)); err != nil || s.dir == nil {
		return err
	}
	if !s.keeper.caughtUp {
		more, err := s.catchUp(now)
		if err != nil {
			return err
		}
		s.keeper.caughtUp = !more
	}
	if now.Sub(s.keeper.cleanedAt).Abs() >= cleanEvery {
		s.keeper.cleanedAt = now
		return s.clean(now)
	}
	return nil
}

// rollUpWindow makes the 5 minute rollup of a window of samples.
func (s *Store) rollUpWindow(data *bolt.WindowData) error {
	s.keeper.caughtUp = false // a day may be complete now
	rolled, err := rollUp(data)
	if err != nil {
		return err
	}
	day := bolt.OneHour.Start(data.Start)
	if s.keeper.again == nil {
		s.keeper.again = map[int64]struct{}{}
	}
	s.keeper.again[day] = struct{}{}
	return s.put(bolt.FiveMinutes, data.Start, rolled)
}

// put keeps a rollup, and remembers when there was nothing to keep.
func (s *Store) put(tier *bolt.Tier, start int64, data *bolt.WindowData) error {
	if data == nil {
		s.skip(tier, start)
		return nil
	}
	w, err := s.dir.Put(tier, data)
	if err != nil {
		return s.remedy(err)
	}
	s.archive.add(tier, w)
	return nil
}

func (s *Store) skip(tier *bolt.Tier, start int64) {
	if s.keeper.skip == nil {
		s.keeper.skip = map[skipKey]struct{}{}
	}
	s.keeper.skip[skipKey{tier, start}] = struct{}{}
}

func (s *Store) skipped(tier *bolt.Tier, start int64) bool {
	_, ok := s.keeper.skip[skipKey{tier, start}]
	return ok
}

// catchUp makes one rollup that is missing: because the program died between two writes, because a
// file was damaged, or because history was begun by a version without rollups. The latest come first.
// It says whether there may be more.
func (s *Store) catchUp(now time.Time) (more bool, err error) {
	fine := s.archive.list(bolt.FiveMinutes)
	keptFrom := now.Add(-s.opts.Retention5m).UnixMilli()
	for _, w := range slices.Backward(s.archive.list(bolt.Raw)) {
		_, there := slices.BinarySearchFunc(fine, w, byStart)
		if there || w.Samples == 0 || w.Start < keptFrom || s.skipped(bolt.FiveMinutes, w.Start) {
			continue
		}
		data, err := thaw(w)
		if err == nil {
			err = s.rollUpWindow(data)
		}
		return true, s.forgiven(err, w, bolt.FiveMinutes, w.Start)
	}
	coarse := s.archive.list(bolt.OneHour)
	keptFrom = now.Add(-s.opts.Retention1h).UnixMilli()
	day := bolt.OneHour.Window.Milliseconds()
	for end := len(fine); end > 0; {
		start := bolt.OneHour.Start(fine[end-1].Start)
		from, _ := slices.BinarySearchFunc(fine, bolt.SealedWindow{WindowInfo: bolt.WindowInfo{Start: start}}, byStart)
		windows := fine[from:end]
		end = from
		_, there := slices.BinarySearchFunc(coarse, bolt.SealedWindow{WindowInfo: bolt.WindowInfo{Start: start}}, byStart)
		_, again := s.keeper.again[start]
		if there && !again || start+day > limitOf(now) || start < keptFrom || s.skipped(bolt.OneHour, start) {
			continue
		}
		data, err := mergeDay(start, windows)
		if err == nil {
			err = s.put(bolt.OneHour, start, data)
		}
		delete(s.keeper.again, start)
		return true, s.forgiven(err, windows[0], bolt.OneHour, start)
	}
	return false, nil
}

// forgiven lets the others go on when a window cannot be rolled up because what it is made of is
// damaged: that is set aside, and what is left is tried again.
func (s *Store) forgiven(err error, from bolt.SealedWindow, tier *bolt.Tier, start int64) error {
	switch {
	case errors.Is(err, bolt.ErrDamaged):
		s.damaged(from, err)
		s.skip(tier, start)
		return nil
	case errors.Is(err, fs.ErrClosed): // removed meanwhile
		return nil
	default:
		return err
	}
}

// damaged is told by readers that a window cannot be read. Its file is set aside at the next tick: not
// here, because that waits for all readers.
func (s *Store) damaged(w bolt.SealedWindow, err error) {
	s.keeper.harmMu.Lock()
	defer s.keeper.harmMu.Unlock()
	if !slices.ContainsFunc(s.keeper.harm, func(h harm) bool { return h.file == w.File }) {
		s.keeper.harm = append(s.keeper.harm, harm{w.File, w.Tier, err})
	}
}

// setAsideHarm takes the files that readers found damaged out of history, each with one event.
func (s *Store) setAsideHarm(now time.Time) {
	s.keeper.harmMu.Lock()
	list := s.keeper.harm
	s.keeper.harm = nil
	s.keeper.harmMu.Unlock()
	if len(list) == 0 || s.dir == nil || s.offline != nil {
		return
	}
	for _, h := range list {
		err := s.dir.SetAside(h.file, h.err)
		s.log.Error("history is damaged", "err", errors.Join(h.err, err))
		s.tell(now, model.Warning, fmt.Sprintf("%s is damaged and set aside; the rest goes on: %v", h.file.Path(), errors.Join(h.err, err)))
	}
	s.relist()
	s.keeper.caughtUp = false // rollups are made again from the samples, as far as those are there
	clear(s.keeper.skip)
}

// tell makes an event about history.
func (s *Store) tell(now time.Time, severity model.State, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.event(model.Event{Time: now, Severity: severity, Kind: "store", Title: "history", Text: text, Source: "store"})
	s.commit()
}

// relist tells the archive what the folder has after files were removed.
func (s *Store) relist() {
	if err := s.listWindows(); err != nil {
		s.log.Error("history cannot be listed", "err", err)
	}
	damage := s.damageMarks()
	s.mu.Lock()
	s.damage = damage
	s.mu.Unlock()
}
