package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"strings"
	"sync"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// health is what is known of each watched collection: nothing, or why it cannot be read. Watch
// errors set it; an answer of the API server for that very collection clears it. A refusal of what could
// be read before is in doubt until believe is called: see session.weigh.
type health struct {
	mu      sync.Mutex
	trouble map[string]error // by collection key
	doubt   map[string]error // likewise: refusals that are not believed yet
	read    map[string]bool  // collections that could be read once, and were not refused since
	changed chan struct{}    // has a value after a change
}

func newHealth() *health {
	return &health{trouble: map[string]error{}, doubt: map[string]error{}, read: map[string]bool{}, changed: make(chan struct{}, 1)}
}

// collection is the key of a resource in a namespace ("" for all).
func collection(resource, namespace string) string { return namespace + "/" + resource }

// set notes why a collection cannot be read, nil when it can.
func (h *health) set(key string, err error) {
	h.mu.Lock()
	before := len(h.trouble) + len(h.doubt)
	delete(h.doubt, key)
	delete(h.trouble, key)
	after := len(h.trouble) + len(h.doubt)
	switch _, sure := errors.AsType[withdrawn](err); {
	case err == nil:
		h.read[key] = true
	case isForbidden(err) && h.read[key] && !sure:
		h.doubt[key] = err
	default:
		h.trouble[key] = err
	}
	h.mu.Unlock()
	if before != after || err != nil {
		poke(h.changed)
	}
}

// believe takes the refusal of a collection for true, if it is still there.
func (h *health) believe(key string) {
	h.mu.Lock()
	delete(h.read, key)
	if err := h.doubt[key]; err != nil {
		delete(h.doubt, key)
		h.trouble[key] = err
	}
	h.mu.Unlock()
	poke(h.changed)
}

// believeAll has refusals from now on believed at once, of what cannot be read before they come.
func (h *health) believeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.read)
}

// couldRead reports whether a collection could be read, and that was not refused since.
func (h *health) couldRead(key string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.read[key]
}

// doubted are the collections whose refusal is not believed yet.
func (h *health) doubted() map[string]error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.doubt)
}

// forget ends what is known of a collection that is not watched any more.
func (h *health) forget(key string) {
	h.mu.Lock()
	delete(h.trouble, key)
	delete(h.doubt, key)
	delete(h.read, key)
	h.mu.Unlock()
	poke(h.changed)
}

// reset forgets what is wrong, as new watches begin, but not what could be read.
func (h *health) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.trouble)
	clear(h.doubt)
}

// get is why a collection cannot be read, nil when it can.
func (h *health) get(key string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.trouble[key]
}

// cut reports whether a collection cannot be read for another reason than permission: its watch
// waits for its next try, for up to a minute.
func (h *health) cut() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, err := range h.trouble {
		if !isForbidden(err) && !apierrors.IsNotFound(err) {
			return true
		}
	}
	return false
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// collectionOf is the key of the collection that a path of the API lists, "" for a path that lists none. The
// path may begin with a proxy's prefix.
func collectionOf(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	n := len(parts)
	name, namespace := parts[n-1], ""
	rest := parts[:n-1] // what is before the name: .../api/v1 or .../apis/GROUP/VERSION, and the namespace
	if n >= 3 && parts[n-3] == "namespaces" {
		namespace, rest = parts[n-2], parts[:n-3]
	}
	switch k := len(rest); {
	case k >= 2 && rest[k-2] == "api":
		return collection(name, namespace)
	case k >= 3 && rest[k-3] == "apis":
		return collection(name+"."+rest[k-2], namespace)
	}
	return ""
}

// absent reports whether err says only that the cluster does not have this API.
func (r *resource) absent(err error) bool { return r.optional && apierrors.IsNotFound(err) }

// isQuiet reports whether a watch error is part of normal life: a watch is ended by the server every
// few minutes, and its version of the collection expires.
func isQuiet(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.Canceled) ||
		apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
}

func isForbidden(err error) bool { return apierrors.IsForbidden(err) }

// short is what a tile says of a collection that cannot be read.
func short(resource string, err error) string {
	if isForbidden(err) {
		return "no permission to list " + resource
	}
	return resource + " not read: " + clip(err.Error(), 160)
}

// explain says what keeps host's API server from answering, and what to do.
func explain(host string, err error) error {
	var (
		unknownCA x509.UnknownAuthorityError
		badName   x509.HostnameError
		expired   x509.CertificateInvalidError
		noTLS     tls.RecordHeaderError
		noHost    *net.DNSError
	)
	var what string
	switch {
	case errors.As(err, &unknownCA):
		what = "its certificate is signed by somebody unknown: check certificate-authority in the kubeconfig"
	case errors.As(err, &badName):
		what = "its certificate is for another name: check server and tls-server-name in the kubeconfig"
	case errors.As(err, &expired):
		what = "its certificate is not valid now: renew it, or set the clock"
	case errors.As(err, &noTLS):
		what = "it does not speak TLS: check server in the kubeconfig"
	case errors.As(err, &noHost):
		what = "its name cannot be resolved: check server in the kubeconfig, and DNS"
	case apierrors.IsUnauthorized(err):
		what = "credentials refused (401): renew the token or certificate of the kubeconfig's user"
	case errors.Is(err, syscall.ECONNREFUSED):
		what = "connection refused: is it running?"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		what = "no answer: it hangs, or the network drops its packets"
	default:
		return fmt.Errorf("API server %s: %w", host, err)
	}
	return fmt.Errorf("API server %s: %s (%w)", host, what, err)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
