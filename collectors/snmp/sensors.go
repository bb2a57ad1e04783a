package snmp

import "github.com/nocturne-noc/nocturne/store/model"

// Sensor is one reading of a device's hardware.
type Sensor struct {
	Class string      `json:"class"`
	Name  string      `json:"name"`
	Value float64     `json:"value"` // in Unit; of class state, the number in the vendor's enumeration
	Unit  string      `json:"unit"`
	State model.State `json:"state"`
	Word  string      `json:"-"` // what the device calls the state: "failed"

	index  string // of its row
	judged bool   // the device, or its profile, says what State is
}

// sensorUnits are the classes of sensors and the units that their values have.
var sensorUnits = map[string]string{
	"airflow": "m³/min", "charge": "%", "count": "", "current": "A", "dbm": "dBm", "fanspeed": "rpm", "frequency": "Hz",
	"humidity": "%", "load": "%", "percent": "%", "power": "W", "pressure": "Pa", "runtime": "s", "signal": "dBm", "snr": "dB",
	"state": "", "temperature": "°C", "voltage": "V",
}
