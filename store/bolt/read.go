package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	bbolt "go.etcd.io/bbolt"
)

// Reader reads a file as it was at one moment. It is valid within the function that View calls.
type Reader struct {
	tx      *bbolt.Tx
	windows *bbolt.Bucket // nil when there is none
}

// View calls do with a Reader: several windows are read faster by one. A file that retention removed
// fails with fs.ErrClosed, what does not check with ErrDamaged. Do not call the file's own methods within.
func (f *File) View(do func(*Reader) error) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.db == nil {
		return fmt.Errorf("%s: %w", f.path, fs.ErrClosed)
	}
	err := guarded(f.db, func(tx *bbolt.Tx) error { return do(&Reader{tx, tx.Bucket(bucketWindows)}) })
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	return nil
}

// Windows lists the windows in time order.
func (f *File) Windows() (list []WindowInfo, err error) {
	err = f.View(func(r *Reader) error { list, err = r.Windows(); return err })
	return list, err
}

// Labels returns the label sets of an index, by series number.
func (f *File) Labels(index string) (sets []labels.Labels, err error) {
	err = f.View(func(r *Reader) error { sets, err = r.Labels(index); return err })
	return sets, err
}

// Chunks visits the chunks of the numbered series of a window. The data must be copied to be kept.
func (f *File) Chunks(start int64, numbers []uint32, visit func(number uint32, c Chunk)) error {
	return f.View(func(r *Reader) error { return r.Chunks(start, numbers, visit) })
}

// State returns the world at the window's start, and what changed in it.
func (f *File) State(start int64) (checkpoint, changes []byte, err error) {
	err = f.View(func(r *Reader) error { checkpoint, changes, err = r.State(start); return err })
	return checkpoint, changes, err
}

// Events returns the events of a window, as they were put.
func (f *File) Events(start int64) (events []byte, err error) {
	err = f.View(func(r *Reader) error { events, err = r.Events(start); return err })
	return events, err
}

// EventIndex returns what sums up the events of a window; nil when nothing does.
func (f *File) EventIndex(start int64) (index []byte, err error) {
	err = f.View(func(r *Reader) error { index, err = r.EventIndex(start); return err })
	return index, err
}

// Read returns all of a window.
func (f *File) Read(start int64) (w *WindowData, err error) {
	err = f.View(func(r *Reader) error { w, err = r.Read(start); return err })
	return w, err
}

// Windows lists the windows in time order.
func (r *Reader) Windows() ([]WindowInfo, error) {
	count := uint64(0)
	if b := r.tx.Bucket(bucketMeta).Get(keyCount); len(b) == 8 {
		count = binary.BigEndian.Uint64(b)
	}
	var out []WindowInfo
	if r.windows != nil {
		err := r.windows.ForEachBucket(func(key []byte) error {
			info, err := infoOf(key, r.windows.Bucket(key))
			out = append(out, info)
			return err
		})
		if err != nil {
			return out, err
		}
	}
	if uint64(len(out)) != count {
		return out, fmt.Errorf("%w: %d of %d windows are there", ErrDamaged, len(out), count)
	}
	return out, nil
}

func infoOf(key []byte, window *bbolt.Bucket) (WindowInfo, error) {
	value, err := checked(key, window.Get(keyInfo))
	if err != nil {
		return WindowInfo{}, err
	}
	return decodeInfo(key, value)
}

func (r *Reader) window(start int64) (*bbolt.Bucket, error) {
	if r.windows != nil {
		if w := r.windows.Bucket(windowKey(start)); w != nil {
			return w, nil
		}
	}
	return nil, fmt.Errorf("%w: window %d is missing", ErrDamaged, start)
}

// Labels returns the label sets of an index, by series number.
func (r *Reader) Labels(index string) ([]labels.Labels, error) {
	indexes := r.tx.Bucket(bucketIndexes)
	if indexes == nil {
		return nil, fmt.Errorf("%w: it has no indexes", ErrDamaged)
	}
	plain, err := decompress(indexes.Get([]byte(index)))
	if err != nil {
		return nil, fmt.Errorf("index %x: %w", index, err)
	}
	if string(indexKey(plain)) != index {
		return nil, fmt.Errorf("%w: index %x does not check", ErrDamaged, index)
	}
	return decodeLabels(plain)
}

