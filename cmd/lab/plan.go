package main

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

// A device is one emulated switch or router: a network namespace with its own SNMP and LLDP agents.
type device struct {
	Name   string
	Number int // unique, 1 to 254; the last octet of every address of the device
	Role   string
	V3     bool // it speaks SNMPv3 alone
}

// A port is one end of a cable.
type port struct {
	Device string
	Name   string // interface name, at most 15 characters
}

// A cable joins two ports. Mbps is what both agents report as the interface speed. Master is the bridge at an end that
// the port belongs to, "" for a routed port with an address of its own.
type cable struct {
	A, B    port
	Mbps    int
	MasterA string
	MasterB string
}

// A bridge joins ports of one device. As a LAG it is one way to another device over several cables; else it is the
// VLAN of an access switch.
type bridge struct {
	Device string
	Name   string
	Plane  int // of the address that it has
	LAG    bool
}

// A flow is a one-way stream of UDP datagrams between two devices. Its rate moves slowly around Mbps by the fraction
// Swing with the given Period. Plane picks the address of the receiver: 0 and 1 are loopbacks that prefer different
// paths of equal length, the others are those of bridges.
type flow struct {
	From, To string
	Plane    int
	Mbps     float64
	Swing    float64
	Period   time.Duration
}

// A plan is the whole emulated network as data.
type plan struct {
	Devices   []device
	Strangers []device // without an SNMP agent; those in Talkers have an LLDP agent
	Talkers   []string
	Servers   []server
	Cables    []cable
	Bridges   []bridge
	Flows     []flow
}

// A route leads from one device to another: to its loopbacks, its servers, or the wallboard. A lower Metric is preferred.
type route struct {
	Destination string // IPv4 prefix
	Gateway     string // IPv4 address of the next device's end of the cable
	Interface   string
	Metric      int
}

const (
	planes       = 2 // of loopbacks; the further ones are of bridges
	lagPlane     = 2
	officePlane  = 3
	serverPlane  = 4    // and all above; see plan_servers.go
	agentPort    = 1161 // UDP port of every relay in the root namespace
	metricPerHop = 100
)

