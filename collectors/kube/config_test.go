package kube

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apiresource "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	metricsfake "k8s.io/metrics/pkg/client/clientset/versioned/fake"

	"github.com/nocturne-noc/nocturne/collectors"
)

func openWith(t *testing.T, name string, cfg Config) ([]collectors.Job, error) {
	t.Helper()
	return open(collectors.Env{Name: name, Now: time.Now, Decode: func(into any) error { *into.(*Config) = cfg; return nil }})
}

func TestOpen(t *testing.T) {
	two := filepath.Join(t.TempDir(), "two")
	if err := os.WriteFile(two, []byte(`
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://c.example:6443"}}]
users: [{name: u, user: {token: x}}, {name: plugin, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token, interactiveMode: IfAvailable}}}]
contexts: [{name: b/two, context: {cluster: c, user: plugin}}, {name: a, context: {cluster: c, user: u}}]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	jobs, err := openWith(t, "all", Config{Kubeconfig: two})
	if err != nil || len(jobs) != 2 || jobs[0].Target != "a" || jobs[1].Target != "b/two" || jobs[0].Every != defaultEvery {
		t.Fatalf("jobs %+v, %v: want one for each context", jobs, err)
	}
	if c := jobs[1].Watch.(*Cluster); c.name != "b/two" || c.host != "c.example:6443" || c.execPlugin != "get-token" {
		t.Errorf("cluster %q at %q with plugin %q", c.name, c.host, c.execPlugin)
	}
	for source, want := range map[string]string{"prod": "prod", kindName: "a"} {
		jobs, err := openWith(t, source, Config{Kubeconfig: two, Context: "a"})
		if err != nil || len(jobs) != 1 || jobs[0].Watch.(*Cluster).name != want {
			t.Errorf("source %q: jobs %+v, %v: want the cluster %q", source, jobs, err, want)
		}
	}

	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("{[}"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "absent"))
	t.Setenv("HOME", t.TempDir())
	for _, c := range []struct {
		name string
		cfg  Config
		want []string
	}{
		{"missing", Config{Kubeconfig: "~/nowhere"}, []string{`source "x": no kubeconfig at ` + os.Getenv("HOME") + `/nowhere`, `set "kubeconfig"`}},
		{"none at all", Config{}, []string{"absent", `set "kubeconfig"`}},
		{"garbage", Config{Kubeconfig: garbage}, []string{"kubeconfig " + garbage}},
		{"no such context", Config{Kubeconfig: two, Context: "prod"}, []string{`context "prod" is not in the kubeconfig, which has a, b/two`}},
		{"plugin denied", Config{Kubeconfig: two, ExecPlugins: "deny"}, []string{`context "b/two"`, `"get-token"`, "exec_plugins: deny"}},
		{"bad word", Config{Kubeconfig: two, ExecPlugins: "no"}, []string{`exec_plugins is "no", want allow or deny`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := openWith(t, "x", c.cfg)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q in it", err, want)
				}
			}
		})
	}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{apierrors.NewUnauthorized("no"), "API server h:6443: credentials refused (401): renew the token"},
		{context.DeadlineExceeded, "no answer: it hangs"},
		{&os.SyscallError{Syscall: "connect", Err: syscall.ECONNREFUSED}, "connection refused: is it running?"},
		{errors.New("odd"), "API server h:6443: odd"},
	} {
		if got := explain("h:6443", c.err); !strings.Contains(got.Error(), c.want) || !errors.Is(got, c.err) {
			t.Errorf("explain(%v) = %v, want %q", c.err, got, c.want)
		}
	}
}

func TestReadUsage(t *testing.T) {
	amount := corev1.ResourceList{corev1.ResourceCPU: apiresource.MustParse("100m"), corev1.ResourceMemory: apiresource.MustParse("100Mi")}
	client := metricsfake.NewSimpleClientset()
	client.PrependReactor("list", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, &metricsv1beta1.NodeMetricsList{Items: []metricsv1beta1.NodeMetrics{{ObjectMeta: metav1.ObjectMeta{Name: "n1"}, Usage: amount}}}, nil
	})
	client.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, &metricsv1beta1.PodMetricsList{Items: []metricsv1beta1.PodMetrics{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "p1"},
			Containers: []metricsv1beta1.ContainerMetrics{{Name: "a", Usage: amount}, {Name: "b", Usage: amount}},
		}}}, nil
	})
	u := readUsage(t.Context(), client, nil)
	if n := u.nodes["n1"]; n.CPU != 0.1 || n.Memory != 100<<20 {
		t.Errorf("node uses %+v, want 0.1 cores and 100 MiB", n)
	}
	if p := u.pods[podName{"shop", "p1"}]; p.CPU != 0.2 || p.Memory != 200<<20 || u.remark != "" {
		t.Errorf("pod uses %+v (%s), want the sum of its containers", p, u.remark)
	}

	var box usageBox
	u.at = noon
	box.latest = u
	if got, _ := box.get(noon.Add(time.Minute)); got.nodes == nil {
		t.Error("usage of a minute ago is not shown")
	}
	if got, _ := box.get(noon.Add(time.Hour)); got.nodes != nil || got.remark != "no metrics since 12:00:00, requests shown" {
		t.Errorf("old usage is %+v", got)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{apierrors.NewNotFound(schema.GroupResource{}, ""), "no metrics, requests shown"},
		{apierrors.NewServiceUnavailable("down"), "no metrics, requests shown"},
		{forbidden("pods"), "no permission to read metrics.k8s.io, requests shown"},
		{errors.New("odd"), "no metrics, requests shown (odd)"},
	} {
		client := metricsfake.NewSimpleClientset()
		client.PrependReactor("list", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, c.err })
		if got := readUsage(t.Context(), client, nil); got.remark != c.want || got.nodes != nil {
			t.Errorf("%v: %+v, want %q and no values", c.err, got, c.want)
		}
	}
}
