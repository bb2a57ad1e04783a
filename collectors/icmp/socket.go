// Package icmp sends ICMP echo requests (RFC 792, RFC 4443) to many hosts from one socket a family, and says
// which of them are answered. It is unprivileged where the system allows that.
//
// The code is our own since the common libraries, github.com/prometheus-community/pro-bing among them, open a
// socket and start goroutines for each host, which a sweep of 65,000 addresses cannot afford.
package icmp

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

const (
	protoICMP   = 1  // IANA
	protoICMPv6 = 58 // IANA
	cookieSize  = 16
	echoSize    = cookieSize + 8 // cookie and number
	maxDatagram = 1500

	socketBuffer = 4 << 20 // bytes
	headerIPv6   = 40
	headerICMP   = 8
)

// ErrUnreachable is what a router says of a host that it cannot reach.
var ErrUnreachable = errors.New("unreachable")

// Answer is what became of a request.
type Answer struct {
	RTT  time.Duration
	Hops int   // the reply's hop limit, 0 where the system does not tell
	Err  error // ErrUnreachable, or why the request could not be sent
}

// Socket is a socket of one family with the goroutine that reads it. It is safe for concurrent use. Of an
// unprivileged one the kernel sets the ID and hands over only its replies.
type Socket struct {
	conn    *icmp.PacketConn
	v6, raw bool
	id      uint16
	cookie  [cookieSize]byte // in all requests: a reply without it is another program's
	done    chan struct{}

	mu      sync.Mutex
	number  uint64
	pending map[uint16]*echo // by the sequence number on the wire: the last 65,536 requests at most
}

// echo is a request under way.
type echo struct {
	number   uint64 // of the socket
	sent     time.Time
	answered func(Answer)
}

// Open opens an unprivileged socket, else a raw one, for IPv4 or IPv6. Its error says how to allow that.
func Open(v6 bool) (*Socket, error) {
	unprivileged, raw, local := "udp4", "ip4:icmp", "0.0.0.0"
	if v6 {
		unprivileged, raw, local = "udp6", "ip6:ipv6-icmp", "::"
	}
	s := &Socket{v6: v6, done: make(chan struct{}), pending: map[uint16]*echo{}}
	_, _ = rand.Read(s.cookie[:]) // it never fails, by its documentation
	s.id = binary.BigEndian.Uint16(s.cookie[:])
	conn, err := icmp.ListenPacket(unprivileged, local)
	if err != nil {
		var rawErr error
		if conn, rawErr = icmp.ListenPacket(raw, local); rawErr != nil {
			return nil, fmt.Errorf("ICMP is not permitted here (%w; allow it with the sysctl net.ipv4.ping_group_range or with setcap cap_net_raw=+ep)", rawErr)
		}
		s.raw = true
	}
	s.conn = conn
	s.tune()
	go func() {
		defer close(s.done)
		s.read()
	}()
	return s, nil
}

// tune sets what makes the socket better where the system grants it: room for many answers at once, the hop
// limit, and, for a raw one, that it does not get all ICMP of this machine.
func (s *Socket) tune() {
	if s.v6 {
		p := s.conn.IPv6PacketConn()
		_ = p.SetControlMessage(ipv6.FlagHopLimit, true)
		widen(p.PacketConn)
		var f ipv6.ICMPFilter
		f.SetAll(true)
		f.Accept(ipv6.ICMPTypeEchoReply)
		f.Accept(ipv6.ICMPTypeDestinationUnreachable)
		_ = p.SetICMPFilter(&f)
		return
	}
	p := s.conn.IPv4PacketConn()
	_ = p.SetControlMessage(ipv4.FlagTTL, true)
	widen(p.PacketConn)
	var f ipv4.ICMPFilter
	f.SetAll(true)
	f.Accept(ipv4.ICMPTypeEchoReply)
	f.Accept(ipv4.ICMPTypeDestinationUnreachable)
	_ = p.SetICMPFilter(&f)
}

func widen(conn net.PacketConn) {
	if c, ok := conn.(interface{ SetReadBuffer(bytes int) error }); ok {
		_ = c.SetReadBuffer(socketBuffer)
	}
}

// Close ends the socket and waits for its goroutine. What is under way counts as no answer.
func (s *Socket) Close() {
	_ = s.conn.Close() // nothing is written that could be lost
	<-s.done
}

