package impact

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

// thing is an entity with labels as "name=value name=value"; a value may have "," for spaces.
func thing(id, labels string) model.Entity {
	kind, name, _, _ := model.ParseID(id)
	e := model.Entity{ID: id, Kind: kind, Name: name, State: model.OK, Source: "src", Labels: map[string]string{}}
	for pair := range strings.FieldsSeq(labels) {
		k, v, _ := strings.Cut(pair, "=")
		switch v = strings.ReplaceAll(v, ",", " "); k {
		case "kind":
			e.Kind = model.Kind(v)
		case "name":
			e.Name = v
		case "state":
			e.State, _ = model.ParseState(v)
		case "source":
			e.Source = v
		case "reason":
			e.Reason = strings.ReplaceAll(v, "_", " ")
		default:
			e.Labels[k] = v
		}
	}
	return e
}

func cable(device, port, to string, state model.State) model.Link {
	return model.Link{A: device, APort: port, B: to, Kind: impact.Cable, State: state, Confidence: 0.5}
}

var n1, n2 = model.NodeID("c", "n1"), model.NodeID("c", "n2")

func TestJoin(t *testing.T) {
	for _, tt := range []struct {
		name      string
		things    []model.Entity
		cables    []model.Link
		want      []string // "from kind to, evidence"
		ambiguous int
	}{
		{name: "a node and a server by address", things: []model.Entity{thing(n1, "address=10.0.0.7"), thing("server/web:9100", "addresses=10.0.0.7")},
			want: []string{n1 + " same-as server/web:9100, address 0.8"}},
		{name: "by MAC", things: []model.Entity{thing(n1, "macs=52:54:00:00:00:01"), thing("server/web:9100", "macs=52:54:00:00:00:01,52:54:00:00:00:02")},
			want: []string{n1 + " same-as server/web:9100, MAC 0.9"}},
		{name: "by name", things: []model.Entity{thing(n1, ""), thing("server/n1.example.com:9100", "")},
			want: []string{n1 + " same-as server/n1.example.com:9100, name 0.6"}},
		{name: "by the host name behind an address", things: []model.Entity{thing(n1, "address=10.0.0.7"), thing("server/10.0.0.7:9100", "name=n1 nodename=n1")},
			want: []string{n1 + " same-as server/10.0.0.7:9100, address name 1"}},
		{name: "names of two domains", things: []model.Entity{thing(model.NodeID("c", "n1.a.example"), ""), thing("server/n1.b.example:9100", "")}},
		{name: "a name against addresses", ambiguous: 1, things: []model.Entity{thing(n1, "address=10.0.0.7"), thing("server/n1:9100", "addresses=10.9.0.7")}},
		{name: "a name that two nodes have", ambiguous: 2, things: []model.Entity{thing(n1, ""), thing(model.NodeID("d", "n1"), ""), thing("server/n1:9100", "")}},
		{name: "an address that moves between two servers", ambiguous: 1,
			things: []model.Entity{thing("server/a:9100", "addresses=10.0.0.1,10.0.0.100"), thing("server/b:9100", "addresses=10.0.0.2,10.0.0.100")}},
		{name: "the same address, and a node has it too", ambiguous: 2,
			things: []model.Entity{thing(n1, "address=10.0.0.1"), thing("server/a:9100", "addresses=10.0.0.1,10.0.0.100"), thing("server/b:9100", "addresses=10.0.0.100"), thing("probe/vip", "address=10.0.0.100")},
			want:   []string{n1 + " same-as server/a:9100, address 0.8"}},
		{name: "addresses and MACs that every machine has", things: []model.Entity{
			thing("server/a:9100", "addresses=127.0.0.1,172.17.0.1,169.254.1.1,fe80::1 macs=02:42:aa:bb:cc:dd,ee:ee:ee:ee:ee:ee,00:00:5e:00:01:0a"),
			thing(n1, "address=172.17.0.1 macs=02:42:aa:bb:cc:dd,ee:ee:ee:ee:ee:ee,00:00:5e:00:01:0a"),
			thing("probe/local", "address=127.0.0.1 host=localhost"), thing("server/127.0.0.1:9187", "kind=service exporter=postgres")}},
		{name: "one machine, three sources", things: []model.Entity{
			thing("server/db1:9100", "addresses=10.0.0.5 macs=52:54:00:00:00:05 nodename=db1"), thing("server/db1", "addresses=10.0.0.5,10.1.0.5 macs=52:54:00:00:00:05"), thing("device/db1", "address=10.0.0.5")},
			want: []string{"device/db1 same-as server/db1, address name 1", "device/db1 same-as server/db1:9100, address name 1", "server/db1 same-as server/db1:9100, MAC address name 1"}},
		{name: "two nodes are never one machine", ambiguous: 1, things: []model.Entity{
			thing(n1, "address=10.0.0.7"), thing(n2, "address=10.0.0.8"), thing("server/web:9100", "addresses=10.0.0.7,10.0.0.8")},
			want: []string{n1 + " same-as server/web:9100, address 0.8"}},
		{name: "a service on its server", things: []model.Entity{thing("server/db1:9100", "addresses=10.0.0.5"), thing("server/db1:9187", "kind=service exporter=postgres addresses=10.0.0.5"), thing("server/10.0.0.5:9121", "kind=service exporter=redis")},
			want: []string{"server/10.0.0.5:9121 runs-on server/db1:9100, address 0.8", "server/db1:9187 runs-on server/db1:9100, address name 1"}},
		{name: "services of Kubernetes are left alone", things: []model.Entity{thing(model.ObjectID("c", "shop", model.KindService, "web"), "addresses=10.0.0.5"), thing("server/web:9100", "addresses=10.0.0.5")}},
		{name: "probes", things: []model.Entity{thing("server/web:9100", "addresses=10.0.0.7"), thing("device/sw1", "address=10.0.0.2"), thing(n1, "address=10.0.0.9"),
			thing("probe/ping web", "address=10.0.0.7 host=web"), thing("probe/ping switch", "address=10.0.0.2"), thing("probe/https://web/", "target=https://web/"),
			thing("probe/node", "target=10.0.0.9:10250"), thing("probe/elsewhere", "address=192.0.2.1 host=www.example.com"), thing("probe/name", "prober=dns target=web"), thing("probe/6", "address=[::1]")},
			want: []string{"probe/node probes " + n1 + ", address 0.8", "probe/ping switch probes device/sw1, address 0.8", "probe/ping web probes server/web:9100, address name 1", "probe/https:%2F%2Fweb%2F probes server/web:9100, name 0.6"}},
		{name: "a probe whose name and address are two machines'", ambiguous: 1, things: []model.Entity{
			thing("server/a:9100", "addresses=10.0.0.1"), thing("server/b:9100", "addresses=10.0.0.2"), thing("probe/x", "host=a address=10.0.0.2")}},
		{name: "cables", things: []model.Entity{thing("device/acc1", ""), thing("device/acc2", ""), thing("server/n1:9100", "addresses=10.0.0.7"), thing(n1, "address=10.0.0.7"), thing("server/two:9100", "")},
			cables: []model.Link{cable("device/acc1", "gi1/1", n1, model.OK), cable("device/acc1", "gi2", "server/two:9100", model.OK), cable("device/acc2", "gi2", "server/two:9100", model.OK), cable("device/acc1", "up", "device/acc2", model.OK)},
			want: []string{
				n1 + " same-as server/n1:9100, address name 1",
				n1 + " hangs-on device/acc1, cable 0.5", "server/n1:9100 hangs-on device/acc1, cable 0.5",
				"device/acc1/port/gi1%2F1 leads-to " + n1 + ", cable 0.5", "device/acc1/port/gi1%2F1 leads-to server/n1:9100, cable 0.5",
				"device/acc1/port/gi2 leads-to server/two:9100, cable 0.5", "device/acc2/port/gi2 leads-to server/two:9100, cable 0.5",
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for i := range tt.things { // IDs with "/" in their names
				if name, ok := strings.CutPrefix(tt.things[i].ID, "probe/"); ok {
					tt.things[i].ID, tt.things[i].Kind = model.ProbeID(name), model.KindProbe
				}
			}
			joined := Join(tt.things, tt.cables)
			var got []string
			for _, l := range joined.Links {
				words := make([]string, len(l.Evidence))
				for i, ev := range l.Evidence {
					words[i] = ev.Source
				}
				got = append(got, fmt.Sprintf("%s %s %s, %s %g", l.A, l.Kind, l.B, strings.Join(words, " "), l.Confidence))
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if joined.Ambiguous != tt.ambiguous {
				t.Errorf("%d ambiguous, want %d", joined.Ambiguous, tt.ambiguous)
			}
		})
	}
}

// What is linked depends on what is known alone, not on the order in which it is told.
func TestJoinKeepsNoOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		var things []model.Entity
		for i := range 12 {
			labels := fmt.Sprintf("addresses=10.0.0.%d,10.0.0.%d macs=52:54:00:00:00:0%d", r.IntN(8), r.IntN(8), r.IntN(8))
			id := []string{fmt.Sprintf("server/s%d:9100", i), model.NodeID("c", fmt.Sprint("s", i-1)), fmt.Sprintf("device/d%d", i), fmt.Sprintf("probe/p%d", i)}[r.IntN(4)]
			things = append(things, thing(id, labels+fmt.Sprintf(" address=10.0.0.%d", r.IntN(8))))
		}
		one := Join(things, nil)
		r.Shuffle(len(things), func(i, j int) { things[i], things[j] = things[j], things[i] })
		if diff := cmp.Diff(one, Join(things, nil)); diff != "" {
			t.Fatal(diff)
		}
	}
}

