package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestClustersKeepOutOfEachOthersWay(t *testing.T) {
	seen := map[string]string{}
	for _, p := range clusterPlans() {
		taken := []string{p.etcd(), p.etcdPeer(), p.apiServer(), p.kwok(), p.address(10257), p.address(10259), p.address(metricsPort), p.Outside, p.program("etcd")}
		for n := 1; n <= p.Nodes; n++ {
			taken = append(taken, p.nodeAddress(n))
		}
		for _, one := range taken {
			if other, double := seen[one]; double {
				t.Errorf("%s and %s both want %s", p.Name, other, one)
			}
			seen[one] = p.Name
		}
	}
}

func TestEgressTarget(t *testing.T) {
	p := clusterPlans()[0]
	for _, c := range []struct{ host, want string }{
		{"192.0.2.7:10250", "127.0.66.7:10250"},
		{"192.0.2.10:10250", "127.0.66.10:10250"},
		{"localhost:14443", "127.0.0.1:14443"},
		{"127.0.0.1:14443", "127.0.0.1:14443"},
		{"192.0.2.11:10250", ""}, // no such node
		{"192.0.2.07:10250", ""},
		{"10.0.0.1:443", ""},
		{"example.org:443", ""},
		{"192.0.2.7", ""},
	} {
		if got, err := p.target(c.host); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v; want %q", c.host, got, err, c.want)
		}
	}
}

func TestEgressJoins(t *testing.T) {
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "far") }))
	defer far.Close()
	socket := filepath.Join(t.TempDir(), "egress.sock")
	e, err := startEgress(t.Context(), socket, clusterPlans()[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ target, want string }{{far.Listener.Addr().String(), "200"}, {"192.0.2.200:10250", "403"}} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "CONNECT %[1]s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", c.target)
		in := bufio.NewReader(conn)
		status, err := in.ReadString('\n')
		if err != nil || !strings.Contains(status, c.want) {
			t.Fatalf("CONNECT %s: %q, %v; want status %s", c.target, status, err, c.want)
		}
		if c.want == "200" {
			if _, err := in.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(conn, "GET / HTTP/1.0\r\n\r\n")
			if text, err := io.ReadAll(in); err != nil || !strings.HasSuffix(string(text), "far") {
				t.Errorf("through it came %q, %v", text, err)
			}
		}
		conn.Close()
	}
	if err := e.stop(); err != nil {
		t.Error(err)
	}
}

func TestQuantity(t *testing.T) {
	for text, want := range map[string]float64{"250m": 0.25, "128Mi": 128 << 20, "4": 4, "64Gi": 64 << 30, "1.5": 1.5, "": 0, "x": 0} {
		if got := quantity(text); got != want {
			t.Errorf("%q is %g, want %g", text, got, want)
		}
	}
}

func TestAuthorityIssues(t *testing.T) {
	now := time.Now()
	ca, err := newAuthority("lab", now)
	if err != nil {
		t.Fatal(err)
	}
	other, err := newAuthority("lab", now)
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := ca.issue("apiserver", apiServerHosts, now.Add(-time.Hour), now.Add(14*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		by    authority
		at    time.Time
		trust bool
	}{{ca, now, true}, {other, now, false}, {ca, now.Add(15 * 24 * time.Hour), false}} {
		roots := x509.NewCertPool()
		roots.AddCert(c.by.cert)
		if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: "localhost", CurrentTime: c.at}); (err == nil) != c.trust {
			t.Errorf("at %v: %v, want trust %t", c.at, err, c.trust)
		}
	}
}

func TestReadRoleWithout(t *testing.T) {
	holds := func(role object, resource string) bool {
		for _, r := range role["rules"].([]object) {
			for _, name := range r["resources"].([]string) {
				if name == resource {
					return true
				}
			}
		}
		return false
	}
	if !holds(readRole(), withdrawnOne) || holds(readRole(withdrawnOne), withdrawnOne) || !holds(readRole(withdrawnOne), "pods") {
		t.Errorf("only %s is to be withdrawn", withdrawnOne)
	}
	for _, r := range readRole()["rules"].([]object) {
		for _, verb := range r["verbs"].([]string) {
			if verb != "get" && verb != "list" && verb != "watch" {
				t.Errorf("the wallboard may %s", verb)
			}
		}
	}
}

