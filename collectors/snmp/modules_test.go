package snmp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	prom "github.com/prometheus/common/model"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/module"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
	"github.com/nocturne-noc/nocturne/store/model"
)

// crc is an EtherLike counter of port 1.
const crc = "1.3.6.1.2.1.10.7.2.1.3.1"

// userFile is a module of a user that overlaps with what every poll reads.
const userFile = `auths: {mine: {community: public, version: 2}}
modules:
  acme:
    walk: [1.3.6.1.2.1.2.2.1.14, 1.3.6.1.2.1.31.1.1.1.1, 1.3.6.1.4.1.99999]
    metrics:
    - {name: ifInErrors, oid: 1.3.6.1.2.1.2.2.1.14, type: counter, help: h, indexes: [{labelname: ifIndex, type: gauge}]}
    - {name: acmeMood, oid: 1.3.6.1.4.1.99999.1, type: EnumAsStateSet, help: h, enum_values: {1: calm, 2: angry}}
    - name: acmeHeat
      oid: 1.3.6.1.4.1.99999.2
      type: gauge
      help: h
      scale: 0.1
      indexes: [{labelname: device, type: gauge}]
`

func withModules(t *testing.T) *snmptest.Agent {
	t.Helper()
	rec := made(t, "sw1", 2)
	for _, o := range [][3]string{{crc, "65", "7"}, {"1.3.6.1.4.1.99999.1.0", "2", "2"}, {"1.3.6.1.4.1.99999.2.3", "2", "415"}} {
		if err := rec.Set(o[0], o[1], o[2]); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 { // so that no bulk answer of another table runs into acme's
		if err := rec.Set(fmt.Sprintf("1.3.6.1.4.1.99998.%d", i), "2", "0"); err != nil {
			t.Fatal(err)
		}
	}
	return serve(t, rec, snmptest.Behaviour{})
}

// TestModulesInPoll holds that a module runs on the devices that it is for, in its own interval.
func TestModulesInPoll(t *testing.T) {
	agent := withModules(t)
	target := agent.Target().String()
	b := newBench(t, snmp.Config{Targets: []string{target}}, nil)
	b.well()
	scope := "module/etherlike/" + target
	v, ls := b.sample(scope, "dot3StatsFCSErrors")
	if want := `{__name__="dot3StatsFCSErrors", device="sw1", ifIndex="1", ifName="p1", source="campus"}`; v != 7 || ls.String() != want {
		t.Errorf("%v %s, want 7 %s", v, ls, want)
	}
	if batch := b.batches[scope]; !batch.Replace || batch.Every != time.Minute || len(batch.Entities) != 0 {
		t.Errorf("batch replaces %v, every %v, entities %v", batch.Replace, batch.Every, batch.Entities)
	}
	for scope := range b.batches {
		if strings.HasPrefix(scope, "module/ospf") {
			t.Errorf("%s: the device has no such table", scope)
		}
	}
	change(t, agent, func(r *snmptest.Recording) error { return r.Add(crc, 1) })
	for range 11 { // 55 s
		b.well()
	}
	if v, _ := b.sample(scope, "dot3StatsFCSErrors"); v != 7 {
		t.Errorf("%v: read before its minute was over", v)
	}
	b.well()
	if v, _ := b.sample(scope, "dot3StatsFCSErrors"); v != 8 {
		t.Errorf("%v after a minute, want 8", v)
	}
}

// TestModulesOldAgents holds that agents are matched that refuse a request for what they lack, or that
// bear one object in an answer.
func TestModulesOldAgents(t *testing.T) {
	for _, tt := range []struct {
		name    string
		version snmp.Version
		bad     snmptest.Behaviour
	}{{"version 1", "1", snmptest.Behaviour{}}, {"one object", "2c", snmptest.Behaviour{MaxObjects: 1}}, {"lossy", "2c", snmptest.Behaviour{Lose: 4}}} {
		t.Run(tt.name, func(t *testing.T) {
			agent := withModules(t)
			agent.Behave(tt.bad)
			target := agent.Target().String()
			b := newBench(t, snmp.Config{Targets: []string{target}, Version: tt.version}, nil)
			b.well()
			if v, ls := b.sample("module/etherlike/"+target, "dot3StatsFCSErrors"); v != 7 || ls.Get("ifName") != "p1" {
				t.Errorf("%v %s", v, ls)
			}
		})
	}
}

// TestUserModules holds that a user's file works beside ours, and that nothing comes twice.
func TestUserModules(t *testing.T) {
	path := filepath.Join(t.TempDir(), "acme.yml")
	if err := os.WriteFile(path, []byte(userFile), 0o600); err != nil {
		t.Fatal(err)
	}
	agent := withModules(t)
	target := agent.Target().String()
	b := newBench(t, snmp.Config{Targets: []string{target}, Modules: []string{"auto", "acme"}, ModuleFiles: []string{path}}, nil)
	b.well()
	scope := "module/acme/" + target
	if v, ls := b.sample(scope, "acmeMood", "acmeMood", "angry"); v != 1 || ls.Get("device") != "sw1" {
		t.Errorf("acmeMood %v %s", v, ls)
	}
	if v, ls := b.sample(scope, "acmeHeat"); v != 41.5 || ls.Get("device") != "sw1" || ls.Get("exported_device") != "3" {
		t.Errorf("acmeHeat %v %s", v, ls)
	}
	b.sample(target, "ifInErrors", "ifName", "p1")
	for _, s := range b.batches[scope].Samples {
		if s.Labels.Get(prom.MetricNameLabel) == "ifInErrors" {
			t.Errorf("twice: %s", s.Labels)
		}
	}
	b.sample("module/etherlike/"+target, "dot3StatsFCSErrors")
}

// TestPartialModule holds that a part replaces nothing, and that the device says so.
func TestPartialModule(t *testing.T) {
	at, err := snmp.ParseOID("1.3.6.1.4.1.99999.1.0")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "acme.yml")
	if err := os.WriteFile(path, []byte(userFile), 0o600); err != nil {
		t.Fatal(err)
	}
	agent := withModules(t)
	target := agent.Target().String()
	b := newBench(t, snmp.Config{Targets: []string{target}, Modules: []string{"acme"}, ModuleFiles: []string{path}}, nil)
	b.well()
	agent.Behave(snmptest.Behaviour{GenErrAfter: at})
	b.now = b.now.Add(time.Minute)
	b.well()
	b.well()
	if b.batches["module/acme/"+target].Replace {
		t.Error("a part replaces the whole")
	}
	if e := b.entity(target, "device/sw1"); e.State != model.Warning || !strings.Contains(e.Reason, "module acme: ") {
		t.Errorf("device %s %q", e.State, e.Reason)
	}
	agent.Behave(snmptest.Behaviour{})
	b.now = b.now.Add(time.Minute)
	b.well()
	b.well()
	if e := b.entity(target, "device/sw1"); e.State != model.OK {
		t.Errorf("device %s %q after the agent answered again", e.State, e.Reason)
	}
}

