package kube

import (
	"cmp"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/nocturne-noc/nocturne/store/model"
)

// certificateKind is cert-manager's Certificate, which is watched like any custom resource and judged
// by its dates.
var certificateKind = schema.GroupKind{Group: "cert-manager.io", Kind: "Certificate"}

const (
	day           = 24 * time.Hour
	expiryWarning = 21 * day
	expiryFault   = 7 * day
	renewalLate   = time.Hour // a renewal that is due longer than this does not happen
)

// Certificate is a certificate that cert-manager keeps: Certificate of cert-manager.io/v1.
type Certificate struct {
	meta
	of                                *customKind
	NotBefore, NotAfter, Renewal      time.Time // zero until it is issued
	Ready                             *Condition
	Issuing                           bool // cert-manager is at it
	Secret                            string
	Names                             string // DNS names, with commas
	IssuerName, IssuerKind, IssuerAPI string
	Gone                              time.Time
}

func certificateBehaviour(k *customKind) behaviour {
	return behaves(
		func(in *interner, u *unstructured.Unstructured) *Certificate {
			c := in.certificate(u)
			c.of = k
			return c
		},
		(*view).certificate, nil, (*sampler).certificate)
}

func (in *interner) certificate(u *unstructured.Unstructured) *Certificate {
	field := func(path ...string) string {
		s, _ := fieldOf(u.Object, path)
		return clip(s, 253)
	}
	instant := func(name string) time.Time {
		t, _ := time.Parse(time.RFC3339, field("status", name))
		return t
	}
	c := &Certificate{
		meta: in.unstructured(u), NotBefore: instant("notBefore"), NotAfter: instant("notAfter"), Renewal: instant("renewalTime"),
		Secret: field("spec", "secretName"), IssuerName: in.str(field("spec", "issuerRef", "name")),
		IssuerKind: in.str(cmp.Or(field("spec", "issuerRef", "kind"), "Issuer")),
		IssuerAPI:  in.str(cmp.Or(field("spec", "issuerRef", "group"), certificateKind.Group)),
	}
	if names, _, _ := unstructured.NestedStringSlice(u.Object, "spec", "dnsNames"); len(names) > 0 {
		c.Names = clip(strings.Join(names[:min(3, len(names))], ","), 200)
	}
	if ready := conditionOf(u, "Ready"); ready != nil {
		kept := in.condition(ready.Type, ready.Status, ready.Reason, ready.Message, metav1.NewTime(ready.Since), ready.Status == "True")
		c.Ready = &kept
	}
	if issuing := conditionOf(u, "Issuing"); issuing != nil {
		c.Issuing = issuing.Status == "True"
	}
	if gone := u.GetDeletionTimestamp(); gone != nil {
		c.Gone = gone.Time
	}
	return c
}

// JudgeExpiry judges a certificate by its end: 21 days before it a warning, 7 days critical. One that
// lives shorter than 84 days has a quarter and a twelfth of its life in place of that. NotBefore may be zero.
func JudgeExpiry(notBefore, notAfter, now time.Time) Verdict {
	warn, fault := expiryWarning, expiryFault
	if life := notAfter.Sub(notBefore); !notBefore.IsZero() && life > 0 {
		warn, fault = min(warn, life/4), min(fault, life/12)
	}
	left := notAfter.Sub(now)
	when := notAfter.In(now.Location()).Format("2006-01-02 15:04")
	switch {
	case left <= 0:
		return Verdict{model.Critical, "expired " + when}
	case left <= fault:
		return Verdict{model.Critical, "expires " + when}
	case left <= warn:
		return Verdict{model.Warning, "expires " + when}
	}
	return Verdict{State: model.OK}
}

// JudgeCertificate judges a certificate of cert-manager: by its end, its readiness and whether it is
// renewed when it is due.
func JudgeCertificate(c *Certificate, now time.Time) Verdict {
	own := Verdict{State: model.OK}
	switch {
	case !c.Gone.IsZero():
		own.Reason = "being deleted"
	case c.Ready != nil && c.Ready.Status == "True" && !c.Renewal.IsZero() && now.Sub(c.Renewal) > renewalLate:
		own = Verdict{model.Warning, "not renewed, due since " + clock(c.Renewal, now)}
	case c.Ready != nil && c.Ready.Status == "False" && c.Issuing && now.Sub(c.Ready.Since) <= progressFor:
		own.Reason = "being issued"
	case c.Ready != nil && c.Ready.Status != "True":
		own = Verdict{model.Warning, words(c.Ready.words(), c.Ready.Message)}
	case c.Ready == nil && now.Sub(c.Created) > progressFor:
		own = Verdict{model.Warning, "nobody issues it: is cert-manager running?"}
	case c.Ready == nil:
		own.Reason = "not issued yet"
	}
	if c.NotAfter.IsZero() {
		return own
	}
	expiry := JudgeExpiry(c.NotBefore, c.NotAfter, now)
	switch {
	case expiry.State == model.OK:
		return own
	case own.State == model.OK:
		return expiry
	case expiry.State.Worse(own.State):
		return Verdict{expiry.State, expiry.Reason + ", " + own.Reason}
	}
	return Verdict{own.State, own.Reason + ", " + expiry.Reason}
}

func (v *view) certificate(c *Certificate) (model.Entity, bool) {
	verdict := v.verdict(c.of.collection(), JudgeCertificate(c, v.now))
	labels := map[string]string{
		"namespace": c.Namespace, "issuer": c.IssuerKind + " " + c.IssuerName, "group": certificateKind.Group, "kind": certificateKind.Kind,
	}
	set(labels, "secret", c.Secret)
	set(labels, "names", c.Names)
	if !c.NotAfter.IsZero() {
		labels["expires"] = c.NotAfter.UTC().Format(time.RFC3339)
	}
	if !c.Renewal.IsZero() {
		labels["renewal"] = c.Renewal.UTC().Format(time.RFC3339)
	}
	return model.Entity{
		ID: model.ObjectID(v.cluster, c.Namespace, model.KindCertificate, c.Name), Kind: model.KindCertificate, Name: c.Name,
		Parent: model.NamespaceID(v.cluster, c.Namespace), State: verdict.State, Reason: verdict.Reason, Labels: labels,
	}, true
}

// certificate measures under cert-manager's own names.
// https://cert-manager.io/docs/devops-tips/prometheus-metrics/
func (s *sampler) certificate(_ *view, c *Certificate) {
	who := []string{"namespace", c.Namespace, "name", c.Name, "issuer_name", c.IssuerName, "issuer_kind", c.IssuerKind, "issuer_group", c.IssuerAPI}
	if !c.NotAfter.IsZero() {
		s.add("certmanager_certificate_expiration_timestamp_seconds", float64(c.NotAfter.Unix()), who...)
	}
	if !c.Renewal.IsZero() {
		s.add("certmanager_certificate_renewal_timestamp_seconds", float64(c.Renewal.Unix()), who...)
	}
	if c.Ready == nil {
		return
	}
	for _, one := range []string{"True", "False", "Unknown"} {
		s.add("certmanager_certificate_ready_status", flag(c.Ready.Status == one), append(who[:len(who):len(who)], "condition", one)...)
	}
}
