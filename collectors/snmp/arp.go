package snmp

import (
	"context"
	"net/netip"
	"slices"
)

var (
	// IP-MIB (RFC 4293): ipNetToPhysicalPhysAddress, and what agents without it have
	oidNetToPhysical = mustOID("1.3.6.1.2.1.4.35.1.4")
	oidNetToMedia    = mustOID("1.3.6.1.2.1.4.22.1.2")
	// IP-MIB: ipAddressTable
	oidIPAddressEntry = mustOID("1.3.6.1.2.1.4.34.1")
)

const (
	maxARP = 50_000

	ipAddressIfIndex, ipAddressPrefix = 3, 5
	ipAdEntNetMask                    = 3
)

// ARPEntry is one row of a router's or host's table of IP and MAC addresses.
type ARPEntry struct {
	Addr netip.Addr
	MAC  string
	Port string // "" where its index is none of an interface
}

// PortAddress is one of a device's own addresses, with the length of its network's prefix.
type PortAddress struct {
	Prefix netip.Prefix
	Port   string
}

// readARP reads both generations of the table: agents exist that fill the newer with IPv6 only.
func readARP(ctx context.Context, s *session, ports []Interface) ([]ARPEntry, []string, error) {
	names := portsByIndex(ports)
	var list []ARPEntry
	seen := map[netip.Addr]bool{}
	add := func(index OID, v Value, addr netip.Addr, ok bool) {
		if mac := v.MAC(); ok && mac != "" && !isGroupMAC(mac) && !seen[addr] && usable(addr.String()) {
			seen[addr] = true
			list = append(list, ARPEntry{Addr: addr, MAC: mac, Port: names[index[0]]})
		}
	}
	warnings, err := rowsOf(ctx, s, oidNetToPhysical, maxARP, "ipNetToPhysicalTable", func(index OID, v Value) {
		if len(index) > 1 {
			addr, ok := inetAddress(index[1:])
			add(index, v, addr, ok)
		}
	})
	if err != nil {
		return nil, warnings, err
	}
	more, err := rowsOf(ctx, s, oidNetToMedia, maxARP, "ipNetToMediaTable", func(index OID, v Value) {
		if len(index) == 5 {
			addr, ok := addrFromIndex(index[1:])
			add(index, v, addr, ok)
		}
	})
	return list, append(warnings, more...), err
}

// readAddresses reads the device's own addresses, of IPv4 from the table that all agents have.
func readAddresses(ctx context.Context, r reader, ports []Interface) ([]PortAddress, []string, error) {
	t, warnings, err := r.tables(ctx,
		columns{oidIPAddrEntry, []uint32{ipAdEntIfIndex, ipAdEntNetMask}},
		columns{oidIPAddressEntry, []uint32{ipAddressIfIndex, ipAddressPrefix}})
	if err != nil {
		return nil, warnings, err
	}
	return portAddresses(&t[0], &t[1], ports), warnings, nil
}

func portAddresses(older, newer *Table, ports []Interface) []PortAddress {
	names := portsByIndex(ports)
	var list []PortAddress
	add := func(addr netip.Addr, bits int, index Value) {
		n, ok := index.Uint()
		known := slices.ContainsFunc(list, func(p PortAddress) bool { return p.Prefix.Addr() == addr })
		if !ok || n >= wrap32 || known || !usable(addr.String()) || len(list) == maxAddresses {
			return
		}
		if bits < 0 || bits > addr.BitLen() {
			bits = addr.BitLen()
		}
		list = append(list, PortAddress{netip.PrefixFrom(addr, bits), names[uint32(n)]})
	}
	for _, row := range older.Rows() {
		if addr, ok := addrFromIndex(row.Index); ok && addr.Is4() {
			add(addr, maskBits(addressBytes(row.At(ipAdEntNetMask))), row.At(ipAdEntIfIndex))
		}
	}
	for _, row := range newer.Rows() {
		addr, ok := inetAddress(row.Index)
		if !ok {
			continue
		}
		bits := -1
		if prefix := row.At(ipAddressPrefix).OID(); len(prefix) > len(oidIPAddressEntry) { // ipAddressPrefixTable's row; its last part is the length
			bits = int(min(prefix[len(prefix)-1], 1<<8))
		}
		add(addr, bits, row.At(ipAddressIfIndex))
	}
	return list
}

// portsByIndex names the ports by ifIndex.
func portsByIndex(ports []Interface) map[uint32]string {
	names := make(map[uint32]string, len(ports))
	for i := range ports {
		names[ports[i].Index] = ports[i].Port
	}
	return names
}

// inetAddress decodes InetAddressType and InetAddress of an index (RFC 4001): type, length, bytes. The
// zone of a scoped address is left out. Agents exist that leave the length out.
func inetAddress(index OID) (netip.Addr, bool) {
	if len(index) < 5 {
		return netip.Addr{}, false
	}
	b := index[1:]
	if int(b[0]) == len(b)-1 {
		b = b[1:]
	}
	switch kind := index[0]; {
	case kind == 1 && len(b) == 4, kind == 2 && len(b) == 16:
		return addrFromIndex(b)
	case kind == 3 && len(b) == 8:
		return addrFromIndex(b[:4])
	case kind == 4 && len(b) == 20:
		return addrFromIndex(b[:16])
	}
	return netip.Addr{}, false
}

// addrFromIndex takes four or sixteen parts of an index for an address.
func addrFromIndex(index OID) (netip.Addr, bool) {
	b := make([]byte, 0, 16)
	if len(index) > 16 {
		return netip.Addr{}, false
	}
	for _, n := range index {
		if n > 255 {
			return netip.Addr{}, false
		}
		b = append(b, byte(n))
	}
	return netip.AddrFromSlice(b)
}

// addressBytes returns an IpAddress, which the decoder hands over as text.
func addressBytes(v Value) []byte {
	if addr, err := netip.ParseAddr(v.Text()); err == nil {
		return addr.AsSlice()
	}
	return v.Bytes()
}

// maskBits is the length of a network mask, -1 for what is none.
func maskBits(mask []byte) int {
	bits, ended := 0, false
	for _, b := range mask {
		for bit := 7; bit >= 0; bit-- {
			set := b>>bit&1 == 1
			if set && ended {
				return -1
			}
			if ended = !set; set {
				bits++
			}
		}
	}
	if len(mask) != 4 {
		return -1
	}
	return bits
}
