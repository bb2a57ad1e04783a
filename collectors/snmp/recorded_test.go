package snmp_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
)

// recordings finds ../shared/data/snmp above the package, or skips.
func recordings(t testing.TB, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(append([]string{dir, "shared", "data", "snmp"}, parts...)...)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("no shared/data/snmp/%s above this folder: recordings of real devices are not part of the repository", filepath.Join(parts...))
	return ""
}

// serve starts an agent on a recording and ends it with the test.
func serve(t testing.TB, rec *snmptest.Recording, bad snmptest.Behaviour) *snmptest.Agent {
	t.Helper()
	agent, err := snmptest.Serve(t.Context(), "127.0.0.1:0", rec, bad)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := agent.Close(); err != nil {
			t.Error(err)
		}
	})
	return agent
}

func load(t testing.TB, path string) *snmptest.Recording {
	t.Helper()
	rec, err := snmptest.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func options() snmp.Options {
	return snmp.Options{Timing: snmp.Timing{Timeout: 2 * time.Second, Retries: 1}, Now: time.Now}
}

// expectation is what the recordings' companion files hold.
type expectation struct {
	Device struct{ OS, Version, Hardware, Serial string }
	Ports  []struct {
		IfIndex        uint32
		IfName         string
		IfOperStatus   string
		IfSpeed        float64
		IfType         string
		IfHighSpeedBPS float64
	}
	Processors []json.RawMessage
	Mempools   []json.RawMessage
	Storage    []json.RawMessage
	Sensors    []json.RawMessage
	Links      []struct {
		IfName          string `json:"ifName"`
		RemoteHostname  string `json:"remote_hostname"`
		RemotePort      string `json:"remote_port"`
		RemotePlatforms string `json:"remote_platform"`
	}
}

// TestRecordedDevices discovers each recorded device over UDP and compares with what another
// monitoring system's tests expect of it. The table is printed with -v.
func TestRecordedDevices(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recordings(t, "devices"), "*.snmprec"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var want, got, links, linksGot int
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".snmprec")
		text, err := os.ReadFile(strings.TrimSuffix(file, ".snmprec") + ".expected.json")
		if err != nil {
			t.Fatal(err)
		}
		var e expectation
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		agent := serve(t, load(t, file), snmptest.Behaviour{})
		r, err := snmp.Discover(ctx, options(), agent.Target())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		byIndex := map[uint32]snmp.ReportInterface{}
		for _, i := range r.Interfaces {
			byIndex[i.Index] = i
		}
		ports := 0
		for _, p := range e.Ports {
			if i, ok := byIndex[p.IfIndex]; ok && (p.IfName == "" || i.Name == p.IfName || i.Descr == p.IfName) && (p.IfOperStatus == "" || i.Oper == p.IfOperStatus) {
				ports++
			} else {
				t.Logf("%s: port %d: got %q %q %s, want %q %s", name, p.IfIndex, i.Name, i.Descr, i.Oper, p.IfName, p.IfOperStatus)
			}
		}
		found := 0
		for _, l := range e.Links {
			ok := false
			for _, n := range r.Neighbours {
				ok = ok || n.LocalPort == l.IfName && (n.Name == l.RemoteHostname || n.Port == l.RemotePort)
			}
			if ok {
				found++
			} else {
				t.Logf("%s: no neighbour at %s: %s %s", name, l.IfName, l.RemoteHostname, l.RemotePort)
			}
		}
		want, got, links, linksGot = want+len(e.Ports), got+ports, links+len(e.Links), linksGot+found
		t.Logf("%-24s ports %3d/%-3d proc %2d/%-2d mem %d/%d storage %d/%d sensors %3d/%-3d links %2d/%-2d warnings %d requests %d", name, ports, len(e.Ports),
			len(r.Processors), len(e.Processors), len(r.Memory), len(e.Mempools), len(r.Storage), len(e.Storage),
			len(r.Sensors), len(e.Sensors), found, len(e.Links), len(r.Warnings), agent.Requests())
		t.Logf("%-24s %s|%s|%s|%s, want %s|%s|%s|%s %v", "", r.Device.OS, r.Device.Version, r.Device.Hardware, r.Device.Serial,
			e.Device.OS, e.Device.Version, e.Device.Hardware, e.Device.Serial, r.Warnings)
	}
	if float64(got) < 0.95*float64(want) {
		t.Errorf("%d of %d expected ports, want at least 95 %%", got, want)
	}
	if float64(linksGot) < 0.95*float64(links) {
		t.Errorf("%d of %d expected neighbours, want at least 95 %%", linksGot, links)
	}
}
