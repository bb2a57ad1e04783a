package scrape

import (
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/store/model"
)

func builtin(t testing.TB) Exporters {
	t.Helper()
	x, err := ParseExporters(assets.Scrape)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// see makes a sight of series in PromQL's notation, each with its value.
func see(t testing.TB, series map[string]float64) sight {
	t.Helper()
	out := sight{}
	for text, v := range series {
		ls, err := parser.NewParser(parser.Options{}).ParseMetric(text)
		if err != nil {
			t.Fatal(err)
		}
		name := ls.Get(prom.MetricNameLabel)
		out[name] = append(out[name], model.Sample{Labels: ls, V: v})
	}
	return out
}

func TestRecognise(t *testing.T) {
	table := builtin(t)
	for _, tt := range []struct {
		series  map[string]float64
		service string
		kind    model.Kind
		name    string
		state   model.State
		reason  string
		labels  map[string]string
	}{
		{map[string]float64{`node_uname_info{nodename="db1",sysname="Linux",release="6.1"}`: 1, `node_network_info{device="eth0",address="02:00:00:00:00:01"}`: 1, `node_network_info{device="lo",address="00:00:00:00:00:00"}`: 1},
			"node_exporter", model.KindServer, "db1", model.OK, "", map[string]string{"macs": "02:00:00:00:00:01", "kernel": "6.1", "os": "Linux"}},
		{map[string]float64{`node_boot_time_seconds`: 1, `node_md_disks{device="md0",state="failed"}`: 1}, "node_exporter", model.KindServer, "192.0.2.1", model.Critical, "RAID md0: a disk has failed", nil},
		{map[string]float64{`windows_exporter_build_info{version="0.30"}`: 1, `windows_cs_hostname{hostname="AD1"}`: 1}, "windows_exporter", model.KindServer, "AD1", model.OK, "", map[string]string{"version": "0.30"}},
		{map[string]float64{`pg_up`: 1, `pg_static{short_version="15.1.0"}`: 1}, "postgres", model.KindService, "PostgreSQL 192.0.2.1:9", model.OK, "", map[string]string{"version": "15.1.0"}},
		{map[string]float64{`pg_up`: 0, `pg_exporter_last_scrape_error`: 1}, "postgres", model.KindService, "PostgreSQL 192.0.2.1:9", model.Critical, "PostgreSQL does not answer its exporter", nil},
		{map[string]float64{`mysql_up`: 0}, "mysqld", model.KindService, "MySQL 192.0.2.1:9", model.Critical, "MySQL does not answer its exporter", nil},
		{map[string]float64{`redis_up`: 1, `redis_master_link_up`: 0}, "redis", model.KindService, "Redis 192.0.2.1:9", model.Warning, "the replica has lost its master", nil},
		{map[string]float64{`nginx_up`: 0}, "nginx", model.KindService, "nginx 192.0.2.1:9", model.Critical, "nginx does not answer its exporter", nil},
		{map[string]float64{`haproxy_process_build_info{version="2.6"}`: 1, `haproxy_backend_status{proxy="shop",state="DOWN"}`: 1, `haproxy_backend_status{proxy="shop",state="UP"}`: 0},
			"haproxy", model.KindService, "HAProxy 192.0.2.1:9", model.Critical, "backend shop is down", nil},
		{map[string]float64{`etcd_server_has_leader`: 0, `etcd_server_version{server_version="3.5"}`: 1}, "etcd", model.KindService, "etcd 192.0.2.1:9", model.Critical, "the member has no leader", map[string]string{"version": "3.5"}},
		{map[string]float64{`coredns_build_info{version="1.11"}`: 1}, "coredns", model.KindService, "CoreDNS 192.0.2.1:9", model.OK, "", map[string]string{"version": "1.11"}},
		{map[string]float64{`envoy_server_live`: 1}, "envoy", model.KindService, "Envoy 192.0.2.1:9", model.OK, "", nil},
		{map[string]float64{`envoy_server_live`: 1, `istio_requests_total`: 5}, "istio", model.KindService, "Istio 192.0.2.1:9", model.OK, "", nil},
		{map[string]float64{`proxy_build_info{version="2.1"}`: 1}, "linkerd", model.KindService, "Linkerd 192.0.2.1:9", model.OK, "", nil},
		{map[string]float64{`cilium_version{version="1.15"}`: 1, `cilium_unreachable_nodes`: 2}, "cilium", model.KindService, "Cilium 192.0.2.1:9", model.Warning, "nodes cannot be reached", nil},
		{map[string]float64{`gnatsd_varz_connections`: 3}, "nats", model.KindService, "NATS 192.0.2.1:9", model.OK, "", nil},
		{map[string]float64{`rabbitmq_identity_info{rabbitmq_node="rabbit@a"}`: 1, `rabbitmq_alarms_memory_used_watermark`: 1}, "rabbitmq", model.KindService, "RabbitMQ 192.0.2.1:9", model.Critical, "memory alarm: publishers are blocked", nil},
		{map[string]float64{`kafka_brokers`: 0, `jvm_info`: 1}, "kafka", model.KindService, "Kafka 192.0.2.1:9", model.Critical, "no broker answers the exporter", nil},
		{map[string]float64{`jvm_info{version="21"}`: 1, `jvm_threads_deadlocked`: 0}, "jvm", model.KindService, "Java 192.0.2.1:9", model.OK, "", map[string]string{"version": "21"}},
		{map[string]float64{`something_else`: 1}, "", model.KindService, "192.0.2.1:9", model.OK, "", nil},
	} {
		e := table.entity("192.0.2.1:9", "192.0.2.1:9", see(t, tt.series))
		if e.ID != model.ServerID("192.0.2.1:9") || e.Labels["exporter"] != tt.service || e.Kind != tt.kind || e.Name != tt.name || e.State != tt.state || e.Reason != tt.reason {
			t.Errorf("%v: %+v", tt.series, e)
		}
		for name, want := range tt.labels {
			if e.Labels[name] != want {
				t.Errorf("%v: label %s is %q, want %q", tt.series, name, e.Labels[name], want)
			}
		}
	}
}

// TestEveryExporterIsTested holds that TestRecognise has a line for each, and that each rule can hit.
func TestExporterRules(t *testing.T) {
	for _, x := range builtin(t).list {
		for i := range x.Health {
			r := &x.Health[i]
			pairs := []string{prom.MetricNameLabel, r.Metric}
			for name, value := range r.Match {
				pairs = append(pairs, name, value)
			}
			s := model.Sample{Labels: labels.FromStrings(pairs...)}
			if r.Below != nil {
				s.V = *r.Below - 1
			} else {
				s.V = *r.Above + 1
			}
			if !r.hits(s) {
				t.Errorf("%s: %q does not hit %v", x.Name, r.Reason, s)
			}
			if s.V = math.NaN(); r.hits(s) {
				t.Errorf("%s: %q hits what is not known", x.Name, r.Reason)
			}
		}
	}
}

// TestPages holds that the pages of exporters are boards whose expressions parse, in both languages.
func TestPages(t *testing.T) {
	p := parser.NewParser(parser.Options{})
	for _, x := range builtin(t).list {
		if x.Name == "node_exporter" {
			continue // has that of every server
		}
		if len(x.Page.Panels) == 0 || len(x.Figures) == 0 {
			t.Errorf("%s has no page or no key figures", x.Name)
		}
		for _, f := range x.Figures {
			if f.Title["ko"] == "" || f.Unit == "" {
				t.Errorf("%s: figure %v has no Korean or no unit", x.Name, f.Title)
			}
		}
		for _, panel := range x.Page.Panels {
			title, _ := panel["title"].(map[string]any)
			if title["en"] == nil || title["ko"] == nil {
				t.Errorf("%s: panel %v has no title in both languages", x.Name, panel["title"])
			}
			queries, _ := panel["queries"].([]any)
			for _, q := range queries {
				expr, _ := q.(map[string]any)["expr"].(string)
				if !strings.Contains(expr, `instance="$instance"`) {
					t.Errorf("%s: %q is not about this instance alone", x.Name, expr)
				}
				if _, err := p.ParseExpr(intervals.Replace(expr)); err != nil {
					t.Errorf("%s: %s: %v", x.Name, expr, err)
				}
			}
		}
	}
}

// TestParseExporters holds what is refused, with the name of the file.
func TestParseExporters(t *testing.T) {
	const good = "name: a\ntitle: A\nkind: service\nany: [a_up]\n"
	for text, want := range map[string]string{
		good + "colour: red\n":                                               "colour",
		"name: a\nkind: service\n":                                           "name and a title",
		"name: a\ntitle: A\nkind: pod\n":                                     "want server or service",
		"name: a\ntitle: A\nkind: server":                                    "recognised",
		good + "labels: {version: {}}\n":                                     "version needs metric and label",
		good + "health: [{metric: a_up}]\n":                                  "metric and reason",
		good + "health: [{metric: a_up, reason: x, state: critical}]\n":      "one of below and above",
		good + "health: [{metric: a_up, reason: x, below: 1, state: ok}]\n":  "want warning or critical",
		good + "health: [{metric: a_up, reason: x, below: 1, state: red}]\n": "unknown state",
		good + "figures: [{title: x, expr: 'sum('}]\n":                       "figures: x",
		"\x00": "x.yaml",
	} {
		_, err := ParseExporters(fstest.MapFS{"scrape/x.yaml": {Data: []byte(text)}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "x.yaml") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	two := fstest.MapFS{"scrape/x.yaml": {Data: []byte(good)}, "scrape/y.yaml": {Data: []byte(good)}}
	if _, err := ParseExporters(two); err == nil || !strings.Contains(err.Error(), "taken") {
		t.Errorf("the same name twice: %v", err)
	}
}

// FuzzParseExporter holds that no file can make the table's reader panic, or pass what check refuses.
func FuzzParseExporter(f *testing.F) {
	names, err := fs.Glob(assets.Scrape, "scrape/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		data, err := assets.Scrape.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := parseExporter(data)
		if err == nil && (x == nil || x.check() != nil) {
			t.Errorf("%q is taken", data)
		}
	})
}

// TestPicks holds that what is remembered of an answer is dropped when the answer changes.
func TestPicks(t *testing.T) {
	table := builtin(t)
	sample := func(name string, v float64) model.Sample {
		return model.Sample{Labels: labels.FromStrings(prom.MetricNameLabel, name), V: v}
	}
	var p picks
	for i, tt := range []struct {
		samples []model.Sample
		want    float64
	}{
		{[]model.Sample{sample("x", 0), sample("redis_up", 1)}, 1},
		{[]model.Sample{sample("x", 0), sample("redis_up", 0)}, 0},
		{[]model.Sample{sample("redis_up", 3), sample("x", 0)}, 3},
		{[]model.Sample{sample("y", 0), sample("x", 0), sample("redis_up", 4)}, 4},
	} {
		seen := p.of(tt.samples, table)
		if len(seen["redis_up"]) != 1 || seen["redis_up"][0].V != tt.want {
			t.Errorf("%d: %v, want redis_up %v", i, seen, tt.want)
		}
	}
}

// TestServerName holds what servers are called.
func TestServerName(t *testing.T) {
	for _, tt := range [][3]string{
		{"db1:9100", "node7", "db1"}, {"192.0.2.1:9100", "node7", "node7"}, {"[2001:db8::1]:9100", "node7", "node7"},
		{"192.0.2.1:9100", "", "192.0.2.1"}, {"localhost:9100", "node7", "node7"}, {"db1", "", "db1"},
	} {
		if got := serverName(tt[0], tt[1]); got != tt[2] {
			t.Errorf("%s, called %q by itself: %q, want %q", tt[0], tt[1], got, tt[2])
		}
	}
}

// TestGrid holds that scrapes are dated by a grid, in rising order, whatever the clock does.
func TestGrid(t *testing.T) {
	g := grid{every: benchEvery}
	const e = int64(15000)
	var got []int64
	for _, at := range []int64{1000_000, 1000_000 + e + 3, 1000_000 + 2*e - 2, 1000_000 + 3*e + 400, 1000_000 + 4*e + 700, 1000_000 + 5*e + 700, 1000_000 + 5*e + 900, 500_000} {
		got = append(got, g.date(at)-1000_000)
	}
	want := []int64{0, e, 2 * e, 3 * e, 4*e + 700, 5*e + 700, 5*e + 900, -500_000}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestClip holds that foreign text comes out fit to be shown.
func TestClip(t *testing.T) {
	for in, want := range map[string]string{"a\nb\x1b": "a b ", "\xff!": "�!", "한국어": "한국어", "abcdefgh": "abcde…"} {
		if got := clip(in, 5); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := fmt.Sprint(len(clip(strings.Repeat("x", 1000), maxQuote))); got != "163" {
		t.Errorf("clipped to %s bytes", got)
	}
}
