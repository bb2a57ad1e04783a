package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

const (
	webSecret   = "web-tls"
	scaledMost  = 10 // replicas of shop/cart
	scaledUsual = 8
	heldLabel   = "lab/held"
	heldBy      = "lab.example/hold" // a finalizer that nobody removes
	fullClaim   = "data-postgres-0"
	idleClaim   = "archive"
	failingJob  = "import"
)

// stickRollout rolls shop/payment out to an image that is not there, without taking an old replica away.
func stickRollout(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	const patch = `{"spec":{"progressDeadlineSeconds":15,"strategy":{"rollingUpdate":{"maxUnavailable":0,"maxSurge":1}},
		"template":{"metadata":{"annotations":{"lab/image":"missing"}},
		"spec":{"containers":[{"name":"payment","image":"registry.lab/shop/payment:1.20.0"}]}}}}`
	if _, err := c.kubectl(ctx, nil, "-n", "shop", "patch", "deployment", "payment", "-p", patch); err != nil {
		return err
	}
	return c.wait(ctx, "-n", "shop", "deployment", "payment", "--for=jsonpath={.status.conditions[?(@.type=='Progressing')].reason}=ProgressDeadlineExceeded")
}

func unstickRollout(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	const patch = `{"spec":{"progressDeadlineSeconds":600,"template":{"metadata":{"annotations":{"lab/image":null}},
		"spec":{"containers":[{"name":"payment","image":"registry.lab/shop/payment:1.19.4"}]}}}}`
	if _, err := c.kubectl(ctx, nil, "-n", "shop", "patch", "deployment", "payment", "-p", patch); err != nil {
		return err
	}
	_, err = c.kubectl(ctx, nil, "-n", "shop", "rollout", "status", "deployment", "payment")
	return err
}

// claimNothing asks for a volume of a class whose provisioner does not exist.
func claimNothing(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	err = c.apply(ctx, object{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": object{"namespace": "data", "name": idleClaim}, "spec": claimSpec(emptyClass)})
	if err != nil {
		return err
	}
	return c.wait(ctx, "-n", "data", "pvc", idleClaim, "--for=jsonpath={.status.phase}=Pending")
}

func unclaim(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	_, err = c.kubectl(ctx, nil, "-n", "data", "delete", "pvc", idleClaim, "--ignore-not-found")
	return err
}

func fillVolume(_ context.Context, s *supervisor) error  { return s.fillClaim(0.95) }
func drainVolume(_ context.Context, s *supervisor) error { return s.fillClaim(usualFill) }

// fillClaim is in force at once: the kubelet tells it from now on.
func (s *supervisor) fillClaim(part float64) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	c.kubelets.fill("data/"+fullClaim, part)
	return nil
}

func nearEnd(ctx context.Context, s *supervisor) error  { return s.certify(ctx, 14*24*time.Hour) }
func lastDays(ctx context.Context, s *supervisor) error { return s.certify(ctx, 5*24*time.Hour) }
func renew(ctx context.Context, s *supervisor) error    { return s.certify(ctx, goodFor) }

func (s *supervisor) certify(ctx context.Context, left time.Duration) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	return c.certify(ctx, left)
}

// certify writes the TLS secret of shop/web, and of cert-manager's resource for it the status that cert-manager would
// write, with a certificate that ends after some time.
func (c *cluster) certify(ctx context.Context, left time.Duration) error {
	end := c.now().Add(left)
	begin := end.Add(-90 * 24 * time.Hour)
	cert, key, err := c.secrets.authority.issue("shop.lab.example", []string{"shop.lab.example"}, begin, end)
	if err != nil {
		return err
	}
	err = c.apply(ctx, object{"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": object{"namespace": "shop", "name": webSecret},
		"data": object{"tls.crt": base64.StdEncoding.EncodeToString(cert), "tls.key": base64.StdEncoding.EncodeToString(key)}})
	if err != nil {
		return err
	}
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	return c.patchStatus(ctx, "shop", "certificate", "web", object{
		"notBefore": stamp(begin), "notAfter": stamp(end), "renewalTime": stamp(end.Add(-30 * 24 * time.Hour)), "revision": 1,
		"conditions": []object{{"type": "Ready", "status": "True", "reason": "Ready", "message": "Certificate is up to date and has not expired",
			"observedGeneration": 1, "lastTransitionTime": stamp(begin)}}})
}

