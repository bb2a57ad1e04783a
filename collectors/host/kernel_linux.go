package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/prometheus/procfs"
)

// readStat reads what /proc/stat tells: the time of each processor by mode, and what the kernel counts
// since it runs. See proc_stat(5).
func (t tree) readStat(context.Context) ([]metric, error) {
	fs, err := procfs.NewFS(t.proc)
	if err != nil {
		return nil, err
	}
	stat, err := fs.Stat()
	if err != nil {
		return nil, err
	}
	out := []metric{
		{"node_context_switches_total", nil, float64(stat.ContextSwitches)},
		{"node_forks_total", nil, float64(stat.ProcessCreated)},
		{"node_intr_total", nil, float64(stat.IRQTotal)},
		{"node_procs_running", nil, float64(stat.ProcessesRunning)},
		{"node_procs_blocked", nil, float64(stat.ProcessesBlocked)},
		{"node_boot_time_seconds", nil, float64(stat.BootTime)},
	}
	for id, c := range stat.CPU {
		cpu := strconv.FormatInt(id, 10)
		for _, m := range []struct {
			mode    string
			seconds float64
		}{
			{"user", c.User}, {"nice", c.Nice}, {"system", c.System}, {"idle", c.Idle},
			{"iowait", c.Iowait}, {"irq", c.IRQ}, {"softirq", c.SoftIRQ}, {"steal", c.Steal},
		} {
			out = append(out, metric{"node_cpu_seconds_total", []string{"cpu", cpu, "mode", m.mode}, m.seconds})
		}
		out = append(out,
			metric{"node_cpu_guest_seconds_total", []string{"cpu", cpu, "mode", "user"}, c.Guest},
			metric{"node_cpu_guest_seconds_total", []string{"cpu", cpu, "mode", "nice"}, c.GuestNice})
	}
	return out, nil
}

// readFrequency reads the processors' clocks, where a driver scales them.
func (t tree) readFrequency(context.Context) ([]metric, error) {
	var out []metric
	for _, path := range glob(t.sys, "devices/system/cpu/cpu[0-9]*/cpufreq") {
		if khz, ok := number(path, "scaling_cur_freq"); ok {
			out = append(out, metric{"node_cpu_scaling_frequency_hertz", []string{"cpu", numberOf(path, "cpu")}, khz * 1000})
		}
	}
	return out, nil
}

// readPressure reads how long tasks waited for what is scarce: "some" of them as waiting, all of them as
// stalled. See the kernel's Documentation/accounting/psi.rst.
func (t tree) readPressure(context.Context) ([]metric, error) {
	fs, err := procfs.NewFS(t.proc)
	if err != nil {
		return nil, err
	}
	var out []metric
	var errs []error
	for _, resource := range []string{"cpu", "io", "memory", "irq"} {
		psi, err := fs.PSIStatsForResource(resource)
		if err != nil {
			if absent(err) != nil {
				errs = append(errs, fmt.Errorf("%s: %w", resource, err))
			}
			continue
		}
		if psi.Some != nil && resource != "irq" {
			out = append(out, metric{"node_pressure_" + resource + "_waiting_seconds_total", nil, float64(psi.Some.Total) / 1e6})
		}
		if psi.Full != nil && resource != "cpu" { // a processor is never short for all tasks of the system
			out = append(out, metric{"node_pressure_" + resource + "_stalled_seconds_total", nil, float64(psi.Full.Total) / 1e6})
		}
	}
	return out, errors.Join(errs...)
}

// readVM reads what the memory management counts.
func (t tree) readVM(context.Context) ([]metric, error) {
	b, err := readFile(t.proc + "/vmstat")
	if err != nil {
		return nil, absent(err)
	}
	return vmMetrics(b), nil
}

// readFiles reads how many files are open in the whole system. See proc_sys_fs(5), file-nr.
func (t tree) readFiles(context.Context) ([]metric, error) {
	text, ok := attribute(t.proc, "sys/fs/file-nr")
	var allocated, free, limit float64
	if !ok {
		return nil, nil
	}
	if _, err := fmt.Sscan(text, &allocated, &free, &limit); err != nil {
		return nil, fmt.Errorf("file-nr %q: %w", text, err)
	}
	return []metric{{"node_filefd_allocated", nil, allocated}, {"node_filefd_maximum", nil, limit}}, nil
}

// together makes one part of several.
func together(reads ...func(context.Context) ([]metric, error)) func(context.Context) ([]metric, error) {
	return func(ctx context.Context) ([]metric, error) {
		var out [][]metric
		var errs []error
		for _, read := range reads {
			m, err := read(ctx)
			out, errs = append(out, m), append(errs, err)
		}
		return slices.Concat(out...), errors.Join(errs...)
	}
}
