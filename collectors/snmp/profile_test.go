package snmp

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/gosnmp/gosnmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

// TestExpressions holds what expressions compute, nothing included.
func TestExpressions(t *testing.T) {
	s := func(name string) operand {
		switch name {
		case "ten":
			return num(10)
		case "minus":
			return num(-1)
		case "words":
			return operand{kind: text, s: "46.9 C"}
		case "empty":
			return operand{kind: text}
		case "bits":
			return operand{kind: text, octets: []byte{0x80, 0x01}}
		}
		return operand{}
	}
	for source, want := range map[string]string{
		"ten / 4 + 1":                            "3.5",
		"-ten % 4":                               "-2",
		"ten / 0":                                "",
		"ten + gone":                             "",
		"words":                                  "46.9 C",
		"words * 2":                              "93.8",
		"gone == 1":                              "",
		"gone == 1 && ten == 10":                 "0",
		"!(gone == 1) && ten >= 10":              "1",
		`words == "46.9 C" || gone`:              "1",
		`match(words, "^4")`:                     "1",
		`match(gone, "^4")`:                      "",
		`find(words, "([A-Z])$")`:                "C",
		`find(words, "no")`:                      "",
		"first(gone, empty, ten)":                "10",
		"has(gone)":                              "0",
		"pow10(3) + log10(100) + abs(minus)":     "1003",
		"max(ten, 3) - min(ten, 3)":              "7",
		"dbm(0.001)":                             "0",
		"dbm(0)":                                 "",
		"signed(4294967286)":                     "-10",
		"blocks(minus)":                          "4294967295",
		"octets(bits)":                           "32769",
		"dot(ten, 2)":                            "10.2",
		`num("x")`:                               "",
		"(ten - 32 * (ten == 10)) / (1 + 0 * 2)": "-22",
	} {
		e, err := parseExpression(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got := e.eval(s).text(); got != want {
			t.Errorf("%s is %q, want %q", source, got, want)
		}
	}
}

// goodProfile is a profile with each kind of key.
const goodProfile = `
match:
  - sysObjectID: [1.3.6.1.4.1.99999.1]
    sysDescr: '^Acme'
vendor: Acme
os: acmeos
identity:
  - from: "{sysDescr}"
    match: 'Acme (?P<hardware>\S+) v(?P<number>\S+)'
    version: "version {number}"
  - get: {serial: 1.3.6.1.4.1.99999.1.5}
processors:
  - get: {load: 1.3.6.1.4.1.99999.1.1.0}
    percent: load
memory:
  - get: {free: 1.3.6.1.4.1.99999.1.2.0, total: 1.3.6.1.4.1.99999.1.3.0}
    name: RAM bank
    total: total * 1024
    free: free * 1024
sensors:
  - class: state
    table: 1.3.6.1.4.1.99999.2.1
    columns: {state: 2}
    fixed: {where: 3}
    join: [{table: 1.3.6.1.4.1.99999.3.1, by: where, columns: {slot: 2}}]
    name: "Fan {index1} in {slot}"
    value: state
    states: {1: ok, 2: critical failed}
`

// TestProfileErrors holds that what is wrong in a profile is told with its file and line.
func TestProfileErrors(t *testing.T) {
	if _, err := parseProfile("acme.yaml", []byte(goodProfile)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ before, after, want string }{
		{"vendor: Acme", "vendr: Acme", `acme.yaml:5:1: unknown field "vendr"`},
		{"percent: load", "percent: load +", `acme.yaml:14:14: "load +" is no expression`},
		{"percent: load", "percent: lode", "processors 1 (): lode is not declared"},
		{"percent: load", "name: x", "processors 1 (x): a processor needs percent"},
		{"value: state\n", "value: shell(state)\n", `"shell(state)": there is no function shell`},
		{"1.3.6.1.4.1.99999.1.1.0", "1.3.6.1.x", `acme.yaml:13:17: object identifier "1.3.6.1.x"`},
		{"(?P<number>", "(?P<number", "error parsing regexp"},
		{"{number}", "{nummer}", "identity 1: nummer is not declared"},
		{"class: state", "class: mood", `there is no class "mood" of sensors`},
		{"critical failed", "broken", `states 2: "broken": want ok, warning, critical or unknown`},
		{"    free: free * 1024\n", "", "memory 1 (RAM bank): two of used, free and total, or percent, are needed"},
		{"{where: 3}", "{state: 3}", "state is declared twice"},
		{"{slot}", "{slot", "a brace is not closed"},
		{"    columns: {state: 2}\n", "", "a table needs columns"},
	} {
		broken := strings.Replace(goodProfile, tc.before, tc.after, 1)
		_, err := parseProfile("acme.yaml", []byte(broken))
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "acme.yaml") {
			t.Errorf("%s -> %s: error %v, want %q", tc.before, tc.after, err, tc.want)
		}
	}
}

