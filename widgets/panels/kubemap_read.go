package panels

import (
	"cmp"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
)

// placed is a thing by its cluster and its name there: a node, a namespace.
type placed struct{ cluster, name string }

// kinds are the things of a cluster or namespace by their kinds, all read at once.
type kinds map[model.Kind][]*model.Entity

// readKinds reads what is under an ID. The nodes of a namespace are those of its cluster.
func readKinds(src model.Source, under string) kinds {
	all := src.Entities(model.Filter{Under: under})
	counts := map[model.Kind]int{}
	for i := range all {
		counts[all[i].Kind]++
	}
	out := make(kinds, len(counts))
	for kind, n := range counts {
		out[kind] = make([]*model.Entity, 0, n)
	}
	for i := range all {
		out[all[i].Kind] = append(out[all[i].Kind], &all[i])
	}
	if strings.Contains(under, "/ns/") {
		nodes := src.Entities(model.Filter{Kind: model.KindNode, Under: ancestor(under)})
		for i := range nodes {
			out[model.KindNode] = append(out[model.KindNode], &nodes[i])
		}
	}
	return out
}

// readByNode puts the pods on their nodes and the nodes into their zones. Where a pod runs is told by its
// label, for links of all pods are only told of small clusters.
func readByNode(src model.Source, under string, env Env) *kubeWorld {
	w := &kubeWorld{things: env.Text("Pods"), counts: map[model.State]int{}}
	all := readKinds(src, under)
	pods, nodes := all[model.KindPod], all[model.KindNode]
	index := make(map[placed]int, len(nodes))
	combs := make([]comb, 0, len(nodes)+1)
	zones := make([]placed, 0, len(nodes)+1) // of the nodes
	for _, e := range nodes {
		w.see(e)
		at := placed{ancestor(e.ID), e.Name}
		index[at] = len(combs)
		combs = append(combs, comb{id: e.ID, name: e.Name, state: e.State, reason: e.Reason})
		zones = append(zones, placed{at.cluster, e.Labels["zone"]})
	}
	of, counts := make([]int, len(pods)), make([]int, 0, len(combs)+1)
	counts = counts[:len(combs)]
	for i, e := range pods {
		w.see(e)
		w.counts[e.State]++
		at := placed{ancestor(e.ID), e.Labels["node"]}
		j, ok := index[at]
		if !ok { // not on a node yet, or on one that may not be read
			j = len(combs)
			index[at] = j
			name := cmp.Or(at.name, env.Text("on no node"))
			combs = append(combs, comb{name: name, state: model.OK})
			zones = append(zones, placed{at.cluster, ""})
			counts = append(counts, 0)
		}
		of[i] = j
		counts[j]++
	}
	most := 0
	for j, n := range counts {
		combs[j].cells = make([]cell, 0, n)
	}
	for i, j := range of {
		e := pods[i]
		combs[j].cells = append(combs[j].cells, cell{id: e.ID, name: e.Name, reason: e.Reason, place: combs[j].name, state: e.State, since: e.Since})
	}
	for i := range combs {
		if len(pods) == 0 { // none, or they may not be read: the cluster's own figures tell which
			combs[i].figure = "–"
		}
		combs[i].tally()
		most = max(most, len(combs[i].cells))
	}
	w.most = roomFor(most)
	w.worst = worstNode(nodes)
	for i := range combs {
		if c := worstCell(combs[i].cells); c != nil && c.worse(w.worst) {
			w.worst = c
		}
	}
	w.zones = intoZones(combs, zones)
	return w
}

// worstNode is the node to name, nil where all are well.
func worstNode(nodes []*model.Entity) *cell {
	cells := make([]cell, len(nodes))
	for i, e := range nodes {
		cells[i] = cell{id: e.ID, name: e.Name, reason: e.Reason, state: e.State, since: e.Since}
	}
	return worstCell(cells)
}

// roomFor rounds a number of cells up, so that cells do not change their size with every pod that comes.
func roomFor(n int) int {
	step := 1
	for step*8 < n {
		step *= 2
	}
	return (n + step - 1) / step * step
}

// intoZones gathers blocks by cluster and zone, all in the order of their names. The cluster is said where
// there are several.
func intoZones(combs []comb, of []placed) []kubeZone {
	several := slices.ContainsFunc(of, func(p placed) bool { return p.cluster != of[0].cluster })
	index := map[placed]int{}
	var order []placed
	var out []kubeZone
	for i, c := range combs {
		j, ok := index[of[i]]
		if !ok {
			j = len(out)
			index[of[i]] = j
			name := of[i].name
			if several {
				name = strings.TrimSpace(strings.TrimPrefix(of[i].cluster, "kube/") + "  " + name)
			}
			out = append(out, kubeZone{name: name})
			order = append(order, of[i])
		}
		out[j].combs = append(out[j].combs, c)
	}
	sorted := make([]int, len(out))
	for i := range sorted {
		sorted[i] = i
		slices.SortFunc(out[i].combs, func(a, b comb) int {
			return cmp.Or(before(a.id == "", b.id == ""), cmp.Compare(a.name, b.name))
		})
	}
	slices.SortFunc(sorted, func(a, b int) int {
		return cmp.Or(cmp.Compare(order[a].cluster, order[b].cluster), before(order[a].name == "", order[b].name == ""), cmp.Compare(order[a].name, order[b].name))
	})
	zones := make([]kubeZone, len(out))
	for i, j := range sorted {
		zones[i] = out[j]
	}
	return zones
}

