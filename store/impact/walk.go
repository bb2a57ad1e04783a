package impact

import (
	"cmp"
	"slices"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Step is one thing on the way from what is asked for to what carries it.
type Step struct {
	ID   string
	On   string // ID of the thing that hangs on it, nearer to what was asked for
	Wire Wire   // from On, where a cable leads there; its To is "" otherwise
}

// Up lists what a thing hangs on, nearest first, level by level, at most so many levels: the machine of a
// service or a pod, the switches that lead on to the core, nearest way first. It ends at the core.
func (g *Graph) Up(id string, levels int) [][]Step {
	if device, _, ok := portOf(id); ok && levels > 0 {
		return append([][]Step{{{ID: g.Standing(device), On: id}}}, g.Up(device, levels-1)...)
	}
	from, ok := g.index[id]
	if !ok {
		return nil
	}
	var out [][]Step
	seen := map[int]bool{from: true}
	for at := []int{from}; len(at) > 0 && len(out) < levels; {
		var level []Step
		var next []int
		add := func(on, to int, w Wire) {
			if !seen[to] {
				seen[to] = true
				next = append(next, to)
				level = append(level, Step{ID: g.things[to].members[0], On: g.things[on].members[0], Wire: w})
			}
		}
		for _, i := range at {
			for _, j := range g.things[i].needs {
				add(i, j, Wire{})
			}
			for _, j := range g.things[i].ways {
				add(i, j, Wire{})
			}
			for _, w := range g.things[i].wires {
				if j := g.index[w.To]; g.depth[i] > 0 && g.depth[j] >= 0 && g.depth[j] < g.depth[i] {
					add(i, j, w)
				}
			}
		}
		if len(level) > 0 {
			out = append(out, level)
		}
		at = next
	}
	return out
}

// Loss is what becomes of a thing when another dies.
type Loss struct {
	ID      string
	By      string // ID of what it hangs on, on the way to what died
	Partial bool   // it goes on with less: another way, host or part is left
}

// Down lists what hangs on a thing: what is lost when it dies, and what goes on with less, transitively.
// Lost things come first, then by how bad they are already, then by kind and ID. Of a port, it is what its
// cable carries alone.
func (g *Graph) Down(id string) []Loss {
	if device, port, ok := portOf(id); ok {
		return g.behindPort(id, device, port)
	}
	dead, ok := g.index[id]
	if !ok {
		return nil
	}
	s := spread{g: g, by: map[int]int{dead: dead}, left: map[int]int{}, less: map[int]int{}, queue: []int{dead}}
	for _, i := range CutOff(g.carry, g.roots, func(i int) bool { return i == dead }) {
		s.lose(i, s.carrier(i, dead))
	}
	s.run()
	out := s.losses(dead)
	for _, i := range g.cables[dead] { // what is below, and has another way
		if _, lost := s.by[i]; !lost && g.depth[i] > g.depth[dead] {
			out = append(out, Loss{ID: g.things[i].members[0], By: g.things[dead].members[0], Partial: true})
		}
	}
	g.sort(out)
	return out
}

// behindPort lists what is lost when the cables of a port are cut, by the far ends that no other port leads to.
func (g *Graph) behindPort(id, device, port string) []Loss {
	at, ok := g.index[device]
	if !ok {
		return nil
	}
	cut := map[int]bool{} // far ends; false where another port leads there too
	for _, w := range g.things[at].wires {
		if w.Port == port {
			cut[g.index[w.To]] = true
		}
	}
	for _, w := range g.things[at].wires {
		if far := g.index[w.To]; w.Port != port && cut[far] {
			cut[far] = false
		}
	}
	edges := slices.Clone(g.carry)
	for far, gone := range cut {
		if gone {
			edges[at], edges[far] = without(edges[at], far), without(edges[far], at)
		}
	}
	before, after := Reach(g.carry, g.roots, nil), Reach(edges, g.roots, nil)
	s := spread{g: g, by: map[int]int{}, left: map[int]int{}, less: map[int]int{}}
	for i := range before {
		if before[i] && !after[i] {
			s.lose(i, s.carrier(i, i))
		}
	}
	s.run()
	out := s.losses(-1)
	for k := range out {
		if i := g.index[out[k].ID]; out[k].ID == out[k].By || i == at {
			out[k].By = id
		} else if _, near := cut[i]; near {
			out[k].By = id
		}
	}
	for far := range cut { // the lower end has another way
		lower := far
		if g.depth[at] > g.depth[far] {
			lower = at
		}
		if _, lost := s.by[lower]; !lost && g.depth[at] != g.depth[far] {
			out = append(out, Loss{ID: g.things[lower].members[0], By: id, Partial: true})
		}
	}
	g.sort(out)
	return out
}

func without(list []int, i int) []int {
	return slices.DeleteFunc(slices.Clone(list), func(j int) bool { return j == i })
}

// portOf takes the ID of a port apart.
func portOf(id string) (device, port string, ok bool) {
	kind, name, labels, ok := model.ParseID(id)
	if !ok || kind != model.KindInterface {
		return "", "", false
	}
	return model.DeviceID(labels["device"]), name, true
}

func (g *Graph) sort(list []Loss) {
	type key struct {
		rank int
		kind model.Kind
	}
	keys := make(map[string]key, len(list))
	for _, l := range list {
		e := g.Entity(l.ID)
		keys[l.ID] = key{e.State.Rank(), e.Kind}
	}
	slices.SortFunc(list, func(a, b Loss) int {
		ka, kb := keys[a.ID], keys[b.ID]
		return cmp.Or(boolean(a.Partial)-boolean(b.Partial), cmp.Compare(kb.rank, ka.rank), cmp.Compare(ka.kind, kb.kind), cmp.Compare(a.ID, b.ID))
	})
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// spread is a loss on its way through a graph.
type spread struct {
	g     *Graph
	by    map[int]int // what is lost, and through what
	left  map[int]int // ways that are left to what goes on with less
	less  map[int]int // and through what it lost one
	queue []int
}

func (s *spread) lose(i, by int) {
	if _, done := s.by[i]; !done {
		s.by[i] = by
		s.queue = append(s.queue, i)
	}
}

// run loses all that is lost with what is lost already.
func (s *spread) run() {
	for len(s.queue) > 0 {
		i := s.queue[0]
		s.queue = s.queue[1:]
		s.follow(i)
	}
}

// losses lists what was lost, and what goes on with less, but for the dead itself.
func (s *spread) losses(dead int) []Loss {
	name := func(i int) string { return s.g.things[i].members[0] }
	out := make([]Loss, 0, len(s.by)+len(s.left))
	for i, by := range s.by {
		if i != dead {
			out = append(out, Loss{ID: name(i), By: name(by)})
		}
	}
	for i := range s.left {
		if _, lost := s.by[i]; !lost {
			out = append(out, Loss{ID: name(i), By: name(s.less[i]), Partial: true})
		}
	}
	return out
}

// carrier is what is next on the way from a cut-off thing to the dead one.
func (s *spread) carrier(i, dead int) int {
	best := dead
	for _, j := range s.g.cables[i] {
		if j == dead {
			return dead
		}
		if s.g.depth[j] >= 0 && s.g.depth[j] < s.g.depth[i] {
			best = j
		}
	}
	return best
}

// follow loses what needs a lost thing, and what has lost its last way.
func (s *spread) follow(i int) {
	for _, user := range s.g.things[i].users {
		v := &s.g.things[user]
		if _, lost := s.by[user]; lost {
			continue
		}
		if slices.Contains(v.needs, i) {
			s.lose(user, i)
			continue
		}
		if _, known := s.left[user]; !known {
			s.left[user], s.less[user] = len(v.ways), i
		}
		if s.left[user]--; s.left[user] == 0 {
			s.lose(user, i)
		}
	}
}

// Only is the device that all cables of a machine lead to, "" where they lead to several or there is none.
func (g *Graph) Only(id string) string {
	i, ok := g.index[id]
	if !ok || g.forwards(i) {
		return ""
	}
	if near := g.cables[i]; len(near) == 1 && g.forwards(near[0]) {
		return g.things[near[0]].members[0]
	}
	return ""
}
