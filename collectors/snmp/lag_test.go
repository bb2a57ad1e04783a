package snmp

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

// bundle is a switch with four 10 Gbit/s members of Po1 and one port beside them.
func bundle(name, far string) Node {
	n := testNode(name, "c"+name, []string{"m1", "m2", "m3", "m4", "Po1", "x1"})
	lags := map[string]string{}
	for i := range n.Ports {
		n.Ports[i].SpeedBPS = 10e9
	}
	for i := 1; i <= 4; i++ {
		port := fmt.Sprintf("m%d", i)
		lags[port] = "Po1"
		n.Neighbours = append(n.Neighbours, hears(port, "c"+far, far, port))
	}
	n.Around = &Surroundings{Lags: lags}
	return n
}

// unplug takes a port down together with what it heard.
func unplug(n *Node, ports ...string) {
	for _, port := range ports {
		n.port(port).Oper = StatusDown
		for i := range n.Neighbours {
			if n.Neighbours[i].LocalPort == port {
				n.Neighbours = append(n.Neighbours[:i:i], n.Neighbours[i+1:]...)
				break
			}
		}
	}
}

func kinds(links []model.Link, kind string) (out []model.Link) {
	for _, l := range links {
		if l.Kind == kind {
			out = append(out, l)
		}
	}
	return out
}

