package kube

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Bounds of what is held of one log.
const (
	maxLogLine  = 4 << 10 // bytes
	maxLogLines = 5000
	maxLogBytes = 2 << 20
	stampRoom   = 64 // bytes: more than a time of RFC 3339 has
)

// ring holds the end of a log.
type ring struct {
	lines   []model.LogLine
	bytes   int
	dropped int
}

func (r *ring) add(l model.LogLine) {
	r.lines = append(r.lines, l)
	r.bytes += len(l.Text)
	for len(r.lines) > maxLogLines || r.bytes > maxLogBytes {
		r.bytes -= len(r.lines[0].Text)
		r.lines[0] = model.LogLine{} // so that its text can go although the array stays
		r.lines = r.lines[1:]
		r.dropped++
	}
}

func (r *ring) copy() []model.LogLine { return slices.Clone(r.lines) }

// logMark is how far a log has been taken, so that one that is read again from there brings no line twice.
type logMark struct {
	last time.Time // the latest stamp, zero for none
	same int       // lines that have it
	skip int       // of those, how many are still to come once more
	back bool      // what comes was there before
}

// again begins to read from the mark.
func (m *logMark) again() {
	m.back, m.skip = !m.last.IsZero(), m.same
}

// takes reports whether a line is a new one.
func (m *logMark) takes(at time.Time) bool {
	if m.back {
		switch {
		case at.Before(m.last): // without a stamp too
			return false
		case at.Equal(m.last) && m.skip > 0:
			m.skip--
			return false
		}
		m.back = false
	}
	switch {
	case at.After(m.last):
		m.last, m.same = at, 1
	case at.Equal(m.last):
		m.same++
	}
	return true
}

// readLines gives each line of a stream to each, until the stream ends. A line may be clipped: of one that
// is longer than can be held the rest is skipped. A line that was cut off by an error is not given.
func readLines(stream io.Reader, each func(line []byte)) error {
	r := bufio.NewReaderSize(stream, maxLogLine+stampRoom)
	skipping := false
	for {
		chunk, err := r.ReadSlice('\n')
		whole := err == nil || errors.Is(err, io.EOF) && len(chunk) > 0
		if !skipping && (whole || errors.Is(err, bufio.ErrBufferFull)) {
			each(bytes.TrimRight(chunk, "\r\n"))
		}
		switch {
		case err == nil:
			skipping = false
		case errors.Is(err, bufio.ErrBufferFull):
			skipping = true
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
	}
}

// parseLine takes the stamp off a line as the API writes it with timestamps=true: "TIME TEXT".
func parseLine(line []byte) model.LogLine {
	stamp, text, _ := strings.Cut(string(line), " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		at, text = time.Time{}, string(line)
	}
	return model.LogLine{Time: at, Text: plainLine(text, maxLogLine)}
}

// plainLine makes a line fit for a wall: valid UTF-8 that can be seen, without what a program says to a
// terminal, at most limit bytes.
func plainLine(s string, limit int) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == '\x1b' {
			i += escapeLength(s[i:])
			continue
		}
		i += n
		if r == '\t' {
			r = ' '
		}
		if r != utf8.RuneError && !unicode.IsPrint(r) {
			continue
		}
		if b.Len()+utf8.RuneLen(r) > limit-len("…") {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimRight(b.String(), " ")
}

// escapeLength is how many bytes a sequence of ECMA-48 has at the beginning of s, which is an escape: the
// colours of a log.
func escapeLength(s string) int {
	if len(s) < 2 {
		return len(s)
	}
	switch s[1] {
	case '[': // control sequence: parameters, and a final byte
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
		}
		return len(s)
	case ']': // operating system command: until BEL or ESC \
		i := strings.IndexAny(s, "\a\\")
		if i < 0 {
			return len(s)
		}
		return i + 1
	}
	_, n := utf8.DecodeRuneInString(s[1:])
	return 1 + n
}
