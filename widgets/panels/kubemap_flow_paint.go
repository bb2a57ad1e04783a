package panels

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// Measures of a map by service at density 1.
const (
	flowBoxW  = 138.0
	flowWide  = 220.0
	flowBoxH  = 58.0
	flowGap   = 8.0  // between boxes of a column, at least
	flowTitle = 28.0 // names of columns
	flowFoot  = 24.0 // counts of what is not shown
	flowReach = 56.0 // least room for curves between columns
)

// flowBox is a thing at its place.
type flowBox struct {
	plot.Rect
	*flowThing
	id string
}

// flowLayout is where everything of a map by service stands, from the body's corner.
type flowLayout struct {
	choice *flowChoice
	boxes  []flowBox
	index  map[string]int
	titles []flowName
	k      float64
}

// flowName is the name of a column, and what of it is not shown.
type flowName struct {
	column flowColumn
	at     plot.Rect // of the column
	more   int
}

// loadFlow is Load of a map by service.
func (m *kubemap) loadFlow(src model.Source, env Env) *View {
	v := &View{State: model.OK, MinW: 300, MinH: 120, Right: env.Text("endpoints ready / all")}
	g := readFlow(src, m.Under, env)
	services := 0
	stale := true
	for _, t := range g.things {
		if t.column == flowService {
			services++
			stale = stale && t.state == model.Stale
		}
	}
	if services == 0 {
		v.State, v.Notice = model.Unknown, nothing(src, env, model.KindService, m.Under)
		return v
	}
	if stale {
		v.State = model.Stale
	}
	if !g.told {
		v.Right = env.Text("which pods serve is not told")
	}
	m.mu.Lock()
	hand := m.hand
	m.mu.Unlock()
	lay := layFlow(g, env.Size, env.Style.K, hand.selected)
	m.mu.Lock()
	m.shown = kubeShown{area: plot.Rect{W: env.Size.W, H: env.Size.H}, boxes: lay.boxes}
	m.mu.Unlock()
	for _, b := range lay.boxes {
		v.Spots = append(v.Spots, Spot{Rect: b.Rect, Entity: b.id})
	}
	v.Paint = func(c *plot.Canvas, body plot.Rect) {
		n := newPen(c, env.Style)
		lay.paint(n, env, body, hand.text)
		hand.paintSearch(n, env, body, func() int { return g.count(hand.text) })
	}
	return v
}

// count says how many things have a text in their names.
func (g *flowGraph) count(text string) int {
	found := 0
	for _, t := range g.things {
		if strings.Contains(t.name, text) {
			found++
		}
	}
	return found
}

// layFlow sets the columns side by side, each in the middle of the height.
func layFlow(g *flowGraph, size plot.Rect, k float64, selected string) *flowLayout {
	body := plot.Rect{Y: flowTitle * k, W: size.W, H: size.H - (flowTitle+flowFoot)*k}
	rows := max(1, int((body.H+flowGap*k)/((flowBoxH+flowGap)*k)))
	l := &flowLayout{choice: g.choose(rows, selected), index: map[string]int{}, k: k}
	var used []flowColumn
	for c := range flowColumns {
		if len(l.choice.columns[c]) > 0 {
			used = append(used, c)
		}
	}
	for len(used) > 2 && float64(len(used))*(flowBoxW+flowReach)*k-flowReach*k > body.W { // volumes, then nodes, go first
		used = used[:len(used)-1]
	}
	w := math.Min(flowWide*k, (body.W-float64(len(used)-1)*flowReach*k)/float64(len(used)))
	step := 0.0
	if len(used) > 1 {
		step = (body.W - w) / float64(len(used)-1)
	}
	for i, column := range used {
		list := l.choice.columns[column]
		x := math.Round(float64(i) * step)
		pitch := math.Min(body.H/float64(len(list)), (flowBoxH+58)*k)
		if len(list) > 1 {
			pitch = math.Min((body.H-flowBoxH*k)/float64(len(list)-1), (flowBoxH+58)*k)
		}
		y := body.Y + (body.H-pitch*float64(len(list)-1)-flowBoxH*k)/2
		for j, t := range list {
			l.index[t.id] = len(l.boxes)
			l.boxes = append(l.boxes, flowBox{plot.Rect{X: x, Y: math.Round(y + float64(j)*pitch), W: w, H: flowBoxH * k}, t, t.id})
		}
		l.titles = append(l.titles, flowName{column, plot.Rect{X: x, W: w, H: size.H}, l.choice.more[column]})
	}
	return l
}

// flowCurve leads from one box to another.
type flowCurve struct {
	from, to int
	lit      bool
}