func TestLoadObjects(t *testing.T) {
	seen := map[string]bool{}
	for n := range 3000 {
		if path := podPath(n); seen[path] {
			t.Fatalf("pod %d is %s again", n, path)
		} else {
			seen[path] = true
		}
	}
	pod := loadPod(1234, 100, time.Now())
	text, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(text); n < 5_000 || n > 7_000 {
		t.Errorf("a pod has %d bytes as it is sent, want about 6,000", n)
	}
	metadata := pod["metadata"].(object)
	if path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s", metadata["namespace"], metadata["name"]); path != podPath(1234) {
		t.Errorf("the pod is %s, its path %s", path, podPath(1234))
	}
}

func TestFleetCheck(t *testing.T) {
	for _, c := range []struct {
		fleet fleet
		ok    bool
	}{{fleet{nodes: 10, pods: 5}, true}, {fleet{rate: 50, lasts: time.Second}, true}, {fleet{pods: 5}, false}, {fleet{nodes: -1}, false}, {fleet{rate: -1}, false}} {
		if err := c.fleet.check(); (err == nil) != c.ok || err != nil && !errors.Is(err, errUsage) {
			t.Errorf("%+v: %v", c.fleet, err)
		}
	}
}

func TestInParallelEndsWithTheFirstError(t *testing.T) {
	wrong := errors.New("wrong")
	err := inParallel(t.Context(), 1000, func(_ context.Context, n int) error {
		if n == 500 {
			return wrong
		}
		return nil
	})
	if !errors.Is(err, wrong) {
		t.Errorf("%v, want %v", err, wrong)
	}
	done := make([]bool, 100)
	if err := inParallel(t.Context(), len(done), func(_ context.Context, n int) error { done[n] = true; return nil }); err != nil {
		t.Error(err)
	}
	for n, ok := range done {
		if !ok {
			t.Errorf("%d was left out", n)
		}
	}
}

// TestKubelet asks a kubelet of the lab for statistics; the API server behind it is a stand-in.
func TestKubelet(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" {
			http.Error(w, "who?", http.StatusUnauthorized)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/api/v1/nodes/") {
			fmt.Fprint(w, `{"metadata":{"creationTimestamp":"2026-01-01T00:00:00Z"},"status":{"allocatable":{"memory":"64Gi"}}}`)
			return
		}
		fmt.Fprint(w, `{"items":[
			{"metadata":{"name":"postgres-0","namespace":"data","uid":"u","creationTimestamp":"2026-01-01T00:00:00Z","annotations":{"kwok.x-k8s.io/usage-cpu":"100m","kwok.x-k8s.io/usage-memory":"100Mi"}},
			 "spec":{"containers":[{"name":"postgres"}],"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"data-postgres-0"}},{"name":"tmp"}]},"status":{"phase":"Running"}},
			{"metadata":{"name":"done","namespace":"data"},"spec":{"containers":[{"name":"x"}]},"status":{"phase":"Succeeded"}}]}`)
	}))
	defer api.Close()
	now := time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)
	k := &kubelets{c: &cluster{api: &apiClient{base: api.URL, token: "token", http: api.Client()}, now: func() time.Time { return now }},
		filled: map[string]float64{}, silent: map[string]bool{}}
	kubelet := httptest.NewServer(k.handler("node-01", http.NotFoundHandler()))
	defer kubelet.Close()
	ask := func() (string, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, kubelet.URL+"/stats/summary", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := kubelet.Client().Do(request)
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return string(text), err
	}
	k.fill("data/data-postgres-0", 0.95)
	text, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	var indented strings.Builder
	encoder := json.NewEncoder(&indented)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(json.RawMessage(text)); err != nil {
		t.Fatal(err)
	}
	golden(t, "stats-summary.json", indented.String())
	k.silence("node-01", true)
	if text, err := ask(); err == nil {
		t.Errorf("a silent kubelet says %q", text)
	}
}

func TestPodLogs(t *testing.T) {
	folder := t.TempDir()
	logs, err := startPodLogs(folder, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := logs.stop(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"web", "checkout", "previous"} {
		text, err := os.ReadFile(filepath.Join(folder, name+".log"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.SplitN(line, " ", 4)
			if len(fields) != 4 || fields[1] != "stdout" && fields[1] != "stderr" || fields[2] != "F" {
				t.Errorf("%s: %q is no line of the container runtime interface", name, line)
			} else if _, err := time.Parse(time.RFC3339Nano, fields[0]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(text) == 0 {
			t.Errorf("%s.log is empty", name)
		}
	}
}
