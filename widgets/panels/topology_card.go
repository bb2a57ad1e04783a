package panels

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// mapCard shows what is known of a selected link or device. It is laid out once and then only painted.
type mapCard struct {
	place  plot.Rect
	blocks []cardBlock
	leads  []cardLead
}

// cardBlock is a part of a card, from the top down.
type cardBlock struct {
	plot.Rect
	paint func(n mapPen, r plot.Rect)
}

// cardLead is a place on a card that leads to something else.
type cardLead struct {
	plot.Rect
	to target
}

// cardLayout stacks blocks into a card; what finds no place is left out.
type cardLayout struct {
	*mapCard
	m    *netMap
	d    *mapDetail
	env  Env
	k    float64
	room plot.Rect // what is left
}

func newMapCard(d *mapDetail, m *netMap, env Env, place plot.Rect) *mapCard {
	k := env.Style.K
	l := &cardLayout{mapCard: &mapCard{place: place}, m: m, d: d, env: env, k: k, room: place.InsetXY(18*k, 8*k)}
	switch {
	case d.gone:
		l.head(env.Text("Not on the map any more"))
	case d.link != nil:
		l.head(env.Text("Selected link"))
		l.linkHead()
		l.evidence()
	default:
		l.head(env.Text("Selected device"))
		l.deviceHead()
		l.facts()
		l.links()
	}
	if d.err != nil {
		l.failure()
	} else {
		l.charts()
	}
	l.news()
	return l.mapCard
}

func (c *mapCard) paint(n mapPen, dx, dy float64) {
	place := pixels(c.place.Offset(dx, dy))
	defer n.Clip(place)()
	n.FillRound(place, 6*n.k, n.p.Surface)
	n.StrokeRound(place.Inset(0.75*n.k), 6*n.k, 1.5*n.k, n.p.Outline, nil)
	for _, b := range c.blocks {
		b.paint(n, b.Offset(dx, dy))
	}
}

// add takes a block of a height from the room that is left, and reports whether there was enough.
func (l *cardLayout) add(h float64, paint func(n mapPen, r plot.Rect)) (plot.Rect, bool) {
	h *= l.k
	if h > l.room.H {
		return plot.Rect{}, false
	}
	var r plot.Rect
	r, l.room = l.room.CutTop(h)
	l.blocks = append(l.blocks, cardBlock{r, paint})
	return r, true
}

func (l *cardLayout) lead(r plot.Rect, t target) { l.leads = append(l.leads, cardLead{r, t}) }

// head says what the card is of, and how it is closed; a tap on that closes it too.
func (l *cardLayout) head(s string) {
	r, ok := l.add(38, func(n mapPen, r plot.Rect) {
		n.text(r.X, r.Y+24*n.k, s, 18, true, n.p.Text2)
		n.right(r.Right(), r.Y+24*n.k, l.env.Text("Esc closes"), 18, false, n.p.Muted)
	})
	if ok {
		_, closing := r.CutLeft(r.W / 2)
		l.lead(closing, target{})
	}
}

// short tells whether the card is so low that the charts need the room of the lesser facts.
func (l *cardLayout) short() bool { return l.place.H < 640*l.k }

// section is a rule with a heading below it.
func (l *cardLayout) section(left, right string) bool {
	_, ok := l.add(40, func(n mapPen, r plot.Rect) {
		n.rule(r.X, r.Right(), r.Y+6*n.k, n.p.Grid)
		x := n.text(r.X, r.Y+31*n.k, left, 18, true, n.p.Text2)
		n.right(r.Right(), r.Y+31*n.k, n.fit(right, 18, false, r.Right()-x-16*n.k), 18, false, n.p.Muted)
	})
	return ok
}

