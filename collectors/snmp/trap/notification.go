package trap

import (
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gosnmp/gosnmp"

	"github.com/nocturne-noc/nocturne/collectors/snmp/plain"
)

// Notification is one trap or inform in the terms of SNMPv2, whatever version it came in. All of its
// text is fit to be shown and bounded.
type Notification struct {
	At     time.Time
	From   netip.Addr // who sent the datagram
	Origin netip.Addr // snmpTrapAddress.0, or agent-addr of SNMPv1: who made it, when a relay sent it; else invalid

	Version string // "1", "2c", "3"
	User    string // of version 3
	Inform  bool
	ID      uint32 // request-id, which a repeated inform keeps; 0 in version 1

	UpTime   time.Duration // sysUpTime.0
	OID      string        // snmpTrapOID.0, "1.3.6.1.6.3.1.1.5.3"
	VarBinds []VarBind     // the others, in the order that they came in
}

// VarBind is one object that a notification tells of.
type VarBind struct {
	OID  string // with the index, without a leading dot
	Kind ValueKind
	Int  int64  // of an integer, counter, gauge
	Text string // of all others, at most 256 bytes
}

// ValueKind is what a VarBind holds.
type ValueKind int

// The kinds of values.
const (
	ValueNone  ValueKind = iota // NULL, or a type that nobody knows
	ValueInt                    // any integer
	ValueTicks                  // hundredths of a second
	ValueText                   // text, an address, bytes in hex
	ValueOID                    // an object identifier
)

// Limits of one notification: what lies beyond is left out.
const (
	maxVarBinds = 32
	maxText     = 256
)

// The objects that say what a notification is (RFC 3418, RFC 3584).
const (
	oidSysUpTime      = "1.3.6.1.2.1.1.3.0"
	oidTrapOID        = "1.3.6.1.6.3.1.1.4.1.0"
	oidTrapEnterprise = "1.3.6.1.6.3.1.1.4.3.0"
	oidTrapAddress    = "1.3.6.1.6.3.18.1.3.0"
	oidTrapCommunity  = "1.3.6.1.6.3.18.1.4.0"
	oidTraps          = "1.3.6.1.6.3.1.1.5" // the generic ones are numbered below it
)

// notification turns a decoded packet into the terms of SNMPv2.
func notification(p *gosnmp.SnmpPacket) (*Notification, error) {
	switch p.PDUType {
	case gosnmp.Trap:
		return fromV1(p)
	case gosnmp.SNMPv2Trap, gosnmp.InformRequest:
		return fromV2(p)
	}
	return nil, fmt.Errorf("it is no trap but a PDU of type 0x%02x", byte(p.PDUType))
}

// enterpriseSpecific is the generic-trap of those that are numbered below their enterprise.
const enterpriseSpecific = 6

// fromV1 translates by RFC 3584, section 3.1. snmpTrapCommunity.0 is left out: it is for proxies that
// send the trap on, and no wall shall show a community.
func fromV1(p *gosnmp.SnmpPacket) (*Notification, error) {
	enterprise := dotless(p.Enterprise)
	n := &Notification{Version: "1", UpTime: ticks(int64(min(p.Timestamp, math.MaxUint32)))}
	switch {
	case p.GenericTrap >= 0 && p.GenericTrap < enterpriseSpecific:
		n.OID = fmt.Sprintf("%s.%d", oidTraps, p.GenericTrap+1)
	case p.GenericTrap == enterpriseSpecific && p.SpecificTrap >= 0 && enterprise != "":
		n.OID = fmt.Sprintf("%s.0.%d", enterprise, p.SpecificTrap)
	default:
		return nil, fmt.Errorf("it has generic-trap %d and specific-trap %d, which is no trap of SNMPv1", p.GenericTrap, p.SpecificTrap)
	}
	if addr, err := netip.ParseAddr(p.AgentAddress); err == nil && !addr.IsUnspecified() {
		n.Origin = addr.Unmap()
	}
	enterpriseTold := false
	for i := range p.Variables {
		v := varBind(&p.Variables[i])
		if v.OID == oidTrapCommunity {
			continue
		}
		enterpriseTold = enterpriseTold || v.OID == oidTrapEnterprise
		n.add(v)
	}
	if n.Origin.IsValid() {
		n.add(VarBind{OID: oidTrapAddress, Kind: ValueText, Text: n.Origin.String()})
	}
	if !enterpriseTold && enterprise != "" {
		n.add(VarBind{OID: oidTrapEnterprise, Kind: ValueOID, Text: enterprise})
	}
	return n, nil
}

