// Package host collects this machine's own health under the names and labels of node_exporter, so
// that rules and dashboards written for it work unchanged. It reads through procfs, which is what
// node_exporter reads through, and gopsutil on Linux, and through gopsutil alone on macOS and
// Windows; what a system does not tell is absent, not zero.
package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	gopshost "github.com/shirou/gopsutil/v4/host"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// defaultEvery is how often the machine is looked at unless the configuration says otherwise.
const defaultEvery = 5 * time.Second

// Job is the value of the label "job", as a Prometheus server would set it.
const Job = "host"

// Config is the configuration of a source of kind "host".
type Config struct {
	Instance string `yaml:"instance"` // name of this machine on the wall; default: its host name
}

// Kind is the collector kind "host".
func Kind() collectors.Kind {
	return collectors.Kind{Name: "host", Open: open}
}

func open(env collectors.Env) ([]collectors.Job, error) {
	var cfg Config
	if err := env.Decode(&cfg); err != nil {
		return nil, err
	}
	if cfg.Instance == "" {
		name, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("host name of this machine: %w: set \"instance\" in the source", err)
		}
		cfg.Instance = name
	}
	every := env.Every
	if every == 0 {
		every = defaultEvery
	}
	c := New(cfg.Instance, env.Now)
	return []collectors.Job{{Target: cfg.Instance, Every: every, Poll: c, Beside: c.followKernel}}, nil
}

// Collector reads the machine that it runs on.
type Collector struct {
	instance string
	now      func() time.Time
	disks    mounts
	procs    processes
	services services
	kernel   kernelLog
	list     []part
	bootTold bool
	info     *gopshost.InfoStat
	infoRead time.Time
}

// New returns a collector that names this machine instance. A nil now is time.Now.
func New(instance string, now func() time.Time) *Collector {
	if now == nil {
		now = time.Now
	}
	c := &Collector{instance: instance, now: now, kernel: kernelLog{path: "/dev/kmsg"}}
	c.list = c.parts()
	return c
}

// followKernel tells what the kernel says as events, until ctx ends.
func (c *Collector) followKernel(ctx context.Context, emit collectors.Emit) error {
	desk := &kernelDesk{entity: model.ServerID(c.instance), title: c.instance, boot: bootID(nil)}
	return c.kernel.follow(ctx, desk, c.now, emit)
}

// part reads one part of the machine. What it returns beside an error is good.
type part struct {
	name string
	read func(ctx context.Context) ([]metric, error)
}

// metric is a sample before it has got the labels that all of this machine's samples share.
type metric struct {
	name   string
	labels []string // name, value, name, value, ...
	value  float64
}

// Collect reads all parts at the same time. A part that fails is named in the error; the others
// are emitted all the same.
func (c *Collector) Collect(ctx context.Context, emit collectors.Emit) error {
	parts := c.list
	metrics := make([][]metric, len(parts)+1)
	errs := make([]error, len(parts)+1)
	var wg sync.WaitGroup
	for i, p := range parts {
		wg.Go(func() {
			// A panic would not reach the Runner from this goroutine.
			defer func() {
				if r := recover(); r != nil {
					errs[i] = fmt.Errorf("%s: panicked: %v", p.name, r)
				}
			}()
			var err error
			if metrics[i], err = p.read(ctx); err != nil {
				errs[i] = fmt.Errorf("%s: %w", p.name, err)
			}
		})
	}
	info, err := c.about(ctx)
	if err != nil {
		errs[len(parts)] = fmt.Errorf("system: %w", err)
	}
	wg.Wait()

	batch := model.Batch{Scope: c.instance, Replace: true, Entities: []model.Entity{c.entity(info)}, Events: c.boot(info)}
	metrics[len(parts)] = c.system(info)
	for _, m := range metrics {
		batch.Samples = append(batch.Samples, c.samples(m)...)
	}
	emit(batch)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return c.kernel.remark()
}

