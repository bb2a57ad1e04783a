package control

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// maxList is how many series or texts one answer lists.
const maxList = 100_000

// The times that a store can know anything of. Clients ask for all times with the ends of what Prometheus
// can write, which are hundreds of millions of years away.
var (
	firstTime = time.Unix(0, 0)
	lastTime  = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// selection is what match[], start, end and limit ask for.
type selection struct {
	storage.Querier
	sets       [][]*labels.Matcher
	start, end int64 // Unix milliseconds
	limit      int   // 0 for none
}

// selection reads the parameters that series, labels and label values have.
func (a *api) selection(r *http.Request) (*selection, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	start, err := a.timeOf(r, "start", firstTime)
	if err != nil {
		return nil, err
	}
	end, err := a.timeOf(r, "end", lastTime)
	if err != nil {
		return nil, err
	}
	sets, err := a.matchers(r)
	if err != nil {
		return nil, err
	}
	s := &selection{sets: sets, start: within(start).UnixMilli(), end: within(end).UnixMilli(), limit: limit}
	if s.Querier, err = a.Queryable.Querier(s.start, s.end); err != nil {
		return nil, fmt.Errorf("reading history: %w", err)
	}
	return s, nil
}

// within moves a time that lies beyond all history to its edge.
func within(t time.Time) time.Time {
	switch {
	case t.Before(firstTime):
		return firstTime
	case t.After(lastTime):
		return lastTime
	}
	return t
}

// matchers reads the selectors in match[].
func (a *api) matchers(r *http.Request) ([][]*labels.Matcher, error) {
	sets, err := a.parser.ParseMetricSelectors(r.Form["match[]"])
	if err != nil {
		return nil, invalid("match[]", err)
	}
	for _, set := range sets {
		if !slices.ContainsFunc(set, func(m *labels.Matcher) bool { return !m.Matches("") }) {
			return nil, invalid("match[]", errors.New("match[] must contain at least one non-empty matcher"))
		}
	}
	return sets, nil
}

// most is how many elements are asked for: one more than are shown, so that it is known whether there are more.
func (s *selection) most() int {
	if s.limit > 0 && s.limit < maxList {
		return s.limit + 1
	}
	return maxList + 1
}

func (s *selection) close() { _ = s.Close() } // only read

// answer makes an answer out of a list that is most() long at most, with what is left out of it said.
func answer[T any](s *selection, list []T, warnings annotations.Annotations) (any, error) {
	if len(list) > maxList && (s.limit == 0 || s.limit > maxList) {
		return nil, &apiError{sortExecution, fmt.Errorf("more than %d would be listed: narrow match[], start and end, or set limit", maxList)}
	}
	list = cut(list, s.limit, &warnings)
	return remarked{data: orEmpty(list), warnings: warnings}, nil
}

// series lists the label sets that satisfy any selector.
func (a *api) series(r *http.Request) (any, error) {
	if len(r.Form["match[]"]) == 0 {
		return nil, badData("no match[] parameter provided")
	}
	s, err := a.selection(r)
	if err != nil {
		return nil, err
	}
	defer s.close()
	hints := &storage.SelectHints{Start: s.start, End: s.end, Func: "series", Limit: s.most()} // no samples are wanted
	var sets []storage.SeriesSet
	for _, set := range s.sets {
		sets = append(sets, s.Select(r.Context(), true, hints, set...))
	}
	all := storage.NewMergeSeriesSet(sets, 0, storage.ChainedSeriesMerge)
	var list []labels.Labels
	for len(list) < s.most() && all.Next() {
		list = append(list, all.At().Labels())
	}
	if err := all.Err(); err != nil {
		return nil, err
	}
	return answer(s, list, all.Warnings())
}

// labelNames lists the names of labels, of all series or of those that satisfy any selector.
func (a *api) labelNames(r *http.Request) (any, error) {
	return a.union(r, func(q storage.Querier, hints *storage.LabelHints, ms []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.LabelNames(r.Context(), hints, ms...)
	})
}

// labelValues lists the values of a label. A name that no URL can hold comes escaped (U__, see
// https://prometheus.io/docs/prometheus/latest/querying/api/#querying-label-values).
func (a *api) labelValues(r *http.Request) (any, error) {
	name := r.PathValue("name")
	if strings.HasPrefix(name, "U__") {
		name = prom.UnescapeName(name, prom.ValueEncodingEscaping)
	}
	if !prom.UTF8Validation.IsValidLabelName(name) {
		return nil, badData("invalid label name: %q", name)
	}
	return a.union(r, func(q storage.Querier, hints *storage.LabelHints, ms []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.LabelValues(r.Context(), name, hints, ms...)
	})
}

// union collects texts over all selectors, sorted, each once.
func (a *api) union(r *http.Request, read func(storage.Querier, *storage.LabelHints, []*labels.Matcher) ([]string, annotations.Annotations, error)) (any, error) {
	s, err := a.selection(r)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if len(s.sets) == 0 {
		s.sets = [][]*labels.Matcher{nil}
	}
	var all []string
	var warnings annotations.Annotations
	for _, set := range s.sets {
		list, more, err := read(s, &storage.LabelHints{Limit: s.most()}, set)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		warnings = warnings.Merge(more)
	}
	slices.Sort(all)
	return answer(s, slices.Compact(all), warnings)
}
