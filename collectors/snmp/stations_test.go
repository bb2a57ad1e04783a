package snmp

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

func mac(n int) string { return fmt.Sprintf("00:1b:21:00:%02x:%02x", n>>8, n&255) }

func macs(from, to int) (list []string) {
	for n := from; n <= to; n++ {
		list = append(list, mac(n))
	}
	return list
}

// bridging makes a switch of a node. The MAC of its bridge ends with id.
func bridging(n Node, id int, stations map[string][]string) Node {
	b := Bridge{Address: fmt.Sprintf("00:1b:0d:00:00:%02x", id), Stations: stations, Counts: map[string]int{}, Ports: map[uint32]string{}}
	for port, list := range stations {
		b.Counts[port] = len(list)
	}
	for _, p := range n.Ports {
		b.Ports[p.Index] = p.Port
	}
	n.Around = &Surroundings{Bridge: b}
	return n
}

// TestStations builds maps of what tables of forwarding and ARP say.
func TestStations(t *testing.T) {
	two := []string{"p1", "p2", "p3"}
	addr := netip.MustParseAddr("192.0.2.10")
	server := Host{ID: "server/web", Names: []string{"web"}, Addresses: []netip.Addr{addr}}
	node := Host{ID: "kube/prod/node/n1", Names: []string{"n1"}, MACs: []string{mac(7)}}
	arp := func(name string, entries ...ARPEntry) Node {
		n := testNode(name, "c"+name, two)
		n.Around = &Surroundings{ARP: entries}
		return n
	}
	ups := func() Node {
		n := testNode("ups", "", []string{"eth0"})
		n.Ports[0].MAC = mac(9)
		return n
	}
	spanning := func(n Node, port, bridge string, number uint32) Node {
		n.Around.Bridge.Spanning = append(n.Around.Bridge.Spanning, Designated{port, bridge, number})
		return n
	}
	for _, tc := range []struct {
		name  string
		nodes []Node
		hosts []Host
		want  []string // "A port B port confidence: evidence"
		stubs []string
	}{
		{
			name: "a server by its address",
			nodes: []Node{
				bridging(testNode("a", "ca", two), 1, map[string][]string{"p1": {mac(1)}, "p2": {mac(2)}}),
				arp("r", ARPEntry{Addr: addr, MAC: mac(2)}),
			},
			hosts: []Host{server},
			want:  []string{"device/a p2 server/web  0.5: ARP device/r, FDB device/a"},
		},
		{
			name:  "a node by its MAC, beside virtual machines",
			nodes: []Node{bridging(testNode("a", "ca", two), 1, map[string][]string{"p1": {mac(7), "52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:03"}})},
			hosts: []Host{node},
			want:  []string{"device/a p1 kube/prod/node/n1  0.5: FDB device/a"},
		},
		{
			name: "two tables of ARP disagree",
			nodes: []Node{
				bridging(testNode("a", "ca", two), 1, map[string][]string{"p1": {mac(1)}, "p2": {mac(2)}}),
				arp("r", ARPEntry{Addr: addr, MAC: mac(2)}), arp("s", ARPEntry{Addr: addr, MAC: mac(1)}),
			},
			hosts: []Host{server},
		},
		{
			name: "the uplink and the access port",
			nodes: []Node{
				bridging(testNode("core", "cc", two), 1, map[string][]string{"p1": {mac(7), mac(11), "00:1b:0d:00:00:02"}}),
				bridging(testNode("acc", "cd", two), 2, map[string][]string{"p3": {mac(7)}, "p1": {mac(11)}}),
			},
			hosts: []Host{node},
			want:  []string{"device/acc p3 kube/prod/node/n1  0.5: FDB device/acc"},
		},
		{
			name: "the uplink of a switch that is not heard itself",
			nodes: []Node{
				bridging(testNode("core", "cc", two), 1, map[string][]string{"p1": {mac(7), mac(11)}}),
				bridging(testNode("acc", "cd", two), 2, map[string][]string{"p3": {mac(7)}}),
			},
			hosts: []Host{node},
			want:  []string{"device/acc p3 kube/prod/node/n1  0.5: FDB device/acc"},
		},
		{
			name: "as sure here as there",
			nodes: []Node{
				bridging(testNode("core", "cc", two), 1, map[string][]string{"p1": {mac(7)}}),
				bridging(testNode("acc", "cd", two), 2, map[string][]string{"p3": {mac(7)}}),
			},
			hosts: []Host{node},
		},
		{
			name: "LLDP tells of the port",
			nodes: []Node{
				bridging(testNode("a", "ca", two, hears("p1", "cx", "x", "1")), 1, map[string][]string{"p1": append(macs(20, 25), mac(7))}),
			},
			hosts: []Host{node},
			want:  []string{"device/a p1 stub/cx 1 0.6: LLDP device/a"},
			stubs: []string{"x"},
		},
		{
			name:  "a server that speaks LLDP",
			nodes: []Node{testNode("a", "ca", two, hears("p1", "00:1b:21:aa:aa:aa", "web.example.com", "eno1"))},
			hosts: []Host{server},
			want:  []string{"device/a p1 server/web eno1 0.6: LLDP device/a"},
		},
		{
			name:  "a polled device that is no bridge",
			nodes: []Node{bridging(testNode("a", "ca", two), 1, map[string][]string{"p2": {mac(9)}}), ups()},
			want:  []string{"device/a p2 device/ups eth0 0.5: FDB device/a"},
		},
		{
			name:  "a polled device behind something unknown",
			nodes: []Node{bridging(testNode("a", "ca", two), 1, map[string][]string{"p2": {mac(9), mac(30)}}), ups()},
		},
		{
			name:  "an unmanaged switch, likely",
			nodes: []Node{bridging(testNode("a", "ca", two), 1, map[string][]string{"p2": macs(1, 4)})},
			want:  []string{"device/a p2 stub/unmanaged a p2  0.3: FDB device/a"},
			stubs: []string{"unmanaged switch?"},
		},
		{
			name:  "a telephone and a computer, and a host of virtual machines",
			nodes: []Node{bridging(testNode("a", "ca", two), 1, map[string][]string{"p1": macs(1, 2), "p2": {"52:54:00:00:00:01", "52:54:00:00:00:02", "00:50:56:00:00:03", mac(3)}})},
		},
		{
			name: "only the spanning tree tells of the cable",
			nodes: []Node{
				bridging(testNode("a", "ca", two), 1, nil),
				spanning(bridging(testNode("b", "cb", two), 2, nil), "p2", "00:1b:0d:00:00:01", 3),
			},
			want: []string{"device/a p3 device/b p2 0.5: STP device/b"},
		},
		{
			name: "LLDP is one-way, the spanning tree agrees",
			nodes: []Node{
				bridging(testNode("a", "ca", two, hears("p3", "cb", "b", "p2")), 1, nil),
				spanning(bridging(testNode("b", "cb", two), 2, nil), "p2", "00:1b:0d:00:00:01", 3),
			},
			want: []string{"device/a p3 device/b p2 0.6: LLDP device/a"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			draw := func(nodes []Node, hosts []Host, known []model.Link) drawing {
				return drawMap(nodes, hosts, findStations(nodes, hosts), known, true)
			}
			first := draw(tc.nodes, tc.hosts, nil)
			var got, stubs []string
			for _, l := range first.links {
				line := fmt.Sprintf("%s %s %s %s %v:", l.A, l.APort, l.B, l.BPort, l.Confidence)
				for i, v := range l.Evidence {
					if line += " " + v.Source + " " + v.Observer; i < len(l.Evidence)-1 {
						line += ","
					}
				}
				got = append(got, line)
			}
			for _, s := range first.stubs {
				stubs = append(stubs, s.Name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.stubs, stubs); diff != "" {
				t.Errorf("stubs (-want +got):\n%s", diff)
			}
			nodes, hosts := slices.Clone(tc.nodes), slices.Clone(tc.hosts)
			rand.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
			rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
			again := draw(nodes, hosts, first.links)
			if diff := cmp.Diff(first.links, again.links); diff != "" {
				t.Errorf("in another order and round (-want +got):\n%s", diff)
			}
		})
	}
}

// TestStationMoves holds what becomes of a link when its host moves, and of a guess when its port goes down.
func TestStationMoves(t *testing.T) {
	ports := []string{"p1", "p2"}
	host := []Host{{ID: "server/web", MACs: []string{mac(7)}}}
	draw := func(known []model.Link, stations map[string][]string, change func(*Node)) []model.Link {
		n := bridging(testNode("a", "ca", ports), 1, stations)
		change(&n)
		return drawMap([]Node{n}, host, findStations([]Node{n}, host), known, true).links
	}
	as := func(*Node) {}
	known := draw(nil, map[string][]string{"p1": {mac(7)}, "p2": macs(20, 24)}, as)
	if len(known) != 2 {
		t.Fatalf("links %v, want the server's and the guess", known)
	}
	quiet := draw(known, nil, as)
	if diff := cmp.Diff(describe(known), describe(quiet)); diff != "" {
		t.Errorf("nobody sent for a while (-want +got):\n%s", diff)
	}
	moved := draw(known, map[string][]string{"p2": {mac(7)}}, as)
	if i := slices.IndexFunc(moved, func(l model.Link) bool { return l.B == "server/web" && l.APort == "p1" }); i >= 0 {
		t.Errorf("the server is still where it was: %v", moved)
	}
	cut := draw(known, nil, func(n *Node) { n.port("p1").Oper, n.port("p2").Oper = StatusDown, StatusDown })
	if len(cut) != 1 || cut[0].B != "server/web" || cut[0].State != model.Critical {
		t.Errorf("links %+v, want the server's, which is down, and no guess", cut)
	}
}

// TestAnyOrder makes networks at random and holds that the order of devices changes nothing.
func TestAnyOrder(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		var nodes []Node
		var hosts []Host
		size := 2 + r.IntN(6)
		for i := range size {
			var heard []Neighbour
			for p := 1; p <= 4; p++ {
				far := r.IntN(size + 2)
				if r.IntN(2) == 0 && far != i {
					heard = append(heard, hears(fmt.Sprintf("p%d", p), fmt.Sprintf("c%d", far), fmt.Sprintf("n%d", far), fmt.Sprintf("p%d", 1+r.IntN(5))))
				}
			}
			n := testNode(fmt.Sprintf("n%d", i), fmt.Sprintf("c%d", i), []string{"p1", "p2", "p3", "p4", "Po1"}, heard...)
			stations := map[string][]string{}
			for p := 1; p <= 4; p++ {
				from := r.IntN(40)
				stations[fmt.Sprintf("p%d", p)] = macs(from, from+r.IntN(5))
			}
			n = bridging(n, i, stations)
			n.Around.Lags = map[string]string{"p1": "Po1", "p2": "Po1"}
			n.Around.Addresses = []PortAddress{{netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 24), "p3"}}
			for range r.IntN(3) {
				n.Around.Adjacencies = append(n.Around.Adjacencies, Adjacency{
					Kind: []string{KindOSPF, KindBGP}[r.IntN(2)], Port: "p3", Addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + r.IntN(size))}),
					State: []model.State{model.OK, model.Warning, model.Critical}[r.IntN(3)], Text: fmt.Sprint(r.IntN(3)),
				})
			}
			n.Answers = r.IntN(5) > 0
			nodes = append(nodes, n)
			hosts = append(hosts, Host{ID: fmt.Sprintf("server/h%d", i), MACs: []string{mac(r.IntN(40))}})
		}
		draw := func(known []model.Link) []model.Link {
			return drawMap(nodes, hosts, findStations(nodes, hosts), known, true).links
		}
		want := draw(nil)
		r.Shuffle(size, func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
		r.Shuffle(size, func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
		if diff := cmp.Diff(want, draw(nil)); diff != "" {
			t.Errorf("seed %d, in another order (-want +got):\n%s", seed, diff)
		}
		second := draw(want)
		if diff := cmp.Diff(second, draw(second)); diff != "" {
			t.Errorf("seed %d, in another round (-want +got):\n%s", seed, diff)
		}
	}
}

