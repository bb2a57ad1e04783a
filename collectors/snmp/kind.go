// Package snmp is the collector for SNMP devices: it polls identity, interfaces and neighbours,
// and merges what all devices of a source say of their neighbours into one map of cables.
//
// One round of a device flows so:
//
//	session (one UDP socket, GETBULK walks) -> tables -> Snapshot -> batch of the device
//	                                                        |
//	                                                        +-> Node -> BuildMap -> batch "topology"
//
// Reading is split from computing: what stands behind the tables is pure.
package snmp

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Config is what one source of kind "snmp" has beside kind, name and every.
type Config struct {
	Targets   []string      `yaml:"targets"`   // address, host:port, subnet
	Version   Version       `yaml:"version"`   // 1, 2c (the default), 3
	Community string        `yaml:"community"` // reference; "public" without one
	User      string        `yaml:"user"`
	Auth      Key           `yaml:"auth"` // password is a reference
	Priv      Key           `yaml:"priv"` // password is a reference
	Context   string        `yaml:"context"`
	Port      uint16        `yaml:"port"`    // 161
	Timeout   time.Duration `yaml:"timeout"` // for one answer, 2s
	Retries   *int          `yaml:"retries"` // further tries of one request, 2

	Modules     []string `yaml:"modules"`      // "auto" (the default), or names of modules
	ModuleFiles []string `yaml:"module_files"` // further modules, in the format of snmp_exporter's snmp.yml
}

// Version is 1, 2c or 3, written with or without quotes.
type Version string

// UnmarshalYAML takes the number and the text.
func (v *Version) UnmarshalYAML(unmarshal func(any) error) error {
	var value any
	if err := unmarshal(&value); err != nil {
		return err
	}
	*v = Version(fmt.Sprint(value))
	return nil
}

const (
	defaultEvery   = 30 * time.Second
	defaultTimeout = 2 * time.Second
	defaultRetries = 2
)

// Kinds returns the collector's kinds for the catalog: "snmp" polls devices, and "traps" hears what the
// devices of all its sources say by themselves.
func Kinds() []collectors.Kind {
	known := newRoster()
	return []collectors.Kind{
		{Name: "snmp", Open: func(env collectors.Env) ([]collectors.Job, error) { return open(env, known) }},
		{Name: "traps", Open: func(env collectors.Env) ([]collectors.Job, error) { return openTraps(env, known) }},
	}
}

// Kind returns the kind "snmp" alone.
func Kind() collectors.Kind { return Kinds()[0] }

func open(env collectors.Env, known *roster) ([]collectors.Job, error) {
	var c Config
	if err := env.Decode(&c); err != nil {
		return nil, err
	}
	source := fmt.Sprintf("source %s", env.Name)
	if len(c.Targets) == 0 {
		return nil, fmt.Errorf("%s: targets is empty: list addresses or subnets", source)
	}
	timing, err := c.timing()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	if _, err := c.credentials(env.Secret); err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	modules, err := loadModules(c.Modules, c.ModuleFiles)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	every := env.Every
	if every <= 0 {
		every = defaultEvery
	}
	shared := &poller{
		source: env.Name, every: every, timing: timing, now: env.Now, modules: modules,
		credentials: func() (Credentials, error) { return c.credentials(env.Secret) },
		maps:        newMapper(env.Name, every, env.Links(env.Name), env.Now),
		roster:      known, checks: newRechecker(env.Now),
	}
	if env.Entities != nil {
		shared.maps.hosts = func() []Host { return HostsOf(append(env.Entities(model.KindServer), env.Entities(model.KindNode)...)) }
	}
	jobs, err := shared.jobs(c.Targets, c.Port)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	jobs[0].Beside = shared.recheck // one for all devices of the source
	return jobs, nil
}

// jobs makes one job a target; a subnet is one target.
func (p *poller) jobs(targets []string, port uint16) ([]collectors.Job, error) {
	var jobs []collectors.Job
	listed := map[string]bool{}
	type subnet struct {
		name   string
		port   uint16
		prefix netip.Prefix
	}
	var subnets []subnet
	for _, text := range targets {
		target, prefix, err := ParseTarget(text, port)
		if err != nil {
			return nil, err
		}
		if prefix.IsValid() {
			subnets = append(subnets, subnet{fmt.Sprintf("%s:%d", prefix, target.Port), target.Port, prefix})
			continue
		}
		if listed[target.String()] {
			return nil, fmt.Errorf("target %s is listed twice", target)
		}
		listed[target.String()] = true
		p.maps.expect(target.String())
		jobs = append(jobs, collectors.Job{Target: target.String(), Every: p.every, Poll: newDevice(p, target)})
	}
	for _, s := range subnets { // after the single targets, which a subnet leaves out
		if listed[s.name] {
			return nil, fmt.Errorf("subnet %s is listed twice", s.name)
		}
		listed[s.name] = true
		jobs = append(jobs, collectors.Job{Target: s.name, Every: p.every, Poll: newSubnet(p, s.prefix, s.port, listed)})
	}
	return jobs, nil
}

func (c *Config) timing() (Timing, error) {
	t := Timing{Timeout: c.Timeout, Retries: defaultRetries}
	if t.Timeout == 0 {
		t.Timeout = defaultTimeout
	}
	if t.Timeout < 0 || t.Timeout > time.Minute {
		return t, fmt.Errorf("timeout %s: want more than 0 and at most 1m", t.Timeout)
	}
	if c.Retries != nil {
		t.Retries = *c.Retries
	}
	if t.Retries < 0 || t.Retries > 10 {
		return t, fmt.Errorf("retries %d: want 0 to 10", t.Retries)
	}
	return t, nil
}

// credentials resolves the references. It is asked anew for each new session, so that a changed
// secret heals a source without a restart.
func (c *Config) credentials(secret func(string) (string, error)) (Credentials, error) {
	cred := Credentials{Version: string(c.Version), User: c.User, Auth: c.Auth, Priv: c.Priv, Context: c.Context}
	for _, ref := range []struct {
		name string
		ref  string
		into *string
	}{
		{"community", c.Community, &cred.Community},
		{"auth.password", c.Auth.Password, &cred.Auth.Password},
		{"priv.password", c.Priv.Password, &cred.Priv.Password},
	} {
		if ref.ref == "" {
			continue
		}
		value, err := secret(ref.ref)
		if err != nil {
			return Credentials{}, fmt.Errorf("%s: %w", ref.name, err)
		}
		*ref.into = value
	}
	return cred, cred.Validate()
}
