// Package module reads modules in the format of snmp_exporter's snmp.yml, asks an agent for what they
// name, and turns the answers into samples under the names and labels that snmp_exporter gives them.
//
//	snmp.yml -> Parse -> Module -> Read (an Agent) -> objects -> Samples
//
// Reading is split from computing: Parse and Samples are pure.
package module

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gosnmp/gosnmp"
	"github.com/prometheus/snmp_exporter/config"
)

// OID is an object identifier, one sub-identifier an element.
type OID = []uint32

// maxOIDLen is the longest OID that SNMP allows (RFC 3416, section 4.1).
const maxOIDLen = 128

// Object is one object of an answer, its value as gosnmp decodes it.
type Object struct {
	OID   OID
	Type  gosnmp.Asn1BER
	Value any
}

// Module is a compiled module: what to ask for and what to make of it. It is immutable.
type Module struct {
	Name    string
	get     []OID
	walk    []OID
	filters []filter
	metrics []metric // sorted by OID; none lies under another
}

// filter narrows subtrees to the rows in which an object matches.
type filter struct {
	oid     OID
	targets []OID
	values  []*regexp.Regexp
}

// metric is one entry of metrics.
type metric struct {
	name     string
	oid      OID
	kind     string
	previous OID // the object that tells the type of this one, for types that are told by another
	rows     *labelling
	enum     map[int]string
	names    []int // keys of enum in order
	scale    float64
	offset   float64
	pattern  string
	hint     []octetFormat
	extract  []extract
}

// extract makes a further metric of each text that one of its patterns fits.
type extract struct {
	name     string // of the metric
	patterns []config.RegexpExtract
}

// labelling is how the index of a row becomes labels. Metrics of one table mostly share one.
type labelling struct {
	number  int
	indexes []*config.Index
	lookups []lookup
}

type lookup struct {
	lookupFile
	hint     []octetFormat
	oid      OID
	previous OID
}

// The types of the format. In an index a type says how sub-identifiers are read, in a lookup how the
// bytes of a text are written.
var (
	indexTypes = []string{
		"gauge", "counter", "Integer", "Integer32", "OctetString", "DisplayString", "PhysAddress48",
		"InetAddressIPv4", "InetAddressIPv6", "InetAddress", "InetAddressMissingSize", "LldpPortId", "EnumAsInfo",
	}
	metricTypes = append([]string{
		"Float", "Double", "DateAndTime", "ParseDateAndTime", "NTPTimeStamp", "EnumAsStateSet", "Bits",
	}, indexTypes...)
	lookupTypes = append([]string{""}, metricTypes...)
)

// compile makes a module of its description.
func compile(name string, c *moduleFile) (*Module, error) {
	fail := func(metric string, err error) (*Module, error) { return nil, &place{name, metric, err} }
	if c == nil {
		return fail("", fmt.Errorf("it is empty: want walk or get, and metrics"))
	}
	m := &Module{Name: name}
	var err error
	if m.walk, err = parseOIDs(c.Walk); err != nil {
		return fail("", fmt.Errorf("walk: %w", err))
	}
	if m.get, err = parseOIDs(c.Get); err != nil {
		return fail("", fmt.Errorf("get: %w", err))
	}
	for i := range c.Filters {
		f, err := compileFilter(&c.Filters[i])
		if err != nil {
			return fail("", fmt.Errorf("filters: %w", err))
		}
		m.filters = append(m.filters, f)
	}
	shared := map[string]*labelling{}
	for i, mc := range c.Metrics {
		if mc == nil {
			return fail("", fmt.Errorf("metric %d is empty", i+1))
		}
		one, err := compileMetric(mc, shared)
		if err != nil {
			return fail(mc.Name, err)
		}
		m.metrics = append(m.metrics, one)
	}
	m.metrics = outermost(m.metrics)
	return m, nil
}

// outermost sorts by OID and leaves out what can never be found: of several metrics on one path the one
// nearest to the root counts, and of several with one OID the last.
func outermost(list []metric) []metric {
	slices.SortStableFunc(list, func(a, b metric) int { return slices.Compare(a.oid, b.oid) })
	var out []metric
	for i := range list {
		if n := len(out); n > 0 && hasPrefix(list[i].oid, out[n-1].oid) {
			if len(list[i].oid) == len(out[n-1].oid) {
				out[n-1] = list[i]
			}
			continue
		}
		out = append(out, list[i])
	}
	return out
}

func compileFilter(c *config.DynamicFilter) (filter, error) {
	var f filter
	var err error
	if f.oid, err = parseOID(c.Oid); err != nil {
		return f, err
	}
	if f.targets, err = parseOIDs(c.Targets); err != nil {
		return f, err
	}
	for _, v := range c.Values {
		re, err := regexp.Compile(v)
		if err != nil {
			return f, fmt.Errorf("value %.80q: %w", v, err)
		}
		f.values = append(f.values, re)
	}
	return f, nil
}

