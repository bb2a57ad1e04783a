//go:build lab

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/model"
)

// plane is a control plane of its own: etcd and an API server, and no kubelet that would see to its pods.
type plane struct {
	t          *testing.T
	bin, dir   string
	kubeconfig string
}

// serviceRange is where services get their addresses: this machine answers there, as kube-proxy would.
const serviceRange = "127.96.0.0/16"

// newPlane starts one; the test is skipped where the lab was not built.
func newPlane(t *testing.T) *plane {
	t.Helper()
	bin, err := filepath.Abs(filepath.Dir(labBin))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "kube-apiserver")); err != nil {
		t.Skipf("no control plane to start (%v): run make lab-build, then .cache/lab/bin/lab build", err)
	}
	p := &plane{t: t, bin: bin, dir: t.TempDir()}
	p.kubeconfig = filepath.Join(p.dir, "kubeconfig")
	etcd, peer, server := freeAddress(t), freeAddress(t), freeAddress(t)
	p.start(filepath.Join(bin, "etcd"), "--data-dir", filepath.Join(p.dir, "etcd"), "--unsafe-no-fsync", "--log-level", "error",
		"--listen-client-urls", "http://"+etcd, "--advertise-client-urls", "http://"+etcd,
		"--listen-peer-urls", "http://"+peer, "--initial-advertise-peer-urls", "http://"+peer, "--initial-cluster", "default=http://"+peer)
	key := filepath.Join(p.dir, "sa.key")
	if out, err := exec.CommandContext(t.Context(), "openssl", "genrsa", "-out", key, "2048").CombinedOutput(); err != nil {
		t.Fatalf("openssl: %v: %s", err, out)
	}
	p.write("tokens.csv", "secret,admin,admin,system:masters\n")
	p.write("kubeconfig", fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://%s", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: secret}}]
contexts: [{name: prod, context: {cluster: c, user: u}}]
current-context: prod
`, server))
	_, port, _ := net.SplitHostPort(server)
	p.start(filepath.Join(bin, "kube-apiserver"), "--etcd-servers=http://"+etcd, "--cert-dir="+filepath.Join(p.dir, "certs"), "--bind-address=127.0.0.1",
		"--secure-port="+port, "--service-cluster-ip-range="+serviceRange, "--service-account-issuer=https://lab", "--service-account-key-file="+key,
		"--service-account-signing-key-file="+key, "--token-auth-file="+filepath.Join(p.dir, "tokens.csv"), "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount")
	p.until(2*time.Minute, "the API server is ready", func() error { _, err := p.kubectl("", "get", "--raw", "/readyz"); return err })
	p.until(time.Minute, "the namespace default is there", func() error { _, err := p.kubectl("", "get", "namespace", "default"); return err })
	return p
}

func (p *plane) write(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// start runs a program until the test ends.
func (p *plane) start(path string, args ...string) {
	p.t.Helper()
	cmd := exec.Command(path, args...) //nolint:noctx // ended by hand, so that what it holds is closed in order
	log, err := os.Create(filepath.Join(p.dir, filepath.Base(path)+".log"))
	if err != nil {
		p.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // it was ended
		kill.Stop()
		_ = log.Close()
	})
}

func (p *plane) kubectl(in string, args ...string) (string, error) {
	cmd := exec.CommandContext(p.t.Context(), filepath.Join(p.bin, "kubectl"), append([]string{"--kubeconfig", p.kubeconfig, "--request-timeout=10s"}, args...)...)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w: %.500s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

func (p *plane) must(in string, args ...string) {
	p.t.Helper()
	if _, err := p.kubectl(in, args...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plane) until(limit time.Duration, what string, try func() error) {
	p.t.Helper()
	began := time.Now()
	for {
		err := try()
		if err == nil {
			p.t.Logf("%s: %.1f s", what, time.Since(began).Seconds())
			return
		}
		if time.Since(began) > limit {
			p.t.Fatalf("%s: not within %v: %v", what, limit, err)
		}
		select {
		case <-p.t.Context().Done():
			p.t.Fatal(p.t.Context().Err())
		case <-time.After(200 * time.Millisecond): // polling another process: there is no signal to wait for
		}
	}
}

// pod makes one that runs at an address of this machine, as its kubelet would tell.
func (p *plane) pod(name, port string, annotations ...string) {
	p.t.Helper()
	p.must(fmt.Sprintf(`{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: default, labels: {app: %s}, annotations: {%s}},
 spec: {nodeName: node-1, hostNetwork: true, containers: [{name: app, image: app:1}]}}`, name, name, strings.Join(append(annotations, `prometheus.io/port: "`+port+`"`), ", ")), "create", "-f", "-")
	p.phase(name, "Running")
}

func (p *plane) phase(name, phase string) {
	p.t.Helper()
	p.must("", "patch", "pod", name, "--subresource=status", "--patch", fmt.Sprintf(`{"status": {"phase": %q, "hostIP": "127.0.0.1", "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}],
 "conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}]}}`, phase))
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // nothing was accepted
	return l.Addr().String()
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// collecting runs "nocturne collect" in this process until the test ends.
func collecting(t *testing.T, config, data string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var said bytes.Buffer
	done := make(chan int, 1)
	go func() { done <- run(ctx, []string{"collect", "--config", config, "--data", data}, io.Discard, &said) }()
	t.Cleanup(func() {
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("collect ended with %d", code)
		}
		if t.Failed() {
			t.Logf("%.2000s", said.String())
		}
	})
}

// TestLabScrapeKubernetes has a wall find Debian's exporters behind pods and a service of a real API server by their
// annotations, and lose them as they go.
func TestLabScrapeKubernetes(t *testing.T) {
	node, err1 := exec.LookPath("prometheus-node-exporter")
	redis, err2 := exec.LookPath("redis-server")
	exporter, err3 := exec.LookPath("prometheus-redis-exporter")
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Skipf("apt-get install prometheus-node-exporter redis-server prometheus-redis-exporter: %v", err)
	}
	p := newPlane(t)
	atNode, atRedis, exposed := freeAddress(t), freeAddress(t), freeAddress(t)
	p.start(node, "--web.listen-address=:"+portOf(atNode)) // behind its service's address too
	p.start(redis, "--bind", "127.0.0.1", "--port", portOf(atRedis), "--dir", p.dir, "--save", "")
	p.start(exporter, "-redis.addr", "redis://"+atRedis, "-web.listen-address", exposed)

	const asks = `prometheus.io/scrape: "true"`
	p.must(`{apiVersion: v1, kind: Node, metadata: {name: node-1}}`, "create", "-f", "-")
	p.pod("cart-0", portOf(exposed), asks)
	p.pod("node-exporter", portOf(atNode), asks, "prometheus.io/path: /metrics")
	p.pod("quiet", portOf(atNode))
	p.pod("done", portOf(atNode), asks)
	p.phase("done", "Succeeded")
	p.pod("wrong", "80@169.254.169.254:80", asks)
	p.must(`{apiVersion: v1, kind: Service, metadata: {name: metrics, namespace: default, annotations: {`+asks+`}},
 spec: {ports: [{port: `+portOf(atNode)+`}]}}`, "create", "-f", "-")
	address, err := p.kubectl("", "get", "service", "metrics", "-o", "jsonpath={.spec.clusterIP}")
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(p.dir, "data")
	collecting(t, p.write("nocturne.yaml", `sources:
  - {kind: kubernetes, name: prod, kubeconfig: `+p.kubeconfig+`, context: prod, every: 5s}
  - kind: scrape
    name: apps
    every: 5s
    kubernetes: {clusters: [prod], roles: [pod, service], namespaces: [default]}
`), data)
	wall := func() (*found, error) { return findAll(t.Context(), data) }

	cart := model.ObjectID("prod", "default", model.KindPod, "cart-0")
	redisAt, nodeAt, serviceAt := model.ServerID(exposed), model.ServerID(atNode), model.ServerID(address+":"+portOf(atNode))
	p.until(time.Minute, "all that ask are scraped", func() error {
		f, err := wall()
		if err != nil {
			return err
		}
		return errors.Join(
			f.is(redisAt, model.KindService, "Redis default/cart-0", "pod", "cart-0"),
			f.is(nodeAt, model.KindServer, "", "pod", "node-exporter"),
			f.is(serviceAt, model.KindServer, "", "service", "metrics"),
			f.runsOn(redisAt, cart), f.runsOn(nodeAt, model.ObjectID("prod", "default", model.KindPod, "node-exporter")),
			f.runsOn(serviceAt, model.ObjectID("prod", "default", model.KindService, "metrics")), f.runsOn(cart, model.NodeID("prod", "node-1")),
			f.row("apps", model.Warning, "1 cannot be scraped, the first: pod default/wrong of prod", "want a number from 1 to 65535"),
			f.counts(`redis_up{job="apps", cluster="prod", namespace="default", pod="cart-0", node="node-1"}`, 1),
			f.counts(`node_boot_time_seconds`, 2), f.counts(`up{job="apps"} == 1`, 3),
		)
	})
	p.must("", "delete", "pod", "cart-0", "--grace-period=0", "--force")
	p.phase("node-exporter", "Failed")
	p.must("", "annotate", "service", "metrics", "prometheus.io/scrape-")
	p.until(time.Minute, "all that went is gone", func() error {
		f, err := wall()
		if err != nil {
			return err
		}
		return errors.Join(f.gone(redisAt, nodeAt, serviceAt), f.counts(`up{job="apps"}`, 0), f.counts(`{__name__=~"redis_.*|node_.*"}`, 0))
	})
}

