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
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/connrotation"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/metrics/pkg/client/clientset/versioned"

	"github.com/nocturne-noc/nocturne/collectors"
)

const (
	kindName     = "kubernetes"
	defaultEvery = 10 * time.Second
)

// Config is the configuration of a source of kind "kubernetes".
type Config struct {
	Kubeconfig string `yaml:"kubeconfig"` // default: $KUBECONFIG, else ~/.kube/config
	Context    string `yaml:"context"`    // default: every context of the kubeconfig
	// InCluster uses the service account of the pod that Nocturne runs in. That is also what is done
	// without a kubeconfig where there is such a pod.
	InCluster    bool     `yaml:"in_cluster"`
	Namespaces   []string `yaml:"namespaces"`   // default: all
	Custom       []string `yaml:"custom"`       // kinds of custom resources to watch besides those of the landscape: group, *.group or group/Kind
	Landscape    []string `yaml:"landscape"`    // files with further projects to recognise, in the format of assets/kubernetes/landscape.yaml
	Helm         bool     `yaml:"helm"`         // watch Helm's releases: the role must be allowed to list secrets, of which only metadata is read
	Certificates bool     `yaml:"certificates"` // watch TLS secrets for the dates of their certificates: the role must be allowed to list secrets
	ExecPlugins  string   `yaml:"exec_plugins"` // "allow" (default) or "deny": programs that the kubeconfig names for credentials
	// KubeletSummary asks each kubelet for its statistics too, which takes the permission nodes/proxy.
	KubeletSummary bool `yaml:"kubelet_summary"`
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
	known, err := openLandscape(env.Paths(cfg.Landscape), cfg.Custom)
	if err != nil {
		return nil, fmt.Errorf("source %q: %w", env.Name, err)
	}
	clusters, err := openClusters(env.Name, cfg)
	if err != nil {
		return nil, fmt.Errorf("source %q: %w", env.Name, err)
	}
	var jobs []collectors.Job
	for _, c := range clusters {
		c.namespaces, c.every, c.now, c.kubeletSummary = cfg.Namespaces, every, now, cfg.KubeletSummary
		c.landscape, c.optIn = known, map[string]bool{helmReleases: cfg.Helm, "secrets": cfg.Certificates}
		inspect := newInspector(c)
		jobs = append(jobs, collectors.Job{Target: c.context, Every: every, Watch: c, Beside: inspect.run, Inspect: inspect})
	}
	return jobs, nil
}

// openClusters makes a watcher of each cluster that a source is for.
func openClusters(source string, cfg Config) ([]*Cluster, error) {
	if cfg.InCluster && cfg.Kubeconfig+cfg.Context != "" {
		return nil, errors.New("in_cluster: true has no kubeconfig and no context: leave out either")
	}
	raw, files, err := load(cfg.Kubeconfig)
	if cfg.InCluster || err != nil && cfg.Kubeconfig == "" && os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
		c, err := inCluster(source, serviceAccount)
		if err != nil {
			return nil, err
		}
		return []*Cluster{c}, nil
	}
	if err != nil {
		return nil, err
	}
	contexts := []string{cfg.Context}
	if cfg.Context == "" {
		contexts = contextNames(raw)
	}
	var clusters []*Cluster
	for _, name := range contexts {
		restCfg, err := restConfig(raw, name, cfg.ExecPlugins)
		if err != nil {
			return nil, err
		}
		cluster := name
		if cfg.Context != "" {
			cluster = clusterName(source, name)
		}
		again := func() (*rest.Config, error) {
			raw, _, err := load(cfg.Kubeconfig)
			if err != nil {
				return nil, err
			}
			return restConfig(raw, name, cfg.ExecPlugins)
		}
		c, err := newCluster(cluster, name, restCfg, again, files)
		if err != nil {
			return nil, fmt.Errorf("context %q: %w", name, err)
		}
		c.home = raw.Contexts[name].Namespace
		clusters = append(clusters, c)
	}
	return clusters, nil
}

// clusterName is the name of the source, where it was given one.
func clusterName(source, otherwise string) string {
	if source != "" && source != kindName {
		return source
	}
	return otherwise
}

// serviceAccount is where the credentials of a pod are.
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

