package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/chunk"
	"github.com/nocturne-noc/nocturne/store/eventlog"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Recording is a stretch of history in one file: samples, events, and the state of everything.
type Recording struct {
	file       *bolt.File
	archive    *archive
	engine     *queryEngine
	start, end time.Time
}

// OpenRecording opens a file that Record wrote.
func OpenRecording(path string) (*Recording, error) {
	file, err := bolt.OpenFile(path, bolt.KindRecording)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	start, end, err := file.Extent()
	var list []bolt.WindowInfo
	if err == nil {
		list, err = file.Windows()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("recording: %w", err), file.Close())
	}
	windows := make([]bolt.SealedWindow, len(list))
	for i, info := range list {
		windows[i] = bolt.SealedWindow{WindowInfo: info, Tier: bolt.Raw, File: file}
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	return &Recording{file: file, archive: newArchive(windows), engine: newEngine(log),
		start: time.UnixMilli(start), end: time.UnixMilli(end)}, nil
}

// Extent is the time of the first and the last moment.
func (r *Recording) Extent() (start, end time.Time) { return r.start, r.end }

// View shows the recording as of the moment that the clock says.
func (r *Recording) View(clock func() time.Time) model.Source {
	v := newView(clock, slog.New(slog.NewTextHandler(io.Discard, nil)))
	v.engine = r.engine
	v.history, v.findEvents = r.archive.refs, r.archive.findEvents
	v.queryable = v.limited(r)
	v.start = func() time.Time { return r.start }
	v.end = func() time.Time { return r.end }
	return v
}

// Close waits for readers of the file.
func (r *Recording) Close() error { return errors.Join(r.engine.Close(), r.file.Close()) }

func (r *Recording) load(ctx context.Context, mint, maxt int64, _ depth, matchers []*labels.Matcher) (*merger, error) {
	h, matchers := takeHold(matchers)
	m := newMerger(h.column, matchers)
	err := r.archive.load(ctx, r.archive.cover(h.tier, mint, maxt), m)
	return m, err
}

func (r *Recording) indexes(ctx context.Context, mint, maxt int64, visit func(*index)) error {
	return r.archive.visit(ctx, r.archive.cover(bolt.Raw, mint, maxt), visit)
}

func (r *Recording) since(tier *bolt.Tier) int64 { return r.archive.since(tier) }

// Record writes what happened from since to until into one file, which OpenRecording reads. A file
// of that name is replaced when all is written.
func (s *Store) Record(ctx context.Context, out string, since, until time.Time) error {
	if now := s.opts.Now(); until.After(now) {
		until = now
	}
	if !since.Before(until) {
		return fmt.Errorf("record: nothing lies between %v and %v", since, until)
	}
	tmp := out + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("record: %w", err)
	}
	err := s.record(ctx, tmp, since, until)
	if err == nil {
		err = os.Rename(tmp, out)
	}
	if err != nil {
		if removed := os.Remove(tmp); removed != nil && !errors.Is(removed, os.ErrNotExist) {
			err = errors.Join(err, removed)
		}
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

func (s *Store) record(ctx context.Context, path string, since, until time.Time) error {
	file, err := bolt.CreateFile(path, bolt.KindRecording)
	if err != nil {
		return err
	}
	err = file.PutExtent(since.UnixMilli(), until.UnixMilli())
	for start := bolt.WindowStart(since.UnixMilli()); err == nil && start <= until.UnixMilli(); start += bolt.Window.Milliseconds() {
		if err = ctx.Err(); err != nil {
			break
		}
		from := max(start, since.UnixMilli())
		to := min(start+bolt.Window.Milliseconds()-1, until.UnixMilli())
		var w *bolt.WindowData
		if w, err = s.stretch(ctx, start, from, to); err == nil {
			_, err = file.Put(w)
		}
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	return file.Finish()
}

// stretch collects what happened from one millisecond to another within the window at start.
func (s *Store) stretch(ctx context.Context, start, from, to int64) (*bolt.WindowData, error) {
	data := &bolt.WindowData{Start: start, MinT: math.MaxInt64, MaxT: math.MinInt64}
	found, err := s.load(ctx, from, to, whole, nil)
	if err != nil {
		return nil, err
	}
	list := found.list
	slices.SortFunc(list, func(a, b *seriesData) int { return labels.Compare(a.labels, b.labels) })
	for _, d := range list {
		d.mint, d.maxt = from, to
		chunks, err := recode(d, data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.labels, err)
		}
		if len(chunks) > 0 {
			data.Series = append(data.Series, d.labels)
			data.Chunks = append(data.Chunks, chunks)
		}
	}
	return data, s.stretchState(ctx, data, from, to)
}

// recode cuts a series to its span and counts its samples.
func recode(d *seriesData, data *bolt.WindowData) ([]bolt.Chunk, error) {
	var out []bolt.Chunk
	var c chunk.Chunk
	it := d.Iterator(nil)
	for it.Next() != chunkenc.ValNone {
		t, v := it.At()
		if c.Len() >= maxChunkSamples {
			out = append(out, bolt.Chunk{Encoding: c.Encoding(), Data: c.Bytes()})
			c = chunk.Chunk{}
		}
		c.Append(t, v)
		data.Samples++
		data.MinT, data.MaxT = min(data.MinT, t), max(data.MaxT, t)
	}
	if c.Len() > 0 {
		out = append(out, bolt.Chunk{Encoding: c.Encoding(), Data: c.Bytes()})
	}
	return out, it.Err()
}

// stretchState adds the state at from, and the changes and events up to to.
func (s *Store) stretchState(ctx context.Context, data *bolt.WindowData, from, to int64) error {
	v := newView(time.Now, s.log)
	v.history = s.history
	// What changed in the very millisecond of from belongs to the changes, not to the checkpoint.
	if err := v.seek(time.UnixMilli(from - 1)); err != nil {
		return err
	}
	var err error
	if data.Checkpoint, err = v.world.snapshot(from); err != nil {
		return err
	}
	refs := s.history()
	for i, ref := range refs {
		if i+1 < len(refs) && refs[i+1].start <= from || ref.start > to {
			continue
		}
		_, changes, err := ref.state()
		if err != nil {
			return err
		}
		if data.Changes, err = appendBetween(data.Changes, changes, from, to); err != nil {
			return err
		}
	}
	events, err := s.eventsBetween(ctx, from, to)
	if err != nil {
		return err
	}
	data.Events, data.EventIndex, err = eventlog.Encode(events)
	return err
}

// appendBetween appends to b the changes from one millisecond to another.
func appendBetween(b, changes []byte, from, to int64) ([]byte, error) {
	for len(changes) > 0 {
		c, rest, err := decodeChange(changes)
		if err != nil {
			return b, err
		}
		if c.at >= from && c.at <= to {
			b = append(b, changes[:len(changes)-len(rest)]...)
		}
		changes = rest
	}
	return b, nil
}