// TestBuiltinProfiles holds that all profiles of the program load, and that each is of use.
func TestBuiltinProfiles(t *testing.T) {
	c, err := builtin()
	if err != nil {
		t.Fatal(err)
	}
	used := map[*profile]bool{}
	for _, p := range c.standard {
		used[p] = true
	}
	for _, p := range c.byName {
		for _, name := range p.Use {
			used[c.byName[name]] = true
		}
	}
	for name, p := range c.byName {
		if len(p.Match) == 0 && !used[p] {
			t.Errorf("profile %s fits no device and is used by none", name)
		}
		for _, m := range p.Match {
			if p.OS == "" && m.OS == "" {
				t.Errorf("profile %s names no os", name)
			}
		}
	}
	for class := range sensorUnits {
		if sensorMetrics[class] == "" {
			t.Errorf("class %s has no metric", class)
		}
	}
}

func TestLoadCatalogue(t *testing.T) {
	files := fstest.MapFS{"profiles/a.yaml": {Data: []byte("use: [b]\n")}}
	if _, err := loadCatalogue(files, nil); err == nil || err.Error() != `profile a uses "b", which does not exist` {
		t.Errorf("use of nothing: %v", err)
	}
	if _, err := loadCatalogue(fstest.MapFS{}, []string{"x"}); err == nil {
		t.Error("a standard profile that is missing was not missed")
	}
}

// TestCandidates holds that the most specific profile comes first.
func TestCandidates(t *testing.T) {
	c, err := builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ oid, descr, want string }{
		{"1.3.6.1.4.1.9.1.1", "Cisco IOS Software, C2960 Software", "ios"},
		{"1.3.6.1.4.1.9.1.2688", "Cisco IOS Software [Dublin], Catalyst L3 Switch Software (CAT9K_IOSXE)", "iosxe"},
		{"1.3.6.1.4.1.9.12.3.1.3.1163", "Cisco NX-OS(tm) nxos.7.0.3.I7.8.bin", "nxos"},
		{"1.3.6.1.4.1.9.1.639", "Cisco IOS XR Software (Cisco ASR9K Series), Version 6.1.4", "iosxr"},
		{"1.3.6.1.4.1.9.1.2114", "Cisco Adaptive Security Appliance Version 9.8(2)", "asa"},
		{"1.3.6.1.4.1.9.6.1.95.24.5", "SG350-28 28-Port Gigabit Managed Switch", "radlan"},
		{"1.3.6.1.4.1.674.11000.5000.100.2.1.4", "Dell EMC Networking OS10 Enterprise.", "dell_os10"},
		{"1.3.6.1.4.1.8072.3.2.10", "Linux box 5.4.0", "synology"}, // if its object answers; else linux
		{"1.3.6.1.4.1.8072.3.2.10", "SONiC Software Version: SONiC.master - HwSku: X - Linux", "sonic"},
	} {
		list := c.candidates(System{ObjectID: mustOID(tc.oid), Descr: tc.descr})
		if len(list) == 0 || list[0].profile.name != tc.want {
			t.Errorf("%s: %d candidates, want %s first", tc.descr, len(list), tc.want)
		}
	}
}

// agentOf is a reader on objects in memory that counts what it was asked.
type agentOf struct {
	objects map[string]Value
	columns int
}

