package probe

import (
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"time"
)

// resolve finds the address of a host: of the wanted family ("4", "6"), or, where that is "", IPv4 if
// there is one. A host that is an address is itself.
func resolve(ctx context.Context, host, family string) (addr netip.Addr, took time.Duration, err error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap()
		if family != "" && (family == "6") != addr.Is6() {
			return netip.Addr{}, 0, failed("%s is no IPv%s address", host, family)
		}
		return addr, 0, nil
	}
	start := time.Now()
	list, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	took = time.Since(start)
	if err != nil {
		return netip.Addr{}, took, fmt.Errorf("look up %s: %w", host, err)
	}
	for _, a := range list {
		a = a.Unmap()
		switch {
		case family == "" && a.Is4(), family == "4" && a.Is4(), family == "6" && a.Is6():
			return a, took, nil
		case !addr.IsValid():
			addr = a
		}
	}
	if family != "" {
		return netip.Addr{}, took, failed("%s has no IPv%s address", host, family)
	}
	return addr, took, nil
}

// lookUp is resolve that tells the report, as blackbox_exporter does for all probers.
func (r *report) lookUp(ctx context.Context, host, family string) (netip.Addr, time.Duration, error) {
	r.phase = "looking up the name"
	addr, took, err := resolve(ctx, host, family)
	r.add("probe_dns_lookup_time_seconds", took.Seconds())
	if err != nil {
		return addr, took, err
	}
	r.labels["address"] = addr.String()
	r.add("probe_ip_protocol", map[bool]float64{false: 4, true: 6}[addr.Is6()])
	r.add("probe_ip_addr_hash", addressHash(addr))
	return addr, took, nil
}

// addressHash is blackbox_exporter's: FNV-1a of the address, which shows when a name points elsewhere.
func addressHash(addr netip.Addr) float64 {
	h := fnv.New32a()
	_, _ = h.Write(addr.AsSlice()) // a hash takes everything
	return float64(h.Sum32())
}
