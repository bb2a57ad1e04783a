package snmp

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"
)

func TestParseOID(t *testing.T) {
	for _, tc := range []struct{ text, want, err string }{
		{text: ".1.3.6.1", want: ".1.3.6.1"},
		{text: "1.0.8802.4294967295", want: ".1.0.8802.4294967295"},
		{text: "", err: "empty"},
		{text: "1..3", err: "not a number"},
		{text: "1.4294967296", err: "not a number"},
		{text: "1.-3", err: "not a number"},
		{text: strings.Repeat("1.", 128) + "1", err: "more than 128 parts"},
	} {
		oid, err := ParseOID(tc.text)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%.20q: error %v, want %q", tc.text, err, tc.err)
			}
			continue
		}
		if err != nil || oid.String() != tc.want {
			t.Errorf("%q: %s %v, want %s", tc.text, oid, err, tc.want)
		}
	}
}

func TestDecodeIDs(t *testing.T) {
	for _, tc := range []struct {
		name    string
		chassis bool
		subtype int
		id      string
		want    string
	}{
		{"MAC chassis", true, chassisMAC, "\x02\xaa\xbb\xcc\x00\x01", "02:aa:bb:cc:00:01"},
		{"junk MAC", true, chassisMAC, "\x01\x02\x03\x04\x05\x06", ""},
		{"zero MAC", true, chassisMAC, "\x00\x00\x00\x00\x00\x00", ""},
		{"short MAC", true, chassisMAC, "\x02\xaa", ""},
		{"IPv4 chassis", true, chassisNetwork, "\x01\x0a\x00\x00\x01", "10.0.0.1"},
		{"IPv6 chassis", true, chassisNetwork, "\x02\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01", "2001:db8::1"},
		{"local chassis", true, chassisLocal, "switch-7", "switch-7"},
		{"MAC in a local chassis ID", true, chassisLocal, "\x02\xaa\xbb\xcc\x00\x01", "02:aa:bb:cc:00:01"},
		{"no chassis subtype", true, 0, "switch-7", ""},
		{"interface name", false, portName, "Gi1/0/1", "Gi1/0/1"},
		{"name with NULs", false, portName, "eth0\x00\x00", "eth0"},
		{"MAC port", false, portMAC, "\x02\xaa\xbb\xcc\x00\x01", "02:aa:bb:cc:00:01"},
		{"text under MAC", false, portMAC, "eth7", "eth7"},
		{"Korean alias", false, portAlias, "본사 상향", "본사 상향"},
		{"Latin-1", false, portAlias, "B\xfcro", "42fc726f"},
		{"bytes", false, portLocal, "\x01\x02\x03", "010203"},
	} {
		got := decodePortID(tc.subtype, []byte(tc.id))
		if tc.chassis {
			got = decodeChassisID(tc.subtype, []byte(tc.id))
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestManAddress(t *testing.T) {
	for _, tc := range []struct {
		index OID
		want  string
	}{
		{OID{1, 4, 10, 0, 0, 1}, "10.0.0.1"},
		{OID{1, 10, 0, 0, 1}, "10.0.0.1"}, // without the length
		{OID{2, 16, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, "2001:db8::1"},
		{OID{1, 4, 0, 0, 0, 0}, ""},
		{OID{1, 4, 999, 0, 0, 1}, ""},
		{OID{1}, ""},
	} {
		if got := manAddress(tc.index); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.index, got, tc.want)
		}
	}
}

func TestFindPort(t *testing.T) {
	ports := []Interface{
		{Index: 10101, Name: "Gi1/0/1", Descr: "GigabitEthernet1/0/1", Alias: "uplink", MAC: "02:aa:bb:cc:00:01"},
		{Index: 10102, Name: "Gi1/0/2", Descr: "GigabitEthernet1/0/2", Alias: "10101", MAC: "02:aa:bb:cc:00:02"},
		{Index: 3, Name: "Te1/1/1", Descr: "TenGigabitEthernet1/1/1", MAC: "02:aa:bb:cc:00:03"},
		{Index: 4, Name: "Vl1", Descr: "Vlan1", MAC: "02:aa:bb:cc:00:03"}, // shares its MAC
		{Index: 5, Descr: "ethernet 5"},
	}
	namePorts(ports)
	for _, tc := range []struct {
		name string
		id   PortID
		want string
	}{
		{"name", PortID{Subtype: portName, ID: "Gi1/0/1"}, "Gi1/0/1"},
		{"long name", PortID{Subtype: portName, ID: "GigabitEthernet1/0/2"}, "Gi1/0/2"},
		{"another long name", PortID{Subtype: portName, ID: "TenGigE1/1/1"}, "Te1/1/1"},
		{"case", PortID{ID: "gigabitethernet 1/0/1"}, "Gi1/0/1"},
		{"alias", PortID{Subtype: portAlias, ID: "uplink"}, "Gi1/0/1"},
		{"MAC", PortID{Subtype: portMAC, ID: "02:aa:bb:cc:00:02"}, "Gi1/0/2"},
		{"shared MAC", PortID{Subtype: portMAC, ID: "02:aa:bb:cc:00:03"}, ""},
		{"shared MAC with a description", PortID{Subtype: portMAC, ID: "02:aa:bb:cc:00:03", Descr: "TenGigabitEthernet1/1/1"}, "Te1/1/1"},
		{"local index", PortID{Subtype: portLocal, ID: "3"}, "Te1/1/1"},
		{"local index with a description", PortID{Subtype: portLocal, ID: "3", Descr: "Gi1/0/1"}, "Gi1/0/1"},
		{"local name", PortID{Subtype: portLocal, ID: "ethernet 5"}, "ethernet 5"},
		{"address", PortID{Subtype: portNetwork, ID: "10.0.0.1"}, ""},
		{"nothing", PortID{}, ""},
	} {
		if got, _ := findPort(ports, tc.id); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestNamePorts(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   []Interface
		want []string
	}{
		{"names", []Interface{{Index: 1, Name: "a"}, {Index: 2, Name: "b"}}, []string{"a", "b"}},
		{"no names", []Interface{{Index: 1, Descr: "a"}, {Index: 2}}, []string{"a", "if2"}},
		{"equal names", []Interface{{Index: 1, Name: "a", Descr: "x"}, {Index: 2, Name: "a", Descr: "y"}}, []string{"a (x)", "a (y)"}},
		{"all equal", []Interface{{Index: 1, Name: "a", Descr: "a"}, {Index: 2, Name: "a", Descr: "a"}}, []string{"a #1", "a #2"}},
	} {
		namePorts(tc.in)
		var got []string
		for _, i := range tc.in {
			got = append(got, i.Port)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestInterfaceSpeed(t *testing.T) {
	v := func(f float64) *float64 { return &f }
	for _, tc := range []struct {
		name        string
		speed, high *float64
		want        float64
	}{
		{"both", v(1e9), v(1000), 1e9},
		{"fast", v(4294967295), v(10000), 1e10},
		{"high is 0", v(1e9), v(0), 1e9},
		{"slow line", v(64000), v(0), 64000},
		{"no ifXTable", v(1e8), nil, 1e8},
		{"too fast for ifSpeed alone", v(4294967295), nil, 0},
		{"high is 0 and ifSpeed full", v(4294967295), v(0), 0},
		{"nothing", nil, nil, 0},
	} {
		if got := interfaceSpeed(tc.speed, tc.high); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestRebooted(t *testing.T) {
	at := func(up, engine time.Duration) System { return System{UpTime: up, HasTime: true, Engine: engine} }
	const day = 24 * time.Hour
	for _, tc := range []struct {
		name        string
		before, now System
		elapsed     time.Duration
		want        bool
	}{
		{"goes on", at(day, 0), at(day+time.Minute, 0), time.Minute, false},
		{"reboot", at(day, 0), at(time.Minute, 0), time.Minute, true},
		{"wrap after 497 days", at(upTimeWrap-time.Second, 0), at(59*time.Second, 0), time.Minute, false},
		{"reboot near the wrap, by the engine's time", at(upTimeWrap-time.Second, 497*day), at(time.Second, time.Second), time.Minute, true},
		{"wrap, by the engine's time", at(400*day, 900*day), at(time.Second, 901*day), time.Minute, false},
		{"no uptime", System{}, at(time.Second, 0), time.Minute, false},
	} {
		if got := rebooted(tc.before, tc.now, tc.elapsed); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestIdentify(t *testing.T) {
	for _, tc := range []struct {
		oid, descr string
		want       Identity
	}{
		{"1.3.6.1.4.1.9.1.1208", "Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.0(2a)EX5, RELEASE SOFTWARE (fc3)",
			Identity{Vendor: "Cisco", OS: "ios", Version: "15.0(2a)EX5"}},
		{"1.3.6.1.4.1.8072.3.2.10", "Linux core1 6.1.0-21-amd64 #1 SMP x86_64", Identity{Vendor: "Net-SNMP", OS: "linux", Version: "6.1.0-21-amd64", Hardware: "Generic x86 64-bit"}},
		{"1.3.6.1.4.1.30065.1.2", "Arista Networks EOS version 4.15.3F running on an Arista Networks DCS-7050TX-128",
			Identity{Vendor: "Arista", OS: "arista_eos", Version: "4.15.3F", Hardware: "DCS-7050TX-128"}},
		{"1.3.6.1.4.1.99999.1", "A thing", Identity{}},
		{"1.3", "", Identity{}},
	} {
		got, _, err := readIdentity(t.Context(), &agentOf{}, System{ObjectID: mustOID(tc.oid), Descr: tc.descr}, &hardware{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.descr, diff)
		}
	}
}

func FuzzParseOID(f *testing.F) {
	f.Add(".1.3.6.1.2.1")
	f.Fuzz(func(t *testing.T, s string) {
		oid, err := ParseOID(s)
		if err != nil {
			return
		}
		again, err := ParseOID(oid.String())
		if err != nil || oid.Compare(again) != 0 {
			t.Errorf("%q reads as %s, which reads as %s (%v)", s, oid, again, err)
		}
	})
}

// FuzzNeighbourIDs holds that no ID of a neighbour breaks a screen or the search for its port.
func FuzzNeighbourIDs(f *testing.F) {
	f.Add(4, []byte("\x02\xaa\xbb\xcc\x00\x01"), "Gi1/0/1", 5, []byte("Gi1/0/1"))
	f.Add(5, []byte("\x01\x0a\x00\x00\x01"), "", 7, []byte("12"))
	f.Fuzz(func(t *testing.T, chassisType int, chassis []byte, descr string, portType int, port []byte) {
		text := Value{Type: gosnmp.OctetString, raw: []byte(descr)}
		id := PortID{Subtype: portType, ID: decodePortID(portType, port), Descr: text.Line()}
		for _, s := range []string{decodeChassisID(chassisType, chassis), id.ID, id.Descr} {
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\x1b\r\n\u202e") {
				t.Errorf("unsafe text %q", s)
			}
		}
		ports := []Interface{{Index: 1, Name: id.ID, Descr: id.Descr, Port: "one"}, {Index: 2, Name: "Gi1/0/1", Port: "two"}}
		if name, ok := findPort(ports, id); ok && name != "one" && name != "two" {
			t.Errorf("port %q is none of the device's", name)
		}
		manAddress(append(OID{1}, uint32(len(port)), uint32(chassisType)))
		cdpName(id.ID)
	})
}
