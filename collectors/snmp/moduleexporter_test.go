package snmp_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/snmp_exporter/collector"
	"github.com/prometheus/snmp_exporter/config"
	"go.yaml.in/yaml/v2"

	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/module"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
)

// published is the module file that snmp_exporter publishes, as the exporter and as we read it.
func published(t testing.TB) (*config.Config, module.Library) {
	t.Helper()
	flags(t)
	text, err := os.ReadFile(recordings(t, "snmp_exporter.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := module.Parse("snmp_exporter.yml", text); err != nil {
		t.Fatal(err)
	}
	var theirs config.Config
	text = known(t, text)
	if err := yaml.UnmarshalStrict(text, &theirs); err != nil {
		t.Fatal(err)
	}
	ours, _, err := module.Parse("snmp_exporter.yml", text)
	if err != nil {
		t.Fatal(err)
	}
	return &theirs, ours
}

// known drops the enum_values of lookups: the published file is newer than the published library.
func known(t testing.TB, text []byte) []byte {
	t.Helper()
	var tree struct {
		Auths   any                       `yaml:"auths"`
		Modules map[string]map[string]any `yaml:"modules"`
	}
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	for _, m := range tree.Modules {
		for _, metric := range m["metrics"].([]any) {
			lookups, _ := metric.(map[any]any)["lookups"].([]any)
			for _, l := range lookups {
				delete(l.(map[any]any), "enum_values")
			}
		}
	}
	text, err := yaml.Marshal(&tree)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func exporterMetrics() collector.Metrics {
	return collector.Metrics{
		SNMPCollectionDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "a"}, []string{"module"}),
		SNMPUnexpectedPduType:  prometheus.NewCounter(prometheus.CounterOpts{Name: "b"}),
		SNMPDuration:           prometheus.NewHistogram(prometheus.HistogramOpts{Name: "c"}),
		SNMPPackets:            prometheus.NewCounter(prometheus.CounterOpts{Name: "d"}),
		SNMPRetries:            prometheus.NewCounter(prometheus.CounterOpts{Name: "e"}),
		SNMPInflight:           prometheus.NewGauge(prometheus.GaugeOpts{Name: "f"}),
	}
}

// exporterCollects runs snmp_exporter's own collector.
func exporterCollects(ctx context.Context, target, name string, m *config.Module, emit func(prometheus.Metric)) {
	auth := config.DefaultAuth
	c := collector.New(ctx, target, "public_v2", "", "", &auth, []*collector.NamedModule{collector.NewNamedModule(name, m)},
		slog.New(slog.DiscardHandler), exporterMetrics(), 1, false)
	ch := make(chan prometheus.Metric, 64)
	go func() {
		defer close(ch)
		c.Collect(ch)
	}()
	for metric := range ch {
		emit(metric)
	}
}

// exporterSamples are the exporter's values by series; what it measures of itself and what it could not
// make is left out. Several values of one series are a fault of the module, for which the exporter
// refuses the whole scrape.
func exporterSamples(t testing.TB, target, name string, m *config.Module) map[string][]float64 {
	t.Helper()
	set := map[string][]float64{}
	exporterCollects(t.Context(), target, name, m, func(metric prometheus.Metric) {
		var out dto.Metric
		if err := metric.Write(&out); err != nil {
			if strings.Contains(metric.Desc().String(), `"snmp_error"`) && strings.Contains(err.Error(), "scraping") {
				t.Error(err)
			}
			return
		}
		desc := metric.Desc().String()
		_, desc, _ = strings.Cut(desc, `fqName: "`)
		fq, _, _ := strings.Cut(desc, `"`)
		if strings.HasPrefix(fq, "snmp_scrape_") {
			return
		}
		v := out.GetGauge().GetValue()
		if out.Counter != nil {
			v = out.GetCounter().GetValue()
		}
		var pairs []string
		for _, l := range out.GetLabel() {
			if value := printable(l.GetValue()); value != "" {
				pairs = append(pairs, fmt.Sprintf("%s=%q", l.GetName(), value))
			}
		}
		slices.Sort(pairs)
		series := fq + "{" + strings.Join(pairs, ",") + "}"
		set[series] = append(set[series], v)
	})
	return set
}

