package snmp

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"strings"

	"github.com/gosnmp/gosnmp"

	"github.com/nocturne-noc/nocturne/collectors/snmp/plain"
)

// maxText bounds what is kept of one string of a device, in bytes.
const maxText = 4096

// Value is what an agent answered for one object.
type Value struct {
	Type gosnmp.Asn1BER
	raw  any
}

// VarBind is one object of an answer.
type VarBind struct {
	OID   OID
	Value Value
}

// Exception reports whether the agent said that there is no such object, or no more of them.
func (v Value) Exception() bool {
	return v.Type == gosnmp.NoSuchObject || v.Type == gosnmp.NoSuchInstance || v.Type == gosnmp.EndOfMibView
}

// Exists reports whether there is a value at all.
func (v Value) Exists() bool { return !v.Exception() && v.raw != nil }

// Bytes returns an OCTET STRING as it came, nil for anything else.
func (v Value) Bytes() []byte {
	switch raw := v.raw.(type) {
	case []byte:
		return raw
	case string:
		if v.Type == gosnmp.OctetString {
			return []byte(raw)
		}
	}
	return nil
}

// Text returns a DisplayString made safe to show: UTF-8, without control characters but for
// newlines and tabs, at most 4096 bytes.
func (v Value) Text() string {
	if b := v.Bytes(); b != nil {
		return cleanText(b)
	}
	if v.raw == nil {
		return ""
	}
	return fmt.Sprint(v.raw)
}

// Line is Text on one line.
func (v Value) Line() string { return oneLine.Replace(v.Text()) }

var oneLine = strings.NewReplacer("\n", " ", "\t", " ")

// Int returns an integer of any of SNMP's types, false where there is none.
func (v Value) Int() (int64, bool) {
	switch n := v.raw.(type) {
	case int:
		return int64(n), true
	case uint:
		return int64(n), uint64(n) <= math.MaxInt64
	case uint32:
		return int64(n), true
	case uint64:
		return int64(n), n <= math.MaxInt64
	}
	return 0, false
}

// Uint returns a counter or gauge, false where there is none.
func (v Value) Uint() (uint64, bool) {
	switch n := v.raw.(type) {
	case int:
		return uint64(n), n >= 0
	case uint:
		return uint64(n), true
	case uint32:
		return uint64(n), true
	case uint64:
		return n, true
	}
	return 0, false
}

// OID returns an OBJECT IDENTIFIER, nil for anything else.
func (v Value) OID() OID {
	s, ok := v.raw.(string)
	if !ok || v.Type != gosnmp.ObjectIdentifier {
		return nil
	}
	oid, err := ParseOID(s)
	if err != nil {
		return nil
	}
	return oid
}

// MAC returns a six-byte PhysAddress as "00:11:22:33:44:55", "" for anything else and for zeros.
func (v Value) MAC() string { return macText(v.Bytes()) }

func macText(b []byte) string {
	if len(b) != 6 || [6]byte(b) == [6]byte{} {
		return ""
	}
	return net.HardwareAddr(b).String()
}

// addrText returns the four or sixteen bytes of a network address in text, "" for others.
func addrText(b []byte) string {
	addr, ok := netip.AddrFromSlice(b)
	if !ok || addr.IsUnspecified() {
		return ""
	}
	return addr.String()
}

func cleanText(b []byte) string { return plain.Text(b, maxText) }
