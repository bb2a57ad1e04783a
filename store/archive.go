package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/eventlog"
	"github.com/nocturne-noc/nocturne/store/rollup"
)

// How much of what was read from sealed windows is kept at hand.
const (
	maxIndexes = 64
)

// archive is the sealed part of history: a data folder's, or a recording's.
type archive struct {
	mu      sync.Mutex
	windows map[*bolt.Tier][]bolt.SealedWindow // in time order; replaced, never changed
	indexes map[string]*index
	damaged func(w bolt.SealedWindow, err error) // told of a window that does not check; nil for nobody
	events  *eventlog.Cache

	stateOf             int64 // the window that checkpoint and changes are of
	checkpoint, changes []byte
}

func newArchive(raw []bolt.SealedWindow) *archive {
	return &archive{
		windows: map[*bolt.Tier][]bolt.SealedWindow{bolt.Raw: raw},
		indexes: map[string]*index{}, events: eventlog.NewCache(eventMemory),
	}
}

// list returns the windows of a tier in time order.
func (a *archive) list(tier *bolt.Tier) []bolt.SealedWindow {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.windows[tier]
}

// set replaces the windows of a tier.
func (a *archive) set(tier *bolt.Tier, windows []bolt.SealedWindow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.windows[tier] = windows
}

// add puts new windows of a tier in their places. One that is there already is replaced.
func (a *archive) add(tier *bolt.Tier, windows ...bolt.SealedWindow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := slices.Clone(a.windows[tier])
	for _, w := range windows {
		i, found := slices.BinarySearchFunc(next, w.Start, func(x bolt.SealedWindow, start int64) int { return cmp.Compare(x.Start, start) })
		if found {
			next[i] = w
		} else {
			next = slices.Insert(next, i, w)
		}
	}
	a.windows[tier] = next
}

// end is the end of the last window of samples in Unix milliseconds.
func (a *archive) end() (int64, bool) {
	if list := a.list(bolt.Raw); len(list) > 0 {
		return list[len(list)-1].End(), true
	}
	return 0, false
}

// index returns the index of a window's series.
func (a *archive) index(w bolt.SealedWindow) (*index, error) {
	a.mu.Lock()
	x := a.indexes[w.Index]
	a.mu.Unlock()
	if x != nil {
		return x, nil
	}
	sets, err := w.File.Labels(w.Index)
	if err != nil {
		return nil, err
	}
	x = newIndex(sets)
	a.mu.Lock()
	defer a.mu.Unlock()
	evictOne(a.indexes, maxIndexes)
	a.indexes[w.Index] = x
	return x, nil
}

// state returns the world at the window's start and what changed in it. The last one is kept at
// hand: a clock that goes on asks for it again and again.
func (a *archive) state(w bolt.SealedWindow) (checkpoint, changes []byte, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.checkpoint != nil && a.stateOf == w.Start {
		return a.checkpoint, a.changes, nil
	}
	checkpoint, changes, err = w.File.State(w.Start)
	if err == nil {
		a.stateOf, a.checkpoint, a.changes = w.Start, append([]byte{}, checkpoint...), changes
	}
	return checkpoint, changes, err
}

// evictOne makes room for one more: which one goes does not matter much.
func evictOne[K comparable, V any](m map[K]V, limit int) {
	if len(m) < limit {
		return
	}
	for k := range m {
		delete(m, k)
		return
	}
}

// piece is what a query reads of one window: the samples at from and later, up to to.
type piece struct {
	bolt.SealedWindow
	from, to int64 // Unix milliseconds
}

