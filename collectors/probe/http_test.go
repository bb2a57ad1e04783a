package probe

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

func site(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
		_, _ = io.WriteString(w, "All is well")
	})
	mux.HandleFunc("/down", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "maintenance", http.StatusServiceUnavailable)
	})
	mux.Handle("/moved", http.RedirectHandler("/ok", http.StatusFound))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	mux.HandleFunc("/big", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 100_000)+"end")
	})
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/drip", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "a")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s user=%s:%s auth=%s x=%s host=%s agent=%s", r.Method, body, user, password, r.Header.Get("Authorization"), r.Header.Get("X-Site"), r.Host, r.UserAgent())
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestHTTPIsJudged(t *testing.T) {
	s := site(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, target string
		state        model.State
		reason       string
		status       float64
	}{
		{"ok", "{http: '%s/ok'}", model.OK, "", 200},
		{"status", "{http: '%s/down'}", model.Critical, "status 503 Service Unavailable", 503},
		{"status that is wanted", "{http: '%s/down', status: [503]}", model.OK, "", 503},
		{"words", "{http: '%s/ok', match: 'is (well|fine)'}", model.OK, "", 200},
		{"words that lack", "{http: '%s/ok', match: 'Welcome'}", model.Critical, `body lacks the words "Welcome"`, 200},
		{"words that must not be", "{http: '%s/ok', reject: 'well$'}", model.Critical, `body has the words "well$"`, 200},
		{"redirect", "{http: '%s/moved', match: well}", model.OK, "", 200},
		{"redirect that is wanted", "{http: '%s/moved', redirects: false, status: [302]}", model.OK, "", 302},
		{"redirects without end", "{http: '%s/loop'}", model.Critical, "more than 10 redirects", 302},
		{"end of a body within the limit", "{http: '%s/big', match: end}", model.OK, "", 200},
		{"end of a body beyond the limit", "{http: '%s/big', match: end, max_body: 1000}", model.Critical, `body lacks the words "end"`, 200},
		{"no answer", "{http: '%s/hang', timeout: 50ms}", model.Critical, "timed out after 50 ms while waiting for the answer", 0},
		{"an answer without end", "{http: '%s/drip', timeout: 50ms}", model.Critical, "timed out after 50 ms while reading the answer", 200},
		{"basic", "{http: '%s/who', user: noc, password: 'file:" + secret + "', match: 'user=noc:hunter2 '}", model.OK, "", 200},
		{"bearer", "{http: '%s/who', bearer: 'file:" + secret + "', match: 'auth=Bearer hunter2 '}", model.OK, "", 200},
		{"request", "{http: '%s/who', method: post, body: hello, headers: {X-Site: seoul, Host: shop.example}, match: '^POST hello .* x=seoul host=shop.example agent=Nocturne'}", model.OK, "", 200},
		{"slow", "{http: '%s/ok', slow: 1ns}", model.Warning, "slow: ", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := probed(t, fmt.Sprintf(c.target, s.URL))
			if e := b.Entities[0]; e.State != c.state || !strings.HasPrefix(e.Reason, c.reason) || c.reason == "" && e.Reason != "" {
				t.Errorf("%s %q, want %s %q", e.State, e.Reason, c.state, c.reason)
			}
			if got := value(t, b, "probe_http_status_code"); got != c.status {
				t.Errorf("status %v, want %v", got, c.status)
			}
			if got := value(t, b, "probe_success"); got != truth(c.state != model.Critical) {
				t.Errorf("probe_success %v", got)
			}
		})
	}
}

func TestHTTPIsMeasured(t *testing.T) {
	s := site(t)
	b := probed(t, "{http: '"+s.URL+"/moved'}")
	for name, want := range map[string]float64{
		"probe_http_redirects": 1, "probe_http_ssl": 0, "probe_http_version": 1.1, "probe_http_content_length": 11, "probe_failed_due_to_regex": 0,
		"probe_http_uncompressed_body_length": 11, "probe_ip_protocol": 4, "probe_http_last_modified_timestamp_seconds": 1767225600,
	} {
		if got := value(t, b, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	sum := 0.0
	for _, phase := range []string{"resolve", "connect", "tls", "processing", "transfer"} {
		v := value(t, b, "probe_http_duration_seconds", "phase", phase)
		if v < 0 || v == 0 && (phase == "connect" || phase == "processing" || phase == "transfer") {
			t.Errorf("%s took %v", phase, v)
		}
		sum += v
	}
	if all := value(t, b, "probe_duration_seconds"); sum > all {
		t.Errorf("the phases take %v, all takes %v", sum, all)
	}
}

func TestHTTPOverTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	b := probed(t, "{http: '"+s.URL+"', ca_file: '"+file+"'}")
	if e := b.Entities[0]; e.State != model.OK || e.Labels["expires"] != s.Certificate().NotAfter.UTC().Format(time.DateOnly) {
		t.Errorf("%+v", e)
	}
	if value(t, b, "probe_http_version") != 2 || value(t, b, "probe_http_ssl") != 1 || value(t, b, "probe_http_duration_seconds", "phase", "tls") <= 0 {
		t.Errorf("%v", b.Samples)
	}
	if got, want := value(t, b, "probe_ssl_last_chain_expiry_timestamp_seconds"), float64(s.Certificate().NotAfter.Unix()); got != want {
		t.Errorf("ends at %v, want %v", got, want)
	}
	b = probed(t, "{http: '"+s.URL+"'}")
	if e := b.Entities[0]; e.State != model.Critical || !strings.Contains(e.Reason, "is self-signed and not trusted") {
		t.Errorf("%s %q", e.State, e.Reason)
	}
	if got, want := value(t, b, "probe_ssl_earliest_cert_expiry"), float64(s.Certificate().NotAfter.Unix()); got != want {
		t.Errorf("ends at %v, want %v", got, want)
	}
}

// What is wrong below HTTP is said as it is for TCP and TLS.
func TestHTTPFailsBelow(t *testing.T) {
	ca := newAuthority(t, "Root")
	old := &tls.Config{Certificates: []tls.Certificate{ca.issue("", time.Now().Add(-9*day), time.Now().Add(-4*day-time.Hour))}}
	for _, c := range []struct{ url, reason string }{
		{"http://" + closed(t), "connection refused"},
		{"https://" + serve(t, shake(t, old)), "TLS certificate of shop expired 4 d ago"},
		{"https://" + serve(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }), "it does not speak TLS"},
		{"http://" + serve(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }), "connection closed while waiting for the answer"},
		{"http://" + serve(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH\r\n") }), "it does not speak HTTP"},
	} {
		b := probed(t, "{http: '"+c.url+"', ca_file: '"+ca.file+"'}")
		if e := b.Entities[0]; e.State != model.Critical || !strings.HasPrefix(e.Reason, c.reason) {
			t.Errorf("%s: %s %q, want %q", c.url, e.State, e.Reason, c.reason)
		}
	}
}

// A source that is removed while a probe is under way tells nothing.
func TestAStoppedProbeSaysNothing(t *testing.T) {
	s := site(t)
	list, err := jobs(t, "targets: [{http: '"+s.URL+"/hang'}]")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := list[0].Poll.Collect(ctx, func(b model.Batch) { t.Errorf("told %+v", b) }); err == nil {
		t.Error("a stopped probe succeeds")
	}
}
