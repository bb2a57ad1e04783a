package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/nocturne-noc/nocturne/store/bolt"
)

// Progress is told what is being worked on, in a few words.
type Progress func(what string)

// errNoFolder is what maintenance of a store without a data folder answers.
var errNoFolder = errors.New("this wallboard keeps nothing on disk: there is no data folder to look after")

// folder returns the data folder. The caller holds s.keeper.mu, which keeps it from being replaced.
func (s *Store) folder() (*bolt.Dir, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.closed:
		return nil, ErrClosed
	case s.opts.Dir == "":
		return nil, errNoFolder
	case s.dir == nil:
		return nil, s.offlineError()
	}
	return s.dir, nil
}

// Check reads all of the data folder and verifies it, beside whatever else is going on.
func (s *Store) Check(ctx context.Context, progress Progress) (*CheckReport, error) {
	s.keeper.mu.Lock()
	dir, err := s.folder()
	var wal *bolt.WALCopy
	if err == nil {
		wal, err = s.copyWAL(dir)
	}
	s.keeper.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	return checkDir(ctx, dir, wal, progress)
}

// copyWAL takes hold of the write-ahead file between two writes.
func (s *Store) copyWAL(dir *bolt.Dir) (*bolt.WALCopy, error) {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	return dir.CopyWAL()
}

// Compact writes anew what wastes room, a file at a time: each is replaced in one step, and what is read
// or written meanwhile goes on.
func (s *Store) Compact(ctx context.Context, progress Progress) (*CompactReport, error) {
	s.keeper.mu.Lock()
	dir, err := s.folder()
	if err == nil && s.offline != nil {
		err = s.offlineError()
	}
	s.keeper.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("compact: %w", err)
	}
	return compactDir(ctx, dir, progress, &s.keeper.mu)
}

// Backup copies the data folder, as it is now, into another one that is not there yet, or empty. The copy
// has all that was applied, and opens by itself.
func (s *Store) Backup(ctx context.Context, to string, progress Progress) (*BackupReport, error) {
	s.keeper.mu.Lock() // nothing is sealed between the copy of the write-ahead file and that of the day
	dir, err := s.folder()
	if err != nil {
		s.keeper.mu.Unlock()
		return nil, err
	}
	b, err := s.beginBackup(ctx, dir, to, progress)
	s.keeper.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return b.finish(ctx)
}

func (s *Store) beginBackup(ctx context.Context, dir *bolt.Dir, to string, progress Progress) (*backup, error) {
	var wal *bolt.WALCopy
	err := s.Sync()
	if err == nil {
		wal, err = s.copyWAL(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	return beginBackup(ctx, dir, wal, to, progress)
}

// CheckDir is Store.Check for a data folder that no wallboard runs on. It changes nothing.
func CheckDir(ctx context.Context, path string, progress Progress) (report *CheckReport, err error) {
	err = withDir(path, true, func(dir *bolt.Dir) error {
		wal, err := dir.CopyWAL()
		if err != nil {
			return fmt.Errorf("check: %w", err)
		}
		report, err = checkDir(ctx, dir, wal, progress)
		return err
	})
	return report, err
}

// CompactDir is Store.Compact for a data folder that no wallboard runs on.
func CompactDir(ctx context.Context, path string, progress Progress) (report *CompactReport, err error) {
	err = withDir(path, false, func(dir *bolt.Dir) error {
		report, err = compactDir(ctx, dir, progress, nobody{})
		return err
	})
	return report, err
}

// BackupDir is Store.Backup for a data folder that no wallboard runs on.
func BackupDir(ctx context.Context, path, to string, progress Progress) (report *BackupReport, err error) {
	err = withDir(path, true, func(dir *bolt.Dir) error {
		wal, err := dir.CopyWAL()
		if err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		b, err := beginBackup(ctx, dir, wal, to, progress)
		if err != nil {
			return err
		}
		report, err = b.finish(ctx)
		return err
	})
	return report, err
}

func withDir(path string, readOnly bool, do func(*bolt.Dir) error) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("data folder %s: there is none: name another with --data", path)
	}
	dir, err := bolt.OpenDir(path, readOnly)
	if err != nil {
		return err
	}
	return errors.Join(do(dir), dir.Close())
}

// nobody is the lock of a folder that nobody else uses.
type nobody struct{}

func (nobody) Lock()   {}
func (nobody) Unlock() {}
