package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// change is one step of the world. Exactly the fields that its op names are set. Stored as a
// length, then op, the moment in Unix milliseconds, and the fields; a payload is JSON.
type change struct {
	op     op
	at     int64 // when the store learnt of it, Unix milliseconds
	scope  int   // number of the scope
	key    scopeKey
	id     string        // of an entity, link, alert
	seen   time.Time     // opSeen; LastOK in opRound
	every  time.Duration // opSeen
	entity model.Entity
	link   model.Link
	alert  model.Alert
	row    model.SourceStatus
	mark   model.Mark
	value  float64 // opAlert, opAlertValue
}

type op byte

// The ops. Their numbers are stored on disk: append only.
const (
	opScope      op = 1 + iota // key: gets the next scope number
	opSeen                     // scope, seen, every
	opEntity                   // scope, entity
	opEntityGone               // scope, id
	opLink                     // scope, link
	opLinkGone                 // scope, id
	opAlert                    // alert, value
	opAlertValue               // id, value
	opAlertGone                // id
	opRow                      // row
	opRound                    // row.Name, row.Target, and of its last round: seen, row.Duration, row.Samples
	opRowGone                  // row.Name, row.Target
	opMark                     // mark
)

// apply makes the change. A change that does not fit the world (a damaged log) is an error and
// changes nothing.
func (c *change) apply(w *world) error {
	var s *scope
	switch c.op {
	case opSeen, opEntity, opEntityGone, opLink, opLinkGone:
		if c.scope < 0 || c.scope >= len(w.scopes) {
			return fmt.Errorf("change %d speaks of scope %d of %d", c.op, c.scope, len(w.scopes))
		}
		s = w.scopes[c.scope]
	}
	switch c.op {
	case opScope:
		if w.byKey[c.key] != nil {
			return fmt.Errorf("scope %s/%s comes twice", c.key.source, c.key.scope)
		}
		s = &scope{n: len(w.scopes), key: c.key, entities: map[string]struct{}{}, links: map[string]struct{}{}}
		w.scopes = append(w.scopes, s)
		w.byKey[c.key] = s
	case opSeen:
		if s.quiet || s.stale(c.seen) {
			w.revs.Entities++
		}
		s.seen, s.every, s.quiet = c.seen, c.every, false
		if t := s.turnsStale(); !t.IsZero() && (w.nextStale.IsZero() || t.Before(w.nextStale)) {
			w.nextStale = t
		}
	case opEntity:
		put(w.entities, c.entity.ID, s, c.entity, &w.entityIDs)
		s.entities[c.entity.ID] = struct{}{}
		w.revs.Entities++
	case opEntityGone:
		drop(w.entities, c.id, s, &w.entityIDs)
		delete(s.entities, c.id)
		w.revs.Entities++
	case opLink:
		key := c.link.Key()
		put(w.links, key, s, c.link, &w.linkKeys)
		s.links[key] = struct{}{}
		w.revs.Entities++
	case opLinkGone:
		drop(w.links, c.id, s, &w.linkKeys)
		delete(s.links, c.id)
		w.revs.Entities++
	case opAlert:
		c.alert.Value = c.value
		w.alerts[c.alert.ID] = c.alert
		w.revs.Alerts++
	case opAlertValue:
		if a, ok := w.alerts[c.id]; ok {
			a.Value = c.value
			w.alerts[c.id] = a
		}
		w.revs.Alerts++
	case opAlertGone:
		delete(w.alerts, c.id)
		w.revs.Alerts++
	case opRow:
		w.sources[rowKey{c.row.Name, c.row.Target}] = c.row
		w.revs.Sources++
	case opRound:
		key := rowKey{c.row.Name, c.row.Target}
		if row, ok := w.sources[key]; ok {
			row.LastOK, row.Duration, row.Samples = c.seen, c.row.Duration, c.row.Samples
			w.sources[key] = row
		}
		w.revs.Sources++
	case opRowGone:
		delete(w.sources, rowKey{c.row.Name, c.row.Target})
		w.revs.Sources++
	case opMark:
		w.addMark(c.mark)
		w.revs.Events++
	default:
		return fmt.Errorf("unknown change %d: was this written by a newer version?", c.op)
	}
	return nil
}

func put[T any](m map[string]*claims[T], id string, s *scope, v T, sorted *sortedKeys) {
	c := m[id]
	if c == nil {
		c = &claims[T]{}
		m[id] = c
		sorted.reset()
	}
	c.put(s, v)
}

func drop[T any](m map[string]*claims[T], id string, s *scope, sorted *sortedKeys) {
	if c := m[id]; c != nil {
		if c.drop(s); len(c.list) == 0 {
			delete(m, id)
			sorted.reset()
		}
	}
}

