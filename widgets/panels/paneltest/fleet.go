package paneltest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	promodel "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// FleetSize says how much there is in a cluster of a Fleet.
type FleetSize struct {
	Nodes, Pods int
	Sick        int  // every so manieth pod is in trouble; 0: none
	Lost        bool // node-0003 is lost with all its pods
	Linked      bool // links of all pods are told, as they are of small clusters
}

// Fleet returns a world of Kubernetes clusters by their names: nodes in three zones, and in namespaces of some
// 500 pods each deployments of ten pods, a service for each, and an ingress and a volume claim for some.
func Fleet(size FleetSize, clusters ...string) *Source {
	s := New(time.Date(2025, 11, 18, 3, 19, 24, 0, KST))
	for _, cluster := range clusters {
		s.Rows = append(s.Rows, model.SourceStatus{Name: cluster, Kind: "kubernetes", Target: cluster, State: model.OK, LastOK: s.At.Add(-3 * time.Second), Every: 15 * time.Second})
		fleet{s, size, cluster}.build()
	}
	return s
}

type fleet struct {
	*Source
	FleetSize
	cluster string
}

// lost is the number of the node that is lost.
const lost = 3

func (f fleet) build() {
	nodesReady, podsReady := f.Nodes, f.Pods
	for i := range f.Nodes {
		e := model.Entity{ID: model.NodeID(f.cluster, f.node(i)), Kind: model.KindNode, Name: f.node(i), Parent: model.ClusterID(f.cluster), State: model.OK, Source: f.cluster,
			Labels: map[string]string{"zone": "zone-" + string(rune('a'+i%3)), "roles": "worker", "version": "v1.33.4"}}
		if f.Lost && i == lost {
			e.State, e.Reason, e.Since = model.Critical, "lost: kubelet silent since 03:12:51", clock(f.At, "03:12:51")
			nodesReady--
		}
		f.Add(e)
	}
	const each = 10 // pods of a deployment
	for w := 0; w*each < f.Pods; w++ {
		ready := f.workload(w, min(each, f.Pods-w*each))
		podsReady -= min(each, f.Pods-w*each) - ready
	}
	state := model.OK
	if f.Lost {
		state = model.Critical
	}
	f.Add(model.Entity{ID: model.ClusterID(f.cluster), Kind: model.KindCluster, Name: f.cluster, State: state, Source: f.cluster, Labels: map[string]string{
		"version": "v1.33.4", "nodes": count(f.Nodes), "nodes_ready": count(nodesReady), "pods": count(f.Pods), "pods_ready": count(podsReady)}})
}

func (f fleet) node(i int) string { return fmt.Sprintf("node-%04d", i) }

// measure adds what a pod uses and asks for, and how often it was restarted.
func (f fleet) measure(ns string, e *model.Entity) {
	kv := []string{"cluster", f.cluster, "namespace", ns, "pod", e.Name, "source", f.cluster}
	container := slices.Concat(kv, []string{"container", "app"})
	use, now := Dice("use of "+e.ID, 1), func(name string, v float64, kv ...string) {
		f.Lines = append(f.Lines, model.Series{Labels: labels.FromStrings(append([]string{promodel.MetricNameLabel, name}, kv...)...),
			Points: []model.Point{{T: f.At.Add(-5 * time.Second).UnixMilli(), V: v}}})
	}
	now("nocturne_kube_pod_cpu_usage_cores", use*use/2, kv...)
	now("nocturne_kube_pod_memory_usage_bytes", (64+400*use)*(1<<20), kv...)
	now("kube_pod_container_resource_requests", .25, append(container[:len(container):len(container)], "resource", "cpu", "unit", "core")...)
	now("kube_pod_container_resource_requests", 512<<20, append(container[:len(container):len(container)], "resource", "memory", "unit", "byte")...)
	rate := 0.0
	if e.State == model.Critical {
		rate = 6.0 / 600
	}
	f.Counter("kube_pod_container_status_restarts_total", Const(rate), container...)
}

