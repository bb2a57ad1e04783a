package syslog

import (
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// who is the machine that a line is of.
type who struct {
	entity string   // ID, "" for none that is known
	name   string   // as people call it
	labels []string // under which its samples are known: name, value, ...
}

// refreshEvery is how often the known machines are looked up anew.
const refreshEvery = 30 * time.Second

// directory finds known machines by address and by name. It is not for concurrent use.
type directory struct {
	entities  func(model.Kind) []model.Entity // nil when there is no wall around
	read      time.Time
	byAddress map[netip.Addr]who
	byName    map[string]who // lower case, and without the domain too
}

// refresh reads the machines, if it is time.
func (d *directory) refresh(now time.Time) {
	if d.entities == nil || !d.read.IsZero() && now.Sub(d.read).Abs() < refreshEvery {
		return
	}
	d.read, d.byAddress, d.byName = now, map[netip.Addr]who{}, map[string]who{}
	// The first kind counts where two know a machine: a server's own page says more than a node's, and all say more
	// than what a neighbour says of it.
	for _, kind := range []model.Kind{model.KindDevice, model.KindServer, model.KindNode, model.KindStub} {
		for _, e := range d.entities(kind) {
			d.add(&e)
		}
	}
}

func (d *directory) add(e *model.Entity) {
	w := who{entity: e.ID, name: e.Name}
	if _, _, known, ok := model.ParseID(e.ID); ok {
		for _, name := range []string{"device", "instance", "cluster", "node"} {
			if known[name] != "" {
				w.labels = append(w.labels, name, known[name])
			}
		}
	}
	name := e.Name
	if host, _, err := net.SplitHostPort(name); err == nil { // an instance of node_exporter
		name = host
	}
	for _, text := range append(strings.Fields(e.Labels["address"]+" "+e.Labels["addresses"]), name) {
		addr, err := netip.ParseAddr(text)
		addr = addr.Unmap()
		if _, taken := d.byAddress[addr]; err == nil && !taken {
			d.byAddress[addr] = w
		}
	}
	for _, name := range []string{name, e.Labels["sysName"], e.Labels["nodename"]} {
		name = strings.ToLower(name)
		for _, key := range []string{name, shortName(name)} {
			if _, taken := d.byName[key]; key != "" && !taken {
				d.byName[key] = w
			}
		}
	}
}

// shortName is a name without its domain; an address is left whole.
func shortName(name string) string {
	if _, err := netip.ParseAddr(name); err == nil {
		return name
	}
	short, _, _ := strings.Cut(name, ".")
	return short
}

// find finds the machine that a line is of: by the name that it bears, since relays send on what others say,
// else by the address that it came from.
func (d *directory) find(from netip.Addr, host string) who {
	if host != "" {
		name := strings.ToLower(host)
		if w, ok := d.byName[name]; ok {
			return w
		}
		if addr, err := netip.ParseAddr(name); err == nil {
			if w, ok := d.byAddress[addr.Unmap()]; ok {
				return w
			}
		} else if w, ok := d.byName[shortName(name)]; ok {
			return w
		}
	}
	if w, ok := d.byAddress[from]; ok {
		return w
	}
	if host == "" {
		host = from.String()
	}
	return who{name: host}
}
