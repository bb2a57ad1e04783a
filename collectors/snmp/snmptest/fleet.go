package snmptest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosnmp/gosnmp"
	"golang.org/x/net/ipv4"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
)

// Fleet plays thousands of devices that are all alike, each on a loopback address of its own and
// with that address for a sysName, on one socket. It is made to cost little, so that what is
// measured is who asks.
type Fleet struct {
	conn  *ipv4.PacketConn
	rec   *Recording
	delay time.Duration
	dead  func(addr net.IP) bool
	known map[string]known // answers by PDU type and what follows the request-id; read has it
	late  chan delayed
	done  sync.WaitGroup
	codec gosnmp.GoSNMP

	requests, objects atomic.Int64
}

// known is an answer, but for its request-id.
type known struct {
	msg     []byte
	objects int
}

// delayed is an answer on its way.
type delayed struct {
	due time.Time
	msg []byte
	cm  *ipv4.ControlMessage
	to  net.Addr
}

const (
	sysName     = ".1.3.6.1.2.1.1.5.0"
	onTheirWay  = 1 << 14
	maxAnswers  = 1 << 10 // kept: alike devices are asked alike questions
	idBytes     = 4       // of the request-id in all answers
	fleetBuffer = 8 << 20
)

// ServeFleet starts the devices on one port of all loopback addresses. Each answer comes after delay;
// dead says who does not answer. Close ends it.
func ServeFleet(ctx context.Context, port int, rec *Recording, delay time.Duration, dead func(net.IP) bool) (*Fleet, error) {
	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", fmt.Sprintf("0.0.0.0:%d", port))
	if err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	udp := conn.(*net.UDPConn)
	for _, set := range []func(int) error{udp.SetReadBuffer, udp.SetWriteBuffer} {
		if err := set(fleetBuffer); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("fleet: buffer: %w", err)
		}
	}
	f := &Fleet{
		conn: ipv4.NewPacketConn(conn), rec: rec, delay: delay, dead: dead,
		known: map[string]known{}, late: make(chan delayed, onTheirWay), codec: gosnmp.GoSNMP{Version: gosnmp.Version2c},
	}
	if err := f.conn.SetControlMessage(ipv4.FlagDst, true); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("fleet: %w", err)
	}
	f.done.Go(f.read)
	f.done.Go(f.write)
	return f, nil
}

// Port is where the devices listen.
func (f *Fleet) Port() int { return f.conn.LocalAddr().(*net.UDPAddr).Port }

// Close ends the fleet and waits for it.
func (f *Fleet) Close() error {
	err := f.conn.Close()
	f.done.Wait()
	return err
}

func (f *Fleet) read() {
	defer close(f.late)
	buf := make([]byte, 65535)
	for {
		n, cm, from, err := f.conn.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || cm == nil || !cm.Dst.IsLoopback() || f.dead(cm.Dst) {
			continue
		}
		if msg := f.answer(buf[:n], cm.Dst); msg != nil {
			f.late <- delayed{time.Now().Add(f.delay), msg, &ipv4.ControlMessage{Src: cm.Dst}, from}
		}
	}
}

// write sends what is due. All delays are alike, so that the order is that of the requests.
func (f *Fleet) write() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for d := range f.late {
		if wait := time.Until(d.due); wait > 0 {
			timer.Reset(wait)
			<-timer.C
		}
		if _, err := f.conn.WriteTo(d.msg, d.cm, d.to); err != nil && errors.Is(err, net.ErrClosed) {
			continue // drains the rest
		}
	}
}

// answer returns the answer of one device. Only its sysName is its own, so that all else is looked up
// once.
func (f *Fleet) answer(msg []byte, addr net.IP) []byte {
	kind, at, length := requestID(msg)
	if at < 0 {
		return nil
	}
	key := string(append([]byte{kind}, msg[at+length:]...))
	k, found := f.known[key]
	if !found {
		request, err := f.codec.SnmpDecodePacket(append([]byte(nil), msg...))
		if err != nil {
			return nil
		}
		a := Agent{rec: f.rec}
		reply := *request
		reply.PDUType, reply.Error, reply.ErrorIndex = gosnmp.GetResponse, gosnmp.NoError, 0
		reply.RequestID = math.MaxInt32 // of idBytes, to be replaced
		reply.Variables = a.variables(request, &reply)
		own := false
		for i := range reply.Variables {
			if reply.Variables[i].Name == sysName {
				reply.Variables[i].Value, own = []byte("sw"+addr.String()), true
			}
		}
		if k.msg, err = reply.MarshalMsg(); err != nil {
			return nil
		}
		if k.objects = len(reply.Variables); !own && len(f.known) < maxAnswers {
			f.known[key] = k
		}
	}
	f.requests.Add(1)
	f.objects.Add(int64(k.objects))
	answer := append([]byte(nil), k.msg...)
	_, to, n := requestID(answer)
	if to < 0 || n != idBytes || length > idBytes {
		return nil
	}
	clear(answer[to : to+idBytes])
	copy(answer[to+idBytes-length:to+idBytes], msg[at:])
	return answer
}

// Served counts the requests that were answered, and the objects in the answers.
func (f *Fleet) Served() (requests, objects int64) { return f.requests.Load(), f.objects.Load() }

// requestID finds the PDU's type and the request-id of a message; at is -1 where there is none.
func requestID(msg []byte) (kind byte, at, length int) {
	for step := range 5 { // message, version, community, PDU, request-id
		if len(msg)-at < 2 {
			return 0, -1, 0
		}
		if length = int(msg[at+1]); step == 3 {
			kind = msg[at]
		}
		header := 2
		if length > 0x80 {
			n := length & 0x7f
			if n > 2 || len(msg)-at < 2+n {
				return 0, -1, 0
			}
			length = 0
			for _, c := range msg[at+2 : at+2+n] {
				length = length<<8 | int(c)
			}
			header += n
		}
		at += header
		if step == 1 || step == 2 {
			at += length
		}
	}
	if at+length > len(msg) {
		return 0, -1, 0
	}
	return kind, at, length
}

// FleetTarget is the n-th device of a fleet.
func FleetTarget(n, port int) snmp.Target {
	return snmp.Target{Host: FleetAddr(n).String(), Port: uint16(port)}
}

// FleetAddr is the address of the n-th device: 127.1.0.1 and those behind it.
func FleetAddr(n int) net.IP { return net.IPv4(127, byte(1+n>>16), byte(n>>8), byte(n)).To4() }
