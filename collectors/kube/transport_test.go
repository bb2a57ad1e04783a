package kube

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/rest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answerWith(status int, body io.Reader) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
	}
}

func newBounded(next http.RoundTripper) *bounded {
	return &bounded{next: next, health: newHealth(), now: time.Now, headers: headersWithin, idle: idleLimit}
}

func request(t *testing.T, method, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "https://api"+url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestOnlyReading(t *testing.T) {
	passed := 0
	b := newBounded(roundTrip(func(r *http.Request) (*http.Response, error) {
		passed++
		return answerWith(http.StatusOK, strings.NewReader("{}"))(r)
	}))
	for _, c := range []struct {
		method, url string
		want        bool
	}{
		{"GET", "/api/v1/pods?watch=true", true},
		{"GET", "/api/v1/namespaces/shop/pods/web/log?follow=true", true},
		{"GET", "/api/v1/nodes/n1/proxy/stats/summary", true},
		{"GET", "/prefix/api/v1/nodes/n1/proxy/stats/summary", true},
		{"GET", "/apis/acme.example/v1/proxyrules", true},
		{"POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", true},
		{"POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", true},
		{"GET", "/api/v1/namespaces/shop/pods/web/exec?command=id", false},
		{"GET", "/api/v1/namespaces/shop/pods/web/attach", false},
		{"GET", "/api/v1/namespaces/shop/pods/web/portforward", false},
		{"GET", "/api/v1/nodes/n1/proxy/run/shop/web/app", false},
		{"GET", "/api/v1/nodes/n1/proxy/exec/shop/proxy/stats/summaryx", false},
		{"GET", "/api/v1/namespaces/shop/services/web/proxy/", false},
		{"POST", "/api/v1/namespaces/shop/pods", false},
		{"POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", false},
		{"PUT", "/api/v1/nodes/n1", false},
		{"PATCH", "/api/v1/nodes/n1", false},
		{"DELETE", "/api/v1/nodes/n1", false},
		{"CONNECT", "/api/v1/nodes/n1/proxy/", false},
	} {
		passed = 0
		resp, err := b.RoundTrip(request(t, c.method, c.url))
		if err == nil {
			_ = resp.Body.Close()
		}
		if (err == nil) != c.want || (passed == 1) != c.want || err != nil && !errors.Is(err, errReadOnly) {
			t.Errorf("%s %s: passed %d times, %v; want it to pass: %v", c.method, c.url, passed, err, c.want)
		}
	}
}

// The clients, all of them, are behind that transport.
func TestClientsOnlyRead(t *testing.T) {
	a := newAPIServer()
	srv, _ := a.start(t)
	c, err := newCluster("c", "ctx", &rest.Config{Host: srv.URL}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.disconnect()
	pod := testPod("p1", running)
	if _, err := c.api.CoreV1().Pods("shop").Create(t.Context(), pod, metav1.CreateOptions{}); !errors.Is(err, errReadOnly) {
		t.Errorf("create: %v", err)
	}
	gvr := customGVR("pods")
	if err := c.dynamic.Resource(gvr).Delete(t.Context(), "p1", metav1.DeleteOptions{}); !errors.Is(err, errReadOnly) {
		t.Errorf("delete: %v", err)
	}
	if err := c.metadata.Resource(gvr).Delete(t.Context(), "p1", metav1.DeleteOptions{}); !errors.Is(err, errReadOnly) {
		t.Errorf("delete by metadata: %v", err)
	}
	if a.lists["pods"]+a.lists["p1"] != 0 {
		t.Errorf("the server saw %v", a.lists)
	}
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestEndlessAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		url    string
		most   int64
		want   error
	}{
		{"list", http.StatusOK, "/api/v1/pods", maxList, errTooMuch},
		{"watch", http.StatusOK, "/api/v1/pods?watch=true", maxList + 60*watchRate, errTooMuch},
		{"refusal", http.StatusForbidden, "/api/v1/pods", maxRefusal, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, err := newBounded(answerWith(c.status, endless{})).RoundTrip(request(t, "GET", c.url))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{resp.Body}, make([]byte, 1<<20))
			if !errors.Is(err, c.want) || n > c.most {
				t.Errorf("%d bytes, %v; want at most %d and %v", n, err, c.most, c.want)
			}
		})
	}
}

