package panels

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// clustersOptions are the keys of a clusters panel: all Kubernetes clusters side by side.
type clustersOptions struct {
	Common `yaml:",inline"`
	Style  string   `yaml:"style"` // "table" (default) or "cards", which fill their place without a frame
	Only   []string `yaml:"only"`  // names of clusters; default all
}

type clusters struct {
	clustersOptions
	cards bool
}

func clustersKind() Kind {
	return Kind{Name: "clusters", New: func(decode func(any) error) (Panel, error) {
		var c clusters
		if err := decode(&c.clustersOptions); err != nil {
			return nil, err
		}
		style, err := oneOf("style", c.Style, "table", "cards")
		c.cards = style == "cards"
		return &c, err
	}}
}

func (c *clusters) Deps() Deps { return Deps{Samples: true, Entities: true, Every: 5 * time.Second} }

// cluster is what is known of one cluster. Counts below zero and NaN mean "not known".
type cluster struct {
	id, name, version     string
	denied                string // what may not be read
	state                 model.State
	reason                string
	seen                  time.Time
	nodes, nodesReady     int
	pods, podsReady       int
	nodeStates            []model.State // worst first
	cpu, memory           float64       // percent of what can be allocated
	cpuAsked, memoryAsked bool          // requested, for use is not measured
	nodesSick             int
	more                  []clusterFact // what a wide card has room for
}

func (c *clusters) Load(ctx context.Context, src model.Source, env Env) (*View, error) {
	list, err := c.read(ctx, src)
	if err != nil {
		return nil, err
	}
	v := &View{State: model.OK, MinW: 160, MinH: 60}
	if len(list) == 0 {
		v.State, v.Notice = model.Unknown, noClusters(src, env)
		return v, nil
	}
	nodes, pods := 0, 0
	for _, one := range list {
		nodes += max(0, one.nodesReady)
		pods += max(0, one.podsReady)
	}
	v.Right = env.Text("%d nodes, %d pods", nodes, pods)
	now := src.Now()
	if c.cards {
		v.Bare = true
		if err := readClusterFacts(ctx, src, env, list); err != nil {
			return nil, err
		}
		v.Paint = func(canvas *plot.Canvas, place plot.Rect) {
			paintCards(newPen(canvas, env.Style), env, place, list, now)
		}
		for i, place := range cardPlaces(wholePlace(env), len(list), env.Style.K) {
			v.Spots = append(v.Spots, Spot{Rect: place, Entity: list[i].id})
		}
		return v, nil
	}
	v.Paint = func(canvas *plot.Canvas, body plot.Rect) {
		paintClusterTable(newPen(canvas, env.Style), env, body, list, now)
	}
	rows, pitch := clusterRows(env.Size.H, len(list), env.Style.K)
	for i := range rows {
		v.Spots = append(v.Spots, Spot{Rect: rowSpot(env, clusterHead*env.Style.K+float64(i)*pitch, pitch), Entity: list[i].id})
	}
	return v, nil
}

// noClusters says why there is nothing to show.
func noClusters(src model.Source, env Env) *Notice {
	n := &Notice{State: model.Unknown, Head: env.Text("No cluster yet")}
	for _, row := range src.Sources() {
		if row.Kind == "kubernetes" {
			text := env.Said(row.Error)
			if text == "" {
				text = env.Text("%s has not answered yet", row.Target)
			}
			n.Lines = append(n.Lines, strings.TrimSpace(row.Name+": "+text))
			if forbidden(row.Error) {
				n.Head = env.Text("No permission")
			}
		}
	}
	if len(n.Lines) == 0 {
		n.Lines = []string{env.Text("No source of kind kubernetes is configured")}
	}
	return n
}

