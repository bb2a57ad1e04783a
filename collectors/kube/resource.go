package kube

import (
	"fmt"
	"iter"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	appsinformers "k8s.io/client-go/informers/apps/v1"
	autoscalinginformers "k8s.io/client-go/informers/autoscaling/v2"
	batchinformers "k8s.io/client-go/informers/batch/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	discoveryinformers "k8s.io/client-go/informers/discovery/v1"
	networkinginformers "k8s.io/client-go/informers/networking/v1"
	policyinformers "k8s.io/client-go/informers/policy/v1"
	storageinformers "k8s.io/client-go/informers/storage/v1"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"

	"github.com/nocturne-noc/nocturne/store/model"
)

// tweak changes what is asked of the API server for a list or a watch.
type tweak = func(*metav1.ListOptions)

// resource is a collection of the API that is watched. All that Nocturne makes of its objects, from the
// struct that is kept to the samples, stands in one file per resource; this table ties it together.
type resource struct {
	name       string // plural, as in the API's paths
	gvr        schema.GroupVersionResource
	namespaced bool
	tier       tier
	selector   string // of fields; "" for all
	// optional says that a cluster may lack this API: while the server answers 404 it is absent, not
	// known, and nothing is wrong.
	optional bool
	// optIn says that it is watched only where the configuration asks for it: most roles may not read it.
	optIn bool
	// follows names the resources whose objects matter to what is drawn and measured of these, besides
	// these themselves; nil stands for all of them, which costs a redraw with each change of anything.
	// Each interval all is drawn anew, so that verdicts may look at the time, but for what is well and
	// says nothing where follows is set; what is measured may not look at it then.
	follows []string
	// informer makes the watch of a namespace, "" for all.
	informer func(c *Cluster, namespace string, t tweak) cache.SharedIndexInformer
	behaviour
}

