package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	// sealGrace is how long after its end a window stays open for late samples.
	sealGrace = 2 * time.Minute
	// retryEvery is how often a disk that failed is tried again.
	retryEvery = 5 * time.Second
	// maxUnsealed bounds the windows that are kept in memory when they cannot be sealed.
	maxUnsealed = 12
)

// disk is what writing needs to know.
type disk struct {
	mu        sync.Mutex // held while something is written
	wal       wal
	retryAt   time.Time // after a failure
	cleanedAt time.Time // retention was last looked at
	sealedTo  int64     // nothing is due before this Unix millisecond
}

// wal is a write-ahead file: a *bolt.WAL, or one that fails.
type wal interface {
	Append(frames []byte) error
	Close() error
}

// Open opens the data folder, or makes it. A folder that another process writes fails with
// bolt.ErrInUse, files of a newer version with bolt.ErrVersion; both are left as they are. What is
// damaged is set aside, with an event that says so.
func Open(opts Options) (*Store, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if opts.Retention == 0 {
		opts.Retention = DefaultRetention
	}
	if opts.Tick == 0 {
		opts.Tick = DefaultTick
	}
	s := &Store{
		opts:        opts,
		log:         opts.Log,
		engine:      newEngine(opts.Log),
		ranges:      newRangeCache(),
		archive:     newArchive(nil),
		at:          math.MinInt64,
		head:        newHead(),
		world:       newWorld(),
		scopeSeries: map[scopeKey][]*memSeries{},
	}
	var damage []error
	if opts.Dir != "" {
		var err error
		if s.dir, err = bolt.OpenDir(opts.Dir, opts.ReadOnly); err != nil {
			return nil, errors.Join(err, s.engine.Close())
		}
		if damage, err = s.restore(); err != nil {
			return nil, errors.Join(err, s.dir.Close(), s.engine.Close())
		}
	}
	if err := s.start(damage); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// start begins the present: the open window, and the goroutine that writes.
func (s *Store) start(damage []error) error {
	now := s.opts.Now()
	if err := s.moveTo(now); err != nil {
		return err
	}
	for _, err := range damage {
		s.log.Error("history is damaged", "err", err)
		if !s.opts.ReadOnly {
			s.event(model.Event{Time: now, Severity: model.Warning, Kind: "store", Title: "history", Text: err.Error(), Source: "store"})
		}
	}
	s.journal.commit()
	if s.opts.ReadOnly {
		return nil
	}
	s.recallEvents(now)
	if s.dir != nil && s.disk.wal == nil {
		if err := s.rotate(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.ticking.Go(func() { s.run(ctx) })
	return nil
}

// restore rebuilds what the folder knows. What it returns first was damaged and left out.
func (s *Store) restore() (damage []error, err error) {
	damage = s.dir.Aside()
	windows, err := s.dir.Windows(bolt.Raw)
	if err != nil {
		return damage, err
	}
	s.archive.set(windows)
	if end, ok := s.archive.end(); ok {
		s.head.sealed = end
	}
	s.journal.begin()
	p := &replay{s: s}
	file, err := s.dir.ReplayWAL(p.frame)
	if file != nil {
		s.disk.wal = file
	}
	if errors.Is(err, bolt.ErrDamaged) {
		damage = append(damage, fmt.Errorf("the write-ahead file is damaged, the rest of it is left out: %w", err))
		if err = nil; !s.opts.ReadOnly {
			err = s.dir.SetAsideWAL()
		}
	}
	if err != nil {
		return damage, err
	}
	if len(s.windows) == 0 && len(windows) > 0 { // the write-ahead file is lost
		if err := s.restoreWorld(windows[len(windows)-1]); err != nil {
			damage = append(damage, err)
		}
	}
	s.windows = slices.DeleteFunc(s.windows, func(w *stateWindow) bool {
		return w.start < s.head.sealed // sealed before the file was rotated
	})
	if s.journal.next > 0 && s.disk.wal == nil && !s.opts.ReadOnly {
		s.journal.lost = true // begun anew from memory by start
	}
	return damage, nil
}

// restoreWorld takes the world from the end of a sealed window.
func (s *Store) restoreWorld(w bolt.SealedWindow) error {
	checkpoint, changes, events, err := w.File.State(w.Start)
	if err != nil {
		return err
	}
	world, err := worldOf(append(checkpoint, changes...))
	if err != nil {
		return fmt.Errorf("%s: window %d: %w", w.File.Path(), w.Start, err)
	}
	s.world, s.at = world, w.End()
	list, err := decodeEvents(events)
	for _, e := range list {
		s.lastID = max(s.lastID, e.ID)
	}
	return err
}

// Close makes everything durable and lets go of the data folder.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	var errs []error
	if s.stop != nil {
		s.stop()
		s.ticking.Wait()
		errs = append(errs, s.flushLast())
	}
	if s.disk.wal != nil {
		errs = append(errs, s.disk.wal.Close())
	}
	if s.dir != nil {
		errs = append(errs, s.dir.Close())
	}
	return errors.Join(append(errs, s.engine.Close())...)
}

func (s *Store) flushLast() error {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	s.disk.retryAt = time.Time{} // the last chance
	return s.flush()
}

// Sync makes durable what was applied before it was called, without waiting for the next tick.
func (s *Store) Sync() error {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	s.mu.RLock()
	err := s.writable()
	s.mu.RUnlock()
	if err != nil {
		return err
	}
	return s.flush()
}

// Health is nil while everything that is applied also reaches the disk.
func (s *Store) Health() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.health
}

// run writes at each tick until the store is closed.
func (s *Store) run(ctx context.Context) {
	ticker := time.NewTicker(s.opts.Tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.tick()
		}
	}
}

