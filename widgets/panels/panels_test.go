package panels

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// testEnv is an English wall at density 1.
func testEnv(w, h float64) Env {
	return Env{Style: plot.Style{Palette: plot.Dark(), K: 1, Loc: paneltest.KST}, Face: testFace, Text: english, Lang: "en", Size: plot.Rect{W: w, H: h}}
}

func TestOptionsAreRefused(t *testing.T) {
	for _, tc := range []struct{ kind, keys, want string }{
		{"stat", "{expr: 'up ='}", "expr:"},
		{"stat", "{expr: ''}", "want a PromQL expression"},
		{"stat", "{expr: 'up[5m]'}", "range vector"},
		{"stat", "{expr: up, range: soon}", "want a span such as"},
		{"stat", "{expr: up, compare: 0s}", "more than nothing"},
		{"stat", "{expr: up, limits: [{value: 1, severity: bad}]}", "limits[0]: severity \"bad\""},
		{"stat", "{expr: up, colour: red}", "colour"},
		{"topn", "{expr: up, n: 0}", "want 1 to 100 rows"},
		{"topn", "{expr: up, max: -1}", "max: -1"},
		{"topn", "{expr: 'sum('}", "expr:"},
		{"timeseries", "{title: x}", "queries: want at least one"},
		{"timeseries", "{queries: [{expr: 'rate(x'}]}", "queries[0].expr"},
		{"timeseries", "{queries: [{expr: up}], min: 5, max: 5}", "want min below max"},
		{"timeseries", "{queries: [{expr: up}], marks: all}", "want one of"},
		{"timeseries", "{queries: [{expr: up}], range: 1}", "range"},
		{"honeycomb", "{level: '1 +'}", "level:"},
		{"honeycomb", "{full: -2}", "full: -2"},
		{"table", "{title: x}", "want either of"},
		{"table", "{of: pod, expr: up}", "want either of"},
		{"table", "{of: pod, columns: [{title: x}]}", "columns[0]: want expr, field or label"},
		{"table", "{of: pod, columns: [{expr: '}'}]}", "columns[0].expr"},
		{"table", "{of: pod, columns: [{field: colour}]}", "columns[0].field"},
		{"table", "{of: pod, columns: [{expr: up, limits: [{value: .nan}]}]}", "want a number"},
		{"events", "{min: bad}", "min: \"bad\""},
		{"events", "{since: yesterday}", "since:"},
		{"clusters", "{style: pie}", "style: \"pie\""},
		{"clock", "{zone: Mars/Olympus}", "no time zone"},
		{"clock", "{zones: [{name: Berlin}]}", "zones[0]"},
		{"text", "{title: x}", "text: want the lines"},
		{"alerts", "{unknown: 1}", "unknown"},
		{"services", "{unknown: 1}", "unknown"},
	} {
		_, err := tryPanel(tc.kind, tc.keys)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s %s: error %v, want one about %q", tc.kind, tc.keys, err, tc.want)
		}
	}
}

func TestCatalogNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Catalog() {
		if k.Name == "" || seen[k.Name] || k.New == nil {
			t.Errorf("kind %q is unnamed, twice there or cannot be made", k.Name)
		}
		seen[k.Name] = true
	}
}

// everyKind is a panel of each kind that reads the world.
var everyKind = []struct{ kind, keys string }{
	{"alerts", "{}"}, {"clusters", "{}"}, {"clusters", "{style: cards}"}, {"events", "{}"}, {"services", "{}"}, {"clock", "{zones: [{zone: UTC}]}"}, {"text", "{text: a}"},
	{"facts", "{of: kube/prod-seoul}"}, {"facts", "{of: device/nothing}"}, {"topn", "{expr: load, label: '{{instance}}', n: 100}"}, {"timeseries", "{queries: [{expr: load}]}"}, {"stat", "{expr: 'sum(load)'}"}, {"honeycomb", "{}"}, {"honeycomb", "{group: namespace}"},
	{"honeycomb", "{group: none}"}, {"table", "{of: pod}"}, {"table", "{of: server}"}, {"table", "{of: sources}"}, {"table", "{of: workloads}"}, {"table", "{of: interface}"}, {"table", "{expr: load}"},
}

