package impact

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/impact"
	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	silentServer = "state=stale addresses=10.0.0.7 target=web:9100"
	pingFails    = "state=critical prober=icmp address=10.0.0.7"
)

func TestJudge(t *testing.T) {
	web := "server/web:9100"
	acc1, acc2 := thing("device/acc1", ""), thing("device/acc2", "")
	for _, tt := range []struct {
		name   string
		things []model.Entity
		cables []model.Link
		dead   string
		want   []string // samples but for the counts of links
		state  string   // of the server, "" where it is left as it is
	}{
		{name: "all is well", things: []model.Entity{thing(web, "addresses=10.0.0.7"), thing("probe/p", "address=10.0.0.7")}},
		{name: "silent, and nobody else knows of it", things: []model.Entity{thing(web, silentServer)}},
		{name: "its exporter stops: ping says that the host lives", things: []model.Entity{thing(web, silentServer), thing("probe/p", "address=10.0.0.7 prober=icmp")},
			want: []string{`nocturne_server_exporter_down{alive="p", from="src", instance="web:9100", source="relations", target="web:9100"}`}},
		{name: "another exporter on it answers", things: []model.Entity{thing(web, silentServer), thing("server/web:9187", "kind=service addresses=10.0.0.7")},
			want: []string{`nocturne_server_exporter_down{alive="web:9187", from="src", instance="web:9100", source="relations", target="web:9100"}`}},
		{name: "its kubelet answers", things: []model.Entity{thing(web, silentServer), thing(n1, "address=10.0.0.7")},
			want: []string{`nocturne_server_exporter_down{alive="n1", from="src", instance="web:9100", source="relations", target="web:9100"}`}},
		{name: "who refuses is there", things: []model.Entity{thing(web, silentServer), thing("probe/p", "address=10.0.0.7 prober=tcp state=critical reason=connection_refused")},
			want: []string{`nocturne_server_exporter_down{alive="p", from="src", instance="web:9100", source="relations", target="web:9100"}`}},
		{name: "ping fails too", things: []model.Entity{thing(web, silentServer), thing("probe/p", pingFails)},
			want:  []string{`nocturne_server_down{from="src", instance="web:9100", source="relations", target="web:9100"}`},
			state: "critical: down: neither its exporter nor p gets an answer"},
		{name: "a probe that fails in a way of its own says nothing", things: []model.Entity{thing(web, silentServer), thing("probe/p", "address=10.0.0.7 prober=http state=critical reason=body_lacks_words")}},
		{name: "its port has no link: host down, or cable cut", things: []model.Entity{thing(web, silentServer), acc1}, cables: []model.Link{cable("device/acc1", "gi3", web, model.Critical)},
			want:  []string{`nocturne_server_down{from="src", instance="web:9100", source="relations", target="web:9100"}`},
			state: "critical: down or cut off: no answer, and no link on acc1 gi3"},
		{name: "its port has a link, and ping fails", things: []model.Entity{thing(web, silentServer), thing("probe/p", pingFails), acc1}, cables: []model.Link{cable("device/acc1", "gi3", web, model.OK)},
			want:  []string{`nocturne_server_down{from="src", instance="web:9100", source="relations", target="web:9100"}`},
			state: "critical: down: neither its exporter nor p gets an answer, though acc1 gi3 has a link"},
		{name: "its port has a link, and nothing else is known", things: []model.Entity{thing(web, silentServer), acc1}, cables: []model.Link{cable("device/acc1", "gi3", web, model.OK)}},
		{name: "its switch is dead", dead: "device/acc1", things: []model.Entity{thing(web, silentServer), thing("probe/p", pingFails), acc1}, cables: []model.Link{cable("device/acc1", "gi3", web, model.OK)},
			want:  []string{`nocturne_server_behind{behind="acc1", from="src", instance="web:9100", source="relations", target="web:9100"}`},
			state: "unknown: behind acc1, down or cut off"},
		{name: "one of its two switches is dead, and its other port has no link", dead: "device/acc1", things: []model.Entity{thing(web, silentServer), acc1, acc2},
			cables: []model.Link{cable("device/acc1", "gi3", web, model.OK), cable("device/acc2", "gi4", web, model.Critical)},
			want:   []string{`nocturne_server_down{from="src", instance="web:9100", source="relations", target="web:9100"}`},
			state:  "critical: down or cut off: no answer, and no link on acc2 gi4"},
		{name: "one of its two switches is dead, and nothing speaks against the server", dead: "device/acc1", things: []model.Entity{thing(web, silentServer), acc1, acc2},
			cables: []model.Link{cable("device/acc1", "gi3", web, model.OK), cable("device/acc2", "gi4", web, model.OK)}},
		{name: "its switch is silent, nobody knows more", things: []model.Entity{thing(web, silentServer), thing("probe/p", pingFails), thing("device/acc1", "state=stale")},
			cables: []model.Link{cable("device/acc1", "gi3", web, model.Stale)}},
		{name: "the cable hangs on the node that it is", things: []model.Entity{thing(web, silentServer), thing(n1, "address=10.0.0.7 state=critical reason=not_ready"), acc1},
			cables: []model.Link{cable("device/acc1", "gi3", n1, model.Critical)},
			want:   []string{`nocturne_server_down{from="src", instance="web:9100", source="relations", target="web:9100"}`},
			state:  "critical: down or cut off: no answer, and no link on acc1 gi3"},
		{name: "services on a dead server, and one that answers no more on a living one", things: []model.Entity{
			thing(web, silentServer), thing("probe/p", pingFails), thing("server/web:9187", "kind=service state=stale target=web:9187 source=db addresses=10.0.0.7"),
			thing("server/b:9100", "addresses=10.0.0.8"), thing("server/b:9187", "kind=service state=stale addresses=10.0.0.8")},
			want: []string{
				`nocturne_server_down{from="src", instance="web:9100", source="relations", target="web:9100"}`,
				`nocturne_service_behind{behind="web:9100", from="db", instance="web:9187", source="relations", target="web:9187"}`,
			},
			state: "critical: down: neither its exporter nor p gets an answer"},
		{name: "it was found down before, and is still silent", things: []model.Entity{{
			ID: web, Kind: model.KindServer, Name: "web", State: model.Critical, Source: Source,
			Labels: map[string]string{"addresses": "10.0.0.7", "target": "web:9100", originLabel: "src"}}, thing("probe/p", pingFails)},
			want:  []string{`nocturne_server_down{from="src", instance="web:9100", source="relations", target="web:9100"}`},
			state: "critical: down: neither its exporter nor p gets an answer"},
		{name: "it was found down before, and is back or not watched any more", things: []model.Entity{{
			ID: "server/old:9100", Kind: model.KindServer, Name: "old", State: model.Critical, Source: Source,
			Labels: map[string]string{"addresses": "10.0.0.7", originLabel: "src"}}, thing("probe/p", pingFails)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := World{Things: tt.things, Cables: tt.cables, Dead: map[string]bool{tt.dead: true}, Mute: map[string]bool{"web:9100": true}}
			judged := Judge(w, Join(w.Things, w.Cables))
			var got []string
			for _, s := range judged.Samples {
				if name := s.Labels.Get("__name__"); name != metricLinks && name != metricUnsure {
					labels := s.Labels.String()
					at := strings.Index(labels, `__name__="`+name+`", `)
					got = append(got, name+strings.Replace(labels, labels[at:at+len(name)+13], "", 1))
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
			state := ""
			for _, e := range judged.Entities {
				state = e.State.String() + ": " + e.Reason
				if e.ID != web || e.Labels["addresses"] != "10.0.0.7" || e.Labels["last_state"] != "" {
					t.Errorf("%+v", e)
				}
			}
			if state != tt.state {
				t.Errorf("state %q, want %q", state, tt.state)
			}
		})
	}
}

// What has not changed is not told again; what has, is told whole.
func TestRounds(t *testing.T) {
	at := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	things := func(server, probe string) World {
		return World{Things: []model.Entity{thing("probe/p", "prober=icmp address=10.0.0.7 state="+probe), thing("server/web:9100", "addresses=10.0.0.7 state="+server)}}
	}
	var r Rounds
	for i, step := range []struct {
		server, probe   string
		whole           bool
		links, entities int
	}{
		{"ok", "ok", true, 1, 0},
		{"ok", "ok", false, 0, 0},
		{"ok", "warning", false, 0, 0},
		{"stale", "ok", true, 1, 0},
		{"stale", "critical", true, 1, 1},
		{"stale", "critical", false, 0, 0},
		{"ok", "ok", true, 1, 0},
	} {
		b := r.Next(things(step.server, step.probe), at.Add(time.Duration(i)*time.Second))
		if b.Replace != step.whole || len(b.Links) != step.links || len(b.Entities) != step.entities || len(b.Samples) < 6 || b.Samples[0].T != b.Time.UnixMilli() {
			t.Errorf("step %d: whole %t, %d links, %d entities, %d samples", i, b.Replace, len(b.Links), len(b.Entities), len(b.Samples))
		}
	}
	w := things("ok", "ok")
	w.Cables = []model.Link{{A: "device/a", APort: "1", B: "server/web:9100", Kind: impact.Cable}}
	if b := r.Next(w, at); !b.Replace || len(b.Links) != 3 {
		t.Errorf("a new cable: %+v", b)
	}
}

func BenchmarkQuietRound(b *testing.B) {
	things, cables := campus()
	var r Rounds
	w := World{Things: things, Cables: cables}
	r.Next(w, time.Unix(0, 0))
	b.ReportAllocs()
	for b.Loop() {
		r.Next(World{Things: slices.Clone(things), Cables: slices.Clone(cables)}, time.Unix(0, 0))
	}
}
