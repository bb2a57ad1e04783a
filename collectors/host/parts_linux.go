package host

import (
	"context"
	"time"
)

// parts are what is read of a Linux system: what the kernel tells about itself, as node_exporter reads it.
func (c *Collector) parts() []part {
	t := machine
	devices := &ports{tree: t}
	c.procs.source.tree = t
	return []part{
		{"processors", together(t.readStat, pace(30*time.Second, t.readFrequency))},
		{"load", readLoad},
		{"pressure", t.readPressure},
		{"memory", together(readMemory, t.readVM)},
		{"file systems", together(c.disks.read, t.readFiles)},
		{"disks", together(t.readBlocks, pace(15*time.Second, t.readRAID))},
		{"network", together(readNetwork, devices.readPorts)},
		{"protocols", together(t.readProtocols, t.readSockets, t.readSoftnet, t.readConntrack, pace(0, t.readTCPStates))},
		{"sensors", together(pace(10*time.Second, t.readHwmon), pace(10*time.Second, t.readThermal), pace(30*time.Second, t.readPower))},
		{"clock", readClock},
		{"users", pace(time.Minute, readUsers)},
		{"services", pace(10*time.Second, c.services.read)},
		{"processes", func(ctx context.Context) ([]metric, error) { return c.procs.read(ctx, c.now()) }},
	}
}
