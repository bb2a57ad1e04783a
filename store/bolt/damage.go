package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Damage is a file that could not be read and was set aside: what of its stretch is shown may not be all.
type Damage struct {
	Tier       *Tier
	Start, End int64  // what the file may have held, Unix milliseconds; End is not in it
	Path       string // where it is now
	Err        error
}

// errEarlier is all that is known of what was set aside before.
var errEarlier = fmt.Errorf("%w: set aside by an earlier run", ErrDamaged)

func damageOf(tier *Tier, start time.Time, path string, err error) Damage {
	return Damage{tier, start.UnixMilli(), tier.next(start).UnixMilli(), path, err}
}

// asideName is the n-th name that a damaged file gets: several versions of a day may be damaged one
// after the other, and all are kept for whoever wants to look at them.
func asideName(name string, n int) string {
	if n == 1 {
		return name + asideSuffix
	}
	return fmt.Sprintf("%s%s-%d", name, asideSuffix, n)
}

// asideOf is the inverse of asideName for the names of tiers' files.
func asideOf(name string) (*Tier, time.Time, bool) {
	original, rest, found := strings.Cut(name, asideSuffix)
	n := 1
	if rest != "" {
		n, _ = strconv.Atoi(strings.TrimPrefix(rest, "-"))
	}
	if !found || n < 1 || asideName(original, n) != name {
		return nil, time.Time{}, false
	}
	return tierOf(original)
}

// openTierFile opens a file that was found in the folder.
func (d *Dir) openTierFile(name string, tier *Tier, start time.Time) error {
	path := filepath.Join(d.path, name)
	f, err := OpenFile(path, tier.Kind)
	if err == nil {
		if _, err = f.Windows(); err != nil {
			err = errors.Join(err, f.Close())
		}
	}
	if errors.Is(err, ErrDamaged) {
		cause := fmt.Errorf("a file of history is damaged and left out: %w", err)
		moved, err := d.moveAside(name)
		cause = errors.Join(cause, err)
		d.aside = append(d.aside, cause)
		d.damage = append(d.damage, damageOf(tier, start, moved, cause))
		return nil
	}
	if err != nil {
		return err
	}
	d.files[name] = f
	return nil
}

// moveAside renames a file that is damaged, and returns its path. In a read-only folder it stays.
func (d *Dir) moveAside(name string) (path string, err error) {
	path = filepath.Join(d.path, name)
	if d.readOnly {
		return path, nil
	}
	for n := 1; ; n++ {
		to := filepath.Join(d.path, asideName(name, n))
		if _, err := os.Lstat(to); err == nil {
			continue
		}
		if err := d.fs.Rename(path, to); err != nil {
			return path, fmt.Errorf("set a damaged file aside: %w: make %s writable, or move the file away", err, d.path)
		}
		return to, d.fs.SyncDir(d.path)
	}
}

// SetAside takes a file that was found damaged out of the folder: it waits for its readers, closes it,
// and renames it. Readers that come later get fs.ErrClosed. For what is to be written, a new file is
// made. Files that are not the folder's, or not any more, are let be.
func (d *Dir) SetAside(file *File, cause error) error {
	name := filepath.Base(file.path)
	d.mu.Lock()
	known := d.files[name] == file
	if known {
		delete(d.files, name)
	}
	d.mu.Unlock()
	if !known {
		return nil
	}
	closed := file.Close()
	path, err := d.moveAside(name)
	tier, start, _ := tierOf(name)
	d.mu.Lock()
	d.damage = append(d.damage, damageOf(tier, start, path, errors.Join(cause, err)))
	d.mu.Unlock()
	return errors.Join(closed, err)
}

// Aside returns why files were left out when the folder was opened.
func (d *Dir) Aside() []error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.aside
}

// Damaged lists the files that are set aside, now or by an earlier run. It is shared: do not change it.
func (d *Dir) Damaged() []Damage {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.damage[:len(d.damage):len(d.damage)]
}
