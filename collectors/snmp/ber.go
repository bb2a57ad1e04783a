package snmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"

	"github.com/gosnmp/gosnmp"
)

// The messages of versions 1 and 2c (RFC 3416, RFC 3417, section 8). They are the bulk of what a wall
// reads, and gosnmp spends most of its time on OIDs in text; version 3 is left to it. Values are of
// the types that gosnmp gives them.

// request is one question of a session.
type request struct {
	kind gosnmp.PDUType // GetRequest, GetNextRequest, GetBulkRequest
	oids []OID
	reps int // max-repetitions of a GetBulkRequest
}

// reply is one answer.
type reply struct {
	status gosnmp.SNMPError
	index  int // 1-based index into the request, 0 for none
	vars   []VarBind
	try    int // index into session.tries
}

// encodeRequest writes a message into the end of buf and returns it.
func encodeRequest(buf []byte, version gosnmp.SnmpVersion, community string, id uint32, q request) []byte {
	e := encoder{buf: buf, at: len(buf)}
	end := e.at
	for i := len(q.oids) - 1; i >= 0; i-- {
		varBind := e.at
		e.put(byte(gosnmp.Null), 0)
		e.oid(q.oids[i])
		e.wrap(byte(gosnmp.Sequence), varBind)
	}
	e.wrap(byte(gosnmp.Sequence), end)
	e.uint(uint32(q.reps)) // else error-index, which is 0
	e.uint(0)              // non-repeaters, or error-status
	e.uint(id)
	e.wrap(byte(q.kind), end)
	name := e.at
	e.at -= copy(e.buf[e.at-len(community):], community)
	e.wrap(byte(gosnmp.OctetString), name)
	e.uint(uint32(version))
	e.wrap(byte(gosnmp.Sequence), end)
	return e.buf[e.at:]
}

// encoder writes from the end to the begin, so that each length is known when it is written. Its
// buffer holds any request: of 20 OIDs of 128 parts of 5 bytes.
type encoder struct {
	buf []byte
	at  int
}

func (e *encoder) put(b ...byte) {
	e.at -= len(b)
	copy(e.buf[e.at:], b)
}

// wrap writes the tag and the length of what lies between here and end.
func (e *encoder) wrap(tag byte, end int) {
	switch n := end - e.at; {
	case n < 0x80:
		e.put(tag, byte(n))
	case n < 0x100:
		e.put(tag, 0x81, byte(n))
	default:
		e.put(tag, 0x82, byte(n>>8), byte(n))
	}
}

// uint writes an INTEGER below 2^31.
func (e *encoder) uint(v uint32) {
	end := e.at
	for {
		e.put(byte(v))
		if v < 0x80 {
			break
		}
		v >>= 8
	}
	e.wrap(byte(gosnmp.Integer), end)
}

func (e *encoder) oid(o OID) {
	end := e.at
	for i := len(o) - 1; i >= 2; i-- {
		e.part(uint64(o[i]))
	}
	switch { // the first two parts are one (X.690, 8.19.4)
	case len(o) >= 2:
		e.part(40*uint64(o[0]) + uint64(o[1]))
	case len(o) == 1:
		e.part(40 * uint64(o[0]))
	}
	e.wrap(byte(gosnmp.ObjectIdentifier), end)
}

func (e *encoder) part(v uint64) {
	e.put(byte(v & 0x7f))
	for v >>= 7; v > 0; v >>= 7 {
		e.put(byte(v&0x7f) | 0x80)
	}
}

// errForeign says that a message answers another question than ours: a late or doubled one.
var errForeign = errors.New("the message answers another request")

