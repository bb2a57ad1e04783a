package panels

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
)

// serverRoom is two cores, two access switches with two uplinks each, and on them servers with services,
// probes, and Kubernetes nodes with pods. more is how many servers acc2 has beside.
func serverRoom(more int) *paneltest.Source {
	s := paneltest.New(time.Date(2025, 11, 18, 3, 19, 24, 0, paneltest.KST))
	device := func(name string) {
		s.Add(model.Entity{ID: model.DeviceID(name), Kind: model.KindDevice, Name: name, State: model.OK, Source: "campus"})
	}
	cable := func(a, aPort, b, bPort string) {
		s.Cables = append(s.Cables, model.Link{A: a, APort: aPort, B: b, BPort: bPort, Kind: "ethernet", State: model.OK, SpeedBPS: 1e9})
	}
	link := func(a, kind, b string) {
		s.Cables = append(s.Cables, model.Link{A: a, B: b, Kind: kind, State: model.OK})
	}
	for _, name := range []string{"core1", "core2", "acc1", "acc2"} {
		device(name)
	}
	cable("device/core1", "Te1/1/1", "device/core2", "Te1/1/1")
	for i, acc := range []string{"acc1", "acc2"} {
		cable("device/"+acc, "Te1/0/1", "device/core1", fmt.Sprintf("Te1/1/%d", i+2))
		cable("device/"+acc, "Te1/0/2", "device/core2", fmt.Sprintf("Te1/1/%d", i+2))
	}
	server := func(name, acc, port string) string {
		id := model.ServerID(name + ":9100")
		s.Add(model.Entity{ID: id, Kind: model.KindServer, Name: name, State: model.OK, Source: "servers"})
		cable("device/"+acc, port, id, "")
		s.Add(model.Entity{ID: model.ProbeID("ping " + name), Kind: model.KindProbe, Name: "ping " + name, State: model.OK, Source: "probes"})
		link(model.ProbeID("ping "+name), "probes", id)
		return id
	}
	service := func(name, port, on string) {
		id := model.ServerID(strings.ToLower(name) + port)
		s.Add(model.Entity{ID: id, Kind: model.KindService, Name: name, State: model.OK, Source: "servers", Labels: map[string]string{"exporter": strings.ToLower(name)}})
		link(id, "runs-on", on)
	}
	db, web := server("db1", "acc1", "Gi1/0/3"), server("web1", "acc1", "Gi1/0/4")
	server("mail", "acc2", "Gi1/0/7")
	service("PostgreSQL", ":9187", db)
	service("Redis", ":9121", db)
	service("nginx", ":9113", web)
	s.Add(model.Entity{ID: model.ClusterID("prod"), Kind: model.KindCluster, Name: "prod", State: model.OK, Source: "prod"})
	for i, acc := range []string{"acc1", "acc2"} {
		id := model.NodeID("prod", fmt.Sprintf("node-0%d", i+1))
		s.Add(model.Entity{ID: id, Kind: model.KindNode, Name: fmt.Sprintf("node-0%d", i+1), Parent: model.ClusterID("prod"), State: model.OK, Source: "prod"})
		cable("device/"+acc, fmt.Sprintf("Gi1/0/2%d", i), id, "")
	}
	link(model.NodeID("prod", "node-02"), "same-as", model.ServerID("mail:9100"))
	for _, app := range []string{"cart", "checkout", "search"} {
		owner := model.ObjectID("prod", "shop", model.KindDeployment, app)
		s.Add(model.Entity{ID: owner, Kind: model.KindDeployment, Name: app, State: model.OK, Source: "prod"})
		for i := range 4 {
			name := fmt.Sprintf("%s-%d", app, i)
			node := "node-01"
			if app == "search" && i%2 == 1 {
				node = "node-02"
			}
			s.Add(model.Entity{ID: model.ObjectID("prod", "shop", model.KindPod, name), Kind: model.KindPod, Name: name, Parent: owner, State: model.OK, Source: "prod",
				Labels: map[string]string{"node": node, "namespace": "shop"}})
			link(model.ObjectID("prod", "shop", model.KindService, app), "selects", model.ObjectID("prod", "shop", model.KindPod, name))
		}
		s.Add(model.Entity{ID: model.ObjectID("prod", "shop", model.KindService, app), Kind: model.KindService, Name: app, State: model.OK, Source: "prod"})
	}
	for i := range more {
		service(fmt.Sprintf("MySQL-%d", i), ":9104", server(fmt.Sprintf("host-%03d", i), "acc2", fmt.Sprintf("Gi2/0/%d", i)))
	}
	s.Counter("ifHCOutOctets", paneltest.Const(0.86e9/8), "device", "acc1", "ifName", "Gi1/0/3", "source", "campus")
	s.Gauge("nocturne_interface_speed_bps", paneltest.Const(1e9), "device", "acc1", "ifName", "Gi1/0/3", "source", "campus")
	return s
}