// A watch that lasts for hours may bring more than one list may.
func TestLongWatch(t *testing.T) {
	now := time.Unix(0, 0)
	b := newBounded(answerWith(http.StatusOK, endless{}))
	b.now = func() time.Time { return now }
	resp, err := b.RoundTrip(request(t, "GET", "/api/v1/pods?watch=true"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	now = now.Add(time.Minute)
	if n, err := io.CopyN(io.Discard, resp.Body, maxList+50*watchRate); err != nil {
		t.Errorf("cut off after %d bytes of a minute: %v", n, err)
	}
}

// silent is a server that takes a request, or begins an answer, and says no more.
type silent struct{ ctx context.Context }

func (s silent) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func TestSilence(t *testing.T) {
	for _, c := range []struct {
		name string
		next roundTrip
		url  string
		want error
	}{
		{"no headers", func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, "/api/v1/pods", errSilent},
		{"half a body", func(r *http.Request) (*http.Response, error) {
			return answerWith(http.StatusOK, io.MultiReader(strings.NewReader("{"), silent{r.Context()}))(r)
		}, "/api/v1/pods", errStalled},
		{"a quiet watch", func(r *http.Request) (*http.Response, error) {
			return answerWith(http.StatusOK, io.MultiReader(strings.NewReader("{"), silent{r.Context()}))(r)
		}, "/api/v1/pods?watch=true", context.DeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				began := time.Now()
				resp, err := newBounded(c.next).RoundTrip(request(t, "GET", c.url).WithContext(ctx))
				if err == nil {
					_, err = io.ReadAll(resp.Body)
					_ = resp.Body.Close()
				}
				took := time.Since(began)
				if !errors.Is(err, c.want) {
					t.Errorf("%v after %v, want %v", err, took, c.want)
				}
				if !errors.Is(c.want, context.DeadlineExceeded) && (!isTimeout(err) || took > headersWithin+idleLimit) {
					t.Errorf("%v after %v: want a timeout", err, took)
				}
			})
		})
	}
}

// What a server says of a request that it refuses may repeat the credentials.
func TestCredentialsStayHere(t *testing.T) {
	for _, c := range []struct{ name, header, secret string }{
		{"token", "Bearer s3cr3t-token", "s3cr3t-token"},
		{"password", "Basic " + base64.StdEncoding.EncodeToString([]byte("me:p4ssw0rd")), "p4ssw0rd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			next := roundTrip(func(r *http.Request) (*http.Response, error) {
				resp, err := answerWith(http.StatusUnauthorized, strings.NewReader("bad "+c.secret+" "+r.Header.Get("Authorization")))(r)
				resp.Header.Set("Warning", `299 - "`+c.secret+`"`)
				return resp, err
			})
			req := request(t, "GET", "/api/v1/pods")
			req.Header.Set("Authorization", c.header)
			resp, err := newBounded(next).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || bytes.Contains(body, []byte(c.secret)) || !bytes.Contains(body, []byte("bad [credentials]")) {
				t.Errorf("body %q, %v", body, err)
			}
			if strings.Contains(fmt.Sprint(resp.Header), c.secret) {
				t.Errorf("header %v", resp.Header)
			}
		})
	}
}

// No row, event or error of a cluster names the token that it refuses, though the server repeats it.
func TestRefusedTokenIsNotShown(t *testing.T) {
	t.Parallel()
	var sent atomic.Bool
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent.Store(strings.Contains(r.Header.Get("Authorization"), "s3cr3t-token"))
		w.Header().Set("Warning", `299 - "`+r.Header.Get("Authorization")+`"`)
		writeStatus(w, http.StatusUnauthorized, "token "+r.Header.Get("Authorization"))
	}))
	t.Cleanup(srv.Close)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	kubeconfigOf(t, path, "insecure-skip-tls-verify: true, server: "+srv.URL, "token: s3cr3t-token")
	b := run(t, Config{Kubeconfig: path}, time.Second)
	b.await(t, 10*time.Second, "refusal", func() bool { return strings.Contains(b.row().Error, "credentials refused (401)") })
	b.mu.Lock()
	defer b.mu.Unlock()
	if !sent.Load() {
		t.Error("the token was not even sent")
	}
	if all := fmt.Sprint(b.rows, b.events, b.entities); strings.Contains(all, "s3cr3t-token") {
		t.Errorf("the token is shown: %s", all)
	}
}

// A server that redirects does not get the credentials sent elsewhere.
func TestNoRedirect(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	t.Cleanup(other.Close)
	srv := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	t.Cleanup(srv.Close)
	c, err := newCluster("c", "ctx", &rest.Config{Host: srv.URL, BearerToken: "s3cr3t-token"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.disconnect()
	if _, err := c.probe(t.Context()); err == nil {
		t.Error("a redirect is no readiness")
	}
}

func TestCollectionOf(t *testing.T) {
	for path, want := range map[string]string{
		"/api/v1/pods":                                             "/pods",
		"/api/v1/namespaces/shop/pods":                             "shop/pods",
		"/api/v1/namespaces":                                       "/namespaces",
		"/k8s/clusters/c-1/apis/apps/v1/deployments":               "/deployments.apps",
		"/apis/serving.knative.dev/v1/namespaces/shop/services":    "shop/services.serving.knative.dev",
		"/apis/metrics.k8s.io/v1beta1/pods":                        "/pods.metrics.k8s.io",
		"/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices": "shop/endpointslices.discovery.k8s.io",
		"/readyz":  "",
		"/version": "",
		"/":        "",
		"/api":     "",
		"/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": "/selfsubjectaccessreviews.authorization.k8s.io",
	} {
		if got := collectionOf(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