// tick makes durable what was applied, seals what is due and removes what is too old.
func (s *Store) tick() {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	now := s.opts.Now()
	s.mu.Lock()
	err := s.moveTo(now)
	s.journal.commit()
	s.mu.Unlock()
	if err == nil {
		err = s.flush()
	}
	if err == nil && !now.Before(s.disk.retryAt) {
		err = s.sealBefore(bolt.WindowStart(now.Add(-sealGrace).UnixMilli()))
	}
	if err == nil && now.Sub(s.disk.cleanedAt).Abs() >= time.Hour {
		s.disk.cleanedAt = now
		err = s.clean(now)
	}
	if err != nil && !errors.Is(err, errStillFailing) {
		s.disk.retryAt = now.Add(retryEvery)
	}
	s.setHealth(err, now)
}

var errStillFailing = errors.New("waiting to try again")

// setHealth makes one event when writing begins to fail, and one when it works again.
func (s *Store) setHealth(err error, now time.Time) {
	if errors.Is(err, errStillFailing) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := model.Event{Time: now, Kind: "store", Title: "history", Source: "store"}
	switch {
	case err != nil && s.health == nil:
		e.Severity, e.Text = model.Critical, "history is kept in memory only: "+err.Error()
		s.log.Error("history cannot be written", "err", err)
	case err == nil && s.health != nil:
		e.Severity, e.Text = model.OK, "history is being written again"
		s.log.Info("history is being written again")
	}
	s.health = err
	if e.Text != "" && !s.closed {
		s.event(e)
		s.journal.commit()
	}
}

// flush writes and syncs what was logged. After a failure it begins a new file from memory.
func (s *Store) flush() error {
	if s.dir == nil {
		return nil
	}
	s.mu.Lock()
	frames, lost := s.journal.take(), s.journal.lost
	s.mu.Unlock()
	if lost || s.disk.wal == nil {
		if s.opts.Now().Before(s.disk.retryAt) {
			return errStillFailing
		}
		return s.rotate()
	}
	if err := s.disk.wal.Append(frames); err != nil {
		s.mu.Lock()
		s.journal.lost = true
		s.mu.Unlock()
		return fmt.Errorf("%w: make room in %s, or make it writable", err, s.opts.Dir)
	}
	return nil
}

