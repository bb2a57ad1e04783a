package paneltest

import (
	"fmt"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

var clusterNames = []string{"gpu-batch", "prod-busan", "prod-seoul", "staging"}

// apps are the workloads of the shop in prod-seoul: pods wanted, and ready on the bad night.
var apps = []struct {
	ns, name      string
	wanted, ready int
}{
	{"edge", "ingress", 3, 3},
	{"shop", "web", 6, 6}, {"shop", "api", 8, 8}, {"shop", "cart", 6, 4}, {"shop", "checkout", 4, 3},
	{"shop", "search", 8, 5}, {"shop", "recommend", 4, 2}, {"shop", "payment", 3, 1}, {"shop", "worker", 12, 9}, {"shop", "mailer", 3, 1},
	{"data", "redis", 3, 3}, {"data", "postgres", 3, 3},
}

func (n night) kubernetes() {
	n.cluster("prod-seoul", "v1.33.4", 12, 426, 68, 74)
	n.cluster("prod-busan", "v1.33.4", 8, 251, 47, 58)
	n.cluster("staging", "v1.34.1", 5, 148, 22, 41)
	n.cluster("gpu-batch", "v1.32.8", 4, 96, 71, 66)
	n.shop()
}

// cluster adds a cluster, its nodes and its pods, spread evenly.
func (n night) cluster(name, version string, nodes, pods int, cpu, memory float64) {
	ready, podsReady := nodes, pods
	state := model.OK
	if n.sick && name == "prod-seoul" {
		ready, podsReady, state = nodes-1, pods-15, model.Critical
	}
	n.Add(model.Entity{ID: model.ClusterID(name), Kind: model.KindCluster, Name: name, State: state, Source: name, Since: n.since("03:12:51"),
		Labels: map[string]string{"version": version, "nodes": count(nodes), "nodes_ready": count(ready), "pods": count(pods), "pods_ready": count(podsReady), "context": name}})
	const cores, ram = 16, 64 << 30
	for i := 1; i <= nodes; i++ {
		node := fmt.Sprintf("node-%02d", i)
		e := model.Entity{ID: model.NodeID(name, node), Kind: model.KindNode, Name: node, Parent: model.ClusterID(name), State: model.OK, Source: name,
			Labels: map[string]string{"version": version, "roles": "worker"}}
		if n.sick && name == "prod-seoul" && i == 7 {
			e.State, e.Reason, e.Since = model.Critical, "lost: kubelet silent", clock(n.At, "03:12:51")
		}
		n.Add(e)
		kv := []string{"cluster", name, "node", node, "source", name}
		n.Gauge("nocturne_kube_node_cpu_usage_cores", Const(cores*cpu/100), kv...)
		n.Gauge("nocturne_kube_node_memory_usage_bytes", Const(ram*memory/100), kv...)
		n.Gauge("kube_node_status_allocatable", Const(cores), append(kv, "resource", "cpu", "unit", "core")...)
		n.Gauge("kube_node_status_allocatable", Const(ram), append(kv, "resource", "memory", "unit", "byte")...)
	}
	for i := range pods {
		n.pod(name, nodes, i)
	}
}

// pod adds the i-th pod of a cluster.
func (n night) pod(cluster string, nodes, i int) {
	app := apps[i%len(apps)]
	node := fmt.Sprintf("node-%02d", i%nodes+1)
	id := fmt.Sprintf("%s/%d", cluster, i)
	name := fmt.Sprintf("%s-%08x-%05x", app.name, uint32(Dice(app.name, 1<<32)), uint32(Dice(id, 1<<20)))
	if cluster == "prod-seoul" && i == 28 { // an application of the shop, on node-05
		app.ns, app.name, name = "shop", "checkout", "checkout-7d9f8c6b5-x2x7k"
	}
	e := model.Entity{Kind: model.KindPod, Name: name, State: model.OK, Source: cluster,
		Labels: map[string]string{"node": node, "namespace": app.ns, "workload": app.name, "restarts": "0"}}
	if n.sick && cluster == "prod-seoul" {
		switch {
		case i == 28:
			e.State, e.Since = model.Critical, clock(n.At, "03:14:37")
			e.Reason = "CrashLoopBackOff, 6 restarts, exit code 1"
			e.Labels["restarts"] = "6"
		case node == "node-07" && i < 14*nodes:
			e.State, e.Reason, e.Since = model.Warning, "on lost node node-07", clock(n.At, "03:17:51")
		case node == "node-07":
			node = fmt.Sprintf("node-%02d", i/nodes%6+1)
			e.Labels["node"] = node
		}
	}
	e.ID = model.ObjectID(cluster, app.ns, model.KindPod, name)
	e.Parent = model.ObjectID(cluster, app.ns, model.KindDeployment, app.name)
	n.Add(e)
	if cluster == "prod-seoul" {
		use := Dice("cpu of "+id, 1)
		n.Gauge("nocturne_kube_pod_cpu_usage_cores", func(t time.Time) float64 {
			if n.At.Sub(t) > time.Minute {
				return -1
			}
			return use * use
		}, "cluster", cluster, "namespace", app.ns, "pod", name, "source", cluster)
	}
}

// shop adds the workloads and services of prod-seoul.
func (n night) shop() {
	const cluster = "prod-seoul"
	for _, a := range apps {
		ready, state, reason := a.wanted, model.OK, ""
		if n.sick && a.ready < a.wanted {
			ready, state, reason = a.ready, model.Warning, fmt.Sprintf("%d of %d ready", a.ready, a.wanted)
			if a.name == "checkout" {
				state = model.Critical
			}
		}
		kv := map[string]string{"namespace": a.ns, "ready": count(ready), "desired": count(a.wanted), "endpoints_ready": count(ready), "endpoints": count(a.wanted)}
		n.Add(
			model.Entity{ID: model.ObjectID(cluster, a.ns, model.KindDeployment, a.name), Kind: model.KindDeployment, Name: a.name, State: state, Reason: reason,
				Source: cluster, Since: n.since("03:12:52"), Labels: kv},
			model.Entity{ID: model.ObjectID(cluster, a.ns, model.KindService, a.name), Kind: model.KindService, Name: a.name, State: state, Reason: reason,
				Source: cluster, Since: n.since("03:12:52"), Labels: kv},
		)
	}
}
