package snmp_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
	"github.com/nocturne-noc/nocturne/store/model"
)

// router is a device of Cisco's with a processor and two power supplies.
func router(t *testing.T) *snmptest.Recording {
	t.Helper()
	rec := made(t, "r1", 1)
	for _, o := range [][3]string{
		{"1.3.6.1.2.1.1.1.0", "4", "Cisco IOS Software, 7200 Software (C7200-IS-M), Version 15.2(4)M, RELEASE SOFTWARE"},
		{"1.3.6.1.2.1.1.2.0", "6", "1.3.6.1.4.1.9.1.222"},
		{"1.3.6.1.4.1.9.9.109.1.1.1.1.2.1", "2", "0"},
		{"1.3.6.1.4.1.9.9.109.1.1.1.1.8.1", "66", "17"},
		{"1.3.6.1.4.1.9.9.13.1.5.1.2.1", "4", "Power Supply 1"},
		{"1.3.6.1.4.1.9.9.13.1.5.1.3.1", "2", "1"},
		{"1.3.6.1.4.1.9.9.13.1.5.1.2.2", "4", "Power Supply 2"},
		{"1.3.6.1.4.1.9.9.13.1.5.1.3.2", "2", "1"},
	} {
		if err := rec.Set(o[0], o[1], o[2]); err != nil {
			t.Fatal(err)
		}
	}
	return rec
}

// TestPowerSupplyFails holds that the readings become samples in each round, cheaply, and that a
// failed power supply makes its device critical, in words, until it is well again.
func TestPowerSupplyFails(t *testing.T) {
	agent := serve(t, router(t), snmptest.Behaviour{})
	target := agent.Target().String()
	b := newBench(t, snmp.Config{Targets: []string{target}}, nil)
	state := func(v string) {
		t.Helper()
		change(t, agent, func(r *snmptest.Recording) error { return r.Set("1.3.6.1.4.1.9.9.13.1.5.1.3.2", "2", v) })
		b.well()
	}
	b.well()
	survey := agent.Requests()
	b.well()
	if second := agent.Requests() - survey; second >= survey/2 {
		t.Errorf("%d requests in the first round, %d in the second: absent tables are asked again", survey, second)
	}
	if cpu, _ := b.sample(target, "nocturne_device_cpu_percent", "device", "r1", "source", "campus"); cpu != 17 {
		t.Errorf("cpu %v, want 17", cpu)
	}
	if e := b.entity(target, "device/r1"); e.State != model.OK || e.Labels["os"] != "ios" || e.Labels["version"] != "15.2(4)M" {
		t.Errorf("well: %s %q %v", e.State, e.Reason, e.Labels)
	}
	state("6")
	if e := b.entity(target, "device/r1"); e.State != model.Critical || e.Reason != "Power Supply 2: not functioning" {
		t.Errorf("failed: %s %q", e.State, e.Reason)
	}
	if v, _ := b.sample(target, "nocturne_device_sensor_problem", "sensor", "state Power Supply 2"); v != 2 {
		t.Errorf("problem %v, want 2", v)
	}
	state("1")
	if e := b.entity(target, "device/r1"); e.State != model.OK || e.Reason != "" {
		t.Errorf("mended: %s %q", e.State, e.Reason)
	}
}

// TestHostileReadings holds that texts of any size and bytes in the place of names and numbers do
// no harm.
func TestHostileReadings(t *testing.T) {
	rec := router(t)
	for _, o := range [][3]string{
		{"1.3.6.1.4.1.9.9.13.1.5.1.2.1", "4x", strings.Repeat("41ff1b5be280ae", 4000)},
		{"1.3.6.1.4.1.9.9.109.1.1.1.1.8.1", "4x", "ff00"},
		{"1.3.6.1.4.1.9.9.109.1.1.1.1.8.2", "66", "4294967295"},
		{"1.3.6.1.4.1.9.9.109.1.1.1.1.2.2", "4", "not an index"},
		{"1.3.6.1.4.1.9.9.91.1.1.1.1.1.5", "2", "8"},
		{"1.3.6.1.4.1.9.9.91.1.1.1.1.2.5", "2", "2147483647"},
		{"1.3.6.1.4.1.9.9.91.1.1.1.1.4.5", "2", "21"},
	} {
		if err := rec.Set(o[0], o[1], o[2]); err != nil {
			t.Fatal(err)
		}
	}
	agent := serve(t, rec, snmptest.Behaviour{})
	r, err := snmp.Discover(t.Context(), options(), agent.Target())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Processors) != 0 {
		t.Errorf("processors out of nonsense: %v", r.Processors)
	}
	if len(r.Sensors) != 2 {
		t.Fatalf("%d sensors, want the two power supplies: %v", len(r.Sensors), r.Sensors)
	}
	for _, s := range r.Sensors {
		if len(s.Name) > 200 || !utf8.ValidString(s.Name) || strings.ContainsAny(s.Name, "\x1b\x00") {
			t.Errorf("name of %d bytes: %.80q", len(s.Name), s.Name)
		}
	}
}
