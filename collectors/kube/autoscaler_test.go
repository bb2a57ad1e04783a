package kube

import (
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestJudgeAutoscaler(t *testing.T) {
	of := func(created, conditions string) string {
		return `{"metadata":{"name":"web","namespace":"shop","creationTimestamp":"` + created + `"},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"},"minReplicas":2,"maxReplicas":10},
			"status":{"currentReplicas":10,"desiredReplicas":10,"conditions":[` + conditions + `]}}`
	}
	const (
		old      = "2026-03-01T09:00:00Z"
		able     = `{"type":"AbleToScale","status":"True","reason":"ReadyForNewScale","message":"recommended size matches current size"},`
		active   = `{"type":"ScalingActive","status":"True","reason":"ValidMetricFound"},`
		limited  = `{"type":"ScalingLimited","status":"True","reason":"TooManyReplicas","message":"the desired replica count is more than the maximum replica count","lastTransitionTime":"2026-03-01T11:45:00Z"}`
		noMetric = `{"type":"ScalingActive","status":"False","reason":"FailedGetResourceMetric","message":"unable to get metrics for resource cpu","lastTransitionTime":"2026-03-01T11:00:00Z"},`
	)
	for _, c := range []struct {
		name, object string
		now          time.Time
		state        model.State
		reason       string
	}{
		{"well", of(old, able+active+`{"type":"ScalingLimited","status":"False","reason":"DesiredWithinRange"}`), noon, model.OK, ""},
		{"no word yet", of(old, `{"type":"AbleToScale","status":"True"}`), noon, model.OK, ""},
		{"no metrics", of(old, able+noMetric+limited), noon, model.Warning, "cannot scale, FailedGetResourceMetric: unable to get metrics for resource cpu"},
		{"no metrics of a new one", of("2026-03-01T11:59:30Z", able+noMetric+limited), noon, model.OK, "starting, FailedGetResourceMetric"},
		{"no target", of(old, `{"type":"AbleToScale","status":"False","reason":"FailedGetScale","message":"deployments.apps \"web\" not found"}`), noon, model.Warning, `cannot scale, FailedGetScale: deployments.apps "web" not found`},
		{"target scaled to 0", of(old, able+`{"type":"ScalingActive","status":"False","reason":"ScalingDisabled"}`), noon, model.OK, "off: its target is scaled to 0"},
		{"at maximum", of(old, able+active+limited), ago(time.Second), model.OK, "at its maximum of 10 since 11:45:00"},
		{"at maximum for long", of(old, able+active+limited), noon, model.Warning, "at its maximum of 10 since 11:45:00"},
		{"at minimum", of(old, able+active+`{"type":"ScalingLimited","status":"True","reason":"TooFewReplicas","lastTransitionTime":"2026-03-01T01:00:00Z"}`), noon, model.OK, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			judged(t, JudgeAutoscaler(keptOf[autoscalingv2.HorizontalPodAutoscaler, *Autoscaler](t, "horizontalpodautoscalers", c.object), c.now), c.state, c.reason)
		})
	}
}

func TestJudgeBudget(t *testing.T) {
	of := func(created, status string) string {
		return `{"metadata":{"name":"web","namespace":"shop","creationTimestamp":"` + created + `"},"spec":{"minAvailable":2,"selector":{"matchLabels":{"app":"web"}}},"status":` + status + `}`
	}
	const old = "2026-03-01T09:00:00Z"
	for _, c := range []struct {
		name, object string
		state        model.State
		reason       string
	}{
		{"well", of(old, `{"currentHealthy":3,"desiredHealthy":2,"disruptionsAllowed":1,"expectedPods":3}`), model.OK, ""},
		{"as many as it demands", of(old, `{"currentHealthy":2,"desiredHealthy":2,"disruptionsAllowed":0,"expectedPods":2}`), model.OK, "no disruption allowed: a drain waits"},
		{"too few", of(old, `{"currentHealthy":1,"desiredHealthy":2,"disruptionsAllowed":0,"expectedPods":3}`), model.Warning, "1 of 3 pods healthy, 2 needed: no disruption allowed"},
		{"too few at the start", of("2026-03-01T11:59:30Z", `{"currentHealthy":1,"desiredHealthy":2,"disruptionsAllowed":0,"expectedPods":3}`), model.OK, "starting, 1 of 3 pods healthy, 2 needed"},
		{"nobody to guard", of(old, `{"currentHealthy":0,"desiredHealthy":2,"disruptionsAllowed":0,"expectedPods":0}`), model.OK, "guards no pod"},
		{"its controller fails", of(old, `{"conditions":[{"type":"DisruptionAllowed","status":"False","reason":"SyncFailed","message":"no controller found","lastTransitionTime":"2026-03-01T11:00:00Z"}]}`),
			model.Warning, "its controller cannot tell what may be disrupted: no controller found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			judged(t, JudgeBudget(keptOf[policyv1.PodDisruptionBudget, *Budget](t, "poddisruptionbudgets", c.object), noon), c.state, c.reason)
		})
	}
}

