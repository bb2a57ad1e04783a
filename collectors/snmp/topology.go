package snmp

import (
	"cmp"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Node is one polled device as the map needs it.
type Node struct {
	Device     string   // its name; the entity's ID is model.DeviceID(Device)
	Address    string   // the address that it is polled at
	Names      []string // sysName, lldpLocSysName, CDP device ID
	Chassis    string
	Ports      []Interface
	Neighbours []Neighbour
	Around     *Surroundings
	Answers    bool      // in the last round; else what is here is from the last round that it answered
	told       *Snapshot // its last round; nil for none
}

// labels are those of the device's entity.
func (n *Node) labels() map[string]string {
	if n.told == nil {
		return nil
	}
	return n.told.labels(n.Address)
}

// ID returns the entity ID of the device.
func (n *Node) ID() string { return model.DeviceID(n.Device) }

func (n *Node) port(name string) *Interface {
	for i := range n.Ports {
		if n.Ports[i].Port == name {
			return &n.Ports[i]
		}
	}
	return nil
}

// kindCable is the kind of the links that are cables.
const kindCable = "ethernet"

// OneWay is the confidence in a link that only one end tells of.
const OneWay = 0.6

// The confidence in links that no end tells of by LLDP or CDP.
const (
	bothWays  = 0.8 // a spanning tree at one end, something else at the other
	fromTable = 0.5 // where a station was learned
	guessed   = 0.3 // what hangs there was never heard of
)

// end is one end of a cable.
type end struct{ device, port string }

// edge is one cable.
type edge struct {
	a, b     end // a.device < b.device
	evidence []model.Evidence
}

func (e *edge) see(protocol, observer string) {
	if seen := (model.Evidence{Source: protocol, Observer: observer}); !slices.Contains(e.evidence, seen) {
		e.evidence = append(e.evidence, seen)
	}
}

func (e *edge) confidence() float64 {
	if strings.HasPrefix(e.a.device, guessPrefix) || strings.HasPrefix(e.b.device, guessPrefix) {
		return guessed
	}
	var talking, learnt []string // the observers
	for _, v := range e.evidence {
		switch v.Source {
		case "FDB", "ARP", "STP":
			if v.Source != "ARP" && !slices.Contains(learnt, v.Observer) {
				learnt = append(learnt, v.Observer)
			}
		default:
			if !slices.Contains(talking, v.Observer) {
				talking = append(talking, v.Observer)
			}
		}
	}
	switch {
	case len(talking) > 1:
		return 1
	case len(talking) == 1 && slices.ContainsFunc(learnt, func(o string) bool { return o != talking[0] }), len(learnt) > 1:
		return bothWays
	case len(talking) == 1:
		return OneWay
	}
	return fromTable
}

// sighting is one neighbour row with its far end found.
type sighting struct {
	from     end
	protocol string
	to       end    // to.port is "" where the far port is not known by name
	raw      string // the far port in the neighbour's own words
	certain  bool   // to.port is as it is to be, if empty
	observer string // who tells so, "" for from.device
}

func (s *sighting) by() string { return cmp.Or(s.observer, s.from.device) }

// BuildMap merges what all devices say of their neighbours into one link a cable. known are the
// links of before: a cut cable takes its sightings with it, so a link is remembered, and what it
// is worth follows from the state of its ports. It is pure: equal input gives equal output.
//
// settled says that each device was asked at least once, so that a device that is known from
// before and has not answered is silent rather than not yet asked.
func BuildMap(nodes []Node, known []model.Link, settled bool) (links []model.Link, stubs []model.Entity) {
	m := drawMap(nodes, nil, findStations(nodes, nil), known, settled)
	return m.links, m.stubs
}

// drawing is a map as it is drawn.
type drawing struct {
	links []model.Link
	stubs []model.Entity
	lags  map[string]string // the aggregation of each member link, by its key
	seen  map[string]bool   // keys of the cables that somebody tells of now
	out   []outage
}

func drawMap(nodes []Node, hosts []Host, view stationView, known []model.Link, settled bool) drawing {
	dir := newDirectory(nodes)
	dir.knows(hosts)
	found, stubs := dir.sightings(known)
	learnt, guesses := dir.stationSightings(view, found)
	edges, stubs := joinEdges(append(found, learnt...)), append(stubs, guesses...)
	namePortsAsBefore(edges, known)
	var links []model.Link
	current := map[end]float64{} // confidence of the best link on a port
	for _, e := range edges {
		for _, p := range []end{e.a, e.b} {
			current[p] = max(current[p], e.confidence())
		}
	}
	seen := map[string]bool{}
	byKey := map[string]model.Link{}
	for _, l := range known {
		byKey[l.Key()] = l
	}
	moved := dir.movedStations(edges)
	for _, e := range edges {
		l := e.link()
		dir.judge(&l, byKey[l.Key()], true, settled)
		links = append(links, l)
		seen[l.Key()] = true
	}
	for _, l := range known {
		if seen[l.Key()] || l.Kind != kindCable || dir.superseded(l, current) || moved(l) {
			continue
		}
		dir.judge(&l, l, false, settled)
		links = append(links, l)
		stubs = append(stubs, rememberedStub(l, stubs)...)
	}
	slices.SortFunc(links, func(a, b model.Link) int { return cmp.Compare(a.Key(), b.Key()) })
	links, lags := dir.foldLags(links)
	links = append(links, dir.adjacencyLinks(known, settled)...)
	links = append(links, dir.silentLags(known, links)...)
	slices.SortFunc(links, func(a, b model.Link) int { return cmp.Compare(a.Key(), b.Key()) })
	slices.SortFunc(stubs, func(a, b model.Entity) int { return cmp.Compare(a.ID, b.ID) })
	return drawing{links, stubs, lags, seen, dir.outages(links)}
}

// joinEdges makes one edge of the sightings of both ends.
func joinEdges(found []sighting) []*edge {
	edges := map[[2]end]*edge{}
	add := func(from, to end) *edge {
		a, b := from, to
		if b.device < a.device || b.device == a.device && b.port < a.port {
			a, b = b, a
		}
		e := edges[[2]end{a, b}]
		if e == nil {
			e = &edge{a: a, b: b}
			edges[[2]end{a, b}] = e
		}
		return e
	}
	var vague []sighting // the far port's name is not known from this side alone
	for _, s := range found {
		if s.certain || s.to.port != "" && s.from.port != "" {
			add(s.from, s.to).see(s.protocol, s.by())
			continue
		}
		vague = append(vague, s)
	}
	for i, s := range vague {
		if e := theEdge(edges, s); e != nil {
			e.see(s.protocol, s.from.device)
			continue
		}
		if back := counterpart(vague, i); back != nil {
			s.to.port = back.from.port
		}
		if s.to.port == "" {
			s.to.port = s.raw
		}
		add(s.from, s.to).see(s.protocol, s.from.device)
	}
	list := make([]*edge, 0, len(edges))
	for _, e := range edges {
		list = append(list, e)
	}
	slices.SortFunc(list, func(x, y *edge) int {
		return cmp.Or(cmp.Compare(x.a.device, y.a.device), cmp.Compare(x.a.port, y.a.port),
			cmp.Compare(x.b.device, y.b.device), cmp.Compare(x.b.port, y.b.port))
	})
	return list
}

// theEdge finds the only edge that a sighting with one port missing can mean.
func theEdge(edges map[[2]end]*edge, s sighting) *edge {
	var only *edge
	for _, e := range edges {
		for _, ends := range [][2]end{{e.a, e.b}, {e.b, e.a}} {
			if ends[0].device != s.from.device || ends[1].device != s.to.device {
				continue
			}
			if s.from.port != "" && ends[0].port != s.from.port || s.to.port != "" && ends[1].port != s.to.port {
				continue
			}
			if only != nil && only != e {
				return nil
			}
			only = e
		}
	}
	return only
}

// counterpart finds the sighting of the other direction, when there is just one cable that is
// vague between the two devices.
func counterpart(vague []sighting, i int) *sighting {
	var back *sighting
	same := 0
	for j := range vague {
		switch {
		case vague[j].from == vague[i].from && vague[j].to.device == vague[i].to.device:
			continue // the same cable by the other protocol
		case vague[j].from.device == vague[i].from.device && vague[j].to.device == vague[i].to.device:
			same++
		case vague[j].from.device == vague[i].to.device && vague[j].to.device == vague[i].from.device:
			if back != nil && back.from != vague[j].from {
				return nil
			}
			back = &vague[j]
		}
	}
	if same > 0 {
		return nil
	}
	return back
}

func (e *edge) link() model.Link {
	slices.SortFunc(e.evidence, compareEvidence)
	return model.Link{
		A: e.a.device, APort: e.a.port, B: e.b.device, BPort: e.b.port,
		Kind: kindCable, Evidence: e.evidence, Confidence: e.confidence(),
	}
}

func compareEvidence(a, b model.Evidence) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Observer, b.Observer))
}