// linkHead shows both ends, the cable between them, and how it fares.
func (l *cardLayout) linkHead() {
	link, ends := l.d.link, l.d.ends
	box := func(r plot.Rect, end int) plot.Rect {
		w := 0.37 * r.W
		b := plot.Rect{X: r.X, Y: r.Y, W: w, H: 62 * l.k}
		if end == 1 {
			b.X = r.Right() - w
		}
		return b
	}
	r, ok := l.add(74, func(n mapPen, r plot.Rect) {
		left, right := box(r, 0), box(r, 1)
		y := left.Center().Y
		w := &netWire{link: l.linkIndex(), pts: []plot.Point{{X: left.Right(), Y: y}, {X: right.X, Y: y}}, width: 6 * n.k, cross: plot.Point{X: r.Center().X, Y: y}}
		if link.down {
			n.downWire(w)
			n.cross(w)
		} else {
			n.wire(w)
		}
		for e, b := range []plot.Rect{left, right} {
			b = pixels(b)
			n.frame(b, 5*n.k, formBox, l.nodeState(e), false)
			n.TextCenter(b.Center().X, b.Y+26*n.k, middle(n.pen, ends[e].device.Name, 20, true, b.W-12*n.k), n.font(20, true), n.p.Text)
			n.TextCenter(b.Center().X, b.Y+50*n.k, n.fit(ends[e].name, 18, false, b.W-12*n.k), n.font(18, false), n.p.Muted)
		}
	})
	if ok {
		l.lead(box(r, 0), target{entity: link.A})
		l.lead(box(r, 1), target{entity: link.B})
	}
	text := l.env.Text
	var head string
	sub := text("Since %s", clock(link.Since, l.d.now, l.m.zone(), "15:04:05"))
	state := link.State
	age := Duration(text, l.d.now.Sub(link.Since))
	switch {
	case link.down:
		head = text("Down for %s", age)
	case link.stale:
		state = model.Stale
		head = text("Not confirmed for %s", Duration(text, l.d.now.Sub(link.Seen)))
	case link.State == model.Unknown:
		head = text("State not known")
	default:
		head = text("Up for %s", age)
	}
	if link.Since.IsZero() {
		sub = ""
	}
	if link.Reason != "" {
		sub = strings.TrimPrefix(sub+". "+l.env.Said(link.Reason), ". ")
	}
	l.headline(state, link.ack, head, sub)
}

func (l *cardLayout) linkIndex() int {
	for i := range l.m.links {
		if &l.m.links[i] == l.d.link {
			return i
		}
	}
	return 0
}

// nodeState is the state of the node at an end of the link.
func (l *cardLayout) nodeState(end int) model.State {
	return l.m.nodes[[2]int{l.d.link.a, l.d.link.b}[end]].state
}

// headline is a state with its words, large.
func (l *cardLayout) headline(state model.State, ack bool, head, sub string) {
	l.add(72, func(n mapPen, r plot.Rect) {
		size := 40 * n.k
		n.Mark(markKind(state), r.X+size/2, r.Y+32*n.k, size, n.p, n.k, plot.MarkOptions{Ack: ack, Behind: n.p.Surface})
		x := r.X + size + 16*n.k
		n.text(x, r.Y+30*n.k, n.fit(head, 26, true, r.Right()-x), 26, true, n.p.Text)
		n.text(x, r.Y+56*n.k, n.fit(sub, 18, false, r.Right()-x), 18, false, n.p.Muted)
	})
}

// evidence compares what the two ends say, row by row.
func (l *cardLayout) evidence() {
	text, link, ends := l.env.Text, l.d.link, l.d.ends
	cols := func(r plot.Rect) [3]float64 { return [3]float64{r.X, r.X + 0.31*r.W, r.X + 0.66*r.W} }
	row := func(name string, bold bool, cells [2]string, states [2]model.State) {
		l.add(26, func(n mapPen, r plot.Rect) {
			x := cols(r)
			ink := n.p.Muted
			if bold {
				ink = n.p.Text2
			}
			n.text(x[0], r.Y+19*n.k, n.fit(name, 18, bold, x[1]-x[0]-8*n.k), 18, bold, ink)
			for e, s := range cells {
				end := r.Right()
				if e == 0 {
					end = x[2] - 10*n.k
				}
				at, col := x[e+1], n.p.Text
				if bold {
					col = n.p.Muted
				}
				if s == "" {
					s, col = "–", n.p.Muted
				}
				if states[e].Problem() || states[e] == model.Stale {
					n.mark(states[e], at+9*n.k, r.Y+13*n.k, 18)
					at, col = at+24*n.k, n.ink(states[e])
				}
				n.text(at, r.Y+19*n.k, n.fit(s, 18, false, end-at), 18, false, col)
			}
		})
	}
	plain := [2]model.State{model.OK, model.OK}
	each := func(f func(e *mapEnd) string) [2]string { return [2]string{f(&ends[0]), f(&ends[1])} }
	l.add(10, func(n mapPen, r plot.Rect) { n.rule(r.X, r.Right(), r.Y+4*n.k, n.p.Grid) })
	row(text("Evidence"), true, each(func(e *mapEnd) string { return text("%s says", e.device.Name) }), plain)
	row(text("Neighbour by"), false, each(func(e *mapEnd) string { return strings.Join(e.says, ", ") }), plain)
	row(text("Heard"), false, each(func(e *mapEnd) string {
		if len(e.says) == 0 || e.device.Seen.IsZero() {
			return ""
		}
		return text("%s ago", Duration(text, l.d.now.Sub(e.device.Seen)))
	}), [2]model.State{staleOnly(ends[0].device.State), staleOnly(ends[1].device.State)})
	row(text("Port state"), false, each(func(e *mapEnd) string {
		if e.port.Kind == "" {
			return ""
		}
		return cmp.Or(l.env.Said(e.port.Reason), e.port.Labels["oper"], text(e.port.State.String()))
	}), [2]model.State{ends[0].port.State, ends[1].port.State})
	row(text("Speed"), false, each(func(e *mapEnd) string {
		if bps, err := strconv.ParseFloat(e.port.Labels["speed_bps"], 64); err == nil && bps > 0 {
			return plot.FormatText(bps, "bps")
		}
		if link.SpeedBPS > 0 {
			return plot.FormatText(link.SpeedBPS, "bps")
		}
		return text("unknown")
	}), plain)
	short := l.short()
	if !short {
		row(text("Sends"), false, [2]string{l.share(0), l.share(1)}, plain)
	}
	if !short && (ends[0].port.Labels["ifAlias"] != "" || ends[1].port.Labels["ifAlias"] != "") {
		row(text("Alias"), false, each(func(e *mapEnd) string { return e.port.Labels["ifAlias"] }), plain)
	}
	l.add(32, func(n mapPen, r plot.Rect) {
		s := text("Both ends agree: confidence %s", fmt.Sprintf("%.1f", link.Confidence))
		agree := link.Confidence >= 1
		if !agree {
			s = text("Not confirmed by both ends: confidence %s", fmt.Sprintf("%.1f", link.Confidence))
		}
		x := r.X
		if agree {
			n.Check(x+9*n.k, r.Y+14*n.k, 16*n.k, 2*n.k, n.p.OK)
			x += 26 * n.k
		}
		n.text(x, r.Y+20*n.k, n.fit(s, 18, false, r.Right()-x), 18, false, n.p.Text2)
	})
}