// fromV2 takes out the two objects that each notification of SNMPv2 begins with.
func fromV2(p *gosnmp.SnmpPacket) (*Notification, error) {
	n := &Notification{Version: "2c", Inform: p.PDUType == gosnmp.InformRequest, ID: p.RequestID}
	if p.Version == gosnmp.Version3 {
		n.Version = "3"
	}
	for i := range p.Variables {
		v := varBind(&p.Variables[i])
		switch v.OID {
		case oidSysUpTime:
			if n.UpTime == 0 {
				n.UpTime = ticks(v.Int)
			}
			continue
		case oidTrapOID:
			if n.OID == "" && v.Kind == ValueOID {
				n.OID = v.Text
			}
			continue
		case oidTrapCommunity:
			continue
		case oidTrapAddress:
			if addr, err := netip.ParseAddr(v.Text); err == nil && !addr.IsUnspecified() {
				n.Origin = addr.Unmap()
			}
		}
		n.add(v)
	}
	if n.OID == "" {
		return nil, fmt.Errorf("it does not say what it is: snmpTrapOID.0 is missing")
	}
	return n, nil
}

func (n *Notification) add(v VarBind) {
	if len(n.VarBinds) < maxVarBinds {
		n.VarBinds = append(n.VarBinds, v)
	}
}

// ticks are hundredths of a second (TimeTicks).
func ticks(n int64) time.Duration { return time.Duration(n&math.MaxUint32) * 10 * time.Millisecond }

func dotless(oid string) string { return strings.TrimPrefix(oid, ".") }

// varBind copies what is shown of a variable out of the datagram.
func varBind(p *gosnmp.SnmpPDU) VarBind {
	v := VarBind{OID: cut(dotless(p.Name))}
	integer := func(n int64) {
		v.Kind, v.Int = ValueInt, n
		if p.Type == gosnmp.TimeTicks {
			v.Kind = ValueTicks
		}
	}
	switch raw := p.Value.(type) {
	case int:
		integer(int64(raw))
	case uint:
		integer(int64(min(raw, math.MaxInt64)))
	case uint32:
		integer(int64(raw))
	case uint64:
		integer(int64(min(raw, math.MaxInt64)))
	case []byte:
		v.Kind, v.Text = ValueText, octets(raw)
	case string:
		v.Kind, v.Text = ValueText, plain.Line([]byte(raw), maxText)
		if p.Type == gosnmp.ObjectIdentifier {
			v.Kind, v.Text = ValueOID, cut(dotless(raw))
		}
	case float32, float64, bool:
		v.Kind, v.Text = ValueText, fmt.Sprint(raw)
	}
	return v
}

func cut(s string) string { return s[:min(len(s), maxText)] }

// maxHex is how many bytes are shown of what is no text.
const maxHex = 32

// octets shows an OCTET STRING: as text if it is one, else in hex, as a MAC address is written.
func octets(b []byte) string {
	if isText(b) {
		return plain.Line(b, maxText)
	}
	more := ""
	if len(b) > maxHex {
		b, more = b[:maxHex], "..."
	}
	var s strings.Builder
	for i, c := range b {
		if i > 0 {
			s.WriteByte(':')
		}
		s.WriteString(hex.EncodeToString([]byte{c}))
	}
	return s.String() + more
}

// isText reports whether the first bytes look like something to read. Agents end texts with zeros, and
// wrap their lines.
func isText(b []byte) bool {
	b = b[:min(len(b), maxText)]
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	strange := 0
	for rest := b; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == utf8.RuneError && size == 1 && len(rest) >= utf8.UTFMax {
			strange++
		}
		rest = rest[size:]
	}
	return strange*8 <= len(b) && (strange == 0 || len(b) > 8)
}
