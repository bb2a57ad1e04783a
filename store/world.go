package store

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Labels that a stale entity or link carries beside its own: what it was before its source fell silent.
const (
	LabelLastState  = "last_state"
	LabelLastReason = "last_reason"
)

// world is everything but samples and events as of one moment: entities, links, alerts and source
// rows. It only ever changes by change.apply, so that the live store, a restart and a recording all
// arrive at the same world by the same log. It has no lock of its own.
type world struct {
	scopes   []*scope // by the number that changes use
	byKey    map[scopeKey]*scope
	entities map[string]*claims[model.Entity]
	links    map[string]*claims[model.Link]
	alerts   map[string]model.Alert
	sources  map[rowKey]model.SourceStatus
	marks    []model.Mark // by start; replaced, never changed

	entityIDs, linkKeys sortedKeys
	revs                model.Revs
	nextStale           time.Time // revs.Entities is right until then; zero = for ever
}

type scopeKey struct{ source, scope string }

// scope is the part of a source that one batch speaks for.
type scope struct {
	n     int
	key   scopeKey
	seen  time.Time
	every time.Duration
	quiet bool // counted as stale in revs

	entities, links map[string]struct{} // IDs and keys of what it claims
}

type rowKey struct{ name, target string }

// claims are what the scopes say of one entity or link. Mostly there is one; a neighbour that two
// devices see, or a link whose two ends both report it, has several.
type claims[T any] struct{ list []claim[T] }

type claim[T any] struct {
	scope *scope
	value T
}

func newWorld() *world {
	return &world{
		byKey:    map[scopeKey]*scope{},
		entities: map[string]*claims[model.Entity]{},
		links:    map[string]*claims[model.Link]{},
		alerts:   map[string]model.Alert{},
		sources:  map[rowKey]model.SourceStatus{},
	}
}

func (c *claims[T]) of(s *scope) *claim[T] {
	if c == nil {
		return nil
	}
	for i := range c.list {
		if c.list[i].scope == s {
			return &c.list[i]
		}
	}
	return nil
}

func (c *claims[T]) put(s *scope, v T) {
	if old := c.of(s); old != nil {
		old.value = v
		return
	}
	c.list = append(c.list, claim[T]{s, v})
	slices.SortFunc(c.list, func(a, b claim[T]) int {
		return cmp.Or(strings.Compare(a.scope.key.source, b.scope.key.source), strings.Compare(a.scope.key.scope, b.scope.key.scope))
	})
}

func (c *claims[T]) drop(s *scope) {
	c.list = slices.DeleteFunc(c.list, func(cl claim[T]) bool { return cl.scope == s })
}

func (s *scope) stale(now time.Time) bool { return model.IsStale(now, s.seen, s.every) }

// turnsStale is the first moment at which the scope is stale, zero for never.
func (s *scope) turnsStale() time.Time {
	if s.every <= 0 {
		return time.Time{}
	}
	return s.seen.Add(time.Duration(model.StaleAfter*float64(s.every)) + 1)
}

// entity merges the claims: one who knows the thing beats one who has only heard of it, and one
// who still answers beats one who fell silent.
func (w *world) entity(id string, now time.Time) (model.Entity, bool) {
	c := w.entities[id]
	if c == nil {
		return model.Entity{}, false
	}
	best := slices.MinFunc(c.list, func(a, b claim[model.Entity]) int {
		return cmp.Or(
			boolCompare(a.value.Kind == model.KindStub, b.value.Kind == model.KindStub),
			boolCompare(a.scope.stale(now), b.scope.stale(now)))
	})
	e := best.value
	e.Source, e.Seen = best.scope.key.source, best.scope.seen
	if best.scope.stale(now) {
		e.Labels = maps.Clone(e.Labels)
		if e.Labels == nil {
			e.Labels = map[string]string{}
		}
		e.Labels[LabelLastState] = e.State.String()
		if e.Reason != "" {
			e.Labels[LabelLastReason] = e.Reason
		}
		e.State, e.Reason, e.Since = model.Stale, lastAnswer(e.Seen, now), e.Seen
	}
	return e, true
}

// link merges the claims: all evidence together, the worst state of those that still answer, full
// confidence when both ends say so.
func (w *world) link(key string, now time.Time) (model.Link, bool) {
	c := w.links[key]
	if c == nil {
		return model.Link{}, false
	}
	best := slices.MinFunc(c.list, func(a, b claim[model.Link]) int {
		return cmp.Or(
			boolCompare(a.scope.stale(now), b.scope.stale(now)),
			cmp.Compare(b.value.State.Rank(), a.value.State.Rank()))
	})
	l := best.value
	l.Source, l.Seen = best.scope.key.source, best.scope.seen
	if len(c.list) > 1 {
		l.Evidence = nil
		for _, other := range c.list {
			for _, ev := range other.value.Evidence {
				if !slices.Contains(l.Evidence, ev) {
					l.Evidence = append(l.Evidence, ev)
				}
			}
			l.Confidence = max(l.Confidence, other.value.Confidence)
			l.SpeedBPS = cmp.Or(l.SpeedBPS, other.value.SpeedBPS)
		}
		observed := func(by string) bool {
			return slices.ContainsFunc(l.Evidence, func(ev model.Evidence) bool { return ev.Observer == by })
		}
		if observed(l.A) && observed(l.B) {
			l.Confidence = 1
		}
	}
	if best.scope.stale(now) {
		l.Reason = strings.TrimSuffix(lastAnswer(l.Seen, now)+", was "+l.State.String()+": "+l.Reason, ": ")
		l.State, l.Since = model.Stale, l.Seen
	}
	return l, true
}

