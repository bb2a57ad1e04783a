package kube

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nocturne-noc/nocturne/store/model"
)

// tlsSecret is a secret with a certificate of a year that ends after the given time.
func tlsSecret(t testing.TB, left time.Duration) *corev1.Secret {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	end := noon.Add(left)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop.example"}, DNSNames: []string{"shop.example", "www.shop.example"},
		NotBefore: end.AddDate(-1, 0, 0), NotAfter: end,
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{Kind: "Secret", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop-tls", UID: "u-tls"}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{
			corev1.TLSCertKey:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
			corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		},
	}
}

func TestJudgeSecret(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name   string
		left   time.Duration
		state  model.State
		reason string
	}{
		{"long", 22 * day, model.OK, ""},
		{"three weeks", 21 * day, model.Warning, "expires 2026-03-22 12:00"},
		{"a week", 7 * day, model.Critical, "expires 2026-03-08 12:00"},
		{"over", -time.Hour, model.Critical, "expired 2026-03-01 11:00"},
		{"not yet", 366 * day, model.Warning, "not valid before 2026-03-02 12:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var in interner
			s := in.secret(tlsSecret(t, c.left))
			if got := JudgeSecret(s, noon); got.State != c.state || got.Reason != c.reason {
				t.Errorf("got %v %q, want %v %q", got.State, got.Reason, c.state, c.reason)
			}
			if s.Subject != "shop.example" || s.Issuer != "shop.example" || s.Names != "shop.example,www.shop.example" {
				t.Errorf("kept %+v", s)
			}
		})
	}
	var in interner
	for name, crt := range map[string]string{
		"empty": "", "text": "no certificate at all", "key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"broken": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		s := in.secret(&corev1.Secret{Data: map[string][]byte{corev1.TLSCertKey: []byte(crt)}})
		if got := JudgeSecret(s, noon); got.State != model.Warning || !strings.HasPrefix(got.Reason, "tls.crt ") {
			t.Errorf("%s: %v %q, want a warning about tls.crt", name, got.State, got.Reason)
		}
	}
}

// Nothing of a key or of a certificate may be kept, in no form that a dump or a log could show.
func TestSecretsAreDropped(t *testing.T) {
	var in interner
	o := tlsSecret(t, time.Hour)
	o.Annotations = map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "secret-annotation"}
	kept := in.secret(o)
	asJSON, err := json.Marshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	dump := string(asJSON) + fmt.Sprintf("%+v %q", kept, in.m)
	const names = "www.shop.example,shop.example"
	for name, data := range o.Data {
		block, _ := pem.Decode(data)
		for _, form := range [][]byte{data, block.Bytes, []byte(base64.StdEncoding.EncodeToString(block.Bytes))} {
			for i := 0; i+12 <= len(form); i += 4 {
				// A certificate's names stand in it as text, and are what is meant to be kept.
				if part := form[i : i+12]; strings.Contains(dump, string(part)) && !strings.Contains(names, string(part)) {
					t.Fatalf("bytes %q of %s are kept: %s", part, name, dump)
				}
			}
		}
	}
	if strings.Contains(dump, "secret-annotation") {
		t.Error("an annotation is kept")
	}
}

func TestSecretOnTheWall(t *testing.T) {
	var in interner
	v := shop()
	o := tlsSecret(t, 48*time.Hour)
	v.known["secrets"] = true
	v.add("secrets", in.secret(o))
	e, ok := v.secret(in.secret(o))
	if !ok || e.ID != "kube/c/ns/shop/certificate/shop-tls" || e.State != model.Critical || e.Labels["expires"] != "2026-03-03T12:00:00Z" || e.Labels["names"] == "" {
		t.Errorf("drawn as %+v", e)
	}
	s := &sampler{cluster: "c"}
	s.secret(v, in.secret(o))
	if len(s.out) != 1 || s.out[0].V != float64(noon.Add(48*time.Hour).Unix()) || model.EntityOf(s.out[0].Labels) != e.ID {
		t.Errorf("measured %+v, want the end, of that entity", s.out)
	}
	o.Annotations = map[string]string{certManagerName: "shop-tls"}
	if _, ok := v.secret(in.secret(o)); !ok {
		t.Error("a secret of cert-manager is hidden though its Certificate cannot be read")
	}
	v.known[certificates] = true
	if _, ok := v.secret(in.secret(o)); ok {
		t.Error("a secret of cert-manager is there beside its Certificate")
	}
	v.trouble["secrets"] = forbidden("secrets")
	o.Annotations = nil
	if e, _ := v.secret(in.secret(o)); e.State != model.Unknown {
		t.Errorf("a secret that may not be read is %v", e.State)
	}
}

// FuzzSecret holds that no secret makes the reading of certificates panic.
func FuzzSecret(f *testing.F) {
	f.Add(tlsSecret(f, time.Hour).Data[corev1.TLSCertKey])
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, crt []byte) {
		var in interner
		s := in.secret(&corev1.Secret{Data: map[string][]byte{corev1.TLSCertKey: crt}})
		if s.Fault == "" && s.NotAfter.IsZero() {
			t.Errorf("a certificate without an end: %+v", s)
		}
		JudgeSecret(s, noon)
	})
}
