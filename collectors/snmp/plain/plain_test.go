package plain

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for _, tc := range []struct {
		in    string
		limit int
		want  string
	}{
		{"core 1", 100, "core 1"},
		{"  room\r\n\x1b[31m5\x00 ", 100, "room\n[31m5"},
		{"K\xfcche", 100, "Küche"},
		{"Küche", 100, "Küche"},
		{"a\u202eb\u2066c", 100, "abc"},
		{"\x9b31m", 100, "31m"}, // a control sequence of one byte
		{"Küche", 2, "K"},
		{"Küche", 3, "Kü"},
		{strings.Repeat("\xbf", 10), 2, "¿¿"},
		{"", 100, ""},
	} {
		if got := Text([]byte(tc.in), tc.limit); got != tc.want {
			t.Errorf("%q of at most %d bytes: %q, want %q", tc.in, tc.limit, got, tc.want)
		}
	}
	if got := Line([]byte("a\tb\nc"), 100); got != "a b c" {
		t.Errorf("one line: %q", got)
	}
}

// FuzzText holds that what comes out is bounded UTF-8 without control characters.
func FuzzText(f *testing.F) {
	f.Add([]byte("K\xfcche\x1b[0m\u202e"))
	f.Add([]byte(strings.Repeat("\xff", 5000)))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := Line(b, 4096)
		if !utf8.ValidString(s) || len(s) > 2*4096 || strings.ContainsFunc(s, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
		}) {
			t.Errorf("%q becomes %q", b, s)
		}
	})
}
