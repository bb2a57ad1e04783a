package snmp_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
	"github.com/nocturne-noc/nocturne/store/model"
)

// cables writes links as "a port -- b port", ends and lines sorted. name translates entity IDs.
func cables(links []model.Link, name func(id string) string) []string {
	var out []string
	for _, l := range links {
		ends := []string{name(l.A) + " " + l.APort, name(l.B) + " " + l.BPort}
		slices.Sort(ends)
		out = append(out, strings.Join(ends, " -- "))
	}
	slices.Sort(out)
	return out
}

// TestNetworkNMS17216 maps nine recorded Cisco devices: LLDP on the switches, CDP on all.
func TestNetworkNMS17216(t *testing.T) {
	dir := recordings(t, "networks", "nms17216")
	var truth []struct {
		A     string `json:"a"`
		APort string `json:"a_port"`
		B     string `json:"b"`
		BPort string `json:"b_port"`
	}
	text, err := os.ReadFile(filepath.Join(dir, "links.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &truth); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, l := range truth {
		ends := []string{l.A + " " + l.APort, l.B + " " + l.BPort}
		slices.Sort(ends)
		want = append(want, strings.Join(ends, " -- "))
	}
	slices.Sort(want)
	var targets []string
	files, err := filepath.Glob(filepath.Join(dir, "*.snmprec"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		targets = append(targets, serve(t, load(t, file), snmptest.Behaviour{}).Target().String())
	}
	top, err := snmp.DiscoverTopology(t.Context(), options(), targets)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range top.Errs {
		t.Error(err)
	}
	got := cables(top.Links, func(id string) string { return strings.ToLower(strings.TrimPrefix(id, "device/")) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	for _, l := range top.Links {
		if l.Confidence != 1 {
			t.Errorf("%s: confidence %v, but both ends tell of it: %v", l.Key(), l.Confidence, l.Evidence)
		}
	}
}

// TestNetworkEltex maps four recorded stacks with parallel cables. Their recordings have no
// sysName: the devices are told apart by their MAC addresses, and named by their address.
func TestNetworkEltex(t *testing.T) {
	dir := recordings(t, "networks", "eltex")
	var rows []struct{ Local, LocalPort, Remote, RemPortID string }
	text, err := os.ReadFile(filepath.Join(dir, "lldp-rows.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.snmprec"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{} // entity ID -> recording
	recorded := map[string]bool{}
	var targets []string
	for _, file := range files {
		agent := serve(t, load(t, file), snmptest.Behaviour{})
		name := strings.TrimSuffix(filepath.Base(file), ".snmprec")
		targets, recorded[name] = append(targets, agent.Target().String()), true
		if err := agent.Change(func(r *snmptest.Recording) error { return r.Set("1.3.6.1.2.1.1.5.0", "4", name) }); err != nil {
			t.Fatal(err)
		}
		names[model.DeviceID(name)] = name
	}
	want := map[string]bool{}
	for _, r := range rows {
		if recorded[r.Local] && recorded[r.Remote] {
			ends := []string{r.Local + " " + r.LocalPort, r.Remote + " " + r.RemPortID}
			slices.Sort(ends)
			want[strings.Join(ends, " -- ")] = true
		}
	}
	top, err := snmp.DiscoverTopology(t.Context(), options(), targets)
	if err != nil {
		t.Fatal(err)
	}
	var between []model.Link
	for _, l := range top.Links {
		if names[l.A] != "" && names[l.B] != "" {
			between = append(between, l)
		}
	}
	got := cables(between, func(id string) string { return names[id] })
	var wanted []string
	for cable := range want {
		wanted = append(wanted, cable)
	}
	slices.Sort(wanted)
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	t.Logf("%d cables between the recorded devices, %d links and %d nodes in all", len(got), len(top.Links), len(top.Nodes))
}
