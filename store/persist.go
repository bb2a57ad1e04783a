package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/eventlog"
	"github.com/nocturne-noc/nocturne/store/model"
)

// retryEvery is how often a disk that failed is tried again.
const retryEvery = 5 * time.Second

// disk is what writing ahead needs to know.
type disk struct {
	mu      sync.Mutex // held while the write-ahead file is written
	wal     wal
	retryAt time.Time // after a failure
}

// wal is a write-ahead file: a *bolt.WAL, or one that fails.
type wal interface {
	Append(frames []byte) error
	Close() error
}

// Open opens the data folder, or makes it. A folder that another process writes fails with
// bolt.ErrInUse, files of a newer version with bolt.ErrVersion; both are left as they are. What is
// damaged is set aside, with an event that says so.
//
// A folder that cannot be written (full, read-only, not ours) does not fail: the store goes on in
// memory with as much of history as can be read, Health says why, and what was missed is written as
// soon as the folder can be.
func Open(opts Options) (*Store, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	opts.Retention = cmp.Or(opts.Retention, DefaultRetention)
	opts.Retention5m = cmp.Or(opts.Retention5m, DefaultRetention5m)
	opts.Retention1h = cmp.Or(opts.Retention1h, DefaultRetention1h)
	opts.MaxSeriesPerSource = cmp.Or(opts.MaxSeriesPerSource, DefaultMaxSeriesPerSource)
	opts.Tick = cmp.Or(opts.Tick, DefaultTick)
	s := &Store{opts: opts, log: opts.Log, engine: newEngine(opts.Log), ranges: newRangeCache()}
	s.reset()
	var damage []error
	if opts.Dir != "" {
		var err error
		if damage, err = s.openDir(); err != nil {
			return nil, errors.Join(err, s.engine.Close())
		}
	}
	s.head.limit = opts.MaxSeriesPerSource
	if err := s.start(damage); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// reset makes the store empty, as before anything was read.
func (s *Store) reset() {
	s.archive = newArchive(nil)
	s.archive.damaged = s.damaged
	s.at = math.MinInt64
	s.head, s.world, s.windows = newHead(0), newWorld(), nil
	s.lists = map[listKey]*seriesList{}
	s.journal.lost = true // until there is a file
}

// openDir reads the data folder. When it cannot be written, it is opened for reading only.
func (s *Store) openDir() (damage []error, err error) {
	damage, err = s.openAs(s.opts.ReadOnly)
	if err == nil || s.opts.ReadOnly || !unwritable(err) {
		return damage, err
	}
	s.offline = err
	damage, err = s.openAs(true)
	if errors.Is(err, bolt.ErrInUse) || errors.Is(err, bolt.ErrVersion) {
		return nil, err
	}
	if err != nil {
		s.log.Error("history cannot even be read", "err", err)
		s.unreadable = true
	}
	return damage, nil
}

func (s *Store) openAs(readOnly bool) (damage []error, err error) {
	s.reset()
	if s.dir, err = bolt.OpenDir(s.opts.Dir, readOnly); err != nil {
		s.dir = nil
		return nil, err
	}
	if damage, err = s.restore(readOnly); err == nil {
		return damage, nil
	}
	if s.disk.wal != nil {
		err = errors.Join(err, s.disk.wal.Close())
		s.disk.wal = nil
	}
	err = errors.Join(err, s.dir.Close())
	s.dir = nil
	s.reset()
	return nil, err
}

// unwritable tells a folder that cannot be written now from one that must not be: a foreign file
// version, a second instance.
func unwritable(err error) bool {
	for _, e := range []error{fs.ErrPermission, syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT, syscall.ENOTDIR, syscall.EIO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// start begins the present: the open window, and the goroutines that write.
func (s *Store) start(damage []error) error {
	now := s.opts.Now()
	s.left = s.at
	if err := s.moveTo(now); err != nil {
		return err
	}
	for _, err := range damage {
		s.log.Error("history is damaged", "err", err)
		if !s.opts.ReadOnly {
			s.event(model.Event{Time: now, Severity: model.Warning, Kind: "store", Title: "history", Text: err.Error(), Source: "store"})
		}
	}
	s.commit()
	if s.opts.ReadOnly {
		return nil
	}
	s.recallEvents(now)
	if s.offline != nil {
		s.setHealth(writing, s.offlineError(), now)
	} else if s.dir != nil && (s.disk.wal == nil || s.journal.lost) {
		if err := s.rotate(); err != nil {
			s.setHealth(writing, err, now)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.ticking.Go(func() { s.every(ctx, s.sync) })
	s.ticking.Go(func() { s.every(ctx, s.keep) })
	return nil
}

// restore rebuilds what the folder knows. What it returns first was damaged and left out.
func (s *Store) restore(readOnly bool) (damage []error, err error) {
	damage = s.dir.Aside()
	if err := s.listWindows(); err != nil {
		return damage, err
	}
	s.damage = s.damageMarks()
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
		if err = nil; !readOnly {
			err = s.dir.SetAsideWAL()
		}
	}
	if err != nil {
		return damage, err
	}
	if raw := s.archive.list(bolt.Raw); len(s.windows) == 0 && len(raw) > 0 { // the write-ahead file is lost
		if err := s.restoreWorld(raw[len(raw)-1]); err != nil {
			damage = append(damage, err)
		}
	}
	s.windows = slices.DeleteFunc(s.windows, func(w *stateWindow) bool {
		return w.start < s.head.sealed // sealed before the file was rotated
	})
	// A file that does not tell the same as memory is begun anew from memory.
	s.journal.lost = !p.current() || s.disk.wal == nil
	return damage, nil
}

// listWindows tells the archive what the folder has.
func (s *Store) listWindows() error {
	for _, tier := range bolt.Tiers {
		windows, err := s.dir.Windows(tier)
		if err != nil {
			return err
		}
		s.archive.set(tier, windows)
	}
	return nil
}

// restoreWorld takes the world from the end of a sealed window.
func (s *Store) restoreWorld(w bolt.SealedWindow) error {
	checkpoint, changes, err := w.File.State(w.Start)
	if err != nil {
		return err
	}
	events, err := w.File.Events(w.Start)
	if err != nil {
		return err
	}
	world, err := worldOf(append(checkpoint, changes...))
	if err != nil {
		return fmt.Errorf("%s: window %d: %w", w.File.Path(), w.Start, err)
	}
	s.world, s.at = world, w.End()
	b, err := eventlog.Decode(events)
	if err != nil {
		return fmt.Errorf("%s: window %d: %w", w.File.Path(), w.Start, err)
	}
	s.lastID = max(s.lastID, b.LastID())
	return nil
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
	if s.offline != nil {
		return nil // Health has said so all along
	}
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

// every runs do at each tick until the store is closed.
func (s *Store) every(ctx context.Context, do func(now time.Time)) {
	ticker := time.NewTicker(s.opts.Tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do(s.opts.Now())
		}
	}
}

// tick does at once what the two goroutines do beside each other.
func (s *Store) tick() {
	now := s.opts.Now()
	s.sync(now)
	s.keep(now)
}

// sync makes durable what was applied.
func (s *Store) sync(now time.Time) {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	s.mu.Lock()
	err := s.moveTo(now)
	s.commit()
	s.mu.Unlock()
	if err == nil {
		err = s.flush()
	}
	if err != nil && !errors.Is(err, errStillFailing) {
		s.disk.retryAt = now.Add(retryEvery)
	}
	s.setHealth(writing, err, now)
}

// flush writes and syncs what was logged. After a failure it begins a new file from memory.
func (s *Store) flush() error {
	if s.offline != nil {
		return errStillFailing // keep goes on trying
	}
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
	err := s.disk.wal.Append(frames)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.journal.lost = true
		return s.remedy(err)
	}
	s.journal.give(frames)
	return nil
}

func (s *Store) remedy(err error) error {
	return fmt.Errorf("%w: make room in %s, or make it writable", err, s.opts.Dir)
}

// rotate begins a new write-ahead file with all that is not sealed.
func (s *Store) rotate() error {
	s.mu.Lock()
	frames, err := s.snapshot()
	s.mu.Unlock()
	var next *bolt.WAL
	if err == nil {
		next, err = s.dir.RotateWAL(frames)
	}
	if err != nil {
		s.mu.Lock()
		s.journal.lost = true
		s.mu.Unlock()
		return s.remedy(err)
	}
	old := s.disk.wal
	s.disk.wal = next
	if old != nil {
		return old.Close()
	}
	return nil
}
