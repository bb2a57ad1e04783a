package control_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/config"
	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/rules"

	"github.com/nocturne-noc/nocturne/app/control"
)

// Debian's promtool, of the package prometheus, knows HTTP basic authentication only, by the address.
func TestPromtool(t *testing.T) {
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian's package prometheus has it; .ci/deps test installs it)")
	}
	addr := listen(t, backend(t))
	server := "http://promtool:" + token + "@" + addr
	from, to := now.Add(-2*time.Minute).Format(time.RFC3339), now.Format(time.RFC3339)
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"instant", []string{"query", "instant", "--time", to, server, "m"}, `m{device="a"} => 3 @[1772334000]` + "\n"},
		{"instant in JSON", []string{"query", "instant", "-o", "json", "--time", to, server, "m+0.5"}, `[{"metric":{"device":"a"},"value":[1772334000,"3.5"]}]` + "\n"},
		{"scalar", []string{"query", "instant", "--time", to, server, "1/0"}, "scalar: +Inf @[1772334000]\n"},
		{"range", []string{"query", "range", "--start", from, "--end", to, "--step", "1m", server, "m"},
			"m{device=\"a\"} =>\n1 @[1772333880]\n2 @[1772333940]\n3 @[1772334000]\n"},
		{"series", []string{"query", "series", "--match", "m", server}, `{__name__="m", device="a"}` + "\n"},
		{"series of a time", []string{"query", "series", "--match", "m", "--start", from, "--end", to, server}, `{__name__="m", device="a"}` + "\n"},
		{"labels", []string{"query", "labels", server, "device"}, "a\n"},
		{"labels of a match", []string{"query", "labels", "--match", "m", server, "__name__"}, "m\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			out, err := exec.CommandContext(ctx, path, tt.args...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if diff := cmp.Diff(tt.want, string(out)); diff != "" {
				t.Error(diff)
			}
		})
	}
	out, err := exec.CommandContext(t.Context(), path, "query", "instant", "http://"+addr, "m").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "wall.token") {
		t.Errorf("without the token: %v, %s", err, out)
	}
}

// Every call of the Go client that has an endpoint here, by TCP with the token and by the socket.
func TestGoClient(t *testing.T) {
	b := backend(t)
	groups := ruleGroups(t, b)
	b.Groups = func() []*rules.Group { return groups }
	b.Health = func() control.Health { return control.Health{Version: "test"} }
	dir, err := os.MkdirTemp("", "noc") // t.TempDir() is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	socket, err := control.ListenSocket(t.Context(), dir, control.Handler(b), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := socket.Close(); err != nil {
			t.Error(err)
		}
	}()
	bySocket := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, control.SocketName))
	}}
	byTCP := config.NewAuthorizationCredentialsRoundTripper("Bearer", config.NewInlineSecret(token), &http.Transport{DisableKeepAlives: true})
	for name, c := range map[string]api.Config{
		"TCP":    {Address: "http://" + listen(t, b), RoundTripper: byTCP},
		"socket": {Address: "http://nocturne", RoundTripper: bySocket},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := api.NewClient(c)
			if err != nil {
				t.Fatal(err)
			}
			goClient(t, promv1.NewAPI(client))
		})
	}
}

func goClient(t *testing.T, c promv1.API) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	check := func(what string, want, got any, warnings promv1.Warnings, err error) {
		t.Helper()
		if err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v, warnings %v", what, err, warnings)
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	at := prom.TimeFromUnixNano(now.UnixNano())
	m := prom.Metric{"__name__": "m", "device": "a"}
	value, warnings, err := c.Query(ctx, "m", now)
	check("Query", prom.Value(prom.Vector{{Metric: m, Value: 3, Timestamp: at}}), value, warnings, err)
	value, warnings, err = c.Query(ctx, "m", now, promv1.WithTimeout(5*time.Second), promv1.WithLookbackDelta(time.Minute), promv1.WithStats(promv1.AllStatsValue))
	check("Query with options", prom.Value(prom.Vector{{Metric: m, Value: 3, Timestamp: at}}), value, warnings, err)
	value, warnings, err = c.QueryRange(ctx, "m", promv1.Range{Start: now.Add(-time.Minute), End: now, Step: time.Minute})
	check("QueryRange", prom.Value(prom.Matrix{{Metric: m, Values: []prom.SamplePair{{Timestamp: at - 60_000, Value: 2}, {Timestamp: at, Value: 3}}}}), value, warnings, err)
	var zero time.Time
	sets, warnings, err := c.Series(ctx, []string{"m"}, zero, zero)
	check("Series", []prom.LabelSet{{"__name__": "m", "device": "a"}}, sets, warnings, err)
	names, warnings, err := c.LabelNames(ctx, []string{"m"}, now.Add(-time.Hour), now)
	check("LabelNames", prom.LabelNames{"__name__", "device"}, names, warnings, err)
	values, warnings, err := c.LabelValues(ctx, "device", nil, zero, zero)
	check("LabelValues", prom.LabelValues{"a"}, values, warnings, err)
	meta, err := c.Metadata(ctx, "m", "10")
	check("Metadata", map[string][]promv1.Metadata{"m": {{Type: promv1.MetricTypeUnknown}}}, meta, nil, err)
	info, err := c.Buildinfo(ctx)
	check("Buildinfo", "test", info.Version, nil, err)
	found, err := c.Rules(ctx, nil)
	if err != nil || len(found.Groups) != 1 || len(found.Groups[0].Rules) != 2 {
		t.Errorf("Rules: %+v, %v", found, err)
	} else if _, ok := found.Groups[0].Rules[0].(promv1.AlertingRule); !ok {
		t.Errorf("Rules: %T", found.Groups[0].Rules[0])
	}
	alerts, err := c.Alerts(ctx)
	if err != nil || len(alerts.Alerts) != 1 || alerts.Alerts[0].State != promv1.AlertStateFiring || alerts.Alerts[0].Labels["alertname"] != "High" {
		t.Errorf("Alerts: %+v, %v", alerts, err)
	}
	_, warnings, err = c.Query(ctx, "{__name__=~'m|ALERTS'}", now, promv1.WithLimit(1))
	if err != nil || len(warnings) != 0 {
		t.Errorf("limit not reached: %v, %v", warnings, err)
	}
	_, warnings, err = c.Query(ctx, "label_replace(m, 'x', '1', '', '') or label_replace(m, 'x', '2', '', '')", now, promv1.WithLimit(1))
	if err != nil || len(warnings) != 1 {
		t.Errorf("limit: warnings %v, %v", warnings, err)
	}
	// What there is not says so.
	for name, call := range map[string]func() error{
		"Targets":        func() error { _, err := c.Targets(ctx); return err },
		"TSDB":           func() error { _, err := c.TSDB(ctx); return err },
		"QueryExemplars": func() error { _, err := c.QueryExemplars(ctx, "m", now, now); return err },
		"Config":         func() error { _, err := c.Config(ctx); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "404") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := c.DeleteSeries(ctx, []string{"m"}, now, now); err == nil {
		t.Error("a client deleted series")
	}
}
