package panels

import (
	"math"
	"slices"

	"github.com/nocturne-noc/nocturne/store/model"
)

// boxStyle is how the members' boxes are drawn.
type boxStyle struct{ least, pad, gap, font float64 }

func (a *arranger) boxStyles() []boxStyle {
	if a.full {
		return []boxStyle{{96 * a.k, 24 * a.k, 12 * a.k, 18 * a.k}, {76 * a.k, 16 * a.k, 7 * a.k, 18 * a.k}, {0, 10 * a.k, 6 * a.k, 18 * a.k}}
	}
	return []boxStyle{{116 * a.k, 58 * a.k, 10 * a.k, 20 * a.k}, {0, 14 * a.k, 6 * a.k, 18 * a.k}}
}

// memberWidth is the width of one member's box, wide enough for the servers stacked below it. It does
// not depend on anybody's state, so that a problem moves nothing.
func (a *arranger) memberWidth(m member, s boxStyle) float64 {
	w := math.Max(s.least, a.measure(a.nodes[m.node].name, s.font, true)+s.pad)
	if a.full {
		for _, i := range m.below {
			w = math.Max(w, math.Min(130*a.k, a.measure(a.nodes[i].name, 18*a.k, true)+16*a.k))
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
	most, _, _ := a.spineBox(a.parents)
	w := 0.0
	for _, i := range u.parents {
		w += math.Min(most, a.measure(a.nodes[i].name, 18*a.k, true)+16*a.k) + 8*a.k
	}
	return w
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
	for a.lines = 1; a.lines <= maxLines; a.lines++ {
		sum := 0.0
		for i := range a.units {
			need[i] = a.foldedWidth(&a.units[i])
			sum += need[i]
		}
		if sum <= room {
			a.allot(need)
			a.unfoldSick(need, room)
			return
		}
	}
	// Too many for squares that say something: every unit has its part of the width, and the squares
	// become as small as the rows' heights will ask for.
	a.form, a.cell = formCell, 0
	for i, u := range a.units {
		need[i] = math.Sqrt(float64(len(u.members) + 1))
	}
	a.allot(need)
}

// maxLines is how many lines of squares with a mark in them a unit may have.
const maxLines = 4

func (a *arranger) foldedWidth(u *unitPlan) float64 {
	cols := (len(u.members) + a.lines - 1) / a.lines
	return math.Max(float64(cols)*34*a.k-8*a.k, a.parentsWidth(u))
}

// unfoldSick opens the units that hold a problem or lost their redundancy: within their slot and what
// their neighbours leave free, so that nothing moves; only where that is not enough the others give
// way, as little as need be.
func (a *arranger) unfoldSick(need []float64, room float64) {
	styles := a.boxStyles()
	grown := false
	for i := range a.units {
		u := &a.units[i]
		if !a.wantsOpen(u) {
			continue
		}
		tight, spill := styles[len(styles)-1], a.freeBeside(i)
		if a.openWidth(u, tight)+24*a.k <= u.w+2*spill {
			u.open, u.spill = true, spill
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
	if !grown {
		return
	}
	for i := range a.units {
		a.units[i].spill = 0
	}
	a.allot(need)
}

// freeBeside is how far a unit can stand out of its slot on either side without touching what its
// neighbours show, or the names of the layers.
func (a *arranger) freeBeside(i int) float64 {
	u := a.units[i]
	left, right := a.field.X, a.field.Right()
	content := func(u unitPlan) float64 {
		if u.open {
			return u.w + 2*u.spill
		}
		return a.foldedWidth(&u)
	}
	margin := 22 * a.k
	if i > 0 {
		was := a.units[i-1]
		left = was.x + was.w/2 + content(was)/2 + margin
	}
	if i+1 < len(a.units) {
		next := a.units[i+1]
		right = next.x + next.w/2 - content(next)/2 - margin
	}
	return math.Max(0, math.Min(u.x-left, right-u.x-u.w))
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
	if sum > room || a.form == formCell {
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
	case a.form == formCell:
		return math.Max(44*a.k, 0.45*a.area.H)
	}
	h := 44 * a.k
	if a.form == formSquare {
		h = math.Max(h, float64(a.lines)*34*a.k-8*a.k)
	}
	return h
}