// change finds things by ID and changes their states.
func change(s *paneltest.Source, state model.State, reason string, ids ...string) *paneltest.Source {
	for i := range s.Things {
		if slices.Contains(ids, s.Things[i].ID) {
			s.Things[i].State, s.Things[i].Reason, s.Things[i].Since = state, reason, s.At.Add(-7*time.Minute)
		}
	}
	return s
}

// switchDies is the room after its first access switch has died.
func switchDies() *paneltest.Source {
	s := change(serverRoom(0), model.Critical, "down or cut off: no answer, and no link on any of its 2 cables", "device/acc1")
	change(s, model.Unknown, "behind acc1, down or cut off", "server/db1:9100", "server/web1:9100")
	change(s, model.Critical, "lost: kubelet silent since 03:12", model.NodeID("prod", "node-01"))
	change(s, model.Critical, "timed out after 2 s", "probe/ping db1", "probe/ping web1")
	change(s, model.Stale, "last answer 03:12:08", "server/postgresql:9187", "server/redis:9121", "server/nginx:9113")
	for i := range s.Cables {
		if s.Cables[i].A == "device/acc1" && strings.HasPrefix(s.Cables[i].B, "device/core") {
			s.Cables[i].State = model.Critical
		}
	}
	s.Firing = []model.Alert{
		{ID: "p", Severity: model.Critical, Entity: "probe/ping db1", Cause: "x", Since: s.At, Labels: map[string]string{}},
		{ID: "x", Severity: model.Critical, Entity: "device/acc1", Since: s.At, Labels: map[string]string{}},
	}
	return s
}

// readBoard is what a panel shows, a line for each column: "title: name (second line) < carrier, ...".
func readBoard(t *testing.T, keys string, src *paneltest.Source) []string {
	t.Helper()
	p := newPanel(t, "impact", keys).(*impactPanel)
	env := picture{kind: "impact", w: 1100, h: 600, k: 1, src: src}.env(t)
	if _, err := p.Load(context.Background(), src, env); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range p.last.board.columns {
		var words []string
		for _, thing := range c.things {
			w := thing.name + " (" + thing.strong + thing.rest + ")"
			for _, way := range thing.from {
				w += " < " + way.id
				if way.down {
					w += " cut"
				}
				if way.use > 0 {
					w += fmt.Sprintf(" %.0f%%", 100*way.use)
				}
			}
			words = append(words, w)
		}
		out = append(out, c.title+": "+strings.Join(words, ", "))
	}
	return out
}

