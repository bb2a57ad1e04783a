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
		v.State, v.Notice = model.Unknown, nothing(src, env, model.KindService, s.Under)
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
		g.services = append(g.services, service{id: e.ID, name: e.Name, state: e.State, ready: number(e.Labels["endpoints_ready"]), total: number(e.Labels["endpoints"])})
		if e.State.Worse(g.worst) {
			g.worst = e.State
		}
	}
	for _, g := range out {
		slices.SortFunc(g.services, func(a, b service) int {
			return cmp.Or(cmp.Compare(b.state.Rank(), a.state.Rank()), cmp.Compare(a.name, b.name))
		})
	}
	slices.SortFunc(out, func(a, b namespace) int {
		return cmp.Or(cmp.Compare(b.worst.Rank(), a.worst.Rank()), cmp.Compare(a.name, b.name))
	})
	return out
}

// serviceLayout is where the boxes stand, from the body's corner.
type serviceLayout struct {
	boxes  []serviceBox
	titles []serviceTitle
	more   int // services of namespaces that are not shown at all
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

// layServices puts namespaces below each other, boxes of at least 138 in rows. Where the height does
// not suffice, calm services are folded into counts; each namespace in trouble shows a row, and what
// is left of the height goes to the worst.
func layServices(list []namespace, size plot.Rect, k float64) serviceLayout {
	gap, title, box := 12*k, 30*k, 58*k
	perRow := max(1, int((size.W+gap)/(138*k+gap)))
	w := (size.W+gap)/float64(perRow) - gap
	rows := serviceRows(list, perRow, int(size.H+gap), int(title), int(box+gap), int(26*k))
	lay := serviceLayout{k: k}
	y := 0.0
	for i, g := range list {
		if rows[i] < 0 {
			lay.more += len(g.services)
			continue
		}
		shown := min(len(g.services), rows[i]*perRow)
		lay.titles = append(lay.titles, serviceTitle{text: g.name, more: len(g.services) - shown, at: plot.Point{Y: y + 18*k}, w: size.W})
		y += title
		for j, s := range g.services[:shown] {
			lay.boxes = append(lay.boxes, serviceBox{s, plot.Rect{X: float64(j%perRow) * (w + gap), Y: y + float64(j/perRow)*(box+gap), W: w, H: box}})
		}
		y += float64(rows[i]) * (box + gap)
	}
	return lay
}

// serviceRows shares a height out: how many rows of boxes each namespace gets, -1 for one that is not
// shown at all. The namespaces are worst first.
func serviceRows(list []namespace, perRow, height, title, row, foot int) []int {
	want := make([]int, len(list))
	need := 0
	for i, g := range list {
		want[i] = (len(g.services) + perRow - 1) / perRow
		need += title + want[i]*row
	}
	if need <= height {
		return want
	}
	height -= foot // where the rest is counted
	rows := make([]int, len(list))
	for i, g := range list {
		rows[i] = -1
		if cost := title + row; height >= cost && (g.worst != model.OK || i == 0) {
			rows[i] = 1
			height -= cost
		}
	}
	for i := range list {
		for rows[i] > 0 && rows[i] < want[i] && height >= row {
			rows[i]++
			height -= row
		}
	}
	for i := range list { // calm namespaces where there still is room
		if rows[i] < 0 && height >= title+row {
			rows[i] = min(want[i], (height-title)/row)
			height -= title + row*rows[i]
		}
	}
	return rows
}

func (l serviceLayout) paint(n pen, env Env, body plot.Rect) {
	k := l.k
	for _, t := range l.titles {
		x := n.text(body.X, body.Y+t.at.Y, n.fit(t.text, 18, false, t.w*.6), 18, false, n.p.Muted)
		if t.more > 0 {
			n.text(x+12*k, body.Y+t.at.Y, fmt.Sprintf("+%d", t.more), 18, true, n.p.Text2)
		}
	}
	if l.more > 0 {
		n.text(body.X, body.Bottom()-4*k, n.fit(env.Text("+%d in other namespaces", l.more), 18, true, body.W), 18, true, n.p.Text2)
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
