package main

import (
	"context"
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

func crashPod(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	names, err := c.kubectl(ctx, nil, "-n", "shop", "get", "pods", "-l", "app.kubernetes.io/name=checkout", "-o", "name")
	if err != nil {
		return err
	}
	pods := strings.Fields(names)
	if len(pods) == 0 {
		return errors.New("shop/checkout has no pod to crash")
	}
	if _, err := c.kubectl(ctx, nil, "-n", "shop", "label", "--overwrite", pods[0], crashLabel+"=true"); err != nil {
		return err
	}
	return c.wait(ctx, "-n", "shop", pods[0], "--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff")
}

func recoverPod(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	if _, err := c.kubectl(ctx, nil, "-n", "shop", "label", "pods", "-l", crashLabel+"=true", crashLabel+"-"); err != nil {
		return err
	}
	return c.wait(ctx, "-n", "shop", "pods", "-l", "app.kubernetes.io/name=checkout", "--for=condition=Ready")
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

func endAPIServer(_ context.Context, s *supervisor) error {
	if _, err := s.needCluster(); err != nil {
		return err
	}
	run, err := s.procs.find("kube-apiserver")
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
	if _, err := s.procs.find("kube-apiserver"); err != nil {
		if err := s.procs.start(c.spec("kube-apiserver")); err != nil {
			return err
		}
	}
	return c.answers(ctx)
}

func hangAPIServer(_ context.Context, s *supervisor) error {
	if _, err := s.needCluster(); err != nil {
		return err
	}
	return s.procs.signal("kube-apiserver", syscall.SIGSTOP)
}

func resumeAPIServer(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	if err := s.procs.signal("kube-apiserver", syscall.SIGCONT); err != nil {
		return err
	}
	return c.answers(ctx)
}
