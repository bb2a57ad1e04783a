package kube

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

var ingressBehaviour = behaves((*interner).ingress, (*view).ingress, (*view).ingressLinks, (*sampler).ingress)

// addressAfter is how long a load balancer may take to give a service or an ingress its address.
const addressAfter = 5 * time.Minute

const (
	maxRoutes  = 200 // of one ingress
	maxMissing = 3   // that a verdict names
)

// Route is where an ingress sends a path.
type Route struct {
	Host, Path, Service, Port string // Port is a number or a name
}

// Certified are the hosts of an ingress for which a secret holds the certificate.
type Certified struct{ Secret, Host string }

// Ingress is an ingress of networking.k8s.io/v1.
type Ingress struct {
	meta
	Class   string // "" for the cluster's default
	Routes  []Route
	TLS     []Certified
	Address string // that its load balancer told, "" for none
}

func (in *interner) ingress(o *networkingv1.Ingress) *Ingress {
	i := &Ingress{meta: in.meta(&o.ObjectMeta), Class: o.Annotations["kubernetes.io/ingress.class"]}
	if o.Spec.IngressClassName != nil {
		i.Class = *o.Spec.IngressClassName
	}
	i.Class = in.str(clip(i.Class, 100))
	add := func(host, path string, b *networkingv1.IngressBackend) {
		if b == nil || b.Service == nil || len(i.Routes) == maxRoutes {
			return // a backend that is no service is its controller's own affair
		}
		r := Route{Host: in.str(clip(host, 253)), Path: in.str(clip(path, 200)), Service: in.str(clip(b.Service.Name, 253)), Port: in.str(clip(b.Service.Port.Name, 63))}
		if b.Service.Port.Number > 0 {
			r.Port = in.str(number(b.Service.Port.Number))
		}
		i.Routes = append(i.Routes, r)
	}
	add("", "", o.Spec.DefaultBackend)
	for _, rule := range o.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, p := range rule.HTTP.Paths {
			add(rule.Host, p.Path, &p.Backend)
		}
	}
	for _, t := range o.Spec.TLS[:min(len(o.Spec.TLS), maxRoutes)] {
		c := Certified{Secret: in.str(clip(t.SecretName, 253))}
		if len(t.Hosts) > 0 {
			c.Host = in.str(clip(t.Hosts[0], 253))
		}
		i.TLS = append(i.TLS, c)
	}
	for _, a := range o.Status.LoadBalancer.Ingress {
		i.Address = joinComma(i.Address, cmp.Or(clip(a.IP, 45), clip(a.Hostname, 253)))
	}
	i.Address = clip(i.Address, 300)
	return i
}

