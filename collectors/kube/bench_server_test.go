package kube

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	resourceapi "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The cluster of the benchmark.
const (
	benchNodes = 1000
	benchPods  = 20_000
	benchSets  = 400 // deployments, each with a replica set and a service
	benchTeams = 40  // namespaces
)

// teamOf is the namespace of a deployment and its pods.
func teamOf(set int) string { return fmt.Sprintf("team-%02d", set%benchTeams) }

// startServer starts a control plane that holds a large cluster and returns the path of its kubeconfig.
// It is written to etcd before the API server starts, as that server itself writes it.
func startServer(b *testing.B) string {
	b.Helper()
	p := newControlPlane(b)
	fill(b, p.etcd)
	server := p.serve()
	p.ready(server)
	return p.kubeconfig(server.addr, "admin")
}

// fill writes the cluster to etcd, some objects in each transaction.
func fill(b *testing.B, etcd string) {
	b.Helper()
	const atOnce = 50
	var puts []map[string]any
	flush := func() {
		body, err := json.Marshal(map[string]any{"success": puts})
		if err != nil {
			b.Fatal(err)
		}
		puts = nil
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+etcd+"/v3/kv/txn", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		_ = resp.Body.Close() // the status says all
		if resp.StatusCode != http.StatusOK {
			b.Fatalf("etcd: %s", resp.Status)
		}
	}
	put := func(key string, obj any) int {
		value, err := json.Marshal(obj)
		if err != nil {
			b.Fatal(err)
		}
		puts = append(puts, map[string]any{"requestPut": map[string]string{
			"key": base64.StdEncoding.EncodeToString([]byte("/registry/" + key)), "value": base64.StdEncoding.EncodeToString(value),
		}})
		if len(puts) == atOnce {
			flush()
		}
		return len(value)
	}
	for i := range benchNodes {
		n := benchNode(i)
		put("minions/"+n.Name, n)
	}
	for i := range benchTeams {
		ns := &corev1.Namespace{TypeMeta: metav1.TypeMeta{Kind: "Namespace", APIVersion: "v1"}, ObjectMeta: benchMeta("", teamOf(i)), Status: corev1.NamespaceStatus{Phase: "Active"}}
		put("namespaces/"+ns.Name, ns)
	}
	for i := range benchSets {
		d, rs, svc, slice := benchSet(i)
		put("deployments/"+d.Namespace+"/"+d.Name, d)
		put("replicasets/"+rs.Namespace+"/"+rs.Name, rs)
		put("services/specs/"+svc.Namespace+"/"+svc.Name, svc)
		put("endpointslices/"+slice.Namespace+"/"+slice.Name, slice)
	}
	size := 0
	for i := range benchPods {
		p := benchPod(i)
		size = put("pods/"+p.Namespace+"/"+p.Name, p)
	}
	if len(puts) > 0 {
		flush()
	}
	b.Logf("%d nodes, %d pods of %.1f KB JSON", benchNodes, benchPods, float64(size)/1e3)
}

// Times are the same for all objects: nothing depends on them.
var benchTime = metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))

func benchMeta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(namespace + "-" + name), CreationTimestamp: benchTime}
}

func benchNode(i int) *corev1.Node {
	n := &corev1.Node{TypeMeta: metav1.TypeMeta{Kind: "Node", APIVersion: "v1"}, ObjectMeta: benchMeta("", fmt.Sprintf("node-%04d", i))}
	n.Status.Allocatable = corev1.ResourceList{"cpu": resourceapi.MustParse("32"), "memory": resourceapi.MustParse("128Gi"), "pods": resourceapi.MustParse("110")}
	n.Status.Capacity = n.Status.Allocatable
	for _, c := range []struct {
		kind   corev1.NodeConditionType
		status corev1.ConditionStatus
	}{{"Ready", "True"}, {"MemoryPressure", "False"}, {"DiskPressure", "False"}, {"PIDPressure", "False"}} {
		n.Status.Conditions = append(n.Status.Conditions, corev1.NodeCondition{Type: c.kind, Status: c.status, LastTransitionTime: benchTime})
	}
	return n
}

