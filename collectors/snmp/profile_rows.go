package snmp

import (
	"strconv"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
)

// table is the rows that a reading has, at most maxReadings; a reading of scalars has one.
func (l *live) table(seen *sightings) []Row {
	if l.Table.OID == nil {
		return []Row{{}}
	}
	t := seen.tables[l.Table.String()]
	if t == nil {
		return nil
	}
	return t.Rows()[:min(len(t.Rows()), maxReadings)]
}

// rows adds the readings of all rows, and reports whether there is a row that was never surveyed.
func (l *live) rows(seen *sightings, port func(uint32) string, out *Readings) (unknown bool) {
	for _, row := range l.table(seen) {
		index := row.Index.String()
		if _, ok := l.fixed[index]; !ok {
			unknown = true
			continue
		}
		s := l.scope(row, seen, port)
		if l.When.expression != nil && !l.When.eval(s).true() || l.list.len(out) >= maxReadings {
			continue
		}
		l.list.add(out, l, s, strings.TrimPrefix(index, "."))
	}
	return unknown
}

// scope resolves the names that a reading knows, for one of its rows.
func (l *live) scope(row Row, seen *sightings, port func(uint32) string) scope {
	fixed := l.fixed[row.Index.String()]
	return func(name string) operand {
		if column, ok := l.Columns[name]; ok {
			return operandOf(row.At(column))
		}
		if o, ok := fixed[name]; ok {
			return o
		}
		if o, ok := l.Get[name]; ok {
			return operandOf(seen.objects[o.String()])
		}
		switch {
		case name == "index":
			return operand{kind: text, s: strings.TrimPrefix(row.Index.String(), ".")}
		case name == "port" && len(row.Index) > 0:
			return operand{kind: text, s: port(row.Index[0])}
		case strings.HasPrefix(name, "index"):
			if n, err := strconv.Atoi(name[len("index"):]); err == nil && n >= 1 && n <= len(row.Index) {
				return num(float64(row.Index[n-1]))
			}
		}
		return operand{}
	}
}

// nameOf is the name of a row's reading, cut to what a wall can show.
func (l *live) nameOf(s scope, otherwise string) string {
	name := l.Name.render(s)
	if name == "" {
		return otherwise
	}
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "") + "…"
	}
	return name
}

const maxName = 120 // bytes

// evalOf is an expression's operand, nothing where the profile has none.
func evalOf(e exprNode, s scope) operand {
	if e.expression == nil {
		return operand{}
	}
	return e.eval(s)
}

func addProcessor(out *Readings, l *live, s scope, index string) {
	percent, ok := evalOf(l.Percent, s).number()
	if !ok || percent < 0 || percent > 100 {
		return
	}
	out.Processors = append(out.Processors, Processor{Name: l.nameOf(s, "Processor"), Percent: percent, index: index})
}

func addVolume(list *[]Volume, l *live, s scope, index string) {
	v, ok := volumeOf(evalOf(l.Used, s), evalOf(l.Free, s), evalOf(l.Total, s), evalOf(l.Percent, s))
	if !ok {
		return
	}
	v.Name, v.index = l.nameOf(s, "Memory"), index
	*list = append(*list, v)
}

func addSensor(out *Readings, l *live, s scope, index string) {
	value, ok := evalOf(l.Value, s).number()
	if !ok {
		return
	}
	class := l.Class
	if l.ClassOf.expression != nil {
		n, ok := l.ClassOf.eval(s).number()
		if class = l.Classes[int64(n)]; !ok || class == "" {
			return
		}
	}
	sensor := Sensor{Class: class, Unit: sensorUnits[class], Name: l.nameOf(s, class), Value: value, State: model.OK, index: index}
	judged := operand{}
	if len(l.states) > 0 {
		if judged = num(value); l.StateOf.expression != nil {
			judged = l.StateOf.eval(s)
		}
	}
	if n, ok := judged.number(); ok {
		sensor.State = model.Unknown
		if v, known := l.states[int64(n)]; known {
			sensor.State, sensor.Word = v.state, v.word
		}
		sensor.judged = true
	}
	sensor.judged = sensor.judged || l.Crit.expression != nil || l.Warn.expression != nil
	switch {
	case evalOf(l.Crit, s).true():
		sensor.State = model.Critical
	case evalOf(l.Warn, s).true() && sensor.State != model.Critical:
		sensor.State = model.Warning
	}
	out.Sensors = append(out.Sensors, sensor)
}
