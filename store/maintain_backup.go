package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/nocturne-noc/nocturne/store/bolt"
)

// BackupReport is what was copied.
type BackupReport struct {
	Dir   string `json:"dir"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

// unfinished ends the names of a backup's files until all of them are there: a data folder passes over
// such names, so that half a backup is an empty folder and not one that looks whole.
const unfinished = ".tmp"

// backup is a copy that is being made.
type backup struct {
	report   *BackupReport
	progress Progress
	made     bool // the folder was not there
	names    []string
	later    []*bolt.File
}

// beginBackup copies what is still written to: the write-ahead file and the latest day. The caller sees
// to it that nothing is sealed meanwhile.
func beginBackup(ctx context.Context, dir *bolt.Dir, wal *bolt.WALCopy, to string, progress Progress) (*backup, error) {
	b := &backup{report: &BackupReport{Dir: to}, progress: progress}
	err := b.makeFolder()
	if err == nil && wal.Name() != "" {
		err = b.copy(wal.Name(), func(path string) (int64, error) { return wal.CopyTo(ctx, path) })
	}
	err = errors.Join(err, wal.Close())
	raw := dir.Files(bolt.Raw)
	if n := len(raw) - 1; err == nil && n >= 0 {
		err = b.file(ctx, raw[n])
		raw = raw[:n]
	}
	b.later = slices.Concat(raw, dir.Files(bolt.FiveMinutes), dir.Files(bolt.OneHour))
	if err != nil {
		return nil, b.failed(err)
	}
	return b, nil
}

// finish copies the rest.
func (b *backup) finish(ctx context.Context) (*BackupReport, error) {
	for _, f := range b.later {
		if err := b.file(ctx, f); err != nil {
			return nil, b.failed(err)
		}
	}
	for _, name := range b.names {
		path := filepath.Join(b.report.Dir, name)
		if err := os.Rename(path+unfinished, path); err != nil {
			return nil, b.failed(err)
		}
	}
	// Whether it opens by itself is asked of it, not believed.
	copied, err := bolt.OpenDir(b.report.Dir, true)
	if err == nil {
		err = errors.Join(append(copied.Aside(), copied.Close())...)
	}
	if err != nil {
		return nil, b.failed(err)
	}
	return b.report, bolt.SyncDir(b.report.Dir)
}

func (b *backup) makeFolder() error {
	entries, err := os.ReadDir(b.report.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		b.made = true
		return os.MkdirAll(b.report.Dir, 0o700)
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty: name a folder that is, or is not there yet", b.report.Dir)
	}
	return nil
}

func (b *backup) file(ctx context.Context, f *bolt.File) error {
	name := filepath.Base(f.Path())
	err := b.copy(name, func(path string) (int64, error) { return f.CopyTo(ctx, path) })
	if errors.Is(err, fs.ErrClosed) { // removed meanwhile
		return nil
	}
	return err
}

func (b *backup) copy(name string, do func(path string) (int64, error)) error {
	b.progress("copy " + name)
	path := filepath.Join(b.report.Dir, name)
	n, err := do(path + unfinished)
	if err != nil {
		if removed := os.Remove(path + unfinished); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, removed)
		}
		return err
	}
	b.names = append(b.names, name)
	b.report.Files++
	b.report.Bytes += n
	return nil
}

// failed takes away what was copied so far.
func (b *backup) failed(err error) error {
	for _, name := range b.names {
		for _, suffix := range []string{unfinished, ""} {
			if removed := os.Remove(filepath.Join(b.report.Dir, name) + suffix); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
				err = errors.Join(err, removed)
			}
		}
	}
	if b.made {
		err = errors.Join(err, os.Remove(b.report.Dir))
	}
	return fmt.Errorf("backup: %w", err)
}
