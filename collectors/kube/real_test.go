package kube

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// shopOf writes a small cluster: two nodes, and pods p1 and p2 of namespace shop on the first of them.
func shopOf(t *testing.T, admin kubernetes.Interface) {
	t.Helper()
	ctx := t.Context()
	_, err := admin.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "wall"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"get", "list", "watch"}},
	}}, metav1.CreateOptions{})
	must(t, err)
	_, err = admin.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "wall"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "wall"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "wall"}, {Kind: "ServiceAccount", Namespace: "shop", Name: "nocturne"}},
	}, metav1.CreateOptions{})
	must(t, err)
	_, err = admin.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}, metav1.CreateOptions{})
	must(t, err)
	for _, name := range []string{"n1", "n2"} {
		node := testNode(name, corev1.ConditionTrue)
		_, err = admin.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
		must(t, err)
		_, err = admin.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{})
		must(t, err)
	}
	putPod(t, admin, "p1", running)
	putPod(t, admin, "p2", running)
}

// putPod writes a pod of namespace shop.
func putPod(t *testing.T, admin kubernetes.Interface, name string, state corev1.ContainerState) {
	t.Helper()
	pod := testPod(name, state)
	pod.UID = ""
	made, err := admin.CoreV1().Pods("shop").Create(t.Context(), pod, metav1.CreateOptions{})
	must(t, err)
	setPod(t, admin, made.Name, state)
}

// setPod changes the state of a pod's container.
func setPod(t *testing.T, admin kubernetes.Interface, name string, state corev1.ContainerState) {
	t.Helper()
	pod, err := admin.CoreV1().Pods("shop").Get(t.Context(), name, metav1.GetOptions{})
	must(t, err)
	pod.Status = testPod(name, state).Status
	_, err = admin.CoreV1().Pods("shop").UpdateStatus(t.Context(), pod, metav1.UpdateOptions{})
	must(t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pods are the IDs of the pods on a board, which is locked.
func (b *board) pods() []string {
	var list []string
	for id, e := range b.entities {
		if e.Kind == model.KindPod && e.State == model.OK {
			list = append(list, strings.TrimPrefix(id, "kube/test/ns/shop/pod/"))
		}
	}
	slices.Sort(list)
	return list
}

// TestRealServer runs the collector on real API servers.
func TestRealServer(t *testing.T) {
	p := newControlPlane(t)
	first := p.serve()
	p.ready(first)
	admin := p.admin(first)
	shopOf(t, admin)
	way := newRelay(t, first.addr)

	// Within a pod: the service account's token is renewed, and the former one ends.
	t.Run("in cluster", func(t *testing.T) { inClusterTest(t, p, admin, way.addr) })

	// From here on one collector watches, while the servers behind its address change.
	b := newBoard()
	var seen answered
	var wrong []string // what was told of a cluster that is well
	sink := func(batch model.Batch) error {
		ids := map[string]bool{}
		for _, e := range batch.Entities {
			ids[e.ID] = true
			if e.State == model.Unknown || e.Labels["no_permission"] != "" {
				wrong = append(wrong, e.ID+" "+e.State.String()+" "+e.Reason+e.Labels["no_permission"])
			}
		}
		if batch.Replace && !ids["kube/test/ns/shop/pod/p1"] {
			wrong = append(wrong, "p1 is not there")
		}
		return b.sink(batch)
	}
	runJobs(t, Config{Kubeconfig: p.kubeconfig(way.addr, "wall")}, time.Second, sink, b.status, func(jobs []collectors.Job) {
		c := jobs[0].Watch.(*Cluster)
		seen.next, c.http.Transport = c.http.Transport, &seen
	})
	b.await(t, time.Minute, "the cluster", func() bool { return b.row().State == model.OK && slices.Equal(b.pods(), []string{"p1", "p2"}) })
	nothingWrong := func(t *testing.T) {
		t.Helper()
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(wrong) > 0 {
			t.Errorf("told: %q", wrong)
		}
	}

	var second process
	// Its watches go on at a server that knows nothing of so old versions: each ends with 410 Gone and is listed anew.
	t.Run("410 Gone", func(t *testing.T) {
		for range 20 { // what nobody watches leaves the versions of the watches behind
			_, err := admin.CoreV1().ConfigMaps("shop").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "c-"}}, metav1.CreateOptions{})
			must(t, err)
		}
		second = p.serve()
		p.ready(second)
		way.lead("")
		admin = p.admin(second)
		first.stop()
		setPod(t, admin, "p1", corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}})
		must(t, admin.CoreV1().Pods("shop").Delete(t.Context(), "p2", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}))
		putPod(t, admin, "p3", running)
		way.lead(second.addr)
		took := b.await(t, time.Minute, "what happened meanwhile", func() bool {
			_, gone := b.entities["kube/test/ns/shop/pod/p2"]
			return !gone && b.entities["kube/test/ns/shop/pod/p1"].State == model.Critical && slices.Equal(b.pods(), []string{"p3"}) && b.row().State == model.OK
		})
		_, expired := seen.counts()
		if expired == 0 {
			t.Error("no watch ended with 410")
		}
		t.Logf("%d watches ended with 410, all was right after %v", expired, took)
		setPod(t, admin, "p1", running)
		b.await(t, time.Minute, "the watches live", func() bool { return slices.Equal(b.pods(), []string{"p1", "p3"}) })
		nothingWrong(t)
	})

	// A server that has just started refuses all until it has read the roles.
	t.Run("restart", func(t *testing.T) {
		refused, _ := seen.counts()
		second.stop()
		b.await(t, time.Minute, "it is away", func() bool { return b.row().State == model.Critical })
		third := p.serve()
		way.lead(third.addr) // from its first moment on
		began := time.Now()
		p.ready(third)
		ready := time.Since(began)
		b.await(t, time.Minute, "well again", func() bool { return b.row().State == model.OK && slices.Equal(b.pods(), []string{"p1", "p3"}) })
		again, _ := seen.counts()
		t.Logf("ready after %v, well after %v, %d refusals meanwhile", ready, time.Since(began), again-refused)
		nothingWrong(t)
		admin = p.admin(third)
	})

	// A permission that is withdrawn in earnest shows.
	t.Run("withdrawn", func(t *testing.T) {
		must(t, admin.RbacV1().ClusterRoleBindings().Delete(t.Context(), "wall", metav1.DeleteOptions{}))
		way.lead(way.to)
		took := b.await(t, time.Minute+3*believeAfter, "no permission", func() bool { return b.entities["kube/test"].Labels["no_permission"] != "" })
		t.Logf("said after %v", took)
	})
}

