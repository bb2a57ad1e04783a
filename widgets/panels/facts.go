package panels

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// factsOptions are the keys of a facts panel: what is known of one entity, the head of its page.
type factsOptions struct {
	Common `yaml:",inline"`
	Of     string   `yaml:"of"`     // ID of the entity
	Labels []string `yaml:"labels"` // which stand before parts and relations, in this order; the rest follows behind them, by name
}

type facts struct{ factsOptions }

func factsKind() Kind {
	return Kind{Name: "facts", New: func(decode func(any) error) (Panel, error) {
		var f facts
		if err := decode(&f.factsOptions); err != nil {
			return nil, err
		}
		if f.Of == "" {
			return nil, fmt.Errorf("of: want the ID of an entity, on a page $entity")
		}
		return &f, nil
	}}
}

func (f *facts) Deps() Deps { return Deps{Entities: true, Clock: true} }

// Labels of an entity that are more than a word.
const (
	whyLabel        = "why"        // lines: what led to the entity's state, each because of the next
	containerPrefix = "container/" // a pod's container as JSON, see containerFacts

	// How a pod asks to be scraped: its document tells that.
	annotationPrefix = "prometheus.io/"
)

// containerFacts is what a pod tells of one of its containers.
type containerFacts struct {
	State    string `json:"state"`
	Ready    bool   `json:"ready"`
	Restarts int    `json:"restarts"`
	Image    string `json:"image"`
	Last     string `json:"last"`
	Reason   string `json:"reason"`
	Started  string `json:"started"`
	Role     string `json:"role"`
}

// judge is how a container's own word is drawn.
func (c containerFacts) judge() model.State {
	switch {
	case c.Ready, c.State == "ended" && c.Role == "init" && c.Reason == "":
		return model.OK
	case c.State == "running":
		return model.Warning
	case c.State == "ended" && c.Role == "init":
		return model.OK
	case strings.Contains(c.Reason, "BackOff"), strings.Contains(c.Reason, "Err"):
		return model.Critical
	}
	return model.Warning
}

// aboutEntity is an entity as the page shows it.
type aboutEntity struct {
	model.Entity
	gone  bool
	since time.Time // when it went, zero when that is not known
}

// find looks an entity up. A container is a place in its pod; what is there no more is gone.
func (f *facts) find(src model.Source) aboutEntity {
	if found := src.Entities(model.Filter{ID: f.Of}); len(found) > 0 {
		return aboutEntity{Entity: found[0]}
	}
	kind, name, _, _ := model.ParseID(f.Of)
	out := aboutEntity{Entity: model.Entity{ID: f.Of, Kind: kind, Name: cmp.Or(name, f.Of)}, gone: true}
	if at := strings.LastIndex(f.Of, "/container/"); kind == model.KindContainer && at > 0 {
		out.Parent = f.Of[:at]
		if pods := src.Entities(model.Filter{ID: out.Parent}); len(pods) > 0 {
			pod := pods[0]
			out.gone, out.State, out.Since, out.Seen, out.Source = false, pod.State, pod.Since, pod.Seen, pod.Source
			out.Reason, out.Labels = pod.Reason, map[string]string{}
			if c, ok := containerOf(pod.Labels[containerPrefix+name]); ok {
				out.Reason = c.Reason
				if pod.State != model.Stale {
					out.State = c.judge()
				}
				for k, v := range map[string]string{"state": c.State, "image": c.Image, "last": c.Last, "started": c.Started, "role": c.Role, "restarts": fmt.Sprint(c.Restarts)} {
					if v != "" {
						out.Labels[k] = v
					}
				}
			}
			return out
		}
	}
	for _, ev := range src.Events(model.EventFilter{Entity: f.Of, Kind: "state", Until: src.Now(), Limit: 1}) {
		if ev.Labels["to"] == "gone" {
			out.since = ev.Time
		}
	}
	return out
}

func containerOf(text string) (containerFacts, bool) {
	var c containerFacts
	if text == "" || json.Unmarshal([]byte(text), &c) != nil {
		return c, false
	}
	return c, true
}

