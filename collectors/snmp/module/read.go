package module

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// Agent answers. Its implementation has the deadlines, the sizes and the patience.
type Agent interface {
	// Get asks for single objects; those that do not exist are left out.
	Get(ctx context.Context, oids []OID) ([]Object, error)
	// Walk visits all objects under the roots; warnings say what is only a part.
	Walk(ctx context.Context, roots []OID, visit func(Object)) (warnings []string, err error)
}

// Read asks an agent for what the module names. What was answered before an error is returned with it.
func (m *Module) Read(ctx context.Context, a Agent) (objects []Object, warnings []string, err error) {
	get, walk := m.get, m.walk
	for _, f := range m.filters {
		var rows []uint32
		more, err := a.Walk(ctx, []OID{f.oid}, func(o Object) {
			if f.fits(&o) {
				rows = append(rows, o.OID[len(o.OID)-1])
			}
		})
		if err != nil {
			return nil, append(warnings, more...), err
		}
		if len(more) > 0 { // which rows are wanted is not known: all are read
			warnings = append(warnings, more...)
			continue
		}
		get, walk = f.narrow(get, walk, rows)
	}
	if len(get) > 0 {
		if objects, err = a.Get(ctx, get); err != nil {
			return objects, warnings, err
		}
	}
	if len(walk) == 0 {
		return objects, warnings, nil
	}
	roots := disjoint(walk)
	found := make([]bool, len(roots))
	more, err := a.Walk(ctx, roots, func(o Object) {
		if i, ok := rootOf(roots, o.OID); ok {
			found[i] = true
		}
		objects = append(objects, o)
	})
	warnings = append(warnings, more...)
	if err != nil {
		return objects, warnings, err
	}
	// A walk that names an object instead of a subtree finds nothing under it.
	var single []OID
	for i, root := range roots {
		if !found[i] && m.instance(root) {
			single = append(single, root)
		}
	}
	if len(single) > 0 {
		var list []Object
		list, err = a.Get(ctx, single)
		objects = append(objects, list...)
	}
	return objects, warnings, err
}

// instance reports whether an OID may be that of an object, and not of a column with its rows below.
func (m *Module) instance(oid OID) bool {
	one := m.find(oid)
	return one != nil && (len(oid) > len(one.oid) || len(one.rows.indexes) == 0)
}

func (f *filter) fits(o *Object) bool {
	s := text(o, "DisplayString", nil)
	for _, v := range f.values {
		if v.MatchString(s) {
			return true
		}
	}
	return false
}

// narrow replaces the subtrees that the filter is for by single objects of the wanted rows.
func (f *filter) narrow(get, walk []OID, rows []uint32) (newGet, newWalk []OID) {
	for _, oid := range walk {
		if !slices.ContainsFunc(f.targets, func(t OID) bool { return slices.Equal(t, oid) }) {
			newWalk = append(newWalk, oid)
		}
	}
	for _, oid := range get {
		name := dotted(oid)
		if !slices.ContainsFunc(f.targets, func(t OID) bool { return strings.HasPrefix(name, dotted(t)) }) {
			newGet = append(newGet, oid)
		}
	}
	for _, t := range f.targets {
		for _, row := range rows {
			newGet = append(newGet, append(slices.Clone(t), row))
		}
	}
	return newGet, newWalk
}

// disjoint sorts subtrees and drops those that lie in another, which would be read twice.
func disjoint(roots []OID) []OID {
	sorted := slices.Clone(roots)
	slices.SortFunc(sorted, slices.Compare)
	var out []OID
	for _, r := range sorted {
		if n := len(out); n == 0 || !hasPrefix(r, out[n-1]) {
			out = append(out, r)
		}
	}
	return out
}

// rootOf finds the one of disjoint, sorted subtrees that an OID lies in.
func rootOf(roots []OID, oid OID) (int, bool) {
	i, exact := slices.BinarySearchFunc(roots, oid, slices.Compare)
	if !exact {
		i--
	}
	return i, i >= 0 && hasPrefix(oid, roots[i])
}

func dotted(oid OID) string {
	var b []byte
	for i, n := range oid {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(n), 10)
	}
	return string(b)
}