func TestLagLinks(t *testing.T) {
	all := []string{"m1", "m2", "m3", "m4"}
	for _, tc := range []struct {
		name   string
		change func(a, b *Node)
		state  model.State
		reason string
		speed  float64
		member model.State // of m1's cable
	}{
		{"all up", func(*Node, *Node) {}, model.OK, "", 40e9, model.OK},
		{"one of four cut", func(a, b *Node) { unplug(a, "m1"); unplug(b, "m1") }, model.Warning, "3 of 4 members up, 30 Gbit/s of 40 Gbit/s", 30e9, model.Warning},
		{"one switched off", func(a, b *Node) { unplug(a, "m1"); unplug(b, "m1"); a.port("m1").Admin = StatusDown }, model.Warning, "3 of 4 members up, 30 Gbit/s of 40 Gbit/s", 30e9, model.Warning},
		{"all cut", func(a, b *Node) { unplug(a, all...); unplug(b, all...) }, model.Critical, "down: none of 4 members is up", 0, model.Critical},
		{"one end silent", func(a, _ *Node) { a.Answers = false }, model.OK, "", 40e9, model.OK},
		{"both ends silent", func(a, b *Node) { a.Answers, b.Answers = false, false }, model.Stale, "no end answers", 0, model.Stale},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, b := bundle("a", "b"), bundle("b", "a")
			known, _ := BuildMap([]Node{a, b}, nil, true)
			tc.change(&a, &b)
			links, _ := BuildMap([]Node{a, b}, known, true)
			cables, lags := kinds(links, kindCable), kinds(links, KindLag)
			if len(cables) != 4 || len(lags) != 1 {
				t.Fatalf("%d cables and %d aggregations, want 4 and 1: %v", len(cables), len(lags), links)
			}
			l := lags[0]
			if l.A != "device/a" || l.APort != "Po1" || l.B != "device/b" || l.BPort != "Po1" || l.State != tc.state || l.Reason != tc.reason || l.SpeedBPS != tc.speed {
				t.Errorf("aggregation %+v, want %s %q %v bit/s", l, tc.state, tc.reason, tc.speed)
			}
			if cables[0].State != tc.member {
				t.Errorf("member %s %q, want %s", cables[0].State, cables[0].Reason, tc.member)
			}
			again, _ := BuildMap([]Node{b, a}, links, true)
			if diff := cmp.Diff(links, again); diff != "" {
				t.Errorf("in another round (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLagUnheard holds that a member counts of which nobody ever heard where it leads.
func TestLagUnheard(t *testing.T) {
	a, b := bundle("a", "b"), bundle("b", "a")
	unplug(&a, "m4")
	unplug(&b, "m4")
	links, _ := BuildMap([]Node{a, b}, nil, true)
	lags := kinds(links, KindLag)
	if len(lags) != 1 || lags[0].Reason != "3 of 4 members up, 30 Gbit/s of 40 Gbit/s" {
		t.Errorf("aggregations %+v", lags)
	}
}

// TestLagSplit holds that an aggregate with members to two devices is two links.
func TestLagSplit(t *testing.T) {
	a := bundle("a", "b")
	b, c := testNode("b", "cb", []string{"m1", "m2"}), testNode("c", "cc", []string{"m3", "m4"})
	for i := 2; i < 4; i++ {
		a.Neighbours[i].Chassis, a.Neighbours[i].Name = "cc", "c"
	}
	links, _ := BuildMap([]Node{a, b, c}, nil, true)
	var got []string
	for _, l := range kinds(links, KindLag) {
		got = append(got, fmt.Sprint(l.A, " ", l.APort, " ", l.B, " ", l.BPort, " ", l.State, " ", l.SpeedBPS))
	}
	want := []string{"device/a Po1 device/b  ok 2e+09", "device/a Po1 device/c  ok 2e+09"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// tableOf makes a Table of cells: column, value, index.
func tableOf(cells ...[]uint32) *Table {
	var t Table
	for _, c := range cells {
		t.add(c[0], OID(c[2:]), Value{raw: uint(c[1])})
	}
	t.sort()
	return &t
}

func TestLags(t *testing.T) {
	ports := []Interface{
		{Index: 1, Port: "m1", Type: typeEthernet}, {Index: 2, Port: "m2", Type: typeEthernet, Oper: StatusDown},
		{Index: 3, Port: "m3", Type: typeEthernet}, {Index: 10, Port: "ae0", Type: typeLag}, {Index: 11, Port: "ae1", Type: typeLag},
		{Index: 20, Port: "m1.0", Type: 53},
	}
	none := tableOf()
	for _, tc := range []struct {
		name             string
		agg, pagp, stack *Table
		want             map[string]string
	}{
		{"nothing", none, none, none, map[string]string{}},
		{"attached", tableOf([]uint32{aggAttached, 10, 1}, []uint32{aggSelected, 11, 1}), none, none, map[string]string{"m1": "ae0"}},
		{"selected, as it is down", tableOf([]uint32{aggAttached, 0, 2}, []uint32{aggSelected, 10, 2}), none, none, map[string]string{"m2": "ae0"}},
		{"on its own", tableOf([]uint32{aggAttached, 3, 3}, []uint32{aggSelected, 999, 3}), none, none, map[string]string{}},
		{"channel of Cisco", none, tableOf([]uint32{pagpGroupIfIndex, 11, 3}, []uint32{pagpGroupIfIndex, 1, 1}), none, map[string]string{"m3": "ae1"}},
		{"stacked", none, none, tableOf([]uint32{ifStackStatus, 1, 10, 3}, []uint32{ifStackStatus, 1, 0, 10}, []uint32{ifStackStatus, 1, 3, 0}), map[string]string{"m3": "ae0"}},
		{"stacked with a unit between", none, none, tableOf([]uint32{ifStackStatus, 1, 10, 20}, []uint32{ifStackStatus, 1, 20, 1}), map[string]string{"m1": "ae0"}},
		{"stacked in a circle", none, none, tableOf([]uint32{ifStackStatus, 1, 10, 20}, []uint32{ifStackStatus, 1, 20, 20}), map[string]string{}},
		{"aggregation of aggregations", tableOf([]uint32{aggAttached, 10, 1}, []uint32{aggAttached, 11, 10}), none, none, map[string]string{"ae0": "ae1"}},
	} {
		if diff := cmp.Diff(tc.want, lags(tc.agg, tc.pagp, tc.stack, ports)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	now := map[string]string{"m1": "ae0"}
	keepLags(now, map[string]string{"m2": "ae0", "m3": "ae0"}, []Interface{{Port: "m1", Oper: StatusUp}, {Port: "m2", Oper: StatusDown}, {Port: "m3", Oper: StatusUp}})
	if diff := cmp.Diff(map[string]string{"m1": "ae0", "m2": "ae0"}, now); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}
