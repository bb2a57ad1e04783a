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
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promcollectors "github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"

	"github.com/nocturne-noc/nocturne/app/alert"
	"github.com/nocturne-noc/nocturne/app/clock"
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
	Now        func() time.Time // nil = the machine's clocks, see package clock
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

	clock    *clock.Clock // nil when Options brought a time of its own
	drill    clock.Drill
	store    *store.Store
	runner   *collectors.Runner
	alerts   *alert.Manager
	registry *prometheus.Registry
	self     *control.Self
	socket   *control.Server // nil when there is none
	tcp      tcpServer

	accepted *accepted // devices that were found; nil when nothing is kept
	keeper   *keeper   // of what people arrange; nil when nothing is kept
	cancel   context.CancelFunc
	running  sync.WaitGroup
	changes  chan *config.Config

	mu       sync.Mutex // guards all below
	cfg      *config.Config
	problems map[string]string // by area
	rows     []model.SourceStatus
	rules    model.SourceStatus
}

// Problem is something that is wrong with the wallboard itself, for the banner.
type Problem struct {
	Area string // "config", "rules", "notify", "data", "control", "listen", "time"
	Text string // what is wrong, where, and what to do
}

// Open starts everything. What is wrong with the configuration, or an unwritable data folder, does
// not keep the wall from running with the rest: see Problems. A second wallboard on the same folder does.
func Open(ctx context.Context, opts Options) (*Core, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	c := &Core{
		opts: opts, registry: prometheus.NewRegistry(),
		changes: make(chan *config.Config, 1), problems: map[string]string{},
	}
	c.openClock()
	cfg, err := config.Load(opts.ConfigPath)
	c.cfg = cfg
	c.problem("config", err)
	if err := c.openStore(ctx); err != nil {
		return nil, err
	}
	c.resumeClock(c.store.Left())
	c.started = c.opts.Now()
	if err == nil { // what a broken file names is not known to be gone
		c.forgetOthers(cfg)
	}
	if err := c.openAlerts(); err != nil {
		return nil, errors.Join(err, c.store.Close())
	}
	c.registry.MustRegister(promcollectors.NewGoCollector(), promcollectors.NewProcessCollector(promcollectors.ProcessCollectorOpts{}))
	c.self = &control.Self{Source: c.store, Dir: c.dir, Dropped: c.store.Dropped, Health: c.health}
	c.registry.MustRegister(c.self)
	c.runner = collectors.NewRunner(c.self.Measure(c.apply), c.setRows, collectors.Options{Now: c.opts.Now, Log: opts.Log})
	c.serve(ctx)
	c.configure(ctx, cfg)
	ctx, c.cancel = context.WithCancel(ctx)
	c.running.Go(func() { c.runner.Run(ctx) })
	c.running.Go(func() { c.alerts.Run(ctx, c.evalTime) })
	seen := c.Config().Fingerprint(opts.ConfigPath) // before anybody can change it once we are open
	c.running.Go(func() { c.watchConfig(ctx, seen) })
	c.running.Go(func() { c.relate(ctx) })
	if c.clock != nil {
		c.running.Go(func() { c.clock.Run(ctx) })
		c.running.Go(func() { c.watchClock(ctx) })
	}
	return c, nil
}

// openStore takes the data folder. One that cannot be written keeps the wall from remembering, not from
// running: the store's Health says so, and it goes on trying.
func (c *Core) openStore(ctx context.Context) error {
	dir, err := DataDir(c.opts.DataDir)
	if err != nil {
		c.problem("data", fmt.Errorf("nothing is kept, the wall runs from memory: %w", err))
	} else if other, runs := Owner(ctx, dir); runs {
		return fmt.Errorf("data folder %s: another wallboard (process %s) runs on it: stop that one, or give this one its own folder with --data", dir, other)
	}
	keep := c.cfg.Store
	o := store.Options{
		Dir: dir, Now: c.opts.Now, Log: c.opts.Log,
		Retention: keep.Retention.Raw, Retention5m: keep.Retention.FiveMinutes, Retention1h: keep.Retention.OneHour,
		MaxBytes: int64(keep.MaxSize), MaxSeriesPerSource: keep.MaxSeries,
	}
	c.store, err = store.Open(o)
	if info, statErr := os.Stat(dir); err == nil && statErr == nil && info.IsDir() { // the store has made it, if it could
		c.dir, c.keeper, c.accepted = dir, keeperIn(dir), acceptedIn(dir)
	}
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
func (c *Core) configure(ctx context.Context, cfg *config.Config) {
	c.mu.Lock()
	c.cfg = cfg
	c.mu.Unlock()
	if err := c.runner.Set(Sources(cfg, c.store, c.accepted, c.opts.Now)); err != nil {
		c.problem("config", err)
	}
	c.problem("rules", c.alerts.SetRules(cfg.Rules))
	c.problem("notify", notSent(cfg))
	c.problem("listen", c.listen(ctx, cfg))
}

// serve says in the data folder who runs on it, and opens the control socket there. Where that cannot be
// written it is tried again, as the store does.
func (c *Core) serve(ctx context.Context) {
	if c.dir == "" || c.socket != nil {
		return
	}
	err := writeFile(filepath.Join(c.dir, pidName), []byte(strconv.Itoa(os.Getpid())+"\n"))
	if err == nil {
		c.socket, err = control.ListenSocket(ctx, c.dir, control.Handler(c.ownBackend()), c.opts.Log)
	}
	if err != nil {
		err = fmt.Errorf("commands do not find this wallboard: %w: make room in %s, or make it writable", err, c.dir)
	}
	c.problem("control", err)
}

// tcpServer is what serves wall.listen; the zero value is nothing.
type tcpServer struct {
	addr, token string
	server      *control.Server
}

func (t *tcpServer) close() error {
	if t.server == nil {
		return nil
	}
	err := t.server.Close()
	*t = tcpServer{}
	return err
}

// listen serves wall.listen as cfg has it. What listened before with another address or token ends.
func (c *Core) listen(ctx context.Context, cfg *config.Config) error {
	token, err := cfg.Token()
	if err == nil && c.tcp.addr == cfg.Wall.Listen && c.tcp.token == token {
		return nil
	}
	err = errors.Join(err, c.tcp.close())
	if err != nil || cfg.Wall.Listen == "" {
		return err
	}
	s, err := control.ListenTCP(ctx, cfg.Wall.Listen, control.ReadOnly(c.backend(), token), c.opts.Log)
	if err == nil {
		c.tcp = tcpServer{cfg.Wall.Listen, token, s}
	}
	return err
}

func (c *Core) backend() control.Backend {
	b := control.Backend{
		Source: c.store, Queryable: c.store.Queryable(), Engine: c.store.Engine(), Groups: c.alerts.Groups,
		Health: c.health, Metrics: c.registry, Ack: c.Ack, Unack: c.Unack, Accept: c.Accept, Record: c.store.Record, Store: c.store,
		Boards: c.renderer(nil).Boards, Snapshot: c.snapshots(nil),
	}
	if c.opts.Lab {
		b.Panic, b.Clock = c.runner.Panic, c.moveClock
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
	c.cancel()
	c.running.Wait() // whoever watches the configuration may open c.tcp and c.socket anew
	if c.socket != nil {
		errs = append(errs, c.socket.Close())
	}
	errs = append(errs, c.tcp.close())
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
	if text := c.clockTrouble(); text != "" {
		list = append(list, Problem{"time", text})
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
