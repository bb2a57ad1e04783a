package snmp

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Host is a server or a Kubernetes node of another source, as the map needs it.
type Host struct {
	ID        string // of its entity
	Names     []string
	Addresses []netip.Addr
	MACs      []string
}

// HostsOf takes the hosts out of entities: their names, and what their labels "address", "addresses",
// "mac" and "macs" say.
func HostsOf(entities []model.Entity) []Host {
	var hosts []Host
	for i := range entities {
		e := &entities[i]
		if e.Kind != model.KindServer && e.Kind != model.KindNode {
			continue
		}
		h := Host{ID: e.ID}
		for _, name := range []string{e.Name, e.Labels["nodename"]} {
			if host, _, err := net.SplitHostPort(name); err == nil { // an instance of node_exporter
				name = host
			}
			if addr, err := netip.ParseAddr(name); err == nil {
				h.Addresses = append(h.Addresses, addr.Unmap())
			} else if name = strings.ToLower(name); name != "" && !junkChassis[name] && !slices.Contains(h.Names, name) {
				h.Names = append(h.Names, name)
			}
		}
		for _, text := range strings.Fields(e.Labels["address"] + " " + e.Labels["addresses"]) {
			if addr, err := netip.ParseAddr(text); err == nil && usable(text) && !slices.Contains(h.Addresses, addr.Unmap()) {
				h.Addresses = append(h.Addresses, addr.Unmap())
			}
		}
		for _, text := range strings.Fields(e.Labels["mac"] + " " + e.Labels["macs"]) {
			if hw, err := net.ParseMAC(text); err == nil && len(hw) == 6 {
				h.MACs = append(h.MACs, hw.String())
			}
		}
		hosts = append(hosts, h)
	}
	return hosts
}

const (
	guessedSwitch = 3 // stations of hardware on one port that make a switch in between likely
	proxyAnswers  = 8 // addresses of one MAC, beyond which it answers for others
)

// place is a port with a station behind it.
type place struct {
	at       end
	to       end      // a polled device, or a host, whose port is ""
	observer []string // of ARP: who tells that the host has this MAC
}

// stationView is what the tables of forwarding and ARP say of what hangs on ports without a talking
// neighbour. Making it looks at every station, so that it is made when tables changed, not for each map.
type stationView struct {
	places  []place
	guesses map[end]int // stations of ports on which several hang that nobody knows
}

// findStations finds the port of each polled device that forwards nothing itself, and of each host. A
// port that leads to another bridge tells nothing, and of the others the one with the fewest stations
// is where the device hangs; where several have as few, none.
func findStations(nodes []Node, hosts []Host) stationView {
	d := newDirectory(nodes)
	owners := d.stationOwners(hosts)
	type candidate struct {
		place
		stations int
	}
	best := map[string]candidate{} // by what is looked for
	unsure := map[string]bool{}
	view := stationView{guesses: map[end]int{}}
	for i := range d.nodes {
		node := &d.nodes[i]
		covered := coveredPorts(node.Neighbours, node.Around)
		for port, macs := range node.Around.bridge().Stations {
			if covered[port] || node.Around.lag(port) != "" || d.leadsToBridge(node, macs) {
				continue
			}
			at := end{node.ID(), port}
			found := map[string]place{}
			hardware := 0
			for _, mac := range macs {
				if o, ok := owners[mac]; ok && o.to.device != node.ID() {
					found[o.to.device] = place{at: at, to: o.to, observer: o.observer}
				} else if !ok && !virtualMAC(mac) {
					hardware++
				}
			}
			if len(found) == 0 && hardware >= guessedSwitch {
				view.guesses[at] = len(macs)
			}
			for id, p := range found {
				if d.byID[id] != nil && (len(found) > 1 || hardware > 0) {
					continue // a device behind something that nobody knows
				}
				old, seen := best[id]
				switch {
				case !seen || len(macs) < old.stations:
					best[id], unsure[id] = candidate{p, len(macs)}, false
				case len(macs) == old.stations && old.at.device != at.device:
					unsure[id] = true
				case len(macs) == old.stations && at.port < old.at.port:
					best[id] = candidate{p, len(macs)} // two ports of one switch: any, but always the same
				}
			}
		}
	}
	for id, c := range best {
		if !unsure[id] {
			view.places = append(view.places, c.place)
		}
	}
	slices.SortFunc(view.places, func(a, b place) int { return cmp.Compare(a.to.device, b.to.device) })
	return view
}

