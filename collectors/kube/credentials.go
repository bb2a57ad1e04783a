package kube

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
)

// gate is the way to an API server: its address, and a transport with the credentials for it. Both are
// read anew when the files that they come from change, and when the server refuses them, without the
// clients above noticing. It is safe for concurrent use.
type gate struct {
	read  func() (*rest.Config, error) // reads the files
	files []string                     // that are watched for changes
	dress func(*rest.Config)           // adds dialer and bounds

	mu    sync.Mutex
	base  *url.URL // that the clients were made for
	to    *url.URL // where requests go
	next  http.RoundTripper
	state string // of the files
}

// newGate opens the gate for a configuration that has just been read.
func newGate(cfg *rest.Config, read func() (*rest.Config, error), files []string, dress func(*rest.Config)) (*gate, error) {
	g := &gate{read: read, files: files, dress: dress, state: stateOf(files)}
	if err := g.use(cfg); err != nil {
		return nil, err
	}
	g.base = g.to
	return g, nil
}

func (g *gate) use(cfg *rest.Config) error {
	g.dress(cfg)
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	to, _, err := rest.DefaultServerUrlFor(cfg)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next, g.to = client.Transport, to
	return nil
}

// refresh reads address and credentials anew where their files changed, or always if force is set. It
// reports whether there are new ones: then the connections of the old had better end.
func (g *gate) refresh(force bool) (bool, error) {
	state := stateOf(g.files)
	g.mu.Lock()
	same := state == g.state
	g.mu.Unlock()
	if g.read == nil || same && !force {
		return false, nil
	}
	cfg, err := g.read()
	if err != nil {
		return false, err
	}
	if err := g.use(cfg); err != nil {
		return false, err
	}
	g.mu.Lock()
	g.state = state
	g.mu.Unlock()
	return !same, nil
}

// RoundTrip implements http.RoundTripper.
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	g.mu.Lock()
	next, base, to := g.next, g.base, g.to
	g.mu.Unlock()
	if to != base {
		req = req.Clone(req.Context())
		req.URL.Scheme, req.URL.Host, req.Host = to.Scheme, to.Host, ""
		req.URL.Path = strings.TrimSuffix(to.Path, "/") + "/" + strings.TrimPrefix(strings.TrimPrefix(req.URL.Path, strings.TrimSuffix(base.Path, "/")), "/")
		req.URL.RawPath = ""
	}
	return next.RoundTrip(req)
}

// WrappedRoundTripper lets client-go find the transport below, to close its idle connections.
func (g *gate) WrappedRoundTripper() http.RoundTripper {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.next
}

// stateOf tells by size and time of files whether they changed. A symbolic link, as Kubernetes mounts
// secrets, is followed.
func stateOf(files []string) string {
	var b strings.Builder
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			fmt.Fprintf(&b, "%s %d %s\n", f, info.Size(), info.ModTime().Format(time.RFC3339Nano))
		}
	}
	return b.String()
}

// isCredentials reports whether an error may be cured by reading the credentials anew.
func isCredentials(err error) bool {
	var (
		unknownCA x509.UnknownAuthorityError
		badName   x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	return apierrors.IsUnauthorized(err) || errors.As(err, &unknownCA) || errors.As(err, &badName) || errors.As(err, &invalid)
}
