package panels

import (
	"math"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// placeZones draws the areas of impacts: one rectangle where it holds nothing else, otherwise one
// around each box that is hit.
func (a *arranger) placeZones() {
	for _, im := range a.impacts {
		head := a.boxOf[a.index[im.head]]
		if head < 0 {
			continue
		}
		var hit []int
		mine := map[int]bool{}
		for i := range im.nodes {
			if b := a.boxOf[i]; b >= 0 && !mine[b] {
				mine[b] = true
				hit = append(hit, b)
			}
		}
		slices.Sort(hit)
		area := a.boxes[head].Rect
		for _, b := range hit {
			area = union(area, a.boxes[b].Rect)
		}
		for _, l := range a.labels { // what is counted below belongs to it
			if r := a.labelRect(l); l.x > area.X && l.x < area.Right() && l.y > area.Bottom() {
				area = union(area, r)
			}
		}
		for b, box := range a.boxes { // "+3" below a switch that is hit
			if box.node < 0 && box.X >= area.X-1 && box.Right() <= area.Right()+1 && box.Y > area.Y {
				mine[b] = true
				area = union(area, box.Rect)
			}
		}
		lines := a.impactLines(im)
		area = plot.Rect{X: area.X - 12*a.k, Y: area.Y - 16*a.k, W: area.W + 24*a.k, H: area.H + 26*a.k}
		if a.full {
			area = a.roomForLines(area, lines, mine)
		}
		area = area.Intersect(a.area)
		if a.free(area, mine) {
			z := netZone{Rect: area}
			if a.full && a.linesFit(area, lines) {
				z.lines = lines
			}
			a.zones = append(a.zones, z)
			continue
		}
		for _, b := range hit {
			a.zones = append(a.zones, netZone{Rect: a.boxes[b].Inset(-math.Min(5*a.k, a.boxes[b].W/4))})
		}
	}
}

// impactLines says what an impact is, as far as it is known.
func (a *arranger) impactLines(im netImpact) []string {
	since := im.since.In(a.zone()).Format("15:04")
	lines := []string{a.text("On backup path since %s", since)}
	if im.cutOff {
		lines[0] = a.text("Cut off since %s", since)
	}
	var parts []string
	if im.switches > 0 {
		parts = append(parts, a.switches(im.switches))
	}
	if im.servers > 0 {
		parts = append(parts, a.servers(im.servers))
	}
	if im.others > 0 {
		parts = append(parts, a.neighbours(im.others))
	}
	if parts != nil {
		lines = append(lines, strings.Join(parts, ", "))
	}
	return lines
}

func (m *netMap) switches(n int) string {
	if n == 1 {
		return m.text("1 switch")
	}
	return m.text("%d switches", n)
}

func (m *netMap) servers(n int) string {
	if n == 1 {
		return m.text("1 server")
	}
	return m.text("%d servers", n)
}

func (m *netMap) neighbours(n int) string {
	if n == 1 {
		return m.text("1 neighbour")
	}
	return m.text("%d neighbours", n)
}

// roomForLines grows an area for its text where nothing else stands in the way.
func (a *arranger) roomForLines(area plot.Rect, lines []string, mine map[int]bool) plot.Rect {
	want := 28 * a.k
	for i, s := range lines {
		want = math.Max(want, a.measure(s, 18*a.k, i == 0)+28*a.k)
	}
	grown := area
	if want > area.W {
		grown.X, grown.W = area.X-(want-area.W)/2, want
		grown.X = math.Max(a.area.X, math.Min(grown.X, a.area.Right()-want))
	}
	grown.H += float64(len(lines))*24*a.k + 14*a.k
	if grown.Bottom() <= a.area.Bottom() && a.free(grown, mine) {
		return grown
	}
	return area
}

// linesFit tells whether an area has room for its text below the boxes in it.
func (a *arranger) linesFit(area plot.Rect, lines []string) bool {
	text := plot.Rect{X: area.X, Y: area.Bottom() - float64(len(lines))*24*a.k - 14*a.k, W: area.W, H: float64(len(lines))*24*a.k + 14*a.k}
	for i, s := range lines {
		if a.measure(s, 18*a.k, i == 0)+24*a.k > area.W {
			return false
		}
	}
	return a.free(text, nil)
}

// free tells whether no box but those of except stands in r.
func (a *arranger) free(r plot.Rect, except map[int]bool) bool {
	for i, b := range a.boxes {
		if !except[i] && !b.Intersect(r).Empty() {
			return false
		}
	}
	return true
}

func union(a, b plot.Rect) plot.Rect {
	x, y := math.Min(a.X, b.X), math.Min(a.Y, b.Y)
	return plot.Rect{X: x, Y: y, W: math.Max(a.Right(), b.Right()) - x, H: math.Max(a.Bottom(), b.Bottom()) - y}
}

// labelRect is the area of a label's text.
func (a *arranger) labelRect(l netLabel) plot.Rect {
	w := a.measure(l.s, l.size, l.bold)
	x := l.x
	switch l.align {
	case 0:
		x -= w / 2
	case 1:
		x -= w
	}
	return plot.Rect{X: x, Y: l.y - 0.8*l.size, W: w, H: l.size}
}

// placeCrosses puts the plate of a cable that is down where the fewest other cables run.
func (a *arranger) placeCrosses() {
	r := a.crossSize()/2 + 2*a.k
	for i := range a.wires {
		w := &a.wires[i]
		if !a.links[w.link].down {
			continue
		}
		if w.form == wireTree {
			w.cross, w.at = w.foot(), 1
			continue
		}
		best := math.Inf(1)
		for _, t := range []float64{0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74} {
			p := along(w.pts, t)
			plate := plot.Rect{X: p.X - r, Y: p.Y - r, W: 2 * r, H: 2 * r}
			score := float64(a.crossings(plate, i)) + 4*math.Abs(t-0.46)
			if !a.free(plate, nil) {
				score += 100
			}
			if score < best {
				w.cross, w.at, best = p, t, score
			}
		}
	}
}

// crossSize is the side of the plate on a cable that is down.
func (a *arranger) crossSize() float64 {
	if a.full {
		return 34 * a.k
	}
	return 28 * a.k
}

// crossings counts the cables but one that run through r.
func (a *arranger) crossings(r plot.Rect, except int) int {
	n := 0
	for i, w := range a.wires {
		if i == except {
			continue
		}
		for j := 1; j < len(w.pts); j++ {
			if touches(r, w.pts[j-1], w.pts[j]) {
				n++
				break
			}
		}
	}
	return n
}

// touches tells whether the line from p to q runs through r.
func touches(r plot.Rect, p, q plot.Point) bool {
	t0, t1 := 0.0, 1.0
	dx, dy := q.X-p.X, q.Y-p.Y
	for _, side := range [4][2]float64{{-dx, p.X - r.X}, {dx, r.Right() - p.X}, {-dy, p.Y - r.Y}, {dy, r.Bottom() - p.Y}} {
		switch d, room := side[0], side[1]; {
		case d == 0:
			if room < 0 {
				return false
			}
		case d < 0:
			t0 = math.Max(t0, room/d)
		default:
			t1 = math.Min(t1, room/d)
		}
	}
	return t0 <= t1
}

// taken are the areas that no badge and no flag may cover.
func (a *arranger) taken() []plot.Rect {
	var out []plot.Rect
	for _, b := range a.boxes {
		if b.W > 8*a.k {
			out = append(out, b.Rect)
		}
	}
	for _, l := range a.labels {
		out = append(out, a.labelRect(l))
	}
	r := a.crossSize()/2 + 4*a.k
	for _, w := range a.wires {
		if a.links[w.link].down {
			out = append(out, plot.Rect{X: w.cross.X - r, Y: w.cross.Y - r, W: 2 * r, H: 2 * r})
		}
	}
	for _, g := range a.groups {
		if g.name != "" {
			out = append(out, plot.Rect{X: g.X + 12*a.k, Y: g.at, W: math.Min(g.W-24*a.k, a.measure(g.name, 18*a.k, true)), H: groupHead * a.k})
		}
	}
	for _, ring := range a.rings {
		out = append(out, plot.Rect{X: ring.at.X - ring.size/2, Y: ring.at.Y - ring.size/2, W: ring.size, H: ring.size})
	}
	for _, z := range a.zones {
		if n := float64(len(z.lines)); n > 0 {
			out = append(out, plot.Rect{X: z.X, Y: z.Bottom() - n*24*a.k - 10*a.k, W: z.W, H: n*24*a.k + 10*a.k})
		}
	}
	return out
}

// maxBadges bounds how many hot links are given a figure: the hottest.
const maxBadges = 12

// placeMarks places the names of aggregations, the flag, and the badges of hot links. Nothing
// overlaps: a badge that finds no place is left out, since its link is coloured anyway.
func (a *arranger) placeMarks() {
	taken := a.taken()
	for _, b := range a.boxes {
		if b.node < 0 || b.form != formBox || a.nodes[b.node].state != model.Stale || a.nodes[b.node].seen.IsZero() {
			continue
		}
		l := netLabel{x: b.Center().X, y: b.Bottom() + 22*a.k, s: a.text("%s old", Duration(a.text, a.now.Sub(a.nodes[b.node].seen))), size: 18 * a.k, strong: true, node: -1}
		above := l
		above.x, above.y, above.align = b.Center().X+10*a.k, b.Y-9*a.k, -1
		for _, l := range []netLabel{l, above} {
			if rect := a.labelRect(l); uncovered(rect, taken) && a.crossings(rect, -1) == 0 && within(rect, a.area) {
				a.labels = append(a.labels, l)
				taken = append(taken, rect)
				break
			}
		}
	}
	for _, r := range a.rings {
		if r.name == "" {
			continue
		}
		above := netLabel{x: r.at.X, y: r.at.Y - r.size/2 - 10*a.k, s: r.name, size: 18 * a.k, node: -1}
		below := above
		below.y = r.at.Y + r.size/2 + 24*a.k
		for _, l := range []netLabel{above, below} {
			if rect := a.labelRect(l); uncovered(rect, taken) && within(rect, a.area) {
				a.labels = append(a.labels, l)
				taken = append(taken, rect)
				break
			}
		}
	}
	taken = a.placeFlag(taken)
	var hot []int
	for i, w := range a.wires {
		if u, _ := a.links[w.link].hottest(); u >= 0.8 && !a.links[w.link].down {
			hot = append(hot, i)
		}
	}
	slices.SortStableFunc(hot, func(x, y int) int {
		u, _ := a.links[a.wires[x].link].hottest()
		v, _ := a.links[a.wires[y].link].hottest()
		return int(math.Copysign(1, v-u))
	})
	for _, i := range hot[:min(len(hot), maxBadges)] {
		taken = a.placeBadge(i, taken)
	}
}

// placeBadge places the figure of a hot link beside it, near the end that sends more.
func (a *arranger) placeBadge(i int, taken []plot.Rect) []plot.Rect {
	w := a.wires[i]
	use, end := a.links[w.link].hottest()
	s := itoa(int(use*100)) + " %"
	size := plot.Rect{W: a.measure(s, a.badgeFont(), true) + 50*a.k, H: 32 * a.k}
	var best plot.Rect
	score := math.Inf(1)
	for _, t := range []float64{0.08, 0.16, 0.24, 0.32, 0.42} {
		at := t
		if end == 1 {
			at = 1 - t
		}
		p := along(w.pts, at)
		for side, dx := range []float64{14, -14} {
			for _, dy := range []float64{0, -0.5, 0.5} {
				r := plot.Rect{X: p.X + dx*a.k, Y: p.Y - size.H/2 + dy*size.H, W: size.W, H: size.H}
				if side == 1 {
					r.X -= size.W
				}
				if !uncovered(r.Inset(-3*a.k), taken) || !within(r, a.area) {
					continue
				}
				if got := float64(a.crossings(r, i))*3 + 4*t + math.Abs(dy)*0.3 + float64(side)*0.1 + float64(btoi(touchesPath(r, w.pts)))*6; got < score {
					best, score = r, got
				}
			}
		}
	}
	if math.IsInf(score, 1) {
		return taken
	}
	a.badges = append(a.badges, netBadge{Rect: best, s: s, critical: use >= 0.95})
	return append(taken, best)
}

func touchesPath(r plot.Rect, pts []plot.Point) bool {
	for j := 1; j < len(pts); j++ {
		if touches(r, pts[j-1], pts[j]) {
			return true
		}
	}
	return false
}

func (a *arranger) badgeFont() float64 {
	if a.full {
		return 22 * a.k
	}
	return 20 * a.k
}

// placeFlag places the flag of the root cause beside its cross, on the side with fewer cables.
func (a *arranger) placeFlag(taken []plot.Rect) []plot.Rect {
	for i, w := range a.wires {
		cause := a.links[w.link].cause
		if cause == nil {
			continue
		}
		s := a.text("Root cause, %s", Duration(a.text, a.now.Sub(cause.Since)))
		width, h := a.measure(s, 20*a.k, true)+28*a.k, 34*a.k
		var best *netFlag
		score := math.Inf(1)
		for _, away := range []float64{120, 80, 160, 50, 200, 260} {
			for _, dy := range []float64{-8, -30, 20, -56, 44} {
				for side, left := range []bool{true, false} {
					y := w.cross.Y + dy*a.k - h/2
					x := w.cross.X - away*a.k - width
					if !left {
						x = w.cross.X + away*a.k
					}
					r := plot.Rect{X: x, Y: y, W: width, H: h}
					if !within(r, a.area) || !uncovered(r.Inset(-4*a.k), taken) {
						continue
					}
					got := float64(a.crossings(r, i))*2 + math.Abs(away-110)/100 + math.Abs(dy+8)/60 + 0.2*float64(side)
					if got < score {
						best, score = &netFlag{Rect: r, right: left, to: w.cross, s: s}, got
					}
				}
			}
		}
		if best != nil {
			a.flag = best
			taken = append(taken, best.Rect)
		}
		return taken
	}
	return taken
}

// uncovered tells whether r shares nothing with any of the areas.
func uncovered(r plot.Rect, taken []plot.Rect) bool {
	return !slices.ContainsFunc(taken, func(t plot.Rect) bool { return !t.Intersect(r).Empty() })
}

func within(r, outer plot.Rect) bool {
	return r.X >= outer.X && r.Y >= outer.Y && r.Right() <= outer.Right() && r.Bottom() <= outer.Bottom()
}

// layerName is what people call a layer.
func (m *netMap) layerName(layer plot.Layer) string {
	switch layer {
	case plot.LayerEdge:
		return m.text("Edge")
	case plot.LayerCore:
		return m.text("Core")
	case plot.LayerDistribution:
		return m.text("Distribution")
	case plot.LayerAccess:
		return m.text("Access")
	case plot.LayerServers:
		return m.text("Servers")
	}
	return m.text("Not linked")
}

var namedLayers = [...]plot.Layer{plot.LayerCore, plot.LayerDistribution, plot.LayerAccess, plot.LayerServers, plot.LayerApart}

// layerNamesWidth is the width of the column of layers' names.
func (a *arranger) layerNamesWidth() float64 {
	w := 0.0
	for _, layer := range namedLayers {
		if len(a.layout.Row(layer)) > 0 {
			w = math.Max(w, a.measure(a.layerName(layer), 18*a.k, false))
		}
	}
	return w + 20*a.k
}

func (a *arranger) nameLayers() {
	for _, layer := range namedLayers {
		row, ok := a.rows[layer]
		if !ok {
			continue
		}
		y := row.middle()
		if row.h > 60*a.k {
			y = row.y + 22*a.k
		}
		name := a.layerName(layer)
		if layer == plot.LayerServers && a.form == formCell {
			name = a.text("Problems")
		}
		a.labels = append(a.labels, netLabel{x: a.area.X, y: y + 6.5*a.k, align: -1, s: name, size: 18 * a.k, node: -1, layer: true})
	}
}
