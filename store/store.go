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

	DefaultRetention5m        = 365 * 24 * time.Hour
	DefaultRetention1h        = 5 * 365 * 24 * time.Hour
	DefaultMaxSeriesPerSource = 200_000
)

// Options say where and how to keep history. All are optional but Dir.
type Options struct {
	Dir       string           // the data folder, made when missing; "" keeps everything in memory only
	Retention time.Duration    // whole days older than this are removed; 0 = DefaultRetention
	Now       func() time.Time // the clock; nil = time.Now
	Log       *slog.Logger     // nil = silence
	Tick      time.Duration    // what was applied is on disk after at most this; 0 = DefaultTick

	Retention5m        time.Duration // of the 5 minute rollups; 0 = DefaultRetention5m
	Retention1h        time.Duration // of the 1 hour rollups; 0 = DefaultRetention1h
	MaxBytes           int64         // of all files together: the oldest are removed beyond it; 0 = no cap
	MaxSeriesPerSource int           // in one window: new ones are left out beyond it; 0 = DefaultMaxSeriesPerSource
	ReadOnly           bool          // reads what is there; Apply fails
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
	engine  *queryEngine
	ranges  *rangeCache
	dir     *bolt.Dir // nil when there is no data folder
	archive *archive
	stop    context.CancelFunc
	ticking sync.WaitGroup

	disk       disk
	keeper     keeper
	offline    error // why the folder could not be opened for writing; s.dir is then open for reading, or nil
	unreadable bool  // nor for reading

	mu      sync.RWMutex // guards all below
	closed  bool
	at      int64 // Unix milliseconds of the last change: the clock, but never running backwards
	left    int64 // at, as it was when the store was opened
	head    *head
	world   *world
	windows []*stateWindow // not sealed yet, in time order; the last one is open
	journal journal
	lastID  uint64 // of an event
	repeats repeats
	gen     uint64 // rises with each batch
	lists   map[listKey]*seriesList
	dropped Dropped
	health  health
	damage  []model.Mark // files that are set aside
}

// Dropped counts what was not kept, since the store was opened.
type Dropped struct {
	Late      uint64 // older than the series' last sample in that window, or than the open windows
	Duplicate uint64 // another value at the same time
	Future    uint64 // more than ten minutes ahead of the clock
	Labels    uint64 // labels that no series may have
	Series    uint64 // of new series of a source that has too many
	Memory    uint64 // waited in memory for a disk that took nothing for a day
	Events    uint64 // more than 200,000 in one two-hour window
}

// Dropped returns how many samples were not kept, and why.
func (s *Store) Dropped() Dropped {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.dropped
}

// Engine is the PromQL engine, for rules and everybody else. It reads rollups where they are true: see plan.
func (s *Store) Engine() promql.QueryEngine { return s.engine }

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
	return s.panels().line(ctx, expr, start, end, step)
}

// QueryBand is the lowest and highest of each line of QueryRange within each step, kept like QueryRange.
func (s *Store) QueryBand(ctx context.Context, expr string, start, end time.Time, step time.Duration) (low, high []model.Series, err error) {
	return s.panels().band(ctx, expr, start, end, step)
}

func (s *Store) panels() panels { return panels{s.engine, s.Queryable(), s.ranges, s.opts.Now} }

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
	list := s.world.Sources()
	now := s.Now()
	for i := range list {
		// Who tells the rows may have ended: a folder that nobody writes to must not say that all is well.
		if row := &list[i]; !row.LastOK.IsZero() && (row.State == model.OK || row.State == model.Warning) && model.IsStale(now, row.LastOK, row.Every) {
			row.State, row.Since, row.Error = model.Stale, row.LastOK, "nothing heard since "+row.LastOK.Format(time.TimeOnly)
		}
	}
	return list
}

// Replay reports that this is live.
func (s *Store) Replay() (start, end time.Time, replay bool) {
	return time.Time{}, time.Time{}, false
}

var _ model.Source = (*Store)(nil)