func TestScalingInThePicture(t *testing.T) {
	v := shop()
	for _, p := range v.objects["pods"] {
		p.(*Pod).Labels = ",app=web,tier=front,"
	}
	v.add("pods", &Pod{meta: meta{Name: "other", Namespace: "shop"}, Phase: "Running", Labels: ",app=other,"})
	v.add("horizontalpodautoscalers", keptOf[autoscalingv2.HorizontalPodAutoscaler, *Autoscaler](t, "horizontalpodautoscalers",
		`{"metadata":{"name":"web","namespace":"shop"},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"},"maxReplicas":10},"status":{"currentReplicas":2,"desiredReplicas":3}}`))
	for name, selector := range map[string]string{
		"pairs": `{"matchLabels":{"app":"web"}}`, "expressions": `{"matchExpressions":[{"key":"tier","operator":"In","values":["front","back"]},{"key":"canary","operator":"DoesNotExist"}]}`,
		"nobody": `{"matchExpressions":[{"key":"app","operator":"NotIn","values":["web","other"]}]}`,
	} {
		v.add("poddisruptionbudgets", keptOf[policyv1.PodDisruptionBudget, *Budget](t, "poddisruptionbudgets", `{"metadata":{"name":"`+name+`","namespace":"shop"},"spec":{"selector":`+selector+`},"status":{"expectedPods":2,"currentHealthy":2,"desiredHealthy":1,"disruptionsAllowed":1}}`))
	}
	v.index()
	pic := v.picture()
	const ns = "kube/c/ns/shop/"
	if e := byID(pic)[ns+"horizontalpodautoscaler/web"]; e.Labels["target"] != "deployment/web" || e.Labels["min"] != "1" || e.Labels["max"] != "10" || e.Labels["desired"] != "3" {
		t.Errorf("autoscaler is %+v", e)
	}
	wantLinks(t, pic, "scales|"+ns+"horizontalpodautoscaler/web||"+ns+"deployment/web|")
	guards := map[string]int{}
	for _, l := range pic.links {
		if l.Kind == "guards" {
			guards[l.A]++
		}
	}
	if guards[ns+"poddisruptionbudget/pairs"] != 2 || guards[ns+"poddisruptionbudget/expressions"] != 2 || len(guards) != 2 {
		t.Errorf("budgets guard %v, want two pods each but for nobody", guards)
	}
	wantSamples(t, v, map[string]float64{
		`{__name__="kube_horizontalpodautoscaler_spec_max_replicas", cluster="c", horizontalpodautoscaler="web", namespace="shop"}`:        10,
		`{__name__="kube_horizontalpodautoscaler_status_current_replicas", cluster="c", horizontalpodautoscaler="web", namespace="shop"}`:  2,
		`{__name__="kube_horizontalpodautoscaler_status_desired_replicas", cluster="c", horizontalpodautoscaler="web", namespace="shop"}`:  3,
		`{__name__="kube_poddisruptionbudget_status_pod_disruptions_allowed", cluster="c", namespace="shop", poddisruptionbudget="pairs"}`: 1,
		`{__name__="kube_poddisruptionbudget_status_expected_pods", cluster="c", namespace="shop", poddisruptionbudget="pairs"}`:           2,
	})
}
