package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	httpPort     = 80
	httpsPort    = 443
	maxRedirects = 10
	// maxHeader bounds the header of an answer, in bytes.
	maxHeader = 256 << 10
	// defaultBody bounds how much of an answer is read, in bytes, unless the target says otherwise.
	defaultBody = 1 << 20
	userAgent   = "Nocturne probe"
)

// httpCheck makes one request, follows redirects, and judges the last answer.
type httpCheck struct {
	url           *url.URL
	method        string
	header        http.Header
	host          string // of the header, where it is another than the URL's
	body          string
	status        []int // accepted; none for 200 to 299
	match, reject *regexp.Regexp
	maxBody       int64
	follow        bool
	proxy         bool // as the environment says
	family        string
	tls           *trust
	now           func() time.Time
}

// run makes the request. Each hop has its own connection, so that every phase is measured each time.
func (c *httpCheck) run(ctx context.Context, r *report) error {
	t := &tracer{check: c, phase: "connecting"}
	transport := &http.Transport{
		DialContext: t.dial, DialTLSContext: t.dialTLS, DisableKeepAlives: true, DisableCompression: true, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: maxHeader,
	}
	if c.proxy {
		// Through a proxy the transport shakes hands itself.
		transport.Proxy = http.ProxyFromEnvironment
		transport.TLSClientConfig = &tls.Config{RootCAs: c.tls.roots, ServerName: c.tls.serverName, Certificates: c.tls.client, InsecureSkipVerify: c.tls.insecure}
	}
	t.next = transport
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: t, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		switch {
		case !c.follow:
			return http.ErrUseLastResponse
		case len(via) > maxRedirects:
			return failed("more than %d redirects", maxRedirects)
		}
		return nil
	}}
	regexFailed, err := c.exchange(ctx, client, r)
	t.tell(r, c.now())
	r.add("probe_failed_due_to_regex", truth(regexFailed))
	return err
}

// exchange makes the request, and reads and judges the last answer.
func (c *httpCheck) exchange(ctx context.Context, client *http.Client, r *report) (regexFailed bool, err error) {
	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, c.url.String(), body)
	if err != nil {
		return false, err
	}
	req.Header, req.Host = c.header.Clone(), c.host
	resp, err := client.Do(req)
	if resp == nil {
		r.add("probe_http_status_code", 0)
		return false, err
	}
	defer func() { _ = resp.Body.Close() }() // it is read as far as it is wanted
	if err != nil {
		describe(resp, 0, r) // a redirect that was not followed
		return false, err
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBody))
	describe(resp, len(text), r)
	switch {
	case !c.accepts(resp.StatusCode):
		return false, failed("status %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	case err != nil:
		return false, fmt.Errorf("read the body: %w", err)
	case c.match != nil && !c.match.Match(text):
		return true, failed("body lacks the words %q", c.match)
	case c.reject != nil && c.reject.Match(text):
		return true, failed("body has the words %q", c.reject)
	}
	return false, nil
}

// describe tells what an answer is; length is how many bytes of its body were read.
func describe(resp *http.Response, length int, r *report) {
	r.add("probe_http_status_code", float64(resp.StatusCode))
	r.add("probe_http_content_length", float64(resp.ContentLength))
	r.add("probe_http_uncompressed_body_length", float64(length))
	r.add("probe_http_version", float64(resp.ProtoMajor)+float64(resp.ProtoMinor)/10)
	if when, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
		r.add("probe_http_last_modified_timestamp_seconds", float64(when.Unix()))
	}
	r.labels["status"] = strconv.Itoa(resp.StatusCode)
}

// port is where the URL leads.
func (c *httpCheck) port() uint16 {
	if n, err := strconv.ParseUint(c.url.Port(), 10, 16); err == nil {
		return uint16(n)
	}
	if c.url.Scheme == "https" {
		return httpsPort
	}
	return httpPort
}

func (c *httpCheck) accepts(status int) bool {
	if len(c.status) == 0 {
		return status >= 200 && status < 300
	}
	return slices.Contains(c.status, status)
}

