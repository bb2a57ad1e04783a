package kube

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/tools/cache"

	"github.com/nocturne-noc/nocturne/store/model"
)

// definitions is the collection of all definitions of custom resources.
var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

var definitionBehaviour = func() behaviour {
	b := behaves((*interner).definition, (*view).definition, nil, (*sampler).definition)
	b.discover = customResources
	return b
}()

// Definition is a kind of custom resources: a CustomResourceDefinition of apiextensions.k8s.io/v1
// without its schemas.
type Definition struct {
	meta
	Group, Kind, Plural string
	Namespaced          bool
	Served              []string // versions, the greatest first
	Storage             string   // the version in which objects are stored
	Release             string   // of its project, as its label says; "" for unknown
	Established         bool
	Refused             *Condition // its names are taken
	Gone                time.Time  // when it was told to go, zero while it stays
}

func (in *interner) definition(u *unstructured.Unstructured) *Definition {
	field := func(path ...string) string {
		s, _ := fieldOf(u.Object, path)
		return in.str(clip(s, 253))
	}
	labels := u.GetLabels()
	d := &Definition{
		meta:  in.unstructured(u),
		Group: field("spec", "group"), Kind: field("spec", "names", "kind"), Plural: field("spec", "names", "plural"),
		Namespaced: field("spec", "scope") == "Namespaced", Release: in.str(clip(labels["app.kubernetes.io/version"], 40)),
	}
	if gone := u.GetDeletionTimestamp(); gone != nil {
		d.Gone = gone.Time
	}
	list, _, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "versions")
	versions, _ := list.([]any)
	for _, one := range versions {
		fields, _ := one.(map[string]any)
		name := in.str(clip(text(fields["name"]), 63))
		if fields["storage"] == true {
			d.Storage = name
		}
		if fields["served"] == true {
			d.Served = append(d.Served, name)
		}
	}
	slices.SortFunc(d.Served, func(a, b string) int { return version.CompareKubeAwareVersionStrings(b, a) })
	if c := conditionOf(u, "Established"); c != nil {
		d.Established = c.Status == "True"
	}
	if c := conditionOf(u, "NamesAccepted"); c != nil && c.Status == "False" {
		c.Message = clip(c.Message, 300)
		d.Refused = c
	}
	return d
}

// unstructured is what an informer needs to know of an object of any kind.
func (in *interner) unstructured(u *unstructured.Unstructured) meta {
	return meta{
		Name: u.GetName(), Namespace: in.str(u.GetNamespace()), UID: string(u.GetUID()),
		Version: u.GetResourceVersion(), Created: u.GetCreationTimestamp().Time,
	}
}

func (d *Definition) groupKind() schema.GroupKind {
	return schema.GroupKind{Group: d.Group, Kind: d.Kind}
}

// resource is the version to watch: the one in which objects are stored, for then the API server
// need not convert them; ok is false while none is served.
func (d *Definition) resource() (gvr schema.GroupVersionResource, ok bool) {
	if !d.Established || len(d.Served) == 0 {
		return gvr, false
	}
	v := d.Served[0]
	if slices.Contains(d.Served, d.Storage) {
		v = d.Storage
	}
	return schema.GroupVersionResource{Group: d.Group, Version: v, Resource: d.Plural}, true
}

// JudgeDefinition judges a definition of custom resources by its conditions NamesAccepted and Established.
func JudgeDefinition(d *Definition, now time.Time) Verdict {
	switch {
	case !d.Gone.IsZero() && now.Sub(d.Gone) > progressFor:
		return Verdict{model.Warning, "its deletion has not ended since " + clock(d.Gone, now)}
	case !d.Gone.IsZero():
		return Verdict{model.OK, "being deleted"}
	case d.Refused != nil:
		return Verdict{model.Warning, words("names not accepted, "+d.Refused.Reason, d.Refused.Message)}
	case !d.Established && now.Sub(d.Created) > grace:
		return Verdict{model.Warning, "not established: its API is not served"}
	}
	return Verdict{State: model.OK}
}

func (v *view) definition(d *Definition) (model.Entity, bool) {
	verdict := v.verdict(definitions.Resource, JudgeDefinition(d, v.now))
	labels := map[string]string{"group": d.Group, "kind": d.Kind, "versions": strings.Join(d.Served, ",")}
	set(labels, "release", d.Release)
	return model.Entity{
		ID: model.ClusterObjectID(v.cluster, model.KindCustomResources, d.Name), Kind: model.KindCustomResources, Name: d.Name,
		Parent: model.ClusterID(v.cluster), State: verdict.State, Reason: verdict.Reason, Labels: labels,
	}, true
}

// customKind is a kind of custom resources that is watched.
type customKind struct {
	schema.GroupVersionResource
	kind   string
	checks []healthCheck
}

