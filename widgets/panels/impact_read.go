package panels

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/impact"
	"github.com/nocturne-noc/nocturne/store/model"
)

// impactBoard is what an impact panel shows: columns of things, what carries left of what is carried.
type impactBoard struct {
	columns []impactColumn
	focus   *impactThing // what all is about, nil where it is about everything
	state   model.State  // of the focus, or of all together
	words   string       // at the right of the title
}

// impactColumn is a column of things, from above.
type impactColumn struct {
	title  string
	things []*impactThing
	keep   int // how soon it makes way where the width does not suffice: the highest first; 0 never
}

// impactThing is a box.
type impactThing struct {
	id, name     string
	kind         model.Kind
	state        model.State
	strong, rest string   // its second line
	lines        []string // more, of the focus
	from         []impactWay
}

// impactWay leads to a thing from what carries it.
type impactWay struct {
	id   string
	down bool    // a cable without a link
	use  float64 // of a cable, NaN where not known
}

func (b *impactBoard) empty() bool {
	return !slices.ContainsFunc(b.columns, func(c impactColumn) bool { return len(c.things) > 0 })
}

// upLevels is how many steps towards the core are shown.
const upLevels = 3

// aboutThing shows what a thing hangs on, and what hangs on it.
func aboutThing(g *impact.Graph, of string, use portUse, env Env, now time.Time) *impactBoard {
	up, down := g.Up(of, upLevels), g.Down(of)
	e := g.Entity(of)
	if e.Source == "" && len(up) == 0 && len(down) == 0 {
		return &impactBoard{}
	}
	focus := &impactThing{id: e.ID, name: e.Name, kind: e.Kind, state: e.State, rest: env.Text(string(e.Kind))}
	if device, _, ok := strings.Cut(of, "/port/"); ok && e.Kind == model.KindInterface {
		focus.name = g.Entity(device).Name + " " + e.Name
	}
	if e.State != model.OK && e.Reason != "" {
		focus.lines = append(focus.lines, env.Said(e.Reason))
	}
	if !e.Since.IsZero() && e.State != model.OK {
		focus.lines = append(focus.lines, env.Text("for %s", Duration(env.Text, now.Sub(e.Since))))
	}
	b := &impactBoard{focus: focus, state: e.State}
	for level := len(up) - 1; level >= 0; level-- {
		b.columns = append(b.columns, impactColumn{things: carriers(g, up[level], use, env), keep: 2 + 8*level})
	}
	for i := range b.columns { // what a carrier leads to is one column to the right of it
		on := []*impactThing{focus}
		if i+1 < len(b.columns) {
			on = b.columns[i+1].things
		}
		linkUp(on, up[len(up)-1-i], use)
	}
	if len(up) > 0 {
		b.columns[len(up)-1].title = env.Text("Hangs on")
	}
	b.columns = append(b.columns, impactColumn{things: []*impactThing{focus}})
	b.columns = append(b.columns, carried(g, e.ID, down, use, env)...)
	lost, less := map[model.Kind]int{}, 0
	for _, l := range down {
		if l.Partial {
			less++
		} else {
			lost[g.Entity(l.ID).Kind]++
		}
	}
	if counted := countKinds(lost, env); counted != "" {
		head := env.Text("would take with it")
		if e.State == model.Critical || e.State == model.Unknown {
			head = env.Text("takes with it")
		}
		focus.lines = append(focus.lines, head+": "+counted)
	}
	switch {
	case less > 0:
		b.words = env.Text("%d hang on it alone, %d have another way", len(down)-less, less)
	case len(down) > 0:
		b.words = env.Text("%d hang on it", len(down))
	}
	return b
}

