package snmp

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/nocturne-noc/nocturne/store/model"
)

// The kinds of the links that stand for what routers say of each other. They are no cables.
const (
	KindOSPF = "ospf"
	KindBGP  = "bgp"
)

var (
	// OSPF-MIB (RFC 4750)
	oidOspfRouterID = mustOID("1.3.6.1.2.1.14.1.1.0")
	oidOspfNbrEntry = mustOID("1.3.6.1.2.1.14.10.1")
	// BGP4-MIB (RFC 4273)
	oidBgpPeerEntry = mustOID("1.3.6.1.2.1.15.3.1")
)

const (
	ospfNbrRouterID, ospfNbrState                      = 3, 6
	bgpPeerState, bgpPeerAdminStatus, bgpPeerLocalAddr = 2, 3, 5

	ospfDown, ospfTwoWay, ospfFull = 1, 4, 8
	bgpEstablished, bgpStopped     = 6, 1

	maxAdjacencies = 4096 // of one device
)

var (
	ospfStates = [...]string{"", "down", "attempt", "init", "two-way", "exchange start", "exchange", "loading", "full"}
	bgpStates  = [...]string{"", "idle", "connect", "active", "open sent", "open confirmed", "established"}
)

// Adjacency is what a router says of one neighbour.
type Adjacency struct {
	Kind     string     // KindOSPF, KindBGP
	Port     string     // our own interface, "" where it could not be told
	Addr     netip.Addr // the neighbour's
	RouterID netip.Addr // the neighbour's, of OSPF
	State    model.State
	Text     string // the protocol's own name of the state
}

// readAdjacencies reads the neighbours of OSPF and BGP, and into around our own router ID.
func readAdjacencies(ctx context.Context, r reader, around *Surroundings, ports []Interface) ([]Adjacency, []string, error) {
	v, err := r.get(ctx, oidOspfRouterID)
	if err != nil {
		return nil, nil, err
	}
	around.RouterID = ipAddress(v[0])
	t, warnings, err := r.tables(ctx,
		columns{oidOspfNbrEntry, []uint32{ospfNbrRouterID, ospfNbrState}},
		columns{oidBgpPeerEntry, []uint32{bgpPeerState, bgpPeerAdminStatus, bgpPeerLocalAddr}})
	if err != nil {
		return nil, warnings, err
	}
	return adjacencies(&t[0], &t[1], around.Addresses, ports), warnings, nil
}

func adjacencies(ospf, bgp *Table, own []PortAddress, ports []Interface) []Adjacency {
	names := portsByIndex(ports)
	var list []Adjacency
	for _, row := range ospf.Rows() {
		if len(row.Index) != 5 || len(list) == maxAdjacencies {
			continue
		}
		addr, ok := addrFromIndex(row.Index[:4])
		if !ok {
			continue
		}
		a := Adjacency{Kind: KindOSPF, Addr: addr, RouterID: ipAddress(row.At(ospfNbrRouterID)), Port: portToward(own, addr)}
		if row.Index[4] != 0 { // an interface without an address
			a.Port = names[row.Index[4]]
		}
		a.State, a.Text = ospfState(row.At(ospfNbrState))
		list = append(list, a)
	}
	for _, row := range bgp.Rows() {
		addr, ok := addrFromIndex(row.Index)
		if !ok || !addr.Is4() || len(list) == maxAdjacencies {
			continue
		}
		a := Adjacency{Kind: KindBGP, Addr: addr, Port: portWith(own, ipAddress(row.At(bgpPeerLocalAddr)))}
		a.State, a.Text = bgpState(row.At(bgpPeerState), row.At(bgpPeerAdminStatus))
		list = append(list, a)
	}
	return list
}

// ospfState judges a neighbour. Two routers of a broadcast network of which neither is the designated
// one stay two-way.
func ospfState(v Value) (model.State, string) {
	n, ok := v.Uint()
	if !ok || n == 0 || n >= uint64(len(ospfStates)) {
		return model.Unknown, ""
	}
	switch n {
	case ospfFull, ospfTwoWay:
		return model.OK, ospfStates[n]
	case ospfDown:
		return model.Critical, ospfStates[n]
	}
	return model.Warning, ospfStates[n]
}

