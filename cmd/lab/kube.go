package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	clusterName = "lab-seoul"

	etcdAddress     = "127.0.0.1:23790"
	etcdPeerAddress = "127.0.0.1:23800"
	apiServerPort   = "16443"
	kwokAddress     = "127.0.0.1:10247"

	// A node is lost after this time without a sign of life. A real cluster takes 50 s; the lab has less patience.
	nodeMonitorGrace = 16 * time.Second
	nodeLease        = 8 * time.Second // kwok renews each lease every quarter of it

	clusterReady = 120 * time.Second
)

// A cluster is the running half of the lab that is a Kubernetes control plane with simulated nodes.
type cluster struct {
	dir, bin string
	procs    *processes
}

func kubeconfigIn(dir string) string { return filepath.Join(dir, "kubeconfig") }

// startCluster starts the control plane with an empty store, creates the nodes and workloads and returns once all pods
// are Ready. After an error nothing of it is left.
func startCluster(ctx context.Context, dir, bin string, procs *processes) (_ *cluster, err error) {
	ctx, cancel := context.WithTimeout(ctx, clusterReady)
	defer cancel()
	c := &cluster{dir: dir, bin: bin, procs: procs}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.stop())
		}
	}()
	token, err := c.writeSecrets()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"etcd", "kube-apiserver"} {
		if err := procs.start(c.spec(name)); err != nil {
			return nil, err
		}
	}
	if err := c.writeKubeconfig(ctx, token); err != nil {
		return nil, err
	}
	if err := c.answers(ctx); err != nil {
		return nil, err
	}
	for _, name := range []string{"kube-controller-manager", "kube-scheduler", "kwok"} {
		if err := procs.start(c.spec(name)); err != nil {
			return nil, err
		}
	}
	return c, c.populate(ctx)
}

func (c *cluster) path(name string) string { return filepath.Join(c.dir, "kube", name) }

