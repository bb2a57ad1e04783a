// Package alert raises alerts by Prometheus rules over the store, remembers who acknowledged them,
// and folds symptoms under their root cause. It has no clock of its own: the instants of evaluation
// are arguments.
package alert

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"

	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	// Source is the name under which alerts and their events are kept in the store.
	Source = "alerts"
	// StatusName is the name of the row that says how the rules fare.
	StatusName = "rules"

	// DefaultInterval is how often rules are evaluated.
	DefaultInterval = 5 * time.Second
	// OutageTolerance is how long the program may have been away for "for" timers to go on.
	OutageTolerance = time.Hour
	// grace is how long after a start (or a pause: the machine slept) an alert that was active
	// before is kept although nothing supports it yet: its source has not had its first round.
	grace = time.Minute
	// evalTimeout ends an evaluation that hangs.
	evalTimeout = 20 * time.Second
)

// Options are a Manager's surroundings.
type Options struct {
	Source     model.Source // links, and the alerts of before
	Queryable  storage.Queryable
	Appendable storage.Appendable // takes ALERTS, ALERTS_FOR_STATE and recorded series
	Engine     promql.QueryEngine
	Apply      func(model.Batch) error  // takes the list of alerts and their events
	Status     func(model.SourceStatus) // takes the rules' own row; nil = nobody cares
	Builtin    fs.FS                    // rule files at its root; nil = none
	Fold       []FoldRule
	Interval   time.Duration // 0 = DefaultInterval
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil = no metrics
}

// Manager evaluates rules. It is safe for concurrent use.
type Manager struct {
	opts   Options
	loader loader
	rules  *rules.Manager // loads groups; never runs: the Manager itself evaluates them

	// One evaluation or reload at a time; taken before mu. It guards what only those use.
	eval      sync.Mutex
	last      time.Time            // of the last evaluation
	resumed   time.Time            // when evaluation last began, or went on after a pause
	left      time.Time            // the last evaluation before that; zero at the start
	evaluated map[string]time.Time // by group key, since resumed
	status    model.SourceStatus   // as last reported
	echoes    echoes

	mu       sync.Mutex // guards all below
	files    map[string][]*rules.Group
	problems []error // of the rule files
	alerts   map[string]model.Alert
	// Of before the start or pause, and not heard of again yet.
	unconfirmed map[string]model.Alert
}

// New loads the built-in rules, which is the only way it can fail.
func New(o Options) (*Manager, error) {
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Status == nil {
		o.Status = func(model.SourceStatus) {}
	}
	p := parser.NewParser(parser.Options{})
	m := &Manager{
		opts:      o,
		loader:    loader{builtin: o.Builtin, parser: p, log: o.Log},
		files:     map[string][]*rules.Group{},
		alerts:    map[string]model.Alert{},
		evaluated: map[string]time.Time{},
		echoes:    echoes{},
	}
	m.rules = rules.NewManager(&rules.ManagerOptions{
		QueryFunc:       guarded(rules.EngineQueryFunc(o.Engine, o.Queryable), p),
		NotifyFunc:      func(context.Context, string, ...*rules.Alert) {},
		Context:         context.Background(),
		Appendable:      o.Appendable,
		Queryable:       o.Queryable,
		Logger:          o.Log,
		Registerer:      o.Registerer,
		OutageTolerance: OutageTolerance,
		GroupLoader:     m.loader,
		Parser:          p,
	})
	builtin, err := m.loader.files()
	if err != nil {
		return nil, fmt.Errorf("built-in rules: %w", err)
	}
	for _, name := range builtin {
		groups, err := m.load(name)
		if err != nil {
			return nil, fmt.Errorf("built-in rules: %w", err)
		}
		m.files[name] = groups
	}
	for _, a := range o.Source.Alerts() {
		m.alerts[a.ID] = a
	}
	return m, nil
}

// load reads one file's groups, sorted by name.
func (m *Manager) load(name string) ([]*rules.Group, error) {
	byKey, errs := m.rules.LoadGroups(m.opts.Interval, labels.EmptyLabels(), "", nil, false, name)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return slices.SortedFunc(maps.Values(byKey), func(a, b *rules.Group) int { return strings.Compare(a.Name(), b.Name()) }), nil
}

