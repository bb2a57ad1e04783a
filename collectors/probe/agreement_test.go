package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// blackbox starts Debian's blackbox_exporter with one module for each name on 127.0.0.1 until the test ends.
func blackbox(t *testing.T, modules string) (address string) {
	t.Helper()
	binary, err := exec.LookPath("prometheus-blackbox-exporter")
	if err != nil {
		t.Skip("prometheus-blackbox-exporter is not installed: apt-get install prometheus-blackbox-exporter")
	}
	file := filepath.Join(t.TempDir(), "blackbox.yml")
	if err := os.WriteFile(file, []byte(modules), 0o600); err != nil {
		t.Fatal(err)
	}
	address = closed(t)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "--config.file="+file, "--web.listen-address="+address)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listens, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		told := false
		for lines := bufio.NewScanner(said); lines.Scan(); {
			if !told && strings.Contains(lines.Text(), "TLS is disabled") || !told && strings.Contains(lines.Text(), "Listening on") {
				told = true
				close(listens)
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = cmd.Wait() // it was ended by us
	})
	select {
	case <-listens:
	case <-ended:
		t.Fatal("blackbox_exporter ends at once")
	case <-time.After(20 * time.Second):
		t.Fatal("blackbox_exporter does not listen")
	}
	return address
}

// ask has blackbox_exporter make one probe: its samples by name and labels.
func ask(t *testing.T, exporter, module, target string) map[string]float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	at := "http://" + exporter + "/probe?" + url.Values{"module": {module}, "target": {target}}.Encode()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{DisableKeepAlives: true}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			if ctx.Err() == nil {
				continue // it says that it listens a moment before it does
			}
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		out := map[string]float64{}
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, v, ok := strings.Cut(lines.Text(), " ")
			if at := strings.LastIndex(lines.Text(), " "); ok && at >= 0 {
				name, v = lines.Text()[:at], lines.Text()[at+1:]
			}
			if n, err := strconv.ParseFloat(v, 64); err == nil && !strings.HasPrefix(name, "#") {
				out[name] = n
			}
		}
		return out
	}
}

// What blackbox_exporter and we make of the same targets in the same run: the same success, names, labels and
// figures; times within what one run differs from the next.
func TestAgreesWithBlackboxExporter(t *testing.T) {
	ca := newAuthority(t, "Root")
	now := time.Now()
	plain := site(t)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }))
	t.Cleanup(secure.Close)
	file := filepath.Join(t.TempDir(), "site.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	shop := &tls.Config{Certificates: []tls.Certificate{ca.issue("", now.Add(-day), now.Add(90*day))}}
	old := &tls.Config{Certificates: []tls.Certificate{ca.issue("", now.Add(-9*day), now.Add(-day))}}
	other := &tls.Config{Certificates: []tls.Certificate{ca.issue("other.example", now.Add(-day), now.Add(90*day))}}
	names := nameServer(t)
	refused := closed(t)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		timer := time.NewTimer(200 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
		_, _ = w.Write([]byte("late"))
	}))
	t.Cleanup(slow.Close)
	exporter := blackbox(t, fmt.Sprintf(`modules:
  http: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4}}
  http_match: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, fail_if_body_not_matches_regexp: [Welcome]}}
  https: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, tls_config: {ca_file: %q}}}
  tcp: {prober: tcp, timeout: 5s, tcp: {preferred_ip_protocol: ip4}}
  tls: {prober: tcp, timeout: 5s, tcp: {preferred_ip_protocol: ip4, tls: true, tls_config: {ca_file: %q}}}
  dns: {prober: dns, timeout: 5s, dns: {preferred_ip_protocol: ip4, query_name: shop.test, query_type: A}}
  dns_gone: {prober: dns, timeout: 5s, dns: {preferred_ip_protocol: ip4, query_name: gone.test, query_type: A}}
  soa: {prober: dns, timeout: 5s, dns: {preferred_ip_protocol: ip4, query_name: shop.test, query_type: SOA}}
  icmp: {prober: icmp, timeout: 5s, icmp: {preferred_ip_protocol: ip4}}
`, file, ca.file))
	answer := func(cfg *tls.Config) string { return serve(t, shake(t, cfg)) }
	for _, c := range []struct{ name, module, target, ours string }{
		{"http", "http", plain.URL + "/ok", "{http: '%s'}"},
		{"redirect", "http", plain.URL + "/moved", "{http: '%s'}"},
		{"status", "http", plain.URL + "/down", "{http: '%s'}"},
		{"body", "http_match", plain.URL + "/ok", "{http: '%s', match: Welcome}"},
		{"late", "http", slow.URL, "{http: '%s'}"},
		{"https", "https", secure.URL, "{http: '%s', ca_file: '" + file + "'}"},
		{"untrusted", "http", secure.URL, "{http: '%s'}"},
		{"nobody", "http", "http://" + refused, "{http: '%s'}"},
		{"tcp", "tcp", serve(t, func(net.Conn) {}), "{tcp: '%s'}"},
		{"tcp refused", "tcp", refused, "{tcp: '%s'}"},
		{"tls", "tls", answer(shop), "{tls: '%s', ca_file: '" + ca.file + "'}"},
		{"tls expired", "tls", answer(old), "{tls: '%s', ca_file: '" + ca.file + "'}"},
		{"tls name", "tls", answer(other), "{tls: '%s', ca_file: '" + ca.file + "'}"},
		{"dns", "dns", names, "{dns: {server: '%s', name: shop.test}}"},
		{"dns gone", "dns_gone", names, "{dns: {server: '%s', name: gone.test}}"},
		{"dns serial", "soa", names, "{dns: {server: '%s', name: shop.test, type: SOA}}"},
		{"ping", "icmp", "127.0.0.1", "{ping: '%s', echoes: 3}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.module == "icmp" {
				permitted(t)
			}
			theirs := ask(t, exporter, c.module, c.target)
			b := probed(t, fmt.Sprintf(c.ours, c.target))
			compare(t, theirs, asExposed(b.Samples), b.Entities[0].Reason)
		})
	}
}
