package panels

import (
	"image"
	"math"
	"slices"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// Measures of an impact panel at density 1.
const (
	impactBoxW  = 150.0
	impactWide  = 260.0
	impactFocus = 1.3 // times as wide is the box that all is about
	impactBoxH  = 58.0
	impactGap   = 8.0
	impactTitle = 28.0 // names of columns
	impactFoot  = 26.0 // counts of what is not shown
	impactReach = 58.0 // least room for the ways between columns
	impactLine  = 24.0 // each line in the focus
)

// impactLayout is where everything stands, from the body's corner.
type impactLayout struct {
	boxes  []impactPlaced
	titles []impactTitled
	ways   []impactLeads
	k      float64

	about   *impactThing // the focus, nil for none
	measure pen
	lines   []string // in the focus, broken
	reason  int      // how many of them say what is wrong
}

type impactPlaced struct {
	plot.Rect
	*impactThing
	column int
}

// impactTitled is a column's name, and what of it has no room.
type impactTitled struct {
	text   string
	at     plot.Rect
	hidden map[model.Kind]int
	state  model.State // the worst of what is hidden
}

// impactLeads is a way from one box to another, by their numbers.
type impactLeads struct {
	from, to int
	impactWay
}

// layImpact sets the columns side by side, each in the middle of the height. The worst of each column are
// shown; where the width does not suffice, whole columns make way.
func layImpact(b *impactBoard, env Env) *impactLayout {
	size, k := env.Size, env.Style.K
	// A canvas of one pixel measures texts.
	l := &impactLayout{k: k, about: b.focus, measure: newPen(plot.NewCanvas(image.NewRGBA(image.Rect(0, 0, 1, 1)), env.Face), env.Style)}
	columns := slices.Clone(b.columns)
	columns = slices.DeleteFunc(columns, func(c impactColumn) bool { return len(c.things) == 0 })
	parts := func() float64 { // widths of a column
		n := float64(len(columns))
		if b.focus != nil {
			n += impactFocus - 1
		}
		return n
	}
	for len(columns) > 2 && parts()*impactBoxW*k+float64(len(columns)-1)*impactReach*k > size.W {
		drop := 0
		for i, c := range columns {
			if c.keep > columns[drop].keep {
				drop = i
			}
		}
		if columns[drop].keep == 0 {
			break
		}
		columns = slices.Delete(columns, drop, drop+1)
	}
	w := min(impactWide*k, (size.W-float64(len(columns)-1)*impactReach*k)/parts())
	reach := 0.0
	if len(columns) > 1 {
		reach = min((size.W-parts()*w)/float64(len(columns)-1), 3*impactReach*k)
	}
	x := (size.W - parts()*w - reach*float64(len(columns)-1)) / 2
	for i, c := range columns {
		width := w
		if len(c.things) == 1 && c.things[0] == b.focus {
			width = impactFocus * w
		}
		l.column(i, c, plot.Rect{X: math.Round(x), Y: impactTitle * k, W: width, H: size.H - (impactTitle+impactFoot)*k})
		x += width + reach
	}
	l.lead(b)
	return l
}

// column sets as many things of a column as there is room for.
func (l *impactLayout) column(i int, c impactColumn, at plot.Rect) {
	k := l.k
	if len(c.things) == 1 && c.things[0] == l.about {
		l.focus(i, at, l.about)
		return
	}
	shown := min(len(c.things), max(1, int((at.H+impactGap*k)/((impactBoxH+impactGap)*k))))
	title := impactTitled{text: c.title, at: plot.Rect{X: at.X, W: at.W, H: at.Bottom() + impactFoot*k}, hidden: map[model.Kind]int{}, state: model.OK}
	picked, hidden := worstThings(c.things, shown)
	for _, t := range hidden {
		title.hidden[t.kind]++
		title.state = model.Worst(title.state, t.state)
	}
	l.titles = append(l.titles, title)
	pitch := min((impactBoxH+34)*k, at.H)
	if shown > 1 {
		pitch = min(pitch, (at.H-impactBoxH*k)/float64(shown-1))
	}
	y := at.Y + (at.H-pitch*float64(shown-1)-impactBoxH*k)/2
	for n, t := range picked {
		l.boxes = append(l.boxes, impactPlaced{Rect: plot.Rect{X: at.X, Y: math.Round(y + float64(n)*pitch), W: at.W, H: impactBoxH * k}, impactThing: t, column: i})
	}
}

// focus sets the box that all is about, as high as its lines.
func (l *impactLayout) focus(column int, at plot.Rect, t *impactThing) {
	k := l.k
	w := at.W - 28*k
	if t.state != model.OK {
		w -= 26 * k // the mark of its state
	}
	most := max(0, int((at.H-66*k)/(impactLine*k)))
	for i, line := range t.lines {
		if room := most - len(l.lines) - (len(t.lines) - 1 - i); room > 0 {
			l.lines = append(l.lines, wrapWords(l.measure, line, 18, false, w, min(3, room))...)
		}
		if i == 0 {
			l.reason = len(l.lines)
		}
	}
	h := min(at.H, (66+impactLine*float64(len(l.lines)))*k+8*k)
	l.boxes = append(l.boxes, impactPlaced{Rect: plot.Rect{X: at.X, Y: at.Y + (at.H-h)/2, W: at.W, H: h}, impactThing: t, column: column})
}

// worstThings picks the worst n, which stay in the order that they had.
func worstThings(things []*impactThing, n int) (picked, hidden []*impactThing) {
	order := make([]int, len(things))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return things[b].state.Rank() - things[a].state.Rank() })
	slices.Sort(order[:n])
	for i, at := range order {
		if i < n {
			picked = append(picked, things[at])
		} else {
			hidden = append(hidden, things[at])
		}
	}
	return picked, hidden
}