// campus is the network of the lab: two cores, two distribution switches on both cores, two access switches on each, and
// a console server of which the network knows nothing. An access point and a computer hang on acc11, servers on acc12 and
// acc22.
// The flows keep the uplinks between 20 and 60 percent; with dist2-core1 cut, dist2-core2 carries about 90 percent.
func campus() plan {
	routed := func(a, aPort, b, bPort string, mbps int) cable {
		return cable{A: port{a, aPort}, B: port{b, bPort}, Mbps: mbps}
	}
	member := func(name string) cable {
		return cable{A: port{"core1", name}, B: port{"core2", name}, Mbps: 40, MasterA: "po1", MasterB: "po1"}
	}
	access := func(name, to string) cable {
		return cable{A: port{"acc11", name}, B: port{to, "eth0"}, Mbps: 10, MasterA: "vlan1", MasterB: "lan"}
	}
	return plan{
		Devices: []device{
			{Name: "core1", Number: 11, Role: "core router"}, {Name: "core2", Number: 12, Role: "core router"},
			{Name: "dist1", Number: 21, Role: "distribution switch"}, {Name: "dist2", Number: 22, Role: "distribution switch"},
			{Name: "acc11", Number: 31, Role: "access switch"}, {Name: "acc12", Number: 32, Role: "access switch"},
			{Name: "acc21", Number: 41, Role: "access switch"}, {Name: "acc22", Number: 42, Role: "access switch"},
			{Name: "oob1", Number: 61, Role: "console server", V3: true},
		},
		Strangers: []device{{Name: "ap1", Number: 91, Role: "access point"}, {Name: "pc1", Number: 92, Role: "computer"}},
		Talkers:   []string{"ap1"},
		Cables: []cable{
			routed("core1", "te1", "core2", "te1", 40),
			routed("core1", "te2", "core2", "te2", 40),
			routed("core1", "te3", "dist1", "te1", 20),
			routed("core2", "te3", "dist1", "te2", 20),
			routed("core1", "te4", "dist2", "te1", 20),
			routed("core2", "te4", "dist2", "te2", 20),
			routed("dist1", "gi1", "acc11", "gi1", 10),
			routed("dist1", "gi2", "acc12", "gi1", 10),
			routed("dist2", "gi1", "acc21", "gi1", 10),
			routed("dist2", "gi2", "acc22", "gi1", 10),
			member("te5"), member("te6"), member("te7"), member("te8"),
			access("gi8", "ap1"), access("gi9", "pc1"),
			serverCable("acc12", "gi8", "web1"), serverCable("acc12", "gi9", "db1"), serverCable("acc22", "gi8", "app1"),
		},
		Bridges: []bridge{
			{Device: "core1", Name: "po1", Plane: lagPlane, LAG: true}, {Device: "core2", Name: "po1", Plane: lagPlane, LAG: true},
			{Device: "acc11", Name: "vlan1", Plane: officePlane},
			{Device: "ap1", Name: "lan", Plane: officePlane}, {Device: "pc1", Name: "lan", Plane: officePlane},
			{Device: "acc12", Name: serverBridge, Plane: serverPlane}, {Device: "acc22", Name: serverBridge, Plane: serverPlane + 1},
		},
		Servers: servers(),
		Flows: []flow{
			{"core1", "core2", 0, 11.0, 0.25, 210 * time.Second}, {"core2", "core1", 0, 8.5, 0.30, 170 * time.Second},
			{"core1", "core2", 1, 14.0, 0.30, 260 * time.Second}, {"core2", "core1", 1, 9.5, 0.20, 150 * time.Second},
			{"core1", "dist1", 0, 3.0, 0.30, 190 * time.Second}, {"dist1", "core1", 0, 2.2, 0.25, 140 * time.Second},
			{"core2", "dist1", 0, 3.4, 0.35, 230 * time.Second}, {"dist1", "core2", 0, 2.0, 0.30, 180 * time.Second},
			{"core1", "acc11", 0, 3.6, 0.35, 160 * time.Second}, {"acc11", "core1", 0, 2.4, 0.15, 220 * time.Second},
			{"core2", "acc12", 1, 4.4, 0.25, 200 * time.Second}, {"acc12", "core2", 0, 2.6, 0.20, 130 * time.Second},
			{"core1", "dist2", 0, 3.4, 0.08, 170 * time.Second}, {"dist2", "core1", 0, 2.2, 0.20, 210 * time.Second},
			{"core2", "dist2", 1, 3.4, 0.08, 240 * time.Second}, {"dist2", "core2", 0, 2.0, 0.20, 190 * time.Second},
			{"core1", "acc21", 0, 5.4, 0.06, 180 * time.Second}, {"acc21", "core1", 0, 2.5, 0.15, 150 * time.Second},
			{"core2", "acc22", 1, 5.2, 0.06, 220 * time.Second}, {"acc22", "core2", 0, 2.7, 0.15, 200 * time.Second},
			{"core1", "core2", lagPlane, 9.0, 0.20, 190 * time.Second}, {"core2", "core1", lagPlane, 6.0, 0.20, 160 * time.Second},
			{"pc1", "acc11", officePlane, 0.8, 0.30, 120 * time.Second}, {"acc11", "pc1", officePlane, 1.2, 0.30, 150 * time.Second},
			{"web1", "db1", serverPlane, 1.1, 0.30, 140 * time.Second}, {"db1", "web1", serverPlane, 2.6, 0.25, 180 * time.Second},
		},
	}
}

// namespace is the name of the network namespace of a device or of the patch panel.
func namespace(name string) string { return "noc-" + name }

// patchPanel names the namespace in which the cables run. Pulling a cable there leaves both ports administratively up
// without a carrier, as a cut cable does; setting a port of a device down would show as a port shut by its operator.
const patchPanel = "cables"

// agentAddress is where the relay of a device answers SNMP in the root namespace.
func agentAddress(d device) string { return fmt.Sprintf("127.0.77.%d", d.Number) }

// loopback is a device's own address in a plane; in those of bridges it is the bridge's.
func loopback(d device, plane int) string {
	if plane >= serverPlane {
		return fmt.Sprintf("%s.%d.%d", serverNetwork, plane, d.Number)
	}
	return fmt.Sprintf("10.77.%d.%d", plane, d.Number)
}

// cableAddress is the address of one end (0 for A, 1 for B) of the cable with the given index; each cable is a /30.
func cableAddress(index, end int) string {
	return fmt.Sprintf("10.77.%d.%d", 8+index/64, index%64*4+1+end)
}

// hardwareAddress is a stable, locally administered address for the n-th port of a device, so that a device keeps its
// LLDP identity over restarts of the lab.
func hardwareAddress(d device, n int) string {
	return fmt.Sprintf("02:4e:4f:00:%02x:%02x", d.Number, n)
}

