package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// An API server refuses to proxy to nodes on the loopback network. So it is told addresses that are reserved for
// documentation (RFC 5737), and reaches the nodes through this proxy, which leads each to the kubelet on the loopback
// network that stands for it. No packet for such an address is ever sent.
type egress struct {
	plan   clusterPlan
	server *http.Server
	tasks  sync.WaitGroup
}

// egressConfig sends all traffic of an API server to its nodes and extensions through a Unix socket.
func egressConfig(socket string) string {
	return fmt.Sprintf(`apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport: {uds: {udsName: %q}}
`, socket)
}

func startEgress(ctx context.Context, socket string, p clusterPlan) (*egress, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("way out of the API server: %w", err)
	}
	e := &egress{plan: p}
	e.server = &http.Server{Handler: http.HandlerFunc(e.connect), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: maxAnswer}
	e.tasks.Go(func() {
		if err := e.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Printf("way out of the API server of %s: %v", p.Name, err)
		}
	})
	return e, nil
}

// target is where a connection that the API server asks for leads. Only nodes and this machine can be reached.
func (p clusterPlan) target(host string) (string, error) {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return "", fmt.Errorf("target %q: %w", host, err)
	}
	if n, ok := p.outsideNode(name); ok {
		return net.JoinHostPort(p.nodeAddress(n), port), nil
	}
	if strings.EqualFold(name, "localhost") {
		name = "127.0.0.1"
	}
	if ip := net.ParseIP(name); ip == nil || !ip.IsLoopback() {
		return "", fmt.Errorf("target %q is neither a node nor on this machine", host)
	}
	return net.JoinHostPort(name, port), nil
}

func (e *egress) connect(w http.ResponseWriter, r *http.Request) {
	target, err := e.plan.target(r.Host)
	if r.Method != http.MethodConnect || err != nil {
		http.Error(w, fmt.Sprint("only CONNECT to nodes: ", err), http.StatusForbidden)
		return
	}
	far, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(r.Context(), "tcp", target)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	near, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		far.Close()
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if _, err := io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		near.Close()
		far.Close()
		return
	}
	e.tasks.Go(func() { join(near, far) })
}

// join copies both ways until either end is done.
func join(a, b net.Conn) {
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			_, _ = io.Copy(pair[0], pair[1]) // either end may go away; that is how it ends
			a.Close()
			b.Close()
		})
	}
	both.Wait()
}

// stop is to be called after the API server and the kubelets have ended, and with them their connections.
func (e *egress) stop() error {
	err := e.server.Close()
	e.tasks.Wait()
	return err
}