// SetRules says which rule files there are beside the built-in ones, and reads them anew. A file
// that is broken keeps the rules that it had; the error names file and line, and stands on the
// rules' row until the file is good again.
func (m *Manager) SetRules(files []string) error {
	m.eval.Lock()
	defer m.eval.Unlock()
	loaded := map[string][]*rules.Group{}
	var problems []error
	for _, name := range files {
		groups, err := m.load(name)
		if err != nil {
			problems = append(problems, err)
			groups = m.files[name]
		}
		loaded[name] = groups
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, old := range m.files {
		if strings.HasPrefix(name, builtinPrefix) {
			loaded[name] = old
			continue
		}
		inherit(loaded[name], old)
	}
	m.files, m.problems = loaded, problems
	return errors.Join(problems...)
}

// inherit hands what old groups know on to the groups of the same name that replace them.
func inherit(groups, old []*rules.Group) {
	for i, g := range groups {
		for _, from := range old {
			switch {
			case g == from || g.Name() != from.Name():
			case g.Equals(from):
				groups[i] = from
			default:
				g.CopyState(from)
			}
		}
	}
}

// Groups lists the rule groups by file and name.
func (m *Manager) Groups() []*rules.Group {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*rules.Group
	for _, name := range slices.Sorted(maps.Keys(m.files)) {
		list = append(list, m.files[name]...)
	}
	return list
}

// Run evaluates at the interval until ctx ends.
func (m *Manager) Run(ctx context.Context, now func() time.Time) {
	tick := time.NewTicker(m.opts.Interval)
	defer tick.Stop()
	for {
		m.Eval(ctx, now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Eval evaluates every group that is due at ts and tells the store what came of it.
func (m *Manager) Eval(ctx context.Context, ts time.Time) {
	m.eval.Lock()
	defer m.eval.Unlock()
	ctx, cancel := context.WithTimeout(ctx, evalTimeout)
	defer cancel()

	first := m.last.IsZero()
	if m.paused(ts) {
		m.resume(ts)
	}
	m.last = ts
	inGrace := ts.Sub(m.resumed) < grace

	start := time.Now() // only measures how long this takes
	groups := m.Groups()
	for _, g := range groups {
		key := rules.GroupKey(g.File(), g.Name())
		if last, ok := m.evaluated[key]; ok && ts.Sub(last) < g.Interval()-m.opts.Interval/2 {
			continue
		}
		m.evaluated[key] = ts
		g.Eval(ctx, ts)
		if inGrace && m.left.IsZero() {
			// Restoring again for what becomes active later in the grace is safe: it reads only
			// what was written before the pause, and gives the same answer each time.
			g.RestoreForState(m.resumed.Add(-time.Millisecond))
			continue
		}
		if inGrace {
			m.recall(g, ts)
		}
		for _, r := range g.AlertingRules() {
			r.SetRestored(true) // a group of a file that was reloaded later has nothing to restore
		}
	}
	if ctx.Err() != nil {
		return // half an evaluation is none: an alert must not resolve because we are leaving
	}
	m.publish(groups, ts, first, inGrace)
	m.report(groups, ts, time.Since(start))
}

// publish tells the store the new list and its events, if anything changed.
func (m *Manager) publish(groups []*rules.Group, ts time.Time, first, inGrace bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := collect(groups, m.alerts, m.opts.Source)
	if inGrace {
		list = m.keepUnconfirmed(list)
	}
	Fold(m.opts.Fold, list, linkIndex(m.opts.Source))
	list = m.echoes.leaveOut(list, keptFiring(groups))
	after := byID(list)
	if !first && reflect.DeepEqual(after, m.alerts) {
		return
	}
	m.apply(list, transitions(m.alerts, list, ts), ts)
	m.alerts = after
}

// keepUnconfirmed adds the alerts of before that nothing speaks for or against yet. One that fired
// before and is active again goes on firing while its "for" is restored.
func (m *Manager) keepUnconfirmed(list []model.Alert) []model.Alert {
	for i, a := range list {
		was, ok := m.unconfirmed[a.ID]
		switch {
		case !ok:
		case a.Pending && !was.Pending:
			list[i].Pending, list[i].Since, list[i].Fired = false, was.Since, was.Fired
		default:
			delete(m.unconfirmed, a.ID)
		}
	}
	have := byID(list)
	for id, was := range m.unconfirmed {
		now, known := m.alerts[id] // may have been acknowledged since
		if _, ok := have[id]; !ok && known {
			was.AckBy, was.AckAt, was.AckNote = now.AckBy, now.AckAt, now.AckNote
			list = append(list, was)
		}
	}
	sortAlerts(list)
	return list
}

func (m *Manager) apply(list []model.Alert, events []model.Event, ts time.Time) {
	if err := m.opts.Apply(model.Batch{Source: Source, Time: ts, Alerts: list, Events: events}); err != nil {
		m.opts.Log.Error("alerts are not kept", "err", err)
	}
}

// report brings the rules' own row up to date.
func (m *Manager) report(groups []*rules.Group, ts time.Time, took time.Duration) {
	row := model.SourceStatus{
		Name: StatusName, Kind: StatusName, State: model.OK, Every: m.opts.Interval,
		Since: m.status.Since, LastOK: ts, Duration: took,
	}
	m.mu.Lock()
	problems := slices.Clone(m.problems)
	m.mu.Unlock()
	for _, g := range groups {
		for _, r := range g.Rules() {
			row.Samples++
			if err := r.LastError(); err != nil {
				problems = append(problems, fmt.Errorf("rule %s in %s: %w", r.Name(), g.File(), err))
			}
		}
	}
	if err := errors.Join(problems...); err != nil {
		row.State, row.Error, row.LastOK = model.Critical, err.Error(), m.status.LastOK
	}
	if row.State != m.status.State || row.Since.IsZero() {
		row.Since = ts
	}
	m.status = row
	m.opts.Status(row)
}

func byID(list []model.Alert) map[string]model.Alert {
	byID := make(map[string]model.Alert, len(list))
	for _, a := range list {
		byID[a.ID] = a
	}
	return byID
}
