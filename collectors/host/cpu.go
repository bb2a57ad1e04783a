package host

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/load"
)

// cpuMetrics turns the times of each processor into node_cpu_seconds_total.
func cpuMetrics(times []cpu.TimesStat, goos string) []metric {
	var out []metric
	for _, t := range times {
		modes := []struct {
			name  string
			value float64
			linux bool // only Linux tells
		}{
			{"idle", t.Idle, false}, {"system", t.System, false}, {"user", t.User, false}, {"nice", t.Nice, false},
			{"iowait", t.Iowait, true}, {"irq", t.Irq, true}, {"softirq", t.Softirq, true}, {"steal", t.Steal, true},
		}
		for _, m := range modes {
			if !m.linux || goos == "linux" {
				out = append(out, metric{"node_cpu_seconds_total", []string{"cpu", strings.TrimPrefix(t.CPU, "cpu"), "mode", m.name}, m.value})
			}
		}
	}
	return out
}

func readLoad(ctx context.Context) ([]metric, error) {
	if runtime.GOOS == "windows" {
		return nil, nil // has no such thing; gopsutil would start a sampler of its own
	}
	avg, err := load.AvgWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("load average: %w", err)
	}
	return []metric{{"node_load1", nil, avg.Load1}, {"node_load5", nil, avg.Load5}, {"node_load15", nil, avg.Load15}}, nil
}
