package kube

import (
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nocturne-noc/nocturne/store/model"
)

// A role for one namespace shows that namespace and says that it is the only one, and once the role
// reaches further the whole cluster is shown.
func TestNarrowRole(t *testing.T) {
	t.Parallel()
	a := filled()
	for _, ns := range []string{"shop", "other"} {
		a.put("namespaces", &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
	}
	hidden := testPod("p2", running)
	hidden.Namespace = "other"
	a.put("pods", hidden)
	a.deny(http.StatusForbidden, "nodes", "other/pods", "default/pods")
	for name := range apiVersions {
		if name != "nodes" && name != "namespaces" {
			a.deny(http.StatusForbidden, "/"+name)
		}
	}
	_, kubeconfig := a.start(t)
	b := newBoard()
	runCluster(t, Config{Kubeconfig: kubeconfig}, time.Second, b, func(c *Cluster) { c.reviewEvery = 100 * time.Millisecond })
	b.await(t, 15*time.Second, "its namespace", func() bool {
		cluster := b.entities["kube/ctx-a"]
		return b.entities[podID].State == model.OK && cluster.State == model.Unknown && cluster.Reason == "only namespace shop is readable"
	})
	b.await(t, 5*time.Second, "row", func() bool {
		return b.row().State == model.Warning && strings.HasPrefix(b.row().Error, "only namespace shop is readable; no permission to list nodes")
	})
	b.mu.Lock()
	_, shown := b.entities["kube/ctx-a/ns/other/pod/p2"]
	_, counted := b.entities["kube/ctx-a"].Labels["nodes"]
	b.mu.Unlock()
	if shown || counted {
		t.Errorf("a pod that may not be read is shown: %v; nodes that may not be read are counted: %v", shown, counted)
	}

	for name := range apiVersions {
		a.deny(0, "/"+name, name)
	}
	a.deny(0, "other/pods", "default/pods")
	b.await(t, 20*time.Second, "the whole cluster", func() bool {
		return b.entities["kube/ctx-a"].State == model.OK && b.entities["kube/ctx-a/ns/other/pod/p2"].State == model.OK && b.row().State == model.OK
	})
}

// A permission that is withdrawn shows though the watch is open still, and so does its return; nothing else
// is touched.
func TestWithdrawnUnderOpenWatch(t *testing.T) {
	t.Parallel()
	const serviceID = "kube/ctx-a/ns/shop/service/web"
	a := filled()
	a.put("services", &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}})
	_, kubeconfig := a.start(t)
	b := newBoard()
	runCluster(t, Config{Kubeconfig: kubeconfig}, time.Second, b, func(c *Cluster) { c.reviewEvery = 100 * time.Millisecond })
	well := func() bool { return b.entities[serviceID].State == model.OK && b.row().State == model.OK }
	b.await(t, 15*time.Second, "the whole cluster", well)
	a.withdraw(http.StatusForbidden, "services")
	b.await(t, believeAfter+30*time.Second, "no permission", func() bool {
		cluster := b.entities["kube/ctx-a"]
		return b.entities[serviceID].State == model.Unknown && cluster.Labels["no_permission"] == "services" && b.entities[podID].State == model.OK
	})
	a.withdraw(0, "services")
	b.await(t, 10*time.Second, "permission again", well)
}

// A role that is cut down to one namespace while all was watched leaves that namespace on the wall, and
// nothing of the others.
func TestRoleBecomesNarrow(t *testing.T) {
	t.Parallel()
	a := filled()
	a.put("namespaces", &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
	other := testPod("p2", running)
	other.Namespace = "other"
	a.put("pods", other)
	_, kubeconfig := a.start(t)
	b := newBoard()
	runCluster(t, Config{Kubeconfig: kubeconfig}, time.Second, b, func(c *Cluster) { c.reviewEvery = 100 * time.Millisecond })
	const otherID = "kube/ctx-a/ns/other/pod/p2"
	b.await(t, 15*time.Second, "the whole cluster", func() bool { return b.entities[otherID].State == model.OK })
	a.withdraw(http.StatusForbidden, "/pods", "default/pods", "other/pods", "nodes", "namespaces")
	b.await(t, 2*believeAfter+10*time.Second, "one namespace", func() bool {
		_, shown := b.entities[otherID]
		return !shown && b.entities[podID].State == model.OK && b.entities["kube/ctx-a"].Reason == "only namespace shop is readable"
	})
}

// An API that a cluster does not have is nobody's fault.
func TestAbsentAPI(t *testing.T) {
	t.Parallel()
	r := &resource{name: "widgets", optional: true}
	missing := statusError(http.StatusNotFound, metav1.StatusReasonNotFound)
	if !r.absent(missing) {
		t.Error("a 404 of an optional API is a fault")
	}
	if r.absent(nil) || r.absent(statusError(http.StatusForbidden, metav1.StatusReasonForbidden)) || (&resource{name: "pods"}).absent(missing) {
		t.Error("something else is taken for an absent API")
	}
	h := newHealth()
	h.set("/widgets", missing)
	if h.cut() {
		t.Error("a 404 makes the watches start anew after an outage")
	}
}

func statusError(code int32, reason metav1.StatusReason) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Code: code, Reason: reason}}
}

