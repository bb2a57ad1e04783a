package module

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gosnmp/gosnmp"
	"github.com/itchyny/timefmt-go"
	"github.com/prometheus/snmp_exporter/config"
)

// maxText bounds what is kept of one string of a device, in bytes: several make a label set that the
// store still takes.
const maxText = 1024

// mantissa is 2^53: above it a float64 leaves out integers. 64-bit counters wrap there, as
// snmp_exporter has it, so that their rates stay exact.
const mantissa = 1 << 53

// number is an object as a sample's value; what is no number is 0.
func number(o *Object) float64 {
	n := integer(o.Value)
	switch o.Type {
	case gosnmp.Counter64:
		return float64(uint64(n) % mantissa)
	case gosnmp.OpaqueFloat:
		f, _ := o.Value.(float32)
		return float64(f)
	case gosnmp.OpaqueDouble:
		f, _ := o.Value.(float64)
		return f
	}
	return float64(n)
}

// integer is an integer of any of SNMP's types, or a text of one; 0 for anything else. Above 2^63 it
// is the two's complement.
func integer(value any) int64 {
	switch n := value.(type) {
	case int:
		return int64(n)
	case uint:
		return int64(n)
	case uint32:
		return int64(n)
	case uint64:
		return int64(n)
	case string:
		i, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			return 0
		}
		return i
	}
	return 0
}

// text writes a value as a label: typ says how bytes are meant, and hint, where there is one, how
// those without a meaning are written.
func text(o *Object, typ string, hint []octetFormat) string {
	switch v := o.Value.(type) {
	case int:
		return strconv.Itoa(v)
	case uint:
		return strconv.FormatUint(uint64(v), 10)
	case uint32:
		return strconv.FormatUint(uint64(v), 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float32:
		return strconv.FormatFloat(float64(v), 'f', -1, 32)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		if o.Type == gosnmp.ObjectIdentifier {
			v = strings.TrimPrefix(v, ".")
		}
		return clean(v)
	case []byte:
		if hint != nil && (typ == "" || typ == "OctetString") {
			return hinted(hint, v[:min(len(v), maxText)])
		}
		return bytesText(v, typ)
	}
	return ""
}

func bytesText(b []byte, typ string) string {
	b = b[:min(len(b), maxText)]
	switch typ {
	case "DisplayString":
		return clean(string(b))
	case "PhysAddress48", "InetAddressIPv4", "InetAddressIPv6", "InetAddress", "InetAddressMissingSize", "LldpPortId",
		"gauge", "counter", "Integer", "Integer32", "EnumAsInfo":
		parts := make(OID, len(b))
		for i, c := range b {
			parts[i] = uint32(c)
		}
		s, _, _ := indexText(parts, &config.Index{Type: typ})
		return clean(s)
	}
	if len(b) == 0 {
		return ""
	}
	return hexText(b)
}

// clean makes a device's text safe to keep and to show: UTF-8, bounded, and nothing in it that steers a
// terminal or turns text around. Line ends and tabs stay: sysDescr has them.
func clean(s string) string {
	if plain(s) {
		return s
	}
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '\r' && !strings.HasPrefix(s[i+1:], "\n"): // alone it would overwrite the line
			continue
		case r == '\n' || r == '\t' || r == '\r':
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			continue
		}
		if b.Len()+utf8.RuneLen(r) > maxText {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plain reports whether a text is short and printable ASCII, as nearly all are.
func plain(s string) bool {
	if len(s) > maxText {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// ntpEpoch is 1970 in seconds since 1900 (RFC 5905).
const ntpEpoch = 2_208_988_800

// instant is a time in Unix seconds; false where the object holds none.
func (m *metric) instant(o *Object) (float64, bool) {
	if m.kind == "ParseDateAndTime" {
		return parseTime(text(o, "DisplayString", nil), m.pattern)
	}
	b, ok := o.Value.([]byte)
	if !ok {
		return 0, false
	}
	if m.kind == "NTPTimeStamp" {
		if len(b) != 8 {
			return 0, false
		}
		return float64(int64(binary.BigEndian.Uint32(b)) - ntpEpoch), true
	}
	return dateAndTime(b)
}

// dateAndTime reads a DateAndTime (RFC 2579): 8 bytes, with a zone 11.
func dateAndTime(b []byte) (float64, bool) {
	zone := time.UTC
	switch len(b) {
	case 8:
	case 11:
		t, err := time.Parse("-0700", fmt.Sprintf("%s%02d%02d", string(rune(b[8])), b[9], b[10]))
		if err != nil {
			return 0, false
		}
		zone = t.Location()
	default:
		return 0, false
	}
	t := time.Date(int(binary.BigEndian.Uint16(b)), time.Month(b[2]), int(b[3]), int(b[4]), int(b[5]), int(b[6]), 0, zone)
	return float64(t.Unix()), true
}

// parseTime reads a text by a strptime pattern. The library is not ours and the text is not either.
func parseTime(s, pattern string) (seconds float64, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	t, err := timefmt.Parse(s, pattern)
	if err != nil {
		return 0, false
	}
	return float64(t.Unix()), true
}

// finite keeps what a scale or a device can make of a number out of history.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
