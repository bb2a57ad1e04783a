package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	prom "github.com/prometheus/common/model"

	"github.com/nocturne-noc/nocturne/store/model"
)

// shop is a view of a small cluster: a deployment of two pods on one node, behind a service.
func shop() *view {
	m := func(name string) meta {
		return meta{Name: name, Namespace: "shop", UID: name, Created: ago(time.Hour)}
	}
	v := &view{
		cluster: "c", context: "ctx", host: "h:6443", version: "v1.36.3", now: noon,
		known: map[string]bool{}, trouble: map[string]error{},
	}
	for _, r := range resources {
		v.known[r.name] = true
	}
	v.add("nodes", &Node{meta: meta{Name: "n1"}, Conditions: []Condition{{Type: "Ready", Status: "True"}}, Allocatable: Resources{CPU: 4, Memory: 8e9, Pods: 110}})
	for _, name := range []string{"web-1-a", "web-1-b"} {
		v.add("pods", &Pod{meta: m(name), Node: "n1", IP: "10.0.0.1", Phase: "Running", QoS: "Burstable", OwnerKind: "ReplicaSet", Owner: "web-1",
			Ready:      &Condition{Type: "Ready", Status: "True"},
			Containers: []Container{{Name: "migrate", Init: true, Image: "m"}, {Name: "app", Image: "web:1", Running: true, Ready: true, Restarts: 2, Request: Resources{CPU: 0.1}}}})
	}
	v.add("replicasets", &ReplicaSet{meta: m("web-1"), OwnerKind: "Deployment", Owner: "web"})
	v.add("deployments", &Workload{meta: m("web"), Kind: model.KindDeployment, Desired: 2, Ready: 2, Available: 2, Updated: 2})
	v.add("services", &Service{meta: m("web"), Type: "ClusterIP", Selector: "app=web"})
	v.add("endpointslices", &Slice{meta: m("web-x"), Service: "web", Ready: 1, Total: 2, Pods: []string{"web-1-a", "web-1-b", "web-1-a"}})
	v.index()
	return v
}

func byID(pic picture) map[string]model.Entity {
	out := map[string]model.Entity{}
	for _, e := range pic.entities {
		out[e.ID] = e
	}
	return out
}

func TestPicture(t *testing.T) {
	pic := shop().picture()
	got := byID(pic)
	for id, want := range map[string]model.Entity{
		"kube/c":                        {State: model.OK, Labels: map[string]string{"nodes": "1", "nodes_ready": "1", "pods": "2", "pods_ready": "2", "version": "v1.36.3", "context": "ctx", "server": "h:6443"}},
		"kube/c/node/n1":                {State: model.OK, Parent: "kube/c", Labels: map[string]string{"cpu_allocatable": "4", "memory_allocatable": "8000000000"}},
		"kube/c/ns/shop":                {State: model.OK, Parent: "kube/c", Labels: map[string]string{"pods": "2", "pods_ready": "2", "problems": "0"}},
		"kube/c/ns/shop/deployment/web": {State: model.OK, Parent: "kube/c/ns/shop", Labels: map[string]string{"desired": "2", "ready": "2"}},
		"kube/c/ns/shop/service/web":    {State: model.OK, Parent: "kube/c/ns/shop", Labels: map[string]string{"endpoints": "2", "endpoints_ready": "1", "selector": "app=web"}},
		"kube/c/ns/shop/pod/web-1-a": {State: model.OK, Parent: "kube/c/ns/shop/deployment/web",
			Labels: map[string]string{"workload": "deployment/web", "node": "n1", "image": "web:1", "restarts": "2", "ip": "10.0.0.1", "qos": "Burstable"}},
	} {
		e, ok := got[id]
		if !ok || e.State != want.State || e.Parent != want.Parent {
			t.Errorf("%s: got %+v, want state %v under %q", id, e, want.State, want.Parent)
		}
		for name, value := range want.Labels {
			if e.Labels[name] != value {
				t.Errorf("%s: label %s is %q, want %q", id, name, e.Labels[name], value)
			}
		}
	}
	if len(got) != 7 {
		t.Errorf("%d entities, want 7", len(got))
	}
	kinds := map[string]int{}
	for _, l := range pic.links {
		kinds[l.Kind]++
	}
	if kinds["runs-on"] != 2 || kinds["owns"] != 2 || kinds["selects"] != 2 {
		t.Errorf("links %v, want two of each kind", kinds)
	}
}

