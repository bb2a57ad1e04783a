//go:build !linux

package host

import (
	"context"
	"runtime"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
)

// parts are what gopsutil reads of a system, and the services of Windows.
func (c *Collector) parts() []part {
	list := []part{
		{"processors", readCPU},
		{"load", readLoad},
		{"memory", readMemory},
		{"file systems", c.disks.read},
		{"disks", readDisks},
		{"network", readNetwork},
		{"sensors", pace(10*time.Second, readSensors)},
		{"services", pace(10*time.Second, c.services.read)},
		{"processes", func(ctx context.Context) ([]metric, error) { return c.procs.read(ctx, c.now()) }},
	}
	if runtime.GOOS == "darwin" { // gopsutil does not know who is logged in on Windows
		list = append(list, part{"users", pace(30*time.Second, readUsers)})
	}
	return list
}

func readCPU(ctx context.Context) ([]metric, error) {
	times, err := cpu.TimesWithContext(ctx, true)
	return cpuMetrics(times, runtime.GOOS), err
}

func readDisks(ctx context.Context) ([]metric, error) {
	counters, err := disk.IOCountersWithContext(ctx)
	return diskMetrics(counters), err
}
