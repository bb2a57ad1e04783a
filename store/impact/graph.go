// Package impact knows what hangs on what: which things lose their only way, their host or all of their
// parts when one of them dies. It is pure: entities and links in, answers out.
package impact

import (
	"cmp"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Kinds of links that say how things depend on each other; A depends on B unless told otherwise.
const (
	Cable   = "ethernet" // either way: what is nearer to the core carries the other
	Lag     = "lag"      // as a cable
	SameAs  = "same-as"  // A and B are one machine, seen twice
	Probes  = "probes"   // A is a probe of B
	RunsOn  = "runs-on"  // A is a pod or a service on the machine B
	HangsOn = "hangs-on" // A has its only way over the device B; follows from cables
	LeadsTo = "leads-to" // A is a port with a cable to the machine B; follows from cables
)

// needs are the kinds of links whose A cannot be without B; ways are those whose A goes on as long as one
// of all its Bs is there.
var (
	needs = []string{Probes, RunsOn, "mounts", "bound"}
	ways  = []string{"owns", "selects", "routes"}
)

// Wire is a cable as one end sees it.
type Wire struct {
	To       string // ID of the far end
	Port     string // the near end's port
	FarPort  string
	State    model.State
	SpeedBPS float64
}

// vertex is a thing; what is seen by several sources as several entities is one.
type vertex struct {
	members []string // IDs, the one that stands for all first
	wires   []Wire
	needs   []int
	ways    []int
	users   []int // the inverse of needs and ways
}

// Graph says what hangs on what. It is not changed after New, and may be read by any number of goroutines.
type Graph struct {
	entities map[string]*model.Entity
	index    map[string]int // by the ID of any member
	things   []vertex
	cables   [][]int // neighbours over cables, each once
	carry    [][]int // the same, of what passes traffic on: a machine with two cables is no way between them
	roots    []int   // the core
	depth    []int   // cables from the core, -1 for none
}

// New makes the graph of what is known. An end of a link that is no entity is a thing all the same: it was
// known, or is known by hearsay.
func New(entities []model.Entity, links []model.Link) *Graph {
	g := &Graph{entities: make(map[string]*model.Entity, len(entities)), index: make(map[string]int, len(entities))}
	for i := range entities {
		g.entities[entities[i].ID] = &entities[i]
	}
	g.merge(links)
	for i := range entities {
		g.inside(&entities[i])
	}
	for i := range links {
		g.join(&links[i])
	}
	g.cables, g.carry = make([][]int, len(g.things)), make([][]int, len(g.things))
	for i := range g.things {
		v := &g.things[i]
		v.needs, v.ways, v.users = unique(v.needs), unique(v.ways), unique(v.users)
		for _, w := range v.wires {
			g.cables[i] = append(g.cables[i], g.index[w.To])
		}
		if g.cables[i] = unique(g.cables[i]); g.forwards(i) {
			g.carry[i] = g.cables[i]
		}
		slices.SortFunc(v.wires, func(a, b Wire) int { return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.Port, b.Port)) })
	}
	g.roots = g.core()
	g.depth = distances(g.carry, g.roots)
	return g
}

func unique(list []int) []int {
	slices.Sort(list)
	return slices.Compact(list)
}

// merge makes one thing of all entities that are the same machine. A server stands for all, then a device.
func (g *Graph) merge(links []model.Link) {
	parent := map[string]string{}
	var root func(id string) string
	root = func(id string) string {
		if up, ok := parent[id]; ok && up != id {
			parent[id] = root(up)
			return parent[id]
		}
		return id
	}
	for i := range links {
		if l := &links[i]; l.Kind == SameAs {
			a, b := root(l.A), root(l.B)
			parent[a], parent[b] = b, b
			for _, id := range []string{l.A, l.B} {
				if _, ok := parent[id]; !ok {
					parent[id] = b
				}
			}
		}
	}
	groups := map[string][]string{}
	for id := range parent {
		groups[root(id)] = append(groups[root(id)], id)
	}
	for _, members := range groups {
		slices.SortFunc(members, func(a, b string) int { return cmp.Or(standing(a)-standing(b), cmp.Compare(a, b)) })
	}
	for _, members := range sortedGroups(groups) {
		at := len(g.things)
		g.things = append(g.things, vertex{members: members})
		for _, id := range members {
			g.index[id] = at
		}
	}
}

func sortedGroups(groups map[string][]string) [][]string {
	out := make([][]string, 0, len(groups))
	for _, members := range groups {
		out = append(out, members)
	}
	slices.SortFunc(out, func(a, b []string) int { return cmp.Compare(a[0], b[0]) })
	return out
}

func standing(id string) int {
	switch {
	case strings.HasPrefix(id, "server/"):
		return 0
	case strings.HasPrefix(id, "device/"):
		return 1
	}
	return 2
}

// at is the number of a thing, which it gets when it is first named.
func (g *Graph) at(id string) int {
	i, ok := g.index[id]
	if !ok {
		i = len(g.things)
		g.index[id] = i
		g.things = append(g.things, vertex{members: []string{id}})
	}
	return i
}

