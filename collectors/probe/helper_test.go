package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

const day = 24 * time.Hour

// jobs opens a source of kind probe that is configured by YAML.
func jobs(t *testing.T, yaml string) ([]collectors.Job, error) {
	t.Helper()
	cfg, err := config.Parse("n.yaml", []byte(fmt.Sprintf("sources:\n  - kind: probe\n    name: p\n    %s\n", yaml)), t.TempDir())
	if err != nil {
		return nil, err
	}
	s := cfg.Sources[0]
	return open(collectors.Env{Name: s.Name, Every: s.Every, Decode: s.Decode, Secret: cfg.Secret, Path: cfg.Abs, Now: time.Now})
}

// probed makes one probe of the one target that is configured.
func probed(t *testing.T, target string) model.Batch {
	t.Helper()
	list, err := jobs(t, "targets: ["+target+"]")
	if err != nil {
		t.Fatal(err)
	}
	var got []model.Batch
	if err := list[0].Poll.Collect(t.Context(), func(b model.Batch) { got = append(got, b) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || len(got[0].Entities) != 1 {
		t.Fatalf("%d batches", len(got))
	}
	return got[0]
}

func value(t *testing.T, b model.Batch, name string, pairs ...string) float64 {
	t.Helper()
	for _, s := range b.Samples {
		same := s.Labels.Get("__name__") == name
		for i := 0; i < len(pairs); i += 2 {
			same = same && s.Labels.Get(pairs[i]) == pairs[i+1]
		}
		if same {
			return s.V
		}
	}
	t.Fatalf("no sample %s %v", name, pairs)
	return 0
}

// authorities makes certificates.
type authorities struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its certificate in PEM
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newAuthority(t *testing.T, name string) *authorities {
	t.Helper()
	a := &authorities{t: t, key: newKey(t), file: filepath.Join(t.TempDir(), "ca.pem")}
	raw := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-90 * day), NotAfter: time.Now().Add(400 * day), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, raw, raw, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// issue makes a certificate for a name, or 127.0.0.1 for "".
func (a *authorities) issue(name string, from, to time.Time) tls.Certificate {
	a.t.Helper()
	key := newKey(a.t)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "shop"}, NotBefore: from, NotAfter: to,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if name == "" {
		leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	} else {
		leaf.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serve answers each connection on a listener of 127.0.0.1 with a function, until the test ends.
func serve(t *testing.T, answer func(net.Conn)) (address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(ctx, func() { _ = c.Close() })
			answer(c)
			stop()
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		cancel()
		_ = l.Close()
		<-ended
	})
	return l.Addr().String()
}

// shake is an answer that shakes hands and waits until the other side has gone.
func shake(t *testing.T, cfg *tls.Config) func(net.Conn) {
	t.Helper()
	return func(c net.Conn) {
		s := tls.Server(c, cfg)
		if s.HandshakeContext(t.Context()) == nil {
			_, _ = s.Read(make([]byte, 1)) // until it is closed
		}
	}
}

// closed is an address on which nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