// refreshInfo is how often what hardly changes of the machine is read anew: gopsutil may start lsb_release
// for it.
const refreshInfo = time.Hour

// about is what the machine is, nil where that cannot be read.
func (c *Collector) about(ctx context.Context) (*gopshost.InfoStat, error) {
	if c.info != nil && time.Since(c.infoRead) < refreshInfo {
		return c.info, nil
	}
	info, err := gopshost.InfoWithContext(ctx)
	if err == nil {
		c.info, c.infoRead = info, time.Now()
	}
	return info, err
}

// boot is the event that the machine has started, once.
func (c *Collector) boot(info *gopshost.InfoStat) []model.Event {
	if c.bootTold || info == nil {
		return nil
	}
	c.bootTold = true
	if e, ok := bootEvent(model.ServerID(c.instance), c.instance, info, bootID(info), c.now()); ok {
		return []model.Event{e}
	}
	return nil
}

// samples gives the metrics the labels of this machine. Their time is set by the Runner.
func (c *Collector) samples(metrics []metric) []model.Sample {
	out := make([]model.Sample, len(metrics))
	for i, m := range metrics {
		pairs := append([]string{prom.MetricNameLabel, m.name, "instance", c.instance, "job", Job}, m.labels...)
		out[i] = model.Sample{Labels: labels.FromStrings(pairs...), V: m.value}
	}
	return out
}

// system is what the machine is; info may be nil.
func (c *Collector) system(info *gopshost.InfoStat) []metric {
	now := c.now()
	out := []metric{{"node_time_seconds", nil, float64(now.UnixNano()) / 1e9}}
	if info == nil {
		return out
	}
	if info.BootTime > 0 && runtime.GOOS != "linux" { // whose /proc/stat tells it, also after its clock was set
		out = append(out, metric{"node_boot_time_seconds", nil, float64(info.BootTime)})
	}
	return append(out, metric{"node_uname_info", []string{
		"machine", info.KernelArch, "nodename", info.Hostname, "release", info.KernelVersion, "sysname", sysname(info.OS),
	}, 1})
}

// sysname is what uname -s says.
func sysname(goos string) string {
	switch goos {
	case "linux":
		return "Linux"
	case "darwin":
		return "Darwin"
	case "windows":
		return "Windows_NT"
	}
	return goos
}

// entity is this machine on the map. It answers, so it is OK unless its services say otherwise: what is
// full or busy is for rules.
func (c *Collector) entity(info *gopshost.InfoStat) model.Entity {
	e := model.Entity{
		ID: model.ServerID(c.instance), Kind: model.KindServer, Name: c.instance, State: model.OK,
		Labels: map[string]string{"addresses": strings.Join(addresses(), " ")},
	}
	if reason := c.services.reason(); reason != "" {
		e.State, e.Reason = model.Warning, reason
	}
	if list := macs(); len(list) > 0 {
		e.Labels["macs"] = strings.Join(list, " ")
	}
	if info != nil {
		e.Labels["os"] = info.OS
		e.Labels["kernel"] = info.KernelVersion
		e.Labels["platform"] = strings.TrimSpace(info.Platform + " " + info.PlatformVersion)
		e.Labels["machine"] = info.KernelArch
	}
	return e
}

// addresses are the machine's unicast addresses that others can reach, at most eight.
func addresses() []string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil // a label that is empty; the network part reports the error
	}
	var out []string
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && len(out) < 8 {
			out = append(out, n.IP.String())
		}
	}
	return out
}

// macs are the hardware addresses by which switches see this machine, at most eight.
func macs() []string {
	ports, err := net.Interfaces()
	if err != nil {
		return nil // likewise
	}
	var out []string
	for i := range ports {
		p := &ports[i]
		if hw := p.HardwareAddr.String(); len(p.HardwareAddr) == 6 && p.Flags&net.FlagUp != 0 && !slices.Contains(out, hw) && len(out) < 8 {
			out = append(out, hw)
		}
	}
	return out
}
