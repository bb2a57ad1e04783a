package probe

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// When the end of a certificate is told of.
const (
	expiryWarning  = 21 * 24 * time.Hour
	expiryCritical = 7 * 24 * time.Hour
)

// maxCAFile bounds a file of authorities, in bytes.
const maxCAFile = 4 << 20

// trust is what certificates are accepted.
type trust struct {
	roots      *x509.CertPool // nil for the system's
	serverName string         // other than the host, "" for the host
	insecure   bool           // whatever the certificate is; it is shown all the same
	client     []tls.Certificate
}

// TLSConfig is how a target's certificate is checked.
type TLSConfig struct {
	ServerName string `yaml:"server_name"`          // other than the host of the target
	CAFile     string `yaml:"ca_file"`              // PEM, instead of the system's authorities
	CertFile   string `yaml:"cert_file"`            // PEM, of the client
	KeyFile    string `yaml:"key_file"`             // PEM, of the client
	Insecure   bool   `yaml:"insecure_skip_verify"` // accept every certificate
}

// load reads the files that the configuration names.
func (c *TLSConfig) load(abs func(string) string) (*trust, error) {
	t := &trust{serverName: c.ServerName, insecure: c.Insecure}
	if c.CAFile != "" {
		path := abs(c.CAFile)
		pem, err := readBounded(path, maxCAFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		t.roots = x509.NewCertPool()
		if !t.roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file %s holds no certificate in PEM", path)
		}
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return nil, errors.New("cert_file and key_file: want both or neither")
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(abs(c.CertFile), abs(c.KeyFile))
		if err != nil {
			return nil, fmt.Errorf("cert_file and key_file: %w", err)
		}
		t.client = []tls.Certificate{pair}
	}
	return t, nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s: want a file of at most %d bytes", path, limit)
	}
	return os.ReadFile(path)
}

// peer is what a handshake has shown, of an unaccepted certificate too. The zero value is nothing.
type peer struct {
	certs   []*x509.Certificate // as the server sent them, its own first
	chains  [][]*x509.Certificate
	version uint16
}

// handshake makes a TLS connection of conn. The certificates are checked here and not by crypto/tls: what
// is wrong with one is to be said beside when it ends.
func (t *trust) handshake(ctx context.Context, conn net.Conn, host string, protocols []string, now time.Time) (*tls.Conn, peer, error) {
	host = cmp.Or(t.serverName, host)
	var seen peer
	client := tls.Client(conn, &tls.Config{
		ServerName: host, NextProtos: protocols, Certificates: t.client,
		MinVersion:         tls.VersionTLS10, // an old server is to be seen, and its version told
		InsecureSkipVerify: true,             // VerifyConnection verifies
		VerifyConnection: func(s tls.ConnectionState) (err error) {
			seen.certs, seen.version = s.PeerCertificates, s.Version
			seen.chains, err = t.verify(s.PeerCertificates, host, now)
			if t.insecure {
				return nil
			}
			return err
		},
	})
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, seen, err
	}
	return client, seen, nil
}

func (t *trust) verify(certs []*x509.Certificate, host string, now time.Time) ([][]*x509.Certificate, error) {
	if len(certs) == 0 {
		return nil, failed("it shows no TLS certificate")
	}
	others := x509.NewCertPool()
	for _, c := range certs[1:] {
		others.AddCert(c)
	}
	chains, err := certs[0].Verify(x509.VerifyOptions{Roots: t.roots, Intermediates: others, DNSName: host, CurrentTime: now})
	if err != nil {
		return nil, distrust(err, certs[0], host, now)
	}
	return chains, nil
}

// tell tells of the certificates under blackbox_exporter's names, and judges when they end.
func (p peer) tell(r *report, now time.Time) {
	if len(p.certs) == 0 {
		return
	}
	leaf, ends := p.certs[0], earliest(p.certs)
	last := lastChain(p.chains)
	r.add("probe_ssl_earliest_cert_expiry", float64(ends.Unix()))
	r.add("probe_ssl_last_chain_expiry_timestamp_seconds", float64(last.Unix()))
	sum := sha256.Sum256(leaf.Raw)
	r.add("probe_ssl_last_chain_info", 1, "fingerprint_sha256", hex.EncodeToString(sum[:]), "issuer", words(leaf.Issuer.String()),
		"subject", words(leaf.Subject.String()), "subjectalternative", words(strings.Join(leaf.DNSNames, ",")))
	r.add("probe_tls_version_info", 1, "version", tls.VersionName(p.version))

	// A server may send more than the chain needs, such as an old root: its end is no concern.
	if !last.IsZero() {
		ends = last
	}
	r.labels["certificate"] = words(subject(leaf))
	r.labels["issuer"] = words(authority(leaf))
	r.labels["expires"] = ends.UTC().Format(time.DateOnly)
	switch left := ends.Sub(now); {
	case left < 0:
		r.notice(model.Critical, "TLS certificate expired %s ago", span(left))
	case left < expiryCritical:
		r.notice(model.Critical, "TLS certificate ends in %s", span(left))
	case left < expiryWarning:
		r.notice(model.Warning, "TLS certificate ends in %s", span(left))
	}
}

// earliest is when the first of some certificates ends.
func earliest(certs []*x509.Certificate) time.Time {
	return slices.MinFunc(certs, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) }).NotAfter
}

// lastChain is when the chain ends that holds longest, zero for none.
func lastChain(chains [][]*x509.Certificate) time.Time {
	var last time.Time
	for _, chain := range chains {
		if end := earliest(chain); end.After(last) {
			last = end
		}
	}
	return last
}
