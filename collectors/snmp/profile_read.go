package snmp

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// hardware reads the hardware of one device by its profiles. What it learnt in a survey - which
// readings exist, and what does not change, like names - it keeps for the rounds that follow, so
// that they ask only for what moves.
type hardware struct {
	profiles []*profile
	chosen   candidate // zero without a profile of its own
	live     []*live
	surveyed time.Time // zero: to be surveyed
	unknown  bool      // a row came that the survey did not know

	identityOnly bool // nobody wants the readings
}

// live is a reading that the device has.
type live struct {
	*rule
	list  *profileList
	fixed map[string]map[string]operand // by the row's index and the name: fixed columns and joins
}

// Limits of one device: what is more is left out, with a warning.
const (
	maxReadings  = 2000 // in each list
	maxGet       = 24   // objects in one GET
	surveyAgain  = time.Hour
	surveyNewRow = 5 * time.Minute // a row that is new is surveyed no sooner than this after the last
)

// profileList is one of the four lists of a profile.
type profileList struct {
	of  func(*profile) []rule
	add func(*Readings, *live, scope, string) // one row, if it gives a reading
	len func(*Readings) int
	all bool // all profiles count, not only the first that has something
}

var profileLists = []*profileList{
	{
		of:  func(p *profile) []rule { return p.Processors },
		add: addProcessor,
		len: func(r *Readings) int { return len(r.Processors) },
	},
	{
		of:  func(p *profile) []rule { return p.Memory },
		add: func(r *Readings, l *live, s scope, index string) { addVolume(&r.Memory, l, s, index) },
		len: func(r *Readings) int { return len(r.Memory) },
	},
	{
		of:  func(p *profile) []rule { return p.Storage },
		add: func(r *Readings, l *live, s scope, index string) { addVolume(&r.Storage, l, s, index) },
		len: func(r *Readings) int { return len(r.Storage) },
	},
	{
		of:  func(p *profile) []rule { return p.Sensors },
		add: addSensor,
		len: func(r *Readings) int { return len(r.Sensors) },
		all: true,
	},
}

// choose finds the device's profile: the most specific that fits, and whose object answers if it
// names one.
func (h *hardware) choose(ctx context.Context, r reader, s System) error {
	c, err := builtin()
	if err != nil {
		return err
	}
	h.chosen, h.profiles, h.live, h.surveyed = candidate{}, nil, nil, time.Time{}
	list := c.candidates(s)
	var oids []OID
	for _, one := range list {
		if one.matcher.Answers.OID != nil {
			oids = append(oids, one.matcher.Answers.OID)
		}
	}
	answers, err := getAll(ctx, r, oids)
	if err != nil {
		return err
	}
	for _, one := range list {
		if oid := one.matcher.Answers.OID; oid == nil || answers[oid.String()].Exists() {
			h.chosen = one
			break
		}
	}
	h.profiles = c.chain(h.chosen.profile)
	return nil
}

// getAll asks for single objects, a few at a time.
func getAll(ctx context.Context, r reader, oids []OID) (map[string]Value, error) {
	slices.SortFunc(oids, OID.Compare)
	oids = slices.CompactFunc(oids, func(a, b OID) bool { return a.Compare(b) == 0 })
	values := make(map[string]Value, len(oids))
	for part := range slices.Chunk(oids, maxGet) {
		v, err := r.get(ctx, part...)
		if err != nil {
			return values, err
		}
		for i := range min(len(part), len(v)) {
			values[part[i].String()] = v[i]
		}
	}
	return values, nil
}

// read makes the readings of one round. port names the interface with an ifIndex.
func (h *hardware) read(ctx context.Context, r reader, now time.Time, port func(uint32) string) (Readings, []string, error) {
	age := now.Sub(h.surveyed)
	if h.surveyed.IsZero() || age >= surveyAgain || age < 0 || h.unknown && age >= surveyNewRow {
		return h.survey(ctx, r, now, port)
	}
	seen, warnings, err := h.ask(ctx, r, h.live, func(l *live) map[string]uint32 { return l.Columns })
	if err != nil {
		return Readings{}, warnings, err
	}
	out := Readings{}
	for _, l := range h.live {
		h.unknown = l.rows(seen, port, &out) || h.unknown
	}
	return finish(out, warnings)
}

