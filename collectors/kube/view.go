package kube

import (
	"fmt"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// view is all that is known of a cluster at one instant. Its methods are pure.
type view struct {
	cluster, context, host, version string
	now                             time.Time
	known                           map[string]bool  // collections whose first list is complete
	trouble                         map[string]error // collections that cannot be read, and why
	usage                           usage
	landscape                       *landscape // nil recognises nothing

	namespaces []string       // that are watched; nil for all
	only       []string       // the namespaces that a narrow role can read; nil for all
	counted    map[string]int // objects of collections that are too large to be watched

	resources []*resource       // what is watched
	objects   map[string][]any  // what is kept, by resource
	revisions map[string]uint64 // how often the objects of a resource changed

	// By index.
	nodeByName map[string]*Node
	loadIDs    map[string]bool
	endpoints  map[string]*endpoints // by namespace/service
	lostNodes  int
	releases   map[string]int         // newest revision of Helm's releases, by namespace/name
	owners     map[string]*ReplicaSet // by namespace/name
	rollouts   map[object]*ReplicaSet // the newest one of each controller
	relations  *relations             // see related
	lookup     lookup                 // see find
	news       *newsBox               // for the changes that were seen; nil for none
}

// add takes an object of a resource in.
func (v *view) add(resource string, obj any) {
	if v.objects == nil {
		v.objects = map[string][]any{}
	}
	v.objects[resource] = append(v.objects[resource], obj)
}

// all are the resources that are watched, in the order in which they are drawn.
func (v *view) all() []*resource { return v.resources }

// resource is one of them, nil for one that is not watched.
func (v *view) resource(name string) *resource {
	for _, r := range v.all() {
		if r.name == name {
			return r
		}
	}
	return nil
}

// revisionOf counts the changes of what a resource follows.
func (v *view) revisionOf(r *resource) uint64 {
	if r.follows == nil {
		return v.revisions[""]
	}
	var n uint64
	for _, name := range r.follows {
		n += v.revisions[name]
	}
	return n
}

// readState says what can be read and what not: a change of it concerns everything.
func (v *view) readState() string {
	var b strings.Builder
	for _, r := range v.all() {
		fmt.Fprintf(&b, "%s %t %v\n", r.name, v.known[r.name], v.trouble[r.name])
	}
	return b.String()
}

// index prepares the look-ups, once all is added.
func (v *view) index() {
	v.nodeByName, v.lostNodes = make(map[string]*Node, len(v.objects["nodes"])), 0
	for n := range each[*Node](v, "nodes") {
		v.nodeByName[n.Name] = n
		if n.lost() {
			v.lostNodes++
		}
	}
	v.loadIDs = map[string]bool{}
	for name, kind := range workloadKinds {
		for w := range each[*Workload](v, name) {
			v.loadIDs[model.ObjectID(v.cluster, w.Namespace, kind, w.Name)] = true
		}
	}
	for j := range each[*Job](v, "jobs") {
		v.loadIDs[model.ObjectID(v.cluster, j.Namespace, model.KindJob, j.Name)] = true
	}
	v.relations, v.lookup = nil, lookup{}
	v.indexReleases()
	v.owners, v.rollouts = map[string]*ReplicaSet{}, map[object]*ReplicaSet{}
	for rs := range each[*ReplicaSet](v, "replicasets") {
		v.owners[rs.Namespace+"/"+rs.Name] = rs
		of := object{rs.OwnerKind, rs.Namespace, rs.Owner}
		if was := v.rollouts[of]; was == nil || rs.Created.After(was.Created) {
			v.rollouts[of] = rs
		}
	}
	v.endpoints = map[string]*endpoints{}
	for s := range each[*Slice](v, "endpointslices") {
		key := s.Namespace + "/" + s.Service
		e := v.endpoints[key]
		if e == nil {
			e = &endpoints{}
			v.endpoints[key] = e
		}
		e.ready += s.Ready
		e.total += s.Total
		e.pods = append(e.pods, s.Pods...)
	}
}

// workload is what controls a pod: its entity, "" when there is none on the wall, and "kind/name".
func (v *view) workload(p *Pod) (id, label string) {
	kind, name := p.OwnerKind, p.Owner
	if kind == "ReplicaSet" {
		if rs := v.owners[p.Namespace+"/"+name]; rs != nil && rs.OwnerKind == "Deployment" {
			kind, name = rs.OwnerKind, rs.Owner
		}
	}
	if kind == "" {
		return "", ""
	}
	kind = strings.ToLower(kind)
	id = model.ObjectID(v.cluster, p.Namespace, model.Kind(kind), name)
	if !v.loadIDs[id] {
		id = ""
	}
	return id, kind + "/" + name
}

// verdict is v, or what is to be said while the collection cannot be read.
func (v *view) verdict(collection string, own Verdict) Verdict {
	err := v.trouble[collection]
	switch {
	case err == nil:
		return own
	case isForbidden(err):
		return Verdict{model.Unknown, short(collection, err)}
	}
	return Verdict{model.Stale, short(collection, err)}
}

func (v *view) isLost(node string) bool {
	n := v.nodeByName[node]
	return n != nil && n.lost()
}

// readable reports whether a collection is known and can still be read.
func (v *view) readable(collection string) bool {
	return v.known[collection] && v.trouble[collection] == nil
}
