package model

import (
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// The IDs of entities are paths, so that a prefix is a subtree:
//
//	server/NAME
//	device/NAME                     device/NAME/port/IFNAME
//	kube/CLUSTER                    kube/CLUSTER/node/NAME
//	kube/CLUSTER/ns/NS              kube/CLUSTER/ns/NS/pod/NAME (deployment, service, ...)
//	                                kube/CLUSTER/ns/NS/pod/NAME/container/NAME
//	kube/CLUSTER/KIND/NAME          of kinds without a namespace (persistentvolume, apiservice, project)
//	source/NAME
//	probe/NAME
func ServerID(name string) string           { return "server/" + esc(name) }
func DeviceID(name string) string           { return "device/" + esc(name) }
func PortID(device, ifName string) string   { return DeviceID(device) + "/port/" + esc(ifName) }
func ClusterID(cluster string) string       { return "kube/" + esc(cluster) }
func NodeID(cluster, node string) string    { return ClusterID(cluster) + "/node/" + esc(node) }
func NamespaceID(cluster, ns string) string { return ClusterID(cluster) + "/ns/" + esc(ns) }
func SourceID(name string) string           { return "source/" + esc(name) }
func ProbeID(name string) string            { return "probe/" + esc(name) }

// ObjectID names a namespaced Kubernetes object.
func ObjectID(cluster, ns string, kind Kind, name string) string {
	return NamespaceID(cluster, ns) + "/" + string(kind) + "/" + esc(name)
}

// ContainerID names a container within its pod.
func ContainerID(pod, container string) string { return pod + "/container/" + esc(container) }

// ClusterObjectID names a Kubernetes object that is in no namespace.
func ClusterObjectID(cluster string, kind Kind, name string) string {
	return ClusterID(cluster) + "/" + string(kind) + "/" + esc(name)
}

// ParseID takes the ID of an entity apart. Its labels are those under which samples of the entity are
// known: {"cluster", "namespace", "pod", "container"} for a container, {"device", "ifName"} for a port. ok is false
// for what no function of this file makes.
func ParseID(id string) (kind Kind, name string, labels map[string]string, ok bool) {
	parts := strings.Split(id, "/")
	for i := range parts {
		parts[i] = unescaper.Replace(parts[i])
		if parts[i] == "" {
			return "", "", nil, false
		}
	}
	n := len(parts)
	if n < 2 {
		return "", "", nil, false
	}
	name = parts[n-1]
	switch {
	case n == 2 && parts[0] == "server":
		return KindServer, name, map[string]string{"instance": name}, true
	case n == 2 && parts[0] == "device":
		return KindDevice, name, map[string]string{"device": name}, true
	case n == 4 && parts[0] == "device" && parts[2] == "port":
		return KindInterface, name, map[string]string{"device": parts[1], "ifName": name}, true
	case n == 2 && parts[0] == "source":
		return KindSource, name, map[string]string{"source": name}, true
	case n == 2 && parts[0] == "probe":
		return KindProbe, name, map[string]string{"probe": name}, true
	case parts[0] != "kube":
		return "", "", nil, false
	case n == 2:
		return KindCluster, name, map[string]string{"cluster": name}, true
	case n == 4 && parts[2] == "ns":
		return KindNamespace, name, map[string]string{"cluster": parts[1], "namespace": name}, true
	case n == 4:
		return Kind(parts[2]), name, map[string]string{"cluster": parts[1], parts[2]: name}, true
	case n == 6 && parts[2] == "ns":
		return Kind(parts[4]), name, map[string]string{"cluster": parts[1], "namespace": parts[3], labelOf(Kind(parts[4])): name}, true
	case n == 8 && parts[2] == "ns" && parts[4] == string(KindPod) && parts[6] == string(KindContainer):
		return KindContainer, name, map[string]string{"cluster": parts[1], "namespace": parts[3], "pod": parts[5], "container": name}, true
	}
	return "", "", nil, false
}

// esc keeps "/" out of a path element: interface names such as Gi1/0/1 have it.
func esc(s string) string { return escaper.Replace(s) }

var (
	escaper   = strings.NewReplacer("%", "%25", "/", "%2F")
	unescaper = strings.NewReplacer("%25", "%", "%2F", "/")
)

// namespacedKinds are those whose samples carry a label of the kind's name, the most specific first.
var namespacedKinds = []Kind{
	KindPod, KindDeployment, KindStatefulSet, KindDaemonSet, KindService, KindJob, KindCronJob, KindVolumeClaim,
	KindAutoscaler, KindBudget, KindIngress, KindQuota, KindCertificate, KindHelmRelease, KindCustom,
}

// clusterKinds are the same of kinds without a namespace.
var clusterKinds = []Kind{KindVolume, KindAPIService, KindCustomResources, KindProject}

// labelOf is the label that names an object of a kind, as kube-state-metrics has it: "job" is taken by
// Prometheus itself.
func labelOf(kind Kind) string {
	if kind == KindJob {
		return "job_name"
	}
	return string(kind)
}

// EntityOf finds the most specific entity that a label set speaks of, "" for none.
func EntityOf(ls labels.Labels) string {
	get := ls.Get
	if cluster := get("cluster"); cluster != "" {
		ns := get("namespace")
		for _, kind := range namespacedKinds {
			if name := get(labelOf(kind)); name != "" && ns != "" {
				return ObjectID(cluster, ns, kind, name)
			}
		}
		if node := get("node"); node != "" {
			return NodeID(cluster, node)
		}
		for _, kind := range clusterKinds {
			if name := get(string(kind)); name != "" {
				return ClusterObjectID(cluster, kind, name)
			}
		}
		if ns != "" {
			return NamespaceID(cluster, ns)
		}
		return ClusterID(cluster)
	}
	if probe := get("probe"); probe != "" { // its instance is what is probed, which need not be a server
		return ProbeID(probe)
	}
	if instance := get("instance"); instance != "" { // node_exporter also has a "device": a disk or a port
		return ServerID(instance)
	}
	if device := get("device"); device != "" {
		if port := get("ifName"); port != "" {
			return PortID(device, port)
		}
		return DeviceID(device)
	}
	if source := get("source"); source != "" {
		return SourceID(source)
	}
	return ""
}
