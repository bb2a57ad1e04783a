package control_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/model"
)

const token = "a-token-that-nobody-guesses"

// listen serves the reading API on a free port.
func listen(t *testing.T, b control.Backend) (addr string) {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := control.ListenTCP(t.Context(), addr, control.ReadOnly(b, token), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return addr
}

// ask sends a request and returns the answer's status, header and body.
func ask(t *testing.T, req *http.Request) (status int, header http.Header, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

func request(t *testing.T, method, target string, form url.Values) *http.Request {
	t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req
}

func TestToken(t *testing.T) {
	base := "http://" + listen(t, backend(t))
	bearer := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	basic := func(r *http.Request) { r.SetBasicAuth("anybody", token) }
	tests := []struct {
		name, method, path string
		form               url.Values
		change             func(*http.Request)
		want               int
	}{
		{"bearer", "GET", "/api/v1/query?query=m", nil, bearer, 200},
		{"bearer in lower case", "GET", "/metrics", nil, func(r *http.Request) { r.Header.Set("Authorization", "bearer "+token) }, 200},
		{"password", "GET", "/api/v1/query?query=m", nil, basic, 200},
		{"form", "POST", "/api/v1/query", url.Values{"query": {"m"}}, bearer, 200},
		{"nothing there", "GET", "/nothing", nil, bearer, 404},
		{"no token", "GET", "/api/v1/query?query=m", nil, func(*http.Request) {}, 401},
		{"no token for metrics", "GET", "/metrics", nil, func(*http.Request) {}, 401},
		{"nor for what is not there", "GET", "/nothing", nil, func(*http.Request) {}, 401},
		{"wrong token", "GET", "/metrics", nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token+"x") }, 401},
		{"empty token", "GET", "/metrics", nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }, 401},
		{"wrong password", "GET", "/metrics", nil, func(r *http.Request) { r.SetBasicAuth(token, "") }, 401},
		{"token in the address", "GET", "/metrics?token=" + token, nil, func(*http.Request) {}, 401},
		{"a name that a foreign page made point here", "GET", "/metrics", nil, func(r *http.Request) { bearer(r); r.Host = "evil.example:80" }, 403},
		{"localhost", "GET", "/metrics", nil, func(r *http.Request) { bearer(r); r.Host = "Localhost:80" }, 200},
		{"IPv6", "GET", "/metrics", nil, func(r *http.Request) { bearer(r); r.Host = "[::1]" }, 200},
		{"acknowledging", "POST", "/api/nocturne/ack", url.Values{"id": {"1"}}, bearer, 405},
		{"recording", "POST", control.RecordPath, url.Values{"out": {"/x"}}, bearer, 405},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := request(t, tt.method, base+tt.path, tt.form)
			tt.change(req)
			status, header, body := ask(t, req)
			if status != tt.want {
				t.Errorf("%d, want %d: %s", status, tt.want, body)
			}
			schemes := strings.Join(header.Values("WWW-Authenticate"), " ")
			if (status == http.StatusUnauthorized) != (strings.Contains(schemes, "Bearer ") && strings.Contains(schemes, "Basic ")) {
				t.Errorf("status %d, WWW-Authenticate %q", status, schemes)
			}
			if strings.Contains(body, token) {
				t.Error("the answer shows the token")
			}
		})
	}
}

// An empty token opens nothing, whatever a client shows.
func TestNoToken(t *testing.T) {
	h := control.ReadOnly(backend(t), "")
	for _, shown := range []string{"", "Bearer ", "Bearer x", "Basic Og=="} {
		req := httptest.NewRequestWithContext(t.Context(), "GET", "http://127.0.0.1/metrics", nil)
		req.Header.Set("Authorization", shown)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%q: %d", shown, w.Code)
		}
	}
}

// As many requests run as leave half of the processors, some wait, the rest are turned away.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		c := control.Local(control.Handler(control.Backend{Boards: func(context.Context) ([]string, error) {
			<-end
			return []string{"one"}, nil
		}}))
		running := max(1, min(3, runtime.GOMAXPROCS(0)/2))
		const waiting = 100
		ran, waited := make(chan error, running), make(chan error, waiting)
		ctx, cancel := context.WithCancel(t.Context())
		for range running {
			go func() { ran <- c.Get(t.Context(), "/api/nocturne/boards", nil, nil) }()
		}
		synctest.Wait()
		for range waiting {
			go func() { waited <- c.Get(ctx, "/api/nocturne/boards", nil, nil) }()
		}
		synctest.Wait()
		if err := c.Get(t.Context(), "/api/nocturne/boards", nil, nil); err == nil || !strings.Contains(err.Error(), "too many requests") {
			t.Errorf("one more: %v", err)
		}
		// Who waits goes when its client does, and what runs is not touched by any of this.
		cancel()
		for range waiting {
			if err := <-waited; err == nil || !strings.Contains(err.Error(), "context canceled") {
				t.Errorf("waited: %v", err)
			}
		}
		close(end)
		for range running {
			if err := <-ran; err != nil {
				t.Errorf("ran: %v", err)
			}
		}
	})
}

// Mistakes are answered with Prometheus' words and status codes.
func TestErrors(t *testing.T) {
	b := backend(t)
	b.Snapshot = func(context.Context, url.Values) ([]byte, error) { return nil, context.DeadlineExceeded }
	b.Ack = func(string, string, string) (model.Alert, error) { return model.Alert{}, nil }
	h := control.Handler(b)
	for path, want := range map[string]struct {
		status int
		sort   string
	}{
		"/api/v1/query?query=sum(":                                                             {400, "bad_data"},
		"/api/v1/query?query=1&timeout=0":                                                      {400, "bad_data"},
		"/api/v1/query?query=1&lookback_delta=x":                                               {400, "bad_data"},
		"/api/v1/query?query=1&limit=-1":                                                       {400, "bad_data"},
		"/api/v1/query?query=m&timeout=1ns":                                                    {400, "bad_data"}, // not a duration of Prometheus'
		"/api/v1/query?query=m&timeout=0.000000001":                                            {503, "timeout"},
		"/api/v1/query?query=" + url.QueryEscape("m * on() group_left m"):                      {200, ""},
		"/api/v1/query?query=" + url.QueryEscape("label_replace(m, 'a', '$1', 'device', '(')"): {422, "execution"},
		"/api/v1/label/%FF/values":                                                             {400, "bad_data"},
		"/api/v1/rules":                                                                        {503, "unavailable"},
		"/api/v1/query_exemplars":                                                              {404, "not_found"},
		"/api/v1/status/tsdb":                                                                  {404, "not_found"},
		"/api/v1/query?query=%zz":                                                              {400, "bad_data"},
		"/api/v1/query?time=Inf":                                                               {400, "bad_data"},
		"/api/v1/labels?start=noon":                                                            {400, "bad_data"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
		var answer struct{ Status, ErrorType, Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Errorf("%s: %v in %s", path, err, w.Body)
		}
		if w.Code != want.status || answer.ErrorType != want.sort || (answer.Error == "") != (want.sort == "") {
			t.Errorf("%s: %d %+v, want %+v", path, w.Code, answer, want)
		}
	}
}
