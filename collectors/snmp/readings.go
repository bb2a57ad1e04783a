package snmp

import (
	"fmt"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// sensorMetrics name the samples of each class of sensors; the name says the unit.
var sensorMetrics = map[string]string{
	"airflow":     "nocturne_device_airflow_cubic_meters_per_minute",
	"charge":      "nocturne_device_charge_percent",
	"count":       "nocturne_device_count",
	"current":     "nocturne_device_current_amperes",
	"dbm":         "nocturne_device_optical_power_dbm",
	"fanspeed":    "nocturne_device_fan_rpm",
	"frequency":   "nocturne_device_frequency_hertz",
	"humidity":    "nocturne_device_humidity_percent",
	"load":        "nocturne_device_load_percent",
	"percent":     "nocturne_device_percent",
	"power":       "nocturne_device_power_watts",
	"pressure":    "nocturne_device_pressure_pascals",
	"runtime":     "nocturne_device_runtime_seconds",
	"signal":      "nocturne_device_signal_dbm",
	"snr":         "nocturne_device_snr_db",
	"state":       "nocturne_device_state",
	"temperature": "nocturne_device_temperature_celsius",
	"voltage":     "nocturne_device_voltage_volts",
}

// samples are the readings as samples of a device. nocturne_device_state is the number in the
// vendor's own enumeration; nocturne_device_sensor_problem is 1 for a sensor that is in warning, 2
// for one that is critical, and 0 for all others that are judged at all.
func (r *Readings) samples(source, device string) []model.Sample {
	var out []model.Sample
	names := map[string]bool{}
	add := func(metric string, v float64, label, name, index string) {
		unique := name
		for n := 2; names[metric+"\x00"+unique]; n++ { // parts of the same name are told apart by their index
			if unique = name + " " + index; n > 2 || index == "" {
				unique = fmt.Sprintf("%s %s#%d", name, index, n)
			}
		}
		names[metric+"\x00"+unique] = true
		out = append(out, model.Sample{V: v, Labels: labels.FromStrings(
			prom.MetricNameLabel, metric, "source", source, "device", device, label, unique)})
	}
	for _, p := range r.Processors {
		add("nocturne_device_cpu_percent", p.Percent, "processor", p.Name, p.index)
	}
	for _, list := range []struct {
		kind    string
		volumes []Volume
	}{{"memory", r.Memory}, {"storage", r.Storage}} {
		for _, v := range list.volumes {
			add("nocturne_device_"+list.kind+"_percent", v.Percent, list.kind, v.Name, v.index)
			if v.TotalBytes > 0 {
				add("nocturne_device_"+list.kind+"_used_bytes", v.UsedBytes, list.kind, v.Name, v.index)
				add("nocturne_device_"+list.kind+"_size_bytes", v.TotalBytes, list.kind, v.Name, v.index)
			}
		}
	}
	for _, s := range r.Sensors {
		add(sensorMetrics[s.Class], s.Value, "sensor", s.Name, s.index)
		if s.judged {
			add("nocturne_device_sensor_problem", problem(s.State), "sensor", s.Class+" "+s.Name, s.index)
		}
	}
	return out
}

func problem(s model.State) float64 {
	switch s {
	case model.Warning:
		return 1
	case model.Critical:
		return 2
	}
	return 0
}

// state is the worst that the device says of its own hardware, in words: "Power supply 2: failed
// (and 1 more)". What a device does not know of itself is no problem.
func (r *Readings) state() (model.State, string) {
	worst, count := model.OK, 0
	var reason string
	for i := range r.Sensors {
		s := &r.Sensors[i]
		if !s.judged || !s.State.Problem() {
			continue
		}
		count++
		if worst == model.OK || s.State == model.Critical && worst != model.Critical {
			worst, reason = s.State, s.words()
		}
	}
	if count > 1 {
		reason += fmt.Sprintf(" (and %d more)", count-1)
	}
	return worst, reason
}

// words are a sensor and its state as people say them.
func (s *Sensor) words() string {
	switch {
	case s.Word != "":
		return s.Name + ": " + s.Word
	case s.Unit != "":
		return fmt.Sprintf("%s: %s at %.4g %s", s.Name, s.State, s.Value, s.Unit)
	}
	return s.Name + ": " + s.State.String()
}
