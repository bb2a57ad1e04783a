package snmp

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/collectors/snmp/trap"
)

// roster finds the polled device that has an address, among those of all sources: one listener for
// traps serves them all. It is safe for concurrent use.
type roster struct {
	mu    sync.RWMutex
	asked map[netip.Addr][]*device // by the address that it is polled at
	own   map[netip.Addr][]*device // by the addresses that it says it has
}

func newRoster() *roster {
	return &roster{asked: map[netip.Addr][]*device{}, own: map[netip.Addr][]*device{}}
}

// find returns the one device with that address, nil if there is none, or no telling which: networks
// exist in which every device has 192.168.1.1.
func (r *roster) find(addr netip.Addr) trap.Device {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, list := range [][]*device{r.asked[addr], r.own[addr]} {
		if len(list) == 1 {
			return list[0]
		}
		if len(list) > 1 {
			return nil
		}
	}
	return nil
}

// enlist sets the addresses of a device.
func (r *roster) enlist(d *device, asked, own []netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.left {
		return
	}
	r.remove(func(listed *device) bool { return listed == d }, d.addresses)
	d.addresses = slices.Concat(asked, own)
	for _, addr := range asked {
		r.asked[addr] = append(r.asked[addr], d)
	}
	for _, addr := range own {
		if !slices.Contains(asked, addr) {
			r.own[addr] = append(r.own[addr], d)
		}
	}
}

// join lets the devices of a source enlist.
func (r *roster) join(p *poller) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.left = false
}

// leave takes all devices of a source off the list, and keeps off those whose last round still runs.
func (r *roster) leave(p *poller) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.left = true
	of := func(d *device) bool { return d.poller == p }
	for _, m := range []map[netip.Addr][]*device{r.asked, r.own} {
		for addr, list := range m {
			if slices.ContainsFunc(list, of) {
				r.remove(of, []netip.Addr{addr})
			}
		}
	}
}

// remove forgets devices at the given addresses. The caller holds mu.
func (r *roster) remove(which func(*device) bool, at []netip.Addr) {
	for _, m := range []map[netip.Addr][]*device{r.asked, r.own} {
		for _, addr := range at {
			if m[addr] = slices.DeleteFunc(m[addr], which); len(m[addr]) == 0 {
				delete(m, addr)
			}
		}
	}
}

// oidIPAddrEntry is the address table of IP-MIB (RFC 4293) that every agent with IPv4 has: traps often
// come from another address of a device than the one it is polled at.
var oidIPAddrEntry = mustOID("1.3.6.1.2.1.4.20.1")

const (
	ipAdEntIfIndex = 2
	maxAddresses   = 1024 // of one device
	lookupTimeout  = 2 * time.Second
)

// enlist puts the device on the list of those that traps are matched with. ask says that its own
// addresses are to be read too; what cannot be found out is left out until they are read again.
func (d *device) enlist(ctx context.Context, ask bool) {
	if !ask && d.addresses != nil {
		return
	}
	var own []netip.Addr
	if ask {
		if t, _, err := d.session.tables(ctx, columns{oidIPAddrEntry, []uint32{ipAdEntIfIndex}}); err == nil {
			own = addresses(&t[0])
		}
	}
	d.roster.enlist(d, resolve(ctx, d.target.Host), own)
}

// addresses are those in the index of the address table that only one device can have.
func addresses(table *Table) []netip.Addr {
	var list []netip.Addr
	for _, row := range table.Rows() {
		if len(row.Index) != 4 || len(list) == maxAddresses {
			continue
		}
		var b [4]byte
		for i, n := range row.Index {
			b[i] = byte(n)
		}
		if addr := netip.AddrFrom4(b); usable(addr.String()) && !slices.Contains(list, addr) {
			list = append(list, addr)
		}
	}
	return list
}

// resolve returns the addresses of a host.
func resolve(ctx context.Context, host string) []netip.Addr {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr.Unmap()}
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	list, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil
	}
	for i := range list {
		list[i] = list[i].Unmap()
	}
	return list
}