// superseded reports whether a remembered link must be wrong: a port that answers and is up now
// has another end, and that is at least as sure as the old one was.
func (d *directory) superseded(l model.Link, current map[end]float64) bool {
	for _, e := range []end{{l.A, l.APort}, {l.B, l.BPort}} {
		node := d.byID[e.device]
		if node == nil || !node.Answers {
			continue
		}
		if port := node.port(e.port); port != nil && port.Oper == StatusUp && current[e] >= l.Confidence {
			return true
		}
	}
	return false
}

// movedStations returns a test for remembered links that must be wrong: what hung there by the word of
// tables of forwarding alone hangs elsewhere now, or was a guess that nothing confirms on a port that is
// down.
func (d *directory) movedStations(edges []*edge) func(l model.Link) bool {
	placed := map[string]bool{}
	for _, e := range edges {
		for _, p := range []end{e.a, e.b} {
			if node := d.byID[p.device]; node == nil || !node.bridges() {
				placed[p.device] = true
			}
		}
	}
	return func(l model.Link) bool {
		if slices.ContainsFunc(l.Evidence, func(v model.Evidence) bool { return v.Source != "FDB" && v.Source != "ARP" }) {
			return false
		}
		if strings.HasPrefix(l.B, guessPrefix) {
			state, _ := d.endState(end{l.A, l.APort})
			return state == endDown || state == endAdminDown
		}
		return placed[l.A] || placed[l.B]
	}
}

const unheardStub = "no longer heard of"

// rememberedStub keeps the stub at the end of a remembered link on the map.
func rememberedStub(l model.Link, have []model.Entity) []model.Entity {
	for _, id := range []string{l.A, l.B} {
		if !strings.HasPrefix(id, stubPrefix) || slices.ContainsFunc(have, func(e model.Entity) bool { return e.ID == id }) {
			continue
		}
		return []model.Entity{{ID: id, Kind: model.KindStub, Name: displayName(id), State: model.Unknown, Reason: unheardStub}}
	}
	return nil
}
