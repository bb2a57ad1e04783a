//go:build lab

package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// The servers of the lab, by the IDs of their entities: web1 and db1 hang on acc12, app1 on acc22.
const (
	web1      = "server/198.18.4.93:9100"
	db1       = "server/198.18.4.94:9100"
	db1Redis  = "server/198.18.4.94:9121"
	app1      = "server/198.18.5.95:9100"
	app1Scope = `{instance="198.18.5.95:9100"}`
)

// serversUp is what must be seen soon after a start: the servers, what they serve, and the ports that they hang on.
func (l *lab) serversUp() error {
	return all(l.want(web1, "ok", ""), l.want(db1, "ok", ""), l.want(db1Redis, "ok", ""), l.want(app1, "ok", ""),
		l.want("probe/web1 ping", "ok", ""), l.want("probe/db1 ping", "ok", ""), l.want("probe/db1 redis", "ok", ""),
		l.want("probe/app1 ping", "ok", ""), l.want("probe/app1 page", "ok", ""),
		l.link("ethernet", "acc12", "gi8", model.OK, ""), l.link("ethernet", "acc12", "gi9", model.OK, ""), l.link("ethernet", "acc22", "gi8", model.OK, ""))()
}

// causes are the alerts that fire and have no cause, each with what it is about. Those of app1 and of a collector, which have
// faults of their own, and of this machine are left out.
func (l *lab) causes() []string {
	l.t.Helper()
	var list []string
	for _, a := range l.alerts() {
		other := model.ServerID(a.Labels["instance"]) == app1 || a.Name == "CollectorCrashed" || a.Labels["job"] == "host"
		if a.Cause == "" && !a.Pending && !other {
			list = append(list, cause(a))
		}
	}
	slices.Sort(list)
	return list
}

// cause writes down an alert as causes does.
func cause(a model.Alert) string {
	return strings.TrimSpace(a.Name + " " + cmp.Or(a.Labels["device"], a.Labels["instance"]))
}

// explained checks that these causes, sorted, are all, and that other alerts, by name and the beginning of their title, are
// symptoms of one of them.
func (l *lab) explained(causes []string, of string, symptoms ...string) func() error {
	return func() error {
		if got := l.causes(); !slices.Equal(got, causes) {
			return fmt.Errorf("alerts without a cause: %q, want %q", got, causes)
		}
		list := l.alerts()
		root := slices.IndexFunc(list, func(a model.Alert) bool { return !a.Pending && a.Cause == "" && cause(a) == of })
		for _, want := range symptoms {
			if root < 0 || !slices.ContainsFunc(list, func(a model.Alert) bool {
				return !a.Pending && strings.HasPrefix(a.Name+" "+a.Title, want) && leadsTo(list, a, list[root].ID)
			}) {
				return fmt.Errorf("no symptom %q of %s", want, of)
			}
		}
		return nil
	}
}

// leadsTo reports whether the causes of an alert lead to the one with that ID.
func leadsTo(list []model.Alert, a model.Alert, id string) bool {
	for range list {
		if a.Cause == id {
			return true
		}
		i := slices.IndexFunc(list, func(b model.Alert) bool { return b.ID == a.Cause })
		if i < 0 {
			return false
		}
		a = list[i]
	}
	return false
}

// quiet checks that no alert has no cause.
func (l *lab) quiet() error { return l.explained(nil, "")() }

// evenly checks that the samples of a series follow each other at the pace of the polls, that none is missing and none is
// dated ahead of the wall's time.
func (l *lab) evenly(series string, from time.Time) []raw {
	l.t.Helper()
	now := l.now()
	list := l.samples(series, now.Sub(from), now)
	for i, s := range list {
		if s.at.After(l.now()) {
			l.t.Errorf("%s has a sample at %v, which is in the future", series, s.at)
		}
		if i > 0 && s.at.Sub(list[i-1].at) != poll {
			l.t.Errorf("%s: %v from the sample of %v to that of %v", series, s.at.Sub(list[i-1].at), list[i-1].at, s.at)
		}
	}
	if want := int(now.Sub(from)/poll) - 1; len(list) < want {
		l.t.Errorf("%s has %d samples in %v, want %d", series, len(list), now.Sub(from), want)
	}
	return list
}