// within is read in three quarters of the time that is left: an agent that is too slow for its
// hardware still tells of its interfaces.
func (h *hardware) within(ctx context.Context, r reader, now time.Time, port func(uint32) string) (Readings, []string, error) {
	if h.identityOnly {
		return Readings{}, nil, nil
	}
	part := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		part, cancel = context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/4))
		defer cancel()
	}
	out, warnings, err := h.read(part, r, now, port)
	if err != nil && part.Err() != nil && ctx.Err() == nil {
		return Readings{}, append(warnings, "the agent is too slow to tell of its hardware"), nil
	}
	return out, warnings, err
}

// survey asks for all that the device's profiles know, and keeps what answered.
func (h *hardware) survey(ctx context.Context, r reader, now time.Time, port func(uint32) string) (Readings, []string, error) {
	var all []*live
	for _, list := range profileLists {
		for _, p := range h.profiles {
			readings := list.of(p)
			for i := range readings {
				all = append(all, &live{rule: &readings[i], list: list})
			}
		}
	}
	// The columns of the values tell whether the table is there.
	seen, warnings, err := h.ask(ctx, r, all, (*live).key)
	if err != nil {
		return Readings{}, warnings, err
	}
	all = slices.DeleteFunc(all, func(l *live) bool { return !l.present(seen) })
	rest, more, err := h.ask(ctx, r, all, func(l *live) map[string]uint32 {
		cols := maps.Clone(l.Columns)
		maps.Copy(cols, l.Fixed)
		for name := range l.key() {
			delete(cols, name)
		}
		return cols
	})
	warnings = append(warnings, more...)
	if err != nil {
		return Readings{}, warnings, err
	}
	seen.merge(rest)
	for _, l := range all {
		if err := l.learn(ctx, r, seen, port); err != nil {
			return Readings{}, warnings, err
		}
	}
	var out Readings
	h.live, out = pick(h.profiles, all, seen, port)
	h.surveyed, h.unknown = now, false
	return finish(out, warnings)
}

// pick makes the readings and keeps what gave any: of the sensors all, of the other lists those of
// the first profile that has something.
func pick(profiles []*profile, all []*live, seen *sightings, port func(uint32) string) ([]*live, Readings) {
	var kept []*live
	var out Readings
	for _, list := range profileLists {
		for _, p := range profiles {
			readings := list.of(p)
			before := list.len(&out)
			for i := range readings {
				r := &readings[i]
				n := slices.IndexFunc(all, func(l *live) bool { return l.rule == r })
				if n < 0 || r.Fallback && list.len(&out) > before {
					continue
				}
				had := list.len(&out)
				all[n].rows(seen, port, &out)
				if list.len(&out) > had {
					kept = append(kept, all[n])
				}
			}
			if list.len(&out) > before && !list.all {
				break
			}
		}
	}
	return kept, out
}

// finish puts what several rows say together in order.
func finish(out Readings, warnings []string) (Readings, []string, error) {
	out.Memory = settleMemory(out.Memory)
	for _, list := range []struct {
		name string
		n    int
	}{{"processors", len(out.Processors)}, {"memories", len(out.Memory)}, {"file systems", len(out.Storage)}, {"sensors", len(out.Sensors)}} {
		if list.n == maxReadings {
			warnings = append(warnings, fmt.Sprintf("more than %d %s: the rest is left out", maxReadings, list.name))
		}
	}
	return out, warnings, nil
}

// sightings are the tables and objects of one round.
type sightings struct {
	tables  map[string]*Table // by the OID of the conceptual row
	objects map[string]Value  // by OID
}

func (s *sightings) merge(more *sightings) {
	for entry, t := range more.tables {
		into := s.tables[entry]
		if into == nil {
			s.tables[entry] = t
			continue
		}
		for _, row := range t.Rows() {
			for column, v := range row.cells {
				into.add(column, row.Index, v)
			}
		}
		into.sort()
	}
	maps.Copy(s.objects, more.objects)
}

