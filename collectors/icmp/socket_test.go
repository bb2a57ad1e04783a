package icmp

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// permitted skips where the system lets nobody ping, or has no such address.
func permitted(t *testing.T, v6 bool) {
	t.Helper()
	s, err := Open(v6)
	if err != nil {
		t.Skip(err)
	}
	s.Close()
}

// This machine answers in both families, with the hop limit of its own system.
func TestPingOfThisMachine(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			addr := netip.MustParseAddr(host)
			permitted(t, addr.Is6())
			s, err := Open(addr.Is6())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			for i, a := range s.Burst(ctx, addr, 3, time.Millisecond) {
				if a == nil || a.Err != nil || a.RTT <= 0 || a.Hops != 64 {
					t.Errorf("answer %d: %+v", i, a)
				}
			}
			if len(s.pending) != 0 {
				t.Errorf("%d are under way still", len(s.pending))
			}
		})
	}
}

// What cannot be sent is told of at once; who does not answer ends with its context and is forgotten.
func TestNoAnswer(t *testing.T) {
	permitted(t, false)
	s, err := Open(false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if got := s.Burst(ctx, netip.MustParseAddr("::1"), 1, time.Millisecond); got[0] == nil || got[0].Err == nil {
		t.Errorf("IPv6 by an IPv4 socket: %+v", got[0])
	}
	forget := s.Ping(netip.MustParseAddr("127.0.0.1"), func(Answer) {})
	forget()
	canceled, end := context.WithCancel(t.Context())
	end()
	_ = s.Burst(canceled, netip.MustParseAddr("127.0.0.1"), 3, time.Hour)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) != 0 {
		t.Errorf("%d are under way still", len(s.pending))
	}
}

// Many bursts share a socket, and none takes another's answers; the socket is closed after the last.
func TestManyBurstsShareASocket(t *testing.T) {
	permitted(t, false)
	var sockets Shared
	const many = 200
	lost := make(chan int, many)
	var all sync.WaitGroup
	for i := range many {
		addr := netip.AddrFrom4([4]byte{127, 0, 1, byte(i)})
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			s, release, err := sockets.Take(false)
			if err != nil {
				lost <- -1
				return
			}
			defer release()
			n := 0
			for _, a := range s.Burst(ctx, addr, 3, time.Millisecond) {
				if a == nil || a.Err != nil {
					n++
				}
			}
			lost <- n
		})
	}
	all.Wait()
	for range many {
		if n := <-lost; n != 0 {
			t.Errorf("%d of 3 lost", n)
		}
	}
	if len(sockets.sockets) != 0 {
		t.Error("a socket is left open")
	}
}

// unread is a socket that sends to nobody: what is heard is put in.
func unread() (*Socket, chan Answer) {
	answers := make(chan Answer, 1)
	s := &Socket{id: 0x1234, pending: map[uint16]*echo{1: {number: 1, sent: time.Now(), answered: func(a Answer) { answers <- a }}}}
	copy(s.cookie[:], "0123456789abcdef")
	return s, answers
}

func wire(t testing.TB, kind ipv4.ICMPType, body icmp.MessageBody) []byte {
	t.Helper()
	b, err := (&icmp.Message{Type: kind, Body: body}).Marshal(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOnlyOwnAnswersCount(t *testing.T) {
	numbered := func(cookie string, n uint64) []byte { return binary.BigEndian.AppendUint64([]byte(cookie), n) }
	ours := wire(t, ipv4.ICMPTypeEcho, &icmp.Echo{ID: 0x1234, Seq: 1, Data: numbered("0123456789abcdef", 1)})
	returned := func(b []byte) []byte { return slices.Concat([]byte{0x45}, make([]byte, 19), b) }
	for _, c := range []struct {
		name string
		b    []byte
		want bool
		err  error
	}{
		{"reply", wire(t, ipv4.ICMPTypeEchoReply, &icmp.Echo{ID: 9, Seq: 9, Data: numbered("0123456789abcdef", 1)}), true, nil},
		{"request", ours, false, nil},
		{"another program's", wire(t, ipv4.ICMPTypeEchoReply, &icmp.Echo{Data: numbered("xxxxxxxxxxxxxxxx", 1)}), false, nil},
		{"another number", wire(t, ipv4.ICMPTypeEchoReply, &icmp.Echo{Data: numbered("0123456789abcdef", 2)}), false, nil},
		{"one of the same sequence number, long ago", wire(t, ipv4.ICMPTypeEchoReply, &icmp.Echo{Data: numbered("0123456789abcdef", 65537)}), false, nil},
		{"short", wire(t, ipv4.ICMPTypeEchoReply, &icmp.Echo{Data: []byte("0123456789abcdef")}), false, nil},
		{"unreachable", wire(t, ipv4.ICMPTypeDestinationUnreachable, &icmp.DstUnreach{Data: returned(ours)}), true, ErrUnreachable},
		{"unreachable, its header alone", wire(t, ipv4.ICMPTypeDestinationUnreachable, &icmp.DstUnreach{Data: returned(ours[:8])}), true, ErrUnreachable},
		{"another's unreachable", wire(t, ipv4.ICMPTypeDestinationUnreachable, &icmp.DstUnreach{Data: returned(wire(t, ipv4.ICMPTypeEcho, &icmp.Echo{ID: 1, Seq: 1}))}), false, nil},
		{"nothing", nil, false, nil},
	} {
		s, answers := unread()
		s.heard(c.b, 64, time.Now())
		select {
		case a := <-answers:
			if !c.want || !errors.Is(a.Err, c.err) {
				t.Errorf("%s: taken as %+v", c.name, a)
			}
		default:
			if c.want {
				t.Errorf("%s: not taken", c.name)
			}
		}
	}
}

func FuzzHeard(f *testing.F) {
	f.Add(wire(f, ipv4.ICMPTypeEchoReply, &icmp.Echo{Data: []byte("0123456789abcdef\x00\x00\x00\x00\x00\x00\x00\x01")}), false)
	f.Add(wire(f, ipv4.ICMPTypeDestinationUnreachable, &icmp.DstUnreach{Data: []byte(strings.Repeat("E", 28))}), true)
	f.Fuzz(func(t *testing.T, b []byte, v6 bool) {
		s, answers := unread()
		s.v6 = v6
		s.heard(b, 0, time.Now())
		if len(answers)+len(s.pending) != 1 {
			t.Errorf("%d answers, %d pending", len(answers), len(s.pending))
		}
	})
}
