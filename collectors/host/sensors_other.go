//go:build !linux

package host

import (
	"context"

	"github.com/shirou/gopsutil/v4/sensors"
)

// readSensors reads what gopsutil finds. Without the right to ask, or without sensors, there is nothing to
// tell: virtual machines have none.
func readSensors(ctx context.Context) ([]metric, error) {
	list, err := sensors.TemperaturesWithContext(ctx)
	if len(list) == 0 && ctx.Err() != nil {
		return nil, err
	}
	return sensorMetrics(list), nil // most errors say that there is none; what came beside one is good
}

func sensorMetrics(list []sensors.TemperatureStat) []metric {
	var out []metric
	seen := map[string]bool{}
	for _, s := range list {
		name := printable(s.SensorKey, maxName)
		if s.Temperature == 0 || seen[name] {
			continue
		}
		seen[name] = true
		out = append(out, metric{"node_hwmon_temp_celsius", []string{"chip", "system", "sensor", name}, s.Temperature})
	}
	return out
}