// tracer is a transport that measures. A dial may outlive its request, so that it is locked.
type tracer struct {
	check *httpCheck
	next  http.RoundTripper

	mu    sync.Mutex
	hops  []*hop
	phase string // what is being waited for
	peer  peer   // of the last hop
	addr  string // of the URL's own host, which a redirect or a proxy may not be
	v6    bool
	hash  float64
}

// hop is one request and its answer.
type hop struct {
	resolve, connect, tls time.Duration
	ready, wrote, first   time.Time // the connection, the request, the answer's first byte
	secure                bool
}

// RoundTrip makes one hop.
func (t *tracer) RoundTrip(req *http.Request) (*http.Response, error) {
	h := &hop{secure: req.URL.Scheme == "https"}
	t.mu.Lock()
	t.hops = append(t.hops, h)
	t.peer, t.phase = peer{}, "connecting"
	t.mu.Unlock()
	note := func(phase string, at *time.Time) {
		t.mu.Lock()
		defer t.mu.Unlock()
		*at, t.phase = time.Now(), phase
	}
	resp, err := t.next.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn:              func(httptrace.GotConnInfo) { note("the request", &h.ready) },
		WroteRequest:         func(httptrace.WroteRequestInfo) { note("waiting for the answer", &h.wrote) },
		GotFirstResponseByte: func() { note("reading the answer", &h.first) },
	})))
	if err == nil && resp.TLS != nil {
		t.mu.Lock()
		if t.peer.certs == nil { // the transport shook hands, behind a proxy
			t.peer = peer{resp.TLS.PeerCertificates, resp.TLS.VerifiedChains, resp.TLS.Version}
		}
		t.mu.Unlock()
	}
	return resp, err
}

func (t *tracer) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %.20q: %w", portText, err)
	}
	h := t.begin("looking up the name")
	addr, took, err := resolve(ctx, host, t.check.family)
	t.mu.Lock()
	h.resolve = took
	if own := len(t.hops) == 1 && (!t.check.proxy || host == t.check.url.Hostname()); err == nil && own {
		t.addr, t.v6, t.hash = addr.String(), addr.Is6(), addressHash(addr)
	}
	t.mu.Unlock()
	if err != nil {
		return nil, err
	}
	t.begin("connecting")
	start := time.Now()
	conn, err := connect(ctx, addr, uint16(port))
	t.mu.Lock()
	h.connect = time.Since(start)
	t.mu.Unlock()
	return conn, err
}

func (t *tracer) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := t.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	h := t.begin("the TLS handshake")
	start := time.Now()
	client, seen, err := t.check.tls.handshake(ctx, conn, host, []string{"h2", "http/1.1"}, t.check.now())
	t.mu.Lock()
	h.tls, t.peer = time.Since(start), seen
	t.mu.Unlock()
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return client, nil
}

// begin notes what is waited for and returns the hop that does.
func (t *tracer) begin(phase string) *hop {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.phase = phase
	return t.hops[len(t.hops)-1]
}

// tell tells of the hops; what several took is summed up by phase, as blackbox_exporter does.
func (t *tracer) tell(r *report, now time.Time) {
	end := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	var sum hop
	var processing, transfer time.Duration
	secure := false
	for i, h := range t.hops {
		secure = h.secure && !h.first.IsZero()
		sum.resolve, sum.connect, sum.tls = sum.resolve+h.resolve, sum.connect+h.connect, sum.tls+h.tls
		if !h.first.IsZero() {
			processing += h.first.Sub(cmpTime(h.wrote, h.ready))
			if i == len(t.hops)-1 {
				transfer = end.Sub(h.first)
			}
		}
	}
	const phases = "probe_http_duration_seconds"
	r.add(phases, sum.resolve.Seconds(), "phase", "resolve")
	r.add(phases, sum.connect.Seconds(), "phase", "connect")
	r.add(phases, sum.tls.Seconds(), "phase", "tls")
	r.add(phases, processing.Seconds(), "phase", "processing")
	r.add(phases, transfer.Seconds(), "phase", "transfer")
	r.add("probe_dns_lookup_time_seconds", sum.resolve.Seconds())
	r.add("probe_http_redirects", float64(max(0, len(t.hops)-1)))
	r.add("probe_http_ssl", truth(secure))
	r.phase = t.phase
	if t.addr != "" {
		r.labels["address"] = t.addr
		r.add("probe_ip_protocol", map[bool]float64{false: 4, true: 6}[t.v6])
		r.add("probe_ip_addr_hash", t.hash)
	}
	t.peer.tell(r, now)
}

