package probe

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestCertificatesAreJudgedInWordsOfTheirOwn(t *testing.T) {
	ours, foreign := newAuthority(t, "Our Root"), newAuthority(t, "Foreign Root")
	now := time.Now()
	year := now.Add(365 * day)
	for _, c := range []struct {
		name   string
		cert   tls.Certificate
		state  model.State
		reason string
	}{
		{"good", ours.issue("", now.Add(-day), year), model.OK, ""},
		{"ends in three weeks", ours.issue("", now.Add(-day), now.Add(20*day+time.Hour)), model.Warning, "TLS certificate ends in 20 d"},
		{"ends in a week", ours.issue("", now.Add(-day), now.Add(6*day+time.Hour)), model.Critical, "TLS certificate ends in 6 d"},
		{"has ended", ours.issue("", now.Add(-9*day), now.Add(-3*day-time.Hour)), model.Critical, "TLS certificate of shop expired 3 d ago"},
		{"not yet", ours.issue("", now.Add(5*day+time.Hour), year), model.Critical, "TLS certificate of shop is valid only in 5 d"},
		{"unknown authority", foreign.issue("", now.Add(-day), year), model.Critical, "TLS certificate of shop is of an unknown authority: Foreign Root"},
		{"other name", ours.issue("other.example", now.Add(-day), year), model.Critical, "TLS certificate is for other.example, not for 127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := serve(t, shake(t, &tls.Config{Certificates: []tls.Certificate{c.cert}}))
			b := probed(t, "{tls: '"+addr+"', ca_file: '"+ours.file+"'}")
			if e := b.Entities[0]; e.State != c.state || e.Reason != c.reason {
				t.Errorf("%s %q, want %s %q", e.State, e.Reason, c.state, c.reason)
			}
			if e := b.Entities[0]; e.ID != "probe/tls "+addr || e.Labels["expires"] == "" || e.Labels["issuer"] == "" {
				t.Errorf("entity %+v", e)
			}
			works := 1.0
			if strings.Contains(c.reason, " of ") || strings.Contains(c.reason, " for ") {
				works = 0
			}
			if got := value(t, b, "probe_success"); got != works {
				t.Errorf("probe_success %v, want %v", got, works)
			}
			// When it ends is known of one that is not accepted too.
			if got := value(t, b, "probe_ssl_earliest_cert_expiry"); got < float64(now.Add(-10*day).Unix()) {
				t.Errorf("ends at %v", got)
			}
			if got := value(t, b, "probe_tls_version_info", "version", "TLS 1.3"); got != 1 {
				t.Errorf("version %v", got)
			}
		})
	}
}

func TestAnUnacceptedCertificateMayBeAccepted(t *testing.T) {
	foreign := newAuthority(t, "Foreign Root")
	addr := serve(t, shake(t, &tls.Config{Certificates: []tls.Certificate{foreign.issue("x.example", time.Now(), time.Now().Add(90*day))}}))
	b := probed(t, "{tls: '"+addr+"', insecure_skip_verify: true, name: shop}")
	if e := b.Entities[0]; e.State != model.OK || e.ID != "probe/shop" {
		t.Errorf("%+v", e)
	}
}

func TestConnectionsFailInWordsOfTheirOwn(t *testing.T) {
	ca := newAuthority(t, "Root")
	demanding := &tls.Config{
		Certificates: []tls.Certificate{ca.issue("", time.Now(), time.Now().Add(90*day))}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12,
	}
	for _, c := range []struct{ name, target, reason string }{
		{"refused", "{tcp: '" + closed(t) + "'}", "connection refused"},
		{"no TLS", "{tls: '" + serve(t, func(c net.Conn) { _, _ = c.Write([]byte("220 mail ready\r\n")) }) + "'}", "it does not speak TLS"},
		{"silent", "{timeout: 50ms, tls: '" + serve(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)); _, _ = c.Read(make([]byte, 1)) }) + "'}", "timed out after 50 ms while the TLS handshake"},
		{"hangs up", "{tls: '" + serve(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }) + "'}", "connection closed while the TLS handshake"},
		{"wants a client certificate", "{tls: '" + serve(t, shake(t, demanding)) + "', insecure_skip_verify: true}", "TLS refused: "},
		{"family", "{tcp: '127.0.0.1:80', ip: '6'}", "127.0.0.1 is no IPv6 address"},
		{"name", "{tcp: 'nowhere.invalid:80'}", "name "},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := probed(t, c.target)
			if e := b.Entities[0]; e.State != model.Critical || !strings.HasPrefix(e.Reason, c.reason) {
				t.Errorf("%s %q, want critical %q", e.State, e.Reason, c.reason)
			}
			if got := value(t, b, "probe_success"); got != 0 {
				t.Errorf("probe_success %v", got)
			}
		})
	}
}

func TestAConnectionSucceeds(t *testing.T) {
	addr := serve(t, func(net.Conn) {})
	b := probed(t, "{tcp: '"+addr+"', name: db, labels: {site: seoul}}")
	e := b.Entities[0]
	if e.State != model.OK || e.Labels["site"] != "seoul" || e.Labels["address"] != "127.0.0.1" || e.Labels["target"] != addr {
		t.Errorf("%+v", e)
	}
	if got := value(t, b, "probe_success", "probe", "db", "instance", addr, "job", "probe", "source", "p", "site", "seoul", "prober", "tcp"); got != 1 {
		t.Errorf("probe_success %v", got)
	}
	for _, s := range b.Samples {
		if id := model.EntityOf(s.Labels); id != e.ID {
			t.Errorf("%s leads to %s", s.Labels, id)
		}
	}
}
