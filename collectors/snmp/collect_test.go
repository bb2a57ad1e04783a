package snmp_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
	"github.com/nocturne-noc/nocturne/store/model"
)

const operStatus = "1.3.6.1.2.1.2.2.1.8."

// pair is two switches with one cable: p1 of sw1 to p2 of sw2.
func pair(t *testing.T) (one, two *snmptest.Agent, c snmp.Config) {
	t.Helper()
	chassis := map[string]string{"sw1": "02aa00000001", "sw2": "02aa00000002"}
	device := func(name, far string, port int, farPort string) *snmptest.Agent {
		rec := made(t, name, 3)
		for _, o := range [][3]string{
			{"1.0.8802.1.1.2.1.3.1.0", "2", "4"}, {"1.0.8802.1.1.2.1.3.2.0", "4x", chassis[name]}, {"1.0.8802.1.1.2.1.3.3.0", "4", name},
		} {
			if err := rec.Set(o[0], o[1], o[2]); err != nil {
				t.Fatal(err)
			}
		}
		if err := hear(rec, port, chassis[far], far, farPort); err != nil {
			t.Fatal(err)
		}
		return serve(t, rec, snmptest.Behaviour{})
	}
	one, two = device("sw1", "sw2", 1, "p2"), device("sw2", "sw1", 2, "p1")
	return one, two, snmp.Config{Targets: []string{one.Target().String(), two.Target().String()}}
}

func change(t *testing.T, a *snmptest.Agent, f func(*snmptest.Recording) error) {
	t.Helper()
	if err := a.Change(f); err != nil {
		t.Fatal(err)
	}
}

// cut takes a port down together with what it heard.
func cut(port int) func(*snmptest.Recording) error {
	return func(r *snmptest.Recording) error {
		for column := 4; column <= 9; column++ {
			if err := r.Delete(fmt.Sprintf("1.0.8802.1.1.2.1.4.1.1.%d.0.%d", column, port)); err != nil {
				return err
			}
		}
		return r.Set(operStatus+fmt.Sprint(port), "2", "2")
	}
}

func TestCableCut(t *testing.T) {
	one, two, c := pair(t)
	b := newBench(t, c, nil)
	b.well()
	l := b.link()
	if l.A != "device/sw1" || l.APort != "p1" || l.B != "device/sw2" || l.BPort != "p2" ||
		l.State != model.OK || l.Confidence != 1 || len(l.Evidence) != 2 || l.SpeedBPS != 1e9 {
		t.Fatalf("link %+v", l)
	}
	change(t, one, cut(1))
	b.well()
	if l := b.link(); l.State != model.Critical || l.Reason != "down, seen by sw1" {
		t.Errorf("seen by one end: %s %q", l.State, l.Reason)
	}
	change(t, two, cut(2))
	b.well()
	if l := b.link(); l.State != model.Critical || l.Reason != "down, seen by both ends" || l.Confidence != 1 || len(l.Evidence) != 2 {
		t.Errorf("seen by both ends: %+v", l)
	}
	if up, ls := b.sample("topology", "nocturne_link_up"); up != 0 || ls.Get("a") != "sw1" || ls.Get("b_port") != "p2" || ls.Get("source") != "campus" {
		t.Errorf("nocturne_link_up %v %s", up, ls)
	}
	if e := b.entity(c.Targets[0], "device/sw1/port/p1"); e.State != model.Critical || e.Reason != "down" {
		t.Errorf("port %s %q, want critical: it has a neighbour", e.State, e.Reason)
	}
	if e := b.entity(c.Targets[0], "device/sw1/port/p3"); e.State != model.OK {
		t.Errorf("port p3 %s, want ok", e.State)
	}

	// A restart of the program does not forget the cable.
	again := newBench(t, c, b.batches["topology"].Links)
	again.well()
	if l := again.link(); l.State != model.Critical {
		t.Errorf("after a restart: %s %q", l.State, l.Reason)
	}
}

func TestSilentDevice(t *testing.T) {
	_, two, c := pair(t)
	b := newBench(t, c, nil)
	b.well()
	delete(b.batches, c.Targets[1])
	two.Behave(snmptest.Behaviour{Silent: true})
	errs := b.round()
	if errs[1] == nil || !strings.Contains(errs[1].Error(), "no answer from sw2 ("+c.Targets[1]+")") {
		t.Errorf("error %v", errs[1])
	}
	if _, told := b.batches[c.Targets[1]]; told {
		t.Error("a silent device was confirmed")
	}
	if l := b.link(); l.State != model.OK || l.Confidence != 1 || l.Reason != "up, seen by sw1 alone" {
		t.Errorf("link %+v, want ok by the other end's word", l)
	}
	two.Behave(snmptest.Behaviour{})
	b.well()
	if l := b.link(); l.State != model.OK || l.Reason != "" {
		t.Errorf("link %+v, want ok", l)
	}
}

