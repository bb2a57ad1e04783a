package store

import (
	"slices"
	"sort"

	"github.com/prometheus/prometheus/model/labels"
)

// index finds label sets by matchers: an inverted index from label name and value to the rising
// numbers of the label sets that have them. The head has one, and each set of sealed series has one.
type index struct {
	sets     []labels.Labels
	postings map[string]map[string][]uint32
}

func newIndex(sets []labels.Labels) *index {
	x := &index{postings: map[string]map[string][]uint32{}}
	for _, ls := range sets {
		x.add(ls)
	}
	return x
}

// add gives ls the next number. The caller sees to it that no label set comes twice.
func (x *index) add(ls labels.Labels) uint32 {
	n := uint32(len(x.sets))
	x.sets = append(x.sets, ls)
	ls.Range(func(l labels.Label) {
		values := x.postings[l.Name]
		if values == nil {
			values = map[string][]uint32{}
			x.postings[l.Name] = values
		}
		values[l.Value] = append(values[l.Value], n)
	})
	return n
}

// match returns the rising numbers of the label sets that satisfy all matchers.
func (x *index) match(matchers ...*labels.Matcher) []uint32 {
	var found []uint32
	started := false
	for _, m := range matchers {
		if m.Matches("") {
			continue // satisfied by the label's absence too: subtracted below
		}
		list := x.having(m)
		if started {
			found = intersect(found, list)
		} else {
			found, started = list, true
		}
		if len(found) == 0 {
			return nil
		}
	}
	if !started {
		found = make([]uint32, len(x.sets))
		for i := range found {
			found[i] = uint32(i)
		}
	}
	for _, m := range matchers {
		if m.Matches("") {
			found = subtract(found, x.lacking(m))
		}
	}
	return found
}

// having returns the numbers whose value of m's label matches m.
func (x *index) having(m *labels.Matcher) []uint32 {
	values := x.postings[m.Name]
	if m.Type == labels.MatchEqual {
		return values[m.Value]
	}
	var lists [][]uint32
	if set := m.SetMatches(); m.Type == labels.MatchRegexp && len(set) > 0 {
		for _, v := range slices.Compact(slices.Sorted(slices.Values(set))) {
			lists = append(lists, values[v])
		}
		return union(lists)
	}
	for v, list := range values {
		if m.Matches(v) {
			lists = append(lists, list)
		}
	}
	return union(lists)
}

// lacking returns the numbers whose value of m's label is there and does not match m.
func (x *index) lacking(m *labels.Matcher) []uint32 {
	if m.Type == labels.MatchNotEqual && m.Value != "" {
		return x.postings[m.Name][m.Value]
	}
	var lists [][]uint32
	for v, list := range x.postings[m.Name] {
		if !m.Matches(v) {
			lists = append(lists, list)
		}
	}
	return union(lists)
}

func union(lists [][]uint32) []uint32 {
	switch len(lists) {
	case 0:
		return nil
	case 1:
		return lists[0]
	}
	all := slices.Concat(lists...)
	slices.Sort(all)
	return all // one label set has one value of a label: nothing comes twice
}

func intersect(a, b []uint32) []uint32 {
	if len(a) > len(b) {
		a, b = b, a
	}
	var out []uint32
	for _, n := range a {
		i := sort.Search(len(b), func(i int) bool { return b[i] >= n })
		if i == len(b) {
			break
		}
		if b[i] == n {
			out = append(out, n)
		}
		b = b[i:]
	}
	return out
}

func subtract(a, b []uint32) []uint32 {
	if len(b) == 0 {
		return a
	}
	out := make([]uint32, 0, len(a))
	i := 0
	for _, n := range a {
		for i < len(b) && b[i] < n {
			i++
		}
		if i == len(b) || b[i] != n {
			out = append(out, n)
		}
	}
	return out
}
