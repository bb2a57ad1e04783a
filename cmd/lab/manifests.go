package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// stages tells kwok how the simulated nodes and pods live; see the comments there.
//
//go:embed stages.yaml
var stages string

const nodeCount = 10

// A workload is one controller with its pods and, where it has a port, its service.
type workload struct {
	Namespace, Name, Kind string // Kind is Deployment, StatefulSet or DaemonSet
	Replicas              int    // not for a DaemonSet, which has one pod on each node
	Image                 string
	CPU, Memory           string // requests of each pod
	Port                  int    // 0: no service
}

var workloads = []workload{
	{"shop", "web", "Deployment", 12, "registry.lab/shop/web:4.12.1", "250m", "256Mi", 8080},
	{"shop", "api", "Deployment", 12, "registry.lab/shop/api:4.12.1", "500m", "512Mi", 8080},
	{"shop", "cart", "Deployment", 8, "registry.lab/shop/cart:2.3.0", "250m", "256Mi", 8080},
	{"shop", "checkout", "Deployment", 6, "registry.lab/shop/checkout:3.8.2", "500m", "512Mi", 8080},
	{"shop", "payment", "Deployment", 6, "registry.lab/shop/payment:1.19.4", "500m", "512Mi", 8443},
	{"shop", "search", "Deployment", 8, "registry.lab/shop/search:2.0.7", "1", "2Gi", 9200},
	{"data", "redis", "StatefulSet", 3, "registry.lab/data/redis:7.4", "500m", "2Gi", 6379},
	{"data", "postgres", "StatefulSet", 3, "registry.lab/data/postgres:17.2", "2", "8Gi", 5432},
	{"data", "kafka", "StatefulSet", 3, "registry.lab/data/kafka:3.9", "1", "4Gi", 9092},
	{"batch", "worker", "Deployment", 16, "registry.lab/batch/worker:6.1.0", "500m", "512Mi", 0},
	{"batch", "mailer", "Deployment", 4, "registry.lab/batch/mailer:1.4.0", "100m", "128Mi", 0},
	{"batch", "report", "Deployment", 3, "registry.lab/batch/report:2.2.1", "1", "1Gi", 8080},
	{"observability", "log-agent", "DaemonSet", 0, "registry.lab/obs/log-agent:3.2", "100m", "128Mi", 0},
	{"observability", "collector", "Deployment", 3, "registry.lab/obs/collector:0.115", "500m", "1Gi", 4317},
	{"observability", "alerting", "Deployment", 2, "registry.lab/obs/alerting:0.28", "100m", "128Mi", 9093},
	{"observability", "grafana", "Deployment", 1, "registry.lab/obs/grafana:11.4", "250m", "256Mi", 3000},
}

// podCount is the number of pods that the workloads have together.
func podCount() int {
	n := 0
	for _, w := range workloads {
		if w.Kind == "DaemonSet" {
			n += nodeCount
		}
		n += w.Replicas
	}
	return n
}

func nodeName(n int) string { return fmt.Sprintf("node-%02d", n) }

// nodeAddress is what a node says its address is. It is on the loopback network, so that nothing sent to it leaves the
// machine; nothing listens there.
func nodeAddress(n int) string { return fmt.Sprintf("127.0.66.%d", n) }

type object = map[string]any

// nodeObjects are the simulated nodes, over three zones and two sizes.
func nodeObjects() []object {
	var out []object
	for n := 1; n <= nodeCount; n++ {
		size, kind := object{"cpu": "16", "memory": "64Gi", "pods": "110"}, "m16"
		if n > 7 {
			size, kind = object{"cpu": "32", "memory": "128Gi", "pods": "110"}, "m32"
		}
		out = append(out, object{
			"apiVersion": "v1", "kind": "Node",
			"metadata": object{
				"name":        nodeName(n),
				"annotations": object{"kwok.x-k8s.io/node": "fake", "lab/address": nodeAddress(n)},
				"labels": object{
					"kubernetes.io/hostname": nodeName(n), "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
					"node-role.kubernetes.io/worker": "", "node.kubernetes.io/instance-type": kind,
					"topology.kubernetes.io/region": "seoul", "topology.kubernetes.io/zone": fmt.Sprintf("seoul-%c", 'a'+rune(n%3)),
				},
			},
			"status": object{"capacity": size, "allocatable": size, "nodeInfo": object{
				"architecture": "amd64", "operatingSystem": "linux", "osImage": "Debian GNU/Linux 12 (bookworm)",
				"kernelVersion": "6.1.0-lab", "kubeletVersion": "v1.36.3", "kubeProxyVersion": "v1.36.3",
				"containerRuntimeVersion": "containerd://2.2.0", "machineID": "", "systemUUID": "", "bootID": "",
			}},
		})
	}
	return out
}

// workloadObjects are the namespaces, controllers and services of the workloads.
func workloadObjects() []object {
	var out []object
	seen := map[string]bool{}
	for _, w := range workloads {
		if !seen[w.Namespace] {
			seen[w.Namespace] = true
			out = append(out, object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": w.Namespace}})
		}
	}
	for _, w := range workloads {
		out = append(out, w.controller())
		if w.Port != 0 {
			out = append(out, w.service())
		}
	}
	return out
}

func (w workload) metadata() object {
	return object{"namespace": w.Namespace, "name": w.Name, "labels": w.labels()}
}

func (w workload) labels() object {
	return object{"app.kubernetes.io/name": w.Name, "app.kubernetes.io/part-of": w.Namespace}
}

func (w workload) controller() object {
	container := object{"name": w.Name, "image": w.Image,
		"resources": object{"requests": object{"cpu": w.CPU, "memory": w.Memory}, "limits": object{"memory": w.Memory}}}
	if w.Port != 0 {
		container["ports"] = []object{{"name": "main", "containerPort": w.Port}}
	}
	spec := object{
		"selector": object{"matchLabels": object{"app.kubernetes.io/name": w.Name}},
		"template": object{
			"metadata": object{"labels": w.labels()},
			"spec": object{"containers": []object{container}, "terminationGracePeriodSeconds": 1,
				"topologySpreadConstraints": []object{{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
					"whenUnsatisfiable": "ScheduleAnyway", "labelSelector": object{"matchLabels": object{"app.kubernetes.io/name": w.Name}}}}},
		},
	}
	if w.Kind != "DaemonSet" {
		spec["replicas"] = w.Replicas
	}
	if w.Kind == "StatefulSet" {
		spec["serviceName"] = w.Name
		spec["podManagementPolicy"] = "Parallel"
	}
	return object{"apiVersion": "apps/v1", "kind": w.Kind, "metadata": w.metadata(), "spec": spec}
}

func (w workload) service() object {
	return object{"apiVersion": "v1", "kind": "Service", "metadata": w.metadata(),
		"spec": object{"selector": object{"app.kubernetes.io/name": w.Name},
			"ports": []object{{"name": "main", "port": w.Port, "targetPort": "main"}}}}
}

// manifest renders objects as one list for kubectl.
func manifest(objects []object) ([]byte, error) {
	text, err := json.Marshal(object{"apiVersion": "v1", "kind": "List", "items": objects})
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return text, nil
}
