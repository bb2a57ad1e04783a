package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Usage is what a file takes, and what of it is wasted.
type Usage struct {
	Version int
	Bytes   int64 // of the file
	Used    int64 // of what is in it
	Old     int   // windows in the form of version 1
}

// Usage looks at a file without reading its chunks.
func (f *File) Usage() (u Usage, err error) {
	stat, err := os.Stat(f.path)
	if err != nil {
		return u, err
	}
	u.Bytes = stat.Size()
	err = f.View(func(r *Reader) error {
		u.Version = int(versionOf(r.tx))
		list, err := r.Windows()
		for _, info := range list {
			w := r.windows.Bucket(windowKey(info.Start))
			if w.Bucket(bucketBlocks) == nil {
				u.Old++
			}
			u.Used += int64(info.Bytes)
			for _, key := range [][]byte{keyCheckpoint, keyChanges, keyEvents, keyEventIndex, keyInfo} {
				u.Used += int64(len(w.Get(key)))
			}
		}
		if indexes := r.tx.Bucket(bucketIndexes); err == nil && indexes != nil {
			err = indexes.ForEach(func(k, v []byte) error { u.Used += int64(len(k) + len(v)); return nil })
		}
		return err
	})
	return u, err
}

// Rewrite writes the file anew and puts the result in its place: without what is wasted, in the present
// version, and with each window as change left it; nil changes nothing. It says how many bytes the file
// had and has. Its readers wait a moment at the end. Nothing may be put meanwhile. An error of change
// leaves the file as it was.
func (f *File) Rewrite(change func(*WindowData) error) (before, after int64, err error) {
	tmp := f.path + tmpSuffix
	if err := removeIfThere(operatingSystem{}, tmp); err != nil {
		return 0, 0, err
	}
	if err := f.copyWindows(tmp, change); err != nil {
		return 0, 0, errors.Join(err, removeIfThere(operatingSystem{}, tmp))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.db == nil {
		return 0, 0, errors.Join(fmt.Errorf("%s: %w", f.path, fs.ErrClosed), os.Remove(tmp))
	}
	before, after, err = f.replace(tmp)
	if err != nil {
		return before, after, fmt.Errorf("%s: %w", f.path, err)
	}
	return before, after, nil
}

// copyWindows writes all windows into a new file.
func (f *File) copyWindows(path string, change func(*WindowData) error) error {
	list, err := f.Windows()
	if err != nil {
		return err
	}
	to, err := CreateFile(path, f.kind)
	if err != nil {
		return err
	}
	for _, info := range list {
		w, err := f.Read(info.Start)
		if err == nil && change != nil {
			err = change(w)
		}
		if err == nil {
			_, err = to.Put(w)
		}
		if err != nil {
			return errors.Join(err, to.Close())
		}
	}
	return to.Finish()
}

// replace puts another file in the place of this one. It is called with f.mu held.
func (f *File) replace(path string) (before, after int64, err error) {
	old, err := os.Stat(f.path)
	if err != nil {
		return 0, 0, err
	}
	fresh, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	err = f.db.Close()
	f.db = nil
	if err == nil {
		err = os.Rename(path, f.path)
	}
	if err == nil {
		err = operatingSystem{}.SyncDir(filepath.Dir(f.path))
	}
	return old.Size(), fresh.Size(), errors.Join(err, f.open(false))
}

// CopyTo writes the file as it is now into a new one, synced, and returns how many bytes that are. It may be
// written to meanwhile.
func (f *File) CopyTo(ctx context.Context, path string) (int64, error) {
	var size int64
	err := f.View(func(r *Reader) error {
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		size, err = r.tx.WriteTo(cancellable{ctx, out})
		if ctx.Err() != nil {
			err = ctx.Err() // bbolt may have made a text of it
		}
		if err == nil {
			err = out.Sync()
		}
		return errors.Join(err, out.Close())
	})
	return size, err
}

// cancellable is a writer that fails when the context has ended.
type cancellable struct {
	ctx context.Context
	w   io.Writer
}

func (c cancellable) Write(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(b)
}