// share is what an end sends of the link's speed.
func (l *cardLayout) share(end int) string {
	use := l.d.link.use[end]
	switch {
	case l.d.link.down:
		return ""
	case math.IsNaN(use) && l.d.link.SpeedBPS <= 0:
		return l.env.Text("speed not known")
	case math.IsNaN(use):
		return l.env.Text("not known")
	}
	return plot.FormatText(100*use, "percent")
}

// deviceHead names the device and how it fares.
func (l *cardLayout) deviceHead() {
	d, text := l.d.device, l.env.Text
	sub := l.env.Said(d.Reason)
	if sub == "" && len(d.alerts) > 0 {
		sub = l.env.SaidAfter(cmp.Or(d.alerts[0].Annotations["summary_"+l.env.Lang], d.alerts[0].Title))
	}
	if !d.Since.IsZero() {
		sub = strings.TrimPrefix(sub+", "+text("since %s", clock(d.Since, l.d.now, l.m.zone(), "15:04")), ", ")
	}
	ack := len(d.alerts) > 0 && d.alerts[0].AckBy != ""
	l.headline(d.state, ack, d.Name, sub)
}

// facts are what the device says of itself, and who saw it when.
func (l *cardLayout) facts() {
	d, text := l.d.device, l.env.Text
	fact := func(name, value string) {
		if value == "" {
			return
		}
		l.add(26, func(n mapPen, r plot.Rect) {
			x := r.X + 0.31*r.W
			n.text(r.X, r.Y+19*n.k, n.fit(name, 18, false, x-r.X-8*n.k), 18, false, n.p.Muted)
			n.text(x, r.Y+19*n.k, n.fit(value, 18, false, r.Right()-x), 18, false, n.p.Text)
		})
	}
	fact(text("Address"), d.Labels["address"])
	if !l.short() {
		fact(text("Hardware"), strings.TrimSpace(d.Labels["vendor"]+" "+d.Labels["hardware"]))
		fact(text("Software"), strings.TrimSpace(d.Labels["os"]+" "+d.Labels["version"]))
		fact(text("Serial"), d.Labels["serial"])
		fact(text("Place"), d.Labels["sysLocation"])
	}
	if !d.Seen.IsZero() {
		fact(text("Seen"), strings.TrimSuffix(text("%s ago", Duration(text, l.d.now.Sub(d.Seen)))+", "+d.Source, ", "))
	}
}

// mostLinks is how many cables a device's card lists, and how many where it is low.
const mostLinks, fewLinks = 6, 3