// curves are the ways between the boxes, those that are lit last. Ways to nodes are many and say little: they
// are drawn where they are lit or a pod in trouble is at their end, and all where all can be told apart.
func (l *flowLayout) curves() []flowCurve {
	const most = 16
	var out, toNodes []flowCurve
	for i, b := range l.boxes {
		for id, sick := range b.to {
			j, ok := l.index[id]
			if !ok {
				continue
			}
			c := flowCurve{i, j, l.choice.lit[b.flowThing.id] && l.choice.lit[id]}
			if l.boxes[j].column == flowNode && !c.lit && !sick {
				toNodes = append(toNodes, c)
			} else {
				out = append(out, c)
			}
		}
	}
	if len(toNodes) <= most && l.choice.more[flowNode] == 0 {
		out = append(out, toNodes...)
	}
	slices.SortFunc(out, func(a, b flowCurve) int {
		if a.lit != b.lit {
			return before(a.lit, b.lit)
		}
		return (a.from-b.from)*len(l.boxes) + a.to - b.to
	})
	return out
}

func (l *flowLayout) paint(n pen, env Env, body plot.Rect, found string) {
	k := n.k
	names := [flowColumns]string{env.Text("Ingresses"), env.Text("Services"), env.Text("Workloads"), env.Text("Nodes"), env.Text("Volume claims")}
	for _, t := range l.titles {
		at := t.at.Offset(body.X, body.Y)
		n.text(at.X, at.Y+17*k, n.fit(names[t.column], 18, false, at.W), 18, false, n.p.Muted)
		if t.more > 0 {
			n.text(at.X, at.Bottom()-4*k, n.fit(fmt.Sprintf("+%d", t.more), 18, true, at.W), 18, true, n.p.Text2)
		}
	}
	for _, c := range l.curves() {
		n.flowCurve(l.boxes[c.from].Offset(body.X, body.Y), l.boxes[c.to].Offset(body.X, body.Y), c.lit)
	}
	for _, b := range l.boxes {
		r := b.Offset(body.X, body.Y)
		n.stateBox(r, b.name, b.strong, b.rest, b.state)
		n.podCells(r, b.pods, b.strong+b.rest, b.state)
		if l.choice.root == b.flowThing {
			n.StrokeRound(r.Inset(-4*k), 7*k, max(1, 1.5*k), n.p.Text2, nil)
		}
		if found != "" && strings.Contains(b.name, found) {
			n.StrokeRound(r.Inset(-4*k), 7*k, 2*k, n.p.Focus, nil)
		}
	}
}

// flowCurve draws a way from the right side of one box to the left of another.
func (n pen) flowCurve(a, b plot.Rect, lit bool) {
	k := n.k
	width, col := 2*k, n.p.UseLow
	if lit {
		width, col = 3*k, n.p.UseHalf
	}
	n.curve(a, b, width, col, nil)
}

// curve leads from the right side of one box to the left of another.
func (n pen) curve(a, b plot.Rect, width float64, col colour, dash plot.Dash) {
	k := n.k
	from, to := plot.Point{X: a.Right(), Y: a.Center().Y}, plot.Point{X: b.X - 7*k, Y: b.Center().Y}
	bend := math.Min((to.X-from.X)/2, 90*k)
	n.Curve(from, plot.Point{X: from.X + bend, Y: from.Y}, plot.Point{X: to.X - bend, Y: to.Y}, to, width, col, dash)
	n.Polygon([]plot.Point{{X: b.X, Y: to.Y}, {X: b.X - 9*k, Y: to.Y - 5*k}, {X: b.X - 9*k, Y: to.Y + 5*k}}, col)
}

// podCells draws the pods of a workload as squares beside its figure, the worst first, as many as fit.
func (n pen) podCells(r plot.Rect, pods []model.State, figure string, state model.State) {
	k := n.k
	x := r.X + 13*k + n.width(figure, 20, true) + 10*k
	end := r.Right() - 10*k
	if state != model.OK {
		end -= 26 * k
	}
	const pitch = 11.0
	fits := int((end - x) / (pitch * k))
	if fits < 1 || len(pods) == 0 {
		return
	}
	sorted := slices.SortedFunc(slices.Values(pods), func(a, b model.State) int { return b.Rank() - a.Rank() })
	for i, s := range sorted[:min(fits, len(sorted))] {
		n.square(plot.Rect{X: math.Round(x + float64(i)*pitch*k), Y: math.Round(r.Y + 37*k), W: math.Round(8 * k), H: math.Round(9 * k)}, s, 1)
	}
}
