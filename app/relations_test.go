package app

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/nocturne-noc/nocturne/app/alert"
	"github.com/nocturne-noc/nocturne/app/impact"
	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/store"
	"github.com/nocturne-noc/nocturne/store/model"
)

// room is a small server room: core1 – acc1, and on acc1 three servers, of which web is the node n1 too, and
// the node n2. Five services run on the servers, and each machine is pinged. It is watched by the built-in
// rules, under a clock of its own.
type room struct {
	t      *testing.T
	now    time.Time
	store  *store.Store
	alerts *alert.Manager
	rounds impact.Rounds
	broken map[string]bool // what does not answer: "web exporter", "web", "acc1", "n2", "db cable"
}

func newRoom(t *testing.T) *room {
	r := &room{t: t, now: time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC), broken: map[string]bool{}}
	var err error
	r.store, err = store.Open(store.Options{Dir: t.TempDir(), Now: func() time.Time { return r.now }, Tick: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.store.Close(); err != nil {
			t.Error(err)
		}
	})
	rules, err := fs.Sub(assets.Rules, "rules")
	if err != nil {
		t.Fatal(err)
	}
	fold, err := alert.ParseFold(assets.Fold)
	if err != nil {
		t.Fatal(err)
	}
	r.alerts, err = alert.New(alert.Options{
		Source: r.store, Queryable: r.store.Queryable(), Appendable: r.store.Appendable(), Engine: r.store.Engine(),
		Apply: r.store.Apply, Builtin: rules, Fold: fold,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run lets time pass: sources tell, what hangs on what is found out, rules are evaluated.
func (r *room) run(d time.Duration) {
	for end := r.now.Add(d); r.now.Before(end); {
		r.now = r.now.Add(5 * time.Second)
		if r.now.Second()%15 == 0 {
			r.scrape()
		}
		r.poll()
		w, err := readWorld(context.Background(), r.store)
		if err != nil {
			r.t.Fatal(err)
		}
		r.apply(r.rounds.Next(w, r.now))
		r.alerts.Eval(context.Background(), r.now)
	}
}

func (r *room) apply(b model.Batch) {
	r.t.Helper()
	if err := r.store.Apply(b); err != nil {
		r.t.Fatal(err)
	}
}

// dark reports whether nothing reaches a machine.
func (r *room) dark(machine string) bool {
	return r.broken[machine] || r.broken["acc1"] || r.broken[machine+" cable"]
}

func (r *room) sample(text string, v float64) model.Sample {
	ls, err := parser.NewParser(parser.Options{}).ParseMetric(text)
	if err != nil {
		r.t.Fatal(err)
	}
	return model.Sample{Labels: ls, T: r.now.UnixMilli(), V: v}
}

var addressOf = map[string]string{"web": "10.0.0.7", "db": "10.0.0.8", "mail": "10.0.0.9", "n2": "10.0.0.10"}

// scrape is what the exporters tell: each target is a scope that is confirmed by an answer alone.
func (r *room) scrape() {
	for _, target := range []string{"web:9100", "db:9100", "mail:9100", "web:9113", "db:9187", "db:9121", "mail:9121", "mail:9090"} {
		host, port, _ := strings.Cut(target, ":")
		answers := !r.dark(host) && !r.broken[host+" exporter"]
		up, kind, name := 0.0, model.KindService, "service "+target
		if port == "9100" {
			kind, name = model.KindServer, host
		} else {
			answers = !r.dark(host)
		}
		if answers {
			up = 1
			r.apply(model.Batch{Source: "servers", Scope: target, Time: r.now, Every: 15 * time.Second, Replace: true, Entities: []model.Entity{{
				ID: model.ServerID(target), Kind: kind, Name: name, State: model.OK, Labels: map[string]string{"addresses": addressOf[host], "target": target},
			}}})
		}
		r.apply(model.Batch{Source: "servers", Scope: target + " series", Time: r.now, Replace: true, Samples: []model.Sample{
			r.sample(`up{instance="`+target+`",job="servers"}`, up),
			r.sample(`nocturne_collector_success{source="servers",target="`+target+`",kind="scrape"}`, up),
		}})
	}
}

// poll is what probes, the cluster and the network map tell.
func (r *room) poll() {
	for machine, address := range addressOf {
		e := model.Entity{ID: model.ProbeID("ping " + machine), Kind: model.KindProbe, Name: "ping " + machine, State: model.OK, Labels: map[string]string{"prober": "icmp", "address": address}}
		success := 1.0
		if r.dark(machine) {
			e.State, e.Reason, success = model.Critical, "timed out after 2 s", 0
		}
		r.apply(model.Batch{Source: "probes", Scope: e.ID, Time: r.now, Every: 5 * time.Second, Replace: true, Entities: []model.Entity{e},
			Samples: []model.Sample{r.sample(`probe_success{probe="ping `+machine+`"}`, success)}})
	}
	kube := model.Batch{Source: "prod", Scope: "prod", Time: r.now, Every: 5 * time.Second, Replace: true}
	for node, host := range map[string]string{"n1": "web", "n2": "n2"} {
		e := model.Entity{ID: model.NodeID("prod", node), Kind: model.KindNode, Name: node, State: model.OK, Labels: map[string]string{"address": addressOf[host]}}
		ready := 1.0
		if r.dark(host) {
			e.State, ready = model.Critical, 0
		}
		kube.Entities = append(kube.Entities, e)
		kube.Samples = append(kube.Samples, r.sample(`kube_node_status_condition{cluster="prod",node="`+node+`",condition="Ready",status="true"}`, ready))
	}
	r.apply(kube)
	net := model.Batch{Source: "campus", Scope: "map", Time: r.now, Every: 5 * time.Second, Replace: true}
	cable := func(a, aPort, b string, dead bool) {
		l := model.Link{A: a, APort: aPort, B: b, Kind: "ethernet", State: model.OK}
		up := 1.0
		if dead {
			l.State, up = model.Critical, 0
		}
		net.Links = append(net.Links, l)
		if a == "device/acc1" && r.broken["acc1"] {
			return // nobody knows
		}
		name := func(id string) string { _, n, _, _ := model.ParseID(id); return n }
		net.Samples = append(net.Samples, r.sample(`nocturne_link_up{source="campus",a="`+name(a)+`",a_port="`+aPort+`",b="`+name(b)+`",b_port=""}`, up))
	}
	cable("device/core1", "te1", "device/acc1", r.broken["acc1"])
	for port, machine := range map[string]string{"gi1": "web", "gi2": "db", "gi3": "mail", "gi4": "n2"} {
		id := map[string]string{"web": model.NodeID("prod", "n1"), "n2": model.NodeID("prod", "n2")}[machine]
		if id == "" {
			id = model.ServerID(machine + ":9100")
		}
		cable("device/acc1", port, id, r.broken[machine] || r.broken[machine+" cable"])
	}
	for _, name := range []string{"core1", "acc1"} {
		e := model.Entity{ID: model.DeviceID(name), Kind: model.KindDevice, Name: name, State: model.OK}
		if r.broken[name] {
			e.State, e.Reason = model.Critical, "down or cut off: no answer, and no link on its cable"
			net.Samples = append(net.Samples, r.sample(`nocturne_device_down{source="campus",device="`+name+`"}`, 1))
		}
		net.Entities = append(net.Entities, e)
	}
	r.apply(net)
}

// firing are the titles of firing alerts, the cause before the colon; a root stands alone.
func (r *room) firing() []string {
	titles := map[string]string{}
	for _, a := range r.store.Alerts() {
		titles[a.ID] = a.Title
	}
	out := []string{}
	for _, a := range r.store.Alerts() {
		switch {
		case a.Pending:
		case a.Cause != "":
			out = append(out, titles[a.Cause]+": "+a.Title)
		default:
			out = append(out, a.Title)
		}
	}
	slices.Sort(out)
	return out
}

func (r *room) state(id string) string {
	found := r.store.Entities(model.Filter{ID: id})
	if len(found) == 0 {
		return "gone"
	}
	return found[0].State.String() + ": " + found[0].Reason
}

// Faults 24 and 25: each has one cause, which everything else is a symptom of.
func TestServersThatFallSilent(t *testing.T) {
	for _, tt := range []struct {
		name, breaks string
		want         []string
		state        string // of web
	}{
		{"all is well", "", []string{}, "ok: "},
		{"the exporter stops", "web exporter", []string{
			"web exporter is silent, the host lives",
			"web exporter is silent, the host lives: servers web:9100 does not answer",
		}, "stale: last answer 03:02:00"},
		{"a host dies that is a node too", "web", []string{
			"web down or cut off",
			"web down or cut off: acc1 gi1 – n1 link down",
			"web down or cut off: n1 not ready",
			"web down or cut off: ping web fails",
			"web down or cut off: servers web:9100 does not answer",
			"web down or cut off: servers web:9113 does not answer",
			"web down or cut off: service web:9113 is on web, which cannot be reached",
		}, "critical: down or cut off: no answer, and no link on acc1 gi1"},
		{"a node dies that is nothing else", "n2", []string{
			"n2 not ready",
			"n2 not ready: acc1 gi4 – n2 link down",
			"n2 not ready: ping n2 fails",
		}, "ok: "},
		{"the access switch dies with all behind it", "acc1", []string{
			"acc1 down or cut off",
			"acc1 down or cut off: core1 te1 – acc1 link down",
			"acc1 down or cut off: db is behind acc1",
			"acc1 down or cut off: mail is behind acc1",
			"acc1 down or cut off: n1 not ready",
			"acc1 down or cut off: n2 not ready",
			"acc1 down or cut off: ping db fails",
			"acc1 down or cut off: ping mail fails",
			"acc1 down or cut off: ping n2 fails",
			"acc1 down or cut off: ping web fails",
			"acc1 down or cut off: servers db:9100 does not answer",
			"acc1 down or cut off: servers db:9121 does not answer",
			"acc1 down or cut off: servers db:9187 does not answer",
			"acc1 down or cut off: servers mail:9090 does not answer",
			"acc1 down or cut off: servers mail:9100 does not answer",
			"acc1 down or cut off: servers mail:9121 does not answer",
			"acc1 down or cut off: servers web:9100 does not answer",
			"acc1 down or cut off: servers web:9113 does not answer",
			"acc1 down or cut off: service db:9121 is on db, which cannot be reached",
			"acc1 down or cut off: service db:9187 is on db, which cannot be reached",
			"acc1 down or cut off: service mail:9090 is on mail, which cannot be reached",
			"acc1 down or cut off: service mail:9121 is on mail, which cannot be reached",
			"acc1 down or cut off: service web:9113 is on web, which cannot be reached",
			"acc1 down or cut off: web is behind acc1",
		}, "unknown: behind acc1, down or cut off"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRoom(t)
			r.run(2 * time.Minute)
			if got := r.firing(); len(got) > 0 {
				t.Fatalf("before: %v", got)
			}
			r.broken[tt.breaks] = true
			r.run(3 * time.Minute)
			if diff := cmp.Diff(tt.want, r.firing()); diff != "" {
				t.Errorf("alerts (-want +got):\n%s", diff)
			}
			if got := r.state(model.ServerID("web:9100")); got != tt.state {
				t.Errorf("web is %q, want %q", got, tt.state)
			}
			delete(r.broken, tt.breaks)
			r.run(30 * time.Second) // no symptom outlives its cause, however long its rule keeps it
			if got := r.firing(); len(got) > 0 {
				t.Errorf("after: %v", got)
			}
			if got := r.state(model.ServerID("web:9100")); got != "ok: " {
				t.Errorf("after: web is %q", got)
			}
		})
	}
}
