package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promcollectors "github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"

	"github.com/nocturne-noc/nocturne/app/alert"
	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store"
	"github.com/nocturne-noc/nocturne/store/model"
)

const pidName = "nocturne.pid" // in the data folder, with the number of the process that owns it

// Options are what a Core is opened with. The zero value is the user's own wallboard.
type Options struct {
	ConfigPath string           // "" = the user's own file, else the built-in default
	DataDir    string           // "" = the user's own folder
	Now        func() time.Time // nil = time.Now
	Log        *slog.Logger     // nil = silence
	Version    string
	Lab        bool // the control socket also runs fault drills
}

// Core is the wallboard without its window: configuration, store, collectors, alerting and the
// control socket.
type Core struct {
	opts    Options
	dir     string // "" when nothing is kept
	started time.Time

	store    *store.Store
	runner   *collectors.Runner
	alerts   *alert.Manager
	registry *prometheus.Registry
	servers  []*control.Server

	cancel  context.CancelFunc
	running sync.WaitGroup
	changes chan *config.Config

	mu       sync.Mutex // guards all below
	cfg      *config.Config
	problems map[string]string // by area
	rows     []model.SourceStatus
	rules    model.SourceStatus
}

// Problem is something that is wrong with the wallboard itself, for the banner.
type Problem struct {
	Area string // "config", "rules", "notify", "data", "control"
	Text string // what is wrong, where, and what to do
}

// Open starts everything. What is wrong with the configuration, or an unwritable data folder, does
// not keep the wall from running with the rest: see Problems. A second wallboard on the same folder does.
func Open(ctx context.Context, opts Options) (*Core, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	c := &Core{
		opts: opts, started: opts.Now(), registry: prometheus.NewRegistry(),
		changes: make(chan *config.Config, 1), problems: map[string]string{},
	}
	cfg, err := config.Load(opts.ConfigPath)
	c.cfg = cfg
	c.problem("config", err)
	if err := c.openStore(ctx); err != nil {
		return nil, err
	}
	if err == nil { // what a broken file names is not known to be gone
		c.forgetOthers(cfg)
	}
	if err := c.openAlerts(); err != nil {
		return nil, errors.Join(err, c.store.Close())
	}
	c.registry.MustRegister(promcollectors.NewGoCollector(), promcollectors.NewProcessCollector(promcollectors.ProcessCollectorOpts{}))
	c.runner = collectors.NewRunner(c.store.Apply, c.setRows, collectors.Options{Now: opts.Now, Log: opts.Log})
	c.configure(cfg)
	c.serve(ctx)
	ctx, c.cancel = context.WithCancel(ctx)
	c.running.Go(func() { c.runner.Run(ctx) })
	c.running.Go(func() { c.alerts.Run(ctx, opts.Now) })
	c.running.Go(func() { c.watchConfig(ctx) })
	return c, nil
}

// openStore takes the data folder, or does without one.
func (c *Core) openStore(ctx context.Context) error {
	dir, err := DataDir(c.opts.DataDir)
	if err == nil {
		if other, runs := Owner(ctx, dir); runs {
			return fmt.Errorf("data folder %s: another wallboard (process %s) runs on it: stop that one, or give this one its own folder with --data", dir, other)
		}
		err = os.MkdirAll(dir, 0o700)
	}
	o := store.Options{Dir: dir, Retention: c.cfg.Store.Retention, Now: c.opts.Now, Log: c.opts.Log}
	if err == nil {
		c.store, err = store.Open(o)
	}
	if err == nil {
		err = writeFile(filepath.Join(dir, pidName), []byte(strconv.Itoa(os.Getpid())+"\n"))
		if err != nil {
			err = errors.Join(err, c.store.Close())
		}
	}
	if err == nil {
		c.dir = dir
		return nil
	}
	if !unwritable(err) {
		return err
	}
	c.problem("data", fmt.Errorf("nothing is kept: %w: the wall runs from memory; make the folder writable or name another with --data", err))
	o.Dir = ""
	c.store, err = store.Open(o)
	return err
}

// forgetOthers drops what the store remembers of sources that are not configured any more.
func (c *Core) forgetOthers(cfg *config.Config) {
	names := map[string]bool{}
	for _, s := range cfg.Sources {
		names[s.Name] = true
	}
	if err := c.store.Keep(func(source, _ string) bool { return names[source] }); err != nil {
		c.opts.Log.Error("sources of before are not forgotten", "err", err)
	}
}