func lastAnswer(seen, now time.Time) string {
	layout := time.TimeOnly
	if now.Sub(seen) > 20*time.Hour {
		layout = time.DateTime
	}
	return "last answer " + seen.In(now.Location()).Format(layout)
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// Entities returns what f picks, sorted by ID, as seen at now.
func (w *world) Entities(f model.Filter, now time.Time) []model.Entity {
	ids := sortedKeysOf(&w.entityIDs, w.entities)
	switch {
	case f.ID != "":
		ids = []string{f.ID}
	case f.Under != "":
		ids = under(ids, f.Under)
	}
	out := make([]model.Entity, 0, len(ids))
	for _, id := range ids {
		if f.Kind != "" && !hasKind(w.entities[id], f.Kind) { // most are passed over: none of them is copied
			continue
		}
		e, ok := w.entity(id, now)
		if !ok || f.Kind != "" && e.Kind != f.Kind || f.Source != "" && e.Source != f.Source || !isUnder(id, f.Under) {
			continue
		}
		out = append(out, e)
	}
	return out
}

// hasKind reports whether anybody says that an entity is of a kind.
func hasKind(c *claims[model.Entity], kind model.Kind) bool {
	return c != nil && slices.ContainsFunc(c.list, func(cl claim[model.Entity]) bool { return cl.value.Kind == kind })
}

// under cuts out of sorted IDs the stretch from root to the end of its subtree; "root-b", which
// sorts between "root" and "root/a", is still in it.
func under(ids []string, root string) []string {
	from := sort.SearchStrings(ids, root)
	to := from + sort.Search(len(ids)-from, func(i int) bool { return ids[from+i] >= root+"0" }) // '0' follows '/'
	return ids[from:to]
}

func isUnder(id, root string) bool {
	return root == "" || id == root || strings.HasPrefix(id, root) && id[len(root)] == '/'
}

// Links returns what f picks, sorted by key, as seen at now. A link is under an entity when one of
// its ends is; its Kind filter is the link's kind; its ID filter one of its ends.
func (w *world) Links(f model.Filter, now time.Time) []model.Link {
	out := make([]model.Link, 0, len(w.links))
	keys := sortedKeysOf(&w.linkKeys, w.links)
	if f.Kind != "" { // a key begins with the kind
		from, to := sort.SearchStrings(keys, string(f.Kind)+"|"), sort.SearchStrings(keys, string(f.Kind)+"}") // '}' follows '|'
		keys = keys[from:to]
	}
	for _, key := range keys {
		l, ok := w.link(key, now)
		if !ok || f.Kind != "" && l.Kind != string(f.Kind) || f.Source != "" && l.Source != f.Source ||
			f.ID != "" && l.A != f.ID && l.B != f.ID || !isUnder(l.A, f.Under) && !isUnder(l.B, f.Under) {
			continue
		}
		out = append(out, l)
	}
	return out
}

// Alerts returns firing before pending, worst first, then oldest first.
func (w *world) Alerts() []model.Alert {
	return slices.SortedFunc(maps.Values(w.alerts), func(a, b model.Alert) int {
		return cmp.Or(
			boolCompare(a.Pending, b.Pending),
			cmp.Compare(b.Severity.Rank(), a.Severity.Rank()),
			a.Since.Compare(b.Since),
			strings.Compare(a.ID, b.ID))
	})
}

// Sources returns the rows sorted by name and target.
func (w *world) Sources() []model.SourceStatus {
	return slices.SortedFunc(maps.Values(w.sources), func(a, b model.SourceStatus) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Target, b.Target))
	})
}

// Revs counts the scopes that have turned stale since it was last asked, and returns the counters.
func (w *world) Revs(now time.Time) model.Revs {
	if w.nextStale.IsZero() || now.Before(w.nextStale) {
		return w.revs
	}
	w.nextStale = time.Time{}
	for _, s := range w.scopes {
		if s.stale(now) {
			if !s.quiet {
				s.quiet = true
				w.revs.Entities++
			}
		} else if t := s.turnsStale(); !t.IsZero() && (w.nextStale.IsZero() || t.Before(w.nextStale)) {
			w.nextStale = t
		}
	}
	return w.revs
}

// sortedKeys keeps the sorted keys of a map until they change. Readers that share the map fill it.
type sortedKeys struct {
	mu   sync.Mutex
	keys []string
}

func sortedKeysOf[V any](s *sortedKeys, m map[string]V) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = slices.Sorted(maps.Keys(m))
	}
	return s.keys
}

func (s *sortedKeys) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = nil
}
