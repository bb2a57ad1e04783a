package kube

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestCanvasTellsWhatChanged(t *testing.T) {
	c := newCanvas()
	v := shop()
	v.watchTable()
	if first := c.draw(v, true); len(first.entities) != len(v.picture().entities) {
		t.Errorf("%d entities told at first, want all %d", len(first.entities), len(v.picture().entities))
	}
	if again := c.draw(v, true); !again.empty() {
		t.Errorf("nothing changed, but told were %+v", again)
	}
	again := shop() // the same objects once more, as informers that started anew have them
	again.watchTable()
	if diff := c.draw(again, false); !diff.empty() {
		t.Errorf("the same came again, but told were %+v", diff)
	}

	v = shop()
	v.watchTable()
	failed := *v.objects["pods"][0].(*Pod)
	failed.Phase = "Failed"
	v.objects["pods"] = []any{&failed}
	v.index()
	diff := c.draw(v, false)
	var ids []string
	for _, e := range diff.entities {
		ids = append(ids, e.ID)
	}
	slices.Sort(ids)
	if strings.Join(ids, " ") != "kube/c kube/c/ns/shop kube/c/ns/shop/pod/web-1-a" {
		t.Errorf("changed %v, want the cluster's counts, the namespace and the pod", ids)
	}
	if len(diff.gone) != 1 || diff.gone[0] != "kube/c/ns/shop/pod/web-1-b" || len(diff.goneLinks) != 2 {
		t.Errorf("gone %v, links %v; want the other pod and its two links", diff.gone, diff.goneLinks)
	}
}

// A node that is lost changes its pods, which are the same objects as before.
func TestCanvasFollows(t *testing.T) {
	c := newCanvas()
	v := shop()
	v.watchTable()
	c.draw(v, true)
	before := c.samples(v, noon, 0)
	lost := *v.objects["nodes"][0].(*Node)
	lost.Conditions = []Condition{{Type: "Ready", Status: "Unknown", Since: noon}}
	v.objects["nodes"][0] = &lost
	v.revisions = map[string]uint64{"": 1, "nodes": 1}
	v.index()
	diff := c.draw(v, false)
	if !slices.ContainsFunc(diff.entities, func(e model.Entity) bool {
		return e.ID == "kube/c/ns/shop/pod/web-1-a" && e.Reason == "on lost node n1"
	}) {
		t.Errorf("told %+v, want the pods of the lost node", diff.entities)
	}
	ready := func(list []model.Sample) (n float64) {
		for _, s := range list {
			if s.Labels.Get("__name__") == "kube_pod_status_ready" && s.Labels.Get("condition") == "true" {
				n += s.V
			}
		}
		return n
	}
	if was, is := ready(before), ready(c.samples(v, noon.Add(time.Minute), 0)); was == 0 || is != 0 {
		t.Errorf("%v pods measured as ready before and %v after their node was lost, want some and none", was, is)
	}
}

// What is not watched any more leaves the wall.
func TestCanvasForgets(t *testing.T) {
	c := newCanvas()
	v := shop()
	v.watchTable()
	c.draw(v, true)
	v.resources = slices.DeleteFunc(v.resources, func(r *resource) bool { return r.name == "services" })
	delete(v.objects, "services")
	if diff := c.draw(v, false); !slices.Equal(diff.gone, []string{"kube/c/ns/shop/service/web"}) || len(diff.goneLinks) == 0 {
		t.Errorf("gone %v, links %v; want the service and its links", diff.gone, diff.goneLinks)
	}
}

// Samples of the next round share the strings of their labels with the last.
func TestCanvasSharesLabels(t *testing.T) {
	c := newCanvas()
	v := shop()
	v.watchTable()
	c.draw(v, true)
	first := c.samples(v, noon, 0)
	pod := *v.objects["pods"][0].(*Pod)
	pod.Containers = slices.Clone(pod.Containers)
	pod.Containers[0].Restarts++
	v.objects["pods"][0] = &pod
	v.index()
	c.draw(v, false)
	second := c.samples(v, noon.Add(time.Minute), 0)
	if len(first) != len(second) {
		t.Fatalf("%d samples, then %d", len(first), len(second))
	}
	risen := 0
	for i := range first {
		if first[i].Labels.String() != second[i].Labels.String() {
			t.Errorf("place %d holds %v, then %v", i, first[i].Labels, second[i].Labels)
		}
		if second[i].T != noon.Add(time.Minute).UnixMilli() {
			t.Errorf("%v is of the last round", second[i].Labels)
		}
		if second[i].V == first[i].V+1 && strings.HasSuffix(second[i].Labels.Get("__name__"), "restarts_total") {
			risen++
		}
	}
	if risen != 1 {
		t.Errorf("%d counters of restarts rose, want one", risen)
	}
}

func TestSameKept(t *testing.T) {
	pod := &Pod{meta: meta{Name: "p", UID: "u", Version: "1"}, Phase: "Running", Containers: []Container{{Name: "app", Ready: true}}}
	touched, changed := *pod, *pod
	touched.Version, changed.Version = "2", "2"
	touched.Containers = slices.Clone(pod.Containers)
	changed.Containers = []Container{{Name: "app"}}
	for _, c := range []struct {
		name string
		obj  any
		want bool
	}{{"another version of the same", &touched, true}, {"another state", &changed, false}, {"another object", &Pod{meta: meta{UID: "v"}}, false}, {"another type", &Node{}, false}} {
		if got := sameKept(pod, c.obj); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if touched.Version != "2" {
		t.Error("comparing changed an object")
	}
}

// crowd is a view of a cluster of many pods on a thousand nodes.
func crowd(pods int) *view {
	v := shop()
	pod, node := *v.objects["pods"][0].(*Pod), *v.objects["nodes"][0].(*Node)
	v.objects["pods"], v.objects["nodes"] = nil, nil
	for i := range 1000 {
		n := node
		n.Name = fmt.Sprint("n", i)
		v.add("nodes", &n)
	}
	for i := range pods {
		p := pod
		p.Name, p.Node = fmt.Sprint("web-1-", i), fmt.Sprint("n", i%1000)
		v.add("pods", &p)
	}
	v.watchTable()
	v.revisions = map[string]uint64{}
	v.index()
	return v
}

// BenchmarkPicture draws and measures a cluster of 20,000 pods: at first, after the change of fifteen
// pods, and as each interval does to confirm.
func BenchmarkPicture(b *testing.B) {
	v := crowd(20_000)
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			newCanvas().draw(v, true)
		}
	})
	c := newCanvas()
	c.draw(v, true)
	c.samples(v, noon, 0)
	n := 0
	change := func() {
		for range 15 {
			n++
			at := n % len(v.objects["pods"])
			p := *v.objects["pods"][at].(*Pod)
			p.Containers = slices.Clone(p.Containers)
			p.Containers[0].Restarts++
			v.objects["pods"][at] = &p
		}
	}
	b.Run("change", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			change()
			v.index()
			c.draw(v, false)
		}
	})
	b.Run("confirm", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.draw(v, true)
			c.picture(v)
		}
	})
	b.Run("samples", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			change()
			c.draw(v, false)
			c.samples(v, noon, 0)
		}
	})
}