// before sorts what is false before what is true.
func before(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// workloadKinds are what pods belong to, as people deploy it.
var workloadKinds = []model.Kind{model.KindDeployment, model.KindStatefulSet, model.KindDaemonSet, model.KindCronJob, model.KindJob}

// readByNamespace puts the workloads into their namespaces. A pod in trouble makes its workload a warning at
// least, and one of its own is a cell beside the workloads.
func readByNamespace(src model.Source, under string, env Env) *kubeWorld {
	w := &kubeWorld{things: env.Text("Workloads"), counts: map[model.State]int{}}
	things := readKinds(src, under)
	spaces := things[model.KindNamespace]
	index := make(map[placed]int, len(spaces))
	var combs []comb
	var of []placed
	block := func(id, ns string) *comb {
		at := placed{ancestor(id), ns}
		i, ok := index[at]
		if !ok {
			i = len(combs)
			index[at] = i
			combs = append(combs, comb{name: ns, state: model.OK})
			of = append(of, placed{cluster: at.cluster})
		}
		return &combs[i]
	}
	for _, e := range spaces {
		w.see(e)
		b := block(e.ID, e.Name)
		b.id, b.state, b.reason = e.ID, e.State, e.Reason
		if total := e.Labels["pods"]; total != "" {
			b.figure = cmp.Or(e.Labels["pods_ready"], "–") + "/" + total
		}
	}
	troubled := troubledPods(things[model.KindPod])
	var all []cell
	add := func(e *model.Entity, c cell) {
		w.counts[c.state]++
		b := block(e.ID, c.place)
		b.cells = append(b.cells, c)
		all = append(all, c)
	}
	for _, kind := range workloadKinds {
		for _, e := range things[kind] {
			if isRun(e) && !e.State.Problem() {
				continue // one run of its cron job
			}
			w.see(e)
			c := cell{id: e.ID, name: e.Name, reason: e.Reason, place: spaceOf(e), state: e.State, since: e.Since, figure: ofDesired(e)}
			if pod := troubled[e.ID]; pod != nil && c.state == model.OK {
				c.state, c.reason, c.since = model.Warning, pod.Reason, pod.Since
			}
			delete(troubled, e.ID)
			add(e, c)
		}
	}
	for _, pod := range sortedPods(troubled) { // of no workload that is known
		add(pod, cell{id: pod.ID, name: pod.Name, reason: pod.Reason, place: spaceOf(pod), state: pod.State, since: pod.Since})
	}
	for i := range combs {
		c := &combs[i]
		slices.SortFunc(c.cells, func(a, b cell) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id)) })
		c.tally()
	}
	widen(combs)
	w.worst = worstCell(all)
	w.zones = intoZones(combs, of)
	return w
}

// spaceOf is the namespace of an object.
func spaceOf(e *model.Entity) string {
	if ns := e.Labels["namespace"]; ns != "" {
		return ns
	}
	_, _, labels, _ := model.ParseID(e.ID)
	return labels["namespace"]
}

// troubledPods are the worst pod of each workload that has one in trouble, and those of none, by parent; the
// parent of a pod of its own is its ID.
func troubledPods(pods []*model.Entity) map[string]*model.Entity {
	out := map[string]*model.Entity{}
	for _, e := range pods {
		if !e.State.Problem() {
			continue
		}
		parent := e.Parent
		if parent == "" || strings.Count(parent, "/") < 4 { // a namespace
			parent = e.ID
		}
		if was := out[parent]; was == nil || e.State.Worse(was.State) {
			out[parent] = e
		}
	}
	return out
}

func sortedPods(pods map[string]*model.Entity) []*model.Entity {
	out := make([]*model.Entity, 0, len(pods))
	for _, e := range pods {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *model.Entity) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// widen lets namespaces that hold much more than the others take up to four columns, in steps of doubling, so
// that they change their size seldom.
func widen(combs []comb) {
	sizes := make([]int, len(combs))
	for i := range combs {
		sizes[i] = len(combs[i].cells)
	}
	slices.Sort(sizes)
	usual := 4
	if len(sizes) > 0 {
		usual = roomFor(max(4, sizes[len(sizes)/2]))
	}
	for i := range combs {
		for combs[i].span = 1; combs[i].span < 4 && len(combs[i].cells) > 2*usual*combs[i].span; {
			combs[i].span++
		}
	}
}
