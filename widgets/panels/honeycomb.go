package panels

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// honeycombOptions are the keys of a honeycomb panel: one cell for each of many things.
type honeycombOptions struct {
	Common `yaml:",inline"`
	Of     string          `yaml:"of"`      // kind of entity, default pod
	Under  string          `yaml:"under"`   // ID of an ancestor, for example kube/prod-seoul
	Group  string          `yaml:"group"`   // "node" (default for pods), "namespace", "workload", "cluster", "zone", "role", "none", or the name of a label
	Level  string          `yaml:"level"`   // PromQL joined to the cells by its labels: how busy the calm ones are
	Busy   model.Localized `yaml:"busy"`    // what the level measures, for example CPU
	Full   float64         `yaml:"full"`    // level of the busiest cell; default the greatest found
	Things model.Localized `yaml:"counted"` // what the cells are called, for example Pods: said before the counts
}

type honeycomb struct {
	honeycombOptions
	level *expression
}

func honeycombKind() Kind {
	return Kind{Name: "honeycomb", New: func(decode func(any) error) (Panel, error) {
		var h honeycomb
		if err := decode(&h.honeycombOptions); err != nil {
			return nil, err
		}
		h.Of = cmp.Or(h.Of, string(model.KindPod))
		if h.Group == "" {
			h.Group = "none"
			if h.Of == string(model.KindPod) {
				h.Group = "node"
			}
		}
		if h.Level != "" {
			x, err := parseExpression("level", h.Level)
			if err != nil {
				return nil, err
			}
			h.level = &x
		}
		if h.Full < 0 {
			return nil, fmt.Errorf("full: %v: want more than nothing", h.Full)
		}
		return &h, nil
	}}
}

func (h *honeycomb) Deps() Deps {
	return Deps{Samples: true, Entities: true, Every: 10 * time.Second} // ages grow with the samples
}

// cell is one thing.
type cell struct {
	id, name, reason, place string
	state                   model.State
	since                   time.Time
	level                   int    // 0..3, how busy it is
	figure                  string // what is said beside its name, "3/4"; "" for nothing
}

// comb is a group of cells.
type comb struct {
	name, id string
	state    model.State // of the node that the cells are on; OK where the group is no entity
	reason   string
	cells    []cell
	worst    model.State
	sick     int     // cells with a problem
	figure   string  // what is said beside its name; "" for how many cells there are
	span     int     // columns that it takes on a map of blocks; below 1 stands for 1
	titleW   float64 // pixels that its name and its count take
	reasonW  float64 // and its reason, in one line
}

func (h *honeycomb) Load(ctx context.Context, src model.Source, env Env) (*View, error) {
	found := src.Entities(model.Filter{Kind: model.Kind(h.Of), Under: h.Under})
	v := &View{State: model.OK, MinW: 70, MinH: 30}
	if len(found) == 0 {
		v.State, v.Notice = model.Unknown, nothing(src, env, model.Kind(h.Of), h.Under)
		return v, nil
	}
	levels, err := h.levels(ctx, src)
	if err != nil {
		return nil, err
	}
	counts := map[model.State]int{}
	cells := make([]cell, len(found))
	several := severalClusters(found)
	for i, e := range found {
		counts[e.State]++
		cells[i] = cell{id: e.ID, name: e.Name, reason: e.Reason, state: e.State, since: e.Since, level: levels[e.ID], place: h.groupOf(e, several)}
		if e.Seen.After(v.AsOf) {
			v.AsOf = e.Seen
		}
	}
	v.Every = cmp.Or(everyOf(src, found[0].Source), defaultEvery)
	if counts[model.Stale] == len(found) {
		v.State = model.Stale
	}
	combs := h.combs(src, cells, several)
	for i := range combs {
		combs[i].measure(env)
	}
	lay := layComb(combs, cells, plot.Rect{W: env.Size.W, H: env.Size.H}, env.Style.K)
	now := src.Now()
	v.Head = func(c *plot.Canvas, row plot.Rect) { h.paintHead(newPen(c, env.Style), env, row, counts) }
	v.Paint = func(c *plot.Canvas, body plot.Rect) { lay.paint(newPen(c, env.Style), env, body, now) }
	v.Spots = lay.spots()
	return v, nil
}

// levels evaluates the level of each entity, as one of four.
func (h *honeycomb) levels(ctx context.Context, src model.Source) (map[string]int, error) {
	if h.level == nil {
		return nil, nil
	}
	lines, err := src.Query(ctx, h.level.text, src.Now())
	if err != nil {
		return nil, fmt.Errorf("level: %w", err)
	}
	full := h.Full
	if full == 0 {
		for _, line := range lines {
			full = max(full, line.Points[0].V)
		}
	}
	out := make(map[string]int, len(lines))
	for _, line := range lines {
		if full > 0 {
			out[model.EntityOf(line.Labels)] = min(3, int(4*clamp01(line.Points[0].V/full)))
		}
	}
	return out, nil
}

// severalClusters reports whether the things are of more than one cluster: their nodes may share names.
func severalClusters(list []model.Entity) bool {
	first := clusterOf(list[0].ID)
	return slices.ContainsFunc(list, func(e model.Entity) bool { return clusterOf(e.ID) != first })
}

// placeOf is the name of a node, with its cluster where there are several.
func placeOf(id, node string, several bool) string {
	if several && node != "" {
		return clusterOf(id) + "/" + node
	}
	return node
}

