package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	bbolt "go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"
)

const lockTimeout = time.Second

// File is a day file or a recording. It is safe for concurrent use.
type File struct {
	path string
	kind Kind

	mu       sync.RWMutex // held for writing while the file is opened or closed
	db       *bbolt.DB    // nil when closed
	writable bool
}

// WindowInfo tells about one sealed window.
type WindowInfo struct {
	Start      int64  // Unix milliseconds, aligned to Window
	MinT, MaxT int64  // of its samples; MinT > MaxT when it has none
	Series     int    // how many it has
	Samples    int    // how many it has
	Bytes      int    // of its chunks
	Index      string // key of its label sets
}

// Chunk is a stretch of one series, packed by package chunk or rollup. This package does not look into it.
type Chunk struct {
	Encoding byte
	Data     []byte
}

// WindowData is what one window holds. Series are the label sets in the order of Chunks; the rest
// is stored as it comes.
type WindowData struct {
	Start                       int64
	MinT, MaxT                  int64
	Samples                     int
	Series                      []labels.Labels
	Chunks                      [][]Chunk // per series in time order
	Checkpoint, Changes, Events []byte
}

// OpenFile opens an existing file for reading.
func OpenFile(path string, kind Kind) (*File, error) {
	f := &File{path: path, kind: kind}
	if err := f.open(false); err != nil {
		return nil, err
	}
	return f, nil
}

// CreateFile opens a file for reading and writing and makes it when it is not there.
func CreateFile(path string, kind Kind) (*File, error) {
	f := &File{path: path, kind: kind}
	if _, err := os.Stat(path); err == nil { // is it ours? Look before anything is written.
		if err := f.open(false); err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	if err := f.open(true); err != nil {
		return nil, err
	}
	return f, nil
}

// open is called with f.mu held, or before anybody else has f.
func (f *File) open(writable bool) error {
	db, err := openBolt(f.path, writable)
	if err != nil {
		return err
	}
	fresh := false
	if writable {
		err = guarded(db, func(tx *bbolt.Tx) error { fresh = tx.Bucket(bucketMeta) == nil; return nil })
	}
	if err == nil && fresh {
		err = db.Update(func(tx *bbolt.Tx) error {
			meta, err := tx.CreateBucket(bucketMeta)
			if err != nil {
				return err
			}
			return errors.Join(
				meta.Put(keyVersion, binary.BigEndian.AppendUint32(nil, FileVersion)),
				meta.Put(keyKind, []byte(f.kind)))
		})
	}
	if err == nil {
		err = guarded(db, func(tx *bbolt.Tx) error { return checkMeta(tx, f.kind) })
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", f.path, err), db.Close())
	}
	f.db, f.writable = db, writable
	return nil
}

func openBolt(path string, writable bool) (*bbolt.DB, error) {
	if !writable {
		if info, err := os.Stat(path); err != nil {
			return nil, err
		} else if info.Size() == 0 {
			return nil, fmt.Errorf("%s: %w: it is empty", path, ErrDamaged)
		}
	}
	var db *bbolt.DB
	err := catch(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:        lockTimeout,
			ReadOnly:       !writable,
			NoFreelistSync: true,
			FreelistType:   bbolt.FreelistMapType,
			NoStatistics:   true,
		})
		return err
	})
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bberrors.ErrTimeout):
		return nil, fmt.Errorf("%s: %w", path, ErrInUse)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return nil, err // names the path
	case errors.Is(err, bberrors.ErrInvalid), errors.Is(err, bberrors.ErrChecksum), errors.Is(err, bberrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
	default:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
}

func checkMeta(tx *bbolt.Tx, kind Kind) error {
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		return fmt.Errorf("%w: there is no meta bucket", ErrDamaged)
	}
	v := meta.Get(keyVersion)
	if len(v) != 4 {
		return fmt.Errorf("%w: it has no version", ErrDamaged)
	}
	if n := binary.BigEndian.Uint32(v); n == 0 || n > FileVersion {
		return fmt.Errorf("%w %d: this program reads up to version %d; use the program that wrote it", ErrVersion, n, FileVersion)
	}
	if got := Kind(meta.Get(keyKind)); got != kind {
		return fmt.Errorf("this is a file of kind %q, want %q", got, kind)
	}
	return nil
}

// catch turns what bbolt panics with on a damaged page into ErrDamaged, and so does it with a page
// that the operating system cannot read.
func catch(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	return do()
}

// guarded runs a read transaction.
func guarded(db *bbolt.DB, do func(tx *bbolt.Tx) error) error {
	return catch(func() error { return db.View(do) })
}

func (f *File) view(do func(tx *bbolt.Tx) error) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.db == nil {
		return fmt.Errorf("%s: %w", f.path, fs.ErrClosed)
	}
	if err := guarded(f.db, do); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	return nil
}

// Path names the file.
func (f *File) Path() string { return f.path }

// Close waits for readers.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.db == nil {
		return nil
	}
	db := f.db
	f.db = nil
	return db.Close()
}

