package scrape

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// Bounds of foreign text.
const (
	maxQuote = 160 // of an answer
	maxLabel = 200 // of a label
)

// statusWords begin the error that Prometheus makes of an HTTP status.
const statusWords = "server returned HTTP status "

// explain says what is wrong with a target, and what to do. place is behind what its answer stopped making
// sense, "" where it did not.
func explain(u *url.URL, err error, place string) error {
	if err == nil {
		return fmt.Errorf("%s: the scrape failed", u.Host)
	}
	for _, words := range []func(*url.URL, error) string{ofTLS, ofHTTP, ofLimits, ofTime, ofNetwork} {
		if text := words(u, err); text != "" {
			return told{text, err}
		}
	}
	cause := err
	var request *url.Error
	if errors.As(err, &request) {
		cause = request.Err // without the URL, whose parameters may be secret
	}
	text := clip(cause.Error(), 2*maxQuote)
	if place != "" {
		text = place + ": " + text
	}
	return told{fmt.Sprintf("%s does not answer in the exposition format: %s (is this the right metrics_path?)", u.Host, text), err}
}

// told is an error in words of its own.
type told struct {
	text string
	err  error
}

func (t told) Error() string { return t.text }
func (t told) Unwrap() error { return t.err }

func ofTLS(u *url.URL, err error) string {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if now := time.Now(); invalid.Cert != nil && now.Before(invalid.Cert.NotBefore) {
			return fmt.Sprintf("the TLS certificate of %s is not valid before %s (check the clocks of both)", u.Host, invalid.Cert.NotBefore.Format(time.DateTime))
		}
		return fmt.Sprintf("the TLS certificate of %s has expired%s (renew it)", u.Host, onDay(invalid.Cert))
	case errors.As(err, &invalid):
		return fmt.Sprintf("the TLS certificate of %s is not accepted: %s", u.Host, clip(invalid.Error(), maxQuote))
	case errors.As(err, &unknown):
		return fmt.Sprintf("the TLS certificate of %s is signed by an unknown authority (set tls.ca_file to the certificate of its authority)", u.Host)
	case errors.As(err, &hostname):
		return fmt.Sprintf("the TLS certificate of %s is for another name: %s (set tls.server_name, or mend the certificate)", u.Host, clip(hostname.Error(), maxQuote))
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Sprintf("%s speaks HTTP, not TLS (set scheme: http)", u.Host)
	}
	if _, alert, ok := strings.Cut(err.Error(), "remote error: tls: "); ok { // its type is not exported
		return fmt.Sprintf("%s refused the TLS handshake: %s (does it want a client's certificate? set tls.cert_file and tls.key_file)", u.Host, clip(alert, maxQuote))
	}
	return ""
}

func onDay(cert *x509.Certificate) string {
	if cert == nil {
		return ""
	}
	return " on " + cert.NotAfter.Format(time.DateOnly)
}

func ofHTTP(u *url.URL, err error) string {
	text := err.Error()
	if strings.Contains(text, "stopped after") && strings.Contains(text, "redirects") {
		return fmt.Sprintf("%s redirects in circles, more than 10 times (check metrics_path, or the proxy before it)", u.Host)
	}
	if strings.Contains(text, "ontent-Type") {
		kind := "an answer without Content-Type"
		if _, rest, ok := strings.Cut(text, `Content-Type "`); ok {
			what, _, _ := strings.Cut(rest, `"`)
			kind = clip(what, maxQuote)
		}
		return fmt.Sprintf("%s%s answers with %s, which is no exposition format (a login page, or another service? check metrics_path and the port)", u.Host, u.Path, kind)
	}
	status, ok := strings.CutPrefix(text, statusWords)
	if !ok {
		return ""
	}
	status = clip(status, maxQuote)
	number, _, _ := strings.Cut(status, " ")
	code, _ := strconv.Atoi(number) // 0 is none that is listed
	switch code {
	case http.StatusUnauthorized:
		return fmt.Sprintf("%s does not accept the credentials: HTTP %s (check basic_auth or bearer)", u.Host, status)
	case http.StatusForbidden:
		return fmt.Sprintf("%s forbids the scrape: HTTP %s (allow this user, or this host)", u.Host, status)
	case http.StatusNotFound:
		return fmt.Sprintf("%s has no %s: HTTP %s (set metrics_path)", u.Host, u.Path, status)
	case http.StatusBadRequest:
		return fmt.Sprintf("%s does not understand the request: HTTP %s (does it want TLS? set scheme: https)", u.Host, status)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return fmt.Sprintf("%s is overloaded: HTTP %s (scrape it less often, or raise its limit)", u.Host, status)
	}
	return fmt.Sprintf("%s answers with HTTP %s", u.Host, status)
}

func ofLimits(u *url.URL, err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "body size limit exceeded"):
		return fmt.Sprintf("the answer of %s is too large (raise body_size_limit if that is meant to be; it counts bytes after unpacking)", u.Host)
	case strings.Contains(text, "sample limit exceeded"):
		return fmt.Sprintf("%s has more samples than sample_limit allows (raise it, or drop some with metric_relabel)", u.Host)
	case strings.Contains(text, "label_limit exceeded"), strings.Contains(text, "_length_limit exceeded"):
		return fmt.Sprintf("%s: %s (raise the limit, or drop the label with metric_relabel)", u.Host, clip(text, 2*maxQuote))
	case strings.Contains(text, "target_limit exceeded"):
		return clip(text, maxQuote) + ": raise target_limit, or find fewer"
	}
	return ""
}

func ofTime(u *url.URL, err error) string {
	var network net.Error
	if !errors.Is(err, context.DeadlineExceeded) && (!errors.As(err, &network) || !network.Timeout()) {
		return ""
	}
	var request *url.Error
	if errors.As(err, &request) { // else the body was being read
		return fmt.Sprintf("%s does not answer in time (is the host up, is the port open? a slow exporter needs a longer timeout)", u.Host)
	}
	return fmt.Sprintf("the answer of %s does not end in time (raise timeout if it is only slow)", u.Host)
}

func ofNetwork(u *url.URL, err error) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("%s refuses the connection (is the exporter running, and on this port?)", u.Host)
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %s is not known (check the target and the DNS): %s", clip(dns.Name, maxQuote), clip(dns.Err, maxQuote))
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Sprintf("there is no route to %s (check the network)", u.Host)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Sprintf("%s broke the connection off before its answer was whole (does it want TLS, did it crash?)", u.Host)
	case strings.Contains(err.Error(), "gzip"), strings.Contains(err.Error(), "flate"):
		return fmt.Sprintf("the answer of %s is compressed wrongly: %s", u.Host, clip(err.Error(), maxQuote))
	case errors.As(err, &op):
		return fmt.Sprintf("%s cannot be reached: %s", u.Host, clip(op.Error(), maxQuote))
	}
	return ""
}

// clip makes foreign text fit to be shown: valid, printable, in one line and of at most n characters.
func clip(s string, n int) string {
	var b strings.Builder
	count := 0
	for _, r := range strings.ToValidUTF8(s, "�") {
		if count == n {
			return b.String() + "…"
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		b.WriteRune(r)
		count++
	}
	return b.String()
}
