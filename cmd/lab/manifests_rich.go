package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	storageClass = "standard" // its volumes exist before they are asked for
	emptyClass   = "fast-ssd" // nobody provides its volumes
	metricsPort  = 14443

	goodFor = 80 * 24 * time.Hour // what a certificate is issued for that nothing is wrong with
)

// enrich creates what a cluster has beside workloads, before them: volumes for those that claim one, certificates,
// custom resources, an autoscaler, a job, and the way to the metrics server.
func (c *cluster) enrich(ctx context.Context) error {
	definition, err := os.ReadFile(filepath.Join(c.bin, certificateCRD))
	if err != nil {
		return fmt.Errorf("cert-manager's definition of certificates: %w: run 'lab build'", err)
	}
	if _, err := c.kubectl(ctx, definition, "create", "-f", "-"); err != nil {
		return err
	}
	if err := c.create(ctx, append(metricsObjects(), databaseDefinition())); err != nil {
		return err
	}
	if err := c.wait(ctx, "crd", "--all", "--for=condition=Established"); err != nil {
		return err
	}
	if err := c.create(ctx, richObjects()); err != nil {
		return err
	}
	if err := c.certify(ctx, goodFor); err != nil {
		return err
	}
	if err := c.patchStatus(ctx, "data", "database", "orders", databaseStatus(true, c.now())); err != nil {
		return err
	}
	return c.patchStatus(ctx, "shop", "ingress", "web", object{"loadBalancer": object{"ingress": []object{{"ip": "127.0.66.100"}}}})
}

// richObjects are those whose status nobody has to write by hand.
func richObjects() []object {
	out := []object{
		{"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": object{"name": storageClass}, "provisioner": "kubernetes.io/no-provisioner"},
		{"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": object{"name": emptyClass}, "provisioner": "csi.lab.example"},
	}
	for n := 1; n <= 3; n++ {
		out = append(out, object{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": object{"name": fmt.Sprintf("disk-%02d", n)},
			"spec": object{"capacity": object{"storage": "100Gi"}, "accessModes": []string{"ReadWriteOnce"}, "storageClassName": storageClass,
				"persistentVolumeReclaimPolicy": "Retain", "hostPath": object{"path": fmt.Sprintf("/disks/%02d", n)}}})
	}
	labels := func(name string) object {
		return object{"matchLabels": object{"app.kubernetes.io/name": name}}
	}
	pod := object{"spec": object{"restartPolicy": "Never", "containers": []object{{"name": "job", "image": "registry.lab/batch/job:1.0.3"}}}}
	return append(out,
		object{"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": object{"namespace": "shop", "name": "cart"},
			"spec": object{"scaleTargetRef": object{"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}, "minReplicas": 4, "maxReplicas": scaledMost,
				"behavior": object{"scaleDown": object{"stabilizationWindowSeconds": 0}},
				"metrics": []object{{"type": "Resource", "resource": object{"name": "cpu",
					"target": object{"type": "Utilization", "averageUtilization": 52}}}}}},
		object{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": object{"namespace": "shop", "name": "payment"},
			"spec": object{"minAvailable": 4, "selector": labels("payment")}},
		object{"apiVersion": "batch/v1", "kind": "CronJob", "metadata": object{"namespace": "batch", "name": "settle"},
			"spec": object{"schedule": "0 * * * *", "jobTemplate": object{"spec": object{"template": pod}}}},
		object{"apiVersion": "batch/v1", "kind": "Job", "metadata": object{"namespace": "batch", "name": "migrate"}, "spec": object{"template": pod}},
		object{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": object{"namespace": "shop", "name": "web"},
			"spec": object{"tls": []object{{"hosts": []string{"shop.lab.example"}, "secretName": webSecret}},
				"rules": []object{{"host": "shop.lab.example", "http": object{"paths": []object{{"path": "/", "pathType": "Prefix",
					"backend": object{"service": object{"name": "web", "port": object{"name": "main"}}}}}}}}}},
		object{"apiVersion": "lab.example/v1", "kind": "Database", "metadata": object{"namespace": "data", "name": "orders"}, "spec": object{"size": "100Gi"}},
		object{"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": object{"namespace": "shop", "name": "web"},
			"spec": object{"secretName": webSecret, "dnsNames": []string{"shop.lab.example"}, "issuerRef": object{"name": "lab", "kind": "ClusterIssuer"}}},
	)
}

func claimSpec(class string) object {
	return object{"accessModes": []string{"ReadWriteOnce"}, "storageClassName": class, "resources": object{"requests": object{"storage": "100Gi"}}}
}

// databaseDefinition is a custom resource that only its conditions tell about.
func databaseDefinition() object {
	open := object{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	return object{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": object{"name": "databases.lab.example"},
		"spec": object{"group": "lab.example", "scope": "Namespaced", "names": object{"plural": "databases", "singular": "database", "kind": "Database"},
			"versions": []object{{"name": "v1", "served": true, "storage": true, "subresources": object{"status": object{}},
				"schema": object{"openAPIV3Schema": object{"type": "object", "properties": object{"spec": open, "status": open}}}}}}}
}

func databaseStatus(ready bool, now time.Time) object {
	condition := object{"type": "Ready", "status": "True", "reason": "Running", "message": "3 of 3 replicas in sync"}
	if !ready {
		condition = object{"type": "Ready", "status": "False", "reason": "ReplicaLag", "message": "replica 2 is 640 s behind"}
	}
	condition["lastTransitionTime"] = now.UTC().Format(time.RFC3339)
	return object{"observedGeneration": 1, "conditions": []object{condition}}
}

// metricsObjects lead the API server to the metrics server.
func metricsObjects() []object {
	return []object{
		{"apiVersion": "v1", "kind": "Service", "metadata": object{"namespace": "kube-system", "name": "metrics-server"},
			"spec": object{"type": "ExternalName", "externalName": "localhost", "ports": []object{{"port": metricsPort}}}},
		{"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": object{"name": "v1beta1.metrics.k8s.io"},
			"spec": object{"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": true,
				"service": object{"namespace": "kube-system", "name": "metrics-server", "port": metricsPort}}},
	}
}