// makeWritable reopens a file that was opened for reading.
func (f *File) makeWritable() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.db == nil {
		return fmt.Errorf("%s: %w", f.path, fs.ErrClosed)
	}
	if f.writable {
		return nil
	}
	if err := f.db.Close(); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	f.db = nil
	if err := f.open(true); err != nil {
		return errors.Join(err, f.open(false))
	}
	return nil
}

// Windows lists the windows in time order.
func (f *File) Windows() ([]WindowInfo, error) {
	var out []WindowInfo
	err := f.view(func(tx *bbolt.Tx) error {
		count := uint64(0)
		if b := tx.Bucket(bucketMeta).Get(keyCount); len(b) == 8 {
			count = binary.BigEndian.Uint64(b)
		}
		windows := tx.Bucket(bucketWindows)
		if windows == nil {
			return checkCount(0, count)
		}
		err := windows.ForEachBucket(func(key []byte) error {
			value, err := checked(key, windows.Bucket(key).Get(keyInfo))
			if err != nil {
				return err
			}
			info, err := decodeInfo(key, value)
			if err != nil {
				return err
			}
			out = append(out, info)
			return nil
		})
		return errors.Join(err, checkCount(len(out), count))
	})
	return out, err
}

func checkCount(found int, count uint64) error {
	if uint64(found) != count {
		return fmt.Errorf("%w: %d of %d windows are there", ErrDamaged, found, count)
	}
	return nil
}

func encodeInfo(i WindowInfo) []byte {
	b := binary.AppendVarint(nil, i.MinT)
	b = binary.AppendVarint(b, i.MaxT)
	for _, n := range []int{i.Series, i.Samples, i.Bytes} {
		b = binary.AppendVarint(b, int64(n))
	}
	return append(b, i.Index...)
}

func decodeInfo(key, b []byte) (WindowInfo, error) {
	var fields [5]int64
	for i := range fields {
		v, n := binary.Varint(b)
		if n <= 0 || len(key) != 8 {
			return WindowInfo{}, fmt.Errorf("%w: the entry of window %x is cut short", ErrDamaged, key)
		}
		fields[i], b = v, b[n:]
	}
	return WindowInfo{
		Start: int64(binary.BigEndian.Uint64(key)), MinT: fields[0], MaxT: fields[1],
		Series: int(fields[2]), Samples: int(fields[3]), Bytes: int(fields[4]), Index: string(b),
	}, nil
}

// Labels returns the label sets of an index, by series number.
func (f *File) Labels(index string) ([]labels.Labels, error) {
	var sets []labels.Labels
	err := f.view(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(bucketIndexes)
		if bucket == nil {
			return fmt.Errorf("%w: it has no indexes", ErrDamaged)
		}
		plain, err := decompress(bucket.Get([]byte(index)))
		if err != nil {
			return err
		}
		if string(indexKey(plain)) != index {
			return fmt.Errorf("%w: index %x does not check", ErrDamaged, index)
		}
		sets, err = decodeLabels(plain)
		return err
	})
	return sets, err
}

// Chunks visits the chunks of the numbered series of a window. The data must be copied to be kept.
func (f *File) Chunks(start int64, numbers []uint32, visit func(number uint32, c Chunk)) error {
	return f.view(func(tx *bbolt.Tx) error {
		w, err := windowBucket(tx, start)
		if err != nil {
			return err
		}
		chunks := w.Bucket(bucketChunks)
		if chunks == nil {
			return fmt.Errorf("%w: window %d has no chunks", ErrDamaged, start)
		}
		for _, n := range numbers {
			key := seriesKey(n)
			value, err := checked(key, chunks.Get(key))
			if err == nil {
				err = eachChunk(value, func(c Chunk) { visit(n, c) })
			}
			if err != nil {
				return fmt.Errorf("window %d, series %d: %w", start, n, err)
			}
		}
		return nil
	})
}

// State returns the world at the window's start, what changed in it, and its events.
func (f *File) State(start int64) (checkpoint, changes, events []byte, err error) {
	err = f.view(func(tx *bbolt.Tx) error {
		w, err := windowBucket(tx, start)
		if err != nil {
			return err
		}
		for key, to := range map[string]*[]byte{string(keyCheckpoint): &checkpoint, string(keyChanges): &changes, string(keyEvents): &events} {
			packed := w.Get([]byte(key))
			if packed == nil {
				return fmt.Errorf("%w: window %d has no %s", ErrDamaged, start, key)
			}
			if *to, err = decompress(packed); err != nil {
				return fmt.Errorf("window %d, %s: %w", start, key, err)
			}
		}
		return nil
	})
	return checkpoint, changes, events, err
}

func windowBucket(tx *bbolt.Tx, start int64) (*bbolt.Bucket, error) {
	if windows := tx.Bucket(bucketWindows); windows != nil {
		if w := windows.Bucket(windowKey(start)); w != nil {
			return w, nil
		}
	}
	return nil, fmt.Errorf("%w: window %d is missing", ErrDamaged, start)
}

// Extent returns a recording's first and last Unix millisecond.
func (f *File) Extent() (start, end int64, err error) {
	err = f.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketMeta).Get(keyExtent)
		if len(b) != 16 {
			return fmt.Errorf("%w: it has no extent", ErrDamaged)
		}
		start, end = int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))
		return nil
	})
	return start, end, err
}
