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
}

// member is an access switch, or a server that hangs on the spine, with all that it carries.
type member struct {
	node  int
	below []int // problems first
}

// planUnits turns the layout's units into node numbers and gathers what hangs below each member.
func (a *arranger) planUnits() {
	below := map[string][]int{}
	top := map[string]string{}
	for _, u := range a.layout.Units {
		for _, c := range u.Clusters {
			for _, id := range c.Members {
				top[id] = id
			}
		}
	}
	var find func(id string, depth int) string
	find = func(id string, depth int) string {
		if t, ok := top[id]; ok || depth > len(a.nodes) {
			return t
		}
		n, _ := a.layout.Node(id)
		t := ""
		if n.Parent != "" {
			t = find(n.Parent, depth+1)
		}
		top[id] = t
		return t
	}
	for _, layer := range []plot.Layer{plot.LayerAccess, plot.LayerServers} {
		for _, n := range a.layout.Row(layer) {
			if t := find(n.ID, 0); t != "" && t != n.ID {
				below[t] = append(below[t], a.index[n.ID])
			}
		}
	}
	for _, u := range a.layout.Units {
		plan := unitPlan{}
		for _, id := range u.Parents {
			plan.parents = append(plan.parents, a.index[id])
		}
		for _, c := range u.Clusters {
			for _, id := range c.Members {
				m := member{node: a.index[id], below: below[id]}
				slices.SortStableFunc(m.below, func(x, y int) int { return a.nodes[y].state.Rank() - a.nodes[x].state.Rank() })
				plan.members = append(plan.members, m)
			}
		}
		a.units = append(a.units, plan)
	}
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

// boxStyle is how the members' boxes are drawn.
type boxStyle struct{ least, pad, gap, font float64 }

func (a *arranger) boxStyles() []boxStyle {
	if a.full {
		return []boxStyle{{96 * a.k, 24 * a.k, 12 * a.k, 18 * a.k}, {76 * a.k, 16 * a.k, 7 * a.k, 18 * a.k}, {0, 10 * a.k, 6 * a.k, 18 * a.k}}
	}
	return []boxStyle{{116 * a.k, 24 * a.k, 10 * a.k, 20 * a.k}, {0, 14 * a.k, 6 * a.k, 18 * a.k}}
}

// memberWidth is the width of one member's box, wide enough for the servers stacked below it.
func (a *arranger) memberWidth(m member, s boxStyle) float64 {
	w := math.Max(s.least, a.labelWidth(m.node, s.font)+s.pad)
	if a.full {
		for _, i := range m.below {
			w = math.Max(w, math.Min(130*a.k, a.measure(a.nodes[i].name, 18*a.k, a.nodes[i].sick())+12*a.k))
		}
	}
	return math.Min(w, 200*a.k)
}

// openWidth is the width of a unit whose members are boxes.
func (a *arranger) openWidth(u *unitPlan, s boxStyle) float64 {
	w := 0.0
	for i, m := range u.members {
		if i > 0 {
			w += s.gap
		}
		w += a.memberWidth(m, s)
	}
	return math.Max(w, a.parentsWidth(u))
}

func (a *arranger) parentsWidth(u *unitPlan) float64 {
	w, _, _ := a.spineBox(a.parents)
	return float64(len(u.parents)) * (w + 16*a.k)
}

// unitGap is the least space between units.
func (a *arranger) unitGap() float64 { return 20 * a.k }

// chooseForm decides how access switches are drawn, alike on the whole map, and gives each unit its
// slot: boxes where all of them fit, squares otherwise, and then the sick units unfolded.
func (a *arranger) chooseForm() {
	if len(a.units) == 0 {
		return
	}
	room := a.field.W - a.unitGap()*float64(len(a.units))
	for _, s := range a.boxStyles() {
		need, sum := make([]float64, len(a.units)), 0.0
		for i := range a.units {
			need[i] = a.openWidth(&a.units[i], s)
			sum += need[i]
		}
		if sum <= room {
			a.form = formBox
			for i := range a.units {
				a.units[i].open = true
			}
			a.allot(need)
			return
		}
	}
	a.form, a.cell = formSquare, 26*a.k
	need := make([]float64, len(a.units))
	sum := 0.0
	for i := range a.units {
		need[i] = a.foldedWidth(&a.units[i])
		sum += need[i]
	}
	if sum > room { // the squares go below each other; every unit has its part of the width
		a.cell = 0 // chosen once the rows' heights are known
		for i, u := range a.units {
			need[i] = math.Sqrt(float64(len(u.members) + 1))
		}
		a.allot(need)
		return
	}
	a.allot(need)
	a.unfoldSick(need, room)
}

func (a *arranger) foldedWidth(u *unitPlan) float64 {
	return math.Max(float64(len(u.members))*34*a.k-8*a.k, a.parentsWidth(u))
}

// unfoldSick opens the units that hold a problem or lost their redundancy: within their slot where
// that is wide enough, so that nothing moves, otherwise the others give way as little as need be.
func (a *arranger) unfoldSick(need []float64, room float64) {
	styles := a.boxStyles()
	grown := false
	for i := range a.units {
		u := &a.units[i]
		if !a.wantsOpen(u) {
			continue
		}
		for _, s := range styles {
			if a.openWidth(u, s)+24*a.k <= u.w {
				u.open = true
				break
			}
		}
		if u.open {
			continue
		}
		for _, s := range styles {
			was := need[i]
			need[i] = a.openWidth(u, s) + 24*a.k
			sum := 0.0
			for _, n := range need {
				sum += n
			}
			if sum <= room {
				u.open, grown = true, true
				break
			}
			need[i] = was
		}
	}
	if grown {
		a.allot(need)
	}
}

// wantsOpen tells whether a unit has something that is better seen by its name.
func (a *arranger) wantsOpen(u *unitPlan) bool {
	return slices.ContainsFunc(u.members, func(m member) bool {
		return a.nodes[m.node].sick() || a.zoned[m.node] || slices.ContainsFunc(m.below, func(i int) bool { return a.nodes[i].state == model.Critical })
	})
}

// allot divides the field: each unit what it needs, and an equal part of the rest.
func (a *arranger) allot(need []float64) {
	sum, gap := 0.0, a.unitGap()
	for _, n := range need {
		sum += n
	}
	room := a.field.W - gap*float64(len(need))
	scale, extra := 1.0, 0.0
	if sum > room || a.cell == 0 && a.form == formSquare {
		gap = math.Min(gap, a.field.W/float64(len(need))/4)
		scale = (a.field.W - gap*float64(len(need))) / sum
	} else {
		extra = (room - sum) / float64(len(need))
	}
	x := a.field.X
	for i := range a.units {
		w := need[i]*scale + extra
		a.units[i].x, a.units[i].w = x+gap/2, w
		x += w + gap
	}
}

// memberHeight is the height of the access row.
func (a *arranger) memberHeight() float64 {
	switch {
	case a.form == formBox && a.full:
		return 42 * a.k
	case a.form == formBox || slices.ContainsFunc(a.units, func(u unitPlan) bool { return u.open }):
		return 44 * a.k
	case a.cell > 0:
		return 26 * a.k
	}
	return math.Max(44*a.k, 0.45*a.area.H) // squares below each other
}

// placeUnits places parents, members and servers of every unit in its slot.
func (a *arranger) placeUnits() {
	row := a.rows[plot.LayerAccess]
	if a.form == formSquare && a.cell == 0 && a.anyMembers() {
		a.cell = a.cellThatFits(row)
		if a.cell < 18*a.k {
			a.form = formCell
		}
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
			a.countBelow(u.members, u.x+u.w/2, u.w)
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

// placeMembers places a unit's members as boxes, what they carry below them.
func (a *arranger) placeMembers(u *unitPlan, row rowSpan) {
	styles := a.boxStyles()
	s := styles[len(styles)-1]
	for _, wider := range styles {
		if a.openWidth(u, wider) <= u.w+1 {
			s = wider
			break
		}
	}
	total := -s.gap
	for _, m := range u.members {
		total += a.memberWidth(m, s) + s.gap
	}
	// What is left goes into the boxes a little, then between them.
	gap := s.gap
	if n := len(u.members); n > 1 {
		gap = math.Min(36*a.k, gap+(u.w-total)/float64(n)/2)
	}
	total += (gap - s.gap) * float64(len(u.members)-1)
	x := u.x + (u.w-total)/2
	h := 44 * a.k
	if a.full {
		h = 42 * a.k
	}
	for _, m := range u.members {
		w := a.memberWidth(m, s)
		r := plot.Rect{X: x, Y: row.middle() - h/2, W: w, H: h}
		form, bold := formBox, true
		switch a.nodes[m.node].kind {
		case model.KindServer:
			form, bold = formPlain, false
		case model.KindStub:
			form, bold = formPill, false
		}
		a.add(netBox{Rect: r, node: m.node, form: form, label: a.nodes[m.node].name, size: s.font, bold: bold})
		if a.stacked > 0 {
			a.stack(m, r)
		} else {
			a.countBelow([]member{m}, r.Center().X, w)
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
		a.add(netBox{Rect: plot.Rect{X: box.X, Y: y, W: box.W, H: 34 * a.k}, node: -1, form: formPlain, label: "+" + itoa(more), size: 18 * a.k})
	}
}

// countBelow says in one line what members carry: the sick ones as a box with the worst one's name,
// the others as a number.
func (a *arranger) countBelow(members []member, x, width float64) {
	row, ok := a.rows[plot.LayerServers]
	if !ok {
		return
	}
	servers, others, devices := 0, 0, 0
	worst, sick := -1, 0
	name := ""
	for _, m := range members {
		for _, i := range m.below {
			name = a.nodes[i].name
			switch a.nodes[i].kind {
			case model.KindServer:
				servers++
			case model.KindDevice:
				devices++
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
	total := servers + others + devices
	if total == 0 {
		return
	}
	top := plot.Point{X: x, Y: a.lowest(members) + 6*a.k}
	if worst >= 0 {
		label := a.nodes[worst].name
		if total > 1 {
			label += " +" + itoa(total-1)
		}
		w := math.Min(a.measure(label, 20*a.k, true)+62*a.k, math.Max(width, 150*a.k))
		r := plot.Rect{X: x - w/2, Y: row.middle() - 22*a.k, W: w, H: 44 * a.k}
		a.add(netBox{Rect: r, node: worst, form: formBox, label: label, size: 20 * a.k, bold: true})
		a.stems = append(a.stems, [2]plot.Point{top, {X: x, Y: r.Y}})
		return
	}
	var s string
	switch {
	case total == 1:
		s = name
	case servers == total:
		s = a.text("%d servers", total)
	case devices == total:
		s = a.text("%d more switches", total)
	case others == total:
		s = a.text("%d neighbours", total)
	default:
		s = a.text("%d below", total)
	}
	if w := a.measure(s, 18*a.k, false); w > width+8*a.k {
		s = itoa(total)
	}
	node := -1
	if len(members) == 1 {
		node = members[0].node
	}
	a.labels = append(a.labels, netLabel{x: x, y: row.middle() + 6*a.k, s: s, size: 18 * a.k, node: node})
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
