package scrape

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/units"
	promconfig "github.com/prometheus/common/config"
	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/nocturne-noc/nocturne/collectors"
)

// Config is the configuration of a source of kind "scrape". What Prometheus has too is called, and
// means, the same.
type Config struct {
	Targets []string          `yaml:"targets"` // host:port
	FileSD  []string          `yaml:"file_sd"` // files of target groups, in Prometheus' format; the last part may be a pattern
	Labels  map[string]string `yaml:"labels"`  // of all targets

	Kubernetes *Kubernetes `yaml:"kubernetes"` // pods and services of watched clusters that ask for it

	Scheme      string              `yaml:"scheme"`
	MetricsPath string              `yaml:"metrics_path"`
	Params      map[string][]string `yaml:"params"`
	Timeout     time.Duration       `yaml:"timeout"`

	TLS       TLS        `yaml:"tls"`
	BasicAuth *BasicAuth `yaml:"basic_auth"`
	Bearer    string     `yaml:"bearer"` // reference

	Relabel       []*relabel.Config `yaml:"relabel"`
	MetricRelabel []*relabel.Config `yaml:"metric_relabel"`

	HonorLabels     bool  `yaml:"honor_labels"`
	HonorTimestamps *bool `yaml:"honor_timestamps"` // default true

	BodySizeLimit         units.Base2Bytes `yaml:"body_size_limit"` // bytes, unpacked
	SampleLimit           uint             `yaml:"sample_limit"`
	LabelLimit            uint             `yaml:"label_limit"`
	LabelNameLengthLimit  uint             `yaml:"label_name_length_limit"`
	LabelValueLengthLimit uint             `yaml:"label_value_length_limit"`
	TargetLimit           uint             `yaml:"target_limit"`
}

// TLS says whom to trust, and as whom to appear. Files are PEM.
type TLS struct {
	CAFile             string `yaml:"ca_file"`
	CertFile           string `yaml:"cert_file"`
	KeyFile            string `yaml:"key_file"`
	ServerName         string `yaml:"server_name"`
	InsecureSkipVerify bool   `yaml:"insecure_skip_verify"`
}

// BasicAuth is a user and the reference to a password.
type BasicAuth struct {
	Username string `yaml:"username"`
	Password string `yaml:"password"`
}

// Limits of one target, where the configuration has none. What is within them is bounded memory.
const (
	defaultBodyLimit  = 64 * units.MiB
	defaultLabels     = 64
	defaultNameBytes  = 256
	defaultValueBytes = 4096
)

