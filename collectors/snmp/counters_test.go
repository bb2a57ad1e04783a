package snmp

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestOdometer runs sequences of rounds 30 s apart through an odometer.
func TestOdometer(t *testing.T) {
	const (
		gig  = 1e9
		fast = 100e6
		full = 1 << 32
		days = 24 * time.Hour
	)
	type round struct {
		raw      uint64
		up       time.Duration // sysUpTime; 0 goes on from the round before
		restarts uint64
		port     Interface // empty but for what changed
	}
	for _, tc := range []struct {
		name   string
		wraps  bool
		speed  float64
		engine bool
		rounds []round
		want   []uint64
	}{
		{"64 bits go on", false, gig, false, []round{{raw: 1e12}, {raw: 1e12 + 500}, {raw: 1e12 + 900}}, []uint64{1e12, 1e12 + 500, 1e12 + 900}},
		{"64 bits faster than the label says", false, 1e5, false, []round{{raw: 1000}, {raw: 1e9}}, []uint64{1000, 1e9}},
		{"64 bits after a reboot", false, gig, false, []round{{raw: 1e12, up: days}, {raw: 4000, up: time.Second}, {raw: 5000}}, []uint64{1e12, 4000, 5000}},
		{"64 bits cleared by hand", false, gig, false, []round{{raw: 1e12}, {raw: 700}}, []uint64{1e12, 700}},
		{"64 bits fall to what cannot be", false, gig, false, []round{{raw: 2e12}, {raw: 1e12}, {raw: 1e12 + 5}}, []uint64{2e12, 2e12, 2e12 + 5}},
		{"64 bits fall at unknown speed", false, 0, false, []round{{raw: 2000}, {raw: 10}, {raw: 30}}, []uint64{2000, 2000, 2020}},
		{"64 bits glitch and come back", false, gig, false, []round{{raw: 5000}, {raw: 1 << 63}, {raw: 6000}, {raw: 6500}}, []uint64{5000, 5000, 6000, 6500}},
		{"32 bits go on from zero", true, gig, false, []round{{raw: 7000}, {raw: 7400}, {raw: 8000}}, []uint64{0, 400, 1000}},
		{"32 bits wrap", true, gig, false, []round{{raw: full - 100}, {raw: 50}, {raw: 60}}, []uint64{0, 150, 160}},
		{"32 bits wrap on a slow port is none", true, fast, false, []round{{raw: 2e9}, {raw: 1e9}, {raw: 1e9 + 7}}, []uint64{0, 0, 7}},
		{"32 bits wrap at unknown speed", true, 0, false, []round{{raw: full - 1}, {raw: 9}}, []uint64{0, 10}},
		{"32 bits fall at unknown speed", true, 0, false, []round{{raw: full / 4}, {raw: 9}}, []uint64{0, 0}},
		{"32 bits after a reboot", true, gig, false, []round{{raw: full - 100, up: days}, {raw: 50, up: time.Second}}, []uint64{0, 50}},
		{"32 bits higher after a reboot", true, gig, false, []round{{raw: 100, up: days}, {raw: 150, up: 20 * time.Second}}, []uint64{0, 150}},
		{"32 bits and the wrap of sysUpTime", true, gig, false, []round{{raw: full - 100, up: upTimeWrap - 10*time.Second}, {raw: 50, up: 20 * time.Second}}, []uint64{0, 150}},
		{"reboot at the wrap of sysUpTime, told by the engine", true, gig, true, []round{{raw: full - 100, up: upTimeWrap - 10*time.Second}, {raw: 50, up: 20 * time.Second}}, []uint64{0, 50}},
		{"32 bits restarted by themselves", true, gig, false, []round{{raw: full - 100, restarts: 1}, {raw: 50, restarts: 2}}, []uint64{0, 50}},
		{"a discontinuity that is none", true, gig, false, []round{{raw: full - 300, restarts: 1}, {raw: full - 100, restarts: 2}, {raw: 50, restarts: 3}}, []uint64{0, 200, 350}},
		{"another port in the place", true, gig, false, []round{{raw: 5000}, {raw: 9000, port: Interface{MAC: "02:00:00:00:00:02"}}}, []uint64{0, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var o odometer
			at, up := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), time.Hour
			var got []uint64
			for _, r := range tc.rounds {
				if up += 30 * time.Second; r.up != 0 {
					up = r.up
				}
				p := r.port
				p.Port, p.SpeedBPS, p.CountersAt, p.restarts = "p1", tc.speed, at, r.restarts
				p.Counters = []Counter{{Name: "octets", Value: r.raw, Wraps: tc.wraps, Size: octetBits}}
				s := &Snapshot{Time: at, System: System{UpTime: up, HasTime: true}, Interfaces: []Interface{p}, HasInterfaces: true}
				if tc.engine {
					s.System.Engine = up
				}
				o.correct(s)
				got = append(got, s.Interfaces[0].Counters[0].Value)
				at = at.Add(30 * time.Second)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(o.ports) != 1 || len(o.ports[0].meters) != 1 {
				t.Errorf("%d ports kept, want the one meter that is there: %v", len(o.ports), o.ports)
			}
		})
	}
}

// TestOdometerHalfRound holds that a round that broke off forgets nothing.
func TestOdometerHalfRound(t *testing.T) {
	var o odometer
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	read := func(raw uint64) *Snapshot {
		at = at.Add(30 * time.Second)
		s := &Snapshot{Interfaces: []Interface{{Port: "p1", SpeedBPS: 1e9, CountersAt: at, Counters: []Counter{{Name: "octets", Value: raw, Wraps: true}}}}, HasInterfaces: true}
		o.correct(s)
		return s
	}
	read(100)
	o.correct(&Snapshot{})
	if got := read(350).Interfaces[0].Counters[0].Value; got != 250 {
		t.Errorf("told %d, want the rise of both rounds, 250", got)
	}
}

// TestNamesStay holds that names are unique, and stay when the interfaces are numbered anew.
func TestNamesStay(t *testing.T) {
	rows := []Interface{
		{Index: 1, Name: "lan"}, {Index: 2, Name: "lan"}, {Index: 3, Name: "nic", MAC: "02:00:00:00:00:03"}, {Index: 4, Name: "nic", MAC: "02:00:00:00:00:04"},
		{Index: 5, Name: "eth", Descr: "left"}, {Index: 6, Name: "eth", Descr: "right"}, {Index: 7, Name: "lan #1"}, {Index: 8}, {Index: 9, Descr: "alone"},
	}
	want := []string{"lan #2", "lan #3", "nic (02:00:00:00:00:03)", "nic (02:00:00:00:00:04)", "eth (left)", "eth (right)", "lan #1", "if8", "alone"}
	names := func(list []Interface) (out []string) {
		namePorts(list)
		for i := range list {
			out = append(out, list[i].Port)
		}
		return out
	}
	if diff := cmp.Diff(want, names(rows)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i := range rows {
		if rows[i].Index += 100; rows[i].Name == "" && rows[i].Descr == "" {
			want[i] = "if108" // nothing but its number tells it apart
		}
	}
	if diff := cmp.Diff(want, names(rows)); diff != "" {
		t.Errorf("numbered anew (-want +got):\n%s", diff)
	}
}