// key tells a collection from one of the same name in another group.
func (r *resource) key() string { return r.gvr.GroupResource().String() }

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
	// discover names what else is to be watched because of these objects, such as the collections that
	// custom resource definitions define. It is asked when they change: what it names no more is
	// watched no more.
	discover func(v *view) []resource
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
	{name: "nodes", gvr: corev1.SchemeGroupVersion.WithResource("nodes"), tier: essential, behaviour: nodeBehaviour, informer: func(c *Cluster, _ string, t tweak) cache.SharedIndexInformer {
		return coreinformers.NewFilteredNodeInformer(c.api, 0, nil, t)
	}},
	{name: "pods", gvr: corev1.SchemeGroupVersion.WithResource("pods"), namespaced: true, tier: essential, follows: podFollows, behaviour: podBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return coreinformers.NewFilteredPodInformer(c.api, ns, 0, nil, t)
	}},
	{name: "deployments", gvr: appsv1.SchemeGroupVersion.WithResource("deployments"), namespaced: true, tier: regular, behaviour: deploymentBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return appsinformers.NewFilteredDeploymentInformer(c.api, ns, 0, nil, t)
	}},
	{name: "replicasets", gvr: appsv1.SchemeGroupVersion.WithResource("replicasets"), namespaced: true, tier: regular, follows: []string{"pods"}, behaviour: replicaSetBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return metadataInformer(c, appsv1.SchemeGroupVersion.WithResource("replicasets"), ns, t)
	}},
	{name: "statefulsets", gvr: appsv1.SchemeGroupVersion.WithResource("statefulsets"), namespaced: true, tier: regular, behaviour: statefulSetBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return appsinformers.NewFilteredStatefulSetInformer(c.api, ns, 0, nil, t)
	}},
	{name: "daemonsets", gvr: appsv1.SchemeGroupVersion.WithResource("daemonsets"), namespaced: true, tier: regular, behaviour: daemonSetBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return appsinformers.NewFilteredDaemonSetInformer(c.api, ns, 0, nil, t)
	}},
	{name: "services", gvr: corev1.SchemeGroupVersion.WithResource("services"), namespaced: true, tier: regular, follows: []string{"endpointslices"}, behaviour: serviceBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return coreinformers.NewFilteredServiceInformer(c.api, ns, 0, nil, t)
	}},
	{name: "endpointslices", gvr: discoveryv1.SchemeGroupVersion.WithResource("endpointslices"), namespaced: true, tier: regular, behaviour: sliceBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return discoveryinformers.NewFilteredEndpointSliceInformer(c.api, ns, 0, nil, t)
	}},
	{name: "namespaces", gvr: corev1.SchemeGroupVersion.WithResource("namespaces"), tier: regular, follows: []string{}, behaviour: namespaceBehaviour, informer: func(c *Cluster, _ string, t tweak) cache.SharedIndexInformer {
		return coreinformers.NewFilteredNamespaceInformer(c.api, 0, nil, t)
	}},
	{name: "cronjobs", gvr: batchv1.SchemeGroupVersion.WithResource("cronjobs"), namespaced: true, tier: regular, optional: true, follows: []string{}, behaviour: cronJobBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return batchinformers.NewFilteredCronJobInformer(c.api, ns, 0, nil, t)
	}},
	{name: "jobs", gvr: batchv1.SchemeGroupVersion.WithResource("jobs"), namespaced: true, tier: regular, follows: []string{"cronjobs"}, behaviour: jobBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return batchinformers.NewFilteredJobInformer(c.api, ns, 0, nil, t)
	}},
	{name: "storageclasses", gvr: storagev1.SchemeGroupVersion.WithResource("storageclasses"), tier: regular, follows: []string{}, behaviour: storageClassBehaviour, informer: func(c *Cluster, _ string, t tweak) cache.SharedIndexInformer {
		return storageinformers.NewFilteredStorageClassInformer(c.api, 0, nil, t)
	}},
	{name: "persistentvolumes", gvr: corev1.SchemeGroupVersion.WithResource("persistentvolumes"), tier: regular, follows: []string{}, behaviour: volumeBehaviour, informer: func(c *Cluster, _ string, t tweak) cache.SharedIndexInformer {
		return coreinformers.NewFilteredPersistentVolumeInformer(c.api, 0, nil, t)
	}},
	{name: "persistentvolumeclaims", gvr: corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims"), namespaced: true, tier: regular, follows: []string{"storageclasses", "persistentvolumes", "events", "usage"}, behaviour: claimBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return coreinformers.NewFilteredPersistentVolumeClaimInformer(c.api, ns, 0, nil, t)
	}},
	{name: "horizontalpodautoscalers", gvr: autoscalingv2.SchemeGroupVersion.WithResource("horizontalpodautoscalers"), namespaced: true, tier: regular, optional: true, follows: []string{}, behaviour: autoscalerBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return autoscalinginformers.NewFilteredHorizontalPodAutoscalerInformer(c.api, ns, 0, nil, t)
	}},
	// Which pods a budget guards is looked at once an interval: following all pods costs too much.
	{name: "poddisruptionbudgets", gvr: policyv1.SchemeGroupVersion.WithResource("poddisruptionbudgets"), namespaced: true, tier: regular, optional: true, follows: []string{}, behaviour: budgetBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return policyinformers.NewFilteredPodDisruptionBudgetInformer(c.api, ns, 0, nil, t)
	}},
	{name: "ingresses", gvr: networkingv1.SchemeGroupVersion.WithResource("ingresses"), namespaced: true, tier: regular, optional: true, follows: []string{"services", "secrets"}, behaviour: ingressBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return networkinginformers.NewFilteredIngressInformer(c.api, ns, 0, nil, t)
	}},
	{name: "networkpolicies", gvr: networkingv1.SchemeGroupVersion.WithResource("networkpolicies"), namespaced: true, tier: regular, optional: true, follows: []string{}, behaviour: networkPolicyBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return networkinginformers.NewFilteredNetworkPolicyInformer(c.api, ns, 0, nil, t)
	}},
	{name: "resourcequotas", gvr: corev1.SchemeGroupVersion.WithResource("resourcequotas"), namespaced: true, tier: regular, follows: []string{}, behaviour: quotaBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return coreinformers.NewFilteredResourceQuotaInformer(c.api, ns, 0, nil, t)
	}},
	{name: apiServices.Resource, gvr: apiServices, tier: regular, optional: true, follows: []string{"services"}, behaviour: apiServiceBehaviour, informer: func(c *Cluster, _ string, t tweak) cache.SharedIndexInformer {
		return dynamicInformer(c, apiServices, "", t)
	}},
	// Normal events are the cluster's small talk: they are not even transferred.
	{name: "events", gvr: corev1.SchemeGroupVersion.WithResource("events"), namespaced: true, tier: regular, selector: "type!=" + corev1.EventTypeNormal, behaviour: happeningBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return coreinformers.NewFilteredEventInformer(c.api, ns, 0, nil, t)
	}},
	{name: definitions.Resource, gvr: definitions, tier: regular, behaviour: definitionBehaviour, informer: func(c *Cluster, _ string, t tweak) cache.SharedIndexInformer {
		return dynamicInformer(c, definitions, metav1.NamespaceAll, t)
	}},
	{name: "secrets", gvr: corev1.SchemeGroupVersion.WithResource("secrets"), namespaced: true, optIn: true, tier: regular, selector: tlsSelector, follows: []string{"secrets"}, behaviour: secretBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return coreinformers.NewFilteredSecretInformer(c.api, ns, 0, nil, t)
	}},
	{name: helmReleases, gvr: helmSecrets, namespaced: true, optIn: true, tier: regular, selector: helmSelector, follows: []string{helmReleases}, behaviour: helmBehaviour, informer: func(c *Cluster, ns string, t tweak) cache.SharedIndexInformer {
		return metadataInformer(c, helmSecrets, ns, t)
	}},
}

// podFollows are what a pod is drawn from besides itself: its node, and what it belongs to.
var podFollows = []string{"nodes", "replicasets", "deployments", "statefulsets", "daemonsets", "jobs", "persistentvolumeclaims"}

// metadataInformer watches only the metadata of a collection, as *metav1.PartialObjectMetadata.
func metadataInformer(c *Cluster, gvr schema.GroupVersionResource, namespace string, t tweak) cache.SharedIndexInformer {
	return metadatainformer.NewFilteredMetadataInformer(c.metadata, gvr, namespace, 0, nil, t).Informer()
}

// dynamicInformer watches a collection whose type is not known here, as *unstructured.Unstructured.
func dynamicInformer(c *Cluster, gvr schema.GroupVersionResource, namespace string, t tweak) cache.SharedIndexInformer {
	return dynamicinformer.NewFilteredDynamicInformer(c.dynamic, gvr, namespace, 0, nil, t).Informer()
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
