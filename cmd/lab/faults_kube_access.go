package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// mayWatch asks the API server whether the wallboard's user may watch a resource in a namespace, "" for in all.
func (c *cluster) mayWatch(ctx context.Context, resource, namespace string) (bool, error) {
	review := object{"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": object{
		"user": wallUser, "resourceAttributes": object{"verb": "watch", "resource": resource, "namespace": namespace}}}
	var answer struct{ Status struct{ Allowed bool } }
	err := c.api.send(ctx, http.MethodPost, "/apis/authorization.k8s.io/v1/subjectaccessreviews", asJSON, review, &answer)
	return answer.Status.Allowed, err
}

// awaitAccess waits until the user may watch a resource, or may not: the API server takes a moment to see a new role.
func (c *cluster) awaitAccess(ctx context.Context, resource, namespace string, want bool) error {
	return until(ctx, 100*time.Millisecond, func() error {
		may, err := c.mayWatch(ctx, resource, namespace)
		if err == nil && may != want {
			err = fmt.Errorf("%s may watch %s: %t", wallUser, resource, may)
		}
		return err
	})
}

// withdrawResource takes one resource from the wallboard's role. A watch that is open stays open until it ends by
// itself: the API server asks the authorizer when a watch begins.
func withdrawResource(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	return errors.Join(c.apply(ctx, readRole(withdrawnOne)), c.awaitAccess(ctx, withdrawnOne, "", false))
}

func grantResource(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	return errors.Join(c.apply(ctx, readRole()), c.awaitAccess(ctx, withdrawnOne, "", true))
}

// confine leaves the wallboard one namespace, as the tenant of a shared cluster has it, and starts the API server anew,
// so that no watch of before goes on.
func confine(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	if _, err := c.kubectl(ctx, nil, "delete", resourceOfRoles, wallRole, secretsRole, kubeletsRole, "--ignore-not-found"); err != nil {
		return err
	}
	err = c.apply(ctx, object{"apiVersion": rbacVersion, "kind": "RoleBinding", "metadata": object{"namespace": remainingSpace, "name": wallRole},
		"roleRef": roleRef(wallRole), "subjects": wallSubjects()})
	if err != nil {
		return err
	}
	if err := errors.Join(c.awaitAccess(ctx, "pods", "", false), c.awaitAccess(ctx, "pods", remainingSpace, true)); err != nil {
		return err
	}
	return c.restartAPIServer(ctx)
}

func unconfine(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	if err := c.apply(ctx, wallAccess()...); err != nil {
		return err
	}
	if _, err := c.kubectl(ctx, nil, "-n", remainingSpace, "delete", "rolebinding", wallRole, "--ignore-not-found"); err != nil {
		return err
	}
	return c.awaitAccess(ctx, "pods", "", true)
}

// restartAPIServer kills the API server and starts it again.
func (c *cluster) restartAPIServer(ctx context.Context) error {
	if err := c.replaceAPIServer(func() error { return nil }); err != nil {
		return err
	}
	return c.settled(ctx)
}

// replaceAPIServer kills the API server, does something while it is away and starts it again.
func (c *cluster) replaceAPIServer(meanwhile func() error) error {
	if run := c.procs.lookup(c.plan.program("kube-apiserver")); run != nil {
		if err := run.kill(); err != nil {
			return err
		}
	}
	if err := meanwhile(); err != nil {
		return err
	}
	return c.procs.start(c.spec("kube-apiserver"))
}

// certifyAPIServer gives the API server another certificate and starts it anew, as the installers of clusters do.
func (c *cluster) certifyAPIServer(by authority) error {
	return c.replaceAPIServer(func() error {
		cert, key, err := by.issue("apiserver", apiServerHosts, c.now().Add(-time.Minute), c.now().AddDate(1, 0, 0))
		if err != nil {
			return err
		}
		return errors.Join(os.WriteFile(c.path("apiserver.crt"), cert, 0o600), os.WriteFile(c.path("apiserver.key"), key, 0o600))
	})
}

func renewCertificate(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	if err := c.certifyAPIServer(c.secrets.authority); err != nil {
		return err
	}
	return c.settled(ctx)
}

// foreignCertificate lets an authority sign that nobody trusts.
func foreignCertificate(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	other, err := newAuthority("somebody-else", c.now())
	if err != nil {
		return err
	}
	if err := c.certifyAPIServer(other); err != nil {
		return err
	}
	return until(ctx, 200*time.Millisecond, func() error {
		_, err := c.kubectl(ctx, nil, "get", "--raw", "/readyz", "--request-timeout=2s")
		if err == nil || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
			return fmt.Errorf("the API server is not distrusted yet: %w", errors.Join(err, errors.New("see its log")))
		}
		return nil
	})
}

func afterRenewal(string) string {
	return "the API server has another certificate of the same authority"
}

// expireWatches compacts etcd's history while the API server is away. A client that goes on from where it was gets
// 410 Gone and has to list anew.
func expireWatches(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	err = c.replaceAPIServer(func() error {
		revision, err := c.etcd(ctx, "/v3/kv/range", object{"key": base64.StdEncoding.EncodeToString([]byte("lab"))})
		if err != nil {
			return err
		}
		_, err = c.etcd(ctx, "/v3/kv/compaction", object{"revision": revision, "physical": true})
		return err
	})
	if err != nil {
		return err
	}
	return c.settled(ctx)
}

func afterExpiry(string) string { return "each client lists anew" }

// etcd makes one request of etcd's JSON gateway and returns the revision in the answer.
func (c *cluster) etcd(ctx context.Context, path string, in object) (revision string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	body, err := manifestText(in)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.plan.etcd()+path, bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("etcd: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("etcd: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("etcd %s: %s", path, answer.Status)
	}
	var out struct{ Header struct{ Revision string } }
	if err := json.NewDecoder(http.MaxBytesReader(nil, answer.Body, maxAnswer)).Decode(&out); err != nil {
		return "", fmt.Errorf("etcd %s: %w", path, err)
	}
	return out.Header.Revision, nil
}

func stopMetrics(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	if err := c.procs.stop(c.plan.program("metrics-server")); err != nil {
		return err
	}
	return c.wait(ctx, "apiservice", "v1beta1.metrics.k8s.io", "--for=condition=Available=False")
}

func startMetrics(ctx context.Context, s *supervisor) error {
	c, err := s.needCluster()
	if err != nil {
		return err
	}
	if c.procs.lookup(c.plan.program("metrics-server")) == nil {
		if err := c.procs.start(c.spec("metrics-server")); err != nil {
			return err
		}
	}
	return c.measured(ctx)
}
