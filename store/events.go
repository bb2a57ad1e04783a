package store

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	defaultEventLimit = 1000
	// lateEvent is how long after it happened an event may be told and still be found by its time.
	lateEvent = 24 * time.Hour
)

func compareEvents(a, b model.Event) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
}

// eventWindow gives the events that were told in one window, by rising time.
type eventWindow struct {
	start int64 // Unix milliseconds
	load  func() ([]model.Event, error)
}

// pickEvents returns what f wants out of windows in time order, newest first. It goes back only as
// far as it has to. The error tells of a window that could not be read; the others are searched.
func pickEvents(windows []eventWindow, f model.EventFilter) ([]model.Event, error) {
	limit := cmp.Or(max(f.Limit, 0), defaultEventLimit)
	f.Text = strings.ToLower(f.Text)
	out := []model.Event{}
	var failed error
	for _, w := range slices.Backward(windows) {
		// Nothing is told before it happens: older windows have nothing after their end.
		end := time.UnixMilli(w.start).Add(bolt.Window)
		if !f.Since.IsZero() && !end.After(f.Since) || len(out) == limit && !out[limit-1].Time.Before(end) {
			break
		}
		if !f.Until.IsZero() && w.start > f.Until.Add(lateEvent).UnixMilli() {
			continue
		}
		list, err := w.load()
		if err != nil {
			failed = err
			continue
		}
		out = append(out, pick(list, f, limit)...)
		slices.SortStableFunc(out, func(a, b model.Event) int { return compareEvents(b, a) })
		out = out[:min(len(out), limit)]
	}
	return out, failed
}

// pick returns up to limit events of one window, newest first.
func pick(list []model.Event, f model.EventFilter, limit int) (out []model.Event) {
	from, end := 0, len(list)
	if !f.Until.IsZero() {
		end = sort.Search(end, func(i int) bool { return list[i].Time.After(f.Until) })
	}
	if !f.Since.IsZero() {
		from = sort.Search(end, func(i int) bool { return !list[i].Time.Before(f.Since) })
	}
	for i := end - 1; i >= from && len(out) < limit; i-- {
		if wanted(&list[i], &f) {
			out = append(out, list[i])
		}
	}
	return out
}

// wanted takes f.Text in lower case.
func wanted(e *model.Event, f *model.EventFilter) bool {
	return (f.MinRank == 0 || e.Severity.Rank() >= f.MinRank.Rank()) &&
		(f.Kind == "" || e.Kind == f.Kind) &&
		(f.Source == "" || e.Source == f.Source) &&
		(f.Entity == "" || e.Entity == f.Entity || strings.HasSuffix(f.Entity, "/") && strings.HasPrefix(e.Entity, f.Entity)) &&
		(f.Text == "" || strings.Contains(strings.ToLower(e.Title), f.Text) || strings.Contains(strings.ToLower(e.Text), f.Text))
}
