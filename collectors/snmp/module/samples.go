package module

import (
	"slices"
	"strconv"
	"strings"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// maxSamples bounds what one module makes of one device.
const maxSamples = 100_000

// Samples turns objects into samples without a time, sorted by the objects' OIDs. Each has the labels
// of extra as well; a label of the module that has one of their names gets "exported_" before it, as
// Prometheus does. Of several objects with one OID the last counts, of several samples with one label
// set the first. truncated says that there were more than fit.
func (m *Module) Samples(objects []Object, extra ...labels.Label) (samples []model.Sample, truncated bool) {
	slices.SortStableFunc(objects, func(a, b Object) int { return slices.Compare(a.OID, b.OID) })
	c := &conversion{module: m, objects: lastOfEach(objects), extra: extra, rows: map[rowKey]*row{}, seen: make(map[uint64]struct{}, len(objects))}
	c.samples = make([]model.Sample, 0, len(objects))
	var one *metric
	for i := range c.objects {
		o := &c.objects[i]
		if one == nil || !hasPrefix(o.OID, one.oid) {
			if one = m.find(o.OID); one == nil {
				continue
			}
		}
		if len(c.samples) >= maxSamples {
			return c.samples, true
		}
		c.object(one, o)
	}
	return c.samples, false
}

// lastOfEach drops all but the last of equal OIDs from a sorted list, in place.
func lastOfEach(objects []Object) []Object {
	out := objects[:0]
	for i := range objects {
		if n := len(out); n > 0 && slices.Equal(out[n-1].OID, objects[i].OID) {
			out[n-1] = objects[i]
			continue
		}
		out = append(out, objects[i])
	}
	return out
}

// conversion is one run of Samples.
type conversion struct {
	module  *Module
	objects []Object
	extra   []labels.Label
	rows    map[rowKey]*row
	seen    map[uint64]struct{}
	samples []model.Sample
	builder labels.ScratchBuilder
	key     []byte
	path    OID
}

// rowKey is a row of a table, as one labelling sees it.
type rowKey struct {
	labelling int
	index     string
}

// row is the labels that all columns of a row share.
type row struct {
	pairs []labels.Label
}

func (r *row) has(name string) bool {
	return slices.ContainsFunc(r.pairs, func(l labels.Label) bool { return l.Name == name })
}

func (c *conversion) object(m *metric, o *Object) {
	index := o.OID[len(m.oid):]
	r := c.row(m.rows, index)
	switch m.kind {
	case "gauge", "counter", "Float", "Double":
		c.add(m.name, r, "", "", number(o)*m.scale+m.offset)
	case "DateAndTime", "ParseDateAndTime", "NTPTimeStamp":
		if seconds, ok := m.instant(o); ok {
			c.add(m.name, r, "", "", seconds*m.scale+m.offset)
		}
	case "EnumAsInfo":
		c.add(m.name+"_info", r, m.name, m.enumText(int(number(o))), 1)
	case "EnumAsStateSet":
		c.stateSet(m, r, int(number(o)))
	case "Bits":
		c.bits(m, r, o)
	default:
		c.text(m, r, o, index)
	}
}

func (m *metric) enumText(n int) string {
	if name, ok := m.enum[n]; ok {
		return name
	}
	return strconv.Itoa(n)
}

// stateSet makes one sample a state, 1 for the one that it is in.
func (c *conversion) stateSet(m *metric, r *row, state int) {
	c.add(m.name, r, m.name, m.enumText(state), 1)
	for _, n := range m.names {
		if n != state {
			c.add(m.name, r, m.name, m.enum[n], 0)
		}
	}
}

// bits makes one sample a named bit of a BITS (RFC 2578, section 7.1.4), the most significant first.
func (c *conversion) bits(m *metric, r *row, o *Object) {
	b, ok := o.Value.([]byte)
	if !ok {
		return
	}
	for _, n := range m.names {
		v := 0.0
		if n >= 0 && n < 8*len(b) && b[n/8]&(128>>(n%8)) != 0 {
			v = 1
		}
		c.add(m.name, r, m.name, m.enum[n], v)
	}
}

// text makes a sample of value 1 with the text as a label, or what the metric extracts from the text.
func (c *conversion) text(m *metric, r *row, o *Object, index OID) {
	typ := m.kind
	if types, ok := combined[typ]; ok {
		typ = "OctetString"
		if other := c.get(m.previous, index); other != nil {
			if t, ok := types[int(number(other))]; ok {
				typ = t
			}
		}
	}
	if len(m.extract) > 0 {
		c.extract(m, r, text(o, typ, m.hint))
		return
	}
	name, value := m.name, ""
	if r.has(name) { // an index of the same name says it already
		name = ""
	} else {
		value = text(o, typ, m.hint)
	}
	c.add(m.name, r, name, value, m.scale+m.offset)
}

// extract takes the first pattern of each that fits; what it yields must be a number.
func (c *conversion) extract(m *metric, r *row, s string) {
	for _, e := range m.extract {
		for _, p := range e.patterns {
			at := p.Regex.FindStringSubmatchIndex(s)
			if at == nil {
				continue
			}
			if v, err := strconv.ParseFloat(string(p.Regex.ExpandString(nil, p.Value, s, at)), 64); err == nil {
				c.add(e.name, r, "", "", v)
				break
			}
		}
	}
}

// add appends a sample with the labels of a row and, where name is not empty, one more.
func (c *conversion) add(metric string, r *row, name, value string, v float64) {
	if !finite(v) || name != "" && r.has(name) {
		return // no value, or a label twice
	}
	ls := c.labels(metric, r, name, value)
	hash := ls.Hash()
	if _, twice := c.seen[hash]; twice {
		return
	}
	c.seen[hash] = struct{}{}
	c.samples = append(c.samples, model.Sample{Labels: ls, V: v})
}

func (c *conversion) labels(metric string, r *row, name, value string) labels.Labels {
	c.builder.Reset()
	c.builder.Add(prom.MetricNameLabel, metric)
	for _, l := range r.pairs {
		if l.Value != "" {
			c.builder.Add(c.own(l.Name), l.Value)
		}
	}
	if value != "" {
		c.builder.Add(c.own(name), value)
	}
	for _, l := range c.extra {
		c.builder.Add(l.Name, l.Value)
	}
	c.builder.Sort()
	return c.builder.Labels()
}

// own keeps a module's label apart from ours.
func (c *conversion) own(name string) string {
	for _, l := range c.extra {
		if l.Name == name {
			return "exported_" + name
		}
	}
	return name
}

// row returns the labels of a row; the columns of a table ask for the same ones.
func (c *conversion) row(l *labelling, index OID) *row {
	c.key = c.key[:0]
	for _, n := range index {
		c.key = append(c.key, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	if r := c.rows[rowKey{l.number, string(c.key)}]; r != nil {
		return r
	}
	r := c.newRow(l, index)
	c.rows[rowKey{l.number, string(c.key)}] = r
	return r
}

func (c *conversion) newRow(l *labelling, index OID) *row {
	type cell struct {
		name, value string
		part        OID
	}
	cells := make([]cell, 0, len(l.indexes)+len(l.lookups))
	at := func(name string) int { return slices.IndexFunc(cells, func(c cell) bool { return c.name == name }) }
	set := func(name, value string, part OID) {
		if i := at(name); i >= 0 {
			cells[i].value, cells[i].part = value, part
			return
		}
		cells = append(cells, cell{name, value, part})
	}
	for _, i := range l.indexes {
		s, used, rest := indexText(index, i)
		set(i.Labelname, clean(s), used)
		index = rest
	}
	gone := map[string]bool{}
	for _, look := range l.lookups {
		if len(look.Labels) == 0 {
			gone[look.Labelname] = true
			continue
		}
		var key OID
		known := true
		for _, name := range look.Labels {
			i := at(name)
			if known = known && i >= 0 && len(cells[i].part) > 0; known {
				key = append(key, cells[i].part...)
			}
		}
		var o *Object
		if known {
			o = c.get(look.oid, key)
		}
		delete(gone, look.Labelname)
		if o == nil { // the label is empty; its own sub-identifiers, if it is an index, stay
			var part OID
			if i := at(look.Labelname); i >= 0 {
				part = cells[i].part
			}
			set(look.Labelname, "", part)
			continue
		}
		set(look.Labelname, c.lookupText(&look, o, key), OID{uint32(integer(o.Value))})
	}
	r := &row{pairs: make([]labels.Label, 0, len(cells))}
	for _, cell := range cells {
		if !gone[cell.name] {
			r.pairs = append(r.pairs, labels.Label{Name: cell.name, Value: cell.value})
		}
	}
	slices.SortFunc(r.pairs, func(a, b labels.Label) int { return strings.Compare(a.Name, b.Name) })
	return r
}

// lookupText is what a lookup found. Another object may tell its type.
func (c *conversion) lookupText(l *lookup, o *Object, key OID) string {
	typ := l.Type
	if typ == "EnumAsInfo" && len(l.EnumValues) > 0 {
		n := int(integer(o.Value))
		if name, ok := l.EnumValues[n]; ok {
			return name
		}
		return strconv.Itoa(n)
	}
	if types, ok := combined[typ]; ok {
		if other := c.get(l.previous, key); other != nil {
			if t, ok := types[int(number(other))]; ok {
				typ = t
			}
		}
	}
	return text(o, typ, l.hint)
}

// get returns the object root.index, nil for none.
func (c *conversion) get(root, index OID) *Object {
	if root == nil {
		return nil
	}
	c.path = append(append(c.path[:0], root...), index...)
	i, ok := slices.BinarySearchFunc(c.objects, c.path, func(o Object, oid OID) int { return slices.Compare(o.OID, oid) })
	if !ok {
		return nil
	}
	return &c.objects[i]
}
