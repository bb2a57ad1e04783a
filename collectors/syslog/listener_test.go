package syslog

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// ear runs a Listener on 127.0.0.1 and keeps what it tells.
type ear struct {
	t     *testing.T
	addrs []net.Addr

	mu      sync.Mutex
	events  []model.Event
	samples map[string]float64
	changed chan struct{} // closed with each batch
}

func hear(t *testing.T, l *Listener) *ear {
	t.Helper()
	e := &ear{t: t, samples: map[string]float64{}, changed: make(chan struct{})}
	l.Source, l.Zone, l.Now = "logs", time.UTC, time.Now
	if l.Every == 0 {
		l.Every = 20 * time.Millisecond
	}
	l.bound = func(addrs []net.Addr) { e.addrs = addrs }
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- l.Watch(ctx, e.emit, func(error) { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the listener ended with %v", err)
		}
	})
	return e
}

func (e *ear) emit(b model.Batch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, b.Events...)
	for _, s := range b.Samples {
		name := s.Labels.Get("__name__")
		if fate := s.Labels.Get("fate"); fate != "" {
			name += " " + fate
		}
		e.samples[name] = s.V
	}
	close(e.changed)
	e.changed = make(chan struct{})
}

// until waits until what was heard satisfies a condition.
func (e *ear) until(what string, done func() bool) {
	e.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		e.mu.Lock()
		ok, changed := done(), e.changed
		e.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			e.mu.Lock()
			defer e.mu.Unlock()
			e.t.Fatalf("never: %s; %d events, %v", what, len(e.events), e.samples)
		}
	}
}

func (e *ear) text(want string) {
	e.t.Helper()
	e.until(want, func() bool {
		for i := range e.events {
			if strings.Contains(e.events[i].Text, want) {
				return true
			}
		}
		return false
	})
}

