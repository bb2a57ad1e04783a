package kube

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/nocturne-noc/nocturne/store/model"
)

// TestLandscapeIsWatched has a project installed in a cluster that is watched, and removed again.
func TestLandscapeIsWatched(t *testing.T) {
	a := filled()
	_, kubeconfig := a.start(t)
	b := run(t, Config{Kubeconfig: kubeconfig, Helm: true}, time.Second)
	b.await(t, 10*time.Second, "first picture", func() bool { return b.entities[podID].State == model.OK })
	project, certificate := model.ClusterObjectID("ctx-a", model.KindProject, "cert-manager"), model.ObjectID("ctx-a", "shop", model.KindCertificate, "shop-tls")

	a.put("deployments", deployed("cert-manager", "quay.io/jetstack/cert-manager-controller:v1.21.2", 1, 1, nil))
	b.await(t, 5*time.Second, "its workload", func() bool {
		e := b.entities[project]
		return e.State == model.OK && e.Labels["version"] == "v1.21.2" && e.Labels["workloads"] == "1/1"
	})

	definition := defined("Certificate", "certificates", "cert-manager.io")
	definition.SetAPIVersion("apiextensions.k8s.io/v1")
	definition.SetKind("CustomResourceDefinition")
	definition.SetUID("crd")
	issued := objectOf(t, certificateText)
	issued.SetUID("cert")
	lives := func(left time.Duration) *unstructured.Unstructured {
		u := issued.DeepCopy()
		end := time.Now().Add(left)
		u.Object["status"] = map[string]any{
			"notBefore": end.Add(-90 * day).UTC().Format(time.RFC3339), "notAfter": end.UTC().Format(time.RFC3339),
			"conditions": []any{map[string]any{"type": "Ready", "status": "True"}},
		}
		return u
	}
	a.put("certificates", lives(60*day))
	a.put("customresourcedefinitions", definition)
	b.await(t, 5*time.Second, "its certificate", func() bool {
		return b.entities[certificate].State == model.OK && b.entities[project].Labels["objects"] == "1/1"
	})
	b.await(t, 5*time.Second, "cert-manager's own metric", func() bool {
		for name := range b.samples {
			if strings.Contains(name, "certmanager_certificate_expiration_timestamp_seconds") && strings.Contains(name, "shop-tls") {
				return true
			}
		}
		return false
	})

	a.put("certificates", lives(3*day))
	b.await(t, 5*time.Second, "its certificate's end", func() bool {
		return b.entities[certificate].State == model.Critical && b.entities[project].State == model.Critical &&
			strings.HasPrefix(b.entities[project].Reason, "Certificate shop/shop-tls: expires ")
	})

	a.remove("customresourcedefinitions", "", definition.GetName())
	b.await(t, 5*time.Second, "its definition is gone", func() bool {
		_, still := b.entities[certificate]
		return !still && b.entities[project].State == model.OK && b.entities[project].Labels["objects"] == ""
	})
	a.remove("deployments", "system", "cert-manager")
	b.await(t, 5*time.Second, "it is gone", func() bool {
		_, still := b.entities[project]
		return !still
	})
}

// TestReleasesAreToldAsChanges has Helm upgrade a release in a cluster that is watched.
func TestReleasesAreToldAsChanges(t *testing.T) {
	a := filled()
	_, kubeconfig := a.start(t)
	b := run(t, Config{Kubeconfig: kubeconfig, Helm: true}, time.Second)
	b.await(t, 10*time.Second, "first picture", func() bool { return b.entities[podID].State == model.OK })
	id := model.ObjectID("ctx-a", "shop", model.KindHelmRelease, "web")
	put := func(revision int, status string, age time.Duration) {
		o := helmSecret("web", revision, status, time.Now().Add(-age))
		o.APIVersion, o.Kind = "meta.k8s.io/v1", "PartialObjectMetadata"
		o.UID = "u" + o.UID
		a.put("secrets", o)
	}
	put(1, "deployed", day)
	b.await(t, 5*time.Second, "the release", func() bool { return b.entities[id].State == model.OK && b.entities[id].Labels["revision"] == "1" })
	put(1, "superseded", day)
	put(2, "failed", 0)
	b.await(t, 5*time.Second, "the failed upgrade", func() bool {
		return b.entities[id].State == model.Warning && strings.HasPrefix(b.entities[id].Reason, "revision 2 failed ")
	})
	b.await(t, 5*time.Second, "the change", func() bool {
		for _, e := range b.events {
			if e.Kind == changeKind && e.Entity == id && e.Text == "revision: 2 failed" {
				return true
			}
		}
		return false
	})
}