// found is what a wall shows and how it is asked.
type found struct {
	ctx      context.Context
	client   *control.Client
	entities []model.Entity
	runs     control.Topology
	sources  []model.SourceStatus
}

func findAll(ctx context.Context, data string) (*found, error) {
	client, runs := control.Dial(ctx, data)
	if !runs {
		return nil, errors.New("no wall answers yet")
	}
	f := &found{ctx: ctx, client: client}
	return f, errors.Join(
		client.Get(ctx, "/api/nocturne/entities", nil, &f.entities),
		client.Get(ctx, "/api/nocturne/topology", map[string][]string{"kind": {"runs-on"}}, &f.runs),
		client.Get(ctx, "/api/nocturne/sources", nil, &f.sources),
	)
}

func (f *found) is(id string, kind model.Kind, name, label, value string) error {
	for _, e := range f.entities {
		if e.ID == id {
			if e.Kind != kind || name != "" && e.Name != name || e.Labels[label] != value || e.Labels["cluster"] != "prod" || e.State == model.Stale {
				return fmt.Errorf("%+v, want a %s %q of %s %s", e, kind, name, label, value)
			}
			return nil
		}
	}
	return fmt.Errorf("%s is not there", id)
}

func (f *found) gone(ids ...string) error {
	for _, e := range f.entities {
		if slices.Contains(ids, e.ID) {
			return fmt.Errorf("%s is still there", e.ID)
		}
	}
	return nil
}

func (f *found) runsOn(a, b string) error {
	if !slices.ContainsFunc(f.runs.Links, func(l control.TopologyLink) bool { return l.A == a && l.B == b }) {
		return fmt.Errorf("%s does not run on %s", a, b)
	}
	return nil
}

func (f *found) row(source string, state model.State, words ...string) error {
	for _, s := range f.sources {
		if s.Name == source && s.State == state && containsAll(s.Error, words) {
			return nil
		}
	}
	return fmt.Errorf("sources are %+v, want %s %v: %q", f.sources, source, state, words)
}

// counts checks how many series an instant query gives.
func (f *found) counts(expr string, want int) error {
	var answer struct {
		Result []any `json:"result"`
	}
	if err := f.client.Get(f.ctx, "/api/v1/query", map[string][]string{"query": {expr}}, &answer); err != nil {
		return err
	}
	if len(answer.Result) != want {
		return fmt.Errorf("%s gives %d series, want %d", expr, len(answer.Result), want)
	}
	return nil
}
