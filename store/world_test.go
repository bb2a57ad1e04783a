package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestEntityLife(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now})
	start := c.now
	dev := func(state model.State, reason string) model.Entity {
		return model.Entity{ID: "device/core", Kind: model.KindDevice, Name: "core", State: state, Reason: reason}
	}
	tell := func(entities ...model.Entity) {
		apply(t, s, model.Batch{Source: "snmp", Scope: "core", Time: c.now, Every: 10 * time.Second, Replace: true, Entities: entities})
	}
	get := func() model.Entity {
		t.Helper()
		list := s.Entities(model.Filter{ID: "device/core"})
		if len(list) != 1 {
			t.Fatalf("entities: %v", list)
		}
		return list[0]
	}

	tell(dev(model.OK, ""))
	if e := get(); e.State != model.OK || !e.Since.Equal(start) || e.Source != "snmp" {
		t.Errorf("first seen: %+v", e)
	}
	c.advance(10 * time.Second)
	tell(dev(model.OK, ""))
	if e := get(); !e.Since.Equal(start) || !e.Seen.Equal(c.now) {
		t.Errorf("Since moved without a change of state: %+v", e)
	}
	c.advance(10 * time.Second)
	tell(dev(model.Critical, "power supply 2 failed"))
	if e := get(); !e.Since.Equal(c.now) || e.State != model.Critical {
		t.Errorf("critical: %+v", e)
	}
	failed := c.now
	rev := s.Revs().Entities
	c.advance(15 * time.Second)
	if got := s.Revs().Entities; got != rev {
		t.Errorf("revision moved from %d to %d while nothing changed", rev, got)
	}
	c.advance(time.Second)
	if got := s.Revs().Entities; got == rev {
		t.Error("turning stale did not move the revision")
	}
	stale := get()
	want := dev(model.Stale, "last answer 05:00:20")
	want.Since, want.Seen, want.Source = failed, failed, "snmp"
	want.Labels = map[string]string{LabelLastState: "critical", LabelLastReason: "power supply 2 failed"}
	if diff := cmp.Diff(want, stale); diff != "" {
		t.Error(diff)
	}
	rev = s.Revs().Entities
	tell(dev(model.Critical, "power supply 2 failed"))
	if e := get(); e.State != model.Critical || !e.Since.Equal(failed) {
		t.Errorf("answers again: %+v", e)
	}
	if got := s.Revs().Entities; got == rev {
		t.Error("answering again did not move the revision")
	}
	tell()
	if list := s.Entities(model.Filter{}); len(list) != 0 {
		t.Errorf("still there: %v", list)
	}
	var texts []string
	for _, e := range s.Events(model.EventFilter{}) {
		texts = append(texts, e.Text)
	}
	if diff := cmp.Diff([]string{"critical → gone", "ok → critical: power supply 2 failed"}, texts); diff != "" {
		t.Error(diff)
	}
}

func TestFirstSightAndPods(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now})
	pod := func(name string, state model.State) model.Entity {
		return model.Entity{ID: "kube/c/ns/n/pod/" + name, Kind: model.KindPod, Name: name, State: state}
	}
	apply(t, s, model.Batch{Source: "k", Scope: "c", Time: c.now, Entities: []model.Entity{pod("fine", model.OK), pod("dim", model.Unknown), pod("sick", model.Critical)}})
	apply(t, s, model.Batch{Source: "k", Scope: "c", Time: c.now, Gone: []string{"kube/c/ns/n/pod/fine", "kube/c/ns/n/pod/sick", "kube/c/ns/n/pod/never"}})
	// What ran in a pod goes as quietly as the pod; what did not is told.
	service := func(name string, labels map[string]string) model.Entity {
		return model.Entity{ID: model.ServerID(name), Kind: model.KindService, Name: name, State: model.OK, Labels: labels}
	}
	apply(t, s, model.Batch{Source: "s", Scope: "s", Time: c.now, Entities: []model.Entity{service("in-pod", map[string]string{"pod": "fine"}), service("alone", nil)}})
	apply(t, s, model.Batch{Source: "s", Scope: "s", Time: c.now, Replace: true})
	var texts []string
	for _, e := range s.Events(model.EventFilter{}) {
		texts = append(texts, e.Title+" "+e.Text)
	}
	if diff := cmp.Diff([]string{"alone ok → gone", "sick critical → gone", "sick critical"}, texts); diff != "" {
		t.Error(diff)
	}
}