// TestLabServers walks the faults of servers. Those of app1 take minutes to show, and go on beside the others.
func TestLabServers(t *testing.T) {
	l := newLab(t)
	began := l.start()
	l.within(began, 20*time.Second, "the servers and the ports that they hang on", l.serversUp)
	l.within(began, 40*time.Second, "quiet", l.quiet)
	fullAt, clockAt := l.fault("disk-fill"), l.fault("clock-off")
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(sub *testing.T) {
			l.t = sub
			defer func() { l.t = t }()
			f(sub)
		})
	}
	exporter, dead := "ServerExporterDown 198.18.4.93:9100", "ServerDown 198.18.4.94:9100"

	run("fault 24: exporter-stop", func(t *testing.T) {
		at := l.fault("exporter-stop")
		l.within(at, poll+poll/2+time.Second, "server stale", l.want(web1, "stale", "last answer"))
		if kept := l.matrix(`node_load1{instance="198.18.4.93:9100"}[5m]`, l.now()); len(kept) != 1 || kept[0][len(kept[0])-1].at.After(at) {
			t.Errorf("what is kept of its load: %v", kept)
		}
	})
	run("fault 28: collector-panic", func(t *testing.T) {
		from := l.now()
		at := l.fault("collector-panic")
		l.within(at, 2*poll, "an event says so", l.told("source", "panicked"))
		l.within(at, 4*rules, "an alert names the source", l.alerting("CollectorCrashed", "campus", true))
		l.within(at, 60*time.Second, "it was started again", func() error {
			out, err := l.nocturne("query", fmt.Sprintf(`count(timestamp(sysUpTime{source="campus"}) > %d) == 8`, at.Unix()+1))
			if err == nil && !strings.Contains(out, `"8"`) {
				err = errors.New("not all devices were asked since")
			}
			return err
		})
		l.within(at, 60*time.Second, "and all is as before", l.networkUp)
		if err := all(l.want(db1, "ok", ""), l.want(db1Redis, "ok", ""), l.want(app1, "ok", ""), l.want("probe/web1 ping", "ok", ""))(); err != nil {
			t.Errorf("the others live: %v", err)
		}
		l.evenly("node_load1"+app1Scope, from)
	})
	run("fault 25: host-dead, beside 24", func(t *testing.T) {
		defer l.order("heal", "host-dead") // where something fails on the way
		defer l.order("heal", "exporter-stop")
		at := l.fault("host-dead")
		l.within(at, push, "its port is down", l.want("device/acc12/port/gi9", "critical", "down"))
		l.within(at, 110*time.Second, "two faults, two causes", l.explained([]string{dead, exporter}, dead,
			"LinkDown acc12 gi9", "ProbeFailed db1 ping", "ProbeFailed db1 redis"))
		if err := all(l.want(db1, "critical", "down"), l.device("acc12", "ok", ""))(); err != nil {
			t.Error(err)
		}
		if err := all(l.want(web1, "stale", "last answer"), l.want("probe/web1 ping", "ok", ""), l.link("ethernet", "acc12", "gi8", model.OK, ""))(); err != nil {
			t.Errorf("the host of the stopped exporter lives: %v", err)
		}
		l.heal("exporter-stop")
		at = l.heal("host-dead")
		l.within(at, 3*poll, "all as before", l.serversUp)
		// A poll, what follows for relations, and the rules: a round each.
		l.within(at, 4*rules, "neither is told any more", all(l.alerting("ServerDown", "", false), l.alerting("ServerExporterDown", "", false)))
		t.Logf("alerts that outlive their cause for a while: %q", l.causes())
	})
	run("fault 25: switch-dead", func(t *testing.T) {
		defer l.order("heal", "switch-dead")
		at := l.fault("switch-dead")
		l.within(at, 3*poll, "the switch is down", l.device("acc12", "critical", "down or cut off"))
		l.within(at, 110*time.Second, "it is the only cause", l.explained([]string{"DeviceDown acc12"}, "DeviceDown acc12",
			"LinkDown acc12 gi1", "ProbeFailed web1 ping", "ProbeFailed db1 ping", "ProbeFailed db1 redis", "ServerUnreachable", "ServiceUnreachable"))
		if err := all(l.want(web1, "unknown", "behind acc12"), l.want(db1, "unknown", "behind acc12"), l.alerting("ServerDown", "", false), l.want(app1, "ok", ""))(); err != nil {
			t.Errorf("the servers behind it may live: %v", err)
		}
		at = l.heal("switch-dead")
		l.within(at, 4*poll, "all as before", l.serversUp)
	})
	run("fault 27: clock-off", func(t *testing.T) {
		l.within(clockAt, 150*time.Second, "a warning", l.alerting("HostClockWrong", "5m", true))
		for _, s := range l.evenly("node_time_seconds"+app1Scope, clockAt.Add(poll)) {
			if off := time.Duration((s.v - float64(s.at.UnixMilli())/1000) * float64(time.Second)); (off - 5*time.Minute).Abs() > poll {
				t.Errorf("a clock that is 5 min ahead is %v ahead at %v", off, s.at)
			}
		}
		l.evenly("node_load1"+app1Scope, clockAt.Add(poll))
		if err := l.want(app1, "ok", "")(); err != nil {
			t.Error(err)
		}
		at := l.heal("clock-off")
		l.within(at, poll+2*rules, "the warning is gone", l.alerting("HostClockWrong", "", false))
	})
	var cleaned time.Time
	run("fault 26: disk-fill", func(t *testing.T) {
		l.within(fullAt, 200*time.Second, "a warning", l.alerting("HostDiskFull", "/srv 95 % full", true))
		cleaned = l.heal("disk-fill")
		l.within(cleaned, 2*poll, "there is room", func() error {
			out, err := l.nocturne("query", `node_filesystem_avail_bytes{mountpoint="/srv",instance="198.18.5.95:9100"} > 50e6`)
			if err == nil && !strings.Contains(out, "/srv") {
				err = errors.New("none")
			}
			return err
		})
	})
	run("nothing is left of it", func(t *testing.T) {
		l.within(cleaned, 4*time.Minute, "no alert but of the collector", func() error {
			for _, a := range l.alerts() {
				if a.Name != "CollectorCrashed" && a.Labels["job"] != "host" && !a.Pending {
					return fmt.Errorf("alert %s: %s", a.Name, a.Title)
				}
			}
			return nil
		})
		list, err := l.events("alert")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if e.Labels["alertname"] == "HostDiskWillFill" {
				t.Errorf("a disk that was filled and cleaned up within minutes is told to fill up: %s", e.Text)
			}
		}
	})
}