// inside says what an entity depends on by its own word: a pod on its node, and a workload on its pods.
// Ports are parts of their devices, no things of their own: see Down.
func (g *Graph) inside(e *model.Entity) {
	if e.Kind == model.KindInterface {
		return
	}
	at := g.at(e.ID)
	if e.Kind != model.KindPod {
		return
	}
	if node := e.Labels["node"]; node != "" {
		g.need(at, g.at(clusterOf(e.ID)+strings.TrimPrefix(model.NodeID("", node), model.ClusterID(""))))
	}
	if strings.Count(e.Parent, "/") > 4 { // a workload, not a namespace
		g.way(g.at(e.Parent), at)
	}
}

// clusterOf is the ID of the cluster that something of Kubernetes is in.
func clusterOf(id string) string {
	root := len(model.ClusterID(""))
	if end := strings.IndexByte(id[root:], '/'); end >= 0 {
		return id[:root+end]
	}
	return id
}

func (g *Graph) join(l *model.Link) {
	if l.A == l.B {
		return
	}
	switch {
	case l.Kind == Cable, l.Kind == Lag:
		a, b := g.at(l.A), g.at(l.B)
		if a == b {
			return
		}
		g.things[a].wires = append(g.things[a].wires, Wire{l.B, l.APort, l.BPort, l.State, l.SpeedBPS})
		g.things[b].wires = append(g.things[b].wires, Wire{l.A, l.BPort, l.APort, l.State, l.SpeedBPS})
	case slices.Contains(needs, l.Kind):
		g.need(g.at(l.A), g.at(l.B))
	case slices.Contains(ways, l.Kind):
		g.way(g.at(l.A), g.at(l.B))
	}
}

func (g *Graph) need(a, b int) {
	if a != b {
		g.things[a].needs = append(g.things[a].needs, b)
		g.things[b].users = append(g.things[b].users, a)
	}
}

func (g *Graph) way(a, b int) {
	if a != b {
		g.things[a].ways = append(g.things[a].ways, b)
		g.things[b].users = append(g.things[b].users, a)
	}
}

// core finds where the network is rooted: what people call so, in each connected part, or else its middle.
func (g *Graph) core() []int {
	network := make([][]int, len(g.things)) // without what only ends a cable
	var named []int
	for i := range g.things {
		if !g.forwards(i) {
			continue
		}
		for _, j := range g.cables[i] {
			if g.forwards(j) {
				network[i] = append(network[i], j)
			}
		}
		if e := g.entities[g.things[i].members[0]]; e != nil && isCore(cmp.Or(e.Labels["role"], e.Name)) {
			named = append(named, i)
		}
	}
	rooted := Reach(network, named, nil)
	roots := named
	for _, i := range middle(network) {
		if !rooted[i] {
			roots = append(roots, i)
		}
	}
	for i := range g.things { // a single switch with servers
		if g.forwards(i) && len(network[i]) == 0 && !rooted[i] {
			roots = append(roots, i)
		}
	}
	return unique(roots)
}

func (g *Graph) forwards(i int) bool {
	id := g.things[i].members[0]
	return strings.HasPrefix(id, "device/") || strings.HasPrefix(id, "stub/")
}

// isCore tells whether a part of a name begins with core, spine or backbone: "sw-core1".
func isCore(name string) bool {
	for _, part := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r < 'a' || r > 'z' }) {
		for _, word := range []string{"core", "spine", "backbone"} {
			if strings.HasPrefix(part, word) {
				return true
			}
		}
	}
	return false
}

// Standing returns the ID that stands for a thing, whichever of its entities is asked for.
func (g *Graph) Standing(id string) string {
	if i, ok := g.index[id]; ok {
		return g.things[i].members[0]
	}
	return id
}

// Members are the IDs of all entities of a thing, the one that stands for all first.
func (g *Graph) Members(id string) []string {
	if i, ok := g.index[id]; ok {
		return g.things[i].members
	}
	return []string{id}
}

// Wires are the cables of a thing, sorted by far end and port.
func (g *Graph) Wires(id string) []Wire {
	if i, ok := g.index[id]; ok {
		return g.things[i].wires
	}
	return nil
}

// Users are the IDs of those that depend directly on a thing, whether they can do without it or not.
func (g *Graph) Users(id string) []string {
	i, ok := g.index[id]
	if !ok {
		return nil
	}
	return g.standing(g.things[i].users)
}

// Entity is what is known of a thing by its ID, with the worst state of all that see it.
func (g *Graph) Entity(id string) model.Entity {
	members := g.Members(id)
	var best *model.Entity
	for _, m := range members {
		if e := g.entities[m]; e != nil && (best == nil || e.State.Problem() && e.State.Worse(best.State)) {
			best = e
		}
	}
	kind, name, _, _ := model.ParseID(members[0])
	if best == nil {
		if strings.HasPrefix(members[0], "stub/") {
			kind, name = model.KindStub, strings.TrimPrefix(members[0], "stub/")
		}
		return model.Entity{ID: members[0], Kind: kind, Name: cmp.Or(name, members[0])}
	}
	e := *best
	if first := g.entities[members[0]]; first != nil {
		kind, name = first.Kind, first.Name
	}
	e.ID, e.Kind, e.Name = members[0], kind, cmp.Or(name, e.Name, members[0])
	return e
}

func (g *Graph) standing(list []int) []string {
	out := make([]string, len(list))
	for k, i := range list {
		out[k] = g.things[i].members[0]
	}
	return out
}

// IDs are those of all things, each once, in ascending order.
func (g *Graph) IDs() []string {
	out := make([]string, len(g.things))
	for i := range g.things {
		out[i] = g.things[i].members[0]
	}
	slices.Sort(out)
	return out
}