func TestSilentNetwork(t *testing.T) {
	one, two, c := pair(t)
	b := newBench(t, c, nil)
	b.well()
	known := b.batches["topology"].Links
	one.Behave(snmptest.Behaviour{Silent: true})
	two.Behave(snmptest.Behaviour{Silent: true})
	b.round()
	if l := b.link(); l.State != model.Stale {
		t.Errorf("link %s %q, want stale: nobody tells of it", l.State, l.Reason)
	}
	again := newBench(t, c, known) // restarted into a dead network
	again.round()
	if l := again.link(); l.State != model.Stale {
		t.Errorf("after a restart: %s %q, want stale", l.State, l.Reason)
	}
	for _, s := range again.batches["topology"].Samples {
		t.Errorf("sample %s of a link that nobody tells of", s.Labels)
	}
}

// TestRestartBesideSilence holds that a device that is silent from the start stays the one that it
// was, and becomes no stub beside itself.
func TestRestartBesideSilence(t *testing.T) {
	_, two, c := pair(t)
	b := newBench(t, c, nil)
	b.well()
	two.Behave(snmptest.Behaviour{Silent: true})
	again := newBench(t, c, b.batches["topology"].Links)
	again.round()
	if l := again.link(); l.B != "device/sw2" || l.State != model.OK || l.Confidence != 1 || l.Reason != "up, seen by sw1 alone" {
		t.Errorf("link %+v, want the one of before", l)
	}
	if stubs := again.batches["topology"].Entities; len(stubs) != 0 {
		t.Errorf("stubs %v, want none", stubs)
	}
}

// TestFirstRound holds that no device shows as a stub before its own first round.
func TestFirstRound(t *testing.T) {
	_, _, c := pair(t)
	b := newBench(t, c, nil)
	first := b.jobs[0].Poll
	if err := first.Collect(t.Context(), func(batch model.Batch) {
		if batch.Scope == "topology" {
			t.Errorf("a map after one of two devices: %v", batch.Links)
		}
	}); err != nil {
		t.Fatal(err)
	}
}

func TestSwitchedOff(t *testing.T) {
	one, two, c := pair(t)
	b := newBench(t, c, nil)
	b.well()
	change(t, one, cut(1))
	change(t, one, func(r *snmptest.Recording) error { return r.Set("1.3.6.1.2.1.2.2.1.7.1", "2", "2") })
	change(t, two, cut(2))
	b.well()
	if l := b.link(); l.State != model.Critical || l.Reason != "down, seen by both ends; p1 of sw1 is switched off" {
		t.Errorf("link %s %q", l.State, l.Reason)
	}
	if e := b.entity(c.Targets[0], "device/sw1/port/p1"); e.State != model.OK || e.Reason != "admin down" {
		t.Errorf("port %s %q", e.State, e.Reason)
	}
}

func TestMovedCable(t *testing.T) {
	one, two, c := pair(t)
	b := newBench(t, c, nil)
	b.well()
	change(t, two, cut(2))
	change(t, two, func(r *snmptest.Recording) error { return hear(r, 3, "02aa00000001", "sw1", "p1") })
	change(t, one, func(r *snmptest.Recording) error { return hear(r, 1, "02aa00000002", "sw2", "p3") })
	b.well()
	if l := b.link(); l.BPort != "p3" || l.State != model.OK {
		t.Errorf("link %+v, want only the new cable", l)
	}
}

// TestForgotten holds how long a link is remembered whose ports are up but hear nothing.
func TestForgotten(t *testing.T) {
	one, two, c := pair(t)
	b := newBench(t, c, nil)
	b.well()
	for _, end := range []struct {
		agent *snmptest.Agent
		port  int
	}{{one, 1}, {two, 2}} {
		change(t, end.agent, cut(end.port))
		change(t, end.agent, func(r *snmptest.Recording) error { return r.Set(operStatus+fmt.Sprint(end.port), "2", "1") })
	}
	b.well()
	if l := b.link(); l.State != model.OK || l.Confidence >= snmp.OneWay {
		t.Errorf("link %+v, want ok with little confidence", l)
	}
	b.now = b.now.Add(25 * time.Hour)
	b.well()
	if links := b.batches["topology"].Links; len(links) != 0 {
		t.Errorf("links %v, want none after a day", links)
	}
}

