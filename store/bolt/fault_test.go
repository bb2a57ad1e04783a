package bolt

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// faults counts operations, and fails the one that is wanted, or all from it on.
type faults struct {
	n     int // operations so far
	at    int // which one fails; 0 for none
	since bool
	err   error
}

// next reports how an operation is to fail.
func (f *faults) next(op, path string) error {
	f.n++
	if f.at != 0 && (f.n == f.at || f.since && f.n > f.at) {
		return &fs.PathError{Op: op, Path: path, Err: f.err}
	}
	return nil
}

// faultyFS is the real file system, but for one failure.
type faultyFS struct {
	operatingSystem
	*faults
}

type faultyFile struct {
	handle
	path string
	*faults
}

func (f faultyFS) OpenFile(path string, flag int, mode fs.FileMode) (handle, error) {
	if err := f.next("open", path); err != nil {
		return nil, err
	}
	h, err := f.operatingSystem.OpenFile(path, flag, mode)
	return faultyFile{h, path, f.faults}, err
}

func (f faultyFS) Rename(from, to string) error {
	if err := f.next("rename", from); err != nil {
		return err
	}
	return f.operatingSystem.Rename(from, to)
}

func (f faultyFS) Remove(path string) error {
	if err := f.next("remove", path); err != nil {
		return err
	}
	return f.operatingSystem.Remove(path)
}

func (f faultyFS) SyncDir(path string) error {
	if err := f.next("sync", path); err != nil {
		return err
	}
	return f.operatingSystem.SyncDir(path)
}

func (f faultyFile) WriteAt(b []byte, at int64) (int, error) {
	if err := f.next("write", f.path); err != nil {
		n, _ := f.handle.WriteAt(b[:len(b)/2], at) // a disk takes what fits
		return n, err
	}
	return f.handle.WriteAt(b, at)
}

func (f faultyFile) Sync() error {
	if err := f.next("sync", f.path); err != nil {
		return err
	}
	return f.handle.Sync()
}

func (f faultyFile) Truncate(size int64) error {
	if err := f.next("truncate", f.path); err != nil {
		return err
	}
	return f.handle.Truncate(size)
}

// inode is a file in memory. Reading shows data; what was written since the last successful sync is
// pending, and may be lost. A failed sync forgets what it could not write, as real ones do.
type inode struct {
	data, disk []byte
	pending    []func([]byte) []byte
}

func (f *inode) do(change func([]byte) []byte) {
	f.data = change(f.data)
	f.pending = append(f.pending, change)
}

// memoryFS is one folder in memory that remembers what would survive a loss of power.
type memoryFS struct {
	*faults
	files   map[string]*inode
	durable map[string]*inode   // the entries as of the last sync of the folder
	renames []map[string]*inode // the entries after each change since
}

func newMemoryFS() *memoryFS {
	return &memoryFS{faults: &faults{}, files: map[string]*inode{}, durable: map[string]*inode{}}
}

type memoryFile struct {
	*inode
	name string
	fs   *memoryFS
}

func (m *memoryFS) changed() { m.renames = append(m.renames, maps.Clone(m.files)) }

func (m *memoryFS) OpenFile(path string, flag int, _ fs.FileMode) (handle, error) {
	if err := m.next("open", path); err != nil {
		return nil, err
	}
	name := filepath.Base(path)
	file := m.files[name]
	switch {
	case file == nil && flag&os.O_CREATE == 0:
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	case file == nil:
		file = &inode{}
		m.files[name] = file
		m.changed()
	case flag&os.O_TRUNC != 0:
		file.do(func([]byte) []byte { return nil })
	}
	return &memoryFile{file, path, m}, nil
}

func (m *memoryFS) ReadDir(string) ([]fs.DirEntry, error) {
	var out []fs.DirEntry
	for _, name := range slices.Sorted(maps.Keys(m.files)) {
		out = append(out, entry{name: name})
	}
	return out, nil
}

type entry struct {
	fs.DirEntry
	name string
}

func (e entry) Name() string { return e.name }

func (m *memoryFS) Rename(from, to string) error {
	if err := m.next("rename", from); err != nil {
		return err
	}
	m.files[filepath.Base(to)] = m.files[filepath.Base(from)]
	delete(m.files, filepath.Base(from))
	m.changed()
	return nil
}

func (m *memoryFS) Remove(path string) error {
	if err := m.next("remove", path); err != nil {
		return err
	}
	if m.files[filepath.Base(path)] == nil {
		return &fs.PathError{Op: "remove", Path: path, Err: fs.ErrNotExist}
	}
	delete(m.files, filepath.Base(path))
	m.changed()
	return nil
}

func (m *memoryFS) SyncDir(path string) error {
	if err := m.next("sync", path); err != nil {
		return err
	}
	m.durable, m.renames = maps.Clone(m.files), nil
	return nil
}

