package scrape

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/nocturne-noc/nocturne/collectors"
)

// text answers with a body of a content type.
func text(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(body))
	}
}

const plain = "text/plain; version=0.0.4"

// TestFailures holds the words for each way in which a target can fail.
func TestFailures(t *testing.T) {
	endless := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", plain)
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("# HELP a never ends\n"))
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	bomb := func(w http.ResponseWriter, _ *http.Request) {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		for range 64 {
			_, _ = z.Write(bytes.Repeat([]byte("# zero\n"), 1<<14))
		}
		_ = z.Close()
		w.Header().Set("Content-Type", plain)
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	now := time.Now()
	valid := certificate(t, "localhost", now.Add(-time.Hour), now.Add(time.Hour))
	expired := certificate(t, "localhost", now.Add(-48*time.Hour), now.Add(-24*time.Hour))
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc // nil: nobody listens
		cfg    Config
		want   []string
		tls    *speaksTLS
	}{
		{"refused", nil, Config{}, []string{"refuses the connection"}, nil},
		{"TLS, expired", text(plain, "a 1\n"), Config{}, []string{"has expired on " + now.Add(-24*time.Hour).UTC().Format(time.DateOnly), "renew it"}, &speaksTLS{expired, true}},
		{"TLS, unknown authority", text(plain, "a 1\n"), Config{}, []string{"unknown authority", "tls.ca_file"}, &speaksTLS{valid, false}},
		{"no answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, Config{Timeout: time.Second}, []string{"does not answer in time"}, nil},
		{"endless", endless, Config{Timeout: time.Second}, []string{"does not end in time"}, nil},
		{"401", status(401), Config{}, []string{"does not accept the credentials: HTTP 401"}, nil},
		{"403", status(403), Config{}, []string{"forbids the scrape: HTTP 403"}, nil},
		{"404", status(404), Config{}, []string{"has no /metrics: HTTP 404"}, nil},
		{"500", status(500), Config{}, []string{"answers with HTTP 500"}, nil},
		{"503", status(503), Config{}, []string{"overloaded"}, nil},
		{"login page", text("text/html; charset=utf-8", "<html>"), Config{}, []string{"answers with text/html; charset=utf-8, which is no exposition format"}, nil},
		{"bad content type", text(";;", "a 1\n"), Config{}, []string{"answers with ;;, which is no exposition format"}, nil},
		{"body limit", text(plain, strings.Repeat("# long\n", 1000)), Config{BodySizeLimit: 1000}, []string{"too large", "body_size_limit"}, nil},
		{"gzip bomb", bomb, Config{BodySizeLimit: 1 << 20}, []string{"too large"}, nil},
		{"sample limit", text(plain, "a 1\nb 1\n"), Config{SampleLimit: 1}, []string{"more samples than sample_limit"}, nil},
		{"label limit", text(plain, `a{b="`+strings.Repeat("x", 5000)+`"} 1`+"\n"), Config{}, []string{"label_value_length_limit exceeded", "metric_relabel"}, nil},
		{"bad line", text(plain, "a 1\nb{x=\"y\"} 2\nthis is \x1b[31m no metric\n"), Config{}, []string{"after 2 samples", `b{`, "exposition format"}, nil},
		{"not UTF-8", text(plain, "a{b=\"\xff\xfe\"} 1\n"), Config{}, []string{"exposition format", "UTF-8"}, nil},
		{"redirects", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, Config{}, []string{"redirects in circles"}, nil},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", plain)
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("a 1\n"))
		}, Config{}, []string{"broke the connection off"}, nil},
		{"bad gzip", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", plain)
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte("not packed at all"))
		}, Config{}, []string{"compressed wrongly"}, nil},
		{"twice", text(plain, "a 1\na 2\nb 1\n"), Config{}, []string{"1 of 3 samples are left out", "twice"}, nil},
		{"twice at a time of its own", text(plain, fmt.Sprintf("a 1 %[1]d\na 2 %[1]d\nb 1\n", now.UnixMilli())), Config{}, []string{"1 of 3 samples are left out", "twice"}, nil},
		{"far ahead", text(plain, fmt.Sprintf("a 1 %d\nb 1\n", time.Now().Add(time.Hour).UnixMilli())), Config{}, []string{"1 of 2 samples are left out"}, nil},
		{"TLS on HTTP", text(plain, "a 1\n"), Config{Scheme: "https"}, []string{"speaks HTTP, not TLS"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			target := "127.0.0.1:1"
			switch {
			case tt.tls != nil:
				target = tt.tls.start(t, &tt.cfg, tt.answer, nil)
			case tt.answer != nil:
				x := httptest.NewServer(tt.answer)
				t.Cleanup(x.Close)
				target = strings.TrimPrefix(x.URL, "http://")
			}
			tt.cfg.Targets = []string{target}
			says(t, watch(t, tt.cfg, nil).row(target), target, tt.want)
		})
	}
}

