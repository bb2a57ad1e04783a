package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"

	"github.com/nocturne-noc/nocturne/store/model"
)

// permitted skips where the system lets nobody ping.
func permitted(t *testing.T) {
	t.Helper()
	_, release, err := newEchoer().take(false)
	if err != nil {
		t.Skip(err)
	}
	release()
}

func TestPingOfThisMachine(t *testing.T) {
	permitted(t)
	b := probed(t, "{ping: 127.0.0.1, echoes: 3}")
	if e := b.Entities[0]; e.State != model.OK || e.ID != "probe/127.0.0.1" {
		t.Errorf("%+v", e)
	}
	rtt, jitter := value(t, b, "probe_icmp_duration_seconds", "phase", "rtt"), value(t, b, "nocturne_probe_jitter_seconds")
	if value(t, b, "probe_success") != 1 || value(t, b, "nocturne_probe_loss_ratio") != 0 || rtt <= 0 || jitter < 0 {
		t.Errorf("%v", b.Samples)
	}
	if got := value(t, b, "probe_icmp_reply_hop_limit"); got != 64 {
		t.Errorf("hop limit %v", got)
	}
}

// Many bursts share a socket, and none takes another's answers; the socket is closed after the last.
func TestManyPingsShareASocket(t *testing.T) {
	permitted(t)
	e := newEchoer()
	const many = 200
	lost := make(chan int, many)
	for i := range many {
		addr := netip.AddrFrom4([4]byte{127, 0, 1, byte(i)})
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			s, release, err := e.take(false)
			if err != nil {
				lost <- -1
				return
			}
			defer release()
			lost <- 3 - sumUp(s.burst(ctx, addr, 3, time.Millisecond)).answered
		}()
	}
	for range many {
		if n := <-lost; n != 0 {
			t.Errorf("%d of 3 lost", n)
		}
	}
}

func TestBurstsAreSummedUp(t *testing.T) {
	ms := func(n int) *answer { return &answer{rtt: time.Duration(n) * time.Millisecond, hops: 60} }
	refused := &answer{err: errUnreachable}
	for _, c := range []struct {
		name         string
		answers      []*answer
		state        model.State
		reason       string
		mean, jitter float64 // ms
	}{
		{"all", []*answer{ms(1), ms(3), ms(2)}, model.OK, "", 2, 1.5},
		{"one of five lost", []*answer{ms(1), nil, ms(1), ms(1), ms(1)}, model.OK, "", 1, 0},
		{"two of five lost", []*answer{ms(1), nil, ms(1), nil, ms(4)}, model.Warning, "loss 40 %", 2, 1.5},
		{"one answer", []*answer{nil, ms(7), nil}, model.Warning, "loss 67 %", 7, 0},
		{"none", []*answer{nil, nil}, model.Critical, "timed out after 2 s while waiting for an echo", 0, 0},
		{"no route", []*answer{nil, refused}, model.Critical, "no route to it: a router says that it is unreachable", 0, 0},
		{"one route of two", []*answer{ms(2), refused}, model.Warning, "loss 50 %", 2, 0},
	} {
		r := newReport()
		r.phase = "waiting for an echo"
		err := (&pingCheck{maxLoss: defaultMaxLoss}).judge(r, c.answers)
		state, reason := r.state, r.reason
		if err != nil {
			state, reason = model.Critical, explain(err, r.phase, 2*time.Second)
		}
		b := sumUp(c.answers)
		if state != c.state || reason != c.reason || b.mean.Seconds()*1000 != c.mean || b.jitter.Seconds()*1000 != c.jitter {
			t.Errorf("%s: %s %q mean %v jitter %v", c.name, state, reason, b.mean, b.jitter)
		}
	}
}

// unread is a socket that sends to nobody: what is heard is put in.
func unread() (*echoSocket, chan answer) {
	answers := make(chan answer, 1)
	s := &echoSocket{id: 0x1234, pending: map[uint16]*echo{1: {number: 1, sent: time.Now(), answer: answers}}}
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
		{"short", wire(t, ipv4.ICMPTypeEchoReply, &icmp.Echo{Data: []byte("0123456789abcdef")}), false, nil},
		{"unreachable", wire(t, ipv4.ICMPTypeDestinationUnreachable, &icmp.DstUnreach{Data: returned(ours)}), true, errUnreachable},
		{"unreachable, its header alone", wire(t, ipv4.ICMPTypeDestinationUnreachable, &icmp.DstUnreach{Data: returned(ours[:8])}), true, errUnreachable},
		{"another's unreachable", wire(t, ipv4.ICMPTypeDestinationUnreachable, &icmp.DstUnreach{Data: returned(wire(t, ipv4.ICMPTypeEcho, &icmp.Echo{ID: 1, Seq: 1}))}), false, nil},
		{"nothing", nil, false, nil},
	} {
		s, answers := unread()
		s.heard(c.b, 64, time.Now())
		select {
		case a := <-answers:
			if !c.want || !errors.Is(a.err, c.err) {
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
