package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// maxFile bounds what is read of one file of the kernel, in bytes.
const maxFile = 1 << 20

// tree is where the kernel tells of itself: /proc and /sys, or a recording of them.
type tree struct{ proc, sys string }

var machine = tree{proc: "/proc", sys: "/sys"}

// readFile is os.ReadFile with a limit.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// attribute is a file of one value; ok is false when it is not there or does not tell now, as the speed of
// a port that is down.
func attribute(elem ...string) (text string, ok bool) {
	b, err := readFile(filepath.Join(elem...))
	return strings.TrimSpace(string(b)), err == nil
}

// number is an attribute that is one.
func number(elem ...string) (v float64, ok bool) {
	text, ok := attribute(elem...)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

// absent makes no error of what this kernel does not have.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EOPNOTSUPP) {
		return nil
	}
	return err
}
