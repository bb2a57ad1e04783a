package probe

import (
	"bytes"
	"context"
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

// errUnreachable is what a router says of a host that it cannot reach.
var errUnreachable = errors.New("unreachable")

// echoer sends the ICMP echo requests (RFC 792, RFC 4443) of all targets of a source from one socket a
// family, which is open while at least one burst is under way.
type echoer struct {
	mu    sync.Mutex
	socks map[bool]*echoSocket // by whether it is IPv6
	users map[bool]int
}

func newEchoer() *echoer { return &echoer{socks: map[bool]*echoSocket{}, users: map[bool]int{}} }

// take opens the socket of a family, or shares it. release is to be called once.
func (e *echoer) take(v6 bool) (s *echoSocket, release func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s = e.socks[v6]; s == nil {
		if s, err = openEcho(v6); err != nil {
			return nil, nil, err
		}
		e.socks[v6] = s
	}
	e.users[v6]++
	return s, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.users[v6]--; e.users[v6] == 0 {
			delete(e.socks, v6)
			s.close()
		}
	}, nil
}

// echoSocket is one socket with the goroutine that reads it. Of an unprivileged one the kernel sets the
// ID and hands over only its replies.
type echoSocket struct {
	conn    *icmp.PacketConn
	v6, raw bool
	id      uint16
	cookie  [cookieSize]byte // in all requests: a reply without it is another program's
	done    chan struct{}

	mu      sync.Mutex
	number  uint64
	pending map[uint16]*echo // by the sequence number on the wire
}

// echo is a request under way.
type echo struct {
	number uint64 // of the socket
	place  int    // in its burst
	sent   time.Time
	answer chan<- answer // never full: a place for each request of the burst
}

// answer is what became of a request.
type answer struct {
	place int
	rtt   time.Duration
	hops  int   // of the reply's hop limit, 0 where the system does not tell
	err   error // unreachable, or it could not be sent
}

// openEcho opens an unprivileged socket, else a raw one.
func openEcho(v6 bool) (*echoSocket, error) {
	unprivileged, raw, local := "udp4", "ip4:icmp", "0.0.0.0"
	if v6 {
		unprivileged, raw, local = "udp6", "ip6:ipv6-icmp", "::"
	}
	s := &echoSocket{v6: v6, done: make(chan struct{}), pending: map[uint16]*echo{}}
	_, _ = rand.Read(s.cookie[:]) // it never fails, by its documentation
	s.id = binary.BigEndian.Uint16(s.cookie[:])
	conn, err := icmp.ListenPacket(unprivileged, local)
	if err != nil {
		var rawErr error
		if conn, rawErr = icmp.ListenPacket(raw, local); rawErr != nil {
			return nil, unable{fmt.Errorf("ICMP is not permitted here (%w; allow it with the sysctl net.ipv4.ping_group_range or with setcap cap_net_raw=+ep)", rawErr)}
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
func (s *echoSocket) tune() {
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

// close ends the socket and waits for its goroutine.
func (s *echoSocket) close() {
	_ = s.conn.Close() // nothing is under way any more
	<-s.done
}

// send sends the request of one place of a burst.
func (s *echoSocket) send(to netip.Addr, place int, answers chan<- answer) (forget func()) {
	s.mu.Lock()
	s.number++
	e := &echo{number: s.number, place: place, answer: answers}
	seq := uint16(e.number)
	s.pending[seq] = e
	e.sent = time.Now()
	s.mu.Unlock()
	if err := s.write(to, seq, e.number); err != nil {
		s.settle(seq, func(e *echo) answer { return answer{place: e.place, err: err} })
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.pending[seq] == e {
			delete(s.pending, seq)
		}
	}
}

func (s *echoSocket) write(to netip.Addr, seq uint16, number uint64) error {
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

// settle hands over what became of a request, once.
func (s *echoSocket) settle(seq uint16, what func(*echo) answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.pending[seq]; e != nil {
		delete(s.pending, seq)
		e.answer <- what(e)
	}
}

// read takes replies until the socket is closed.
func (s *echoSocket) read() {
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

func (s *echoSocket) receive(b []byte) (n, hops int, err error) {
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
func (s *echoSocket) heard(b []byte, hops int, at time.Time) {
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
		s.settle(uint16(number), func(e *echo) answer {
			if e.number != number { // of a burst that has ended long ago
				return answer{place: e.place, err: errUnreachable}
			}
			return answer{place: e.place, rtt: at.Sub(e.sent), hops: hops}
		})
	case *icmp.DstUnreach:
		if seq, ok := s.original(body.Data); ok {
			s.settle(seq, func(e *echo) answer { return answer{place: e.place, err: errUnreachable} })
		}
	}
}

// original finds our request in what an ICMP error brings back of it. At least its header is there.
func (s *echoSocket) original(b []byte) (seq uint16, ok bool) {
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

// burst sends n requests, one every interval, and waits for their answers until ctx ends; answers are in the
// order in which the requests were sent, nil for those without one.
func (s *echoSocket) burst(ctx context.Context, to netip.Addr, n int, interval time.Duration) []*answer {
	answers := make(chan answer, n)
	out := make([]*answer, n)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	defer s.send(to, 0, answers)()
	for sent, heard := 1, 0; heard < n; {
		next := tick.C
		if sent == n {
			next = nil
		}
		select {
		case <-ctx.Done():
			return out
		case a := <-answers:
			out[a.place] = &a
			heard++
		case <-next:
			defer s.send(to, sent, answers)()
			sent++
		}
	}
	return out
}
