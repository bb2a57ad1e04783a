package store

import (
	"cmp"
	"slices"
	"sort"
	"sync"

	"github.com/prometheus/prometheus/model/labels"
)

// index finds label sets by matchers: an inverted index from label name and value to the rising
// numbers of the label sets that have them. The head has one, and each set of sealed series has one.
//
// It has a lock of its own, so that a slow regular expression keeps nobody waiting but a new series.
// Numbers, and what was returned, stay right for ever: it only grows.
type index struct {
	mu       sync.RWMutex
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
	x.mu.Lock()
	defer x.mu.Unlock()
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

// match returns the rising numbers of the label sets that satisfy all matchers. They are not to be
// changed.
func (x *index) match(matchers ...*labels.Matcher) []uint32 {
	found, _ := x.matchFirst(matchers)
	return found
}

// matchFirst is match, and tells how many label sets there were: later ones are not in the answer.
func (x *index) matchFirst(matchers []*labels.Matcher) (found []uint32, of int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.find(matchers), len(x.sets)
}

func (x *index) find(matchers []*labels.Matcher) []uint32 {
	// Exact values first, the rarest first: what is left of them bounds the work of all others.
	var exact [][]uint32
	var others []*labels.Matcher
	for _, m := range matchers {
		if m.Type == labels.MatchEqual && m.Value != "" {
			exact = append(exact, x.postings[m.Name][m.Value])
		} else {
			others = append(others, m)
		}
	}
	slices.SortFunc(exact, func(a, b []uint32) int { return cmp.Compare(len(a), len(b)) })
	var found []uint32
	started := len(exact) > 0
	if started {
		found = exact[0]
		for _, list := range exact[1:] {
			found = intersect(found, list)
		}
	}
	// A matcher that the empty value satisfies is also satisfied by the label's absence: it only takes
	// away, in the end.
	for _, m := range others {
		switch {
		case m.Matches(""):
			continue
		case !started:
			found, started = union(x.having(m)), true
		case len(found) <= len(x.postings[m.Name]): // looking at those is less than at all values
			found = x.filter(found, m)
		default:
			lists := x.having(m)
			for i, list := range lists {
				lists[i] = intersect(found, list)
			}
			found = union(lists)
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
	for _, m := range others {
		switch {
		case !m.Matches(""):
		case len(found) <= len(x.postings[m.Name]):
			found = x.filter(found, m)
		default:
			found = subtract(found, union(x.lacking(m)))
		}
	}
	return found
}

// filter returns those that satisfy m.
func (x *index) filter(found []uint32, m *labels.Matcher) []uint32 {
	var out []uint32
	for _, n := range found {
		if m.Matches(x.sets[n].Get(m.Name)) {
			out = append(out, n)
		}
	}
	return out
}

// matchesAll reports whether a label set satisfies all matchers.
func matchesAll(ls labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}

// withValue returns the numbers of the label sets that have the value under any name.
func (x *index) withValue(value string) []uint32 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var all []uint32
	for _, values := range x.postings {
		all = append(all, values[value]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// having returns, by value, the numbers whose value of m's label matches m. The outer slice is the caller's.
func (x *index) having(m *labels.Matcher) [][]uint32 {
	values := x.postings[m.Name]
	var lists [][]uint32
	if set := m.SetMatches(); m.Type == labels.MatchRegexp && len(set) > 0 {
		for _, v := range slices.Compact(slices.Sorted(slices.Values(set))) {
			lists = append(lists, values[v])
		}
		return lists
	}
	for v, list := range values {
		if m.Matches(v) {
			lists = append(lists, list)
		}
	}
	return lists
}

// lacking returns, by value, the numbers whose value of m's label is there and does not match m.
func (x *index) lacking(m *labels.Matcher) [][]uint32 {
	if m.Type == labels.MatchNotEqual && m.Value != "" {
		return [][]uint32{x.postings[m.Name][m.Value]}
	}
	var lists [][]uint32
	for v, list := range x.postings[m.Name] {
		if !m.Matches(v) {
			lists = append(lists, list)
		}
	}
	return lists
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
		b = b[lowerBound(b, n):]
		if len(b) == 0 {
			break
		}
		if b[0] == n {
			out = append(out, n)
		}
	}
	return out
}

// lowerBound is the position of the first number that is not below n. It steps further and further
// before it searches: among lists of like length the next one is near.
func lowerBound(b []uint32, n uint32) int {
	step := 1
	for step < len(b) && b[step-1] < n {
		step *= 2
	}
	from := step / 2
	to := min(step, len(b))
	return from + sort.Search(to-from, func(i int) bool { return b[from+i] >= n })
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
