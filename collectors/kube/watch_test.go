package kube

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"go.uber.org/goleak"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(benchModeEnv); mode != "" {
		if err := runContestant(mode); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// klog, which client-go logs with, keeps a goroutine for the life of the program.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"))
}

const podID = "kube/ctx-a/ns/shop/pod/p1"

func filled() *apiServer {
	a := newAPIServer()
	a.put("nodes", testNode("n1", corev1.ConditionTrue))
	a.put("pods", testPod("p1", running))
	return a
}

// row is the only row, which is there once the source was opened.
func (b *board) row() model.SourceStatus {
	if len(b.rows) == 0 {
		return model.SourceStatus{}
	}
	return b.rows[0]
}

func TestChangesAreTold(t *testing.T) {
	a := filled()
	_, kubeconfig := a.start(t)
	b := run(t, Config{Kubeconfig: kubeconfig}, time.Second)
	b.await(t, 10*time.Second, "first picture", func() bool { return b.entities[podID].State == model.OK && b.samples != nil })
	b.await(t, 10*time.Second, "row", func() bool { return b.row().State == model.OK && b.row().Error == "no metrics, requests shown" })

	crashed := testPod("p1", corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}})
	crashed.Status.ContainerStatuses[0].RestartCount = 6
	crashed.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", FinishedAt: metav1.Now()}
	a.put("pods", crashed)
	took := b.await(t, 5*time.Second, "crash", func() bool {
		return b.entities[podID].State == model.Critical && b.entities[podID].Reason == "CrashLoopBackOff, 6 restarts, exit code 1 (Error)"
	})
	t.Logf("crash told after %v", took)
	b.await(t, 5*time.Second, "restart event", func() bool {
		for _, e := range b.events {
			if e.Entity == podID && strings.HasPrefix(e.Text, "Error: container app ended with exit code 1 (Error), 6 restarts") {
				return true
			}
		}
		return false
	})
	b.await(t, 5*time.Second, "namespace", func() bool {
		e := b.entities["kube/ctx-a/ns/shop"]
		return e.State == model.Warning && e.Reason == "1 problem, 1 critical"
	})
	b.await(t, 5*time.Second, "samples", func() bool {
		v, ok := b.value("kube_pod_container_status_waiting_reason", "cluster", "ctx-a", "namespace", "shop", "pod", "p1", "container", "app", "reason", "CrashLoopBackOff")
		return ok && v == 1
	})

	a.put("nodes", testNode("n1", corev1.ConditionUnknown))
	b.await(t, 5*time.Second, "lost node", func() bool {
		return strings.HasPrefix(b.entities["kube/ctx-a/node/n1"].Reason, "lost: kubelet silent since") && b.entities[podID].Reason == "on lost node n1"
	})
	a.remove("pods", "shop", "p1")
	b.await(t, 5*time.Second, "removed pod", func() bool { _, ok := b.entities[podID]; return !ok })
}

func TestForbiddenPartOnly(t *testing.T) {
	t.Parallel()
	a := filled()
	a.deny(http.StatusForbidden, "services", "events", "nodes")
	_, kubeconfig := a.start(t)
	b := run(t, Config{Kubeconfig: kubeconfig}, time.Second)
	b.await(t, 10*time.Second, "the rest", func() bool {
		cluster := b.entities["kube/ctx-a"]
		_, counted := cluster.Labels["nodes"]
		return b.entities[podID].State == model.OK && cluster.Labels["no_permission"] == "nodes; services; events" && !counted &&
			cluster.State == model.Unknown && cluster.Reason == "no permission to list nodes"
	})
	b.await(t, 5*time.Second, "row", func() bool {
		return b.row().State == model.Warning && strings.HasPrefix(b.row().Error, "no permission to list nodes; no permission to list services")
	})
	a.deny(0, "nodes", "services", "events")
	b.await(t, 45*time.Second, "permission back", func() bool {
		return b.entities["kube/ctx-a"].State == model.OK && b.entities["kube/ctx-a"].Labels["nodes"] == "1"
	})
}

// A hung API server must not be confirmed, and must be named soon.
func TestHungServer(t *testing.T) {
	t.Parallel()
	a := filled()
	_, kubeconfig := a.start(t)
	b := run(t, Config{Kubeconfig: kubeconfig}, time.Second)
	b.await(t, 10*time.Second, "first picture", func() bool { return b.row().State == model.OK && b.samples != nil })
	a.suspend()
	took := b.await(t, 10*time.Second, "hang noticed", func() bool {
		return b.row().State == model.Critical && strings.Contains(b.row().Error, "no answer: it hangs, or the network drops its packets")
	})
	t.Logf("hang noticed after %v", took)
	b.mu.Lock()
	seen := b.seen
	b.mu.Unlock()
	<-time.After(2 * time.Second) // two intervals in which nothing may be confirmed
	b.mu.Lock()
	if !b.seen.Equal(seen) {
		t.Error("a picture was confirmed while the API server hung")
	}
	if len(b.entities) == 0 {
		t.Error("the last picture was withdrawn")
	}
	b.mu.Unlock()
	a.resume()
	b.await(t, 10*time.Second, "healed", func() bool { return b.row().State == model.OK && b.seen.After(seen) })
}

func TestServerGoneAndBack(t *testing.T) {
	t.Parallel()
	a := filled()
	srv, kubeconfig := a.start(t)
	addr := srv.Listener.Addr().String()
	b := run(t, Config{Kubeconfig: kubeconfig}, time.Second)
	b.await(t, 10*time.Second, "first picture", func() bool { return b.row().State == model.OK && b.samples != nil })
	srv.CloseClientConnections()
	srv.Listener.Close()
	b.await(t, 10*time.Second, "refused", func() bool {
		return b.row().State == model.Critical && strings.Contains(b.row().Error, "connection refused: is it running?")
	})
	a.put("nodes", testNode("n2", corev1.ConditionTrue))
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	// The collector still runs when this server ends, and watches anew as soon as its connections are
	// cut: it is the end of all requests' context that lets Close come to an end.
	requests, end := context.WithCancel(t.Context())
	again := &httptest.Server{Listener: listener, Config: &http.Server{
		Handler: a, BaseContext: func(net.Listener) context.Context { return requests },
	}}
	again.Start()
	defer func() { end(); again.Close() }()
	took := b.await(t, 15*time.Second, "back with what happened meanwhile", func() bool {
		return b.row().State == model.OK && b.entities["kube/ctx-a/node/n2"].State == model.OK && b.entities[podID].State == model.OK
	})
	t.Logf("back after %v", took)
}

func TestServerFailures(t *testing.T) {
	for _, c := range []struct {
		name, want string
		prepare    func(a *apiServer)
	}{
		{"unauthorized", "credentials refused (401)", func(a *apiServer) { a.refuse["readyz"] = http.StatusUnauthorized }},
		{"not ready", "readyz is refused", func(a *apiServer) { a.refuse["readyz"] = http.StatusInternalServerError }},
		{"pods broken", "pods not read", func(a *apiServer) { a.refuse["pods"] = http.StatusInternalServerError }},
		{"garbage", "pods not read", func(a *apiServer) { a.garbage = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := filled()
			c.prepare(a)
			_, kubeconfig := a.start(t)
			b := run(t, Config{Kubeconfig: kubeconfig}, time.Second)
			b.await(t, 20*time.Second, c.want, func() bool {
				return b.row().State.Problem() && strings.Contains(b.row().Error, c.want)
			})
		})
	}
}