// read gathers the clusters, worst first; among equals those with most pods out of order, then by name.
func (c *clusters) read(ctx context.Context, src model.Source) ([]cluster, error) {
	var out []cluster
	index := map[string]int{}
	for _, e := range src.Entities(model.Filter{Kind: model.KindCluster}) {
		if len(c.Only) > 0 && !slices.Contains(c.Only, e.Name) {
			continue
		}
		index[e.ID] = len(out)
		out = append(out, cluster{id: e.ID, name: e.Name, version: e.Labels["version"], denied: e.Labels["no_permission"], state: e.State, reason: e.Reason, seen: e.Seen,
			nodes: number(e.Labels["nodes"]), nodesReady: number(e.Labels["nodes_ready"]),
			pods: number(e.Labels["pods"]), podsReady: number(e.Labels["pods_ready"]), cpu: math.NaN(), memory: math.NaN()})
	}
	for _, e := range src.Entities(model.Filter{Kind: model.KindNode}) {
		i, ok := index[ancestor(e.ID)]
		if !ok {
			continue
		}
		out[i].nodeStates = append(out[i].nodeStates, e.State)
		if e.State == model.Critical {
			out[i].nodesSick++
		}
	}
	for i := range out {
		one := &out[i]
		if one.nodes < 0 && len(one.nodeStates) > 0 {
			one.nodes, one.nodesReady = len(one.nodeStates), len(one.nodeStates)-one.nodesSick
		}
		if one.state.Problem() || one.state == model.OK { // a cluster is not better than its nodes
			for _, s := range one.nodeStates {
				if s.Problem() && s.Worse(one.state) {
					one.state = s
				}
			}
		}
		if one.state == model.OK && one.podsReady >= 0 && one.podsReady < one.pods {
			one.state = model.Warning
		}
	}
	if err := readClusterUse(ctx, src, out, index); err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b cluster) int {
		return cmp.Or(cmp.Compare(b.state.Rank(), a.state.Rank()), cmp.Compare(b.pods-b.podsReady, a.pods-a.podsReady), cmp.Compare(b.pods, a.pods))
	})
	return out, nil
}

// number reads a count, -1 for none.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// ancestor is the ID of the cluster that an ID lies in, "" for none.
func ancestor(id string) string {
	const root = "kube/"
	rest, ok := strings.CutPrefix(id, root)
	if !ok || rest == "" {
		return ""
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return id[:len(root)+i]
	}
	return id
}

// readClusterUse asks for use as a share of what can be allocated, and for requests where use is not measured.
func readClusterUse(ctx context.Context, src model.Source, out []cluster, index map[string]int) error {
	const allocatable = `sum by (cluster) (kube_node_status_allocatable{resource=%q})`
	for _, q := range []struct {
		resource, use string
		set           func(c *cluster, v float64, asked bool)
	}{
		{"cpu", "nocturne_kube_node_cpu_usage_cores", func(c *cluster, v float64, asked bool) { c.cpu, c.cpuAsked = v, asked }},
		{"memory", "nocturne_kube_node_memory_usage_bytes", func(c *cluster, v float64, asked bool) { c.memory, c.memoryAsked = v, asked }},
	} {
		total := fmt.Sprintf(allocatable, q.resource)
		requested := fmt.Sprintf(`sum by (cluster) (kube_pod_container_resource_requests{resource=%q})`, q.resource)
		for _, asked := range []bool{true, false} { // what is measured overwrites what is asked for
			expr := "100 * sum by (cluster) (" + q.use + ") / " + total
			if asked {
				expr = "100 * " + requested + " / " + total
			}
			lines, err := src.Query(ctx, expr, src.Now())
			if err != nil {
				return fmt.Errorf("use of %s: %w", q.resource, err)
			}
			for _, line := range lines {
				if i, ok := index[model.ClusterID(line.Labels.Get("cluster"))]; ok {
					q.set(&out[i], line.Points[0].V, asked)
				}
			}
		}
	}
	return nil
}

const clusterHead = 29 // height of the column titles

// clusterRows is how many clusters fit below each other and how far apart they are.
func clusterRows(h float64, n int, k float64) (rows int, pitch float64) {
	h -= clusterHead * k
	rows = min(n, fitRows(h, 56*k))
	return rows, min(h/float64(rows), 92*k)
}

// clusterColumns are the right edges of a table's columns; 0 leaves one out.
type clusterColumns struct{ nodes, pods, cpu, memory, bar, podBar float64 }

