// Package config reads the one YAML file that a wallboard is configured with. It is strict: unknown
// keys, wrong types, duplicate names and panels that lie over each other are errors with file,
// line and column, all of them at once; and it is forgiving: what is valid is returned beside them,
// so that one bad panel does not take the wall away.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Config is the whole configuration, defaults filled in.
type Config struct {
	Path    string // the file; "" for the built-in default
	Dir     string // what relative paths in it are relative to
	Boards  []Board
	Pages   []Page
	Sources []Source
	Rules   []string // rule files, globs expanded, absolute
	globs   []string // they were expanded from
	Notify  []Raw
	Wall    Wall
	token   Raw // where wall.token stands
	Store   Store
}

// Board is one screen of panels on a grid.
type Board struct {
	Name    string
	Title   model.Localized
	Columns int
	Rows    int
	Panels  []Panel
}

// Panel is one panel of a board. Its own keys are decoded by its kind.
type Panel struct {
	Kind string
	At   [4]int // column, row, width, height in grid cells
	Raw
}

// Source is one configured source. Its own keys are decoded by its collector kind.
type Source struct {
	Kind  string
	Name  string        // unique; the kind when not given
	Every time.Duration // 0 = the kind's own default
	Raw
}

// Wall is how the wallboard looks and behaves.
type Wall struct {
	Distance     float64       `yaml:"distance"`       // reading distance in metres
	Screen       float64       `yaml:"screen"`         // diagonal of the screen in inches
	Rotation     time.Duration `yaml:"rotation"`       // how long each board stands; 0 = no rotation
	Language     string        `yaml:"language"`       // "en", "ko"; "" = the locale's
	Theme        string        `yaml:"theme"`          // "dark", "light"
	KioskPINHash string        `yaml:"kiosk_pin_hash"` // bcrypt
	ReduceMotion bool          `yaml:"reduce_motion"`
	Listen       string        `yaml:"listen"` // loopback host:port that also serves the read-only API; "" = none
	Token        string        `yaml:"token"`  // reference to the secret that its clients show; never empty beside Listen
}

// The grid and the rest of what is not configured.
const (
	DefaultColumns = 24
	DefaultRows    = 12
	minEvery       = time.Second
)

// file is the shape of the YAML file.
type file struct {
	Boards  []Raw `yaml:"boards"`
	Pages   []Raw `yaml:"pages"`
	Sources []Raw `yaml:"sources"`
	Rules   []Raw `yaml:"rules"`
	Notify  []Raw `yaml:"notify"`
	Wall    Raw   `yaml:"wall"`
	Store   Raw   `yaml:"store"`
}

type boardKeys struct {
	Name    string          `yaml:"name"`
	Title   model.Localized `yaml:"title"`
	Columns int             `yaml:"columns"`
	Rows    int             `yaml:"rows"`
	Panels  []Raw           `yaml:"panels"`
}

type panelKeys struct {
	Kind string `yaml:"kind"`
	At   []int  `yaml:"at"`
}

type sourceKeys struct {
	Kind  string        `yaml:"kind"`
	Name  string        `yaml:"name"`
	Every time.Duration `yaml:"every"`
}

// Load reads the file at path; with path "", the user's own file or, when there is none, the
// built-in default. The Config is never nil: beside an error it is what of the file is valid.
func Load(path string) (*Config, error) {
	if path == "" {
		user, err := DefaultPath()
		if err != nil {
			return Default(), err
		}
		if _, err := os.Stat(user); errors.Is(err, fs.ErrNotExist) {
			return Default(), nil
		}
		path = user
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return Default(), fmt.Errorf("configuration %s: %w", path, err)
	}
	data, err := readFile(abs)
	if err != nil {
		return Default(), fmt.Errorf("configuration %s: %w", path, err)
	}
	c, err := Parse(path, data, filepath.Dir(abs))
	c.Path = abs
	return c, err
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err) // the caller names the path
	}
	defer func() { _ = f.Close() }() // only read
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file")
	}
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

// Parse reads a configuration; name stands in errors and dir is what its relative paths are
// relative to. The Config is never nil.
func Parse(name string, data []byte, dir string) (*Config, error) {
	c := &Config{Dir: dir, Wall: defaultWall(), Store: defaultStore()}
	doc, err := parse(name, data)
	if err != nil {
		return c, err
	}
	doc.dir = dir
	r := &reader{c: c, d: newDecoder(doc)}
	if doc.root != nil {
		var f file
		r.d.decode(doc.root, reflect.ValueOf(&f).Elem())
		r.boards(f.Boards)
		r.pages(f.Pages)
		r.sources(f.Sources)
		r.rules(f.Rules)
		c.Notify = f.Notify
		r.wall(f.Wall)
		r.store(f.Store)
	}
	errs := r.d.errs
	slices.SortStableFunc(errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return c, errs.orNil()
}

// Default is what runs with no file: this machine, and every context of a kubeconfig if there is one.
func Default() *Config {
	sources := "sources: [{kind: host}]\n"
	if kubeconfig() {
		sources = "sources: [{kind: host}, {kind: kubernetes}]\n"
	}
	c, err := Parse("built-in configuration", []byte(sources), ".")
	if err != nil {
		panic(err) // a constant of this program
	}
	return c
}

// kubeconfig reports whether there is one where kubectl would look for it.
func kubeconfig() bool {
	paths := filepath.SplitList(os.Getenv("KUBECONFIG"))
	if home, err := os.UserHomeDir(); err == nil && len(paths) == 0 {
		paths = []string{filepath.Join(home, ".kube", "config")}
	}
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			return true
		}
	}
	return false
}

// Fingerprint changes whenever the file that Load(path) reads, or a rule file that it names, does:
// it is what live reload watches.
func (c *Config) Fingerprint(path string) string {
	if path == "" {
		path, _ = DefaultPath() // with no such folder there is nothing to watch but the rule files
	}
	files := []string{path}
	for _, glob := range c.globs {
		matched, _ := filepath.Glob(glob) // a wrong pattern was an error when it was read
		files = append(files, matched...)
	}
	var b strings.Builder
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", f, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

func defaultWall() Wall { return Wall{Distance: 5, Screen: 55, Theme: "dark"} }