// TestEverySizeAndWorld paints each kind in sizes from nothing to a whole wall, with nothing, one
// night, the other, and ten thousand: nothing panics, and spots stay within the panel.
func TestEverySizeAndWorld(t *testing.T) {
	worlds := map[string]*paneltest.Source{
		"nothing": paneltest.New(paneltest.Quiet().At), "incident": paneltest.Incident(), "quiet": paneltest.Quiet(), "crowd": paneltest.Crowd(10_000), "silent": silent(),
	}
	for world, src := range worlds {
		densities := []float64{.5, 1, 2}
		if world == "crowd" {
			densities = densities[1:2]
		}
		for _, ek := range everyKind {
			panel := newPanel(t, ek.kind, ek.keys)
			for _, size := range [][2]float64{{0, 0}, {1, 1}, {30, 20}, {90, 300}, {400, 40}, {700, 350}, {1884, 900}} {
				for _, k := range densities {
					env := testEnv(size[0], size[1])
					env.Style.K = k
					v, err := panel.Load(context.Background(), src, env)
					if err != nil {
						t.Fatalf("%s %s in %s at %v: %v", ek.kind, ek.keys, world, size, err)
					}
					if v.Paint == nil && v.Notice == nil {
						t.Fatalf("%s %s in %s: neither a picture nor a notice", ek.kind, ek.keys, world)
					}
					paintAt(v, env)
					for _, s := range v.Spots {
						if s.Entity == "" && s.Alert == "" && s.Link == "" && ek.kind != "alerts" {
							t.Errorf("%s in %s: a spot for nothing", ek.kind, world)
						}
						if size[0] > 300*k && size[1] > 300*k && (s.Rect.X < -1 || s.Rect.Right() > size[0]+8*k || s.Rect.Bottom() > size[1]+8*k) {
							t.Errorf("%s %s in %s at %v, density %v: spot %v outside", ek.kind, ek.keys, world, size, k, s.Rect)
							break
						}
					}
				}
			}
		}
	}
}

// paintAt paints a view on a fresh canvas of the body's size.
func paintAt(v *View, env Env) {
	c := plot.NewCanvas(newImage(env.Size), testFace)
	if v.Head != nil {
		v.Head(c, plot.Rect{W: env.Size.W, H: 48 * env.Style.K})
	}
	if v.Paint != nil {
		v.Paint(c, env.Size)
	}
}

// silent is the bad night with the cluster in Busan silent and one that may not be read.
func silent() *paneltest.Source {
	s := paneltest.Incident()
	for i := range s.Things {
		if e := &s.Things[i]; strings.HasPrefix(e.ID, "kube/prod-busan") {
			e.State, e.Reason, e.Seen = model.Stale, "last answer 03:10:02", s.At.Add(-9*time.Minute)
		}
	}
	s.Add(model.Entity{ID: model.ClusterID("locked"), Kind: model.KindCluster, Name: "locked", State: model.Unknown, Reason: "no permission",
		Labels: map[string]string{"no_permission": "nodes, pods"}})
	return s
}

func TestSilentSourcesKeepTheirLastValue(t *testing.T) {
	src := paneltest.Incident()
	v, err := newPanel(t, "stat", wanKeys).Load(context.Background(), src, testEnv(351, 88))
	if err != nil {
		t.Fatal(err)
	}
	if v.State != model.Stale || v.Notice != nil {
		t.Fatalf("state %v, notice %v: want a stale figure", v.State, v.Notice)
	}
	if age := src.At.Sub(v.AsOf); age < 6*time.Minute || age > 7*time.Minute || v.Every != 30*time.Second {
		t.Errorf("as of %v ago, every %v: want about 6 min and the source's 30 s", age, v.Every)
	}
	p := newPanel(t, "topn", cpuKeys).(*topn)
	rows, total, err := p.read(context.Background(), src)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(rows, func(r ranked) bool { return r.name == "node-07" })
	if i < 0 || !rows[i].stale || math.Abs(rows[i].value-62) > .5 || total != 34 {
		t.Errorf("rows %+v of %d: want node-07 stale at 62", rows, total)
	}
	if slices.ContainsFunc(rows, func(r ranked) bool { return r.stale && r.name != "node-07" }) {
		t.Error("a live row is stale")
	}
}

