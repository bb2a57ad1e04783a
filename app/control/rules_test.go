package control_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"

	"github.com/nocturne-noc/nocturne/app/control"
)

// ruleGroups is a group with a rule of each sort, evaluated once; nothing is kept of it.
func ruleGroups(t *testing.T, b control.Backend) []*rules.Group {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rules.yml")
	text := "groups:\n- name: g\n  interval: 30s\n  rules:\n" +
		"  - {alert: High, expr: m > 1, labels: {severity: critical}, annotations: {summary: '{{$value}} <b>'}}\n" +
		"  - {record: 'm:double', expr: m * 2, labels: {kind: x}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m := rules.NewManager(&rules.ManagerOptions{
		ExternalURL: &url.URL{}, Queryable: b.Queryable, Appendable: nowhere{}, Registerer: prometheus.NewRegistry(),
		QueryFunc:  rules.EngineQueryFunc(b.Engine, b.Queryable),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
	})
	loaded, errs := m.LoadGroups(time.Minute, labels.EmptyLabels(), "", nil, false, file)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var groups []*rules.Group
	for _, g := range loaded {
		g.Eval(t.Context(), now)
		groups = append(groups, g)
	}
	return groups
}

// nowhere takes samples and keeps none.
type nowhere struct{}

func (nowhere) Appender(context.Context) storage.Appender { return discard{} }

type discard struct{ storage.Appender }

func (discard) Append(storage.SeriesRef, labels.Labels, int64, float64) (storage.SeriesRef, error) {
	return 0, nil
}
func (discard) Commit() error                     { return nil }
func (discard) Rollback() error                   { return nil }
func (discard) SetOptions(*storage.AppendOptions) {}

func TestRules(t *testing.T) {
	b := backend(t)
	groups := ruleGroups(t, b)
	b.Groups = func() []*rules.Group { return slices.Concat(groups, groups) }
	c := control.Local(control.Handler(b))
	for query, want := range map[string]struct {
		rules, alerts, groups int
		err                   string
	}{
		"":                                 {4, 2, 2, ""},
		"type=alert":                       {2, 2, 2, ""},
		"type=record":                      {2, 0, 2, ""},
		"type=x":                           {0, 0, 0, "want alert or record"},
		"exclude_alerts=true":              {4, 0, 2, ""},
		"exclude_alerts=maybe":             {0, 0, 0, "exclude_alerts"},
		"rule_name[]=High":                 {2, 2, 2, ""},
		"rule_name[]=none":                 {0, 0, 0, ""},
		"rule_group[]=g":                   {4, 2, 2, ""},
		"rule_group[]=none":                {0, 0, 0, ""},
		"file[]=/none":                     {0, 0, 0, ""},
		`match[]={kind="x"}`:               {2, 0, 2, ""},
		"match[]={":                        {0, 0, 0, "match[]"},
		"group_limit=1":                    {2, 1, 1, ""},
		"group_limit=0":                    {0, 0, 0, "greater than 0"},
		"group_next_token=x":               {0, 0, 0, "group_limit needs"},
		"group_limit=1&group_next_token=x": {0, 0, 0, "begin anew"},
	} {
		params, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Groups []struct {
				Rules []struct{ Alerts []any }
			}
			GroupNextToken string
		}
		err = c.Get(t.Context(), "/api/v1/rules", params, &got)
		if (err == nil) != (want.err == "") || err != nil && !strings.Contains(err.Error(), want.err) {
			t.Errorf("%s: %v, want %q", query, err, want.err)
		}
		n, alerts := 0, 0
		for _, g := range got.Groups {
			n += len(g.Rules)
			for _, r := range g.Rules {
				alerts += len(r.Alerts)
			}
		}
		if n != want.rules || alerts != want.alerts || len(got.Groups) != want.groups || (got.GroupNextToken != "") != (query == "group_limit=1") {
			t.Errorf("%s: %d rules with %d alerts, %+v", query, n, alerts, got)
		}
	}
}