// patchPort is the name of one end (0 or 1) of a cable inside the patch panel.
func patchPort(index, end int) string { return fmt.Sprintf("w%d%c", index, 'a'+rune(end)) }

// namespaces lists all that has a network namespace of its own.
func (p plan) namespaces() []device {
	all := slices.Concat(p.Devices, p.Strangers)
	for _, s := range p.Servers {
		all = append(all, s.device)
	}
	return all
}

// talks says whether a device has an LLDP agent.
func (p plan) talks(name string) bool {
	return slices.Contains(p.Talkers, name) || !slices.ContainsFunc(p.Strangers, func(d device) bool { return d.Name == name })
}

// bridges lists those of a device.
func (p plan) bridges(device string) []bridge {
	var out []bridge
	for _, b := range p.Bridges {
		if b.Device == device {
			out = append(out, b)
		}
	}
	return out
}

func (p plan) device(name string) (device, error) {
	for _, d := range p.namespaces() {
		if d.Name == name {
			return d, nil
		}
	}
	return device{}, fmt.Errorf("device %s is not in the plan", name)
}

// cableBetween returns the index of the first cable between two devices.
func (p plan) cableBetween(a, b string) (int, error) {
	for i, c := range p.Cables {
		if c.A.Device == a && c.B.Device == b || c.A.Device == b && c.B.Device == a {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no cable between %s and %s in the plan", a, b)
}

// A neighbour is the far side of one of a device's cables, seen from that device.
type neighbour struct {
	device  string
	port    string // the near interface
	gateway string // the far address
	mbps    int
	master  string // the bridge that the near interface belongs to, "" for none
}

// neighbours lists the cables of a device in the order of the plan.
func (p plan) neighbours(name string) []neighbour {
	var out []neighbour
	for i, c := range p.Cables {
		if c.A.Device == name {
			out = append(out, neighbour{c.B.Device, c.A.Name, cableAddress(i, 1), c.Mbps, c.MasterA})
		}
		if c.B.Device == name {
			out = append(out, neighbour{c.A.Device, c.B.Name, cableAddress(i, 0), c.Mbps, c.MasterB})
		}
	}
	return out
}

// hops counts the cables on the shortest path that avoids one device; ok is false where there is none.
func (p plan) hops(from, to, avoid string) (n int, ok bool) {
	distance := map[string]int{from: 0}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == to {
			return distance[to], true
		}
		for _, next := range p.neighbours(queue[0]) {
			if _, seen := distance[next.device]; !seen && next.device != avoid {
				distance[next.device] = distance[queue[0]] + 1
				queue = append(queue, next.device)
			}
		}
	}
	return 0, false
}

// behind lists a device and those that have a path to root through it alone, in the order of the plan.
func (p plan) behind(name, root string) []string {
	var out []string
	for _, d := range p.Devices {
		_, path := p.hops(d.Name, root, "")
		_, other := p.hops(d.Name, root, name)
		if d.Name == name || path && !other {
			out = append(out, d.Name)
		}
	}
	return out
}

// routes computes the forwarding table of one device: for each destination behind each other device one route over every
// cable that leads there, the shortest path first. The kernel passes over routes whose cable has no carrier, so the
// next one is the backup. Paths of equal length are ordered by cable in plane 0 and backwards in plane 1.
func (p plan) routes(from string) []route {
	var out []route
	near := slices.DeleteFunc(p.neighbours(from), func(n neighbour) bool { return n.master != "" })
	for _, to := range p.Devices {
		if to.Name == from {
			continue
		}
		for plane, destination := range p.destinations(to) {
			for i, via := range near {
				n, ok := p.hops(via.device, to.Name, from)
				if !ok {
					continue // an island, or only reachable through this device
				}
				order := i
				if plane == 1 {
					order = len(near) - 1 - i
				}
				out = append(out, route{destination, via.gateway, via.port, metricPerHop*(n+1) + order})
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].Destination != out[j].Destination {
			return out[i].Destination < out[j].Destination
		}
		return out[i].Metric < out[j].Metric
	})
	return out
}

// rate is the flow's rate in bits per second at a time after the start of the generator.
func (f flow) rate(elapsed time.Duration) float64 {
	turn := 2 * math.Pi * elapsed.Seconds() / f.Period.Seconds()
	wave := 0.75*math.Sin(turn+f.Mbps) + 0.25*math.Sin(3.7*turn)
	return f.Mbps * 1e6 * (1 + f.Swing*wave)
}
