package store

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/eventlog"
)

const (
	// sealGrace is how long after its end a window stays open for late samples.
	sealGrace = 2 * time.Minute
	// maxUnsealed bounds the windows that are kept in memory when they cannot be sealed.
	maxUnsealed = 12
)

// frozen is what is to be sealed of a window. Nothing of it changes any more, so that it is packed and
// written without keeping anybody waiting.
type frozen struct {
	start  int64
	state  *stateWindow // nil when nothing but samples belongs to the window
	series []frozenSeries
}

type frozenSeries struct {
	labels labels.Labels
	chunks []*headChunk
}

// sealBefore seals all windows that start before limit, and begins a new write-ahead file with the
// rest. The caller holds s.keeper.mu.
func (s *Store) sealBefore(limit int64) error {
	if limit == s.keeper.sealedTo { // the same windows as the last time that all went well
		return nil
	}
	s.mu.Lock()
	due := s.due(limit)
	if len(due) == 0 {
		s.mu.Unlock()
		s.keeper.sealedTo = limit
		return nil
	}
	if s.memoryOnly() {
		s.boundMemory(due)
		s.mu.Unlock()
		s.keeper.sealedTo = limit
		return nil
	}
	end := due[len(due)-1] + bolt.Window.Milliseconds()
	s.head.sealed = max(s.head.sealed, end) // nothing is added to them from now on
	list := s.freeze(due)
	s.mu.Unlock()

	data, sealed, err := s.putRaw(list)
	if err != nil {
		s.mu.Lock()
		s.boundMemory(due)
		s.mu.Unlock()
		return err
	}
	if err := s.leaveTo(sealed, end); err != nil {
		return err
	}
	s.keeper.sealedTo = limit
	for _, d := range data {
		if err := s.rollUpWindow(d); err != nil {
			return err
		}
	}
	return nil
}

// memoryOnly reports that nothing can be sealed: there is no folder, or it was opened for reading only.
func (s *Store) memoryOnly() bool { return s.dir == nil || s.offline != nil }

// putRaw writes windows of samples.
func (s *Store) putRaw(list []frozen) (data []*bolt.WindowData, sealed []bolt.SealedWindow, err error) {
	for i := range list {
		d, err := list[i].data()
		if err != nil {
			return nil, nil, err
		}
		w, err := s.dir.Put(bolt.Raw, d)
		if err != nil {
			return nil, nil, s.remedy(err)
		}
		data, sealed = append(data, d), append(sealed, w)
	}
	return data, sealed, nil
}

// leaveTo forgets in memory what is sealed now, and begins a new write-ahead file with the rest.
func (s *Store) leaveTo(sealed []bolt.SealedWindow, end int64) error {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	s.mu.Lock()
	s.archive.add(bolt.Raw, sealed...)
	s.forget(end)
	s.mu.Unlock()
	return s.rotate()
}

// due lists the starts of the windows before limit, in time order. The open one is not among them.
func (s *Store) due(limit int64) []int64 {
	starts := map[int64]struct{}{}
	for _, w := range s.windows[:len(s.windows)-1] {
		if w.start < limit {
			starts[w.start] = struct{}{}
		}
	}
	if open := s.windows[len(s.windows)-1].start; open < limit {
		limit = open // nothing happened since: it goes on
	}
	for _, m := range s.head.series {
		for _, c := range m.chunks {
			if c.window >= limit {
				break // they come by window
			}
			starts[c.window] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(starts))
}

// boundMemory gives up the oldest of too many windows that could not be sealed. A store that is to
// keep nothing loses nothing by that.
func (s *Store) boundMemory(due []int64) {
	if len(due) <= maxUnsealed {
		return
	}
	limit := due[len(due)-maxUnsealed]
	if s.opts.Dir != "" {
		for _, m := range s.head.series {
			for _, c := range m.chunks {
				if c.window < limit {
					s.dropped.Memory += uint64(c.n)
					s.health.given += uint64(c.n)
				}
			}
		}
	}
	s.forget(limit)
}

// forget drops everything before limit from memory.
func (s *Store) forget(limit int64) {
	s.head.dropSealed(limit)
	s.journal.lost = true // its file has other numbers for the series that are left
	s.forgetLists()
	open := s.windows[len(s.windows)-1]
	s.windows = slices.DeleteFunc(slices.Clone(s.windows), func(w *stateWindow) bool { return w.start < limit && w != open })
}

// freeze collects what is to be sealed of the windows.
func (s *Store) freeze(starts []int64) []frozen {
	list := make([]frozen, len(starts))
	at := make(map[int64]*frozen, len(starts))
	for i, start := range starts {
		list[i].start = start
		at[start] = &list[i]
	}
	for _, w := range s.windows[:len(s.windows)-1] {
		if f := at[w.start]; f != nil {
			f.state = w
		}
	}
	for _, m := range s.head.series {
		for i := 0; i < len(m.chunks); {
			window := m.chunks[i].window
			n := 1
			for i+n < len(m.chunks) && m.chunks[i+n].window == window {
				n++
			}
			if f := at[window]; f != nil {
				f.series = append(f.series, frozenSeries{m.labels, slices.Clone(m.chunks[i : i+n])})
			}
			i += n
		}
	}
	return list
}

// data packs the window.
func (f *frozen) data() (*bolt.WindowData, error) {
	data := &bolt.WindowData{Start: f.start, MinT: math.MaxInt64, MaxT: math.MinInt64}
	if f.state != nil {
		events, err := f.state.events.Events()
		if err != nil {
			return nil, err
		}
		data.Checkpoint, data.Changes = f.state.checkpoint, f.state.changes
		if data.Events, data.EventIndex, err = eventlog.Encode(events); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(f.series, func(a, b frozenSeries) int { return labels.Compare(a.labels, b.labels) })
	for _, s := range f.series {
		chunks := make([]bolt.Chunk, len(s.chunks))
		for i, c := range s.chunks {
			chunks[i] = bolt.Chunk{Encoding: c.data.Encoding(), Data: c.data.Bytes()}
			data.Samples += c.n
			data.MinT, data.MaxT = min(data.MinT, c.minT), max(data.MaxT, c.maxT)
		}
		data.Series = append(data.Series, s.labels)
		data.Chunks = append(data.Chunks, chunks)
	}
	return data, nil
}

// thaw is the inverse for a window that is sealed: its samples, to be rolled up.
func thaw(w bolt.SealedWindow) (*bolt.WindowData, error) {
	sets, err := w.File.Labels(w.Index)
	if err != nil {
		return nil, err
	}
	data := &bolt.WindowData{Start: w.Start, MinT: w.MinT, MaxT: w.MaxT, Samples: w.Samples, Series: sets, Chunks: make([][]bolt.Chunk, len(sets))}
	numbers := make([]uint32, len(sets))
	for n := range numbers {
		numbers[n] = uint32(n)
	}
	err = w.File.Chunks(w.Start, numbers, func(n uint32, c bolt.Chunk) {
		c.Data = slices.Clone(c.Data) // lent for the visit only
		data.Chunks[n] = append(data.Chunks[n], c)
	})
	return data, err
}

// limitOf is where the windows begin that are not due at now.
func limitOf(now time.Time) int64 { return bolt.WindowStart(now.Add(-sealGrace).UnixMilli()) }

func byStart(a, b bolt.SealedWindow) int { return cmp.Compare(a.Start, b.Start) }
