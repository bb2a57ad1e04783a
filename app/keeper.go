package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/nocturne-noc/nocturne/widgets/panels"
)

const (
	keptName     = "arranged.json" // in the data folder: what people arranged on boards, by name
	maxKeptBytes = 32 << 20
)

// keeper is a panels.Keeper in one file of a data folder, which is replaced as a whole.
type keeper struct {
	path string
	mu   sync.Mutex // one writer at a time
}

// Keeper keeps what people arrange on this wallboard's boards; nil where it remembers nothing.
func (c *Core) Keeper() panels.Keeper {
	if c.dir == "" {
		return nil
	}
	return c.keeper
}

func keeperIn(dir string) *keeper { return &keeper{path: filepath.Join(dir, keptName)} }

// Load implements panels.Keeper.
func (k *keeper) Load(name string, into any) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	all, err := k.read()
	if err != nil || all[name] == nil {
		return err
	}
	if err := json.Unmarshal(all[name], into); err != nil {
		return fmt.Errorf("%s in %s: %w: remove the file to begin anew", name, k.path, err)
	}
	return nil
}

// Save implements panels.Keeper. What cannot be read is not written over: somebody arranged it.
func (k *keeper) Save(name string, value any) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	all, err := k.read()
	if err != nil {
		return err
	}
	if all[name], err = json.Marshal(value); err != nil {
		return fmt.Errorf("%s for %s: %w", name, k.path, err)
	}
	b, err := json.Marshal(all)
	if err == nil && len(b) > maxKeptBytes {
		return fmt.Errorf("%s: %s would make it larger than %d MB: remove the file to begin anew", k.path, name, maxKeptBytes>>20)
	}
	if err == nil {
		err = writeFile(k.path, append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("%s is not kept: %w", name, err)
	}
	return nil
}

func (k *keeper) read() (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	f, err := os.Open(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, fmt.Errorf("arranged by hand: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	if err := json.NewDecoder(io.LimitReader(f, maxKeptBytes+1)).Decode(&all); err != nil {
		return nil, fmt.Errorf("arranged by hand, %s: %w: remove the file to begin anew", k.path, err)
	}
	if all == nil { // the file says null
		all = map[string]json.RawMessage{}
	}
	return all, nil
}
