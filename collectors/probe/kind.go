package probe

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	prom "github.com/prometheus/common/model"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/icmp"
)

const (
	defaultEvery   = 30 * time.Second
	defaultTimeout = 5 * time.Second
	pingTimeout    = 2 * time.Second // an outage makes thousands wait that long, some hundreds at a time
	// reportSlack is what a round may take beyond the probe's own time-out.
	reportSlack = 2 * time.Second
	maxName     = 200 // bytes
)

// Config is the configuration of a source of kind "probe".
type Config struct {
	Targets []TargetConfig    `yaml:"targets"`
	URLs    string            `yaml:"urls"`    // file with one URL a line, and a name behind it or none
	Timeout time.Duration     `yaml:"timeout"` // of one probe; 5s, 2s of a ping, and not more than the interval
	Labels  map[string]string `yaml:"labels"`  // of all targets
}

// TargetConfig is one target: exactly one of its first five keys says what is probed.
type TargetConfig struct {
	Ping string     `yaml:"ping"` // address or name
	TCP  string     `yaml:"tcp"`  // host:port
	TLS  string     `yaml:"tls"`  // host:port, 443 without one
	HTTP string     `yaml:"http"` // URL
	DNS  *DNSConfig `yaml:"dns"`

	Name    string            `yaml:"name"` // on the wall; what is probed without it
	Labels  map[string]string `yaml:"labels"`
	Timeout time.Duration     `yaml:"timeout"`
	Slow    time.Duration     `yaml:"slow"`     // what takes longer is a warning; half the time-out
	IP      string            `yaml:"ip"`       // "4" or "6"; without it IPv4 where there is one
	Echoes  int               `yaml:"echoes"`   // of a ping; 5
	MaxLoss *float64          `yaml:"max_loss"` // of a ping, 0 to 1: more is a warning; 0.25

	Request HTTPConfig `yaml:",inline"`
	Trust   TLSConfig  `yaml:",inline"`
}

// Kind is the collector kind "probe".
func Kind() collectors.Kind {
	return collectors.Kind{Name: "probe", Open: open}
}

func open(env collectors.Env) ([]collectors.Job, error) {
	var cfg Config
	if err := env.Decode(&cfg); err != nil {
		return nil, err
	}
	if cfg.URLs != "" {
		more, err := readURLs(absolute(env)(cfg.URLs))
		if err != nil {
			return nil, err
		}
		cfg.Targets = append(cfg.Targets, more...)
	}
	if len(cfg.Targets) == 0 {
		return nil, errors.New("targets: want at least one, such as {ping: 10.0.0.1} or {http: 'https://www.example.com/'}, or urls with a file")
	}
	every := cmp.Or(env.Every, defaultEvery)
	sockets := &icmp.Shared{}
	jobs := make([]collectors.Job, 0, len(cfg.Targets))
	seen := map[string]bool{}
	for i := range cfg.Targets {
		t, err := cfg.target(&cfg.Targets[i], env, every, sockets)
		if err != nil {
			return nil, fmt.Errorf("targets[%d]: %w", i, err)
		}
		if seen[t.name] {
			return nil, fmt.Errorf("targets[%d]: another one is called %q too: give it a name of its own", i, t.name)
		}
		seen[t.name] = true
		jobs = append(jobs, collectors.Job{Target: t.name, Every: every, Timeout: t.timeout + reportSlack, Poll: t})
	}
	return jobs, nil
}

func absolute(env collectors.Env) func(string) string {
	if env.Path == nil {
		return func(path string) string { return path }
	}
	return env.Path
}

// target makes one target of its configuration.
func (c *Config) target(tc *TargetConfig, env collectors.Env, every time.Duration, sockets *icmp.Shared) (*target, error) {
	t := &target{source: env.Name, labels: map[string]string{}, timeout: cmp.Or(tc.Timeout, c.Timeout, defaultTimeout)}
	if tc.Ping != "" {
		t.timeout = cmp.Or(tc.Timeout, c.Timeout, pingTimeout)
	}
	t.timeout = min(t.timeout, every)
	if t.timeout <= 0 {
		return nil, fmt.Errorf("timeout %v: want more than 0", t.timeout)
	}
	t.slow = cmp.Or(tc.Slow, t.timeout/2)
	for _, list := range []map[string]string{c.Labels, tc.Labels} {
		for name, value := range list {
			if !prom.LegacyValidation.IsValidLabelName(name) || slices.Contains(ownLabels, name) {
				return nil, fmt.Errorf("label %.40q: want letters, digits and _, and none of %s", name, strings.Join(ownLabels, ", "))
			}
			t.labels[name] = words(value)
		}
	}
	if tc.IP != "" && tc.IP != "4" && tc.IP != "6" {
		return nil, fmt.Errorf("ip %.20q: want 4 or 6", tc.IP)
	}
	if err := t.setCheck(tc, env, sockets); err != nil {
		return nil, err
	}
	t.name = cmp.Or(tc.Name, t.name, t.address)
	if len(t.name) > maxName {
		return nil, fmt.Errorf("%.80q...: the name has more than %d bytes: set name", t.name, maxName)
	}
	return t, nil
}

