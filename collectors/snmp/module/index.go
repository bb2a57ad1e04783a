package module

import (
	"strconv"

	"github.com/prometheus/snmp_exporter/config"
)

// combined are the types that another object, or the sub-identifier before, tells.
var combined = map[string]map[int]string{
	"InetAddress":            {1: "InetAddressIPv4", 2: "InetAddressIPv6"},
	"InetAddressMissingSize": {1: "InetAddressIPv4", 2: "InetAddressIPv6"},
	"LldpPortId":             {1: "DisplayString", 2: "DisplayString", 3: "PhysAddress48", 5: "DisplayString", 7: "DisplayString"},
}

const upperHex = "0123456789ABCDEF"

// split cuts n sub-identifiers off. Some agents leave out trailing zeros: what is missing is zero. No
// OID holds more than 128, whatever length it claims.
func split(parts OID, n uint32) (head, tail OID) {
	size := int(min(n, max(maxOIDLen, uint32(min(len(parts), maxText)))))
	if size <= len(parts) {
		return parts[:size], parts[size:]
	}
	head = make(OID, size)
	copy(head, parts)
	return head, nil
}

// indexText reads one index (RFC 2578, section 7.7) off parts: its text, the sub-identifiers that it
// took and those that are left.
func indexText(parts OID, index *config.Index) (text string, used, rest OID) {
	if types, ok := combined[index.Type]; ok {
		return combinedText(parts, index, types)
	}
	switch index.Type {
	case "PhysAddress48":
		used, rest = split(parts, 6)
		buf := make([]byte, 0, 17)
		for i, n := range used {
			if i > 0 {
				buf = append(buf, ':')
			}
			buf = appendHex(buf, n)
		}
		return string(buf), used, rest
	case "OctetString":
		used, content, rest := octets(parts, index)
		if len(content) == 0 {
			return "", used, rest
		}
		return hexText(bytesOf(content)), used, rest
	case "DisplayString":
		used, content, rest := octets(parts, index)
		return string(bytesOf(content)), used, rest
	case "InetAddressIPv4":
		used, rest = split(parts, 4)
		buf := make([]byte, 0, 15)
		for i, n := range used {
			if i > 0 {
				buf = append(buf, '.')
			}
			buf = strconv.AppendUint(buf, uint64(n), 10)
		}
		return string(buf), used, rest
	case "InetAddressIPv6":
		used, rest = split(parts, 16)
		buf := make([]byte, 0, 39)
		for i, n := range used {
			if i > 0 && i%2 == 0 {
				buf = append(buf, ':')
			}
			buf = appendHex(buf, n)
		}
		return string(buf), used, rest
	case "EnumAsInfo":
		used, rest = split(parts, 1)
		if name, ok := index.EnumValues[int(used[0])]; ok {
			return name, used, rest
		}
	default: // the integers; the loader lets nothing else through
		used, rest = split(parts, 1)
	}
	return strconv.FormatUint(uint64(used[0]), 10), used, rest
}

// combinedText reads an address with its type and, mostly, its size before it.
func combinedText(parts OID, index *config.Index, types map[int]string) (text string, used, rest OID) {
	sized := index.Type != "InetAddressMissingSize"
	head, tail := split(parts, 1)
	size := uint32(0)
	if sized {
		head, tail = split(parts, 2)
		size = head[1]
	}
	if t, ok := types[int(head[0])]; ok {
		text, used, rest = indexText(tail, &config.Index{Type: t, EnumValues: index.EnumValues})
		return text, append(append(make(OID, 0, len(head)+len(used)), head...), used...), rest
	}
	if !sized {
		return indexText(parts, &config.Index{Type: "OctetString", Implied: true})
	}
	return indexText(parts, &config.Index{Type: "OctetString", FixedSize: int(min(size, maxOIDLen)) + 2})
}

// octets reads a string: of the size that its type fixes, of all that is left where it is IMPLIED, else
// of the size that stands before it.
func octets(parts OID, index *config.Index) (used, content, rest OID) {
	size, counted := uint32(index.FixedSize), 0
	if index.Implied {
		size = uint32(len(parts))
	}
	if size == 0 {
		head, _ := split(parts, 1)
		size, counted = head[0], 1
		if size >= maxOIDLen {
			size = maxOIDLen
		}
	}
	used, rest = split(parts, size+uint32(counted))
	return used, used[counted:], rest
}

func bytesOf(parts OID) []byte {
	out := make([]byte, len(parts))
	for i, n := range parts {
		out[i] = byte(n)
	}
	return out
}

func appendHex(buf []byte, n uint32) []byte {
	if n > 0xff {
		return append(buf, []byte(upper(strconv.FormatUint(uint64(n), 16)))...)
	}
	return append(buf, upperHex[n>>4], upperHex[n&15])
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// hexText writes bytes as 0x0AFF.
func hexText(b []byte) string {
	buf := make([]byte, 0, 2+2*len(b))
	buf = append(buf, '0', 'x')
	for _, c := range b {
		buf = append(buf, upperHex[c>>4], upperHex[c&15])
	}
	return string(buf)
}
