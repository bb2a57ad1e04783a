package module

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// octetFormat is one octet-format specification of a DISPLAY-HINT (RFC 2579, section 3.1).
type octetFormat struct {
	repeat     bool // the first octet counts how often the format applies
	length     int  // octets that it takes
	style      byte // x, d, o, a or t
	separator  string
	terminator string // after the last repetition
}

// parseDisplayHint reads the DISPLAY-HINT of an OCTET STRING, such as "1x:" or "255a".
func parseDisplayHint(s string) ([]octetFormat, error) {
	bad := func(why string) ([]octetFormat, error) {
		return nil, fmt.Errorf(`display_hint %.40q %s: want such as "1x:", "255a" or "1d.1d.1d.1d"`, s, why)
	}
	var out []octetFormat
	for rest := s; rest != ""; {
		var f octetFormat
		rest, f.repeat = strings.CutPrefix(rest, "*")
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.Atoi(rest[:digits])
		if err != nil || n > maxText {
			return bad("has no length")
		}
		f.length, rest = n, rest[digits:]
		if rest == "" || strings.IndexByte("xdoat", rest[0]) < 0 {
			return bad("has no format")
		}
		f.style, rest = rest[0], rest[1:]
		f.separator, rest = cutMark(rest)
		if f.repeat && f.separator != "" {
			f.terminator, rest = cutMark(rest)
		}
		out = append(out, f)
	}
	if len(out) == 0 || out[len(out)-1].length == 0 { // the last one repeats until all is written
		return bad("ends without a length")
	}
	return out, nil
}

// cutMark cuts a separator or terminator off, which is any character but a digit and "*".
func cutMark(s string) (mark, rest string) {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || r == '*' || r >= '0' && r <= '9' {
		return "", s
	}
	return s[:n], s[n:]
}

// hinted writes octets as a DISPLAY-HINT says; the last format applies to all that is left.
func hinted(formats []octetFormat, b []byte) string {
	var out strings.Builder
	for i := 0; len(b) > 0; i++ {
		f := formats[min(i, len(formats)-1)]
		times := 1
		if f.repeat {
			times, b = int(b[0]), b[1:]
		}
		for ; times > 0 && len(b) > 0; times-- {
			n := min(f.length, len(b))
			out.WriteString(octetText(f.style, b[:n]))
			b = b[n:]
			if n == 0 {
				break
			}
			switch {
			case len(b) == 0:
			case f.terminator != "" && times == 1:
				out.WriteString(f.terminator)
			default:
				out.WriteString(f.separator)
			}
		}
	}
	return clean(out.String())
}

// octetText writes octets as one number, the first the most significant, or as characters.
func octetText(style byte, b []byte) string {
	const most = 8 // octets of a number that fits
	switch {
	case style == 'a' || style == 't':
		return string(b)
	case style == 'x' || len(b) > most:
		return fmt.Sprintf("%02x", b)
	}
	n := uint64(0)
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	if style == 'o' {
		return strconv.FormatUint(n, 8)
	}
	return strconv.FormatUint(n, 10)
}