func TestEmptyAnswersAreToldApart(t *testing.T) {
	src := paneltest.Incident()
	denied := paneltest.New(src.At)
	denied.Rows = []model.SourceStatus{{Name: "prod", Kind: "kubernetes", State: model.Critical, Error: "pods is forbidden: no permission to list pods"}}
	late := paneltest.New(src.At)
	late.Rows = []model.SourceStatus{{Name: "lab", Kind: "probe", Target: "edge"}}
	broken := paneltest.New(src.At)
	broken.Rows = []model.SourceStatus{{Name: "lab", Kind: "probe", Target: "edge", State: model.Critical, Error: "no route to host"}}
	for _, tc := range []struct {
		name, kind, keys string
		src              model.Source
		state            model.State
		head, line       string
	}{
		{"good empty answer", "topn", "{expr: 'node_load1 > 1000'}", src, model.OK, "None", "34 series looked at"},
		{"good empty table", "table", "{expr: 'node_load1 > 1000'}", src, model.OK, "None", "34 series looked at"},
		{"good empty stat", "stat", "{expr: 'node_load1 > 1000', empty: All calm}", src, model.OK, "All calm", "34 series looked at"},
		{"empty now, not an hour ago", "stat", "{expr: 'sum(node_load1 unless on () (vector(time()) > 1763403500)) '}", src, model.OK, "None", "34 series looked at"},
		{"never sampled", "stat", "{expr: probe_success}", late, model.Unknown, "No sample yet", "lab edge has not answered yet"},
		{"why never sampled", "timeseries", "{queries: [{expr: probe_success}]}", broken, model.Unknown, "No sample yet", "no route to host"},
		{"no source", "timeseries", "{queries: [{expr: probe_success}]}", src, model.Unknown, "No sample yet", "No source that would tell"},
		{"answers but does not tell", "stat", "{expr: node_nothing}", src, model.Unknown, "Not told", "answers, but does not tell this"},
		{"no permission", "stat", "{expr: 'sum(kube_pod_info)'}", denied, model.Unknown, "No permission", "forbidden"},
		{"no permission for pods", "honeycomb", "{}", denied, model.Unknown, "No permission", "forbidden"},
		{"no permission for services", "services", "{}", denied, model.Unknown, "No permission", "forbidden"},
		{"no permission for clusters", "clusters", "{}", denied, model.Unknown, "No permission", "forbidden"},
		{"no permission for workloads", "table", "{of: workloads}", denied, model.Unknown, "No permission", "forbidden"},
		{"nothing watched", "alerts", "{}", paneltest.New(src.At), model.Unknown, "Nothing is being watched", "No source is configured"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, err := newPanel(t, tc.kind, tc.keys).Load(context.Background(), tc.src, testEnv(400, 200))
			if err != nil {
				t.Fatal(err)
			}
			if v.Notice == nil || v.Notice.State != tc.state || v.Notice.Head != tc.head || !strings.Contains(strings.Join(v.Notice.Lines, "\n"), tc.line) {
				t.Errorf("notice %+v, want %v %q with %q", v.Notice, tc.state, tc.head, tc.line)
			}
		})
	}
}

func TestBrokenQueriesAreErrors(t *testing.T) {
	src := paneltest.Incident()
	src.Err = errors.New("query timed out")
	for _, ek := range everyKind {
		switch ek.kind {
		case "topn", "timeseries", "stat", "clusters":
			if _, err := newPanel(t, ek.kind, ek.keys).Load(context.Background(), src, testEnv(400, 200)); !errors.Is(err, src.Err) {
				t.Errorf("%s: error %v, want the query's", ek.kind, err)
			}
		}
	}
	src.Err = nil
	_, err := newPanel(t, "stat", "{expr: node_load1}").Load(context.Background(), src, testEnv(400, 200))
	if err == nil || !strings.Contains(err.Error(), "34 series: want one") {
		t.Errorf("a stat of 34 series: error %v", err)
	}
}

