package bolt

import (
	"bufio"
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

// Dir is a data folder. Its days may be read by anybody; one goroutine at a time writes.
type Dir struct {
	path     string
	readOnly bool
	lock     *File // nil for a read-only folder without a lock file

	mu    sync.Mutex       // guards files
	files map[string]*File // of all tiers, by name
	aside []error

	walSeq uint64
}

// SealedWindow is a window, its tier, and the file that has it.
type SealedWindow struct {
	WindowInfo
	Tier *Tier
	File *File
}

// End returns the end of the window; it is not in it.
func (w SealedWindow) End() int64 { return w.Start + w.Tier.Window.Milliseconds() }

// OpenDir locks the folder and opens all days. A day that cannot be read is set aside under another
// name, and Aside tells of it; a file of an unknown version fails the whole and is left as it is.
func OpenDir(path string, readOnly bool) (*Dir, error) {
	d := &Dir{path: path, readOnly: readOnly, files: map[string]*File{}}
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
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		if seq, ok := walSeqOf(name); ok {
			d.walSeq = max(d.walSeq, seq)
		}
		tier, _, ok := tierOf(name)
		if !ok {
			continue
		}
		path := filepath.Join(d.path, name)
		f, err := OpenFile(path, tier.Kind)
		if err == nil {
			if _, err = f.Windows(); err != nil {
				err = errors.Join(err, f.Close())
			}
		}
		switch {
		case err == nil:
			d.files[name] = f
		case errors.Is(err, ErrDamaged):
			d.setAside(path, err)
		default:
			return err
		}
	}
	return nil
}

func (d *Dir) setAside(path string, cause error) {
	err := fmt.Errorf("a day of history is damaged and left out: %w", cause)
	if !d.readOnly {
		if moved := os.Rename(path, path+asideName); moved != nil {
			err = errors.Join(err, moved)
		}
	}
	d.aside = append(d.aside, err)
}

// Aside returns why days were left out when the folder was opened.
func (d *Dir) Aside() []error { return d.aside }

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
			errs = append(errs, removeIfThere(filepath.Join(d.path, pidName)))
		}
		errs = append(errs, d.lock.Close())
		d.lock = nil
	}
	return errors.Join(errs...)
}

// Windows lists the sealed windows of a tier in time order.
func (d *Dir) Windows(tier *Tier) ([]SealedWindow, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []SealedWindow
	for name, f := range d.files {
		if of, _, _ := tierOf(name); of != tier {
			continue
		}
		list, err := f.Windows()
		if err != nil {
			return nil, err
		}
		for _, info := range list {
			out = append(out, SealedWindow{info, tier, f})
		}
	}
	slices.SortFunc(out, func(a, b SealedWindow) int { return cmp.Compare(a.Start, b.Start) })
	return out, nil
}

// Put seals a window of a tier into its file.
func (d *Dir) Put(tier *Tier, w *WindowData) (SealedWindow, error) {
	name := tier.fileName(w.Start)
	d.mu.Lock()
	f := d.files[name]
	d.mu.Unlock()
	if f == nil {
		var err error
		if f, err = CreateFile(filepath.Join(d.path, name), tier.Kind); err != nil {
			return SealedWindow{}, err
		}
		if err := syncDir(d.path); err != nil {
			return SealedWindow{}, errors.Join(err, f.Close())
		}
		d.mu.Lock()
		d.files[name] = f
		d.mu.Unlock()
	}
	info, err := f.Put(w)
	return SealedWindow{info, tier, f}, err
}

// Remove deletes the files of a tier that end at or before the Unix millisecond, and says whether
// there were any.
func (d *Dir) Remove(tier *Tier, before int64) (removed bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, f := range d.files {
		of, start, _ := tierOf(name)
		if of != tier || tier.next(start).UnixMilli() > before {
			continue
		}
		delete(d.files, name)
		removed = true
		if err := errors.Join(f.Close(), os.Remove(f.path)); err != nil {
			return removed, fmt.Errorf("remove old history: %w", err)
		}
	}
	return removed, nil
}

func (d *Dir) walPath(seq uint64) string {
	return filepath.Join(d.path, fmt.Sprintf("%s%08d%s", walPrefix, seq, walSuffix))
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
func (d *Dir) ReplayWAL(visit func(payload []byte) error) (*WAL, error) {
	if d.walSeq == 0 {
		return nil, nil
	}
	path := d.walPath(d.walSeq)
	mode := os.O_RDWR
	if d.readOnly {
		mode = os.O_RDONLY
	}
	file, err := os.OpenFile(path, mode, 0)
	if err != nil {
		return nil, err
	}
	good, err := readWAL(bufio.NewReaderSize(file, 1<<20), visit)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	if d.readOnly {
		return nil, file.Close()
	}
	if err := file.Truncate(good); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: cut off the torn tail: %w", path, err), file.Close())
	}
	return &WAL{file: file, size: good}, nil
}

// SetAsideWAL renames the write-ahead file, so that the next one does not remove it.
func (d *Dir) SetAsideWAL() error {
	path := d.walPath(d.walSeq)
	return os.Rename(path, path+asideName)
}

// RotateWAL begins a new write-ahead file with the given frames and removes the older ones.
func (d *Dir) RotateWAL(frames []byte) (*WAL, error) {
	w, err := createWAL(d.walPath(d.walSeq+1), frames)
	if err != nil {
		return nil, err
	}
	d.walSeq++
	entries, _ := os.ReadDir(d.path) // an older file is not read any more: what stays is removed next time
	for _, entry := range entries {
		if seq, ok := walSeqOf(entry.Name()); ok && seq < d.walSeq {
			_ = removeIfThere(d.walPath(seq)) // likewise
		}
	}
	return w, nil
}