// owner is whose a MAC is.
type owner struct {
	to       end
	observer []string
}

// stationOwners finds whose each MAC is: a polled device's that is no bridge, or a host's, by its own
// word or by the ARP tables of all devices where they agree.
func (d *directory) stationOwners(hosts []Host) map[string]owner {
	owners := map[string]owner{}
	for mac, list := range d.byMAC {
		if node := single(list); node != nil && !node.bridges() {
			owners[mac] = owner{to: end{node.ID(), node.portOfMAC(mac)}}
		}
	}
	wanted := map[netip.Addr]bool{}
	for i := range hosts {
		for _, addr := range hosts[i].Addresses {
			wanted[addr] = true
		}
	}
	type answer struct {
		mac       string
		observers []string
		disputed  bool
	}
	answers := map[netip.Addr]*answer{}
	addresses := map[string]map[netip.Addr]bool{} // of each MAC
	for i := range d.nodes {
		node := &d.nodes[i]
		if node.Around == nil {
			continue
		}
		for _, row := range node.Around.ARP {
			if !wanted[row.Addr] {
				continue
			}
			a := answers[row.Addr]
			if a == nil {
				a = &answer{mac: row.MAC}
				answers[row.Addr] = a
			}
			a.disputed = a.disputed || a.mac != row.MAC
			a.observers = append(a.observers, node.ID())
			if addresses[row.MAC] == nil {
				addresses[row.MAC] = map[netip.Addr]bool{}
			}
			addresses[row.MAC][row.Addr] = true
		}
	}
	claim := func(mac string, o owner) {
		if len(d.byMAC[mac]) > 0 { // a device of ours answers for it, or it is that device, by its own source
			return
		}
		if have, ok := owners[mac]; !ok || o.to.device < have.to.device {
			owners[mac] = o
		}
	}
	for i := range hosts {
		h := &hosts[i]
		for _, mac := range h.MACs {
			claim(mac, owner{to: end{h.ID, ""}})
		}
		for _, addr := range h.Addresses {
			if a := answers[addr]; a != nil && !a.disputed && len(addresses[a.mac]) <= proxyAnswers {
				slices.Sort(a.observers)
				claim(a.mac, owner{end{h.ID, ""}, slices.Compact(a.observers)})
			}
		}
	}
	return owners
}

// leadsToBridge reports whether a station of a port is another polled bridge.
func (d *directory) leadsToBridge(node *Node, macs []string) bool {
	for _, mac := range macs {
		for _, far := range slices.Concat(d.byMAC[mac], d.byBridge[mac]) {
			if far != node && far.bridges() {
				return true
			}
		}
	}
	return false
}

// bridges reports whether the device forwards between its ports.
func (n *Node) bridges() bool { b := n.Around.bridge(); return b.Address != "" || len(b.Counts) > 0 }

// portOfMAC is the port with a MAC, of several the only one that a cable fits in.
func (n *Node) portOfMAC(mac string) string {
	if port, ok := onlyOne(n.Ports, func(i *Interface) bool { return i.MAC == mac }); ok {
		return port
	}
	port, _ := onlyOne(n.Ports, func(i *Interface) bool {
		return i.MAC == mac && (i.Type == typeEthernet || i.Type == typeGigabit) && i.Oper == StatusUp
	})
	return port
}

// virtualMAC reports whether a MAC is of a virtual machine, a container, or a telephone that hides its
// own, or of a redundant router: several of them need no switch.
func virtualMAC(mac string) bool {
	hw, err := net.ParseMAC(mac)
	if err != nil || len(hw) != 6 || hw[0]&2 != 0 {
		return true
	}
	return slices.ContainsFunc(virtualPrefixes, func(p string) bool { return strings.HasPrefix(mac, p) })
}

// virtualPrefixes are those of VMware, Hyper-V, Xen, KVM and VirtualBox, and of VRRP and HSRP.
var virtualPrefixes = []string{
	"00:05:69", "00:0c:29", "00:1c:14", "00:50:56", "00:15:5d", "00:16:3e", "52:54:00", "08:00:27", "bc:24:11",
	"00:00:5e:00:01", "00:00:5e:00:02", "00:00:0c:07:ac", "00:00:0c:9f:f",
}

