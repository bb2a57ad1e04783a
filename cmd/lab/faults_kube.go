package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

const (
	lostNode   = "node-07"
	leaseOwner = "lab-fault" // holds the lease of the lost node, so that kwok leaves it alone
	crashLabel = "lab/crash"
)

// loseNode takes the node's lease away from kwok for a day. Nobody renews it, so the node lifecycle controller finds
// the node silent and turns it Unknown, as it would with a dead kubelet.
func loseNode(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	c.kubelets.silence(lostNode, true)
	if err := c.setLease(ctx, s.now(), 24*time.Hour); err != nil {
		return err
	}
	return c.wait(ctx, "node", lostNode, "--for=condition=Ready=Unknown")
}

// findNode lets the lease expire, upon which kwok takes it back and reports the node Ready.
func findNode(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	c.kubelets.silence(lostNode, false)
	if err := c.setLease(ctx, s.now().Add(-time.Minute), time.Second); err != nil {
		return err
	}
	return c.wait(ctx, "node", lostNode, "--for=condition=Ready=True")
}

func (c *cluster) setLease(ctx context.Context, renewed time.Time, life time.Duration) error {
	patch := fmt.Sprintf(`{"spec":{"holderIdentity":%q,"leaseDurationSeconds":%.0f,"renewTime":%q}}`, leaseOwner, life.Seconds(),
		renewed.UTC().Format("2006-01-02T15:04:05.000000Z"))
	_, err := c.kubectl(ctx, nil, "-n", "kube-node-lease", "patch", "lease", lostNode, "--type=merge", "-p", patch)
	return err
}

// crashPod labels a pod for kwok's crash stage; see stages.yaml.
func crashPod(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	pod, err := c.readyPod(ctx, "shop", "checkout")
	if err != nil {
		return err
	}
	if _, err := c.kubectl(ctx, nil, "-n", "shop", "label", "--overwrite", "pod", pod, crashLabel+"=true"); err != nil {
		return err
	}
	return c.wait(ctx, "-n", "shop", "pod", pod, "--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff")
}

// readyPod picks a pod of a workload to do something to.
func (c *cluster) readyPod(ctx context.Context, namespace, workload string) (string, error) {
	ready, err := c.kubectl(ctx, nil, "-n", namespace, "get", "pods", "-l", "app.kubernetes.io/name="+workload, "-o",
		`jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.name} {.spec.nodeName}{"\n"}{end}`)
	if err != nil {
		return "", err
	}
	pod, err := podElsewhere(ready, lostNode)
	if err != nil {
		return "", fmt.Errorf("%s/%s: %w", namespace, workload, err)
	}
	return pod, nil
}

// killForMemory writes what a kubelet reports after the kernel killed a container for its memory and the container
// started again.
func killForMemory(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	pod, err := c.readyPod(ctx, "shop", "api")
	if err != nil {
		return err
	}
	old, err := c.kubectl(ctx, nil, "-n", "shop", "get", "pod", pod, "-o",
		"jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].image} {.status.containerStatuses[0].state.running.startedAt}")
	if err != nil {
		return err
	}
	patch, err := afterMemoryKill(old, s.now())
	if err != nil {
		return fmt.Errorf("pod %s: %w", pod, err)
	}
	_, err = c.kubectl(ctx, nil, "-n", "shop", "patch", "pod", pod, "--subresource=status", "--type=merge", "-p", patch)
	return err
}

// afterMemoryKill is the patch to the status of a pod whose container was killed now; old is "RESTARTS IMAGE STARTED".
func afterMemoryKill(old string, now time.Time) (string, error) {
	var restarts int
	var image, started string
	if _, err := fmt.Sscan(old, &restarts, &image, &started); err != nil {
		return "", fmt.Errorf("container status %q: %w", old, err)
	}
	at := now.UTC().Format(time.RFC3339)
	patch, err := json.Marshal(object{"status": object{"containerStatuses": []object{{
		"name": "api", "image": image, "imageID": "", "ready": true, "started": true, "restartCount": restarts + 1,
		"state":     object{"running": object{"startedAt": at}},
		"lastState": object{"terminated": object{"exitCode": 137, "reason": "OOMKilled", "startedAt": started, "finishedAt": at}},
	}}}})
	if err != nil {
		return "", fmt.Errorf("patch: %w", err)
	}
	return string(patch), nil
}

func afterMemory(string) string { return "the container runs again; its last end stays on record" }

// podElsewhere picks the first of the pods, one "POD NODE" a line, that is not on the given node: nothing happens to a
// pod while its node is lost.
func podElsewhere(pods, node string) (string, error) {
	for line := range strings.Lines(pods) {
		if pod, on, ok := strings.Cut(strings.TrimSpace(line), " "); ok && on != node {
			return pod, nil
		}
	}
	return "", fmt.Errorf("no ready pod outside %s to crash", node)
}

