package panels

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// projectTable is what the built-in table says of its projects.
func projectTable(t testing.TB) []struct {
	Name, Category string
	Metric         struct{ Title, Unit, Query string }
} {
	t.Helper()
	data, err := os.ReadFile("../../assets/kubernetes/landscape.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var table []struct {
		Name, Category string
		Metric         struct{ Title, Unit, Query string }
	}
	if err := yaml.Unmarshal(data, &table); err != nil {
		t.Fatal(err)
	}
	return table
}

// projects is a world in which each of some clusters runs every project of the table that has(cluster,
// project) is true for. On a bad night some of them are in trouble.
func projects(t testing.TB, clusters []string, bad bool, has func(cluster, project int) bool) *paneltest.Source {
	t.Helper()
	s := paneltest.New(time.Date(2025, 11, 18, 3, 19, 24, 0, paneltest.KST))
	for c, cluster := range clusters {
		s.Rows = append(s.Rows, model.SourceStatus{Name: cluster, Kind: "kubernetes", State: model.OK, LastOK: s.At})
		s.Add(model.Entity{ID: model.ClusterID(cluster), Kind: model.KindCluster, Name: cluster, State: model.OK, Source: cluster})
		for i, p := range projectTable(t) {
			if !has(c, i) {
				continue
			}
			e := model.Entity{ID: model.ClusterObjectID(cluster, model.KindProject, p.Name), Kind: model.KindProject, Name: p.Name,
				Parent: model.ClusterID(cluster), Source: cluster, State: model.OK,
				Labels: map[string]string{"category": p.Category, "version": fmt.Sprintf("v%d.%d.%d", 1+i%3, i%31, i%7), "workloads": "3/3", "objects": "128/128"}}
			if p.Metric.Query != "" {
				e.Labels["metric"], e.Labels["metric_title"], e.Labels["metric_unit"] = p.Metric.Query, p.Metric.Title, p.Metric.Unit
			}
			switch {
			case !bad:
			case p.Name == "cert-manager" && c == 0:
				e.State, e.Reason = model.Critical, "Certificate shop/checkout-tls: expires 2025-11-20 09:00"
				e.Labels["objects"] = "17/18"
			case p.Name == "Argo CD" && c == 1 || p.Name == "Longhorn" && c == 0:
				e.State, e.Reason = model.Warning, "deployment argocd/argocd-repo-server: 1 of 2 available"
				e.Labels["workloads"] = "6/7"
			case p.Name == "Keycloak" && c == len(clusters)-1:
				e.State, e.Reason = model.Unknown, "its custom resources are defined, none of its workloads is seen"
				delete(e.Labels, "version")
				delete(e.Labels, "workloads")
			case p.Name == "containerd":
				e.Labels["versions"] = "2"
			}
			s.Add(e)
		}
	}
	s.Gauge("argocd_app_info", paneltest.Const(1), "sync_status", "OutOfSync", "cluster", clusters[0], "name", "shop")
	return s
}

var someProjects = []string{"Helm", "Argo CD", "Flux", "cert-manager", "Prometheus", "containerd", "CoreDNS", "etcd", "Istio", "Envoy", "Longhorn", "Keycloak", "Harbor", "OpenTelemetry"}

