package impact_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/impact"
	"github.com/nocturne-noc/nocturne/store/model"
)

// world is written in words: "acc1 - core1" is a cable, "a probes b" a link.
type world struct {
	entities []model.Entity
	links    []model.Link
}

func (w *world) cable(a, aPort, b, bPort string) {
	w.links = append(w.links, model.Link{A: a, APort: aPort, B: b, BPort: bPort, Kind: impact.Cable, State: model.OK, SpeedBPS: 1e9})
}

func (w *world) link(a, kind, b string) {
	w.links = append(w.links, model.Link{A: a, B: b, Kind: kind, State: model.OK})
}

func (w *world) thing(id string, state model.State, labels map[string]string) {
	kind, name, _, _ := model.ParseID(id)
	parent := ""
	if kind == model.KindPod {
		parent = model.ObjectID("c", "shop", model.KindDeployment, strings.Split(name, "-")[0])
	}
	w.entities = append(w.entities, model.Entity{ID: id, Kind: kind, Name: name, State: state, Labels: labels, Parent: parent})
}

func pod(name string) string { return model.ObjectID("c", "shop", model.KindPod, name) }

// campus has two cores, two access switches with two uplinks, one with one, and machines on them:
//
//	core1, core2 = acc1 - web (server and node n1), db
//	core1, core2 = acc2 - n2, both: dual (also on acc1)
//	acc1 - acc3 - cam
func campus() *world {
	w := &world{}
	for _, name := range []string{"core1", "core2", "acc1", "acc2", "acc3"} {
		w.thing(model.DeviceID(name), model.OK, nil)
	}
	w.cable("device/core1", "te1", "device/core2", "te1")
	for i, acc := range []string{"device/acc1", "device/acc2"} {
		w.cable(acc, "up1", "device/core1", fmt.Sprint("gi", i))
		w.cable(acc, "up2", "device/core2", fmt.Sprint("gi", i))
	}
	w.cable("device/acc1", "gi9", "device/acc3", "up1")
	n1, n2 := model.NodeID("c", "n1"), model.NodeID("c", "n2")
	for _, id := range []string{"server/web", "server/db", "server/dual", "server/cam", n1, n2} {
		w.thing(id, model.OK, nil)
	}
	w.cable("device/acc1", "gi1", n1, "")
	w.link(n1, impact.SameAs, "server/web")
	w.cable("device/acc1", "gi2", "server/db", "")
	w.cable("device/acc1", "gi3", "server/dual", "")
	w.cable("device/acc2", "gi3", "server/dual", "")
	w.cable("device/acc2", "gi1", n2, "")
	w.cable("device/acc3", "gi1", "server/cam", "")
	w.thing("server/db:9187", model.Warning, nil)
	w.link("server/db:9187", impact.RunsOn, "server/db")
	w.thing("probe/shop", model.OK, nil)
	w.link("probe/shop", impact.Probes, "server/web")
	for name, node := range map[string]string{"api-1": "n1", "api-2": "n2", "cart-1": "n1", "cart-2": "n1"} {
		w.thing(pod(name), model.OK, map[string]string{"node": node})
	}
	for _, name := range []string{"api", "cart"} {
		w.thing(model.ObjectID("c", "shop", model.KindDeployment, name), model.OK, nil)
	}
	service := model.ObjectID("c", "shop", model.KindService, "cart")
	w.thing(service, model.OK, nil)
	w.link(service, "selects", pod("cart-1"))
	w.link(service, "selects", pod("cart-2"))
	ingress := model.ObjectID("c", "shop", model.KindIngress, "shop")
	w.thing(ingress, model.OK, nil)
	w.link(ingress, "routes", service)
	return w
}

func short(id string) string {
	return strings.NewReplacer("kube/c/ns/shop/", "", "kube/c/", "", "device/", "", "server/", "", "probe/", "").Replace(id)
}

