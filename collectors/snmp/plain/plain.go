// Package plain makes text of what a device sends, so that it can be shown: nothing a device sends
// steers a terminal, turns a line around, or fills the memory.
package plain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns b as UTF-8 without control characters but for newlines and tabs, of at most limit bytes
// of b, without space around it.
func Text(b []byte, limit int) string {
	if len(b) > limit {
		b = whole(b[:limit])
	}
	var s strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			if !unicode.IsControl(rune(b[0])) {
				s.WriteRune(rune(b[0])) // Latin-1 is what agents send that do not send UTF-8
			}
		case r == '\n' || r == '\t':
			s.WriteRune(r)
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			// Dropped: a device must not steer the terminal or turn the text around.
		default:
			s.WriteRune(r)
		}
		b = b[n:]
	}
	return strings.TrimSpace(s.String())
}

// whole leaves out a character at the end that was cut in two.
func whole(b []byte) []byte {
	for i := len(b) - 1; i >= 0 && len(b)-i < utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return b[:i]
			}
			break
		}
	}
	return b
}

// Line is Text on one line.
func Line(b []byte, limit int) string { return oneLine.Replace(Text(b, limit)) }

var oneLine = strings.NewReplacer("\n", " ", "\t", " ")
