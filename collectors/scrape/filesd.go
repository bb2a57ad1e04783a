package scrape

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/discovery/targetgroup"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// fileSD watches the targets that files name, which may change at any time. They share one row.
type fileSD struct {
	pool   *pool
	globs  []string
	labels prom.LabelSet
}

// refreshEvery is how often files are read again, beside the system's own word that they changed.
const refreshEvery = 30 * time.Second

// shown is how many targets that fail are named in the row.
const shown = 3

// Watch reads the files, and has the pool scrape their targets, until ctx ends.
func (f *fileSD) Watch(ctx context.Context, emit collectors.Emit, status func(error)) error {
	h := &health{globs: f.globs, status: status, results: map[string]error{}, unread: map[string]string{}}
	cfg := &file.SDConfig{Files: f.globs, RefreshInterval: prom.Duration(refreshEvery)}
	metrics := cfg.NewDiscovererMetrics(prometheus.NewRegistry(), nil)
	finder, err := cfg.NewDiscoverer(discovery.DiscovererOptions{Logger: slog.New(unreadable{h}), Metrics: metrics})
	if err != nil {
		return fmt.Errorf("file_sd: %w", err)
	}
	m := &member{key: "file_sd", emit: emit, report: h.scraped, found: map[string]bool{}}
	if err := f.pool.join(m); err != nil {
		return err
	}
	defer f.pool.leave(m)
	ctx, cancel := context.WithCancel(ctx)
	updates := make(chan []*targetgroup.Group)
	var finding sync.WaitGroup
	finding.Go(func() { finder.Run(ctx, updates) })
	defer finding.Wait()
	defer cancel()

	groups := map[string]*targetgroup.Group{}
	settle := time.NewTimer(time.Second) // no file may match at all
	defer settle.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case list := <-updates:
			for _, g := range list {
				if g == nil {
					continue // an empty entry of a JSON file
				}
				groups[g.Source] = g
				h.read(g.Source)
				if len(g.Targets) == 0 {
					delete(groups, g.Source)
				}
			}
		case <-settle.C:
		}
		n, failed := f.pool.set(m, f.labelled(groups))
		h.found(n, m, failed)
	}
}

// labelled gives the groups the configured labels; their own count more.
func (f *fileSD) labelled(groups map[string]*targetgroup.Group) []*targetgroup.Group {
	out := make([]*targetgroup.Group, 0, len(groups))
	for _, source := range slices.Sorted(maps.Keys(groups)) {
		g := groups[source]
		out = append(out, &targetgroup.Group{Targets: g.Targets, Labels: f.labels.Merge(g.Labels), Source: g.Source})
	}
	return out
}

// health is how discovered targets fare together.
type health struct {
	globs  []string
	status func(error)

	mu      sync.Mutex
	targets int
	wrong   []error           // targets that are none
	results map[string]error  // of the last scrape, by scope
	unread  map[string]string // why a file could not be read, by its path
}

// scraped notes how a scrape went.
func (h *health) scraped(scope string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.results[scope] = err
	h.status(h.summary())
}

// found notes how many targets there are now, and forgets those that are gone.
func (h *health) found(n int, m *member, wrong []error) {
	m.mu.Lock()
	scopes := m.found
	m.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.targets, h.wrong = n, wrong
	maps.DeleteFunc(h.results, func(scope string, _ error) bool { return !scopes[scope] })
	if err := h.summary(); err != nil || len(h.results) > 0 {
		h.status(err) // until the first scrape nothing is known
	}
}

// read notes that a file could be read; source is its path with the number of the group.
func (h *health) read(source string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := strings.LastIndexByte(source, ':'); i >= 0 {
		delete(h.unread, source[:i])
	}
}

// summary says what is wrong, the worst first.
func (h *health) summary() error {
	maps.DeleteFunc(h.unread, func(path, _ string) bool {
		_, err := os.Stat(path)
		return errors.Is(err, os.ErrNotExist)
	})
	var parts, remarks []string
	state := model.OK
	failed := 0
	for _, scope := range slices.Sorted(maps.Keys(h.results)) {
		err := h.results[scope]
		switch remark := (collectors.Remark{}); {
		case err == nil:
		case errors.As(err, &remark):
			state = model.Worst(state, remark.State)
			remarks = append(remarks, fmt.Sprintf("%s: %s", scope, remark.Text))
		default:
			if failed++; failed <= shown {
				parts = append(parts, err.Error())
			}
		}
	}
	if failed > shown {
		parts = append(parts, fmt.Sprintf("and %d more", failed-shown))
	}
	if failed > 0 {
		parts = append([]string{fmt.Sprintf("%d of %d targets fail", failed, h.targets)}, parts...)
		state = model.Warning
	}
	for _, path := range slices.Sorted(maps.Keys(h.unread)) {
		state = model.Warning
		parts = append(parts, fmt.Sprintf("%s cannot be read, its targets of before go on: %s", path, h.unread[path]))
	}
	if len(h.wrong) > 0 {
		state = model.Warning
		parts = append(parts, fmt.Sprintf("%d targets are no addresses, the first: %s", len(h.wrong), clip(h.wrong[0].Error(), maxQuote)))
	}
	if h.targets == 0 {
		state = model.Warning
		parts = append(parts, fmt.Sprintf("no targets in %s", strings.Join(h.globs, ", ")))
	}
	parts = append(parts, remarks[:min(len(remarks), shown)]...)
	text := strings.Join(parts, "; ")
	switch {
	case text == "":
		return nil
	case failed > 0 && failed == len(h.results):
		return errors.New(text)
	}
	return collectors.Remark{State: state, Text: text}
}

// unreadable hears of files that cannot be read: the discovery only logs it.
type unreadable struct{ health *health }

func (u unreadable) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelError
}
func (u unreadable) WithAttrs([]slog.Attr) slog.Handler { return u }
func (u unreadable) WithGroup(string) slog.Handler      { return u }

// Handle keeps the path and the error of a record.
func (u unreadable) Handle(_ context.Context, r slog.Record) error {
	var path, text string
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "path":
			path = a.Value.String()
		case "err":
			text = clip(a.Value.String(), maxQuote)
		}
		return true
	})
	if path == "" {
		return nil
	}
	h := u.health
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unread[path] = text
	if h.targets > 0 || len(h.results) > 0 {
		h.status(h.summary())
	}
	return nil
}