func TestDown(t *testing.T) {
	for _, tt := range []struct{ name, of, lost, partial string }{
		{"a server that is a node too", "server/web", "cart-1 cart-2 deployment/cart ingress/shop pod/api-1 probe:shop service/cart", "deployment/api"},
		{"the node is the server", "kube/c/node/n1", "cart-1 cart-2 deployment/cart ingress/shop pod/api-1 probe:shop service/cart", "deployment/api"},
		{"an access switch", "device/acc1", "acc3 cam db db:9187 cart-1 cart-2 deployment/cart ingress/shop pod/api-1 probe:shop service/cart web", "dual deployment/api"},
		{"one of two cores", "device/core1", "", "acc1 acc2"},
		{"a switch behind a switch", "device/acc3", "cam", ""},
		{"a dual-homed server carries nothing between its switches", "server/dual", "", ""},
		{"a server with a service", "server/db", "db:9187", ""},
		{"one pod of two", pod("api-1"), "", "deployment/api"},
		{"a port with the only cable", "device/acc1/port/gi9", "acc3 cam", ""},
		{"the other end of it", "device/acc3/port/up1", "acc3 cam", ""},
		{"a port with one of two uplinks", "device/acc1/port/up1", "", "acc1"},
		{"a core's port with one of two uplinks", "device/core1/port/gi0", "", "acc1"},
		{"a port with nothing on it", "device/acc1/port/gi77", "", ""},
		{"nobody knows it", "server/ghost", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := campus()
			g := impact.New(w.entities, w.links)
			var got [2][]string
			for _, l := range g.Down(tt.of) {
				i := 0
				if l.Partial {
					i = 1
				}
				if l.By == l.ID || l.By == "" {
					t.Errorf("%s is carried by %q", l.ID, l.By)
				}
				got[i] = append(got[i], l.ID)
			}
			for i, words := range []string{tt.lost, tt.partial} {
				var want []string
				for _, name := range strings.Fields(words) {
					want = append(want, full(name))
				}
				slices.Sort(want)
				slices.Sort(got[i])
				if diff := cmp.Diff(want, got[i]); diff != "" {
					t.Errorf("partial %t (-want +got):\n%s", i == 1, diff)
				}
			}
		})
	}
}

// full is the ID of what a test calls by a short name.
func full(name string) string {
	switch {
	case strings.HasPrefix(name, "acc") || strings.HasPrefix(name, "core"):
		return "device/" + name
	case strings.HasPrefix(name, "cart-"):
		return pod(name)
	case strings.HasPrefix(name, "probe:"):
		return "probe/" + strings.TrimPrefix(name, "probe:")
	case strings.Contains(name, "/"):
		return "kube/c/ns/shop/" + name
	}
	return "server/" + name
}

