package snmp_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
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
	Device     struct{ OS, Version, Hardware, Serial string }
	Ports      []expectedPort
	Processors []expectedProcessor
	Mempools   []expectedMemory
	Storage    []expectedStorage
	Sensors    []expectedSensor
	Links      []expectedLink
}

type (
	expectedPort struct {
		IfIndex      uint32
		IfName       string
		IfOperStatus string
	}
	expectedProcessor struct {
		Descr string  `json:"processor_descr"`
		Usage float64 `json:"processor_usage"`
	}
	expectedMemory struct {
		Descr string  `json:"mempool_descr"`
		Used  float64 `json:"mempool_used"`
		Total float64 `json:"mempool_total"`
		Perc  float64 `json:"mempool_perc"`
	}
	expectedStorage struct {
		Descr string  `json:"storage_descr"`
		Used  float64 `json:"storage_used"`
		Size  float64 `json:"storage_size"`
	}
	expectedSensor struct {
		OID     string  `json:"sensor_oid"`
		Class   string  `json:"sensor_class"`
		Descr   string  `json:"sensor_descr"`
		Current float64 `json:"sensor_current"`
	}
	expectedLink struct {
		IfName         string `json:"ifName"`
		RemoteHostname string `json:"remote_hostname"`
		RemotePort     string `json:"remote_port"`
	}
)

// score counts what of one kind was expected and found.
type score struct{ found, want int }

func (s score) String() string { return fmt.Sprintf("%3d/%-3d", s.found, s.want) }

// compare looks for each expected thing among what was reported, each of which stands for one.
func compare[W, G any](want []W, got []G, same func(W, G) bool, missing func(W)) score {
	used := make([]bool, len(got))
	s := score{want: len(want)}
	for _, w := range want {
		n := slices.IndexFunc(got, func(g G) bool { return same(w, g) })
		for n >= 0 && used[n] {
			more := slices.IndexFunc(got[n+1:], func(g G) bool { return same(w, g) })
			if more < 0 {
				n = more
				break
			}
			n += 1 + more
		}
		if n < 0 {
			missing(w)
			continue
		}
		used[n] = true
		s.found++
	}
	return s
}

// near allows for what the other system rounds.
func near(a, b float64) bool { return math.Abs(a-b) <= 0.01+0.002*math.Abs(b) }

// kinds are what is compared, with the share that must be right.
var kinds = []struct {
	name  string
	share float64
}{
	{"interfaces", 0.95}, {"processors", 0.95}, {"memory", 0.95}, {"storage", 0.95}, {"neighbours", 0.95}, {"sensors", 0.70}, {"identity", 0.80},
}

// TestRecordedDevices discovers each recorded device over UDP and compares with what another
// monitoring system's tests expect of it; a list that is missing there is not compared. The table
// is printed with -v.
func TestRecordedDevices(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recordings(t, "devices"), "*.snmprec"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-24s", "device")
	for _, k := range kinds {
		fmt.Fprintf(&table, " %-10s", k.name)
	}
	fmt.Fprintln(&table, " requests")
	total := make([]score, len(kinds))
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".snmprec")
		raw, err := os.ReadFile(strings.TrimSuffix(file, ".snmprec") + ".expected.json")
		if err != nil {
			t.Fatal(err)
		}
		var e expectation
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		agent := serve(t, load(t, file), snmptest.Behaviour{})
		r, err := snmp.Discover(ctx, options(), agent.Target())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		fmt.Fprintf(&table, "%-24s", name)
		for i, s := range scores(t, name, &e, r) {
			total[i].found, total[i].want = total[i].found+s.found, total[i].want+s.want
			fmt.Fprintf(&table, " %-10s", s)
		}
		fmt.Fprintf(&table, " %d %s\n", agent.Requests(), strings.Join(r.Warnings, "; "))
	}
	fmt.Fprintf(&table, "%-24s", "all")
	for i, s := range total {
		fmt.Fprintf(&table, " %-10s", s)
		if float64(s.found) < kinds[i].share*float64(s.want) {
			t.Errorf("%s: %d of %d are right, want at least %.0f %%", kinds[i].name, s.found, s.want, 100*kinds[i].share)
		}
	}
	t.Log(table.String())
}

// scores compares one report with what is expected, in the order of kinds.
func scores(t *testing.T, name string, e *expectation, r *snmp.Report) []score {
	identity := score{}
	for _, f := range [][2]string{
		{e.Device.OS, r.Device.OS}, {e.Device.Version, r.Device.Version}, {e.Device.Hardware, r.Device.Hardware}, {e.Device.Serial, r.Device.Serial},
	} {
		if f[0] == "" || strings.Contains(f[0], "<private>") {
			continue
		}
		identity.want++
		if strings.Contains(strings.ToLower(f[0]), strings.ToLower(f[1])) && f[1] != "" || strings.Contains(strings.ToLower(f[1]), strings.ToLower(f[0])) {
			identity.found++
		} else {
			t.Logf("%s: identity: got %q, want %q", name, f[1], f[0])
		}
	}
	missing := func(kind string, what any) { t.Logf("%s: no %s %+v", name, kind, what) }
	return []score{
		compare(e.Ports, r.Interfaces, func(w expectedPort, g snmp.ReportInterface) bool {
			return w.IfIndex == g.Index && (w.IfName == "" || g.Name == w.IfName || g.Descr == w.IfName) &&
				(w.IfOperStatus == "" || g.Oper == w.IfOperStatus)
		}, func(w expectedPort) { missing("interface", w) }),
		compare(e.Processors, r.Processors, func(w expectedProcessor, g snmp.Processor) bool {
			return math.Abs(w.Usage-g.Percent) <= 1
		}, func(w expectedProcessor) { missing("processor", w) }),
		compare(e.Mempools, r.Memory, func(w expectedMemory, g snmp.Volume) bool {
			percentOnly := w.Total == 100 && g.TotalBytes == 0
			return percentOnly && near(g.Percent, w.Perc) || near(g.UsedBytes, w.Used) && near(g.TotalBytes, w.Total)
		}, func(w expectedMemory) { missing("memory", w) }),
		compare(e.Storage, r.Storage, func(w expectedStorage, g snmp.Volume) bool {
			return g.Name == w.Descr && near(g.UsedBytes, w.Used) && near(g.TotalBytes, w.Size)
		}, func(w expectedStorage) { missing("storage", w) }),
		compare(e.Links, r.Neighbours, func(w expectedLink, g snmp.ReportNeighbour) bool {
			return g.LocalPort == w.IfName && (g.Name == w.RemoteHostname || g.Port == w.RemotePort)
		}, func(w expectedLink) { missing("neighbour", w) }),
		compare(e.Sensors, r.Sensors, func(w expectedSensor, g snmp.Sensor) bool {
			if w.Class == "runtime" { // in minutes there
				w.Current *= 60
			}
			return w.Class == g.Class && near(g.Value, w.Current) && strings.HasSuffix(w.OID, "."+cmp.Or(g.Index(), "0"))
		}, func(w expectedSensor) { missing("sensor", w) }),
		identity,
	}
}
