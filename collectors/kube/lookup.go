package kube

import (
	"cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

// lookup finds objects of a view. Each part is made when it is first asked for: most views never need
// most of them.
type lookup struct {
	named     map[string]map[objectKey]any // by resource
	mounting  map[objectKey][]*Pod         // by volume claim
	warnings  map[object]*Happening        // the latest about an object
	policies  map[string]int               // network policies of a namespace
	filled    map[objectKey]float64        // share of a volume, by claim
	addressed map[string]addresses         // of the ingresses of a class
	controls  map[object]bool              // what has pods
}

// find is the object of a resource that has a name; namespace is "" for one that is in none.
func find[K any](v *view, resource, namespace, name string) (k K, ok bool) {
	if v.lookup.named == nil {
		v.lookup.named = map[string]map[objectKey]any{}
	}
	named := v.lookup.named[resource]
	if named == nil {
		named = make(map[objectKey]any, len(v.objects[resource]))
		for _, obj := range v.objects[resource] {
			if o, ok := obj.(keptObject); ok {
				named[objectKey{o.head().Namespace, o.head().Name}] = obj
			}
		}
		v.lookup.named[resource] = named
	}
	k, ok = named[objectKey{namespace, name}].(K)
	return k, ok
}

// podsMounting are the pods that want a volume claim and have not come to their end.
func (v *view) podsMounting(namespace, claim string) []*Pod {
	if v.lookup.mounting == nil {
		v.lookup.mounting = map[objectKey][]*Pod{}
		for p := range each[*Pod](v, "pods") {
			if p.ended() {
				continue
			}
			for _, name := range p.Claims {
				key := objectKey{p.Namespace, name}
				v.lookup.mounting[key] = append(v.lookup.mounting[key], p)
			}
		}
	}
	return v.lookup.mounting[objectKey{namespace, claim}]
}

// controlsPods reports whether there is a pod of a controller.
func (v *view) controlsPods(kind, namespace, name string) bool {
	if v.lookup.controls == nil {
		v.lookup.controls = map[object]bool{}
		for p := range each[*Pod](v, "pods") {
			v.lookup.controls[object{p.OwnerKind, p.Namespace, p.Owner}] = true
		}
	}
	return v.lookup.controls[object{kind, namespace, name}]
}

// warningOf is the latest Kubernetes event that warns of an object, nil for none. kind is the API's.
func (v *view) warningOf(kind, namespace, name string) *Happening {
	if v.lookup.warnings == nil {
		v.lookup.warnings = map[object]*Happening{}
		for h := range each[*Happening](v, "events") {
			of := object{h.Kind, h.ObjectNamespace, h.ObjectName}
			if was := v.lookup.warnings[of]; was == nil || cmp.Or(h.Last.Compare(was.Last), cmp.Compare(h.Name, was.Name)) > 0 {
				v.lookup.warnings[of] = h
			}
		}
	}
	return v.lookup.warnings[object{kind, namespace, name}]
}

// conditionIn is the condition of a type, nil for none.
func conditionIn(list []Condition, kind string) *Condition {
	for i := range list {
		if list[i].Type == kind {
			return &list[i]
		}
	}
	return nil
}

// object is the entity of a namespaced object with its verdict, or what is to be said while its
// collection cannot be read. Its parent is its namespace.
func (v *view) object(collection string, kind model.Kind, m *meta, own Verdict, labels map[string]string) model.Entity {
	verdict := v.verdict(collection, own)
	labels["namespace"] = m.Namespace
	return model.Entity{
		ID: model.ObjectID(v.cluster, m.Namespace, kind, m.Name), Kind: kind, Name: m.Name,
		Parent: model.NamespaceID(v.cluster, m.Namespace), State: verdict.State, Reason: verdict.Reason, Labels: labels,
	}
}

// clusterObject is the same for an object that is in no namespace.
func (v *view) clusterObject(collection string, kind model.Kind, m *meta, own Verdict, labels map[string]string) model.Entity {
	verdict := v.verdict(collection, own)
	return model.Entity{
		ID: model.ClusterObjectID(v.cluster, kind, m.Name), Kind: kind, Name: m.Name,
		Parent: model.ClusterID(v.cluster), State: verdict.State, Reason: verdict.Reason, Labels: labels,
	}
}