// cover lists the pieces, in time order, that show a span in a tier: each moment comes from the wanted tier
// where it is kept, else from a finer one, else from the next coarser one. What no tier has is left out.
func (a *archive) cover(wanted *bolt.Tier, mint, maxt int64) []piece {
	at := slices.Index(bolt.Tiers, wanted)
	order := append(slices.Clone(bolt.Tiers[:at+1]), bolt.Tiers[at+1:]...)
	slices.Reverse(order[:at+1])
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []piece
	gaps := []span{{mint, maxt}}
	for _, tier := range order {
		windows := a.windows[tier]
		var left []span
		for _, gap := range gaps {
			i := sort.Search(len(windows), func(i int) bool { return windows[i].End() > gap.from })
			for ; i < len(windows) && windows[i].Start <= gap.to; i++ {
				w := windows[i]
				from, to := max(w.Start, gap.from), min(w.End()-1, gap.to)
				if from > gap.from {
					left = append(left, span{gap.from, from - 1})
				}
				if gap.from = to + 1; w.MinT <= to && w.MaxT >= from {
					out = append(out, piece{w, from, to})
				}
			}
			if gap.from <= gap.to {
				left = append(left, gap)
			}
		}
		if gaps = left; len(gaps) == 0 {
			break
		}
	}
	slices.SortFunc(out, func(x, y piece) int { return cmp.Compare(x.from, y.from) })
	return out
}

// span is a stretch of time, both ends in it, Unix milliseconds.
type span struct{ from, to int64 }

// since says from when on a tier has history, in Unix milliseconds; MaxInt64 when it has none.
func (a *archive) since(tier *bolt.Tier) int64 {
	if list := a.list(tier); len(list) > 0 {
		return list[0].Start
	}
	return math.MaxInt64
}

// load adds the chunks of all matching series in the pieces. A file that retention removed meanwhile has
// none. A window that is damaged is left out with a warning.
func (a *archive) load(ctx context.Context, pieces []piece, m *merger) error {
	kept := pieces[:0:0]
	for _, p := range pieces {
		x, err := a.index(p.SealedWindow)
		if err == nil {
			if s := m.selectFrom(p.Index, x); len(s.numbers) > 0 {
				m.bytes += int64(len(s.numbers)) * int64(p.Bytes) / int64(max(p.Series, 1))
				kept = append(kept, p)
			}
		} else if err = a.missing(p.SealedWindow, err, m); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if err := m.affordable(); err != nil {
		return err
	}
	m.arena = make([]byte, 0, min(m.bytes, arenaBytes))
	for len(kept) > 0 {
		n := 1 // the pieces of one file are read in one go
		for n < len(kept) && kept[n].File == kept[0].File {
			n++
		}
		if err := a.loadFile(ctx, kept[:n], len(kept)+1, m); err != nil {
			return err
		}
		kept = kept[n:]
	}
	return nil
}

// loadFile adds the chunks of pieces of one file to those of m. A series that has none yet makes room for so many.
func (a *archive) loadFile(ctx context.Context, pieces []piece, room int, m *merger) error {
	failed := make([]error, len(pieces))
	at := 0
	err := pieces[0].File.View(func(r *bolt.Reader) error {
		for ; at < len(pieces); at++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			p := &pieces[at]
			s, i := m.selected[p.Index], 0
			failed[at] = r.Chunks(p.Start, s.numbers, func(n uint32, c bolt.Chunk) {
				for s.numbers[i] != n {
					i++
				}
				d := s.series[i]
				if d.chunks == nil {
					d.chunks = make([]chunkData, 0, room)
				}
				d.chunks = append(d.chunks, chunkData{p.from, p.to, c.Encoding, m.keep(c.Data), p.Tier, p.Start})
			})
		}
		return nil
	})
	for i, err := range failed {
		if err != nil {
			err = fmt.Errorf("%s: %w", pieces[i].File.Path(), err)
			if err = a.missing(pieces[i].SealedWindow, err, m); err != nil {
				return err
			}
		}
	}
	if err != nil {
		return a.missing(pieces[min(at, len(pieces)-1)].SealedWindow, err, m)
	}
	return nil
}

