package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	prom "github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/common/route"
	promconfig "github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
	apiv1 "github.com/prometheus/prometheus/web/api/v1"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store"
	"github.com/nocturne-noc/nocturne/store/model"
)

// twins are our handler and Prometheus' own, each over its own storage with the same samples in it.
func twins(t *testing.T) (ours, theirs http.Handler) {
	t.Helper()
	s, err := store.Open(store.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	db, err := tsdb.Open(t.TempDir(), promslog.NewNopLogger(), nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, close := range []func() error{s.Close, db.Close} {
			if err := close(); err != nil {
				t.Error(err)
			}
		}
	})
	batch := model.Batch{Source: "s", Scope: "all", Time: now, Every: 15 * time.Second}
	app := db.Appender(t.Context())
	for name, f := range map[string]func(i int) float64{
		"counter_total": func(i int) float64 { return float64(i % 37 * 100) },
		"gauge":         func(i int) float64 { return math.Sin(float64(i)) },
		"special": func(i int) float64 {
			return []float64{0, math.Inf(1), math.Inf(-1), math.NaN(), 1e30, -1e-9, math.MaxFloat64, math.SmallestNonzeroFloat64, 1e21, 999999999999999999999}[i%10]
		},
		"ends": func(i int) float64 {
			return map[bool]float64{false: 1, true: math.Float64frombits(value.StaleNaN)}[i > 100]
		},
		"http.status": func(i int) float64 { return 200 },
	} {
		for _, device := range []string{"a", "<b> & \"c\"\\", "서울\n", "\u2028"} {
			ls := labels.FromStrings(prom.MetricNameLabel, name, "device", device, "label.with.dots", "x")
			for i := range 200 {
				sample := model.Sample{Labels: ls, T: now.Add(time.Duration(i-199) * 15 * time.Second).UnixMilli(), V: f(i)}
				batch.Samples = append(batch.Samples, sample)
				if _, err := app.Append(0, ls, sample.T, sample.V); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := s.Apply(batch); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	b := control.Backend{Source: s, Queryable: s.Queryable(), Engine: s.Engine()}
	groups := ruleGroups(t, b)
	b.Groups = func() []*rules.Group { return groups }
	router := route.New()
	prometheusAPI(b, db, groups).Register(router)
	return control.Handler(b), http.StripPrefix("/api/v1", router)
}

// prometheusAPI is Prometheus' own handler; it evaluates with the same engine as ours.
func prometheusAPI(b control.Backend, db *tsdb.DB, groups []*rules.Group) *apiv1.API {
	return apiv1.NewAPI(b.Engine, db, nil, nil, db,
		nil, func(context.Context) apiv1.TargetRetriever { return noTargets{} }, nil,
		func() promconfig.Config { return promconfig.Config{} }, nil, apiv1.GlobalURLOptions{},
		func(f http.HandlerFunc) http.HandlerFunc { return f },
		nil, "", false, false, 0, slog.New(slog.DiscardHandler),
		func(context.Context) apiv1.RulesRetriever { return groupsOf(groups) },
		0, 1, 1<<20, false, nil, nil, &apiv1.PrometheusVersion{}, nil, nil,
		prometheus.NewRegistry(), prometheus.NewRegistry(), nil, false, nil, false, false, false, false,
		store.LookbackDelta, false, false, nil, nil, apiv1.OpenAPIOptions{}, nil)
}

type groupsOf []*rules.Group

func (g groupsOf) RuleGroups() []*rules.Group { return g }
func (g groupsOf) AlertingRules() (list []*rules.AlertingRule) {
	for _, group := range g {
		list = append(list, group.AlertingRules()...)
	}
	return list
}

type noTargets struct{}

func (noTargets) TargetsActive() map[string][]*scrape.Target                { return nil }
func (noTargets) TargetsDropped() map[string][]*scrape.Target               { return nil }
func (noTargets) TargetsDroppedCounts() map[string]int                      { return nil }
func (noTargets) ScrapePoolConfig(string) (*promconfig.ScrapeConfig, error) { return nil, nil }

// The same requests get the same answers as from Prometheus, byte for byte where both succeed, and the
// same status and sort of error where they fail. The words of errors may be our own.
func TestSameAsPrometheus(t *testing.T) {
	ours, theirs := twins(t)
	at := now.Format(time.RFC3339)
	form := func(pairs ...string) url.Values {
		v := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			v.Add(pairs[i], pairs[i+1])
		}
		return v
	}
	instant := func(expr string, more ...string) url.Values {
		return form(append([]string{"query", expr, "time", at}, more...)...)
	}
	ranged := func(expr string, more ...string) url.Values {
		return form(append([]string{"query", expr, "start", "1772331000", "end", "1772334000.5", "step", "15"}, more...)...)
	}
	minT, maxT := apiv1.MinTime.Format(time.RFC3339Nano), apiv1.MaxTime.Format(time.RFC3339Nano)
	tests := []struct {
		path string
		form url.Values
	}{
		{"query", instant("sort_by_label(special, 'device')")},
		{"query", instant("sort_by_label(gauge, 'device')")},
		{"query", instant("sort_by_label(counter_total offset 1m, 'device')")},
		{"query", instant(`sort_by_label({"http.status"}, 'device')`)},
		{"query", instant(`special{device="a"}[5m]`)},
		{"query", instant("1e30")}, {"query", instant("-Inf")}, {"query", instant(`"a <b> \u2028"`)},
		{"query", instant("ends")}, {"query", instant("nothing")},
		{"query", instant("rate(gauge{device='a'}[5m])")}, // an info: it may not be a counter
		{"query", instant("sort_by_label(gauge, 'device')", "limit", "2")},
		{"query", instant("gauge", "limit", "-1")}, {"query", instant("gauge", "limit", "x")},
		{"query", instant("gauge", "timeout", "x")}, {"query", instant("gauge{device='a'}", "timeout", "5s")},
		{"query", instant("gauge{device='a'}", "lookback_delta", "1m")}, {"query", instant("gauge", "lookback_delta", "x")},
		{"query", instant("gauge{")}, {"query", instant("")},
		{"query", instant("gauge * on() gauge")},
		{"query", form("query", "gauge{device='a'}", "time", "1772333000.123")},
		{"query", form("query", "1", "time", "-1")}, {"query", form("query", "gauge", "time", minT)}, {"query", form("query", "gauge", "time", maxT)},
		{"query", instant("gauge offset 200y")}, {"query", instant("gauge offset -200y")}, {"query", instant("gauge @ 1e15")},
		{"query", form("query", "1", "time", minT)}, {"query", form("query", "1", "time", "noon")},
		{"query_range", ranged("special{device='a'}")},
		{"query_range", ranged("sort_by_label(special, 'device')", "limit", "1")},
		{"query_range", ranged("rate(counter_total[1m])")},
		{"query_range", ranged("ends{device='a'}")}, {"query_range", ranged("nothing")}, {"query_range", ranged("2")},
		{"query_range", form("query", "1", "start", "0", "end", "10", "step", "1")},
		{"query_range", form("query", "1", "start", "10", "end", "0", "step", "1")},
		{"query_range", form("query", "1", "start", "0", "end", "11000", "step", "1s")},
		{"query_range", form("query", "1", "start", "0", "end", "11001", "step", "1s")},
		{"query_range", form("query", "1", "start", "0", "end", "1", "step", "0")},
		{"query_range", form("query", "1", "start", "0", "end", "1", "step", "-1")},
		{"query_range", form("query", "1", "start", "0", "end", "1")},
		{"query_range", form("query", "1", "end", "1", "step", "1")},
		{"query_range", form("query", "special[1m]", "start", "0", "end", "1", "step", "1")},
		{"series", form("match[]", "gauge")}, {"series", form("match[]", "gauge", "match[]", "{device='a'}")},
		{"series", form("match[]", `{__name__=~".+"}`, "start", minT, "end", maxT)},
		{"series", form("match[]", "gauge", "start", "1")}, {"series", form("match[]", "gauge", "end", "1000")},
		{"series", form("match[]", "gauge", "match[]", "special", "limit", "20")},
		{"series", form()}, {"series", form("match[]", "{}")}, {"series", form("match[]", `{a=~".*"}`)}, {"series", form("match[]", "gauge{")},
		{"labels", form()}, {"labels", form("match[]", "gauge")}, {"labels", form("match[]", "gauge", "match[]", "special")},
		{"labels", form("match[]", "nothing")}, {"labels", form("limit", "2")}, {"labels", form("limit", "3")},
		{"labels", form("start", "x")}, {"labels", form("match[]", "{}")},
		{"label/device/values", form()}, {"label/device/values", form("match[]", "gauge", "limit", "3")},
		{"label/__name__/values", form("match[]", "{device='a'}")}, {"label/none/values", form()},
		{"label/U__label_2e_with_2e_dots/values", form()}, {"label/label.with.dots/values", form()},
		{"label/U__none/values", form()}, {"label/device/values", form("start", "noon")},
		{"metadata", form("metric", "nothing")}, {"metadata", form("limit", "x")},
		{"rules", form()}, {"rules", form("type", "alert")}, {"rules", form("type", "record")}, {"rules", form("type", "x")},
		{"rules", form("exclude_alerts", "true")}, {"rules", form("exclude_alerts", "x")}, {"rules", form("rule_name[]", "High")},
		{"rules", form("match[]", `{kind="x"}`)}, {"rules", form("group_limit", "1")}, {"rules", form("group_limit", "x")},
		{"rules", form("group_next_token", "x")}, {"alerts", form()},
	}
	for _, tt := range tests {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if method == http.MethodPost && (strings.Contains(tt.path, "/") || tt.path == "metadata" || tt.path == "rules" || tt.path == "alerts") {
				continue // by GET only, there as here
			}
			ask := func(h http.Handler) *httptest.ResponseRecorder {
				req := httptest.NewRequestWithContext(t.Context(), method, "/api/v1/"+tt.path+"?"+tt.form.Encode(), nil)
				if method == http.MethodPost {
					req = httptest.NewRequestWithContext(t.Context(), method, "/api/v1/"+tt.path, strings.NewReader(tt.form.Encode()))
					req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, req)
				return w
			}
			our, their := ask(ours), ask(theirs)
			t.Run(method+" "+tt.path+" "+tt.form.Encode(), func(t *testing.T) {
				if our.Code != their.Code || our.Header().Get("Content-Type") != their.Header().Get("Content-Type") {
					t.Fatalf("status %d, want %d: %s, want %s", our.Code, their.Code, our.Body, their.Body)
				}
				if our.Code == http.StatusOK && tt.path == "series" { // ours are sorted, theirs as they were first seen
					if diff := cmp.Diff(seriesOf(t, their), seriesOf(t, our)); diff != "" {
						t.Error(diff)
					}
					return
				}
				if our.Code == http.StatusOK {
					if !bytes.Equal(our.Body.Bytes(), their.Body.Bytes()) {
						t.Error(cmp.Diff(their.Body.String(), our.Body.String()))
					}
					return
				}
				sort := func(body []byte) (answer struct{ Status, ErrorType string }) {
					if err := json.Unmarshal(body, &answer); err != nil {
						t.Error(err)
					}
					return answer
				}
				if diff := cmp.Diff(sort(their.Body.Bytes()), sort(our.Body.Bytes())); diff != "" {
					t.Errorf("%s: %s", diff, our.Body)
				}
			})
		}
	}
}

func seriesOf(t *testing.T, w *httptest.ResponseRecorder) (list []string) {
	t.Helper()
	var answer struct{ Data []labels.Labels }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Error(err)
	}
	for _, ls := range answer.Data {
		list = append(list, ls.String())
	}
	slices.Sort(list)
	return list
}
