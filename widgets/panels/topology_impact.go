package panels

import (
	"time"

	"github.com/nocturne-noc/nocturne/store/impact"
	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// netImpact is what a lost cable does to the network below it.
type netImpact struct {
	head     string       // ID of the node right below the cable
	nodes    map[int]bool // the head and what depends on it alone
	since    time.Time
	cutOff   bool // no way up is left; otherwise one is
	switches int  // network devices below the head
	servers  int
	others   int // neighbours by hearsay
}

// findImpacts returns the parts of the network that lost their redundancy, or their only way, with a
// cable. Where two other nodes above can still be reached nothing is lost.
func findImpacts(n *network, layout *plot.Layered) []netImpact {
	index := make(map[string]int, len(n.nodes))
	up := make([]map[int]bool, len(n.nodes)) // nodes above; true while a cable to them is up
	placed := make([]plot.LayeredNode, len(n.nodes))
	for i, node := range n.nodes {
		index[node.id] = i
		placed[i], _ = layout.Node(node.id)
		up[i] = map[int]bool{}
	}
	below := func(i, j int) bool {
		for _, id := range placed[i].Up {
			if id == n.nodes[j].id {
				return true
			}
		}
		return false
	}
	for _, l := range n.links {
		for _, ends := range [2][2]int{{l.a, l.b}, {l.b, l.a}} {
			if below(ends[0], ends[1]) {
				up[ends[0]][ends[1]] = up[ends[0]][ends[1]] || !l.down
			}
		}
	}
	heads := map[int]netImpact{}
	for _, l := range n.links {
		if !l.down {
			continue
		}
		head := l.a
		if below(l.b, l.a) {
			head = l.b
		} else if !below(l.a, l.b) {
			continue // a cable between equals
		}
		left := 0
		for _, alive := range up[head] {
			if alive {
				left++
			}
		}
		stillThere := up[head][l.a+l.b-head] // another cable to the same node is up
		im, seen := heads[head]
		if left > 1 || stillThere || placed[head].Layer == plot.LayerEdge {
			continue
		}
		if !seen || l.Since.After(im.since) {
			im.since = l.Since
		}
		im.head, im.cutOff = n.nodes[head].id, left == 0
		heads[head] = im
	}
	var out []netImpact
	for _, node := range layout.Nodes { // in the map's order
		i, ok := index[node.ID]
		im, hit := heads[i]
		if !ok || !hit {
			continue
		}
		im.spread(n, layout, index, i)
		out = append(out, im)
	}
	return out
}

// spread adds everything below the head that can reach the core only through it.
func (im *netImpact) spread(n *network, layout *plot.Layered, index map[string]int, head int) {
	im.nodes = map[int]bool{head: true}
	for _, i := range impact.CutOff(n.waysDown(layout, index), n.core(layout, index), func(i int) bool { return i == head }) {
		im.nodes[i] = true
		switch n.nodes[i].kind {
		case model.KindDevice:
			im.switches++
		case model.KindStub:
			im.others++
		default:
			im.servers++
		}
	}
}

// core are the nodes that all ways lead to.
func (n *network) core(layout *plot.Layered, index map[string]int) []int {
	var out []int
	for _, node := range layout.Row(plot.LayerCore) {
		if i, ok := index[node.ID]; ok {
			out = append(out, i)
		}
	}
	return out
}

// waysDown are the cables of what forwards, but for those to what stands above the core.
func (n *network) waysDown(layout *plot.Layered, index map[string]int) [][]int {
	ways := make([][]int, len(n.nodes))
	edge := map[int]bool{}
	for _, node := range layout.Row(plot.LayerEdge) {
		if i, ok := index[node.ID]; ok {
			edge[i] = true
		}
	}
	for _, l := range n.links {
		for _, ends := range [2][2]int{{l.a, l.b}, {l.b, l.a}} {
			if kind := n.nodes[ends[0]].kind; !edge[ends[0]] && !edge[ends[1]] && (kind == model.KindDevice || kind == model.KindStub) {
				ways[ends[0]] = append(ways[ends[0]], ends[1])
			}
		}
	}
	return ways
}
