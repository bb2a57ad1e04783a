package host

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName bounds a label's value that others choose, in bytes.
const maxName = 100

// printable makes a foreign text fit to be shown: valid UTF-8 on one line without what steers a terminal
// or turns text around, at most limit bytes.
func printable(s string, limit int) string {
	if len(s) > limit {
		cut := limit - len("…")
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '?' // no longer than the broken byte was
		case !unicode.IsPrint(r):
			return ' '
		}
		return r
	}, s))
}