func columnsOf(body plot.Rect, k float64) clusterColumns {
	w, x := body.W, body.X
	switch {
	case w < 280*k:
		return clusterColumns{pods: x + w, podBar: 80 * k}
	case w < 420*k:
		return clusterColumns{nodes: x + w*.68, pods: x + w, podBar: 80 * k}
	}
	return clusterColumns{x + w*.485, x + w*.735, x + w*.875, x + w, w * .0865, w * .1886}
}

func paintClusterTable(n pen, env Env, body plot.Rect, list []cluster, now time.Time) {
	k := n.k
	cols := columnsOf(body, k)
	for _, h := range []struct {
		x    float64
		text string
	}{{cols.nodes, env.Text("Nodes")}, {cols.pods, env.Text("Pods")}, {cols.cpu, env.Text("CPU")}, {cols.memory, env.Text("Mem")}} {
		if h.x > 0 {
			n.right(h.x, body.Y+16*k, h.text, 18, false, n.p.Muted)
		}
	}
	rows, pitch := clusterRows(body.H, len(list), k)
	for i, c := range list[:rows] {
		row := plot.Rect{X: body.X, Y: body.Y + clusterHead*k + float64(i)*pitch, W: body.W, H: pitch}
		n.rule(row.X, row.Right(), row.Y, n.p.Grid)
		paintClusterRow(n, env, row, cols, c, now)
	}
	if left := len(list) - rows; left > 0 {
		n.text(body.X, body.Y+16*k, env.Text("+%d more", left), 18, true, n.p.Text2)
	}
}

func paintClusterRow(n pen, env Env, row plot.Rect, cols clusterColumns, c cluster, now time.Time) {
	k := n.k
	base := row.Y + row.H/2 + 1*k
	low := base + 14*k // where the strips and bars stand
	dim := c.state == model.Stale || c.state == model.Unknown
	figure := n.p.Text
	if dim {
		box := plot.Rect{X: row.X - 6*k, Y: row.Y + 4*k, W: row.W + 12*k, H: row.H - 8*k}
		if c.state == model.Stale {
			n.hatched(box)
		} else {
			n.StrokeRound(box, 4*k, 1.5*k, n.p.Unknown, plot.Dash{6 * k, 4 * k})
		}
		figure = n.p.Muted
	}
	stripW := cols.nodes - row.X - 32*k
	if cols.nodes == 0 {
		stripW = cols.pods - cols.podBar - row.X - 40*k
	}
	n.mark(c.state, row.X+11*k, base-8*k, 26)
	nameEnd := cols.pods - ofTotalWidth(n, c.podsReady, c.pods)
	if cols.nodes > 0 {
		nameEnd = cols.nodes - ofTotalWidth(n, c.nodesReady, c.nodes)
	}
	name := n.fit(c.name, 22, c.state == model.Critical, nameEnd-row.X-32*k)
	if dim {
		n.under(row.X+32*k, row.X+32*k+n.width(name, 22, false), base, 22)
	}
	n.text(row.X+32*k, base, name, 22, c.state == model.Critical, n.p.Text)
	if dim {
		text := env.Said(c.reason)
		if c.state == model.Stale {
			text = env.Text("%s old", Duration(env.Text, now.Sub(c.seen)))
		}
		text = n.fit(text, 18, false, nameEnd-row.X-32*k)
		n.under(row.X+32*k, row.X+32*k+n.width(text, 18, false), low+8*k, 18)
		n.text(row.X+32*k, low+8*k, text, 18, false, n.p.Text2)
	} else if c.denied == "" {
		nodeStrip(n, row.X+32*k, low, stripW, c.nodeStates)
	}
	if cols.nodes > 0 {
		ofTotal(n, cols.nodes, base, c.nodesReady, c.nodes, model.Critical, dim)
	}
	ofTotal(n, cols.pods, base, c.podsReady, c.pods, model.Warning, dim)
	switch {
	case c.denied != "":
		n.text(row.X+32*k, low+8*k, n.fit(env.Text("no permission: %s", c.denied), 18, false, cols.pods-row.X-32*k), 18, false, n.p.Unknown)
	case dim:
	case c.pods > 0:
		podBar(n, plot.Rect{X: cols.pods - cols.podBar, Y: low + 2*k, W: cols.podBar, H: 5 * k}, c.podsReady, c.pods)
	}
	if cols.cpu > 0 {
		useCell(n, env, cols.cpu, base, low, cols.bar, c.cpu, c.cpuAsked, dim, figure)
		useCell(n, env, cols.memory, base, low, cols.bar, c.memory, c.memoryAsked, dim, figure)
	}
}