// Chunks visits the chunks of the numbered series of a window: fastest in rising order. The data must be
// copied to be kept.
func (r *Reader) Chunks(start int64, numbers []uint32, visit func(number uint32, c Chunk)) error {
	w, err := r.window(start)
	if err != nil {
		return err
	}
	if blocks := w.Bucket(bucketBlocks); blocks != nil {
		return blockChunks(blocks, start, numbers, visit)
	}
	chunks := w.Bucket(bucketChunks)
	if chunks == nil {
		return fmt.Errorf("%w: window %d has no chunks", ErrDamaged, start)
	}
	for _, n := range numbers {
		key := seriesKey(n)
		value, err := checked(key, chunks.Get(key))
		if err == nil {
			err = eachOldChunk(value, func(c Chunk) { visit(n, c) })
		}
		if err != nil {
			return fmt.Errorf("window %d, series %d: %w", start, n, err)
		}
	}
	return nil
}

// value unpacks one of the window's values besides the chunks.
func (r *Reader) value(start int64, key []byte) ([]byte, error) {
	w, err := r.window(start)
	if err != nil {
		return nil, err
	}
	packed := w.Get(key)
	if packed == nil {
		return nil, fmt.Errorf("%w: window %d has no %s", ErrDamaged, start, key)
	}
	plain, err := decompress(packed)
	if err != nil {
		return nil, fmt.Errorf("window %d, %s: %w", start, key, err)
	}
	return plain, nil
}

// State returns the world at the window's start, and what changed in it.
func (r *Reader) State(start int64) (checkpoint, changes []byte, err error) {
	if checkpoint, err = r.value(start, keyCheckpoint); err == nil {
		changes, err = r.value(start, keyChanges)
	}
	return checkpoint, changes, err
}

// Events returns the events of a window, as they were put.
func (r *Reader) Events(start int64) ([]byte, error) { return r.value(start, keyEvents) }

// EventIndex returns what sums up the events of a window; nil when nothing does.
func (r *Reader) EventIndex(start int64) ([]byte, error) {
	w, err := r.window(start)
	if err != nil || w.Get(keyEventIndex) == nil {
		return nil, err
	}
	return r.value(start, keyEventIndex)
}

// Read returns all of a window.
func (r *Reader) Read(start int64) (*WindowData, error) {
	bucket, err := r.window(start)
	if err != nil {
		return nil, err
	}
	info, err := infoOf(windowKey(start), bucket)
	if err != nil {
		return nil, err
	}
	w := &WindowData{Start: start, MinT: info.MinT, MaxT: info.MaxT, Samples: info.Samples}
	if w.Series, err = r.Labels(info.Index); err != nil {
		return nil, err
	}
	if len(w.Series) != info.Series {
		return nil, fmt.Errorf("%w: window %d has %d series, not %d", ErrDamaged, start, len(w.Series), info.Series)
	}
	w.Chunks = make([][]Chunk, len(w.Series))
	numbers := make([]uint32, len(w.Series))
	for n := range numbers {
		numbers[n] = uint32(n)
	}
	err = r.Chunks(start, numbers, func(n uint32, c Chunk) {
		c.Data = slices.Clone(c.Data)
		w.Chunks[n] = append(w.Chunks[n], c)
	})
	if err != nil {
		return nil, err
	}
	var errs [3]error
	w.Checkpoint, w.Changes, errs[0] = r.State(start)
	w.Events, errs[1] = r.Events(start)
	w.EventIndex, errs[2] = r.EventIndex(start)
	return w, errors.Join(errs[:]...)
}

// Sizes returns how many bytes the state of a window and its events take as they are stored.
func (r *Reader) Sizes(start int64) (state, events int, err error) {
	w, err := r.window(start)
	if err != nil {
		return 0, 0, err
	}
	return len(w.Get(keyCheckpoint)) + len(w.Get(keyChanges)), len(w.Get(keyEvents)) + len(w.Get(keyEventIndex)), nil
}

// Extent returns a recording's first and last Unix millisecond.
func (f *File) Extent() (start, end int64, err error) {
	err = f.View(func(r *Reader) error {
		b := r.tx.Bucket(bucketMeta).Get(keyExtent)
		if len(b) != 16 {
			return fmt.Errorf("%w: it has no extent", ErrDamaged)
		}
		start, end = int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))
		return nil
	})
	return start, end, err
}
