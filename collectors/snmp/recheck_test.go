package snmp

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// outlooked is a device of two ports whose last round was at the given time.
func outlooked(at time.Time) *device {
	p := &poller{
		source: "campus", every: time.Minute, now: time.Now, roster: newRoster(), checks: newRechecker(time.Now),
		maps: newMapper("campus", time.Minute, nil, time.Now),
	}
	d := &device{poller: p, target: Target{Host: "192.0.2.1", Port: 161}}
	snap := &Snapshot{Time: at, Interfaces: []Interface{
		{Index: 1, Port: "p1", Descr: "port 1", Admin: StatusUp, Oper: StatusUp},
		{Index: 2, Port: "p2", Descr: "port 2", Admin: StatusUp, Oper: StatusUp},
	}}
	d.outlook.remember(&round{
		source: "campus", target: d.target.String(), device: "sw1", address: "192.0.2.1", every: time.Minute, began: at, snap: snap,
		linked: map[string]bool{"p1": true}, index: map[string]uint32{"p1": 1, "p2": 2},
	})
	return d
}

func statusDown(descr string) portStatus {
	return portStatus{descr: descr, admin: StatusUp, oper: StatusDown}
}

// TestCheckedPorts holds what a check tells, and when it says nothing.
func TestCheckedPorts(t *testing.T) {
	for _, tc := range []struct {
		name  string
		age   time.Duration
		found map[uint32]portStatus
		want  int // entities
	}{
		{"one port", 0, map[uint32]portStatus{1: statusDown("port 1")}, 1},
		{"renumbered", 0, map[uint32]portStatus{1: statusDown("port 2")}, 0},
		{"a port that no round knew", 0, map[uint32]portStatus{3: statusDown("port 3")}, 0},
		{"the last round is long ago", time.Hour, map[uint32]portStatus{1: statusDown("port 1")}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := outlooked(time.Now().Add(-tc.age))
			var told []model.Batch
			d.checkedPorts(tc.found, func(b model.Batch) {
				if b.Scope != topologyScope {
					told = append(told, b)
				}
			})
			if tc.want == 0 {
				if len(told) != 0 {
					t.Errorf("told %+v", told)
				}
				return
			}
			if len(told) != 1 || told[0].Replace || len(told[0].Entities) != tc.want || len(told[0].Samples) != 2*tc.want {
				t.Fatalf("told %+v", told)
			}
			if e := told[0].Entities[0]; e.ID != "device/sw1/port/p1" || e.Labels["oper"] != "down" {
				t.Errorf("entity %+v", e)
			}
			if p, ok := d.Port(1); !ok || p.Name != "p1" {
				t.Errorf("port %+v", p)
			}
		})
	}
}

// TestCheckDuringRound holds that a round that read a port before a check does not undo the check, and
// that a later round does.
func TestCheckDuringRound(t *testing.T) {
	began := time.Now().Add(-time.Second)
	d := outlooked(began)
	d.checkedPorts(map[uint32]portStatus{1: statusDown("port 1")}, func(model.Batch) {})
	read := func() *Snapshot {
		return &Snapshot{Interfaces: []Interface{{Index: 1, Port: "p1", Descr: "port 1", Admin: StatusUp, Oper: StatusUp}}}
	}
	snap := read()
	d.outlook.correct(snap, began)
	if snap.Interfaces[0].Oper != StatusDown {
		t.Error("the round that ran undoes the check")
	}
	snap = read()
	d.outlook.correct(snap, time.Now().Add(time.Second))
	if snap.Interfaces[0].Oper != StatusUp {
		t.Error("the check outlives the next round")
	}
}

// TestRechecker holds that ports wait together, that a device is checked once at a time and not more
// than once a second, and that nothing stays behind.
func TestRechecker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a, b := newRechecker(time.Now), &device{}, &device{}
		for i := range uint32(1000) {
			c.add(a, i+1)
		}
		c.add(b, 7)
		due, wait := c.due()
		if len(due[a]) != maxRechecked || len(due[b]) != 1 || wait != 0 {
			t.Fatalf("%d and %d ports, wait %v", len(due[a]), len(due[b]), wait)
		}
		c.add(a, 5)
		if due, _ := c.due(); len(due) != 0 {
			t.Errorf("two checks of one device at once: %v", due)
		}
		c.done(a)
		c.done(b)
		if due, wait := c.due(); len(due) != 0 || wait != recheckPause {
			t.Errorf("at once again: %v, wait %v", due, wait)
		}
		time.Sleep(recheckPause)
		if due, wait := c.due(); len(due) != 1 || len(due[a]) != 1 || wait != 0 || len(c.checks) != 1 {
			t.Errorf("after the pause: %v, wait %v, %d remembered", due, wait, len(c.checks))
		}
		c.done(a)
		time.Sleep(recheckPause)
		if due, _ := c.due(); len(due) != 0 || len(c.checks) != 0 {
			t.Errorf("in the end: %v, %d remembered", due, len(c.checks))
		}
	})
}

// TestRoster holds whom an address belongs to.
func TestRoster(t *testing.T) {
	r := newRoster()
	one, two := &poller{}, &poller{}
	a, b, c := &device{poller: one}, &device{poller: one}, &device{poller: two}
	addrs := resolve
	r.enlist(a, addrs(t.Context(), "10.0.0.1"), addrs(t.Context(), "10.9.9.9"))
	r.enlist(b, addrs(t.Context(), "10.0.0.2"), append(addrs(t.Context(), "10.9.9.9"), addrs(t.Context(), "10.0.0.1")...))
	r.enlist(c, addrs(t.Context(), "::ffff:10.0.0.3"), nil)
	find := func(addr string) any { return r.find(addrs(t.Context(), addr)[0]) }
	for addr, want := range map[string]any{"10.0.0.1": a, "10.0.0.2": b, "10.0.0.3": c} {
		if got := find(addr); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	for _, addr := range []string{"10.9.9.9", "10.0.0.4"} {
		if got := r.find(addrs(t.Context(), addr)[0]); got != nil {
			t.Errorf("%s: %v, want none", addr, got)
		}
	}
	r.enlist(b, addrs(t.Context(), "10.0.0.2"), nil)
	if find("10.9.9.9") != any(a) {
		t.Error("the one who is left does not get the address")
	}
	r.leave(one)
	r.enlist(b, addrs(t.Context(), "10.0.0.2"), nil) // a round that ended late
	if len(r.own) != 0 || len(r.asked) != 1 || find("10.0.0.3") != any(c) {
		t.Errorf("left: %v, %v", r.asked, r.own)
	}
}
