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

// simulation tells kwok what the simulated nodes measure and log.
//
//go:embed kube_simulation.yaml
var simulation string

// A workload is one controller with its pods and, where it has a port, its service.
type workload struct {
	Namespace, Name, Kind string // Kind is Deployment, StatefulSet or DaemonSet
	Replicas              int    // not for a DaemonSet, which has one pod on each node
	Image                 string
	CPU, Memory           string // requests of each pod
	Port                  int    // 0: no service
	UsesCPU, UsesMemory   string // of each pod
	Claims                bool   // each pod has a volume
}

// seoulWorkloads have 100 pods on ten nodes. The usage of batch/mailer is what README.md says of it.
var seoulWorkloads = []workload{
	{"shop", "web", "Deployment", 12, "registry.lab/shop/web:4.12.1", "250m", "256Mi", 8080, "110m", "180Mi", false},
	{"shop", "api", "Deployment", 12, "registry.lab/shop/api:4.12.1", "500m", "512Mi", 8080, "230m", "340Mi", false},
	{"shop", "cart", "Deployment", 8, "registry.lab/shop/cart:2.3.0", "250m", "256Mi", 8080, "125m", "140Mi", false},
	{"shop", "checkout", "Deployment", 6, "registry.lab/shop/checkout:3.8.2", "500m", "512Mi", 8080, "190m", "300Mi", false},
	{"shop", "payment", "Deployment", 6, "registry.lab/shop/payment:1.19.4", "500m", "512Mi", 8443, "160m", "280Mi", false},
	{"shop", "search", "Deployment", 8, "registry.lab/shop/search:2.0.7", "1", "2Gi", 9200, "620m", "1400Mi", false},
	{"data", "redis", "StatefulSet", 3, "registry.lab/data/redis:7.4", "500m", "2Gi", 6379, "240m", "1200Mi", false},
	{"data", "postgres", "StatefulSet", 3, "registry.lab/data/postgres:17.2", "2", "8Gi", 5432, "1300m", "6200Mi", true},
	{"data", "kafka", "StatefulSet", 3, "registry.lab/data/kafka:3.9", "1", "4Gi", 9092, "710m", "3100Mi", false},
	{"batch", "worker", "Deployment", 16, "registry.lab/batch/worker:6.1.0", "500m", "512Mi", 0, "380m", "330Mi", false},
	{"batch", "mailer", "Deployment", 4, "registry.lab/batch/mailer:1.4.0", "100m", "128Mi", 0, "100m", "100Mi", false},
	{"batch", "report", "Deployment", 3, "registry.lab/batch/report:2.2.1", "1", "1Gi", 8080, "420m", "600Mi", false},
	{"observability", "log-agent", "DaemonSet", 0, "registry.lab/obs/log-agent:3.2", "100m", "128Mi", 0, "40m", "90Mi", false},
	{"observability", "collector", "Deployment", 3, "registry.lab/obs/collector:0.115", "500m", "1Gi", 4317, "310m", "720Mi", false},
	{"observability", "alerting", "Deployment", 2, "registry.lab/obs/alerting:0.28", "100m", "128Mi", 9093, "30m", "70Mi", false},
	{"observability", "grafana", "Deployment", 1, "registry.lab/obs/grafana:11.4", "250m", "256Mi", 3000, "60m", "190Mi", false},
}

// busanWorkloads have 20 pods on four nodes.
var busanWorkloads = []workload{
	{"edge", "gateway", "Deployment", 6, "registry.lab/edge/gateway:1.8.0", "250m", "256Mi", 8080, "90m", "150Mi", false},
	{"edge", "sync", "Deployment", 4, "registry.lab/edge/sync:1.8.0", "250m", "256Mi", 0, "70m", "120Mi", false},
	{"edge", "queue", "StatefulSet", 3, "registry.lab/edge/queue:3.13", "500m", "1Gi", 5672, "210m", "640Mi", false},
	{"edge", "dashboard", "Deployment", 3, "registry.lab/edge/dashboard:2.2.0", "100m", "128Mi", 3000, "20m", "60Mi", false},
	{"observability", "log-agent", "DaemonSet", 0, "registry.lab/obs/log-agent:3.2", "100m", "128Mi", 0, "40m", "90Mi", false},
}

func nodeName(n int) string { return fmt.Sprintf("node-%02d", n) }

const (
	simulated   = "lab/simulated=true" // label of the nodes that have a kubelet
	usageCPU    = "kwok.x-k8s.io/usage-cpu"
	usageMemory = "kwok.x-k8s.io/usage-memory"
)

type object = map[string]any

// nodeObjects are the simulated nodes, over three zones and two sizes.
func (p clusterPlan) nodeObjects() []object {
	var out []object
	for n := 1; n <= p.Nodes; n++ {
		size, kind := object{"cpu": "16", "memory": "64Gi", "pods": "110"}, "m16"
		if n > 7 {
			size, kind = object{"cpu": "32", "memory": "128Gi", "pods": "110"}, "m32"
		}
		out = append(out, object{
			"apiVersion": "v1", "kind": "Node",
			"metadata": object{
				"name":        nodeName(n),
				"annotations": object{"kwok.x-k8s.io/node": "fake", "lab/address": p.nodeAddress(n), "lab/outside": fmt.Sprintf("%s.%d", p.Outside, n)},
				"labels": object{
					"kubernetes.io/hostname": nodeName(n), "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
					"lab/simulated": "true", "node-role.kubernetes.io/worker": "", "node.kubernetes.io/instance-type": kind,
					"topology.kubernetes.io/region": p.Region, "topology.kubernetes.io/zone": fmt.Sprintf("%s-%c", p.Region, 'a'+rune(n%3)),
				},
			},
			"status": object{"capacity": size, "allocatable": size, "nodeInfo": object{
				"architecture": "amd64", "operatingSystem": "linux", "osImage": "Debian GNU/Linux 12 (bookworm)",
				"kernelVersion": "6.1.0-lab", "kubeletVersion": p.Version, "kubeProxyVersion": p.Version,
				"containerRuntimeVersion": "containerd://2.2.0", "machineID": "", "systemUUID": "", "bootID": "",
			}},
		})
	}
	return out
}

// workloadObjects are the controllers and services of the workloads.
func (p clusterPlan) workloadObjects() []object {
	var out []object
	for _, w := range p.Workloads {
		out = append(out, w.controller())
		if w.Port != 0 {
			out = append(out, w.service())
		}
	}
	return out
}

// namespaceObjects are the namespaces of the workloads.
func (p clusterPlan) namespaceObjects() []object {
	var out []object
	seen := map[string]bool{}
	for _, w := range p.Workloads {
		if !seen[w.Namespace] {
			seen[w.Namespace] = true
			out = append(out, object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": w.Namespace}})
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
			"metadata": object{"labels": w.labels(), "annotations": object{usageCPU: w.UsesCPU, usageMemory: w.UsesMemory}},
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
	if w.Claims {
		container["volumeMounts"] = []object{{"name": "data", "mountPath": "/var/lib/" + w.Name}}
		spec["volumeClaimTemplates"] = []object{{"metadata": object{"name": "data"}, "spec": claimSpec(storageClass)}}
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
	return manifestText(object{"apiVersion": "v1", "kind": "List", "items": objects})
}

func manifestText(o object) ([]byte, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return text, nil
}
