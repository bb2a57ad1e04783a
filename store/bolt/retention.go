package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// TierSize is what a tier takes, and what it tells of.
type TierSize struct {
	Tier       *Tier
	Files      int
	Bytes      int64 // as they lie on disk
	Start, End int64 // of its windows, Unix milliseconds; 0 when it has none
}

// Size is what a data folder takes.
type Size struct {
	Tiers []TierSize // in the order of Tiers
	WAL   int64      // bytes of the write-ahead file
	Aside int64      // bytes of what was damaged
}

// Total is all bytes together.
func (s Size) Total() int64 {
	sum := s.WAL + s.Aside
	for _, t := range s.Tiers {
		sum += t.Bytes
	}
	return sum
}

// Size looks at all files.
func (d *Dir) Size() (Size, error) {
	var size Size
	for _, tier := range Tiers {
		t := TierSize{Tier: tier}
		for _, f := range d.list(tier) {
			info, err := os.Stat(f.path)
			var windows []WindowInfo
			if err == nil {
				windows, err = f.Windows()
			}
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrClosed) {
				continue // removed meanwhile
			}
			if err != nil && !errors.Is(err, ErrDamaged) { // damage takes room all the same
				return size, fmt.Errorf("size of history: %w", err)
			}
			t.Files++
			t.Bytes += info.Size()
			if n := len(windows); n > 0 {
				if t.End == 0 {
					t.Start = windows[0].Start
				}
				t.End = windows[n-1].Start + tier.Window.Milliseconds()
			}
		}
		size.Tiers = append(size.Tiers, t)
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return size, fmt.Errorf("size of history: %w", err)
	}
	for _, entry := range entries {
		_, wal := walSeqOf(entry.Name())
		aside := strings.Contains(entry.Name(), asideSuffix)
		info, err := entry.Info()
		switch {
		case err != nil: // removed meanwhile
		case wal:
			size.WAL += info.Size()
		case aside:
			size.Aside += info.Size()
		}
	}
	return size, nil
}

// Remove deletes the files of a tier that end at or before the Unix millisecond, and says whether
// there were any.
func (d *Dir) Remove(tier *Tier, before int64) (removed bool, err error) {
	for _, f := range d.list(tier) {
		if f.end > before {
			break
		}
		if err := d.remove(f); err != nil {
			return removed, err
		}
		removed = true
	}
	return removed, nil
}

// RemoveOldest deletes the oldest file of a tier, and says whether there was one. The latest file always
// stays: it is the one that is written.
func (d *Dir) RemoveOldest(tier *Tier) (removed bool, err error) {
	list := d.list(tier)
	if len(list) < 2 {
		return false, nil
	}
	return true, d.remove(list[0])
}

// remove waits for the file's readers. Those that come later get fs.ErrClosed. A file that cannot be
// removed stays in the folder, to be removed another time.
func (d *Dir) remove(f tierFile) error {
	d.mu.Lock()
	known := d.files[f.name] == f.File
	if known {
		delete(d.files, f.name)
	}
	d.mu.Unlock()
	if !known {
		return nil
	}
	err := f.Close()
	if err == nil {
		err = d.fs.Remove(f.path)
	}
	if err == nil {
		return d.fs.SyncDir(d.path)
	}
	err = fmt.Errorf("remove old history: %w: make %s writable", err, d.path)
	if again := f.reopen(); again != nil {
		return errors.Join(err, again)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[f.name] = f.File
	return err
}
