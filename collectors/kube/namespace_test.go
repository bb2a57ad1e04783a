package kube

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestJudgeNamespace(t *testing.T) {
	const going = `{"metadata":{"name":"old","deletionTimestamp":"2026-03-01T11:00:00Z"},"spec":{"finalizers":["kubernetes"]},"status":{"phase":"Terminating","conditions":[`
	for _, c := range []struct {
		name, object string
		now          time.Time
		state        model.State
		reason       string
	}{
		{"active", `{"metadata":{"name":"old"},"status":{"phase":"Active"}}`, noon, model.OK, ""},
		{"goes", going + `]}}`, ago(50 * time.Minute), model.OK, "terminating"},
		{"does not go", going + `]}}`, noon, model.Warning, "terminating since 11:00:00"},
		{"held by finalizers", going + `{"type":"NamespaceDeletionDiscoveryFailure","status":"False","reason":"ResourcesDiscovered","message":"All resources successfully discovered"},
			{"type":"NamespaceContentRemaining","status":"True","reason":"SomeResourcesRemain","message":"Some resources are remaining: databases.lab.example has 1 resource instances"},
			{"type":"NamespaceFinalizersRemaining","status":"True","reason":"SomeFinalizersRemain","message":"Some content in the namespace has finalizers remaining: lab.example/backup in 1 resource instances"}]}}`,
			noon, model.Warning, "terminating since 11:00:00, SomeFinalizersRemain: Some content in the namespace has finalizers remaining: lab.example/backup in 1 resource instances"},
		{"held by an API", going + `{"type":"NamespaceFinalizersRemaining","status":"True","reason":"SomeFinalizersRemain","message":"x"},
			{"type":"NamespaceDeletionDiscoveryFailure","status":"True","reason":"DiscoveryFailed","message":"metrics.k8s.io/v1beta1: stale GroupVersion discovery"}]}}`,
			noon, model.Warning, "terminating since 11:00:00, DiscoveryFailed: metrics.k8s.io/v1beta1: stale GroupVersion discovery"},
	} {
		t.Run(c.name, func(t *testing.T) {
			judged(t, JudgeNamespace(keptOf[corev1.Namespace, *Namespace](t, "namespaces", c.object), c.now), c.state, c.reason)
		})
	}
}

// A namespace is on the wall though nothing is in it, but only where its objects would be seen.
func TestEmptyNamespaces(t *testing.T) {
	v := shop()
	for _, name := range []string{"shop", "empty"} {
		v.add("namespaces", &Namespace{meta: meta{Name: name}, Phase: "Active"})
	}
	v.add("namespaces", &Namespace{meta: meta{Name: "stuck"}, Phase: "Terminating", Gone: ago(time.Hour), Blocked: &Condition{Reason: "SomeFinalizersRemain", Message: "finalizers"}})
	v.add("networkpolicies", keptOf[networkingv1.NetworkPolicy, *NetworkPolicy](t, "networkpolicies", `{"metadata":{"name":"deny","namespace":"shop"},"spec":{"podSelector":{},"ingress":[{"from":[{"podSelector":{}}]}]}}`))
	v.index()
	got := byID(v.picture())
	for id, want := range map[string]model.Entity{
		"kube/c/ns/empty": {State: model.OK, Labels: map[string]string{"pods": "0", "phase": "Active", "network_policies": "0"}},
		"kube/c/ns/shop":  {State: model.OK, Labels: map[string]string{"pods": "2", "network_policies": "1"}},
		"kube/c/ns/stuck": {State: model.Warning, Reason: "terminating since 11:00:00, SomeFinalizersRemain: finalizers", Labels: map[string]string{"phase": "Terminating"}},
	} {
		e, ok := got[id]
		if !ok || e.State != want.State || e.Reason != want.Reason {
			t.Errorf("%s is %+v, want %+v", id, e, want)
		}
		for name, value := range want.Labels {
			if e.Labels[name] != value {
				t.Errorf("%s: label %s is %q, want %q", id, name, e.Labels[name], value)
			}
		}
	}
	wantSamples(t, v, map[string]float64{
		`{__name__="kube_namespace_status_phase", cluster="c", namespace="stuck", phase="Terminating"}`:                                                                                     1,
		`{__name__="kube_namespace_status_phase", cluster="c", namespace="stuck", phase="Active"}`:                                                                                          0,
		`{__name__="kube_networkpolicy_spec_ingress_rules", cluster="c", namespace="shop", networkpolicy="deny"}`:                                                                           1,
		`{__name__="nocturne_kube_problem", cluster="c", kind="namespace", name="stuck", namespace="stuck", reason="terminating since 11:00:00, SomeFinalizersRemain", severity="warning"}`: 1,
	})
	v.namespaces = []string{"shop"}
	v.index()
	got = byID(v.picture())
	if _, ok := got["kube/c/ns/empty"]; ok || got["kube/c/ns/shop"].ID == "" {
		t.Error("a namespace that is not watched is shown as empty")
	}
}

func TestJudgeQuota(t *testing.T) {
	of := func(hard, used string) string {
		return `{"metadata":{"name":"team","namespace":"shop"},"spec":{"hard":` + hard + `},"status":{"hard":` + hard + `,"used":` + used + `}}`
	}
	for _, c := range []struct {
		name, object string
		state        model.State
		reason       string
	}{
		{"room", of(`{"pods":"10","requests.cpu":"4"}`, `{"pods":"9","requests.cpu":"3600m"}`), model.OK, ""},
		{"nearly full", of(`{"pods":"100","requests.memory":"10Gi"}`, `{"pods":"91","requests.memory":"9728Mi"}`), model.Warning, "requests.memory 95 % used, 9728Mi of 10Gi"},
		{"full", of(`{"pods":"10","requests.cpu":"4"}`, `{"pods":"10","requests.cpu":"3900m"}`), model.Warning, "pods full, 10 of 10: nothing more is admitted"},
		{"forbidden from the start", of(`{"services.loadbalancers":"0"}`, `{"services.loadbalancers":"0"}`), model.OK, ""},
		{"not counted yet", `{"metadata":{"name":"team","namespace":"shop"},"spec":{"hard":{"pods":"1"}},"status":{}}`, model.OK, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			judged(t, JudgeQuota(keptOf[corev1.ResourceQuota, *Quota](t, "resourcequotas", c.object)), c.state, c.reason)
		})
	}
	v := shop()
	v.add("resourcequotas", keptOf[corev1.ResourceQuota, *Quota](t, "resourcequotas", of(`{"pods":"10","requests.memory":"10Gi"}`, `{"pods":"9","requests.memory":"1Gi"}`)))
	v.index()
	if e := byID(v.picture())["kube/c/ns/shop/resourcequota/team"]; e.Labels["limit/pods"] != "9 of 10" || e.Labels["limit/requests.memory"] != "1Gi of 10Gi" {
		t.Errorf("quota is %+v", e)
	}
	wantSamples(t, v, map[string]float64{
		`{__name__="kube_resourcequota", cluster="c", namespace="shop", resource="pods", resourcequota="team", type="hard"}`:            10,
		`{__name__="kube_resourcequota", cluster="c", namespace="shop", resource="requests.memory", resourcequota="team", type="used"}`: 1 << 30,
	})
}
