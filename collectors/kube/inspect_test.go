package kube

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"k8s.io/client-go/rest"

	"github.com/nocturne-noc/nocturne/store/model"
)

// inspecting starts an inspector of cluster "c" on a server that answers with handler.
func inspecting(t *testing.T, handler http.Handler) *inspector {
	t.Helper()
	before := goleak.IgnoreCurrent()
	srv := httptest.NewServer(handler)
	cfg := &rest.Config{Host: srv.URL, BearerToken: "s3cr3t-token"}
	prepare(cfg)
	c, err := newCluster("c", "ctx", cfg, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	i := newInspector(c)
	i.patience = patience{reconnect: 10 * time.Millisecond, look: 10 * time.Millisecond}
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = i.run(ctx, nil) }) // ctx.Err, which is the end of the test
	t.Cleanup(func() {
		cancel()
		run.Wait()
		c.disconnect()
		srv.CloseClientConnections()
		srv.Close()
		goleak.VerifyNone(t, before)
	})
	waitUntil(t, "the inspector runs", func() bool {
		i.mu.Lock()
		defer i.mu.Unlock()
		return i.ctx != nil
	})
	return i
}

// waitUntil waits until ok, up to a deadline at which the test fails.
func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}

// paths answers GETs by path: a text is sent, a number is a status.
type paths map[string]any

func (p paths) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch v := p[r.URL.Path].(type) {
	case string:
		_, _ = w.Write([]byte(v))
	case int:
		writeStatus(w, v, "what was asked for")
	case http.HandlerFunc:
		v(w, r)
	default:
		writeStatus(w, http.StatusNotFound, "what was asked for")
	}
}

const secretDoc = `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db","namespace":"shop","managedFields":[{"manager":"kubectl"}],
"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"password\":\"aHVudGVyMg==\"}}"}},
"type":"kubernetes.io/tls","data":{"password":"aHVudGVyMmh1bnQ=","tls.key":"bm90"},"stringData":{"plain":"hunter2"}}`

