package kube

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/nocturne-noc/nocturne/store/model"
)

// place is where the API has the object of an entity.
type place struct {
	kind                     model.Kind
	group, version, resource string // version is "" where the server is to be asked
	namespace, name          string
}

// collections are where the API has the objects of a kind.
var collections = map[model.Kind]place{
	model.KindNode:            {version: "v1", resource: "nodes"},
	model.KindNamespace:       {version: "v1", resource: "namespaces"},
	model.KindPod:             {version: "v1", resource: "pods"},
	model.KindService:         {version: "v1", resource: "services"},
	model.KindVolumeClaim:     {version: "v1", resource: "persistentvolumeclaims"},
	model.KindVolume:          {version: "v1", resource: "persistentvolumes"},
	model.KindQuota:           {version: "v1", resource: "resourcequotas"},
	model.KindDeployment:      {group: "apps", version: "v1", resource: "deployments"},
	model.KindStatefulSet:     {group: "apps", version: "v1", resource: "statefulsets"},
	model.KindDaemonSet:       {group: "apps", version: "v1", resource: "daemonsets"},
	model.KindJob:             {group: "batch", version: "v1", resource: "jobs"},
	model.KindCronJob:         {group: "batch", version: "v1", resource: "cronjobs"},
	model.KindAutoscaler:      {group: "autoscaling", version: "v2", resource: "horizontalpodautoscalers"},
	model.KindBudget:          {group: "policy", version: "v1", resource: "poddisruptionbudgets"},
	model.KindIngress:         {group: "networking.k8s.io", version: "v1", resource: "ingresses"},
	model.KindAPIService:      {group: apiServices.Group, version: apiServices.Version, resource: apiServices.Resource},
	model.KindCustomResources: {group: definitions.Group, version: definitions.Version, resource: definitions.Resource},
	model.KindCertificate:     {group: certificateKind.Group, resource: "certificates"},
}

// placeOf is where the API has an entity: a container is part of its pod. It is model.ErrNotLive for what
// is no object of the API, such as a cluster or a Helm release.
func placeOf(entity string) (place, error) {
	kind, name, labels, ok := model.ParseID(entity)
	if kind == model.KindContainer {
		kind, name = model.KindPod, labels["pod"]
	}
	at, known := collections[kind]
	if kind == model.KindCustom { // resource.group/name
		collection, own, _ := strings.Cut(name, "/")
		at.resource, at.group, known = strings.Cut(collection, ".")
		name = own
	}
	at.kind, at.namespace, at.name = kind, labels["namespace"], name
	if kind == model.KindNamespace {
		at.namespace = ""
	}
	if !ok || !known {
		return place{}, fmt.Errorf("%s: %w: the API has no object of its own for it", clip(entity, 300), model.ErrNotLive)
	}
	for _, segment := range []string{at.resource, at.name} {
		if !validSegment(segment) {
			return place{}, fmt.Errorf("%s: %w: %q is no name in the API", clip(entity, 300), model.ErrNotLive, clip(segment, 100))
		}
	}
	if at.namespace != "" && !validSegment(at.namespace) || at.group != "" && !validSegment(at.group) {
		return place{}, fmt.Errorf("%s: %w: it is no name in the API", clip(entity, 300), model.ErrNotLive)
	}
	return at, nil
}

// validSegment reports whether a name may stand in a path of the API: none leads elsewhere.
func validSegment(name string) bool {
	return name != "" && len(content.IsPathSegmentName(name)) == 0 && !strings.ContainsAny(name, "?#\\")
}

func (p place) path() string {
	at := "/api/" + p.version
	if p.group != "" {
		at = "/apis/" + p.group + "/" + p.version
	}
	if p.namespace != "" {
		at += "/namespaces/" + p.namespace
	}
	return at + "/" + p.resource + "/" + p.name
}

// String is what people call it: "pods shop/web-1".
func (p place) String() string {
	return p.resource + " " + strings.TrimPrefix(p.namespace+"/"+p.name, "/")
}
