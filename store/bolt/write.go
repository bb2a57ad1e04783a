package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"

	bbolt "go.etcd.io/bbolt"
)

// Put stores a window in one synced transaction. A window that is there already is replaced. A file of
// version 1 becomes one of version 2.
//
// After a failure other than of a single write, the operating system may show pages that never came to
// the disk, so the next Put first writes the whole file anew.
func (f *File) Put(w *WindowData) (WindowInfo, error) {
	info := WindowInfo{Start: w.Start, MinT: w.MinT, MaxT: w.MaxT, Series: len(w.Series), Samples: w.Samples}
	err := f.recover()
	if err == nil {
		err = f.makeWritable()
	}
	if err != nil {
		return info, err
	}
	plain := encodeLabels(w.Series)
	info.Index = string(indexKey(plain))
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.db == nil {
		return info, fmt.Errorf("%s: %w", f.path, fs.ErrClosed)
	}
	// bbolt falls back to the transaction before the last one when its last meta page is damaged.
	// The second one changes nothing, so that the window is in both.
	err = catch(func() error {
		err := f.db.Update(func(tx *bbolt.Tx) error {
			return errors.Join(putWindow(tx, w, &info, plain), putCount(tx))
		})
		if err != nil {
			return err
		}
		return f.db.Update(putCount)
	})
	if err != nil {
		f.suspect = suspicion(err)
		return info, fmt.Errorf("%s: window %d: %w", f.path, w.Start, err)
	}
	return info, nil
}

// suspicion is the error itself, unless it is of a write: what that did is in no tree yet.
func suspicion(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) && p.Op == "write" {
		return nil
	}
	return err
}

// recover writes a suspect file anew.
func (f *File) recover() error {
	if f.suspect == nil {
		return nil
	}
	if _, _, err := f.Rewrite(nil); err != nil {
		return fmt.Errorf("write the file anew after %w: %w", f.suspect, err)
	}
	f.suspect = nil
	return nil
}

func putWindow(tx *bbolt.Tx, w *WindowData, info *WindowInfo, plainLabels []byte) error {
	meta := tx.Bucket(bucketMeta)
	if version := binary.BigEndian.AppendUint32(nil, FileVersion); !bytes.Equal(meta.Get(keyVersion), version) {
		if err := meta.Put(keyVersion, version); err != nil {
			return err
		}
	}
	indexes, err := tx.CreateBucketIfNotExists(bucketIndexes)
	if err != nil {
		return err
	}
	if indexes.Get([]byte(info.Index)) == nil {
		packed, err := compress(plainLabels)
		if err != nil {
			return err
		}
		if err := indexes.Put([]byte(info.Index), packed); err != nil {
			return err
		}
	}
	windows, err := tx.CreateBucketIfNotExists(bucketWindows)
	if err != nil {
		return err
	}
	if windows.Bucket(windowKey(w.Start)) != nil {
		if err := windows.DeleteBucket(windowKey(w.Start)); err != nil {
			return err
		}
	}
	bucket, err := windows.CreateBucket(windowKey(w.Start))
	if err != nil {
		return err
	}
	if err := putBlocks(bucket, w, info); err != nil {
		return err
	}
	return putValues(bucket, w, info)
}

func putBlocks(bucket *bbolt.Bucket, w *WindowData, info *WindowInfo) error {
	blocks, err := bucket.CreateBucket(bucketBlocks)
	if err != nil {
		return err
	}
	blocks.FillPercent = 1 // keys come in order
	writer := newBlockWriter(w.Start, func(key, value []byte) error {
		info.Bytes += len(value)
		return blocks.Put(key, value)
	})
	for _, list := range w.Chunks {
		if err := writer.add(list); err != nil {
			return err
		}
	}
	return writer.flush()
}

func putValues(bucket *bbolt.Bucket, w *WindowData, info *WindowInfo) error {
	for _, v := range []struct{ key, plain []byte }{
		{keyCheckpoint, w.Checkpoint}, {keyChanges, w.Changes}, {keyEvents, w.Events}, {keyEventIndex, w.EventIndex}} {
		if len(v.plain) == 0 && bytes.Equal(v.key, keyEventIndex) {
			continue
		}
		packed, err := compress(v.plain)
		if err != nil {
			return err
		}
		if err := bucket.Put(v.key, packed); err != nil {
			return err
		}
	}
	return bucket.Put(keyInfo, sum(windowKey(w.Start), encodeInfo(*info)))
}

// putCount stores how many windows there are.
func putCount(tx *bbolt.Tx) error {
	count := uint64(0)
	if windows := tx.Bucket(bucketWindows); windows != nil {
		if err := windows.ForEachBucket(func([]byte) error { count++; return nil }); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketMeta).Put(keyCount, binary.BigEndian.AppendUint64(nil, count))
}

// PutExtent stores a recording's first and last Unix millisecond.
func (f *File) PutExtent(start, end int64) error {
	if err := f.makeWritable(); err != nil {
		return err
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.db.Update(func(tx *bbolt.Tx) error {
		b := binary.BigEndian.AppendUint64(nil, uint64(start))
		return tx.Bucket(bucketMeta).Put(keyExtent, binary.BigEndian.AppendUint64(b, uint64(end)))
	})
}

// Finish closes the file and cuts off the room that bbolt keeps for growing.
func (f *File) Finish() error {
	var used int64
	if err := f.View(func(r *Reader) error { used = r.tx.Size(); return nil }); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	file, err := os.OpenFile(f.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Truncate(used), file.Sync(), file.Close())
}

// eachOldChunk visits the chunks of a series as version 1 packed them: of each its encoding, its length
// and its data. The data lies in b.
func eachOldChunk(b []byte, visit func(Chunk)) error {
	for len(b) > 0 {
		enc := b[0]
		n, used := binary.Uvarint(b[1:])
		if used <= 0 || n > uint64(len(b)-1-used) {
			return fmt.Errorf("%w: a chunk is cut short", ErrDamaged)
		}
		b = b[1+used:]
		visit(Chunk{enc, b[:n:n]})
		b = b[n:]
	}
	return nil
}
