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

const (
	lockTimeout = time.Second
	// allocSize is what a file grows by beyond what it needs. bbolt's own 16 MiB would be most of a small day.
	allocSize = 64 << 10
)

// File is a file of a tier, or a recording. It is safe for concurrent use; one goroutine at a time writes.
type File struct {
	path string
	kind Kind

	mu       sync.RWMutex // held for writing while the file is opened or closed
	db       *bbolt.DB    // nil when closed
	writable bool
	suspect  error // why what was written last may not be what is on disk; see Put
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
	EventIndex                  []byte // sums up Events for searches; nil for none
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
		if err == nil {
			db.AllocSize = allocSize
		}
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
	n := versionOf(tx)
	if n == 0 {
		return fmt.Errorf("%w: it has no version", ErrDamaged)
	}
	if n > FileVersion {
		return fmt.Errorf("%w %d: this program reads up to version %d; use the program that wrote it", ErrVersion, n, FileVersion)
	}
	if got := Kind(meta.Get(keyKind)); got != kind {
		return fmt.Errorf("this is a file of kind %q, want %q", got, kind)
	}
	return nil
}

// versionOf returns 0 when there is none.
func versionOf(tx *bbolt.Tx) uint32 {
	if v := tx.Bucket(bucketMeta).Get(keyVersion); len(v) == 4 {
		return binary.BigEndian.Uint32(v)
	}
	return 0
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

// reopen opens a closed file again, for reading.
func (f *File) reopen() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open(false)
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