// benchSet is a deployment with what hangs on it; pod i belongs to set i modulo benchSets.
func benchSet(i int) (*appsv1.Deployment, *appsv1.ReplicaSet, *corev1.Service, *discoveryv1.EndpointSlice) {
	ns, name := teamOf(i), fmt.Sprintf("app-%03d", i)
	replicas := int32(benchPods / benchSets)
	labels := map[string]string{"app": name}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "registry/app:1"}}}}
	d := &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{Kind: "Deployment", APIVersion: "apps/v1"}, ObjectMeta: benchMeta(ns, name),
		Spec:   appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template},
		Status: appsv1.DeploymentStatus{Replicas: replicas, ReadyReplicas: replicas, AvailableReplicas: replicas, UpdatedReplicas: replicas},
	}
	rs := &appsv1.ReplicaSet{
		TypeMeta: metav1.TypeMeta{Kind: "ReplicaSet", APIVersion: "apps/v1"}, ObjectMeta: benchMeta(ns, name+"-1"),
		Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template},
	}
	rs.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: name, UID: d.UID, Controller: new(true)}}
	svc := &corev1.Service{
		TypeMeta: metav1.TypeMeta{Kind: "Service", APIVersion: "v1"}, ObjectMeta: benchMeta(ns, name),
		Spec: corev1.ServiceSpec{Type: "ClusterIP", ClusterIP: "None", Selector: labels, Ports: []corev1.ServicePort{{Port: 80, Protocol: "TCP"}}},
	}
	slice := &discoveryv1.EndpointSlice{TypeMeta: metav1.TypeMeta{Kind: "EndpointSlice", APIVersion: "discovery.k8s.io/v1"}, ObjectMeta: benchMeta(ns, name+"-s"), AddressType: "IPv4"}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: name}
	for j := range int(replicas) {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{fmt.Sprintf("10.1.%d.%d", i%250, j+1)}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)},
			TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: ns, Name: benchName(i + j*benchSets)},
		})
	}
	return d, rs, svc, slice
}

func benchName(i int) string { return fmt.Sprintf("app-%03d-1-%05d", i%benchSets, i) }

// benchPod is a pod of about 10 KB JSON, as a service mesh and a few controllers leave it.
func benchPod(i int) *corev1.Pod {
	set := i % benchSets
	p := &corev1.Pod{TypeMeta: metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"}, ObjectMeta: benchMeta(teamOf(set), benchName(i))}
	p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: fmt.Sprintf("app-%03d-1", set), UID: "rs", Controller: new(true)}}
	p.Labels = map[string]string{"app": fmt.Sprintf("app-%03d", set), "pod-template-hash": "1"}
	p.Annotations = map[string]string{"sidecar.example/status": strings.Repeat(fmt.Sprintf("%08d", i), 200)}
	p.ManagedFields = []metav1.ManagedFieldsEntry{{
		Manager: "kubelet", Operation: "Update", APIVersion: "v1", Time: &benchTime, FieldsType: "FieldsV1", Subresource: "status",
		FieldsV1: metav1.NewFieldsV1(`{"f:status":{"` + strings.Repeat("f:conditions-and-more-", 200) + `":{}}}`),
	}}
	container := corev1.Container{
		Name: "app", Image: fmt.Sprintf("registry.example/team/app-%03d:1.2.3", set), TerminationMessagePath: "/dev/termination-log",
		TerminationMessagePolicy: "File", ImagePullPolicy: "IfNotPresent", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"cpu": resourceapi.MustParse("100m"), "memory": resourceapi.MustParse("128Mi")},
			Limits:   corev1.ResourceList{"memory": resourceapi.MustParse("256Mi")},
		},
	}
	for j := range 30 {
		container.Env = append(container.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%02d", j), Value: strings.Repeat("v", 40)})
	}
	p.Spec = corev1.PodSpec{
		NodeName: fmt.Sprintf("node-%04d", i%benchNodes), Containers: []corev1.Container{container}, RestartPolicy: "Always", DNSPolicy: "ClusterFirst",
		SchedulerName: "default-scheduler", TerminationGracePeriodSeconds: new(int64(30)), SecurityContext: &corev1.PodSecurityContext{},
	}
	p.Status = corev1.PodStatus{
		Phase: "Running", PodIP: fmt.Sprintf("10.%d.%d.%d", 1+i/65536, i/256%256, i%256), QOSClass: "Burstable", StartTime: &benchTime,
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: "app", Ready: true, Started: new(true), Image: container.Image, ImageID: "sha256:" + strings.Repeat("a", 64), ContainerID: "containerd://" + strings.Repeat("b", 64),
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: benchTime}},
		}},
	}
	for _, kind := range []corev1.PodConditionType{"PodScheduled", "Initialized", "ContainersReady", "Ready"} {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: kind, Status: "True", LastTransitionTime: benchTime})
	}
	return p
}