func (a *agentOf) get(_ context.Context, oids ...OID) ([]Value, error) {
	out := make([]Value, len(oids))
	for i, oid := range oids {
		v, ok := a.objects[oid.String()]
		if !ok {
			v = Value{Type: gosnmp.NoSuchObject}
		}
		out[i] = v
	}
	return out, nil
}

func (a *agentOf) tables(_ context.Context, want ...columns) ([]Table, []string, error) {
	out := make([]Table, len(want))
	for i, w := range want {
		for _, c := range w.cols {
			a.columns++
			root := w.entry.Append(c)
			for name, v := range a.objects {
				if oid := mustOID(name); oid.Under(root) {
					out[i].add(c, oid[len(root):], v)
				}
			}
		}
		out[i].sort()
	}
	return out, nil, nil
}

// acme is a device of goodProfile with two fans.
func acme(t *testing.T) (*agentOf, *hardware) {
	t.Helper()
	c, err := loadCatalogue(fstest.MapFS{"profiles/acme.yaml": {Data: []byte(goodProfile), Mode: fs.ModePerm}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &agentOf{objects: map[string]Value{}}
	for oid, v := range map[string]any{
		".1.3.6.1.4.1.99999.1.1.0": 12, ".1.3.6.1.4.1.99999.1.2.0": 256, ".1.3.6.1.4.1.99999.1.3.0": 1024,
		".1.3.6.1.4.1.99999.1.5.7":   "A7",
		".1.3.6.1.4.1.99999.2.1.2.1": 1, ".1.3.6.1.4.1.99999.2.1.3.1": 30,
		".1.3.6.1.4.1.99999.2.1.2.2": 2, ".1.3.6.1.4.1.99999.2.1.3.2": 31,
		".1.3.6.1.4.1.99999.3.1.2.30": "slot A", ".1.3.6.1.4.1.99999.3.1.2.31": "slot B",
	} {
		a.set(oid, v)
	}
	list := c.candidates(System{ObjectID: mustOID("1.3.6.1.4.1.99999.1"), Descr: "Acme X1 v2"})
	if len(list) != 1 {
		t.Fatalf("%d candidates, want acme", len(list))
	}
	return a, &hardware{chosen: list[0], profiles: c.chain(list[0].profile)}
}

func (a *agentOf) set(oid string, v any) {
	kind := gosnmp.Integer
	if s, ok := v.(string); ok {
		kind, v = gosnmp.OctetString, []byte(s)
	}
	a.objects[oid] = Value{Type: kind, raw: v}
}

func noPort(uint32) string { return "" }

func TestHardware(t *testing.T) {
	a, h := acme(t)
	began := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	read := func(after time.Duration) Readings {
		t.Helper()
		r, warnings, err := h.read(t.Context(), a, began.Add(after), noPort)
		if err != nil || len(warnings) > 0 {
			t.Fatalf("%v %v", err, warnings)
		}
		return r
	}
	want := Readings{
		Processors: []Processor{{Name: "Processor", Percent: 12}},
		Memory:     []Volume{{Name: "RAM bank", UsedBytes: 768 << 10, TotalBytes: 1 << 20, Percent: 75}},
		Sensors: []Sensor{
			{Class: "state", Name: "Fan 1 in slot A", Value: 1, State: model.OK, index: "1", judged: true},
			{Class: "state", Name: "Fan 2 in slot B", Value: 2, State: model.Critical, Word: "failed", index: "2", judged: true},
		},
	}
	opts := cmp.AllowUnexported(Processor{}, Volume{}, Sensor{})
	if diff := cmp.Diff(want, read(0), opts); diff != "" {
		t.Fatalf("survey (-want +got):\n%s", diff)
	}
	if state, reason := want.state(); state != model.Critical || reason != "Fan 2 in slot B: failed" {
		t.Errorf("state %s %q", state, reason)
	}

	// The rounds that follow ask for what moves, and for nothing else.
	a.columns = 0
	a.set(".1.3.6.1.4.1.99999.2.1.2.2", 1)
	want.Sensors[1].Value, want.Sensors[1].State, want.Sensors[1].Word = 1, model.OK, ""
	if diff := cmp.Diff(want, read(time.Minute), opts); diff != "" || a.columns != 1 {
		t.Errorf("round: %d columns, want 1 (-want +got):\n%s", a.columns, diff)
	}

	// A fan that is plugged in is surveyed, but not at each round.
	a.set(".1.3.6.1.4.1.99999.2.1.2.3", 1)
	if got := read(2 * time.Minute); len(got.Sensors) != 2 {
		t.Errorf("a row that was never surveyed was shown: %v", got.Sensors)
	}
	if got := read(2*time.Minute + surveyNewRow); len(got.Sensors) != 3 {
		t.Errorf("the new fan is missing: %v", got.Sensors)
	}
}

func TestProfileIdentity(t *testing.T) {
	a, h := acme(t)
	objects, _, err := readClues(t.Context(), a, cluesOf(h))
	if err != nil {
		t.Fatal(err)
	}
	got := identify(System{ObjectID: mustOID("1.3.6.1.4.1.99999.1"), Descr: "Acme X1\r\nv2"}, h.chosen, cluesOf(h), objects, nil)
	want := Identity{Vendor: "Acme", OS: "acmeos", Version: "version 2", Hardware: "X1", Serial: "A7"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestAnswers holds that a profile that asks for an object is chosen only if the device has it.
func TestAnswers(t *testing.T) {
	a := &agentOf{objects: map[string]Value{}}
	box := System{ObjectID: mustOID("1.3.6.1.4.1.8072.3.2.10"), Descr: "Linux nas 4.4.302"}
	for _, want := range []string{"linux", "dsm"} {
		id, _, err := readIdentity(t.Context(), a, box, &hardware{})
		if err != nil || id.OS != want {
			t.Errorf("%s, want %s (%v)", id.OS, want, err)
		}
		a.set(".1.3.6.1.4.1.6574.1.5.1.0", "DS920+")
	}
}

// stuck is a reader whose agent takes longer than anybody waits.
type stuck struct{}

func (stuck) get(ctx context.Context, _ ...OID) ([]Value, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (stuck) tables(ctx context.Context, _ ...columns) ([]Table, []string, error) {
	<-ctx.Done()
	return nil, nil, ctx.Err()
}

// TestSlowHardware holds that an agent that is too slow for its hardware ends its round in time,
// with a word of warning and no error.
func TestSlowHardware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h := acme(t)
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		_, warnings, err := h.within(ctx, stuck{}, time.Now(), noPort)
		if err != nil || len(warnings) != 1 || ctx.Err() != nil {
			t.Errorf("warnings %v, error %v, round %v", warnings, err, ctx.Err())
		}
	})
}

// TestManyReadings holds that a device cannot fill the memory with its sensors.
func TestManyReadings(t *testing.T) {
	a, h := acme(t)
	for i := range maxReadings + 10 {
		oid := mustOID("1.3.6.1.4.1.99999.2.1.2").Append(uint32(100 + i))
		a.objects[oid.String()] = Value{Type: gosnmp.Integer, raw: 1}
	}
	r, warnings, err := h.read(t.Context(), a, time.Unix(0, 0), noPort)
	if err != nil || len(r.Sensors) != maxReadings || len(warnings) != 1 {
		t.Errorf("%d sensors, warnings %v, error %v", len(r.Sensors), warnings, err)
	}
}

func TestVolumeOf(t *testing.T) {
	none := operand{}
	for _, tc := range []struct {
		name                       string
		used, free, total, percent operand
		want                       Volume
		ok                         bool
	}{
		{"used of total", num(25), none, num(100), none, Volume{UsedBytes: 25, TotalBytes: 100, Percent: 25}, true},
		{"used and free", num(25), num(75), none, none, Volume{UsedBytes: 25, TotalBytes: 100, Percent: 25}, true},
		{"free of total", none, num(75), num(100), none, Volume{UsedBytes: 25, TotalBytes: 100, Percent: 25}, true},
		{"percent of total", none, none, num(200), num(50), Volume{UsedBytes: 100, TotalBytes: 200, Percent: 50}, true},
		{"percent alone", none, none, none, num(39), Volume{Percent: 39}, true},
		{"percent out of range", none, none, none, num(139), Volume{}, false},
		{"no size", num(0), none, num(0), none, Volume{}, false},
		{"nothing", none, none, num(1), none, Volume{}, false},
	} {
		got, ok := volumeOf(tc.used, tc.free, tc.total, tc.percent)
		if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreUnexported(Volume{})); ok != tc.ok || ok && diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tc.name, ok, diff)
		}
	}
}

