package kube

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/nocturne-noc/nocturne/store/model"
)

func customGVR(plural string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "acme.example", Version: "v1", Resource: plural}
}

// onlyToken lets through what carries the token that is valid now.
func onlyToken(next http.Handler, valid *atomic.Value) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+valid.Load().(string) {
			writeStatus(w, http.StatusUnauthorized, "token")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// kubeconfigOf writes a kubeconfig to path, in one step as whoever renews it should.
func kubeconfigOf(t *testing.T, path, cluster, user string) {
	t.Helper()
	err := os.WriteFile(path+".new", fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {%s}}]
users: [{name: u, user: {%s}}]
contexts: [{name: ctx-a, context: {cluster: c, user: u}}]
current-context: ctx-a
`, cluster, user), 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A token that is renewed in the kubeconfig is taken without a restart, and so is another address.
func TestKubeconfigChanges(t *testing.T) {
	t.Parallel()
	a := filled()
	var valid atomic.Value
	valid.Store("first")
	serve := func() *httptest.Server {
		srv := httptest.NewTLSServer(onlyToken(a, &valid)) // credentials are sent over TLS only
		t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
		return srv
	}
	srv := serve()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	kubeconfigOf(t, path, "insecure-skip-tls-verify: true, server: "+srv.URL, "token: first")
	b := run(t, Config{Kubeconfig: path}, time.Second)
	well := func() bool { return b.row().State == model.OK && b.samples != nil }
	b.await(t, 10*time.Second, "first picture", well)

	valid.Store("second")
	srv.CloseClientConnections()
	b.await(t, 10*time.Second, "refusal", func() bool { return strings.Contains(b.row().Error, "credentials refused (401)") })
	kubeconfigOf(t, path, "insecure-skip-tls-verify: true, server: "+srv.URL, "token: second")
	b.await(t, 20*time.Second, "new token", well)

	moved := serve()
	kubeconfigOf(t, path, "insecure-skip-tls-verify: true, server: "+moved.URL, "token: second")
	srv.Listener.Close()
	a.put("nodes", testNode("n2", "True"))
	srv.CloseClientConnections()
	b.await(t, 30*time.Second, "new address", func() bool { return well() && b.entities["kube/ctx-a/node/n2"].State == model.OK })
}

// A cluster that gets a new authority is trusted again once the kubeconfig has it.
func TestNewAuthority(t *testing.T) {
	t.Parallel()
	a := filled()
	srv := httptest.NewTLSServer(a)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	path := filepath.Join(t.TempDir(), "kubeconfig")
	ca := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	kubeconfigOf(t, path, "server: "+srv.URL, "token: x") // trusts the system's authorities only
	b := run(t, Config{Kubeconfig: path}, time.Second)
	b.await(t, 10*time.Second, "distrust", func() bool { return strings.Contains(b.row().Error, "signed by somebody unknown") })
	kubeconfigOf(t, path, "server: "+srv.URL+", certificate-authority: "+ca, "token: x")
	b.await(t, 20*time.Second, "trust", func() bool { return b.row().State == model.OK && b.samples != nil })
}

// The program that credentials come from is named before it runs.
func TestExecPluginIsNamedFirst(t *testing.T) {
	t.Parallel()
	a := filled()
	srv := httptest.NewTLSServer(a)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	plugin := filepath.Join(dir, "get-token")
	script := "#!/bin/sh\ntouch " + ran + "\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"x\"}}'\n"
	if err := os.WriteFile(plugin, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "kubeconfig")
	kubeconfigOf(t, path, "insecure-skip-tls-verify: true, server: "+srv.URL, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: "+plugin+"}")
	b := newBoard()
	var early atomic.Bool // the program had run when it was named
	sink := func(batch model.Batch) error {
		for _, e := range batch.Events {
			if strings.Contains(e.Text, "credentials come from the program "+plugin) {
				_, err := os.Stat(ran)
				early.Store(err == nil)
			}
		}
		return b.sink(batch)
	}
	runTo(t, Config{Kubeconfig: path}, time.Second, sink, b.status)
	b.await(t, 20*time.Second, "picture", func() bool { return b.row().State == model.OK && b.samples != nil })
	b.mu.Lock()
	defer b.mu.Unlock()
	told := 0
	for _, e := range b.events {
		if strings.Contains(e.Text, "which the kubeconfig names") {
			told++
		}
	}
	if _, err := os.Stat(ran); told != 1 || early.Load() || err != nil {
		t.Errorf("told %d times, after the first run: %v; the program ran: %v", told, early.Load(), err == nil)
	}
}
