package panels

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// workloadLane is a column, from the body's left side.
type workloadLane struct {
	key, sort string // sort is what a click on its head sorts by, "" for nothing
	x, w      float64
	right     bool // its text ends at its right side
}

// workloadLanes are the columns for which there is room. What tells least goes first.
func workloadLanes(width, k float64) []workloadLane {
	const gap = 20.0
	all := []struct {
		workloadLane
		rank int // what is kept longest has the lowest
	}{
		{workloadLane{key: "name", sort: "name", w: 190}, 0},
		{workloadLane{key: "ready", sort: "ready", w: 66, right: true}, 1},
		{workloadLane{key: "updated", w: 82, right: true}, 7},
		{workloadLane{key: "restarts", sort: "restarts", w: 84, right: true}, 3},
		{workloadLane{key: "cpu", sort: "cpu", w: 118, right: true}, 4},
		{workloadLane{key: "memory", sort: "memory", w: 140, right: true}, 5},
		{workloadLane{key: "changed", sort: "changed", w: 84, right: true}, 6},
		{workloadLane{key: "image", w: 210}, 8},
		{workloadLane{key: "reason", sort: "state", w: 150}, 2},
	}
	left, room := width/k+gap, 0
	for rank := range all {
		for _, l := range all {
			if l.rank == rank && (rank == 0 || left >= l.w+gap) && room == rank {
				left -= l.w + gap
				room = rank + 1
			}
		}
	}
	var out []workloadLane
	x := 0.0
	spare := max(0, left)
	for _, l := range all {
		if l.rank >= room {
			continue
		}
		switch l.key { // words take what is to spare
		case "name":
			if room < 3 { // there are no other words
				l.w += spare
			} else {
				l.w += min(spare*.45, 130)
			}
		case "reason":
			l.w = width/k - x
		}
		out = append(out, workloadLane{key: l.key, sort: l.sort, x: x * k, w: l.w * k, right: l.right})
		x += l.w + gap
	}
	return out
}

// workloadTable is what is drawn.
type workloadTable struct {
	rows  []workload
	lanes []workloadLane
	by    string
	now   time.Time
}

func (t *workloadTable) paint(n pen, env Env, body plot.Rect) {
	k := n.k
	titles := map[string]string{"name": env.Text("Workload"), "ready": env.Text("Ready"), "updated": env.Text("Updated"), "restarts": env.Text("Restarts"),
		"cpu": env.Text("CPU"), "memory": env.Text("Memory"), "changed": env.Text("Changed"), "image": env.Text("Image"), "reason": env.Text("State")}
	for _, l := range t.lanes {
		sorted := l.sort == t.by
		text, col := titles[l.key], n.p.Muted
		if sorted {
			col = n.p.Text
		}
		x, room := body.X+l.x, l.w
		if sorted {
			room -= 18 * k
		}
		text = n.fit(text, 18, sorted, room)
		if l.right {
			x += l.w - n.width(text, 18, sorted)
			if sorted {
				x -= 16 * k
			}
		}
		end := n.text(x, body.Y+11*k, text, 18, sorted, col)
		if sorted { // a wedge below which the values fall
			n.Polygon([]plot.Point{{X: end + 5*k, Y: body.Y + 2*k}, {X: end + 15*k, Y: body.Y + 2*k}, {X: end + 10*k, Y: body.Y + 9*k}}, col)
		}
	}
	pitch := tablePitch(body.H, len(t.rows), k)
	for i := range t.rows {
		row := plot.Rect{X: body.X, Y: body.Y + tableHead*k + float64(i)*pitch, W: body.W, H: pitch}
		n.rule(row.X, row.Right(), row.Y, n.p.Grid)
		t.paintRow(n, env, row, &t.rows[i])
	}
}

