package control_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promcollectors "github.com/prometheus/client_golang/prometheus/collectors"
	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store"
	"github.com/nocturne-noc/nocturne/store/model"
)

// selfBackend is backend with what the wallboard tells of itself.
func selfBackend(t *testing.T) control.Backend {
	t.Helper()
	b := backend(t)
	s := b.Source.(*store.Store)
	dir := t.TempDir()
	for name, n := range map[string]int{
		"day-20260301.db": 100, "day-20260228.db": 50, "5m-202603.db": 10, "1h-2026.db": 5, "wal-0000000001.log": 7,
		"day-20260227.db.damaged": 3, "ui.json": 1,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	self := &control.Self{Source: s, Dir: dir, Dropped: s.Dropped, Health: func() control.Health {
		return control.Health{Version: "test", Problems: []string{"one"}}
	}}
	r := prometheus.NewRegistry()
	r.MustRegister(self, promcollectors.NewGoCollector(), promcollectors.NewProcessCollector(promcollectors.ProcessCollectorOpts{}))
	b.Metrics = r
	var samples []model.Sample
	for name, v := range map[string]float64{"nocturne_collector_success": 1, "nocturne_collector_panics_total": 2, "nocturne_collector_duration_seconds": 0.5} {
		for _, target := range []string{"10.0.0.1", "say \"hi\"\\\n\xff"} {
			samples = append(samples, model.Sample{T: now.UnixMilli(), V: v, Labels: labels.FromStrings(
				prom.MetricNameLabel, name, "source", "campus", "target", strings.ToValidUTF8(target, "?"), "kind", "snmp")})
		}
	}
	apply := self.Measure(s.Apply)
	if err := apply(model.Batch{Source: "campus", Scope: "self", Time: now, Every: time.Minute, Samples: samples}); err != nil {
		t.Fatal(err)
	}
	late := samples[:1:1]
	late[0].T, late[0].V = now.Add(time.Hour).UnixMilli(), 1
	if err := apply(model.Batch{Source: "campus", Scope: "self", Time: now, Every: time.Minute, Samples: late}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetStatus([]model.SourceStatus{{Name: "campus", Kind: "snmp", Target: "10.0.0.1", State: model.OK, LastOK: now}}); err != nil {
		t.Fatal(err)
	}
	return b
}

func metrics(t *testing.T, h http.Handler, accept string) (contentType, body string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	req.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Header().Get("Content-Type"), w.Body.String()
}

// Prometheus' own parser reads /metrics in each format that it asks for, and finds what is to be found.
func TestMetrics(t *testing.T) {
	h := control.Handler(selfBackend(t))
	for _, accept := range []string{
		"text/plain;version=0.0.4", "text/plain;version=1.0.0;escaping=allow-utf-8", "application/openmetrics-text;version=1.0.0",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", "*/*", "",
	} {
		t.Run(accept, func(t *testing.T) {
			contentType, body := metrics(t, h, accept)
			if media, _, _ := strings.Cut(accept, ";"); media != "" && media != "*/*" && !strings.HasPrefix(contentType, media) {
				t.Errorf("asked for %s, got %s", accept, contentType)
			}
			got := parse(t, contentType, body)
			for series, want := range map[string]float64{
				`nocturne_build_info{version="test"}`: 1,
				`nocturne_problems`:                   1,
				`nocturne_collector_success{kind="snmp", source="campus", target="10.0.0.1"}`:                        1,
				`nocturne_collector_panics_total{kind="snmp", source="campus", target="10.0.0.1"}`:                   2,
				`nocturne_collector_last_success_timestamp_seconds{kind="snmp", source="campus", target="10.0.0.1"}`: 1772334000,
				`nocturne_alerts{severity="critical", state="firing"}`:                                               1,
				`nocturne_alerts{severity="warning", state="firing"}`:                                                0,
				`nocturne_alerts{severity="warning", state="pending"}`:                                               1,
				`nocturne_alerts_acknowledged`:                                                                       0,
				`nocturne_entities{kind="device", state="critical"}`:                                                 1,
				`nocturne_store_batches_total`:                                                                       2,
				`nocturne_store_samples_total`:                                                                       7,
				`nocturne_store_dropped_total{reason="future"}`:                                                      1,
				`nocturne_store_dropped_total{reason="late"}`:                                                        0,
				`nocturne_store_size_bytes{of="raw"}`:                                                                150,
				`nocturne_store_files{of="raw"}`:                                                                     2,
				`nocturne_store_size_bytes{of="5m"}`:                                                                 10,
				`nocturne_store_size_bytes{of="1h"}`:                                                                 5,
				`nocturne_store_size_bytes{of="wal"}`:                                                                7,
				`nocturne_store_size_bytes{of="damaged"}`:                                                            3,
				`nocturne_store_size_bytes{of="other"}`:                                                              1,
			} {
				if v, ok := got[series]; !ok || v != want {
					t.Errorf("%s is %v (%v), want %v", series, v, ok, want)
				}
			}
			if got["nocturne_events_total"] < 1 || got["go_goroutines"] < 1 {
				t.Errorf("events %v, goroutines %v", got["nocturne_events_total"], got["go_goroutines"])
			}
		})
	}
}

// parse reads an exposition as Prometheus does, into values by series.
func parse(t *testing.T, contentType, body string) map[string]float64 {
	t.Helper()
	p, err := textparse.New([]byte(body), contentType, labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", contentType, err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, _, v := p.Series()
		var ls labels.Labels
		p.Labels(&ls)
		name := ls.Get(prom.MetricNameLabel)
		rest := labels.NewBuilder(ls).Del(prom.MetricNameLabel).Labels()
		if !rest.IsEmpty() {
			name += rest.String()
		}
		if _, twice := out[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		out[name] = v
	}
}

func TestPromtoolCheckMetrics(t *testing.T) {
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian's package prometheus has it; .ci/deps test installs it)")
	}
	_, body := metrics(t, control.Handler(selfBackend(t)), "text/plain")
	cmd := exec.CommandContext(t.Context(), path, "check", "metrics")
	cmd.Stdin = strings.NewReader(body)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}
