package panels

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/nocturne-noc/nocturne/store/model"
)

// flowColumn numbers the columns of a map by service, from where a request comes in to where data is.
type flowColumn int

const (
	flowIngress flowColumn = iota
	flowService
	flowWorkload
	flowNode
	flowClaim
	flowColumns
)

// flowThing is a thing on the way of a request.
type flowThing struct {
	id, name, space string
	column          flowColumn
	state           model.State
	reason          string
	strong, rest    string // its figure: "3" and "/4"
	pods            []model.State
	to              map[string]bool // what it leads to; true where a pod in trouble does
	row             float64         // where what leads to it stands on average
}

// flowGraph is all that is on the way of requests, by ID.
type flowGraph struct {
	things map[string]*flowThing
	from   map[string][]string // the inverse of to
	nodes  map[placed]*flowThing
	told   bool // it is known which pods serve
}

// readFlow gathers services and what they lead to. That a service sends to a pod, an ingress to a service and
// that a pod mounts a claim is told by links; whose a pod is and where it runs by the pod itself.
func readFlow(src model.Source, under string, env Env) *flowGraph {
	g := &flowGraph{things: map[string]*flowThing{}, from: map[string][]string{}, nodes: map[placed]*flowThing{}}
	all := readKinds(src, under)
	g.addAll(all[model.KindIngress], flowIngress)
	g.addAll(all[model.KindVolumeClaim], flowClaim)
	g.addAll(all[model.KindNode], flowNode)
	for _, kind := range workloadKinds {
		g.addAll(all[kind], flowWorkload)
	}
	for _, e := range all[model.KindService] {
		t := g.add(e.ID, e.Name, spaceOf(e), flowService, e.State, e.Reason)
		ready, total := number(e.Labels["endpoints_ready"]), number(e.Labels["endpoints"])
		if t.state == model.OK && ready < total { // it still serves, with less than it should have
			t.state = model.Warning
		}
		t.strong, t.rest = countText(ready), "/"+countText(total)+"  "+t.space
	}
	pods := all[model.KindPod]
	owner := make(map[string]*flowThing, len(pods))
	for _, e := range pods {
		owner[e.ID] = g.pod(e)
	}
	for _, l := range src.Links(model.Filter{Under: under}) {
		switch l.Kind {
		case "routes":
			g.lead(g.things[l.A], g.things[l.B])
		case "selects":
			g.lead(g.things[l.A], owner[l.B])
			g.told = true
		case "mounts":
			g.lead(owner[l.A], g.things[l.B])
		}
	}
	clusters := map[string]bool{}
	for at := range g.nodes {
		clusters[at.cluster] = true
	}
	for _, t := range g.things {
		switch {
		case t.column == flowNode:
			t.strong = env.Text("%d pods", len(t.pods))
			if t.pods = nil; len(clusters) > 1 { // nodes of several clusters have like names
				t.rest = "  " + clusterOf(t.id)
			}
		case t.column == flowWorkload && t.strong == "":
			t.strong = env.Text("%d pods", len(t.pods))
		}
	}
	return g
}

// countText writes a count, an en dash for one that is not known.
func countText(n int) string {
	if n < 0 {
		return "–"
	}
	return strconv.Itoa(n)
}

func (g *flowGraph) add(id, name, space string, column flowColumn, state model.State, reason string) *flowThing {
	t := &flowThing{id: id, name: name, space: space, column: column, state: state, reason: reason, to: map[string]bool{}}
	g.things[id] = t
	return t
}

func (g *flowGraph) addAll(list []*model.Entity, column flowColumn) {
	for _, e := range list {
		t := g.add(e.ID, e.Name, spaceOf(e), column, e.State, e.Reason)
		switch column {
		case flowNode:
			g.nodes[placed{ancestor(e.ID), e.Name}] = t
		case flowWorkload:
			if e.Labels["desired"] != "" {
				t.strong, t.rest = cmp.Or(e.Labels["ready"], "–"), "/"+e.Labels["desired"]
			}
		case flowClaim:
			t.rest = cmp.Or(e.Labels["size"], e.Labels["requested"])
		case flowIngress:
			t.rest = cmp.Or(e.Labels["hosts"], e.Labels["class"])
		}
	}
}

// pod counts a pod with its workload and its node, and returns its workload. A pod of its own is one.
func (g *flowGraph) pod(e *model.Entity) *flowThing {
	o := g.things[e.Parent]
	if o == nil {
		if o = g.things[e.ID]; o == nil {
			o = g.add(e.ID, e.Name, spaceOf(e), flowWorkload, e.State, e.Reason)
		}
	}
	o.pods = append(o.pods, e.State)
	if n := g.nodes[placed{ancestor(e.ID), e.Labels["node"]}]; n != nil {
		n.pods = append(n.pods, e.State)
		g.lead(o, n)
		o.to[n.id] = o.to[n.id] || e.State.Problem()
	}
	return o
}

// lead notes that one thing leads to another.
func (g *flowGraph) lead(from, to *flowThing) {
	if from == nil || to == nil || from == to {
		return
	}
	if _, known := from.to[to.id]; known {
		return
	}
	from.to[to.id] = false
	g.from[to.id] = append(g.from[to.id], from.id)
}

