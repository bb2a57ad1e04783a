package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

const kubeletPort = 10250

// kubelets answer for the nodes of a cluster, each on an address of its own: logs and resource metrics come from kwok,
// /stats/summary, which kwok has not, from here.
type kubelets struct {
	c       *cluster
	logs    *podLogs
	servers []*http.Server
	serving sync.WaitGroup

	mu     sync.Mutex
	filled map[string]float64 // how full a volume is, 0 to 1, by namespace/claim; the others are as full as usualFill
	silent map[string]bool    // nodes whose kubelet does not answer
}

// startKubelets opens the nodes' ports. What they tell comes from the API server and from kwok, which need not run yet.
func startKubelets(ctx context.Context, c *cluster) (_ *kubelets, err error) {
	k := &kubelets{c: c, filled: map[string]float64{}, silent: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.stop())
		}
	}()
	if k.logs, err = startPodLogs(c.path("logs"), c.now); err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(c.path("kubelet.crt"), c.path("kubelet.key"))
	if err != nil {
		return nil, fmt.Errorf("kubelets: %w", err)
	}
	kwok := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: c.plan.kwok()})
	kwok.FlushInterval = -1 // a followed log is to be seen at once
	kwok.ErrorLog = log.Default()
	for n := 1; n <= c.plan.Nodes; n++ {
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp", fmt.Sprintf("%s:%d", c.plan.nodeAddress(n), kubeletPort))
		if err != nil {
			return nil, fmt.Errorf("kubelet of %s: %w", nodeName(n), err)
		}
		server := &http.Server{Handler: k.handler(nodeName(n), kwok), ReadHeaderTimeout: 5 * time.Second, ErrorLog: log.Default(),
			TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}}
		k.servers = append(k.servers, server)
		k.serving.Go(func() {
			if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
				log.Printf("kubelet of %s: %v", nodeName(n), err)
			}
		})
	}
	return k, nil
}

func (k *kubelets) stop() error {
	var failed []error
	for _, server := range k.servers {
		failed = append(failed, server.Close())
	}
	k.serving.Wait()
	if k.logs != nil {
		failed = append(failed, k.logs.stop())
	}
	return errors.Join(failed...)
}

// handler is the kubelet of one node: what can be asked without changing anything.
func (k *kubelets) handler(node string, kwok http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /containerLogs/", kwok)
	mux.HandleFunc("GET /metrics/resource", func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/metrics/nodes/" + node + "/metrics/resource"
		kwok.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	mux.HandleFunc("GET /stats/summary", func(w http.ResponseWriter, r *http.Request) {
		text, err := k.summary(r.Context(), node)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", asJSON)
		_, _ = w.Write(text) // a client that went away is no fault of ours
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if k.isSilent(node) {
			panic(http.ErrAbortHandler) // cuts the connection
		}
		mux.ServeHTTP(w, r)
	})
}

func (k *kubelets) isSilent(node string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.silent[node]
}

func (k *kubelets) silence(node string, silent bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.silent[node] = silent
}

// fill sets how full the volume of a claim "namespace/name" is, from 0 to 1.
func (k *kubelets) fill(claim string, part float64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.filled[claim] = part
}

func (k *kubelets) full(claim string) float64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if part, ok := k.filled[claim]; ok {
		return part
	}
	return usualFill
}

// quantity reads an amount of a resource as Kubernetes writes it: 250m, 128Mi, 4. What cannot be read is 0.
func quantity(text string) float64 {
	scale := 1.0
	for suffix, by := range map[string]float64{"m": 1e-3, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40} {
		if number, ok := strings.CutSuffix(text, suffix); ok {
			text, scale = number, by
			break
		}
	}
	var n float64
	if _, err := fmt.Sscanf(text, "%g", &n); err != nil {
		return 0
	}
	return n * scale
}