// TestHugeModule holds that an agent's 60 KB strings neither fill the memory nor become labels of 60 KB.
func TestHugeModule(t *testing.T) {
	agent := withModules(t)
	change(t, agent, func(r *snmptest.Recording) error {
		text := strings.Repeat("x", 60_000)
		for i := range 300 {
			if err := r.Set(fmt.Sprintf("1.3.6.1.4.1.99999.2.%d", i), "4", text); err != nil {
				return err
			}
		}
		return nil
	})
	lib, _, err := module.Parse("huge.yml", []byte(`modules:
  huge:
    walk: [1.3.6.1.4.1.99999.2]
    metrics: [{name: words, oid: 1.3.6.1.4.1.99999.2, type: DisplayString, help: h, indexes: [{labelname: i, type: gauge}]}]
`))
	if err != nil {
		t.Fatal(err)
	}
	objects, warnings, err := snmp.Scrape(t.Context(), options(), agent.Target(), lib["huge"])
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "more than 16 MB of strings") {
		t.Fatalf("warnings %q, error %v", warnings, err)
	}
	samples, _ := lib["huge"].Samples(objects)
	if len(samples) < 100 || len(samples) > 299 {
		t.Errorf("%d samples", len(samples))
	}
	for _, s := range samples {
		if n := len(s.Labels.Get("words")); n != 1024 {
			t.Fatalf("a label of %d bytes", n)
		}
	}
}

func TestModuleErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one, two := write("one.yml", userFile), write("two.yml", userFile)
	for _, tt := range []struct {
		c    snmp.Config
		says string
	}{
		{snmp.Config{Modules: []string{"auto", "ehterlike"}}, `modules: module "ehterlike" is unknown, did you mean etherlike?`},
		{snmp.Config{ModuleFiles: []string{filepath.Join(dir, "none.yml")}}, "none.yml"},
		{snmp.Config{ModuleFiles: []string{write("bad.yml", strings.Replace(userFile, "walk", "wlak", 1))}}, `bad.yml:4: unknown key "wlak"`},
		{snmp.Config{ModuleFiles: []string{one, two}}, "two.yml: module acme is in an earlier file"},
	} {
		tt.c.Targets = []string{"sw1"}
		_, err := snmp.Kind().Open(collectors.Env{
			Name:   "campus",
			Decode: func(into any) error { *into.(*snmp.Config) = tt.c; return nil },
			Secret: func(ref string) (string, error) { return ref, nil },
			Links:  func(string) []model.Link { return nil },
			Now:    time.Now,
		})
		if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "source campus") {
			t.Errorf("error %v, want one that says %q", err, tt.says)
		}
	}
}