// decodeReply reads a message that answers the request id. It keeps nothing of b. The variable bindings are put
// into vars as far as it has room; they hold until it is used again, their values and OIDs for good.
func decodeReply(b []byte, id uint32, vars []VarBind) (reply, error) {
	d := decoder{rest: bytes.Clone(b)}
	message := d.inside(byte(gosnmp.Sequence), "message")
	message.int("version")
	message.take(byte(gosnmp.OctetString), "community")
	pdu := message.inside(byte(gosnmp.GetResponse), "response")
	gotID := pdu.int("request-id")
	r := reply{status: gosnmp.SNMPError(pdu.int("error-status")), index: int(uint8(pdu.int("error-index")))}
	list := pdu.inside(byte(gosnmp.Sequence), "variable bindings")
	if err := errors.Join(d.err, message.err, pdu.err, list.err); err != nil {
		return reply{}, err
	}
	if uint32(gotID) != id {
		return reply{}, errForeign
	}
	r.vars = vars[:0]
	parts := make([]uint32, 0, list.oidParts())
	for len(list.rest) > 0 {
		varBind := list.inside(byte(gosnmp.Sequence), "variable binding")
		name := varBind.take(byte(gosnmp.ObjectIdentifier), "name")
		start := len(parts)
		var err error
		if parts, err = appendOID(parts, name); err == nil {
			err = errors.Join(list.err, varBind.err)
		}
		if err != nil {
			return reply{}, err
		}
		v, err := varBind.value()
		if err != nil {
			return reply{}, err
		}
		r.vars = append(r.vars, VarBind{OID: OID(parts[start:len(parts):len(parts)]), Value: v})
	}
	return r, nil
}

// decoder takes elements off the front of a message; after the first error it gives nothing more.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err, d.rest = fmt.Errorf(format, args...), nil
	}
}

// header splits the next element's tag and length off. Only definite lengths are allowed.
func (d *decoder) header(what string) (tag byte, length int) {
	b := d.rest
	if len(b) < 2 {
		d.fail("%s is missing", what)
		return 0, 0
	}
	tag, length = b[0], int(b[1])
	b = b[2:]
	if length >= 0x80 {
		n := length & 0x7f
		if n == 0 || n > 4 || n > len(b) {
			d.fail("%s has no proper length", what)
			return 0, 0
		}
		length = 0
		for _, c := range b[:n] {
			length = length<<8 | int(c)
		}
		b = b[n:]
	}
	d.rest = b
	return tag, length
}

func (d *decoder) take(tag byte, what string) []byte {
	got, length := d.header(what)
	switch {
	case d.err != nil:
		return nil
	case got != tag:
		d.fail("%s has the tag %#x, want %#x", what, got, tag)
		return nil
	case length > len(d.rest):
		d.fail("%s is cut short", what)
		return nil
	}
	content := d.rest[:length]
	d.rest = d.rest[length:]
	return content
}

func (d *decoder) inside(tag byte, what string) decoder {
	return decoder{rest: d.take(tag, what)}
}

func (d *decoder) int(what string) int64 {
	b := d.take(byte(gosnmp.Integer), what)
	v, ok := signed(b)
	if !ok {
		d.fail("%s is no number", what)
	}
	return v
}

// value reads what is left of a variable binding. A number that is too long, and a type that SNMP does
// not know, is a value that does not exist.
func (d *decoder) value() (Value, error) {
	tag, length := d.header("value")
	if tag == byte(gosnmp.OctetString) && length == len(d.rest)+1 {
		length-- // there are RouterOS versions that declare one byte too many
	}
	if d.err == nil && length != len(d.rest) {
		d.fail("value has %d bytes, of %d declared", len(d.rest), length)
	}
	if d.err != nil {
		return Value{}, d.err
	}
	b, kind := d.rest, gosnmp.Asn1BER(tag)
	switch kind {
	case gosnmp.Integer, gosnmp.Uinteger32:
		v, ok := signed(b)
		if !ok {
			return Value{}, fmt.Errorf("value is an integer of %d bytes", len(b))
		}
		if kind == gosnmp.Uinteger32 {
			return Value{Type: kind, raw: uint32(v)}, nil
		}
		return Value{Type: kind, raw: int(v)}, nil
	case gosnmp.Counter32, gosnmp.Gauge32, gosnmp.TimeTicks, gosnmp.Counter64:
		v, ok := unsigned(b)
		switch {
		case !ok:
			return Value{}, nil
		case kind == gosnmp.TimeTicks:
			return Value{Type: kind, raw: uint32(v)}, nil
		case kind == gosnmp.Counter64:
			return Value{Type: kind, raw: v}, nil
		}
		return Value{Type: kind, raw: uint(v)}, nil
	case gosnmp.OctetString:
		return Value{Type: kind, raw: b}, nil
	case gosnmp.ObjectIdentifier:
		oid, err := appendOID(nil, b)
		return Value{Type: kind, raw: OID(oid).String()}, err
	case gosnmp.IPAddress:
		switch len(b) {
		case 0: // agents exist
			return Value{Type: kind}, nil
		case net.IPv4len, net.IPv6len:
			return Value{Type: kind, raw: net.IP(b).String()}, nil
		}
		return Value{}, fmt.Errorf("value is an address of %d bytes", len(b))
	case gosnmp.Opaque:
		return opaque(b)
	case gosnmp.Null, gosnmp.NoSuchObject, gosnmp.NoSuchInstance, gosnmp.EndOfMibView:
		return Value{Type: kind}, nil
	}
	return Value{}, nil
}

