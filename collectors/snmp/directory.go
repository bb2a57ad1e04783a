package snmp

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
)

// directory finds the polled device that a neighbour row speaks of.
type directory struct {
	nodes     []Node
	byID      map[string]*Node
	byChassis map[string][]*Node
	byName    map[string][]*Node // lower case
	byShort   map[string][]*Node // the part before the first dot
	byMAC     map[string][]*Node
	byAddress map[string][]*Node

	byBridge   map[string][]*Node // bridge address
	byRouterID map[netip.Addr][]*Node
	hosts      map[string][]*Host // by name, lower case, by its short form, by address, and by MAC
}

func newDirectory(nodes []Node) *directory {
	d := &directory{
		nodes: nodes,
		byID:  map[string]*Node{}, byChassis: map[string][]*Node{}, byName: map[string][]*Node{},
		byShort: map[string][]*Node{}, byMAC: map[string][]*Node{}, byAddress: map[string][]*Node{},
		byBridge: map[string][]*Node{}, byRouterID: map[netip.Addr][]*Node{},
	}
	add := func(m map[string][]*Node, key string, n *Node) {
		list := m[key]
		if key != "" && (len(list) == 0 || list[len(list)-1] != n) { // nodes come one after the other
			m[key] = append(list, n)
		}
	}
	for i := range nodes {
		n := &nodes[i]
		d.byID[n.ID()] = n
		add(d.byChassis, n.Chassis, n)
		for _, name := range append([]string{n.Device}, n.Names...) {
			if name = strings.ToLower(name); !junkChassis[name] {
				add(d.byName, name, n)
				add(d.byShort, shortName(name), n)
			}
		}
		if usable(n.Address) {
			add(d.byAddress, n.Address, n)
		}
		for j := range n.Ports {
			add(d.byMAC, n.Ports[j].MAC, n)
		}
		if n.Around == nil {
			continue
		}
		add(d.byBridge, n.Around.Bridge.Address, n)
		if id := n.Around.RouterID; id.IsValid() {
			d.byRouterID[id] = append(d.byRouterID[id], n)
		}
		for _, own := range n.Around.Addresses {
			add(d.byAddress, own.Prefix.Addr().String(), n)
		}
	}
	return d
}

// knows lets neighbour rows speak of hosts.
func (d *directory) knows(hosts []Host) {
	d.hosts = map[string][]*Host{}
	for i := range hosts {
		h := &hosts[i]
		var keys []string
		for _, name := range h.Names {
			keys = append(keys, name, shortName(name))
		}
		for _, addr := range h.Addresses {
			keys = append(keys, addr.String())
		}
		for _, key := range append(keys, h.MACs...) {
			if key != "" && !slices.Contains(d.hosts[key], h) {
				d.hosts[key] = append(d.hosts[key], h)
			}
		}
	}
}

// host returns the server or Kubernetes node that a neighbour row speaks of, nil for none. A machine that
// two sources know is the one whose ID comes first, always the same.
func (d *directory) host(n *Neighbour) *Host {
	keys := append([]string{n.Chassis}, n.Addresses...)
	if n.Port.Subtype == portMAC {
		keys = append(keys, n.Port.ID)
	}
	if name := strings.ToLower(n.Name); name != "" && !junkChassis[name] {
		keys = append([]string{name, shortName(name)}, keys...)
	}
	for _, key := range keys {
		if list := d.hosts[key]; key != "" && len(list) > 0 {
			return slices.MinFunc(list, func(a, b *Host) int { return cmp.Compare(a.ID, b.ID) })
		}
	}
	return nil
}

// shortName is a host name without its domain; an address is left whole.
func shortName(name string) string {
	if _, err := netip.ParseAddr(name); err == nil {
		return name
	}
	short, _, _ := strings.Cut(name, ".")
	return short
}

// usable leaves out the addresses that every device has.
func usable(addr string) bool {
	a, err := netip.ParseAddr(addr)
	return err == nil && !a.IsLoopback() && !a.IsUnspecified() && !a.IsLinkLocalUnicast()
}

func single(list []*Node) *Node {
	if len(list) == 1 {
		return list[0]
	}
	return nil
}

// find returns the polled device that a neighbour row speaks of, nil for none. One piece of
// evidence that contradicts another links nothing: a false link is worse than a stub.
func (d *directory) find(n *Neighbour) *Node {
	name := strings.ToLower(n.Name)
	named := d.byName[name]
	if len(named) == 0 {
		named = d.byShort[shortName(name)]
		if len(named) == 1 && strings.Contains(name, ".") && !slices.ContainsFunc(named[0].Names, func(s string) bool {
			return !strings.Contains(s, ".")
		}) {
			named = nil // two full names with different domains are two devices
		}
	}
	if name == "" || junkChassis[name] {
		named = nil
	}
	if same := d.byChassis[n.Chassis]; n.Chassis != "" && len(same) > 0 {
		if both := intersect(same, named); len(both) == 1 {
			return both[0]
		}
		node := single(same)
		if node == nil || name != "" && len(node.Names) > 0 && !junkChassis[name] {
			return nil // a shared chassis ID: the name is another
		}
		return node
	}
	if node := single(named); node != nil {
		if n.Chassis == "" || node.Chassis == "" || slices.Contains(d.byMAC[n.Chassis], node) {
			return node
		}
		return nil
	}
	if node := single(d.byMAC[n.Chassis]); node != nil {
		return node
	}
	if node := single(d.byMAC[n.Port.ID]); node != nil && n.Port.Subtype == portMAC {
		return node
	}
	for _, addr := range n.Addresses {
		if node := single(d.byAddress[addr]); node != nil && usable(addr) {
			return node
		}
	}
	return nil
}

