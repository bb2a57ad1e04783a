//go:build lab

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	push  = 1500 * time.Millisecond // what a trap tells is on the wall within a second; asking takes its share
	rules = 5 * time.Second         // the interval of the alert rules
)

// cabling is what is plugged into what in the lab, and nothing else is. The access point has no SNMP agent; of the
// computer on gi9 of acc11 only its MAC is seen.
var cabling = []string{
	"acc11 gi1 - dist1 gi1", "acc11 gi8 - ap1 eth0", "acc12 gi1 - dist1 gi2", "acc12 gi8 - web1 eth0", "acc12 gi9 - db1 eth0",
	"acc21 gi1 - dist2 gi1", "acc22 gi1 - dist2 gi2", "acc22 gi8 - app1 eth0",
	"core1 te1 - core2 te1", "core1 te2 - core2 te2", "core1 te3 - dist1 te1", "core1 te4 - dist2 te1",
	"core1 te5 - core2 te5", "core1 te6 - core2 te6", "core1 te7 - core2 te7", "core1 te8 - core2 te8",
	"core2 te3 - dist1 te2", "core2 te4 - dist2 te2",
}

const computerMAC = "02:4e:4f:00:5c:01"

// ask reads from the wallboard's control socket, in less time than a command beside it takes.
func (l *lab) ask(path string, query map[string][]string, into any) error {
	ctx, cancel := context.WithTimeout(l.t.Context(), 5*time.Second)
	defer cancel()
	client, runs := control.Dial(ctx, l.data)
	if !runs {
		return fmt.Errorf("no wallboard answers on %s", l.data)
	}
	return client.Get(ctx, "/api/nocturne/"+path, query, into)
}

// link checks the cable or the aggregation on a port of a device.
func (l *lab) link(kind, device, port string, state model.State, reason string) func() error {
	return func() error {
		var list []model.Link
		if err := l.ask("links", map[string][]string{"kind": {kind}}, &list); err != nil {
			return err
		}
		for _, link := range list {
			if id := "device/" + device; link.A == id && link.APort == port || link.B == id && link.BPort == port {
				if link.State != state || !strings.Contains(link.Reason, reason) {
					return fmt.Errorf("link of %s %s is %s (%s), want %s (%s)", device, port, link.State, link.Reason, state, reason)
				}
				return nil
			}
		}
		return fmt.Errorf("%s %s has no link of kind %s", device, port, kind)
	}
}

// device checks a device's state and reason.
func (l *lab) device(name, state, reason string) func() error {
	return l.want("device/"+name, state, reason)
}

// row checks what the row of a polled target says.
func (l *lab) row(target string, state model.State, words ...string) func() error {
	return func() error {
		var rows []model.SourceStatus
		if err := l.ask("sources", nil, &rows); err != nil {
			return err
		}
		for _, row := range rows {
			if row.Target != target {
				continue
			}
			for _, w := range words {
				if row.State != state || !strings.Contains(row.Error, w) {
					return fmt.Errorf("row of %s is %s: %q, want %s with %q", target, row.State, row.Error, state, w)
				}
			}
			return nil
		}
		return fmt.Errorf("no row of %s", target)
	}
}

// trapped checks that a trap was told of since then.
func (l *lab) trapped(since time.Time, title, text string) func() error {
	return func() error {
		list, err := l.events("trap")
		if err != nil {
			return err
		}
		for _, e := range list {
			if e.Title == title && strings.HasPrefix(e.Text, text) && e.Time.After(since) {
				return nil
			}
		}
		return fmt.Errorf("no trap %s of %s since %v", text, title, since.Format(time.TimeOnly))
	}
}

// roots are the names and devices of the network's alerts that fire and have no cause. A restart is left out: its alert
// stays for ten minutes.
func (l *lab) roots() []string {
	l.t.Helper()
	var roots []string
	for _, a := range l.alerts() {
		network := a.Labels["device"] != "" || strings.HasPrefix(a.Labels["target"], "127.0.77.")
		if network && !a.Pending && a.Cause == "" && a.Name != "DeviceRebooted" {
			roots = append(roots, a.Name+" "+a.Labels["device"])
		}
	}
	slices.Sort(roots)
	return roots
}

