package panels

import (
	"context"
	"flag"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/theme"
	"github.com/goccy/go-yaml"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
	"github.com/nocturne-noc/nocturne/widgets/plot/plottest"
)

var (
	pictures = flag.String("pictures", "", "folder to write every picture to, for looking at")
)

var testFace = mustFace()

func mustFace() *plot.Typeface {
	face, err := plot.NewTypeface(theme.DefaultTextFont().Content(), theme.DefaultTextBoldFont().Content())
	if err != nil {
		panic(err)
	}
	return face
}

// newPanel makes a panel of a kind from its keys in YAML.
func newPanel(t testing.TB, kind, keys string) Panel {
	t.Helper()
	p, err := tryPanel(kind, keys)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tryPanel(kind, keys string) (Panel, error) {
	for _, k := range Catalog() {
		if k.Name == kind {
			return k.New(func(into any) error {
				return yaml.UnmarshalWithOptions([]byte(keys), into, yaml.Strict())
			})
		}
	}
	return nil, fmt.Errorf("no panel of kind %q", kind)
}

// korean reads the translations that belong to the product.
func korean(t testing.TB) Text {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "assets", "i18n", "ko.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var words map[string]string
	if err := yaml.Unmarshal(data, &words); err != nil {
		t.Fatal(err)
	}
	return func(english string, args ...any) string {
		ko, ok := words[english]
		if !ok {
			t.Errorf("no Korean for %q", english)
			ko = english
		}
		if len(args) == 0 {
			return ko
		}
		return fmt.Sprintf(ko, args...)
	}
}

func english(format string, args ...any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// picture is one panel to look at: a place of w by h pixels at density 1, its kind and keys.
type picture struct {
	name, kind, keys string
	w, h, k          float64
	src              *paneltest.Source
	korean, light    bool
}

func (p picture) env(t testing.TB) Env {
	st := plot.Style{Palette: plot.Dark(), K: p.k, Loc: paneltest.KST}
	if p.light {
		st.Palette = plot.Light()
	}
	env := Env{Style: st, Face: testFace, Text: english, Lang: "en", Size: p.body()}
	if p.korean {
		env.Text, env.Lang = korean(t), "ko"
	}
	env.Size.X, env.Size.Y = 0, 0
	return env
}

func (p picture) body() plot.Rect {
	k := p.k
	return plot.Rect{X: 16 * k, Y: 48 * k, W: (p.w - 32) * k, H: (p.h - 62) * k}
}

// draw loads the panel and paints it in a plain frame.
func (p picture) draw(t testing.TB) *image.RGBA {
	t.Helper()
	panel := newPanel(t, p.kind, p.keys)
	env := p.env(t)
	img := image.NewRGBA(image.Rect(0, 0, int(p.w*p.k), int(p.h*p.k)))
	c := plot.NewCanvas(img, testFace)
	c.Clear(env.Style.Palette.Background)
	var common struct {
		Title model.Localized `yaml:"title"`
		Style string          `yaml:"style"`
	}
	if err := yaml.Unmarshal([]byte(p.keys), &common); err != nil {
		t.Fatal(err)
	}
	if common.Style == "cards" {
		env.Size = c.Bounds()
	}
	v, err := panel.Load(context.Background(), p.src, env)
	if err != nil {
		t.Fatal(err)
	}
	n := newPen(c, env.Style)
	if v.Bare {
		v.Paint(c, c.Bounds())
		return img
	}
	n.FillRound(c.Bounds(), 6*p.k, n.p.Surface)
	stale := v.State == model.Stale || !v.AsOf.IsZero() && model.IsStale(p.src.Now(), v.AsOf, v.Every)
	if stale {
		n.hatched(c.Bounds())
	}
	n.StrokeRound(c.Bounds(), 6*p.k, max(1, p.k), n.p.Edge, nil)
	x := n.text(16*p.k, 31*p.k, common.Title.In(env.Lang), 18, true, n.p.Text2)
	if v.Head != nil {
		v.Head(c, plot.Rect{X: x + 24*p.k, W: p.w*p.k - x - 40*p.k, H: 48 * p.k})
	} else {
		n.right((p.w-16)*p.k, 31*p.k, v.Right, 18, false, n.p.Muted)
	}
	body := p.body()
	if v.Notice != nil {
		n.mark(v.Notice.State, body.X+24*p.k, body.Y+34*p.k, 40)
		n.text(body.X+62*p.k, body.Y+43*p.k, v.Notice.Head, 26, true, n.p.Text)
		for i, line := range v.Notice.Lines {
			n.text(body.X, body.Y+float64(92+28*i)*p.k, line, 18, false, n.p.Muted)
		}
		return img
	}
	if v.Paint != nil {
		restore := c.Clip(body.Inset(-12 * p.k))
		v.Paint(c, body)
		restore()
	}
	return img
}

// check compares a picture with its golden file. Hangul comes from whatever font a machine has and
// is drawn, but not compared.
func (p picture) check(t *testing.T) {
	t.Helper()
	img := p.draw(t)
	if *pictures != "" {
		plottest.Write(t, filepath.Join(*pictures, p.name+".png"), img)
	}
	if p.korean || strings.ContainsRune(p.name, '한') {
		if blank(img) {
			t.Errorf("%s: nothing was drawn", p.name)
		}
		return
	}
	plottest.Golden(t, p.name, img)
}

// blank reports whether all pixels of the body are alike.
func blank(img *image.RGBA) bool {
	b := img.Bounds()
	first := img.RGBAAt(b.Dx()/2, b.Dy()/2)
	for y := b.Min.Y + 50; y < b.Max.Y-2; y++ {
		for x := b.Min.X + 2; x < b.Max.X-2; x++ {
			if img.RGBAAt(x, y) != first {
				return false
			}
		}
	}
	return true
}

const (
	cpuKeys    = "{title: 'CPU, top 8', expr: '100*(1-avg by(instance)(rate(node_cpu_seconds_total{mode=\"idle\"}[2m])))', label: '{{instance}}', unit: percent, limits: [{value: 85}]}"
	uplinkKeys = "{title: Core uplinks, unit: bps, range: 50m, max: 10e9, limits: [{value: 8e9}], queries: [{expr: 'rate(ifHCOutOctets{device=\"core1\",ifAlias!=\"\"}[1m])*8', legend: '{{ifAlias}}'}]}"
	wanKeys    = "{title: Busan WAN, unit: bps, expr: 'rate(ifHCInOctets{device=\"busan1\"}[2m])*8', range: 30m}"
	combKeys   = "{title: 'Pods, prod-seoul', under: kube/prod-seoul, level: 'nocturne_kube_pod_cpu_usage_cores{cluster=\"prod-seoul\"}', busy: CPU}"
	diskKeys   = "{title: db2 /var/lib/postgresql, unit: percent, range: 1h, limits: [{value: 82}], expr: '100*(1-node_filesystem_avail_bytes{instance=\"db2\"}/node_filesystem_size_bytes)'}"
	portKeys   = "{title: Ports of dist2, of: interface, under: device/dist2}"
)

// gallery is every panel in every situation.
func gallery() []picture {
	sick, well, crowd, bare := paneltest.Incident(), paneltest.Quiet(), paneltest.Crowd(10_000), paneltest.New(paneltest.Incident().At)
	p := func(name, kind, keys string, w, h float64, src *paneltest.Source) picture {
		return picture{name: name, kind: kind, keys: keys, w: w, h: h, k: 1, src: src}
	}
	mute := silent()
	out := []picture{
		p("alerts-incident", "alerts", "{title: Active alerts}", 778, 555, sick),
		p("alerts-quiet", "alerts", "{title: Active alerts}", 778, 555, well),
		p("alerts-crowd", "alerts", "{title: Active alerts}", 778, 555, crowd),
		p("alerts-unwatched", "alerts", "{title: Active alerts}", 778, 555, bare),
		p("alerts-tiny", "alerts", "{title: Alerts}", 304, 150, sick),
		p("alerts-flat", "alerts", "{title: Alerts}", 541, 231, sick),
		p("alerts-rows", "alerts", "{title: Alerts}", 452, 354, rowsOfAlerts()),
		p("clusters-incident", "clusters", "{title: Kubernetes clusters}", 541, 393, sick),
		p("clusters-quiet", "clusters", "{title: Kubernetes clusters}", 541, 393, well),
		p("clusters-tiny", "clusters", "{title: Clusters}", 304, 150, sick),
		p("clusters-empty", "clusters", "{title: Kubernetes clusters}", 541, 393, bare),
		p("cards-incident", "clusters", "{style: cards}", 1884, 150, sick),
		p("cards-quiet", "clusters", "{style: cards}", 1884, 150, well),
		p("cards-tiny", "clusters", "{style: cards}", 620, 150, sick),
		p("topn-incident", "topn", cpuKeys, 383, 393, sick),
		p("topn-quiet", "topn", cpuKeys, 383, 393, well),
		p("topn-filesystems", "topn", "{title: 'File systems, fullest', unit: percent, n: 5, limits: [{value: 82}], label: '{{instance}} {{mountpoint}}', expr: '100*(1-node_filesystem_avail_bytes/node_filesystem_size_bytes)'}", 462, 231, sick),
		p("topn-crowd", "topn", "{title: Load, expr: load, n: 100, label: '{{instance}}', limits: [{value: 99, severity: critical}]}", 383, 393, crowd),
		p("topn-empty", "topn", "{title: Jobs that failed, expr: 'node_load1 > 1000', empty: None in 24 h}", 462, 231, sick),
		p("topn-never", "topn", "{title: Latency, expr: 'probe_duration_seconds'}", 462, 231, sick),
		p("timeseries-incident", "timeseries", uplinkKeys, 541, 393, sick),
		p("timeseries-quiet", "timeseries", uplinkKeys, 541, 393, well),
		p("timeseries-stale", "timeseries", "{title: Busan WAN, unit: bps, queries: [{expr: 'rate(ifHCInOctets{device=\"busan1\"}[2m])*8', legend: Busan}]}", 541, 393, sick),
		p("timeseries-tiny", "timeseries", uplinkKeys, 225, 150, sick),
		p("timeseries-many", "timeseries", "{title: Load, queries: [{expr: node_load1, legend: '{{instance}}'}]}", 541, 393, sick),
		p("timeseries-stacked", "timeseries", "{title: Load, stacked: true, queries: [{expr: 'node_load1{instance=~\"db.|lb1\"}', legend: '{{instance}}'}]}", 541, 393, sick),
		p("timeseries-empty", "timeseries", "{title: Nothing, queries: [{expr: 'ifHCInOctets{device=\"busan9\"}'}]}", 541, 393, bare),
		p("stat-stale", "stat", wanKeys, 383, 150, sick),
		p("stat-fresh", "stat", wanKeys, 383, 150, well),
		p("stat-plain", "stat", "{title: api requests, unit: reqps, expr: 'rate(http_requests_total[2m])', compare: 30m}", 462, 231, sick),
		p("stat-warning", "stat", diskKeys, 462, 231, sick),
		p("stat-critical", "stat", strings.Replace(diskKeys, "value: 82", "value: 82, severity: critical", 1), 462, 231, sick),
		p("stat-tiny", "stat", "{title: Load db1, expr: 'node_load1{instance=\"db1\"}'}", 225, 110, sick),
		p("stat-never", "stat", "{title: edge-lab latency, expr: probe_duration_seconds}", 462, 231, sick),
		p("honeycomb-incident", "honeycomb", combKeys, 1094, 474, sick),
		p("honeycomb-quiet", "honeycomb", combKeys, 1094, 474, well),
		p("honeycomb-namespaces", "honeycomb", strings.Replace(combKeys, "under:", "group: namespace, under:", 1), 1094, 474, sick),
		p("honeycomb-crowd", "honeycomb", "{title: Pods}", 1094, 474, crowd),
		p("honeycomb-mini", "honeycomb", "{title: Pods, under: kube/prod-seoul}", 225, 110, sick),
		p("honeycomb-empty", "honeycomb", "{title: Pods}", 541, 393, bare),
		p("table-ports", "table", portKeys, 462, 231, sick),
		p("table-servers", "table", "{title: Servers, of: server}", 541, 393, sick),
		p("table-workloads", "table", "{title: Workloads, of: workloads}", 620, 393, sick),
		p("table-sources", "table", "{title: Sources, of: sources}", 778, 393, sick),
		p("table-query", "table", "{title: Load, expr: 'topk(9, node_load1)', label: '{{instance}}'}", 383, 393, sick),
		p("table-crowd", "table", "{title: Pods, of: pod}", 541, 393, crowd),
		p("table-empty", "table", "{title: Pods, of: pod}", 541, 393, bare),
		p("events-incident", "events", "{title: Events, min: warning, since: 1h}", 620, 312, sick),
		p("events-all", "events", "{title: Events}", 620, 474, sick),
		p("events-crowd", "events", "{title: Events}", 620, 312, crowd),
		p("events-empty", "events", "{title: Events}", 620, 312, bare),
		p("events-tiny", "events", "{title: Events}", 304, 150, sick),
		p("services-incident", "services", "{title: Services, under: kube/prod-seoul}", 778, 474, sick),
		p("services-crowd", "services", "{title: Services}", 778, 474, crowd),
		p("clusters-silent", "clusters", "{title: Kubernetes clusters}", 541, 393, mute),
		p("cards-silent", "clusters", "{style: cards}", 1884, 150, mute),
		p("honeycomb-silent", "honeycomb", "{title: Pods, under: kube/prod-busan}", 1094, 474, mute),
		p("alerts-blind", "alerts", "{title: Active alerts}", 778, 555, blind()),
		p("services-stale", "services", "{title: Services}", 541, 312, staleShop()),
		p("honeycomb-denied", "honeycomb", "{title: Pods, under: kube/prod}", 541, 312, locked()),
		p("clock", "clock", "{title: Clock, zone: Asia/Seoul, zones: [{zone: UTC}, {zone: America/New_York}, {zone: Europe/Berlin}]}", 462, 231, sick),
		p("clock-tiny", "clock", "{title: Clock, zone: Asia/Seoul}", 225, 110, sick),
		p("text", "text", "{title: Handover, by: 'h.kim, 22:58', text: \"# Tonight\\nacc14 firmware until **04:00**, no call needed.\\n- Optic for dist2 Te1/1/4 is in store B, shelf 3.\\n> api.shop certificate: renewal on Thursday.\"}", 462, 231, sick),
	}
	for _, base := range []string{"alerts-incident", "alerts-rows", "clusters-incident", "cards-incident", "topn-incident", "timeseries-incident", "stat-stale", "honeycomb-incident", "table-ports", "events-incident", "services-incident"} {
		for _, pic := range out {
			if pic.name == base {
				small, large, ko, light := pic, pic, pic, pic
				small.name, small.k = base+"-k075", .75
				large.name, large.k = base+"-k2", 2
				ko.name, ko.korean = base+"-ko", true
				light.name, light.light = base+"-light", true
				out = append(out, small, ko, light)
				if pic.w*pic.h < 200_000 { // the larger ones would weigh more than they tell
					out = append(out, large)
				}
				break
			}
		}
	}
	quietKo := p("alerts-quiet-ko", "alerts", "{title: 경보}", 778, 555, well)
	quietKo.korean = true
	return append(append(out, quietKo), hangul()...)
}

// blind is a quiet evening on which one source does not answer.
func blind() *paneltest.Source {
	s := paneltest.Quiet()
	s.Rows[0].State, s.Rows[0].Error, s.Rows[0].LastOK = model.Critical, "connection refused", s.At.Add(-11*time.Minute)
	return s
}

// staleShop is a shop whose cluster is silent.
func staleShop() *paneltest.Source {
	s := paneltest.Incident()
	for i := range s.Things {
		if s.Things[i].Kind == model.KindService {
			s.Things[i].State = model.Stale
		}
	}
	return s
}

// locked is a cluster whose pods may not be listed.
func locked() *paneltest.Source {
	s := paneltest.New(paneltest.Quiet().At)
	s.Rows = []model.SourceStatus{{Name: "prod", Kind: "kubernetes", State: model.Critical, Error: "pods is forbidden: ask for the role nocturne-view"}}
	return s
}

// hangul are panels about one thing with a name of 60 Hangul.
func hangul() []picture {
	name := strings.Repeat("서울북부관제센터장애대응", 5)
	s := paneltest.New(time.Date(2025, 11, 18, 3, 19, 24, 0, paneltest.KST))
	s.Rows = []model.SourceStatus{{Name: "a", Kind: "host", State: model.OK, LastOK: s.At}}
	since := s.At.Add(-7 * time.Minute)
	s.Add(
		model.Entity{ID: model.ServerID(name), Kind: model.KindServer, Name: name, State: model.Critical, Reason: "응답 없음", Since: since},
		model.Entity{ID: model.ClusterID(name), Kind: model.KindCluster, Name: name, State: model.OK, Labels: map[string]string{"version": "v1.33", "nodes": "1", "nodes_ready": "1", "pods": "1", "pods_ready": "0"}},
		model.Entity{ID: model.ObjectID(name, "ns", model.KindPod, name), Kind: model.KindPod, Name: name, State: model.Critical, Reason: "CrashLoopBackOff", Since: since, Labels: map[string]string{"node": name}},
		model.Entity{ID: model.ObjectID(name, "ns", model.KindService, name), Kind: model.KindService, Name: name, State: model.Warning, Since: since, Labels: map[string]string{"namespace": name}},
	)
	s.Firing = []model.Alert{{ID: "x", Title: name, Text: name, Severity: model.Critical, Since: since, Labels: map[string]string{}}}
	s.Happened = []model.Event{{ID: 1, Time: since, Severity: model.Critical, Title: name, Text: name, Count: 3}}
	s.Gauge("load", paneltest.Const(99), "instance", name)
	var out []picture
	for _, v := range [][2]string{
		{"alerts", "{title: 경보}"}, {"clusters", "{title: 클러스터}"}, {"topn", "{title: 부하, expr: load, label: '{{instance}}'}"}, {"timeseries", "{title: 부하, queries: [{expr: load, legend: '{{instance}}'}]}"},
		{"stat", "{title: 부하, expr: load, note: " + name + "}"}, {"honeycomb", "{title: 파드}"}, {"table", "{title: 서버, of: server}"}, {"events", "{title: 이벤트}"}, {"services", "{title: 서비스}"}, {"text", "{title: 인계, text: " + name + " " + name + "}"},
	} {
		out = append(out, picture{name: v[0] + "-한글", kind: v[0], keys: v[1], w: 541, h: 312, k: 1, src: s, korean: true})
	}
	return out
}

func TestGallery(t *testing.T) {
	for _, p := range slices.Concat(gallery(), longGallery()) {
		t.Run(p.name, p.check)
	}
}