func compileMetric(c *metricFile, shared map[string]*labelling) (metric, error) {
	m := metric{
		name: c.Name, kind: c.Type, enum: c.EnumValues, names: sortedKeys(c.EnumValues),
		scale: c.Scale, offset: c.Offset, pattern: c.DateTimePattern,
	}
	if m.scale == 0 {
		m.scale = 1
	}
	if !metricName.MatchString(c.Name) {
		return m, fmt.Errorf("name %.80q: want letters, digits and _, not a digit first", c.Name)
	}
	var err error
	if m.oid, err = parseOID(c.OID); err != nil {
		return m, fmt.Errorf("oid: %w", err)
	}
	if !slices.Contains(metricTypes, c.Type) {
		return m, fmt.Errorf("type %.80q is unknown%s", c.Type, hint(c.Type, metricTypes))
	}
	if combined[c.Type] != nil {
		m.previous = previous(m.oid)
	}
	if c.DisplayHint != "" {
		if m.hint, err = parseDisplayHint(c.DisplayHint); err != nil {
			return m, err
		}
	}
	for _, key := range sortedKeys(c.RegexpExtracts) {
		e := extract{name: c.Name + key, patterns: c.RegexpExtracts[key]}
		if !metricName.MatchString(e.name) {
			return m, fmt.Errorf("regex_extracts: %.80q makes no metric name", key)
		}
		for _, p := range e.patterns {
			if p.Regex.Regexp == nil {
				return m, fmt.Errorf("regex_extracts %s: an entry has no regex", key)
			}
		}
		m.extract = append(m.extract, e)
	}
	m.rows, err = compileLabels(c, shared)
	return m, err
}

// metricName is the classic form of Prometheus' names; label names are no wider.
var metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)

func compileLabels(c *metricFile, shared map[string]*labelling) (*labelling, error) {
	var key strings.Builder
	l := &labelling{number: len(shared)}
	for _, i := range c.Indexes {
		if i == nil || !metricName.MatchString(i.Labelname) {
			return nil, fmt.Errorf("an index has no valid labelname")
		}
		if !slices.Contains(indexTypes, i.Type) {
			return nil, fmt.Errorf("index %s: type %.80q is unknown%s", i.Labelname, i.Type, hint(i.Type, indexTypes))
		}
		if i.FixedSize < 0 || i.FixedSize > maxOIDLen {
			return nil, fmt.Errorf("index %s: fixed_size %d: want 1 to %d", i.Labelname, i.FixedSize, maxOIDLen)
		}
		l.indexes = append(l.indexes, i)
		fmt.Fprintf(&key, "%q %q %d %t %v\n", i.Labelname, i.Type, i.FixedSize, i.Implied, i.EnumValues)
	}
	for _, lc := range c.Lookups {
		if lc == nil || !metricName.MatchString(lc.Labelname) {
			return nil, fmt.Errorf("a lookup has no valid labelname")
		}
		one := lookup{lookupFile: *lc}
		if len(lc.Labels) > 0 { // without labels it takes a label away
			var err error
			if one.oid, err = parseOID(lc.Oid); err != nil {
				return nil, fmt.Errorf("lookup %s: oid: %w", lc.Labelname, err)
			}
			if !slices.Contains(lookupTypes, lc.Type) {
				return nil, fmt.Errorf("lookup %s: type %.80q is unknown%s", lc.Labelname, lc.Type, hint(lc.Type, metricTypes))
			}
			if combined[lc.Type] != nil {
				one.previous = previous(one.oid)
			}
			if lc.DisplayHint != "" {
				if one.hint, err = parseDisplayHint(lc.DisplayHint); err != nil {
					return nil, fmt.Errorf("lookup %s: %w", lc.Labelname, err)
				}
			}
		}
		l.lookups = append(l.lookups, one)
		fmt.Fprintf(&key, "lookup %q %q %q %q %q %v\n", lc.Labelname, lc.Labels, lc.Oid, lc.Type, lc.DisplayHint, lc.EnumValues)
	}
	if same := shared[key.String()]; same != nil {
		return same, nil
	}
	shared[key.String()] = l
	return l, nil
}

// find returns the metric that an object is of, nil for none.
func (m *Module) find(oid OID) *metric {
	i, exact := slices.BinarySearchFunc(m.metrics, oid, func(e metric, oid OID) int { return slices.Compare(e.oid, oid) })
	if !exact {
		i--
	}
	if i < 0 || !hasPrefix(oid, m.metrics[i].oid) {
		return nil
	}
	return &m.metrics[i]
}

// previous is the column before an OID's last sub-identifier, nil when there is none.
func previous(oid OID) OID {
	last := len(oid) - 1
	if oid[last] == 0 {
		return nil
	}
	out := slices.Clone(oid)
	out[last]--
	return out
}

// hasPrefix reports whether oid is root or lies under it.
func hasPrefix(oid, root OID) bool {
	return len(oid) >= len(root) && slices.Equal(oid[:len(root)], root)
}

func parseOIDs(texts []string) ([]OID, error) {
	out := make([]OID, 0, len(texts))
	for _, t := range texts {
		oid, err := parseOID(t)
		if err != nil {
			return nil, err
		}
		out = append(out, oid)
	}
	return out, nil
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