func recoverPod(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	pods, err := c.kubectl(ctx, nil, "-n", "shop", "get", "pods", "-l", crashLabel+"=true", "-o", "name")
	if err != nil {
		return err
	}
	for _, pod := range strings.Fields(pods) {
		if _, err := c.kubectl(ctx, nil, "-n", "shop", "label", pod, crashLabel+"-"); err != nil {
			return err
		}
		if err := c.wait(ctx, "-n", "shop", pod, "--for=condition=Ready"); err != nil {
			return err
		}
	}
	return nil
}

// missImage changes the template of the deployment, as a rollout does. The annotation tells kwok that the registry has
// no such image.
func missImage(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	const patch = `{"spec":{"template":{"metadata":{"annotations":{"lab/image":"missing"}},
		"spec":{"containers":[{"name":"search","image":"registry.lab/shop/search:2.1.0"}]}}}}`
	if _, err := c.kubectl(ctx, nil, "-n", "shop", "patch", "deployment", "search", "-p", patch); err != nil {
		return err
	}
	return until(ctx, 200*time.Millisecond, func() error {
		reasons, err := c.kubectl(ctx, nil, "-n", "shop", "get", "pods", "-l", "app.kubernetes.io/name=search",
			"-o", "jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}")
		if err == nil && !strings.Contains(reasons, "ImagePullBackOff") {
			err = errors.New("no pod of shop/search is in ImagePullBackOff yet")
		}
		return err
	})
}

func restoreImage(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	const patch = `{"spec":{"template":{"metadata":{"annotations":{"lab/image":null}},
		"spec":{"containers":[{"name":"search","image":"registry.lab/shop/search:2.0.7"}]}}}}`
	if _, err := c.kubectl(ctx, nil, "-n", "shop", "patch", "deployment", "search", "-p", patch); err != nil {
		return err
	}
	_, err = c.kubectl(ctx, nil, "-n", "shop", "rollout", "status", "deployment", "search")
	return err
}

var greedy = workload{Namespace: "batch", Name: "ml-train", Kind: "Deployment", Replicas: 1,
	Image: "registry.lab/batch/ml-train:0.9", CPU: "64", Memory: "512Gi"}

func asksTooMuch(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	text, err := manifest([]object{greedy.controller()})
	if err != nil {
		return err
	}
	if _, err := c.kubectl(ctx, text, "apply", "-f", "-"); err != nil {
		return err
	}
	return until(ctx, 200*time.Millisecond, func() error {
		return c.wait(ctx, "-n", greedy.Namespace, "pod", "-l", "app.kubernetes.io/name="+greedy.Name,
			"--for=jsonpath={.status.conditions[?(@.type=='PodScheduled')].reason}=Unschedulable")
	})
}

func asksNothing(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	_, err = c.kubectl(ctx, nil, "-n", greedy.Namespace, "delete", "deployment", greedy.Name, "--ignore-not-found",
		"--cascade=foreground")
	return err
}

func misselect(ctx context.Context, s *supervisor) error {
	return s.selectCart(ctx, "cart-v2", false)
}

func reselect(ctx context.Context, s *supervisor) error {
	return s.selectCart(ctx, "cart", true)
}

// selectCart changes what the service shop/cart selects and waits until it has endpoints, or none.
func (s *supervisor) selectCart(ctx context.Context, name string, endpoints bool) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	patch := fmt.Sprintf(`{"spec":{"selector":{"app.kubernetes.io/name":%q}}}`, name)
	if _, err := c.kubectl(ctx, nil, "-n", "shop", "patch", "service", "cart", "-p", patch); err != nil {
		return err
	}
	return until(ctx, 200*time.Millisecond, func() error {
		addresses, err := c.kubectl(ctx, nil, "-n", "shop", "get", "endpointslices", "-l", "kubernetes.io/service-name=cart",
			"-o", "jsonpath={.items[*].endpoints[*].addresses}")
		if err == nil && (addresses != "") != endpoints {
			err = fmt.Errorf("the endpoints of shop/cart are still %q", addresses)
		}
		return err
	})
}

func endAPIServer(_ context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	run, err := s.procs.find(c.plan.program("kube-apiserver"))
	if err != nil {
		return err
	}
	return run.kill()
}

func startAPIServer(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	if s.procs.lookup(c.plan.program("kube-apiserver")) == nil {
		if err := s.procs.start(c.spec("kube-apiserver")); err != nil {
			return err
		}
	}
	return c.settled(ctx)
}

func hangAPIServer(_ context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	return s.procs.signal(c.plan.program("kube-apiserver"), syscall.SIGSTOP)
}

func resumeAPIServer(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	if err := s.procs.signal(c.plan.program("kube-apiserver"), syscall.SIGCONT); err != nil {
		return err
	}
	return c.settled(ctx)
}