func TestUp(t *testing.T) {
	for _, tt := range []struct {
		name, of string
		want     []string
	}{
		{"a server", "server/db", []string{"acc1 (gi2)", "core1 (gi0) core2 (gi0)"}},
		{"with two cables", "server/dual", []string{"acc1 (gi3) acc2 (gi3)", "core1 (gi0) core2 (gi0)"}},
		{"a service", "server/db:9187", []string{"db ()", "acc1 (gi2)", "core1 (gi0) core2 (gi0)"}},
		{"a probe of a server that is a node", "probe/shop", []string{"web ()", "acc1 (gi1)", "core1 (gi0) core2 (gi0)"}},
		{"a pod", pod("api-2"), []string{"node/n2 ()", "acc2 (gi1)", "core1 (gi1) core2 (gi1)"}},
		{"a deployment", "kube/c/ns/shop/deployment/api", []string{"pod/api-1 () pod/api-2 ()", "web () node/n2 ()", "acc1 (gi1) acc2 (gi1)", "core1 (gi0) core2 (gi0)"}},
		{"a port", "device/acc3/port/gi1", []string{"acc3 ()", "acc1 (gi9)", "core1 (gi0) core2 (gi0)"}},
		{"the core", "device/core1", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := campus()
			var got []string
			for _, level := range impact.New(w.entities, w.links).Up(tt.of, 4) {
				var words []string
				for _, s := range level {
					words = append(words, short(s.ID)+" ("+s.Wire.FarPort+")")
				}
				got = append(got, strings.Join(words, " "))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Where nobody is called core, the middle of the network is.
func TestRootsAreFoundInTheMiddle(t *testing.T) {
	w := &world{}
	for i := range 4 {
		w.cable("device/a", fmt.Sprint("p", i), fmt.Sprintf("device/b%d", i), "up")
		w.cable(fmt.Sprintf("device/b%d", i), "p1", fmt.Sprintf("server/s%d", i), "")
	}
	w.cable("device/alone", "p1", "server/t", "")
	g := impact.New(w.entities, w.links)
	for of, want := range map[string]int{"device/a": 8, "device/b1": 1, "device/alone": 1, "server/s1": 0} {
		if got := g.Down(of); len(got) != want {
			t.Errorf("%s: %v, want %d", of, got, want)
		}
	}
}

// Whatever the order in which things are told, the answer is the same, and it ends with circles too.
func TestOrderDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ids := []string{"device/a", "device/b", "device/c", "device/d", "server/x", "server/y", "probe/p", "kube/c/node/n"}
	kinds := []string{impact.Cable, impact.Cable, impact.SameAs, impact.Probes, impact.RunsOn, "owns", "selects", "nonsense"}
	for range 500 {
		w := &world{}
		for _, id := range ids {
			w.thing(id, model.State(r.IntN(5)), nil)
		}
		for range r.IntN(16) {
			w.links = append(w.links, model.Link{A: ids[r.IntN(len(ids))], APort: fmt.Sprint(r.IntN(3)), B: ids[r.IntN(len(ids))], Kind: kinds[r.IntN(len(kinds))]})
		}
		one := impact.New(w.entities, w.links)
		links, entities := slices.Clone(w.links), slices.Clone(w.entities)
		r.Shuffle(len(links), func(i, j int) { links[i], links[j] = links[j], links[i] })
		r.Shuffle(len(entities), func(i, j int) { entities[i], entities[j] = entities[j], entities[i] })
		other := impact.New(entities, links)
		for _, id := range ids {
			lost := func(g *impact.Graph) (out []string) {
				for _, l := range g.Down(id) {
					out = append(out, fmt.Sprint(l.ID, l.Partial))
				}
				return out
			}
			if diff := cmp.Diff(lost(one), lost(other)); diff != "" {
				t.Fatalf("%s of %v (-one +other):\n%s", id, w.links, diff)
			}
			one.Up(id, 5)
		}
	}
}

func BenchmarkGraph(b *testing.B) {
	w := big()
	b.ReportAllocs()
	for b.Loop() {
		g := impact.New(w.entities, w.links)
		if got := g.Down("device/acc7"); len(got) < 20 {
			b.Fatalf("only %d", len(got))
		}
	}
}

// big has 2,000 devices, a server on each, 200 nodes and 20,000 pods.
func big() *world {
	w := &world{}
	w.thing("device/core1", model.OK, nil)
	for i := range 2000 {
		acc := fmt.Sprintf("device/acc%d", i)
		w.thing(acc, model.OK, nil)
		w.cable(acc, "up", "device/core1", fmt.Sprint("p", i))
		server := fmt.Sprintf("server/s%d", i)
		w.thing(server, model.OK, nil)
		w.cable(acc, "p1", server, "")
		if i < 200 {
			w.link(model.NodeID("c", fmt.Sprintf("n%d", i)), impact.SameAs, server)
		}
	}
	for i := range 20000 {
		w.thing(pod(fmt.Sprintf("app%d-%d", i/10, i%10)), model.OK, map[string]string{"node": fmt.Sprintf("n%d", i%200)})
	}
	return w
}
