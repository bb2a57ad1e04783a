package kube

import (
	corev1 "k8s.io/api/core/v1"

	"cmp"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// tlsSelector picks the secrets that hold certificates, as the API knows them by their type.
const tlsSelector = "type=" + string(corev1.SecretTypeTLS)

// certManagerName is the annotation by which cert-manager marks the secrets of its certificates.
const certManagerName = "cert-manager.io/certificate-name"

// certificates is the collection of cert-manager's own Certificates, where the cluster has them.
const certificates = "certificates.cert-manager.io"

var secretBehaviour = behaves((*interner).secret, (*view).secret, nil, (*sampler).secret)

// Secret is what is kept of a secret of type kubernetes.io/tls: the dates and names of its certificate. The
// key, and the certificate itself, are dropped as soon as they are read.
type Secret struct {
	meta
	NotBefore, NotAfter time.Time // zero when there is no certificate in it
	Subject, Issuer     string
	Names               string // DNS names, with commas
	Keeper              string // the Certificate of cert-manager that it belongs to, "" for none
	Fault               string // why there is no certificate in it
}

func (in *interner) secret(o *corev1.Secret) *Secret {
	s := &Secret{meta: in.meta(&o.ObjectMeta), Keeper: clip(o.Annotations[certManagerName], 253)}
	block, _ := pem.Decode(o.Data[corev1.TLSCertKey])
	if block == nil || block.Type != "CERTIFICATE" {
		s.Fault = "tls.crt holds no certificate"
		return s
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		s.Fault = "tls.crt cannot be read" // an error of the parser may quote what it read
		return s
	}
	s.NotBefore, s.NotAfter = leaf.NotBefore, leaf.NotAfter
	s.Subject = clip(cmp.Or(leaf.Subject.CommonName, leaf.Subject.String()), 120)
	s.Issuer = in.str(clip(cmp.Or(leaf.Issuer.CommonName, leaf.Issuer.String()), 120))
	s.Names = clip(strings.Join(leaf.DNSNames[:min(3, len(leaf.DNSNames))], ","), 200)
	return s
}

// JudgeSecret judges a TLS secret by the dates of its certificate.
func JudgeSecret(s *Secret, now time.Time) Verdict {
	switch {
	case s.Fault != "":
		return Verdict{model.Warning, s.Fault}
	case now.Before(s.NotBefore):
		return Verdict{model.Warning, "not valid before " + s.NotBefore.In(now.Location()).Format("2006-01-02 15:04")}
	}
	return JudgeExpiry(s.NotBefore, s.NotAfter, now)
}

// secret draws a TLS secret. One that cert-manager keeps is told by its Certificate, where that is on the wall.
func (v *view) secret(s *Secret) (model.Entity, bool) {
	if s.Keeper != "" && v.readable(certificates) {
		return model.Entity{}, false
	}
	verdict := v.verdict("secrets", JudgeSecret(s, v.now))
	labels := map[string]string{"namespace": s.Namespace, "secret": s.Name}
	set(labels, "issuer", s.Issuer)
	set(labels, "subject", s.Subject)
	set(labels, "names", s.Names)
	if !s.NotAfter.IsZero() {
		labels["expires"] = s.NotAfter.UTC().Format(time.RFC3339)
	}
	return model.Entity{
		ID: model.ObjectID(v.cluster, s.Namespace, model.KindCertificate, s.Name), Kind: model.KindCertificate, Name: s.Name,
		Parent: model.NamespaceID(v.cluster, s.Namespace), State: verdict.State, Reason: verdict.Reason, Labels: labels,
	}, true
}

func (s *sampler) secret(_ *view, secret *Secret) {
	if !secret.NotAfter.IsZero() {
		s.add("nocturne_kube_certificate_expiry_timestamp_seconds", float64(secret.NotAfter.Unix()),
			"namespace", secret.Namespace, "certificate", secret.Name)
	}
}
