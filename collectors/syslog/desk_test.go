package syslog

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

var (
	start = time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	sw3   = netip.MustParseAddr("10.0.0.3")
	relay = netip.MustParseAddr("10.0.0.9")
)

// wall is what is known on a wall in these tests.
func wall(kind model.Kind) []model.Entity {
	switch kind {
	case model.KindDevice:
		return []model.Entity{{ID: model.DeviceID("sw3"), Kind: kind, Name: "sw3", Labels: map[string]string{"address": "10.0.0.3", "sysName": "access3.example.com"}}}
	case model.KindServer:
		return []model.Entity{
			{ID: model.ServerID("db1"), Kind: kind, Name: "db1", Labels: map[string]string{"addresses": "10.0.1.1 fd00::1"}},
			{ID: model.ServerID("web2:9100"), Kind: kind, Name: "web2:9100"},
			{ID: model.ServerID("10.0.1.7:9100"), Kind: kind, Name: "10.0.1.7:9100", Labels: map[string]string{"nodename": "cache7"}},
		}
	case model.KindNode:
		return []model.Entity{{ID: model.NodeID("prod", "n1"), Kind: kind, Name: "n1", Labels: map[string]string{"address": "10.0.2.1"}}}
	case model.KindStub:
		return []model.Entity{
			{ID: "stub/ap1", Kind: kind, Name: "ap1", Labels: map[string]string{"address": "10.0.0.20"}},
			{ID: "stub/sw3", Kind: kind, Name: "sw3", Labels: map[string]string{"address": "10.0.0.3"}}, // a device, too
		}
	}
	return nil
}

func newDesk(patterns ...Pattern) *desk {
	return &desk{
		source: "logs", parser: NewParser(time.UTC), machines: directory{entities: wall}, patterns: patterns, folds: newFolds(),
		floods: newFloods(defaultShow), stats: newStats(patterns),
	}
}

func (d *desk) say(from netip.Addr, at time.Time, text string) []model.Event {
	return d.take(&line{data: []byte(text), from: from, at: at}, nil)
}

func TestLinesBelongToMachines(t *testing.T) {
	for _, c := range []struct {
		name, from, line, entity, title string
	}{
		{"address", "10.0.0.3", "<13>x", "device/sw3", "sw3"},
		{"one of several addresses", "fd00::1", "<13>x", "server/db1", "db1"},
		{"node", "10.0.2.1", "<13>x", "kube/prod/node/n1", "n1"},
		{"what only its neighbours know", "10.0.0.20", "<13>x", "stub/ap1", "ap1"},
		{"instance of an exporter, by name", "10.0.0.9", "<13>1 - web2.example.com a - - - x", "server/web2:9100", "web2:9100"},
		{"instance of an exporter, by address", "10.0.1.7", "<13>x", "server/10.0.1.7:9100", "10.0.1.7:9100"},
		{"instance of an exporter, by its own name", "10.0.0.9", "<13>1 - CACHE7 a - - - x", "server/10.0.1.7:9100", "10.0.1.7:9100"},
		{"name, by way of a relay", "10.0.0.9", "<13>Nov 21 03:00:00 DB1 a: x", "server/db1", "db1"},
		{"full name", "10.0.0.9", "<13>1 - access3.example.com a - - - x", "device/sw3", "sw3"},
		{"short name", "10.0.0.9", "<13>1 - db1.example.com a - - - x", "server/db1", "db1"},
		{"address as a name", "10.0.0.9", "<13>1 - 10.0.1.1 a - - - x", "server/db1", "db1"},
		{"unknown name of a known address", "10.0.0.3", "<13>1 - lost a - - - x", "device/sw3", "sw3"},
		{"unknown name", "10.0.0.9", "<13>1 - lost a - - - x", "", "lost"},
		{"unknown", "10.0.0.9", "<13>x", "", "10.0.0.9"},
	} {
		e := newDesk().say(netip.MustParseAddr(c.from), start, c.line)
		if len(e) != 1 || e[0].Entity != c.entity || e[0].Title != c.title || e[0].Kind != "syslog" || e[0].Labels["sender"] != c.from {
			t.Errorf("%s: %+v", c.name, e)
		}
	}
}

func TestTheEventOfALine(t *testing.T) {
	e := newDesk().say(sw3, start, "<28>Nov 21 03:00:01 sw3 sshd[4711]: Failed password")[0]
	if e.Text != "sshd[4711]: Failed password" || e.Severity != model.Warning || !e.Time.Equal(start.Add(time.Second)) {
		t.Errorf("%+v", e)
	}
	for label, want := range map[string]string{"facility": "daemon", "severity": "warning", "app": "sshd", "host": "sw3", "format": "rfc3164", "sent": ""} {
		if e.Labels[label] != want {
			t.Errorf("label %s is %q, want %q", label, e.Labels[label], want)
		}
	}
	e = newDesk().say(sw3, start, "<28>Nov 20 03:00:00 sw3 sshd: late")[0]
	if !e.Time.Equal(start) || e.Labels["sent"] != "2026-11-20T03:00:00Z" {
		t.Errorf("a clock that is off: %+v", e)
	}
}

