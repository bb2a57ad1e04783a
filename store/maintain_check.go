package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/chunk"
	"github.com/nocturne-noc/nocturne/store/eventlog"
	"github.com/nocturne-noc/nocturne/store/rollup"
)

// CheckReport is what a data folder holds, and what of it cannot be read.
type CheckReport struct {
	Tiers      []TierReport `json:"tiers"`       // samples first, then the rollups from fine to coarse
	Events     int64        `json:"events"`      // in sealed windows
	EventBytes int64        `json:"event_bytes"` // as stored
	StateBytes int64        `json:"state_bytes"` // of entities, links and alerts, as stored
	WALBytes   int64        `json:"wal_bytes"`   // of what is not sealed yet
	AsideBytes int64        `json:"aside_bytes"` // of files that were set aside
	Damage     []string     `json:"damage"`      // empty when all is well
}

// TierReport is what one tier of history holds.
type TierReport struct {
	Tier    string    `json:"tier"` // "raw", "5m", "1h"
	Files   int       `json:"files"`
	Windows int       `json:"windows"`
	Start   time.Time `json:"start,omitzero"` // of the first window
	End     time.Time `json:"end,omitzero"`   // of the last one
	Series  int       `json:"series"`         // different ones
	Samples int64     `json:"samples"`        // in a rollup: buckets
	Bytes   int64     `json:"bytes"`          // of the files as they lie on disk, with all that is in them
}

// BytesPerSample is all that is on disk by what it tells, 0 when that is nothing.
func (t TierReport) BytesPerSample() float64 {
	if t.Samples == 0 {
		return 0
	}
	return float64(t.Bytes) / float64(t.Samples)
}

// checker reads a data folder. What it finds damaged it notes, and goes on.
type checker struct {
	ctx      context.Context
	progress Progress
	report   *CheckReport
}

// checkDir closes the write-ahead file that it is given.
func checkDir(ctx context.Context, dir *bolt.Dir, wal *bolt.WALCopy, progress Progress) (*CheckReport, error) {
	c := &checker{ctx, progress, &CheckReport{Damage: []string{}}}
	var err error
	c.report.WALBytes, err = wal.Check(ctx)
	if err = errors.Join(c.note(err), wal.Close()); err != nil {
		return nil, err
	}
	for _, d := range dir.Damaged() {
		c.damaged(fmt.Errorf("%s (%s to %s of tier %s) was set aside: %w: remove it when it is of no use any more", d.Path,
			time.UnixMilli(d.Start).UTC().Format(time.DateOnly), time.UnixMilli(d.End).UTC().Format(time.DateOnly), d.Tier.Name, d.Err))
	}
	size, err := dir.Size()
	if err != nil {
		return nil, err
	}
	c.report.AsideBytes = size.Aside
	for i, tier := range bolt.Tiers {
		t := TierReport{Tier: tier.Name, Files: size.Tiers[i].Files, Bytes: size.Tiers[i].Bytes}
		series := map[uint64]struct{}{}
		for _, f := range dir.Files(tier) {
			progress("check " + filepath.Base(f.Path()))
			if err := c.file(f, tier, &t, series); err != nil {
				return nil, err
			}
		}
		t.Series = len(series)
		c.report.Tiers = append(c.report.Tiers, t)
	}
	return c.report, nil
}

func (c *checker) damaged(err error) { c.report.Damage = append(c.report.Damage, err.Error()) }

// note takes damage down; any other error ends the check. What retention removed meanwhile is no error.
func (c *checker) note(err error) error {
	switch {
	case err == nil || errors.Is(err, fs.ErrClosed) || errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, bolt.ErrDamaged):
		c.damaged(err)
	default:
		return err
	}
	return c.ctx.Err()
}

