package bolt

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// fileSystem is what a data folder asks of the operating system, apart from what bbolt does by itself.
// Tests put one in its place that fails, or loses power.
type fileSystem interface {
	OpenFile(path string, flag int, mode fs.FileMode) (handle, error)
	ReadDir(path string) ([]fs.DirEntry, error)
	Rename(from, to string) error
	Remove(path string) error
	SyncDir(path string) error // makes creations, renames and removals in it last
}

// handle is an open file.
type handle interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
	Truncate(size int64) error
	Close() error
}

// operatingSystem is the real one.
type operatingSystem struct{}

func (operatingSystem) OpenFile(path string, flag int, mode fs.FileMode) (handle, error) {
	file, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return nil, err // not a nil *os.File within a handle
	}
	return file, nil
}

func (operatingSystem) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }

func (operatingSystem) Rename(from, to string) error { return os.Rename(from, to) }

func (operatingSystem) Remove(path string) error { return os.Remove(path) }

func (operatingSystem) SyncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// removeIfThere is no error when there is no such file.
func removeIfThere(fsys fileSystem, path string) error {
	if err := fsys.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SyncDir makes creations, renames and removals in a folder last.
func SyncDir(path string) error { return operatingSystem{}.SyncDir(path) }
