package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Scope is the scope of all batches of a Listener.
const Scope = "syslog"

const (
	queueLength  = 4096 // lines that wait; at their longest, 32 MB
	urgentLength = 512  // critical ones, beside them
	batchLength  = 256
	socketBuffer = 8 << 20
	maxDatagram  = 1 << 16
	flushEvery   = 250 * time.Millisecond
)

// Address is where a Listener listens.
type Address struct {
	Network string // "udp", "tcp", "tls"
	Address string // host:port
	TLS     *tls.Config
}

// String returns the address as it is configured.
func (a Address) String() string { return a.Network + "://" + a.Address }

// Listener receives syslog at some addresses and emits events. It is a collectors.Watcher.
type Listener struct {
	Source    string // name of the configured source
	Addresses []Address
	Every     time.Duration // of the counters
	Zone      *time.Location
	Patterns  []Pattern
	Show      float64 // lines a second that are shown when more come; 0 for the default
	Entities  func(model.Kind) []model.Entity
	Now       func() time.Time

	stats *stats // since the first start
	bound func([]net.Addr)
}

// intake is where lines wait for the desk. It is safe for concurrent use.
type intake struct {
	queue, urgent chan line

	mu   sync.Mutex
	lost map[netip.Addr]int // that came faster than they could be taken
}

func newIntake() *intake {
	return &intake{queue: make(chan line, queueLength), urgent: make(chan line, urgentLength), lost: map[netip.Addr]int{}}
}

// offer hands over a line and never waits; one too many is counted. Critical lines have a queue of their own.
func (in *intake) offer(l line) {
	if priority, _, ok := splitPriority(l.data); ok && priority%8 <= 2 {
		select {
		case in.urgent <- l:
			return
		default:
		}
	}
	select {
	case in.queue <- l:
	default:
		in.mu.Lock()
		defer in.mu.Unlock()
		from := l.from
		if _, known := in.lost[from]; !known && len(in.lost) >= maxSenders {
			from = netip.Addr{}
		}
		in.lost[from]++
	}
}

// put hands over a line and waits as long as it takes: who sends on a connection waits too, and loses nothing.
func (in *intake) put(ctx context.Context, l line) {
	select {
	case in.queue <- l:
	case <-ctx.Done():
	}
}

// overrun returns what was lost since the last time.
func (in *intake) overrun() map[netip.Addr]int {
	in.mu.Lock()
	defer in.mu.Unlock()
	lost := in.lost
	if len(lost) > 0 {
		in.lost = map[netip.Addr]int{}
	}
	return lost
}

// Watch listens until ctx ends.
func (l *Listener) Watch(ctx context.Context, emit collectors.Emit, status func(error)) error {
	if l.stats == nil {
		l.stats = newStats(l.Patterns)
	}
	in := newIntake()
	group, ctx := errgroup.WithContext(ctx)
	var packets []*net.UDPConn
	var bound []net.Addr
	serve := &server{ctx: ctx, in: in, now: l.Now, stats: l.stats, open: map[netip.Addr]int{}}
	abandon := func(at Address, err error) error {
		for _, c := range packets {
			_ = c.Close() // nothing was read from it yet
		}
		return fmt.Errorf("listen for syslog on %s: %w%s", at, err, advice(err))
	}
	var streams []stream
	for _, at := range l.Addresses {
		var addr net.Addr
		var err error
		if at.Network == "udp" {
			var c *net.UDPConn
			if c, err = listenUDP(ctx, at.Address); err == nil {
				packets, addr = append(packets, c), c.LocalAddr()
			}
		} else {
			var s net.Listener
			if s, err = (&net.ListenConfig{}).Listen(ctx, "tcp", at.Address); err == nil {
				streams, addr = append(streams, stream{s, at.TLS}), s.Addr()
			}
		}
		if err != nil {
			for _, s := range streams {
				_ = s.Close() // likewise
			}
			return abandon(at, err)
		}
		bound = append(bound, addr)
	}
	if l.bound != nil {
		l.bound(bound)
	}
	status(nil)
	for _, c := range packets {
		group.Go(func() error { return l.receive(ctx, c, in) })
	}
	for _, s := range streams {
		group.Go(func() error { return serve.accept(s) })
	}
	group.Go(func() error {
		l.tell(ctx, in, packets, emit)
		return nil
	})
	return group.Wait()
}

func listenUDP(ctx context.Context, address string) (*net.UDPConn, error) {
	conn, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", address)
	if err != nil {
		return nil, err
	}
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("no UDP socket but a %T", conn)
	}
	// The system may grant less; what is lost for it is counted.
	_ = udp.SetReadBuffer(socketBuffer)
	return udp, nil
}

// advice says what to do about a socket that cannot be opened.
func advice(err error) string {
	switch {
	case errors.Is(err, os.ErrPermission):
		return " (ports below 1024 need a right: setcap cap_net_bind_service=+ep on the program, or listen on 5514 and have it sent there)"
	case errors.Is(err, syscall.EADDRINUSE):
		return " (does rsyslogd or another source listen there?)"
	}
	return ""
}

// receive takes datagrams, each of one line. It never waits for the desk.
func (l *Listener) receive(ctx context.Context, conn *net.UDPConn, in *intake) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // wakes the read
	defer stop()
	defer func() { _ = conn.Close() }()
	buf := make([]byte, maxDatagram)
	for {
		n, peer, err := conn.ReadFromUDPAddrPort(buf)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("receive syslog on %s: %w", conn.LocalAddr(), err)
		}
		if n > 0 {
			kept := min(n, maxLine)
			in.offer(line{data: append([]byte(nil), buf[:kept]...), from: peer.Addr().Unmap(), at: l.Now(), clipped: n > kept})
		}
	}
}

// tell turns the queues into events, and the counters into samples, until ctx ends.
func (l *Listener) tell(ctx context.Context, in *intake, packets []*net.UDPConn, emit collectors.Emit) {
	show := l.Show
	if show == 0 {
		show = defaultShow
	}
	d := &desk{
		source: l.Source, parser: NewParser(l.Zone), machines: directory{entities: l.Entities}, patterns: l.Patterns,
		folds: newFolds(), floods: newFloods(show), stats: l.stats, kernelTold: l.stats.kernel.Load(), refused: l.stats.refused.Load(),
	}
	drops := make([]kernelDrops, len(packets))
	flush, counters := time.NewTicker(flushEvery), time.NewTicker(l.Every)
	defer flush.Stop()
	defer counters.Stop()
	emit(model.Batch{Scope: Scope, Samples: l.stats.samples(l.Source)})
	var events []model.Event
	hand := func() {
		if len(events) > 0 {
			emit(model.Batch{Scope: Scope, Events: events})
			events = nil // it is the store's now
		}
	}
	for {
		select {
		case it := <-in.urgent:
			events = d.take(&it, events)
			hand()
			continue
		default:
		}
		select {
		case <-ctx.Done():
			return
		case it := <-in.urgent:
			events = d.take(&it, events)
			hand()
		case it := <-in.queue:
			if events = d.take(&it, events); len(events) >= batchLength {
				hand()
			}
		case <-flush.C:
			now := l.Now()
			for i, c := range packets {
				l.stats.kernel.Add(drops[i].more(c))
			}
			d.overrun(in.overrun(), now)
			events = d.tick(now, events)
			hand()
		case <-counters.C:
			emit(model.Batch{Scope: Scope, Samples: l.stats.samples(l.Source)})
		}
	}
}