func (c *checker) file(f *bolt.File, tier *bolt.Tier, t *TierReport, series map[uint64]struct{}) error {
	list, err := f.Windows()
	if err != nil {
		return c.note(err)
	}
	sets := map[string]int{} // how many series an index has
	for _, w := range list {
		start := time.UnixMilli(w.Start).UTC()
		if t.Windows == 0 || start.Before(t.Start) {
			t.Start = start
		}
		if end := start.Add(tier.Window); end.After(t.End) {
			t.End = end
		}
		t.Windows++
		t.Samples += int64(w.Samples)
		err := f.View(func(r *bolt.Reader) error {
			if _, known := sets[w.Index]; !known {
				list, err := r.Labels(w.Index)
				if err != nil {
					return err
				}
				sets[w.Index] = len(list)
				for _, ls := range list {
					series[ls.Hash()] = struct{}{}
				}
				if !slices.IsSortedFunc(list, labels.Compare) {
					return damaged(w, "its series are not sorted")
				}
			}
			if sets[w.Index] != w.Series {
				return damaged(w, "it has %d series, not %d", sets[w.Index], w.Series)
			}
			return errors.Join(c.samples(r, tier, w), c.state(r, w))
		})
		if err := c.note(err); err != nil {
			return err
		}
	}
	return nil
}

func damaged(w bolt.WindowInfo, format string, args ...any) error {
	return fmt.Errorf("%w: window %s: %s", bolt.ErrDamaged, time.UnixMilli(w.Start).UTC().Format(time.RFC3339), fmt.Sprintf(format, args...))
}

// samples unpacks all chunks of a window.
func (c *checker) samples(r *bolt.Reader, tier *bolt.Tier, w bolt.WindowInfo) error {
	numbers := make([]uint32, w.Series)
	for n := range numbers {
		numbers[n] = uint32(n)
	}
	var it chunk.Iterator
	var fine rollup.Window
	var bad error
	samples, last, of := 0, int64(0), -1
	err := r.Chunks(w.Start, numbers, func(n uint32, ch bolt.Chunk) {
		var err error
		if int(n) != of {
			last, of = w.Start-1, int(n)
		}
		if tier == bolt.Raw {
			var count int
			count, last, err = countSamples(&it, ch, last)
			samples += count
		} else if err = rollup.Decode(ch.Data, w.Start, tier.Resolution.Milliseconds(), &fine); err == nil {
			samples += len(fine.Buckets)
		}
		if err == nil && last >= w.Start+tier.Window.Milliseconds() {
			err = errors.New("a sample is later than the window")
		}
		if err != nil && bad == nil {
			bad = damaged(w, "series %d: %v", n, err)
		}
	})
	if err == nil && bad == nil && samples != w.Samples {
		bad = damaged(w, "it has %d samples, not %d", samples, w.Samples)
	}
	return errors.Join(err, bad)
}

// countSamples unpacks a chunk whose samples must rise and be later than last.
func countSamples(it *chunk.Iterator, c bolt.Chunk, last int64) (n int, end int64, err error) {
	if err := it.Reset(c.Encoding, c.Data); err != nil {
		return 0, last, err
	}
	for it.Next() != chunkenc.ValNone {
		t := it.AtT()
		if t <= last {
			return n, last, fmt.Errorf("a sample at %d follows one at %d", t, last)
		}
		n, last = n+1, t
	}
	return n, last, it.Err()
}

// state unpacks what a window tells besides samples.
func (c *checker) state(r *bolt.Reader, w bolt.WindowInfo) error {
	state, events, err := r.Sizes(w.Start)
	if err != nil {
		return err
	}
	c.report.StateBytes += int64(state)
	c.report.EventBytes += int64(events)
	checkpoint, changes, err := r.State(w.Start)
	if err != nil {
		return err
	}
	if _, err := worldOf(slices.Concat(checkpoint, changes)); err != nil {
		return damaged(w, "its state: %v", err)
	}
	packed, err := r.Events(w.Start)
	if err != nil {
		return err
	}
	block, err := eventlog.Decode(packed)
	if err != nil {
		return damaged(w, "its events: %v", err)
	}
	list, err := block.Events()
	if err != nil {
		return damaged(w, "its events: %v", err)
	}
	c.report.Events += int64(len(list))
	index, err := r.EventIndex(w.Start)
	if err == nil && index != nil {
		if _, err := eventlog.DecodeIndex(index); err != nil {
			return damaged(w, "the index of its events: %v", err)
		}
	}
	return err
}