// opaque reads the floating-point numbers that net-snmp wraps into an Opaque: the tags 0x9f78 and
// 0x9f79, a length, and the number of IEEE 754.
func opaque(b []byte) (Value, error) {
	if len(b) == 0 {
		return Value{}, errors.New("value is an empty Opaque")
	}
	if len(b) >= 3 && b[0] == gosnmp.AsnExtensionTag {
		kind, length, number := gosnmp.Asn1BER(b[1]), int(b[2]), b[3:]
		switch {
		case kind == gosnmp.OpaqueFloat && length == 4 && len(number) == 4:
			return Value{Type: kind, raw: math.Float32frombits(binary.BigEndian.Uint32(number))}, nil
		case kind == gosnmp.OpaqueDouble && length == 8 && len(number) == 8:
			return Value{Type: kind, raw: math.Float64frombits(binary.BigEndian.Uint64(number))}, nil
		case kind == gosnmp.OpaqueFloat || kind == gosnmp.OpaqueDouble:
			return Value{}, fmt.Errorf("value is a floating-point number of %d bytes", len(number))
		}
	}
	return Value{Type: gosnmp.Opaque, raw: b}, nil
}

func signed(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 8 {
		return 0, false
	}
	v := int64(int8(b[0]))
	for _, c := range b[1:] {
		v = v<<8 | int64(c)
	}
	return v, true
}

func unsigned(b []byte) (uint64, bool) {
	if len(b) > 9 || len(b) == 9 && b[0] != 0 {
		return 0, false
	}
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v, true
}

// oidParts is how many parts the names in a list of variable bindings have at most: it counts their bytes, and
// one more, as the first byte stands for two parts. What cannot be read ends the count.
func (d decoder) oidParts() int {
	n := 0
	for len(d.rest) > 0 && d.err == nil {
		varBind := d.inside(byte(gosnmp.Sequence), "variable binding")
		n += 1 + len(varBind.take(byte(gosnmp.ObjectIdentifier), "name"))
	}
	return n
}

// appendOID reads the content of an OBJECT IDENTIFIER.
func appendOID(parts []uint32, b []byte) ([]uint32, error) {
	start := len(parts)
	if len(b) == 0 {
		return append(parts, 0, 0), nil // net-snmp writes 0.0 so
	}
	var v uint64
	for i, c := range b {
		if v = v<<7 | uint64(c&0x7f); v > math.MaxUint32 {
			return nil, errors.New("an object identifier has a part of more than 32 bits")
		}
		if c&0x80 != 0 {
			if i == len(b)-1 {
				return nil, errors.New("an object identifier is cut short")
			}
			continue
		}
		if len(parts) == start {
			first := min(v/40, 2)
			parts, v = append(parts, uint32(first)), v-40*first
		}
		if len(parts)-start >= maxOIDLen {
			return nil, fmt.Errorf("an object identifier has more than %d parts", maxOIDLen)
		}
		parts, v = append(parts, uint32(v)), 0
	}
	return parts, nil
}