// missing decides about a window that cannot be read: one that was removed, or is damaged, is left out.
func (a *archive) missing(w bolt.SealedWindow, err error, m *merger) error {
	switch {
	case errors.Is(err, fs.ErrClosed):
		return nil
	case errors.Is(err, bolt.ErrDamaged):
		m.damage.Add(fmt.Errorf("%w: a stretch of history is damaged and left out: %w", annotations.PromQLWarning, err))
		if a.damaged != nil {
			a.damaged(w, err)
		}
		return nil
	default:
		return err
	}
}

// visit shows the index of each of the pieces.
func (a *archive) visit(ctx context.Context, pieces []piece, visit func(*index)) error {
	seen := map[string]bool{}
	for _, p := range pieces {
		if seen[p.Index] {
			continue
		}
		seen[p.Index] = true
		if err := ctx.Err(); err != nil {
			return err
		}
		x, err := a.index(p.SealedWindow)
		switch {
		case err == nil:
			visit(x)
		case !errors.Is(err, fs.ErrClosed) && !errors.Is(err, bolt.ErrDamaged):
			return err
		}
	}
	return nil
}

// What one selector may load, and how much memory is taken at a time for it.
const (
	maxSelectBytes  = 256 << 20
	maxSelectSeries = 200_000
	arenaBytes      = 1 << 20
)

// merger joins the chunks of the same series from several windows, which come in time order.
type merger struct {
	matchers []*labels.Matcher
	column   rollup.Column
	damage   annotations.Annotations
	list     []*seriesData
	byHash   map[uint64][]*seriesData
	selected map[string]*selection // by the key of an index
	arena    []byte                // what is left of a block that chunks are copied to
	bytes    int64                 // of chunks, about
}

// selection is which series of an index match.
type selection struct {
	numbers []uint32
	series  []*seriesData
}

func newMerger(column rollup.Column, matchers []*labels.Matcher) *merger {
	return &merger{matchers: matchers, column: column, byHash: map[uint64][]*seriesData{}, selected: map[string]*selection{}}
}

// series finds or adds one.
func (m *merger) series(ls labels.Labels) *seriesData {
	hash := ls.Hash()
	for _, d := range m.byHash[hash] {
		if labels.Equal(d.labels, ls) {
			return d
		}
	}
	d := &seriesData{labels: ls, column: m.column}
	m.byHash[hash] = append(m.byHash[hash], d)
	m.list = append(m.list, d)
	return d
}

// selectFrom matches an index, once.
func (m *merger) selectFrom(key string, x *index) *selection {
	if s := m.selected[key]; s != nil {
		return s
	}
	s := &selection{numbers: x.match(m.matchers...)}
	s.series = make([]*seriesData, len(s.numbers))
	for i, n := range s.numbers {
		s.series[i] = m.series(x.sets[n])
	}
	m.selected[key] = s
	return s
}

// affordable fails when there is more than one selector may load.
func (m *merger) affordable() error {
	if len(m.list) <= maxSelectSeries && m.bytes <= maxSelectBytes {
		return nil
	}
	return fmt.Errorf("%s selects %d series with about %d MiB of history, at most %d series and %d MiB are read at once: "+
		"narrow the selector or the time, or use a longer step so that rollups answer",
		selectorOf(m.matchers), len(m.list), m.bytes>>20, maxSelectSeries, maxSelectBytes>>20)
}

func selectorOf(matchers []*labels.Matcher) string {
	list := make([]string, len(matchers))
	for i, m := range matchers {
		list[i] = m.String()
	}
	return "{" + strings.Join(list, ",") + "}"
}

// keep copies b to where it stays: many small chunks share a block of memory.
func (m *merger) keep(b []byte) []byte {
	if len(b) > cap(m.arena)-len(m.arena) {
		m.arena = make([]byte, 0, max(len(b), arenaBytes))
	}
	at := len(m.arena)
	m.arena = append(m.arena, b...)
	return m.arena[at:len(m.arena):len(m.arena)]
}
