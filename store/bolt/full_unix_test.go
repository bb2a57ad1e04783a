//go:build unix

package bolt

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const fullEnv = "NOCTURNE_TEST_FULL_DISK"

// A disk that is full in the middle of a window costs that window only: those before it are there, and
// when there is room again it is put without loss. The limit on the length of files is the process's, so
// that a process of its own tries it.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv(fullEnv); dir != "" {
		signal.Ignore(syscall.SIGXFSZ) // the write fails instead
		for limit := uint64(0); ; limit += 16 << 10 {
			path := filepath.Join(dir, fmt.Sprint(limit))
			if fillDisk(t, path, limit) {
				if limit < 160<<10 {
					t.Error("there was hardly ever a full disk")
				}
				return
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDisk$")
	cmd.Env = append(os.Environ(), fullEnv+"="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func limitFiles(t *testing.T, bytes uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = min(bytes, limit.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
}

// fillDisk puts windows while no file may be longer than limit, and more when it may. It reports whether
// all found room at once.
func fillDisk(t *testing.T, path string, limit uint64) (all bool) {
	t.Helper()
	file := filepath.Join(path, "day-19700101.db")
	d := openTest(t, path)
	limitFiles(t, limit)
	all = true
	var kept []int64
	for i := range int64(5) {
		start := i * Window.Milliseconds()
		if _, err := d.Put(Raw, window(start, 1500)); err == nil {
			kept = append(kept, start)
		} else if all = false; !strings.Contains(err.Error(), path) {
			t.Errorf("limit %d, window %d: an error that does not say where: %v", limit, i, err)
		}
		if i == 3 {
			limitFiles(t, ^uint64(0))
		}
	}
	if len(kept) == 0 {
		t.Fatalf("limit %d: nothing was kept, not even without one", limit)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := readAll(file); err != nil {
		t.Fatalf("limit %d: %v", limit, err)
	}
	d = openTest(t, path)
	windows, err := d.Windows(Raw)
	if err != nil || len(d.Aside()) > 0 || len(windows) != len(kept) {
		t.Fatalf("limit %d: %d of %d windows are there: %v, %v", limit, len(windows), len(kept), err, d.Aside())
	}
	for i, w := range windows {
		if w.Start != kept[i] {
			t.Errorf("limit %d: window %d in the place of %d", limit, w.Start, kept[i])
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}
