package panels

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// network is what a map shows, at one moment.
type network struct {
	now     time.Time
	nodes   []netNode
	links   []netLink
	devices int       // all that forward or serve, those in sites too
	cables  int       // all links, those within sites too
	changed time.Time // when a link last changed its state
}

// netNode is a device, a server, a neighbour by hearsay, or a remote site folded to one node.
type netNode struct {
	id, name string
	kind     model.Kind
	state    model.State
	ack      bool // somebody has taken the problem on
	seen     time.Time
	hint     plot.Layer
	site     *netSite // not nil for a site
}

// netSite is a remote part of the network with a source of its own.
type netSite struct {
	nodes []netNode // the gateway first, then as they hang on it
	wires [][2]int  // cables within the site
}

// netLink is one cable. Its two directions are told apart: 0 is sent by a, 1 by b.
type netLink struct {
	model.Link
	a, b  int
	use   [2]float64 // share of the speed; NaN where not known
	down  bool
	stale bool
	ack   bool         // somebody has taken the problem on
	lag   string       // name of the aggregation that the ports belong to, "" where none is known
	cause *model.Alert // the root cause that this link is, nil for none
}

// hottest returns the larger use of the two directions and its end, NaN where none is known.
func (l *netLink) hottest() (use float64, end int) {
	if math.IsNaN(l.use[1]) || l.use[0] >= l.use[1] {
		return l.use[0], 0
	}
	return l.use[1], 1
}

// portUse is the use of ports by device ID and ifName: sent and received.
type portUse map[[2]string][2]float64

// readUse asks how much each port sends and receives. What is not a finite share of 0 or more (a
// port without a speed) is left out: unknown is not zero.
func readUse(ctx context.Context, src model.Source, sent, received string) (portUse, error) {
	use := portUse{}
	for dir, expr := range []string{sent, received} {
		series, err := src.Query(ctx, expr, src.Now())
		if err != nil {
			return nil, fmt.Errorf("topology: use of links: %w", err)
		}
		for _, s := range series {
			if len(s.Points) == 0 {
				continue
			}
			v := s.Points[len(s.Points)-1].V
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
				continue
			}
			key := [2]string{model.DeviceID(s.Labels.Get("device")), s.Labels.Get("ifName")}
			u, ok := use[key]
			if !ok {
				u = [2]float64{math.NaN(), math.NaN()}
			}
			u[dir] = v
			use[key] = u
		}
	}
	return use, nil
}

// of returns what flows from one end of a link to the other: what the near port sends or, where that
// is not known, what the far one receives.
func (u portUse) of(near, nearPort, far, farPort string) float64 {
	if v, ok := u[[2]string{near, nearPort}]; ok && !math.IsNaN(v[0]) {
		return v[0]
	}
	if v, ok := u[[2]string{far, farPort}]; ok {
		return v[1]
	}
	return math.NaN()
}

// onMap are the kinds of what a map shows. All but devices are there for the cable that they hang on.
var onMap = []model.Kind{model.KindDevice, model.KindServer, model.KindNode, model.KindStub}

// readNetwork gathers devices, and machines and neighbours that hang on a cable.
func readNetwork(src model.Source, use portUse) *network {
	n := &network{now: src.Now()}
	links := src.Links(model.Filter{Kind: "ethernet"})
	n.cables = len(links)
	linked := make(map[string]bool, 2*len(links))
	for _, l := range links {
		linked[l.A], linked[l.B] = true, true
	}
	byEntity := map[string]model.Alert{}
	alerts := src.Alerts()
	for _, a := range alerts {
		if was, ok := byEntity[a.Entity]; a.Entity != "" && !a.Pending && (!ok || a.Severity.Worse(was.Severity)) {
			byEntity[a.Entity] = a
		}
	}
	groups := map[string]string{} // site by entity ID
	for _, kind := range onMap {
		for _, e := range src.Entities(model.Filter{Kind: kind}) {
			if kind != model.KindDevice && !linked[e.ID] {
				continue
			}
			delete(linked, e.ID)
			node := netNode{id: e.ID, name: cmp.Or(e.Name, e.ID), kind: kind, state: e.State, seen: e.Seen, hint: layerHint(e)}
			if a, ok := byEntity[e.ID]; ok && a.Severity.Problem() && !e.State.Worse(a.Severity) {
				node.state, node.ack = a.Severity, a.AckBy != ""
			}
			n.nodes = append(n.nodes, node)
			groups[e.ID] = cmp.Or(e.Labels["site"], e.Source)
			if kind != model.KindStub {
				n.devices++
			}
		}
	}
	for id := range linked { // an end that no source describes
		n.nodes = append(n.nodes, netNode{id: id, name: id[strings.LastIndexByte(id, '/')+1:], kind: model.KindStub, state: model.OK})
	}
	slices.SortFunc(n.nodes, func(a, b netNode) int { return plot.CompareNatural(a.id, b.id) })
	index := make(map[string]int, len(n.nodes))
	for i, node := range n.nodes {
		index[node.id] = i
	}
	for _, l := range links {
		link := netLink{Link: l, a: index[l.A], b: index[l.B], down: l.State == model.Critical, stale: l.State == model.Stale}
		link.use = [2]float64{use.of(l.A, l.APort, l.B, l.BPort), use.of(l.B, l.BPort, l.A, l.APort)}
		if u, _ := link.hottest(); math.IsNaN(u) && !link.down {
			link.stale = link.stale || n.nodes[link.a].state == model.Stale || n.nodes[link.b].state == model.Stale
		}
		if l.Since.After(n.changed) && !l.Since.After(n.now) {
			n.changed = l.Since
		}
		n.links = append(n.links, link)
	}
	n.findLags(src)
	n.findCause(alerts)
	n.foldSites(groups)
	return n
}