// refuseAll answers 403 to everything that concerns collections, as an API server does whose authorizer has not
// read the roles yet.
func (a *apiServer) refuseAll(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.starting = on
}

// An API server that has just started refuses everything for some seconds. Nobody believes that: what is shown
// stays, unconfirmed, and is confirmed once the roles are read.
func TestRefusalsOfAStartingServer(t *testing.T) {
	for _, c := range []struct {
		name string
		away time.Duration // before it comes back
	}{{"at once", 0}, {"after an outage", 4 * time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := filled()
			a.put("services", &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}})
			srv, kubeconfig := a.start(t)
			b := newBoard()
			var wrong []string // what was told of a lack of permission
			sink := func(batch model.Batch) error {
				for _, e := range batch.Entities {
					if e.State == model.Unknown || e.Labels["no_permission"] != "" {
						wrong = append(wrong, e.ID+": "+e.Reason+e.Labels["no_permission"])
					}
				}
				if len(batch.Gone) > 0 {
					wrong = append(wrong, batch.Gone...)
				}
				return b.sink(batch)
			}
			runTo(t, Config{Kubeconfig: kubeconfig}, time.Second, sink, b.status)
			const serviceID = "kube/ctx-a/ns/shop/service/web"
			well := func() bool { return b.row().State == model.OK && b.entities[serviceID].State == model.OK }
			b.await(t, 15*time.Second, "the whole cluster", well)

			a.suspend()
			srv.CloseClientConnections()
			<-time.After(c.away) // as long as the outage shall be
			a.refuseAll(true)
			a.resume()
			b.await(t, time.Minute, "doubt", func() bool { return b.row().State == model.Stale && b.row().Error == errDoubted.Text })
			b.mu.Lock()
			seen := b.seen
			b.mu.Unlock()
			<-time.After(5 * time.Second) // as long as its authorizer takes
			b.mu.Lock()
			if !b.seen.Equal(seen) {
				t.Error("something was told or confirmed in doubt")
			}
			b.mu.Unlock()
			a.put("nodes", testNode("n2", corev1.ConditionTrue))
			a.refuseAll(false)
			took := b.await(t, time.Minute, "well again", func() bool {
				return well() && b.seen.After(seen) && b.entities["kube/ctx-a/node/n2"].State == model.OK
			})
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(wrong) > 0 {
				t.Errorf("told meanwhile: %q", wrong)
			}
			t.Logf("well %v after the roles were read", took)
		})
	}
}

// A refusal that lasts is believed, though it began with a new connection.
func TestLastingRefusal(t *testing.T) {
	t.Parallel()
	const serviceID = "kube/ctx-a/ns/shop/service/web"
	a := filled()
	a.put("services", &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}})
	srv, kubeconfig := a.start(t)
	b := run(t, Config{Kubeconfig: kubeconfig}, time.Second)
	b.await(t, 15*time.Second, "the whole cluster", func() bool { return b.row().State == model.OK && b.entities[serviceID].State == model.OK })
	a.withdraw(http.StatusForbidden, "services")
	srv.CloseClientConnections()
	took := b.await(t, believeAfter+30*time.Second, "no permission", func() bool {
		return b.entities[serviceID].State == model.Unknown && b.entities["kube/ctx-a"].Labels["no_permission"] == "services" && b.entities[podID].State == model.OK
	})
	if took < believeAfter {
		t.Errorf("believed after %v", took)
	}
	a.withdraw(0, "services")
	b.await(t, 45*time.Second, "permission again", func() bool { return b.row().State == model.OK && b.entities[serviceID].State == model.OK })
}
