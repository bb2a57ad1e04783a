package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"go.uber.org/goleak"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store"
	"github.com/nocturne-noc/nocturne/store/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// backend is a store with a little of everything in it.
func backend(t *testing.T) control.Backend {
	t.Helper()
	s, err := store.Open(store.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	batch := model.Batch{
		Source: "campus", Scope: "all", Time: now, Every: time.Minute, Replace: true,
		Entities: []model.Entity{
			{ID: "device/a", Kind: model.KindDevice, Name: "a", State: model.OK},
			{ID: "device/b", Kind: model.KindDevice, Name: "b", State: model.Critical, Reason: "on fire"},
			{ID: "device/a/port/p1", Kind: model.KindInterface, Name: "p1", Parent: "device/a", State: model.OK},
			{ID: "kube/c/ns/n/pod/x", Kind: model.KindPod, Name: "x", State: model.OK},
		},
		Links: []model.Link{
			{A: "device/a", APort: "p1", B: "device/b", BPort: "p2", Kind: "ethernet", State: model.OK, Confidence: 1, SpeedBPS: 1e9,
				Evidence: []model.Evidence{{Source: "LLDP", Observer: "device/a"}}},
			{A: "kube/c/ns/n/pod/x", B: "kube/c/node/n1", Kind: "runs-on", State: model.OK},
		},
		Events: []model.Event{{Time: now.Add(-time.Hour), Severity: model.Warning, Kind: "trap", Title: "b", Text: "hot"}},
	}
	for i := range 3 {
		batch.Samples = append(batch.Samples, model.Sample{
			Labels: labels.FromStrings(prom.MetricNameLabel, "m", "device", "a"), T: now.Add(time.Duration(i-2) * time.Minute).UnixMilli(), V: float64(i + 1),
		})
	}
	if err := s.Apply(batch); err != nil {
		t.Fatal(err)
	}
	alerts := []model.Alert{
		{ID: "1", Name: "A", Severity: model.Critical, Title: "b on fire", Labels: map[string]string{}, Since: now},
		{ID: "2", Name: "P", Severity: model.Warning, Title: "maybe", Labels: map[string]string{}, Since: now, Pending: true},
	}
	if err := s.Apply(model.Batch{Source: "alerts", Alerts: alerts}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetStatus([]model.SourceStatus{{Name: "campus", Kind: "snmp", State: model.OK}}); err != nil {
		t.Fatal(err)
	}
	return control.Backend{Source: s, Queryable: s.Queryable(), Engine: s.Engine(), Metrics: prometheus.NewRegistry()}
}

// get asks the handler without a socket.
func get(t *testing.T, c *control.Client, path string) (string, error) {
	t.Helper()
	u, err := url.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	var data json.RawMessage
	err = c.Get(context.Background(), u.Path, u.Query(), &data)
	return string(data), err
}

func TestPrometheusAPI(t *testing.T) {
	c := control.Local(control.Handler(backend(t)))
	at := "1772334000"
	tests := []struct{ path, want, err string }{
		{"/api/v1/query?query=m", `{"resultType":"vector","result":[{"metric":{"__name__":"m","device":"a"},"value":[` + at + `,"3"]}]}`, ""},
		{"/api/v1/query?query=1%2B1", `{"resultType":"scalar","result":[` + at + `,"2"]}`, ""},
		{"/api/v1/query?query=m&time=-1m", `{"resultType":"vector","result":[{"metric":{"__name__":"m","device":"a"},"value":[1772333940,"2"]}]}`, ""},
		{"/api/v1/query?query=none", `{"resultType":"vector","result":[]}`, ""},
		{"/api/v1/query?query=m%5B2m%5D", `{"resultType":"matrix","result":[{"metric":{"__name__":"m","device":"a"},"values":[[1772333940,"2"],[` + at + `,"3"]]}]}`, ""},
		{"/api/v1/query?query=sum(", "", "parse error"},
		{"/api/v1/query?query=m&time=noon", "", "is not a time"},
		{"/api/v1/query_range?query=m&start=-2m&end=now&step=60",
			`{"resultType":"matrix","result":[{"metric":{"__name__":"m","device":"a"},"values":[[1772333880,"1"],[1772333940,"2"],[` + at + `,"3"]]}]}`, ""},
		{"/api/v1/query_range?query=m&start=-2m&end=now&step=0", "", "must be above zero"},
		{"/api/v1/query_range?query=m&start=-2m&end=now", "", `parameter "step"`},
		{"/api/v1/query_range?query=m&start=now&end=-2m&step=1", "", "must not be before start"},
		{"/api/v1/query_range?query=m&start=-2w&end=now&step=1", "", "ask for a larger step"},
		{"/api/v1/series?match[]=m", `[{"__name__":"m","device":"a"}]`, ""},
		{"/api/v1/series", "", "no match[] parameter"},
		{"/api/v1/series?match[]=%7B%7D", "", "match[]"},
		{"/api/v1/labels", `["__name__","device"]`, ""},
		{"/api/v1/labels?match[]=none", `[]`, ""},
		{"/api/v1/label/device/values", `["a"]`, ""},
		{"/api/v1/label/nothing/values", `[]`, ""},
		{"/api/v1/metadata", `{"m":[{"type":"unknown","unit":"","help":""}]}`, ""},
		{"/api/v1/metadata?limit=0", `{}`, ""},
		{"/api/v1/metadata?metric=none", `{}`, ""},
		{"/api/v1/metadata?limit=x", "", "limit must be a number"},
		{"/api/v1/targets", "", "not part of this API"},
		{"/api/v1/rules", "", "no rules run here"},
		{"/api/v1/alerts", "", "no rules run here"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			got, err := get(t, c, tt.path)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNocturneAPI(t *testing.T) {
	c := control.Local(control.Handler(backend(t)))
	tests := []struct {
		path  string
		count int
		err   string
	}{
		{"/api/nocturne/entities", 4, ""},
		{"/api/nocturne/entities?kind=device", 2, ""},
		{"/api/nocturne/entities?under=device/a", 2, ""},
		{"/api/nocturne/entities?state=critical", 1, ""},
		{"/api/nocturne/entities?state=purple", 0, "unknown state"},
		{"/api/nocturne/entities?id=device/none", 0, ""},
		{"/api/nocturne/links", 2, ""},
		{"/api/nocturne/links?kind=ethernet", 1, ""},
		{"/api/nocturne/links?state=critical", 0, ""},
		{"/api/nocturne/events?kind=trap", 1, ""},
		{"/api/nocturne/events?kind=trap&since=-10m", 0, ""},
		{"/api/nocturne/events?kind=trap&severity=critical", 0, ""},
		{"/api/nocturne/events?severity=purple", 0, "unknown state"},
		{"/api/nocturne/events?limit=0", 0, "want a number"},
		{"/api/nocturne/events?limit=1", 1, ""},
		{"/api/nocturne/alerts", 1, ""},
		{"/api/nocturne/alerts?pending=true", 2, ""},
		{"/api/nocturne/alerts?severity=warning&pending=true", 1, ""},
		{"/api/nocturne/sources", 1, ""},
		{"/api/nocturne/health", 0, "no wallboard runs"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			got, err := get(t, c, tt.path)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			if err != nil {
				return
			}
			var list []any
			if err := json.Unmarshal([]byte(got), &list); err != nil || len(list) != tt.count || list == nil {
				t.Errorf("want %d, got %s (%v)", tt.count, got, err)
			}
		})
	}
}

// The shape that scripts hold on to.
func TestTopologyShape(t *testing.T) {
	c := control.Local(control.Handler(backend(t)))
	got, err := get(t, c, "/api/nocturne/topology")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"nodes":[` +
		`{"id":"device/a","kind":"device","name":"a","state":"ok","parent":"","labels":{}},` +
		`{"id":"device/b","kind":"device","name":"b","state":"critical","parent":"","labels":{}}],` +
		`"links":[{"a":"device/a","a_port":"p1","b":"device/b","b_port":"p2","kind":"ethernet","state":"ok",` +
		`"evidence":[{"source":"LLDP","observer":"device/a"}],"confidence":1,"speed_bps":1000000000}]}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err := get(t, c, "/api/nocturne/topology?kind=runs-on"); err != nil || strings.Count(got, `"kind":"runs-on"`) != 1 || strings.Contains(got, "device/") {
		t.Errorf("relations: %s, %v", got, err)
	}
}

func TestPosts(t *testing.T) {
	b := backend(t)
	c := control.Local(control.Handler(b))
	ctx := context.Background()
	for _, path := range []string{"/api/nocturne/ack", "/api/nocturne/unack", "/api/lab/panic", control.RecordPath} {
		if err := c.Post(ctx, path, nil, nil); err == nil {
			t.Errorf("%s works without a wallboard", path)
		}
	}
	var seen []string
	b.Ack = func(id, by, note string) (model.Alert, error) {
		seen = append(seen, id, by, note)
		return model.Alert{ID: id, AckBy: by}, nil
	}
	b.Panic = func(source string) error { return errors.New("no source " + source) }
	b.Record = func(_ context.Context, out string, since, until time.Time) error {
		seen = append(seen, out, until.Sub(since).String())
		return nil
	}
	c = control.Local(control.Handler(b))
	var alert model.Alert
	if err := c.Post(ctx, "/api/nocturne/ack", url.Values{"id": {"1"}, "by": {"kim"}, "note": {"서버실로 이동"}}, &alert); err != nil || alert.AckBy != "kim" {
		t.Errorf("%+v, %v", alert, err)
	}
	if err := c.Post(ctx, "/api/lab/panic", url.Values{"source": {"x"}}, nil); err == nil || err.Error() != "no source x" {
		t.Error(err)
	}
	if err := c.Post(ctx, control.RecordPath, url.Values{"out": {"relative"}}, nil); err == nil {
		t.Error("wrote a relative path")
	}
	if err := c.Post(ctx, control.RecordPath, url.Values{"out": {"/x"}, "since": {"-5m"}}, nil); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"1", "kim", "서버실로 이동", "/x", "5m0s"}, seen); diff != "" {
		t.Error(diff)
	}
	// No body beyond the limit is read.
	if err := c.Post(ctx, "/api/v1/query", url.Values{"query": {strings.Repeat("x", 2<<20)}}, nil); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a body of 2 MiB: %v", err)
	}
	if err := c.Post(ctx, "/api/v1/query", url.Values{"query": {"m"}}, nil); err != nil {
		t.Errorf("query by POST: %v", err)
	}
}

func TestSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "noc") // t.TempDir() is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	log := slog.New(slog.DiscardHandler)
	path := filepath.Join(dir, control.SocketName)
	ctx := context.Background()
	if _, runs := control.Dial(ctx, dir); runs {
		t.Fatal("somebody answers in an empty folder")
	}
	// A dead socket, as kill -9 leaves it.
	ln, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	h := control.Handler(backend(t))
	s, err := control.ListenSocket(t.Context(), dir, h, log)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket %v, %v", info.Mode(), err)
	}
	if _, err := control.ListenSocket(t.Context(), dir, h, log); err == nil || !strings.Contains(err.Error(), "another program answers") {
		t.Errorf("a second listener: %v", err)
	}
	c, runs := control.Dial(ctx, dir)
	if !runs {
		t.Fatal("nobody answers")
	}
	if got, err := get(t, c, "/api/v1/query?query=1"); err != nil || !strings.Contains(got, "scalar") {
		t.Errorf("%s, %v", got, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket stays behind")
	}
	if _, err := control.ListenSocket(t.Context(), filepath.Join(dir, strings.Repeat("x", 100)), h, log); err == nil || !strings.Contains(err.Error(), "shorter folder") {
		t.Errorf("a long path: %v", err)
	}
}

// Whatever the wallboard answers, the client says something that can be understood.
func TestClientOnGarbage(t *testing.T) {
	for name, body := range map[string]string{"HTML": "<html>", "empty": "", "other JSON": "[]", "wrong data": `{"status":"success","data":3}`} {
		c := control.Local(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, body)
		}))
		var list []model.Entity
		if err := c.Get(context.Background(), "/x", nil, &list); err == nil || !strings.HasPrefix(err.Error(), "asking the wallboard: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
