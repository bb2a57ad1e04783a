package snmp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// OID is an object identifier, one sub-identifier an element.
type OID []uint32

// maxOIDLen is the longest OID that SNMP allows (RFC 3416, section 4.1).
const maxOIDLen = 128

// ParseOID reads the dotted form, with or without the leading dot.
func ParseOID(s string) (OID, error) {
	text := strings.TrimPrefix(s, ".")
	if text == "" {
		return nil, fmt.Errorf("object identifier %.40q is empty", s)
	}
	if strings.Count(text, ".") >= maxOIDLen {
		return nil, fmt.Errorf("object identifier %.40q... has more than %d parts", s, maxOIDLen)
	}
	oid := make(OID, 0, strings.Count(text, ".")+1)
	for part := range strings.SplitSeq(text, ".") {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("object identifier %.40q: %.20q is not a number below 2^32", s, part)
		}
		oid = append(oid, uint32(n))
	}
	return oid, nil
}

// mustOID is for the constants of this package.
func mustOID(s string) OID {
	oid, err := ParseOID(s)
	if err != nil {
		panic(err)
	}
	return oid
}

// String returns the dotted form with a leading dot, as gosnmp wants it.
func (o OID) String() string {
	buf := make([]byte, 0, 4*len(o))
	for _, n := range o {
		buf = append(buf, '.')
		buf = strconv.AppendUint(buf, uint64(n), 10)
	}
	return string(buf)
}

// Append returns a new OID with the given parts at its end.
func (o OID) Append(parts ...uint32) OID { return slices.Concat(o, parts) }

// Compare orders OIDs as agents do: part by part.
func (o OID) Compare(p OID) int { return slices.Compare(o, p) }

// Under reports whether o lies in the subtree of root, the root itself excluded.
func (o OID) Under(root OID) bool {
	return len(o) > len(root) && slices.Equal(o[:len(root)], root)
}