func inClusterTest(t *testing.T, p *controlPlane, admin kubernetes.Interface, addr string) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	must(t, err)
	t.Setenv("KUBERNETES_SERVICE_HOST", host)
	t.Setenv("KUBERNETES_SERVICE_PORT", port)
	dir := t.TempDir()
	if _, err := inCluster("home", dir); err == nil || !strings.Contains(err.Error(), "service account") {
		t.Errorf("without its files: %v", err)
	}
	ca, err := os.ReadFile(filepath.Join(p.dir, "certs", "apiserver.crt"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "ca.crt"), ca, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "namespace"), []byte("shop\n"), 0o600))
	accounts := admin.CoreV1().ServiceAccounts("shop")
	renew := func() { // as the kubelet does it, in one step
		_, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "nocturne"}}, metav1.CreateOptions{})
		must(t, err)
		token, err := accounts.CreateToken(t.Context(), "nocturne", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, "token.new"), []byte(token.Status.Token), 0o600))
		must(t, os.Rename(filepath.Join(dir, "token.new"), filepath.Join(dir, "token")))
	}
	renew()
	c, err := inCluster("home", dir)
	must(t, err)
	if c.name != "home" || c.home != "shop" {
		t.Errorf("cluster %q with namespace %q", c.name, c.home)
	}
	c.every = time.Second
	known, err := openLandscape(nil, nil)
	must(t, err)
	c.landscape = known
	b := newBoard()
	r := collectors.NewRunner(b.sink, b.status, collectors.Options{Log: slog.New(slog.DiscardHandler)})
	must(t, r.Set([]collectors.Source{{Name: "home", Kind: kindName, Open: func() ([]collectors.Job, error) {
		return []collectors.Job{{Target: c.context, Every: c.every, Watch: c}}, nil
	}}}))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	defer func() { cancel(); <-done }()
	b.await(t, time.Minute, "the cluster", func() bool {
		return b.row().State == model.OK && b.entities["kube/home/ns/shop/pod/p1"].State == model.OK
	})

	must(t, accounts.Delete(t.Context(), "nocturne", metav1.DeleteOptions{})) // ends its tokens
	b.await(t, time.Minute, "the former token is refused", func() bool { return strings.Contains(b.row().Error, "credentials refused (401)") })
	renew()
	began := time.Now()
	b.await(t, time.Minute, "the new token", func() bool { return b.row().State == model.OK && b.seen.After(began) })
	t.Logf("the new token was taken after %v", time.Since(began))
}
