package kube

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

var (
	serviceBehaviour = behaves((*interner).service, (*view).service, (*view).serviceLinks, (*sampler).service)
	sliceBehaviour   = behaves[discoveryv1.EndpointSlice, Slice]((*interner).slice, nil, nil, nil)
)

func (in *interner) service(o *corev1.Service) *Service {
	return &Service{
		meta: in.meta(&o.ObjectMeta), Type: in.str(string(o.Spec.Type)), ClusterIP: o.Spec.ClusterIP,
		Selector: clip(labels.Set(o.Spec.Selector).String(), 200),
	}
}

// Service is a service of a cluster.
type Service struct {
	meta
	Type, ClusterIP, Selector string // selector as a=b,c=d; "" for none
}

// Slice is a part of a service's endpoints.
type Slice struct {
	meta
	Service      string
	Ready, Total int
	Pods         []string
}

// endpoints are all slices of a service.
type endpoints struct {
	ready, total int
	pods         []string
}

func (in *interner) slice(o *discoveryv1.EndpointSlice) *Slice {
	s := &Slice{meta: in.meta(&o.ObjectMeta), Service: in.str(o.Labels[discoveryv1.LabelServiceName])}
	for _, e := range o.Endpoints {
		s.Total++
		if e.Conditions.Ready == nil || *e.Conditions.Ready { // nil is to be read as ready
			s.Ready++
		}
		if e.TargetRef != nil && e.TargetRef.Kind == "Pod" {
			s.Pods = append(s.Pods, in.str(e.TargetRef.Name))
		}
	}
	return s
}

// JudgeService judges a service by its endpoints: one with a selector but no ready endpoint serves
// nobody.
func JudgeService(s *Service, ready, total int, now time.Time) Verdict {
	if s.Selector == "" || s.Type == "ExternalName" || ready > 0 {
		return Verdict{State: model.OK}
	}
	reason := fmt.Sprintf("no ready endpoint: none of %d pods of selector %s is ready", total, s.Selector)
	if total == 0 {
		reason = "no endpoint: selector " + s.Selector + " matches no running pod"
	}
	if now.Sub(s.Created) < grace {
		return Verdict{model.OK, "starting, " + reason}
	}
	return Verdict{model.Critical, reason}
}

// service draws a service; ok is false while its endpoints are not known yet.
func (v *view) service(s *Service) (e model.Entity, ok bool) {
	if !v.known["endpointslices"] && v.trouble["endpointslices"] == nil {
		return e, false
	}
	ends := v.endpoints[s.Namespace+"/"+s.Name]
	if ends == nil {
		ends = &endpoints{}
	}
	labels := map[string]string{"namespace": s.Namespace, "type": s.Type}
	set(labels, "selector", s.Selector)
	set(labels, "clusterIP", s.ClusterIP)
	verdict := v.verdict("endpointslices", JudgeService(s, ends.ready, ends.total, v.now))
	if v.trouble["endpointslices"] == nil {
		labels["endpoints_ready"], labels["endpoints"] = number(ends.ready), number(ends.total)
	}
	verdict = v.verdict("services", verdict)
	return model.Entity{
		ID: model.ObjectID(v.cluster, s.Namespace, model.KindService, s.Name), Kind: model.KindService, Name: s.Name,
		Parent: model.NamespaceID(v.cluster, s.Namespace), State: verdict.State, Reason: verdict.Reason, Labels: labels,
	}, true
}

// serviceLinks adds which pods a service sends to.
func (v *view) serviceLinks(s *Service, from string, links []model.Link) []model.Link {
	ends := v.endpoints[s.Namespace+"/"+s.Name]
	if ends == nil {
		return links
	}
	told := map[string]bool{}
	for _, name := range ends.pods {
		if told[name] || len(told) == maxServicePods {
			continue // one pod has an endpoint for each IP family
		}
		told[name] = true
		links = append(links, link("selects", from, model.ObjectID(v.cluster, s.Namespace, model.KindPod, name), "endpoints", from))
	}
	return links
}

func (s *sampler) service(v *view, svc *Service) {
	s.add("kube_service_info", 1, "namespace", svc.Namespace, "service", svc.Name, "cluster_ip", svc.ClusterIP)
	if !v.readable("endpointslices") || svc.Selector == "" {
		return
	}
	ends := v.endpoints[svc.Namespace+"/"+svc.Name]
	if ends == nil {
		ends = &endpoints{}
	}
	s.add("nocturne_kube_service_endpoints", float64(ends.total), "namespace", svc.Namespace, "service", svc.Name)
	s.add("nocturne_kube_service_endpoints_ready", float64(ends.ready), "namespace", svc.Namespace, "service", svc.Name)
}
