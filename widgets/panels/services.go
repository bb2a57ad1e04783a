package panels

import (
	"cmp"
	"context"
	"fmt"
	"slices"

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
		one := service{id: e.ID, name: e.Name, state: e.State, ready: number(e.Labels["endpoints_ready"]), total: number(e.Labels["endpoints"])}
		if one.state == model.OK && one.ready < one.total { // it still serves, with less than it should have
			one.state = model.Warning
		}
		g.services = append(g.services, one)
		if one.state.Worse(g.worst) {
			g.worst = one.state
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
	titles []serviceName
	more   int // services of namespaces that are not shown at all
	k      float64
}

type serviceBox struct {
	service
	plot.Rect
}

// serviceName is a namespace's name above its boxes of one row.
type serviceName struct {
	text string
	more int // services of the namespace that are not drawn
	at   plot.Point
	w    float64 // of its boxes in the row
}

// layServices lets the boxes of all namespaces flow from left to right in rows, each namespace's name
// above its first box in a row. Where the height does not suffice, calm services are folded into
// counts: what is in trouble is placed first.
func layServices(list []namespace, size plot.Rect, k float64) serviceLayout {
	gap := serviceGap * k
	f := serviceFlow{list: list, k: k, perRow: max(1, int((size.W+gap)/(serviceBoxW*k+gap)))}
	f.boxW = (size.W+gap)/float64(f.perRow) - gap
	shown := make([]int, len(list))
	for i, g := range list {
		shown[i] = len(g.services)
	}
	if f.mayFit(shown, size.H) {
		if _, h := f.lay(shown, 0); h <= size.H+gap {
			spare := (size.H + gap - h) / float64(max(1, f.rows))
			lay, _ := f.lay(shown, min(spare, 22*k))
			return lay
		}
	}
	lay, _ := f.lay(f.worstThatFit(size.H-serviceFoot*k), 0)
	return lay
}

// Measures of a services panel at density 1.
const (
	serviceBoxW  = 138
	serviceBoxH  = 58
	serviceGap   = 12
	serviceTitle = 26 // names of namespaces above a row
	serviceFoot  = 26 // count of what is not shown
)

// serviceFlow lets boxes flow in rows.
type serviceFlow struct {
	list         []namespace
	perRow, rows int
	boxW, k      float64
}

// mayFit reports whether so many boxes fit if no row needs names above it.
func (f *serviceFlow) mayFit(shown []int, h float64) bool {
	n := 0
	for _, c := range shown {
		n += c
	}
	return float64((n+f.perRow-1)/f.perRow)*(serviceBoxH+serviceGap)*f.k <= h+serviceGap*f.k
}

// lay places the first shown services of each namespace and returns the height that they take with a
// gap at their end. spare is added below each row.
func (f *serviceFlow) lay(shown []int, spare float64) (serviceLayout, float64) {
	k, gap := f.k, serviceGap*f.k
	lay := serviceLayout{k: k}
	column, y, rowTitles := 0, 0.0, 0 // rowTitles: where the present row's names begin
	f.rows = 0
	endRow := func() {
		f.rows++
		if named := lay.titles[rowTitles:]; len(named) > 0 { // they push the row's boxes down
			for i := range column {
				lay.boxes[len(lay.boxes)-1-i].Y += serviceTitle * k
			}
			y += serviceTitle * k
		}
		y += serviceBoxH*k + gap + spare
		column, rowTitles = 0, len(lay.titles)
	}
	for i, g := range f.list {
		if shown[i] == 0 {
			lay.more += len(g.services)
			continue
		}
		for j, s := range g.services[:shown[i]] {
			if column == f.perRow {
				endRow()
			}
			x := float64(column) * (f.boxW + gap)
			if j == 0 || column == 0 && len(f.list) > 1 {
				title := serviceName{text: g.name, at: plot.Point{X: x, Y: y + 18*k}}
				if j == 0 {
					title.more = len(g.services) - shown[i]
				}
				lay.titles = append(lay.titles, title)
			}
			lay.titles[len(lay.titles)-1].w = x + f.boxW - lay.titles[len(lay.titles)-1].at.X
			lay.boxes = append(lay.boxes, serviceBox{s, plot.Rect{X: x, Y: y, W: f.boxW, H: serviceBoxH * k}})
			column++
		}
	}
	if column > 0 {
		endRow()
	}
	return lay, y
}

// worstThatFit says how many services of each namespace are shown within a height: one after the
// other those in trouble, then calm ones.
func (f *serviceFlow) worstThatFit(h float64) []int {
	shown := make([]int, len(f.list))
	for _, calm := range []bool{false, true} {
		for i, g := range f.list {
			for shown[i] < len(g.services) && (g.services[shown[i]].state == model.OK) == calm {
				shown[i]++
				if _, used := f.lay(shown, 0); used > h+serviceGap*f.k {
					if shown[i]--; f.rows > 1 || i > 0 || shown[i] > 0 {
						return shown
					}
					shown[i] = 1 // one at least, however flat the panel
					return shown
				}
			}
		}
	}
	return shown
}

func (l serviceLayout) paint(n pen, env Env, body plot.Rect) {
	k := l.k
	for _, t := range l.titles {
		more, room := "", t.w
		if t.more > 0 {
			more = fmt.Sprintf("+%d", t.more)
			room -= n.width(more, 18, true) + 12*k
		}
		x := n.text(body.X+t.at.X, body.Y+t.at.Y, n.fit(t.text, 18, false, room), 18, false, n.p.Muted)
		n.text(x+12*k, body.Y+t.at.Y, more, 18, true, n.p.Text2)
	}
	if l.more > 0 {
		n.text(body.X, body.Bottom()-4*k, n.fit(env.Text("+%d in other namespaces", l.more), 18, true, body.W), 18, true, n.p.Text2)
	}
	for _, b := range l.boxes {
		paintService(n, b.service, b.Offset(body.X, body.Y))
	}
}

func paintService(n pen, s service, r plot.Rect) {
	n.stateBox(r, s.name, countText(s.ready), "/"+countText(s.total), s.state)
}

// stateBox draws a box with a name and below it a figure, the part that matters in the colour of a state.
func (n pen) stateBox(r plot.Rect, name, strong, rest string, state model.State) {
	k := n.k
	fill, ink, figure, bad := n.p.Raised, n.p.Text2, n.p.Text2, state.Problem()
	if state == model.Critical {
		fill = n.p.CritTint
	}
	n.FillRound(r, 5*k, fill)
	switch state {
	case model.Critical:
		n.StrokeRound(r, 5*k, 3*k, n.p.Critical, nil)
	case model.Warning:
		n.StrokeRound(r, 5*k, 2*k, n.p.Warning, nil)
	case model.OK:
		n.StrokeRound(r, 5*k, max(1, k), n.p.Outline, nil)
	default:
		n.hatched(r)
		n.StrokeRound(r, 5*k, 1.5*k, n.p.State(markKind(state)), plot.Dash{6 * k, 4 * k})
	}
	edge := r.Right() - 10*k
	if state != model.OK {
		n.mark(state, r.Right()-20*k, r.Bottom()-18*k, 22)
	}
	if bad {
		ink, figure = n.p.Text, n.ink(state)
	}
	n.text(r.X+13*k, r.Y+25*k, n.fit(name, 18, true, edge-r.X-13*k), 18, true, ink)
	if state != model.OK {
		edge -= 26 * k
	}
	x := n.text(r.X+13*k, r.Y+49*k, n.fit(strong, 20, bad, edge-r.X-13*k), 20, bad, figure)
	n.text(x, r.Y+49*k, n.fit(rest, 18, false, edge-x), 18, false, n.p.Muted)
}
