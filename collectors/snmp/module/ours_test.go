package module

import (
	"testing"

	"github.com/nocturne-noc/nocturne/assets"
)

// TestOurs holds that our own modules load, and that none carries a metric that it cannot find.
func TestOurs(t *testing.T) {
	s, err := ours()
	if err != nil {
		t.Fatal(err)
	}
	if len(s.lib) < 20 || len(s.rules) < 15 {
		t.Errorf("%d modules and %d rules", len(s.lib), len(s.rules))
	}
	names := map[string]string{}
	for name, m := range s.lib {
		for i := range m.metrics {
			one := &m.metrics[i]
			if other := names[one.name]; other != "" {
				t.Errorf("metric %s is in %s and in %s: on a device with both it would come twice", one.name, other, name)
			}
			names[one.name] = name
			if !asked(m, one.oid) {
				t.Errorf("module %s, metric %s: nothing asks for it", name, one.name)
			}
			for _, l := range one.rows.lookups {
				if l.oid != nil && !asked(m, l.oid) {
					t.Errorf("module %s, metric %s: nothing asks for lookup %s", name, one.name, l.Labelname)
				}
			}
		}
	}
}

func asked(m *Module, oid OID) bool {
	for _, root := range m.walk {
		if hasPrefix(oid, root) {
			return true
		}
	}
	for _, one := range m.get {
		if hasPrefix(one, oid) {
			return true
		}
	}
	return false
}

func TestChoose(t *testing.T) {
	s, err := ours()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		names []string
		want  string // of the error
		has   string
		not   string
	}{
		{[]string{Auto}, "", "etherlike", "arp"},
		{[]string{Auto, "arp"}, "", "arp", ""},
		{[]string{"arp"}, "", "arp", "etherlike"},
		{[]string{"ehterlike"}, `module "ehterlike" is unknown, did you mean etherlike?`, "", ""},
		{[]string{"x"}, `module "x" is unknown: there are auto, arp, `, "", ""},
	} {
		list, err := s.Choose(tt.names)
		if tt.want != "" {
			if err == nil || len(err.Error()) < len(tt.want) || err.Error()[:len(tt.want)] != tt.want {
				t.Errorf("%v: error %v, want %q", tt.names, err, tt.want)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, c := range list {
			if found[c.Name] {
				t.Errorf("%v: %s twice", tt.names, c.Name)
			}
			found[c.Name] = true
		}
		if !found[tt.has] || found[tt.not] {
			t.Errorf("%v: %v, want %s and not %s", tt.names, found, tt.has, tt.not)
		}
	}
}

func TestFits(t *testing.T) {
	c := Choice{objectIDs: []OID{{1, 3, 6, 1, 4, 1, 9}, {1, 3, 6, 1, 4, 1, 2636}}}
	for _, tt := range []struct {
		oid  OID
		want bool
	}{{OID{1, 3, 6, 1, 4, 1, 9, 1, 5}, true}, {OID{1, 3, 6, 1, 4, 1, 99}, false}, {OID{1, 3, 6}, false}, {nil, false}} {
		if got := c.Fits(tt.oid); got != tt.want {
			t.Errorf("Fits(%v) = %v", tt.oid, got)
		}
	}
	if !(&Choice{}).Fits(nil) {
		t.Error("a choice without prefixes fits not all")
	}
}

func ours() (*Set, error) { return Open(assets.SNMPModules, "snmp/modules") }