// guessPrefix begins the ID of a stub for a switch that nobody has seen.
const guessPrefix = stubPrefix + "unmanaged "

// stationSightings turns what is known of stations into sightings, and adds what spanning trees hear. A
// port of which LLDP or CDP tells stays theirs; heard is what they say.
func (d *directory) stationSightings(view stationView, heard []sighting) ([]sighting, []model.Entity) {
	ports := map[string]map[string]bool{} // covered ones, of the devices asked for
	covered := func(e end) bool {
		node := d.byID[e.device]
		if node != nil && ports[e.device] == nil {
			ports[e.device] = coveredPorts(node.Neighbours, node.Around)
		}
		return ports[e.device][e.port]
	}
	free := func(e end) bool { node := d.byID[e.device]; return node != nil && node.Answers && !covered(e) }
	var found []sighting
	for _, p := range view.places {
		if !free(p.at) || covered(p.to) {
			continue
		}
		found = append(found, sighting{from: p.at, protocol: "FDB", to: p.to, certain: true})
		for _, observer := range p.observer {
			found = append(found, sighting{from: p.at, protocol: "ARP", to: p.to, certain: true, observer: observer})
		}
	}
	var stubs []model.Entity
	for at, n := range view.guesses {
		node := d.byID[at.device]
		// What is aggregated, or has no plug, ends at no switch that cannot be managed.
		if state, port := d.endState(at); !free(at) || state != endUp || port.Type == typeLag || port.Type == typeVirtual || port.Type == typeMultiplexor {
			continue
		}
		id := guessPrefix + strings.TrimPrefix(model.DeviceID(node.Device+" "+at.port), model.DeviceID(""))
		stubs = append(stubs, model.Entity{
			ID: id, Kind: model.KindStub, Name: "unmanaged switch?", State: model.Unknown,
			Reason: fmt.Sprintf("%d stations on one port", n),
			Labels: map[string]string{"stations": fmt.Sprint(n), "behind": node.Device + " " + at.port},
		})
		found = append(found, sighting{from: at, protocol: "FDB", to: end{id, ""}, certain: true})
	}
	return append(found, d.spanningSightings(free, heard)...), stubs
}

// spanningSightings are the cables that only spanning trees tell of: a port that is not designated itself
// hears the bridge that is. Two devices of which LLDP or CDP knows a cable need none: the port of a
// spanning tree may be the aggregate of those that they hear.
func (d *directory) spanningSightings(free func(end) bool, heard []sighting) []sighting {
	cabled := map[[2]string]bool{}
	for i := range heard {
		a, b := heard[i].from.device, heard[i].to.device
		cabled[[2]string{a, b}], cabled[[2]string{b, a}] = true, true
	}
	var found []sighting
	for i := range d.nodes {
		node := &d.nodes[i]
		for _, s := range node.Around.bridge().Spanning {
			far := single(d.byBridge[s.Bridge])
			from := end{node.ID(), s.Port}
			if far == nil || far == node || cabled[[2]string{node.ID(), far.ID()}] || !free(from) {
				continue
			}
			to := end{far.ID(), far.Around.bridge().Ports[s.BridgePort]}
			if to.port == "" || !free(to) {
				continue
			}
			found = append(found, sighting{from: from, protocol: "STP", to: to})
		}
	}
	return found
}

// namePortsAsBefore gives the cables of which tables of forwarding know one port alone the other one as well, where one
// remembered cable has the same port and far device: a machine whose neighbour table has expired, since it is dead or its
// agent is, hangs on the cable that it told of, not on a second one.
func namePortsAsBefore(edges []*edge, known []model.Link) {
	taken := map[[2]end]bool{}
	for _, e := range edges {
		taken[[2]end{e.a, e.b}] = true
	}
	for _, e := range edges {
		if (e.a.port == "") == (e.b.port == "") {
			continue
		}
		var same []*model.Link
		for i := range known {
			l := &known[i]
			if l.Kind == kindCable && l.A == e.a.device && l.B == e.b.device && l.APort != "" && l.BPort != "" &&
				(l.APort == e.a.port || l.BPort == e.b.port) {
				same = append(same, l)
			}
		}
		if len(same) != 1 {
			continue
		}
		if full := [2]end{{same[0].A, same[0].APort}, {same[0].B, same[0].BPort}}; !taken[full] {
			e.a, e.b = full[0], full[1]
			taken[full] = true
		}
	}
}
