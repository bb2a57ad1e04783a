package kube

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// kindsOfAPI make objects of the API, by the resource that they are of.
var kindsOfAPI = map[string]func() any{
	"namespaces": func() any { return &corev1.Namespace{} }, "resourcequotas": func() any { return &corev1.ResourceQuota{} },
	"persistentvolumes": func() any { return &corev1.PersistentVolume{} }, "persistentvolumeclaims": func() any { return &corev1.PersistentVolumeClaim{} },
	"storageclasses": func() any { return &storagev1.StorageClass{} }, "services": func() any { return &corev1.Service{} },
	"jobs": func() any { return &batchv1.Job{} }, "cronjobs": func() any { return &batchv1.CronJob{} },
	"horizontalpodautoscalers": func() any { return &autoscalingv2.HorizontalPodAutoscaler{} }, "poddisruptionbudgets": func() any { return &policyv1.PodDisruptionBudget{} },
	"ingresses": func() any { return &networkingv1.Ingress{} }, "networkpolicies": func() any { return &networkingv1.NetworkPolicy{} },
	"apiservices": func() any { return &unstructured.Unstructured{} },
}

// FuzzKinds holds that no object that an API server can send makes the judging panic, and that what is
// shown of it is text of a bounded length.
func FuzzKinds(f *testing.F) {
	for _, seed := range []string{
		`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"a","ownerReferences":[{"kind":"CronJob","name":"a","controller":true}]},"spec":{"activeDeadlineSeconds":-5},"status":{"startTime":"2026-03-01T11:00:00Z","active":1,"conditions":[{"type":"Failed","status":"True"}]}}`,
		`{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"a"},"spec":{"schedule":"*/5 1-3,7 * jan-mar mon","timeZone":"Asia/Seoul"},"status":{"lastSuccessfulTime":"0001-01-01T00:00:00Z"}}`,
		`{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"a","creationTimestamp":"9999-12-31T23:59:59Z"},"spec":{"schedule":"@every 1ns","timeZone":"../etc"}}`,
		`{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"a"},"spec":{"storageClassName":"","resources":{"requests":{"storage":"1e300"}}},"status":{"phase":"Pending"}}`,
		`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"a"},"spec":{"rules":[{"http":{"paths":[{"backend":{"service":{"name":"a","port":{"number":80}}}}]}},{}],"tls":[{}]}}`,
		`{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"a"},"spec":{"selector":{"matchExpressions":[{"key":"a","operator":"Bad"}]}}}`,
		`{"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"a"},"status":{"hard":{"pods":"-1","x":"0"},"used":{"pods":"3"}}}`,
		`{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"a","creationTimestamp":"x"},"spec":{"service":[1]},"status":{"conditions":[{"type":"Available"},7]}}`,
		`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a","deletionTimestamp":"2026-03-01T11:00:00Z"},"status":{"phase":"Terminating","conditions":[{"type":"NamespaceContentRemaining","status":"True"}]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v := shop()
		var in interner
		for name, make := range kindsOfAPI {
			o := make()
			if json.Unmarshal(data, o) != nil {
				continue
			}
			out, err := named(t, name).transform(&in, o)
			if err != nil {
				t.Fatal(err)
			}
			v.add(name, out)
		}
		v.index()
		for _, e := range v.picture().entities {
			if n := utf8.RuneCountInString(e.Reason); n > 2000 || !utf8.ValidString(e.Reason) {
				t.Errorf("%s has a reason of %d runes: %q", e.ID, n, e.Reason)
			}
		}
		v.samples(noon, 0)
	})
}
