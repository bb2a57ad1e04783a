package kube

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// certificatesDefined is how certificates are defined by cert-manager.
func certificatesDefined() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "certificates.cert-manager.io", "uid": "d-1"},
		"spec": map[string]any{
			"group": "cert-manager.io", "scope": "Namespaced", "names": map[string]any{"plural": "certificates", "kind": "Certificate"},
			"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true}},
		},
		"status": map[string]any{"conditions": []any{
			map[string]any{"type": "Established", "status": "True"}, map[string]any{"type": "NamesAccepted", "status": "True"},
		}},
	}}
}

func certificate(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": map[string]any{"name": name, "namespace": "shop", "uid": name},
		"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}},
	}}
}

// A resource that others discover is watched while they ask for it.
func TestDiscoveredResources(t *testing.T) {
	t.Parallel()
	a := filled()
	_, kubeconfig := a.start(t)
	b := run(t, Config{Kubeconfig: kubeconfig}, time.Second)
	b.await(t, 15*time.Second, "first picture", func() bool { return b.samples != nil })
	shown := func(name string) bool {
		for id := range b.entities {
			if strings.HasPrefix(id, "kube/ctx-a/ns/shop/") && strings.HasSuffix(id, name) {
				return true
			}
		}
		return false
	}
	a.put("certificates", certificate("tls-1"))
	a.put("customresourcedefinitions", certificatesDefined())
	b.await(t, 15*time.Second, "a certificate", func() bool { return shown("tls-1") })
	a.put("certificates", certificate("tls-2"))
	b.await(t, 15*time.Second, "another one", func() bool { return shown("tls-2") })
	a.remove("customresourcedefinitions", "", "certificates.cert-manager.io")
	b.await(t, 15*time.Second, "no certificate", func() bool { return !shown("tls-1") && !shown("tls-2") })
	a.put("customresourcedefinitions", certificatesDefined())
	b.await(t, 15*time.Second, "certificates again", func() bool { return shown("tls-1") && shown("tls-2") })
}

// A collection that is too large is counted and not watched.
func TestTooManyDiscovered(t *testing.T) {
	t.Parallel()
	a := filled()
	a.put("certificates", certificate("tls-1"))
	a.more["certificates"] = maxOfOne
	a.put("customresourcedefinitions", certificatesDefined())
	_, kubeconfig := a.start(t)
	b := run(t, Config{Kubeconfig: kubeconfig}, time.Second)
	b.await(t, 20*time.Second, "their number", func() bool {
		v, ok := b.value("nocturne_kube_custom_objects", "cluster", "ctx-a", "group", "cert-manager.io", "kind", "Certificate", "state", "unknown")
		return ok && v == maxOfOne+1
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lists["certificates"] != 1 {
		t.Errorf("asked %d times for a collection that is only to be counted", a.lists["certificates"])
	}
}
