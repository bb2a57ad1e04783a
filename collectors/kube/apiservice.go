package kube

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/nocturne-noc/nocturne/store/model"
)

// apiServices is the collection of all API services. It is read without its types: those of
// kube-aggregator would bring a client of their own for four fields.
var apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}

var apiServiceBehaviour = behaves((*interner).apiService, (*view).apiService, (*view).apiServiceLinks, (*sampler).apiService)

// APIService is a part of the API: an APIService of apiregistration.k8s.io/v1.
type APIService struct {
	meta
	ServiceNamespace, Service string     // that serves it; "" for the API server itself
	Available                 *Condition // nil while its controller has not looked
}

func (in *interner) apiService(u *unstructured.Unstructured) *APIService {
	field := func(path ...string) string {
		s, _, _ := unstructured.NestedString(u.Object, path...)
		return in.str(clip(s, 253))
	}
	a := &APIService{meta: in.unstructured(u), ServiceNamespace: field("spec", "service", "namespace"), Service: field("spec", "service", "name")}
	if c := conditionOf(u, "Available"); c != nil {
		c.Type, c.Status, c.Reason = in.str(c.Type), in.str(clip(c.Status, 40)), in.str(clip(c.Reason, 80))
		if c.Message = clip(c.Message, 300); c.Status == "True" {
			c.Message = ""
		}
		a.Available = c
	}
	return a
}

// JudgeAPIService judges a part of the API: while it is not available, nobody can use what it serves,
// and namespaces cannot be deleted.
func JudgeAPIService(a *APIService, now time.Time) Verdict {
	switch {
	case a.Available != nil && a.Available.Status == "True":
		return Verdict{State: model.OK}
	case now.Sub(a.Created) < grace:
		return Verdict{model.OK, "starting"}
	case a.Available == nil:
		return Verdict{model.Unknown, "nobody has looked whether it is available"}
	case a.Available.Status == "False":
		return Verdict{model.Critical, words("not available, "+a.Available.Reason, a.Available.Message)}
	}
	return Verdict{model.Unknown, words("availability "+a.Available.Status, a.Available.Message)}
}

// apiService draws those that somebody else than the API server serves, and what is not available.
func (v *view) apiService(a *APIService) (e model.Entity, ok bool) {
	verdict := JudgeAPIService(a, v.now)
	if a.Service == "" && !verdict.State.Problem() {
		return e, false
	}
	labels := map[string]string{}
	if a.Service != "" {
		labels["service"] = a.ServiceNamespace + "/" + a.Service
	}
	return v.clusterObject(apiServices.Resource, model.KindAPIService, &a.meta, verdict, labels), true
}

func (v *view) apiServiceLinks(a *APIService, id string, links []model.Link) []model.Link {
	if _, ok := find[*Service](v, "services", a.ServiceNamespace, a.Service); ok {
		links = append(links, link("routes", id, model.ObjectID(v.cluster, a.ServiceNamespace, model.KindService, a.Service), "reference", id))
	}
	return links
}

func (s *sampler) apiService(_ *view, a *APIService) {
	if a.Available != nil && a.Service != "" {
		s.add("nocturne_kube_apiservice_available", flag(a.Available.Status == "True"), "apiservice", a.Name)
	}
}
