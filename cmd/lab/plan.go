package main

import (
	"fmt"
	"math"
	"sort"
	"time"
)

// A device is one emulated switch or router: a network namespace with its own SNMP and LLDP agents.
type device struct {
	Name   string
	Number int // unique, 1 to 254; the last octet of every address of the device
	Role   string
}

// A port is one end of a cable.
type port struct {
	Device string
	Name   string // interface name, at most 15 characters
}

// A cable joins two ports. Mbps is what both agents report as the interface speed.
type cable struct {
	A, B port
	Mbps int
}

// A flow is a one-way stream of UDP datagrams between two devices. Its rate moves slowly around Mbps by the fraction
// Swing with the given Period. Plane (0 or 1) picks one of the two loopback addresses of the receiver, which prefer
// different paths of equal length.
type flow struct {
	From, To string
	Plane    int
	Mbps     float64
	Swing    float64
	Period   time.Duration
}

// A plan is the whole emulated network as data.
type plan struct {
	Devices []device
	Cables  []cable
	Flows   []flow
}

// A route leads from one device to one loopback address of another. A lower Metric is preferred.
type route struct {
	Destination string // IPv4 address of the receiver's loopback
	Gateway     string // IPv4 address of the next device's end of the cable
	Interface   string
	Metric      int
}

const (
	planes       = 2
	agentPort    = 1161 // UDP port of every relay in the root namespace
	metricPerHop = 100
)

// campus is the network of the lab: two cores, two distribution switches on both cores, two access switches on each.
// The flows keep the uplinks between 20 and 60 percent; with dist2-core1 cut, dist2-core2 carries about 90 percent.
func campus() plan {
	return plan{
		Devices: []device{
			{"core1", 11, "core router"}, {"core2", 12, "core router"},
			{"dist1", 21, "distribution switch"}, {"dist2", 22, "distribution switch"},
			{"acc11", 31, "access switch"}, {"acc12", 32, "access switch"},
			{"acc21", 41, "access switch"}, {"acc22", 42, "access switch"},
		},
		Cables: []cable{
			{port{"core1", "te1"}, port{"core2", "te1"}, 40},
			{port{"core1", "te2"}, port{"core2", "te2"}, 40},
			{port{"core1", "te3"}, port{"dist1", "te1"}, 20},
			{port{"core2", "te3"}, port{"dist1", "te2"}, 20},
			{port{"core1", "te4"}, port{"dist2", "te1"}, 20},
			{port{"core2", "te4"}, port{"dist2", "te2"}, 20},
			{port{"dist1", "gi1"}, port{"acc11", "gi1"}, 10},
			{port{"dist1", "gi2"}, port{"acc12", "gi1"}, 10},
			{port{"dist2", "gi1"}, port{"acc21", "gi1"}, 10},
			{port{"dist2", "gi2"}, port{"acc22", "gi1"}, 10},
		},
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

// loopback is a device's own address in a plane.
func loopback(d device, plane int) string { return fmt.Sprintf("10.77.%d.%d", plane, d.Number) }

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

func (p plan) device(name string) (device, error) {
	for _, d := range p.Devices {
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
}

// neighbours lists the cables of a device in the order of the plan.
func (p plan) neighbours(name string) []neighbour {
	var out []neighbour
	for i, c := range p.Cables {
		if c.A.Device == name {
			out = append(out, neighbour{c.B.Device, c.A.Name, cableAddress(i, 1), c.Mbps})
		}
		if c.B.Device == name {
			out = append(out, neighbour{c.A.Device, c.B.Name, cableAddress(i, 0), c.Mbps})
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

// behind lists a device and those that have no path to root without it, in the order of the plan.
func (p plan) behind(name, root string) []string {
	var out []string
	for _, d := range p.Devices {
		if _, ok := p.hops(d.Name, root, name); d.Name == name || !ok {
			out = append(out, d.Name)
		}
	}
	return out
}

// routes computes the forwarding table of one device: for each loopback of each other device one route over every
// cable that leads there, the shortest path first. The kernel passes over routes whose cable has no carrier, so the
// next one is the backup. Paths of equal length are ordered by cable in plane 0 and backwards in plane 1.
func (p plan) routes(from string) []route {
	var out []route
	near := p.neighbours(from)
	for _, to := range p.Devices {
		if to.Name == from {
			continue
		}
		for plane := range planes {
			for i, via := range near {
				n, ok := p.hops(via.device, to.Name, from)
				if !ok {
					continue
				}
				order := i
				if plane == 1 {
					order = len(near) - 1 - i
				}
				out = append(out, route{loopback(to, plane), via.gateway, via.port, metricPerHop*(n+1) + order})
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
