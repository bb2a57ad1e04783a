package snmp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"10.0.0.1", "10.0.0.1:161"},
		{"10.0.0.1:1161", "10.0.0.1:1161"},
		{"2001:db8::1", "[2001:db8::1]:161"},
		{"[2001:db8::1]:1161", "[2001:db8::1]:1161"},
		{"core1.example", "core1.example:161"},
		{"core-1.example:1161", "core-1.example:1161"},
		{"10.0.1.7/24", "10.0.1.0/24:161, 254 from 10.0.1.1 to 10.0.1.254"},
		{"10.0.0.0/22:1161", "10.0.0.0/22:1161, 1022 from 10.0.0.1 to 10.0.3.254"},
		{"10.0.0.0/16", "10.0.0.0/16:161, 65534 from 10.0.0.1 to 10.0.255.254"},
		{"10.0.1.4/31", "10.0.1.4/31:161, 2 from 10.0.1.4 to 10.0.1.5"},
		{"10.0.1.4/32", "10.0.1.4/32:161, 1 from 10.0.1.4 to 10.0.1.4"},
		{"255.255.255.252/30", "255.255.255.252/30:161, 2 from 255.255.255.253 to 255.255.255.254"},
		{"2001:db8::/126", "[2001:db8::/126]:161, 4 from 2001:db8:: to 2001:db8::3"},
		{"10.0.0.10-60", "10.0.0.10-10.0.0.60:161, 51 from 10.0.0.10 to 10.0.0.60"},
		{"10.0.0.10-10.0.1.9:1161", "10.0.0.10-10.0.1.9:1161, 256 from 10.0.0.10 to 10.0.1.9"},
		{" 10.0.0.255 - 10.0.0.255 ", "10.0.0.255-10.0.0.255:161, 1 from 10.0.0.255 to 10.0.0.255"},
		{"255.255.255.250-255", "255.255.255.250-255.255.255.255:161, 6 from 255.255.255.250 to 255.255.255.255"},
		{"2001:db8::1-2001:db8::9", "[2001:db8::1-2001:db8::9]:161, 9 from 2001:db8::1 to 2001:db8::9"},
		{"[2001:db8::1-2001:db8::9]:1161", "[2001:db8::1-2001:db8::9]:1161, 9 from 2001:db8::1 to 2001:db8::9"},
		{"10.0.0.0/15", "split it"}, {"10.0.0.0-10.1.0.0", "split it"}, {"2001:db8::/64", "split it"}, {"0.0.0.0/0", "split it"},
		{"10.0.0.60-10", "is no range"}, {"10.0.0.1-300", "is no range"}, {"10.0.0.1-x", "is no range"}, {"10.0.0.1-2001:db8::1", "is no range"},
		{"", "has no host"}, {"a b", "has no host"}, {"10.0.0.1:0", "no valid port"}, {"10.0.0.0/x", "is no subnet"}, {"::1::2", "is no address"},
	} {
		target, block, err := ParseTarget(tc.text, 0)
		got := target.String()
		if err != nil {
			got = err.Error()
		} else if block.IsValid() {
			var all []string
			for a := range block.All() {
				all = append(all, a.Host)
			}
			got = fmt.Sprintf("%s, %d from %s to %s", block, len(all), all[0], all[len(all)-1])
			if block.Size() != len(all) {
				t.Errorf("%q: size %d, %d addresses", tc.text, block.Size(), len(all))
			}
		}
		if got != tc.want && (err == nil || !strings.Contains(got, tc.want)) {
			t.Errorf("%q: %s, want %s", tc.text, got, tc.want)
		}
	}
}

func TestExclusions(t *testing.T) {
	x, err := parseExclusions([]string{"10.0.1.0/24", "10.0.2.5-7", "10.0.3.1", "10.0.3.2:1161", "10.0.4.0/24:1161", "172.16.0.0/12", "core1"})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"10.0.1.0": true, "10.0.1.255": true, "10.0.2.0": false, "10.0.2.4": false, "10.0.2.5": true, "10.0.2.8": false,
		"10.0.3.1": true, "10.0.3.1:1161": true, "10.0.3.2": false, "10.0.3.2:1161": true, "10.0.4.9": false, "10.0.4.9:1161": true,
		"172.31.255.255": true, "172.32.0.0": false, "core1": true, "core2": false, "2001:db8::1": false,
	} {
		target, _, err := ParseTarget(text, 0)
		if err != nil || x.cover(target) != want {
			t.Errorf("%s: left out %v, want %v (%v)", text, x.cover(target), want, err)
		}
	}
	if _, err := parseExclusions([]string{"10.0.0.9-3"}); err == nil || !strings.Contains(err.Error(), "exclude") {
		t.Errorf("error %v", err)
	}
}

// FuzzParseTarget holds that what is read is bounded, lies in its own block, and reads the same again.
func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{"10.0.0.1:161", "10.0.0.0/28:1161", "10.0.0.10-60", "[2001:db8::1-2001:db8::9]:1161", "core-1", "::/0", "fe80::1%eth0-fe80::2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		target, block, err := ParseTarget(s, 0)
		if err != nil {
			return
		}
		if !block.IsValid() {
			if target.Host == "" || target.Port == 0 {
				t.Errorf("%q reads as %+v", s, target)
			}
			return
		}
		n := 0
		for a := range block.All() {
			if addr, err := netip.ParseAddr(a.Host); err != nil || !block.holds(addr) || !block.Contains(addr) {
				t.Fatalf("%q: %s is not of the block", s, a)
			}
			n++
		}
		if n != block.Size() || n < 1 || n > 1<<maxBlockBits {
			t.Errorf("%q: %d addresses, size %d", s, n, block.Size())
		}
		if _, again, err := ParseTarget(block.String(), 0); err != nil || again != block {
			t.Errorf("%q reads as %s, which reads as %s (%v)", s, block, again, err)
		}
	})
}
