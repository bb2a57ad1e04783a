package syslog

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

var seoul = time.FixedZone("KST", 9*3600)

func TestLinesAreTakenApart(t *testing.T) {
	now := time.Date(2026, 11, 21, 22, 14, 30, 0, seoul)
	for _, c := range []struct {
		name, line string
		want       Message
		state      model.State
	}{
		{"RFC 5424", `<34>1 2026-11-21T13:14:15.003Z sw3.example.com su 77 ID47 - 'su root' failed`,
			Message{4, 2, time.Date(2026, 11, 21, 13, 14, 15, 3e6, time.UTC), "sw3.example.com", "su", "77", "'su root' failed", Format5424}, model.Critical},
		{"RFC 5424 with data and a mark", "<165>1 2026-11-21T13:14:15Z h app - - [a@1 b=\"c\"] \ufeffdone",
			Message{20, 5, time.Date(2026, 11, 21, 13, 14, 15, 0, time.UTC), "h", "app", "", "done", Format5424}, model.OK},
		{"RFC 5424 of little", "<11>1 - - - - - - it", Message{1, 3, time.Time{}, "", "", "", "it", Format5424}, model.Warning},
		{"RFC 3164", "<28>Nov 21 22:14:15 sw3 sshd[4711]: Failed password",
			Message{3, 4, time.Date(2026, 11, 21, 22, 14, 15, 0, seoul), "sw3", "sshd", "4711", "Failed password", Format3164}, model.Warning},
		{"RFC 3164 with the time of others", "<30>2026-11-21T13:14:15Z db1 cron: started",
			Message{3, 6, time.Date(2026, 11, 21, 13, 14, 15, 0, time.UTC), "db1", "cron", "", "started", Format3164}, model.OK},
		{"Cisco", "<187>237: *Nov 21 22:14:15.295: %LINK-3-UPDOWN: Interface Gi1/0/1, changed state to down",
			Message{23, 3, time.Time{}, "", "", "", "237: *Nov 21 22:14:15.295: %LINK-3-UPDOWN: Interface Gi1/0/1, changed state to down", FormatRaw}, model.Warning},
		{"a priority alone", "<0>panic", Message{0, 0, time.Time{}, "", "", "", "panic", FormatRaw}, model.Critical},
		{"no priority", "hello there", Message{1, 5, time.Time{}, "", "", "", "hello there", FormatRaw}, model.OK},
		{"a priority that is none", "<192>x", Message{1, 5, time.Time{}, "", "", "", "<192>x", FormatRaw}, model.OK},
		{"half of RFC 5424", "<34>1 yesterday", Message{4, 2, time.Time{}, "", "", "", "1 yesterday", FormatRaw}, model.Critical},
		{"foreign bytes", "<13>Nov 21 22:14:15 h a: x\x1b[31m\xff\r\ny\x00",
			Message{1, 5, time.Date(2026, 11, 21, 22, 14, 15, 0, seoul), "h", "a", "", "x [31m\ufffd  y", Format3164}, model.OK},
		{"nothing", "", Message{1, 5, time.Time{}, "", "", "", "", FormatRaw}, model.OK},
	} {
		got := NewParser(seoul).Parse([]byte(c.line), now)
		if !got.Time.Equal(c.want.Time) {
			t.Errorf("%s: at %v, want %v", c.name, got.Time, c.want.Time)
		}
		got.Time = c.want.Time
		if d := cmp.Diff(c.want, got); d != "" || got.State() != c.state {
			t.Errorf("%s (%s):\n%s", c.name, got.State(), d)
		}
	}
}

func TestAYearIsTheNearest(t *testing.T) {
	now := time.Date(2027, 1, 1, 0, 0, 5, 0, time.UTC)
	m := NewParser(time.UTC).Parse([]byte("<13>Dec 31 23:59:58 h a: x"), now)
	if want := time.Date(2026, 12, 31, 23, 59, 58, 0, time.UTC); !m.Time.Equal(want) {
		t.Errorf("%v, want %v", m.Time, want)
	}
	m = NewParser(time.UTC).Parse([]byte("<13>Jan  1 00:00:01 h a: x"), now.Add(-time.Minute))
	if want := time.Date(2027, 1, 1, 0, 0, 1, 0, time.UTC); !m.Time.Equal(want) {
		t.Errorf("%v, want %v", m.Time, want)
	}
}

func TestRepeatsOfSyslogd(t *testing.T) {
	for text, want := range map[string]int{
		"last message repeated 214 times": 214, "message repeated 3 times: [ x]": 3, "last message repeated 1 time": 1,
		"last message repeated many times": 0, "message repeated": 0, "last message repeated -1 times": 0, "x": 0,
	} {
		if got, ok := repeated(text); ok != (want > 0) || ok && got != want {
			t.Errorf("%q: %d %v", text, got, ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"<34>1 2026-11-21T13:14:15.003Z h su 77 ID47 [a@1 b=\"c\"] failed", "<28>Nov 21 22:14:15 sw3 sshd[4711]: x", "<187>237: *x", "", "<>", "<1",
		"<13>Feb 29 00:00:00 a b:", "<13>1 - - - - - [", "\xff\xfe",
	} {
		f.Add([]byte(line))
	}
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	p := NewParser(time.UTC)
	f.Fuzz(func(t *testing.T, line []byte) {
		m := p.Parse(line, now)
		if m.Severity > 7 || m.Facility > 23 {
			t.Fatalf("priority %d.%d", m.Facility, m.Severity)
		}
		for _, s := range []string{m.Host, m.App, m.PID, m.Text} {
			if !utf8.ValidString(s) || len(s) > maxText || strings.ContainsFunc(s, func(r rune) bool { return r != utf8.RuneError && !unicode.IsPrint(r) }) {
				t.Fatalf("%q of %q", s, line)
			}
		}
		_, rest, _ := splitPriority(line)
		if m.Text == "" && printable(strings.TrimRight(string(rest), "\r\n\x00 "), maxText) != "" {
			t.Fatalf("%q is lost", line)
		}
	})
}