func TestStub(t *testing.T) {
	one, _, c := pair(t)
	change(t, one, func(r *snmptest.Recording) error { return hear(r, 3, "02bb00000009", "printer", "eth0") })
	b := newBench(t, c, nil)
	b.well()
	stub := b.entity("topology", "stub/02:bb:00:00:00:09")
	if stub.Kind != model.KindStub || stub.Name != "printer" || stub.Labels["chassis"] != "02:bb:00:00:00:09" {
		t.Errorf("stub %+v", stub)
	}
	links := b.batches["topology"].Links
	if len(links) != 2 || links[1].B != stub.ID || links[1].BPort != "eth0" || links[1].Confidence != snmp.OneWay {
		t.Errorf("links %+v", links)
	}
}

// TestReboot holds that ports keep their series over a renumbering and that a reboot is an event.
func TestReboot(t *testing.T) {
	rec := made(t, "sw1", 2)
	agent := serve(t, rec, snmptest.Behaviour{})
	b := newBench(t, snmp.Config{Targets: []string{agent.Target().String()}}, nil)
	b.well()
	scope := agent.Target().String()
	octets, before := b.sample(scope, "ifHCInOctets", "ifName", "p2")
	if octets != 2000 {
		t.Errorf("ifHCInOctets %v, want 2000", octets)
	}
	change(t, agent, func(r *snmptest.Recording) error {
		for _, o := range [][3]string{
			{"1.3.6.1.2.1.1.3.0", "67", "300"},                                               // up for 3 s
			{"1.3.6.1.2.1.31.1.1.1.1.1", "4", "p2"}, {"1.3.6.1.2.1.31.1.1.1.1.2", "4", "p1"}, // renumbered
			{"1.3.6.1.2.1.2.2.1.2.1", "4", "port 2"}, {"1.3.6.1.2.1.2.2.1.2.2", "4", "port 1"},
		} {
			if err := r.Set(o[0], o[1], o[2]); err != nil {
				return err
			}
		}
		return nil
	})
	b.well()
	octets, after := b.sample(scope, "ifHCInOctets", "ifName", "p2")
	if octets != 1000 || !labels.Equal(before, after) {
		t.Errorf("after the reboot %v %s, want 1000 under %s", octets, after, before)
	}
	if len(b.events) != 1 || !strings.Contains(b.events[0].Text, "rebooted") || b.events[0].Entity != "device/sw1" {
		t.Errorf("events %+v", b.events)
	}
}

// TestOldAgent holds the fall-back to 32-bit counters under their own names, counted on over a wrap.
func TestOldAgent(t *testing.T) {
	rec := made(t, "old", 1)
	if err := rec.Delete("1.3.6.1.2.1.31"); err != nil {
		t.Fatal(err)
	}
	if err := rec.Set("1.3.6.1.2.1.2.2.1.10.1", "65", "4294967000"); err != nil {
		t.Fatal(err)
	}
	agent := serve(t, rec, snmptest.Behaviour{})
	b := newBench(t, snmp.Config{Targets: []string{agent.Target().String()}, Version: "1"}, nil)
	b.well()
	if v, ls := b.sample(agent.Target().String(), "ifInOctets"); v != 0 || ls.Get("ifName") != "port 1" {
		t.Errorf("ifInOctets %v %s, want to begin at 0", v, ls)
	}
	change(t, agent, func(r *snmptest.Recording) error { return r.Set("1.3.6.1.2.1.2.2.1.10.1", "65", "704") })
	b.well()
	if v, _ := b.sample(agent.Target().String(), "ifInOctets"); v != 1000 {
		t.Errorf("ifInOctets %v after its wrap, want 1000", v)
	}
}

func TestLossWarning(t *testing.T) {
	agent := serve(t, made(t, "sw1", 3), snmptest.Behaviour{Lose: 5})
	scope := agent.Target().String()
	b := newBench(t, snmp.Config{Targets: []string{scope}, Timeout: time.Second}, nil)
	for range 4 {
		b.well()
	}
	if e := b.entity(scope, "device/sw1"); e.State != model.Warning || !strings.Contains(e.Reason, "% of requests get no answer") {
		t.Errorf("device %s %q", e.State, e.Reason)
	}
}