// speaksTLS is a target that shows a certificate, which the source may trust.
type speaksTLS struct {
	certificate tls.Certificate
	trusted     bool
}

// start starts the target and has cfg ask it over TLS; change may be nil.
func (s *speaksTLS) start(t *testing.T, cfg *Config, answer http.HandlerFunc, change func(*tls.Config)) (target string) {
	t.Helper()
	x := httptest.NewUnstartedServer(answer)
	x.TLS = &tls.Config{Certificates: []tls.Certificate{s.certificate}}
	if change != nil {
		change(x.TLS)
	}
	x.Config.ErrorLog = quietLog
	x.StartTLS()
	t.Cleanup(x.Close)
	cfg.Scheme = "https"
	if s.trusted {
		cfg.TLS.CAFile = filepath.Join(t.TempDir(), "ca.pem")
		writePEM(t, cfg.TLS.CAFile, s.certificate)
	}
	return strings.TrimPrefix(x.URL, "https://")
}

func says(t *testing.T, err error, target string, want []string) {
	t.Helper()
	if err == nil {
		t.Fatal("all is well, want an error")
	}
	t.Log(err)
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	for _, r := range err.Error() {
		if r < ' ' || r == 0x7f {
			t.Errorf("%q has a control character", err)
		}
	}
	if len(err.Error()) > 900 {
		t.Errorf("%d bytes of words: %.100s", len(err.Error()), err)
	}
	if !errors.As(err, new(collectors.Remark)) && !strings.Contains(err.Error(), target) {
		t.Errorf("%q does not name %s", err, target)
	}
}

// TestLateSamples holds that samples which the target dates back are counted.
func TestLateSamples(t *testing.T) {
	now := time.Now().UnixMilli()
	x := serve(t, fmt.Sprintf("a 1 %d\nb 1\n", now))
	b := watch(t, Config{Targets: []string{x.target()}}, nil)
	if err := b.row(x.target()); err != nil {
		t.Fatal(err)
	}
	x.set(fmt.Sprintf("a 1 %d\nb 1\n", now-5000))
	b.await("a word on samples out of order", func() bool {
		return b.rows[x.target()] != nil && strings.Contains(b.rows[x.target()].Error(), "1 of 2 samples are out of order")
	})
}

// TestSameTime holds that a sample which changes its value and keeps its time is counted, and one that is told
// again as it was is not.
func TestSameTime(t *testing.T) {
	t.Parallel()
	at := time.Now().UnixMilli()
	x := serve(t, fmt.Sprintf("a 1 %d\nb 1\n", at))
	b := watch(t, Config{Targets: []string{x.target()}}, nil)
	b.await("two good scrapes", func() bool { return b.said[x.target()] >= 2 && b.rows[x.target()] == nil })
	x.set(fmt.Sprintf("a 2 %d\nb 1\n", at))
	b.await("a word on another value at the same time", func() bool {
		return b.rows[x.target()] != nil && strings.Contains(b.rows[x.target()].Error(), "1 of 2 samples are left out")
	})
}

