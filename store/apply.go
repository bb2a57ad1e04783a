package store

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

const futureTolerance = 10 * time.Minute

// Apply takes in a batch. One that only brings samples or events, and no Every, does not confirm its
// scope: a trap says nothing about what was polled. One without Every that brings entities confirms
// it, and leaves its interval as it was.
//
// The series of a Replace batch that brings samples are all that its scope has: those of the last
// one that are missing end with a staleness marker, and so do the series of an entity that is gone.
//
// What is wrong with single samples or entities does not keep out the rest:
// the error names the first of each and how many there were. Samples that come late or twice are no
// error; Dropped counts them.
func (s *Store) Apply(b model.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := s.begin()
	if err != nil {
		return err
	}
	defer s.commit()
	if b.Time.IsZero() {
		b.Time = now
	}
	errs := s.applySamples(&b, now)
	if b.Replace || len(b.Entities)+len(b.Links)+len(b.Gone)+len(b.GoneLinks) > 0 || b.Every > 0 {
		errs = errors.Join(errs, s.applyScope(&b))
	}
	for _, e := range b.Events {
		e.Source = b.Source
		e.Time = cmp.Or(e.Time, b.Time)
		s.event(e)
	}
	if b.Alerts != nil {
		s.applyAlerts(b.Alerts)
	}
	if errs != nil {
		return fmt.Errorf("batch of %s/%s: %w", b.Source, b.Scope, errs)
	}
	return nil
}

// begin is called with the lock held before anything is written.
func (s *Store) begin() (now time.Time, err error) {
	now = s.opts.Now()
	if err := s.writable(); err != nil {
		return now, err
	}
	return now, s.moveTo(now)
}

// writable says why nothing may be written any more.
func (s *Store) writable() error {
	switch {
	case s.closed:
		return ErrClosed
	case s.opts.ReadOnly:
		return ErrReadOnly
	default:
		return nil
	}
}

// moveTo sets the time of changes, and begins a window when it is due.
func (s *Store) moveTo(now time.Time) error {
	s.at = max(s.at, now.UnixMilli())
	s.head.oldest = now.Add(-max(s.opts.Retention, s.opts.Retention5m, s.opts.Retention1h)).UnixMilli()
	start := bolt.WindowStart(s.at)
	if n := len(s.windows); n > 0 && start <= s.windows[n-1].start {
		return nil
	}
	if err := s.openWindow(start); err != nil {
		return err
	}
	s.journal.append(recWindow, binary.AppendVarint(nil, start))
	s.repeats.nextWindow()
	s.head.nextFlood()
	return nil
}

// commit closes the frame of what was logged.
func (s *Store) commit() {
	s.journal.commit(s.head)
	s.journal.bounded()
}

// emit makes a change and logs it.
func (s *Store) emit(c change) {
	c.at = s.at
	w := s.windows[len(s.windows)-1]
	from := len(w.changes)
	changes, err := c.encode(w.changes)
	if err == nil {
		err = c.apply(s.world)
	}
	if err != nil {
		s.log.Error("a change is lost", "err", err)
		return
	}
	w.changes = changes
	if !s.journal.lost {
		s.journal.changes = append(s.journal.changes, changes[from:]...)
	}
}

func (s *Store) applyScope(b *model.Batch) error {
	key := scopeKey{b.Source, b.Scope}
	if s.world.byKey[key] == nil {
		s.emit(change{op: opScope, key: key})
	}
	sc := s.world.byKey[key]
	s.emit(change{op: opSeen, scope: sc.n, seen: b.Time, every: cmp.Or(b.Every, sc.every)})

	nameless := 0
	confirmed := make(map[string]struct{}, len(b.Entities))
	for _, e := range b.Entities {
		if e.ID == "" {
			nameless++
			continue
		}
		confirmed[e.ID] = struct{}{}
		s.applyEntity(sc, e, b)
	}
	linked := make(map[string]struct{}, len(b.Links))
	for _, l := range b.Links {
		linked[l.Key()] = struct{}{}
		s.applyLink(sc, l, b.Time)
	}
	gone, goneLinks := b.Gone, b.GoneLinks
	if b.Replace {
		gone, goneLinks = missing(sc.entities, confirmed), missing(sc.links, linked)
	}
	for _, id := range gone {
		s.entityGone(sc, id, b)
	}
	for _, key := range goneLinks {
		if _, ours := sc.links[key]; ours {
			s.emit(change{op: opLinkGone, scope: sc.n, id: key})
		}
	}
	if nameless > 0 {
		return fmt.Errorf("%d entities without an ID left out", nameless)
	}
	return nil
}