func TestIncidents(t *testing.T) {
	at := time.Date(2025, 11, 18, 3, 0, 0, 0, time.UTC)
	al := func(id, cause string, sev model.State, minute int) model.Alert {
		return model.Alert{ID: id, Name: id[:1], Cause: cause, Severity: sev, Since: at.Add(time.Duration(minute) * time.Minute)}
	}
	acked, pending := al("k", "", model.Critical, 0), al("p", "", model.Critical, 0)
	acked.AckBy, pending.Pending = "kim", true
	list, firing, causes := incidents([]model.Alert{
		al("w", "", model.Warning, 0), al("r", "", model.Critical, 3), al("s1", "r", model.Warning, 4), al("s2", "r", model.Warning, 4),
		al("t", "s1", model.Critical, 5), acked, pending, al("o", "gone", model.Warning, 6), al("x", "y", model.Warning, 7), al("y", "x", model.Warning, 7),
	}, "")
	var got []string
	for _, in := range list {
		line := in.ID
		for _, s := range in.symptoms {
			line += fmt.Sprintf(" %s+%d", s.ID, s.more)
		}
		got = append(got, line)
	}
	want := []string{"r s1+1 t+0", "w", "o", "k", "p"}
	if diff := cmp.Diff(want, got[:len(want)]); diff != "" {
		t.Errorf("incidents (-want +got):\n%s", diff)
	}
	if firing != 8 || causes != 5 {
		t.Errorf("%d firing, %d causes: want 8 and 5, the ring of two counted as causes", firing, causes)
	}
}

func TestEpisodes(t *testing.T) {
	at := time.Date(2025, 11, 17, 18, 0, 0, 0, time.UTC)
	ev := func(minute int, id, transition, text string) model.Event {
		return model.Event{Time: at.Add(time.Duration(minute) * time.Minute), Title: "T" + id, Text: text, Labels: map[string]string{"alert": id, "transition": transition}}
	}
	got := episodes([]model.Event{
		ev(50, "c", "fired", ""), ev(40, "b", "resolved", "resolved after 30m"), ev(33, "a", "resolved", ""), ev(20, "a", "acknowledged", "acknowledged by j.park: on it"),
		ev(10, "b", "fired", ""), ev(10, "a", "fired", ""), ev(5, "d", "resolved", ""),
	}, Env{Lang: "en"})
	want := []episode{
		{title: "Tb", start: at.Add(10 * time.Minute), lasted: 30 * time.Minute},
		{title: "Ta", by: "j.park", start: at.Add(10 * time.Minute), lasted: 23 * time.Minute},
		{title: "Td", start: at.Add(5 * time.Minute), lasted: -1},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(episode{})); diff != "" {
		t.Errorf("episodes (-want +got):\n%s", diff)
	}
}

func TestTellFoldsRepeatsAndFindsTheRoot(t *testing.T) {
	ev := func(title string, count int, entity string) model.Event {
		return model.Event{Title: title, Text: "x", Severity: model.Warning, Count: count, Entity: entity}
	}
	got := tell([]model.Event{ev("a", 0, ""), ev("a", 3, ""), ev("b", 0, "link"), ev("a", 0, ""), ev("c", 0, "")},
		[]model.Alert{{ID: "r", Entity: "link"}, {ID: "s", Cause: "r", Entity: "other"}}, 3)
	if len(got) != 3 || got[0].count != 4 || !got[1].root || got[0].root || got[2].Title != "a" {
		t.Errorf("told %+v", got)
	}
}

func TestNames(t *testing.T) {
	line := func(kv ...string) model.Series { return model.Series{Labels: labels.FromStrings(kv...)} }
	two := []model.Series{line("__name__", "x", "device", "a", "port", "1", "site", "s"), line("__name__", "x", "device", "a", "port", "2", "site", "s")}
	for _, tc := range []struct {
		template string
		lines    []model.Series
		want     []string
	}{
		{"", two, []string{"1", "2"}},
		{"{{device}} {{ .port }} in", two, []string{"a 1 in", "a 2 in"}},
		{"{{nothing}}", two, []string{"fallback", "fallback"}},
		{"", two[:1], []string{"fallback"}},
		{"", nil, []string{}},
		{"{{ open", two[:1], []string{"{{ open"}},
	} {
		if diff := cmp.Diff(tc.want, names(tc.template, "fallback", tc.lines)); diff != "" {
			t.Errorf("names(%q) (-want +got):\n%s", tc.template, diff)
		}
	}
}

