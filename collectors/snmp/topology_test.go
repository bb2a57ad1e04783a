package snmp

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

// device makes a Node with ports that are up.
func testNode(name, chassis string, ports []string, heard ...Neighbour) Node {
	n := Node{Device: name, Names: []string{name}, Chassis: chassis, Neighbours: heard, Answers: true}
	for i, p := range ports {
		n.Ports = append(n.Ports, Interface{Index: uint32(i + 1), Port: p, Name: p, Admin: StatusUp, Oper: StatusUp, SpeedBPS: 1e9})
	}
	return n
}

func hears(local, chassis, name, port string) Neighbour {
	return Neighbour{Protocol: "LLDP", LocalPort: local, Chassis: chassis, Name: name, Port: PortID{Subtype: portName, ID: port}}
}

func TestBuildMap(t *testing.T) {
	two := []string{"p1", "p2"}
	for _, tc := range []struct {
		name  string
		nodes []Node
		want  []string // "A port B port confidence"
		stubs int
	}{
		{
			"both ends agree",
			[]Node{testNode("a", "ca", two, hears("p1", "cb", "b", "p2")), testNode("b", "cb", two, hears("p2", "ca", "a", "p1"))},
			[]string{"device/a p1 device/b p2 1"}, 0,
		},
		{
			"parallel cables stay apart",
			[]Node{
				testNode("a", "ca", two, hears("p1", "cb", "b", "p1"), hears("p2", "cb", "b", "p2")),
				testNode("b", "cb", two, hears("p1", "ca", "a", "p1"), hears("p2", "ca", "a", "p2")),
			},
			[]string{"device/a p1 device/b p1 1", "device/a p2 device/b p2 1"}, 0,
		},
		{
			"one way",
			[]Node{testNode("a", "ca", two, hears("p1", "cb", "b", "p2")), testNode("b", "cb", two)},
			[]string{"device/a p1 device/b p2 0.6"}, 0,
		},
		{
			"far port named by the other end's row",
			[]Node{testNode("a", "ca", two, hears("p1", "cb", "b", "slot 3")), testNode("b", "cb", two, hears("p2", "ca", "a", "p1"))},
			[]string{"device/a p1 device/b p2 1"}, 0,
		},
		{
			"both ports named strangely, one cable",
			[]Node{testNode("a", "ca", two, hears("p1", "cb", "b", "x")), testNode("b", "cb", two, hears("p2", "ca", "a", "y"))},
			[]string{"device/a p1 device/b p2 1"}, 0,
		},
		{
			"shared chassis ID told apart by name",
			[]Node{
				testNode("a", "ca", two, hears("p1", "same", "b", "p1"), hears("p2", "same", "c", "p1")),
				testNode("b", "same", two, hears("p1", "ca", "a", "p1")), testNode("c", "same", two, hears("p1", "ca", "a", "p2")),
			},
			[]string{"device/a p1 device/b p1 1", "device/a p2 device/c p1 1"}, 0,
		},
		{
			"shared chassis ID of a device that is not polled",
			[]Node{testNode("a", "ca", two, hears("p1", "same", "c", "p1")), testNode("b", "same", two)},
			[]string{"device/a p1 stub/same p1 0.6"}, 1,
		},
		{
			"same host name in two domains",
			[]Node{testNode("a", "ca", two, hears("p1", "", "sw.north.example", "p1")), testNode("sw.south.example", "cb", two)},
			[]string{"device/a p1 stub/sw.north.example p1 0.6"}, 1,
		},
		{
			"host name with and without its domain",
			[]Node{testNode("a", "ca", two, hears("p1", "", "sw.north.example", "p1")), testNode("sw", "cb", two)},
			[]string{"device/a p1 device/sw p1 0.6"}, 0,
		},
		{
			"two devices of one name link nothing",
			[]Node{testNode("a", "ca", two, hears("p1", "", "sw", "p1")), func() Node {
				n := testNode("sw", "cb", two)
				return n
			}(), func() Node {
				n := testNode("sw (2)", "cc", two)
				n.Names = []string{"sw"}
				return n
			}()},
			[]string{"device/a p1 stub/sw p1 0.6"}, 1,
		},
		{
			"a port that hears itself",
			[]Node{testNode("a", "ca", two, hears("p1", "ca", "a", "p2"))},
			nil, 0,
		},
		{
			"one stub heard by two",
			[]Node{testNode("a", "ca", two, hears("p1", "cx", "x", "1")), testNode("b", "cb", two, hears("p1", "cx", "x", "2"))},
			[]string{"device/a p1 stub/cx 1 0.6", "device/b p1 stub/cx 2 0.6"}, 1,
		},
		{
			"LLDP and CDP tell of one cable",
			[]Node{
				testNode("a", "ca", two, hears("p1", "cb", "b", "p2"), Neighbour{Protocol: "CDP", LocalPort: "p1", Name: "b", Port: PortID{ID: "p2"}}),
				testNode("b", "cb", two, Neighbour{Protocol: "CDP", LocalPort: "p2", Name: "a", Port: PortID{ID: "p1"}}),
			},
			[]string{"device/a p1 device/b p2 1"}, 0,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			links, stubs := BuildMap(tc.nodes, nil, true)
			if diff := cmp.Diff(tc.want, describe(links)); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
			if len(stubs) != tc.stubs {
				t.Errorf("stubs %v, want %d", stubs, tc.stubs)
			}
			// The order of the devices, and a second round, change nothing.
			shuffled := slices.Clone(tc.nodes)
			rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			again, stubsAgain := BuildMap(shuffled, links, true)
			if !reflect.DeepEqual(links, again) || !reflect.DeepEqual(stubs, stubsAgain) {
				t.Errorf("again:\n%s", cmp.Diff(links, again))
			}
		})
	}
}

