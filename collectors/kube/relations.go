package kube

import (
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// relations lead from what controls and selects to its pods, for those few objects that are in trouble. They
// are built when the first one asks.
type relations struct {
	pods  map[object][]*Pod            // by controller
	alike map[string]map[string][]*Pod // by namespace and label text: pods of one template
	told  map[object]*Happening        // the latest Kubernetes event about an object
}

// related returns the relations of the view.
func (v *view) related() *relations {
	if v.relations != nil {
		return v.relations
	}
	r := &relations{
		pods: make(map[object][]*Pod, len(v.loadIDs)), alike: map[string]map[string][]*Pod{}, told: map[object]*Happening{},
	}
	v.relations = r
	// Pods of one owner have one controller and, but for changed labels, one text of labels: it is found once.
	owned := make(map[object][]*Pod, len(v.loadIDs))
	for p := range each[*Pod](v, "pods") {
		owner := object{p.OwnerKind, p.Namespace, p.Owner}
		owned[owner] = append(owned[owner], p)
	}
	for _, pods := range owned {
		if owner := v.controller(pods[0]); owner.kind != "" {
			r.pods[owner] = append(r.pods[owner], pods...)
		}
		space := r.alike[pods[0].Namespace]
		if space == nil {
			space = map[string][]*Pod{}
			r.alike[pods[0].Namespace] = space
		}
		for len(pods) > 0 {
			n := 1
			for n < len(pods) && pods[n].Labels == pods[0].Labels {
				n++
			}
			space[pods[0].Labels] = append(space[pods[0].Labels], pods[:n]...)
			pods = pods[n:]
		}
	}
	for h := range each[*Happening](v, "events") {
		of := object{h.Kind, h.ObjectNamespace, h.ObjectName}
		if was := r.told[of]; was == nil || h.Last.After(was.Last) || h.Last.Equal(was.Last) && h.Name > was.Name {
			r.told[of] = h
		}
	}
	return r
}

// controller is what a pod belongs to in the end: the deployment behind its replica set. Its kind is "" for a
// pod of its own.
func (v *view) controller(p *Pod) object {
	if p.OwnerKind == "ReplicaSet" {
		if rs := v.owners[p.Namespace+"/"+p.Owner]; rs != nil && rs.OwnerKind == "Deployment" {
			return object{rs.OwnerKind, rs.Namespace, rs.Owner}
		}
	}
	if p.OwnerKind == "" {
		return object{}
	}
	return object{p.OwnerKind, p.Namespace, p.Owner}
}

// object is how the API names a workload.
func (w *Workload) object() object { return object{apiKinds[w.Kind], w.Namespace, w.Name} }

// workloadOf is the workload that a pod belongs to, nil for none that is known.
func (v *view) workloadOf(p *Pod) *Workload {
	owner := v.controller(p)
	w, _ := find[*Workload](v, strings.ToLower(owner.kind)+"s", owner.namespace, owner.name)
	return w
}

// replaced reports whether a pod that failed is made up for: its workload has all that it wants.
func (v *view) replaced(p *Pod) bool {
	w := v.workloadOf(p)
	return w != nil && w.Desired > 0 && w.Available >= w.Desired
}

// matching are the pods of a namespace that a selector matches, "a=b,c=d". Pods that have come to their end
// serve nobody and do not count.
func (v *view) matching(namespace, selector string) []*Pod {
	var out []*Pod
	var shared, own []string
	for pair := range strings.SplitSeq(selector, ",") {
		if strings.HasPrefix(pair, podNameLabel+"=") || strings.HasPrefix(pair, podIndexLabel+"=") {
			own = append(own, pair)
		} else {
			shared = append(shared, pair)
		}
	}
	for labels, pods := range v.related().alike[namespace] {
		if !matches(labels, shared) {
			continue
		}
		for _, p := range pods {
			if !p.ended() && p.is(own) {
				out = append(out, p)
			}
		}
	}
	return out
}

// matches reports whether a label text has all pairs.
func matches(labels string, pairs []string) bool {
	return !slices.ContainsFunc(pairs, func(pair string) bool { return !strings.Contains(labels, ","+pair+",") })
}

// is reports whether a pod has those labels that are left out of its text.
func (p *Pod) is(pairs []string) bool {
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		switch {
		case p.OwnerKind != "StatefulSet":
			return false
		case key == podNameLabel && value != p.Name:
			return false
		case key == podIndexLabel && !strings.HasSuffix(p.Name, "-"+value):
			return false
		}
	}
	return true
}

// lostPods is how many pods of a workload are on lost nodes, and what became of them.
type lostPods struct {
	node                  string // the first by name
	pods, nodes, replaced int
	replaces              bool // a controller of this kind starts others elsewhere
	since                 time.Time
}

// String is what the workload's tile says: "1 pod on lost node n7, replaced by 1 of 1 elsewhere".
func (l lostPods) String() string {
	text := plural(l.pods, "pod") + " on lost node " + l.node
	if l.nodes > 1 {
		text = plural(l.pods, "pod") + " on " + number(l.nodes) + " lost nodes"
	}
	if !l.replaces {
		return text
	}
	return text + ", replaced by " + number(l.replaced) + " of " + number(l.pods) + " elsewhere"
}

// lostPods finds what of a workload is on lost nodes, and how many have been started in their place: pods
// that are ready on other nodes and younger than the loss.
func (v *view) lostPods(w *Workload) lostPods {
	l := lostPods{replaces: w.Kind != model.KindDaemonSet}
	if v.lostNodes == 0 {
		return l
	}
	nodes := map[string]bool{}
	pods := v.related().pods[w.object()]
	for _, p := range pods {
		if p.ended() || !v.isLost(p.Node) {
			continue
		}
		l.pods++
		if nodes[p.Node] = true; l.node == "" || p.Node < l.node {
			l.node = p.Node
		}
		if c := v.nodeByName[p.Node].condition("Ready"); l.since.IsZero() || c.Since.Before(l.since) {
			l.since = c.Since
		}
	}
	if l.pods == 0 {
		return l
	}
	l.nodes = len(nodes)
	for _, p := range pods {
		if p.ready() && !p.ended() && !v.isLost(p.Node) && p.Created.After(l.since) {
			l.replaced++
		}
	}
	l.replaced = min(l.replaced, l.pods)
	return l
}

// lastRollout is when a workload was last changed as far as is known: a change that was seen, or the birth of
// its newest replica set. Zero when neither is known.
func (v *view) lastRollout(w *Workload) time.Time {
	var at time.Time
	if rs := v.rollouts[w.object()]; rs != nil {
		at = rs.Created
	}
	if d, ok := v.lastChange(w.object()); ok && d.At.After(at) {
		at = d.At
	}
	return at
}

// lastChange is the latest change of an object that was seen; what restricts it to some, none to all.
func (v *view) lastChange(of object, what ...string) (dated, bool) {
	if v.news == nil {
		return dated{}, false
	}
	return v.news.lastChange(of, what...)
}
