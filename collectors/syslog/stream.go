package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// What connections may take.
const (
	maxConns      = 512
	maxConnsOfOne = 64               // sender
	handshakeTime = 10 * time.Second // of TLS
	frameTime     = 30 * time.Second // from the first byte of a line to its last
	idleTime      = 2 * time.Hour    // without any line; a sender that is still there connects again
)

// stream is a listening socket; tls is nil for plain TCP.
type stream struct {
	net.Listener
	tls *tls.Config
}

// server serves connections. It is safe for concurrent use.
type server struct {
	ctx   context.Context
	in    *intake
	now   func() time.Time
	stats *stats

	mu    sync.Mutex
	open  map[netip.Addr]int
	total int
}

// accept takes connections until the context ends and all of them have ended.
func (s *server) accept(l stream) error {
	var conns sync.WaitGroup
	defer conns.Wait()
	stop := context.AfterFunc(s.ctx, func() { _ = l.Close() }) // wakes Accept
	defer stop()
	defer func() { _ = l.Close() }()
	for {
		conn, err := l.Accept()
		if s.ctx.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return s.ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("receive syslog on %s: %w", l.Addr(), err)
		}
		from := addrOf(conn.RemoteAddr())
		if !s.enter(from) {
			s.stats.refused.Add(1)
			_ = conn.Close() // it is told of by number
			continue
		}
		conns.Go(func() {
			defer s.leave(from)
			s.serve(conn, l.tls, from)
		})
	}
}

func addrOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func (s *server) enter(from netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= maxConns || s.open[from] >= maxConnsOfOne {
		return false
	}
	s.total++
	s.open[from]++
	return true
}

func (s *server) leave(from netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.open[from]--; s.open[from] == 0 {
		delete(s.open, from)
	}
}

// serve reads the lines of one connection to its end. What is left of a line then is a line too.
func (s *server) serve(conn net.Conn, cfg *tls.Config, from netip.Addr) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	raw := conn
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() }) // wakes the read
	defer stop()
	defer func() { _ = raw.Close() }()
	if cfg != nil {
		shaking, done := context.WithTimeout(ctx, handshakeTime)
		secure := tls.Server(conn, cfg)
		err := secure.HandshakeContext(shaking)
		done()
		if err != nil {
			if s.ctx.Err() == nil {
				s.stats.refused.Add(1)
			}
			return
		}
		conn = secure
	}
	f := newFrames(conn)
	for {
		// Deadlines are of the system's clock, which need not be the wall's.
		_ = conn.SetReadDeadline(time.Now().Add(idleTime))
		if f.wait() != nil {
			return
		}
		_ = conn.SetReadDeadline(time.Now().Add(frameTime))
		text, clipped, err := f.next()
		if errors.Is(err, errFrame) {
			text = []byte("connection closed: " + err.Error())
		}
		if len(text) > 0 && text[0] != '\n' {
			s.in.put(ctx, line{data: text, from: from, at: s.now(), clipped: clipped})
		}
		if err != nil {
			return
		}
	}
}
