package paneltest

import (
	"fmt"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// incidentAlerts are the 20 alerts of the bad night: one root with 17 symptoms, db2's disk and the
// silent campus, and an acknowledged certificate.
func incidentAlerts(at time.Time) []model.Alert {
	const root = "link-dist2-core1"
	var out []model.Alert
	add := func(a model.Alert) {
		a.Fired = a.Since
		if a.Labels == nil {
			a.Labels = map[string]string{}
		}
		out = append(out, a)
	}
	add(model.Alert{ID: root, Name: "LinkDown", Severity: model.Critical, Title: "dist2 Te1/1/4 – core1 link down",
		Text: "Seen by both ends", Since: clock(at, "03:12:08"), Entity: model.PortID("dist2", "Te1/1/4"),
		Labels:      map[string]string{"a": "core1", "a_port": "Te1/2/2", "b": "dist2", "b_port": "Te1/1/4", "severity": "critical"},
		Annotations: map[string]string{"summary_ko": "dist2 Te1/1/4 – core1 링크 단절", "description_ko": "양쪽 끝에서 모두 확인"}})
	symptom := func(id string, sev model.State, title, text, hms, entity string) {
		add(model.Alert{ID: id, Name: strings.TrimRight(id, "0123456789"), Severity: sev, Title: title, Text: text, Since: clock(at, hms), Entity: entity, Cause: root})
	}
	symptom("node", model.Critical, "node-07 NotReady", "prod-seoul", "03:12:51", model.NodeID("prod-seoul", "node-07"))
	symptom("crash", model.Critical, "checkout CrashLoopBackOff", "6 restarts", "03:14:37", model.ObjectID("prod-seoul", "shop", model.KindDeployment, "checkout"))
	symptom("backup", model.Warning, "dist2 – core2 backup path 91 %", "", "03:12:20", model.PortID("dist2", "Te1/1/3"))
	for i := range 14 {
		symptom(fmt.Sprintf("pod%02d", i), model.Warning, fmt.Sprintf("pod %02d rescheduling", i+1), "off node-07", "03:17:51", "")
	}
	add(model.Alert{ID: "disk", Name: "DiskWillFill", Severity: model.Warning, Title: "db2 /var/lib/postgresql full in 5–9 h", Text: "86 % used, grows 2.1 GiB/h",
		Since: clock(at, "01:40:00"), Entity: model.ServerID("db2")})
	add(model.Alert{ID: "busan", Name: "SourceSilent", Severity: model.Stale, Title: "campus-busan silent", Text: "Last answer 03:13:20, 4 devices shown as they were",
		Since: clock(at, "03:13:20"), Entity: model.SourceID("campus-busan")})
	add(model.Alert{ID: "cert", Name: "CertificateExpires", Severity: model.Warning, Title: "api.shop certificate expires in 18 d", Text: "",
		Since: at.Add(-5 * time.Hour), AckBy: "h.kim", AckAt: clock(at, "22:40:00").AddDate(0, 0, -1), AckNote: "renewal on Thursday"})
	return out
}

func incidentEvents(at time.Time) []model.Event {
	rows := []model.Event{
		{Time: clock(at, "03:17:51"), Severity: model.Warning, Title: "14 pods", Text: "evicted from node-07, rescheduling", Count: 14, Kind: "kubernetes"},
		{Time: clock(at, "03:14:37"), Severity: model.Critical, Title: "checkout-7d9f8c6b5-x2x7k", Text: "Back-off restarting failed container", Count: 6, Kind: "kubernetes"},
		{Time: clock(at, "03:13:20"), Severity: model.Stale, Title: "campus-busan", Text: "no answer", Kind: "source"},
		{Time: clock(at, "03:12:52"), Severity: model.Warning, Title: "Service payment", Text: "1 of 3 endpoints ready", Kind: "state"},
		{Time: clock(at, "03:12:51"), Severity: model.Critical, Title: "Node node-07", Text: "NodeNotReady, kubelet does not answer", Kind: "kubernetes"},
		{Time: clock(at, "03:12:08"), Severity: model.Critical, Title: "dist2 Te1/1/4", Text: "linkDown trap", Kind: "trap", Entity: model.PortID("dist2", "Te1/1/4")},
		{Time: clock(at, "02:51:10"), Severity: model.OK, Title: "staging", Text: "deployment web rolled out", Kind: "kubernetes"},
	}
	return numbered(append(rows, quietEvents(at.Add(-5*time.Hour-37*time.Minute-18*time.Second))...))
}

// quietEvents are the last 24 hours of alerts before the evening: fired and resolved again.
func quietEvents(at time.Time) []model.Event {
	var out []model.Event
	for _, a := range []struct {
		hms, title, by string
		minutes        int
		sev            model.State
	}{
		{"18:22:00", "gpu-02 memory above 90 %", "", 11, model.Warning},
		{"14:05:00", "acc33 Gi1/0/12 errors", "", 4, model.Warning},
		{"09:41:00", "staging ingress 5xx", "j.park", 23, model.Critical},
		{"07:30:00", "db2 replication lag above 30 s", "", 6, model.Warning},
		{"02:10:00", "wan1 packet loss above 1 %", "", 3, model.Warning},
	} {
		t := clock(at, a.hms)
		kv := func(transition string) map[string]string {
			return map[string]string{"alertname": a.title, "alert": a.title, "transition": transition}
		}
		end := t.Add(time.Duration(a.minutes) * time.Minute)
		out = append(out, model.Event{Time: end, Severity: model.OK, Kind: "alert", Title: a.title, Text: "resolved", Labels: kv("resolved")})
		if a.by != "" {
			out = append(out, model.Event{Time: t.Add(time.Minute), Severity: a.sev, Kind: "alert", Title: a.title, Text: "acknowledged by " + a.by, Labels: kv("acknowledged")})
		}
		out = append(out, model.Event{Time: t, Severity: a.sev, Kind: "alert", Title: a.title, Text: "fired", Labels: kv("fired")})
	}
	return numbered(out)
}

// numbered gives newest-first events rising IDs.
func numbered(events []model.Event) []model.Event {
	for i := range events {
		events[i].ID = uint64(len(events) - i)
	}
	return events
}
