package bolt

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Dir is a data folder. Its files may be read by anybody; one goroutine at a time writes.
type Dir struct {
	walFiles
	lock *File // nil for a read-only folder without a lock file

	mu     sync.Mutex       // guards what follows
	files  map[string]*File // of all tiers, by name
	aside  []error
	damage []Damage
}

// SealedWindow is a window, its tier, and the file that has it.
type SealedWindow struct {
	WindowInfo
	Tier *Tier
	File *File
}

// End returns the end of the window; it is not in it.
func (w SealedWindow) End() int64 { return w.Start + w.Tier.Window.Milliseconds() }

// OpenDir locks the folder and opens all files of all tiers. A file that cannot be read is set aside
// under another name, and Aside and Damaged tell of it; a file of an unknown version fails the whole and
// is left as it is. A read-only folder is not changed at all.
func OpenDir(path string, readOnly bool) (*Dir, error) {
	return openDir(path, readOnly, operatingSystem{})
}

func openDir(path string, readOnly bool, fsys fileSystem) (*Dir, error) {
	d := &Dir{walFiles: walFiles{fs: fsys, path: path, readOnly: readOnly}, files: map[string]*File{}}
	if err := d.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("data folder: %w", err), d.Close())
	}
	return d, nil
}

func (d *Dir) open() error {
	if !d.readOnly {
		if err := os.MkdirAll(d.path, 0o700); err != nil {
			return fmt.Errorf("%w: choose a folder that can be written to", err)
		}
	}
	if err := d.takeLock(); err != nil {
		return err
	}
	entries, err := d.fs.ReadDir(d.path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		if seq, ok := walSeqOf(name); ok {
			d.seq = max(d.seq, seq)
		}
		if of, ok := strings.CutSuffix(name, tmpSuffix); ok && !d.readOnly && isOurs(of) {
			if err := removeIfThere(d.fs, filepath.Join(d.path, name)); err != nil {
				return err
			}
		}
		if tier, start, ok := asideOf(name); ok {
			d.damage = append(d.damage, damageOf(tier, start, filepath.Join(d.path, name), errEarlier))
		}
		if tier, start, ok := tierOf(name); ok {
			if err := d.openTierFile(name, tier, start); err != nil {
				return err
			}
		}
	}
	return nil
}

// isOurs tells the names of files that are made under another name first.
func isOurs(name string) bool {
	_, wal := walSeqOf(name)
	_, _, tier := tierOf(name)
	return wal || tier
}

func (d *Dir) takeLock() error {
	path := filepath.Join(d.path, lockName)
	take := CreateFile
	if d.readOnly {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		take = OpenFile
	}
	lock, err := take(path, KindFolder)
	if errors.Is(err, ErrInUse) {
		owner := "another process"
		if pid, err := os.ReadFile(filepath.Join(d.path, pidName)); err == nil {
			owner = "process " + strings.TrimSpace(string(pid))
		}
		return fmt.Errorf("%s is used by %s: stop it, or choose another folder: %w", d.path, owner, ErrInUse)
	}
	if err != nil {
		return err
	}
	d.lock = lock
	if d.readOnly {
		return nil
	}
	return os.WriteFile(filepath.Join(d.path, pidName), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600)
}

// Close lets go of the folder.
func (d *Dir) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, f := range d.files {
		errs = append(errs, f.Close())
	}
	clear(d.files)
	if d.lock != nil {
		if !d.readOnly {
			errs = append(errs, removeIfThere(d.fs, filepath.Join(d.path, pidName)))
		}
		errs = append(errs, d.lock.Close())
		d.lock = nil
	}
	return errors.Join(errs...)
}

// tierFile is a file of a tier in the folder.
type tierFile struct {
	*File
	name       string
	start, end int64 // what it may hold, Unix milliseconds; end is not in it
}

// list returns the files of a tier in time order.
func (d *Dir) list(tier *Tier) []tierFile {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []tierFile
	for name, f := range d.files {
		if of, start, _ := tierOf(name); of == tier {
			out = append(out, tierFile{f, name, start.UnixMilli(), tier.next(start).UnixMilli()})
		}
	}
	slices.SortFunc(out, func(a, b tierFile) int { return cmp.Compare(a.start, b.start) })
	return out
}

// Files lists the files of a tier in time order.
func (d *Dir) Files(tier *Tier) []*File {
	var out []*File
	for _, f := range d.list(tier) {
		out = append(out, f.File)
	}
	return out
}

// Windows lists the sealed windows of a tier in time order.
func (d *Dir) Windows(tier *Tier) ([]SealedWindow, error) {
	var out []SealedWindow
	for _, f := range d.list(tier) {
		list, err := f.Windows()
		if errors.Is(err, fs.ErrClosed) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		for _, info := range list {
			out = append(out, SealedWindow{info, tier, f.File})
		}
	}
	slices.SortFunc(out, func(a, b SealedWindow) int { return cmp.Compare(a.Start, b.Start) })
	return out, nil
}

// Put seals a window of a tier into its file. It is there for good when no error is returned.
func (d *Dir) Put(tier *Tier, w *WindowData) (SealedWindow, error) {
	name := tier.fileName(w.Start)
	d.mu.Lock()
	f := d.files[name]
	d.mu.Unlock()
	if f == nil {
		var err error
		if f, err = d.create(name, tier.Kind); err != nil {
			return SealedWindow{}, fmt.Errorf("new file of history: %w", err)
		}
		d.mu.Lock()
		d.files[name] = f
		d.mu.Unlock()
	}
	info, err := f.Put(w)
	return SealedWindow{info, tier, f}, err
}

// create makes a file that is there with its version and kind, or not at all: half of one would count
// as damaged.
func (d *Dir) create(name string, kind Kind) (*File, error) {
	path := filepath.Join(d.path, name)
	tmp := path + tmpSuffix
	if err := removeIfThere(d.fs, tmp); err != nil {
		return nil, err
	}
	f, err := CreateFile(tmp, kind)
	if err != nil {
		return nil, errors.Join(err, removeIfThere(d.fs, tmp))
	}
	err = f.Close()
	if err == nil {
		err = d.fs.Rename(tmp, path)
	}
	if err == nil {
		err = d.fs.SyncDir(d.path)
	}
	if err != nil {
		return nil, errors.Join(err, removeIfThere(d.fs, tmp))
	}
	return CreateFile(path, kind)
}