func TestJudge(t *testing.T) {
	limits := []Limit{{Value: 80}, {Value: 95, Severity: "critical"}, {Value: 5, Below: true}}
	for _, tc := range []struct {
		v    float64
		want model.State
	}{{50, model.OK}, {80, model.OK}, {81, model.Warning}, {96, model.Critical}, {4, model.Warning}, {math.NaN(), model.Unknown}, {math.Inf(1), model.Critical}} {
		if got, hit := judge(tc.v, limits); got != tc.want || (hit != nil) != got.Problem() {
			t.Errorf("judge(%v) = %v with %v, want %v", tc.v, got, hit, tc.want)
		}
	}
}

func TestWords(t *testing.T) {
	got := words("until **04:00**, no  call")
	want := []word{{"until", false, false}, {"04:00", true, true}, {",", false, false}, {"no", false, true}, {"call", false, true}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(word{})); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
}

// TestHoneycombShowsEveryProblem checks that cells keep apart and that what is left out is counted and calm.
func TestHoneycombShowsEveryProblem(t *testing.T) {
	for _, n := range []int{1, 39, 426, 10_000} {
		var cells []cell
		for i := range n {
			s := model.OK
			if i%50 == 9 {
				s = model.Critical
			}
			cells = append(cells, cell{id: fmt.Sprint(i), state: s})
		}
		lay := layComb([]comb{{name: "a", cells: cells}}, cells, plot.Rect{W: 1062, H: 412}, 1)
		if len(lay.places)+lay.more != n {
			t.Errorf("%d cells: %d drawn and %d counted", n, len(lay.places), lay.more)
		}
		bad := 0
		for i, p := range lay.places {
			if p.state == model.Critical {
				bad++
			}
			if i > 0 {
				if q := lay.places[i-1]; math.Hypot(p.x-q.x, p.y-q.y) < lay.pitch*.99 {
					t.Fatalf("%d cells: %v and %v overlap at pitch %v", n, p, q, lay.pitch)
				}
			}
		}
		if want := (n + 40) / 50; bad != want {
			t.Errorf("%d cells: %d of %d problems drawn", n, bad, want)
		}
	}
}

func TestRequestsStandInForUse(t *testing.T) {
	src := paneltest.New(time.Date(2025, 11, 18, 3, 19, 24, 0, paneltest.KST))
	src.Add(model.Entity{ID: model.ClusterID("c"), Kind: model.KindCluster, Name: "c", State: model.OK}, model.Entity{ID: model.ClusterID("d"), Kind: model.KindCluster, Name: "d", State: model.OK})
	src.Gauge("kube_node_status_allocatable", paneltest.Const(10), "cluster", "c", "node", "n", "resource", "cpu")
	src.Gauge("kube_pod_container_resource_requests", paneltest.Const(4), "cluster", "c", "pod", "p", "resource", "cpu")
	list, err := newPanel(t, "clusters", "{}").(*clusters).read(context.Background(), src)
	if err != nil {
		t.Fatal(err)
	}
	if c := list[0]; c.name != "c" || c.cpu != 40 || !c.cpuAsked || !math.IsNaN(c.memory) {
		t.Errorf("cluster c: %+v, want 40 %% asked and no memory", c)
	}
	if d := list[1]; !math.IsNaN(d.cpu) || d.nodes != -1 {
		t.Errorf("cluster d: %+v, want nothing known", d)
	}
}

func TestAlertsAreAsOldAsTheRules(t *testing.T) {
	src := paneltest.Incident()
	for i := range src.Rows {
		if src.Rows[i].Kind == "rules" {
			src.Rows[i].LastOK = src.At.Add(-5 * time.Minute)
		}
	}
	v, err := newPanel(t, "alerts", "{}").Load(context.Background(), src, testEnv(700, 400))
	if err != nil {
		t.Fatal(err)
	}
	if !model.IsStale(src.At, v.AsOf, v.Every) {
		t.Errorf("as of %v, every %v: want stale, for no rule has been looked at for 5 min", v.AsOf, v.Every)
	}
}
