package snmp

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

const (
	pingsPerTick = 10
	pingTick     = 20 * time.Millisecond // 500 pings a second
	pingWait     = time.Second           // for the last answers
	maxEcho      = 1500
	maxAlive     = 1 << 20 // addresses of one sweep, whatever claims to answer
	protoICMP    = 1       // IANA
	protoICMPv6  = 58      // IANA
)

// pinger sends ICMP echo requests (RFC 792, RFC 4443) from one socket a family for a whole sweep.
type pinger struct {
	conns  map[bool]*echoConn // by whether it is IPv6
	cookie []byte             // in all requests: a reply without it is another program's
}

// echoConn is one socket. Of an unprivileged one the kernel sets the ID and hands over only its replies.
type echoConn struct {
	*icmp.PacketConn
	v6, raw bool
}

// openPinger opens a socket for each family that the blocks have: an unprivileged one, else a raw one.
func openPinger(blocks []Block) (*pinger, error) {
	p := &pinger{conns: map[bool]*echoConn{}, cookie: make([]byte, 16)}
	_, _ = rand.Read(p.cookie) // it never fails, by its documentation
	for _, b := range blocks {
		v6 := b.first.Is6()
		if p.conns[v6] != nil {
			continue
		}
		conn, err := openEcho(v6)
		if err != nil {
			p.close()
			return nil, err
		}
		p.conns[v6] = conn
	}
	return p, nil
}

func openEcho(v6 bool) (*echoConn, error) {
	unprivileged, raw, local := "udp4", "ip4:icmp", "0.0.0.0"
	if v6 {
		unprivileged, raw, local = "udp6", "ip6:ipv6-icmp", "::"
	}
	conn, err := icmp.ListenPacket(unprivileged, local)
	if err == nil {
		return &echoConn{conn, v6, false}, nil
	}
	conn, rawErr := icmp.ListenPacket(raw, local)
	if rawErr == nil {
		return &echoConn{conn, v6, true}, nil
	}
	return nil, fmt.Errorf("ICMP is not permitted here (%w; allow it with the sysctl net.ipv4.ping_group_range or with setcap cap_net_raw=+ep)", rawErr)
}

func (p *pinger) close() {
	for _, c := range p.conns {
		_ = c.Close() // what is still under way counts as no answer
	}
}

// run pings all targets at a bounded rate, tells of each that was sent to and of each that answers, and
// closes the sockets. answered is called by several goroutines.
func (p *pinger) run(ctx context.Context, targets iter.Seq[Target], answered func(netip.Addr), sent func()) error {
	var readers sync.WaitGroup
	for _, c := range p.conns {
		readers.Go(func() { p.read(c, answered) })
	}
	defer readers.Wait()
	defer p.close()
	tick := time.NewTicker(pingTick)
	defer tick.Stop()
	n := 0
	for t := range targets {
		addr, err := netip.ParseAddr(t.Host)
		if err != nil {
			continue // a block holds addresses only
		}
		if n++; n%pingsPerTick == 0 {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("ping: %w", ctx.Err())
			}
		}
		p.conns[addr.Is6()].send(addr, n, p.cookie)
		sent()
	}
	last := time.NewTimer(pingWait)
	defer last.Stop()
	select {
	case <-last.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("ping: %w", ctx.Err())
	}
}

// send sends one request. One that the system refuses, for want of a route say, is one without an answer.
func (c *echoConn) send(to netip.Addr, n int, cookie []byte) {
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: int(cookie[0])<<8 | int(cookie[1]), Seq: n & 0xffff, Data: cookie}}
	if c.v6 {
		m.Type = ipv6.ICMPTypeEchoRequest
	}
	b, err := m.Marshal(nil)
	if err != nil {
		return
	}
	var addr net.Addr = &net.UDPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	if c.raw {
		addr = &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	}
	_, _ = c.WriteTo(b, addr)
}

// read takes replies until the socket is closed.
func (p *pinger) read(c *echoConn, answered func(netip.Addr)) {
	b := make([]byte, maxEcho)
	for {
		n, from, err := c.ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error that the kernel hands over: of one host
		}
		if addr := addrOf(from); addr.IsValid() && isReply(b[:n], c.v6, p.cookie) {
			answered(addr)
		}
	}
}

func addrOf(a net.Addr) netip.Addr {
	var ip net.IP
	switch a := a.(type) {
	case *net.UDPAddr:
		ip = a.IP
	case *net.IPAddr:
		ip = a.IP
	}
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}

// isReply reports whether a datagram is the reply to one of our requests.
func isReply(b []byte, v6 bool, cookie []byte) bool {
	proto := protoICMP
	if v6 {
		proto = protoICMPv6
	}
	m, err := icmp.ParseMessage(proto, b)
	if err != nil || m.Type != ipv4.ICMPTypeEchoReply && m.Type != ipv6.ICMPTypeEchoReply {
		return false
	}
	echo, ok := m.Body.(*icmp.Echo)
	return ok && bytes.Equal(echo.Data, cookie)
}

// aliveSet is a queue of the addresses that answered, each once, that remembers them.
type aliveSet struct {
	mu    sync.Mutex
	more  *sync.Cond
	seen  map[netip.Addr]bool
	queue []netip.Addr
	ended bool
}

func newAliveSet() *aliveSet {
	a := &aliveSet{seen: map[netip.Addr]bool{}}
	a.more = sync.NewCond(&a.mu)
	return a
}

func (a *aliveSet) add(addr netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.seen[addr] && len(a.seen) < maxAlive {
		a.seen[addr] = true
		a.queue = append(a.queue, addr)
		a.more.Signal()
	}
}

func (a *aliveSet) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	a.more.Signal()
}

// next waits for the next address; false when there is none any more.
func (a *aliveSet) next() (netip.Addr, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.queue) == 0 {
		if a.ended {
			return netip.Addr{}, false
		}
		a.more.Wait()
	}
	addr := a.queue[0]
	a.queue = a.queue[1:]
	return addr, true
}

func (a *aliveSet) has(t Target) bool {
	addr, err := netip.ParseAddr(t.Host)
	a.mu.Lock()
	defer a.mu.Unlock()
	return err == nil && a.seen[addr]
}
