package control

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"runtime"
	"strings"
	"time"
)

// Limits of one request, and of all of them, so that no client starves the wall.
const (
	maxBodyBytes   = 1 << 20
	requestTimeout = 30 * time.Second
	recordTimeout  = 10 * time.Minute
	maxRunning     = 3   // requests of one listener at a time; of two together fewer than the store runs queries
	maxWaiting     = 100 // requests that wait for their turn
	maxScrapes     = 2   // of /metrics at a time
	maxConnections = 128 // of TCP at a time
)

// limit bounds the body and the time of each request.
func limit(h http.Handler, timeout time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		// Of a handler in the same process there is no connection to bound.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout + dialTimeout))
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// gate lets a few requests through at a time, so that half of the processors and most of the store's
// queries are left to the wall, makes some more wait, and turns the rest away at once.
type gate struct {
	running chan struct{}
	waiting chan struct{}
}

func newGate() *gate {
	return &gate{running: make(chan struct{}, max(1, min(maxRunning, runtime.GOMAXPROCS(0)/2))), waiting: make(chan struct{}, maxWaiting)}
}

func (g *gate) pass(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case g.waiting <- struct{}{}:
		default:
			w.Header().Set("Retry-After", "1")
			fail(w, &apiError{sortBusy, errors.New("too many requests wait for their turn: ask again later, and for less at a time")})
			return
		}
		select {
		case g.running <- struct{}{}:
			<-g.waiting
		case <-r.Context().Done():
			<-g.waiting
			fail(w, r.Context().Err())
			return
		}
		defer func() { <-g.running }()
		h.ServeHTTP(w, r)
	})
}

// authorized turns away who does not show the token: as a bearer (RFC 6750), or as the password of HTTP
// basic authentication (RFC 7617) with any user name, for clients that know only that.
func authorized(token string, h http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Digests have one length, so that the time the comparison takes tells nothing.
		got := sha256.Sum256([]byte(shown(r)))
		if token == "" || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
			w.Header().Add("WWW-Authenticate", `Bearer realm="nocturne"`)
			w.Header().Add("WWW-Authenticate", `Basic realm="nocturne", charset="UTF-8"`)
			fail(w, &apiError{sortNoToken, errors.New("this API wants the token that wall.token refers to: send it as \"Authorization: Bearer TOKEN\", or as the password of HTTP basic authentication")})
			return
		}
		h.ServeHTTP(w, r)
	})
}

// shown is the token that a request shows, "" for none.
func shown(r *http.Request) string {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	_, password, _ := r.BasicAuth()
	return password
}

// loopbackHost turns away web pages that made a name of their own point here (DNS rebinding).
func loopbackHost(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if ip := net.ParseIP(strings.Trim(host, "[]")); !strings.EqualFold(host, "localhost") && (ip == nil || !ip.IsLoopback()) {
			fail(w, &apiError{sortNoHost, errors.New("this API is for clients of this machine: call it by its loopback address")})
			return
		}
		h.ServeHTTP(w, r)
	})
}
