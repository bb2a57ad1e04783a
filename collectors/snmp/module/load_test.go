package module

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const small = `auths:
  mine: {community: secret, version: 2}
modules:
  one:
    walk: [1.3.6.1.2.1.2]
    get: [1.3.6.1.2.1.1.3.0]
    metrics:
    - name: sysUpTime
      oid: 1.3.6.1.2.1.1.3
      type: gauge
      help: up
    - name: ifDescr
      oid: 1.3.6.1.2.1.2.2.1.2
      type: DisplayString
      indexes:
      - labelname: ifIndex
        type: gauge
`

func TestParse(t *testing.T) {
	lib, notes, err := Parse("a.yml", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "auths is not used") {
		t.Errorf("notes %q", notes)
	}
	m := lib["one"]
	if m == nil || m.Name != "one" || len(m.walk) != 1 || len(m.get) != 1 || len(m.metrics) != 2 {
		t.Errorf("module %+v", m)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ name, old, with, want string }{
		{"unknown key", "walk:", "wlak:", `a.yml:5: unknown key "wlak", did you mean walk?`},
		{"unknown key of a metric", "help: up", "helpp: up", `a.yml:11: unknown key "helpp", did you mean help?`},
		{"unknown type", "type: DisplayString", "type: DisplayStrin", `a.yml:12: module one, metric ifDescr: type "DisplayStrin" is unknown, did you mean DisplayString?`},
		{"unknown index type", "        type: gauge", "        type: gauges", `a.yml:12: module one, metric ifDescr: index ifIndex: type "gauges" is unknown, did you mean gauge?`},
		{"no OID", "oid: 1.3.6.1.2.1.1.3\n", "oid: 1.3.x\n", `a.yml:8: module one, metric sysUpTime: oid: "1.3.x" is no OID`},
		{"no OID to walk", "[1.3.6.1.2.1.2]", "[ifTable]", `a.yml:4: module one: walk: "ifTable" is no OID`},
		{"on one line", "    - name: sysUpTime\n      oid: 1.3.6.1.2.1.1.3\n      type: gauge\n      help: up\n", "    - {name: 'sysUpTime', oid: 1.3, type: gage}\n", `a.yml:8: module one, metric sysUpTime: type "gage" is unknown, did you mean gauge?`},
		{"bad name", "name: ifDescr", "name: if-descr", `a.yml:12: module one, metric if-descr: name "if-descr"`},
		{"key twice", "help: up", "help: up\n      help: down", `a.yml:12: key "help" is there twice`},
		{"no YAML", "modules:", "modules: [", `a.yml:`},
		{"no modules", "modules:", "x-modules:", `a.yml:3: unknown key "x-modules"`},
		{"empty module", "  one:\n", "  two:\n  one:\n", `a.yml:4: module two: it is empty`},
		{"bad regex", "help: up", "regex_extracts: {Temp: [{regex: '('}]}", "a.yml"},
		{"no regex", "help: up", "regex_extracts: {Temp: [{value: '$1'}]}", "an entry has no regex"},
		{"huge index", "        type: gauge", "        type: OctetString\n        fixed_size: 1000000000", "fixed_size 1000000000: want 1 to 128"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(small, tt.old, tt.with, 1)
			if text == small {
				t.Fatal("nothing was replaced")
			}
			_, _, err := Parse("a.yml", []byte(text))
			if err == nil || !strings.HasPrefix(err.Error(), "a.yml") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yml")
	if _, _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v for a file that is not there", err)
	}
	if err := os.WriteFile(path, []byte(small), 0o600); err != nil {
		t.Fatal(err)
	}
	if lib, _, err := Load(path); err != nil || len(lib) != 1 {
		t.Errorf("%d modules, error %v", len(lib), err)
	}
}

// FuzzParse holds that no file brings the program down, and that what loads can be used.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("modules:\n  a: {walk: ['1'], metrics: [{name: a, oid: '1', type: Bits, enum_values: {-1: x, 3: y}}], filters: [{oid: '1', targets: ['1'], values: ['.']}]}\n"))
	f.Add([]byte("modules: &a\n  b: *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lib, _, err := Parse("f.yml", data)
		if err != nil {
			return
		}
		for _, m := range lib {
			m.Samples([]Object{{OID: OID{1, 0}, Value: 1}, {OID: OID{1, 3, 6, 1, 2, 1, 2, 2, 1, 2, 1}, Value: []byte("x")}})
		}
	})
}