// certificate makes a self-signed one, with its key.
func certificate(t *testing.T, name string, from, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: from, NotAfter: until, IsCA: true, BasicConstraintsValid: true,
	}
	if name != "localhost" {
		template.IPAddresses = nil
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestTLS(t *testing.T) {
	now := time.Now()
	good := certificate(t, "localhost", now.Add(-time.Hour), now.Add(time.Hour))
	for _, tt := range []struct {
		name   string
		cert   tls.Certificate
		trust  bool
		change func(*TLS)
		want   []string
	}{
		{"trusted", good, true, nil, nil},
		{"any", good, false, func(c *TLS) { c.InsecureSkipVerify = true }, nil},
		{"not yet", certificate(t, "localhost", now.Add(24*time.Hour), now.Add(48*time.Hour)), true, nil, []string{"is not valid before"}},
		{"other name", certificate(t, "db9", now.Add(-time.Hour), now.Add(time.Hour)), true, nil, []string{"for another name", "tls.server_name"}},
		{"named", certificate(t, "db9", now.Add(-time.Hour), now.Add(time.Hour)), true, func(c *TLS) { c.ServerName = "db9" }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var cfg Config
			cfg.Targets = []string{(&speaksTLS{tt.cert, tt.trust}).start(t, &cfg, text(plain, "a 1\n"), nil)}
			if tt.change != nil {
				tt.change(&cfg.TLS)
			}
			err := watch(t, cfg, nil).row(cfg.Targets[0])
			if tt.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			says(t, err, cfg.Targets[0], tt.want)
		})
	}
	t.Run("client certificate", func(t *testing.T) {
		t.Parallel()
		cfg := Config{TLS: TLS{InsecureSkipVerify: true}}
		cfg.Targets = []string{(&speaksTLS{good, false}).start(t, &cfg, text(plain, "a 1\n"), func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert })}
		says(t, watch(t, cfg, nil).row(cfg.Targets[0]), cfg.Targets[0], []string{"refused the TLS handshake", "tls.cert_file"})
	})
}

// TestCredentials holds that they are sent, and that secrets come by reference.
func TestCredentials(t *testing.T) {
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{Config{BasicAuth: &BasicAuth{Username: "noc", Password: "env:P"}}, "Basic bm9jOnNlY3JldCBvZiBlbnY6UA=="},
		{Config{Bearer: "env:T"}, "Bearer secret of env:T"},
	} {
		got := make(chan string, 100)
		x := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case got <- r.Header.Get("Authorization") + " " + r.URL.String():
			default:
			}
			text(plain, "a 1\n")(w, r)
		}))
		t.Cleanup(x.Close)
		tt.cfg.Targets = []string{strings.TrimPrefix(x.URL, "http://")}
		tt.cfg.MetricsPath, tt.cfg.Params = "/probe", url.Values{"module": {"x"}}
		if err := watch(t, tt.cfg, nil).row(tt.cfg.Targets[0]); err != nil {
			t.Error(err)
		}
		if sent := <-got; sent != tt.want+" /probe?module=x" {
			t.Errorf("sent %q, want %q", sent, tt.want)
		}
	}
}

// rules reads relabelling as a configuration has it.
func rules(t testing.TB, text string) (out []*relabel.Config) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// files is a folder of target groups.
type files struct {
	t   testing.TB
	dir string
}

func newFiles(t testing.TB) files { t.Helper(); return files{t, t.TempDir()} }

func (f files) path(name string) string { return filepath.Join(f.dir, name) }

// write puts a file in its place in one step.
func (f files) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(f.path(name+".new"), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(f.path(name+".new"), f.path(name)); err != nil {
		f.t.Fatal(err)
	}
}

func (f files) remove(name string) {
	f.t.Helper()
	if err := os.Remove(f.path(name)); err != nil {
		f.t.Fatal(err)
	}
}
