package probe

import (
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/nocturne-noc/nocturne/store/model"
)

// nameServer serves shop.test on one port of 127.0.0.1 by UDP and TCP.
func nameServer(t *testing.T) (address string) {
	t.Helper()
	records := map[string][]string{
		"shop.test. A":   {"shop.test. 60 IN A 10.0.0.1", "shop.test. 60 IN A 10.0.0.2"},
		"shop.test. MX":  {"shop.test. 60 IN MX 10 Mail.shop.test."},
		"shop.test. TXT": {`shop.test. 60 IN TXT "v=spf1 -all"`},
		"shop.test. SOA": {"shop.test. 60 IN SOA ns.shop.test. admin.shop.test. 2026112101 1 2 3 4"},
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		name := q.Question[0].Name
		_, byTCP := w.RemoteAddr().(*net.TCPAddr)
		switch {
		case name == "gone.test.":
			m.Rcode = dns.RcodeNameError
		case name == "broken.test.":
			m.Rcode = dns.RcodeServerFailure
		case name == "silent.test.":
			return
		case name == "long.test." && !byTCP:
			m.Truncated = true
		case name == "long.test.":
			name = "shop.test."
		}
		for _, line := range records[name+" "+dns.TypeToString[q.Question[0].Qtype]] {
			rr, err := dns.NewRR(line)
			if err != nil {
				t.Error(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		_ = w.WriteMsg(m) // the test says what it misses
	})
	packets, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stream, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", packets.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: stream, Handler: handler}} {
		ended, ready := make(chan error, 1), make(chan struct{})
		s.NotifyStartedFunc = func() { close(ready) }
		go func() { ended <- s.ActivateAndServe() }()
		<-ready
		t.Cleanup(func() {
			_ = s.Shutdown()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
	return packets.LocalAddr().String()
}

func TestDNSIsJudged(t *testing.T) {
	at := nameServer(t)
	for _, c := range []struct {
		question string
		state    model.State
		reason   string
	}{
		{"name: shop.test", model.OK, ""},
		{"name: shop.test, want: 10.0.0.2", model.OK, ""},
		{"name: shop.test, want: [10.0.0.2, 10.0.0.1]", model.OK, ""},
		{"name: shop.test, want: 10.0.0.3", model.Critical, "shop.test A lacks 10.0.0.3, has 10.0.0.1, 10.0.0.2"},
		{"name: shop.test, type: mx, want: 10 mail.shop.test", model.OK, ""},
		{"name: shop.test, type: TXT, want: v=spf1 -all", model.OK, ""},
		{"name: shop.test, tcp: true", model.OK, ""},
		{"name: long.test, want: 10.0.0.1", model.OK, ""},
		{"name: shop.test, type: AAAA", model.Critical, "no answer to shop.test AAAA"},
		{"name: gone.test", model.Critical, "the server knows no such name: gone.test (NXDOMAIN)"},
		{"name: broken.test", model.Critical, "the server answers SERVFAIL"},
	} {
		b := probed(t, "{dns: {server: '"+at+"', "+c.question+"}}")
		if e := b.Entities[0]; e.State != c.state || e.Reason != c.reason {
			t.Errorf("%s: %s %q, want %s %q", c.question, e.State, e.Reason, c.state, c.reason)
		}
	}
	b := probed(t, "{dns: {server: '"+at+"', name: silent.test}, timeout: 50ms}")
	if e := b.Entities[0]; e.Reason != "timed out after 50 ms while waiting for the answer" || value(t, b, "probe_dns_query_succeeded") != 0 {
		t.Errorf("silent: %s %q", e.State, e.Reason)
	}
	b = probed(t, "{dns: {server: '"+at+"', name: shop.test, type: SOA}}")
	if got := value(t, b, "probe_dns_serial"); got != 2026112101 {
		t.Errorf("serial %v", got)
	}
	b = probed(t, "{dns: {server: '"+closed(t)+"', name: shop.test}}")
	if e := b.Entities[0]; !strings.HasPrefix(e.Reason, "connection refused") {
		t.Errorf("nobody there: %q", e.Reason)
	}
}