// A neighbour is told of by two devices, a link by both of its ends.
func TestClaimsMerge(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now})
	link := func(observer string, state model.State) model.Link {
		return model.Link{A: "device/a", APort: "1", B: "device/b", BPort: "2", Kind: "ethernet", State: state, Confidence: 0.8,
			Evidence: []model.Evidence{{Source: "LLDP", Observer: observer}}}
	}
	tell := func(name string, state model.State, stub string) {
		apply(t, s, model.Batch{Source: "snmp", Scope: name, Time: c.now, Every: 10 * time.Second, Replace: true,
			Entities: []model.Entity{
				{ID: "device/" + name, Kind: model.KindDevice, Name: name, State: model.OK},
				{ID: "device/" + stub, Kind: model.KindStub, Name: stub, State: model.Unknown}},
			Links: []model.Link{link("device/"+name, state)}})
	}
	tell("a", model.OK, "b")
	if e := s.Entities(model.Filter{ID: "device/b"}); len(e) != 1 || e[0].Kind != model.KindStub {
		t.Errorf("hearsay: %+v", e)
	}
	tell("b", model.Critical, "a")
	for _, e := range s.Entities(model.Filter{Under: "device/b"}) {
		if e.Kind != model.KindDevice {
			t.Errorf("hearsay wins: %+v", e)
		}
	}
	links := s.Links(model.Filter{Kind: "ethernet"})
	if len(links) != 1 || links[0].Confidence != 1 || len(links[0].Evidence) != 2 || links[0].State != model.Critical {
		t.Errorf("links: %+v", links)
	}
	c.advance(16 * time.Second)
	tell("a", model.OK, "b")
	if links := s.Links(model.Filter{ID: "device/b"}); links[0].State != model.OK {
		t.Errorf("the end that still answers does not count: %+v", links)
	}
	c.advance(16 * time.Second)
	if links := s.Links(model.Filter{}); links[0].State != model.Stale {
		t.Errorf("nobody answers: %+v", links)
	}
	apply(t, s, model.Batch{Source: "snmp", Scope: "a", Time: c.now, Every: 10 * time.Second, Replace: true})
	if links := s.Links(model.Filter{}); len(links) != 1 || links[0].Evidence[0].Observer != "device/b" {
		t.Errorf("the other end's claim is gone: %+v", links)
	}
}

func TestUnder(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now})
	var list []model.Entity
	for _, id := range []string{"device/a", "device/a-b", "device/a-b/port/1", "device/a/port/1", "device/a/port/2", "device/a.c", "device/b"} {
		list = append(list, model.Entity{ID: id, Kind: model.KindDevice})
	}
	apply(t, s, model.Batch{Source: "x", Scope: "x", Entities: list})
	var got []string
	for _, e := range s.Entities(model.Filter{Under: "device/a"}) {
		got = append(got, e.ID)
	}
	if diff := cmp.Diff([]string{"device/a", "device/a/port/1", "device/a/port/2"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAlertsAndSources(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now})
	a := func(id string, sev model.State, age time.Duration, pending bool) model.Alert {
		return model.Alert{ID: id, Severity: sev, Since: c.now.Add(-age), Pending: pending}
	}
	apply(t, s, model.Batch{Source: "alerts", Alerts: []model.Alert{
		a("pending", model.Critical, time.Hour, true), a("warn", model.Warning, time.Hour, false),
		a("young", model.Critical, time.Minute, false), a("old", model.Critical, time.Hour, false)}})
	var got []string
	for _, a := range s.Alerts() {
		got = append(got, a.ID)
	}
	if diff := cmp.Diff([]string{"old", "young", "warn", "pending"}, got); diff != "" {
		t.Error(diff)
	}
	apply(t, s, model.Batch{Source: "snmp"})
	if len(s.Alerts()) != 4 {
		t.Error("a batch without alerts changed them")
	}
	apply(t, s, model.Batch{Source: "alerts", Alerts: []model.Alert{}})
	if len(s.Alerts()) != 0 {
		t.Error("alerts are still there")
	}

	row := func(target string, state model.State) model.SourceStatus {
		return model.SourceStatus{Name: "snmp", Kind: "snmp", Target: target, State: state, LastOK: c.now}
	}
	status := func(rows ...model.SourceStatus) {
		t.Helper()
		if err := s.SetStatus(rows); err != nil {
			t.Fatal(err)
		}
	}
	status(row("b", model.OK), row("a", model.OK))
	c.advance(time.Minute)
	status(row("b", model.Critical), row("a", model.OK))
	rows := s.Sources()
	if len(rows) != 2 || rows[0].Target != "a" || !rows[0].LastOK.Equal(c.now) || rows[1].State != model.Critical || !rows[1].Since.Equal(c.now) {
		t.Errorf("rows: %+v", rows)
	}
	if ev := s.Events(model.EventFilter{Kind: "source"}); len(ev) != 1 || ev[0].Title != "snmp b" || ev[0].Severity != model.Critical {
		t.Errorf("events: %+v", ev)
	}
	status(row("a", model.OK))
	if rows := s.Sources(); len(rows) != 1 {
		t.Errorf("rows: %+v", rows)
	}
}