func describe(links []model.Link) []string {
	var out []string
	for _, l := range links {
		confidence := "0.6"
		if l.Confidence == 1 {
			confidence = "1"
		}
		out = append(out, l.A+" "+l.APort+" "+l.B+" "+l.BPort+" "+confidence)
	}
	return out
}

// TestLinkState walks the pairs of what two ends can say.
func TestLinkState(t *testing.T) {
	up := Interface{Port: "p1", Name: "p1", Admin: StatusUp, Oper: StatusUp}
	down, off, unsure := up, up, up
	down.Oper, off.Admin, off.Oper, unsure.Oper = StatusLowerLayerDown, StatusDown, StatusDown, StatusUnknown
	silent := Interface{}
	for _, tc := range []struct {
		name   string
		a, b   Interface
		state  model.State
		reason string
	}{
		{"both up", up, up, model.OK, ""},
		{"both down", down, down, model.Critical, "down, seen by both ends"},
		{"one down", up, down, model.Critical, "down, seen by b"},
		{"one down, the other silent", down, silent, model.Critical, "down, seen by a"},
		{"one silent", silent, up, model.OK, "up, seen by b alone"},
		{"both silent", silent, silent, model.Stale, "no end answers"},
		{"one switched off", off, down, model.Critical, "down, seen by both ends; p1 of a is switched off"},
		{"one switched off, the other silent", off, silent, model.Warning, "p1 of a is switched off"},
		{"both switched off", off, off, model.OK, "switched off at both ends"},
		{"one unsure", unsure, silent, model.Unknown, "the port of a does not say whether it is up"},
	} {
		node := func(name string, p Interface) Node {
			return Node{Device: name, Ports: []Interface{p}, Answers: p.Port != ""}
		}
		known := []model.Link{{A: "device/a", APort: "p1", B: "device/b", BPort: "p1", Kind: "ethernet", State: model.OK, Confidence: 1}}
		links, _ := BuildMap([]Node{node("a", tc.a), node("b", tc.b)}, known, true)
		if len(links) != 1 || links[0].State != tc.state || links[0].Reason != tc.reason {
			t.Errorf("%s: %+v, want %s %q", tc.name, links, tc.state, tc.reason)
		}
	}
}
