package bolt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// walFiles are the write-ahead files of a data folder: one, but for a death while rotating.
type walFiles struct {
	fs       fileSystem
	path     string // the folder
	readOnly bool
	seq      uint64 // the highest number there is; 0 for none
}

func (w *walFiles) walPath(seq uint64) string {
	return filepath.Join(w.path, fmt.Sprintf("%s%08d%s", walPrefix, seq, walSuffix))
}

func walSeqOf(name string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, walPrefix)
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, walSuffix)
	if !ok {
		return 0, false
	}
	seq, err := strconv.ParseUint(digits, 10, 64)
	return seq, err == nil
}

// ReplayWAL hands the payload of each frame of the write-ahead file to visit, cuts off a torn tail,
// and opens the file for more. It is nil when there is no file yet, or the folder is read-only.
func (w *walFiles) ReplayWAL(visit func(payload []byte) error) (*WAL, error) {
	if w.seq == 0 {
		return nil, nil
	}
	path := w.walPath(w.seq)
	mode := os.O_RDWR
	if w.readOnly {
		mode = os.O_RDONLY
	}
	file, err := w.fs.OpenFile(path, mode, 0)
	if err != nil {
		return nil, err
	}
	good, err := readWAL(sequential(file), visit)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	if w.readOnly {
		return nil, file.Close()
	}
	if err := file.Truncate(good); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: cut off the torn tail: %w", path, err), file.Close())
	}
	return &WAL{path: path, file: file, size: good}, nil
}

func sequential(file io.ReaderAt) io.Reader {
	return bufio.NewReaderSize(io.NewSectionReader(file, 0, math.MaxInt64), 1<<20)
}

// SetAsideWAL renames the write-ahead file, so that the next one does not remove it.
func (w *walFiles) SetAsideWAL() error {
	path := w.walPath(w.seq)
	if err := w.fs.Rename(path, path+asideSuffix); err != nil {
		return fmt.Errorf("set the damaged write-ahead file aside: %w", err)
	}
	return w.fs.SyncDir(w.path)
}

// RotateWAL begins a new write-ahead file with the given frames and removes the older ones. After an
// error, nothing that was on disk is lost: call it again, with all frames.
func (w *walFiles) RotateWAL(frames []byte) (*WAL, error) {
	next, err := w.create(w.walPath(w.seq+1), frames)
	if err != nil {
		return nil, fmt.Errorf("new write-ahead file: %w", err)
	}
	w.seq++
	entries, _ := w.fs.ReadDir(w.path) // an older file is not read any more: what stays is removed next time
	for _, entry := range entries {
		if seq, ok := walSeqOf(entry.Name()); ok && seq < w.seq {
			_ = removeIfThere(w.fs, w.walPath(seq)) // likewise
		}
	}
	return next, nil
}

// create makes a file that is there with all its first frames or not at all.
func (w *walFiles) create(path string, frames []byte) (*WAL, error) {
	tmp := path + tmpSuffix
	file, err := w.fs.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	head := append([]byte(walMagic), walVersion)
	_, err = file.WriteAt(head, 0)
	if err == nil {
		_, err = file.WriteAt(frames, int64(len(head)))
	}
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = w.fs.Rename(tmp, path)
	}
	if err == nil {
		err = w.fs.SyncDir(w.path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close(), removeIfThere(w.fs, tmp))
	}
	return &WAL{path: path, file: file, size: int64(len(head) + len(frames))}, nil
}

// WALCopy is the write-ahead file as it was at one moment.
type WALCopy struct {
	name string
	file handle // nil when there was none
}

// CopyWAL takes hold of the write-ahead file as it is now. Nothing may be appended meanwhile; afterwards
// it may be, and the file may be replaced.
func (w *walFiles) CopyWAL() (*WALCopy, error) {
	if w.seq == 0 {
		return &WALCopy{}, nil
	}
	path := w.walPath(w.seq)
	file, err := w.fs.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	return &WALCopy{name: filepath.Base(path), file: file}, nil
}

// Name is the file's name in its folder; "" when there is none.
func (c *WALCopy) Name() string { return c.name }

// CopyTo writes all whole frames into a new file, synced, and returns how many bytes that are. What was
// appended since CopyWAL may be among them.
func (c *WALCopy) CopyTo(ctx context.Context, path string) (int64, error) {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	buffered := bufio.NewWriterSize(out, 1<<20)
	_, err = buffered.Write(append([]byte(walMagic), walVersion))
	var good int64
	if err == nil {
		var frame []byte
		good, err = readWAL(sequential(c.file), func(payload []byte) error {
			frame = AppendFrame(frame[:0], payload)
			_, err := buffered.Write(frame)
			return errors.Join(err, ctx.Err())
		})
	}
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return good, fmt.Errorf("%s: %w", path, err)
	}
	return good, nil
}

// Check reads the file, and returns how many bytes of whole frames there are. A torn tail is no damage.
func (c *WALCopy) Check(ctx context.Context) (int64, error) {
	if c.file == nil {
		return 0, nil
	}
	good, err := readWAL(sequential(c.file), func([]byte) error { return ctx.Err() })
	if err != nil {
		return good, fmt.Errorf("%s: %w", c.name, err)
	}
	return good, nil
}

// Close lets go of the file.
func (c *WALCopy) Close() error {
	if c.file == nil {
		return nil
	}
	return c.file.Close()
}
