package kube

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
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

	nodes    []*Node
	pods     []*Pod
	loads    map[model.Kind][]*Workload
	services []*Service
	slices   []*Slice
	owners   map[string]*ReplicaSet // by namespace/name

	// By index.
	nodeByName map[string]*Node
	loadIDs    map[string]bool
	endpoints  map[string]*endpoints // by namespace/service
	lostNodes  int
}

// endpoints are all slices of a service.
type endpoints struct {
	ready, total int
	pods         []string
}

// workloadKinds are the kinds of collections that hold workloads.
var workloadKinds = map[string]model.Kind{
	"deployments": model.KindDeployment, "statefulsets": model.KindStatefulSet, "daemonsets": model.KindDaemonSet,
}

// add takes an object of a collection in.
func (v *view) add(collection string, obj any) {
	switch o := obj.(type) {
	case *Node:
		v.nodes = append(v.nodes, o)
	case *Pod:
		v.pods = append(v.pods, o)
	case *Workload:
		if v.loads == nil {
			v.loads = map[model.Kind][]*Workload{}
		}
		kind := workloadKinds[collection]
		v.loads[kind] = append(v.loads[kind], o)
	case *ReplicaSet:
		if v.owners == nil {
			v.owners = map[string]*ReplicaSet{}
		}
		v.owners[o.Namespace+"/"+o.Name] = o
	case *Service:
		v.services = append(v.services, o)
	case *Slice:
		v.slices = append(v.slices, o)
	}
}

// index prepares the look-ups, once all is added.
func (v *view) index() {
	v.nodeByName, v.lostNodes = make(map[string]*Node, len(v.nodes)), 0
	for _, n := range v.nodes {
		v.nodeByName[n.Name] = n
		if n.lost() {
			v.lostNodes++
		}
	}
	v.loadIDs = map[string]bool{}
	for kind, loads := range v.loads {
		for _, w := range loads {
			v.loadIDs[model.ObjectID(v.cluster, w.Namespace, kind, w.Name)] = true
		}
	}
	v.endpoints = map[string]*endpoints{}
	for _, s := range v.slices {
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

// picture is what the wall shows of a cluster.
type picture struct {
	entities []model.Entity
	links    []model.Link
}

func (p picture) empty() bool { return len(p.entities) == 0 }

// diff is what has to be told to get from p to next.
func (p picture) diff(next picture) (entities []model.Entity, links []model.Link, gone, goneLinks []string) {
	old := make(map[string]*model.Entity, len(p.entities))
	for i := range p.entities {
		old[p.entities[i].ID] = &p.entities[i]
	}
	for _, e := range next.entities {
		if was, ok := old[e.ID]; !ok || !sameEntity(*was, e) {
			entities = append(entities, e)
		}
		delete(old, e.ID)
	}
	oldLinks := make(map[string]bool, len(p.links))
	for _, l := range p.links {
		oldLinks[l.Key()] = true
	}
	for _, l := range next.links {
		if key := l.Key(); oldLinks[key] {
			delete(oldLinks, key)
		} else {
			links = append(links, l)
		}
	}
	return entities, links, slices.Sorted(maps.Keys(old)), slices.Sorted(maps.Keys(oldLinks))
}

func sameEntity(a, b model.Entity) bool {
	return a.State == b.State && a.Reason == b.Reason && a.Parent == b.Parent && a.Name == b.Name && maps.Equal(a.Labels, b.Labels)
}

// tally counts the objects of a namespace or cluster.
type tally struct{ pods, ready, problems, critical int }

func (t *tally) count(s model.State) {
	if s.Problem() {
		t.problems++
	}
	if s == model.Critical {
		t.critical++
	}
}

// picture draws the cluster.
func (v *view) picture() picture {
	var pic picture
	spaces := map[string]*tally{}
	var all tally
	space := func(ns string) *tally {
		if spaces[ns] == nil {
			spaces[ns] = &tally{}
		}
		return spaces[ns]
	}
	for _, n := range v.nodes {
		pic.entities = append(pic.entities, v.node(n))
	}
	for kind, loads := range v.loads {
		for _, w := range loads {
			e := v.load(kind, w)
			space(w.Namespace).count(e.State)
			pic.entities = append(pic.entities, e)
		}
	}
	for _, s := range v.services {
		if e, ok := v.service(s); ok {
			space(s.Namespace).count(e.State)
			pic.entities = append(pic.entities, e)
		}
	}
	linked := len(v.pods) <= maxLinkedPods
	for _, p := range v.pods {
		e := v.pod(p)
		t := space(p.Namespace)
		t.count(e.State)
		if p.Phase != "Succeeded" {
			t.pods++
			all.pods++
			if p.ready() && !v.isLost(p.Node) {
				t.ready++
				all.ready++
			}
		}
		pic.entities = append(pic.entities, e)
		if linked || e.State.Problem() {
			pic.links = v.podLinks(pic.links, p, e.ID)
		}
	}
	if linked {
		pic.links = v.serviceLinks(pic.links)
	}
	for _, ns := range slices.Sorted(maps.Keys(spaces)) {
		pic.entities = append(pic.entities, v.namespace(ns, *spaces[ns]))
	}
	pic.entities = append(pic.entities, v.clusterEntity(all))
	slices.SortFunc(pic.entities, func(a, b model.Entity) int { return cmp.Compare(a.ID, b.ID) })
	return pic
}

func (v *view) isLost(node string) bool {
	n := v.nodeByName[node]
	return n != nil && n.lost()
}

// set puts a label where there is something to say.
func set(labels map[string]string, name, value string) {
	if value != "" {
		labels[name] = value
	}
}

func number[N int | int32](n N) string { return strconv.FormatInt(int64(n), 10) }
