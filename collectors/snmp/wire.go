package snmp

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/gosnmp/gosnmp"
)

// wire is the socket of a session. It is an unconnected one, because there are devices
// that answer from another address than the one that was asked. It remembers the last datagram,
// because gosnmp drops unread what is not signed, and so the Reports that say why an agent refuses.
//
// It is no net.PacketConn, so that gosnmp leaves the addressing to it.
type wire struct {
	conn *net.UDPConn
	to   netip.AddrPort
	last []byte // in the reader's buffer: valid until the next read
}

// dial opens a socket towards a target. ctx bounds the resolving of a name.
func dial(ctx context.Context, t Target) (*wire, error) {
	to, err := t.resolve(ctx)
	if err != nil {
		return nil, err
	}
	network := "udp4"
	if to.Addr().Is6() {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, nil)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, to: to}, nil
}

// resolve finds the target's address; of a name's addresses the first of IPv4, as net.Dial does.
func (t Target) resolve(ctx context.Context) (netip.AddrPort, error) {
	if addr, err := netip.ParseAddr(t.Host); err == nil {
		return netip.AddrPortFrom(addr.Unmap(), t.Port), nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", t.Host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if len(addrs) == 0 {
		return netip.AddrPort{}, fmt.Errorf("%s has no address", t.Host)
	}
	best := addrs[0].Unmap()
	for _, addr := range addrs {
		if addr = addr.Unmap(); addr.Is4() {
			best = addr
			break
		}
	}
	return netip.AddrPortFrom(best, t.Port), nil
}

func (w *wire) Read(b []byte) (int, error) {
	n, _, err := w.conn.ReadFromUDPAddrPort(b)
	w.last = b[:n]
	return n, err
}

func (w *wire) Write(b []byte) (int, error) { return w.conn.WriteToUDPAddrPort(b, w.to) }

func (w *wire) Close() error                       { return w.conn.Close() }
func (w *wire) LocalAddr() net.Addr                { return w.conn.LocalAddr() }
func (w *wire) RemoteAddr() net.Addr               { return net.UDPAddrFromAddrPort(w.to) }
func (w *wire) SetDeadline(t time.Time) error      { return w.conn.SetDeadline(t) }
func (w *wire) SetReadDeadline(t time.Time) error  { return w.conn.SetReadDeadline(t) }
func (w *wire) SetWriteDeadline(t time.Time) error { return w.conn.SetWriteDeadline(t) }

// buffer holds the datagrams of one session, of 16 KB: most agents cannot send more. A session has one only
// during a round: of ten thousand devices only a few are in a round at a time.
type buffer struct {
	data [16 << 10]byte
	vars []VarBind // of the last answer
}

// maxDatagram is the size of any UDP datagram.
const maxDatagram = 65535

// buffers and clients keep what no session has; a gosnmp client has a buffer of its own.
var buffers, clients sync.Pool

func lendBuffer() *buffer {
	if b, ok := buffers.Get().(*buffer); ok {
		return b
	}
	return &buffer{vars: make([]VarBind, 0, maxVarBinds)}
}

// returnBuffer takes a buffer back, without what the last answer held.
func returnBuffer(b *buffer) {
	clear(b.vars[:cap(b.vars)])
	buffers.Put(b)
}

// lendClient returns a client of version 3 that has no socket yet. It knows what engine remembers of
// the agent; without that its salts begin anew.
func lendClient(cred Credentials, e engine) (*gosnmp.GoSNMP, error) {
	if e.usm != nil {
		if g, ok := clients.Get().(*gosnmp.GoSNMP); ok {
			cred.apply(g)
			e.apply(g)
			return g, nil
		}
	}
	// Connect is what makes the buffer and the salts; its socket is not for us.
	g := &gosnmp.GoSNMP{Target: "127.0.0.1", Port: DefaultPort, UseUnconnectedUDPSocket: true, MaxOids: gosnmp.MaxOids}
	cred.apply(g)
	if err := g.Connect(); err != nil {
		return nil, err
	}
	if err := g.Close(); err != nil {
		return nil, err
	}
	e.apply(g)
	return g, nil
}

// returnClient takes a client back, whose socket is closed, without anything of its agent.
func returnClient(g *gosnmp.GoSNMP) {
	g.Conn, g.Context, g.SecurityParameters, g.ContextEngineID = nil, nil, nil, ""
	clients.Put(g)
}
