package impact

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Rounds judges the world again and again. Who is who is found out anew only when something has come, gone
// or changed its names, addresses or cables. It is not safe for concurrent use.
type Rounds struct {
	world  World
	joined Joined
	judged Judged
	told   bool
}

// Next is what is to be told to the store after a round at now. A round in which nothing has changed only
// repeats the samples.
func (r *Rounds) Next(w World, now time.Time) model.Batch {
	joined := r.joined
	if !r.told || !sameThings(r.world.Things, w.Things) || !sameCables(r.world.Cables, w.Cables) {
		joined = Join(w.Things, w.Cables)
	}
	judged := Judge(w, joined)
	b := model.Batch{Source: Source, Scope: Source, Time: now, Samples: slices.Clone(judged.Samples)}
	for i := range b.Samples {
		b.Samples[i].T = now.UnixMilli()
	}
	if !r.told || !reflect.DeepEqual(joined.Links, r.joined.Links) || !reflect.DeepEqual(judged, r.judged) {
		b.Replace, b.Links, b.Entities = true, joined.Links, judged.Entities
	}
	*r = Rounds{world: w, joined: joined, judged: judged, told: true}
	return b
}

// sameThings reports whether entities say the same of who they are; their states do not count.
func sameThings(a, b []model.Entity) bool {
	return slices.EqualFunc(a, b, func(a, b model.Entity) bool {
		return a.ID == b.ID && a.Kind == b.Kind && a.Name == b.Name && maps.Equal(identityLabels(a), identityLabels(b))
	})
}

func identityLabels(e model.Entity) map[string]string {
	if e.State != model.Stale {
		return e.Labels
	}
	out := maps.Clone(e.Labels)
	delete(out, "last_state") // the store's, on what is stale
	delete(out, "last_reason")
	return out
}

func sameCables(a, b []model.Link) bool {
	return slices.EqualFunc(a, b, func(a, b model.Link) bool { return compareLinks(a, b) == 0 && a.Confidence == b.Confidence })
}