func TestRepeatsAreFolded(t *testing.T) {
	d := newDesk()
	shown := 0
	for i := range 215 {
		shown += len(d.say(sw3, start.Add(time.Duration(i)*100*time.Millisecond), fmt.Sprintf("<12>Nov 21 03:00:00 sw3 kernel: eth0 error %d", i)))
	}
	if shown != 1 {
		t.Fatalf("%d shown", shown)
	}
	if e := d.tick(start.Add(59*time.Second), nil); len(e) != 0 {
		t.Fatalf("told early: %+v", e)
	}
	e := d.tick(start.Add(time.Minute), nil)
	if len(e) != 1 || e[0].Count != 214 || e[0].Text != "kernel: eth0 error 214" || e[0].Entity != "device/sw3" || e[0].Severity != model.Warning {
		t.Fatalf("%+v", e)
	}
	// What goes on is folded on; what has ended is new when it comes again.
	d.say(sw3, start.Add(70*time.Second), "<12>Nov 21 03:01:10 sw3 kernel: eth0 error 9")
	if e := d.tick(start.Add(121*time.Second), nil); len(e) != 1 || e[0].Count != 1 {
		t.Fatalf("%+v", e)
	}
	d.tick(start.Add(200*time.Second), nil)
	if e := d.say(sw3, start.Add(201*time.Second), "<12>Nov 21 03:03:21 sw3 kernel: eth0 error 9"); len(e) != 1 {
		t.Fatalf("%+v", e)
	}
	// Other words, programs and senders are no repeats.
	for _, c := range []struct {
		from netip.Addr
		line string
	}{{sw3, "<12>Nov 21 03:03:21 sw3 kernel: eth0 up 9"}, {sw3, "<12>Nov 21 03:03:21 sw3 net: eth0 error 9"}, {relay, "<12>Nov 21 03:03:21 sw3 kernel: eth0 error 9"}} {
		if e := d.say(c.from, start.Add(202*time.Second), c.line); len(e) != 1 {
			t.Errorf("%s is folded", c.line)
		}
	}
}

func TestRepeatsThatSyslogdFolded(t *testing.T) {
	d := newDesk()
	d.say(sw3, start, "<12>Nov 21 03:00:00 sw3 kernel: eth0 error")
	if e := d.say(sw3, start, "<12>Nov 21 03:00:01 sw3 last message repeated 214 times"); len(e) != 0 {
		t.Errorf("%+v", e)
	}
	d.say(sw3, start, "<12>Nov 21 03:00:02 sw3 kernel: eth0 error")
	if e := d.tick(start.Add(time.Minute), nil); len(e) != 1 || e[0].Count != 215 {
		t.Errorf("%+v", e)
	}
	if e := newDesk().say(sw3, start, "<12>last message repeated 7 times"); len(e) != 1 || e[0].Count != 7 {
		t.Errorf("of what nobody saw: %+v", e)
	}
}

// distinct is a text of its own for each number, which folding does not find.
func distinct(i int) string {
	letters := []byte("aaaaaa")
	for p := len(letters) - 1; i > 0; p, i = p-1, i/26 {
		letters[p] = byte('a' + i%26)
	}
	return string(letters)
}

// lines is how many an announcement speaks of.
func lines(t *testing.T, e *model.Event) int {
	t.Helper()
	n, err := strconv.Atoi(e.Labels["lines"])
	if err != nil {
		t.Errorf("%+v: %v", e, err)
	}
	return n
}

func TestAFloodIsSampledFairlyAndAnnounced(t *testing.T) {
	d := newDesk()
	d.tick(start, nil)
	shown := map[netip.Addr]int{}
	critical, announced := 0, map[string]int{}
	count := func(events []model.Event) {
		for _, e := range events {
			if e.Labels["fate"] == fateSampled {
				announced[e.Labels["sender"]] += lines(t, &e)
				if e.Labels["sender"] == sw3.String() && (e.Entity != "device/sw3" || !strings.Contains(e.Text, "lines of sw3 not shown in the last 10 s")) {
					t.Errorf("%+v", e)
				}
				continue
			}
			if e.Severity == model.Critical {
				critical++
			}
			shown[netip.MustParseAddr(e.Labels["sender"])]++
		}
	}
	// A minute of 20,000 lines a second of one, two a second of another, and a critical line a second among the flood.
	const seconds, each = 60, 20_000
	for s := range seconds {
		for i := range each {
			at := start.Add(time.Duration(s)*time.Second + time.Duration(i)*time.Second/each)
			priority := 13
			if i == each/2 {
				priority = 8
			}
			count(d.say(sw3, at, fmt.Sprintf("<%d>%s", priority, distinct(s*each+i))))
			if i%(each/2) == 0 {
				count(d.say(relay, at, "<13>calm "+distinct(s*each+i)))
			}
		}
		count(d.tick(start.Add(time.Duration(s+1)*time.Second), nil))
	}
	if critical != seconds {
		t.Errorf("%d of %d critical lines are shown", critical, seconds)
	}
	if shown[relay] != 2*seconds {
		t.Errorf("%d of the %d lines of the quiet one are shown", shown[relay], 2*seconds)
	}
	if got := shown[sw3] + announced[sw3.String()]; got != seconds*each {
		t.Errorf("%d shown and %d announced of %d", shown[sw3], announced[sw3.String()], seconds*each)
	}
	if shown[sw3] > senderAtOnce+seconds+seconds*defaultShow {
		t.Errorf("%d of the flood are shown", shown[sw3])
	}
	f := d.stats.fates
	if f[fateShown]+f[fateFolded]+f[fateSampled] != seconds*(each+2) {
		t.Errorf("%v", f)
	}
}

