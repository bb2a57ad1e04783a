package kube

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// apiServer answers lists and watches as an API server does, and can be made to fail.
type apiServer struct {
	mu      sync.Mutex
	version int
	objects map[string]map[string]metav1.Object // by collection and name
	watches map[chan any]string                 // to collection
	refuse  map[string]int                      // HTTP status by collection
	hang    chan struct{}                       // closed when it may answer again; nil while it does
	garbage bool
	// starting answers 403 to everything but /readyz and /version.
	starting bool
	lists    map[string]int // requests by collection
	more     map[string]int // objects that a collection has besides those that it shows
}

func newAPIServer() *apiServer {
	return &apiServer{objects: map[string]map[string]metav1.Object{}, watches: map[chan any]string{}, refuse: map[string]int{}, lists: map[string]int{}, more: map[string]int{}}
}

// start serves until the test ends and returns a kubeconfig's path.
func (a *apiServer) start(t *testing.T) (*httptest.Server, string) {
	t.Helper()
	srv := httptest.NewServer(a)
	t.Cleanup(func() {
		a.resume()
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv, writeKubeconfig(t, srv.URL, "token: secret")
}

func writeKubeconfig(t *testing.T, server, user string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	err := os.WriteFile(path, fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q}}]
users: [{name: u, user: {%s}}]
contexts: [{name: ctx-a, context: {cluster: c, user: u}}]
current-context: ctx-a
`, server, user), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// put adds or changes an object.
func (a *apiServer) put(collection string, obj metav1.Object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.version++
	obj.SetResourceVersion(fmt.Sprint(a.version))
	kind := "MODIFIED"
	if a.objects[collection] == nil {
		a.objects[collection] = map[string]metav1.Object{}
	}
	key := obj.GetNamespace() + "/" + obj.GetName()
	if a.objects[collection][key] == nil {
		kind = "ADDED"
	}
	a.objects[collection][key] = obj
	a.tell(collection, map[string]any{"type": kind, "object": obj})
}

// remove deletes an object.
func (a *apiServer) remove(collection, namespace, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := namespace + "/" + name
	obj := a.objects[collection][key]
	delete(a.objects[collection], key)
	a.version++
	obj.SetResourceVersion(fmt.Sprint(a.version))
	a.tell(collection, map[string]any{"type": "DELETED", "object": obj})
}

func (a *apiServer) tell(collection string, event any) {
	for c, of := range a.watches {
		if of == collection {
			c <- event
		}
	}
}

// withdraw has a collection answered with an HTTP status, 0 for well; its watches stay open. As
// namespace/collection it concerns one namespace, as /collection what is asked of all at once.
func (a *apiServer) withdraw(status int, collections ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, collection := range collections {
		a.refuse[collection] = status
	}
}

// deny does the same and ends the watches.
func (a *apiServer) deny(status int, collections ...string) {
	a.withdraw(status, collections...)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, collection := range collections {
		for c, of := range a.watches {
			if of == collection[strings.Index(collection, "/")+1:] {
				close(c)
				delete(a.watches, c)
			}
		}
	}
}

func (a *apiServer) suspend() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hang = make(chan struct{})
}

func (a *apiServer) resume() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hang != nil {
		close(a.hang)
		a.hang = nil
	}
}

// apiVersions are the kinds of the collections.
var apiVersions = map[string][2]string{
	"nodes": {"v1", "Node"}, "namespaces": {"v1", "Namespace"}, "pods": {"v1", "Pod"}, "services": {"v1", "Service"}, "events": {"v1", "Event"},
	"deployments": {"apps/v1", "Deployment"}, "replicasets": {"apps/v1", "ReplicaSet"}, "statefulsets": {"apps/v1", "StatefulSet"},
	"jobs": {"batch/v1", "Job"}, "cronjobs": {"batch/v1", "CronJob"}, "persistentvolumes": {"v1", "PersistentVolume"},
	"persistentvolumeclaims": {"v1", "PersistentVolumeClaim"}, "horizontalpodautoscalers": {"autoscaling/v2", "HorizontalPodAutoscaler"},
	"poddisruptionbudgets": {"policy/v1", "PodDisruptionBudget"}, "ingresses": {"networking.k8s.io/v1", "Ingress"},
	"resourcequotas": {"v1", "ResourceQuota"}, "apiservices": {"apiregistration.k8s.io/v1", "APIService"},
	"storageclasses": {"storage.k8s.io/v1", "StorageClass"}, "networkpolicies": {"networking.k8s.io/v1", "NetworkPolicy"},
	"customresourcedefinitions": {"apiextensions.k8s.io/v1", "CustomResourceDefinition"}, "secrets": {"v1", "Secret"},
	"certificates": {"cert-manager.io/v1", "Certificate"},
	"daemonsets":   {"apps/v1", "DaemonSet"}, "endpointslices": {"discovery.k8s.io/v1", "EndpointSlice"},
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	hang, garbage := a.hang, a.garbage
	a.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-r.Context().Done():
			return
		}
	}
	parts := strings.Split(r.URL.Path, "/")
	name := parts[len(parts)-1]
	a.mu.Lock()
	status := a.refuse[name]
	if status == 0 {
		status = a.refuse[namespaceOf(r)+"/"+name] // in one namespace, or for the whole cluster only
	}
	a.lists[name]++
	if _, ok := apiVersions[name]; a.starting && ok {
		status = http.StatusForbidden
	}
	a.mu.Unlock()
	if r.Method == http.MethodPost {
		a.review(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case garbage:
		_, _ = w.Write([]byte("\x00<html>{]"))
	case status != 0:
		writeStatus(w, status, name)
	case name == "readyz":
		_, _ = w.Write([]byte("ok"))
	case name == "version":
		_, _ = w.Write([]byte(`{"major":"1","minor":"36","gitVersion":"v1.36.3"}`))
	case apiVersions[name] == [2]string{} || strings.Contains(r.URL.Path, "metrics.k8s.io"):
		writeStatus(w, http.StatusNotFound, name)
	case r.URL.Query().Get("watch") != "":
		a.watch(w, r, name)
	default:
		a.list(w, r, name)
	}
}

// namespaceOf is the namespace that a request is for, "" for all.
func namespaceOf(r *http.Request) string {
	_, rest, _ := strings.Cut(r.URL.Path, "/namespaces/")
	namespace, _, nested := strings.Cut(rest, "/")
	if !nested {
		return ""
	}
	return namespace
}

// review answers a question for a permission.
func (a *apiServer) review(w http.ResponseWriter, r *http.Request) {
	var review authorizationv1.SelfSubjectAccessReview
	body, err := io.ReadAll(r.Body)
	if err == nil && json.Unmarshal(body, &review) != nil { // protobuf: the list of one will tell
		writeStatus(w, http.StatusForbidden, "selfsubjectaccessreviews")
		return
	}
	what := review.Spec.ResourceAttributes
	a.mu.Lock()
	allowed := what != nil && !a.starting && a.refuse[what.Resource] == 0 && a.refuse[what.Namespace+"/"+what.Resource] == 0
	a.mu.Unlock()
	review.Status.Allowed = allowed
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(review)
}

func writeStatus(w http.ResponseWriter, code int, name string) {
	reason := map[int]metav1.StatusReason{401: metav1.StatusReasonUnauthorized, 403: metav1.StatusReasonForbidden, 404: metav1.StatusReasonNotFound}[code]
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: int32(code), Reason: reason,
		Message: name + " is refused", Details: &metav1.StatusDetails{Kind: name},
	})
}

// typeOf is what objects of a collection are called in an answer: those of which only the metadata is
// asked for are of another type.
func typeOf(r *http.Request, name string) (apiVersion, kind string) {
	if strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata") {
		return "meta.k8s.io/v1", "PartialObjectMetadata"
	}
	return apiVersions[name][0], apiVersions[name][1]
}

// as is an object in the type that was asked for.
func as(r *http.Request, name string, obj any) any {
	apiVersion, kind := typeOf(r, name)
	if kind != "PartialObjectMetadata" {
		return obj
	}
	o := obj.(metav1.Object)
	return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{Kind: kind, APIVersion: apiVersion}, ObjectMeta: metav1.ObjectMeta{
		Name: o.GetName(), Namespace: o.GetNamespace(), UID: o.GetUID(), ResourceVersion: o.GetResourceVersion(),
		CreationTimestamp: o.GetCreationTimestamp(), OwnerReferences: o.GetOwnerReferences(), Labels: o.GetLabels(), Annotations: o.GetAnnotations(),
	}}
}

func (a *apiServer) list(w http.ResponseWriter, r *http.Request, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	items := []any{}
	for _, o := range a.objects[name] {
		if ns := namespaceOf(r); ns == "" || o.GetNamespace() == ns {
			items = append(items, as(r, name, o))
		}
	}
	apiVersion, kind := typeOf(r, name)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"kind": kind + "List", "apiVersion": apiVersion,
		"metadata": map[string]any{"resourceVersion": fmt.Sprint(a.version), "remainingItemCount": a.more[name]}, "items": items,
	})
}

func (a *apiServer) watch(w http.ResponseWriter, r *http.Request, name string) {
	events := make(chan any, 1000)
	a.mu.Lock()
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		for _, o := range a.objects[name] {
			if ns := namespaceOf(r); ns == "" || o.GetNamespace() == ns {
				events <- map[string]any{"type": "ADDED", "object": o}
			}
		}
		apiVersion, kind := typeOf(r, name)
		events <- map[string]any{"type": "BOOKMARK", "object": map[string]any{
			"kind": kind, "apiVersion": apiVersion,
			"metadata": map[string]any{"resourceVersion": fmt.Sprint(a.version), "annotations": map[string]string{"k8s.io/initial-events-end": "true"}},
		}}
	} else if since, err := strconv.Atoi(r.URL.Query().Get("resourceVersion")); err == nil && since > 0 {
		// What changed since, as a server that remembers sends it.
		for _, o := range a.objects[name] {
			if version, err := strconv.Atoi(o.GetResourceVersion()); err == nil && version > since {
				events <- map[string]any{"type": "MODIFIED", "object": o}
			}
		}
	}
	a.watches[events] = name
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.watches, events)
		a.mu.Unlock()
	}()
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case e, ok := <-events:
			if !ok {
				return
			}
			if m := e.(map[string]any); m["type"] != "BOOKMARK" && m["type"] != "ERROR" {
				o := m["object"].(metav1.Object)
				if ns := namespaceOf(r); ns != "" && o.GetNamespace() != ns {
					continue
				}
				e = map[string]any{"type": m["type"], "object": as(r, name, o)}
			}
			if json.NewEncoder(w).Encode(e) != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// objects of the tests

func testNode(name string, ready corev1.ConditionStatus) *corev1.Node {
	return &corev1.Node{
		TypeMeta: metav1.TypeMeta{Kind: "Node", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: name},
		Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready, LastTransitionTime: metav1.Now()}}},
	}
}

func testPod(name string, state corev1.ContainerState) *corev1.Pod {
	ready := corev1.ConditionFalse
	if state.Running != nil {
		ready = corev1.ConditionTrue
	}
	return &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: "u-1", CreationTimestamp: metav1.Now()},
		Spec:       corev1.PodSpec{NodeName: "n1", Containers: []corev1.Container{{Name: "app", Image: "app:1"}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready, LastTransitionTime: metav1.Now()}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "app", State: state, Ready: state.Running != nil}},
		},
	}
}

var running = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