// all checks several things at once.
func all(checks ...func() error) func() error {
	return func() error {
		for _, check := range checks {
			if err := check(); err != nil {
				return err
			}
		}
		return nil
	}
}

// cables writes down a map as cabling does.
func cables(top topology) []string {
	names := map[string]string{}
	for _, n := range top.Nodes {
		names[n.ID] = n.Name
	}
	var list []string
	for _, link := range top.Links {
		a, b := names[link.A]+" "+link.APort, names[link.B]+" "+link.BPort
		list = append(list, min(a, b)+" - "+max(a, b))
	}
	slices.Sort(list)
	return list
}

// networkUp is what must be seen soon after a start.
func (l *lab) networkUp() error {
	var checks []func() error
	for _, name := range []string{"core1", "core2", "dist1", "dist2", "acc11", "acc12", "acc21", "acc22", "oob1"} {
		checks = append(checks, l.device(name, "ok", ""))
	}
	checks = append(checks, l.link("lag", "core1", "po1", model.OK, ""), func() error {
		top, err := l.topology()
		if err != nil {
			return err
		}
		if diff := cmp.Diff(cabling, cables(top)); diff != "" {
			return fmt.Errorf("cables (-want +got):\n%s", diff)
		}
		for _, link := range top.Links {
			if link.State != "ok" {
				return fmt.Errorf("%s %s is %s", link.A, link.APort, link.State)
			}
		}
		return nil
	})
	return all(checks...)()
}

// rates returns, for each port of a device, the rates between its samples in bit/s over a time until now.
func (l *lab) rates(metric, device string, back time.Duration) map[string][]float64 {
	l.t.Helper()
	out := map[string][]float64{}
	for _, port := range []string{"te1", "te2", "gi1", "gi2"} {
		series := l.matrix(fmt.Sprintf(`%s{device=%q,ifName=%q}[%ds]`, metric, device, port, int(back.Seconds())), time.Now())
		if len(series) > 1 {
			l.t.Errorf("%s %s has %d series of %s, want one history", device, port, len(series), metric)
		}
		for _, list := range series {
			for i := 1; i < len(list); i++ {
				rise := list[i].v - list[i-1].v
				if rise < 0 { // a reset: from zero, as PromQL has it
					rise = list[i].v
				}
				out[port] = append(out[port], 8*rise/list[i].at.Sub(list[i-1].at).Seconds())
			}
		}
	}
	return out
}

// between checks that all rates lie in a range.
func between(t *testing.T, what string, rates []float64, low, high float64) {
	t.Helper()
	if len(rates) == 0 {
		t.Errorf("%s: no rates", what)
	}
	for _, r := range rates {
		if r < low || r > high {
			t.Errorf("%s: %.2f Mbit/s, want %.2f to %.2f (of %.0f)", what, r/1e6, low/1e6, high/1e6, rates)
		}
	}
}

