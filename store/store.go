// Package store keeps what the wall knows: samples, entities, links, events, alerts and source
// rows, now and in the past. A Store is the only writer of its data folder. Everybody else reads it
// as a model.Source, by PromQL, or as of an earlier moment.
package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/prometheus/promql"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Defaults of Options.
const (
	DefaultRetention = 30 * 24 * time.Hour
	DefaultTick      = time.Second
)

// Options say where and how to keep history. All are optional but Dir.
type Options struct {
	Dir       string           // the data folder, made when missing; "" keeps everything in memory only
	Retention time.Duration    // whole days older than this are removed; 0 = DefaultRetention
	Now       func() time.Time // the clock; nil = time.Now
	Log       *slog.Logger     // nil = silence
	Tick      time.Duration    // what was applied is on disk after at most this; 0 = DefaultTick
	ReadOnly  bool             // reads what is there; Apply fails
}

// ErrClosed is what a closed Store answers.
var ErrClosed = errors.New("the store is closed")

// ErrReadOnly is what Apply answers on a Store that was opened read-only.
var ErrReadOnly = errors.New("the store was opened read-only: stop here or open it without ReadOnly")

// Store is safe for concurrent use. Each read sees a batch entirely or not at all; a query that selects
// several times may see the latest batch in its later selections only.
type Store struct {
	opts    Options
	log     *slog.Logger
	engine  *promql.Engine
	ranges  *rangeCache
	dir     *bolt.Dir // nil when there is no data folder
	archive *archive
	stop    context.CancelFunc
	ticking sync.WaitGroup

	disk disk

	mu      sync.RWMutex // guards all below
	closed  bool
	at      int64 // Unix milliseconds of the last change: the clock, but never running backwards
	head    *head
	world   *world
	windows []*stateWindow // not sealed yet, in time order; the last one is open
	journal journal
	lastID  uint64 // of an event
	repeats repeats
	gen     uint64 // rises with each batch
	// The series of each scope's last complete batch: those that are missing from the next one ended.
	scopeSeries map[scopeKey][]*memSeries
	dropped     Dropped
	health      error
}

// Dropped counts what was not kept, since the store was opened.
type Dropped struct {
	Late      uint64 // older than the series' last sample, or than the open window
	Duplicate uint64 // another value at the same time
	Future    uint64 // more than ten minutes ahead of the clock
	Labels    uint64 // labels that no series may have
	Events    uint64 // more than 200,000 in one two-hour window
}

// Dropped returns how many samples were not kept, and why.
func (s *Store) Dropped() Dropped {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.dropped
}

// Engine is the PromQL engine, for rules.
func (s *Store) Engine() *promql.Engine { return s.engine }

// Now is the clock of all panels.
func (s *Store) Now() time.Time { return s.opts.Now() }

// Revs says what has changed.
func (s *Store) Revs() model.Revs {
	s.mu.Lock() // counting what turned stale changes the counters
	defer s.mu.Unlock()
	return s.world.Revs(s.opts.Now())
}

// Query evaluates PromQL at one instant.
func (s *Store) Query(ctx context.Context, expr string, at time.Time) ([]model.Series, error) {
	return instant(ctx, s.engine, s.Queryable(), expr, at)
}

// QueryRange evaluates PromQL from start to end in steps. Steps that were answered before and cannot
// change any more are not evaluated again: the answer is shared and must not be changed.
func (s *Store) QueryRange(ctx context.Context, expr string, start, end time.Time, step time.Duration) ([]model.Series, error) {
	return s.ranges.query(expr, start, end, step, s.opts.Now(), func(start, end time.Time) ([]model.Series, error) {
		return ranged(ctx, s.engine, s.Queryable(), expr, start, end, step)
	})
}

// QueryBand tells no more than QueryRange yet.
func (s *Store) QueryBand(context.Context, string, time.Time, time.Time, time.Duration) (low, high []model.Series, err error) {
	return nil, nil, nil
}

// Marks knows of none yet.
func (s *Store) Marks(time.Time, time.Time) []model.Mark { return nil }

// Entities are sorted by ID.
func (s *Store) Entities(f model.Filter) []model.Entity {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.world.Entities(f, s.opts.Now())
}

// Links are sorted by key.
func (s *Store) Links(f model.Filter) []model.Link {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.world.Links(f, s.opts.Now())
}

// Events are newest first.
func (s *Store) Events(f model.EventFilter) []model.Event {
	list, err := pickEvents(s.eventWindows(), f)
	if err != nil {
		s.log.Error("events are missing from the answer", "err", err)
	}
	return list
}

// Alerts are the active ones.
func (s *Store) Alerts() []model.Alert {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.world.Alerts()
}

// Sources is one row per target of each configured source.
func (s *Store) Sources() []model.SourceStatus {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.world.Sources()
}

// Replay reports that this is live.
func (s *Store) Replay() (start, end time.Time, replay bool) {
	return time.Time{}, time.Time{}, false
}

// eventWindows lists the sealed and the open windows.
func (s *Store) eventWindows() []eventWindow {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := s.archive.eventWindows()
	for _, w := range s.windows {
		events := w.events
		list = append(list, eventWindow{w.start, func() ([]model.Event, error) { return events, nil }})
	}
	return list
}

var _ model.Source = (*Store)(nil)