// groupOf is the name of the group that a thing is in: its cluster, its role, its node, or what a label of
// that name says.
func (h *honeycomb) groupOf(e model.Entity, several bool) string {
	switch h.Group {
	case "none":
		return ""
	case "cluster":
		return clusterOf(e.ID)
	case "role":
		return e.Labels["roles"]
	case "node":
		return placeOf(e.ID, e.Labels["node"], several)
	}
	return e.Labels[h.Group]
}

// combs gathers cells into groups by name. A group that is a node takes the node's state along.
func (h *honeycomb) combs(src model.Source, cells []cell, several bool) []comb {
	nodes := map[string]model.Entity{}
	if h.Group == "node" {
		for _, e := range src.Entities(model.Filter{Kind: model.KindNode, Under: h.Under}) {
			nodes[placeOf(e.ID, e.Name, several)] = e
		}
	}
	index := map[string]int{}
	var out []comb
	of, counts := make([]int, len(cells)), []int{}
	for i, c := range cells {
		j, ok := index[c.place]
		if !ok {
			j = len(out)
			index[c.place] = j
			node := nodes[c.place]
			g := comb{name: c.place, id: node.ID, state: node.State, reason: node.Reason}
			if node.ID == "" {
				g.state = model.OK
			}
			out, counts = append(out, g), append(counts, 0)
		}
		of[i] = j
		counts[j]++
	}
	for j, n := range counts {
		out[j].cells = make([]cell, 0, n)
	}
	for i, j := range of {
		out[j].cells = append(out[j].cells, cells[i])
	}
	for i := range out {
		out[i].tally()
	}
	slices.SortFunc(out, func(a, b comb) int {
		if (a.name == "") != (b.name == "") { // what has no place, a pod without a node, comes last
			return cmp.Compare(b.name, a.name)
		}
		return cmp.Compare(a.name, b.name)
	})
	return out
}

// tally finds the worst state of a group and counts its problems.
func (c *comb) tally() {
	c.worst, c.sick = c.state, 0
	for i := range c.cells {
		s := c.cells[i].state
		if s.Worse(c.worst) {
			c.worst = s
		}
		if s.Problem() {
			c.sick++
		}
	}
}

// measure finds out how much room the group's words take.
func (c *comb) measure(env Env) {
	k := env.Style.K
	bold := plot.Font{Size: 18 * k, Bold: true}
	c.titleW = max(env.Face.Measure(c.name, plot.Font{Size: 18 * k})+10*k+env.Face.Measure(fmt.Sprint(len(c.cells)), plot.Font{Size: 18 * k}),
		env.Face.Measure(c.name, bold)+28*k) + 2*k // calm, or bold behind a mark
	c.reason = env.Said(c.reason)
	c.reasonW = env.Face.Measure(c.reason, bold)
}

// paintHead counts the states and explains the levels.
func (h *honeycomb) paintHead(n pen, env Env, row plot.Rect, counts map[model.State]int) {
	k := n.k
	x, all := paintCounts(n, env, row, h.Things.In(env.Lang), counts)
	if h.level == nil || !all {
		return
	}
	base := row.Y + 31*k
	less, more := env.Text("less"), strings.TrimSpace(h.Busy.In(env.Lang)+" "+env.Text("more"))
	if env.Lang == "en" {
		more = strings.TrimSpace(env.Text("more") + " " + h.Busy.In(env.Lang))
	}
	w := n.width(less, 18, false) + n.width(more, 18, false) + 4*20*k + 22*k
	if x+w+20*k > row.Right() {
		return
	}
	x = n.right(row.Right(), base, more, 18, false, n.p.Muted) - 18*k
	for i := 3; i >= 0; i-- {
		hexagon(n, x, base-6*k, 10*k, n.p.OKCells[i])
		x -= 20 * k
	}
	n.right(x+2*k, base, less, 18, false, n.p.Muted)
}

// paintCounts writes how many things are in each state, the worst first, and returns where that ends and
// whether there was room for all of it.
func paintCounts(n pen, env Env, row plot.Rect, things string, counts map[model.State]int) (end float64, all bool) {
	k := n.k
	x, base := row.X, row.Y+31*k
	if things != "" && row.W >= 560*k {
		total := 0
		for _, c := range counts {
			total += c
		}
		x = n.text(x, base, fmt.Sprintf("%s %d", things, total), 18, false, n.p.Muted) + 20*k
	}
	names := map[model.State]string{
		model.Critical: env.Text("critical"), model.Warning: env.Text("warning"), model.OK: env.Text("ok"),
		model.Stale: env.Text("stale"), model.Unknown: env.Text("unknown"), model.Maintenance: env.Text("maintenance"),
	}
	spell := row.W >= 420*k
	for _, s := range []model.State{model.Critical, model.Warning, model.Unknown, model.Stale, model.Maintenance, model.OK} {
		c := counts[s]
		if c == 0 {
			continue
		}
		ink := n.ink(s)
		if s == model.OK {
			ink = n.p.Text2
		}
		text := fmt.Sprint(c)
		if x+60*k+n.width(text, 20, true) > row.Right() {
			return x, false
		}
		n.mark(s, x+10*k, base-6*k, 22)
		x += 28 * k
		if spell {
			x = n.text(x, base, names[s], 18, false, n.p.Muted) + 9*k
		}
		x = n.text(x, base, text, 20, true, ink) + 20*k
	}
	return x, true
}
