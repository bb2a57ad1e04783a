package snmp

import (
	"context"
	"math"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Sensor is one reading of ENTITY-SENSOR-MIB in its base unit.
type Sensor struct {
	Class string      `json:"class"`
	Name  string      `json:"name"`
	Value float64     `json:"value"`
	Unit  string      `json:"unit"`
	State model.State `json:"state"`
}

const (
	sensorType, sensorScale, sensorPrecision, sensorValue, sensorStatus = 1, 2, 3, 4, 5
	scaleUnits                                                          = 9 // SensorDataScale: 10^0; each step is 10^3
	statusUnavailable                                                   = 2 // EntitySensorStatus; 1 is ok, 3 nonoperational
)

// sensorClasses are the values of SensorDataType (RFC 3433; 14 is a later addition).
var sensorClasses = map[int64]struct{ class, unit string }{
	3: {"voltage", "V"}, 4: {"voltage", "V"}, 5: {"current", "A"}, 6: {"power", "W"}, 7: {"frequency", "Hz"},
	8: {"temperature", "°C"}, 9: {"humidity", "%"}, 10: {"fanspeed", "rpm"}, 11: {"airflow", "m³/min"}, 12: {"state", ""},
	14: {"dbm", "dBm"},
}

func readSensors(ctx context.Context, r reader) ([]Sensor, []string, error) {
	t, warnings, err := r.tables(ctx, columns{oidEntSensorEntry, []uint32{sensorType, sensorScale, sensorPrecision, sensorValue, sensorStatus}})
	if err != nil || len(t[0].Rows()) == 0 {
		return nil, warnings, err
	}
	names, more, err := r.tables(ctx, columns{oidEntPhysicalEntry, []uint32{entDescr, entName}})
	return sensors(&t[0], &names[0]), append(warnings, more...), err
}

func sensors(values, names *Table) []Sensor {
	var list []Sensor
	for _, row := range values.Rows() {
		kind, _ := row.At(sensorType).Int()
		class, ok := sensorClasses[kind]
		raw, hasValue := row.At(sensorValue).Int()
		status, _ := row.At(sensorStatus).Int()
		if !ok || !hasValue || status == statusUnavailable {
			continue
		}
		s := Sensor{Class: class.class, Unit: class.unit, State: model.OK}
		entity := names.Get(row.Index...)
		if s.Name = entity.At(entDescr).Line(); s.Name == "" {
			s.Name = entity.At(entName).Line()
		}
		if s.Name == "" {
			s.Name = class.class
		}
		scale, ok := row.At(sensorScale).Int()
		if !ok {
			scale = scaleUnits
		}
		precision, _ := row.At(sensorPrecision).Int()
		if scale < 1 || scale > 17 || precision < -8 || precision > 9 {
			continue // outside what the MIB allows: the value cannot be told
		}
		s.Value = float64(raw) * math.Pow10(3*int(scale-scaleUnits)-int(max(0, precision)))
		if status > statusUnavailable {
			s.State = model.Warning // nonoperational
		}
		list = append(list, s)
	}
	return list
}
