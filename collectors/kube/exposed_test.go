package kube

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/google/go-cmp/cmp"
)

// TestExposed holds which annotations are kept, and of what: no others, and none of what does not ask to be scraped.
func TestExposed(t *testing.T) {
	for _, tt := range []struct {
		name        string
		annotations map[string]string
		want        map[string]string
	}{
		{"none", nil, nil},
		{"does not ask", map[string]string{portAnnotation: "9121", pathAnnotation: "/m"}, nil},
		{"asks not to", map[string]string{scrapeAnnotation: "false", portAnnotation: "9121"}, nil},
		{"asks", map[string]string{scrapeAnnotation: "true", "example.com/other": "x"},
			map[string]string{scrapeAnnotation: "true", "labels": "app=cart,tier=web"}},
		{"says all", map[string]string{scrapeAnnotation: "true", portAnnotation: "9121", pathAnnotation: "/m", schemeAnnotation: "https"},
			map[string]string{scrapeAnnotation: "true", portAnnotation: "9121", pathAnnotation: "/m", schemeAnnotation: "https", "labels": "app=cart,tier=web"}},
		{"is long", map[string]string{scrapeAnnotation: "true", pathAnnotation: "/" + strings.Repeat("x", 5000), portAnnotation: "1\n2"},
			map[string]string{scrapeAnnotation: "true", pathAnnotation: "/" + strings.Repeat("x", 999) + "…", portAnnotation: "1 2", "labels": "app=cart,tier=web"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := new(interner).exposed(&metav1.ObjectMeta{Annotations: tt.annotations, Labels: map[string]string{"app": "cart", "tier": "web"}})
			var got map[string]string
			if x != nil {
				got = map[string]string{}
				x.tell(got)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestExposedPod holds that a pod asks only while it runs, and that a service does too.
func TestExposedPod(t *testing.T) {
	asks := map[string]string{scrapeAnnotation: "true", portAnnotation: "9121"}
	for phase, want := range map[corev1.PodPhase]string{corev1.PodPending: "", corev1.PodRunning: "true", corev1.PodSucceeded: "", corev1.PodFailed: "", corev1.PodUnknown: ""} {
		o := apiPod()
		o.Annotations, o.Status.Phase = asks, phase
		v := &view{cluster: "c", now: noon, known: map[string]bool{"pods": true}, trouble: map[string]error{}}
		e, ok := v.pod(new(interner).pod(o))
		if !ok || e.Labels[scrapeAnnotation] != want {
			t.Errorf("%s: asks %q, want %q", phase, e.Labels[scrapeAnnotation], want)
		}
	}
	v := &view{cluster: "c", now: noon, known: map[string]bool{"services": true, "endpointslices": true}, trouble: map[string]error{}}
	e, ok := v.service(new(interner).service(&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "cart", Annotations: asks}}))
	if !ok || e.Labels[scrapeAnnotation] != "true" || e.Labels[portAnnotation] != "9121" {
		t.Errorf("service %+v", e)
	}
}