// maxLagLookups bounds how many ports are asked for their aggregation.
const maxLagLookups = 400

// findLags names the aggregations of parallel cables: ports whose label "lag" says so.
func (n *network) findLags(src model.Source) {
	pair := func(l netLink) [2]int { return [2]int{min(l.a, l.b), max(l.a, l.b)} }
	parallel := map[[2]int]int{}
	for _, l := range n.links {
		parallel[pair(l)]++
	}
	left := maxLagLookups
	for i := range n.links {
		l := &n.links[i]
		if parallel[pair(*l)] < 2 {
			continue
		}
		if left--; left < 0 {
			return
		}
		for _, e := range src.Entities(model.Filter{ID: portOf(l.A, l.APort)}) {
			l.lag = e.Labels["lag"]
		}
	}
}

// portOf is the entity ID of a link's end.
func portOf(device, ifName string) string {
	return device + strings.TrimPrefix(model.PortID("", ifName), model.DeviceID(""))
}

// findCause finds the one link that the wall names as the root cause: that of the oldest alert that
// nobody has taken on and that no other alert explains.
func (n *network) findCause(alerts []model.Alert) {
	var best *netLink
	for i := range alerts {
		a := &alerts[i]
		if a.Pending || !a.Severity.Problem() {
			continue
		}
		for k := range n.links {
			l := &n.links[k]
			switch {
			case !l.down || !l.isMeant(a):
			case a.AckBy != "":
				l.ack = true
			case a.Cause == "" && (best == nil || a.Since.Before(best.cause.Since)):
				if best != nil {
					best.cause = nil
				}
				l.cause, best = a, l
			}
		}
	}
}

// isMeant tells whether an alert speaks of this link: by its labels, or by a port as its entity.
func (l *netLink) isMeant(a *model.Alert) bool {
	end := func(device, port, name, ifName string) bool {
		return name != "" && (device == model.DeviceID(name) || device == name) && port == ifName
	}
	x, xPort, y, yPort := a.Labels["a"], a.Labels["a_port"], a.Labels["b"], a.Labels["b_port"]
	if end(l.A, l.APort, x, xPort) && end(l.B, l.BPort, y, yPort) || end(l.A, l.APort, y, yPort) && end(l.B, l.BPort, x, xPort) {
		return true
	}
	return a.Entity != "" && (a.Entity == l.Key() || a.Entity == portOf(l.A, l.APort) || a.Entity == portOf(l.B, l.BPort))
}

// layerHint reads the layer off what people call a device; the label "role" wins over the name.
func layerHint(e model.Entity) plot.Layer {
	switch e.Kind {
	case model.KindServer, model.KindNode:
		return plot.LayerServers
	case model.KindStub:
		return plot.LayerAuto
	}
	name := strings.ToLower(cmp.Or(e.Labels["role"], e.Name))
	for _, hint := range []struct {
		layer plot.Layer
		words string
	}{
		{plot.LayerCore, "core spine backbone"},
		{plot.LayerDistribution, "dist agg"},
		{plot.LayerAccess, "acc leaf tor"},
		{plot.LayerEdge, "fw firewall wan gw gateway rtr router isp border edge internet"},
		{plot.LayerServers, "server host"},
	} {
		for _, word := range strings.Fields(hint.words) {
			if hasWord(name, word) {
				return hint.layer
			}
		}
	}
	return plot.LayerAuto
}

// hasWord tells whether one of the parts of a name begins with word: "sw-core1", "acc12", "dist_a".
func hasWord(name, word string) bool {
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return r < 'a' || r > 'z' }) {
		if strings.HasPrefix(part, word) && (len(word) > 3 || len(part) == len(word) || word == "acc" || word == "agg") {
			return true
		}
	}
	return false
}

func (n *network) graphNodes() []plot.GraphNode {
	nodes := make([]plot.GraphNode, len(n.nodes))
	for i, node := range n.nodes {
		nodes[i] = plot.GraphNode{ID: node.id, Hint: node.hint, Leaf: node.kind == model.KindStub}
	}
	return nodes
}

func (n *network) graphEdges() []plot.GraphEdge {
	edges := make([]plot.GraphEdge, len(n.links))
	for i, l := range n.links {
		edges[i] = plot.GraphEdge{A: n.nodes[l.a].id, B: n.nodes[l.b].id}
	}
	return edges
}