// portKeys are the numbers and names under which an ingress may ask for a service's ports: ",80,http,".
func portKeys(all []corev1.ServicePort) string {
	var b strings.Builder
	for _, p := range all {
		b.WriteString("," + number(p.Port))
		if p.Name != "" {
			b.WriteString("," + p.Name)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return b.String() + ","
}

// Backing is what is known of that upon which an ingress depends.
type Backing struct {
	Missing []string // services and ports that are not there
	None    bool     // and no route has a service at all
	Secrets []string // with certificates, that are not among those of their type, which alone are watched
	// Silent says that the ingress has a class whose load balancer tells no addresses: none of several
	// ingresses has one.
	Silent bool
}

// JudgeIngress judges an ingress by what it sends to and by the address that its load balancer told.
func JudgeIngress(i *Ingress, b Backing, now time.Time) Verdict {
	age := now.Sub(i.Created)
	switch {
	case len(b.Missing)+len(b.Secrets) > 0 && age < grace:
		return Verdict{model.OK, "starting, without " + several(append(b.Missing, b.Secrets...))}
	case b.None:
		return Verdict{model.Critical, "no backend, missing " + several(b.Missing)}
	case len(b.Missing) > 0:
		return Verdict{model.Warning, "missing " + several(b.Missing)}
	case len(b.Secrets) > 0:
		return Verdict{model.Unknown, several(b.Secrets) + " not known: not there, or not of type kubernetes.io/tls"}
	case i.Address == "" && b.Silent:
		return Verdict{model.OK, "its class tells no addresses"}
	case i.Address == "" && age >= addressAfter:
		return Verdict{model.Warning, "no address from its load balancer since " + clock(i.Created, now)}
	case i.Address == "":
		return Verdict{model.OK, "no address yet"}
	}
	return Verdict{State: model.OK}
}

// several names a few things and counts the rest.
func several(list []string) string {
	if extra := len(list) - maxMissing; extra > 0 {
		return strings.Join(list[:maxMissing], ", ") + " and " + number(extra) + " more"
	}
	return strings.Join(list, ", ")
}

// addresses counts the ingresses of a class.
type addresses struct{ all, told int }

func (v *view) addressesOf(class string) addresses {
	if v.lookup.addressed == nil {
		v.lookup.addressed = map[string]addresses{}
		for i := range each[*Ingress](v, "ingresses") {
			a := v.lookup.addressed[i.Class]
			a.all++
			if i.Address != "" {
				a.told++
			}
			v.lookup.addressed[i.Class] = a
		}
	}
	return v.lookup.addressed[class]
}

// backing looks at what an ingress depends upon. What cannot be read is not missing.
func (v *view) backing(i *Ingress) Backing {
	peers := v.addressesOf(i.Class)
	b := Backing{Silent: peers.told == 0 && peers.all > 1}
	if v.readable("services") {
		good := 0
		for _, r := range i.Routes {
			missing := v.missing(i.Namespace, r)
			if missing == "" {
				good++
			} else if !slices.Contains(b.Missing, missing) {
				b.Missing = append(b.Missing, missing)
			}
		}
		b.None = len(b.Missing) > 0 && good == 0
	}
	if v.readable("secrets") {
		for _, t := range i.TLS {
			if _, ok := find[*Secret](v, "secrets", i.Namespace, t.Secret); ok || t.Secret == "" {
				continue
			}
			if missing := "TLS secret " + t.Secret; !slices.Contains(b.Secrets, missing) {
				b.Secrets = append(b.Secrets, missing)
			}
		}
	}
	return b
}

// missing says what a route lacks, "" for nothing.
func (v *view) missing(namespace string, r Route) string {
	s, ok := find[*Service](v, "services", namespace, r.Service)
	switch {
	case !ok:
		return "service " + r.Service
	case s.Type != string(corev1.ServiceTypeExternalName) && !strings.Contains(s.PortKeys, ","+r.Port+","):
		return "port " + r.Port + " of service " + r.Service
	}
	return ""
}

// ingress draws an ingress; ok is false while the services are not known yet.
func (v *view) ingress(i *Ingress) (e model.Entity, ok bool) {
	if !v.known["services"] && v.trouble["services"] == nil {
		return e, false
	}
	labels := map[string]string{}
	set(labels, "class", i.Class)
	set(labels, "address", i.Address)
	var hosts []string
	for _, r := range i.Routes {
		if r.Host != "" && !slices.Contains(hosts, r.Host) {
			hosts = append(hosts, r.Host)
		}
	}
	set(labels, "hosts", clip(strings.Join(hosts, ", "), 300))
	return v.object("ingresses", model.KindIngress, &i.meta, JudgeIngress(i, v.backing(i), v.now), labels), true
}

func (v *view) ingressLinks(i *Ingress, id string, links []model.Link) []model.Link {
	told := map[string]bool{}
	for _, r := range i.Routes {
		if _, ok := find[*Service](v, "services", i.Namespace, r.Service); ok && !told[r.Service] {
			told[r.Service] = true
			links = append(links, link("routes", id, model.ObjectID(v.cluster, i.Namespace, model.KindService, r.Service), "reference", id))
		}
	}
	return links
}

func (s *sampler) ingress(_ *view, i *Ingress) {
	ids := []string{"namespace", i.Namespace, "ingress", i.Name}
	add := func(name string, value float64, pairs ...string) {
		s.add("kube_ingress_"+name, value, append(ids[:len(ids):len(ids)], pairs...)...)
	}
	add("info", 1, "ingressclass", i.Class)
	add("created", unix(i.Created))
	told := map[Route]bool{}
	for _, r := range i.Routes {
		if !told[r] {
			told[r] = true
			add("path", 1, "host", r.Host, "path", r.Path, "service_name", r.Service, "service_port", r.Port)
		}
	}
	secrets := map[Certified]bool{}
	for _, t := range i.TLS {
		if !secrets[t] {
			secrets[t] = true
			add("tls", 1, "tls_host", t.Host, "secret", t.Secret)
		}
	}
}
