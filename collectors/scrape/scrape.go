// Package scrape collects from whatever exposes metrics in Prometheus' text format or in OpenMetrics, with
// Prometheus' own scrape package: the labels, the meta metrics (up, scrape_duration_seconds, ...), relabelling
// and limits are those of a Prometheus server.
//
// A source has one pool, which is a scrape.Manager, and one job for each target. A job hands its target
// to the pool, and is told of each scrape. What answers is recognised by the metrics that it exposes: a
// table of exporters, assets/scrape, says how.
package scrape

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"

	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/collectors"
)

// defaultEvery is how often targets are scraped unless the configuration says otherwise.
const defaultEvery = 15 * time.Second

// maxTimeout is the timeout unless the configuration says otherwise, as far as the interval allows it.
const maxTimeout = 10 * time.Second

// Kind is the collector kind "scrape".
func Kind() collectors.Kind {
	return collectors.Kind{Name: "scrape", Open: open}
}

// builtinExporters are the table that comes with the program.
var builtinExporters = sync.OnceValues(func() (Exporters, error) { return ParseExporters(assets.Scrape) })

func open(env collectors.Env) ([]collectors.Job, error) {
	var cfg Config
	if err := env.Decode(&cfg); err != nil {
		return nil, err
	}
	exporters, err := builtinExporters()
	if err != nil {
		return nil, err
	}
	scraping, err := cfg.scraping(env)
	if err != nil {
		return nil, err
	}
	p := newPool(scraping, exporters)
	if env.Now != nil {
		p.now = env.Now
	}
	var jobs []collectors.Job
	add := func(target string, w collectors.Watcher) {
		jobs = append(jobs, collectors.Job{Target: target, Every: p.every, Watch: w})
	}
	for _, target := range cfg.Targets {
		watcher, err := newStatic(p, target, cfg.labels())
		if err != nil {
			return nil, err
		}
		add(target, watcher)
	}
	if len(cfg.FileSD) > 0 {
		add("file_sd", &fileSD{pool: p, globs: env.Paths(cfg.FileSD), labels: cfg.labels()})
	}
	if cfg.Kubernetes != nil {
		add("kubernetes", &kubernetes{pool: p, config: cfg.Kubernetes, labels: cfg.labels(), entities: env.Entities})
	}
	return jobs, nil
}

// labels are the configured labels of all targets, as target groups have them.
func (c *Config) labels() prom.LabelSet {
	out := prom.LabelSet{}
	for name, value := range c.Labels {
		out[prom.LabelName(name)] = prom.LabelValue(value)
	}
	return out
}

// newStatic makes the watcher of one configured target. It fails for what is no address.
func newStatic(p *pool, target string, group prom.LabelSet) (collectors.Watcher, error) {
	if strings.Contains(target, "/") {
		return nil, fmt.Errorf("target %.80q: want host:port; scheme and metrics_path have keys of their own", target)
	}
	one := prom.LabelSet{prom.AddressLabel: prom.LabelValue(target)}
	final, err := scrape.PopulateLabels(labels.NewBuilder(labels.EmptyLabels()), p.config, one, group)
	if err != nil {
		return nil, fmt.Errorf("target %.80q: %w", target, err)
	}
	return &static{pool: p, target: target, labels: group, dropped: final.IsEmpty()}, nil
}

// errNoTargets is the configuration without anything to scrape.
var errNoTargets = errors.New("there is nothing to scrape: set targets, file_sd, or kubernetes")
