package store

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/nocturne-noc/nocturne/store/model"
)

// rangeCache keeps answers to range queries. A wall asks the same questions again and again, each
// time a step later, and what an expression gives at a step depends on samples up to that step
// alone: only the steps since the last time have to be evaluated. It holds for expressions that
// look neither forward (negative offsets) nor at a fixed moment (@), on steps that are old enough
// that no sample can still arrive for them.
type rangeCache struct {
	parser parser.Parser

	mu      sync.Mutex
	entries map[rangeKey]*rangeEntry
	forward map[string]bool // expressions that depend on what comes later
}

// rangeKey is one question: an expression on a grid of steps, over so long a time.
type rangeKey struct {
	expr              string
	band              bool  // its lowest and highest values
	step, phase, span int64 // milliseconds; phase is the grid's start modulo step
}

// rangeEntry is the answer of last time. Its lines are never changed.
type rangeEntry struct {
	start, final int64 // milliseconds: first step, and the last that cannot change any more
	lines        []model.Series
	evaluated    time.Time // when all of it was
	used         time.Time
}

const (
	// settle is how late a sample may come: a slow poll's are dated to its beginning.
	settle = 2 * time.Minute
	// refreshAfter bounds how long an answer that should not change is believed not to have.
	refreshAfter = 10 * time.Minute
	// maxRanges bounds the memory: some forty panels of several queries each, on a few boards.
	maxRanges = 512
)

func newRangeCache() *rangeCache {
	return &rangeCache{
		parser:  parser.NewParser(parser.Options{}),
		entries: map[rangeKey]*rangeEntry{}, forward: map[string]bool{},
	}
}

// evaluateFunc answers a range query for real.
type evaluateFunc func(start, end time.Time) ([]model.Series, error)

// query answers from what is kept and evaluates the rest. Of the key expr and band are given. now is the reader's clock: samples after
// it may still come.
func (c *rangeCache) query(key rangeKey, start, end time.Time, step time.Duration, now time.Time, eval evaluateFunc) ([]model.Series, error) {
	ms := step.Milliseconds()
	if ms <= 0 || step%time.Millisecond != 0 || end.Before(start) || c.looksForward(key.expr) {
		return eval(start, end)
	}
	from := start.UnixMilli()
	last := from + (end.UnixMilli()-from)/ms*ms
	key.step, key.phase, key.span = ms, ((from%ms)+ms)%ms, last-from

	c.mu.Lock()
	entry := c.entries[key]
	c.mu.Unlock()
	usable := entry != nil && entry.start <= from && from <= entry.final && now.Sub(entry.evaluated).Abs() < refreshAfter
	begin, evaluated := from, now
	if usable {
		begin, evaluated = min(entry.final, last)+ms, entry.evaluated
	}
	var fresh []model.Series
	if begin <= last {
		var err error
		if fresh, err = eval(time.UnixMilli(begin), time.UnixMilli(last)); err != nil {
			return nil, err
		}
	}
	lines := fresh
	if usable {
		lines = join(entry.lines, fresh, from, begin)
	}
	final := min(last, now.Add(-settle).UnixMilli())
	final = from + floorDiv(final-from, ms)*ms
	c.keep(key, &rangeEntry{start: from, final: final, lines: lines, evaluated: evaluated, used: now})
	return lines, nil
}

func floorDiv(a, b int64) int64 {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}

// keep remembers an answer, in the place of the one that was asked for longest ago if need be.
func (c *rangeCache) keep(key rangeKey, e *rangeEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.entries[key]; !known && len(c.entries) >= maxRanges {
		var oldest rangeKey
		var at time.Time
		for k, e := range c.entries {
			if at.IsZero() || e.used.Before(at) {
				oldest, at = k, e.used
			}
		}
		delete(c.entries, oldest)
	}
	c.entries[key] = e
}

// looksForward reports whether an expression gives at a step what later samples may change, or what
// depends on the query's own range. What does not parse counts as such: the engine says why.
func (c *rangeCache) looksForward(expr string) bool {
	c.mu.Lock()
	forward, known := c.forward[expr]
	c.mu.Unlock()
	if known {
		return forward
	}
	e, err := c.parser.ParseExpr(expr)
	if forward = err != nil; !forward {
		parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
			switch n := n.(type) {
			case *parser.VectorSelector:
				forward = forward || n.Timestamp != nil || n.StartOrEnd != 0 || n.OriginalOffset < 0 || n.OriginalOffsetExpr != nil
			case *parser.SubqueryExpr:
				forward = forward || n.Timestamp != nil || n.StartOrEnd != 0 || n.OriginalOffset < 0 || n.OriginalOffsetExpr != nil
			}
			return nil
		})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.forward) >= maxRanges { // somebody asks ever new questions: those of a wall are learnt again
		clear(c.forward)
	}
	c.forward[expr] = forward
	return forward
}

// join puts the points of old in [from, begin) before those of fresh, line by line.
func join(old, fresh []model.Series, from, begin int64) []model.Series {
	byHash := make(map[uint64][]int, len(old)+len(fresh))
	out := make([]model.Series, 0, len(old)+len(fresh))
	for _, l := range old {
		kept := between(l.Points, from, begin)
		if len(kept) == 0 {
			continue
		}
		h := l.Labels.Hash()
		byHash[h] = append(byHash[h], len(out))
		out = append(out, model.Series{Labels: l.Labels, Points: append(make([]model.Point, 0, len(kept)+8), kept...)})
	}
next:
	for _, l := range fresh {
		for _, i := range byHash[l.Labels.Hash()] {
			if labels.Equal(out[i].Labels, l.Labels) {
				out[i].Points = append(out[i].Points, l.Points...)
				continue next
			}
		}
		out = append(out, l)
	}
	// Prometheus sorts a matrix by its labels.
	slices.SortFunc(out, func(a, b model.Series) int { return labels.Compare(a.Labels, b.Labels) })
	return out
}

// between are the points with from <= T < to.
func between(points []model.Point, from, to int64) []model.Point {
	i := 0
	for i < len(points) && points[i].T < from {
		i++
	}
	j := len(points)
	for j > i && points[j-1].T >= to {
		j--
	}
	return points[i:j]
}
