package kube

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// controlPlane is an etcd on this machine with API servers before it, of the programs that cmd/lab builds. All
// ends with the test.
type controlPlane struct {
	tb             testing.TB
	bin, dir, etcd string // etcd is its address
	servers        int
}

// process is a program that listens on an address.
type process struct {
	addr string
	stop func() // at once, as if it lost its power
}

// newControlPlane starts an empty etcd. It skips the test where the programs are not there.
func newControlPlane(tb testing.TB) *controlPlane {
	tb.Helper()
	free := freeAddresses(tb, 2)
	p := &controlPlane{tb: tb, bin: labPrograms(tb), dir: tb.TempDir(), etcd: free[0]}
	p.start("etcd", "--data-dir", filepath.Join(p.dir, "etcd"), "--unsafe-no-fsync", "--log-level", "error",
		"--listen-client-urls", "http://"+p.etcd, "--advertise-client-urls", "http://"+p.etcd,
		"--listen-peer-urls", "http://"+free[1], "--initial-advertise-peer-urls", "http://"+free[1],
		"--initial-cluster", "default=http://"+free[1])
	p.write("tokens.csv", "admin,admin,admin,system:masters\nwall,wall,wall\n")
	if out, err := exec.CommandContext(tb.Context(), "openssl", "genrsa", "-out", filepath.Join(p.dir, "sa.key"), "2048").CombinedOutput(); err != nil {
		tb.Fatalf("openssl: %v: %s", err, out)
	}
	until(tb, "etcd", func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.etcd+"/health", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	})
	return p
}

// serve starts an API server, and another one with each call, as in a cluster with several control planes.
func (p *controlPlane) serve() process {
	p.tb.Helper()
	addr, key := freeAddresses(p.tb, 1)[0], filepath.Join(p.dir, "sa.key")
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		p.tb.Fatal(err)
	}
	stop := p.start("kube-apiserver", "--etcd-servers=http://"+p.etcd, "--cert-dir="+filepath.Join(p.dir, "certs"), "--bind-address=127.0.0.1",
		"--secure-port="+port, "--service-cluster-ip-range=10.0.0.0/16", "--service-account-issuer=https://test",
		"--service-account-key-file="+key, "--service-account-signing-key-file="+key, "--token-auth-file="+filepath.Join(p.dir, "tokens.csv"),
		"--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount")
	return process{addr, stop}
}

// start runs a program until the test ends, or stop is called.
func (p *controlPlane) start(name string, args ...string) (stop func()) {
	p.tb.Helper()
	p.servers++
	log, err := os.Create(filepath.Join(p.dir, fmt.Sprintf("%s-%d.log", name, p.servers)))
	if err != nil {
		p.tb.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(p.bin, name), args...) //nolint:noctx // ended below, after the test's context
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		p.tb.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		_ = log.Close()
	})
	p.tb.Cleanup(stop)
	return stop
}

func (p *controlPlane) write(name, text string) string {
	p.tb.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.tb.Fatal(err)
	}
	return path
}

// kubeconfig writes one for a user of tokens.csv, with context "test", and returns its path.
func (p *controlPlane) kubeconfig(addr, token string) string {
	p.tb.Helper()
	return p.write("kubeconfig-"+token, fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://%s", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: %s}}]
contexts: [{name: test, context: {cluster: c, user: u}}]
current-context: test
`, addr, token))
}

// admin is a client that may do everything.
func (p *controlPlane) admin(s process) kubernetes.Interface {
	p.tb.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", p.kubeconfig(s.addr, "admin"))
	if err != nil {
		p.tb.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		p.tb.Fatal(err)
	}
	return client
}

// ready waits until an API server is.
func (p *controlPlane) ready(s process) {
	p.tb.Helper()
	client := p.admin(s)
	until(p.tb, "kube-apiserver is ready", func(ctx context.Context) error {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// relay is an address behind which the API server can be changed, as a load balancer does.
type relay struct {
	addr string

	mu    sync.Mutex
	to    string
	conns map[net.Conn]bool
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: l.Addr().String(), to: to, conns: map[net.Conn]bool{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { r.pass(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close() // nothing was written
		r.lead("")
		wg.Wait()
	})
	return r
}

// pass copies both ways until one end closes.
func (r *relay) pass(conn net.Conn) {
	r.mu.Lock()
	to := r.to
	r.mu.Unlock()
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", to)
	if err != nil {
		_ = conn.Close() // as refused
		return
	}
	r.mu.Lock()
	if r.to == to {
		r.conns[conn], r.conns[server] = true, true
	} else { // lead was called meanwhile
		_, _ = conn.Close(), server.Close()
	}
	r.mu.Unlock()
	var wg sync.WaitGroup
	for _, pair := range [][2]net.Conn{{conn, server}, {server, conn}} {
		wg.Go(func() {
			_, _ = io.Copy(pair[0], pair[1]) // an end is as good as an error
			_, _ = pair[0].Close(), pair[1].Close()
		})
	}
	wg.Wait()
	r.mu.Lock()
	delete(r.conns, conn)
	delete(r.conns, server)
	r.mu.Unlock()
}

// lead ends all connections and leads new ones to another address.
func (r *relay) lead(to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to = to
	for c := range r.conns {
		_ = c.Close() // whatever it still had to say is lost
	}
}

// answered counts refusals and expired watches in what an API server answers.
type answered struct {
	next http.RoundTripper

	mu               sync.Mutex
	refused, expired int
}

func (a *answered) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := a.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch resp.StatusCode {
	case http.StatusForbidden:
		a.refused++
	case http.StatusGone:
		a.expired++
	}
	if isWatch(req) {
		resp.Body = &seeker{resp.Body, a}
	}
	return resp, nil
}

func (a *answered) counts() (refused, expired int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused, a.expired
}

// seeker looks for the end of a watch whose version is too old.
type seeker struct {
	io.ReadCloser
	a *answered
}

func (s *seeker) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if bytes.Contains(p[:n], []byte("too old resource version")) {
		s.a.mu.Lock()
		s.a.expired++
		s.a.mu.Unlock()
	}
	return n, err
}

// freeAddresses are addresses on this machine that nobody listens on, all different.
func freeAddresses(tb testing.TB, n int) []string {
	tb.Helper()
	var list []string
	for range n {
		l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		defer func() { _ = l.Close() }() // nothing was accepted
		list = append(list, l.Addr().String())
	}
	return list
}

// labPrograms is where cmd/lab keeps the programs of a control plane.
func labPrograms(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		bin := filepath.Join(dir, ".cache", "lab", "bin")
		if _, err := os.Stat(filepath.Join(bin, "kube-apiserver")); err == nil {
			return bin
		}
	}
	tb.Skip("no kube-apiserver and etcd in .cache/lab/bin of a folder above: make lab-build, then .cache/lab/bin/lab build")
	return ""
}

// until waits until try succeeds, for two minutes at most.
func until(tb testing.TB, what string, try func(ctx context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			tb.Fatalf("%s: not within two minutes: %v", what, err)
		case <-tick.C:
		}
	}
}
