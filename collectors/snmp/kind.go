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
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Config is what one source of kind "snmp" has beside kind, name and every.
type Config struct {
	Targets     []string `yaml:"targets"`     // address, host:port, subnet, range
	Exclude     []string `yaml:"exclude"`     // of subnets and ranges, in the same forms
	Credentials []Login  `yaml:"credentials"` // tried in this order, after the single ones below if there are any
	Version     Version  `yaml:"version"`     // 1, 2c (the default), 3
	Community   string   `yaml:"community"`   // reference; "public" without one
	User        string   `yaml:"user"`
	Auth        Key      `yaml:"auth"` // password is a reference
	Priv        Key      `yaml:"priv"` // password is a reference
	Context     string   `yaml:"context"`

	Port    uint16        `yaml:"port"`    // 161
	Timeout time.Duration `yaml:"timeout"` // for one answer, 2s
	Retries *int          `yaml:"retries"` // further tries of one request, 2

	Modules     []string `yaml:"modules"`      // "auto" (the default), or names of modules
	ModuleFiles []string `yaml:"module_files"` // further modules, in the format of snmp_exporter's snmp.yml

	ICMP       string         `yaml:"icmp"`           // auto (the default), never, only
	Discovery  string         `yaml:"discovery"`      // add (the default), review
	Rediscover *time.Duration `yaml:"rediscover"`     // how often subnets are swept, 1h; 0s is once
	Vanished   time.Duration  `yaml:"vanished_after"` // without an answer; three sweeps
	Forget     time.Duration  `yaml:"forget"`         // without an answer, 7d
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
	policy, err := c.policy()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	modules, err := loadModules(c.Modules, env.Paths(c.ModuleFiles))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	every := env.Every
	if every <= 0 {
		every = defaultEvery
	}
	shared := &poller{
		source: env.Name, every: every, timing: timing, now: env.Now, modules: modules,
		credentials: func() ([]Credentials, error) { return c.credentials(env.Secret) },
		maps:        newMapper(env.Name, every, env.Links(env.Name), env.Now),
		roster:      known, checks: newRechecker(env.Now),
	}
	if env.Entities != nil {
		shared.maps.hosts = func() []Host { return HostsOf(append(env.Entities(model.KindServer), env.Entities(model.KindNode)...)) }
	}
	exclude, err := parseExclusions(c.Exclude)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	jobs, err := shared.jobs(c.Targets, c.Port, exclude, policy, newMemory(env))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	jobs[0].Beside = both(shared.recheck, jobs[0].Beside) // one for all devices of the source
	return jobs, nil
}

// jobs makes one job a target; a subnet or range is one target.
func (p *poller) jobs(targets []string, port uint16, exclude exclusions, policy policy, memory memory) ([]collectors.Job, error) {
	var jobs []collectors.Job
	listed := map[string]bool{}
	var blocks []Block
	for _, text := range targets {
		target, block, err := ParseTarget(text, port)
		if err != nil {
			return nil, err
		}
		if block.IsValid() {
			blocks = append(blocks, block)
			continue
		}
		if listed[target.String()] {
			return nil, fmt.Errorf("target %s is listed twice", target)
		}
		listed[target.String()] = true
		p.maps.expect(target.String())
		jobs = append(jobs, collectors.Job{Target: target.String(), Every: p.every, Poll: newDevice(p, target)})
	}
	skip := func(t Target) bool { return listed[t.String()] || exclude.cover(t) }
	for _, b := range blocks { // after the single targets, which a subnet leaves out
		if listed[b.String()] {
			return nil, fmt.Errorf("subnet %s is listed twice", b)
		}
		listed[b.String()] = true
		s := newSubnet(p, b, skip, policy, memory)
		jobs = append(jobs, collectors.Job{Target: b.String(), Every: p.every, Poll: s, Beside: s.look})
	}
	return jobs, nil
}

// both runs two companions of a job as one; b may be nil.
func both(a, b func(context.Context, collectors.Emit) error) func(context.Context, collectors.Emit) error {
	if b == nil {
		return a
	}
	return func(ctx context.Context, emit collectors.Emit) error {
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error { return a(ctx, emit) })
		group.Go(func() error { return b(ctx, emit) })
		return group.Wait()
	}
}

// policy is how the subnets of a source are swept, and what becomes of what is found.
type policy struct {
	icmp       string
	review     bool          // what is found is not polled before it is accepted
	rediscover time.Duration // 0: swept once
	vanished   time.Duration // without an answer for so long
	forget     time.Duration
}

const (
	defaultRediscover = time.Hour
	minRediscover     = time.Minute
	defaultForget     = 7 * 24 * time.Hour
	vanishedOnce      = 24 * time.Hour // where nothing is swept again
)

func (c *Config) policy() (policy, error) {
	p := policy{icmp: cmp.Or(c.ICMP, ICMPAuto), review: c.Discovery == "review", rediscover: defaultRediscover, vanished: c.Vanished, forget: c.Forget}
	if !slices.Contains([]string{ICMPAuto, ICMPNever, ICMPOnly}, p.icmp) {
		return p, fmt.Errorf("icmp %.40q: want auto, never or only", c.ICMP)
	}
	if !slices.Contains([]string{"", "add", "review"}, c.Discovery) {
		return p, fmt.Errorf("discovery %.40q: want add or review", c.Discovery)
	}
	if c.Rediscover != nil {
		p.rediscover = *c.Rediscover
	}
	if p.rediscover != 0 && p.rediscover < minRediscover {
		return p, fmt.Errorf("rediscover %s: want at least %s, or 0s for never", p.rediscover, minRediscover)
	}
	if p.vanished == 0 {
		p.vanished = cmp.Or(3*p.rediscover, vanishedOnce)
	}
	p.forget = max(cmp.Or(p.forget, defaultForget), p.vanished)
	return p, nil
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