func (f *facts) Load(_ context.Context, src model.Source, env Env) (*View, error) {
	e := f.find(src)
	v := &View{State: model.OK, MinW: 160, MinH: 40, Right: env.Text(string(e.Kind))}
	if e.State == model.Critical || e.State == model.Stale {
		v.State = e.State
	}
	if e.gone {
		v.State = model.Unknown
	}
	// A canvas of one pixel measures texts while the rows are laid out.
	n := newPen(plot.NewCanvas(image.NewRGBA(image.Rect(0, 0, 1, 1)), env.Face), env.Style)
	s := &sheet{pen: n, env: env, now: src.Now()}
	s.divide(env.Size)
	f.write(s, src, e)
	v.Spots = s.spots()
	v.Paint = func(c *plot.Canvas, body plot.Rect) { s.paint(newPen(c, env.Style), body) }
	return v, nil
}

// write puts down what is known of e, the most urgent first.
func (f *facts) write(s *sheet, src model.Source, e aboutEntity) {
	s.head(e)
	if why := e.Labels[whyLabel]; why != "" {
		s.chain(strings.Split(why, "\n"))
	}
	s.containers(e)
	first, others := ownLabels(e, f.Labels)
	s.labels("Labels", e, first)
	s.children(src, e)
	s.links(src, e)
	title := "Labels"
	if len(first) > 0 {
		title = "More labels"
	}
	s.labels(title, e, others)
	s.origin(src, e)
}

// children counts what is below e by kind, and names the sick ones.
func (s *sheet) children(src model.Source, e aboutEntity) {
	counts := map[model.Kind]map[model.State]int{}
	var sick []model.Entity
	for _, c := range src.Entities(model.Filter{Under: e.ID}) {
		if c.ID == e.ID {
			continue
		}
		if counts[c.Kind] == nil {
			counts[c.Kind] = map[model.State]int{}
		}
		counts[c.Kind][c.State]++
		if c.State != model.OK {
			sick = append(sick, c)
		}
	}
	if len(counts) == 0 {
		return
	}
	s.title(s.env.Text("Parts"))
	kinds := make([]model.Kind, 0, len(counts))
	for k := range counts {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b model.Kind) int {
		return cmp.Or(worstOf(counts[b]).Rank()-worstOf(counts[a]).Rank(), cmp.Compare(a, b))
	})
	for _, k := range kinds {
		s.tally(s.env.Text(string(k)), counts[k])
	}
	slices.SortStableFunc(sick, func(a, b model.Entity) int { return b.State.Rank() - a.State.Rank() })
	const most = 6
	for _, c := range sick[:min(most, len(sick))] {
		s.thing(c, "", s.env.Said(c.Reason))
	}
	if more := len(sick) - most; more > 0 {
		s.line(s.env.Text("+%d more", more))
	}
}

func worstOf(counts map[model.State]int) model.State {
	worst := model.OK
	for state := range counts {
		worst = model.Worst(worst, state)
	}
	return worst
}

// relations is what a link says seen from its one end, and from the other.
var relations = map[string][2]string{
	"runs-on": {"runs on", "carries"}, "owns": {"owns", "owned by"}, "selects": {"selects", "selected by"},
	"same-as": {"same machine as", "same machine as"}, "probes": {"checks", "checked by"},
	"hangs-on": {"hangs on", "carries the only way of"}, "leads-to": {"leads to", "is at the other end of"},
}

// links name what e hangs on, and what hangs on it.
func (s *sheet) links(src model.Source, e aboutEntity) {
	type end struct{ id, how, port string }
	var ends []end
	for _, l := range src.Links(model.Filter{ID: e.ID}) {
		words, known := relations[l.Kind]
		if !known {
			words = [2]string{"linked to", "linked to"}
		}
		if l.A == e.ID {
			ends = append(ends, end{l.B, words[0], l.BPort})
		} else {
			ends = append(ends, end{l.A, words[1], l.APort})
		}
	}
	if len(ends) == 0 {
		return
	}
	s.title(s.env.Text("Relations"))
	things := make([]model.Entity, len(ends))
	for i, x := range ends {
		things[i] = s.entity(src, x.id)
	}
	order := make([]int, len(ends))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return things[b].State.Rank() - things[a].State.Rank() })
	const most = 8
	for _, i := range order[:min(most, len(order))] {
		s.thing(things[i], s.env.Text(ends[i].how), ends[i].port)
	}
	if more := len(ends) - most; more > 0 {
		s.line(s.env.Text("+%d more", more))
	}
}

// entity is what src knows by an ID, else its name alone.
func (s *sheet) entity(src model.Source, id string) model.Entity {
	if found := src.Entities(model.Filter{ID: id}); len(found) > 0 {
		return found[0]
	}
	kind, name, _, _ := model.ParseID(id)
	return model.Entity{ID: id, Kind: kind, Name: cmp.Or(name, id)}
}
