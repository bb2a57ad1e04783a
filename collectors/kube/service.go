package kube

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"cmp"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

var (
	serviceBehaviour = behaves((*interner).service, (*view).service, (*view).serviceLinks, (*sampler).service)
	sliceBehaviour   = behaves[discoveryv1.EndpointSlice, Slice]((*interner).slice, nil, nil, nil)
)

func (in *interner) service(o *corev1.Service) *Service {
	s := &Service{
		meta: in.meta(&o.ObjectMeta), Type: in.str(string(o.Spec.Type)), ClusterIP: o.Spec.ClusterIP,
		Selector: clip(labels.Set(o.Spec.Selector).String(), 1000), Ports: in.str(ports(o.Spec.Ports)), PortKeys: in.str(portKeys(o.Spec.Ports)),
		exposed: in.exposed(&o.ObjectMeta),
	}
	for _, i := range o.Status.LoadBalancer.Ingress {
		s.Address = joinComma(s.Address, cmp.Or(clip(i.IP, 45), clip(i.Hostname, 253)))
	}
	s.Address = clip(s.Address, 300)
	return s
}

// maxPorts bounds what is kept of a service's ports.
const maxPorts = 20

// ports writes the ports of a service: "80/TCP, 443/TCP to https".
func ports(all []corev1.ServicePort) string {
	var list []string
	for _, p := range all[:min(len(all), maxPorts)] {
		text := number(p.Port) + "/" + cmp.Or(string(p.Protocol), "TCP")
		if to := p.TargetPort.String(); to != "0" && to != "" && to != number(p.Port) {
			text += " to " + to
		}
		list = append(list, text)
	}
	return clip(strings.Join(list, ", "), 300)
}

// Service is a service of a cluster.
type Service struct {
	meta
	Type, ClusterIP string
	Selector        string   // a=b,c=d; "" for none
	Ports           string   // "80/TCP, 443/TCP to https"
	PortKeys        string   // see portKeys
	Address         string   // that a load balancer has given it
	exposed         *exposed // nil when it does not ask to be scraped
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
// nobody. One that waits for its load balancer cannot be reached from outside.
func JudgeService(s *Service, ready, total int, now time.Time) Verdict {
	if s.Selector != "" && s.Type != "ExternalName" && ready == 0 {
		selector := clip(s.Selector, 200)
		reason := fmt.Sprintf("no ready endpoint: none of %d pods of selector %s is ready", total, selector)
		if total == 0 {
			reason = "no endpoint: selector " + selector + " matches no running pod"
		}
		if now.Sub(s.Created) < grace {
			return Verdict{model.OK, "starting, " + reason}
		}
		return Verdict{model.Critical, reason}
	}
	if s.Type == "LoadBalancer" && s.Address == "" {
		if now.Sub(s.Created) < addressAfter {
			return Verdict{model.OK, "waiting for its load balancer"}
		}
		return Verdict{model.Warning, "no address from a load balancer since " + clock(s.Created, now)}
	}
	return Verdict{State: model.OK}
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
	set(labels, "selector", clip(s.Selector, 200))
	set(labels, "clusterIP", s.ClusterIP)
	set(labels, "ports", s.Ports)
	set(labels, "address", s.Address)
	if s.exposed != nil {
		s.exposed.tell(labels)
	}
	verdict := v.verdict("endpointslices", JudgeService(s, ends.ready, ends.total, v.now))
	if v.trouble["endpointslices"] == nil {
		labels["endpoints_ready"], labels["endpoints"] = number(ends.ready), number(ends.total)
	}
	verdict = v.verdict("services", verdict)
	if verdict.State.Problem() && v.trouble["services"] == nil && v.trouble["endpointslices"] == nil {
		set(labels, "why", v.whyService(s, ends).text())
	}
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