// ask reads the columns of some readings, each once, and their scalars.
func (h *hardware) ask(ctx context.Context, r reader, list []*live, cols func(*live) map[string]uint32) (*sightings, []string, error) {
	wanted := map[string]*columns{}
	var oids []OID
	for _, l := range list {
		for _, o := range l.Get {
			oids = append(oids, o.OID)
		}
		if l.Table.OID == nil {
			continue
		}
		key := l.Table.String()
		if wanted[key] == nil {
			wanted[key] = &columns{entry: l.Table.OID}
		}
		for _, c := range cols(l) {
			if !slices.Contains(wanted[key].cols, c) {
				wanted[key].cols = append(wanted[key].cols, c)
			}
		}
	}
	seen := &sightings{tables: map[string]*Table{}}
	var err error
	if seen.objects, err = getAll(ctx, r, oids); err != nil {
		return seen, nil, err
	}
	var want []columns
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		if w := wanted[key]; len(w.cols) > 0 {
			slices.Sort(w.cols)
			want = append(want, *w)
		}
	}
	tables, warnings, err := r.tables(ctx, want...)
	for i := range min(len(tables), len(want)) {
		seen.tables[want[i].entry.String()] = &tables[i]
	}
	return seen, warnings, err
}

// key are the columns that a reading's value is made of: without any of them there is none.
func (l *live) key() map[string]uint32 {
	cols := map[string]uint32{}
	for _, e := range []exprNode{l.Value, l.Percent, l.Used, l.Total, l.Free} {
		if e.expression == nil {
			continue
		}
		for _, name := range e.names {
			if column, ok := l.Columns[name]; ok {
				cols[name] = column
			}
		}
	}
	if len(cols) == 0 { // of joined or fixed columns alone
		return l.Columns
	}
	return cols
}

// present reports whether the device has the table, or one of the objects.
func (l *live) present(seen *sightings) bool {
	if l.Table.OID != nil {
		return len(seen.tables[l.Table.String()].Rows()) > 0
	}
	for _, o := range l.Get {
		if seen.objects[o.String()].Exists() {
			return true
		}
	}
	return false
}

// learn keeps a reading's fixed columns and asks for what is joined to its rows.
func (l *live) learn(ctx context.Context, r reader, seen *sightings, port func(uint32) string) error {
	l.fixed = map[string]map[string]operand{}
	rows := l.table(seen)
	for _, row := range rows {
		cells := map[string]operand{}
		for name, column := range l.Fixed {
			cells[name] = kept(row.At(column))
		}
		l.fixed[row.Index.String()] = cells
	}
	for _, j := range l.Join {
		instances := map[string]OID{} // in the other table, by the row's index
		var oids []OID
		for _, row := range rows {
			instance := row.Index
			if j.By.expression != nil {
				var err error
				if instance, err = ParseOID(j.By.eval(l.scope(row, seen, port)).text()); err != nil {
					continue // it points nowhere
				}
			}
			if len(instance)+len(j.Table.OID) >= maxOIDLen {
				continue
			}
			instances[row.Index.String()] = instance
			for _, column := range j.Columns {
				oids = append(oids, j.Table.Append(column).Append(instance...))
			}
		}
		values, err := getAll(ctx, r, oids)
		if err != nil {
			return err
		}
		for key, instance := range instances {
			for name, column := range j.Columns {
				l.fixed[key][name] = kept(values[j.Table.Append(column).Append(instance...).String()])
			}
		}
	}
	return nil
}

// kept is a value as it is held between rounds: short, and without the datagram that it came in.
func kept(v Value) operand {
	o := operandOf(v)
	o.octets = nil
	if len(o.s) > maxKept {
		o.s = strings.ToValidUTF8(o.s[:maxKept], "")
	}
	o.s = strings.Clone(o.s)
	return o
}

const maxKept = 256 // bytes
