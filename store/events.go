package store

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	maxEventsInMemory = 50_000
	defaultEventLimit = 1000
)

// eventLog holds events by rising time, and at one time by rising ID.
type eventLog struct{ list []model.Event }

func compareEvents(a, b model.Event) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
}

// add puts an event in its place: most come in order, some tell of an earlier time.
func (l *eventLog) add(e model.Event) {
	if n := len(l.list); n == 0 || compareEvents(l.list[n-1], e) < 0 {
		l.list = append(l.list, e)
	} else {
		i := sort.Search(n, func(i int) bool { return compareEvents(l.list[i], e) > 0 })
		l.list = slices.Insert(l.list, i, e)
	}
	if len(l.list) > maxEventsInMemory+maxEventsInMemory/4 {
		l.list = slices.Clone(l.list[len(l.list)-maxEventsInMemory:])
	}
}

// pick returns what f wants, newest first.
func (l *eventLog) pick(f model.EventFilter) []model.Event {
	limit := cmp.Or(max(f.Limit, 0), defaultEventLimit)
	text := strings.ToLower(f.Text)
	out := []model.Event{}
	end := len(l.list)
	if !f.Until.IsZero() {
		end = sort.Search(end, func(i int) bool { return l.list[i].Time.After(f.Until) })
	}
	for i := end - 1; i >= 0 && len(out) < limit; i-- {
		e := &l.list[i]
		if !f.Since.IsZero() && e.Time.Before(f.Since) {
			break
		}
		if wanted(e, f, text) {
			out = append(out, *e)
		}
	}
	return out
}

func wanted(e *model.Event, f model.EventFilter, lowerText string) bool {
	return e.Severity.Rank() >= f.MinRank.Rank()*boolInt(f.MinRank != 0) &&
		(f.Kind == "" || e.Kind == f.Kind) &&
		(f.Source == "" || e.Source == f.Source) &&
		(f.Entity == "" || e.Entity == f.Entity || strings.HasSuffix(f.Entity, "/") && strings.HasPrefix(e.Entity, f.Entity)) &&
		(lowerText == "" || strings.Contains(strings.ToLower(e.Title), lowerText) || strings.Contains(strings.ToLower(e.Text), lowerText))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
