package snmp

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// DefaultPort is where agents listen (RFC 3417).
const DefaultPort = 161

// maxBlockBits bounds a subnet or range to 65,536 addresses.
const maxBlockBits = 16

// Block is a run of addresses that is swept for agents on one port: a subnet or a range. The zero value
// is none.
type Block struct {
	first, last netip.Addr
	subnet      netip.Prefix // of a range none
	Port        uint16
}

// IsValid reports whether there is such a block at all.
func (b Block) IsValid() bool { return b.first.IsValid() }

// String returns "subnet:port" or "first-last:port".
func (b Block) String() string {
	text := fmt.Sprintf("%s-%s", b.first, b.last)
	if b.subnet.IsValid() {
		text = b.subnet.String()
	}
	return net.JoinHostPort(text, strconv.Itoa(int(b.Port)))
}

// Size is the number of addresses that All yields.
func (b Block) Size() int {
	first, last := b.ends()
	return int(low(last)-low(first)) + 1
}

// All yields the addresses that a device can have, in order: of an IPv4 subnet without its network and
// broadcast addresses.
func (b Block) All() iter.Seq[Target] {
	return func(yield func(Target) bool) {
		first, last := b.ends()
		for a := first; a.IsValid() && a.Compare(last) <= 0; a = a.Next() {
			if !yield(Target{Host: a.String(), Port: b.Port}) {
				return
			}
		}
	}
}

// Contains reports whether an address lies in the block, at its edges or between them.
func (b Block) Contains(a netip.Addr) bool {
	return b.IsValid() && a.BitLen() == b.first.BitLen() && b.first.Compare(a) <= 0 && a.Compare(b.last) <= 0
}

// holds reports whether All yields an address.
func (b Block) holds(a netip.Addr) bool {
	first, last := b.ends()
	return b.Contains(a) && first.Compare(a) <= 0 && a.Compare(last) <= 0
}

func (b Block) ends() (first, last netip.Addr) {
	if b.subnet.IsValid() && b.first.Is4() && b.subnet.Bits() < 31 {
		return b.first.Next(), b.last.Prev()
	}
	return b.first, b.last
}

// low is the end of an address in which those of one block differ.
func low(a netip.Addr) uint32 {
	b := a.AsSlice()
	b = b[len(b)-4:]
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// ParseTarget reads "host", "addr/bits", "first-last", and for IPv4 "10.0.0.10-60", each with ":port" or
// without. For a subnet or range, block is valid and t.Host is empty. Port 0 is 161.
func ParseTarget(s string, port uint16) (t Target, block Block, err error) {
	t, block, err = parseAddresses(s)
	if err != nil {
		return Target{}, Block{}, err
	}
	t.Port = cmp.Or(t.Port, port, DefaultPort)
	if !block.IsValid() {
		return t, block, nil
	}
	block.Port = t.Port
	if block.wide() {
		return Target{}, Block{}, wrong(s, fmt.Sprintf("has more than %d addresses: split it", 1<<maxBlockBits))
	}
	return t, block, nil
}

// wide reports whether the block has more addresses than one sweep asks.
func (b Block) wide() bool {
	a, z := b.first.AsSlice(), b.last.AsSlice()
	return !bytes.Equal(a[:len(a)-4], z[:len(z)-4]) || low(b.last)-low(b.first) >= 1<<maxBlockBits
}

func wrong(s, why string) error {
	return fmt.Errorf("target %.80q %s: want an address, host:port, a subnet such as 10.0.1.0/24 or a range such as 10.0.0.10-60", s, why)
}

// parseAddresses reads a target of any size; its port is 0 where none is named.
func parseAddresses(s string) (t Target, block Block, err error) {
	text := strings.TrimSpace(s)
	if host, p, err := net.SplitHostPort(text); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return t, block, wrong(s, "has no valid port")
		}
		text, t.Port = host, uint16(n)
	}
	if strings.Contains(text, "/") {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return t, block, wrong(s, "is no subnet")
		}
		prefix = prefix.Masked()
		return t, Block{first: prefix.Addr(), last: lastOf(prefix), subnet: prefix, Port: t.Port}, nil
	}
	if a, z, ok := strings.Cut(strings.Trim(text, "[]"), "-"); ok {
		if first, err := netip.ParseAddr(strings.TrimSpace(a)); err == nil && first.Zone() == "" {
			last, err := rangeEnd(first, strings.TrimSpace(z))
			if err != nil || last.BitLen() != first.BitLen() || last.Compare(first) < 0 {
				return t, block, wrong(s, "is no range")
			}
			return t, Block{first: first, last: last, Port: t.Port}, nil
		}
	}
	t.Host = strings.Trim(text, "[]")
	if t.Host == "" || strings.ContainsAny(t.Host, " \t\r\n@?#") {
		return t, block, wrong(s, "has no host")
	}
	if _, err := netip.ParseAddr(t.Host); err != nil && strings.Contains(t.Host, ":") {
		return t, block, wrong(s, "is no address")
	}
	return t, block, nil
}

// rangeEnd reads the end of a range: an address, or of IPv4 the last octet alone.
func rangeEnd(first netip.Addr, text string) (netip.Addr, error) {
	if octet, err := strconv.ParseUint(text, 10, 8); err == nil && first.Is4() {
		b := first.As4()
		b[3] = byte(octet)
		return netip.AddrFrom4(b), nil
	}
	last, err := netip.ParseAddr(text)
	if err == nil && last.Zone() != "" {
		return last, fmt.Errorf("%s has a zone", last)
	}
	return last, err
}

// lastOf is the highest address of a subnet.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

// exclusions are what is left out of subnets and ranges.
type exclusions struct {
	blocks []Block         // of any port where theirs is 0
	hosts  map[string]bool // with their port, or without any
}

// parseExclusions reads targets, of any size, that are not to be asked. One that names no port counts for
// all ports.
func parseExclusions(texts []string) (exclusions, error) {
	x := exclusions{hosts: map[string]bool{}}
	for _, text := range texts {
		t, block, err := parseAddresses(text)
		switch {
		case err != nil:
			return x, fmt.Errorf("exclude: %w", err)
		case block.IsValid():
			x.blocks = append(x.blocks, block)
		case t.Port == 0:
			x.hosts[t.Host] = true
		default:
			x.hosts[t.String()] = true
		}
	}
	return x, nil
}

// cover reports whether a target is left out.
func (x exclusions) cover(t Target) bool {
	if x.hosts[t.Host] || x.hosts[t.String()] {
		return true
	}
	addr, err := netip.ParseAddr(t.Host)
	if err != nil {
		return false
	}
	for _, b := range x.blocks {
		if (b.Port == 0 || b.Port == t.Port) && b.Contains(addr) {
			return true
		}
	}
	return false
}