// TestSettleMemory holds that page cache and buffers do not count as memory in use.
func TestSettleMemory(t *testing.T) {
	got := settleMemory([]Volume{
		{Name: "Physical memory", UsedBytes: 900, TotalBytes: 1000, Percent: 90},
		{Name: "Memory buffers", UsedBytes: 100, TotalBytes: 1000, Percent: 10},
		{Name: "Cached memory", UsedBytes: 500, TotalBytes: 500, Percent: 100},
		{Name: "Swap space", UsedBytes: 1, TotalBytes: 10, Percent: 10},
	})
	want := []Volume{
		{Name: "Physical memory", UsedBytes: 300, TotalBytes: 1000, Percent: 30},
		{Name: "Memory buffers", UsedBytes: 100, TotalBytes: 1000, Percent: 10},
		{Name: "Cached memory", UsedBytes: 500, TotalBytes: 1000, Percent: 50},
		{Name: "Swap space", UsedBytes: 1, TotalBytes: 10, Percent: 10},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Volume{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestReadingSamples holds the names of the samples, and that parts of one name stay apart.
func TestReadingSamples(t *testing.T) {
	r := Readings{
		Processors: []Processor{{"Processor", 5, "1"}, {"Processor", 6, "2"}},
		Memory:     []Volume{{Name: "RAM", Percent: 39}},
		Storage:    []Volume{{Name: "/", UsedBytes: 1, TotalBytes: 4, Percent: 25}},
		Sensors: []Sensor{
			{Class: "temperature", Name: "Inlet", Value: 21.5},
			{Class: "state", Name: "PSU", Value: 4, State: model.Warning, judged: true},
		},
	}
	var got []string
	for _, s := range r.samples("campus", "sw1") {
		got = append(got, s.Labels.String())
	}
	want := []string{
		`{__name__="nocturne_device_cpu_percent", device="sw1", processor="Processor", source="campus"}`,
		`{__name__="nocturne_device_cpu_percent", device="sw1", processor="Processor 2", source="campus"}`,
		`{__name__="nocturne_device_memory_percent", device="sw1", memory="RAM", source="campus"}`,
		`{__name__="nocturne_device_storage_percent", device="sw1", source="campus", storage="/"}`,
		`{__name__="nocturne_device_storage_used_bytes", device="sw1", source="campus", storage="/"}`,
		`{__name__="nocturne_device_storage_size_bytes", device="sw1", source="campus", storage="/"}`,
		`{__name__="nocturne_device_temperature_celsius", device="sw1", sensor="Inlet", source="campus"}`,
		`{__name__="nocturne_device_state", device="sw1", sensor="PSU", source="campus"}`,
		`{__name__="nocturne_device_sensor_problem", device="sw1", sensor="state PSU", source="campus"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func FuzzProfile(f *testing.F) {
	f.Add(goodProfile, ".1.3.6.1.4.1.99999.2.1.2.1", "text", int64(5))
	f.Add("sensors: [{class: state, get: {a: 1.3}, value: octets(a)}]", ".1.3", "\xff\x00", int64(-1))
	f.Fuzz(func(t *testing.T, file, oid, words string, n int64) {
		p, err := parseProfile("fuzz.yaml", []byte(file))
		if err != nil {
			return
		}
		name, err := ParseOID(oid)
		if err != nil || len(name) == 0 {
			return
		}
		a := &agentOf{objects: map[string]Value{}}
		a.set(name.String(), int(n))
		a.set(name.Append(1).String(), words)
		h := &hardware{profiles: []*profile{p}}
		for round := range 2 { // whatever was read can be read, and read again
			r, _, err := h.read(t.Context(), a, time.Unix(int64(round), 0), noPort)
			if err != nil {
				t.Fatal(err)
			}
			r.samples("s", "d")
		}
	})
}