func TestManySendersStayBounded(t *testing.T) {
	d := newDesk()
	d.tick(start, nil)
	addr := netip.MustParseAddr("10.1.0.0")
	const many = 3 * maxSenders
	announced := 0
	for i := range many {
		addr = addr.Next()
		for j := range 2 {
			d.say(addr, start, fmt.Sprintf("<13>%s: %s", distinct(i), distinct(j)))
		}
	}
	if len(d.floods.senders) > maxSenders+1 || len(d.folds.known) > maxFolds || len(d.stats.messages) > maxSeries+8 {
		t.Errorf("%d senders, %d folds, %d series", len(d.floods.senders), len(d.folds.known), len(d.stats.messages))
	}
	events := d.tick(start.Add(announceEvery), nil)
	for _, e := range events {
		announced += lines(t, &e)
	}
	if uint64(announced) != d.stats.fates[fateSampled] || len(events) > maxAnnounced+1 {
		t.Errorf("%d announced in %d events, %d sampled", announced, len(events), d.stats.fates[fateSampled])
	}
	d.tick(start.Add(5*time.Minute), nil)
	if d.tick(start.Add(10*time.Minute), nil); len(d.floods.senders) != 0 || len(d.folds.known) != 0 {
		t.Errorf("%d senders, %d folds are remembered", len(d.floods.senders), len(d.folds.known))
	}
}

func TestPatternsAndMessagesAreCounted(t *testing.T) {
	d := newDesk(Pattern{"login", regexp.MustCompile("Failed password")}, Pattern{"never", regexp.MustCompile("^$")})
	for range 3 {
		d.say(sw3, start, "<28>Nov 21 03:00:01 sw3 sshd[4711]: Failed password")
	}
	d.say(relay, start, "<8>boom")
	want := map[string]float64{
		`{__name__="nocturne_syslog_messages_total", app="sshd", device="sw3", severity="warning", source="logs"}`: 3,
		`{__name__="nocturne_syslog_messages_total", sender="10.0.0.9", severity="emerg", source="logs"}`:          1,
		`{__name__="nocturne_syslog_pattern_total", device="sw3", pattern="login", source="logs"}`:                 3,
		`{__name__="nocturne_syslog_pattern_total", pattern="never", source="logs"}`:                               0,
		`{__name__="nocturne_syslog_lines_total", fate="folded", source="logs"}`:                                   2,
		`{__name__="nocturne_syslog_lines_total", fate="shown", source="logs"}`:                                    2,
		`{__name__="nocturne_syslog_invalid_total", source="logs"}`:                                                1,
	}
	got := map[string]float64{}
	for _, s := range d.stats.samples("logs") {
		got[s.Labels.String()] = s.V
	}
	for name, v := range want {
		if have, ok := got[name]; !ok || have != v {
			t.Errorf("%s is %v %v, want %v; %v", name, have, ok, v, got)
		}
	}
}

func TestWhatNeverCameInIsTold(t *testing.T) {
	d := newDesk()
	d.tick(start, nil)
	d.say(sw3, start, "<13>x")
	d.overrun(map[netip.Addr]int{sw3: 12_340}, start)
	d.stats.kernel.Add(7)
	d.stats.refused.Add(2)
	var texts []string
	for _, e := range d.tick(start.Add(announceEvery), nil) {
		texts = append(texts, e.Text)
	}
	all := strings.Join(texts, "\n")
	for _, want := range []string{"12,340 lines of sw3 not shown in the last 10 s", "7 lines were lost in the system's buffer", "2 connections were refused"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in:\n%s", want, all)
		}
	}
	if e := d.tick(start.Add(2*announceEvery), nil); len(e) != 0 {
		t.Errorf("told twice: %+v", e)
	}
}

func BenchmarkTake(b *testing.B) {
	lines := map[string]func(i int) string{
		"5424": func(i int) string {
			return "<14>1 2026-11-21T03:00:00.003Z sw3 su 77 ID47 - login of " + distinct(i%300_000)
		},
		"3164":     func(i int) string { return "<14>Nov 21 03:00:00 sw3 sshd[4711]: login of " + distinct(i%300_000) },
		"repeated": func(i int) string { return fmt.Sprintf("<14>Nov 21 03:00:00 sw3 sshd[4711]: login %d", i) },
	}
	for name, make := range lines {
		b.Run(name, func(b *testing.B) {
			d := newDesk()
			var text [1024][]byte
			for i := range text {
				text[i] = []byte(make(i))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				d.take(&line{data: text[i%len(text)], from: sw3, at: start}, nil)
			}
		})
	}
}
