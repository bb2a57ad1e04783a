package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	maxObject  = 64 << 20 // bytes of an API server's answer that are read
	apiTimeout = 30 * time.Second
)

// An apiClient speaks JSON with an API server as its administrator. It is for what kubectl would be too slow for.
type apiClient struct {
	base, token string
	http        *http.Client
}

// newAPIClient returns a client for the cluster that runs in dir.
func newAPIClient(dir string, p clusterPlan) (*apiClient, error) {
	folder := clusterFolder(dir, p)
	ca, err := os.ReadFile(filepath.Join(folder, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("%s is not up in %s: %w", p.Name, dir, err)
	}
	token, err := os.ReadFile(filepath.Join(folder, "admin.token"))
	if err != nil {
		return nil, fmt.Errorf("%s is not up in %s: %w", p.Name, dir, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s: no certificate in its ca.crt", p.Name)
	}
	return &apiClient{base: "https://" + p.apiServer(), token: strings.TrimSpace(string(token)),
		http: &http.Client{Timeout: apiTimeout, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64,
		}}}, nil
}

// errStatus is an answer of the API server that is no success.
type errStatus struct {
	code int
	text string
}

func (e *errStatus) Error() string { return fmt.Sprintf("HTTP status %d: %s", e.code, e.text) }

func isStatus(err error, code int) bool {
	var s *errStatus
	return errors.As(err, &s) && s.code == code
}

const (
	asJSON       = "application/json"
	asMergePatch = "application/merge-patch+json"
)

// send makes one request with an object as its body, nil for none, and decodes the answer into out unless that is nil.
func (a *apiClient) send(ctx context.Context, method, path, contentType string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	request.Header.Set("Accept", asJSON)
	request.Header.Set("Content-Type", contentType)
	answer, err := a.http.Do(request)
	if err != nil {
		return err // it names the request
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxObject))
	if err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %w", method, path, &errStatus{answer.StatusCode, string(text[:min(len(text), 500)])})
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s %s: decode the answer: %w", method, path, err)
	}
	return nil
}