// Keep forgets the entities and links of all scopes that wanted refuses: those of sources and targets
// that are not configured any more, which otherwise stay on the wall as stale for ever.
func (s *Store) Keep(wanted func(source, scope string) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.begin(); err != nil {
		return err
	}
	defer s.commit()
	for _, sc := range s.world.scopes {
		if wanted(sc.key.source, sc.key.scope) {
			continue
		}
		for _, id := range missing(sc.entities, nil) {
			s.emit(change{op: opEntityGone, scope: sc.n, id: id})
		}
		for _, key := range missing(sc.links, nil) {
			s.emit(change{op: opLinkGone, scope: sc.n, id: key})
		}
	}
	return nil
}

func missing(known, confirmed map[string]struct{}) []string {
	var out []string
	for id := range known {
		if _, ok := confirmed[id]; !ok {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func (s *Store) applyEntity(sc *scope, e model.Entity, b *model.Batch) {
	e.Source, e.Seen = "", time.Time{}
	old := s.world.entities[e.ID].of(sc)
	switch {
	case !e.Since.IsZero():
	case old != nil && old.value.State == e.State:
		e.Since = old.value.Since
	default:
		e.Since = b.Time
	}
	if old != nil && sameEntity(&old.value, &e) {
		return
	}
	from, first := model.OK, old == nil
	if !first {
		from = old.value.State
	}
	s.emit(change{op: opEntity, scope: sc.n, entity: e})
	if first && !e.State.Problem() || e.State == from {
		return
	}
	text := e.State.String()
	if !first {
		text = from.String() + " → " + text
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	s.event(model.Event{Time: b.Time, Severity: e.State, Kind: "state", Entity: e.ID, Title: s.fullName(&e), Text: text,
		Source: b.Source, Labels: map[string]string{"kind": string(e.Kind), "from": from.String(), "to": e.State.String()}})
}

// fullName is what people call an entity in a list of all: a port's name alone does not say whose.
func (s *Store) fullName(e *model.Entity) string {
	if e.Kind == model.KindInterface {
		if parent := s.world.entities[e.Parent]; parent != nil && len(parent.list) > 0 {
			return parent.list[0].value.Name + " " + e.Name
		}
	}
	return e.Name
}

func sameEntity(a, b *model.Entity) bool {
	return a.Kind == b.Kind && a.Name == b.Name && a.Parent == b.Parent && a.State == b.State &&
		a.Reason == b.Reason && a.Since.Equal(b.Since) && maps.Equal(a.Labels, b.Labels)
}

// entityGone forgets what the scope says of an entity. Pods that were fine with what ran in them, and
// neighbours known by hearsay only, go without an event.
func (s *Store) entityGone(sc *scope, id string, b *model.Batch) {
	old := s.world.entities[id].of(sc)
	if old == nil {
		return
	}
	e := old.value
	s.emit(change{op: opEntityGone, scope: sc.n, id: id})
	if s.world.entities[id] != nil {
		return // others still know it
	}
	for _, m := range s.head.ofEntity(id) {
		s.endSeries(m, b.Time.UnixMilli())
	}
	if inPod := e.Kind == model.KindPod || e.Labels["pod"] != ""; e.Kind == model.KindStub || inPod && !e.State.Problem() {
		return
	}
	s.event(model.Event{Time: b.Time, Severity: model.OK, Kind: "state", Entity: id, Title: s.fullName(&e),
		Text: e.State.String() + " → gone", Source: b.Source,
		Labels: map[string]string{"kind": string(e.Kind), "from": e.State.String(), "to": "gone"}})
}

func (s *Store) applyLink(sc *scope, l model.Link, at time.Time) {
	l.Source, l.Seen = "", time.Time{}
	l.Confidence, l.SpeedBPS = finite(l.Confidence), finite(l.SpeedBPS)
	old := s.world.links[l.Key()].of(sc)
	switch {
	case !l.Since.IsZero():
	case old != nil && old.value.State == l.State:
		l.Since = old.value.Since
	default:
		l.Since = at
	}
	if old != nil && sameLink(&old.value, &l) {
		return
	}
	s.emit(change{op: opLink, scope: sc.n, link: l})
}

func sameLink(a, b *model.Link) bool {
	return a.State == b.State && a.Reason == b.Reason && a.Since.Equal(b.Since) && a.Confidence == b.Confidence &&
		a.SpeedBPS == b.SpeedBPS && slices.Equal(a.Evidence, b.Evidence) // the rest is in the key
}

// applyAlerts makes the list the complete list of active alerts.
func (s *Store) applyAlerts(list []model.Alert) {
	active := make(map[string]struct{}, len(list))
	for _, a := range list {
		active[a.ID] = struct{}{}
		old, known := s.world.alerts[a.ID]
		valueOnly := a
		valueOnly.Value = old.Value
		switch {
		case !known || !sameAlert(&old, &valueOnly):
			s.emit(change{op: opAlert, alert: a, value: a.Value})
		case math.Float64bits(old.Value) != math.Float64bits(a.Value):
			s.emit(change{op: opAlertValue, id: a.ID, value: a.Value})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.world.alerts)) {
		if _, ok := active[id]; !ok {
			s.emit(change{op: opAlertGone, id: id})
		}
	}
}

func sameAlert(a, b *model.Alert) bool {
	x, y := *a, *b
	if !x.Since.Equal(y.Since) || !x.Fired.Equal(y.Fired) || !x.AckAt.Equal(y.AckAt) {
		return false
	}
	x.Value, y.Value = 0, 0 // compared by the caller: NaN differs from itself
	x.Since, x.Fired, x.AckAt = y.Since, y.Fired, y.AckAt
	return reflect.DeepEqual(x, y)
}

// SetStatus takes in the complete list of source rows. A row that changes its state makes an event,
// and so does a new one that is in trouble. Since is filled in where it is zero.
func (s *Store) SetStatus(rows []model.SourceStatus) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := s.begin()
	if err != nil {
		return err
	}
	defer s.commit()
	configured := make(map[rowKey]struct{}, len(rows))
	for _, row := range rows {
		key := rowKey{row.Name, row.Target}
		configured[key] = struct{}{}
		old, known := s.world.sources[key]
		switch {
		case !row.Since.IsZero():
		case known && old.State == row.State:
			row.Since = old.Since
		default:
			row.Since = now
		}
		switch {
		case !known || !sameRow(&old, &row):
			s.emit(change{op: opRow, row: row})
		case !old.LastOK.Equal(row.LastOK) || old.Duration != row.Duration || old.Samples != row.Samples:
			s.emit(change{op: opRound, row: row, seen: row.LastOK})
		}
		firstAnswer := old.State == model.Unknown && row.State == model.OK // no news: every start begins so
		if known && old.State != row.State && !firstAnswer || !known && row.State.Problem() {
			s.event(rowEvent(&row, old.State, known, now))
		}
	}
	for key := range maps.Clone(s.world.sources) {
		if _, ok := configured[key]; !ok {
			s.emit(change{op: opRowGone, row: model.SourceStatus{Name: key.name, Target: key.target}})
		}
	}
	return nil
}

func sameRow(a, b *model.SourceStatus) bool {
	return a.Kind == b.Kind && a.State == b.State && a.Error == b.Error && a.Since.Equal(b.Since) && a.Every == b.Every
}

func rowEvent(row *model.SourceStatus, from model.State, known bool, now time.Time) model.Event {
	title, text := row.Name, row.State.String()
	if row.Target != "" && row.Target != row.Name {
		title += " " + row.Target
	}
	if known {
		text = from.String() + " → " + text
	}
	if row.Error != "" {
		text += ": " + row.Error
	}
	return model.Event{Time: now, Severity: row.State, Kind: "source", Entity: model.SourceID(row.Name), Title: title, Text: text,
		Source: row.Name, Labels: map[string]string{"kind": row.Kind, "target": row.Target, "to": row.State.String()}}
}