// writeSecrets makes the folder of the control plane anew, with a random token and a key for service accounts.
func (c *cluster) writeSecrets() (token string, err error) {
	if err := os.RemoveAll(c.path("")); err != nil {
		return "", fmt.Errorf("cluster: empty its folder: %w", err)
	}
	if err := os.MkdirAll(c.path("certs"), 0o700); err != nil {
		return "", fmt.Errorf("cluster: %w", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", fmt.Errorf("cluster: service account key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", fmt.Errorf("cluster: service account key: %w", err)
	}
	token = rand.Text()
	for name, content := range map[string][]byte{
		"sa.key":      pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		"sa.pub":      pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		"tokens.csv":  []byte(token + ",lab,lab,system:masters\n"),
		"stages.yaml": []byte(stages),
	} {
		if err := os.WriteFile(c.path(name), content, 0o600); err != nil {
			return "", fmt.Errorf("cluster: %w", err)
		}
	}
	return token, nil
}

// writeKubeconfig waits for the certificate that the API server makes for itself and writes a kubeconfig that trusts it.
func (c *cluster) writeKubeconfig(ctx context.Context, token string) error {
	var certificate []byte
	err := until(ctx, 100*time.Millisecond, func() error {
		if _, err := c.procs.find("kube-apiserver"); err != nil {
			return err
		}
		var err error
		certificate, err = os.ReadFile(c.path("certs/apiserver.crt"))
		return err
	})
	if err != nil {
		return fmt.Errorf("kube-apiserver: wait for its certificate: %w", err)
	}
	if err := os.WriteFile(kubeconfigIn(c.dir), kubeconfig(token, certificate), 0o600); err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	return nil
}

func kubeconfig(token string, certificate []byte) []byte {
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters:
- name: %[1]s
  cluster:
    server: https://127.0.0.1:%[2]s
    certificate-authority-data: %[3]s
users:
- name: %[1]s
  user: {token: %[4]s}
contexts:
- name: %[1]s
  context: {cluster: %[1]s, user: %[1]s}
current-context: %[1]s
`, clusterName, apiServerPort, base64.StdEncoding.EncodeToString(certificate), token)
}

// spec is the command line of one program of the control plane.
func (c *cluster) spec(name string) spec {
	config := "--kubeconfig=" + kubeconfigIn(c.dir)
	args := map[string][]string{
		"etcd": {"--data-dir", c.path("etcd"), "--unsafe-no-fsync", "--log-level", "warn",
			"--listen-client-urls", "http://" + etcdAddress, "--advertise-client-urls", "http://" + etcdAddress,
			"--listen-peer-urls", "http://" + etcdPeerAddress, "--initial-advertise-peer-urls", "http://" + etcdPeerAddress,
			"--initial-cluster", "default=http://" + etcdPeerAddress},
		"kube-apiserver": {"--etcd-servers=http://" + etcdAddress, "--cert-dir=" + c.path("certs"),
			"--bind-address=127.0.0.1", "--secure-port=" + apiServerPort, "--service-cluster-ip-range=10.0.0.0/16",
			"--service-account-issuer=https://lab", "--service-account-key-file=" + c.path("sa.pub"),
			"--service-account-signing-key-file=" + c.path("sa.key"), "--token-auth-file=" + c.path("tokens.csv"),
			"--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount",
			"--default-not-ready-toleration-seconds=60", "--default-unreachable-toleration-seconds=60"},
		"kube-controller-manager": {config, "--bind-address=127.0.0.1", "--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=1000",
			"--service-account-private-key-file=" + c.path("sa.key"), "--node-monitor-period=2s",
			"--node-monitor-grace-period=" + nodeMonitorGrace.String()},
		"kube-scheduler": {config, "--bind-address=127.0.0.1", "--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=1000"},
		"kwok": {config, "--v=WARN", "--config=" + c.path("stages.yaml"), "--manage-all-nodes=true", "--cidr=10.244.0.0/16",
			"--server-address=" + kwokAddress, fmt.Sprintf("--node-lease-duration-seconds=%.0f", nodeLease.Seconds())},
	}[name]
	return spec{Name: name, Args: append([]string{filepath.Join(c.bin, name)}, args...)}
}

// answers waits until the API server is ready to serve.
func (c *cluster) answers(ctx context.Context) error {
	err := until(ctx, 200*time.Millisecond, func() error {
		_, err := c.kubectl(ctx, nil, "get", "--raw", "/readyz", "--request-timeout=2s")
		return err
	})
	if err != nil {
		return fmt.Errorf("kube-apiserver: wait until it is ready: %w", err)
	}
	return nil
}

// populate creates the nodes and workloads and waits until every pod is Ready.
func (c *cluster) populate(ctx context.Context) error {
	nodes, err := manifest(nodeObjects())
	if err != nil {
		return err
	}
	if _, err := c.kubectl(ctx, nodes, "create", "-f", "-"); err != nil {
		return err
	}
	// Without its default service account a namespace takes no pods; nodes first, so that pods spread over all of them.
	if err := c.wait(ctx, "node", "--all", "--for=condition=Ready"); err != nil {
		return err
	}
	load, err := manifest(workloadObjects())
	if err != nil {
		return err
	}
	if _, err := c.kubectl(ctx, load, "create", "-f", "-"); err != nil {
		return err
	}
	return until(ctx, 500*time.Millisecond, func() error {
		phases, err := c.kubectl(ctx, nil, "get", "pods", "-A", "-o", `jsonpath={.items[*].status.phase}`)
		if err != nil {
			return err
		}
		if running := strings.Count(phases, "Running"); running != podCount() {
			return fmt.Errorf("%d of %d pods run", running, podCount())
		}
		return nil
	})
}

// kubectl runs one command against the cluster and returns its output.
func (c *cluster) kubectl(ctx context.Context, stdin []byte, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, "kubectl"), append([]string{"--kubeconfig", kubeconfigIn(c.dir)}, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	return outputOf(cmd)
}

// wait runs kubectl wait with the time that ctx leaves, less what kubectl needs to say that it waited in vain.
func (c *cluster) wait(ctx context.Context, args ...string) error {
	limit := clusterReady
	if deadline, ok := ctx.Deadline(); ok {
		limit = time.Until(deadline) - 2*time.Second
	}
	_, err := c.kubectl(ctx, nil, append([]string{"wait", "--timeout=" + limit.Round(time.Second).String()}, args...)...)
	return err
}

// stop ends the control plane, the API server after its clients.
func (c *cluster) stop() error {
	var failed []error
	for _, name := range []string{"kwok", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"} {
		failed = append(failed, c.procs.stop(name))
	}
	return errors.Join(failed...)
}
