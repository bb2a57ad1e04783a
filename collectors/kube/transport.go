package kube

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Bounds on what an API server may send, after decompression.
const (
	headersWithin = 30 * time.Second // until an answer begins: a busy server may take long over a large list
	idleLimit     = 30 * time.Second // without a byte in the body of a list
	maxList       = 512 << 20        // bytes of one answer
	maxRefusal    = 64 << 10         // bytes of an answer that is an error
	watchRate     = 16 << 20         // bytes a second that a watch may bring on average, on top of maxList
)

var (
	errTooMuch  = errors.New("the API server sends more than is taken: the answer is cut off")
	errStalled  = errors.New("the API server began an answer and fell silent")
	errSilent   = errors.New("the API server took a request and does not answer")
	errReadOnly = errors.New("refused here: Nocturne only reads")
)

// bounded is the transport of all requests to a cluster, below the credentials. It lets nothing pass
// that could change the cluster or run something in it, ends what grows without bound or hangs, takes
// credentials out of refusals that repeat them, and hears which collections the API server answers for:
// client-go tells of watches that fail but not of those that came back. (A single event of a watch is
// bounded by client-go's decoder, to 16 MiB.)
type bounded struct {
	next   http.RoundTripper
	health *health
	now    func() time.Time

	headers, idle time.Duration
}

// WrappedRoundTripper lets client-go find the transport below, to close its idle connections.
func (b *bounded) WrappedRoundTripper() http.RoundTripper { return b.next }

// RoundTrip implements http.RoundTripper.
func (b *bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	if !harmless(req) {
		if req.Body != nil {
			_ = req.Body.Close() // as a RoundTripper must; nothing was sent
		}
		return nil, fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, errReadOnly)
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(b.headers, func() { cancel(errSilent) })
	resp, err := b.next.RoundTrip(req.WithContext(ctx))
	if !timer.Stop() && err == nil {
		_ = resp.Body.Close() // too late
		err = errSilent
	}
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errSilent) && req.Context().Err() == nil {
			err = timeoutError{cause}
		}
		cancel(nil)
		return nil, err
	}
	if req.Method == http.MethodGet && resp.StatusCode == http.StatusOK && !isQuestion(req) {
		b.health.set(collectionOf(req.URL.Path), nil)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		defer cancel(nil)
		return b.refusal(req, resp)
	}
	body := &boundedBody{ReadCloser: resp.Body, left: maxList, cancel: cancel}
	if isWatch(req) {
		body.began, body.now = b.now(), b.now
	} else {
		body.idle = b.idle
		body.timer = time.AfterFunc(b.idle, func() { cancel(errStalled) })
	}
	body.ctx = ctx
	resp.Body = body
	return resp, nil
}

// refusal reads an answer that is an error, and takes the credentials out that its request carried.
func (b *bounded) refusal(req *http.Request, resp *http.Response) (*http.Response, error) {
	timer := time.AfterFunc(b.idle, func() { _ = resp.Body.Close() }) // ends the reading
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	timer.Stop()
	_ = resp.Body.Close() // nothing was written
	if err != nil {
		text = nil // the status says enough
	}
	text = redact(text, req.Header.Get("Authorization"))
	for key, values := range resp.Header {
		for i, v := range values {
			resp.Header[key][i] = string(redact([]byte(v), req.Header.Get("Authorization")))
		}
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	resp.Header.Del("Content-Length")
	return resp, nil
}

// redact replaces the credentials of an Authorization header in a text.
func redact(text []byte, authorization string) []byte {
	kind, secret, ok := strings.Cut(authorization, " ")
	if !ok || secret == "" {
		return text
	}
	secrets := []string{secret}
	if strings.EqualFold(kind, "Basic") {
		if plain, err := base64.StdEncoding.DecodeString(secret); err == nil {
			if _, password, ok := strings.Cut(string(plain), ":"); ok && password != "" {
				secrets = append(secrets, password)
			}
		}
	}
	for _, s := range secrets {
		text = bytes.ReplaceAll(text, []byte(s), []byte("[credentials]"))
	}
	return text
}

// harmless reports whether a request only reads: GET of what is no door into a container or a node, and
// the reviews of one's own permissions, which the API has as POST.
func harmless(req *http.Request) bool {
	path := strings.TrimSuffix(req.URL.Path, "/")
	switch req.Method {
	case http.MethodGet:
		for _, door := range []string{"/exec", "/attach", "/portforward"} {
			if strings.HasSuffix(path, door) && strings.Contains(path, "/pods/") {
				return false
			}
		}
		if i := strings.Index(path, "/proxy"); i >= 0 && (path[i+len("/proxy"):] == "" || path[i+len("/proxy")] == '/') {
			return strings.HasSuffix(path, "/proxy/stats/summary") && strings.Contains(path, "/nodes/")
		}
		return req.Header.Get("Upgrade") == ""
	case http.MethodPost:
		return strings.HasSuffix(path, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") ||
			strings.HasSuffix(path, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews")
	}
	return false
}

// isWatch reports whether a request is answered for as long as it is open.
func isWatch(req *http.Request) bool {
	q := req.URL.Query()
	return q.Get("watch") == "true" || q.Get("watch") == "1" || q.Get("follow") == "true"
}

// isQuestion reports whether a request is for one object of a collection, to see whether that is allowed: what
// watches the collection does not know of it.
func isQuestion(req *http.Request) bool { return req.URL.Query().Get("limit") == "1" }

// timeoutError is an error that net's conventions call a timeout.
type timeoutError struct{ error }

func (timeoutError) Timeout() bool { return true }

func (e timeoutError) Unwrap() error { return e.error }

// boundedBody ends a body that grows beyond all measure or stalls.
type boundedBody struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	left   int64

	// Of a watch, which may bring more the longer it lasts.
	began time.Time
	now   func() time.Time

	// Of all others.
	idle  time.Duration
	timer *time.Timer
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if cause := context.Cause(b.ctx); err != nil && errors.Is(cause, errStalled) {
		return n, timeoutError{cause}
	}
	if b.timer != nil && err == nil {
		b.timer.Reset(b.idle)
	}
	b.left -= int64(n)
	if b.left < 0 && !b.earned() {
		b.cancel(errTooMuch)
		return 0, errTooMuch
	}
	return n, err
}

// earned reports whether a watch has been open long enough for what it brought.
func (b *boundedBody) earned() bool {
	return b.now != nil && -b.left <= int64(b.now().Sub(b.began).Seconds()*watchRate)
}

// Close implements io.Closer.
func (b *boundedBody) Close() error {
	if b.timer != nil {
		b.timer.Stop()
	}
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
