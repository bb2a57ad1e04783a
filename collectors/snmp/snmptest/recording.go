// Package snmptest plays SNMP devices for tests: it reads recordings in the format of snmpsim
// (.snmprec) and serves them over UDP, well-behaved or in one of the ways in which real agents
// misbehave.
package snmptest

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/gosnmp/gosnmp"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
)

// object is one line of a recording.
type object struct {
	oid   snmp.OID
	name  string // the dotted form of oid
	kind  gosnmp.Asn1BER
	value any // as gosnmp marshals it
}

// Recording is the walk of one device, sorted as an agent answers it.
type Recording struct {
	objects []object
	Skipped int // lines that did not parse
}

// maxLine bounds one line of a recording.
const maxLine = 1 << 20

// Load reads a recording from a file.
func Load(path string) (*Recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	rec, err := Parse(f)
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", path, err)
	}
	return rec, nil
}

// Parse reads lines "OID|tag|value". Real recordings are unsorted, repeat objects and have broken
// lines: it sorts, keeps the first of equal objects, and counts what does not parse.
func Parse(r io.Reader) (*Recording, error) {
	rec := &Recording{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		o, err := parseLine(line)
		if err != nil {
			rec.Skipped++
			continue
		}
		rec.objects = append(rec.objects, o)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", len(rec.objects)+rec.Skipped+1, err)
	}
	slices.SortStableFunc(rec.objects, func(a, b object) int { return a.oid.Compare(b.oid) })
	rec.objects = slices.CompactFunc(rec.objects, func(a, b object) bool { return a.oid.Compare(b.oid) == 0 })
	return rec, nil
}

func parseLine(line string) (object, error) {
	fields := strings.SplitN(line, "|", 3)
	if len(fields) != 3 {
		return object{}, fmt.Errorf("want OID|tag|value")
	}
	oid, err := snmp.ParseOID(fields[0])
	if err != nil {
		return object{}, err
	}
	if len(oid) < 2 || oid[0] > 2 || oid[1] >= 40 && oid[0] < 2 { // not encodable (X.690, 8.19.4)
		return object{}, fmt.Errorf("%s has no encoding", oid)
	}
	tag, text := fields[1], fields[2]
	switch {
	case strings.HasSuffix(tag, "x"):
		raw, err := hex.DecodeString(text)
		if err != nil {
			return object{}, err
		}
		tag, text = strings.TrimSuffix(tag, "x"), string(raw)
		if tag == "64" && len(raw) == 4 {
			text = fmt.Sprintf("%d.%d.%d.%d", raw[0], raw[1], raw[2], raw[3])
		}
	case strings.HasSuffix(tag, "e"):
		plain, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
		if err != nil {
			return object{}, err
		}
		tag, text = strings.TrimSuffix(tag, "e"), plain
	}
	n, err := strconv.ParseUint(tag, 10, 8)
	if err != nil {
		return object{}, err
	}
	o := object{oid: oid, name: oid.String(), kind: gosnmp.Asn1BER(n)}
	o.value, err = parseValue(o.kind, text)
	return o, err
}

func parseValue(kind gosnmp.Asn1BER, text string) (any, error) {
	switch kind {
	case gosnmp.Integer:
		n, err := strconv.ParseInt(text, 10, 64)
		if err == nil && (n < math.MinInt32 || n > math.MaxInt32) {
			n = int64(int32(n)) // some recorders write unsigned what is signed
		}
		return int(n), err
	case gosnmp.OctetString, gosnmp.Opaque:
		return []byte(text), nil
	case gosnmp.Null, gosnmp.NoSuchObject, gosnmp.NoSuchInstance, gosnmp.EndOfMibView:
		return nil, nil
	case gosnmp.ObjectIdentifier:
		oid, err := snmp.ParseOID(text)
		if err == nil && (len(oid) < 2 || oid[0] > 2 || oid[1] >= 40 && oid[0] < 2) {
			return nil, fmt.Errorf("%s has no encoding", oid)
		}
		return oid.String(), err
	case gosnmp.IPAddress:
		var b [4]byte
		parts := strings.Split(text, ".")
		if len(parts) != 4 {
			return nil, fmt.Errorf("%q is no IPv4 address", text)
		}
		for i, p := range parts {
			n, err := strconv.ParseUint(p, 10, 8)
			if err != nil {
				return nil, err
			}
			b[i] = byte(n)
		}
		return b[:], nil
	case gosnmp.Counter32, gosnmp.Gauge32, gosnmp.TimeTicks:
		n, err := strconv.ParseUint(text, 10, 64)
		return uint32(n), err
	case gosnmp.Counter64:
		return strconv.ParseUint(text, 10, 64)
	}
	return nil, fmt.Errorf("unknown tag %d", kind)
}

// Set adds or replaces an object; tag is the recording's ("2", "4", "4x", "65", ...).
func (r *Recording) Set(oid, tag, value string) error {
	o, err := parseLine(oid + "|" + tag + "|" + value)
	if err != nil {
		return fmt.Errorf("set %s: %w", oid, err)
	}
	i, found := r.find(o.oid)
	if found {
		r.objects[i] = o
	} else {
		r.objects = slices.Insert(r.objects, i, o)
	}
	return nil
}

// Delete removes a subtree, or one object.
func (r *Recording) Delete(root string) error {
	oid, err := snmp.ParseOID(root)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	r.objects = slices.DeleteFunc(r.objects, func(o object) bool { return o.oid.Under(oid) || o.oid.Compare(oid) == 0 })
	return nil
}

// Add moves a counter or a clock by n, with its own wrap.
func (r *Recording) Add(oid string, n uint64) error {
	o, err := snmp.ParseOID(oid)
	if err != nil {
		return fmt.Errorf("add: %w", err)
	}
	i, found := r.find(o)
	if !found {
		return fmt.Errorf("add: no object %s", oid)
	}
	switch v := r.objects[i].value.(type) {
	case uint32:
		r.objects[i].value = v + uint32(n)
	case uint64:
		r.objects[i].value = v + n
	default:
		return fmt.Errorf("add: %s is no counter", oid)
	}
	return nil
}

// Len is the number of objects.
func (r *Recording) Len() int { return len(r.objects) }

func (r *Recording) find(oid snmp.OID) (int, bool) {
	return slices.BinarySearchFunc(r.objects, oid, func(o object, oid snmp.OID) int { return o.oid.Compare(oid) })
}

func (r *Recording) get(oid snmp.OID) (object, bool) {
	i, found := r.find(oid)
	if !found {
		return object{}, false
	}
	return r.objects[i], true
}

func (r *Recording) next(oid snmp.OID) (object, bool) {
	i, found := r.find(oid)
	if found {
		i++
	}
	if i == len(r.objects) {
		return object{}, false
	}
	return r.objects[i], true
}