func forbidden(resource string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no"))
}

// What cannot be read is unknown or stale, never green, zero or down.
func TestPictureInTrouble(t *testing.T) {
	v := shop()
	v.trouble = map[string]error{"pods": forbidden("pods"), "endpointslices": forbidden("endpointslices"), "deployments": errors.New("boom")}
	got := byID(v.picture())
	for id, want := range map[string]Verdict{
		"kube/c/ns/shop/pod/web-1-a":    {model.Unknown, "no permission to list pods"},
		"kube/c/ns/shop/service/web":    {model.Unknown, "no permission to list endpointslices"},
		"kube/c/ns/shop/deployment/web": {model.Stale, "deployments not read: boom"},
	} {
		if e := got[id]; e.State != want.State || e.Reason != want.Reason {
			t.Errorf("%s is %v %q, want %v %q", id, e.State, e.Reason, want.State, want.Reason)
		}
	}
	if e := got["kube/c"]; e.Labels["pods"] != "" || e.Labels["no_permission"] != "pods; endpointslices" {
		t.Errorf("cluster labels %v, want no count of pods and the permissions named", e.Labels)
	}
	if _, ok := got["kube/c/ns/shop/service/web"].Labels["endpoints"]; ok {
		t.Error("endpoints that cannot be read are counted")
	}
	for _, s := range v.samples(noon, 0) {
		if name := s.Labels.Get(prom.MetricNameLabel); strings.HasPrefix(name, "kube_pod") || strings.HasPrefix(name, "kube_deployment") || strings.Contains(name, "endpoints") {
			t.Errorf("%s is measured though it cannot be read", s.Labels)
		}
	}
	v = shop()
	delete(v.known, "endpointslices")
	if _, ok := byID(v.picture())["kube/c/ns/shop/service/web"]; ok {
		t.Error("a service is judged before its endpoints are known")
	}
}

func TestSamples(t *testing.T) {
	v := shop()
	v.usage = usage{
		nodes: map[string]Resources{"n1": {CPU: 1.5, Memory: 2e9}}, pods: map[podName]Resources{{"shop", "web-1-a"}: {CPU: 0.2}},
		containers: []containerUsage{{podName{"shop", "web-1-a"}, "app", Resources{CPU: 0.2}}},
	}
	v.add("replicasets", &ReplicaSet{meta: meta{Name: "web-0", Namespace: "shop"}, OwnerKind: "Deployment", Owner: "web"}) // kept for a rollback
	got := map[string]float64{}
	for _, s := range v.samples(noon, 20*time.Millisecond) {
		if _, twice := got[s.Labels.String()]; twice {
			t.Errorf("%s is there twice", s.Labels)
		}
		if s.T != noon.UnixMilli() || s.Labels.Get("cluster") != "c" {
			t.Errorf("%s at %d: want the cluster's label and the instant", s.Labels, s.T)
		}
		got[s.Labels.String()] = s.V
	}
	for want, value := range map[string]float64{
		`{__name__="kube_node_status_condition", cluster="c", condition="Ready", node="n1", status="true"}`:                                                            1,
		`{__name__="kube_node_status_condition", cluster="c", condition="Ready", node="n1", status="unknown"}`:                                                         0,
		`{__name__="kube_node_status_allocatable", cluster="c", node="n1", resource="memory", unit="byte"}`:                                                            8e9,
		`{__name__="kube_pod_status_phase", cluster="c", namespace="shop", phase="Running", pod="web-1-a"}`:                                                            1,
		`{__name__="kube_pod_status_ready", cluster="c", condition="true", namespace="shop", pod="web-1-a"}`:                                                           1,
		`{__name__="kube_pod_container_status_restarts_total", cluster="c", container="app", namespace="shop", pod="web-1-a"}`:                                         2,
		`{__name__="kube_pod_container_resource_requests", cluster="c", container="app", namespace="shop", node="n1", pod="web-1-a", resource="cpu", unit="core"}`:     0.1,
		`{__name__="kube_deployment_status_replicas_unavailable", cluster="c", deployment="web", namespace="shop"}`:                                                    0,
		`{__name__="nocturne_kube_service_endpoints_ready", cluster="c", namespace="shop", service="web"}`:                                                             1,
		`{__name__="nocturne_kube_node_cpu_usage_cores", cluster="c", node="n1"}`:                                                                                      1.5,
		`{__name__="nocturne_kube_pod_cpu_usage_cores", cluster="c", namespace="shop", pod="web-1-a"}`:                                                                 0.2,
		`{__name__="nocturne_kube_api_latency_seconds", cluster="c"}`:                                                                                                  0.02,
		`{__name__="kube_replicaset_owner", cluster="c", namespace="shop", owner_is_controller="true", owner_kind="Deployment", owner_name="web", replicaset="web-1"}`: 1,
	} {
		if v, ok := got[want]; !ok || v != value {
			t.Errorf("%s = %v (there: %v), want %v", want, v, ok, value)
		}
	}
	for name := range got {
		if strings.Contains(name, `replicaset="web-0"`) || strings.Contains(name, "nocturne_kube_only_namespaces") {
			t.Errorf("%s is there", name)
		}
	}
	v.only = []string{"shop"}
	wantSamples(t, v, map[string]float64{`{__name__="nocturne_kube_only_namespaces", cluster="c"}`: 1})
}

