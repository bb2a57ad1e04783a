package main

import (
	"fmt"
	"slices"
)

// A server is a machine at a port of an access switch: a network namespace with a host name, a disk and an LLDP agent of its
// own, and with the exporters and services that Debian has.
type server struct {
	device
	Plane int  // of its address, and of the bridge that it hangs on
	Redis bool // it runs Redis and its exporter
	Clock bool // its metrics pass a relay that can put its clock wrong
}

const (
	serverNetwork = "198.18" // of RFC 2544: nobody's network
	serverBridge  = "vlan20"

	// The wallboard is a station of the network, at a port of its own: what it asks servers for goes over the cables, and
	// what cuts them cuts it off.
	wallSwitch = "core1"
	wallPort   = "te9"
	wallLink   = "noc-wall" // its interface, in the root namespace
	wallNumber = 9          // of the port, for its hardware address

	exporterPort      = 9100
	redisPort         = 6379
	redisExporterPort = 9121
)

// The ends of the wallboard's cable.
const wallAddress, wallGateway, wallPrefix = serverNetwork + ".0.1", serverNetwork + ".0.2", serverNetwork + ".0.0/30"

func servers() []server {
	return []server{
		{device: device{Name: "web1", Number: 93, Role: "web server"}, Plane: serverPlane},
		{device: device{Name: "db1", Number: 94, Role: "database server"}, Plane: serverPlane, Redis: true},
		{device: device{Name: "app1", Number: 95, Role: "application server"}, Plane: serverPlane + 1, Clock: true},
	}
}

func serverCable(at, name, to string) cable {
	return cable{A: port{at, name}, B: port{to, "eth0"}, Mbps: 20, MasterA: serverBridge}
}

func (s server) address() string { return loopback(s.device, s.Plane) }

func (s server) at(port int) string { return fmt.Sprintf("%s:%d", s.address(), port) }

// server is the server of that name, or nil.
func (p plan) server(name string) *server {
	i := slices.IndexFunc(p.Servers, func(s server) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &p.Servers[i]
}

// gateway is the address of the switch that a server hangs on.
func (p plan) gateway(s server) string {
	for _, b := range p.Bridges {
		if d, err := p.device(b.Device); err == nil && b.Plane == s.Plane {
			return loopback(d, b.Plane)
		}
	}
	return "" // the plan is checked by its test
}

// destinations are what others reach through a device: its loopbacks, in the order of their planes, and its servers or the
// wallboard.
func (p plan) destinations(to device) []string {
	var out []string
	for plane := range planes {
		out = append(out, loopback(to, plane)+"/32")
	}
	for _, b := range p.bridges(to.Name) {
		if b.Plane >= serverPlane {
			out = append(out, fmt.Sprintf("%s.%d.0/24", serverNetwork, b.Plane))
		}
	}
	if to.Name == wallSwitch {
		out = append(out, wallPrefix)
	}
	return out
}

// cablesOf are the indexes of the cables of a device or server.
func (p plan) cablesOf(name string) []int {
	var out []int
	for i, c := range p.Cables {
		if c.A.Device == name || c.B.Device == name {
			out = append(out, i)
		}
	}
	return out
}
