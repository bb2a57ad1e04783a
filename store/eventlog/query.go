package eventlog

import (
	"bytes"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nocturne-noc/nocturne/store/model"
)

// query is a model.EventFilter made ready for comparing.
type query struct {
	since, until int64  // both included, Unix nanoseconds
	severities   uint64 // a bit for each wanted one, see severityBit
	kind, source string
	entity       string
	under        bool   // entity is a prefix that ends in "/"
	text         []byte // folded
	keys         []key  // what an index's filter must have, all of them
}

func newQuery(f model.EventFilter) *query {
	q := &query{since: math.MinInt64, until: math.MaxInt64, kind: f.Kind, source: f.Source,
		entity: f.Entity, under: strings.HasSuffix(f.Entity, "/"), text: fold(nil, f.Text)}
	if !f.Since.IsZero() {
		q.since = nanos(f.Since)
	}
	if !f.Until.IsZero() {
		q.until = nanos(f.Until)
	}
	for s := range model.State(64) {
		if f.MinRank == 0 || s.Rank() >= f.MinRank.Rank() {
			q.severities |= severityBit(s)
		}
	}
	if f.Source != "" {
		q.keys = append(q.keys, sourceKey(f.Source))
	}
	switch {
	case q.under:
		q.keys = append(q.keys, prefixKey(f.Entity))
	case f.Entity != "":
		q.keys = append(q.keys, entityKey(f.Entity))
	}
	eachGram(q.text, func(key key) { q.keys = append(q.keys, key) })
	return q
}

// wants judges an event that is not packed. The buffer is for folding its texts.
func (q *query) wants(e *model.Event, buf *[]byte) bool {
	t := nanos(e.Time)
	return t >= q.since && t <= q.until && q.severities&severityBit(e.Severity) != 0 &&
		(q.kind == "" || e.Kind == q.kind) &&
		(q.source == "" || e.Source == q.source) &&
		(q.entity == "" || e.Entity == q.entity || q.under && strings.HasPrefix(e.Entity, q.entity)) &&
		(len(q.text) == 0 || q.says(e.Title, buf) || q.says(e.Text, buf))
}

// says reports whether a text holds the one that is looked for.
func (q *query) says(text string, buf *[]byte) bool {
	*buf = fold(*buf, text)
	return bytes.Contains(*buf, q.text)
}

// severityBit puts the severities that nobody knows yet together: none of them ranks.
func severityBit(s model.State) uint64 { return 1 << min(s, 63) }

// fold writes s over buf in lower case, as strings.ToLower makes it, so that texts compare without case.
func fold(buf []byte, s string) []byte {
	buf = append(buf[:0], s...)
	var seen byte
	for i, c := range buf {
		seen |= c
		buf[i] = lower[c]
	}
	if seen < utf8.RuneSelf {
		return buf
	}
	buf = buf[:0]
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			buf = append(buf, lower[r])
		case r >= '\u2E80' && r < '\uA640', r >= '\uAC00' && r <= '\uD7A3':
			buf = utf8.AppendRune(buf, r) // Hangul, Kana and Han have no case, which unicode finds out slowly
		default:
			buf = utf8.AppendRune(buf, unicode.ToLower(r))
		}
	}
	return buf
}

// lower is ASCII in lower case.
var lower = func() (table [256]byte) {
	for i := range table {
		table[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			table[i] += 'a' - 'A'
		}
	}
	return table
}()

// nanos is an instant in Unix nanoseconds. What lies beyond their reach, in the years 1677 and 2262, is
// moved to its border.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	default:
		return t.UnixNano()
	}
}
