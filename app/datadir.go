package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/app/control"
)

const (
	uiName     = "ui.json" // in the data folder: what the window remembers
	maxUIBytes = 1 << 20
)

// DataDir is the folder that a --data flag means; "" is the user's own.
func DataDir(flag string) (string, error) {
	if flag == "" {
		return config.DefaultDataDir()
	}
	dir, err := filepath.Abs(flag)
	if err != nil {
		return "", fmt.Errorf("data folder %s: %w", flag, err)
	}
	return dir, nil
}

// Owner reports whether a wallboard runs on the folder, and its process number.
func Owner(ctx context.Context, dir string) (pid string, runs bool) {
	if _, runs = control.Dial(ctx, dir); !runs {
		return "", false
	}
	b, err := os.ReadFile(filepath.Join(dir, pidName))
	if err != nil {
		return "of unknown number", true
	}
	return shorten(strings.TrimSpace(string(b)), 20), true
}

func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// LoadUI fills what the window remembered with SaveUI; nothing remembered leaves into as it is.
func (c *Core) LoadUI(into any) error {
	if c.dir == "" {
		return nil
	}
	f, err := os.Open(filepath.Join(c.dir, uiName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("window state: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	if err := json.NewDecoder(io.LimitReader(f, maxUIBytes)).Decode(into); err != nil {
		return fmt.Errorf("window state %s: %w: remove the file to begin anew", f.Name(), err)
	}
	return nil
}

// SaveUI keeps what the window wants to remember, whole or not at all.
func (c *Core) SaveUI(state any) error {
	if c.dir == "" {
		return nil
	}
	b, err := json.Marshal(state)
	if err == nil {
		err = writeFile(filepath.Join(c.dir, uiName), append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("window state: %w", err)
	}
	return nil
}

// writeFile replaces a file in one step, so that a crash leaves the old or the new one.
func writeFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
