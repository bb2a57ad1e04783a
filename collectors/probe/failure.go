package probe

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
	"os"
	"strings"
	"syscall"
	"time"
)

// failure is what a probe has to say in words of its own.
type failure struct{ text string }

func (f failure) Error() string { return f.text }

func failed(format string, args ...any) error { return failure{fmt.Sprintf(format, args...)} }

// unable is the error of a probe that could not be made at all: it says nothing of its target.
type unable struct{ error }

func (u unable) Unwrap() error { return u.error }

// explain says in a few words why a probe failed; phase is what was waited for, timeout how long.
func explain(err error, phase string, timeout time.Duration) string {
	var own failure
	var name *net.DNSError
	var alert *net.OpError
	var header tls.RecordHeaderError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &own):
		return words(own.text)
	case errors.As(err, &name) && name.IsNotFound:
		return words("name not found: " + name.Name)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		return words(fmt.Sprintf("timed out after %s while %s", span(timeout), phase))
	case errors.As(err, &name):
		return words("name cannot be looked up: " + name.Name + ": " + name.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to it"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return words("connection reset while " + phase)
	case errors.As(err, &header), errors.Is(err, http.ErrSchemeMismatch):
		return "it does not speak TLS"
	case errors.As(err, &alert) && alert.Op == remoteAlert:
		return words("TLS refused: " + strings.TrimPrefix(alert.Err.Error(), "tls: "))
	case errors.As(err, &cert):
		return words("certificate: " + cert.Err.Error())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return words("connection closed while " + phase)
	}
	var where *url.Error
	if errors.As(err, &where) {
		err = where.Err // the address is known, and may hold a secret
	}
	// net/http has no types for these: an answer that is none, and one that came before it was asked for.
	if text := err.Error(); strings.Contains(text, "malformed HTTP") || strings.Contains(text, "readLoopPeekFailLocked: %!w(<nil>)") {
		return "it does not speak HTTP"
	}
	return words(err.Error())
}

// remoteAlert is the operation by which crypto/tls names an alert of the other side.
const remoteAlert = "remote error"

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// distrust says in words what is wrong with a certificate that is not accepted for a host.
func distrust(err error, leaf *x509.Certificate, host string, now time.Time) error {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		if now.Before(invalid.Cert.NotBefore) {
			return failed("TLS certificate of %s is valid only in %s", subject(invalid.Cert), span(invalid.Cert.NotBefore.Sub(now)))
		}
		return failed("TLS certificate of %s expired %s ago", subject(invalid.Cert), span(now.Sub(invalid.Cert.NotAfter)))
	case errors.As(err, &unknown):
		if leaf.Issuer.String() == leaf.Subject.String() {
			return failed("TLS certificate of %s is self-signed and not trusted", subject(leaf))
		}
		last := leaf
		if unknown.Cert != nil {
			last = unknown.Cert
		}
		return failed("TLS certificate of %s is of an unknown authority: %s", subject(leaf), authority(last))
	case errors.As(err, &name):
		return failed("TLS certificate is for %s, not for %s", names(leaf), host)
	}
	return failed("TLS certificate of %s is not accepted: %v", subject(leaf), err)
}

func subject(c *x509.Certificate) string {
	if c.Subject.CommonName != "" {
		return c.Subject.CommonName
	}
	return names(c)
}

func authority(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return c.Issuer.CommonName
	}
	return c.Issuer.String()
}

// names are what a certificate is for, a few of them.
func names(c *x509.Certificate) string {
	const few = 3
	list := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	switch {
	case len(list) == 0:
		return "no name"
	case len(list) > few:
		return strings.Join(list[:few], ", ") + ", ..."
	}
	return strings.Join(list, ", ")
}
