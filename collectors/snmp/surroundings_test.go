package snmp_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
	"github.com/nocturne-noc/nocturne/store/model"
)

func sets(t *testing.T, rec *snmptest.Recording, objects ...[3]string) {
	t.Helper()
	for _, o := range objects {
		if err := rec.Set(o[0], o[1], o[2]); err != nil {
			t.Fatal(err)
		}
	}
}

// bridgePorts makes the ports of a recorded device those of a bridge; base port n+100 is ifIndex n.
func bridgePorts(t *testing.T, rec *snmptest.Recording, ports int) {
	t.Helper()
	sets(t, rec, [3]string{"1.3.6.1.2.1.17.1.1.0", "4x", "001b0d000001"})
	for i := 1; i <= ports; i++ {
		sets(t, rec, [3]string{fmt.Sprintf("1.3.6.1.2.1.17.1.4.1.2.%d", 100+i), "2", fmt.Sprint(i)})
	}
}

// learned adds a station to dot1qTpFdbTable.
func learned(t *testing.T, rec *snmptest.Recording, vlan, station, port int) {
	t.Helper()
	sets(t, rec, [3]string{fmt.Sprintf("1.3.6.1.2.1.17.7.1.2.2.1.2.%d.0.27.33.0.0.%d", vlan, station), "2", fmt.Sprint(port)})
}

// TestSurroundings reads a switch's tables over UDP and holds what its ports show of them.
func TestSurroundings(t *testing.T) {
	rec := made(t, "sw1", 6)
	bridgePorts(t, rec, 6)
	for station := 1; station <= 5; station++ {
		learned(t, rec, 10, station, 101)
		learned(t, rec, 20, station, 101) // the same in another VLAN
	}
	for station := 10; station < 60; station++ {
		learned(t, rec, 10, station, 102)
	}
	learned(t, rec, 10, 70, 103)
	sets(t, rec,
		[3]string{"1.3.6.1.2.1.17.7.1.4.5.1.1.103", "66", "30"},
		[3]string{"1.3.6.1.2.1.17.2.15.1.3.103", "2", "2"},
		[3]string{"1.2.840.10006.300.43.1.2.1.1.13.4", "2", "6"}, [3]string{"1.2.840.10006.300.43.1.2.1.1.13.5", "2", "6"})
	agent := serve(t, rec, snmptest.Behaviour{})
	scope := agent.Target().String()
	b := newBench(t, snmp.Config{Targets: []string{scope}}, nil)
	b.well()
	b.well()
	show := func(port string) string {
		e := b.entity(scope, "device/sw1/port/"+port)
		return fmt.Sprintf("%s lag %q vlan %q stp %q stations %q", port, e.Labels["lag"], e.Labels["vlan"], e.Labels["stp"], e.Labels["stations"])
	}
	var got []string
	for i := 1; i <= 6; i++ {
		got = append(got, show(fmt.Sprintf("p%d", i)))
	}
	want := []string{
		`p1 lag "" vlan "" stp "" stations "5"`, `p2 lag "" vlan "" stp "" stations "50"`, `p3 lag "" vlan "30" stp "blocking" stations "1"`,
		`p4 lag "p6" vlan "" stp "" stations ""`, `p5 lag "p6" vlan "" stp "" stations ""`, `p6 lag "" vlan "" stp "" stations ""`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
	links := b.batches["topology"].Links
	if len(links) != 1 || links[0].APort != "p1" || links[0].B != "stub/unmanaged sw1 p1" || links[0].Confidence >= 0.5 {
		t.Errorf("links %v, want a guess behind p1 alone", links)
	}
	if e := b.entity(scope, "device/sw1"); e.State != model.OK {
		t.Errorf("device %s %q", e.State, e.Reason)
	}

	before := agent.Requests()
	b.well()
	quiet := agent.Requests() - before
	b.now = b.now.Add(6 * time.Minute)
	before = agent.Requests()
	b.well()
	if again := agent.Requests() - before; again <= quiet {
		t.Errorf("%d requests after six minutes, %d in a round before: the tables were not read again", again, quiet)
	}
}

// TestForwardingBound holds that a table without end is cut off, and said to be.
func TestForwardingBound(t *testing.T) {
	if testing.Short() {
		t.Skip("50,000 rows over UDP")
	}
	var text strings.Builder
	text.WriteString("1.3.6.1.2.1.1.5.0|4|sw1\n1.3.6.1.2.1.2.2.1.2.1|4|p1\n1.3.6.1.2.1.17.1.4.1.2.101|2|1\n")
	for i := range 50_100 {
		fmt.Fprintf(&text, "1.3.6.1.2.1.17.7.1.2.2.1.2.1.0.27.33.%d.%d.%d|2|101\n", i>>16, i>>8&255, i&255)
	}
	rec, err := snmptest.Parse(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	agent := serve(t, rec, snmptest.Behaviour{})
	b := newBench(t, snmp.Config{Targets: []string{agent.Target().String()}}, nil)
	b.well()
	b.well()
	e := b.entity(agent.Target().String(), "device/sw1")
	if e.State != model.Warning || !strings.Contains(e.Reason, "more than 50000 rows") {
		t.Errorf("device %s %q", e.State, e.Reason)
	}
}

// TestAdjacencies holds what the routers of a recorded network say of each other, and that it is no cable.
func TestAdjacencies(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recordings(t, "networks", "nms17216"), "router*.snmprec"))
	if err != nil {
		t.Fatal(err)
	}
	var c snmp.Config
	var agents []*snmptest.Agent
	for _, file := range files {
		agents = append(agents, serve(t, load(t, file), snmptest.Behaviour{}))
		c.Targets = append(c.Targets, agents[len(agents)-1].Target().String())
	}
	b := newBench(t, c, nil)
	b.well()
	b.well()
	b.well()
	ospf := func() (out []string) {
		for _, l := range b.batches["topology"].Links {
			if l.Kind == snmp.KindOSPF {
				out = append(out, fmt.Sprintf("%s %s -- %s %s %s %v %s", l.A, l.APort, l.B, l.BPort, l.State, l.Confidence, l.Reason))
			}
		}
		return out
	}
	before := ospf()
	if len(before) == 0 || slices.ContainsFunc(before, func(s string) bool { return !strings.HasSuffix(s, "ok 1 ") }) {
		t.Fatalf("adjacencies %q, want some that both ends call full", before)
	}
	for _, s := range b.batches["topology"].Samples {
		if s.Labels.Get("__name__") == "nocturne_link_up" && s.Labels.Get("a_port") == "" {
			t.Errorf("an adjacency is told as a cable: %s", s.Labels)
		}
	}
	for _, a := range agents {
		change(t, a, func(r *snmptest.Recording) error { return r.Delete("1.3.6.1.2.1.14.10") })
	}
	b.well()
	b.well()
	b.now = b.now.Add(3 * time.Second)
	b.well()
	for _, s := range ospf() {
		if !strings.HasSuffix(s, "critical 0.5 no longer adjacent") {
			t.Errorf("adjacency %s, want it gone", s)
		}
	}
	if len(ospf()) != len(before) {
		t.Errorf("adjacencies %q, were %q", ospf(), before)
	}
	b.now = b.now.Add(25 * time.Hour)
	b.well()
	if left := ospf(); len(left) != 0 {
		t.Errorf("adjacencies %q, want them forgotten after a day", left)
	}
}