// unwritable tells a folder that cannot be written from one that must not be: a foreign file
// version, a second instance.
func unwritable(err error) bool {
	for _, e := range []error{fs.ErrPermission, syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT, syscall.ENOTDIR, syscall.EIO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (c *Core) openAlerts() error {
	rules, err := fs.Sub(assets.Rules, "rules")
	if err != nil {
		return fmt.Errorf("built-in rules: %w", err)
	}
	fold, err := alert.ParseFold(assets.Fold)
	if err != nil {
		return fmt.Errorf("built-in rules: %w", err)
	}
	c.alerts, err = alert.New(alert.Options{
		Source: c.store, Queryable: c.store.Queryable(), Appendable: c.store.Appendable(), Engine: c.store.Engine(),
		Apply: c.store.Apply, Status: c.setRules, Builtin: rules, Fold: fold, Log: c.opts.Log, Registerer: c.registry,
	})
	return err
}

// configure makes cfg the one that runs.
func (c *Core) configure(cfg *config.Config) {
	c.mu.Lock()
	c.cfg = cfg
	c.mu.Unlock()
	if err := c.runner.Set(Sources(cfg, c.store, c.opts.Now)); err != nil {
		c.problem("config", err)
	}
	c.problem("rules", c.alerts.SetRules(cfg.Rules))
	c.problem("notify", notSent(cfg))
}

// serve opens the control socket, and the TCP listener if one is configured.
func (c *Core) serve(ctx context.Context) {
	b := c.backend()
	var errs []error
	if c.dir != "" {
		s, err := control.ListenSocket(ctx, c.dir, control.Handler(b), c.opts.Log)
		if err != nil {
			errs = append(errs, err)
		} else {
			c.servers = append(c.servers, s)
		}
	}
	if addr := c.cfg.Wall.Listen; addr != "" {
		s, err := control.ListenTCP(ctx, addr, control.ReadOnly(b), c.opts.Log)
		if err != nil {
			errs = append(errs, err)
		} else {
			c.servers = append(c.servers, s)
		}
	}
	c.problem("control", errors.Join(errs...))
}

func (c *Core) backend() control.Backend {
	b := control.Backend{
		Source: c.store, Queryable: c.store.Queryable(), Engine: c.store.Engine(), Groups: c.alerts.Groups,
		Health: c.health, Metrics: c.registry, Ack: c.Ack, Unack: c.Unack, Record: c.store.Record,
		Boards: c.renderer().Boards, Snapshot: c.snapshotPNG,
	}
	if c.opts.Lab {
		b.Panic = c.runner.Panic
	}
	return b
}

func (c *Core) health() control.Health {
	h := control.Health{
		Version: c.opts.Version, PID: os.Getpid(), Started: c.started, Config: c.Config().Path, Data: c.dir, Problems: []string{},
	}
	for _, p := range c.Problems() {
		h.Problems = append(h.Problems, p.Area+": "+p.Text)
	}
	return h
}

// Close stops everything, waits for it, and makes the last tick durable.
func (c *Core) Close() error {
	var errs []error
	for _, s := range c.servers {
		errs = append(errs, s.Close())
	}
	c.cancel()
	c.running.Wait()
	errs = append(errs, c.store.Close())
	if c.dir != "" {
		if err := os.Remove(filepath.Join(c.dir, pidName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Source is what panels read.
func (c *Core) Source() model.Source { return c.store }

// Store is what a recording is taken out of.
func (c *Core) Store() *store.Store { return c.store }

// Registry takes the program's own metrics.
func (c *Core) Registry() *prometheus.Registry { return c.registry }

// Engine and Queryable are for those who evaluate PromQL themselves.
func (c *Core) Engine() (promql.QueryEngine, storage.Queryable) {
	return c.store.Engine(), c.store.Queryable()
}

// Config is the configuration that runs. It is not to be changed.
func (c *Core) Config() *config.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cfg
}

// Changes delivers the newest configuration after each good reload.
func (c *Core) Changes() <-chan *config.Config { return c.changes }

// Problems lists what is wrong with the wallboard itself, sorted by area; empty when all is well.
func (c *Core) Problems() []Problem {
	storeErr := c.store.Health()
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Problem
	for area, text := range c.problems {
		list = append(list, Problem{area, text})
	}
	if storeErr != nil {
		list = append(list, Problem{"data", storeErr.Error()})
	}
	slices.SortFunc(list, func(a, b Problem) int { return strings.Compare(a.Area+a.Text, b.Area+b.Text) })
	return list
}

// problem notes what is wrong in an area; nil clears it.
func (c *Core) problem(area string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		delete(c.problems, area)
		return
	}
	if c.problems[area] != err.Error() {
		c.opts.Log.Error("problem", "area", area, "err", err)
	}
	c.problems[area] = err.Error()
}

// Ack acknowledges an active alert until it resolves. It is on disk when Ack returns.
func (c *Core) Ack(id, by, note string) (model.Alert, error) {
	return c.durable(c.alerts.Ack(id, by, note, c.opts.Now()))
}

// Unack takes an acknowledgement back.
func (c *Core) Unack(id, by string) (model.Alert, error) {
	return c.durable(c.alerts.Unack(id, by, c.opts.Now()))
}

// durable makes sure that what a person did outlives a power cut.
func (c *Core) durable(a model.Alert, err error) (model.Alert, error) {
	if err != nil || c.dir == "" {
		return a, err
	}
	if err := c.store.Sync(); err != nil {
		return a, fmt.Errorf("%s: done, but not kept on disk: %w", a.Title, err)
	}
	return a, nil
}

// setRows takes the collectors' rows, setRules the rules' own; the store gets both together.
func (c *Core) setRows(rows []model.SourceStatus) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows = rows
	c.tellRows()
}

func (c *Core) setRules(row model.SourceStatus) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rules = row
	c.tellRows()
}

func (c *Core) tellRows() {
	rows := slices.Clone(c.rows)
	if c.rules.Name != "" {
		rows = append(rows, c.rules)
	}
	if err := c.store.SetStatus(rows); err != nil && !errors.Is(err, store.ErrClosed) {
		c.opts.Log.Error("source rows are not kept", "err", err)
	}
}
