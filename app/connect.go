package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store"
)

// Connect gives commands the same API whether a wallboard runs on the data folder, which they then
// ask, or none does: then they read the folder themselves. The second result lets go of it.
func Connect(ctx context.Context, dataDir string, log *slog.Logger) (*control.Client, func() error, error) {
	dir, err := DataDir(dataDir)
	if err != nil {
		return nil, nil, err
	}
	if client, runs := control.Dial(ctx, dir); runs {
		return client, func() error { return nil }, nil
	}
	s, err := OpenReadOnly(dir, log)
	if err != nil {
		return nil, nil, err
	}
	h := control.Handler(control.Backend{Source: s, Queryable: s.Queryable(), Engine: s.Engine()})
	return control.Local(h), s.Close, nil
}

// OpenReadOnly opens a data folder that no wallboard runs on.
func OpenReadOnly(dir string, log *slog.Logger) (*store.Store, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("data folder %s: there is none, and no wallboard runs on it: start nocturne first, or name another folder with --data", dir)
	}
	return store.Open(store.Options{Dir: dir, ReadOnly: true, Now: time.Now, Log: log})
}
