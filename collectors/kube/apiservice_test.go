package kube

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestJudgeAPIService(t *testing.T) {
	of := func(name, service, conditions string) string {
		return `{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"` + name + `","creationTimestamp":"2026-03-01T09:00:00Z"},
			"spec":{"group":"metrics.k8s.io","version":"v1beta1"` + service + `},"status":{"conditions":[` + conditions + `]}}`
	}
	const (
		name   = "v1beta1.metrics.k8s.io"
		behind = `,"service":{"name":"web","namespace":"shop","port":443}`
		down   = `{"type":"Available","status":"False","reason":"MissingEndpoints","message":"endpoints for service/web in \"shop\" have no addresses with port name \"https\"","lastTransitionTime":"2026-03-01T11:00:00Z"}`
	)
	for _, c := range []struct {
		name, object string
		now          time.Time
		shown        bool
		state        model.State
		reason       string
	}{
		{"served", of(name, behind, `{"type":"Available","status":"True","reason":"Passed","message":"all checks passed"}`), noon, true, model.OK, ""},
		{"the API server's own", of(name, "", `{"type":"Available","status":"True","reason":"Local"}`), noon, false, model.OK, ""},
		{"not available", of(name, behind, down), noon, true, model.Critical, `not available, MissingEndpoints: endpoints for service/web in "shop" have no addresses with port name "https"`},
		{"its own not available", of(name, "", down), noon, true, model.Critical, `not available, MissingEndpoints: endpoints for service/web in "shop" have no addresses with port name "https"`},
		{"new", of(name, behind, down), time.Date(2026, 3, 1, 9, 0, 30, 0, time.UTC), true, model.OK, "starting"},
		{"nobody looked", of(name, behind, ""), noon, true, model.Unknown, "nobody has looked whether it is available"},
		{"cannot tell", of(name, behind, `{"type":"Available","status":"Unknown","message":"hm"}`), noon, true, model.Unknown, "availability Unknown: hm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := shop()
			v.now = c.now
			v.add("apiservices", keptOf[unstructured.Unstructured, *APIService](t, "apiservices", c.object))
			v.index()
			pic := v.picture()
			e, ok := byID(pic)["kube/c/apiservice/"+name]
			if ok != c.shown {
				t.Fatalf("shown is %v", ok)
			}
			if !ok {
				return
			}
			judged(t, Verdict{e.State, e.Reason}, c.state, c.reason)
			if e.Labels["service"] == "shop/web" {
				wantLinks(t, pic, "routes|"+e.ID+"||kube/c/ns/shop/service/web|")
			}
			if e.State == model.Critical && e.Labels["service"] != "" {
				wantSamples(t, v, map[string]float64{
					`{__name__="nocturne_kube_apiservice_available", apiservice="v1beta1.metrics.k8s.io", cluster="c"}`:                                                                                                     0,
					`{__name__="nocturne_kube_problem", apiservice="v1beta1.metrics.k8s.io", cluster="c", kind="apiservice", name="v1beta1.metrics.k8s.io", reason="not available, MissingEndpoints", severity="critical"}`: 1,
				})
			}
		})
	}
}
