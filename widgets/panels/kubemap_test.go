package panels

import (
	"context"
	"fmt"
	"image"
	"path/filepath"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
	"github.com/nocturne-noc/nocturne/widgets/plot/plottest"
)

var (
	smallCluster = paneltest.FleetSize{Nodes: 12, Pods: 400, Sick: 20, Lost: true, Linked: true}
	hugeCluster  = paneltest.FleetSize{Nodes: 1000, Pods: 20_000, Sick: 20, Lost: true}
)

// kubeGallery is every panel about Kubernetes in every situation.
func kubeGallery() []picture {
	small, huge := paneltest.Fleet(smallCluster, "prod-seoul"), paneltest.Fleet(hugeCluster, "big")
	well := paneltest.Fleet(paneltest.FleetSize{Nodes: 9, Pods: 210}, "staging")
	two := paneltest.Fleet(paneltest.FleetSize{Nodes: 12, Pods: 300, Sick: 50}, "prod-busan", "prod-seoul")
	silent := paneltest.Fleet(smallCluster, "prod-seoul")
	for i := range silent.Things {
		silent.Things[i].State = model.Stale
	}
	p := func(name, kind, keys string, w, h float64, src *paneltest.Source) picture {
		return picture{name: name, kind: kind, keys: keys, w: w, h: h, k: 1, src: src}
	}
	var out []picture
	for _, by := range []string{"node", "namespace", "service"} {
		keys := fmt.Sprintf("{title: Map, by: %s}", by)
		out = append(out,
			p("kubemap-"+by, "kubemap", keys, 1094, 540, small),
			p("kubemap-"+by+"-huge", "kubemap", keys, 1094, 540, huge),
			p("kubemap-"+by+"-well", "kubemap", keys, 780, 474, well),
			p("kubemap-"+by+"-two", "kubemap", keys, 780, 540, two),
			p("kubemap-"+by+"-stale", "kubemap", keys, 780, 474, silent),
			p("kubemap-"+by+"-empty", "kubemap", keys, 541, 312, paneltest.New(small.At)),
			p("kubemap-"+by+"-denied", "kubemap", keys, 541, 312, locked()),
			picture{name: "kubemap-" + by + "-ko", kind: "kubemap", keys: keys, w: 1094, h: 540, k: 1, src: small, korean: true},
			picture{name: "kubemap-" + by + "-light", kind: "kubemap", keys: keys, w: 780, h: 474, k: 1, src: small, light: true},
		)
	}
	for _, n := range []int{1, 3, 12, 40} {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("prod-%02d", i))
		}
		src := paneltest.Fleet(paneltest.FleetSize{Nodes: 5, Pods: 40, Sick: 60}, names...)
		for i := range src.Things {
			switch e := &src.Things[i]; {
			case e.ID == model.ClusterID("prod-02"):
				e.State, e.Seen = model.Stale, src.At.Add(-7*time.Minute)
			case e.ID == model.ClusterID("prod-01"):
				e.State, e.Labels["no_permission"] = model.Unknown, "events, secrets"
			}
		}
		out = append(out, p(fmt.Sprintf("cards-%d", n), "clusters", "{style: cards}", 1884, 150, src), p(fmt.Sprintf("clusters-%d", n), "clusters", "{title: Clusters}", 780, 474, src))
	}
	zones := paneltest.Fleet(hugeCluster, "big")
	for _, w := range []float64{400, 620, 780, 1094, 1884} {
		out = append(out, p(fmt.Sprintf("workloads-%.0f", w), "workloads", "{title: Workloads}", w, 474, small))
	}
	korean := p("workloads-ko", "workloads", "{title: 워크로드}", 1094, 474, small)
	korean.korean = true
	return append(out, korean,
		p("workloads-stale", "workloads", "{title: Workloads}", 780, 312, silent),
		p("workloads-huge", "workloads", "{title: Workloads, sort: changed}", 780, 474, huge),
		p("workloads-empty", "workloads", "{title: Workloads}", 541, 312, paneltest.New(small.At)),
		p("workloads-denied", "workloads", "{title: Workloads}", 541, 312, locked()),
		p("honeycomb-huge", "honeycomb", "{title: Pods by node}", 1094, 540, huge),
		p("honeycomb-huge-namespace", "honeycomb", "{title: Pods by namespace, group: namespace}", 1094, 540, huge),
		p("honeycomb-nodes", "honeycomb", "{title: Nodes, of: node, group: zone}", 780, 474, zones),
		p("honeycomb-roles", "honeycomb", "{title: Nodes, of: node, group: cluster}", 780, 474, two))
}

func TestKubeGallery(t *testing.T) {
	for _, p := range kubeGallery() {
		t.Run(p.name, p.look)
	}
}

// look draws a picture and, where that was asked for, writes it; something has to be on it.
func (p picture) look(t *testing.T) {
	t.Helper()
	img := p.draw(t)
	writePicture(t, p.name, img)
	if blank(img) {
		t.Errorf("%s: nothing was drawn", p.name)
	}
}

// BenchmarkKubernetes loads and paints the panels that show 20,000 pods on 1,000 nodes at the size that they have
// on a board of 1920x1080. blank paints the same image with nothing on it.
func BenchmarkKubernetes(b *testing.B) {
	src := paneltest.Fleet(hugeCluster, "big")
	for _, one := range []struct{ name, kind, keys string }{
		{"honeycomb-node", "honeycomb", "{title: Pods}"},
		{"honeycomb-namespace", "honeycomb", "{title: Pods, group: namespace}"},
		{"map-node", "kubemap", "{title: Map, by: node}"},
		{"map-namespace", "kubemap", "{title: Map, by: namespace}"},
		{"map-service", "kubemap", "{title: Map, by: service}"},
	} {
		p := picture{kind: one.kind, keys: one.keys, w: 1920, h: 1080, k: 1, src: src}
		env, panel := p.env(b), newPanel(b, one.kind, one.keys)
		img := image.NewRGBA(image.Rect(0, 0, int(env.Size.W), int(env.Size.H)))
		c := plot.NewCanvas(img, testFace)
		b.Run(one.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v, err := panel.Load(context.Background(), src, env)
				if err != nil {
					b.Fatal(err)
				}
				c.Clear(env.Style.Palette.Surface)
				v.Paint(c, env.Size)
			}
		})
	}
	img := image.NewRGBA(image.Rect(0, 0, 1888, 1018))
	c := plot.NewCanvas(img, testFace)
	b.Run("blank", func(b *testing.B) {
		for b.Loop() {
			c.Clear(plot.Dark().Surface)
		}
	})
}

// writePicture writes a picture where -pictures asks for it.
func writePicture(t *testing.T, name string, img *image.RGBA) {
	t.Helper()
	if *pictures != "" {
		plottest.Write(t, filepath.Join(*pictures, name+".png"), img)
	}
}