// TestAggregationCut holds what a wall sees when an aggregation of two cables loses one.
func TestAggregationCut(t *testing.T) {
	chassis := map[string]string{"sw1": "02aa00000001", "sw2": "02aa00000002"}
	var agents []*snmptest.Agent
	var c snmp.Config
	for name, far := range map[string]string{"sw1": "sw2", "sw2": "sw1"} {
		rec := made(t, name, 4)
		sets(t, rec, [3]string{"1.0.8802.1.1.2.1.3.1.0", "2", "4"}, [3]string{"1.0.8802.1.1.2.1.3.2.0", "4x", chassis[name]})
		for port := 1; port <= 2; port++ {
			if err := hear(rec, port, chassis[far], far, fmt.Sprintf("p%d", port)); err != nil {
				t.Fatal(err)
			}
			sets(t, rec, [3]string{fmt.Sprintf("1.2.840.10006.300.43.1.2.1.1.13.%d", port), "2", "4"})
		}
		agents = append(agents, serve(t, rec, snmptest.Behaviour{}))
		c.Targets = append(c.Targets, agents[len(agents)-1].Target().String())
	}
	b := newBench(t, c, nil)
	for range 3 {
		b.well()
	}
	for _, a := range agents {
		change(t, a, cut(1))
	}
	b.well()
	b.well()
	var got []string
	for _, l := range b.batches["topology"].Links {
		got = append(got, fmt.Sprintf("%s %s--%s %s %q", l.Kind, l.APort, l.BPort, l.State, l.Reason))
	}
	want := []string{
		`ethernet p1--p1 warning "down, seen by both ends; p4 carries on with 1 of 2 members"`, `ethernet p2--p2 ok ""`,
		`lag p4--p4 warning "1 of 2 members up, 1 Gbit/s of 2 Gbit/s"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	for port, want := range map[string]float64{"p1": 0, "p2": 1} {
		if up, ls := b.sample("topology", "nocturne_link_up", "a_port", port); up != want || ls.Get("lag") != "p4" {
			t.Errorf("nocturne_link_up %v %s, want %v", up, ls, want)
		}
	}
	scope := c.Targets[0]
	if e := b.entity(scope, "device/"+b.name(scope)+"/port/p1"); e.State != model.Warning || e.Reason != "down, p4 carries on" {
		t.Errorf("port %s %q, want a warning", e.State, e.Reason)
	}
}

// name is what the device of a scope is called.
func (b *bench) name(scope string) string {
	b.t.Helper()
	for _, e := range b.batches[scope].Entities {
		if e.Kind == model.KindDevice {
			return e.Name
		}
	}
	b.t.Fatalf("no device in scope %s", scope)
	return ""
}