func (f *memoryFile) ReadAt(b []byte, at int64) (int, error) {
	if at >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.data[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) WriteAt(b []byte, at int64) (int, error) {
	err := f.fs.next("write", f.name)
	if err != nil {
		b = b[:len(b)/2]
	}
	b = bytes.Clone(b)
	f.do(func(data []byte) []byte {
		data = slices.Grow(bytes.Clone(data), len(b))
		if grow := int(at) + len(b) - len(data); grow > 0 {
			data = append(data, make([]byte, grow)...)
		}
		copy(data[at:], b)
		return data
	})
	return len(b), err
}

func (f *memoryFile) Truncate(size int64) error {
	if err := f.fs.next("truncate", f.name); err != nil {
		return err
	}
	f.do(func(data []byte) []byte {
		if int(size) <= len(data) {
			return data[:size:size]
		}
		return append(bytes.Clone(data), make([]byte, int(size)-len(data))...)
	})
	return nil
}

func (f *memoryFile) Sync() error {
	if err := f.fs.next("sync", f.name); err != nil {
		f.pending = nil // forgotten
		return err
	}
	for _, change := range f.pending {
		f.disk = change(f.disk)
	}
	f.pending = nil
	return nil
}

func (*memoryFile) Close() error { return nil }

// powerLoss is what the folder is like when the machine comes up again. Of what was not synced, any
// number of changes may have come to the disk, the last of them in part.
func (m *memoryFS) powerLoss(r *rand.Rand) *memoryFS {
	next := newMemoryFS()
	entries := m.durable
	if n := r.IntN(len(m.renames) + 1); n > 0 {
		entries = m.renames[n-1]
	}
	for name, file := range entries {
		data := file.disk
		n := r.IntN(len(file.pending) + 1)
		for i, change := range file.pending[:n] {
			whole := change(data)
			if i == n-1 && len(whole) > len(data) && r.IntN(2) == 0 {
				whole = whole[:len(data)+r.IntN(len(whole)-len(data))]
			}
			data = whole
		}
		next.files[name] = &inode{data: bytes.Clone(data), disk: bytes.Clone(data)}
	}
	next.durable = maps.Clone(next.files)
	return next
}

// numbers are written ahead as the store does it with frames: after a failure a new file is begun with
// all that there is.
type numbers struct {
	files walFiles
	wal   *WAL
	n     byte // the last number that was begun with
	acked byte // the last that was reported as kept
	errs  []error
}

func (k *numbers) frames(from, to byte) []byte {
	var b []byte
	for i := from; i <= to; i++ {
		b = AppendFrame(b, bytes.Repeat([]byte{i}, 10))
	}
	return b
}

func (k *numbers) add(count byte) {
	from := k.n + 1
	k.n += count
	var err error
	if k.wal == nil {
		err = k.rotate()
	} else if err = k.wal.Append(k.frames(from, k.n)); err != nil {
		k.errs = append(k.errs, err)
		err = k.rotate()
	}
	if err == nil {
		k.acked = k.n
	}
}

func (k *numbers) rotate() error {
	k.wal = nil
	w, err := k.files.RotateWAL(k.frames(1, k.n))
	if err != nil {
		k.errs = append(k.errs, err)
		return err
	}
	k.wal, k.acked = w, k.n
	return nil
}

// scenario is a life of write-ahead files.
func (k *numbers) scenario() {
	for range 3 {
		for range 3 {
			k.add(2)
		}
		_ = k.rotate() // k.errs has it
	}
	k.add(1)
}

// replayed returns the last number of what is on disk, which must be 1, 2, 3 and so on.
func replayed(t *testing.T, m *memoryFS) byte {
	t.Helper()
	files := walFiles{fs: m, path: "folder"}
	for name := range m.files {
		if seq, ok := walSeqOf(name); ok {
			files.seq = max(files.seq, seq)
		}
	}
	last := byte(0)
	_, err := files.ReplayWAL(func(payload []byte) error {
		last++
		if !bytes.Equal(payload, bytes.Repeat([]byte{last}, 10)) {
			t.Errorf("frame %d is %v", last, payload)
		}
		return nil
	})
	if err != nil {
		t.Errorf("replay: %v", err)
	}
	return last
}

// Whichever operation fails, and whenever the power goes: what was reported as kept is there.
func TestWriteAheadFaults(t *testing.T) {
	whole := &numbers{files: walFiles{fs: newMemoryFS(), path: "folder"}}
	whole.scenario()
	operations := whole.files.fs.(*memoryFS).n
	if len(whole.errs) > 0 || whole.acked != 19 || operations < 30 {
		t.Fatalf("%d operations, %d kept: %v", operations, whole.acked, whole.errs)
	}
	for _, fault := range []struct {
		name  string
		err   error
		since bool
	}{{"full disk", syscall.ENOSPC, false}, {"broken disk", syscall.EIO, false}, {"read-only", syscall.EROFS, false}, {"power loss", syscall.EIO, true}} {
		t.Run(fault.name, func(t *testing.T) {
			for at := 1; at <= operations; at++ {
				m := newMemoryFS()
				m.at, m.since, m.err = at, fault.since, fault.err
				k := &numbers{files: walFiles{fs: m, path: "folder"}}
				k.scenario()
				if !fault.since && k.acked != k.n {
					t.Errorf("operation %d failed once, and only %d of %d are kept in the end", at, k.acked, k.n)
				}
				for _, err := range k.errs {
					if !errors.Is(err, fault.err) || !strings.Contains(err.Error(), "folder") {
						t.Errorf("operation %d: an error that does not say what and where: %v", at, err)
					}
				}
				for seed := range uint64(8) {
					after := m.powerLoss(rand.New(rand.NewPCG(seed, uint64(at))))
					if last := replayed(t, after); last < k.acked || last > k.n {
						t.Errorf("operation %d, loss %d: %d of %d that were kept are there (%d begun)", at, seed, last, k.acked, k.n)
					}
				}
			}
		})
	}
}

// A file whose sync failed takes nothing any more: the operating system may have forgotten what it
// could not write.
func TestWriteAheadGivenUp(t *testing.T) {
	m := newMemoryFS()
	files := walFiles{fs: m, path: "folder"}
	w, err := files.RotateWAL(nil)
	if err != nil {
		t.Fatal(err)
	}
	m.at, m.err = m.n+2, syscall.EIO // write, sync
	for range 2 {
		if err := w.Append(AppendFrame(nil, []byte("x"))); !errors.Is(err, syscall.EIO) {
			t.Error(err)
		}
	}
}

// Whichever operation on the folder fails: nothing panics, the error says where, and what was reported as
// done is there when the folder is opened anew.
func TestFolderFaults(t *testing.T) {
	f := &faults{}
	kept, errs := folderScenario(t.TempDir(), faultyFS{faults: f})
	if len(kept) != 3 || len(errs) > 0 || f.n < 30 {
		t.Fatalf("%d operations, %d windows kept: %v", f.n, len(kept), errs)
	}
	for at := 1; at <= f.n; at++ {
		t.Run(strconv.Itoa(at), func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			fault := []error{syscall.ENOSPC, syscall.EROFS, syscall.EIO}[at%3]
			kept, errs := folderScenario(path, faultyFS{faults: &faults{at: at, err: fault}})
			for _, err := range errs {
				if !errors.Is(err, fault) || !strings.Contains(err.Error(), path) {
					t.Errorf("an error that does not say what and where: %v", err)
				}
			}
			d := openTest(t, path)
			for _, want := range kept {
				windows, err := d.Windows(want.tier)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.ContainsFunc(windows, func(w SealedWindow) bool { return w.Start == want.start }) {
					t.Errorf("window %d of %s is lost", want.start, want.tier.Name)
				}
			}
			if len(d.Aside()) > 0 {
				t.Errorf("there is damage: %v", d.Aside())
			}
		})
	}
}

