package kube

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestJudgeIngress(t *testing.T) {
	of := func(name, created, rules, rest string) string {
		return `{"metadata":{"name":"` + name + `","namespace":"shop","creationTimestamp":"` + created + `"},"spec":{"ingressClassName":"nginx","rules":[{"host":"shop.example","http":{"paths":[` + rules + `]}}]` + rest + `}`
	}
	path := func(service, port string) string {
		return `{"path":"/","pathType":"Prefix","backend":{"service":{"name":"` + service + `","port":` + port + `}}}`
	}
	const (
		old     = "2026-03-01T09:00:00Z"
		address = `},"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.10"}]}}`
		tls     = `,"tls":[{"hosts":["shop.example"],"secretName":"shop-tls"}]`
	)
	good := path("web", `{"number":80}`)
	for _, c := range []struct {
		name, object string
		state        model.State
		reason       string
	}{
		{"well", of("a", old, good, address), model.OK, ""},
		{"port by name", of("a", old, path("web", `{"name":"http"}`), address), model.OK, ""},
		{"to another name", of("a", old, path("elsewhere", `{"number":443}`), address), model.OK, ""},
		{"no service", of("a", old, path("wbe", `{"number":80}`), address), model.Critical, "no backend, missing service wbe"},
		{"one of two", of("a", old, good+","+path("wbe", `{"number":80}`), address), model.Warning, "missing service wbe"},
		{"many", of("a", old, path("a", `{"number":80}`)+","+path("b", `{"number":80}`)+","+path("c", `{"number":80}`)+","+path("d", `{"number":80}`), address),
			model.Critical, "no backend, missing service a, service b, service c and 1 more"},
		{"no such port", of("a", old, path("web", `{"number":8}`), address), model.Critical, "no backend, missing port 8 of service web"},
		{"no such named port", of("a", old, path("web", `{"name":"htt"}`), address), model.Critical, "no backend, missing port htt of service web"},
		{"new", of("a", "2026-03-01T11:59:30Z", path("wbe", `{"number":80}`), address), model.OK, "starting, without service wbe"},
		{"certificate", of("a", old, good, tls+address), model.OK, ""},
		{"no certificate", of("a", old, good, `,"tls":[{"secretName":"gone"}]`+address), model.Unknown, "TLS secret gone not known: not there, or not of type kubernetes.io/tls"},
		{"no address", of("a", old, good, `},"status":{}`), model.Warning, "no address from its load balancer since 09:00:00"},
		{"no address yet", of("a", "2026-03-01T11:55:01Z", good, `},"status":{}`), model.OK, "no address yet"},
		{"a backend of another kind", of("a", old, `{"path":"/","backend":{"resource":{"kind":"Bucket","name":"b"}}}`, address), model.OK, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := ingresses(t)
			i := keptOf[networkingv1.Ingress, *Ingress](t, "ingresses", c.object)
			v.add("ingresses", i)
			v.index()
			judged(t, JudgeIngress(i, v.backing(i), noon), c.state, c.reason)
		})
	}
	bare := of("a", old, path("wbe", `{"number":80}`), `,"tls":[{"secretName":"gone"}]},"status":{}`)
	t.Run("what cannot be read is not missing", func(t *testing.T) {
		v := ingresses(t)
		v.trouble["services"], v.trouble["secrets"] = forbidden("services"), forbidden("secrets")
		i := keptOf[networkingv1.Ingress, *Ingress](t, "ingresses", bare)
		judged(t, JudgeIngress(i, v.backing(i), noon), model.Warning, "no address from its load balancer since 09:00:00")
	})
	t.Run("a class that tells no addresses", func(t *testing.T) {
		v := ingresses(t)
		i := keptOf[networkingv1.Ingress, *Ingress](t, "ingresses", of("a", old, good, `},"status":{}`))
		v.add("ingresses", i)
		v.add("ingresses", keptOf[networkingv1.Ingress, *Ingress](t, "ingresses", of("b", old, good, `},"status":{}`)))
		v.index()
		judged(t, JudgeIngress(i, v.backing(i), noon), model.OK, "its class tells no addresses")
		v.add("ingresses", keptOf[networkingv1.Ingress, *Ingress](t, "ingresses", of("c", old, good, address)))
		v.index()
		judged(t, JudgeIngress(i, v.backing(i), noon), model.Warning, "no address from its load balancer since 09:00:00")
	})
	t.Run("not before the services are known", func(t *testing.T) {
		v := ingresses(t)
		v.add("ingresses", keptOf[networkingv1.Ingress, *Ingress](t, "ingresses", bare))
		delete(v.known, "services")
		v.index()
		if e, ok := byID(v.picture())["kube/c/ns/shop/ingress/a"]; ok {
			t.Errorf("judged as %v %q", e.State, e.Reason)
		}
	})
}

// ingresses is a view with two services and a certificate.
func ingresses(t *testing.T) *view {
	t.Helper()
	v := shop()
	v.known["secrets"] = true
	v.objects["services"] = nil
	v.add("services", keptOf[corev1.Service, *Service](t, "services", `{"metadata":{"name":"web","namespace":"shop"},"spec":{"type":"ClusterIP","ports":[{"name":"http","port":80},{"port":443}]}}`))
	v.add("services", keptOf[corev1.Service, *Service](t, "services", `{"metadata":{"name":"elsewhere","namespace":"shop"},"spec":{"type":"ExternalName","externalName":"elsewhere.example"}}`))
	v.add("secrets", &Secret{meta: meta{Name: "shop-tls", Namespace: "shop"}, NotBefore: ago(time.Hour), NotAfter: noon.AddDate(1, 0, 0)})
	v.index()
	return v
}

func TestIngressInThePicture(t *testing.T) {
	v := ingresses(t)
	v.add("ingresses", keptOf[networkingv1.Ingress, *Ingress](t, "ingresses", `{"metadata":{"name":"shop","namespace":"shop","annotations":{"kubernetes.io/ingress.class":"haproxy"}},
		"spec":{"defaultBackend":{"service":{"name":"web","port":{"number":80}}},"rules":[{"host":"a.example","http":{"paths":[{"path":"/x","backend":{"service":{"name":"web","port":{"name":"http"}}}}]}},{"host":"b.example"}],
		"tls":[{"hosts":["a.example"],"secretName":"shop-tls"}]},"status":{"loadBalancer":{"ingress":[{"hostname":"lb.example"}]}}}`))
	v.index()
	pic := v.picture()
	const id = "kube/c/ns/shop/ingress/shop"
	if e := byID(pic)[id]; e.State != model.OK || e.Labels["class"] != "haproxy" || e.Labels["hosts"] != "a.example" || e.Labels["address"] != "lb.example" {
		t.Errorf("ingress is %+v", e)
	}
	wantLinks(t, pic, "routes|"+id+"||kube/c/ns/shop/service/web|")
	wantSamples(t, v, map[string]float64{
		`{__name__="kube_ingress_info", cluster="c", ingress="shop", ingressclass="haproxy", namespace="shop"}`:                                               1,
		`{__name__="kube_ingress_path", cluster="c", host="a.example", ingress="shop", namespace="shop", path="/x", service_name="web", service_port="http"}`: 1,
		`{__name__="kube_ingress_tls", cluster="c", ingress="shop", namespace="shop", secret="shop-tls", tls_host="a.example"}`:                               1,
	})
}