// TestHalfTable holds that an agent that refuses a part of a table is marked, keeps its place on
// the map, and does not make the rest of its interfaces vanish.
func TestHalfTable(t *testing.T) {
	one, _, c := pair(t)
	at, err := snmp.ParseOID("1.3.6.1.2.1.31.1.1.1.18.1") // ifAlias
	if err != nil {
		t.Fatal(err)
	}
	change(t, one, func(r *snmptest.Recording) error { return r.Set("1.3.6.1.2.1.31.1.1.1.18.1", "4", "uplink") })
	b := newBench(t, c, nil)
	b.well()
	one.Behave(snmptest.Behaviour{GenErrAfter: at})
	for range 3 {
		b.well()
	}
	e := b.entity(c.Targets[0], "device/sw1")
	if e.State != model.Warning || !strings.Contains(e.Reason, "answers only in part: ifXTable.18") {
		t.Errorf("device %s %q", e.State, e.Reason)
	}
	if b.batches[c.Targets[0]].Replace {
		t.Error("a part replaces the whole")
	}
	if l := b.link(); l.State != model.OK || l.Reason != "" {
		t.Errorf("link %+v", l)
	}
}

// TestIdentityAgain holds that a device is asked what it is in its first round and hourly.
func TestIdentityAgain(t *testing.T) {
	agent := serve(t, made(t, "sw1", 1), snmptest.Behaviour{})
	b := newBench(t, snmp.Config{Targets: []string{agent.Target().String()}}, nil)
	cost := func() int {
		before := agent.Requests()
		b.well()
		return agent.Requests() - before
	}
	first, second, third := cost(), cost(), cost()
	b.now = b.now.Add(2 * time.Hour)
	hour, after := cost(), cost()
	if second >= first || third != second || hour != first || after != second {
		t.Errorf("requests %d, %d, %d, after two hours %d, then %d", first, second, third, hour, after)
	}
}

// TestSubnet polls what answers in a subnet, beside a single target in it.
func TestSubnet(t *testing.T) {
	var targets []string
	for i, host := range []string{"127.0.67.1", "127.0.67.2"} {
		agent, err := snmptest.Serve(t.Context(), host+":16118", made(t, fmt.Sprintf("sw%d", i+1), 1), snmptest.Behaviour{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := agent.Close(); err != nil {
				t.Error(err)
			}
		})
		targets = append(targets, agent.Target().String())
	}
	b := newBench(t, snmp.Config{Targets: []string{"127.0.67.0/29:16118", targets[0]}}, nil)
	b.well()
	if len(b.jobs) != 2 {
		t.Errorf("%d jobs, want one for the target and one for the subnet", len(b.jobs))
	}
	b.entity(targets[0], "device/sw1")
	b.entity(targets[1], "device/sw2")
}

func TestConfigErrors(t *testing.T) {
	for _, tc := range []struct {
		c    snmp.Config
		says string
	}{
		{snmp.Config{}, "targets is empty"},
		{snmp.Config{Targets: []string{"10.0.0.0/8"}}, "split it"},
		{snmp.Config{Targets: []string{"10.0.0.0/40"}}, "is no subnet"},
		{snmp.Config{Targets: []string{"sw1:99999"}}, "no valid port"},
		{snmp.Config{Targets: []string{"sw1", "sw1:161"}}, "listed twice"},
		{snmp.Config{Targets: []string{"sw1"}, Version: "2"}, "want 1, 2c or 3"},
		{snmp.Config{Targets: []string{"sw1"}, User: "noc"}, "set version: 3"},
		{snmp.Config{Targets: []string{"sw1"}, Version: "3"}, "needs a user"},
		{snmp.Config{Targets: []string{"sw1"}, Version: "3", User: "noc", Auth: snmp.Key{Protocol: "SHA3", Password: "12345678"}}, "want one of"},
		{snmp.Config{Targets: []string{"sw1"}, Version: "3", User: "noc", Auth: snmp.Key{Protocol: "SHA", Password: "short"}}, "shorter than 8"},
		{snmp.Config{Targets: []string{"sw1"}, Version: "3", User: "noc", Priv: snmp.Key{Protocol: "AES", Password: "12345678"}}, "priv needs auth"},
		{snmp.Config{Targets: []string{"sw1"}, Timeout: time.Hour}, "timeout 1h0m0s"},
		{snmp.Config{Targets: []string{"sw1"}, Community: "missing"}, "community: no such secret"},
	} {
		_, err := snmp.Kind().Open(collectors.Env{
			Name:   "campus",
			Decode: func(into any) error { *into.(*snmp.Config) = tc.c; return nil },
			Secret: func(ref string) (string, error) {
				if ref == "missing" {
					return "", fmt.Errorf("no such secret")
				}
				return ref, nil
			},
			Links: func(string) []model.Link { return nil },
			Now:   time.Now,
		})
		if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), "campus") {
			t.Errorf("%+v: error %v, want one that says %q", tc.c, err, tc.says)
		}
		if err != nil && strings.Contains(err.Error(), "12345678") {
			t.Errorf("the error tells a secret: %v", err)
		}
	}
}
