package kube

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nocturne-noc/nocturne/store/model"
)

// canvas remembers what was drawn and measured of each object, so that a change in a cluster of many
// thousand pods costs the drawing of what changed and of what follows it, and not of all. It also lets
// the store and the collector share one copy of entities and labels: what is drawn again and comes out
// the same is the old one.
type canvas struct {
	pass   uint64
	drawn  map[string]map[objectKey]*drawn // by resource
	order  map[string][]*drawn             // the same, in the order of their names
	seen   map[string]uint64               // the revision of what a resource follows when it was last drawn
	state  string                          // what could be read, and what not
	linked bool                            // all pods are linked
	spaces map[string]model.Entity         // namespaces, by name
	whole  model.Entity                    // the cluster
	// projects are those of the landscape, by name.
	projects map[string]model.Entity
	// sampled is how many samples there were last.
	sampled int
}

// objectKey names an object of a resource.
type objectKey struct{ namespace, name string }

// drawn is what became of an object.
type drawn struct {
	key      objectKey
	obj      any
	pass     uint64 // the last one in which it was there
	shown    bool
	entity   model.Entity
	links    []model.Link
	measured bool
	samples  []model.Sample
}

// changes are what has to be told after a drawing.
type changes struct {
	entities        []model.Entity
	links           []model.Link
	gone, goneLinks []string
}

func (c changes) empty() bool {
	return len(c.entities)+len(c.links)+len(c.gone)+len(c.goneLinks) == 0
}

func newCanvas() *canvas {
	return &canvas{drawn: map[string]map[objectKey]*drawn{}, order: map[string][]*drawn{}, seen: map[string]uint64{}, spaces: map[string]model.Entity{}, projects: map[string]model.Entity{}}
}

// draw brings the canvas up to date and returns what is different. all draws each object anew, which
// verdicts that look at the time need now and then.
func (c *canvas) draw(v *view, all bool) changes {
	c.pass++
	var diff changes
	linked := len(v.objects["pods"]) <= maxLinkedPods
	turned := false
	if state := v.readState(); state != c.state || linked != c.linked {
		turned, c.state, c.linked = true, state, linked
	}
	spaces := map[string]*tally{}
	for _, r := range v.all() {
		if r.draw == nil && r.measure == nil {
			continue
		}
		revision := v.revisionOf(r)
		stale := turned || revision != c.seen[r.name]
		c.seen[r.name] = revision
		c.drawResource(v, r, all, stale, &diff)
		if r.namespaced {
			for _, d := range c.order[r.name] {
				if d.shown {
					spaceOf(spaces, d.key.namespace).count(d.entity.State)
				}
			}
		}
	}
	for name := range c.drawn {
		if v.resource(name) == nil { // watched no more
			for _, d := range c.order[name] {
				d.erase(&diff)
			}
			delete(c.drawn, name)
			delete(c.order, name)
		}
	}
	c.drawSpaces(v, spaces, &diff)
	c.drawProjects(v, &diff)
	return diff
}

// drawResource draws the objects of a resource that changed, and all of them where something that they
// depend upon has changed (stale) or may have by the mere passing of time (all).
func (c *canvas) drawResource(v *view, r *resource, all, stale bool, diff *changes) {
	objects := v.objects[r.name]
	known := c.drawn[r.name]
	if known == nil {
		known = make(map[objectKey]*drawn, len(objects))
		c.drawn[r.name] = known
	}
	sorted := c.order[r.name]
	came := false
	for _, obj := range objects {
		o := obj.(metav1.Object)
		key := objectKey{o.GetNamespace(), o.GetName()}
		d := known[key]
		if d == nil {
			d = &drawn{key: key}
			known[key], sorted, came = d, append(sorted, d), true
		}
		changed := d.obj != obj
		d.obj, d.pass = obj, c.pass
		if changed || stale || all && !d.steady(r) {
			d.draw(v, r, c.linked, diff)
		}
		if changed || stale || r.follows == nil {
			d.measured = false
		}
	}
	if len(sorted) > len(objects) {
		sorted = slices.DeleteFunc(sorted, func(d *drawn) bool {
			if d.pass == c.pass {
				return false
			}
			d.erase(diff)
			delete(known, d.key)
			return true
		})
	}
	if came {
		slices.SortFunc(sorted, func(a, b *drawn) int {
			return cmp.Or(strings.Compare(a.key.namespace, b.key.namespace), strings.Compare(a.key.name, b.key.name))
		})
	}
	c.order[r.name] = sorted
}

// steady reports whether time alone changes nothing: an object that is well, with nothing to say, and of
// which is known what it follows.
func (d *drawn) steady(r *resource) bool {
	return r.follows != nil && d.shown && d.entity.State == model.OK && d.entity.Reason == ""
}