func intersect(a, b []*Node) []*Node {
	var out []*Node
	for _, n := range a {
		if slices.Contains(b, n) {
			out = append(out, n)
		}
	}
	return out
}

// absent finds the far end of a row among the links of before: a device that has not answered since
// the start is known only from them, by its name.
func (d *directory) absent(known map[end][]end, from end, n *Neighbour) (end, bool) {
	for _, far := range known[from] {
		if d.byID[far.device] == nil && n.Name != "" && !strings.HasPrefix(far.device, stubPrefix) &&
			strings.EqualFold(shortName(displayName(far.device)), shortName(n.Name)) {
			return far, true
		}
	}
	return end{}, false
}

// farEnds lists by port what hung on it.
func farEnds(known []model.Link) map[end][]end {
	ends := make(map[end][]end, 2*len(known))
	for _, l := range known {
		if l.Kind != kindCable {
			continue
		}
		a, b := end{l.A, l.APort}, end{l.B, l.BPort}
		ends[a], ends[b] = append(ends[a], b), append(ends[b], a)
	}
	return ends
}

// sightings finds the far ends of all neighbour rows. What is not a polled device becomes a stub.
func (d *directory) sightings(known []model.Link) ([]sighting, []model.Entity) {
	before := farEnds(known)
	var found []sighting
	stubs := newStubs(d)
	for i := range d.nodes {
		node := &d.nodes[i]
		if !node.Answers {
			continue // its links are remembered
		}
		for j := range node.Neighbours {
			n := &node.Neighbours[j]
			s := sighting{from: end{node.ID(), n.LocalPort}, protocol: n.Protocol, raw: n.portText()}
			far := d.find(n)
			old, absent := d.absent(before, s.from, n)
			switch {
			case far == node:
				continue // a loop plug, or a reflection: no cable between two devices
			case far != nil:
				s.to.device = far.ID()
				s.to.port, _ = findPort(far.Ports, n.Port)
			case absent:
				s.to = old
			case n.LocalPort != "" && d.host(n) != nil:
				s.to = end{d.host(n).ID, s.raw}
			default:
				id := stubs.add(n)
				if id == "" || n.LocalPort == "" {
					continue
				}
				s.to = end{id, s.raw}
			}
			found = append(found, s)
		}
	}
	return found, stubs.entities()
}

// portText is the far port in the neighbour's own words.
func (n *Neighbour) portText() string {
	if n.Port.Subtype == portMAC && n.Port.Descr != "" {
		return n.Port.Descr
	}
	return cmp.Or(n.Port.ID, n.Port.Descr)
}

const stubPrefix = "stub/"

// stubs collects the neighbours that are not polled, each once whoever hears it.
type stubs struct {
	names map[string]map[string]bool // chassis -> names heard with it
	byKey map[string]*model.Entity
}

func newStubs(d *directory) *stubs {
	s := &stubs{names: map[string]map[string]bool{}, byKey: map[string]*model.Entity{}}
	for i := range d.nodes {
		for j := range d.nodes[i].Neighbours {
			if n := &d.nodes[i].Neighbours[j]; n.Chassis != "" && n.Name != "" {
				if s.names[n.Chassis] == nil {
					s.names[n.Chassis] = map[string]bool{}
				}
				s.names[n.Chassis][n.Name] = true
			}
		}
	}
	return s
}

// key identifies a stub: by its chassis ID, unless several names share that, or by its name.
// A CDP row finds the chassis of the LLDP row with the same name.
func (s *stubs) key(n *Neighbour) string {
	switch {
	case n.Chassis != "" && len(s.names[n.Chassis]) > 1:
		return n.Chassis + " " + n.Name
	case n.Chassis != "":
		return n.Chassis
	case n.Name != "":
		var same []string
		for chassis, names := range s.names {
			if names[n.Name] && len(names) == 1 {
				same = append(same, chassis)
			}
		}
		if len(same) == 1 {
			return same[0]
		}
		return n.Name
	case len(n.Addresses) > 0:
		return n.Addresses[0]
	}
	return ""
}

func (s *stubs) add(n *Neighbour) string {
	key := s.key(n)
	if key == "" {
		return ""
	}
	id := stubPrefix + strings.TrimPrefix(model.DeviceID(key), model.DeviceID(""))
	e := s.byKey[key]
	if e == nil {
		e = &model.Entity{ID: id, Kind: model.KindStub, State: model.Unknown, Reason: "known only from its neighbours", Labels: map[string]string{}}
		s.byKey[key] = e
	}
	e.Name = cmp.Or(n.Name, e.Name, key)
	set := func(label, value string) {
		if value != "" && e.Labels[label] == "" {
			e.Labels[label] = value
		}
	}
	set("chassis", n.Chassis)
	set("platform", n.Platform)
	if len(n.Addresses) > 0 {
		set("address", n.Addresses[0])
	}
	return id
}

func (s *stubs) entities() []model.Entity {
	var list []model.Entity
	for _, e := range s.byKey {
		list = append(list, *e)
	}
	slices.SortFunc(list, func(a, b model.Entity) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
