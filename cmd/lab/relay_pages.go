package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	clockMetric = "node_time_seconds"
	maxPage     = 4 << 20 // bytes of an exporter's page
)

// A pageRelay stands before the exporter of a server and moves the clock that the exporter tells of. The clock itself is
// the machine's: a time namespace (time_namespaces(7)) does not have one of its own, and faketime does not reach into a
// Go program.
type pageRelay struct {
	listen net.Listener
	server *http.Server
	shift  atomic.Int64 // nanoseconds
}

// startPageRelay opens the socket inside the server. The caller runs the relay.
func startPageRelay(ctx context.Context, s server) (*pageRelay, error) {
	var listener net.Listener
	err := inNamespace(namespace(s.Name), func() error {
		var config net.ListenConfig
		var err error
		listener, err = config.Listen(ctx, "tcp4", s.at(exporterPort))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("relay before the exporter of %s: %w", s.Name, err)
	}
	return newPageRelay(listener, s.exporterListens(), func(ctx context.Context, _, address string) (net.Conn, error) {
		return dialTCP(ctx, s, address)
	}), nil
}

func newPageRelay(listener net.Listener, exporter string, dial func(ctx context.Context, network, address string) (net.Conn, error)) *pageRelay {
	r := &pageRelay{listen: listener}
	r.server = &http.Server{ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: maxAnswer, Handler: &httputil.ReverseProxy{
		Rewrite: func(q *httputil.ProxyRequest) {
			q.SetURL(&url.URL{Scheme: "http", Host: exporter})
			q.Out.Header.Set("Accept", "text/plain;version=0.0.4") // what clockMetric is looked for in
			q.Out.Header.Del("Accept-Encoding")
		},
		Transport:      &http.Transport{DialContext: dial, DisableCompression: true},
		ModifyResponse: r.rewrite,
	}}
	return r
}

// run serves until ctx ends.
func (r *pageRelay) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { r.server.Close() })
	defer stop()
	if err := r.server.Serve(r.listen); !errors.Is(err, http.ErrServerClosed) {
		log.Printf("relay before an exporter: %v", err)
	}
}

// rewrite moves the clock in an answer.
func (r *pageRelay) rewrite(a *http.Response) error {
	page, err := io.ReadAll(io.LimitReader(a.Body, maxPage))
	if err != nil {
		return fmt.Errorf("page of the exporter: %w", err)
	}
	if err := a.Body.Close(); err != nil {
		return fmt.Errorf("page of the exporter: %w", err)
	}
	page = shiftClock(page, time.Duration(r.shift.Load()))
	a.Body = io.NopCloser(bytes.NewReader(page))
	a.ContentLength = int64(len(page))
	a.Header.Set("Content-Length", strconv.Itoa(len(page)))
	return nil
}

// shiftClock adds a shift to the clock in a page of Prometheus' text format, and leaves the rest as it is.
func shiftClock(page []byte, shift time.Duration) []byte {
	if shift == 0 {
		return page
	}
	var out bytes.Buffer
	lines := bufio.NewReader(bytes.NewReader(page))
	for {
		line, err := lines.ReadBytes('\n')
		if name, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte(" ")); ok && string(name) == clockMetric {
			if seconds, wrong := strconv.ParseFloat(string(value), 64); wrong == nil {
				line = fmt.Appendf(nil, "%s %s\n", clockMetric, strconv.FormatFloat(seconds+shift.Seconds(), 'g', -1, 64))
			}
		}
		out.Write(line)
		if err != nil {
			return out.Bytes()
		}
	}
}
