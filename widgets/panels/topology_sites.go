package panels

import (
	"maps"
	"slices"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

const (
	// A group of devices is a site where the main group is at least so many times as large,
	siteShare = 3
	// and where no more cables than this lead out of it.
	siteCables = 2
)

// foldSites turns each remote site into one node. A site is a group of two or more devices with one
// label "site" (or one source), small against the main group, and linked to the rest by a cable or
// two. That depends on nothing that an incident changes, so a site stays a site when it falls silent.
func (n *network) foldSites(groups map[string]string) {
	members := map[string][]int{}
	for i, node := range n.nodes {
		if g := groups[node.id]; g != "" && node.kind == model.KindDevice {
			members[g] = append(members[g], i)
		}
	}
	main := ""
	for _, g := range slices.Sorted(maps.Keys(members)) {
		if len(members[g]) > len(members[main]) {
			main = g
		}
	}
	into := map[int]int{} // node to the node of its site
	for _, g := range slices.Sorted(maps.Keys(members)) {
		nodes := members[g]
		if g == main || len(nodes) < 2 || len(nodes)*siteShare > len(members[main]) {
			continue
		}
		inside := map[int]bool{}
		for _, i := range nodes {
			inside[i] = true
		}
		leading := 0
		for _, l := range n.links {
			if inside[l.a] != inside[l.b] {
				leading++
			}
		}
		if leading == 0 || leading > siteCables {
			continue
		}
		site := n.makeSite(g, nodes, inside)
		for _, i := range nodes {
			into[i] = len(n.nodes)
		}
		n.nodes = append(n.nodes, site)
	}
	if len(into) > 0 {
		n.replace(into)
	}
}

// makeSite describes a site: its devices in the order in which they hang on the gateway.
func (n *network) makeSite(name string, nodes []int, inside map[int]bool) netNode {
	site := netNode{id: "site/" + name, name: name, kind: model.KindDevice, state: model.OK, hint: plot.LayerEdge, site: &netSite{}}
	var order []int
	place := map[int]int{}
	add := func(i int) {
		if _, ok := place[i]; !ok && inside[i] {
			place[i] = len(order)
			order = append(order, i)
		}
	}
	for _, l := range n.links { // gateways
		if inside[l.a] != inside[l.b] {
			add(l.a)
			add(l.b)
		}
	}
	for at := 0; len(order) < len(nodes); at++ {
		if at == len(order) { // a part that hangs on nothing known
			for _, i := range nodes {
				if _, ok := place[i]; !ok {
					add(i)
					break
				}
			}
		}
		for _, l := range n.links {
			if l.a == order[at] {
				add(l.b)
			} else if l.b == order[at] {
				add(l.a)
			}
		}
	}
	for _, i := range order {
		node := n.nodes[i]
		site.site.nodes = append(site.site.nodes, node)
		if node.state.Worse(site.state) {
			site.state, site.ack = node.state, node.ack
		}
		if site.seen.IsZero() || node.seen.Before(site.seen) {
			site.seen = node.seen
		}
	}
	for _, l := range n.links {
		if inside[l.a] && inside[l.b] {
			site.site.wires = append(site.site.wires, [2]int{place[l.a], place[l.b]})
		}
	}
	return site
}

// replace puts sites in the place of their devices and drops the cables within them.
func (n *network) replace(into map[int]int) {
	number := make([]int, len(n.nodes))
	var nodes []netNode
	for i, node := range n.nodes {
		if _, gone := into[i]; !gone {
			number[i] = len(nodes)
			nodes = append(nodes, node)
		}
	}
	end := func(i int) int {
		if s, ok := into[i]; ok {
			return number[s]
		}
		return number[i]
	}
	n.links = slices.DeleteFunc(n.links, func(l netLink) bool {
		_, a := into[l.a]
		_, b := into[l.b]
		return a && b && into[l.a] == into[l.b]
	})
	for i := range n.links {
		n.links[i].a, n.links[i].b = end(n.links[i].a), end(n.links[i].b)
	}
	n.nodes = nodes
}
