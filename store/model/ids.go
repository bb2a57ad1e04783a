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
//	source/NAME
func ServerID(name string) string           { return "server/" + esc(name) }
func DeviceID(name string) string           { return "device/" + esc(name) }
func PortID(device, ifName string) string   { return DeviceID(device) + "/port/" + esc(ifName) }
func ClusterID(cluster string) string       { return "kube/" + esc(cluster) }
func NodeID(cluster, node string) string    { return ClusterID(cluster) + "/node/" + esc(node) }
func NamespaceID(cluster, ns string) string { return ClusterID(cluster) + "/ns/" + esc(ns) }
func SourceID(name string) string           { return "source/" + esc(name) }

// ObjectID names a namespaced Kubernetes object.
func ObjectID(cluster, ns string, kind Kind, name string) string {
	return NamespaceID(cluster, ns) + "/" + string(kind) + "/" + esc(name)
}

// esc keeps "/" out of a path element: interface names such as Gi1/0/1 have it.
func esc(s string) string { return escaper.Replace(s) }

var escaper = strings.NewReplacer("%", "%25", "/", "%2F")

// EntityOf finds the most specific entity that a label set speaks of, "" for none.
func EntityOf(ls labels.Labels) string {
	get := ls.Get
	if cluster := get("cluster"); cluster != "" {
		ns := get("namespace")
		for _, kind := range []Kind{KindPod, KindDeployment, KindStatefulSet, KindDaemonSet, KindService} {
			if name := get(string(kind)); name != "" && ns != "" {
				return ObjectID(cluster, ns, kind, name)
			}
		}
		if node := get("node"); node != "" {
			return NodeID(cluster, node)
		}
		if ns != "" {
			return NamespaceID(cluster, ns)
		}
		return ClusterID(cluster)
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
