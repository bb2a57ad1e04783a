package snmp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// TestOwnAddresses holds which of its addresses a device's entity bears.
func TestOwnAddresses(t *testing.T) {
	around := func(list ...string) *Snapshot {
		s := &Snapshot{Around: &Surroundings{}}
		for _, a := range list {
			s.Around.Addresses = append(s.Around.Addresses, PortAddress{Prefix: netip.MustParsePrefix(a)})
		}
		return s
	}
	if got := around("127.0.0.1/8", "10.0.0.1/24", "10.255.0.1/32", "fe80::1/64", "10.0.0.1/24", "2001:db8::1/64").labels("10.0.0.1")["addresses"]; got != "10.0.0.1 10.255.0.1 2001:db8::1" {
		t.Errorf("addresses %q", got)
	}
	if got, known := new(Snapshot).labels("10.0.0.1")["addresses"]; known {
		t.Errorf("a device that has not told its addresses has %q", got)
	}
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("10.1.0.%d/24", i))
	}
	if n := len(strings.Fields(around(many...).labels("")["addresses"])); n != maxOwnAddresses {
		t.Errorf("%d addresses, want %d", n, maxOwnAddresses)
	}
}