// flowChoice is what of a graph is shown: the columns that have something, their things from above.
type flowChoice struct {
	columns [flowColumns][]*flowThing
	more    [flowColumns]int
	root    *flowThing // whose way is lit, nil for none
	lit     map[string]bool
}

// choose picks what has room: services in trouble first, then what leads to them and what they lead to. What is
// shown stands in the order of names, or where what leads to it stands.
func (g *flowGraph) choose(rows int, selected string) *flowChoice {
	c := &flowChoice{root: g.things[selected]}
	if c.root == nil {
		c.root = g.worst()
	}
	c.lit = g.way(c.root)
	all := make([][]*flowThing, flowColumns)
	for _, t := range g.things {
		all[t.column] = append(all[t.column], t)
	}
	near := map[string]int{} // how much what is shown has to do with it
	c.take(flowService, all[flowService], rows, func(t *flowThing) int {
		return len(g.from[t.id]) // what an ingress leads to goes first
	})
	for _, s := range c.columns[flowService] {
		for id := range s.to {
			near[id] = 1
		}
		for _, id := range g.from[s.id] {
			near[id] = 1
		}
	}
	weight := func(t *flowThing) int { return near[t.id] }
	reached := func(list []*flowThing) []*flowThing {
		return slices.DeleteFunc(list, func(t *flowThing) bool { return near[t.id] == 0 && !t.state.Problem() && !c.lit[t.id] })
	}
	c.take(flowIngress, all[flowIngress], rows, weight)
	c.take(flowWorkload, reached(all[flowWorkload]), rows, weight)
	for _, w := range c.columns[flowWorkload] {
		for id, sick := range w.to {
			if near[id] = max(near[id], 1); sick {
				near[id] = 2
			}
		}
	}
	c.take(flowNode, reached(all[flowNode]), rows, weight)
	c.take(flowClaim, reached(all[flowClaim]), rows, weight)
	c.arrange(g)
	return c
}

// take picks the things of a column: what is lit, the worst, and then by weight and name.
func (c *flowChoice) take(column flowColumn, list []*flowThing, rows int, weight func(*flowThing) int) {
	slices.SortFunc(list, func(a, b *flowThing) int {
		return cmp.Or(before(!c.lit[a.id], !c.lit[b.id]), cmp.Compare(b.state.Rank(), a.state.Rank()), cmp.Compare(weight(b), weight(a)), cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
	})
	n := min(rows, len(list))
	c.columns[column], c.more[column] = slices.Clone(list[:n]), len(list)-n
}

// arrange orders each column so that few curves cross.
func (c *flowChoice) arrange(g *flowGraph) {
	byName := func(a, b *flowThing) int {
		return cmp.Or(cmp.Compare(a.space, b.space), cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
	}
	slices.SortFunc(c.columns[flowService], byName)
	slices.SortFunc(c.columns[flowNode], byName)
	rowOf := map[string]float64{}
	note := func(column flowColumn) {
		for i, t := range c.columns[column] {
			rowOf[t.id] = (float64(i) + .5) / float64(len(c.columns[column]))
		}
	}
	mean := func(column flowColumn, of func(*flowThing) []string) {
		for _, t := range c.columns[column] {
			sum, n := 0.0, 0.0
			for _, id := range of(t) {
				if r, ok := rowOf[id]; ok {
					sum, n = sum+r, n+1
				}
			}
			if t.row = 1; n > 0 { // what nothing shown leads to goes below
				t.row = sum / n
			}
		}
		slices.SortFunc(c.columns[column], func(a, b *flowThing) int { return cmp.Or(cmp.Compare(a.row, b.row), byName(a, b)) })
		note(column)
	}
	note(flowService)
	mean(flowIngress, func(t *flowThing) []string { return slices.Sorted(maps.Keys(t.to)) })
	incoming := func(t *flowThing) []string { return g.from[t.id] }
	mean(flowWorkload, incoming)
	mean(flowClaim, incoming)
}

// worst is the thing whose way is lit when nobody selected another: a service or workload before a node, nil
// where all is well.
func (g *flowGraph) worst() *flowThing {
	var out *flowThing
	order := func(t *flowThing) int {
		return slices.Index([]flowColumn{flowService, flowWorkload, flowIngress, flowClaim, flowNode}, t.column)
	}
	for _, t := range g.things {
		if t.state.Problem() && (out == nil || cmp.Or(cmp.Compare(out.state.Rank(), t.state.Rank()), cmp.Compare(order(t), order(out)), cmp.Compare(t.id, out.id)) < 0) {
			out = t
		}
	}
	return out
}

// way is all that leads to a thing and all that it leads to. Of the nodes only those count that are in
// trouble or have a pod in trouble: a way that lights each node says nothing.
func (g *flowGraph) way(root *flowThing) map[string]bool {
	lit := map[string]bool{}
	if root == nil {
		return lit
	}
	var up, down func(t *flowThing)
	up = func(t *flowThing) {
		lit[t.id] = true
		for _, id := range g.from[t.id] {
			if f := g.things[id]; !lit[id] && (t.column != flowNode || f.state.Problem()) {
				up(f)
			}
		}
	}
	down = func(t *flowThing) {
		lit[t.id] = true
		for id, sick := range t.to {
			to := g.things[id]
			if !lit[id] && (to.column != flowNode || sick || to.state.Problem()) {
				down(to)
			}
		}
	}
	up(root)
	down(root)
	return lit
}