// FuzzJoin: labels come from outside.
func FuzzJoin(f *testing.F) {
	f.Add("server/a:9100", "10.0.0.1 ::1", "aa:bb", "http://[::1", "x")
	f.Add("server/[::1]:9", "256.1.1.1", "", "tcp://a:b:c", "..")
	f.Fuzz(func(t *testing.T, id, addresses, macs, target, name string) {
		things := []model.Entity{
			{ID: id, Kind: model.KindServer, Name: name, Labels: map[string]string{"addresses": addresses, "macs": macs, "nodename": name}},
			{ID: n1, Kind: model.KindNode, Name: name, Labels: map[string]string{"address": addresses, "macs": macs}},
			{ID: "probe/p", Kind: model.KindProbe, Labels: map[string]string{"target": target, "host": name, "address": addresses}},
			{ID: "server/" + name, Kind: model.KindService, Labels: map[string]string{"addresses": addresses}},
		}
		for _, l := range Join(things, []model.Link{{A: id, APort: macs, B: target, BPort: name, Kind: impact.Cable}}).Links {
			if l.A == l.B || l.A == "" || l.B == "" {
				t.Errorf("a link from %q to %q", l.A, l.B)
			}
		}
	})
}

// campus is as large as it gets: 2,000 devices, and 2,000 servers of which 200 are nodes, with a service and
// a probe each. Pods are not looked at.
func campus() (things []model.Entity, cables []model.Link) {
	for i := range 2000 {
		addr := fmt.Sprintf("10.%d.%d.5", i/250, i%250)
		acc := fmt.Sprintf("device/acc%d", i)
		things = append(things, thing(acc, fmt.Sprintf("address=10.%d.%d.1", i/250, i%250)),
			thing(fmt.Sprintf("server/s%d:9100", i), fmt.Sprintf("addresses=%s,10.200.%d.%d macs=52:54:00:00:%02x:%02x nodename=s%d", addr, i/250, i%250, i/250, i%250, i)),
			thing(fmt.Sprintf("server/s%d:9187", i), "kind=service exporter=postgres addresses="+addr), thing(fmt.Sprintf("probe/s%d", i), "address="+addr))
		cables = append(cables, cable(acc, "gi1", fmt.Sprintf("server/s%d:9100", i), model.OK), cable("device/core", fmt.Sprint("p", i), acc, model.OK))
		if i < 200 {
			things = append(things, thing(model.NodeID("c", fmt.Sprint("s", i)), "address="+addr))
		}
	}
	return things, cables
}

func BenchmarkJoinAndJudge(b *testing.B) {
	things, cables := campus()
	things[1].State = model.Stale
	b.ReportAllocs()
	for b.Loop() {
		joined := Join(things, cables)
		if len(joined.Links) < 8200 {
			b.Fatalf("%d links", len(joined.Links))
		}
		Judge(World{Things: things, Cables: cables}, joined)
	}
}