type keptWindow struct {
	tier  *Tier
	start int64
}

// folderScenario lives with a folder, goes on after each error, and tells what was reported as done.
func folderScenario(path string, fsys fileSystem) (kept []keptWindow, errs []error) {
	note := func(err error) bool {
		if err != nil {
			errs = append(errs, err)
		}
		return err == nil
	}
	var d *Dir
	for range 2 { // once more after the failure
		var err error
		if d, err = openDir(path, false, fsys); note(err) {
			break
		}
	}
	const day = 24 * 3600 * 1000
	for i := range int64(4) {
		for _, tier := range Tiers[:1+(4-i)/4*2] { // rollups once
			_, err := d.Put(tier, window(i*day, 3))
			if note(err) {
				kept = append(kept, keptWindow{tier, i * day})
			}
		}
		w, err := d.RotateWAL(AppendFrame(nil, []byte("x")))
		if note(err) {
			note(w.Append(AppendFrame(nil, []byte("y"))))
			note(w.Close())
		}
	}
	// Each takes the oldest day away, or fails; either way its windows need not be there any more.
	for _, take := range []func(*File) error{
		func(f *File) error { _, err := d.Remove(Raw, must(f.Windows())[0].Start+day); return err },
		func(*File) error { _, err := d.RemoveOldest(Raw); return err },
		func(f *File) error { return d.SetAside(f, ErrDamaged) },
	} {
		oldest := d.Files(Raw)[0]
		start := must(oldest.Windows())[0].Start
		note(take(oldest))
		kept = slices.DeleteFunc(kept, func(k keptWindow) bool { return k.tier == Raw && k.start == start })
	}
	note(d.SetAsideWAL())
	note(d.Close())
	return kept, errs
}
