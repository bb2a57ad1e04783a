package probe

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// tcpCheck opens a connection, and shakes hands on it where it has tls.
type tcpCheck struct {
	host   string
	port   uint16
	family string
	tls    *trust // nil for plain TCP
	now    func() time.Time
}

func (c *tcpCheck) run(ctx context.Context, r *report) error {
	r.add("probe_failed_due_to_regex", 0) // there is none; blackbox_exporter says so too
	addr, _, err := r.lookUp(ctx, c.host, c.family)
	if err != nil {
		return err
	}
	r.phase = "connecting"
	conn, err := connect(ctx, addr, c.port)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // nothing was written that could be lost
	if c.tls == nil {
		return nil
	}
	r.phase = "the TLS handshake"
	shaken, seen, err := c.tls.handshake(ctx, conn, c.host, nil, c.now())
	seen.tell(r, c.now())
	if err != nil {
		return err
	}
	_ = shaken.Close() // likewise
	return nil
}

func connect(ctx context.Context, addr netip.Addr, port uint16) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", net.JoinHostPort(addr.String(), strconv.Itoa(int(port))))
}