// Ping sends one request. answered is called at most once and must not block: at once, when it cannot be sent,
// else by the socket's goroutine. forget ends the wait for an answer.
func (s *Socket) Ping(to netip.Addr, answered func(Answer)) (forget func()) {
	s.mu.Lock()
	s.number++
	e := &echo{number: s.number, sent: time.Now(), answered: answered}
	seq := uint16(e.number)
	s.pending[seq] = e
	s.mu.Unlock()
	if err := s.write(to, seq, e.number); err != nil && s.claim(seq, e.number) != nil {
		answered(Answer{Err: err})
	}
	return func() { s.claim(seq, e.number) }
}

func (s *Socket) write(to netip.Addr, seq uint16, number uint64) error {
	m := icmp.Message{Type: ipv4.ICMPTypeEcho}
	if s.v6 {
		m.Type = ipv6.ICMPTypeEchoRequest
	}
	m.Body = &icmp.Echo{ID: int(s.id), Seq: int(seq), Data: binary.BigEndian.AppendUint64(bytes.Clone(s.cookie[:]), number)}
	b, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	var addr net.Addr = &net.UDPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	if s.raw {
		addr = &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	}
	_, err = s.conn.WriteTo(b, addr)
	return err
}

// claim takes a request out of those under way, nil where it is no longer among them. Of one whose number is
// not known (0) it is the last with its sequence number.
func (s *Socket) claim(seq uint16, number uint64) *echo {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.pending[seq]
	if e == nil || number != 0 && e.number != number {
		return nil
	}
	delete(s.pending, seq)
	return e
}

// read takes replies until the socket is closed.
func (s *Socket) read() {
	b := make([]byte, maxDatagram)
	for {
		n, hops, err := s.receive(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error that the kernel hands over: of one host
		}
		s.heard(b[:n], hops, time.Now())
	}
}

func (s *Socket) receive(b []byte) (n, hops int, err error) {
	if s.v6 {
		n, cm, _, err := s.conn.IPv6PacketConn().ReadFrom(b)
		if cm != nil {
			hops = cm.HopLimit
		}
		return n, hops, err
	}
	n, cm, _, err := s.conn.IPv4PacketConn().ReadFrom(b)
	if cm != nil {
		hops = cm.TTL
	}
	return n, hops, err
}

// heard takes one datagram.
func (s *Socket) heard(b []byte, hops int, at time.Time) {
	proto := protoICMP
	if s.v6 {
		proto = protoICMPv6
	}
	m, err := icmp.ParseMessage(proto, b)
	if err != nil {
		return
	}
	switch body := m.Body.(type) {
	case *icmp.Echo:
		reply := m.Type == ipv4.ICMPTypeEchoReply || m.Type == ipv6.ICMPTypeEchoReply
		if !reply || len(body.Data) != echoSize || !bytes.Equal(body.Data[:cookieSize], s.cookie[:]) {
			return
		}
		number := binary.BigEndian.Uint64(body.Data[cookieSize:])
		if e := s.claim(uint16(number), number); e != nil {
			e.answered(Answer{RTT: at.Sub(e.sent), Hops: hops})
		}
	case *icmp.DstUnreach:
		seq, ok := s.original(body.Data)
		if !ok {
			return
		}
		if e := s.claim(seq, 0); e != nil {
			e.answered(Answer{Err: ErrUnreachable})
		}
	}
}

// original finds our request in what an ICMP error brings back of it. At least its header is there.
func (s *Socket) original(b []byte) (seq uint16, ok bool) {
	size, request := headerIPv6, byte(ipv6.ICMPTypeEchoRequest)
	if !s.v6 {
		if len(b) == 0 {
			return 0, false
		}
		size, request = int(b[0]&0xf)*4, byte(ipv4.ICMPTypeEcho)
	}
	if len(b) < size+headerICMP || b[size] != request || binary.BigEndian.Uint16(b[size+4:]) != s.id {
		return 0, false
	}
	if rest := b[size+headerICMP:]; len(rest) >= cookieSize && !bytes.Equal(rest[:cookieSize], s.cookie[:]) {
		return 0, false
	}
	return binary.BigEndian.Uint16(b[size+6:]), true
}
