package syslog

import (
	"net"
	"strings"
	"testing"
)

func TestDropsOfASocket(t *testing.T) {
	const table = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
    6: 00000000:D170 00000000:0000 07 00000000:00000900 00:00000000 00000000     0        0 3470205 2 000000001ee0a921 12340
`
	if n, ok := drops(strings.NewReader(table), 3470205); !ok || n != 12340 {
		t.Errorf("%d %v", n, ok)
	}
	if _, ok := drops(strings.NewReader(table), 12340); ok {
		t.Error("another socket's")
	}
}

// A socket with a small buffer that nobody reads: what has no room is counted by the kernel, once.
func TestTheKernelSaysWhatItDropped(t *testing.T) {
	conn, err := listenUDP(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	c, err := (&net.Dialer{}).DialContext(t.Context(), "udp", conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	const sent = 1000
	for range sent {
		if _, err := c.Write([]byte("<13>x")); err != nil {
			t.Fatal(err)
		}
	}
	var k kernelDrops
	if n := k.more(conn); n == 0 || n >= sent {
		t.Errorf("%d of %d dropped", n, sent)
	}
	if n := k.more(conn); n != 0 {
		t.Errorf("%d more", n)
	}
}
