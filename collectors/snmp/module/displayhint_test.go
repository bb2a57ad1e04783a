package module

import (
	"strings"
	"testing"
)

func TestDisplayHint(t *testing.T) {
	for _, tt := range []struct{ hint, octets, want string }{
		{"255a", "host", "host"},
		{"1x:", "\x02\xaa\x00", "02:aa:00"},
		{"1d.1d.1d.1d", "\xc0\x00\x02\x01", "192.0.2.1"},
		{"2d-1d-1d,1d:1d:1d.1d,1a1d:1d", "\x07\xea\x0b\x15\x0a\x1e\x1e\x05+\x09\x00", "2026-11-21,10:30:30.5,+9:0"}, // DateAndTime
		{"2x:", "\x20\x01\x0d", "2001:0d"}, // the last one is short
		{"*1x:/1d", "\x02\xaa\xbb\x05", "aa:bb/5"},
		{"1o", "\x08\x09", "1011"},
		{"9d", "123456789", "313233343536373839"}, // more than a number holds
		{"1x:", "", ""},
		{"255t", "\x1b[2Jx", "[2Jx"},
	} {
		formats, err := parseDisplayHint(tt.hint)
		if err != nil {
			t.Fatal(err)
		}
		if got := hinted(formats, []byte(tt.octets)); got != tt.want {
			t.Errorf("%q of %q: %q, want %q", tt.hint, tt.octets, got, tt.want)
		}
	}
	for _, hint := range []string{"x", "1", "1z", "d", "0a", "99999999999999999999a", "*", "1x:0a"} {
		if _, err := parseDisplayHint(hint); err == nil || !strings.Contains(err.Error(), "display_hint") {
			t.Errorf("%q: error %v", hint, err)
		}
	}
}

// TestHints holds that hints of metrics and of lookups are used for octets, and only for these.
func TestHints(t *testing.T) {
	m := parse(t, `modules:
  t:
    walk: [1.3.1]
    metrics:
    - name: peer
      oid: 1.3.1.1
      type: OctetString
      display_hint: '1x:'
      help: h
      indexes: [{labelname: i, type: gauge}]
      lookups:
      - {labels: [i], labelname: at, oid: 1.3.1.2, type: OctetString, display_hint: 1d.1d}
      - {labels: [i], labelname: text, oid: 1.3.1.2, type: DisplayString, display_hint: 1d.1d}
`)
	samples, _ := m.Samples([]Object{{OID{1, 3, 1, 1, 4}, 4, []byte{0xa, 0xff}}, {OID{1, 3, 1, 2, 4}, 4, []byte("AB")}})
	if want := `{__name__="peer", at="65.66", i="4", peer="0a:ff", text="AB"}`; len(samples) != 1 || samples[0].Labels.String() != want {
		t.Errorf("%v, want %s", samples, want)
	}
}

// FuzzDisplayHint holds that no hint and no octets make more than they may.
func FuzzDisplayHint(f *testing.F) {
	f.Add("2d-1d-1d,1d:1d:1d.1d,1a1d:1d", []byte("0123456789a"))
	f.Add("*1x:/1d", []byte{255, 1, 2})
	f.Fuzz(func(t *testing.T, hint string, octets []byte) {
		formats, err := parseDisplayHint(hint)
		if err != nil {
			return
		}
		if s := hinted(formats, octets); len(s) > maxText {
			t.Errorf("%d bytes", len(s))
		}
	})
}