// ofTotal writes "11/12" ending at x: the part that is there in the colour of what it means that
// some are missing, a plate for critical.
func ofTotal(n pen, x, base float64, ready, total int, missing model.State, dim bool) {
	if ready < 0 || total < 0 {
		n.right(x, base, "–", 24, false, n.p.Muted)
		return
	}
	text, rest := strconv.Itoa(ready), "/"+strconv.Itoa(total)
	w := n.width(rest, 20, false)
	if dim {
		n.under(x-w-n.width(text, 24, false), x, base, 24)
	}
	n.right(x, base, rest, 20, false, n.p.Muted)
	x -= w
	switch {
	case dim:
		n.right(x, base, text, 24, false, n.p.Muted)
	case ready >= total:
		n.right(x, base, text, 24, false, n.p.Text)
	case missing == model.Critical:
		n.plate(x-2*n.k, base, text, 24, model.Critical)
	default:
		n.right(x, base, text, 24, true, n.ink(missing))
	}
}

// ofTotalWidth is the room that ofTotal needs, a plate and some air included.
func ofTotalWidth(n pen, ready, total int) float64 {
	return n.width(strconv.Itoa(max(0, ready)), 24, true) + n.width("/"+strconv.Itoa(max(0, total)), 20, false) + 26*n.k
}

// podBar is the share of pods that are ready; what is missing is an amber block that is never too
// small to be seen.
func podBar(n pen, r plot.Rect, ready, total int) {
	n.bar(r, float64(ready)/float64(total), n.p.OKEdge)
	if ready < total {
		w := max(7*n.k, r.W*float64(total-ready)/float64(total))
		n.FillRound(plot.Rect{X: r.Right() - w, Y: r.Y - 3*n.k, W: w, H: r.H + 6*n.k}, n.k, n.p.Warning)
	}
}

// useCell writes a percentage and its bar. What is requested and not measured is outlined and tagged.
func useCell(n pen, env Env, x, base, low, w, percent float64, asked, dim bool, col colour) {
	if math.IsNaN(percent) {
		n.right(x, base, "–", 24, false, n.p.Muted)
		return
	}
	text := strconv.Itoa(int(math.Round(percent)))
	if dim {
		n.under(x-n.width(text, 24, false), x, base, 24)
	}
	n.right(x, base, text, 24, false, col)
	r := plot.Rect{X: x - w, Y: low + 2*n.k, W: w, H: 5 * n.k}
	switch {
	case dim:
	case asked:
		n.right(x, low+12*n.k, n.fit(env.Text("asked"), 18, false, w+20*n.k), 18, false, n.p.Muted)
	default:
		n.bar(r, percent/100, n.p.Bar)
	}
}

// nodeStrip draws a small square for each node in the order of their names, the sick ones larger and
// solid. Where not all fit, the worst are drawn.
func nodeStrip(n pen, x, y, w float64, states []model.State) {
	k := n.k
	pitch := 12.5 * k
	fits := max(1, int(w/pitch))
	if len(states) > fits {
		states = slices.Clone(states)
		slices.SortStableFunc(states, func(a, b model.State) int { return cmp.Compare(b.Rank(), a.Rank()) })
		states = states[:fits]
	}
	for _, s := range states {
		cell := plot.Rect{X: x, Y: y, W: 9.5 * k, H: 9 * k}
		switch {
		case s.Problem():
			n.FillRound(cell.Inset(-2*k).Offset(0, 0), k, n.p.State(markKind(s)))
		case s == model.OK:
			n.FillRound(cell, k, n.p.OKCells[0])
			n.StrokeRound(cell, k, max(1, k), n.p.OKEdge, nil)
		default:
			n.StrokeRound(cell, k, max(1, k), n.p.State(markKind(s)), plot.Dash{2 * k, 2 * k})
		}
		x += pitch
	}
}