func landscapeGallery(t *testing.T) []picture {
	table := projectTable(t)
	all := func(int, int) bool { return true }
	some := func(_, p int) bool { return slices.Contains(someProjects, table[p].Name) }
	many := func(c, p int) bool { return (c+p)%4 != 0 || slices.Contains(someProjects, table[p].Name) }
	four := []string{"gpu-batch", "prod-busan", "prod-seoul", "staging"}
	silent := projects(t, four[:2], false, some)
	for i := range silent.Things {
		if silent.Things[i].Kind == model.KindProject {
			silent.Things[i].State, silent.Things[i].Seen = model.Stale, silent.At.Add(-3*time.Minute)
		}
	}
	none := projects(t, four, false, func(int, int) bool { return false })
	keys := "{title: Cloud native landscape}"
	out := []picture{
		{name: "landscape-one", keys: keys, w: 1896, h: 920, k: 1, src: projects(t, four[2:3], true, some)},
		{name: "landscape-one-crowd", keys: keys, w: 1896, h: 920, k: 1, src: projects(t, four[2:3], true, all)},
		{name: "landscape-four", keys: keys, w: 1896, h: 920, k: 1, src: projects(t, four, true, some)},
		{name: "landscape-crowd", keys: keys, w: 1896, h: 980, k: 1, src: projects(t, four, true, all)},
		{name: "landscape-crowd-light", keys: keys, w: 1896, h: 980, k: 1, src: projects(t, four, true, many), light: true},
		{name: "landscape-quiet", keys: keys, w: 1896, h: 920, k: 1, src: projects(t, four, false, many)},
		{name: "landscape-small", keys: keys, w: 620, h: 420, k: 1, src: projects(t, four, true, all)},
		{name: "landscape-silent", keys: keys, w: 941, h: 520, k: 1, src: silent},
		{name: "landscape-none", keys: keys, w: 941, h: 312, k: 1, src: none},
		{name: "landscape-ko", keys: "{title: 클라우드 네이티브 현황}", w: 1896, h: 980, k: 1, src: projects(t, four, true, many), korean: true},
	}
	for i := range out {
		out[i].kind = "landscape"
	}
	return out
}

func TestLandscapeGallery(t *testing.T) {
	for _, p := range landscapeGallery(t) {
		t.Run(p.name, p.check)
	}
}

// TestLandscapePlaces checks that no two cells overlap, that all is drawn or counted, and that trouble is
// always drawn where there is any room.
func TestLandscapePlaces(t *testing.T) {
	clusters := []string{"a", "b", "c", "d"}
	for _, size := range []plot.Rect{{W: 1864, H: 918}, {W: 900, H: 500}, {W: 560, H: 300}, {W: 240, H: 90}} {
		src := projects(t, clusters, true, func(int, int) bool { return true })
		env := Env{Style: plot.Style{Palette: plot.Dark(), K: 1, Loc: paneltest.KST}, Face: testFace, Text: english, Lang: "en", Size: size}
		l := landscape{}
		names, groups, err := l.read(context.Background(), src, env)
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, g := range groups {
			total += len(g.rows)
		}
		lay := layLandscape(names, groups, env)
		counted := lay.more
		for _, b := range lay.blocks {
			counted += b.left
		}
		drawn, troubled := 0, 0
		lay.each(func(r *landscapeRow, _ plot.Rect) {
			drawn++
			if r.state().Problem() {
				troubled++
			}
		})
		if drawn+counted != total {
			t.Errorf("%v: %d drawn and %d counted of %d", size, drawn, counted, total)
		}
		if troubled == 0 {
			t.Errorf("%v: no project in trouble is drawn", size)
		}
		spots := lay.spots()
		for i, a := range spots {
			if a.Rect.Right() > size.W+1 || a.Rect.Bottom() > size.H+1 {
				t.Errorf("%v: %s stands out of the panel: %v", size, a.Entity, a.Rect)
			}
			for _, b := range spots[:i] {
				if a.Rect.X < b.Rect.Right()-.01 && b.Rect.X < a.Rect.Right()-.01 && a.Rect.Y < b.Rect.Bottom()-.01 && b.Rect.Y < a.Rect.Bottom()-.01 {
					t.Fatalf("%v: %s %v and %s %v overlap", size, a.Entity, a.Rect, b.Entity, b.Rect)
				}
			}
		}
	}
}

func TestProjectFiguresAreOfTheirCluster(t *testing.T) {
	src := projects(t, []string{"a", "b"}, false, func(int, int) bool { return true })
	found := src.Entities(model.Filter{Kind: model.KindProject})
	figures, err := projectFigures(context.Background(), src, Env{Text: english}, found, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{model.ClusterObjectID("a", model.KindProject, "Argo CD"): "apps out of sync 1"}
	if fmt.Sprint(figures) != fmt.Sprint(want) {
		t.Errorf("figures are %v, want %v", figures, want)
	}
}
