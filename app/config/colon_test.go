package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHostAndPortNeedNoQuotes(t *testing.T) {
	for _, tc := range []struct {
		name, yaml string
		want       []string
	}{
		{"block", "sources:\n  - kind: snmp\n    targets: [127.0.0.1:1161, db1:9100]\n", []string{"127.0.0.1:1161", "db1:9100"}},
		{"flow", "sources: [{kind: snmp, targets: [127.0.0.1:1161, db1:9100, '[::1]:161']}]\n", []string{"127.0.0.1:1161", "db1:9100", "[::1]:161"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := Parse("n.yaml", []byte(tc.yaml), ".")
			if err != nil {
				t.Fatal(err)
			}
			var keys struct {
				Targets []string `yaml:"targets"`
			}
			if err := c.Sources[0].Decode(&keys); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, keys.Targets); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
	c, err := Parse("n.yaml", []byte("sources: [{kind: snmp, targets: [{a: b}]}]\n"), ".")
	if err != nil {
		t.Fatal(err)
	}
	var keys struct {
		Targets []string `yaml:"targets"`
	}
	if err := c.Sources[0].Decode(&keys); err == nil {
		t.Errorf("a mapping passed for a text: %q", keys.Targets)
	}
}
