package panels

import (
	"math"
	"strconv"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// cardWidest is the width at density 1 beyond which a card shows more instead of spreading.
const cardWidest = 560

// cardSizes are the least sizes of cards at density 1, from what tells most to what tells least.
var cardSizes = []struct{ w, h, gap float64 }{{300, 120, 12}, {176, 58, 8}, {150, 28, 6}}

// cardPlaces shares a place out among n cards of the most telling size of which all fit, in as few rows as keep
// them wide enough. Where not even the smallest all fit there are fewer places than cards.
func cardPlaces(place plot.Rect, n int, k float64) []plot.Rect {
	for i, size := range cardSizes {
		gap := size.gap * k
		perRow := max(1, int((place.W+gap)/(size.w*k+gap)))
		rows := max(1, int((place.H+gap)/(size.h*k+gap)))
		if n > perRow*rows && i < len(cardSizes)-1 {
			continue
		}
		rows = min(rows, (n+perRow-1)/perRow)
		perRow = min(perRow, (n+rows-1)/rows)
		w := (place.W - float64(perRow-1)*gap) / float64(perRow)
		h := (place.H - float64(rows-1)*gap) / float64(rows)
		out := make([]plot.Rect, 0, n)
		for i := range min(n, perRow*rows) {
			out = append(out, plot.Rect{X: math.Round(place.X + float64(i%perRow)*(w+gap)), Y: math.Round(place.Y + float64(i/perRow)*(h+gap)), W: math.Round(w), H: math.Round(h)})
		}
		return out
	}
	return nil
}

func paintCards(n pen, env Env, place plot.Rect, list []cluster, now time.Time) {
	places := cardPlaces(place, len(list), n.k)
	for i, card := range places {
		more := 0
		if i == len(places)-1 {
			more = len(list) - len(places)
		}
		if card.H < 108*n.k || card.W < 240*n.k {
			paintSmallCard(n, env, card, &list[i], more, now)
		} else {
			paintCard(n, env, card, list[i], more, now)
		}
	}
}

// paintCardFrame draws what a card stands on.
func paintCardFrame(n pen, card plot.Rect, state model.State) {
	k := n.k
	n.FillRound(card, 6*k, n.p.Surface)
	switch state {
	case model.Critical:
		n.StrokeRound(card, 6*k, 2*k, n.p.Critical, nil)
	case model.Stale:
		n.Hatch(card.Inset(k), 6*k, 9*k, 1.5*k, n.p.Hatch)
		n.StrokeRound(card, 6*k, 1.5*k, n.p.State(markKind(state)), plot.Dash{6 * k, 4 * k})
	case model.Unknown:
		n.StrokeRound(card, 6*k, 1.5*k, n.p.State(markKind(state)), plot.Dash{6 * k, 4 * k})
	default:
		n.StrokeRound(card, 6*k, max(1, k), n.p.Edge, nil)
	}
}

// paintSmallCard is one of many: the name and how many pods are not well and, where it is high enough, nodes and
// pods below.
func paintSmallCard(n pen, env Env, card plot.Rect, c *cluster, more int, now time.Time) {
	k := n.k
	paintCardFrame(n, card, c.state)
	defer n.Clip(card)()
	dim := c.state == model.Stale || c.state == model.Unknown
	line := plot.Rect{X: card.X + 10*k, Y: card.Y, W: card.W - 20*k, H: card.H}
	two := card.H >= 54*k
	if two {
		line.H = card.H / 2
	}
	base := line.Center().Y + 7*k
	n.mark(c.state, line.X+10*k, base-7*k, 22)
	x, edge := line.X+28*k, line.Right()
	side, ink := "", n.ink(model.Warning)
	switch missing := c.pods - c.podsReady; {
	case more > 0:
		side, ink = env.Text("+%d more", more), n.p.Text
	case c.state == model.Stale:
		side, ink = Duration(env.Text, now.Sub(c.seen)), n.p.Text2
	case !two && c.podsReady >= 0 && missing > 0:
		side = strconv.Itoa(missing)
	}
	if side != "" {
		edge = n.right(edge, base, side, 18, true, ink) - 8*k
	}
	name := middle(n, c.name, 18, c.state.Problem(), edge-x)
	if dim {
		n.under(x, x+n.width(name, 18, false), base, 18)
	}
	n.text(x, base, name, 18, c.state.Problem(), n.p.Text)
	if !two {
		return
	}
	base = card.Y + card.H*.75 + 5*k
	right, names := line.Right(), card.W >= 240*k && !dim
	if names {
		right = n.right(right, base, env.Text("pods"), 18, false, n.p.Muted) - 6*k
	}
	ofTotal(n, right, base, c.podsReady, c.pods, model.Warning, dim)
	if x := smallOfTotal(n, line.X, base, c.nodesReady, c.nodes, model.Critical, dim); names {
		n.text(x+6*k, base, env.Text("nodes"), 18, false, n.p.Muted)
	}
}

// smallOfTotal is ofTotal from x on; it returns where that ends.
func smallOfTotal(n pen, x, base float64, ready, total int, missing model.State, dim bool) float64 {
	w := n.width("–", 24, false)
	if ready >= 0 && total >= 0 {
		w = n.width(strconv.Itoa(ready), 24, ready < total && !dim) + n.width("/"+strconv.Itoa(total), 20, false)
		if ready < total && !dim && missing == model.Critical {
			w += 18 * n.k // its plate
		}
	}
	ofTotal(n, x+w, base, ready, total, missing, dim)
	return x + w
}

func paintCard(n pen, env Env, card plot.Rect, c cluster, more int, now time.Time) {
	k := n.k
	dim := c.state == model.Stale || c.state == model.Unknown
	paintCardFrame(n, card, c.state)
	restore := n.Clip(card)
	defer restore()
	n.mark(c.state, card.X+32*k, card.Y+31*k, 30)
	right := card.Right() - 18*k
	side, col, room := c.version, n.p.Muted, card.W*.4
	switch {
	case c.state == model.Stale:
		side, col = env.Text("%s old", Duration(env.Text, now.Sub(c.seen))), n.p.Text
	case c.denied != "":
		side, col, room = env.Text("no permission: %s", c.denied), n.p.Unknown, card.W*.55
	case dim:
		side, col = env.Said(c.reason), n.p.Text
	}
	if more > 0 {
		side = env.Text("+%d more", more)
		col = n.p.Text
	}
	side = n.fit(side, 18, dim, room)
	if dim {
		n.under(right-n.width(side, 18, true), right, card.Y+38*k, 18)
	}
	sideX := n.right(right, card.Y+38*k, side, 18, dim, col)
	name := n.fit(c.name, 24, true, sideX-card.X-72*k)
	if dim {
		n.under(card.X+56*k, card.X+56*k+n.width(name, 24, true), card.Y+39*k, 24)
	}
	n.text(card.X+56*k, card.Y+39*k, name, 24, true, n.p.Text)

	// A card is laid out in at most cardWidest; what is wider shows more figures.
	core := plot.Rect{X: card.X, Y: card.Y, W: min(card.W, cardWidest*k), H: card.H}
	if card.W < (cardWidest+180)*k {
		core.W = card.W
	}
	paintClusterFacts(n, plot.Rect{X: core.Right() + 24*k, Y: card.Y, W: card.Right() - core.Right() - 24*k, H: card.H}, c.more, dim)
	card, right = core, core.Right()-18*k
	use := card.W >= 350*k
	podsX := card.X + card.W*.375
	useW, memory := 112*k, env.Text("Memory")
	switch {
	case card.W >= 560*k:
		useW = 170 * k
	case card.W < 400*k:
		useW, memory = 84*k, env.Text("Mem")
	case c.cpuAsked || c.memoryAsked: // longer names
		useW, memory = 132*k, env.Text("Mem")
	}
	if !use {
		podsX = card.X + card.W*.46
	}
	cardFigure(n, card.X+18*k, card.Y, podsX-card.X-24*k, c.nodesReady, c.nodes, env.Text("nodes"), model.Critical, dim, func(missing int) string { return env.Text("%d not ready", missing) })
	room = card.Right() - podsX - 18*k
	if use {
		room = right - useW - 12*k - podsX
	}
	cardFigure(n, podsX, card.Y, room, c.podsReady, c.pods, env.Text("pods"), model.Warning, dim, func(missing int) string { return env.Text("%d not well", missing) })
	if use {
		cardUse(n, env, plot.Rect{X: right - useW, Y: card.Y + 66*k, W: useW, H: 34 * k}, env.Text("CPU"), c.cpu, c.cpuAsked, dim)
		cardUse(n, env, plot.Rect{X: right - useW, Y: card.Y + 100*k, W: useW, H: 34 * k}, memory, c.memory, c.memoryAsked, dim)
	}
}

// cardFigure writes "11/12" large and what it counts below it.
func cardFigure(n pen, x, top, w float64, ready, total int, what string, missing model.State, dim bool, say func(int) string) {
	k := n.k
	base, below := top+100*k, top+130*k
	if ready < 0 || total < 0 {
		n.text(x, base, "–", 48, false, n.p.Muted)
		n.text(x, below, n.fit(what, 18, false, w), 18, false, n.p.Muted)
		return
	}
	text, rest := strconv.Itoa(ready), "/"+strconv.Itoa(total)
	bad := ready < total && !dim
	size := 48.0
	for size > 26 && n.width(text, size, bad)+n.width(rest, size/2, false)+16*k > w {
		size -= 2
	}
	col, bold := n.p.Text, false
	switch {
	case dim:
		col = n.p.Muted
		n.under(x, x+n.width(text, size, false)+n.width(rest, size/2, false), base, size)
		n.under(x, x+n.width(what, 18, false), below, 18)
	case bad && missing == model.Critical:
		tw := n.width(text, size, true)
		n.FillRound(plot.Rect{X: x - 2*k, Y: base - size*.9*k, W: tw + 14*k, H: size * 1.08 * k}, 5*k, n.p.Critical)
		col, bold = n.p.OnCrit, true
		x += 5 * k
	case bad:
		col, bold = n.p.WarnText, true
	}
	end := n.text(x, base, text, size, bold, col)
	if bad && missing == model.Critical {
		end += 10 * k
		x -= 5 * k
	}
	n.text(end, base, rest, size/2, false, n.p.Muted)
	text = say(total - ready)
	both := n.width(what, 18, false) + 6*k + n.width(text, 18, false)
	if !bad || both <= w || n.width(text, 18, false) > w { // what is wrong goes before what is counted
		x = n.text(x, below, n.fit(what, 18, false, w), 18, false, n.p.Muted) + 6*k
	}
	if bad && n.width(text, 18, false) <= w {
		n.text(x, below, text, 18, false, n.ink(missing))
	}
}

// cardUse writes a name, a percentage and its bar.
func cardUse(n pen, env Env, r plot.Rect, name string, percent float64, asked, dim bool) {
	k := n.k
	base := r.Y + 18*k
	if asked {
		name = env.Text("%s asked", name)
	}
	value, col := "–", n.p.Text
	if !math.IsNaN(percent) {
		value = strconv.Itoa(int(math.Round(percent)))
	}
	if dim || value == "–" {
		col = n.p.Muted
	}
	if dim {
		n.under(r.X, r.Right(), base, 20)
	}
	x := n.right(r.Right(), base+1*k, value, 20, false, col)
	n.text(r.X, base, n.fit(name, 18, false, x-r.X-6*k), 18, false, n.p.Muted)
	if !dim {
		share := percent / 100
		if asked { // requested, not used: an outline, for nothing was measured
			n.StrokeRound(plot.Rect{X: r.X, Y: r.Y + 26*k, W: r.W * clamp01(share), H: 5 * k}, 2*k, max(1, k), n.p.Bar, nil)
			return
		}
		n.bar(plot.Rect{X: r.X, Y: r.Y + 26*k, W: r.W, H: 5 * k}, share, n.p.Bar)
	}
}
