package store

import (
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

// maxMarks bounds the marks that are remembered: years of a machine that sleeps every night.
const maxMarks = 2000

// Mark remembers that history is not what it should be in a stretch of time: the machine slept, its
// clock was set. It is on disk after the next tick, and never grows old with the samples.
func (s *Store) Mark(m model.Mark) error {
	if m.Kind == "" || m.Start.IsZero() || m.End.Before(m.Start) {
		return fmt.Errorf("mark %q from %v to %v: it needs a kind, a start, and an end that is not before it", m.Kind, m.Start, m.End)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.begin(); err != nil {
		return err
	}
	defer s.commit()
	s.emit(change{op: opMark, mark: m})
	return nil
}

// Marks are the stretches from start to end in which history is not what it should be, in time
// order: those that Mark was told of, and files that were damaged and set aside.
func (s *Store) Marks(start, end time.Time) []model.Mark {
	s.mu.RLock()
	marks, damage := s.world.marks, s.damage
	s.mu.RUnlock()
	return marksBetween(slices.Concat(marks, damage), start, end)
}

// Marks are those of the world that touch the span.
func (w *world) Marks(start, end time.Time) []model.Mark { return marksBetween(w.marks, start, end) }

func marksBetween(marks []model.Mark, start, end time.Time) []model.Mark {
	var out []model.Mark
	for _, m := range marks {
		if !m.Start.After(end) && !m.End.Before(start) {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, compareMarks)
	return out
}

func compareMarks(a, b model.Mark) int { return a.Start.Compare(b.Start) }

// addMark puts a mark in its place; the oldest goes when there are too many. One that is told again
// with another end or text replaces the one before.
func (w *world) addMark(m model.Mark) {
	i, _ := slices.BinarySearchFunc(w.marks, m, compareMarks)
	for ; i < len(w.marks) && w.marks[i].Start.Equal(m.Start); i++ {
		if w.marks[i].Kind == m.Kind {
			w.marks = slices.Clone(w.marks)
			w.marks[i] = m
			return
		}
	}
	w.marks = slices.Insert(slices.Clone(w.marks), i, m)
	if n := len(w.marks) - maxMarks; n > 0 {
		w.marks = w.marks[n:]
	}
}

// damageMarks are the stretches of the files that are set aside. A rollup that was lost is made again
// where the samples are there: only what is before them is marked.
func (s *Store) damageMarks() []model.Mark {
	first := int64(math.MaxInt64)
	if raw := s.archive.list(bolt.Raw); len(raw) > 0 {
		first = raw[0].Start
	}
	var out []model.Mark
	for _, d := range s.dir.Damaged() {
		end := d.End
		if d.Tier != bolt.Raw {
			end = min(end, first)
		} else if info, err := os.Stat(d.Path); err == nil && info.ModTime().UnixMilli() > d.Start {
			end = min(end, info.ModTime().UnixMilli()) // nothing was written to it after that
		}
		if end > d.Start {
			out = append(out, model.Mark{Start: time.UnixMilli(d.Start).UTC(), End: time.UnixMilli(end).UTC(), Kind: model.MarkDamaged,
				Text: fmt.Sprintf("history could not be read and was set aside: %s (%s)", d.Path, tierWords[d.Tier])})
		}
	}
	return out
}