// cmpTime is a, or b where a is not known: a request without a body may be answered before it is noted
// as written.
func cmpTime(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}

// HTTPConfig is what a target of kind http has beside its URL.
type HTTPConfig struct {
	Method   string            `yaml:"method"`         // GET
	Headers  map[string]string `yaml:"headers"`        //
	Body     string            `yaml:"body"`           // of the request
	Status   []int             `yaml:"status"`         // accepted; 200 to 299
	Match    string            `yaml:"match"`          // regular expression that the body must have
	Reject   string            `yaml:"reject"`         // regular expression that the body must not have
	MaxBody  int64             `yaml:"max_body"`       // bytes of the body that are read; 1 MiB
	Redirect *bool             `yaml:"redirects"`      // followed; true
	Proxy    bool              `yaml:"proxy_from_env"` // use HTTP_PROXY, HTTPS_PROXY, NO_PROXY
	User     string            `yaml:"user"`           // of basic authorization
	Password string            `yaml:"password"`       // reference
	Bearer   string            `yaml:"bearer"`         // reference
}

// check makes the check of one URL.
func (c *HTTPConfig) check(address string, secret func(string) (string, error)) (*httpCheck, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("http %.80q: want a URL such as https://www.example.com/", words(address))
	}
	if u.User != nil {
		return nil, fmt.Errorf("http %.80q: use user and password instead of a password in the URL", u.Redacted())
	}
	h := &httpCheck{
		url: u, method: cmp.Or(strings.ToUpper(c.Method), http.MethodGet), header: http.Header{"User-Agent": {userAgent}}, body: c.Body,
		status: c.Status, maxBody: cmp.Or(c.MaxBody, defaultBody), follow: c.Redirect == nil || *c.Redirect, proxy: c.Proxy,
	}
	if h.maxBody < 0 || h.maxBody > 64<<20 {
		return nil, fmt.Errorf("max_body %d: want 1 to %d bytes", h.maxBody, 64<<20)
	}
	for _, s := range c.Status {
		if s < 100 || s > 599 {
			return nil, fmt.Errorf("status %d: want 100 to 599", s)
		}
	}
	for name, value := range c.Headers {
		if strings.EqualFold(name, "Host") {
			h.host = value
			continue
		}
		h.header.Set(name, value)
	}
	if h.match, err = pattern("match", c.Match); err != nil {
		return nil, err
	}
	if h.reject, err = pattern("reject", c.Reject); err != nil {
		return nil, err
	}
	return h, c.authorize(h.header, secret)
}

func pattern(key, text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return re, nil
}

// authorize adds the credentials, which are not sent to another host that a redirect leads to.
func (c *HTTPConfig) authorize(header http.Header, secret func(string) (string, error)) error {
	if c.Bearer != "" && c.User != "" {
		return errors.New("bearer and user: want one of them")
	}
	if c.Bearer != "" {
		token, err := secret(c.Bearer)
		if err != nil {
			return fmt.Errorf("bearer: %w", err)
		}
		header.Set("Authorization", "Bearer "+token)
	}
	if c.User != "" {
		password, err := secret(c.Password)
		if err != nil {
			return fmt.Errorf("password: %w", err)
		}
		req := http.Request{Header: header}
		req.SetBasicAuth(c.User, password)
	}
	return nil
}
