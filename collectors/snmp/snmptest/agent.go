package snmptest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
)

// Behaviour is how an agent misbehaves. The zero value is a good agent.
type Behaviour struct {
	Community   string        // others are met with silence; "" takes any
	Silent      bool          // no answer at all
	Delay       time.Duration // before each answer
	Lose        int           // every Lose-th request is lost; 0 loses none
	MaxObjects, // more objects in an answer are TooBig; 0 has no limit
	SilentAbove int // more objects are met with silence; 0 has no limit
	EmptyTooBig bool     // TooBig comes without an object list and without the error
	Garbage     []byte   // sent instead of each answer
	Cut         int      // bytes that each answer is cut short by
	GenErrAfter snmp.OID // what lies behind it is answered with GenErr
	LoopAfter   snmp.OID // the successor of it is the first object of all
	Twice       bool     // each answer is sent twice
}

// Agent serves a Recording on a UDP socket.
type Agent struct {
	conn net.PacketConn
	done chan struct{}

	mu       sync.Mutex
	rec      *Recording
	bad      Behaviour
	requests int
}

// Serve starts an agent on an address such as "127.0.0.1:0". Close ends it.
func Serve(ctx context.Context, addr string, rec *Recording, bad Behaviour) (*Agent, error) {
	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp", addr)
	if err != nil {
		return nil, fmt.Errorf("snmptest: %w", err)
	}
	a := &Agent{conn: conn, rec: rec, bad: bad, done: make(chan struct{})}
	go a.serve()
	return a, nil
}

// Target is where the agent listens.
func (a *Agent) Target() snmp.Target {
	addr := a.conn.LocalAddr().(*net.UDPAddr)
	return snmp.Target{Host: addr.IP.String(), Port: uint16(addr.Port)}
}

// Close ends the agent and waits for it.
func (a *Agent) Close() error {
	err := a.conn.Close()
	<-a.done
	return err
}

// Behave changes the behaviour.
func (a *Agent) Behave(bad Behaviour) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bad = bad
}

// Change changes what is served.
func (a *Agent) Change(change func(*Recording) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return change(a.rec)
}

// Requests counts what has come in.
func (a *Agent) Requests() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.requests
}

func (a *Agent) serve() {
	defer close(a.done)
	buf := make([]byte, 65535)
	codec := &gosnmp.GoSNMP{Version: gosnmp.Version2c}
	for {
		n, from, err := a.conn.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		request, err := codec.SnmpDecodePacket(append([]byte(nil), buf[:n]...))
		if err != nil {
			continue
		}
		answers, delay := a.answer(request)
		if delay > 0 {
			timer := time.NewTimer(delay) // one question at a time, as small agents do
			<-timer.C
		}
		for _, msg := range answers {
			if _, err := a.conn.WriteTo(msg, from); err != nil {
				break // the socket was closed, or the asker is gone
			}
		}
	}
}

// answer returns the messages to send, none for silence.
func (a *Agent) answer(request *gosnmp.SnmpPacket) (messages [][]byte, delay time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests++
	bad := a.bad
	if bad.Silent || bad.Community != "" && bad.Community != request.Community || bad.Lose > 0 && a.requests%bad.Lose == 0 {
		return nil, 0
	}
	if bad.Garbage != nil {
		return [][]byte{bad.Garbage}, bad.Delay
	}
	reply := *request
	reply.PDUType, reply.Error, reply.ErrorIndex = gosnmp.GetResponse, gosnmp.NoError, 0
	reply.Variables = a.variables(request, &reply)
	if bad.SilentAbove > 0 && len(reply.Variables) > bad.SilentAbove {
		return nil, 0
	}
	if bad.MaxObjects > 0 && len(reply.Variables) > bad.MaxObjects {
		reply.Variables = nil
		if !bad.EmptyTooBig {
			reply.Error = gosnmp.TooBig
		}
	}
	msg, err := reply.MarshalMsg()
	if err != nil {
		return nil, 0
	}
	if bad.Cut > 0 {
		msg = msg[:max(0, len(msg)-bad.Cut)]
	}
	if bad.Twice {
		return [][]byte{msg, msg}, bad.Delay
	}
	return [][]byte{msg}, bad.Delay
}

// variables looks up what was asked; it sets the error of the reply where the agent has one.
func (a *Agent) variables(request, reply *gosnmp.SnmpPacket) []gosnmp.SnmpPDU {
	repeat := 1
	if request.PDUType == gosnmp.GetBulkRequest {
		repeat = int(min(request.MaxRepetitions, 1000))
	}
	cursors := make([]snmp.OID, len(request.Variables))
	for i, v := range request.Variables {
		oid, err := snmp.ParseOID(v.Name)
		if err != nil {
			reply.Error, reply.ErrorIndex = gosnmp.GenErr, uint8(i+1)
			return request.Variables
		}
		cursors[i] = oid
	}
	var out []gosnmp.SnmpPDU
	size := 0
	for range repeat {
		for i := range cursors {
			pdu, code := a.one(request.PDUType, cursors[i])
			if code == gosnmp.NoError && request.Version == gosnmp.Version1 && pdu.Value == nil {
				code = gosnmp.NoSuchName
			}
			if code != gosnmp.NoError {
				reply.Error, reply.ErrorIndex = code, uint8(i+1)
				return request.Variables
			}
			if oid, err := snmp.ParseOID(pdu.Name); err == nil {
				cursors[i] = oid
			}
			if text, ok := pdu.Value.([]byte); ok {
				size += len(text)
			}
			if size += objectOverhead; size > maxMessage && len(out) > 0 && request.PDUType == gosnmp.GetBulkRequest {
				return out // as many as fit (RFC 3416, section 4.2.3)
			}
			out = append(out, pdu)
		}
	}
	return out
}

const (
	maxMessage     = 65_000
	objectOverhead = 40 // for the name and the headers
)

func (a *Agent) one(kind gosnmp.PDUType, oid snmp.OID) (gosnmp.SnmpPDU, gosnmp.SNMPError) {
	if kind == gosnmp.GetRequest {
		if o, ok := a.rec.get(oid); ok {
			return gosnmp.SnmpPDU{Name: o.name, Type: o.kind, Value: o.value}, gosnmp.NoError
		}
		return gosnmp.SnmpPDU{Name: oid.String(), Type: gosnmp.NoSuchObject}, gosnmp.NoError
	}
	if a.bad.GenErrAfter != nil && oid.Compare(a.bad.GenErrAfter) >= 0 {
		return gosnmp.SnmpPDU{}, gosnmp.GenErr
	}
	if a.bad.LoopAfter != nil && oid.Compare(a.bad.LoopAfter) == 0 && a.rec.Len() > 0 {
		o := a.rec.objects[0]
		for _, under := range a.rec.objects { // the first of the same column: it looks like a row
			if under.oid.Under(oid[:len(oid)-1]) {
				o = under
				break
			}
		}
		return gosnmp.SnmpPDU{Name: o.name, Type: o.kind, Value: o.value}, gosnmp.NoError
	}
	if o, ok := a.rec.next(oid); ok {
		return gosnmp.SnmpPDU{Name: o.name, Type: o.kind, Value: o.value}, gosnmp.NoError
	}
	return gosnmp.SnmpPDU{Name: oid.String(), Type: gosnmp.EndOfMibView}, gosnmp.NoError
}
