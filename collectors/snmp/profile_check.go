package snmp

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
)

// check holds a profile to its own rules: each name in an expression is declared, and each reading
// has what its list needs. What one line can tell was checked when it was decoded.
func (p *profile) check() error {
	for i := range p.Identity {
		if err := p.Identity[i].check(); err != nil {
			return fmt.Errorf("identity %d: %w", i+1, err)
		}
	}
	for _, list := range []struct {
		name     string
		readings []rule
		needs    func(*rule) error
	}{
		{"processors", p.Processors, (*rule).needsPercent},
		{"memory", p.Memory, (*rule).needsSize},
		{"storage", p.Storage, (*rule).needsSize},
		{"sensors", p.Sensors, (*rule).needsValue},
	} {
		for i := range list.readings {
			r := &list.readings[i]
			if err := errors.Join(r.check(), list.needs(r)); err != nil {
				return fmt.Errorf("%s %d (%s): %w", list.name, i+1, r.Name.source, err)
			}
		}
	}
	return nil
}

func (c *clue) check() error {
	known := map[string]bool{"sysDescr": true, "sysObjectID": true, "sysName": true}
	for name := range c.Get {
		known[name] = true
	}
	if err := undeclared(known, c.From.names); err != nil {
		return err
	}
	if (c.Match.Regexp == nil) != (c.From.source == "") {
		return errors.New("from and match go together")
	}
	if c.Match.Regexp != nil {
		for _, name := range c.Match.SubexpNames() {
			known[name] = true
		}
	}
	for _, t := range c.fields() {
		if err := undeclared(known, t.names); err != nil {
			return err
		}
	}
	return nil
}

func undeclared(known map[string]bool, names []string) error {
	for _, name := range names {
		if !known[name] {
			return fmt.Errorf("%s is not declared (known: %s)", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	return nil
}

// expressions are all of a reading's, the joins' apart.
func (r *rule) expressions() []exprNode {
	return []exprNode{r.When, r.Percent, r.Used, r.Free, r.Total, r.Value, r.StateOf, r.ClassOf, r.Warn, r.Crit}
}

func (r *rule) check() error {
	if (r.Table.OID == nil) == (len(r.Get) == 0) {
		return errors.New("a reading is of a table or of get's objects, one of the two")
	}
	if r.Table.OID != nil && len(r.Columns) == 0 {
		return errors.New("a table needs columns")
	}
	known := map[string]bool{"index": true, "port": true}
	for i := 1; i <= maxIndexNames; i++ {
		known["index"+strconv.Itoa(i)] = true
	}
	declare := func(name string) error {
		if known[name] {
			return fmt.Errorf("%s is declared twice", name)
		}
		known[name] = true
		return nil
	}
	var errs []error
	for _, names := range []map[string]uint32{r.Columns, r.Fixed} {
		for name := range names {
			errs = append(errs, declare(name))
		}
	}
	for name := range r.Get {
		errs = append(errs, declare(name))
	}
	for _, j := range r.Join {
		if j.Table.OID == nil || len(j.Columns) == 0 {
			errs = append(errs, errors.New("a join needs a table and columns"))
		}
		if j.By.expression != nil {
			errs = append(errs, undeclared(known, j.By.names))
		}
		for name := range j.Columns {
			errs = append(errs, declare(name))
		}
	}
	for _, e := range r.expressions() {
		if e.expression != nil {
			errs = append(errs, undeclared(known, e.names))
		}
	}
	errs = append(errs, undeclared(known, r.Name.names))
	r.states = make(map[int64]verdict, len(r.States))
	for n, words := range r.States {
		word, rest, _ := strings.Cut(words, " ")
		state, ok := verdicts[word]
		if !ok {
			errs = append(errs, fmt.Errorf("states %d: %q: want ok, warning, critical or unknown, and a word of its own after it", n, words))
		}
		r.states[n] = verdict{state, strings.TrimSpace(rest)}
	}
	return errors.Join(errs...)
}

// maxIndexNames is how many parts of an index have a name of their own.
const maxIndexNames = 8

var verdicts = map[string]model.State{
	"ok": model.OK, "warning": model.Warning, "critical": model.Critical, "unknown": model.Unknown,
}

func (r *rule) needsPercent() error {
	if r.Percent.expression == nil {
		return errors.New("a processor needs percent")
	}
	return nil
}

func (r *rule) needsSize() error {
	sizes := 0
	for _, e := range []exprNode{r.Used, r.Free, r.Total} {
		if e.expression != nil {
			sizes++
		}
	}
	if sizes < 2 && r.Percent.expression == nil {
		return errors.New("two of used, free and total, or percent, are needed")
	}
	return nil
}

func (r *rule) needsValue() error {
	if r.Value.expression == nil {
		return errors.New("a sensor needs value")
	}
	if (r.ClassOf.expression == nil) != (len(r.Classes) == 0) || (r.Class == "") == (len(r.Classes) == 0) {
		return errors.New("a sensor has a class, or class_of and classes")
	}
	for _, class := range slices.Sorted(maps.Values(r.Classes)) {
		if err := knownClass(class); err != nil {
			return err
		}
	}
	if r.Class == "" {
		return nil
	}
	return knownClass(r.Class)
}

func knownClass(class string) error {
	if _, ok := sensorUnits[class]; !ok {
		return fmt.Errorf("there is no class %q of sensors (there are: %s)", class, strings.Join(slices.Sorted(maps.Keys(sensorUnits)), ", "))
	}
	return nil
}