func TestNews(t *testing.T) {
	v := shop()
	box := newNewsBox(ago(time.Hour))
	event := func(name, reason string, count int, age time.Duration) *Happening {
		return &Happening{meta: meta{UID: name + "-" + reason}, Kind: "Pod", ObjectNamespace: "shop", ObjectName: name, Type: "Warning", Reason: reason, Message: "m", Count: count, Last: ago(age)}
	}
	box.add(event("a", "BackOff", 1, time.Minute))
	box.add(event("a", "BackOff", 5, 30*time.Second))
	box.add(event("a", "Unhealthy", 1, 40*time.Second))
	box.add(event("old", "BackOff", 1, 2*time.Hour))
	normal := event("b", "Killing", 1, 0)
	normal.Type = "Normal"
	box.add(normal)
	got := box.take(v)
	if len(got) != 2 || got[0].Text != "Unhealthy: m" || got[1].Text != "BackOff: m" || got[1].Count != 5 || got[1].Entity != "kube/c/ns/shop/pod/a" || got[1].Title != "shop/a" {
		t.Errorf("told %+v, want Unhealthy, then BackOff folded to 5", got)
	}
	restarted := newNewsBox(ago(time.Hour))
	restarted.add(event("a", "BackOff", 5, 30*time.Second))
	if again := restarted.take(v); len(again) != 1 || again[0].Labels[model.LabelUID] == "" ||
		again[0].Labels[model.LabelUID] != got[1].Labels[model.LabelUID] || again[0].Count != got[1].Count {
		t.Errorf("after a restart %+v, want the UID and count of %+v: the store drops it then", again, got[1])
	}
	box.add(event("a", "BackOff", 5, 30*time.Second)) // an informer started anew
	if got := box.take(v); len(got) != 0 {
		t.Errorf("told again: %+v", got)
	}
	box.add(event("a", "BackOff", 6, 0))
	if got := box.take(v); len(got) != 0 {
		t.Errorf("told within a minute: %+v", got)
	}
	v.now = noon.Add(time.Minute)
	if got := box.take(v); len(got) != 1 || got[0].Count != 6 {
		t.Errorf("told %+v, want the count of 6 after a minute", got)
	}
	for i := range 250 {
		box.add(event(fmt.Sprint("storm-", i), "Failed", 1, 0))
	}
	if got := box.take(v); len(got) != maxNews+1 || got[maxNews].Count != 150 {
		t.Errorf("%d events of a storm, want %d and a count of the rest", len(got), maxNews)
	}
}

// recording walks up from the package's folder to recorded objects of real clusters.
func recording(t *testing.T, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if data, err := os.ReadFile(filepath.Join(dir, "shared", "data", "kubernetes", name)); err == nil {
			return data
		}
	}
	t.Skipf("no recorded objects: shared/data/kubernetes/%s is in no folder above this one", name)
	return nil
}

