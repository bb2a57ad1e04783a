package scrape

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"
	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"

	"github.com/nocturne-noc/nocturne/collectors"
)

// memberLabel tells which job a target belongs to. Prometheus drops labels of this prefix after relabelling.
const memberLabel = prom.MetaLabelPrefix + "nocturne_member"

// reloadEvery is how soon targets that join or leave are taken over.
const reloadEvery = time.Second

// pool is the scrape.Manager of one source. It runs while it has members: the first that joins starts
// it, the last that leaves ends it and waits for it.
type pool struct {
	config    *config.ScrapeConfig
	every     time.Duration
	exporters Exporters
	now       func() time.Time // of the wallboard, which goes on evenly; Prometheus' scraper has the machine's

	mu      sync.Mutex
	members map[string]*member
	running *running // nil without members
}

// member is one job's share of the pool.
type member struct {
	key    string
	emit   collectors.Emit
	report func(scope string, err error) // of each scrape; nil for a good one

	mu        sync.Mutex
	groups    []*targetgroup.Group
	found     map[string]bool      // the scopes of discovered targets; nil for the one that is configured
	endpoints map[string]*endpoint // by scope
}

// running is a pool's manager while it runs.
type running struct {
	manager *scrape.Manager
	dialer  *dialer
	cancel  context.CancelFunc
	sets    chan map[string][]*targetgroup.Group
	changed chan struct{}
	done    sync.WaitGroup
}

func newPool(cfg *config.ScrapeConfig, exporters Exporters) *pool {
	return &pool{config: cfg, every: time.Duration(cfg.ScrapeInterval), exporters: exporters, now: time.Now, members: map[string]*member{}}
}

// join takes the targets of a member in. Each join that succeeds is followed by a leave.
func (p *pool) join(m *member) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		r, err := p.start()
		if err != nil {
			return err
		}
		p.running = r
	}
	p.members[m.key] = m
	p.running.touch()
	return nil
}

func (p *pool) leave(m *member) {
	p.mu.Lock()
	delete(p.members, m.key)
	r := p.running
	r.touch()
	last := len(p.members) == 0
	if last {
		p.running = nil
	}
	p.mu.Unlock() // scrapes that end now ask for their endpoint
	if last {
		r.stop(p.config.JobName)
	}
}

// set gives a member other targets, and withdraws those that are not among them. It returns what is wrong
// with single targets, and how many there are.
func (p *pool) set(m *member, groups []*targetgroup.Group) (n int, failed []error) {
	found := map[string]bool{}
	builder := labels.NewBuilder(labels.EmptyLabels())
	for _, g := range groups {
		targets, wrong := scrape.TargetsFromGroup(g, p.config, nil, builder)
		failed = append(failed, wrong...)
		for _, t := range targets {
			if !t.Labels(builder).IsEmpty() { // else relabelling dropped it
				found[scopeOf(t, builder)] = true
			}
		}
	}
	var gone []*endpoint
	m.mu.Lock()
	m.groups, m.found = groups, found
	for scope, e := range m.endpoints {
		if !found[scope] {
			gone = append(gone, e)
			delete(m.endpoints, scope)
		}
	}
	m.mu.Unlock()
	for _, e := range gone {
		e.end()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running.touch()
	return len(found), failed
}

// start starts the manager. Its own log says nothing that the rows do not say.
func (p *pool) start() (*running, error) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{
		dialer: newDialer(ctx), cancel: cancel,
		sets: make(chan map[string][]*targetgroup.Group), changed: make(chan struct{}, 1),
	}
	quiet := slog.New(slog.DiscardHandler)
	manager, err := scrape.NewManager(&scrape.Options{
		PassMetadataInContext:    true, // so that an appender knows its target
		DiscoveryReloadInterval:  prom.Duration(reloadEvery),
		DiscoveryReloadOnStartup: true,
		HTTPClientOptions:        []promconfig.HTTPClientOption{promconfig.WithDialContextFunc(r.dialer.DialContext)},
	}, quiet, nil, nil, appendable{p}, prometheus.NewRegistry())
	if err != nil {
		cancel()
		return nil, fmt.Errorf("scrape manager: %w", err)
	}
	whole, err := config.Load("", quiet) // the manager takes no configuration that was not loaded
	if err == nil {
		whole.ScrapeConfigs = []*config.ScrapeConfig{p.config}
		err = manager.ApplyConfig(whole)
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("scrape manager: %w", err)
	}
	r.manager = manager
	r.done.Go(func() { _ = manager.Run(r.sets) }) // it never fails
	r.done.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-r.changed:
			}
			select {
			case <-ctx.Done():
				return
			case r.sets <- map[string][]*targetgroup.Group{p.config.JobName: p.groups()}:
			}
		}
	})
	return r, nil
}

// touch says that the targets are not the same any more.
func (r *running) touch() {
	select {
	case r.changed <- struct{}{}:
	default: // it is said already
	}
}

// stop ends the manager with all scrapes that are on their way, and waits for it.
func (r *running) stop(job string) {
	r.cancel() // also cuts the connections
	// A reload that is still due must find nothing that it could start.
	r.sets <- map[string][]*targetgroup.Group{job: nil}
	r.manager.Stop()
	r.done.Wait()
}

// groups are the targets of all members.
func (p *pool) groups() []*targetgroup.Group {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []*targetgroup.Group
	for _, m := range p.members {
		m.mu.Lock()
		for _, g := range m.groups {
			named := g.Labels.Clone()
			if named == nil {
				named = prom.LabelSet{}
			}
			named[memberLabel] = prom.LabelValue(m.key)
			out = append(out, &targetgroup.Group{Targets: g.Targets, Labels: named, Source: m.key + "/" + g.Source})
		}
		m.mu.Unlock()
	}
	return out
}

// endpoint finds what is known of a target; nil when its member has left.
func (p *pool) endpoint(t *scrape.Target) *endpoint {
	discovered := t.DiscoveredLabels(labels.NewBuilder(labels.EmptyLabels()))
	p.mu.Lock()
	m, dial := p.members[discovered.Get(memberLabel)], p.running
	p.mu.Unlock()
	if m == nil || dial == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	scope := m.key
	if m.found != nil {
		if scope = scopeOf(t, labels.NewBuilder(labels.EmptyLabels())); !m.found[scope] {
			return nil
		}
	}
	e := m.endpoints[scope]
	if e == nil {
		e = &endpoint{
			member: m, scope: scope, object: discovered.Get(objectLabel),
			exporters: p.exporters, dialer: dial.dialer, grid: grid{every: p.every}, now: p.now,
		}
		if m.endpoints == nil {
			m.endpoints = map[string]*endpoint{}
		}
		m.endpoints[scope] = e
	}
	return e
}

// scopeOf is the scope of a discovered target: the object that it was found by, whose address may change, else
// its URL.
func scopeOf(t *scrape.Target, builder *labels.Builder) string {
	return cmp.Or(t.DiscoveredLabels(builder).Get(objectLabel), t.URL().String())
}

// appendable makes the appenders of a pool.
type appendable struct{ pool *pool }

// AppenderV2 begins a scrape.
func (a appendable) AppenderV2(ctx context.Context) storage.AppenderV2 {
	t, ok := scrape.TargetFromContext(ctx)
	if !ok {
		return &appender{}
	}
	e := a.pool.endpoint(t)
	if e == nil {
		return &appender{}
	}
	return e.begin(t)
}
