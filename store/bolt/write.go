package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"

	bbolt "go.etcd.io/bbolt"
)

// Put stores a window in one synced transaction. A window that is there already is replaced.
func (f *File) Put(w *WindowData) (WindowInfo, error) {
	info := WindowInfo{Start: w.Start, MinT: w.MinT, MaxT: w.MaxT, Series: len(w.Series), Samples: w.Samples}
	if err := f.makeWritable(); err != nil {
		return info, err
	}
	plain := encodeLabels(w.Series)
	info.Index = string(indexKey(plain))
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.db == nil {
		return info, fmt.Errorf("%s: %w", f.path, os.ErrClosed)
	}
	// bbolt falls back to the transaction before the last one when its last meta page is damaged.
	// The second one changes nothing, so that the window is in both.
	err := catch(func() error {
		return errors.Join(
			f.db.Update(func(tx *bbolt.Tx) error { return errors.Join(putWindow(tx, w, &info, plain), putCount(tx)) }),
			f.db.Update(putCount))
	})
	if err != nil {
		return info, fmt.Errorf("%s: window %d: %w", f.path, w.Start, err)
	}
	return info, nil
}

func putWindow(tx *bbolt.Tx, w *WindowData, info *WindowInfo, plainLabels []byte) error {
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
	chunks, err := bucket.CreateBucket(bucketChunks)
	if err != nil {
		return err
	}
	chunks.FillPercent = 1 // keys come in order
	for n, list := range w.Chunks {
		key := seriesKey(uint32(n))
		value := sum(key, packChunks(list))
		info.Bytes += len(value)
		if err := chunks.Put(key, value); err != nil {
			return err
		}
	}
	for key, plain := range map[string][]byte{string(keyCheckpoint): w.Checkpoint, string(keyChanges): w.Changes, string(keyEvents): w.Events} {
		packed, err := compress(plain)
		if err != nil {
			return err
		}
		if err := bucket.Put([]byte(key), packed); err != nil {
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
	if err := f.view(func(tx *bbolt.Tx) error { used = tx.Size(); return nil }); err != nil {
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

// packChunks joins chunks into one value.
func packChunks(list []Chunk) []byte {
	var b []byte
	for _, c := range list {
		b = binary.AppendUvarint(append(b, c.Encoding), uint64(len(c.Data)))
		b = append(b, c.Data...)
	}
	return b
}

// eachChunk is the inverse of packChunks. The data lies in b.
func eachChunk(b []byte, visit func(Chunk)) error {
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

// sum appends a checksum of the key and the value, so that neither can change unnoticed.
func sum(key, value []byte) []byte {
	return binary.LittleEndian.AppendUint32(value, checksum(key, value))
}

// checked is the inverse of sum.
func checked(key, b []byte) ([]byte, error) {
	n := len(b) - 4
	if n < 0 || binary.LittleEndian.Uint32(b[n:]) != checksum(key, b[:n]) {
		return nil, fmt.Errorf("%w: the entry %x is missing or does not check", ErrDamaged, key)
	}
	return b[:n], nil
}

func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}