// collection is the name of the kind's collection: that of its definition.
func (k *customKind) collection() string { return k.Resource + "." + k.Group }

// Custom is an object of a custom resource, of which only how it fares is kept.
type Custom struct {
	meta
	of *customKind
	customHealth
}

// maxCalmCustoms is up to how many objects of a kind all are entities; of more only those in trouble.
const maxCalmCustoms = 500

// behaviour is what becomes of the objects of a kind.
func (k *customKind) behaviour() behaviour {
	return behaves(
		func(in *interner, u *unstructured.Unstructured) *Custom {
			c := &Custom{meta: in.unstructured(u), of: k, customHealth: healthOf(u, k.checks)}
			c.Reason = in.str(c.Reason)
			return c
		},
		(*view).custom, nil, nil)
}

func (v *view) custom(c *Custom) (model.Entity, bool) {
	verdict := v.verdict(c.of.collection(), JudgeCustom(c.customHealth, v.now))
	if verdict.State == model.OK && len(v.objects[c.of.collection()]) > maxCalmCustoms {
		return model.Entity{}, false
	}
	// Objects of several kinds may have one name, so that the ID has the kind in it as kubectl writes it.
	name := c.of.collection() + "/" + c.Name
	e := model.Entity{
		ID: model.ClusterObjectID(v.cluster, model.KindCustom, name), Kind: model.KindCustom, Name: c.Name,
		Parent: model.ClusterID(v.cluster), State: verdict.State, Reason: verdict.Reason,
		Labels: map[string]string{"group": c.of.Group, "kind": c.of.kind, "version": c.of.Version, "resource": c.of.Resource},
	}
	if c.Namespace != "" {
		e.ID, e.Parent = model.ObjectID(v.cluster, c.Namespace, model.KindCustom, name), model.NamespaceID(v.cluster, c.Namespace)
		e.Labels["namespace"] = c.Namespace
	}
	return e, true
}

// customResources are what is to be watched of the custom resources that are defined: those that the
// landscape and the configuration name. They are optional, for an API may go at any moment.
func customResources(v *view) []resource {
	if v.landscape == nil {
		return nil
	}
	var list []resource
	for d := range each[*Definition](v, definitions.Resource) {
		gvr, ok := d.resource()
		if !ok || !d.Gone.IsZero() || !matchesAny(v.landscape.wanted, d.groupKind()) {
			continue
		}
		k := &customKind{GroupVersionResource: gvr, kind: d.Kind, checks: checksFor(v.landscape.health, d.groupKind())}
		b := k.behaviour()
		if d.groupKind() == certificateKind {
			b = certificateBehaviour(k)
		}
		list = append(list, resource{
			name: k.collection(), gvr: gvr, namespaced: d.Namespaced, tier: regular, optional: true, follows: []string{}, behaviour: b,
			informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer { return dynamicInformer(c, gvr, ns, t) },
		})
	}
	slices.SortFunc(list, func(a, b resource) int { return cmp.Compare(a.name, b.name) })
	return list
}

// customTally counts the objects of a kind by state.
type customTally struct {
	total int
	bad   map[model.State]int // without OK
	worst Verdict
	name  string // of the worst
}

// tallyCustoms counts the objects of a kind, and finds the worst.
func (v *view) tallyCustoms(collection string) customTally {
	t := customTally{bad: map[model.State]int{}, worst: Verdict{State: model.OK}}
	add := func(o *meta, own Verdict) {
		t.total++
		own = v.verdict(collection, own)
		if own.State == model.OK {
			return
		}
		t.bad[own.State]++
		name := strings.TrimPrefix(o.Namespace+"/"+o.Name, "/")
		if own.State.Worse(t.worst.State) || own.State == t.worst.State && name < t.name {
			t.worst, t.name = own, name
		}
	}
	for c := range each[*Custom](v, collection) {
		add(&c.meta, JudgeCustom(c.customHealth, v.now))
	}
	for c := range each[*Certificate](v, collection) {
		add(&c.meta, JudgeCertificate(c, v.now))
	}
	return t
}

// definition measures how many objects of a kind are in which state. Of kinds with too many objects to
// watch only the number is known.
func (s *sampler) definition(v *view, d *Definition) {
	add := func(state model.State, n int) {
		s.add("nocturne_kube_custom_objects", float64(n), "group", d.Group, "kind", d.Kind, "state", state.String())
	}
	if n := v.counted[d.Name]; n > 0 {
		add(model.Unknown, n)
		return
	}
	if !v.readable(d.Name) {
		return
	}
	t := v.tallyCustoms(d.Name)
	calm := t.total
	for _, state := range []model.State{model.Warning, model.Critical, model.Unknown} {
		add(state, t.bad[state])
		calm -= t.bad[state]
	}
	add(model.OK, calm)
}