func TestStalenessMarkers(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now})
	tell := func(ports ...string) {
		b := model.Batch{Source: "snmp", Scope: "sw", Time: c.now, Replace: true}
		for _, p := range ports {
			b.Samples = append(b.Samples, sample(c.now, 1, "__name__", "ifOperStatus", "device", "sw", "ifName", p))
		}
		apply(t, s, b)
	}
	tell("1", "2")
	c.advance(10 * time.Second)
	tell("1")
	if got := evaluate(t, s, `count(ifOperStatus)`, c.now); got != 1 {
		t.Errorf("%v series after one vanished, want 1", got)
	}
	c.advance(10 * time.Second)
	tell("1", "2")
	if got := evaluate(t, s, `count(ifOperStatus)`, c.now); got != 2 {
		t.Errorf("%v series after it came back, want 2", got)
	}
	c.advance(10 * time.Second)
	apply(t, s, model.Batch{Source: "kube", Scope: "c", Time: c.now, Entities: []model.Entity{{ID: "kube/c/node/n1", Kind: model.KindNode, State: model.OK}},
		Samples: []model.Sample{sample(c.now, 1, "__name__", "kube_node_info", "cluster", "c", "node", "n1")}})
	c.advance(10 * time.Second)
	apply(t, s, model.Batch{Source: "kube", Scope: "c", Time: c.now, Gone: []string{"kube/c/node/n1"}})
	if got := evaluate(t, s, `count(kube_node_info) or vector(0)`, c.now); got != 0 {
		t.Errorf("%v series of a node that is gone, want 0", got)
	}
}

func TestKeep(t *testing.T) {
	c := newClock()
	opts := Options{Dir: t.TempDir(), Now: c.Now, Tick: never}
	s := open(t, opts)
	for _, scope := range []string{"sw1", "sw2"} {
		apply(t, s, model.Batch{Source: "snmp", Scope: scope, Entities: []model.Entity{{ID: "device/" + scope}, {ID: "device/both"}},
			Links: []model.Link{{A: "device/both", B: "device/" + scope}}})
	}
	if err := s.Keep(func(source, scope string) bool { return source == "snmp" && scope == "sw2" }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var ids []string
		for _, e := range s.Entities(model.Filter{}) {
			ids = append(ids, e.ID)
		}
		if diff := cmp.Diff([]string{"device/both", "device/sw2"}, ids); diff != "" {
			t.Error(diff)
		}
		if links := s.Links(model.Filter{}); len(links) != 1 {
			t.Errorf("links: %v", links)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, opts)
	}
}

// What comes between the rounds of a scope does not hide that the rounds stopped.
func TestIntervalStays(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now})
	pod := func(name string) []model.Entity { return []model.Entity{{ID: "kube/c/" + name, State: model.OK}} }
	apply(t, s, model.Batch{Source: "k", Scope: "c", Time: c.now, Every: 10 * time.Second, Entities: pod("a")})
	c.advance(10 * time.Second)
	apply(t, s, model.Batch{Source: "k", Scope: "c", Time: c.now, Entities: pod("b")})
	c.advance(10 * time.Second)
	apply(t, s, model.Batch{Source: "k", Scope: "c", Time: c.now, Events: []model.Event{{Title: "x"}}})
	if list := s.Entities(model.Filter{}); list[0].State != model.OK {
		t.Errorf("stale 10 s after the last entities: %v", list)
	}
	c.advance(6 * time.Second)
	if list := s.Entities(model.Filter{}); list[0].State != model.Stale || list[1].State != model.Stale {
		t.Errorf("not stale 16 s after the last entities: %v", list)
	}
}
