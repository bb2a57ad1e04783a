package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/util/connrotation"
	"k8s.io/metrics/pkg/client/clientset/versioned"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	dialTimeout = 5 * time.Second
	probeLimit  = 4 * time.Second        // deadline of one probe
	retryEvery  = 2 * time.Second        // between probes while the API server is away
	settleFor   = 300 * time.Millisecond // changes that come together are told together
	restartGap  = 15 * time.Second       // after an outage this long the informers start anew
	maxBody     = 1 << 20                // bytes of a probe's answer
)

// Cluster watches one cluster.
type Cluster struct {
	name, context, host string
	execPlugin          string   // program that the credentials come from, "" for none
	home                string   // namespace of the context, "" for none
	namespaces          []string // that are configured, nil for all
	spaces              []string // namespaces that the role could list last
	kubeletSummary      bool     // ask the kubelets for statistics too
	reviewEvery         time.Duration
	every               time.Duration
	optIn               map[string]bool // resources that are watched on demand only
	landscape           *landscape
	now                 func() time.Time
	log                 *slog.Logger

	api     kubernetes.Interface
	metrics versioned.Interface
	// Where metadata is enough, and where types are not known before.
	metadata metadata.Interface
	dynamic  dynamic.Interface
	http     *http.Client
	dialer   *connrotation.Dialer
	gate     *gate
	health   *health

	// What lasts from one session to the next; only Watch's goroutine touches it.
	version string
	told    bool     // the wall was told of it
	canvas  *canvas  // what the wall was told last
	news    *newsBox // Kubernetes events
	usage   usageBox
}

// Watch keeps the cluster in view until ctx ends. Each session lasts as long as the API server
// answers; between sessions nothing is confirmed.
func (c *Cluster) Watch(ctx context.Context, emit collectors.Emit, status func(error)) error {
	defer c.disconnect()
	if c.execPlugin != "" {
		c.announce(emit, status)
	}
	if c.canvas == nil {
		c.canvas = newCanvas()
	}
	if c.news == nil {
		c.news = newNewsBox(c.now().Add(-eventsBack))
	}
	for {
		if err := c.awaitServer(ctx, status); err != nil {
			return err
		}
		if err := c.session(ctx, emit, status); err != nil {
			return err
		}
		c.disconnect()
	}
}

// announce names the program that will be run for credentials, before its first run.
func (c *Cluster) announce(emit collectors.Emit, status func(error)) {
	text := "credentials come from the program " + clip(c.execPlugin, 200) + ", which the kubeconfig names; exec_plugins: deny forbids it"
	c.log.Warn(text, "cluster", c.name)
	emit(model.Batch{Scope: c.name, Events: []model.Event{{
		Time: c.now(), Severity: model.OK, Kind: "kubernetes", Entity: model.ClusterID(c.name), Title: c.name, Text: text, Count: 1,
		Labels: map[string]string{"cluster": c.name, "program": clip(c.execPlugin, 200)},
	}}})
	status(collectors.Remark{State: model.Unknown, Text: text})
}

// disconnect closes all connections, those of hung watches too.
func (c *Cluster) disconnect() {
	c.dialer.CloseAll()
	c.http.CloseIdleConnections()
}

// awaitServer waits until the API server answers, and reads its version.
func (c *Cluster) awaitServer(ctx context.Context, status func(error)) error {
	for {
		_, err := c.probe(ctx)
		if c.renew(err) {
			_, err = c.probe(ctx)
		}
		if err == nil {
			c.version = c.readVersion(ctx)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		status(explain(c.host, err))
		if isTimeout(err) {
			c.disconnect() // the next try shall not wait on a dead connection
		}
		t := time.NewTimer(retryEvery)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

// renew reads the credentials anew where their files changed or the API server refuses them, as err
// says. It reports whether that may have helped.
func (c *Cluster) renew(err error) bool {
	changed, failed := c.gate.refresh(isCredentials(err))
	if failed != nil {
		c.log.Warn("credentials cannot be read anew: those that are known go on", "cluster", c.name, "err", failed)
		return false
	}
	if changed {
		c.log.Info("credentials were read anew", "cluster", c.name)
		c.disconnect()
	}
	return changed || isCredentials(err)
}

// probe asks the API server whether it is ready and returns how long it took to answer. A server
// that answers but will not say (403, 404) is there.
func (c *Cluster) probe(ctx context.Context) (time.Duration, error) {
	began := c.now()
	_, err := c.get(ctx, "/readyz")
	if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
		err = nil
	}
	return c.now().Sub(began), err
}

// readVersion is the version of the API server, "" when it will not say.
func (c *Cluster) readVersion(ctx context.Context) string {
	body, err := c.get(ctx, "/version")
	var v version.Info
	if err != nil || json.Unmarshal(body, &v) != nil {
		return c.version
	}
	return clip(v.GitVersion, 40)
}

// get reads a small document that is no API object.
func (c *Cluster) get(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	// The client of discovery, so that credentials, proxies and prefixes of the kubeconfig hold. It
	// is asked for a stream: it reads a whole body without a limit.
	stream, err := c.api.Discovery().RESTClient().Get().AbsPath(path).MaxRetries(0).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }() // nothing was written
	body, err := io.ReadAll(io.LimitReader(stream, maxBody))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return body, nil
}

// remark is what the source's row says while the cluster is well: what it may not read and what it
// does without; nil for nothing.
func (c *Cluster) remark(v *view) error {
	r := collectors.Remark{State: model.OK}
	for _, res := range v.all() {
		if err := v.trouble[res.name]; err != nil {
			r.State = model.Warning
			r.Text = joinText(r.Text, short(res.name, err))
		}
	}
	if len(v.only) > 0 {
		r.State = model.Warning
		r.Text = joinText(onlyReadable(v.only), r.Text)
	}
	r.Text = joinText(r.Text, v.usage.remark)
	if r.Text == "" {
		return nil
	}
	if r.State == model.Warning {
		r.Text += ": ask for a role with get, list and watch"
	}
	return r
}

func joinText(a, b string) string {
	if a == "" || b == "" {
		return cmp.Or(a, b)
	}
	return a + "; " + b
}