func bgpState(state, admin Value) (model.State, string) {
	n, ok := state.Uint()
	if !ok || n == 0 || n >= uint64(len(bgpStates)) {
		return model.Unknown, ""
	}
	if a, _ := admin.Uint(); a == bgpStopped {
		return model.OK, "switched off"
	}
	if n == bgpEstablished {
		return model.OK, bgpStates[n]
	}
	return model.Critical, bgpStates[n]
}

// ipAddress decodes an IpAddress, the zero Addr for none.
func ipAddress(v Value) netip.Addr {
	addr, ok := netip.AddrFromSlice(addressBytes(v))
	if !ok || addr.IsUnspecified() {
		return netip.Addr{}
	}
	return addr
}

// portToward is the port in whose network an address lies.
func portToward(own []PortAddress, addr netip.Addr) string {
	best, bits := "", -1
	for _, p := range own {
		if p.Prefix.Contains(addr) && p.Prefix.Bits() > bits && p.Prefix.Addr() != addr {
			best, bits = p.Port, p.Prefix.Bits()
		}
	}
	return best
}

// portWith is the port that has an address.
func portWith(own []PortAddress, addr netip.Addr) string {
	for _, p := range own {
		if p.Prefix.Addr() == addr {
			return p.Port
		}
	}
	return ""
}

// adjacencyLinks joins what both ends say into one link an adjacency, between polled devices only. The
// worse end counts. One that a router that answers no longer tells of is down, until it is forgotten.
func (d *directory) adjacencyLinks(known []model.Link, settled bool) []model.Link {
	byKey := map[string]*model.Link{}
	for i := range d.nodes {
		node := &d.nodes[i]
		if node.Around == nil || !node.Answers {
			continue
		}
		for _, a := range node.Around.Adjacencies {
			far := single(d.byAddress[a.Addr.String()])
			if far == nil && a.RouterID.IsValid() {
				far = single(d.byRouterID[a.RouterID])
			}
			if far == nil || far == node {
				continue
			}
			l := model.Link{A: node.ID(), APort: a.Port, B: far.ID(), BPort: far.portWith(a), Kind: a.Kind}
			if l.B < l.A {
				l.A, l.APort, l.B, l.BPort = l.B, l.BPort, l.A, l.APort
			}
			have := byKey[l.Key()]
			if have == nil {
				have = &l
				have.State, have.Reason, have.Confidence = a.State, adjacencyReason(a, node), OneWay
				byKey[l.Key()] = have
			} else if reason := adjacencyReason(a, node); a.State.Worse(have.State) || a.State == have.State && reason < have.Reason {
				have.State, have.Reason = a.State, reason
			}
			seen := model.Evidence{Source: adjacencySource[a.Kind], Observer: node.ID()}
			if !slices.Contains(have.Evidence, seen) {
				have.Evidence = append(have.Evidence, seen)
			}
			if len(have.Evidence) > 1 {
				have.Confidence = 1
			}
		}
	}
	for _, l := range known {
		if l.Kind != KindOSPF && l.Kind != KindBGP || byKey[l.Key()] != nil {
			continue
		}
		asked, waiting := false, false // of those that told of it
		for _, v := range l.Evidence {
			node := d.byID[v.Observer]
			asked = asked || node != nil && node.Answers && node.Around != nil
			waiting = waiting || node != nil && node.Answers && node.Around == nil
		}
		switch {
		case asked:
			l.State, l.Reason = model.Critical, "no longer adjacent"
		case !waiting && settled:
			l.State, l.Reason = model.Stale, "no end answers"
		}
		l.Confidence = min(l.Confidence, notHeard)
		byKey[l.Key()] = &l
	}
	links := make([]model.Link, 0, len(byKey))
	for _, l := range byKey {
		slices.SortFunc(l.Evidence, compareEvidence)
		links = append(links, *l)
	}
	slices.SortFunc(links, func(a, b model.Link) int { return cmp.Compare(a.Key(), b.Key()) })
	return links
}

var adjacencySource = map[string]string{KindOSPF: "OSPF", KindBGP: "BGP"}

func adjacencyReason(a Adjacency, node *Node) string {
	if a.State == model.OK && a.Text != "switched off" {
		return ""
	}
	return fmt.Sprintf("%s, says %s", cmp.Or(a.Text, "of unknown state"), node.Device)
}

// portWith is the far port of an adjacency: the one that has the address that the neighbour was heard from.
func (n *Node) portWith(a Adjacency) string {
	if n.Around == nil {
		return ""
	}
	return portWith(n.Around.Addresses, a.Addr)
}