// lead finds the ways from each column to the next. Where what carries a thing has no column of its own, what
// carries that leads to it.
func (l *impactLayout) lead(b *impactBoard) {
	index := map[string]int{}
	for i := range l.boxes {
		index[l.boxes[i].id] = i
	}
	above := map[string][]impactWay{}
	for _, c := range b.columns {
		for _, t := range c.things {
			above[t.id] = t.from
		}
	}
	for to := range l.boxes {
		told := map[int]bool{}
		for _, way := range l.boxes[to].from {
			id := way.id
			for range len(b.columns) {
				if _, shown := index[id]; shown || len(above[id]) == 0 {
					break
				}
				id = above[id][0].id
			}
			from, shown := index[id]
			if shown && !told[from] && l.boxes[from].column == l.boxes[to].column-1 {
				told[from] = true
				l.ways = append(l.ways, impactLeads{from, to, way})
			}
		}
	}
	slices.SortStableFunc(l.ways, func(a, b impactLeads) int { return a.urgency() - b.urgency() })
}

// urgency orders ways so that what matters is painted last.
func (w *impactLeads) urgency() int {
	switch {
	case w.down:
		return 2
	case w.use >= 0.8:
		return 1
	}
	return 0
}

func (l *impactLayout) paint(n pen, env Env, body plot.Rect) {
	k := n.k
	for _, t := range l.titles {
		at := t.at.Offset(body.X, body.Y)
		n.text(at.X, at.Y+17*k, n.fit(t.text, 18, false, at.W), 18, false, n.p.Muted)
		if more := countKinds(t.hidden, env); more != "" {
			x := at.X
			if t.state.Problem() {
				n.mark(t.state, x+8*k, at.Bottom()-9*k, 16)
				x += 22 * k
			}
			n.text(x, at.Bottom()-4*k, n.fit("+ "+more, 18, true, at.Right()-x), 18, true, n.p.Text2)
		}
	}
	for _, w := range l.ways {
		n.impactWay(l.boxes[w.from].Offset(body.X, body.Y), l.boxes[w.to].Offset(body.X, body.Y), w.impactWay)
	}
	for _, b := range l.boxes {
		r := b.Offset(body.X, body.Y)
		if b.impactThing == l.about {
			l.focusBox(n, r, b.impactThing)
		} else {
			n.stateBox(r, b.name, b.strong, b.rest, b.state)
		}
	}
}

// impactWay draws a way from the right side of one box to the left of another.
func (n pen) impactWay(a, b plot.Rect, way impactWay) {
	k := n.k
	switch {
	case way.down:
		n.curve(a, b, 3*k, n.p.Critical, plot.Dash{8 * k, 5 * k})
	case way.use >= 0.8:
		n.curve(a, b, 4*k, n.p.Use(way.use), nil)
	default:
		n.curve(a, b, 2*k, n.p.Use(way.use), nil)
	}
}

// focusBox is the thing that all is about: its name, what it is, and what is wrong with it.
func (l *impactLayout) focusBox(n pen, r plot.Rect, t *impactThing) {
	k := n.k
	n.stateBox(r, "", "", "", t.state)
	n.StrokeRound(r.Inset(-5*k), 8*k, max(1, 1.5*k), n.p.Text2, nil)
	x, w := r.X+14*k, r.W-28*k
	n.text(x, r.Y+32*k, n.fit(t.name, 24, true, w), 24, true, n.p.Text)
	n.text(x, r.Y+56*k, n.fit(t.rest, 18, false, w), 18, false, n.p.Muted)
	for i, line := range l.lines {
		col := n.p.Text2
		if i < l.reason && t.state.Problem() {
			col = n.ink(t.state)
		}
		n.text(x, r.Y+(82+impactLine*float64(i))*k, line, 18, false, col)
	}
}