func (t *workloadTable) paintRow(n pen, env Env, row plot.Rect, r *workload) {
	k := n.k
	base := row.Center().Y + 7*k
	dim := r.state == model.Stale || r.state == model.Unknown
	ink := n.p.Text2
	switch {
	case dim:
		ink = n.p.Muted
		n.hatched(plot.Rect{X: row.X, Y: row.Y + 3*k, W: row.W, H: row.H - 5*k})
	case r.state.Problem():
		ink = n.p.Text
	}
	for _, l := range t.lanes {
		x := row.X + l.x
		switch l.key {
		case "name":
			t.paintName(n, x, base, l.w, r, ink, dim)
		case "cpu":
			n.usedOfAsked(plot.Rect{X: x, Y: row.Y, W: l.w, H: row.H}, base, r.cpu, r.cpuAsked, "short", dim)
		case "memory":
			n.usedOfAsked(plot.Rect{X: x, Y: row.Y, W: l.w, H: row.H}, base, r.memory, r.memoryAsked, plot.UnitBytes, dim)
		default:
			text, state := t.word(env, l.key, r)
			bold, col := state.Problem() && !dim, ink
			if bold {
				col = n.ink(state)
			}
			text = n.fit(text, 18, bold, l.w)
			if l.right {
				x += l.w - n.width(text, 18, bold)
			}
			if dim {
				n.under(x, x+n.width(text, 18, bold), base, 18)
			}
			n.text(x, base, text, 18, bold, col)
		}
	}
}

// paintName writes a mark, the name, and the namespace where there is room for it.
func (t *workloadTable) paintName(n pen, x, base, w float64, r *workload, ink colour, dim bool) {
	k := n.k
	n.mark(r.state, x+10*k, base-7*k, 22)
	bold := r.state.Problem()
	name := middle(n, r.name, 20, bold, w-30*k)
	if dim {
		n.under(x+30*k, x+30*k+n.width(name, 20, bold), base, 20)
	}
	end := n.text(x+30*k, base, name, 20, bold, ink) + 10*k
	if room := x + w - end; r.space != "" && room >= 50*k && !dim {
		n.text(end, base, n.fit(r.space, 18, false, room), 18, false, n.p.Muted)
	}
}

// word is the text of a column, and the state that it is in.
func (t *workloadTable) word(env Env, key string, r *workload) (string, model.State) {
	short := r.ready >= 0 && r.ready < r.desired && r.kind != model.KindJob
	switch key {
	case "ready":
		if r.desired < 0 && r.ready < 0 {
			return "–", model.OK
		}
		state := model.OK
		if short && r.state.Problem() {
			state = r.state
		}
		return countText(r.ready) + "/" + countText(r.desired), state
	case "updated":
		return countText(r.updated), model.OK
	case "restarts":
		if math.IsNaN(r.restarts) {
			return "–", model.OK
		}
		if count := math.Round(r.restarts); count > 0 {
			return fmt.Sprintf("%.0f", count), model.Warning
		}
		return "0", model.OK
	case "changed":
		if r.changed.IsZero() {
			return "–", model.OK
		}
		return span(env.Text, t.now.Sub(r.changed)), model.OK
	case "image":
		return r.image[strings.LastIndexByte(r.image, '/')+1:], model.OK
	}
	return env.Said(r.reason), r.state
}

// span says how long ago something was in its largest unit.
func span(text Text, d time.Duration) string {
	switch {
	case d < time.Hour:
		return Duration(text, d)
	case d < 24*time.Hour:
		return text("%d h", int(d.Hours()))
	}
	return text("%d d", int(d.Hours()/24))
}

// usedOfAsked writes what is used and what was asked for, and a bar of that share below. What was not measured is
// an en dash, and its bar empty.
func (n pen) usedOfAsked(r plot.Rect, base, used, asked float64, unit string, dim bool) {
	k := n.k
	text, rest := figure(used, unit), ""
	if !math.IsNaN(asked) {
		rest = " / " + figure(asked, unit)
		if number, suffix := format(used, unit); suffix != "" && strings.HasSuffix(rest, " "+suffix) {
			text = number // the unit is said once
		}
	}
	col := n.p.Text2
	if dim {
		col = n.p.Muted
		n.under(r.Right()-n.width(text+rest, 18, false), r.Right(), base, 18)
	}
	bar := !dim && asked > 0 && !math.IsNaN(used)
	if bar {
		base -= 3 * k
	}
	x := n.right(r.Right(), base, rest, 18, false, n.p.Muted)
	n.right(x, base, n.fit(text, 18, false, x-r.X), 18, false, col)
	if bar {
		n.bar(plot.Rect{X: r.X, Y: base + 6*k, W: r.W, H: 4 * k}, used/asked, n.p.Bar)
	}
}
