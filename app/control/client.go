package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
)

// Client asks a wallboard, or a Handler in the same process.
type Client struct {
	http *http.Client
	// Warn is told what an answer says besides its data: that it is not complete, say. It may be nil.
	Warn func(string)
}

// Dial returns a client of the wallboard that runs on a data folder, and false when none does.
func Dial(ctx context.Context, dir string) (*Client, bool) {
	path := filepath.Join(dir, SocketName)
	dialer := &net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, false
	}
	_ = conn.Close() // only asked whether somebody is there
	return &Client{http: &http.Client{Timeout: recordTimeout + requestTimeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		},
	}}}, true
}

// Local returns a client of a handler in this process.
func Local(h http.Handler) *Client {
	return &Client{http: &http.Client{Transport: inProcess{h}}}
}

// Get asks for path with params and decodes the answer's data into into; a *json.RawMessage takes
// it as it is.
func (c *Client) Get(ctx context.Context, path string, params url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://nocturne"+path+"?"+params.Encode(), nil)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return c.do(req, into)
}

// Post sends params as a form.
func (c *Client) Post(ctx context.Context, path string, params url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://nocturne"+path, strings.NewReader(params.Encode()))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(req, into)
}

func (c *Client) do(req *http.Request, into any) error {
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("asking the wallboard: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // only read
	return c.decode(res, req.URL.Path, into)
}

// decode takes the data out of the common envelope.
func (c *Client) decode(res *http.Response, path string, into any) error {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswerBytes+maxBodyBytes))
	if err != nil {
		return fmt.Errorf("asking the wallboard: %w", err)
	}
	var answer struct {
		Status   string          `json:"status"`
		Error    string          `json:"error"`
		Data     json.RawMessage `json:"data"`
		Warnings []string        `json:"warnings"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("asking the wallboard: %s answered something else than JSON (%s): is it another version?", path, res.Status)
	}
	if answer.Status != "success" {
		return errors.New(answer.Error)
	}
	if c.Warn != nil {
		for _, w := range answer.Warnings {
			c.Warn(w)
		}
	}
	if into == nil || len(answer.Data) == 0 {
		return nil
	}
	if raw, ok := into.(*json.RawMessage); ok {
		*raw = answer.Data
		return nil
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return fmt.Errorf("asking the wallboard: %s: %w", path, err)
	}
	return nil
}

// inProcess is a transport that calls a handler.
type inProcess struct{ h http.Handler }

func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		req.Body = http.NoBody
	}
	w := &answerWriter{header: http.Header{}, code: http.StatusOK}
	t.h.ServeHTTP(w, req)
	return &http.Response{
		StatusCode: w.code, Status: http.StatusText(w.code), Header: w.header, Body: io.NopCloser(&w.body), Request: req,
	}, nil
}

type answerWriter struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (w *answerWriter) Header() http.Header         { return w.header }
func (w *answerWriter) WriteHeader(code int)        { w.code = code }
func (w *answerWriter) Write(b []byte) (int, error) { return w.body.Write(b) }
