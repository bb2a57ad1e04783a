// Package kube watches Kubernetes clusters through their API servers: nodes, pods, workloads,
// services and events, judged by what their status says and not by their phase alone. It measures
// under the names of kube-state-metrics.
//
// A cluster is one job. Its informers keep small structs of our own in place of the API's objects
// (about 1 kB a pod in place of 20), a change reaches the wall within a second, and each interval
// confirms the whole picture, but only while the API server answers a probe: a cluster that cannot
// be asked turns stale by itself and is never shown as empty or well.
package kube

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/connrotation"
	"k8s.io/metrics/pkg/client/clientset/versioned"

	"github.com/nocturne-noc/nocturne/collectors"
)

const (
	kindName     = "kubernetes"
	defaultEvery = 10 * time.Second
)

// Config is the configuration of a source of kind "kubernetes".
type Config struct {
	Kubeconfig  string   `yaml:"kubeconfig"`   // default: $KUBECONFIG, else ~/.kube/config
	Context     string   `yaml:"context"`      // default: every context of the kubeconfig
	Namespaces  []string `yaml:"namespaces"`   // default: all
	ExecPlugins string   `yaml:"exec_plugins"` // "allow" (default) or "deny": programs that the kubeconfig names for credentials
}

// Kind is the collector kind "kubernetes".
func Kind() collectors.Kind { return collectors.Kind{Name: kindName, Open: open} }

func open(env collectors.Env) ([]collectors.Job, error) {
	var cfg Config
	if err := env.Decode(&cfg); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"", "allow", "deny"}, cfg.ExecPlugins) {
		return nil, fmt.Errorf("source %q: exec_plugins is %q, want allow or deny", env.Name, cfg.ExecPlugins)
	}
	every := env.Every
	if every == 0 {
		every = defaultEvery
	}
	now := env.Now
	if now == nil {
		now = time.Now
	}
	raw, err := load(cfg.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("source %q: %w", env.Name, err)
	}
	contexts := []string{cfg.Context}
	if cfg.Context == "" {
		contexts = contextNames(raw)
	}
	var jobs []collectors.Job
	for _, name := range contexts {
		restCfg, err := restConfig(raw, name, cfg.ExecPlugins)
		if err != nil {
			return nil, fmt.Errorf("source %q: %w", env.Name, err)
		}
		cluster := name
		if cfg.Context != "" && env.Name != "" && env.Name != kindName {
			cluster = env.Name
		}
		c, err := newCluster(cluster, name, restCfg)
		if err != nil {
			return nil, fmt.Errorf("source %q: context %q: %w", env.Name, name, err)
		}
		c.namespaces, c.every, c.now = cfg.Namespaces, every, now
		jobs = append(jobs, collectors.Job{Target: name, Every: every, Watch: c})
	}
	return jobs, nil
}

// load reads the kubeconfig at path, or the one that kubectl would use.
func load(path string) (*api.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	where := strings.Join(rules.Precedence, " or ")
	if path != "" {
		full, err := expand(path)
		if err != nil {
			return nil, err
		}
		rules.ExplicitPath, where = full, full
	}
	raw, err := rules.Load()
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("no kubeconfig at %s: set \"kubeconfig\" to the file that kubectl uses", where)
	case err != nil:
		return nil, fmt.Errorf("kubeconfig %s: %w", where, err)
	case len(raw.Contexts) == 0:
		return nil, fmt.Errorf("no kubeconfig with a context at %s: set \"kubeconfig\" to the file that kubectl uses", where)
	}
	return raw, nil
}

// expand replaces a leading ~ by the home folder.
func expand(path string) (string, error) {
	if path != "~" && !strings.HasPrefix(path, "~/") {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("home folder for %s: %w: write the whole path", path, err)
	}
	return filepath.Join(home, path[1:]), nil
}

func contextNames(raw *api.Config) []string {
	names := make([]string, 0, len(raw.Contexts))
	for name := range raw.Contexts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// restConfig is how to reach the cluster of a context. It makes no network traffic and runs nothing.
func restConfig(raw *api.Config, context, execPlugins string) (*rest.Config, error) {
	if _, ok := raw.Contexts[context]; !ok {
		return nil, fmt.Errorf("context %q is not in the kubeconfig, which has %s", context, strings.Join(contextNames(raw), ", "))
	}
	cfg, err := clientcmd.NewNonInteractiveClientConfig(*raw, context, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("context %q: %w", context, err)
	}
	if p := cfg.ExecProvider; p != nil {
		if execPlugins == "deny" {
			return nil, fmt.Errorf("context %q gets its credentials from the program %q, which exec_plugins: deny forbids: allow it, or use a token or a certificate", context, p.Command)
		}
		p.InteractiveMode = api.NeverExecInteractiveMode // a wall has nobody to ask
	}
	cfg.QPS, cfg.Burst = 50, 100 // the defaults of 5 and 10 delay the first picture
	cfg.Timeout = 0              // watches stay open; each other request has a deadline of its own
	cfg.UserAgent = "nocturne"
	cfg.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	cfg.ContentType = runtime.ContentTypeProtobuf
	return cfg, nil
}

// newCluster returns the watcher of one cluster; its caller sets namespaces, every and now.
func newCluster(name, context string, cfg *rest.Config) (*Cluster, error) {
	c := &Cluster{name: name, context: context, health: newHealth(), log: slog.Default()}
	if u, err := url.Parse(cfg.Host); err == nil && u.Host != "" {
		c.host = u.Host
	} else {
		c.host = cfg.Host
	}
	if cfg.ExecProvider != nil {
		c.execPlugin = cfg.ExecProvider.Command
	}
	c.dialer = connrotation.NewDialer((&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext)
	cfg.Dial = c.dialer.DialContext
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return &listener{next: next, health: c.health} })
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	c.http = client
	if c.api, err = kubernetes.NewForConfigAndClient(cfg, client); err != nil {
		return nil, err
	}
	if c.metrics, err = versioned.NewForConfigAndClient(cfg, client); err != nil {
		return nil, err
	}
	return c, nil
}