// encode appends the change to b.
func (c *change) encode(b []byte) ([]byte, error) {
	var p []byte // payload
	p = append(p, byte(c.op))
	p = binary.AppendVarint(p, c.at)
	var err error
	switch c.op {
	case opScope:
		p = appendString(appendString(p, c.key.source), c.key.scope)
	case opSeen:
		p = binary.AppendUvarint(p, uint64(c.scope))
		p = binary.AppendVarint(appendTime(p, c.seen), int64(c.every))
	case opEntity:
		p = binary.AppendUvarint(p, uint64(c.scope))
		p, err = appendJSON(p, c.entity)
	case opLink:
		l := c.link
		l.Confidence, l.SpeedBPS = finite(l.Confidence), finite(l.SpeedBPS)
		p = binary.AppendUvarint(p, uint64(c.scope))
		p, err = appendJSON(p, l)
	case opEntityGone, opLinkGone:
		p = binary.AppendUvarint(p, uint64(c.scope))
		p = appendString(p, c.id)
	case opAlert:
		a := c.alert
		a.Value = 0 // may be NaN or infinite, which JSON cannot say
		p = binary.LittleEndian.AppendUint64(p, math.Float64bits(c.value))
		p, err = appendJSON(p, a)
	case opAlertValue:
		p = binary.LittleEndian.AppendUint64(p, math.Float64bits(c.value))
		p = appendString(p, c.id)
	case opAlertGone:
		p = appendString(p, c.id)
	case opRow:
		p, err = appendJSON(p, c.row)
	case opRound:
		p = appendString(appendString(p, c.row.Name), c.row.Target)
		p = binary.AppendVarint(appendTime(p, c.seen), int64(c.row.Duration))
		p = binary.AppendVarint(p, int64(c.row.Samples))
	case opRowGone:
		p = appendString(appendString(p, c.row.Name), c.row.Target)
	case opMark:
		p, err = appendJSON(p, c.mark)
	}
	if err != nil {
		return b, fmt.Errorf("encode change %d: %w", c.op, err)
	}
	b = binary.AppendUvarint(b, uint64(len(p)))
	return append(b, p...), nil
}

// decodeChange reads the first change of b and returns the rest.
func decodeChange(b []byte) (c change, rest []byte, err error) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return c, nil, errTruncated
	}
	r := reader{b: b[used : used+int(n)]}
	rest = b[used+int(n):]
	c.op, c.at = op(r.byte()), r.varint()
	switch c.op {
	case opScope:
		c.key = scopeKey{r.string(), r.string()}
	case opSeen:
		c.scope, c.seen, c.every = int(r.uvarint()), r.time(), time.Duration(r.varint())
	case opEntity:
		c.scope = int(r.uvarint())
		r.json(&c.entity)
	case opLink:
		c.scope = int(r.uvarint())
		r.json(&c.link)
	case opEntityGone, opLinkGone:
		c.scope, c.id = int(r.uvarint()), r.string()
	case opAlert:
		c.value = r.float()
		r.json(&c.alert)
	case opAlertValue:
		c.value, c.id = r.float(), r.string()
	case opAlertGone:
		c.id = r.string()
	case opRow:
		r.json(&c.row)
	case opRound:
		c.row.Name, c.row.Target = r.string(), r.string()
		c.seen, c.row.Duration, c.row.Samples = r.time(), time.Duration(r.varint()), int(r.varint())
	case opRowGone:
		c.row.Name, c.row.Target = r.string(), r.string()
	case opMark:
		r.json(&c.mark)
	default:
		return c, nil, fmt.Errorf("unknown change %d: was this written by a newer version?", c.op)
	}
	if r.err != nil {
		return c, nil, fmt.Errorf("change %d: %w", c.op, r.err)
	}
	return c, rest, nil
}

var errTruncated = errors.New("record is cut short")

func finite(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendTime stores nanoseconds since 1970, and the zero time as such.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(b, math.MinInt64)
	}
	return binary.AppendVarint(b, t.UnixNano())
}

func appendJSON(b []byte, v any) ([]byte, error) {
	j, err := json.Marshal(v)
	return append(b, j...), err
}

// reader takes fields off a record. After the first error everything reads as zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail() { r.b, r.err = nil, errTruncated }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) float() float64 {
	if len(r.b) < 8 {
		r.fail()
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(r.b))
	r.b = r.b[8:]
	return v
}

func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) string() string { return string(r.bytes()) }

func (r *reader) time() time.Time {
	ns := r.varint()
	if ns == math.MinInt64 || r.err != nil {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// json reads all that is left.
func (r *reader) json(v any) {
	if r.err == nil {
		r.err = json.Unmarshal(r.b, v)
		r.b = nil
	}
}