func dial(t *testing.T, addr net.Addr) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func write(t *testing.T, c io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func TestLinesComeByUDPAndTCP(t *testing.T) {
	e := hear(t, &Listener{Addresses: []Address{{Network: "udp", Address: "127.0.0.1:0"}, {Network: "tcp", Address: "127.0.0.1:0"}}})
	udp, tcp := dial(t, e.addrs[0]), dial(t, e.addrs[1])
	write(t, udp, "<10>1 - h app 7 - - by datagram")
	e.text("app[7]: by datagram")
	write(t, tcp, "<13>by line\n15 <13>by a number<13>without an end")
	e.text("by line")
	e.text("by a number")
	_ = tcp.Close()
	e.text("without an end")
	write(t, udp, "<13>"+strings.Repeat("long ", 12_000))
	e.until("a clipped line", func() bool {
		last := e.events[len(e.events)-1]
		return last.Labels["clipped"] != "" && len(last.Text) <= maxText
	})
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "logs"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, raw, raw, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestLinesComeByTLS(t *testing.T) {
	cert, pool := certificate(t)
	e := hear(t, &Listener{Addresses: []Address{{Network: "tls", Address: "127.0.0.1:0", TLS: &tls.Config{
		Certificates: []tls.Certificate{cert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}}}})
	known := tls.Client(dial(t, e.addrs[0]), &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", Certificates: []tls.Certificate{cert}})
	write(t, known, "<13>in secret\n")
	e.text("in secret")
	write(t, dial(t, e.addrs[0]), "<13>in the open\n")
	e.until("a refused connection", func() bool { return e.samples["nocturne_syslog_refused_connections_total"] == 1 })
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.events) != 1 {
		t.Errorf("%+v", e.events)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	e := hear(t, &Listener{Addresses: []Address{{Network: "tcp", Address: "127.0.0.1:0"}}})
	for range maxConnsOfOne {
		dial(t, e.addrs[0])
	}
	one := dial(t, e.addrs[0])
	if _, err := one.Read(make([]byte, 1)); err == nil {
		t.Error("one too many is served")
	}
	e.until("a refused connection", func() bool { return e.samples["nocturne_syslog_refused_connections_total"] == 1 })
}

func TestAllConnectionsAreLimited(t *testing.T) {
	s := &server{open: map[netip.Addr]int{}}
	addr := netip.MustParseAddr("10.0.0.0")
	held := 0
	for range maxConns + 100 {
		addr = addr.Next()
		if s.enter(addr) {
			held++
		}
	}
	if held != maxConns {
		t.Errorf("%d are held", held)
	}
	s.leave(addr)
	if s.enter(netip.MustParseAddr("10.0.0.1")); s.total != maxConns {
		t.Errorf("%d are held", s.total)
	}
}

// A sender that never ends its line is let go, and what it has said counts; one that is silent may stay for long.
func TestASlowSenderIsLetGo(t *testing.T) {
	for _, c := range []struct {
		name, sent string
		after      time.Duration
		tls        bool
	}{
		{"a line without an end", "<13>drip", frameTime, false},
		{"silence", "", idleTime, false},
		{"a handshake without an end", "", handshakeTime, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				defer func() { _ = theirs.Close() }()
				s := &server{ctx: t.Context(), in: newIntake(), now: time.Now, stats: newStats(nil), open: map[netip.Addr]int{}}
				var cfg *tls.Config
				if c.tls {
					cfg = &tls.Config{}
				}
				began := time.Now()
				go func() { _, _ = io.WriteString(theirs, c.sent) }()
				s.serve(ours, cfg, sw3)
				if took := time.Since(began); took != c.after { // by the clock of synctest
					t.Errorf("let go after %v, want %v", took, c.after)
				}
				want := 0
				if c.sent != "" {
					want = 1
				}
				if len(s.in.queue) != want {
					t.Errorf("%d lines", len(s.in.queue))
				}
			})
		})
	}
}

func TestCriticalLinesGoAheadOfAFullQueue(t *testing.T) {
	in := newIntake()
	for range queueLength + 10 {
		in.offer(line{data: []byte("<13>x"), from: sw3})
	}
	for range urgentLength {
		in.offer(line{data: []byte("<10>x"), from: sw3})
	}
	if len(in.urgent) != urgentLength || len(in.queue) != queueLength || in.overrun()[sw3] != 10 || len(in.overrun()) != 0 {
		t.Errorf("%d urgent, %d others", len(in.urgent), len(in.queue))
	}
}

// fates are what became of the lines that were taken in, and of those that were not.
func (e *ear) fates() (sum float64) {
	for _, name := range []string{"lines_total shown", "lines_total folded", "lines_total sampled", "lines_total overrun", "kernel_dropped_total"} {
		sum += e.samples["nocturne_syslog_"+name]
	}
	return sum
}

// Twenty thousand lines a second over real sockets: every one is accounted for.
func TestEveryLineOfAFloodIsAccountedFor(t *testing.T) {
	const rate, seconds, senders = 20_000, 3, 4
	e := hear(t, &Listener{Addresses: []Address{{Network: "udp", Address: "127.0.0.1:0"}}, Every: 100 * time.Millisecond})
	var sending sync.WaitGroup
	for s := range senders {
		local := &net.UDPAddr{IP: net.IPv4(127, 0, 7, byte(s+1))}
		c, err := (&net.Dialer{LocalAddr: local}).DialContext(t.Context(), "udp", e.addrs[0].String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		sending.Go(func() {
			const ticks = 100 // a second
			tick := time.NewTicker(time.Second / ticks)
			defer tick.Stop()
			for i := range rate * seconds / senders {
				if i%(rate/senders/ticks) == 0 {
					<-tick.C
				}
				text := distinct(i)
				if i%2 == 0 {
					text = fmt.Sprintf("eth0 error %d", i)
				}
				if _, err := fmt.Fprintf(c, "<13>Nov 21 03:00:00 sw%d kernel: %s", s, text); err != nil {
					t.Errorf("sender %d: %v", s, err)
					return
				}
			}
		})
	}
	sending.Wait()
	const sent = rate * seconds
	e.until("all lines", func() bool { return e.fates() >= sent })
	// What was not shown is announced to the last line.
	e.until("announcements", func() bool {
		announced, lost := 0, 0
		for i := range e.events {
			switch e.events[i].Labels["fate"] {
			case fateSampled:
				announced += lines(t, &e.events[i])
			case "lost":
				lost += lines(t, &e.events[i])
			}
		}
		return float64(announced) == e.samples["nocturne_syslog_lines_total sampled"]+e.samples["nocturne_syslog_lines_total overrun"] &&
			float64(lost) == e.samples["nocturne_syslog_kernel_dropped_total"]
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fates() != sent {
		t.Errorf("%v of %d lines", e.fates(), sent)
	}
	t.Logf("%d lines: %v", sent, e.samples)
}