// countKinds says how many of each kind there are, the most first.
func countKinds(counts map[model.Kind]int, env Env) string {
	kinds := make([]model.Kind, 0, len(counts))
	for kind := range counts {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(a, b model.Kind) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
	words := make([]string, len(kinds))
	for i, kind := range kinds {
		words[i] = fmt.Sprintf("%s %d", pluralOf(kind, env), counts[kind])
	}
	return strings.Join(words, ", ")
}

// pluralOf is what several things of a kind are called.
func pluralOf(kind model.Kind, env Env) string {
	switch kind {
	case model.KindPod:
		return env.Text("pods")
	case model.KindServer:
		return env.Text("servers")
	case model.KindNode:
		return env.Text("nodes")
	case model.KindDevice:
		return env.Text("devices")
	case model.KindService:
		return env.Text("services")
	case model.KindProbe:
		return env.Text("probes")
	case model.KindDeployment:
		return env.Text("deployments")
	}
	return env.Text(string(kind))
}

func boxOf(g *impact.Graph, id string, env Env) *impactThing {
	e := g.Entity(id)
	t := &impactThing{id: e.ID, name: e.Name, kind: e.Kind, state: e.State, rest: env.Text(string(e.Kind))}
	if e.Source == "" && e.Seen.IsZero() { // only links tell of it
		t.state = model.Unknown
	}
	if e.State.Problem() && e.Reason != "" {
		t.rest = env.Said(e.Reason)
	}
	return t
}

// carriers are the boxes of one level of what a thing hangs on, with the port that leads on to it.
func carriers(g *impact.Graph, level []impact.Step, use portUse, env Env) []*impactThing {
	var out []*impactThing
	for _, s := range level {
		t := boxOf(g, s.ID, env)
		t.strong = s.Wire.FarPort
		if v := use.of(s.ID, s.Wire.FarPort, s.On, s.Wire.Port); !math.IsNaN(v) {
			t.strong += fmt.Sprintf(" %.0f %%", 100*v)
		}
		if t.strong != "" {
			t.rest = "  " + t.rest
		}
		out = append(out, t)
	}
	return out
}

// linkUp leads from what carries to what it carries.
func linkUp(on []*impactThing, level []impact.Step, use portUse) {
	for _, s := range level {
		for _, t := range on {
			if t.id == s.On || strings.HasPrefix(s.On, t.id+"/port/") {
				t.from = append(t.from, wayOver(s.ID, s.Wire.FarPort, s.On, s.Wire.Port, s.Wire.State, use))
			}
		}
	}
}

func wayOver(from, fromPort, to, toPort string, state model.State, use portUse) impactWay {
	w := impactWay{id: from, down: state == model.Critical, use: math.NaN()}
	for _, v := range []float64{use.of(from, fromPort, to, toPort), use.of(to, toPort, from, fromPort)} {
		if !math.IsNaN(v) && !(v < w.use) {
			w.use = v
		}
	}
	return w
}

// The columns of what hangs on a thing.
const (
	onNetwork = iota
	onMachines
	onTop
	onColumns
)

func columnOf(kind model.Kind) int {
	switch kind {
	case model.KindDevice, model.KindStub:
		return onNetwork
	case model.KindServer, model.KindNode:
		return onMachines
	}
	return onTop
}

// carried are the columns of what hangs on a thing: the network, machines, and what runs on them.
func carried(g *impact.Graph, of string, down []impact.Loss, use portUse, env Env) []impactColumn {
	out := make([]impactColumn, onColumns)
	out[onNetwork].title, out[onMachines].title, out[onTop].title = env.Text("Network"), env.Text("Machines"), env.Text("Services")
	by := map[string]string{}
	for _, l := range down {
		by[l.ID] = l.By
	}
	for _, l := range down {
		t := boxOf(g, l.ID, env)
		column := columnOf(t.kind)
		carrier := l.By
		for c := carrier; by[c] != "" && columnOf(g.Entity(c).Kind) == column && column == onTop; c = by[c] {
			carrier = by[c] // a workload hangs on its pods, which stand in the same column
		}
		if _, _, port := strings.Cut(carrier, "/port/"); port {
			carrier = of
		}
		way := impactWay{id: carrier, use: math.NaN()}
		for _, w := range g.Wires(t.id) {
			if _, port, behind := strings.Cut(l.By, g.Standing(w.To)+"/port/"); behind && port == portPath(w.FarPort) || g.Standing(w.To) == carrier {
				way = wayOver(carrier, w.FarPort, t.id, w.Port, w.State, use)
				t.strong = w.FarPort
				break
			}
		}
		if l.Partial {
			if t.rest = env.Text("has another way"); column == onTop {
				t.rest = env.Text("goes on with less")
			}
		}
		if t.strong != "" {
			t.rest = "  " + t.rest
		}
		t.from = []impactWay{way}
		out[column].things = append(out[column].things, t)
	}
	place := map[string]int{}
	for i := range out {
		slices.SortStableFunc(out[i].things, func(a, b *impactThing) int {
			return cmp.Or(b.state.Rank()-a.state.Rank(), before(a.kind == model.KindPod, b.kind == model.KindPod),
				place[a.from[0].id]-place[b.from[0].id], precedence(a.kind)-precedence(b.kind))
		})
		for n, t := range out[i].things {
			place[t.id] = n
		}
	}
	out[onNetwork].keep, out[onMachines].keep, out[onTop].keep = 4, 1, 3
	return slices.DeleteFunc(out, func(c impactColumn) bool { return len(c.things) == 0 })
}

// portPath is the name of a port as it stands in an ID.
func portPath(name string) string {
	return strings.TrimPrefix(model.PortID("", name), model.PortID("", ""))
}

// precedence puts what people know by name before what is one of many.
func precedence(kind model.Kind) int {
	switch kind {
	case model.KindService, model.KindIngress:
		return 0
	case model.KindProbe:
		return 1
	case model.KindPod:
		return 3
	}
	return 2
}

// allOf shows machines, the switches that they hang on, and what runs on them. What has nothing to do with
// anything else stands last.
func allOf(g *impact.Graph, use portUse, env Env) *impactBoard {
	b := &impactBoard{state: model.OK}
	var switches, machines, top []*impactThing
	seen := map[string]bool{}
	joined := 0
	for _, id := range g.IDs() {
		e := g.Entity(id)
		if e.Kind != model.KindServer && e.Kind != model.KindNode {
			continue
		}
		m := boxOf(g, id, env)
		machines = append(machines, m)
		for _, w := range g.Wires(id) {
			to := g.Standing(w.To)
			m.from = append(m.from, wayOver(to, w.FarPort, id, w.Port, w.State, use))
			m.strong = cmp.Or(m.strong, w.FarPort)
			if !seen[to] {
				seen[to] = true
				switches = append(switches, boxOf(g, to, env))
			}
		}
		if m.strong != "" {
			joined++
			m.rest = "  " + m.rest
		}
		for _, user := range g.Users(id) {
			if !seen[user] {
				seen[user] = true
				t := boxOf(g, user, env)
				t.from = []impactWay{{id: id, use: math.NaN()}}
				top = append(top, t)
			}
		}
	}
	users := func(t *impactThing) int { return len(g.Users(t.id)) + len(t.from) }
	slices.SortStableFunc(machines, func(a, b *impactThing) int {
		return cmp.Or(b.state.Rank()-a.state.Rank(), users(b)-users(a), cmp.Compare(a.name, b.name))
	})
	place := make(map[string]int, len(machines))
	for n := len(machines) - 1; n >= 0; n-- { // a switch stands where its first machine does
		place[machines[n].id] = n
		for _, way := range machines[n].from {
			place[way.id] = n
		}
	}
	slices.SortStableFunc(switches, func(a, b *impactThing) int { return place[a.id] - place[b.id] })
	slices.SortStableFunc(top, func(a, b *impactThing) int { return place[a.from[0].id] - place[b.from[0].id] })
	b.columns = []impactColumn{
		{title: env.Text("Switches"), things: switches}, {title: env.Text("Machines"), things: machines}, {title: env.Text("Services"), things: top, keep: 1},
	}
	b.words = env.Text("%d of %d machines are on a known port", joined, len(machines))
	if len(machines) == 0 {
		b.columns = nil
	}
	return b
}