// named is a resource by its name.
func named(t *testing.T, name string) *resource {
	t.Helper()
	i := slices.IndexFunc(resources, func(r resource) bool { return r.name == name })
	if i < 0 {
		t.Fatalf("no resource %s", name)
	}
	return &resources[i]
}

func items[T any](t *testing.T, file string) []T {
	t.Helper()
	var list struct{ Items []T }
	if err := json.Unmarshal(recording(t, file), &list); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(list.Items) == 0 {
		t.Fatalf("%s holds no objects", file)
	}
	return list.Items
}

// TestRecorded judges objects of real clusters.
func TestRecorded(t *testing.T) {
	var in interner
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	t.Run("nodes", func(t *testing.T) {
		for _, o := range items[corev1.Node](t, "nodes.json") {
			n := in.node(&o)
			v := JudgeNode(n, now)
			t.Logf("%s: %v %q %+v", n.Name, v.State, v.Reason, n.Allocatable)
			if n.Address == "" || n.Version == "" || n.Allocatable.Memory <= 0 || n.Allocatable.CPU <= 0 {
				t.Errorf("%s is read in part: %+v", n.Name, n)
			}
			if want := map[bool]model.State{true: model.OK, false: model.Critical}[n.ready()]; v.State != want && v.State != model.Warning {
				t.Errorf("%s: %v, ready is %v", n.Name, v, n.ready())
			}
		}
	})
	for _, file := range []string{"deployments-kube-system.json", "deployments-monitoring.json"} {
		t.Run(file, func(t *testing.T) {
			for _, o := range items[appsv1.Deployment](t, file) {
				w := in.deployment(&o)
				checkLoad(t, w, JudgeWorkload(w, 0, now))
			}
		})
	}
	t.Run("stateful sets", func(t *testing.T) {
		for _, o := range items[appsv1.StatefulSet](t, "statefulsets-monitoring.json") {
			w := in.statefulSet(&o)
			checkLoad(t, w, JudgeWorkload(w, 0, now))
		}
	})
	t.Run("replica sets", func(t *testing.T) {
		owned := 0
		for _, o := range items[metav1.PartialObjectMetadata](t, "replicasets-default.json") {
			out, err := named(t, "replicasets").transform(&in, &o)
			if err != nil {
				t.Fatal(err)
			}
			if rs := out.(*ReplicaSet); rs.OwnerKind == "Deployment" && rs.Owner != "" {
				owned++
			}
		}
		if owned == 0 {
			t.Error("no replica set leads to a deployment")
		}
	})
}

func checkLoad(t *testing.T, w *Workload, v Verdict) {
	t.Helper()
	t.Logf("%s/%s: %d/%d %v %q", w.Namespace, w.Name, w.Available, w.Desired, v.State, v.Reason)
	if w.Available >= w.Desired && len(w.Conditions) == 0 && v.State != model.OK {
		t.Errorf("%s has all it wants and is %v", w.Name, v)
	}
	if w.Available < w.Desired && v.State == model.OK {
		t.Errorf("%s lacks replicas and is %v", w.Name, v)
	}
}

func TestTransformIsIdempotent(t *testing.T) {
	var in interner
	pods := named(t, "pods")
	once, err := pods.transform(&in, testPod("p1", running))
	if err != nil {
		t.Fatal(err)
	}
	twice, err := pods.transform(&in, once)
	if err != nil || twice != once {
		t.Errorf("transformed again: %v, %v", twice, err)
	}
	if _, err := pods.transform(&in, (*corev1.Pod)(nil)); err == nil {
		t.Error("a nil pod is no error")
	}
}

// FuzzTransform holds that no object an API server can send makes the judging panic.
func FuzzTransform(f *testing.F) {
	for _, o := range []any{testPod("p1", running), testNode("n1", corev1.ConditionUnknown)} {
		b, err := json.Marshal(o)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v := shop()
		var in interner
		for name, o := range map[string]any{"pods": &corev1.Pod{}, "nodes": &corev1.Node{}, "deployments": &appsv1.Deployment{}} {
			if json.Unmarshal(data, o) != nil {
				continue
			}
			out, err := named(t, name).transform(&in, o)
			if err != nil {
				t.Fatal(err)
			}
			v.add(name, out)
		}
		v.index()
		v.picture()
		v.samples(noon, 0)
	})
}