// printable drops the control characters, which we do not take over from a device.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, s)
}

func ourSamples(t testing.TB, target snmp.Target, m *module.Module) map[string]float64 {
	t.Helper()
	objects, warnings, err := snmp.Scrape(t.Context(), options(), target, m)
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) > 0 {
		t.Errorf("%s: %v", m.Name, warnings)
	}
	set := map[string]float64{}
	samples, _ := m.Samples(objects)
	for _, s := range samples {
		var pairs []string
		for name, value := range s.Labels.Map() {
			if value = printable(value); name != "__name__" && value != "" {
				pairs = append(pairs, fmt.Sprintf("%s=%q", name, value))
			}
		}
		slices.Sort(pairs)
		set[s.Labels.Get("__name__")+"{"+strings.Join(pairs, ",")+"}"] = s.V
	}
	return set
}

// asExporter compares all modules on one agent; it returns the samples of each.
func asExporter(t *testing.T, agent *snmptest.Agent, theirs *config.Config, ours module.Library) map[string]int {
	t.Helper()
	samples := map[string]int{}
	for key, m := range theirs.Modules {
		all := exporterSamples(t, agent.Target().String(), key, m)
		got := ourSamples(t, agent.Target(), ours[key])
		want := map[string]float64{}
		for series, values := range all {
			want[series] = values[0]
			if slices.Contains(values, got[series]) {
				want[series] = got[series]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("module %s (-exporter +ours):\n%.3000s", key, diff)
		}
		samples[key] = len(want)
	}
	return samples
}

// TestTypesAsExporter holds every type, index and rule of the format against snmp_exporter.
func TestTypesAsExporter(t *testing.T) {
	path := filepath.Join("testdata", "modules.yml")
	flags(t)
	theirs, err := config.LoadFile(slog.New(slog.DiscardHandler), []string{path}, false)
	if err != nil {
		t.Fatal(err)
	}
	ours, _, err := module.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	agent := serve(t, load(t, filepath.Join("testdata", "modules.snmprec")), snmptest.Behaviour{})
	for key, n := range asExporter(t, agent, theirs, ours) {
		if n == 0 {
			t.Errorf("module %s made no sample", key)
		}
	}
}

// flags sets the exporter's flags to their defaults.
func flags(t testing.TB) {
	t.Helper()
	if _, err := kingpin.CommandLine.Parse(nil); err != nil {
		t.Fatal(err)
	}
}

// TestModulesAsExporter runs each module of the published file, and each of ours, on each recorded
// device, beside snmp_exporter's own collector: all samples are equal.
func TestModulesAsExporter(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recordings(t, "devices"), "*.snmprec"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	if testing.Short() {
		files = files[:3]
	}
	published, theirs := published(t)
	owned, ours := owned(t)
	total, answered := 0, map[string]int{}
	for _, file := range files {
		agent := serve(t, load(t, file), snmptest.Behaviour{})
		for _, set := range []struct {
			name   string
			theirs *config.Config
			ours   module.Library
		}{{"published ", published, theirs}, {"our ", owned, ours}} {
			for key, n := range asExporter(t, agent, set.theirs, set.ours) {
				if n > 0 {
					answered[set.name+key] += n
					total += n
				}
			}
		}
		if t.Failed() {
			t.Fatalf("on %s", filepath.Base(file))
		}
	}
	if total == 0 {
		t.Error("no module answered on any device")
	}
	t.Logf("%d samples of %d modules on %d devices", total, len(answered), len(files))
	for _, key := range slices.Sorted(maps.Keys(answered)) {
		t.Logf("%-34s %6d", key, answered[key])
	}
}

// owned is our own set, as the exporter and as we read it.
func owned(t testing.TB) (*config.Config, module.Library) {
	t.Helper()
	names, err := fs.Glob(assets.SNMPModules, "snmp/modules/*.yml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no modules: %v", err)
	}
	theirs, ours := config.Config{Modules: map[string]*config.Module{}}, module.Library{}
	for _, name := range names {
		text, err := fs.ReadFile(assets.SNMPModules, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.UnmarshalStrict(text, &theirs); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		lib, _, err := module.Parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(ours, lib)
	}
	return &theirs, ours
}