// draw draws the object anew. What comes out as it was is not told, and keeps its memory.
func (d *drawn) draw(v *view, r *resource, linked bool, diff *changes) {
	if r.draw == nil {
		return
	}
	e, ok := r.draw(v, d.obj)
	if !ok {
		d.erase(diff)
		return
	}
	if d.shown && d.entity.ID != e.ID {
		d.erase(diff)
	}
	if !d.shown || !sameEntity(d.entity, e) {
		d.entity, d.shown = e, true
		diff.entities = append(diff.entities, e)
	}
	var links []model.Link
	if r.link != nil && (linked || e.State.Problem()) {
		links = r.link(v, d.obj, e.ID, nil)
	}
	if !slices.EqualFunc(d.links, links, sameEnds) {
		d.relink(links, diff)
	}
}

func (d *drawn) relink(links []model.Link, diff *changes) {
	old := make(map[string]bool, len(d.links))
	for _, l := range d.links {
		old[l.Key()] = true
	}
	for _, l := range links {
		if key := l.Key(); old[key] {
			delete(old, key)
		} else {
			diff.links = append(diff.links, l)
		}
	}
	diff.goneLinks = append(diff.goneLinks, slices.Sorted(maps.Keys(old))...)
	d.links = links
}

func sameEnds(a, b model.Link) bool { return a.Kind == b.Kind && a.A == b.A && a.B == b.B }

// erase takes what was drawn of the object off the wall.
func (d *drawn) erase(diff *changes) {
	if d.shown {
		diff.gone = append(diff.gone, d.entity.ID)
	}
	if len(d.links) > 0 {
		d.relink(nil, diff)
	}
	d.shown, d.entity = false, model.Entity{}
}

// drawSpaces draws what sums the rest up: the namespaces and the cluster.
func (c *canvas) drawSpaces(v *view, spaces map[string]*tally, diff *changes) {
	var sum tally
	for p := range each[*Pod](v, "pods") {
		if p.Phase == "Succeeded" {
			continue
		}
		t := spaceOf(spaces, p.Namespace)
		t.pods++
		sum.pods++
		if p.ready() && !v.isLost(p.Node) {
			t.ready++
			sum.ready++
		}
	}
	for n := range each[*Namespace](v, "namespaces") {
		if v.watches(n.Name) {
			spaceOf(spaces, n.Name)
		}
	}
	for ns, t := range spaces {
		e := v.namespace(ns, *t)
		if old, ok := c.spaces[ns]; !ok || !sameEntity(old, e) {
			c.spaces[ns] = e
			diff.entities = append(diff.entities, e)
		}
	}
	for ns, e := range c.spaces {
		if spaces[ns] == nil {
			diff.gone = append(diff.gone, e.ID)
			delete(c.spaces, ns)
		}
	}
	if e := v.clusterEntity(sum); !sameEntity(c.whole, e) {
		c.whole = e
		diff.entities = append(diff.entities, e)
	}
}

func spaceOf(spaces map[string]*tally, ns string) *tally {
	t := spaces[ns]
	if t == nil {
		t = &tally{}
		spaces[ns] = t
	}
	return t
}

// picture is all that is drawn, in an order of its own.
func (c *canvas) picture(v *view) picture {
	var pic picture
	for _, r := range v.all() {
		for _, d := range c.order[r.name] {
			if d.shown {
				pic.entities = append(pic.entities, d.entity)
				pic.links = append(pic.links, d.links...)
			}
		}
	}
	for _, ns := range slices.Sorted(maps.Keys(c.spaces)) {
		pic.entities = append(pic.entities, c.spaces[ns])
	}
	for _, name := range slices.Sorted(maps.Keys(c.projects)) {
		pic.entities = append(pic.entities, c.projects[name])
	}
	pic.entities = append(pic.entities, c.whole)
	return pic
}

// shown are the entities of all objects that can be read.
func (c *canvas) shown(v *view) []*model.Entity {
	var list []*model.Entity
	for _, r := range v.all() {
		for _, d := range c.order[r.name] {
			if d.shown && v.readable(r.name) {
				list = append(list, &d.entity)
			}
		}
	}
	return list
}

// samples measures the cluster as it was drawn last. An object that did not change, nor anything that it
// follows, has its samples of last time, and the strings of their labels are those that the store holds.
func (c *canvas) samples(v *view, t time.Time, latency time.Duration) []model.Sample {
	s := &sampler{cluster: v.cluster, t: t.UnixMilli(), out: make([]model.Sample, 0, c.sampled+64)}
	s.add("nocturne_kube_api_latency_seconds", latency.Seconds())
	if len(v.only) > 0 { // so that nobody takes the sums of these for the cluster's
		s.add("nocturne_kube_only_namespaces", float64(len(v.only)))
	}
	for _, r := range v.all() {
		if r.measure == nil || !v.readable(r.name) {
			continue
		}
		for _, d := range c.order[r.name] {
			from := len(s.out)
			if d.measured {
				s.out = append(s.out, d.samples...)
				for i := range s.out[from:] {
					s.out[from+i].T = s.t
				}
				continue
			}
			s.was, s.from = d.samples, from
			r.measure(s, v, d.obj)
			d.samples, d.measured, s.was = slices.Clone(s.out[from:]), true, nil
		}
	}
	s.problems(v, c.shown(v))
	v.measureUsage(s)
	c.sampled = len(s.out)
	return s.out
}
