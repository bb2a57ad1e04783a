package scrape

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Exporter is one entry of the table: what exposes certain metrics, and what they say of it.
type Exporter struct {
	Name  string          `yaml:"name"`  // label "exporter" of the entity
	Title string          `yaml:"title"` // what people call it
	Kind  model.Kind      `yaml:"kind"`  // server or service
	Order int             `yaml:"order"` // the lowest counts when several are recognised
	Any   []string        `yaml:"any"`   // recognised by any of these metrics
	Label map[string]Pick `yaml:"labels"`
	// Health are what makes it sick although it answers; the worst counts.
	Health  []Rule   `yaml:"health"`
	Figures []Figure `yaml:"figures"`
	Page    Page     `yaml:"page"`
}

// Pick takes a label of the entity from a label of a metric.
type Pick struct {
	Metric string `yaml:"metric"`
	Label  string `yaml:"label"`
	All    bool   `yaml:"all"` // of all its series, at most eight, with spaces between; else of the first
}

// Rule makes the entity sick while a series of the metric is below or above a value.
type Rule struct {
	Metric string            `yaml:"metric"`
	Match  map[string]string `yaml:"match"` // labels that the series has
	Below  *float64          `yaml:"below"`
	Above  *float64          `yaml:"above"`
	State  string            `yaml:"state"`  // warning or critical
	Reason string            `yaml:"reason"` // with {{label}} for labels of the series

	state model.State
}

// Figure is a key figure: an instant query with $instance.
type Figure struct {
	Title model.Localized `yaml:"title"`
	Expr  string          `yaml:"expr"`
	Unit  string          `yaml:"unit"`
}

// Page is the page of the entity, in the format of a board.
type Page struct {
	Title  model.Localized  `yaml:"title"`
	Panels []map[string]any `yaml:"panels"`
}

// Exporters are the table, in the order in which entries are tried.
type Exporters struct {
	list   []Exporter
	wanted map[string]bool // all metrics that any entry asks for
}

// ParseExporters reads the table, one file for each entry. Errors name the file.
func ParseExporters(files fs.FS) (Exporters, error) {
	names, err := fs.Glob(files, "scrape/*.yaml")
	if err != nil {
		return Exporters{}, fmt.Errorf("exporters: %w", err)
	}
	out := Exporters{wanted: map[string]bool{}}
	seen := map[string]bool{}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return Exporters{}, fmt.Errorf("exporters: %w", err)
		}
		x, err := parseExporter(data)
		if err != nil {
			return Exporters{}, fmt.Errorf("exporter %s: %w", path.Base(name), err)
		}
		if seen[x.Name] {
			return Exporters{}, fmt.Errorf("exporter %s: name %q is taken by another file", path.Base(name), x.Name)
		}
		seen[x.Name] = true
		out.list = append(out.list, *x)
		for metric := range x.metrics() {
			out.wanted[metric] = true
		}
	}
	slices.SortStableFunc(out.list, func(a, b Exporter) int { return cmp.Compare(a.Order, b.Order) })
	return out, nil
}

// metrics are the names that an entry asks for.
func (x *Exporter) metrics() map[string]bool {
	out := map[string]bool{}
	for _, m := range x.Any {
		out[m] = true
	}
	for _, p := range x.Label {
		out[p.Metric] = true
	}
	for i := range x.Health {
		out[x.Health[i].Metric] = true
	}
	return out
}

// parseExporter strictly reads one entry.
func parseExporter(data []byte) (x *Exporter, err error) {
	defer func() {
		if r := recover(); r != nil { // the library's, on foreign bytes
			x, err = nil, fmt.Errorf("no YAML: %v", r)
		}
	}()
	x = &Exporter{}
	if err := yaml.UnmarshalWithOptions(data, x, yaml.Strict()); err != nil {
		return nil, err
	}
	return x, x.check()
}

// intervals fill in what charts fill in, so that an expression can be parsed.
var intervals = strings.NewReplacer("$__rate_interval", "1m", "$__interval", "1m", "$__range", "1h")

func (x *Exporter) check() error {
	if x.Name == "" || x.Title == "" {
		return errors.New("it needs a name and a title")
	}
	if x.Kind != model.KindServer && x.Kind != model.KindService {
		return fmt.Errorf("kind %q: want server or service", x.Kind)
	}
	if len(x.Any) == 0 || slices.Contains(x.Any, "") {
		return errors.New("any: it needs the metrics by which it is recognised")
	}
	for name, p := range x.Label {
		if p.Metric == "" || p.Label == "" {
			return fmt.Errorf("labels: %s needs metric and label", name)
		}
	}
	for i := range x.Health {
		if err := x.Health[i].check(); err != nil {
			return fmt.Errorf("health: rule %d: %w", i+1, err)
		}
	}
	p := parser.NewParser(parser.Options{})
	for _, f := range x.Figures {
		if f.Title.In("en") == "" {
			return fmt.Errorf("figures: %q needs a title", f.Expr)
		}
		if _, err := p.ParseExpr(intervals.Replace(f.Expr)); err != nil {
			return fmt.Errorf("figures: %s: %w", f.Title.In("en"), err)
		}
	}
	return nil
}

func (r *Rule) check() (err error) {
	if r.Metric == "" || r.Reason == "" {
		return errors.New("it needs metric and reason")
	}
	if (r.Below == nil) == (r.Above == nil) {
		return errors.New("it needs one of below and above")
	}
	if r.state, err = model.ParseState(r.State); err != nil {
		return err
	}
	if !r.state.Problem() {
		return fmt.Errorf("state %s: want warning or critical", r.State)
	}
	return nil
}
