package snmp

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

// TestOutages holds that a silent device is called down only where the other ends of all its cables say so, and that
// those behind it are not.
func TestOutages(t *testing.T) {
	cable := func(a, b string, state model.State) model.Link {
		return model.Link{A: "device/" + a, APort: "to-" + b, B: "device/" + b, BPort: "to-" + a, Kind: kindCable, State: state}
	}
	const down = model.Critical
	for _, tc := range []struct {
		name    string
		answers string // one letter a device; all others are silent
		devices string
		links   []model.Link
		want    []string
	}{
		{"all answer", "ab", "ab", []model.Link{cable("a", "b", down)}, nil},
		{"silent, and its cable is up", "a", "ab", []model.Link{cable("a", "b", model.OK)}, nil},
		{"silent, without a known cable", "a", "ab", nil, nil},
		{"dead, on one cable", "a", "ab", []model.Link{cable("a", "b", down)}, []string{"b critical down or cut off: no answer, and no link on its cable"}},
		{
			"dead, with others behind it", "ab", "abcde",
			[]model.Link{cable("a", "c", down), cable("b", "c", down), cable("c", "d", model.Stale), cable("d", "e", model.Stale)},
			[]string{"c critical down or cut off: no answer, and no link on any of its 2 cables", "d unknown behind c, down or cut off", "e unknown behind c, down or cut off"},
		},
		{"one of two cables is up", "ab", "abc", []model.Link{cable("a", "c", down), cable("b", "c", model.OK)}, nil},
		{
			"what is behind it has another way that is up", "ab", "abcd",
			[]model.Link{cable("a", "c", down), cable("c", "d", model.Stale), cable("b", "d", model.OK)}, nil,
		},
		{
			"two are dead, one is behind both", "a", "abcd",
			[]model.Link{cable("a", "b", down), cable("a", "c", down), cable("b", "d", model.Stale), cable("c", "d", model.Stale)},
			[]string{
				"b critical down or cut off: no answer, and no link on its cable", "c critical down or cut off: no answer, and no link on its cable",
				"d unknown behind b, c, down or cut off",
			},
		},
		{"nobody answers", "", "abc", []model.Link{cable("a", "b", model.Stale), cable("b", "c", model.Stale)}, nil},
		{"an adjacency is no cable", "a", "ab", []model.Link{{A: "device/a", B: "device/b", Kind: KindOSPF, State: down}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var nodes []Node
			for _, name := range tc.devices {
				node := testNode(string(name), "c"+string(name), nil)
				node.Answers = false
				for _, a := range tc.answers {
					node.Answers = node.Answers || a == name
				}
				nodes = append(nodes, node)
			}
			var got []string
			for _, o := range newDirectory(nodes).outages(tc.links) {
				e := o.entity()
				got = append(got, fmt.Sprintf("%s %s %s", e.Name, e.State, e.Reason))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("outages (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOutageSamples holds what alerts are made of.
func TestOutageSamples(t *testing.T) {
	node := testNode("d", "cd", nil)
	for _, tc := range []struct {
		out  outage
		want string
	}{
		{outage{node: &node, cables: 2}, `{__name__="nocturne_device_down", behind="", device="d", source="campus", target="10.0.0.4:161"} 2`},
		{outage{node: &node, behind: []string{"b", "c"}}, `{__name__="nocturne_device_behind", behind="b", device="d", source="campus", target="10.0.0.4:161"} 1`},
	} {
		s := tc.out.sample("campus", "10.0.0.4:161", 0)
		if got := fmt.Sprintf("%s %g", s.Labels, s.V); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}

// TestKnownPorts holds what becomes of ports of which a round read only a part.
func TestKnownPorts(t *testing.T) {
	before := []Interface{
		{Index: 1, Descr: "GigabitEthernet0/1", Port: "Gi0/1", Name: "Gi0/1", Oper: StatusUp, Counters: []Counter{{Name: "ifInOctets"}}},
		{Index: 2, Descr: "GigabitEthernet0/2", Port: "Gi0/2", Name: "Gi0/2", Oper: StatusUp},
	}
	half := []Interface{
		{Index: 1, Descr: "GigabitEthernet0/1", Port: "GigabitEthernet0/1", Oper: StatusDown},
		{Index: 3, Descr: "GigabitEthernet0/3", Port: "GigabitEthernet0/3", Oper: StatusUp},
	}
	show := func(list []Interface) (out []string) {
		for _, p := range list {
			out = append(out, fmt.Sprintf("%d %s %s unread=%v counters=%d", p.Index, p.Port, p.Oper, p.unread, len(p.Counters)))
		}
		return out
	}
	for _, tc := range []struct {
		whole bool
		want  []string
	}{
		{false, []string{"1 Gi0/1 down unread=false counters=0", "2 Gi0/2 up unread=true counters=0"}},
		{true, []string{
			"1 GigabitEthernet0/1 down unread=false counters=0", "3 GigabitEthernet0/3 up unread=false counters=0", "2 Gi0/2 up unread=true counters=0",
		}},
	} {
		if diff := cmp.Diff(tc.want, show(knownPorts(half, before, tc.whole))); diff != "" {
			t.Errorf("whole %v (-want +got):\n%s", tc.whole, diff)
		}
	}
}
