package host

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/procfs/sysfs"
)

// glob lists what matches a pattern below a folder, in order.
func glob(dir, pattern string) []string {
	list, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return nil // a pattern of ours that is wrong; tests would see nothing
	}
	slices.Sort(list)
	return list
}

// numberOf is what follows prefix in the first element of a path that has it: "3" for .../cpu3/cpufreq.
func numberOf(path, prefix string) string {
	for _, elem := range slices.Backward(strings.Split(path, "/")) {
		if n, ok := strings.CutPrefix(elem, prefix); ok && n != "" && strings.Trim(n, "0123456789") == "" {
			return n
		}
	}
	return ""
}

var (
	hwmonValue   = regexp.MustCompile(`^((temp|fan)\d+)_(input|max|crit|alarm|crit_alarm|fault|label)$`)
	hwmonInvalid = regexp.MustCompile(`[^a-z0-9:_]`)
)

// readHwmon reads the sensors of boards and chips, named as node_exporter names them. See the kernel's
// Documentation/hwmon/sysfs-interface.rst. A sensor hangs on a slow bus: its part is paced.
func (t tree) readHwmon(context.Context) ([]metric, error) {
	var out []metric
	for _, dir := range glob(t.sys, "class/hwmon/hwmon*") {
		chip := chipName(dir)
		if name, ok := attribute(dir, "name"); ok {
			out = append(out, metric{"node_hwmon_chip_names", []string{"chip", chip, "chip_name", cleanChip(name)}, 1})
		}
		files := glob(dir, "*_*")
		if len(files) == 0 {
			dir = filepath.Join(dir, "device") // where old drivers have them
			files = glob(dir, "*_*")
		}
		for _, file := range files {
			m := hwmonValue.FindStringSubmatch(filepath.Base(file))
			if m == nil {
				continue
			}
			sensor, kind, what := m[1], m[2], m[3]
			ls := []string{"chip", chip, "sensor", sensor}
			if what == "label" {
				if text, ok := attribute(file); ok {
					out = append(out, metric{"node_hwmon_sensor_label", append(ls, "label", printable(text, maxName)), 1})
				}
				continue
			}
			v, ok := number(file)
			if !ok {
				continue // such as a sensor of what is switched off
			}
			out = append(out, hwmonMetric(kind, what, ls, v))
		}
	}
	return out, nil
}

func hwmonMetric(kind, what string, ls []string, v float64) metric {
	name := "node_hwmon_" + kind
	if what != "input" {
		name += "_" + what
	}
	switch {
	case what == "alarm", what == "fault":
	case kind == "temp" && what == "crit_alarm":
		name += "_celsius" // as node_exporter calls it, though it is 0 or 1
	case kind == "temp":
		name, v = name+"_celsius", v/1000
	case kind == "fan":
		name += "_rpm"
	}
	return metric{name, ls, v}
}

// chipName is a chip's name that stays over restarts: from the bus and the device that it hangs on, else
// from its driver.
func chipName(dir string) string {
	if device, err := filepath.EvalSymlinks(filepath.Join(dir, "device")); err == nil {
		parent, name := filepath.Split(device)
		parent = cleanChip(filepath.Base(parent))
		if name = cleanChip(filepath.Base(name)); parent != "" && name != "" {
			return parent + "_" + name
		}
		if name != "" {
			return name
		}
	}
	if name, ok := attribute(dir, "name"); ok && cleanChip(name) != "" {
		return cleanChip(name)
	}
	return filepath.Base(dir)
}

func cleanChip(s string) string {
	return strings.Trim(hwmonInvalid.ReplaceAllString(strings.ToLower(s), "_"), "_")
}

// readThermal reads the temperature of what the kernel cools.
func (t tree) readThermal(context.Context) ([]metric, error) {
	fs, err := sysfs.NewFS(t.sys)
	if err != nil {
		return nil, err
	}
	zones, err := fs.ClassThermalZoneStats()
	var out []metric
	for _, z := range zones {
		if z.ReadErrors == nil {
			out = append(out, metric{"node_thermal_zone_temp", []string{"type", printable(z.Type, maxName), "zone", z.Name}, float64(z.Temp) / 1000})
		}
	}
	return out, err
}

// readPower reads mains, batteries and an UPS that the kernel knows.
func (t tree) readPower(context.Context) ([]metric, error) {
	fs, err := sysfs.NewFS(t.sys)
	if err != nil {
		return nil, err
	}
	supplies, err := fs.PowerSupplyClass()
	var out []metric
	for name := range supplies {
		s := supplies[name]
		supply := []string{"power_supply", name}
		for _, f := range []struct {
			name string
			v    *int64
			unit float64
		}{
			{"online", s.Online, 1}, {"present", s.Present, 1}, {"capacity", s.Capacity, 1}, {"cyclecount", s.CycleCount, 1},
			{"energy_watthour", s.EnergyNow, 1e-6}, {"energy_full", s.EnergyFull, 1e-6}, {"power_watt", s.PowerNow, 1e-6},
			{"charge_ampere", s.ChargeNow, 1e-6}, {"current_ampere", s.CurrentNow, 1e-6}, {"voltage_volt", s.VoltageNow, 1e-6},
			{"time_to_empty_seconds", s.TimeToEmptyNow, 1}, {"temp_celsius", s.Temp, 0.1},
		} {
			if f.v != nil {
				out = append(out, metric{"node_power_supply_" + f.name, supply, float64(*f.v) * f.unit})
			}
		}
		ls := slices.Clone(supply)
		for _, p := range [][2]string{{"type", s.Type}, {"status", s.Status}, {"manufacturer", s.Manufacturer}, {"model_name", s.ModelName}, {"technology", s.Technology}, {"capacity_level", s.CapacityLevel}} {
			if p[1] != "" {
				ls = append(ls, p[0], printable(p[1], maxName))
			}
		}
		out = append(out, metric{"node_power_supply_info", ls, 1})
	}
	return out, absent(errors.Join(err))
}
