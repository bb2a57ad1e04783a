package snmp

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

func octets(b ...byte) Value    { return Value{Type: gosnmp.OctetString, raw: b} }
func ipValue(text string) Value { return Value{Type: gosnmp.IPAddress, raw: text} }

// cells makes a Table of columns and indexes of any value.
func cells(set func(add func(column uint32, v Value, index ...uint32))) *Table {
	var t Table
	set(func(column uint32, v Value, index ...uint32) { t.add(column, index, v) })
	t.sort()
	return &t
}

var sameAddr = cmp.Options{cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })}

func TestPortAddresses(t *testing.T) {
	ports := []Interface{{Index: 1, Port: "p1"}, {Index: 2, Port: "p2"}}
	older := cells(func(add func(uint32, Value, ...uint32)) {
		add(ipAdEntIfIndex, Value{raw: 1}, 192, 0, 2, 1)
		add(ipAdEntNetMask, ipValue("255.255.255.0"), 192, 0, 2, 1)
		add(ipAdEntIfIndex, Value{raw: 2}, 198, 51, 100, 1)
		add(ipAdEntNetMask, ipValue("255.0.255.0"), 198, 51, 100, 1) // no mask
		add(ipAdEntIfIndex, Value{raw: 2}, 127, 0, 0, 1)
		add(ipAdEntIfIndex, Value{raw: 2}, 300, 0, 0, 1)
	})
	newer := cells(func(add func(uint32, Value, ...uint32)) {
		add(ipAddressIfIndex, Value{raw: 2}, 1, 4, 192, 0, 2, 1) // known already
		v6 := []uint32{2, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5}
		add(ipAddressIfIndex, Value{raw: 2}, v6...)
		add(ipAddressPrefix, Value{Type: gosnmp.ObjectIdentifier, raw: ".1.3.6.1.2.1.4.32.1.5.2.2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.0.64"}, v6...)
	})
	want := []PortAddress{
		{netip.MustParsePrefix("192.0.2.1/24"), "p1"}, {netip.MustParsePrefix("198.51.100.1/32"), "p2"}, {netip.MustParsePrefix("2001:db8::5/64"), "p2"},
	}
	if diff := cmp.Diff(want, portAddresses(older, newer, ports), sameAddr); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAdjacencyTables(t *testing.T) {
	ports := []Interface{{Index: 7, Port: "p7"}, {Index: 8, Port: "ppp8"}}
	own := []PortAddress{{netip.MustParsePrefix("192.0.2.1/24"), "p7"}, {netip.MustParsePrefix("10.0.0.1/32"), "lo0"}}
	ospf := cells(func(add func(uint32, Value, ...uint32)) {
		add(ospfNbrState, Value{raw: 8}, 192, 0, 2, 2, 0)
		add(ospfNbrRouterID, ipValue("10.0.0.2"), 192, 0, 2, 2, 0)
		add(ospfNbrState, Value{raw: 4}, 192, 0, 2, 3, 0)
		add(ospfNbrState, Value{raw: 5}, 198, 51, 100, 2, 8)
		add(ospfNbrState, Value{raw: 99}, 203, 0, 113, 2, 0)
		add(ospfNbrState, Value{raw: 8}, 192, 0, 2)
	})
	bgp := cells(func(add func(uint32, Value, ...uint32)) {
		add(bgpPeerState, Value{raw: 6}, 10, 0, 0, 2)
		add(bgpPeerLocalAddr, ipValue("10.0.0.1"), 10, 0, 0, 2)
		add(bgpPeerState, Value{raw: 3}, 10, 0, 0, 3)
		add(bgpPeerState, Value{raw: 1}, 10, 0, 0, 4)
		add(bgpPeerAdminStatus, Value{raw: 1}, 10, 0, 0, 4)
	})
	addr := netip.MustParseAddr
	want := []Adjacency{
		{KindOSPF, "p7", addr("192.0.2.2"), addr("10.0.0.2"), model.OK, "full"},
		{KindOSPF, "p7", addr("192.0.2.3"), netip.Addr{}, model.OK, "two-way"},
		{KindOSPF, "ppp8", addr("198.51.100.2"), netip.Addr{}, model.Warning, "exchange start"},
		{KindOSPF, "", addr("203.0.113.2"), netip.Addr{}, model.Unknown, ""},
		{KindBGP, "lo0", addr("10.0.0.2"), netip.Addr{}, model.OK, "established"},
		{KindBGP, "", addr("10.0.0.3"), netip.Addr{}, model.Critical, "active"},
		{KindBGP, "", addr("10.0.0.4"), netip.Addr{}, model.OK, "switched off"},
	}
	if diff := cmp.Diff(want, adjacencies(ospf, bgp, own, ports), sameAddr); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSpanningTree(t *testing.T) {
	b := Bridge{Address: "00:1b:0d:00:00:01", Ports: map[uint32]string{1: "p1", 2: "p2", 3: "p3", 4: "p4"}}
	other := octets(0x80, 0, 0, 0x1b, 0x0d, 0, 0, 2)
	b.spanningTree(cells(func(add func(uint32, Value, ...uint32)) {
		for n := uint32(1); n <= 5; n++ {
			add(stpState, Value{raw: 5}, n)
			add(stpDesignatedBridge, other, n)
			add(stpDesignatedPort, octets(0x81, 2), n)
		}
		add(stpState, Value{raw: 2}, 2)
		add(stpDesignatedBridge, octets(0x80, 0, 0, 0x1b, 0x0d, 0, 0, 1), 2) // ourselves
		add(stpDesignatedBridge, octets(1, 2, 3), 4)
	}), []Interface{{Port: "p1", Oper: StatusUp}, {Port: "p2", Oper: StatusUp}, {Port: "p3", Oper: StatusDown}, {Port: "p4", Oper: StatusUp}})
	if diff := cmp.Diff([]Designated{{"p1", "00:1b:0d:00:00:02", 0x102}}, b.Spanning); diff != "" {
		t.Errorf("designated (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"p1": "forwarding", "p2": "blocking", "p4": "forwarding"}, b.States); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestOperationalVLANs(t *testing.T) {
	got := operationalVLANs(cells(func(add func(uint32, Value, ...uint32)) {
		for _, vlan := range []uint32{20, 1, 10, 1002, 1005, 1006, 5000} {
			add(vtpVlanState, Value{raw: 1}, 1, vlan)
		}
		add(vtpVlanState, Value{raw: 2}, 1, 10) // suspended
		add(vtpVlanState, Value{raw: 1}, 1, 10, 3)
	}))
	if diff := cmp.Diff([]uint32{1, 20, 1006}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzSurroundings feeds tables of any indexes and bytes to all that reads them.
func FuzzSurroundings(f *testing.F) {
	f.Add([]byte{3, 5, 192, 0, 2, 1, 0, 1, 4, 8}, []byte{0x80, 0, 0, 0x1b, 0x0d, 0, 0, 2})
	f.Add([]byte{2, 7, 1, 4, 192, 0, 2, 1, 255}, []byte("255.255.255.0"))
	f.Add([]byte{12, 2, 1, 1, 13, 2, 1, 1}, []byte{})
	f.Fuzz(func(t *testing.T, index, value []byte) {
		ports := []Interface{{Index: 1, Port: "p1", Type: typeLag, Oper: StatusUp}, {Index: 2, Port: "p2", Type: typeEthernet, Oper: StatusUp}}
		values := []Value{octets(value...), {raw: len(value)}, {raw: uint64(len(index)) << 40}, {Type: gosnmp.IPAddress, raw: string(value)}, {Type: gosnmp.ObjectIdentifier, raw: string(value)}}
		var table Table
		fdb := forwarding{}
		for i := 0; len(index) > 2; i++ { // column, length, parts
			column, n := uint32(index[0]), min(int(index[1]), len(index)-2)
			oid := make(OID, n)
			for j, b := range index[2 : 2+n] {
				if oid[j] = uint32(b); b == 255 {
					oid[j] = 1 << 31
				}
			}
			index = index[2+n:]
			table.add(column, oid, values[i%len(values)])
			inetAddress(oid)
			addrFromIndex(oid)
			if len(oid) >= 6 {
				fdb.learn("p1", oid[len(oid)-6:])
			}
		}
		table.sort()
		own := portAddresses(&table, &table, ports)
		for _, a := range adjacencies(&table, &table, own, ports) {
			if !a.Addr.IsValid() {
				t.Errorf("an adjacency without an address: %+v", a)
			}
		}
		for member, aggregate := range lags(&table, &table, &table, ports) {
			if member == aggregate {
				t.Errorf("%s is a member of itself", member)
			}
		}
		b := Bridge{Ports: basePorts(&table, ports)}
		b.spanningTree(&table, ports)
		b.vlans(&table)
		operationalVLANs(&table)
		for port, macs := range fdb.stations {
			if len(macs) > maxAccess+1 || port != "p1" {
				t.Errorf("%d stations on %s", len(macs), port)
			}
		}
	})
}
