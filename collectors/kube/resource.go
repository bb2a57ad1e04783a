package kube

import (
	"fmt"
	"iter"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsinformers "k8s.io/client-go/informers/apps/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	discoveryinformers "k8s.io/client-go/informers/discovery/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/nocturne-noc/nocturne/store/model"
)

// tweak changes what is asked of the API server for a list or a watch.
type tweak = func(*metav1.ListOptions)

// resource is a collection of the API that is watched. All that Nocturne makes of its objects, from the
// struct that is kept to the samples, stands in one file per resource; this table ties it together.
type resource struct {
	name       string // plural, as in the API's paths
	namespaced bool
	tier       tier
	selector   string // of fields; "" for all
	// optional says that a cluster may lack this API: then it is absent, and nothing is wrong.
	optional bool
	// informer makes the watch of a namespace, "" for all.
	informer func(c *Cluster, namespace string, t tweak) cache.SharedIndexInformer
	behaviour
}

// tier is when a resource is watched: the first picture waits for the essential ones alone.
type tier int

const (
	essential tier = iota
	regular
)

// behaviour is what becomes of the objects of a resource. Each function may be nil: then nothing does.
// They are pure, and get what keep returned.
type behaviour struct {
	keep    func(in *interner, obj any) (kept any, ok bool) // ok is false for what is kept already
	draw    func(v *view, obj any) (e model.Entity, ok bool)
	link    func(v *view, obj any, id string, links []model.Link) []model.Link
	measure func(s *sampler, v *view, obj any)
}

// behaves makes a behaviour of functions for an API's type A of which K is kept.
func behaves[A, K any](
	keep func(*interner, *A) *K,
	draw func(*view, *K) (model.Entity, bool),
	link func(*view, *K, string, []model.Link) []model.Link,
	measure func(*sampler, *view, *K),
) behaviour {
	b := behaviour{keep: func(in *interner, obj any) (any, bool) {
		if o, ok := obj.(*A); ok {
			return keep(in, o), true
		}
		return obj, false
	}}
	if draw != nil {
		b.draw = func(v *view, obj any) (model.Entity, bool) { return draw(v, obj.(*K)) }
	}
	if link != nil {
		b.link = func(v *view, obj any, id string, links []model.Link) []model.Link {
			return link(v, obj.(*K), id, links)
		}
	}
	if measure != nil {
		b.measure = func(s *sampler, v *view, obj any) { measure(s, v, obj.(*K)) }
	}
	return b
}

// resources are what is watched, in the order in which they are asked for.
var resources = []resource{
	{name: "nodes", tier: essential, behaviour: nodeBehaviour, informer: func(c *Cluster, _ string, t tweak) cache.SharedIndexInformer {
		return coreinformers.NewFilteredNodeInformer(c.api, 0, nil, t)
	}},
	{name: "pods", namespaced: true, tier: essential, behaviour: podBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return coreinformers.NewFilteredPodInformer(c.api, ns, 0, nil, t)
	}},
	{name: "deployments", namespaced: true, tier: regular, behaviour: deploymentBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return appsinformers.NewFilteredDeploymentInformer(c.api, ns, 0, nil, t)
	}},
	{name: "replicasets", namespaced: true, tier: regular, behaviour: replicaSetBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return appsinformers.NewFilteredReplicaSetInformer(c.api, ns, 0, nil, t)
	}},
	{name: "statefulsets", namespaced: true, tier: regular, behaviour: statefulSetBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return appsinformers.NewFilteredStatefulSetInformer(c.api, ns, 0, nil, t)
	}},
	{name: "daemonsets", namespaced: true, tier: regular, behaviour: daemonSetBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return appsinformers.NewFilteredDaemonSetInformer(c.api, ns, 0, nil, t)
	}},
	{name: "services", namespaced: true, tier: regular, behaviour: serviceBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return coreinformers.NewFilteredServiceInformer(c.api, ns, 0, nil, t)
	}},
	{name: "endpointslices", namespaced: true, tier: regular, behaviour: sliceBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return discoveryinformers.NewFilteredEndpointSliceInformer(c.api, ns, 0, nil, t)
	}},
	// Normal events are the cluster's small talk: they are not even transferred.
	{name: "events", namespaced: true, tier: regular, selector: "type!=" + corev1.EventTypeNormal, behaviour: happeningBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return coreinformers.NewFilteredEventInformer(c.api, ns, 0, nil, t)
	}},
}

// transform turns an object of the API into what is kept of it. It is idempotent, as informers demand,
// and a panic in it, which would end the program, is an error.
func (r *resource) transform(in *interner, obj any) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, fmt.Errorf("object %T of the API server: panicked: %v", obj, p)
		}
	}()
	out, _ = r.keep(in, obj)
	return out, nil
}

// each goes through the objects of a resource.
func each[K any](v *view, name string) iter.Seq[K] {
	return func(yield func(K) bool) {
		for _, obj := range v.objects[name] {
			if o, ok := obj.(K); ok && !yield(o) {
				return
			}
		}
	}
}

// inTier are the resources of a tier.
func inTier(t tier) []resource {
	var list []resource
	for _, r := range resources {
		if r.tier == t {
			list = append(list, r)
		}
	}
	return list
}
