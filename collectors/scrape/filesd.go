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
)

// fileSD watches the targets that files name, which may change at any time. They share one row.
type fileSD struct {
	pool   *pool
	globs  []string
	labels prom.LabelSet
}

// refreshEvery is how often files are read again, beside the system's own word that they changed.
const refreshEvery = 30 * time.Second

// Watch reads the files, and has the pool scrape their targets, until ctx ends.
func (f *fileSD) Watch(ctx context.Context, emit collectors.Emit, status func(error)) error {
	h := newHealth("no targets in "+strings.Join(f.globs, ", "), status)
	h.holds = func(path string) bool {
		_, err := os.Stat(path)
		return !errors.Is(err, os.ErrNotExist)
	}
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
				readable(h, g.Source)
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

// readable notes that a file could be read; source is its path with the number of the group.
func readable(h *health, source string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := strings.LastIndexByte(source, ':'); i >= 0 {
		delete(h.notes, source[:i])
	}
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
	h.notes[path] = path + " cannot be read, its targets of before go on: " + text
	if h.targets > 0 || len(h.results) > 0 {
		h.status(h.summary())
	}
	return nil
}
