package eventlog

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"sort"

	"github.com/nocturne-noc/nocturne/store/model"
)

// DefaultLimit is how many events are looked for when nobody says.
const DefaultLimit = 1000

// ErrCutShort is what a search fails with that ran out of time. What it found is true, but there may
// be more.
var ErrCutShort = errors.New("the search for events took too long and was cut short: give a shorter time, or an entity, a source or a kind")

// Compare orders events by time, then ID.
func Compare(a, b model.Event) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) }

// Part is some of the events that are searched, all of which happened from First to Last, both
// included, in Unix nanoseconds. Block and Index are asked only when they are needed.
type Part struct {
	First, Last int64
	Index       func() (*Index, error) // nil, or giving nil, when there is none
	Block       func() (*Block, error) // nil when Tail is what there is
	Tail        []model.Event          // not packed, in any order
}

// Search returns what f wants out of the parts, newest first. It looks at the newest part first and goes
// back only as far as it has to. The error tells of parts that could not be read, the rest is searched,
// or it is ErrCutShort when the context ended.
func Search(ctx context.Context, cache *Cache, parts []Part, f model.EventFilter) ([]model.Event, error) {
	q := newQuery(f)
	limit := cmp.Or(max(f.Limit, 0), DefaultLimit)
	parts = slices.Clone(parts)
	slices.SortStableFunc(parts, func(a, b Part) int { return cmp.Compare(b.Last, a.Last) })
	var found []hit
	var failed error
	for i := range parts {
		p := &parts[i]
		oldest := int64(math.MinInt64) // beyond it nothing is wanted any more
		if len(found) == limit {
			oldest = found[limit-1].time
		}
		if p.Last < max(q.since, oldest) {
			break
		}
		if p.First > q.until {
			continue
		}
		hits, err := p.find(ctx, q, oldest, limit)
		found = merge(found, hits, limit)
		if errors.Is(err, ctx.Err()) && err != nil {
			failed = ErrCutShort
			break
		}
		failed = cmp.Or(failed, err)
	}
	out, err := unpackHits(cache, found)
	return out, cmp.Or(failed, err)
}

// hit is an event that was found: a row of a block, or the event itself.
type hit struct {
	time  int64 // Unix nanoseconds
	id    uint64
	block *Block
	row   int
	event *model.Event
}

func newer(a, b hit) int { return cmp.Or(cmp.Compare(b.time, a.time), cmp.Compare(b.id, a.id)) }

