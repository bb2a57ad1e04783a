package app

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/store/model"
)

// sharedRecording finds a recorded answer in the folder of data that stands beside the checkout, "" for none.
func sharedRecording(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if text, err := os.ReadFile(filepath.Join(dir, "shared", "data", "scrape", name)); err == nil {
			return string(text)
		}
	}
	return ""
}

// replayed serves a recorded answer whose counters go on counting, and returns its instance.
func replayed(t *testing.T, text string) string {
	t.Helper()
	kinds := map[string]string{}
	lines := strings.Split(text, "\n")
	sample := regexp.MustCompile(`^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$`)
	for _, line := range lines {
		if words := strings.Fields(line); len(words) == 4 && words[1] == "TYPE" {
			kinds[words[2]] = words[3]
		}
	}
	start := time.Now()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		grown := 1 + time.Since(start).Seconds()/100
		for _, line := range lines {
			m := sample.FindStringSubmatch(line)
			if m == nil {
				_, _ = io.WriteString(w, line+"\n") // who hangs up has had enough
				continue
			}
			family := strings.NewReplacer("_bucket", "", "_sum", "", "_count", "").Replace(m[1])
			counts := kinds[m[1]] == "counter" || kinds[family] == "histogram" || kinds[m[1]] == "untyped"
			if v, err := strconv.ParseFloat(m[3], 64); err == nil && counts {
				m[3] = strconv.FormatFloat((v+1)*grown, 'g', -1, 64)
			}
			_, _ = fmt.Fprintf(w, "%s%s %s\n", m[1], m[2], m[3])
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// untold loads every panel of a page and lists those that have nothing to show, as "sheet: title". An empty
// answer that the page has good words for ("None in 30 days") is something.
func untold(t *testing.T, src model.Source, id string) []string {
	t.Helper()
	page, err := builtinPages(t).Open(src, id)
	if err != nil {
		t.Fatal(err)
	}
	env, err := LookOf(config.Wall{Distance: 5, Screen: 55}, "en", "dark").Env()
	if err != nil {
		t.Fatal(err)
	}
	env.Size.W, env.Size.H, env.Style.K = 3600, 400, 1 // a chart of an hour has a point each second
	var out []string
	for _, sheet := range page.Sheets {
		for _, placed := range sheet.Panels {
			name := sheet.Name + ": " + placed.Title.In("en")
			if placed.Broken != nil {
				t.Errorf("%s: %v", name, placed.Broken)
				continue
			}
			v, err := placed.Panel.Load(t.Context(), src, env)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if v.Notice != nil && (v.Notice.State != model.OK || v.Notice.Head == "None") {
				out = append(out, name)
			}
		}
	}
	return out
}

// The pages of servers and services are full of what recorded exporters told: Debian's PostgreSQL, Redis,
// MariaDB, HAProxy and etcd, and a node_exporter where its recording is at hand. What these do not tell is said.
func TestPagesOfRecordedExporters(t *testing.T) {
	names := map[string]string{} // instance to exporter
	for _, name := range []string{"postgres", "redis", "mysqld", "haproxy", "etcd"} {
		text, err := os.ReadFile(filepath.Join("testdata", "exporters", name+".prom"))
		if err != nil {
			t.Fatal(err)
		}
		names[replayed(t, string(text))] = name
	}
	if text := sharedRecording(t, "node_exporter.prom"); text != "" {
		names[replayed(t, text)] = "node_exporter"
	} else {
		t.Log("no recorded node_exporter.prom in shared/data/scrape above this folder: the pages of servers are not looked at")
	}
	targets := slices.Collect(maps.Keys(names))
	dir := shortDir(t)
	c := openCore(t, dir, fmt.Sprintf("sources: [{kind: scrape, every: 1s, targets: ['%s']}]\n", strings.Join(targets, "', '")))
	defer closeCore(t, c)
	eventually(t, "each has answered several times", func() bool {
		s, err := c.Source().Query(t.Context(), "count_over_time(up[1m]) > 3", time.Now())
		return err == nil && len(s) == len(names)
	})
	want := map[string][]string{
		"mysqld": {": Replication lag"}, // it is no replica
		"node_exporter": { // the recording was made with few file systems, interfaces and services to look at
			"summary: Fullest file system", "summary: Full in", "summary: Network",
			"disks: File systems", "disks: Full in", "disks: Inodes used",
			"network: Received", "network: Sent", "network: Use of the link",
			"memory: Used up in", "hardware: Clock is off by",
			"services: Units that failed, start or stop", "services: Units by state", "services: Sessions by user", "services: Failed units",
		},
	}
	for instance, name := range names {
		id := model.ServerID(instance)
		found := c.Source().Entities(model.Filter{ID: id})
		if len(found) != 1 || found[0].Labels["exporter"] != name {
			t.Errorf("%s is taken for %+v", name, found)
			continue
		}
		got := untold(t, c.Source(), id)
		slices.Sort(got)
		slices.Sort(want[name])
		if !slices.Equal(got, want[name]) {
			t.Errorf("%s: nothing to show in\n%q, want\n%q", name, got, want[name])
		}
	}
}

// Every entry of the table of exporters has a page that can be filled in, and so has what is not in it.
func TestPagesOfAllExporters(t *testing.T) {
	pages := builtinPages(t)
	var of []string
	for s := range pages {
		if s.exporter != "" {
			of = append(of, s.exporter)
		}
	}
	slices.Sort(of)
	const services = 15
	if len(of) < services+3 || !slices.Contains(of, config.AnyExporter) { // windows_exporter, node_exporter, any
		t.Errorf("there are pages for %q", of)
	}
	for _, tc := range []struct {
		kind     model.Kind
		exporter string
		want     subject
	}{
		{model.KindService, "redis", subject{model.KindService, "redis"}},
		{model.KindService, "", subject{model.KindService, config.AnyExporter}},
		{model.KindService, "of-my-own", subject{model.KindService, config.AnyExporter}},
		{model.KindServer, "windows_exporter", subject{model.KindServer, "windows_exporter"}},
		{model.KindServer, "node_exporter", subject{model.KindServer, "node_exporter"}},
		{model.KindServer, "", subject{kind: model.KindServer}},
	} {
		src := oneEntity{e: model.Entity{ID: model.ServerID("db1:9100"), Kind: tc.kind, Name: "x", Labels: map[string]string{"exporter": tc.exporter}}}
		page, err := pages.Open(src, src.e.ID)
		if err != nil {
			t.Error(err)
			continue
		}
		if page.of != tc.want {
			t.Errorf("%+v has the page of %+v", tc, page.of)
		}
	}
	for _, exporter := range of {
		kind := model.KindService
		if _, ok := pages[subject{kind, exporter}]; !ok {
			kind = model.KindServer
		}
		src := oneEntity{e: model.Entity{ID: model.ServerID(`a"b\c:1`), Kind: kind, Name: "x", Labels: map[string]string{"exporter": exporter}}}
		page, err := pages.Open(src, src.e.ID)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, sheet := range page.Sheets {
			for _, placed := range sheet.Panels {
				if placed.Broken != nil {
					t.Errorf("%s %s: %v", exporter, sheet.Name, placed.Broken)
				}
			}
			if len(sheet.Panels) < 2 {
				t.Errorf("%s %s: %d panels", exporter, sheet.Name, len(sheet.Panels))
			}
		}
	}
	// A Service of Kubernetes has its own, whatever its labels say.
	id := model.ObjectID("c", "n", model.KindService, "v")
	if page, err := pages.Open(oneEntity{e: model.Entity{ID: id, Kind: model.KindService}}, id); err != nil || page.of != (subject{kind: model.KindService}) {
		t.Errorf("%+v %v", page.of, err)
	}
}

// oneEntity is a source that knows one thing.
type oneEntity struct {
	model.Source
	e model.Entity
}

func (s oneEntity) Entities(model.Filter) []model.Entity { return []model.Entity{s.e} }

// A panel without a title in Korean, or a query about more than the page's entity, is found here.
func TestServerPagesAreInBothLanguages(t *testing.T) {
	pages := builtinPages(t)
	for s := range pages {
		if s.kind != model.KindServer && s.kind != model.KindProbe {
			continue
		}
		src := oneEntity{e: model.Entity{ID: model.ServerID("x"), Kind: s.kind, Name: "x", Labels: map[string]string{"exporter": s.exporter}}}
		if s.kind == model.KindProbe {
			src.e.ID = model.ProbeID("x")
		}
		page, err := pages.Open(src, src.e.ID)
		if err != nil {
			t.Fatal(err)
		}
		if s.kind == model.KindServer && (len(page.Sheets) < 8 || len(page.Tabs("ko")) != len(page.Sheets)) {
			t.Errorf("%v: %d sheets", s, len(page.Sheets))
		}
		for _, sheet := range page.Sheets {
			for _, placed := range sheet.Panels {
				if placed.Title["en"] == "" || placed.Title["ko"] == "" {
					t.Errorf("%v %s: panel at %v has the title %v", s, sheet.Name, placed.At, placed.Title)
				}
			}
		}
	}
}