// links lists the device's cables, problems first.
func (l *cardLayout) links() {
	d, text := l.d.device, l.env.Text
	if len(d.links) == 0 {
		return
	}
	more, most := "", mostLinks
	if l.short() {
		most = fewLinks
	}
	if n := len(d.links) - most; n > 0 {
		more = text("+%d more", n)
	}
	if !l.section(text("Links, problems first"), more) {
		return
	}
	for _, i := range d.links[:min(len(d.links), most)] {
		link := &l.m.links[i]
		near, far, node := link.APort, link.BPort, link.b
		if link.B == d.ID {
			near, far, node = link.BPort, link.APort, link.a
		}
		name := l.m.nodes[node].name
		r, ok := l.add(28, func(n mapPen, r plot.Rect) {
			state := model.OK
			var right string
			switch use, _ := link.hottest(); {
			case link.down:
				state, right = model.Critical, text("down")
			case link.stale:
				state, right = model.Stale, text("stale")
			case math.IsNaN(use) && link.SpeedBPS <= 0:
				right = text("speed not known")
			case math.IsNaN(use):
				right = text("use not known")
			default:
				right = plot.FormatText(100*use, "percent")
				if use >= 0.95 {
					state = model.Critical
				} else if use >= 0.8 {
					state = model.Warning
				}
			}
			n.mark(state, r.X+9*n.k, r.Y+14*n.k, 18)
			x := n.right(r.Right(), r.Y+20*n.k, right, 18, state.Problem(), n.ink(state))
			to := r.X + 28*n.k
			s := near + " – " + name + " " + far
			n.text(to, r.Y+20*n.k, n.fit(s, 18, false, x-to-10*n.k), 18, false, n.p.Text2)
		})
		if ok {
			l.lead(r, target{link: link.Key()})
		}
	}
}

// failure says why there are no charts.
func (l *cardLayout) failure() {
	if !l.section(l.env.Text("Traffic"), l.env.Text("cannot be read")) {
		return
	}
	l.add(52, func(n mapPen, r plot.Rect) {
		for i, s := range wrapWords(n.pen, l.env.Said(l.d.err.Error()), 18, false, r.W, 2) {
			n.text(r.X, r.Y+float64(18+24*i)*n.k, s, 18, false, n.p.Text2)
		}
	})
}

// charts are the traffic and the errors; they share what is left above the news.
func (l *cardLayout) charts() {
	if l.d.gone {
		return
	}
	text := l.env.Text
	right := text("not measured")
	if l.d.traffic != nil && len(l.d.traffic.Series) > 0 {
		s := l.d.traffic.Series
		right = s[0].Name
		switch {
		case len(s) > 1:
			right = text("%s up, %s down", s[0].Name, s[1].Name)
		case s[0].Points[0].V < 0:
			right = text("%s down", s[0].Name)
		}
	}
	name := text("Traffic")
	if l.d.traffic != nil {
		name = text("Traffic, %s", l.d.traffic.AxisUnit(160*l.k, l.env.Style).Suffix)
	}
	l.chart(name, right, l.d.traffic, 0.42)
	if l.d.errors == nil {
		l.section(text("Errors a minute"), text("not measured"))
		return
	}
	right = ""
	if len(l.d.errors.Series) > 1 {
		right = l.d.errors.Series[0].Name + ", " + l.d.errors.Series[1].Name
	}
	l.chart(text("Errors a minute"), right, l.d.errors, 0.45)
}

// leastChart is the height below which a chart says nothing.
const leastChart = 64

// chart takes a share of the room that is left, between what is legible and what is comfortable.
func (l *cardLayout) chart(name, right string, c *plot.Chart, share float64) {
	if !l.section(name, right) || c == nil {
		return
	}
	h := math.Min(l.room.H/l.k, math.Max(90, math.Min(share*l.room.H/l.k, 220)))
	if h < leastChart {
		return
	}
	l.add(h, func(n mapPen, r plot.Rect) { plot.DrawChart(n.Canvas, r, c, l.env.Style) })
}

// news are the last events of the device, or of both ports.
func (l *cardLayout) news() {
	if l.d.gone || !l.section(l.env.Text("Last events"), "") {
		return
	}
	if len(l.d.events) == 0 {
		l.add(26, func(n mapPen, r plot.Rect) {
			n.text(r.X, r.Y+19*n.k, l.env.Text("None on record"), 18, false, n.p.Muted)
		})
	}
	for _, e := range l.d.events {
		_, ok := l.add(28, func(n mapPen, r plot.Rect) {
			at := clock(e.Time, l.d.now, l.m.zone(), "15:04:05")
			x := n.text(r.X, r.Y+20*n.k, at, 18, false, n.p.Muted) + 12*n.k
			n.mark(e.Severity, x+9*n.k, r.Y+14*n.k, 18)
			x += 26 * n.k
			s := strings.TrimPrefix(eventTitle(e, l.env)+" "+eventText(e, l.env), " ")
			n.text(x, r.Y+20*n.k, n.fit(s, 18, false, r.Right()-x), 18, false, n.p.Text2)
		})
		if !ok {
			return
		}
	}
}

// staleOnly is stale or nothing worth a mark: how the device fares otherwise is said elsewhere.
func staleOnly(s model.State) model.State {
	if s == model.Stale {
		return s
	}
	return model.OK
}