func TestImpactColumns(t *testing.T) {
	for _, tt := range []struct {
		name, keys string
		src        *paneltest.Source
		want       []string
	}{
		{"a server", "{of: 'server/db1:9100'}", serverRoom(0), []string{
			": core1 (Te1/1/2  device), core2 (Te1/1/2  device)",
			"Hangs on: acc1 (Gi1/0/3 86 %  device) < device/core1 < device/core2",
			": db1 (server) < device/acc1 86%",
			"Services: PostgreSQL (service) < server/db1:9100, Redis (service) < server/db1:9100, ping db1 (probe) < server/db1:9100",
		}},
		{"a service", "{of: 'server/redis:9121'}", serverRoom(0), []string{
			": core1 (Te1/1/2  device), core2 (Te1/1/2  device)",
			": acc1 (Gi1/0/3 86 %  device) < device/core1 < device/core2",
			"Hangs on: db1 (server) < device/acc1 86%",
			": Redis (service) < server/db1:9100",
		}},
		{"the worst, which is a switch", "{}", switchDies(), []string{
			"Hangs on: core1 (Te1/1/2  device), core2 (Te1/1/2  device)",
			": acc1 (device) < device/core1 cut < device/core2 cut",
			"Machines: node-01 (Gi1/0/20  lost: kubelet silent since 03:12) < device/acc1, db1 (Gi1/0/3  server) < device/acc1 86%, web1 (Gi1/0/4  server) < device/acc1",
			"Services: ping db1 (timed out after 2 s) < server/db1:9100, ping web1 (timed out after 2 s) < server/web1:9100, PostgreSQL (service) < server/db1:9100, Redis (service) < server/db1:9100, nginx (service) < server/web1:9100, " +
				"cart (service) < kube/prod/node/node-01, checkout (service) < kube/prod/node/node-01, search (goes on with less) < kube/prod/node/node-01, " +
				"cart (deployment) < kube/prod/node/node-01, checkout (deployment) < kube/prod/node/node-01, search (goes on with less) < kube/prod/node/node-01, " +
				strings.Join(pods(), ", "),
		}},
		{"a port", "{of: 'device/acc2/port/Gi1%2F0%2F7'}", serverRoom(0), []string{
			": core1 (Te1/1/3  device), core2 (Te1/1/3  device)",
			"Hangs on: acc2 (device) < device/core1 < device/core2",
			": acc2 Gi1/0/7 (interface) < device/acc2",
			"Machines: mail (Gi1/0/7  has another way) < device/acc2/port/Gi1%2F0%2F7",
		}},
		{"all", "{show: all}", serverRoom(0), []string{
			"Switches: acc1 (device), acc2 (device)",
			"Machines: db1 (Gi1/0/3  server) < device/acc1 86%, mail (Gi1/0/21  server) < device/acc2 < device/acc2, web1 (Gi1/0/4  server) < device/acc1, node-01 (Gi1/0/20  node) < device/acc1",
			"Services: PostgreSQL (service) < server/db1:9100, Redis (service) < server/db1:9100, ping db1 (probe) < server/db1:9100, ping mail (probe) < server/mail:9100, nginx (service) < server/web1:9100, ping web1 (probe) < server/web1:9100",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, readBoard(t, tt.keys, tt.src)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// pods are those of the first node, as the columns of a test say them.
func pods() (out []string) {
	for _, app := range []string{"cart", "checkout", "search"} {
		for i := range 4 {
			if app != "search" || i%2 == 0 {
				out = append(out, fmt.Sprintf("%s-%d (pod) < kube/prod/node/node-01", app, i))
			}
		}
	}
	return out
}

func TestImpactOptions(t *testing.T) {
	for keys, want := range map[string]string{
		"{of: server/x}": "", "{show: all}": "", "{}": "", "{show: most}": "want one of", "{show: all, of: server/x}": "no one thing", "{off: x}": "off",
	} {
		_, err := tryPanel("impact", keys)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", keys, err)
		}
	}
}

// Nothing overlaps, and every box leads to a page, whatever the size.
func TestImpactHasRoom(t *testing.T) {
	for _, src := range []*paneltest.Source{serverRoom(0), switchDies(), serverRoom(300)} {
		for _, keys := range []string{"{of: device/acc2}", "{of: 'server/db1:9100'}", "{of: device/core1}", "{show: all}"} {
			for _, size := range [][2]float64{{300, 180}, {500, 900}, {900, 300}, {1900, 900}, {3800, 2000}} {
				p := newPanel(t, "impact", keys)
				env := picture{w: size[0], h: size[1], k: 1, src: src}.env(t)
				v, err := p.Load(context.Background(), src, env)
				if err != nil {
					t.Fatal(err)
				}
				for i, a := range v.Spots {
					if a.Entity == "" || a.Rect.X < -1 || a.Rect.Right() > env.Size.W+1 || a.Rect.Bottom() > env.Size.H+1 {
						t.Fatalf("%s at %v: %q at %v", keys, size, a.Entity, a.Rect)
					}
					for _, b := range v.Spots[i+1:] {
						if a.Rect.X < b.Rect.Right() && b.Rect.X < a.Rect.Right() && a.Rect.Y < b.Rect.Bottom() && b.Rect.Y < a.Rect.Bottom() {
							t.Fatalf("%s at %v: %q at %v and %q at %v", keys, size, a.Entity, a.Rect, b.Entity, b.Rect)
						}
					}
				}
			}
		}
	}
}

func TestImpactPictures(t *testing.T) {
	bare := paneltest.New(serverRoom(0).At)
	stale := change(serverRoom(0), model.Stale, "last answer 03:12:08", "server/db1:9100", "server/postgresql:9187")
	p := func(name, keys string, w, h float64, src *paneltest.Source) picture {
		return picture{name: "impact-" + name, kind: "impact", keys: "{title: Impact, " + keys + "}", w: w, h: h, k: 1, src: src}
	}
	list := []picture{
		p("server", "of: 'server/db1:9100'", 1100, 393, serverRoom(0)),
		p("switch-dies", "", 1884, 555, switchDies()),
		p("all", "show: all", 1100, 474, switchDies()),
		p("all-crowd", "show: all", 1100, 555, serverRoom(300)),
		p("crowd", "of: device/acc2", 1100, 474, serverRoom(300)),
		p("stale", "of: 'server/db1:9100'", 778, 312, stale),
		p("quiet", "", 778, 312, serverRoom(0)),
		p("unknown", "of: server/ghost", 778, 312, bare),
		p("none", "show: all", 778, 312, bare),
		p("tiny", "of: 'server/db1:9100'", 383, 231, switchDies()),
	}
	ko, large, light := list[1], list[1], list[0]
	ko.name, ko.korean = ko.name+"-ko", true
	large.name, large.k = large.name+"-k2", 2
	light.name, light.light = light.name+"-light", true
	for _, pic := range append(list, ko, large, light) {
		t.Run(pic.name, func(t *testing.T) { pic.check(t) })
	}
}
