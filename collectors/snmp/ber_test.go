package snmp

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"
)

// TestRequest holds that gosnmp reads our requests as what they are.
func TestRequest(t *testing.T) {
	long := make(OID, maxOIDLen)
	for i := range long {
		long[i] = math.MaxUint32
	}
	long[0], long[1] = 1, 3
	full := request{kind: gosnmp.GetRequest}
	for range 20 {
		full.oids = append(full.oids, long)
	}
	buf := new(buffer)
	for _, tc := range []struct {
		version gosnmp.SnmpVersion
		id      uint32
		q       request
	}{
		{gosnmp.Version2c, 1, request{kind: gosnmp.GetRequest, oids: []OID{oidSysName}}},
		{gosnmp.Version1, math.MaxInt32, request{kind: gosnmp.GetNextRequest, oids: []OID{oidSysName, oidIfEntry, mustOID("1.3.4294967295.128.127.0")}}},
		{gosnmp.Version2c, 128, request{kind: gosnmp.GetBulkRequest, oids: []OID{oidIfEntry, mustOID("2.999.3"), mustOID("0.0")}, reps: 255}},
		{gosnmp.Version2c, 0x8000, full},
	} {
		var g gosnmp.GoSNMP
		got, err := g.SnmpDecodePacket(encodeRequest(buf.data[:], tc.version, "comm", tc.id, tc.q))
		if err != nil {
			t.Fatalf("%+v: %v", tc, err)
		}
		if got.Version != tc.version || got.Community != "comm" || got.RequestID != tc.id || got.PDUType != tc.q.kind ||
			int(got.MaxRepetitions) != tc.q.reps || got.NonRepeaters != 0 || got.ErrorIndex != 0 || len(got.Variables) != len(tc.q.oids) {
			t.Errorf("%+v was read as %+v", tc, got)
		}
		for i, v := range got.Variables {
			if v.Name != tc.q.oids[i].String() || v.Type != gosnmp.Null {
				t.Errorf("object %d was read as %s %v, want %s", i, v.Name, v.Type, tc.q.oids[i])
			}
		}
	}
}

// answers are messages as gosnmp writes them, of each type of value.
func answers(t testing.TB) [][]byte {
	t.Helper()
	var list [][]byte
	for _, p := range []gosnmp.SnmpPacket{
		{Variables: []gosnmp.SnmpPDU{
			{Name: ".1.3.6.1.2.1.1.5.0", Type: gosnmp.OctetString, Value: []byte("sw1\x00\xff")},
			{Name: ".1.3.6.1.2.1.1.2.0", Type: gosnmp.ObjectIdentifier, Value: ".1.3.6.1.4.1.9.1.4294967295"},
			{Name: ".1.3.6.1.2.1.4.20.1.1.10.0.0.1", Type: gosnmp.IPAddress, Value: "10.0.0.1"},
			{Name: ".1.3.6.1.2.1.1.3.0", Type: gosnmp.TimeTicks, Value: uint32(math.MaxUint32)},
			{Name: ".1.3.6.1.2.1.2.2.1.10.1", Type: gosnmp.Counter32, Value: uint32(math.MaxUint32)},
			{Name: ".1.3.6.1.2.1.2.2.1.5.1", Type: gosnmp.Gauge32, Value: uint32(128)},
			{Name: ".1.3.6.1.2.1.31.1.1.1.6.1", Type: gosnmp.Counter64, Value: uint64(math.MaxUint64)},
			{Name: ".1.3.6.1.2.1.2.2.1.8.1", Type: gosnmp.Integer, Value: math.MinInt32},
			{Name: ".1.3.6.1.2.1.2.2.1.8.2", Type: gosnmp.Null},
			{Name: ".1.3.6.1.2.1.2.2.1.8.3", Type: gosnmp.NoSuchInstance},
			{Name: ".1.3.6.1.2.1.2.2.1.8.4", Type: gosnmp.NoSuchObject},
			{Name: ".1.3.6.1.2.1.2.2.1.8.5", Type: gosnmp.EndOfMibView},
		}},
		{Variables: []gosnmp.SnmpPDU{{Name: ".1.3.6.1.4.1.2021.10.1.6.1", Type: gosnmp.OpaqueFloat, Value: float32(0.25)}}},
		{Variables: []gosnmp.SnmpPDU{{Name: ".1.3.6.1.4.1.2021.10.1.6.2", Type: gosnmp.OpaqueDouble, Value: 0.1}}},
		{Variables: []gosnmp.SnmpPDU{{Name: ".1.3.6.1.2.1.1.1.0", Type: gosnmp.OctetString, Value: make([]byte, 60_000)}}},
		{Error: gosnmp.TooBig},
		{Version: gosnmp.Version1, Error: gosnmp.NoSuchName, ErrorIndex: 2, Variables: []gosnmp.SnmpPDU{
			{Name: ".1.3.6.1.2.1.1.5.0", Type: gosnmp.Null}, {Name: ".1.3.6.1.2.1.1.9.0", Type: gosnmp.Null}}},
	} {
		if p.Version != gosnmp.Version1 {
			p.Version = gosnmp.Version2c
		}
		p.PDUType, p.Community, p.RequestID = gosnmp.GetResponse, "public", 77
		b, err := p.MarshalMsg()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
	}
	return list
}

