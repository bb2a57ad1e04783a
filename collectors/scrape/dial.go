package scrape

import (
	"context"
	"net"
	"sync"
	"time"
)

// dialer opens connections that live no longer than ctx: a scrape that waits for a target does not hold
// up the end of its source. It remembers which address a host name led to.
type dialer struct {
	ctx context.Context
	net.Dialer

	mu    sync.Mutex
	found map[string]string // host:port to IP
}

func newDialer(ctx context.Context) *dialer {
	return &dialer{ctx: ctx, Dialer: net.Dialer{Timeout: maxTimeout, KeepAlive: 30 * time.Second}, found: map[string]string{}}
}

func (d *dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.ctx, cancel)()
	conn, err := d.Dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		d.mu.Lock()
		d.found[addr] = tcp.IP.String()
		d.mu.Unlock()
	}
	c := &boundConn{Conn: conn}
	c.release = context.AfterFunc(d.ctx, func() { _ = conn.Close() }) // whoever reads from it gets the error
	return c, nil
}

// address is the IP address that host:port led to, "" for none yet.
func (d *dialer) address(hostPort string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.found[hostPort]
}

// boundConn is a connection that ends with a context.
type boundConn struct {
	net.Conn
	release func() bool
}

func (c *boundConn) Close() error {
	c.release()
	return c.Conn.Close()
}