// inCluster is the cluster that this program runs in, with the service account whose files (token, ca.crt and
// namespace) are in folder: the kubelet renews the token there. Where the API server is the kubelet says in
// KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT.
func inCluster(source, folder string) (*Cluster, error) {
	token, ca := filepath.Join(folder, "token"), filepath.Join(folder, "ca.crt")
	read := func() (*rest.Config, error) {
		host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
		if host == "" || port == "" {
			return nil, fmt.Errorf("in_cluster: %w: run Nocturne in a pod", rest.ErrNotInCluster)
		}
		for _, file := range []string{token, ca} {
			if _, err := os.Stat(file); err != nil {
				return nil, fmt.Errorf("in_cluster: %w: run Nocturne in a pod with a service account", err)
			}
		}
		cfg := &rest.Config{Host: "https://" + net.JoinHostPort(host, port), BearerTokenFile: token, TLSClientConfig: rest.TLSClientConfig{CAFile: ca}}
		prepare(cfg)
		return cfg, nil
	}
	cfg, err := read()
	if err != nil {
		return nil, err
	}
	c, err := newCluster(clusterName(source, "in-cluster"), "in-cluster", cfg, read, []string{token, ca})
	if err != nil {
		return nil, fmt.Errorf("in_cluster: %w", err)
	}
	if ns, err := os.ReadFile(filepath.Join(folder, "namespace")); err == nil {
		c.home = strings.TrimSpace(string(ns))
	}
	return c, nil
}

// load reads the kubeconfig at path, or the one that kubectl would use, and names the files.
func load(path string) (*api.Config, []string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	where := strings.Join(rules.Precedence, " or ")
	if path != "" {
		full, err := expand(path)
		if err != nil {
			return nil, nil, err
		}
		rules.ExplicitPath, where = full, full
	}
	files := rules.GetLoadingPrecedence()
	raw, err := rules.Load()
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil, fmt.Errorf("no kubeconfig at %s: set \"kubeconfig\" to the file that kubectl uses", where)
	case err != nil:
		return nil, nil, fmt.Errorf("kubeconfig %s: %w", where, err)
	case len(raw.Contexts) == 0:
		return nil, nil, fmt.Errorf("no kubeconfig with a context at %s: set \"kubeconfig\" to the file that kubectl uses", where)
	}
	return raw, files, nil
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
	prepare(cfg)
	return cfg, nil
}

// prepare sets what is the same for all clusters.
func prepare(cfg *rest.Config) {
	cfg.Timeout = 0 // watches stay open; each other request has a deadline of its own
	cfg.UserAgent = "nocturne"
	cfg.WarningHandlerWithContext = rest.NoWarnings{} // that an API is deprecated is said again with each watch
	cfg.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	cfg.ContentType = runtime.ContentTypeProtobuf
}

// newCluster returns the watcher of one cluster; its caller sets namespaces, every and now. read reads
// the configuration anew from its files; it may be nil.
func newCluster(name, context string, cfg *rest.Config, read func() (*rest.Config, error), files []string) (*Cluster, error) {
	c := &Cluster{name: name, context: context, health: newHealth(), reviewEvery: reviewEvery, now: time.Now, log: slog.Default()}
	if u, err := url.Parse(cfg.Host); err == nil && u.Host != "" {
		c.host = u.Host
	} else {
		c.host = cfg.Host
	}
	if cfg.ExecProvider != nil {
		c.execPlugin = cfg.ExecProvider.Command
	}
	c.dialer = connrotation.NewDialer((&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext)
	dial := c.dialer.DialContext
	var err error
	c.gate, err = newGate(cfg, read, files, func(cfg *rest.Config) {
		cfg.Dial = dial
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return &bounded{next: next, health: c.health, now: time.Now, headers: headersWithin, idle: idleLimit}
		})
	})
	if err != nil {
		return nil, err
	}
	// An API server does not redirect; whoever does would get the credentials sent on.
	c.http = &http.Client{Transport: c.gate, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	cfg.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(50, 100) // one for all clients; the defaults of 5 and 10 delay the first picture
	if c.api, err = kubernetes.NewForConfigAndClient(cfg, c.http); err != nil {
		return nil, err
	}
	if c.metrics, err = versioned.NewForConfigAndClient(cfg, c.http); err != nil {
		return nil, err
	}
	if c.metadata, err = metadata.NewForConfigAndClient(metadata.ConfigFor(cfg), c.http); err != nil {
		return nil, err
	}
	if c.dynamic, err = dynamic.NewForConfigAndClient(dynamic.ConfigFor(cfg), c.http); err != nil {
		return nil, err
	}
	return c, nil
}
