package panels

import (
	"math"
	"slices"
	"strconv"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// unitPlan is a unit of the layout on its way to pixels.
type unitPlan struct {
	parents []int
	members []member
	open    bool    // its members are unfolded
	x, w    float64 // its slot
	spill   float64 // how far its members may stand out of the slot, on either side
}

// member is an access switch, or a server that hangs on the spine, with all that it carries.
type member struct {
	node  int
	below []int // problems first
}

// planUnits turns the layout's units into node numbers. A switch behind another stands beside it, so
// that a chain is seen as a chain; what only serves is gathered below the switch that it hangs on.
func (a *arranger) planUnits() {
	behind, below := map[string][]string{}, map[string][]int{}
	for _, n := range a.layout.Row(plot.LayerAccess) {
		behind[n.Parent] = append(behind[n.Parent], n.ID)
	}
	for _, n := range a.layout.Row(plot.LayerServers) {
		below[n.Parent] = append(below[n.Parent], a.index[n.ID])
	}
	for _, u := range a.layout.Units {
		plan := unitPlan{}
		for _, id := range u.Parents {
			plan.parents = append(plan.parents, a.index[id])
		}
		for _, c := range u.Clusters {
			for n, id := range c.Members {
				chain := a.chain(id, behind)
				if n > 0 && n >= len(c.Members)/2 { // towards the others: the ends of a ring meet
					slices.Reverse(chain)
				}
				for _, id := range chain {
					m := member{node: a.index[id], below: below[id]}
					slices.SortStableFunc(m.below, func(x, y int) int { return a.nodes[y].state.Rank() - a.nodes[x].state.Rank() })
					plan.members = append(plan.members, m)
				}
			}
		}
		a.units = append(a.units, plan)
	}
}

// chain returns a member and the switches behind it, from the near to the far.
func (a *arranger) chain(id string, behind map[string][]string) []string {
	out := []string{id}
	if n, _ := a.layout.Node(id); n.Layer != plot.LayerAccess {
		return out
	}
	for _, next := range behind[id] {
		out = append(out, a.chain(next, behind)...)
	}
	return out
}

func (a *arranger) anyMembers() bool {
	return slices.ContainsFunc(a.units, func(u unitPlan) bool { return len(u.members) > 0 })
}

// deepest is the largest number of nodes below one member.
func (a *arranger) deepest() int {
	n := 0
	for _, u := range a.units {
		for _, m := range u.members {
			n = max(n, len(m.below))
		}
	}
	return n
}

// placeUnits places parents, members and servers of every unit in its slot.
func (a *arranger) placeUnits() {
	row := a.rows[plot.LayerAccess]
	if a.form == formCell {
		a.cell = a.cellThatFits(row)
	}
	for i := range a.units {
		u := &a.units[i]
		a.placeParents(u)
		switch {
		case len(u.members) == 0:
		case u.open:
			a.placeMembers(u, row)
		default:
			a.placeSquares(u, row)
			if a.form != formCell {
				a.countBelow(u.members, u.x+u.w/2, math.Max(u.w, 100*a.k))
			}
		}
	}
}

// placeParents spreads a unit's parents over its slot.
func (a *arranger) placeParents(u *unitPlan) {
	row, ok := a.rows[a.parents]
	if !ok || len(u.parents) == 0 {
		return
	}
	w, h, font := a.spineBox(a.parents)
	form := formBox
	if room := u.w/float64(len(u.parents)) - 4*a.k; room < w {
		w = room
		for _, i := range u.parents {
			if a.measure(a.nodes[i].name, 18*a.k, true)+8*a.k > w {
				form = formSquare
			}
		}
		font = 18 * a.k
		if form == formSquare {
			w = math.Max(2, math.Min(room, 26*a.k))
			h = w
		}
	}
	// Parents of many members stand over their parts, a single one over the middle.
	for n, i := range u.parents {
		x := u.x + u.w*(float64(n)+0.5)/float64(len(u.parents))
		a.add(netBox{Rect: plot.Rect{X: x - w/2, Y: row.middle() - h/2, W: w, H: h}, node: i, form: form, label: a.nodes[i].name, size: font, bold: true})
	}
}

// placeMembers places a unit's members as boxes, what they carry below them. The boxes are as wide as
// there is room for, between the tightest and the roomiest style.
func (a *arranger) placeMembers(u *unitPlan, row rowSpan) {
	styles := a.boxStyles()
	roomy, s := styles[0], styles[len(styles)-1]
	room := u.w
	if a.form == formSquare {
		room += 2*u.spill - 24*a.k
	}
	for _, wider := range styles {
		if a.openWidth(u, wider) <= room+1 {
			s = wider
			break
		}
	}
	n := float64(len(u.members))
	total := s.gap * (n - 1)
	for _, m := range u.members {
		total += a.memberWidth(m, s)
	}
	extra, sum := math.Max(0, room-total)/n, s.gap*(n-1)
	widths := make([]float64, len(u.members))
	for i, m := range u.members {
		w := a.memberWidth(m, s)
		widths[i] = math.Max(w, math.Min(w+extra, a.memberWidth(m, roomy)))
		sum += widths[i]
	}
	gap := s.gap
	if n > 1 {
		gap = math.Min(36*a.k, gap+math.Max(0, room-sum)/n/2)
	}
	sum += (gap - s.gap) * (n - 1)
	x := u.x + (u.w-sum)/2
	h := 44 * a.k
	if a.full {
		h = 42 * a.k
	}
	for i, m := range u.members {
		w := widths[i]
		r := plot.Rect{X: x, Y: row.middle() - h/2, W: w, H: h}
		form, bold := formBox, true
		switch a.nodes[m.node].kind {
		case model.KindServer, model.KindNode:
			form, bold = formPlain, false
		case model.KindStub:
			form, bold = formPill, false
		}
		a.add(netBox{Rect: r, node: m.node, form: form, label: a.nodes[m.node].name, size: s.font, bold: bold})
		if a.stacked > 0 {
			a.stack(m, r)
		} else {
			most := math.Max(w, 150*a.k)
			if i > 0 && a.carriesSick(u.members[i-1]) || i+1 < len(u.members) && a.carriesSick(u.members[i+1]) {
				most = w + gap/2
			}
			a.countBelow([]member{m}, r.Center().X, most)
		}
		x += w + gap
	}
}

// stack places what a member carries below it; where there is more than fits, the last place says
// how many more.
func (a *arranger) stack(m member, box plot.Rect) {
	row, ok := a.rows[plot.LayerServers]
	if !ok || len(m.below) == 0 {
		return
	}
	shown := len(m.below)
	if shown > a.stacked {
		shown = a.stacked - 1
	}
	y := row.y
	for _, i := range m.below[:shown] {
		form := formPlain
		switch a.nodes[i].kind {
		case model.KindDevice:
			form = formBox
		case model.KindStub:
			form = formPill
		}
		a.add(netBox{Rect: plot.Rect{X: box.X, Y: y, W: box.W, H: 34 * a.k}, node: i, form: form, label: a.nodes[i].name, size: 18 * a.k, bold: a.nodes[i].sick()})
		y += 44 * a.k
	}
	if more := len(m.below) - shown; more > 0 {
		a.folds = append(a.folds, fold{plot.Rect{X: box.X, Y: y, W: box.W, H: 34 * a.k}, m.below[shown:]})
		a.add(netBox{Rect: plot.Rect{X: box.X, Y: y, W: box.W, H: 34 * a.k}, node: -1, form: formPlain, label: "+" + itoa(more), size: 18 * a.k, fold: len(a.folds)})
	}
}

func (a *arranger) carriesSick(m member) bool {
	return slices.ContainsFunc(m.below, func(i int) bool { return a.nodes[i].sick() })
}

// countBelow says in one line what members carry: the sick ones as a box with the worst one's name,
// at most so wide, the others as a number.
func (a *arranger) countBelow(members []member, x, most float64) {
	row, ok := a.rows[plot.LayerServers]
	if !ok {
		return
	}
	servers, others := 0, 0
	worst, sick := -1, 0
	name := ""
	for _, m := range members {
		for _, i := range m.below {
			name = a.nodes[i].name
			switch a.nodes[i].kind {
			case model.KindServer, model.KindNode:
				servers++
			default:
				others++
			}
			if a.nodes[i].sick() {
				sick++
				if worst < 0 || a.nodes[i].state.Worse(a.nodes[worst].state) {
					worst = i
				}
			}
		}
	}
	total := servers + others
	if total == 0 {
		return
	}
	var counted []int
	for _, m := range members {
		counted = append(counted, m.below...)
	}
	a.folds = append(a.folds, fold{plot.Rect{X: x - most/2, Y: row.y, W: most, H: row.h}, counted})
	top := plot.Point{X: x, Y: a.lowest(members) + 6*a.k}
	if worst >= 0 {
		label := a.nodes[worst].name
		if total > 1 {
			label += " +" + itoa(total-1)
		}
		w := math.Min(a.measure(label, 20*a.k, true)+62*a.k, most)
		r := plot.Rect{X: x - w/2, Y: row.middle() - 22*a.k, W: w, H: 44 * a.k}
		a.add(netBox{Rect: r, node: worst, form: formBox, label: label, size: 20 * a.k, bold: true, fold: len(a.folds)})
		if len(members) > 1 {
			a.stems = append(a.stems, [2]plot.Point{top, {X: x, Y: r.Y}})
		}
		return
	}
	var s string
	switch {
	case total == 1:
		s = name
	case servers == total:
		s = a.servers(total)
	case others == total:
		s = a.text("%d neighbours", total)
	default:
		s = a.text("%d below", total)
	}
	if w := a.measure(s, 18*a.k, false); w > most {
		s = itoa(total)
	}
	node := -1
	if len(members) == 1 {
		node = members[0].node
	}
	a.labels = append(a.labels, netLabel{x: x, y: row.middle() + 6*a.k, s: s, short: itoa(total), size: 18 * a.k, node: node, fold: len(a.folds)})
	if bottom := row.middle() - 16*a.k; bottom > top.Y+8*a.k {
		a.stems = append(a.stems, [2]plot.Point{top, {X: x, Y: bottom}})
	}
}

// lowest is the lower edge of the members' boxes.
func (a *arranger) lowest(members []member) float64 {
	y := a.rows[plot.LayerAccess].y
	for _, m := range members {
		if b := a.boxOf[m.node]; b >= 0 {
			y = math.Max(y, a.boxes[b].Bottom())
		}
	}
	return y
}

func itoa(n int) string { return strconv.Itoa(n) }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// settleLabels shortens what would cover something else to its figure, and leaves out what even so
// has no place.
func (a *arranger) settleLabels() {
	var taken []plot.Rect
	for _, b := range a.boxes {
		taken = append(taken, b.Rect)
	}
	kept := a.labels[:0]
	for _, l := range a.labels {
		r := a.labelRect(l).Inset(-2 * a.k)
		if !uncovered(r, taken) {
			l.s = l.short
			r = a.labelRect(l).Inset(-2 * a.k)
		}
		if l.s != "" && uncovered(r, taken) {
			kept = append(kept, l)
			taken = append(taken, r)
		}
	}
	a.labels = kept
}
