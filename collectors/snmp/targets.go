package snmp

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// DefaultPort is where agents listen (RFC 3417).
const DefaultPort = 161

// minPrefix bounds a subnet to 1024 addresses.
const minPrefixBits = 10

// ParseTarget reads "host", "host:port", "addr/bits" or "addr/bits:port". For a subnet, prefix is
// valid and t.Host is empty.
func ParseTarget(s string, port uint16) (t Target, prefix netip.Prefix, err error) {
	text := strings.TrimSpace(s)
	bad := func(why string) (Target, netip.Prefix, error) {
		return Target{}, netip.Prefix{}, fmt.Errorf("target %.80q %s: want an address, host:port or a subnet such as 10.0.1.0/24", s, why)
	}
	t.Port = port
	if t.Port == 0 {
		t.Port = DefaultPort
	}
	if host, p, err := net.SplitHostPort(text); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return bad("has no valid port")
		}
		text, t.Port = host, uint16(n)
	}
	if strings.Contains(text, "/") {
		prefix, err = netip.ParsePrefix(text)
		if err != nil {
			return bad("is no subnet")
		}
		if bits := prefix.Addr().BitLen() - prefix.Bits(); bits > minPrefixBits {
			return bad(fmt.Sprintf("has 2^%d addresses, more than %d: split it", bits, 1<<minPrefixBits))
		}
		return t, prefix.Masked(), nil
	}
	t.Host = strings.Trim(text, "[]")
	if t.Host == "" || strings.ContainsAny(t.Host, " \t\r\n@?#") {
		return bad("has no host")
	}
	if _, err := netip.ParseAddr(t.Host); err != nil && strings.Contains(t.Host, ":") {
		return bad("is no address")
	}
	return t, netip.Prefix{}, nil
}

// hosts lists the addresses of a subnet that a device can have: without network and broadcast
// address, where IPv4 has them.
func hosts(p netip.Prefix) []netip.Addr {
	var list []netip.Addr
	for a := p.Addr(); a.IsValid() && p.Contains(a); a = a.Next() {
		list = append(list, a)
	}
	if p.Addr().Is4() && len(list) > 2 {
		return list[1 : len(list)-1]
	}
	return list
}