// ownLabels are those that samples and entities have anyway, and those that name other things.
var ownLabels = []string{
	"__name__", "source", "job", "probe", "prober", "instance", "phase", "version", "cluster", "device",
	"target", "host", "port", "address", "addresses", "status", "expires", "certificate", "issuer", "subject", "subjectalternative", "fingerprint_sha256",
}

// setCheck sets what is probed, and how.
func (t *target) setCheck(tc *TargetConfig, env collectors.Env, sockets *icmp.Shared) error {
	kinds := 0
	for _, set := range []bool{tc.Ping != "", tc.TCP != "", tc.TLS != "", tc.HTTP != "", tc.DNS != nil} {
		if set {
			kinds++
		}
	}
	if kinds != 1 {
		return errors.New("want exactly one of ping, tcp, tls, http and dns")
	}
	trust, err := tc.Trust.load(absolute(env))
	if err != nil {
		return err
	}
	switch {
	case tc.Ping != "":
		t.prober, t.address, t.host = "icmp", words(tc.Ping), words(tc.Ping)
		t.check, err = tc.ping(sockets)
	case tc.TCP != "":
		t.prober, t.address = "tcp", words(tc.TCP)
		err = t.connect(tc, tc.TCP, 0, nil, env.Now)
	case tc.TLS != "":
		t.prober, t.address, t.name = "tls", words(tc.TLS), "tls "+words(tc.TLS)
		err = t.connect(tc, tc.TLS, httpsPort, trust, env.Now)
	case tc.HTTP != "":
		var h *httpCheck
		if h, err = tc.Request.check(tc.HTTP, env.Secret); err != nil {
			return err
		}
		h.tls, h.family, h.now = trust, tc.IP, env.Now
		t.prober, t.address, t.check = "http", words(h.url.String()), h
		t.host, t.port = words(h.url.Hostname()), h.port()
	default:
		var d *dnsCheck
		if d, err = tc.DNS.check(); err != nil {
			return err
		}
		d.family = tc.IP
		t.prober, t.address, t.check = "dns", words(d.title()), d
		t.host, t.port = words(d.host), d.port
	}
	return err
}

func (tc *TargetConfig) ping(sockets *icmp.Shared) (check, error) {
	c := &pingCheck{host: tc.Ping, family: tc.IP, echoes: cmp.Or(tc.Echoes, defaultEchoes), maxLoss: defaultMaxLoss, sockets: sockets}
	if c.echoes < 1 || c.echoes > maxEchoes {
		return nil, fmt.Errorf("echoes %d: want 1 to %d", c.echoes, maxEchoes)
	}
	if tc.MaxLoss != nil {
		c.maxLoss = *tc.MaxLoss
	}
	if c.maxLoss < 0 || c.maxLoss > 1 {
		return nil, fmt.Errorf("max_loss %v: want 0 to 1", c.maxLoss)
	}
	return c, nil
}

// connect sets a check that opens a connection; port is that of an address without one.
func (t *target) connect(tc *TargetConfig, address string, port uint16, trust *trust, now func() time.Time) error {
	host, port, err := hostPort(address, port)
	if err != nil {
		return err
	}
	t.host, t.port = words(host), port
	t.check = &tcpCheck{host: host, port: port, family: tc.IP, tls: trust, now: now}
	return nil
}

// hostPort takes "host:port" apart; a port of 0 means that there must be one.
func hostPort(s string, port uint16) (string, uint16, error) {
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		if host = strings.Trim(s, "[]"); port == 0 || host == "" || strings.Count(host, ":") == 1 {
			return "", 0, fmt.Errorf("%.80q: want host:port", words(s))
		}
		return host, port, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 || host == "" {
		return "", 0, fmt.Errorf("%.80q: want host:port", words(s))
	}
	return host, uint16(n), nil
}