// merge joins two lists that are newest first, up to limit.
func merge(a, b []hit, limit int) []hit {
	if len(a) == 0 || len(b) == 0 {
		a = append(a, b...)
		return a[:min(limit, len(a))]
	}
	out := make([]hit, 0, min(limit, len(a)+len(b)))
	for len(out) < limit && len(a)+len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && newer(a[0], b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return out
}

// find returns up to limit hits, newest first and not older than oldest.
func (p *Part) find(ctx context.Context, q *query, oldest int64, limit int) ([]hit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if p.Block == nil {
		return findTail(p.Tail, q, oldest, limit), nil
	}
	if p.Index != nil {
		// An index that cannot be read costs time, not events.
		if x, err := p.Index(); err == nil && x != nil && !x.may(q, oldest) {
			return nil, nil
		}
	}
	b, err := p.Block()
	if err != nil {
		return nil, err
	}
	if b.index != nil && !b.index.may(q, oldest) {
		return nil, nil
	}
	return b.find(ctx, q, oldest, limit)
}

func findTail(list []model.Event, q *query, oldest int64, limit int) []hit {
	var found []hit
	var buf []byte
	for i := range list {
		if e := &list[i]; q.wants(e, &buf) {
			if t := nanos(e.Time); t >= oldest {
				found = append(found, hit{time: t, id: e.ID, event: e})
			}
		}
	}
	slices.SortFunc(found, newer)
	return found[:min(limit, len(found))]
}

// find looks through the columns, and into the texts of those rows only that the columns let pass.
func (b *Block) find(ctx context.Context, q *query, oldest int64, limit int) ([]hit, error) {
	kindFrom, kindTo := b.kinds.span(q.kind, false)
	sourceFrom, sourceTo := b.sources.span(q.source, false)
	entityFrom, entityTo := b.entities.span(q.entity, q.under)
	if kindFrom == kindTo || sourceFrom == sourceTo || entityFrom == entityTo {
		return nil, nil
	}
	first := sort.Search(b.Len(), func(i int) bool { return b.times[i] >= max(q.since, oldest) })
	end := sort.Search(b.Len(), func(i int) bool { return b.times[i] > q.until })
	var found []hit
	var current *texts
	var buf []byte
	at := len(b.segments)
	for row := end - 1; row >= first && len(found) < limit; row-- {
		if q.severities&severityBit(model.State(b.severities[row])) == 0 {
			continue
		}
		if n := b.kinds.at(row); n < kindFrom || n >= kindTo {
			continue
		}
		if n := b.sources.at(row); n < sourceFrom || n >= sourceTo {
			continue
		}
		if n := b.entities.at(row); n < entityFrom || n >= entityTo {
			continue
		}
		if len(q.text) > 0 {
			if at == len(b.segments) || row < b.segments[at].first {
				if err := ctx.Err(); err != nil {
					return found, err
				}
				at = b.segmentOf(row)
				var err error
				if current, err = b.unpackTexts(at); err != nil {
					return found, err
				}
			}
			title, text := current.row(row - b.segments[at].first)
			if !q.says(title, &buf) && !q.says(text, &buf) {
				continue
			}
		}
		found = append(found, hit{time: b.times[row], id: b.ids[row], block: b, row: row})
	}
	return found, nil
}

// rowKey is what an unpacked event is cached under.
type rowKey struct {
	block *Block
	row   int
}

// unpackHits makes events of hits, each segment's together. Those whose texts or labels cannot be read
// are left out.
func unpackHits(cache *Cache, found []hit) ([]model.Event, error) {
	out := make([]model.Event, len(found))
	var groups []*group
	bySegment := map[rowKey]*group{}
	for i, h := range found {
		if h.event != nil {
			out[i] = *h.event
		} else if e, ok := Peek[model.Event](cache, rowKey{h.block, h.row}); ok {
			out[i] = e
		} else {
			key := rowKey{h.block, h.block.segmentOf(h.row)}
			g := bySegment[key]
			if g == nil {
				g = &group{block: h.block, segment: key.row}
				groups, bySegment[key] = append(groups, g), g
			}
			g.hits = append(g.hits, i)
		}
	}
	var failed error
	lost := map[int]bool{}
	for _, g := range groups {
		if err := g.unpack(cache, found, out); err != nil {
			failed = err
			for _, i := range g.hits {
				lost[i] = true
			}
		}
	}
	if len(lost) > 0 {
		kept := out[:0]
		for i, e := range out {
			if !lost[i] {
				kept = append(kept, e)
			}
		}
		out = kept
	}
	return out, failed
}

// group is the hits, by number, that are in one segment.
type group struct {
	block   *Block
	segment int
	hits    []int
}

func (g *group) unpack(cache *Cache, found []hit, out []model.Event) error {
	texts, err := g.block.unpackTexts(g.segment)
	if err != nil {
		return err
	}
	others, err := g.block.unpackOthers(g.segment)
	if err != nil {
		return err
	}
	for _, i := range g.hits {
		row := found[i].row
		out[i] = g.block.event(g.segment, row-g.block.segments[g.segment].first, texts, others)
		cache.Put(rowKey{g.block, row}, out[i], eventSize(&out[i]))
	}
	return nil
}

// eventSize is what an event takes in memory, about.
func eventSize(e *model.Event) int {
	n := 500 + len(e.Kind) + len(e.Source) + len(e.Entity) + len(e.Title) + len(e.Text)
	for name, value := range e.Labels {
		n += 64 + len(name) + len(value)
	}
	return n
}
