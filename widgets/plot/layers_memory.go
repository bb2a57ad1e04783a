package plot

import (
	"cmp"
	"slices"
)

// Restore makes a result of nodes that were kept elsewhere, to be given to LayoutGraph
// as the one that people know. Nodes without ID, of no layer or with no place are left out.
func Restore(nodes []LayeredNode) *Layered {
	l := &Layered{index: make(map[string]int, len(nodes))}
	for _, n := range nodes {
		if _, twice := l.index[n.ID]; n.ID != "" && !twice && n.Layer > LayerAuto && n.Layer <= LayerApart && finite(n.X) {
			l.index[n.ID] = 0
			l.Nodes = append(l.Nodes, n)
		}
	}
	slices.SortStableFunc(l.Nodes, func(a, b LayeredNode) int { return cmp.Or(cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.X, b.X)) })
	for i, n := range l.Nodes {
		l.index[n.ID] = i
	}
	return l
}

// Remembering is l together with what an earlier result knows beyond it: nodes that are gone, at most
// so many of them, and the places of those that have lost all their links. Each stands behind the node
// that it stood behind, so what comes back finds its place again.
func (l *Layered) Remembering(was *Layered, most int) *Layered {
	if was == nil {
		return Restore(l.Nodes)
	}
	absent := func(id string) bool {
		at, here := l.index[id]
		return !here || l.Nodes[at].Layer == LayerApart
	}
	type spot struct {
		layer Layer
		after string // the node of the row before it, "" for none
	}
	behind := map[spot][]LayeredNode{} // what is absent
	last, layer := "", LayerAuto
	for _, n := range was.Nodes {
		if n.Layer != layer {
			last, layer = "", n.Layer
		}
		switch at, here := l.index[n.ID]; {
		case !absent(n.ID) && l.Nodes[at].Layer == layer:
			last = n.ID
		case absent(n.ID) && n.Layer != LayerApart && (here || most > 0):
			if !here {
				most--
			}
			at := spot{layer, last}
			behind[at] = append(behind[at], n)
		}
	}
	var nodes []LayeredNode
	add := func(at spot, x float64) {
		for _, n := range behind[at] {
			n.X = x
			nodes = append(nodes, n)
		}
	}
	for layer := LayerEdge; layer <= LayerApart; layer++ {
		add(spot{layer, ""}, 0)
		for _, n := range l.Row(layer) {
			if layer == LayerApart {
				if _, known := was.index[n.ID]; known && was.Nodes[was.index[n.ID]].Layer != LayerApart {
					continue // it is remembered where it had links
				}
			}
			nodes = append(nodes, n)
			add(spot{layer, n.ID}, n.X)
		}
	}
	return Restore(nodes)
}