// scraping is the configuration as Prometheus has it, with secrets and absolute paths.
func (c *Config) scraping(env collectors.Env) (*config.ScrapeConfig, error) {
	if len(c.Targets)+len(c.FileSD) == 0 && c.Kubernetes == nil {
		return nil, errNoTargets
	}
	if c.Kubernetes != nil {
		if err := c.Kubernetes.check(); err != nil {
			return nil, err
		}
	}
	seen := map[string]bool{}
	for _, t := range c.Targets {
		if seen[t] {
			return nil, fmt.Errorf("target %.80q is there twice", t)
		}
		seen[t] = true
	}
	for _, glob := range c.FileSD {
		switch strings.ToLower(filepath.Ext(glob)) {
		case ".json", ".yml", ".yaml":
		default:
			return nil, fmt.Errorf("file_sd: %.80q: want a file or pattern that ends in .json, .yml or .yaml", glob)
		}
	}
	client, err := c.client(env)
	if err != nil {
		return nil, err
	}
	for name := range c.Labels {
		if !prom.UTF8Validation.IsValidLabelName(name) || strings.HasPrefix(name, prom.ReservedLabelPrefix) {
			return nil, fmt.Errorf("labels: %.80q is no name for a label", name)
		}
	}
	every := cmp.Or(env.Every, defaultEvery)
	if c.Timeout < 0 || c.Timeout > every {
		return nil, fmt.Errorf("timeout is %v: want more than 0 and at most the interval of %v", c.Timeout, every)
	}
	out := config.DefaultScrapeConfig
	out.JobName = env.Name
	out.ScrapeInterval = prom.Duration(every)
	out.ScrapeTimeout = prom.Duration(cmp.Or(c.Timeout, min(maxTimeout, every)))
	out.Scheme = cmp.Or(strings.ToLower(c.Scheme), "http")
	if out.Scheme != "http" && out.Scheme != "https" {
		return nil, fmt.Errorf("scheme %.20q is unknown: want http or https", c.Scheme)
	}
	out.MetricsPath = cmp.Or(c.MetricsPath, out.MetricsPath)
	out.Params = url.Values(c.Params)
	out.HTTPClientConfig = *client
	out.RelabelConfigs, out.MetricRelabelConfigs = c.Relabel, c.MetricRelabel
	out.HonorLabels = c.HonorLabels
	out.HonorTimestamps = c.HonorTimestamps == nil || *c.HonorTimestamps
	out.BodySizeLimit = cmp.Or(c.BodySizeLimit, defaultBodyLimit)
	out.SampleLimit, out.TargetLimit = c.SampleLimit, c.TargetLimit
	out.LabelLimit = cmp.Or(c.LabelLimit, defaultLabels)
	out.LabelNameLengthLimit = cmp.Or(c.LabelNameLengthLimit, defaultNameBytes)
	out.LabelValueLengthLimit = cmp.Or(c.LabelValueLengthLimit, defaultValueBytes)
	if out.BodySizeLimit < 0 {
		return nil, fmt.Errorf("body_size_limit is %v: want more than 0", out.BodySizeLimit)
	}
	for i, r := range append(append([]*relabel.Config{}, c.Relabel...), c.MetricRelabel...) {
		if r == nil {
			return nil, fmt.Errorf("rule %d of relabel and metric_relabel is empty", i+1)
		}
	}
	if err := out.Validate(config.DefaultGlobalConfig); err != nil {
		return nil, err
	}
	return &out, nil
}

// client says how to speak to targets. Making one of it finds certificates that cannot be read.
func (c *Config) client(env collectors.Env) (*promconfig.HTTPClientConfig, error) {
	files := env.Paths([]string{c.TLS.CAFile, c.TLS.CertFile, c.TLS.KeyFile})
	for i, configured := range []string{c.TLS.CAFile, c.TLS.CertFile, c.TLS.KeyFile} {
		if configured == "" {
			files[i] = "" // an empty path made absolute would be the folder
		}
	}
	out := promconfig.DefaultHTTPClientConfig
	out.FollowRedirects = c.Kubernetes == nil // a pod must not lead the wall elsewhere
	out.TLSConfig = promconfig.TLSConfig{
		CAFile: files[0], CertFile: files[1], KeyFile: files[2],
		ServerName: c.TLS.ServerName, InsecureSkipVerify: c.TLS.InsecureSkipVerify,
	}
	if c.BasicAuth != nil && c.Bearer != "" {
		return nil, fmt.Errorf("both basic_auth and bearer are set: a target takes one of them")
	}
	if c.BasicAuth != nil {
		password, err := secret(env, "basic_auth.password", c.BasicAuth.Password)
		if err != nil {
			return nil, err
		}
		out.BasicAuth = &promconfig.BasicAuth{Username: c.BasicAuth.Username, Password: promconfig.Secret(password)}
	}
	if c.Bearer != "" {
		token, err := secret(env, "bearer", c.Bearer)
		if err != nil {
			return nil, err
		}
		out.Authorization = &promconfig.Authorization{Type: "Bearer", Credentials: promconfig.Secret(token)}
	}
	if err := out.Validate(); err != nil {
		return nil, err
	}
	client, err := promconfig.NewClientFromConfig(out, env.Name)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	client.CloseIdleConnections()
	return &out, nil
}

func secret(env collectors.Env, key, ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	value, err := env.Secret(ref)
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	return value, nil
}