func TestDocument(t *testing.T) {
	i := inspecting(t, paths{
		"/api/v1/namespaces/shop/pods/web": `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop","managedFields":[{"manager":"kubelet"}],
			"annotations":{"note":"한글\u202e\u0000"}},"spec":{"containers":[{"name":"app","env":[{"name":"DB_PASSWORD","value":"hunter2"},{"name":"MODE","value":"prod"}]}]}}`,
		"/api/v1/namespaces/shop":                                                         `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}`,
		"/apis/apps/v1/namespaces/shop/deployments/web":                                   http.StatusForbidden,
		"/apis/kafka.strimzi.io":                                                          `{"kind":"APIGroup","preferredVersion":{"groupVersion":"kafka.strimzi.io/v1","version":"v1"}}`,
		"/apis/kafka.strimzi.io/v1/namespaces/shop/kafkas/main":                           `{"kind":"Kafka","metadata":{"name":"main"},"spec":{"token":"abc"}}`,
		"/apis/evil.io":                                                                   `{"preferredVersion":{"version":"../v1"}}`,
		"/api/v1/namespaces/shop/secrets/db":                                              secretDoc,
		"/apis/batch/v1/namespaces/shop/jobs/big":                                         `{"kind":"Job","metadata":{"name":"big"},"data":"` + strings.Repeat("x", 2<<20) + `"}`,
		"/apis/batch/v1/namespaces/shop/jobs/huge":                                        `{"kind":"Job","data":"` + strings.Repeat("x", 5<<20) + `"}`,
		"/apis/batch/v1/namespaces/shop/jobs/html":                                        `<html>`,
		"/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web":               http.StatusInternalServerError,
		"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/kafkas.kafka.strimzi.io": `{"kind":"CustomResourceDefinition"}`,
	})
	for _, tt := range []struct {
		name, entity, want string // a whole document, or a part of the error
		fails              bool
	}{
		{"a pod", model.ObjectID("c", "shop", model.KindPod, "web"), `apiVersion: v1
kind: Pod
metadata:
  annotations:
    note: "한글\0"
  name: web
  namespace: shop
spec:
  containers:
  - env:
    - name: DB_PASSWORD
      value: (hidden)
    - name: MODE
      value: prod
    name: app
`, false},
		{"a container is of its pod", model.ContainerID(model.ObjectID("c", "shop", model.KindPod, "web"), "app"), "kind: Pod", false},
		{"a namespace", model.NamespaceID("c", "shop"), "kind: Namespace", false},
		{"a custom resource", model.ObjectID("c", "shop", model.KindCustom, "kafkas.kafka.strimzi.io/main"), "kind: Kafka\nmetadata:\n  name: main\nspec:\n  token: (hidden)\n", false},
		{"a definition", model.ClusterObjectID("c", model.KindCustomResources, "kafkas.kafka.strimzi.io"), "kind: CustomResourceDefinition", false},
		{"a TLS secret where there is no cert-manager", model.ObjectID("c", "shop", model.KindCertificate, "db"),
			"apiVersion: v1\ndata:\n  password: (11 bytes)\n  tls.key: (3 bytes)\nkind: Secret\nmetadata:\n  name: db\n  namespace: shop\nstringData:\n  plain: (7 bytes)\ntype: kubernetes.io/tls\n", false},
		{"one that is cut off", model.ObjectID("c", "shop", model.KindJob, "big"), "# cut off here: the document has", false},
		{"one that is too large", model.ObjectID("c", "shop", model.KindJob, "huge"), "more than 4 MiB", true},
		{"no JSON", model.ObjectID("c", "shop", model.KindJob, "html"), "no JSON", true},
		{"no permission", model.ObjectID("c", "shop", model.KindDeployment, "web"), "deployments shop/web: no permission to get deployments", true},
		{"a broken server", model.ObjectID("c", "shop", model.KindAutoscaler, "web"), "horizontalpodautoscalers shop/web: what was asked for is refused", true},
		{"gone", model.ObjectID("c", "shop", model.KindService, "web"), "services shop/web: the cluster does not have it", true},
		{"a version that leads elsewhere", model.ObjectID("c", "shop", model.KindCustom, "things.evil.io/x"), "does not say which versions", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := i.Document(t.Context(), tt.entity)
			switch {
			case tt.fails != (err != nil), tt.fails && !strings.Contains(err.Error(), tt.want):
				t.Fatalf("error %v, want one with %q: %t", err, tt.want, tt.fails)
			case !strings.Contains(doc.Text, tt.want) && !tt.fails:
				t.Errorf("%s", cmp.Diff(tt.want, doc.Text[:min(len(doc.Text), 1000)]))
			case len(doc.Text) > maxDocument:
				t.Errorf("%d bytes", len(doc.Text))
			}
			if strings.Contains(doc.Text, "s3cr3t") || strings.Contains(doc.Text, "managedFields") || err != nil && strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("a secret or managed fields are told: %s %v", doc.Text, err)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	pod := model.ObjectID("c", "shop", model.KindPod, "web")
	for _, tt := range []struct{ entity, want string }{ // "" for not live
		{pod, "/api/v1/namespaces/shop/pods/web"},
		{model.ContainerID(pod, "app"), "/api/v1/namespaces/shop/pods/web"},
		{model.NodeID("c", "n1"), "/api/v1/nodes/n1"},
		{model.ClusterObjectID("c", model.KindVolume, "pv-1"), "/api/v1/persistentvolumes/pv-1"},
		{model.ClusterObjectID("c", model.KindAPIService, "v1beta1.metrics.k8s.io"), "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io"},
		{model.ClusterID("c"), ""},
		{model.ClusterObjectID("c", model.KindProject, "argo"), ""},
		{model.ObjectID("c", "shop", model.KindHelmRelease, "web"), ""},
		{model.ObjectID("c", "shop", model.KindPod, "../secrets/db"), ""},
		{model.ObjectID("c", "shop", model.KindPod, ".."), ""},
		{model.ObjectID("c", "..", model.KindPod, "web"), ""},
		{model.ObjectID("c", "shop", model.KindPod, "web?x=1"), ""},
		{model.ObjectID("c", "shop", model.KindCustom, "kafkas/main"), ""},
		{model.ObjectID("c", "shop", model.KindCustom, "kafkas.x.io/a/b"), ""},
		{model.ServerID("c"), ""},
		{"", ""},
	} {
		at, err := placeOf(tt.entity)
		if (err == nil) != (tt.want != "") || err != nil && !errors.Is(err, model.ErrNotLive) {
			t.Errorf("%s: error %v", tt.entity, err)
		}
		if err == nil && at.path() != tt.want {
			t.Errorf("%s: %s, want %s", tt.entity, at.path(), tt.want)
		}
	}
}

// A slow API server is asked once, however often the panel asks, and the answer is there for the next.
func TestDocumentIsAskedForOnce(t *testing.T) {
	var gets atomic.Int32
	begun, let := make(chan struct{}), make(chan struct{})
	i := inspecting(t, paths{"/api/v1/nodes/n1": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if gets.Add(1) == 1 {
			close(begun)
		}
		<-let
		_, _ = w.Write([]byte(`{"kind":"Node"}`))
	})})
	impatient, cancel := context.WithCancel(t.Context())
	var first sync.WaitGroup
	first.Go(func() {
		if _, err := i.Document(impatient, model.NodeID("c", "n1")); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
	<-begun
	cancel()
	first.Wait()
	close(let)
	doc, err := i.Document(t.Context(), model.NodeID("c", "n1"))
	if err != nil || doc.Text != "kind: Node\n" || gets.Load() != 1 {
		t.Errorf("%q, %v after %d requests", doc.Text, err, gets.Load())
	}
}

func TestManyDocumentsAtOnce(t *testing.T) {
	let := make(chan struct{})
	t.Cleanup(func() { close(let) })
	i := inspecting(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-let:
		case <-r.Context().Done():
		}
	}))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for n := range maxDocuments {
		if _, err := i.Document(over, model.NodeID("c", fmt.Sprint("n", n))); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
	}
	if _, err := i.Document(over, model.NodeID("c", "one-more")); err == nil || !strings.Contains(err.Error(), "being read already") {
		t.Errorf("error %v", err)
	}
}