// sameAsGosnmp decodes a message in both ways and says how they differ, "" where they do not or where
// one of both refuses it.
func sameAsGosnmp(b []byte) (diff string, refused bool) {
	defer func() { _ = recover() }() // gosnmp may panic; we may not, and the caller checks that first
	got, err := decodeReply(b, 77, nil)
	if err != nil {
		return "", true
	}
	var g gosnmp.GoSNMP
	packet, err := g.SnmpDecodePacket(b)
	if err != nil || packet.PDUType != gosnmp.GetResponse || packet.RequestID != 77 {
		return "", true
	}
	type object struct {
		OID   string
		Type  gosnmp.Asn1BER
		Value string
	}
	ours, theirs := []object{}, []object{}
	for _, v := range got.vars {
		ours = append(ours, object{v.OID.String(), v.Value.Type, fmt.Sprintf("%T %[1]v", v.Value.raw)})
	}
	for _, v := range packet.Variables {
		theirs = append(theirs, object{v.Name, v.Type, fmt.Sprintf("%T %[1]v", v.Value)})
	}
	if got.status != packet.Error || got.index != int(packet.ErrorIndex) {
		return fmt.Sprintf("status %v %d, want %v %d", got.status, got.index, packet.Error, packet.ErrorIndex), false
	}
	return cmp.Diff(theirs, ours), false
}

// TestReply holds that we read messages as gosnmp does, each also when it is cut short anywhere.
func TestReply(t *testing.T) {
	for i, b := range answers(t) {
		if diff, refused := sameAsGosnmp(b); diff != "" || refused {
			t.Errorf("message %d: refused %v (-gosnmp +ours):\n%s", i, refused, diff)
		}
		for n := range min(len(b), 500) {
			if _, err := decodeReply(b[:n], 77, nil); err == nil {
				t.Errorf("message %d: %d of %d bytes are taken for a whole message", i, n, len(b))
			}
		}
		if _, err := decodeReply(b, 78, nil); !errors.Is(err, errForeign) {
			t.Errorf("message %d: as the answer to another request: %v", i, err)
		}
	}
	// RouterOS declares one byte too many.
	b := []byte{0x30, 0x24, 2, 1, 1, 4, 6, 'p', 'u', 'b', 'l', 'i', 'c', 0xa2, 0x17, 2, 1, 77, 2, 1, 0, 2, 1, 0, 0x30, 0x0c, 0x30, 0x0a, 6, 4, 0x2b, 6, 1, 2, 4, 3, 'a', 'b'}
	if got, err := decodeReply(b, 77, nil); err != nil || string(got.vars[0].Value.Bytes()) != "ab" {
		t.Errorf("%v %v", got, err)
	}
}

func FuzzReply(f *testing.F) {
	for _, b := range answers(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeReply(b, 77, nil)
		if err != nil {
			return
		}
		if len(r.vars) > len(b) {
			t.Errorf("%d objects of %d bytes", len(r.vars), len(b))
		}
		if diff, _ := sameAsGosnmp(b); diff != "" {
			t.Errorf("(-gosnmp +ours):\n%s", diff)
		}
	})
}
