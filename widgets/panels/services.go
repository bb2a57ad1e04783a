package panels

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// servicesOptions are the keys of a services panel: the services of a cluster with the endpoints that
// are ready, by namespace. What talks to what is not known and not drawn.
type servicesOptions struct {
	Common `yaml:",inline"`
	Under  string `yaml:"under"` // ID of a cluster or namespace; default all
}

type services struct{ servicesOptions }

func servicesKind() Kind {
	return Kind{Name: "services", New: func(decode func(any) error) (Panel, error) {
		var s services
		return &s, decode(&s.servicesOptions)
	}}
}

func (s *services) Deps() Deps { return Deps{Entities: true} }

// service is one box.
type service struct {
	id, name     string
	state        model.State
	ready, total int // endpoints; below zero: not known
}

// namespace is a group of boxes, the worst first.
type namespace struct {
	name     string
	services []service
	worst    model.State
}

func (s *services) Load(_ context.Context, src model.Source, env Env) (*View, error) {
	v := &View{State: model.OK, Right: env.Text("endpoints ready / all"), MinW: 130, MinH: 60}
	found := src.Entities(model.Filter{Kind: model.KindService, Under: s.Under})
	if len(found) == 0 {
		h := honeycomb{honeycombOptions: honeycombOptions{Of: "service", Under: s.Under}}
		v.State, v.Notice = model.Unknown, h.nothing(src, env)
		return v, nil
	}
	list := namespaces(found)
	lay := layServices(list, env.Size, env.Style.K)
	for _, b := range lay.boxes {
		v.Spots = append(v.Spots, Spot{Rect: b.Rect, Entity: b.id})
	}
	v.Paint = func(c *plot.Canvas, body plot.Rect) { lay.paint(newPen(c, env.Style), env, body) }
	return v, nil
}

// namespaces groups services, the groups and the services in them worst first.
func namespaces(found []model.Entity) []namespace {
	index := map[string]int{}
	var out []namespace
	for _, e := range found {
		ns := e.Labels["namespace"]
		i, ok := index[ns]
		if !ok {
			i = len(out)
			index[ns] = i
			out = append(out, namespace{name: ns, worst: model.OK})
		}
		g := &out[i]
		g.services = append(g.services, service{id: e.ID, name: e.Name, state: e.State, ready: number(e.Labels["ready"]), total: number(e.Labels["total"])})
		if e.State.Worse(g.worst) {
			g.worst = e.State
		}
	}
	for _, g := range out {
		slices.SortStableFunc(g.services, func(a, b service) int {
			return cmp.Or(cmp.Compare(b.state.Rank(), a.state.Rank()), cmp.Compare(a.name, b.name))
		})
	}
	slices.SortStableFunc(out, func(a, b namespace) int {
		return cmp.Or(cmp.Compare(b.worst.Rank(), a.worst.Rank()), cmp.Compare(a.name, b.name))
	})
	return out
}

// serviceLayout is where the boxes stand, from the body's corner.
type serviceLayout struct {
	boxes  []serviceBox
	titles []serviceTitle
	more   int
	k      float64
}

type serviceBox struct {
	service
	plot.Rect
}

type serviceTitle struct {
	text string
	more int // services of the namespace that are not drawn
	at   plot.Point
	w    float64
}

// layServices puts namespaces below each other, boxes of at least 138 in rows. While the height does
// not suffice, calm services are folded into a count, from the last namespace on.
func layServices(list []namespace, size plot.Rect, k float64) serviceLayout {
	gap, title, box := 12*k, 30*k, 58*k
	perRow := max(1, int((size.W+gap)/(138*k+gap)))
	w := (size.W+gap)/float64(perRow) - gap
	rowsOf := func(n int) int { return (n + perRow - 1) / perRow }
	shown := make([]int, len(list))
	height := 0.0
	for i, g := range list {
		shown[i] = len(g.services)
		height += title + float64(rowsOf(shown[i]))*(box+gap)
	}
	limit := size.H + gap
	for i := len(list) - 1; i >= 0 && height > limit; i-- { // calm services first
		bad := 0
		for _, s := range list[i].services {
			if s.state != model.OK {
				bad++
			}
		}
		keep := bad
		if room := rowsOf(bad) * perRow; bad > 0 {
			keep = min(len(list[i].services), room)
		}
		height -= float64(rowsOf(shown[i])-rowsOf(keep)) * (box + gap)
		shown[i] = keep
	}
	lay := serviceLayout{k: k}
	y := 0.0
	for i, g := range list {
		if y+title > size.H || shown[i] > 0 && y+title+box > size.H+gap {
			lay.more += len(g.services)
			continue
		}
		head := len(lay.titles)
		lay.titles = append(lay.titles, serviceTitle{text: g.name, at: plot.Point{Y: y + 18*k}, w: size.W})
		y += title
		drawn := 0
		for j := range shown[i] {
			top := y + float64(j/perRow)*(box+gap)
			if top+box > size.H+1 {
				break
			}
			lay.boxes = append(lay.boxes, serviceBox{g.services[j], plot.Rect{X: float64(j%perRow) * (w + gap), Y: top, W: w, H: box}})
			drawn++
		}
		lay.titles[head].more = len(g.services) - drawn
		y += float64(rowsOf(drawn)) * (box + gap)
	}
	return lay
}

func (l serviceLayout) paint(n pen, env Env, body plot.Rect) {
	k := l.k
	for i, t := range l.titles {
		x := n.text(body.X, body.Y+t.at.Y, n.fit(t.text, 18, false, t.w*.6), 18, false, n.p.Muted)
		more := t.more
		if i == len(l.titles)-1 {
			more += l.more
		}
		if more > 0 {
			n.text(x+12*k, body.Y+t.at.Y, fmt.Sprintf("+%d", more), 18, true, n.p.Text2)
		}
	}
	for _, b := range l.boxes {
		paintService(n, b.service, b.Offset(body.X, body.Y))
	}
}

func paintService(n pen, s service, r plot.Rect) {
	k := n.k
	fill, name, figure, bad := n.p.Raised, n.p.Text2, n.p.Text2, s.state.Problem()
	if s.state == model.Critical {
		fill = n.p.CritTint
	}
	n.FillRound(r, 5*k, fill)
	switch s.state {
	case model.Critical:
		n.StrokeRound(r, 5*k, 3*k, n.p.Critical, nil)
	case model.Warning:
		n.StrokeRound(r, 5*k, 2*k, n.p.Warning, nil)
	case model.OK:
		n.StrokeRound(r, 5*k, max(1, k), n.p.Outline, nil)
	default:
		n.hatched(r)
		n.StrokeRound(r, 5*k, 1.5*k, n.p.State(markKind(s.state)), plot.Dash{6 * k, 4 * k})
	}
	edge := r.Right() - 10*k
	if s.state != model.OK {
		n.mark(s.state, r.Right()-20*k, r.Bottom()-18*k, 22)
	}
	if bad {
		name, figure = n.p.Text, n.ink(s.state)
	}
	text := n.fit(s.name, 18, true, edge-r.X-13*k)
	n.text(r.X+13*k, r.Y+25*k, text, 18, true, name)
	ready, total := "–", "–"
	if s.ready >= 0 {
		ready = strconv.Itoa(s.ready)
	}
	if s.total >= 0 {
		total = strconv.Itoa(s.total)
	}
	x := n.text(r.X+13*k, r.Y+49*k, ready, 20, bad, figure)
	n.text(x, r.Y+49*k, "/"+total, 18, false, n.p.Muted)
}