// workload adds a deployment with its pods, its service and what leads there, and returns how many pods are ready.
func (f fleet) workload(w, pods int) (ready int) {
	ns, app := fmt.Sprintf("team-%02d", w/50), fmt.Sprintf("%s-%02d", []string{"web", "api", "cart", "search", "worker", "mailer", "redis"}[w%7], w%50)
	if w%50 == 0 {
		f.Add(model.Entity{ID: model.NamespaceID(f.cluster, ns), Kind: model.KindNamespace, Name: ns, Parent: model.ClusterID(f.cluster), State: model.OK, Source: f.cluster, Labels: map[string]string{}})
	}
	id := func(kind model.Kind, name string) string { return model.ObjectID(f.cluster, ns, kind, name) }
	link := func(kind, a, b string) {
		f.Cables = append(f.Cables, model.Link{Kind: kind, A: a, B: b, State: model.OK})
	}
	deployment, service := id(model.KindDeployment, app), id(model.KindService, app)
	for i := range pods {
		number := w*10 + i
		dice := int(Dice(f.cluster+" sick "+strconv.Itoa(number), float64(max(1, f.Sick))))
		at := (number * 7) % f.Nodes
		e := model.Entity{Kind: model.KindPod, Name: fmt.Sprintf("%s-%08x-%05x", app, uint32(Dice(app, 1<<32)), uint32(Dice(f.cluster+strconv.Itoa(number), 1<<20))), Parent: deployment, State: model.OK, Source: f.cluster,
			Labels: map[string]string{"node": f.node(at), "namespace": ns, "workload": app, "restarts": "0"}}
		switch {
		case f.Lost && at == lost:
			e.State, e.Reason, e.Since = model.Warning, "on lost node "+f.node(at), clock(f.At, "03:12:51")
		case f.Sick > 0 && dice == 1 && number%3 == 0:
			e.State, e.Reason, e.Since = model.Critical, "CrashLoopBackOff, 6 restarts, exit code 1", f.At.Add(-time.Duration(number+60)*time.Second)
		case f.Sick > 0 && dice == 1:
			e.State, e.Reason, e.Since = model.Warning, "not ready", f.At.Add(-time.Duration(number+60)*time.Second)
		default:
			ready++
		}
		e.ID = id(model.KindPod, e.Name)
		f.Add(e)
		if f.Linked {
			f.measure(ns, &e)
		}
		if i < 50 {
			link("selects", service, e.ID)
		}
		if w%7 == 6 && i == 0 {
			link("mounts", e.ID, id(model.KindVolumeClaim, app))
		}
	}
	state, reason := model.OK, ""
	if ready < pods {
		state, reason = model.Warning, fmt.Sprintf("%d of %d available", ready, pods)
	}
	labels := map[string]string{"namespace": ns, "ready": count(ready), "desired": count(pods), "available": count(ready), "updated": count(pods),
		"image": "registry.example/" + app + ":1.4." + count(w%9), "changed": f.At.Add(-time.Duration(w+1) * 37 * time.Minute).UTC().Format(time.RFC3339)}
	ends := map[string]string{"namespace": ns, "endpoints_ready": count(ready), "endpoints": count(pods)}
	f.Add(
		model.Entity{ID: deployment, Kind: model.KindDeployment, Name: app, State: state, Reason: reason, Source: f.cluster, Since: f.At.Add(-7 * time.Minute), Labels: labels},
		model.Entity{ID: service, Kind: model.KindService, Name: app, State: model.OK, Source: f.cluster, Labels: ends})
	switch w % 7 {
	case 0:
		f.Add(model.Entity{ID: id(model.KindIngress, app), Kind: model.KindIngress, Name: app, State: model.OK, Source: f.cluster, Labels: map[string]string{"namespace": ns, "hosts": app + ".example"}})
		link("routes", id(model.KindIngress, app), service)
	case 6:
		f.Add(model.Entity{ID: id(model.KindVolumeClaim, app), Kind: model.KindVolumeClaim, Name: "data-" + app, State: model.OK, Source: f.cluster, Labels: map[string]string{"namespace": ns, "size": "50 GiB"}})
	}
	return ready
}
