package store

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/chunk"
	"github.com/nocturne-noc/nocturne/store/rollup"
)

// mergeGroup is how many series mergeDay holds unpacked at a time.
const mergeGroup = 1000

// rollUp makes a window of tier 5m out of a sealed raw window's data: the same series, each with one chunk of
// buckets. It is nil when the window has no samples.
func rollUp(w *bolt.WindowData) (*bolt.WindowData, error) {
	out := newRollup(w.Start, len(w.Series))
	resolution := bolt.FiveMinutes.Resolution.Milliseconds()
	var roller rollup.Roller
	var it chunk.Iterator
	for n, ls := range w.Series {
		roller.Reset(w.Start, resolution)
		for _, c := range w.Chunks[n] {
			if err := it.Reset(c.Encoding, c.Data); err != nil {
				return nil, fmt.Errorf("roll up %s: %w", ls, err)
			}
			for it.Next() != chunkenc.ValNone {
				if t, v := it.At(); value.IsStaleNaN(v) {
					roller.End(t)
				} else {
					roller.Add(t, v)
				}
			}
			if err := it.Err(); err != nil {
				return nil, fmt.Errorf("roll up %s: %w", ls, err)
			}
		}
		addRollup(out, ls, roller.Window(), resolution)
	}
	return orNil(out), nil
}

// mergeDay makes a window of tier 1h out of the 5m windows of the UTC day at start, Unix milliseconds. They come in time
// order; some may be missing. It is nil when there are no samples.
func mergeDay(start int64, windows []bolt.SealedWindow) (*bolt.WindowData, error) {
	sets, numbers, err := unite(windows)
	if err != nil {
		return nil, err
	}
	out := newRollup(start, len(sets))
	resolution := bolt.OneHour.Resolution.Milliseconds()
	rollers := make([]rollup.Roller, min(mergeGroup, len(sets)))
	var fine rollup.Window
	for from := 0; from < len(sets); from += mergeGroup {
		group := sets[from:min(from+mergeGroup, len(sets))]
		for i := range group {
			rollers[i].Reset(start, resolution)
		}
		for i, w := range windows {
			var broken error
			of := numbers[i][from : from+len(group)]
			err := eachRollup(w, of, func(at int, c bolt.Chunk) {
				if err := rollup.Decode(c.Data, w.Start, w.Tier.Resolution.Milliseconds(), &fine); err != nil {
					broken = fmt.Errorf("%s: window %d: %s: %w: %w", w.File.Path(), w.Start, group[at], bolt.ErrDamaged, err)
					return
				}
				rollers[at].Merge(&fine)
			})
			if err == nil {
				err = broken
			}
			if err != nil {
				return nil, err
			}
		}
		for i, ls := range group {
			addRollup(out, ls, rollers[i].Window(), resolution)
		}
	}
	return orNil(out), nil
}

// none is the number of a series that a window does not have.
const none = math.MaxUint32

// eachRollup visits the chunks of the series with the given numbers, telling the place in numbers.
func eachRollup(w bolt.SealedWindow, numbers []uint32, visit func(at int, c bolt.Chunk)) error {
	var wanted []uint32
	places := make(map[uint32]int, len(numbers))
	for at, n := range numbers {
		if n != none {
			wanted = append(wanted, n)
			places[n] = at
		}
	}
	slices.Sort(wanted)
	return w.File.Chunks(w.Start, wanted, func(n uint32, c bolt.Chunk) { visit(places[n], c) })
}

// unite lists the series of several windows, sorted, and the number of each in each window.
func unite(windows []bolt.SealedWindow) (sets []labels.Labels, numbers [][]uint32, err error) {
	type place struct{ window, number int }
	places := map[string][]place{} // by the label set's bytes
	byIndex := map[string][]labels.Labels{}
	var buf []byte
	for i, w := range windows {
		list, known := byIndex[w.Index]
		if !known {
			if list, err = w.File.Labels(w.Index); err != nil {
				return nil, nil, err
			}
			byIndex[w.Index] = list
		}
		for n, ls := range list {
			buf = ls.Bytes(buf)
			if places[string(buf)] == nil {
				sets = append(sets, ls)
			}
			places[string(buf)] = append(places[string(buf)], place{i, n})
		}
	}
	slices.SortFunc(sets, labels.Compare)
	for range windows {
		numbers = append(numbers, slices.Repeat([]uint32{none}, len(sets)))
	}
	for at, ls := range sets {
		buf = ls.Bytes(buf)
		for _, p := range places[string(buf)] {
			numbers[p.window][at] = uint32(p.number)
		}
	}
	return sets, numbers, nil
}

func newRollup(start int64, series int) *bolt.WindowData {
	return &bolt.WindowData{
		Start: start, MinT: math.MaxInt64, MaxT: math.MinInt64,
		Series: make([]labels.Labels, 0, series), Chunks: make([][]bolt.Chunk, 0, series),
	}
}

// addRollup adds a series that has any buckets. Each counts as a sample.
func addRollup(to *bolt.WindowData, ls labels.Labels, w *rollup.Window, resolution int64) {
	if len(w.Buckets) == 0 {
		return
	}
	for i := range w.Buckets {
		b := &w.Buckets[i]
		if b.Count > 0 {
			to.MinT, to.MaxT = min(to.MinT, b.T), max(to.MaxT, b.T)
		}
		if b.Ended {
			to.MinT, to.MaxT = min(to.MinT, b.EndT), max(to.MaxT, b.EndT)
		}
	}
	if w.Buckets[0].Count > 0 || len(w.Buckets) > 1 {
		to.MinT = min(to.MinT, max(w.FirstT, to.Start))
	}
	to.Samples += len(w.Buckets)
	to.Series = append(to.Series, ls)
	to.Chunks = append(to.Chunks, []bolt.Chunk{{Encoding: chunk.Rollup, Data: w.Append(nil, to.Start, resolution)}})
}

func orNil(w *bolt.WindowData) *bolt.WindowData {
	if len(w.Series) == 0 {
		return nil
	}
	return w
}

// hold says which tier a selector reads, and what of it.
type hold struct {
	tier   *bolt.Tier
	column rollup.Column
}

// holdLabel carries a hold through Prometheus' engine, as a matcher on the selector. No series has it.
const holdLabel = "__rollup__"

// matcher returns the hold as a matcher. A regular expression, because absent() makes labels of all others.
func (h hold) matcher() *labels.Matcher {
	return labels.MustNewMatcher(labels.MatchRegexp, holdLabel, h.tier.Name+":"+string(h.column))
}

// takeHold takes the hold out of the matchers; without one it is the samples themselves.
func takeHold(matchers []*labels.Matcher) (hold, []*labels.Matcher) {
	h := hold{tier: bolt.Raw}
	i := slices.IndexFunc(matchers, func(m *labels.Matcher) bool { return m.Name == holdLabel })
	if i < 0 {
		return h, matchers
	}
	name, column, _ := strings.Cut(matchers[i].Value, ":")
	for _, tier := range bolt.Tiers {
		if tier.Name == name {
			h = hold{tier, rollup.Column(column)}
		}
	}
	return h, slices.Delete(slices.Clone(matchers), i, i+1)
}