// rotate begins a new write-ahead file with all that is not sealed.
func (s *Store) rotate() error {
	s.mu.Lock()
	frames, err := s.snapshot()
	if err != nil {
		s.journal.lost = true
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	next, err := s.dir.RotateWAL(frames)
	if err != nil {
		s.mu.Lock()
		s.journal.lost = true
		s.mu.Unlock()
		return fmt.Errorf("%w: make room in %s, or make it writable", err, s.opts.Dir)
	}
	old := s.disk.wal
	s.disk.wal = next
	if old != nil {
		return old.Close()
	}
	return nil
}

// sealBefore seals all windows that start before limit.
func (s *Store) sealBefore(limit int64) error {
	if limit <= s.disk.sealedTo {
		return nil
	}
	s.mu.Lock()
	due := s.due(limit)
	if len(due) == 0 {
		s.mu.Unlock()
		s.disk.sealedTo = limit
		return nil
	}
	if s.dir == nil { // memory only: keep what fits
		if len(due) > maxUnsealed {
			s.forget(due[len(due)-maxUnsealed])
		}
		s.mu.Unlock()
		s.disk.sealedTo = limit
		return nil
	}
	s.head.sealed = max(s.head.sealed, limit) // nothing is added to them from now on
	var list []*bolt.WindowData
	var err error
	for _, start := range due {
		var w *bolt.WindowData
		if w, err = s.windowData(start); err != nil {
			break
		}
		list = append(list, w)
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	var sealed []bolt.SealedWindow
	for _, data := range list {
		w, err := s.dir.Put(bolt.Raw, data)
		if err != nil {
			s.mu.Lock()
			if len(due) > maxUnsealed {
				s.forget(due[len(due)-maxUnsealed])
			}
			s.mu.Unlock()
			return fmt.Errorf("seal history: %w: make room in %s, or make it writable", err, s.opts.Dir)
		}
		sealed = append(sealed, w)
	}
	s.mu.Lock()
	s.archive.add(sealed...)
	s.forget(limit)
	s.mu.Unlock()
	s.disk.sealedTo = limit
	return s.rotate()
}

// due lists the starts of the windows before limit, in time order. The open one is not among them.
func (s *Store) due(limit int64) []int64 {
	starts := map[int64]struct{}{}
	for _, w := range s.windows[:len(s.windows)-1] {
		if w.start < limit {
			starts[w.start] = struct{}{}
		}
	}
	if open := s.windows[len(s.windows)-1].start; open < limit {
		limit = open // nothing happened since: it goes on
	}
	for _, m := range s.head.series {
		for _, c := range m.chunks {
			if c.window < limit {
				starts[c.window] = struct{}{}
			}
		}
	}
	return slices.Sorted(maps.Keys(starts))
}

// forget drops everything before limit from memory.
func (s *Store) forget(limit int64) {
	s.head.dropSealed(limit)
	open := s.windows[len(s.windows)-1]
	s.windows = slices.DeleteFunc(slices.Clone(s.windows), func(w *stateWindow) bool { return w.start < limit && w != open })
}

// windowData collects what is to be sealed of a window. The chunks do not change any more.
func (s *Store) windowData(start int64) (*bolt.WindowData, error) {
	data := &bolt.WindowData{Start: start, MinT: math.MaxInt64, MaxT: math.MinInt64}
	for _, w := range s.windows {
		if w.start == start {
			events, err := encodeEvents(w.events)
			if err != nil {
				return nil, err
			}
			data.Checkpoint, data.Changes, data.Events = w.checkpoint, w.changes, events
		}
	}
	var series []*memSeries
	for _, m := range s.head.series {
		if slices.ContainsFunc(m.chunks, func(c *headChunk) bool { return c.window == start }) {
			series = append(series, m)
		}
	}
	slices.SortFunc(series, func(a, b *memSeries) int { return labels.Compare(a.labels, b.labels) })
	for _, m := range series {
		var chunks []bolt.Chunk
		for _, c := range m.chunks {
			if c.window == start {
				chunks = append(chunks, bolt.Chunk{Encoding: c.data.Encoding(), Data: c.data.Bytes()})
				data.Samples += c.n
				data.MinT, data.MaxT = min(data.MinT, c.minT), max(data.MaxT, c.maxT)
			}
		}
		data.Series = append(data.Series, m.labels)
		data.Chunks = append(data.Chunks, chunks)
	}
	return data, nil
}

// clean removes the days that are older than the retention.
func (s *Store) clean(now time.Time) error {
	if s.dir == nil {
		return nil
	}
	removed, err := s.dir.Remove(bolt.Raw, now.Add(-s.opts.Retention).UnixMilli())
	if removed {
		windows, listErr := s.dir.Windows(bolt.Raw)
		err = errors.Join(err, listErr)
		if listErr == nil {
			s.archive.set(windows)
		}
	}
	return err
}
