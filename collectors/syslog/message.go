package syslog

import (
	"bytes"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	sys "github.com/leodido/go-syslog/v4"
	"github.com/leodido/go-syslog/v4/common"
	"github.com/leodido/go-syslog/v4/rfc3164"
	"github.com/leodido/go-syslog/v4/rfc5424"

	"github.com/nocturne-noc/nocturne/store/model"
)

// The formats of a line.
const (
	Format5424 = "rfc5424"
	Format3164 = "rfc3164"
	FormatRaw  = "raw" // neither: shown as it came
)

// Bounds of what is kept of a line, in bytes.
const (
	maxText = 2 << 10
	maxWord = 128 // host, app, process ID
)

// defaultPriority is that of a line without one: user.notice (RFC 3164, section 4.3.3).
const defaultPriority = 13

// Message is a line taken apart. Its texts are printable and bounded.
type Message struct {
	Facility uint8 // RFC 5424, section 6.2.1
	Severity uint8 // 0 is emergency, 7 debug
	Time     time.Time
	Host     string
	App      string
	PID      string
	Text     string
	Format   string
}

// State maps the severity: emergency, alert and critical are critical; errors and warnings a warning.
func (m *Message) State() model.State {
	switch {
	case m.Severity <= 2:
		return model.Critical
	case m.Severity <= 4:
		return model.Warning
	}
	return model.OK
}

// severityWord is the keyword of syslog.conf: "crit", "err".
func (m *Message) severityWord() string { return common.SeverityLevelsShort[m.Severity] }

func (m *Message) facilityWord() string {
	if word, ok := common.FacilityKeywords[m.Facility]; ok {
		return word
	}
	return common.Facility[m.Facility]
}

// Parser takes lines apart. It is not for concurrent use.
type Parser struct {
	new, old sys.Machine
}

// NewParser returns a parser; zone is that of senders that name none.
func NewParser(zone *time.Location) *Parser {
	p := &Parser{new: rfc5424.NewMachine(rfc5424.WithBestEffort())}
	p.old = rfc3164.NewMachine(rfc3164.WithBestEffort(), rfc3164.WithRFC3339(), rfc3164.WithLenientDay(), rfc3164.WithSecondFractions(),
		rfc3164.WithLocaleTimezone(zone))
	return p
}

// Parse takes a line apart, in which it replaces control characters. It always gives a message: what is in neither
// format is text.
func (p *Parser) Parse(line []byte, now time.Time) (m Message) {
	line = bytes.TrimRight(line, "\r\n\x00 ")
	for i, c := range line {
		if c < ' ' || c == 0x7f {
			line[i] = ' ' // the parsers would end there
		}
	}
	priority, rest, ok := splitPriority(line)
	m = Message{Facility: priority / 8, Severity: priority % 8, Format: FormatRaw}
	defer func() {
		if r := recover(); r != nil { // a parser of foreign bytes that is not ours
			m.Format, m.Text = FormatRaw, printable(string(rest), maxText)
		}
	}()
	if ok && bytes.HasPrefix(rest, []byte("1 ")) {
		if msg, err := p.new.Parse(line); err == nil {
			if msg, ok := msg.(*rfc5424.SyslogMessage); ok {
				m.fill(&msg.Base, Format5424)
			}
		}
	} else if ok {
		// Without a time there is no telling what the first words are.
		if msg, err := p.old.Parse(line); err == nil {
			if msg, ok := msg.(*rfc3164.SyslogMessage); ok && msg.Timestamp != nil {
				m.fill(&msg.Base, Format3164)
				m.Time = nearestYear(m.Time, now)
			}
		}
	}
	if m.Text == "" {
		m.Text = printable(string(rest), maxText)
	}
	return m
}

// splitPriority reads "<165>". ok is false for a line without one, which is then user.notice.
func splitPriority(line []byte) (priority uint8, rest []byte, ok bool) {
	if len(line) < 3 || line[0] != '<' {
		return defaultPriority, line, false
	}
	n := 0
	for i := 1; i < min(len(line), 5); i++ {
		switch c := line[i]; {
		case c == '>' && i > 1 && n <= 191:
			return uint8(n), line[i+1:], true
		case c < '0' || c > '9':
			return defaultPriority, line, false
		default:
			n = 10*n + int(c-'0')
		}
	}
	return defaultPriority, line, false
}

func (m *Message) fill(b *sys.Base, format string) {
	m.Format = format
	if b.Timestamp != nil {
		m.Time = *b.Timestamp
	}
	m.Host, m.App, m.PID = word(b.Hostname), word(b.Appname), word(b.ProcID)
	if b.Message != nil {
		m.Text = printable(strings.TrimPrefix(*b.Message, "\ufeff"), maxText)
	}
}

func word(s *string) string {
	if s == nil {
		return ""
	}
	return printable(*s, maxWord)
}

// nearestYear gives a time that names no year the one that brings it next to now: a line of New Year's Eve may
// come in the new year.
func nearestYear(t, now time.Time) time.Time {
	if t.Year() != 0 {
		return t
	}
	t = t.AddDate(now.In(t.Location()).Year(), 0, 0)
	const half = 183 * 24 * time.Hour
	switch d := t.Sub(now); {
	case d > half:
		return t.AddDate(-1, 0, 0)
	case d < -half:
		return t.AddDate(1, 0, 0)
	}
	return t
}

// printable makes a foreign text fit to be shown: valid UTF-8, one line, at most limit bytes.
func printable(s string, limit int) string {
	s = strings.TrimSpace(s)
	if len(s) > limit {
		cut := limit - len("…")
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f {
			return strings.TrimSpace(clean(s, limit))
		}
	}
	return s
}

// clean is the long way of printable, for what is not plain ASCII. What takes the place of a broken byte is
// longer than that, so that the length is bounded here too.
func clean(s string, limit int) string {
	var b strings.Builder
	for _, r := range s {
		if !unicode.IsPrint(r) && r != utf8.RuneError {
			r = ' '
		}
		if b.Len()+utf8.RuneLen(r) > limit {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
