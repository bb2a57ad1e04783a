package store

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

// task is one of the two things that may fail on a disk, each in its own goroutine.
type task int

const (
	writing task = iota // ahead, at each tick
	keeping             // sealing, rolling up, removing
)

// health is what fails now, by task.
type health struct {
	errs  [2]error
	given uint64 // samples that were dropped from memory since
}

// err is nil when all is well.
func (h *health) err() error {
	err := errors.Join(h.errs[:]...)
	if err != nil && h.given > 0 {
		err = fmt.Errorf("%w (%d samples that waited for it are lost)", err, h.given)
	}
	return err
}

// Health is nil while everything that is applied also reaches the disk.
func (s *Store) Health() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.health.err()
}

var errStillFailing = errors.New("waiting to try again")

// setHealth notes how a task fares: it makes one event when writing begins to fail, and one when all
// works again.
func (s *Store) setHealth(t task, err error, now time.Time) {
	if errors.Is(err, errStillFailing) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.health.err()
	s.health.errs[t] = err
	after := s.health.err()
	e := model.Event{Time: now, Kind: "store", Title: "history", Source: "store"}
	switch {
	case before == nil && after != nil:
		e.Severity, e.Text = model.Critical, "history is kept in memory only: "+after.Error()
		s.log.Error("history cannot be written", "err", after)
	case before != nil && after == nil:
		e.Severity, e.Text = model.OK, "history is being written again"
		if n := s.health.given; n > 0 {
			e.Severity, e.Text = model.Warning, fmt.Sprintf("%s; %d samples of the time between are lost", e.Text, n)
		}
		s.health.given = 0
		s.log.Info("history is being written again")
	}
	if e.Text != "" && !s.closed {
		s.event(e)
		s.commit()
	}
}

// offlineError says why nothing has reached the disk since the store was opened.
func (s *Store) offlineError() error {
	err := fmt.Errorf("nothing is kept, the wall runs from memory: %w", s.offline)
	if s.unreadable {
		return fmt.Errorf("%w: earlier history cannot be read either: make %s writable and start anew", err, s.opts.Dir)
	}
	return s.remedy(err)
}

// goOnline opens for writing a folder that could not be written when the store was opened, and writes
// what was missed. What cannot be read is not written over.
func (s *Store) goOnline() error {
	if s.unreadable {
		return errStillFailing
	}
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	// Readers of the old one find its files closed, as if retention had removed them, for a moment.
	if err := s.dir.Close(); err != nil {
		s.log.Error("data folder", "err", err)
	}
	dir, err := bolt.OpenDir(s.opts.Dir, false)
	if err != nil {
		s.offline = err
		var again error
		if dir, again = bolt.OpenDir(s.opts.Dir, true); again != nil {
			s.unreadable, s.dir = true, nil
			return s.offlineError()
		}
	} else {
		s.offline = nil
	}
	s.dir = dir
	if listed := s.listWindows(); listed != nil {
		return listed
	}
	if s.offline != nil {
		return s.offlineError()
	}
	s.keeper.sealedTo = math.MinInt64 // what waited is due now
	return s.rotate()
}
