package kube

import (
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nocturne-noc/nocturne/store/model"
)

// event finds one that was told, by its kind and a part of its text.
func (b *board) event(kind, text string) (model.Event, bool) {
	for _, e := range b.events {
		if e.Kind == kind && strings.Contains(e.Text, text) {
			return e, true
		}
	}
	return model.Event{}, false
}

func search(image string) *appsv1.Deployment {
	one := int32(1)
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{Kind: "Deployment", APIVersion: "apps/v1"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "search", UID: "u-search", CreationTimestamp: metav1.Now()},
		Spec: appsv1.DeploymentSpec{Replicas: &one, Template: corev1.PodTemplateSpec{
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "search", Image: image}}},
		}},
		Status: appsv1.DeploymentStatus{Replicas: 1, AvailableReplicas: 1, UpdatedReplicas: 1},
	}
}

// A rollout of an image that cannot be pulled: the change is an event, and the pod names it as its cause. What
// the first list holds is no news, nor is it after the server has forgotten the watch.
func TestRolloutIsTheCause(t *testing.T) {
	a := filled()
	a.put("deployments", search("shop/search:8"))
	_, kubeconfig := a.start(t)
	b := run(t, Config{Kubeconfig: kubeconfig}, time.Second)
	const load, pod = "kube/ctx-a/ns/shop/deployment/search", "kube/ctx-a/ns/shop/pod/search-2-x"
	b.await(t, 10*time.Second, "first picture", func() bool { return b.entities[load].State == model.OK && b.samples != nil })

	yes := true
	a.put("replicasets", &appsv1.ReplicaSet{
		TypeMeta: metav1.TypeMeta{Kind: "ReplicaSet", APIVersion: "apps/v1"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "search-2", UID: "u-rs", CreationTimestamp: metav1.Now(),
			OwnerReferences: []metav1.OwnerReference{{Kind: "Deployment", Name: "search", Controller: &yes}}},
	})
	a.put("deployments", search("shop/search:9"))
	p := testPod("search-2-x", corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "manifest unknown"}})
	p.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "search-2", Controller: &yes}}
	p.Spec.Containers[0].Name, p.Spec.Containers[0].Image, p.Status.ContainerStatuses[0].Name = "search", "shop/search:9", "search"
	a.put("pods", p)
	b.await(t, 5*time.Second, "change", func() bool {
		e, ok := b.event("change", "image of search: shop/search:8 -> shop/search:9")
		return ok && e.Entity == load && e.Severity == model.OK && e.Labels["what"] == "image"
	})
	b.await(t, 5*time.Second, "cause", func() bool {
		why := b.entities[pod].Labels["why"]
		return strings.Contains(why, "container search: ImagePullBackOff: manifest unknown") && strings.Contains(why, "by rollout of deployment search")
	})

	a.deny(http.StatusInternalServerError, "deployments") // its watch ends, and the collection is listed anew
	b.await(t, 20*time.Second, "broken watch", func() bool { return b.entities[load].State == model.Stale })
	scaled := search("shop/search:9")
	*scaled.Spec.Replicas = 2
	a.put("deployments", scaled)
	a.deny(0, "deployments")
	b.await(t, 45*time.Second, "change after the watch broke", func() bool {
		_, ok := b.event("change", "replicas: 1 -> 2")
		return ok
	})
	a.remove("deployments", "shop", "search")
	b.await(t, 10*time.Second, "removal", func() bool {
		e, ok := b.event("change", "removed")
		return ok && e.Entity == load
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.event("change", "added"); ok {
		t.Errorf("what was there before is told as new: %+v", e)
	}
	told := map[string]int{}
	for _, e := range b.events {
		if e.Kind == "change" {
			if told[e.Text]++; told[e.Text] > 1 {
				t.Errorf("told twice: %s", e.Text)
			}
		}
	}
}

// A container that was killed for its memory once is an event of its pod and no alarm.
func TestKilledOnce(t *testing.T) {
	a := filled()
	_, kubeconfig := a.start(t)
	b := run(t, Config{Kubeconfig: kubeconfig}, time.Second)
	b.await(t, 10*time.Second, "first picture", func() bool { return b.entities[podID].State == model.OK && b.samples != nil })
	p := testPod("p1", running)
	p.Status.ContainerStatuses[0].RestartCount = 1
	p.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled", FinishedAt: metav1.Now()}
	a.put("pods", p)
	b.await(t, 5*time.Second, "event", func() bool {
		e, ok := b.event("kubernetes", "container app ended with exit code 137 (OOMKilled), 1 restart")
		return ok && e.Entity == podID && e.Labels["reason"] == "OOMKilled"
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.entities[podID]; e.State != model.OK || e.Labels["container/app"] == "" {
		t.Errorf("the pod is %v %q with %v, want it well, and its container's past told", e.State, e.Reason, e.Labels)
	}
}

// TLS secrets are read only where that is asked for.
func TestCertificatesAreOptIn(t *testing.T) {
	a := filled()
	secret := tlsSecret(t, 0)
	a.put("secrets", secret)
	_, kubeconfig := a.start(t)
	const id = "kube/ctx-a/ns/shop/certificate/shop-tls"
	b := run(t, Config{Kubeconfig: kubeconfig, Certificates: true}, time.Second)
	b.await(t, 10*time.Second, "certificate", func() bool {
		_, measured := b.value("nocturne_kube_certificate_expiry_timestamp_seconds", "cluster", "ctx-a", "namespace", "shop", "certificate", "shop-tls")
		return b.entities[id].Kind == model.KindCertificate && measured
	})
	a.mu.Lock()
	asked := a.lists["secrets"]
	a.mu.Unlock()
	if asked == 0 {
		t.Error("secrets were not asked for")
	}
	other := filled()
	other.put("secrets", secret)
	_, kubeconfig = other.start(t)
	b = run(t, Config{Kubeconfig: kubeconfig}, time.Second)
	b.await(t, 10*time.Second, "picture", func() bool { return b.entities[podID].State == model.OK && b.samples != nil })
	other.mu.Lock()
	defer other.mu.Unlock()
	if n := other.lists["secrets"]; n != 0 {
		t.Errorf("secrets were asked for %d times unasked", n)
	}
}
