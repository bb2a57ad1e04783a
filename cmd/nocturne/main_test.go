package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/nocturne-noc/nocturne/store"
	"github.com/nocturne-noc/nocturne/store/model"
)

// nocturne runs the command in this process.
func nocturne(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, messages bytes.Buffer
	code = run(t.Context(), args, &out, &messages)
	return code, out.String(), messages.String()
}

// history makes a data folder with something in it, that no wallboard runs on.
func history(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(store.Options{Dir: dir, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	batches := []model.Batch{
		{Source: "campus", Scope: "all", Time: now, Every: time.Minute, Replace: true,
			Samples: []model.Sample{{Labels: labels.FromStrings(prom.MetricNameLabel, "m", "device", "a"), T: now.UnixMilli(), V: 42}},
			Entities: []model.Entity{
				{ID: "device/a", Kind: model.KindDevice, Name: "스위치", State: model.OK},
				{ID: "device/b", Kind: model.KindDevice, Name: "b\x1b[31m", State: model.Critical, Reason: "on\nfire"},
			},
			Links: []model.Link{{A: "device/a", APort: "p1", B: "device/b", BPort: "p2", Kind: "ethernet", State: model.Critical, Confidence: 1, SpeedBPS: 1e10}},
		},
		{Source: "alerts", Alerts: []model.Alert{
			{ID: "aaaa", Name: "A", Severity: model.Critical, Title: "b on fire", Since: now, Labels: map[string]string{}},
			{ID: "bbbb", Name: "B", Severity: model.Warning, Title: "a warm", Since: now, Labels: map[string]string{}, Cause: "aaaa"},
		}},
	}
	for _, b := range batches {
		if err := s.Apply(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestExitCodes(t *testing.T) {
	dir := history(t)
	good := filepath.Join(dir, "good.yaml")
	bad := filepath.Join(dir, "bad.yaml")
	for path, content := range map[string]string{good: "sources: [{kind: host}]\n", bad: "sorces: []\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	none := filepath.Join(dir, "none")
	tests := []struct {
		name   string
		args   []string
		code   int
		stdout string // part of it
		stderr string
	}{
		{"help", []string{"--help"}, exitOK, "Available Commands", ""},
		{"version", []string{"--version"}, exitOK, version, ""},
		{"unknown command", []string{"frobnicate"}, exitUsage, "", "unknown command"},
		{"unknown flag", []string{"query", "--frob", "x"}, exitUsage, "", "unknown flag"},
		{"missing argument", []string{"query"}, exitUsage, "", "accepts 1 arg"},
		{"half a range", []string{"query", "m", "--start", "-1h"}, exitUsage, "", "needs --start and --step"},
		{"instant and range", []string{"query", "m", "--at", "now", "--step", "5s"}, exitUsage, "", "--at is one instant"},
		{"bad time", []string{"query", "m", "--at", "noon"}, exitUsage, "", "is not a time"},
		{"bad step", []string{"query", "m", "--start", "-1h", "--step", "x"}, exitUsage, "", "is not a step"},
		{"bad state", []string{"entities", "--state", "purple"}, exitUsage, "", "unknown state"},
		{"bad output", []string{"collect", "--once", "--out", "xml"}, exitUsage, "", "json or openmetrics"},
		{"output without a round", []string{"collect", "--out", "json"}, exitUsage, "", "add --once"},
		{"record without a file", []string{"record"}, exitUsage, "", "--out"},
		{"record backwards", []string{"record", "--out", "x", "--since", "now", "--until", "-1h"}, exitUsage, "", "not after"},
		{"discover what", []string{"discover"}, exitUsage, "", "snmp or topology"},
		{"discover nobody", []string{"discover", "snmp"}, exitUsage, "", "at least 1 arg"},
		{"discover with a bad version", []string{"discover", "snmp", "127.0.0.1", "--version", "4"}, exitError, "", `version "4" is unknown`},
		{"no data", []string{"query", "m", "--data", none}, exitError, "", "start nocturne first"},
		{"bad PromQL", []string{"query", "sum(", "--data", dir}, exitError, "", "parse error"},
		{"query", []string{"query", "m", "--data", dir}, exitOK, `"resultType":"vector","result":[{"metric":{"__name__":"m","device":"a"}`, ""},
		{"entities", []string{"entities", "--data", dir}, exitOK, "스위치", ""},
		{"alerts", []string{"alerts", "--data", dir}, exitOK, "└ a warm, caused by b on fire", ""},
		{"events", []string{"events", "--data", dir, "--since", "-1h", "--limit", "5"}, exitOK, "TIME", ""},
		{"sources", []string{"sources", "--data", dir}, exitOK, "STATE", ""},
		{"topology", []string{"topology", "--data", dir}, exitOK, "10 Gbit/s", ""},
		{"ack without a wallboard", []string{"ack", "aaaa", "--data", dir}, exitError, "", "on a running wallboard"},
		{"check a good file", []string{"check", "config", good}, exitOK, "", "good"},
		{"check a bad file", []string{"check", "config", bad}, exitError, `bad.yaml:1:1: unknown key "sorces": did you mean "sources"?`, "not valid"},
		{"check a missing rule file", []string{"check", "rules", none}, exitError, "no such file", ""},
		{"collect with a bad file", []string{"collect", "--once", "--config", bad}, exitError, "", "sorces"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := nocturne(t, tt.args...)
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit %d, want %d\nstdout: %s\nstderr: %s", code, tt.code, stdout, stderr)
			}
		})
	}
}

// Foreign text cannot steer the terminal, and wide letters keep the columns in line.
func TestTable(t *testing.T) {
	_, stdout, _ := nocturne(t, "entities", "--data", history(t))
	if strings.ContainsRune(stdout, 0x1b) {
		t.Errorf("an escape sequence reaches the terminal: %q", stdout)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) != 3 || !strings.Contains(lines[2], "on fire") {
		t.Fatalf("table:\n%s", stdout)
	}
	at := func(line, word string) int {
		before, _, _ := strings.Cut(line, word)
		return columns(before)
	}
	if a, b := at(lines[1], "device/a"), at(lines[2], "device/b"); a != b {
		t.Errorf("columns are out of line (%d, %d):\n%s", a, b, stdout)
	}
}

func TestJSONIsTheAPIs(t *testing.T) {
	dir := history(t)
	for _, args := range [][]string{{"entities"}, {"events"}, {"alerts"}, {"sources"}, {"topology"}} {
		code, stdout, stderr := nocturne(t, append(args, "--json", "--data", dir)...)
		var v any
		if err := json.Unmarshal([]byte(stdout), &v); err != nil || code != exitOK || stderr != "" {
			t.Errorf("%s: exit %d, %v, %s", args[0], code, err, stderr)
		}
	}
}

func TestRecord(t *testing.T) {
	out := filepath.Join(t.TempDir(), "r.nocturne")
	if code, _, stderr := nocturne(t, "record", "--out", out, "--data", history(t)); code != exitOK {
		t.Fatal(stderr)
	}
	r, err := store.OpenRecording(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// parseOpenMetrics reads text with Prometheus' own parser, and returns series to value.
func parseOpenMetrics(t *testing.T, text []byte) map[string]float64 {
	t.Helper()
	p, err := textparse.New(text, "application/openmetrics-text; version=1.0.0", labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("after %d series: %v", len(found), err)
		}
		if entry == textparse.EntrySeries {
			var ls labels.Labels
			p.Labels(&ls)
			_, ts, v := p.Series()
			if ts == nil {
				t.Errorf("%s has no time", ls)
			}
			found[ls.String()] = v
		}
	}
}

func TestOpenMetricsParsesWithPrometheus(t *testing.T) {
	sample := func(at int64, v float64, ls ...string) model.Sample {
		return model.Sample{Labels: labels.FromStrings(ls...), T: at, V: v}
	}
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	err := writeOpenMetrics(w, []model.Batch{
		{Samples: []model.Sample{
			sample(1000, 1, prom.MetricNameLabel, "x_total", "d", "quo\"te\\ \n 한글"),
			sample(1000, math.Inf(1), prom.MetricNameLabel, "y"),
			sample(1000, math.NaN(), prom.MetricNameLabel, "z", "a", "b"),
		}},
		{Samples: []model.Sample{sample(2500, 5, prom.MetricNameLabel, "x_total", "d", "quo\"te\\ \n 한글"), sample(500, 7, prom.MetricNameLabel, "y")}},
	})
	if err != nil || w.Flush() != nil {
		t.Fatal(err)
	}
	got := parseOpenMetrics(t, b.Bytes())
	if len(got) != 3 || got[`{__name__="x_total", d="quo\"te\\ \n 한글"}`] != 5 || !math.IsInf(got[`{__name__="y"}`], 1) {
		t.Errorf("%v\n%s", got, b.String())
	}
}

// One round of this machine, read by Prometheus' own parser.
func TestCollectOnce(t *testing.T) {
	cfg := filepath.Join(t.TempDir(), "n.yaml")
	if err := os.WriteFile(cfg, []byte("sources: [{kind: host}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := nocturne(t, "collect", "--once", "--out", "openmetrics", "--config", cfg)
	if code != exitOK {
		t.Fatal(stderr)
	}
	found := false
	for series := range parseOpenMetrics(t, []byte(stdout)) {
		found = found || strings.Contains(series, "node_cpu_seconds_total")
	}
	if !found {
		t.Errorf("no node_cpu_seconds_total in\n%s", stdout)
	}
	code, stdout, stderr = nocturne(t, "collect", "--once", "--config", cfg)
	var round roundJSON
	if err := json.Unmarshal([]byte(stdout), &round); err != nil || code != exitOK || len(round.Samples) == 0 || len(round.Entities) == 0 {
		t.Errorf("exit %d, %v, %s", code, err, stderr)
	}
}
