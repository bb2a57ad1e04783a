package trap

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Names is what the numbers of traps and objects are called. It does not change once it is made.
type Names struct{ byOID map[string]name }

type name struct {
	text     string
	severity model.State      // of a notification
	values   map[int64]string // of an object that is an enumeration
}

var severities = map[string]model.State{"ok": model.OK, "warning": model.Warning, "critical": model.Critical}

// ParseNames reads a line for each object: its OID, its name, and then either the severity, of a
// notification, or the names of the values, of an object ("up=1"). # begins a comment.
func ParseNames(text []byte) (*Names, error) {
	n := &Names{byOID: map[string]name{}}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for at := 1; lines.Scan(); at++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) < 2 || !isOID(fields[0]) {
			return nil, fmt.Errorf("line %d: want an OID and a name", at)
		}
		if _, twice := n.byOID[fields[0]]; twice {
			return nil, fmt.Errorf("line %d: %s is there twice", at, fields[0])
		}
		entry := name{text: fields[1]}
		for _, field := range fields[2:] {
			label, number, isValue := strings.Cut(field, "=")
			if severity, ok := severities[field]; ok && !isValue {
				entry.severity = severity
				continue
			}
			v, err := strconv.ParseInt(number, 10, 32)
			if err != nil || !isValue {
				return nil, fmt.Errorf("line %d: %q is neither a severity nor a value such as up=1", at, field)
			}
			if entry.values == nil {
				entry.values = map[int64]string{}
			}
			entry.values[v] = label
		}
		n.byOID[fields[0]] = entry
	}
	return n, lines.Err()
}

func isOID(s string) bool {
	if s == "" || len(s) > maxText || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "..") {
		return false
	}
	return strings.Trim(s, "0123456789.") == ""
}

// WithModules returns the names together with those of the metrics of a file in the format of
// snmp_exporter's snmp.yml, which then count for more. Whatever else the file holds is not looked at.
func (n *Names) WithModules(file []byte) (*Names, error) {
	var modules struct {
		Modules map[string]struct {
			Metrics []struct {
				Name   string           `yaml:"name"`
				OID    string           `yaml:"oid"`
				Values map[int64]string `yaml:"enum_values"`
			} `yaml:"metrics"`
		} `yaml:"modules"`
	}
	if err := yaml.Unmarshal(file, &modules); err != nil {
		return nil, fmt.Errorf("names of a module file: %w", err)
	}
	out := &Names{byOID: map[string]name{}}
	maps.Copy(out.byOID, n.byOID)
	for _, module := range slices.Sorted(maps.Keys(modules.Modules)) { // of two names, always the same one
		for _, metric := range modules.Modules[module].Metrics {
			oid := dotless(metric.OID)
			if !isOID(oid) || metric.Name == "" {
				continue
			}
			entry := out.byOID[oid]
			entry.text = metric.Name
			if len(metric.Values) > 0 {
				entry.values = metric.Values
			}
			out.byOID[oid] = entry
		}
	}
	return out, nil
}

// find returns the longest known prefix of an OID and what stands behind it, the index.
func (n *Names) find(oid string) (found name, index string) {
	for end := len(oid); end > 0; end = strings.LastIndexByte(oid[:end], '.') {
		if entry, ok := n.byOID[oid[:end]]; ok {
			return entry, strings.TrimPrefix(oid[end:], ".")
		}
	}
	return name{}, ""
}

// Name returns what an OID is called, with its index but for the 0 of single objects; the OID itself
// where nobody knows.
func (n *Names) Name(oid string) string {
	switch found, index := n.find(oid); {
	case found.text == "":
		return oid
	case index == "" || index == "0":
		return found.text
	default:
		return found.text + "." + index
	}
}

// Severity is that of a notification; of one that nobody knows, a warning: somebody set it up to be sent.
func (n *Names) Severity(oid string) model.State {
	if found, index := n.find(oid); index == "" && found.severity != model.Unknown {
		return found.severity
	}
	return model.Warning
}

// Value returns a variable's value in words.
func (n *Names) Value(v *VarBind) string {
	switch v.Kind {
	case ValueInt:
		found, _ := n.find(v.OID)
		if word := found.values[v.Int]; word != "" {
			return word
		}
		return strconv.FormatInt(v.Int, 10)
	case ValueTicks:
		return ticks(v.Int).String()
	case ValueOID:
		return n.Name(v.Text)
	}
	return v.Text
}
