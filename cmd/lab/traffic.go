package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

const (
	discardPort  = 9 // RFC 863
	datagramSize = 8 << 10
	trafficTick  = 50 * time.Millisecond
	trafficTTL   = 8 // ends a datagram that circles while several cables are cut
)

// A generator sends the plan's flows between the namespaces.
type generator struct {
	senders   []*sender
	receivers []*net.UDPConn
}

type sender struct {
	flow flow
	conn *net.UDPConn
	debt float64 // bytes due but not yet sent
}

// newGenerator opens the sockets of all flows inside their namespaces. The caller runs or closes the generator.
func newGenerator(ctx context.Context, p plan) (*generator, error) {
	g := &generator{}
	for _, d := range p.namespaces() {
		conn, err := listenUDP(ctx, namespace(d.Name), fmt.Sprintf("0.0.0.0:%d", discardPort))
		if err != nil {
			g.close()
			return nil, err
		}
		// Nobody reads: the socket only keeps the kernel from answering "port unreachable", and a full buffer discards.
		g.receivers = append(g.receivers, conn)
		if err := conn.SetReadBuffer(1); err != nil {
			g.close()
			return nil, fmt.Errorf("receiver on %s: %w", d.Name, err)
		}
	}
	for _, f := range p.Flows {
		s, err := newSender(ctx, p, f)
		if err != nil {
			g.close()
			return nil, err
		}
		g.senders = append(g.senders, s)
	}
	return g, nil
}

func newSender(ctx context.Context, p plan, f flow) (*sender, error) {
	from, errFrom := p.device(f.From)
	to, errTo := p.device(f.To)
	if err := errors.Join(errFrom, errTo); err != nil {
		return nil, fmt.Errorf("flow %s to %s: %w", f.From, f.To, err)
	}
	conn, err := dialUDP(ctx, namespace(f.From), loopback(from, f.Plane)+":0",
		fmt.Sprintf("%s:%d", loopback(to, f.Plane), discardPort), trafficTTL)
	if err != nil {
		return nil, fmt.Errorf("flow %s to %s: %w", f.From, f.To, err)
	}
	return &sender{flow: f, conn: conn}, nil
}

// run sends until ctx ends and then closes all sockets.
func (g *generator) run(ctx context.Context) {
	defer g.close()
	ticker := time.NewTicker(trafficTick)
	defer ticker.Stop()
	payload := make([]byte, datagramSize)
	start := time.Now()
	last := start
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			step := min(now.Sub(last), 4*trafficTick) // no burst after the machine was busy elsewhere
			last = now
			for _, s := range g.senders {
				for range s.due(now.Sub(start), step) {
					// Without a route the datagram is lost, as it would be on a real network.
					_, _ = s.conn.Write(payload)
				}
			}
		}
	}
}

// due returns how many datagrams to send now, step after the last call.
func (s *sender) due(elapsed, step time.Duration) int {
	s.debt += s.flow.rate(elapsed) / 8 * step.Seconds()
	n := int(s.debt / datagramSize)
	s.debt -= float64(n * datagramSize)
	return n
}

func (g *generator) close() {
	for _, s := range g.senders {
		s.conn.Close()
	}
	for _, r := range g.receivers {
		r.Close()
	}
}