// holdPod deletes a pod of batch/worker that a finalizer keeps.
func holdPod(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	pod, err := c.readyPod(ctx, "batch", "worker")
	if err != nil {
		return err
	}
	patch := fmt.Sprintf(`{"metadata":{"finalizers":[%q],"labels":{%q:"true"}}}`, heldBy, heldLabel)
	if _, err := c.kubectl(ctx, nil, "-n", "batch", "patch", "pod", pod, "--type=merge", "-p", patch); err != nil {
		return err
	}
	if _, err := c.kubectl(ctx, nil, "-n", "batch", "delete", "pod", pod, "--wait=false"); err != nil {
		return err
	}
	return c.wait(ctx, "-n", "batch", "pod", pod, "--for=jsonpath={.metadata.deletionTimestamp}")
}

func releasePod(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	held, err := c.kubectl(ctx, nil, "-n", "batch", "get", "pods", "-l", heldLabel+"=true", "-o", "name")
	if err != nil {
		return err
	}
	for _, pod := range strings.Fields(held) {
		if _, err := c.kubectl(ctx, nil, "-n", "batch", "patch", pod, "--type=merge", "-p", `{"metadata":{"finalizers":null}}`); err != nil {
			return err
		}
		if err := c.wait(ctx, "-n", "batch", pod, "--for=delete"); err != nil {
			return err
		}
	}
	return nil
}

// overload lets the pods of shop/cart work so hard that their autoscaler wants more of them than it may have.
func overload(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	if err := c.busy(ctx, "400m"); err != nil {
		return err
	}
	return c.wait(ctx, "-n", "shop", "hpa", "cart", "--for=jsonpath={.status.conditions[?(@.type=='ScalingLimited')].reason}=TooManyReplicas")
}

func unload(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	if err := c.busy(ctx, "125m"); err != nil {
		return err
	}
	return until(ctx, time.Second, func() error { // until the metrics server has seen it, the autoscaler scales up again
		if _, err := c.kubectl(ctx, nil, "-n", "shop", "scale", "deployment", "cart", fmt.Sprint("--replicas=", scaledUsual)); err != nil {
			return err
		}
		limited, err := c.kubectl(ctx, nil, "-n", "shop", "get", "hpa", "cart", "-o", "jsonpath={.status.conditions[?(@.type=='ScalingLimited')].status} {.status.currentReplicas}")
		if err == nil && limited != fmt.Sprintf("False %d", scaledUsual) {
			err = fmt.Errorf("the autoscaler of shop/cart is still limited: %s", limited)
		}
		return err
	})
}

// busy sets what each pod of shop/cart uses of a processor.
func (c *cluster) busy(ctx context.Context, cpu string) error {
	_, err := c.kubectl(ctx, nil, "-n", "shop", "annotate", "--overwrite", "pods", "-l", "app.kubernetes.io/name=cart", usageCPU+"="+cpu)
	return err
}

func lagDatabase(ctx context.Context, s *supervisor) error    { return s.judgeDatabase(ctx, false) }
func repairDatabase(ctx context.Context, s *supervisor) error { return s.judgeDatabase(ctx, true) }

func (s *supervisor) judgeDatabase(ctx context.Context, ready bool) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	return c.patchStatus(ctx, "data", "database", "orders", databaseStatus(ready, c.now()))
}

// failJob runs a job whose only pod ends with exit code 3.
func failJob(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	err = c.apply(ctx, object{"apiVersion": "batch/v1", "kind": "Job", "metadata": object{"namespace": "batch", "name": failingJob},
		"spec": object{"backoffLimit": 0, "template": object{"metadata": object{"annotations": object{"lab/exit": "3"}},
			"spec": object{"restartPolicy": "Never", "containers": []object{{"name": "job", "image": "registry.lab/batch/import:0.3.1"}}}}}})
	if err != nil {
		return err
	}
	return c.wait(ctx, "-n", "batch", "job", failingJob, "--for=condition=Failed")
}

func removeJob(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	_, err = c.kubectl(ctx, nil, "-n", "batch", "delete", "job", failingJob, "--ignore-not-found", "--cascade=foreground")
	return err
}