func TestInspectorOwns(t *testing.T) {
	i := newInspector(&Cluster{name: "a/b"})
	for entity, want := range map[string]bool{
		model.ObjectID("a/b", "shop", model.KindPod, "web"): true, model.ClusterID("a/b"): true, model.NodeID("a", "n"): false, model.ServerID("a/b"): false,
	} {
		if got := i.Owns(entity); got != want {
			t.Errorf("%s: %t", entity, got)
		}
	}
	if _, err := i.Document(t.Context(), model.NodeID("a/b", "n")); !errors.Is(err, errNotRunning) {
		t.Errorf("error %v", err)
	}
	if _, err := i.Tail(t.Context(), model.LogRequest{Entity: model.ObjectID("a/b", "shop", model.KindPod, "web")}); !errors.Is(err, errNotRunning) {
		t.Errorf("error %v", err)
	}
}

func TestHideSecrets(t *testing.T) {
	jwt := "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"
	for _, tt := range []struct{ name, in, want string }{
		{"arguments", `{"args":["--password=a","--token","b","--token-file=/x","--tls-private-key-file=/k","-v","--api-key","--next"]}`,
			"args:\n- --password=(hidden)\n- --token\n- (hidden)\n- --token-file=/x\n- --tls-private-key-file=/k\n- -v\n- --api-key\n- --next\n"},
		{"fields", `{"clientSecret":"a","secretName":"db","tokenPath":"/x","key":"zone","password":{"secretKeyRef":{"name":"db","key":"pw"}},"automountServiceAccountToken":true}`,
			"automountServiceAccountToken: true\nclientSecret: (hidden)\nkey: zone\npassword:\n  secretKeyRef:\n    key: pw\n    name: db\nsecretName: db\ntokenPath: /x\n"},
		{"variables", `{"env":[{"name":"AWS_SECRET_ACCESS_KEY","value":"a"},{"name":"DATABASE_URL","value":"postgres://u:pw@db/x"},{"name":"T","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]}`,
			"env:\n- name: AWS_SECRET_ACCESS_KEY\n  value: (hidden)\n- name: DATABASE_URL\n  value: postgres://u:(hidden)@db/x\n- name: T\n  valueFrom:\n    secretKeyRef:\n      key: k\n      name: s\n"},
		{"how it is written", `{"a":"` + jwt + `","b":"Authorization: Bearer abc123","c":"-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----","d":"basic authentication"}`,
			"a: (hidden)\nb: 'Authorization: Bearer (hidden)'\nc: '-----BEGIN RSA PRIVATE KEY-----(hidden)-----END RSA PRIVATE KEY-----'\nd: basic authentication\n"},
		{"copies of the object", `{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}","kapp.k14s.io/original":"{}"},"name":"x"}}`, "metadata:\n  name: x\n"},
		{"odd shapes", `{"kind":"Secret","metadata":[1],"data":[2],"env":[3,null]}`, "data:\n- 2\nenv:\n- 3\n- null\nkind: Secret\nmetadata:\n- 1\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var object map[string]any
			if err := json.Unmarshal([]byte(tt.in), &object); err != nil {
				t.Fatal(err)
			}
			got, err := document(object, place{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// FuzzDocument: whatever the values of a secret are, none is in its document.
func FuzzDocument(f *testing.F) {
	f.Add([]byte("hunter2-hunter2"))
	f.Add([]byte("\x00\xff"))
	f.Fuzz(func(t *testing.T, value []byte) {
		encoded := base64.StdEncoding.EncodeToString(value)
		object := map[string]any{"kind": "Secret", "data": map[string]any{"key": encoded}}
		text, err := document(object, place{})
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("data:\n  key: (%d bytes)\nkind: Secret\n", len(value)); text != want {
			t.Errorf("%q, want %q", text, want)
		}
	})
}
