package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// A node is lost after this time without a sign of life. A real cluster takes 50 s; the lab has less patience.
	nodeMonitorGrace = 16 * time.Second
	nodeLease        = 8 * time.Second // kwok renews each lease every quarter of it

	clusterReady = 120 * time.Second
)

// A cluster is a running Kubernetes control plane with simulated nodes.
type cluster struct {
	plan     clusterPlan
	dir, bin string // of the lab
	procs    *processes
	now      func() time.Time
	secrets  *secrets
	api      *apiClient
	kubelets *kubelets
	egress   *egress
}

// kubeconfigIn is for the wallboard: it may read and no more. adminKubeconfigIn may do everything.
func kubeconfigIn(dir string) string      { return filepath.Join(dir, "kubeconfig") }
func adminKubeconfigIn(dir string) string { return filepath.Join(dir, "admin.kubeconfig") }

func clusterFolder(dir string, p clusterPlan) string { return filepath.Join(dir, "kube", p.Name) }

func (c *cluster) path(name string) string { return filepath.Join(clusterFolder(c.dir, c.plan), name) }

// startCluster starts a control plane with an empty store, creates its nodes and workloads and returns once all pods are
// Ready. After an error nothing of it is left.
func startCluster(ctx context.Context, p clusterPlan, dir, bin string, procs *processes, now func() time.Time) (_ *cluster, err error) {
	ctx, cancel := context.WithTimeout(ctx, clusterReady)
	defer cancel()
	c := &cluster{plan: p, dir: dir, bin: bin, procs: procs, now: now}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.stop())
		}
	}()
	if c.secrets, err = c.writeSecrets(); err != nil {
		return nil, err
	}
	if c.api, err = newAPIClient(dir, p); err != nil {
		return nil, err
	}
	if c.egress, err = startEgress(ctx, c.path("egress.sock"), p); err != nil {
		return nil, err
	}
	if c.kubelets, err = startKubelets(ctx, c); err != nil {
		return nil, err
	}
	for _, name := range []string{"etcd", "kube-apiserver"} {
		if err := procs.start(c.spec(name)); err != nil {
			return nil, err
		}
	}
	if err := c.answers(ctx); err != nil {
		return nil, err
	}
	for _, name := range []string{"kube-controller-manager", "kube-scheduler", "kwok"} {
		if err := procs.start(c.spec(name)); err != nil {
			return nil, err
		}
	}
	if p.Rich {
		if err := procs.start(c.spec("metrics-server")); err != nil {
			return nil, err
		}
	}
	return c, c.populate(ctx)
}

// answers waits until the API server is ready to serve.
func (c *cluster) answers(ctx context.Context) error {
	err := until(ctx, 200*time.Millisecond, func() error {
		if _, err := c.procs.find(c.plan.program("kube-apiserver")); err != nil {
			return err
		}
		_, err := c.kubectl(ctx, nil, "get", "--raw", "/readyz", "--request-timeout=2s")
		return err
	})
	if err != nil {
		return fmt.Errorf("kube-apiserver: wait until it is ready: %w", err)
	}
	return nil
}

// settled waits until the API server is ready and no node is lost: the controllers, cut off from the API server, may
// have lost some for a moment.
func (c *cluster) settled(ctx context.Context) error {
	if err := c.answers(ctx); err != nil {
		return err
	}
	return until(ctx, 500*time.Millisecond, func() error {
		return c.wait(ctx, "node", "-l", simulated, "--for=condition=Ready")
	})
}

// populate creates the nodes and workloads and waits until every pod is Ready.
func (c *cluster) populate(ctx context.Context) error {
	if err := c.create(ctx, slices.Concat(c.plan.namespaceObjects(), c.plan.nodeObjects(), wallAccess())); err != nil {
		return err
	}
	// Without its default service account a namespace takes no pods; nodes first, so that pods spread over all of them.
	if err := c.wait(ctx, "node", "--all", "--for=condition=Ready"); err != nil {
		return err
	}
	if c.plan.Rich {
		if err := c.enrich(ctx); err != nil {
			return err
		}
	}
	if err := c.create(ctx, c.plan.workloadObjects()); err != nil {
		return err
	}
	err := until(ctx, 500*time.Millisecond, func() error {
		phases, err := c.kubectl(ctx, nil, "get", "pods", "-A", "-o", `jsonpath={.items[*].status.phase}`)
		if err != nil {
			return err
		}
		if running := strings.Count(phases, "Running"); running != c.plan.podCount() {
			return fmt.Errorf("%d of %d pods run", running, c.plan.podCount())
		}
		return nil
	})
	if err != nil || !c.plan.Rich {
		return err
	}
	return c.measured(ctx)
}

// create makes objects that must not exist yet.
func (c *cluster) create(ctx context.Context, objects []object) error {
	text, err := manifest(objects)
	if err != nil {
		return err
	}
	_, err = c.kubectl(ctx, text, "create", "-f", "-")
	return err
}

// apply makes objects what they shall be.
func (c *cluster) apply(ctx context.Context, objects ...object) error {
	text, err := manifest(objects)
	if err != nil {
		return err
	}
	_, err = c.kubectl(ctx, text, "apply", "--server-side", "--force-conflicts", "-f", "-")
	return err
}

// patchStatus merges a status into that of an object.
func (c *cluster) patchStatus(ctx context.Context, namespace, resource, name string, status object) error {
	text, err := manifestText(object{"status": status})
	if err != nil {
		return err
	}
	_, err = c.kubectl(ctx, nil, "-n", namespace, "patch", resource, name, "--subresource=status", "--type=merge", "-p", string(text))
	return err
}

// kubectl runs one command against the cluster as its administrator and returns its output.
func (c *cluster) kubectl(ctx context.Context, stdin []byte, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, "kubectl"), append([]string{"--kubeconfig", c.path("admin.kubeconfig")}, args...)...)
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
	for _, name := range []string{"metrics-server", "kwok", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"} {
		failed = append(failed, c.procs.stop(c.plan.program(name)))
	}
	if c.kubelets != nil {
		failed = append(failed, c.kubelets.stop())
	}
	if c.egress != nil {
		failed = append(failed, c.egress.stop())
	}
	return errors.Join(failed...)
}

// writeKubeconfigs writes those of all clusters that are up, for the wallboard and for people.
func writeKubeconfigs(dir string, clusters []*cluster) error {
	var wall, admin []access
	for _, c := range clusters {
		wall = append(wall, c.secrets.wall)
		admin = append(admin, c.secrets.admin)
	}
	for path, list := range map[string][]access{kubeconfigIn(dir): wall, adminKubeconfigIn(dir): admin} {
		if err := os.WriteFile(path, kubeconfig(list), 0o600); err != nil {
			return fmt.Errorf("kubeconfig: %w", err)
		}
	}
	return nil
}