// TestLabNetwork walks the faults of the network. Each clears by itself when it is healed.
func TestLabNetwork(t *testing.T) {
	l := newLab(t)
	began := l.start()
	l.within(began, 20*time.Second, "the network as it is cabled", l.networkUp)
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(sub *testing.T) {
			l.t = sub
			defer func() { l.t = t }()
			defer l.order("heal") // what fails in a subtest ends that one alone
			f(sub)
		})
	}

	run("discovery finds the true cabling", func(t *testing.T) {
		args := []string{"discover", "topology", "--json", "--config", filepath.Join(l.dir, "nocturne.yaml")}
		for _, n := range []int{11, 12, 21, 22, 31, 32, 41, 42} {
			args = append(args, fmt.Sprintf("127.0.77.%d:1161", n))
		}
		var top topology
		if err := json.Unmarshal([]byte(l.must(exec.CommandContext(t.Context(), nocturneBin, args...))), &top); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(cabling, cables(top)); diff != "" {
			t.Errorf("cables (-want +got):\n%s", diff)
		}
	})
	run("fault 1: link-down", func(t *testing.T) {
		before := time.Now()
		at := l.fault("link-down")
		l.within(at, push, "link critical at both ends", l.link("ethernet", "core1", "te4", model.Critical, "down, seen by both ends"))
		l.within(at, push, "told by both traps", all(l.trapped(before, "core1 te4", "linkDown"), l.trapped(before, "dist2 te1", "linkDown")))
		l.within(at, 2*rules, "alert", l.alerting("LinkDown", "core1 te4", true))
		if got := l.roots(); !slices.Equal(got, []string{"LinkDown core1"}) {
			t.Errorf("alerts without a cause: %q", got)
		}
		if err := l.device("dist2", "ok", "")(); err != nil {
			t.Error(err)
		}
		l.within(at, 30*time.Second, "the other cable's load shows", func() error {
			out, err := l.nocturne("query", `rate(ifHCOutOctets{device="core2",ifName="te4"}[15s]) * 8 / 20e6 > 0.75`)
			if err == nil && !strings.Contains(out, `"core2"`) {
				err = errors.New("core2 te4 carries less than 75 %")
			}
			return err
		})
		at = l.heal("link-down")
		l.within(at, push, "link ok", l.link("ethernet", "core1", "te4", model.OK, ""))
		l.within(at, 2*rules, "alert gone", l.alerting("LinkDown", "core1", false))
	})
	run("fault 2: agent-silent", func(t *testing.T) {
		at := l.fault("agent-silent")
		l.within(at, 3*poll, "device stale", l.device("acc12", "stale", "last answer"))
		l.within(at, 3*poll, "the link by the other end's word", l.link("ethernet", "acc12", "gi1", model.OK, "seen by dist1 alone"))
		if err := all(l.alerting("LinkDown", "", false), l.alerting("DeviceDown", "", false))(); err != nil {
			t.Error(err)
		}
		at = l.heal("agent-silent")
		l.within(at, 3*poll, "device ok", l.device("acc12", "ok", ""))
	})
	run("fault 3: device-dead", func(t *testing.T) {
		at := l.fault("device-dead")
		l.within(at, push, "its cables critical", all(l.link("ethernet", "core1", "te3", model.Critical, "down"), l.link("ethernet", "core2", "te3", model.Critical, "down")))
		l.within(at, 3*poll, "one is down, what is behind it is unknown", all(l.device("dist1", "critical", "down or cut off"),
			l.device("acc11", "unknown", "behind dist1"), l.device("acc12", "unknown", "behind dist1")))
		l.within(at, 60*time.Second, "nobody answers: alerts", all(l.alerting("DeviceDown", "dist1", true),
			l.alerting("SourceFailing", "127.0.77.21", true), l.alerting("SourceFailing", "127.0.77.32", true)))
		if got := l.roots(); !slices.Equal(got, []string{"DeviceDown dist1"}) {
			t.Errorf("alerts without a cause: %q, want dist1 alone", got)
		}
		if err := l.link("ethernet", "acc11", "gi8", model.Stale, "")(); err != nil {
			t.Error(err)
		}
		at = l.heal("device-dead")
		l.within(at, 3*poll, "all as before", l.networkUp)
		l.within(at, 3*poll, "no alert", func() error {
			if got := l.roots(); len(got) > 0 {
				return fmt.Errorf("alerts: %q", got)
			}
			return nil
		})
	})
	run("fault 10: lag-member", func(t *testing.T) {
		at := l.fault("lag-member")
		l.within(at, push, "LAG has three quarters", l.link("lag", "core1", "po1", model.Warning, "3 of 4 members up, 120 Mbit/s of 160 Mbit/s"))
		l.within(at, 2*rules, "alert", l.alerting("LagMemberDown", "te7", true))
		if got := l.roots(); !slices.Equal(got, []string{"LagMemberDown core1"}) {
			t.Errorf("alerts without a cause: %q", got)
		}
		at = l.heal("lag-member")
		l.within(at, push, "LAG ok", l.link("lag", "core1", "po1", model.OK, ""))
		l.within(at, 2*rules, "alert gone", l.alerting("LagMemberDown", "te7", false))
	})
	run("fault 11: neighbours that nobody manages", func(t *testing.T) {
		if err := all(l.want("stub/02:4e:4f:00:5b:01", "unknown", "known only from its neighbours"), l.link("ethernet", "acc11", "gi8", model.OK, ""))(); err != nil {
			t.Error(err)
		}
		list, err := l.entities()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if e.Kind == string(model.KindStub) && e.Name != "ap1" || strings.Contains(e.ID, computerMAC) {
				t.Errorf("%s %s is on the map", e.ID, e.Name)
			}
		}
		if err := l.link("ethernet", "acc11", "gi9", model.OK, "")(); err == nil {
			t.Error("a MAC alone has made a link of gi9")
		}
	})
	run("fault 5: reboot", func(t *testing.T) {
		at := l.fault("reboot")
		l.within(at, 2*poll, "an event says so", l.told("state", "rebooted"))
		l.within(at, 2*poll, "and an alert", l.alerting("DeviceRebooted", "dist2", true))
		l.within(at, 3*poll, "all as before", l.networkUp)
		time.Sleep(2 * poll) // two more samples of the new counters
		for port, rates := range l.rates("ifHCInOctets", "dist2", time.Minute) {
			top := map[string]float64{"te1": 15e6, "te2": 15e6, "gi1": 5e6, "gi2": 5e6}[port]
			between(t, "dist2 "+port, rates, 0, top)
			if n := len(rates); n < 9 {
				t.Errorf("dist2 %s has %d rates in a minute: its history is torn", port, n)
			}
		}
	})
	run("fault 6: counter-wrap", func(t *testing.T) {
		l.fault("counter-wrap")
		raw := func() string {
			cmd := exec.CommandContext(t.Context(), "snmpget", "-v2c", "-c", "public", "-Oqv", "127.0.77.41:1161", ".1.3.6.1.2.1.2.2.1.10.2", ".1.3.6.1.2.1.2.2.1.16.2")
			cmd.Env = append(cmd.Environ(), "MIBS=")
			return l.must(cmd)
		}
		first := strings.Fields(raw())
		l.within(time.Now(), time.Minute, "both counters have wrapped", func() error {
			for i, now := range strings.Fields(raw()) {
				if len(now) >= len(first[i]) {
					return fmt.Errorf("counter %d is at %s", i, now)
				}
			}
			return nil
		})
		time.Sleep(poll + time.Second) // one sample more
		between(t, "acc21 gi1 in", l.rates("ifInOctets", "acc21", 40*time.Second)["gi1"], 4.2e6, 6.6e6)
		between(t, "acc21 gi1 out", l.rates("ifOutOctets", "acc21", 40*time.Second)["gi1"], 1.7e6, 3.3e6)
		at := l.heal("counter-wrap")
		l.within(at, 2*poll, "device ok", l.device("acc21", "ok", ""))
	})
	run("fault 7: wrong-community and wrong-password", func(t *testing.T) {
		l.fault("wrong-community")
		at := l.fault("wrong-password")
		l.within(at, 3*poll, "refused, with what to do", all(
			l.row("127.0.77.12:1161", model.Critical, "authentication refused by core2", "check the community"),
			l.row("127.0.77.61:1161", model.Critical, "authentication refused by oob1", "auth.password")))
		l.within(at, 3*poll, "stale", all(l.device("core2", "stale", ""), l.device("oob1", "stale", "")))
		l.within(at, 3*poll, "the link by the other end's word", l.link("ethernet", "core2", "te1", model.OK, "seen by core1 alone"))
		if err := all(l.alerting("LinkDown", "", false), l.alerting("DeviceDown", "", false))(); err != nil {
			t.Error(err)
		}
		l.heal("wrong-password")
		at = l.heal("wrong-community")
		l.within(at, 4*poll, "both ok", all(l.device("core2", "ok", ""), l.device("oob1", "ok", "")))
	})
	run("fault 8: slow-agent and half-table", func(t *testing.T) {
		l.fault("slow-agent")
		at := l.fault("half-table")
		l.within(at, 3*poll, "partial is called partial", all(l.device("acc12", "warning", "answers only in part"), l.device("acc22", "warning", "answers only in part"),
			l.row("127.0.77.32:1161", model.Warning, "only in part"), l.row("127.0.77.42:1161", model.Warning, "only in part")))
		l.within(at, 4*poll, "what was not read is stale", l.want("device/acc22/port/gi1", "stale", "not read since"))
		for range 3 * int(poll/time.Second) { // it stays so, and the others are on time
			check := all(l.device("acc12", "warning", "in part"), l.device("acc22", "warning", "in part"), l.alerting("SourceFailing", "", false), func() error {
				out, err := l.nocturne("query", fmt.Sprintf(`time() - timestamp(sysUpTime{device!~"acc12|acc22"}) > %g`, 1.5*poll.Seconds()))
				if err == nil && strings.Contains(out, `"device"`) {
					err = fmt.Errorf("others are late: %s", out)
				}
				return err
			})
			if err := check(); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
		}
		l.heal("slow-agent")
		at = l.heal("half-table")
		l.within(at, 3*poll, "ports ok", all(l.want("device/acc12/port/gi1", "ok", ""), l.want("device/acc22/port/gi1", "ok", "")))
	})
	run("fault 9: trap-storm", func(t *testing.T) {
		before := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = exec.CommandContext(t.Context(), labBin, "fault", "trap-storm", "--dir", l.dir).Run() // what it did shows below
		}()
		for storming := true; storming; {
			select {
			case <-done:
				storming = false
			case <-time.After(500 * time.Millisecond):
			}
			asked := time.Now()
			var rows []model.SourceStatus
			if err := l.ask("sources", nil, &rows); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(asked); took > time.Second {
				t.Errorf("the wall took %v to answer", took)
			}
		}
		l.within(time.Now(), 2*poll, "counted by sender", func() error {
			out, err := l.nocturne("query", `nocturne_trap_received_total{device="acc22"} > 25000`)
			if err == nil && !strings.Contains(out, "127.0.77.42") {
				err = errors.New("fewer than 25,000 were counted of 50,000 sent")
			}
			return err
		})
		list, err := l.events("trap")
		if err != nil {
			t.Fatal(err)
		}
		shown, storm := 0, false
		for _, e := range list {
			if e.Time.Before(before) {
				continue
			}
			shown++
			storm = storm || e.Title == "acc22" && strings.Contains(e.Text, "trap storm") && strings.Contains(e.Text, "127.0.77.42")
		}
		if !storm || shown > 100 {
			t.Errorf("%d events of the storm, one names it and its sender: %v", shown, storm)
		}
	})
	run("fault 4: packet-loss", func(t *testing.T) {
		at := l.fault("packet-loss")
		bad := map[string]string{}
		for time.Since(at) < 6*poll {
			list, err := l.entities()
			if err != nil {
				t.Fatal(err)
			}
			for id, e := range list {
				if strings.HasPrefix(id, "device/") && e.State != "ok" && (e.State != "warning" || !strings.Contains(e.Reason, "get no answer")) {
					bad[id] = e.State + ": " + e.Reason
				}
			}
			for _, name := range l.roots() {
				if !strings.HasPrefix(name, "DevicePacketLoss") {
					bad[name] = "an alert"
				}
			}
			time.Sleep(time.Second)
		}
		for _, id := range slices.Sorted(maps.Keys(bad)) {
			t.Errorf("an alarm of state: %s %s", id, bad[id])
		}
		l.within(at, 8*poll, "a warning about loss", l.device("core2", "warning", "of requests get no answer"))
		between(t, "dist2 te1", l.rates("ifHCInOctets", "dist2", 25*time.Second)["te1"], 5e6, 14e6)
		at = l.heal("packet-loss")
		l.within(at, 14*poll, "all as before", l.networkUp)
	})
}
