package syslog

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// maxClockOff is how far a sender's clock may be off for its times to be believed.
const maxClockOff = 2 * time.Minute

// Pattern is a kind of line that is counted.
type Pattern struct {
	Name  string
	Match *regexp.Regexp
}

// line is one as it came.
type line struct {
	data    []byte
	from    netip.Addr
	at      time.Time
	clipped bool
}

// desk turns lines into events. It does no I/O, and is not for concurrent use.
type desk struct {
	source   string
	parser   *Parser
	machines directory
	patterns []Pattern
	folds    *folds
	floods   *floods
	stats    *stats

	kernelTold uint64
	refused    uint64 // connections that were told of
	announced  time.Time
}

// take takes a line. It adds at most one event.
func (d *desk) take(l *line, events []model.Event) []model.Event {
	d.machines.refresh(l.at)
	m := d.parser.Parse(l.data, l.at)
	if m.Format == FormatRaw {
		d.stats.invalid++
	}
	w, from := d.machines.find(l.from, m.Host), l.from.String()
	d.stats.message(&m, &w, from)
	for i := range d.patterns {
		if d.patterns[i].Match.MatchString(m.Text) {
			d.stats.pattern(d.patterns[i].Name, &w, from)
		}
	}
	s := d.floods.of(l.from)
	count := 0
	if n, ok := repeated(m.Text); ok {
		if known := d.folds.known[s.last]; known != nil {
			known.count += n
			d.stats.fates[fateFolded]++
			s.seen = l.at
			return events
		}
		count = n // of a line that was not shown
	}
	key := d.folds.key(&m, l.from)
	s.last = key
	switch {
	case d.folds.again(key, &m):
		s.seen = l.at
		d.stats.fates[fateFolded]++
	case d.floods.shows(s, m.Severity <= 2, l.at):
		d.stats.fates[fateShown]++
		d.folds.watch(key, &m, w, l.from, l.at)
		e := event(&m, &w, l.from, l.at)
		e.Count = count
		if l.clipped {
			e.Labels["clipped"] = strconv.Itoa(maxLine)
		}
		events = append(events, e)
	default:
		d.stats.fates[fateSampled]++
		s.missed, s.who = s.missed+1, w
	}
	return events
}

// overrun notes lines that came faster than they could be taken.
func (d *desk) overrun(lost map[netip.Addr]int, now time.Time) {
	for from, n := range lost {
		d.stats.fates[fateOverrun] += uint64(n)
		s := d.floods.of(from)
		if s.missed += n; s.who.name == "" {
			s.who = d.machines.find(from, "")
		}
		s.seen = now
	}
}

// tick adds the events that are due: repeats, and what was not shown.
func (d *desk) tick(now time.Time, events []model.Event) []model.Event {
	for _, f := range d.folds.due(now) {
		e := event(&f.message, &f.who, f.from, now)
		e.Time, e.Count = now, f.count // the wall says "(214 times)" in its own language
		events = append(events, e)
	}
	if d.announced.IsZero() {
		d.announced = now
	}
	if now.Sub(d.announced) < announceEvery {
		return events
	}
	took := now.Sub(d.announced)
	d.announced = now
	return d.lost(now, d.announce(now, took, events))
}

// announce says exactly what was not shown.
func (d *desk) announce(now time.Time, took time.Duration, events []model.Event) []model.Event {
	list := d.floods.announce(now)
	lines, senders := 0, 0
	for i := range list {
		if i >= maxAnnounced {
			lines, senders = lines+list[i].lines, senders+1
			continue
		}
		of := &list[i]
		name, from := of.who.name, of.from.String()
		if !of.from.IsValid() {
			name, from = "other senders", other
		}
		events = append(events, model.Event{
			Time: now, Kind: kind, Severity: model.Warning, Entity: of.who.entity, Title: name,
			Text:   fmt.Sprintf("%s lines of %s not shown in the last %.0f s: more came than can be read", thousands(of.lines), name, took.Seconds()),
			Labels: map[string]string{"sender": from, "fate": fateSampled, "lines": strconv.Itoa(of.lines)},
		})
	}
	if senders > 0 {
		events = append(events, model.Event{
			Time: now, Kind: kind, Severity: model.Warning, Entity: model.SourceID(d.source), Title: d.source,
			Text:   fmt.Sprintf("%s lines of %d more senders not shown in the last %.0f s", thousands(lines), senders, took.Seconds()),
			Labels: map[string]string{"fate": fateSampled, "lines": strconv.Itoa(lines)},
		})
	}
	return events
}

// lost tells of what never came in.
func (d *desk) lost(now time.Time, events []model.Event) []model.Event {
	tell := func(n uint64, what string) {
		events = append(events, model.Event{
			Time: now, Kind: kind, Severity: model.Warning, Entity: model.SourceID(d.source), Title: d.source,
			Text: thousands(int(n)) + what, Labels: map[string]string{"fate": "lost", "lines": strconv.FormatUint(n, 10)},
		})
	}
	if n := d.stats.kernel.Load(); n > d.kernelTold {
		tell(n-d.kernelTold, " lines were lost in the system's buffer: raise net.core.rmem_max, or have less sent")
		d.kernelTold = n
	}
	if n := d.stats.refused.Load(); n > d.refused {
		tell(n-d.refused, fmt.Sprintf(" connections were refused: at most %d are held, %d of one sender, and a TLS handshake must succeed", maxConns, maxConnsOfOne))
		d.refused = n
	}
	return events
}

// kind is the kind of all events.
const kind = "syslog"

// event tells of a message.
func event(m *Message, w *who, from netip.Addr, at time.Time) model.Event {
	e := model.Event{
		Time: at, Kind: kind, Severity: m.State(), Entity: w.entity, Title: w.name,
		Labels: map[string]string{"facility": m.facilityWord(), "severity": m.severityWord(), "sender": from.String(), "format": m.Format},
	}
	if m.Host != "" {
		e.Labels["host"] = m.Host
	}
	e.Text = m.Text
	if m.App != "" {
		e.Labels["app"] = m.App
		app := m.App
		if m.PID != "" {
			app += "[" + m.PID + "]"
		}
		e.Text = app + ": " + m.Text
	}
	switch {
	case m.Time.IsZero():
	case m.Time.Sub(at).Abs() <= maxClockOff:
		e.Time = m.Time
	default:
		e.Labels["sent"] = m.Time.UTC().Format(time.RFC3339)
	}
	return e
}

// thousands writes a number with commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
