package store

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sort"
	"sync"
	"time"

	"github.com/prometheus/prometheus/storage"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

// View shows history as of the moment that a clock says: samples, events, entities, links, alerts
// and source rows, with staleness judged by that clock. It implements model.Source.
type View struct {
	clock      func() time.Time
	start, end func() time.Time
	history    func() []stateRef
	findEvents func(context.Context, model.EventFilter) ([]model.Event, error)
	queryable  storage.Queryable
	engine     *queryEngine
	ranges     *rangeCache
	log        *slog.Logger

	mu    sync.Mutex // guards all below
	world *world
	at    int64 // what the world is as of, Unix milliseconds
	from  int64 // start of the window that it was made from
	done  int   // how much of that window's changes is in it, in bytes
	none  bool  // there is no window at or before at
}

// stateRef is one window of the state log.
type stateRef struct {
	start int64 // Unix milliseconds
	state func() (checkpoint, changes []byte, err error)
}

func newView(clock func() time.Time, log *slog.Logger) *View {
	return &View{clock: clock, log: log, ranges: newRangeCache(), world: newWorld(), at: math.MinInt64, none: true}
}

// limited hides what is later than the clock.
func (v *View) limited(h history) storage.Queryable {
	return queryable{history: h, clock: func() int64 { return v.clock().UnixMilli() }}
}

// seek makes the world that of the clock: onward by the changes since, or from a checkpoint.
func (v *View) seek(now time.Time) error {
	at := now.UnixMilli()
	refs := v.history()
	i := sort.Search(len(refs), func(i int) bool { return refs[i].start > at }) - 1
	if i < 0 {
		if !v.none {
			v.replace(newWorld())
			v.none = true
		}
		v.at = at
		return nil
	}
	if !v.none && at == v.at {
		return nil
	}
	checkpoint, changes, err := refs[i].state()
	if err != nil {
		return err
	}
	if v.none || refs[i].start != v.from || at < v.at {
		w, err := worldOf(checkpoint)
		if err != nil {
			return fmt.Errorf("checkpoint of %v: %w", time.UnixMilli(refs[i].start).UTC(), err)
		}
		v.replace(w)
		v.none, v.from, v.done = false, refs[i].start, 0
	}
	for rest := changes[min(v.done, len(changes)):]; len(rest) > 0; {
		c, next, err := decodeChange(rest)
		if err != nil {
			return err
		}
		if c.at > at {
			break
		}
		if err := c.apply(v.world); err != nil {
			return err
		}
		v.done += len(rest) - len(next)
		rest = next
	}
	v.at = at
	return nil
}

// replace takes another world, whose counters go on from those of the old one.
func (v *View) replace(w *world) {
	old := v.world.revs
	w.revs = model.Revs{Samples: old.Samples, Entities: old.Entities + 1, Events: old.Events, Alerts: old.Alerts + 1, Sources: old.Sources + 1}
	v.world = w
}

// at runs do on the world as of the clock. What cannot be read leaves the world as it was.
func read[T any](v *View, do func(w *world, now time.Time) T) T {
	now := v.clock()
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.seek(now); err != nil {
		v.log.Error("the state of that time cannot be read", "time", now, "err", err)
	}
	return do(v.world, now)
}

// Now is the clock of all panels.
func (v *View) Now() time.Time { return v.clock() }

// Revs says what has changed. Samples and events are counted by the second of the clock.
func (v *View) Revs() model.Revs {
	return read(v, func(w *world, now time.Time) model.Revs {
		r := w.Revs(now)
		r.Samples, r.Events = uint64(now.Unix()), uint64(now.Unix())
		return r
	})
}

// Query evaluates PromQL at one instant.
func (v *View) Query(ctx context.Context, expr string, at time.Time) ([]model.Series, error) {
	return instant(ctx, v.engine, v.queryable, expr, at)
}

// QueryRange evaluates PromQL from start to end in steps.
func (v *View) QueryRange(ctx context.Context, expr string, start, end time.Time, step time.Duration) ([]model.Series, error) {
	return v.panels().line(ctx, expr, start, end, step)
}

// QueryBand is the lowest and highest of each line of QueryRange within each step.
func (v *View) QueryBand(ctx context.Context, expr string, start, end time.Time, step time.Duration) (low, high []model.Series, err error) {
	return v.panels().band(ctx, expr, start, end, step)
}

func (v *View) panels() panels { return panels{v.engine, v.queryable, v.ranges, v.clock} }

// Marks are those that were known by then.
func (v *View) Marks(start, end time.Time) []model.Mark {
	return read(v, func(w *world, _ time.Time) []model.Mark { return w.Marks(start, end) })
}

// Entities are sorted by ID.
func (v *View) Entities(f model.Filter) []model.Entity {
	return read(v, func(w *world, now time.Time) []model.Entity { return w.Entities(f, now) })
}

// Links are sorted by key.
func (v *View) Links(f model.Filter) []model.Link {
	return read(v, func(w *world, now time.Time) []model.Link { return w.Links(f, now) })
}

// Alerts are the active ones.
func (v *View) Alerts() []model.Alert {
	return read(v, func(w *world, _ time.Time) []model.Alert { return w.Alerts() })
}

// Sources is one row per target of each configured source.
func (v *View) Sources() []model.SourceStatus {
	return read(v, func(w *world, _ time.Time) []model.SourceStatus { return w.Sources() })
}

// Replay reports what span the clock may show.
func (v *View) Replay() (start, end time.Time, replay bool) { return v.start(), v.end(), true }

var _ model.Source = (*View)(nil)

// refs are the windows of an archive.
func (a *archive) refs() []stateRef {
	var out []stateRef
	for _, w := range a.list(bolt.Raw) {
		out = append(out, stateRef{
			start: w.Start,
			state: func() ([]byte, []byte, error) { return a.state(w) },
		})
	}
	return out
}

// history lists the sealed and the open windows.
func (s *Store) history() []stateRef {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := s.archive.refs()
	for _, w := range s.windows {
		frozen := *w // what is appended later is not in it
		out = append(out, stateRef{
			start: w.start,
			state: func() ([]byte, []byte, error) { return frozen.checkpoint, frozen.changes, nil },
		})
	}
	return out
}

// At shows the store as of the moment that the clock says, now or earlier. It follows what is
// written meanwhile.
func (s *Store) At(clock func() time.Time) (model.Source, error) {
	s.mu.RLock()
	closed := s.closed
	s.mu.RUnlock()
	if closed {
		return nil, ErrClosed
	}
	v := newView(clock, s.log)
	v.history, v.findEvents, v.engine = s.history, s.FindEvents, s.engine
	v.queryable = v.limited(s)
	v.start = func() time.Time {
		if refs := s.history(); len(refs) > 0 {
			return time.UnixMilli(refs[0].start)
		}
		return s.opts.Now()
	}
	v.end = s.opts.Now
	return v, nil
}
