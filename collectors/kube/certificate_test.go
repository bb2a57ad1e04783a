package kube

import (
	"fmt"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

const certificateText = `
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: shop-tls, namespace: shop, creationTimestamp: "2025-08-01T00:00:00Z"}
spec:
  secretName: shop-tls
  dnsNames: [shop.example.com, www.shop.example.com]
  issuerRef: {name: letsencrypt, kind: ClusterIssuer}
status:
  notBefore: "2025-10-01T00:00:00Z"
  notAfter: "2025-12-30T00:00:00Z"
  renewalTime: "2025-11-30T00:00:00Z"
  conditions: [{type: Ready, status: "True", reason: Ready, lastTransitionTime: "2025-10-01T00:00:00Z"}]
`

func TestJudgeExpiry(t *testing.T) {
	now := time.Date(2025, 11, 18, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		life, left time.Duration
		want       model.State
		reason     string
	}{
		{90 * day, 22 * day, model.OK, ""},
		{90 * day, 21 * day, model.Warning, "expires 2025-12-09 12:00"},
		{90 * day, 7*day + time.Minute, model.Warning, "expires 2025-11-25 12:01"},
		{90 * day, 7 * day, model.Critical, "expires 2025-11-25 12:00"},
		{90 * day, 0, model.Critical, "expired 2025-11-18 12:00"},
		{0, 20 * day, model.Warning, "expires 2025-12-08 12:00"}, // its beginning is not known
		{day, 8 * time.Hour, model.OK, ""},                       // short-lived by intent
		{day, 5 * time.Hour, model.Warning, "expires 2025-11-18 17:00"},
		{day, time.Hour, model.Critical, "expires 2025-11-18 13:00"},
	} {
		end := now.Add(c.left)
		var begin time.Time
		if c.life > 0 {
			begin = end.Add(-c.life)
		}
		if got := JudgeExpiry(begin, end, now); got != (Verdict{c.want, c.reason}) {
			t.Errorf("life %s, left %s: %v, want %s %q", c.life, c.left, got, c.want, c.reason)
		}
	}
}

func TestJudgeCertificate(t *testing.T) {
	now := time.Date(2025, 11, 18, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		change func(*Certificate)
		want   Verdict
	}{
		{"well", func(*Certificate) {}, Verdict{State: model.OK}},
		{"not ready", func(c *Certificate) {
			c.Ready = &Condition{Type: "Ready", Status: "False", Reason: "Failed", Message: "the order is invalid"}
		}, Verdict{model.Warning, "Ready False, Failed: the order is invalid"}},
		{"not ready and near its end", func(c *Certificate) {
			c.Ready, c.NotAfter = &Condition{Type: "Ready", Status: "False", Reason: "Failed"}, now.Add(2*day)
		}, Verdict{model.Critical, "expires 2025-11-20 12:00, Ready False, Failed"}},
		{"being issued", func(c *Certificate) {
			c.Ready, c.Issuing = &Condition{Type: "Ready", Status: "False", Since: now.Add(-time.Minute)}, true
			c.NotAfter = time.Time{}
		}, Verdict{model.OK, "being issued"}},
		{"issuing does not end", func(c *Certificate) {
			c.Ready, c.Issuing = &Condition{Type: "Ready", Status: "False", Reason: "DoesNotExist", Since: now.Add(-time.Hour)}, true
			c.NotAfter = time.Time{}
		}, Verdict{model.Warning, "Ready False, DoesNotExist"}},
		{"renewal late", func(c *Certificate) { c.Renewal = now.Add(-2 * time.Hour) }, Verdict{model.Warning, "not renewed, due since 10:00:00"}},
		{"renewal due just now", func(c *Certificate) { c.Renewal = now.Add(-time.Minute) }, Verdict{State: model.OK}},
		{"nobody issues", func(c *Certificate) { c.Ready, c.NotAfter, c.Renewal = nil, time.Time{}, time.Time{} }, Verdict{model.Warning, "nobody issues it: is cert-manager running?"}},
		{"expired", func(c *Certificate) { c.NotAfter, c.Renewal = now.Add(-day), time.Time{} }, Verdict{model.Critical, "expired 2025-11-17 12:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var in interner
			cert := in.certificate(objectOf(t, certificateText))
			c.change(cert)
			if got := JudgeCertificate(cert, now); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestCertificateOnTheWall(t *testing.T) {
	now := time.Date(2025, 12, 10, 12, 0, 0, 0, time.UTC)
	l := builtInLandscape(t)
	v := &view{cluster: "c", now: now, landscape: l}
	var in interner
	v.add(definitions.Resource, in.definition(objectOf(t, `
metadata: {name: certificates.cert-manager.io}
spec: {group: cert-manager.io, scope: Namespaced, names: {kind: Certificate, plural: certificates}, versions: [{name: v1, served: true, storage: true}]}
status: {conditions: [{type: Established, status: "True"}]}
kind: CustomResourceDefinition
apiVersion: apiextensions.k8s.io/v1`)))
	r := customResources(v)[0]
	kept, err := r.transform(&in, objectOf(t, certificateText))
	if err != nil {
		t.Fatal(err)
	}
	v.add(r.name, kept)
	v.index()
	e, ok := r.draw(v, kept)
	if !ok || e.ID != model.ObjectID("c", "shop", model.KindCertificate, "shop-tls") || e.State != model.Warning || e.Reason != "not renewed, due since 2025-11-30 00:00, expires 2025-12-30 00:00" {
		t.Errorf("entity %+v", e)
	}
	if e.Labels["issuer"] != "ClusterIssuer letsencrypt" || e.Labels["secret"] != "shop-tls" || e.Labels["names"] != "shop.example.com,www.shop.example.com" {
		t.Errorf("labels %v", e.Labels)
	}
	s := &sampler{cluster: "c"}
	r.measure(s, v, kept)
	got := map[string]float64{}
	for _, sample := range s.out {
		got[sample.Labels.Get("__name__")+sample.Labels.Get("condition")] = sample.V
	}
	want := map[string]float64{
		"certmanager_certificate_expiration_timestamp_seconds": 1767052800, "certmanager_certificate_renewal_timestamp_seconds": 1764460800,
		"certmanager_certificate_ready_statusTrue": 1, "certmanager_certificate_ready_statusFalse": 0, "certmanager_certificate_ready_statusUnknown": 0,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("samples %v, want %v", got, want)
	}
}