func TestHostsOf(t *testing.T) {
	got := HostsOf([]model.Entity{
		{ID: "server/10.0.0.5:9100", Kind: model.KindServer, Name: "10.0.0.5:9100", Labels: map[string]string{"nodename": "Web"}},
		{ID: "server/db", Kind: model.KindServer, Name: "db:9100", Labels: map[string]string{"addresses": "192.0.2.1 127.0.0.1 x", "macs": "00-1B-21-00-00-01 y"}},
		{ID: "kube/c/node/n", Kind: model.KindNode, Name: "n", Labels: map[string]string{"address": "192.0.2.9"}},
		{ID: "device/d", Kind: model.KindDevice, Name: "d"},
	})
	want := []Host{
		{ID: "server/10.0.0.5:9100", Names: []string{"web"}, Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.5")}},
		{ID: "server/db", Names: []string{"db"}, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, MACs: []string{mac(1)}},
		{ID: "kube/c/node/n", Names: []string{"n"}, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.9")}},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// campusNodes are a star of switches with 48 ports of two stations each, and a router that knows all of them.
func campusNodes(switches int) ([]Node, []Host) {
	var nodes []Node
	var hosts []Host
	router := testNode("router", "cr", []string{"p1"})
	router.Around = &Surroundings{}
	for i := range switches {
		var ports []string
		stations := map[string][]string{}
		for p := range 48 {
			port, n := fmt.Sprintf("p%d", p), 2*(48*i+p)
			ports, stations[port] = append(ports, port), macs(n, n+1)
			addr := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), byte(p + 1)})
			router.Around.ARP = append(router.Around.ARP, ARPEntry{Addr: addr, MAC: mac(n)})
			if p == 0 {
				hosts = append(hosts, Host{ID: fmt.Sprintf("server/h%d", i), Addresses: []netip.Addr{addr}})
			}
		}
		name := fmt.Sprintf("s%d", i)
		nodes = append(nodes, bridging(testNode(name, "c"+name, ports, hears("p47", "cr", "router", "x")), i, stations))
	}
	return append(nodes, router), hosts
}

// BenchmarkStations is what a map of 400 switches costs, and what finding 400 servers on 19,200 ports does.
func BenchmarkStations(b *testing.B) {
	nodes, hosts := campusNodes(400)
	view := findStations(nodes, hosts)
	if len(view.places) != 400 {
		b.Fatalf("%d servers found, want 400", len(view.places))
	}
	b.Run("find", func(b *testing.B) {
		for b.Loop() {
			findStations(nodes, hosts)
		}
	})
	b.Run("draw", func(b *testing.B) {
		known := drawMap(nodes, hosts, view, nil, true).links
		for b.Loop() {
			drawMap(nodes, hosts, view, known, true)
		}
	})
}

// TestCableOfADeadServer: a server tells of its cable by LLDP; when it is dead, what the switch's own table remembers of
// it is that cable, not a second one.
func TestCableOfADeadServer(t *testing.T) {
	server := Host{ID: "server/web", Names: []string{"web"}, MACs: []string{mac(2)}}
	sw := bridging(testNode("a", "ca", []string{"p1", "p2"}), 1, map[string][]string{"p1": {mac(2)}})
	told := sw
	told.Neighbours = []Neighbour{{Protocol: "LLDP", LocalPort: "p1", Name: "web", Chassis: mac(2), Port: PortID{Subtype: portName, ID: "eth0"}}}
	draw := func(n Node, known []model.Link) []model.Link {
		return drawMap([]Node{n}, []Host{server}, findStations([]Node{n}, []Host{server}), known, true).links
	}
	alive := draw(told, nil)
	if len(alive) != 1 || alive[0].BPort != "eth0" {
		t.Fatalf("alive: %+v", alive)
	}
	dead := draw(sw, alive)
	if len(dead) != 1 || dead[0].Key() != alive[0].Key() {
		t.Errorf("dead: %+v\nwant the one cable %+v", dead, alive)
	}
	if again := draw(sw, nil); len(again) != 1 || again[0].BPort != "" {
		t.Errorf("never told by LLDP: %+v", again)
	}
}
