package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

// How much of what was read from sealed windows is kept at hand.
const (
	maxIndexes      = 64
	maxEventWindows = 96
)

// archive is the sealed part of history: a data folder's, or a recording's.
type archive struct {
	mu      sync.Mutex
	windows []bolt.SealedWindow // in time order; replaced, never changed
	indexes map[string]*index
	events  map[int64][]model.Event

	stateOf             int64 // the window that checkpoint and changes are of
	checkpoint, changes []byte
}

func newArchive(windows []bolt.SealedWindow) *archive {
	return &archive{windows: windows, indexes: map[string]*index{}, events: map[int64][]model.Event{}}
}

// list returns the windows in time order.
func (a *archive) list() []bolt.SealedWindow {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.windows
}

// set replaces the windows.
func (a *archive) set(windows []bolt.SealedWindow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.windows = windows
}

// add puts new windows behind the others.
func (a *archive) add(windows ...bolt.SealedWindow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := slices.Concat(a.windows, windows)
	slices.SortFunc(next, func(x, y bolt.SealedWindow) int { return int(min(max(x.Start-y.Start, -1), 1)) })
	a.windows = slices.CompactFunc(next, func(x, y bolt.SealedWindow) bool { return x.Start == y.Start && x.File == y.File })
}

// end is the end of the last window in Unix milliseconds.
func (a *archive) end() (int64, bool) {
	if list := a.list(); len(list) > 0 {
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

// eventsOf returns the events of a window, by rising time.
func (a *archive) eventsOf(w bolt.SealedWindow) ([]model.Event, error) {
	a.mu.Lock()
	list, ok := a.events[w.Start]
	a.mu.Unlock()
	if ok {
		return list, nil
	}
	_, _, packed, err := w.File.State(w.Start)
	if err != nil {
		return nil, err
	}
	if list, err = decodeEvents(packed); err != nil {
		return nil, fmt.Errorf("%s: window %d: %w", w.File.Path(), w.Start, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	evictOne(a.events, maxEventWindows)
	a.events[w.Start] = list
	return list, nil
}

// state returns the world at the window's start and what changed in it. The last one is kept at
// hand: a clock that goes on asks for it again and again.
func (a *archive) state(w bolt.SealedWindow) (checkpoint, changes []byte, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.checkpoint != nil && a.stateOf == w.Start {
		return a.checkpoint, a.changes, nil
	}
	checkpoint, changes, _, err = w.File.State(w.Start)
	if err == nil {
		a.stateOf, a.checkpoint, a.changes = w.Start, append([]byte{}, checkpoint...), changes
	}
	return checkpoint, changes, err
}

func (a *archive) eventWindows() []eventWindow {
	var out []eventWindow
	for _, w := range a.list() {
		out = append(out, eventWindow{w.Start, func() ([]model.Event, error) { return a.eventsOf(w) }})
	}
	return out
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

// touching returns the windows that have samples in the span.
func touching(windows []bolt.SealedWindow, mint, maxt int64) []bolt.SealedWindow {
	var out []bolt.SealedWindow
	for _, w := range windows {
		if w.MinT <= maxt && w.MaxT >= mint {
			out = append(out, w)
		}
	}
	return out
}

// load adds the chunks of all matching series in the span to those that m has already. A day that
// retention removed meanwhile has none. A window that is damaged is left out with a warning.
func (a *archive) load(ctx context.Context, windows []bolt.SealedWindow, mint, maxt int64, matchers []*labels.Matcher, m *merger) error {
	for _, w := range touching(windows, mint, maxt) {
		if err := ctx.Err(); err != nil {
			return err
		}
		x, err := a.index(w)
		if err == nil {
			err = w.File.Chunks(w.Start, x.match(matchers...), func(n uint32, c bolt.Chunk) {
				m.add(x.sets[n], chunkData{max(w.Start, w.MinT), min(w.End()-1, w.MaxT), c.Encoding, slices.Clone(c.Data)})
			})
		}
		switch {
		case err == nil, errors.Is(err, fs.ErrClosed):
		case errors.Is(err, bolt.ErrDamaged):
			m.damage.Add(err)
		default:
			return err
		}
	}
	return nil
}

// visit shows the index of each window in the span.
func (a *archive) visit(ctx context.Context, windows []bolt.SealedWindow, mint, maxt int64, visit func(*index)) error {
	seen := map[string]bool{}
	for _, w := range touching(windows, mint, maxt) {
		if seen[w.Index] {
			continue
		}
		seen[w.Index] = true
		if err := ctx.Err(); err != nil {
			return err
		}
		x, err := a.index(w)
		switch {
		case err == nil:
			visit(x)
		case !errors.Is(err, fs.ErrClosed) && !errors.Is(err, bolt.ErrDamaged):
			return err
		}
	}
	return nil
}

// merger joins the chunks of the same series from several windows, which come in time order.
type merger struct {
	damage annotations.Annotations
	list   []*seriesData
	byHash map[uint64][]*seriesData
}

func newMerger() *merger { return &merger{byHash: map[uint64][]*seriesData{}} }

func (m *merger) add(ls labels.Labels, chunks ...chunkData) {
	hash := ls.Hash()
	for _, d := range m.byHash[hash] {
		if labels.Equal(d.labels, ls) {
			d.chunks = append(d.chunks, chunks...)
			return
		}
	}
	d := &seriesData{labels: ls, chunks: chunks}
	m.byHash[hash] = append(m.byHash[hash], d)
	m.list = append(m.list, d)
}
