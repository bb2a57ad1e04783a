package board

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// headline is what the header strip says: read once from the Source, then painted.
type headline struct {
	now            time.Time
	counts         map[model.State]int // firing alerts that nobody has taken, by severity
	acked, paused  int
	label          string // small line above the statement
	statement      string // oldest unacknowledged critical, or why all is well
	problem        bool   // statement is about a problem: bold, with its age
	severity       model.State
	age            time.Duration
	title          string
	trail          []string // of a page, in the title's place
	tabs           tabs     // of a page, at the foot
	boards, active int
	span           string // how much time all charts show, "" where each has its own range
	beat           int    // seconds counted by the program itself: it stands still when the program does
}

// readHeadline reads the alerts of src and words them.
func readHeadline(src model.Source, env panels.Env, title string, boards, active, beat int) headline {
	h := headline{
		now: src.Now(), counts: map[model.State]int{}, title: title, boards: boards, active: active, beat: beat,
		span: rangeText(env),
	}
	alerts := src.Alerts()
	for _, a := range alerts {
		switch {
		case a.Pending:
			continue
		case a.Severity == model.Maintenance:
			h.paused++
			continue
		case a.AckBy != "":
			h.acked++
			continue
		}
		h.counts[a.Severity]++
	}
	if oldest := Oldest(alerts); oldest != nil {
		h.problem, h.severity, h.age = true, oldest.Severity, h.now.Sub(oldest.Since)
		h.statement = env.SaidAfter(cmp.Or(oldest.In(env.Lang, "summary"), oldest.Title))
		h.label = env.Text("Oldest critical not acknowledged")
		if oldest.Severity == model.Warning {
			h.label = env.Text("No critical alert, oldest warning")
		}
		return h
	}
	h.calm(src, env)
	return h
}

// Oldest is the alert that the header names: the oldest root among the worst that nobody has taken.
// It is nil when there is none.
func Oldest(alerts []model.Alert) *model.Alert {
	var oldest *model.Alert
	for i, a := range alerts {
		if a.Pending || a.AckBy != "" || !a.Severity.Problem() {
			continue
		}
		if oldest == nil || older(a, *oldest) {
			oldest = &alerts[i]
		}
	}
	return oldest
}

// older orders what the strip names: critical before warning, roots before symptoms, then by age.
func older(a, b model.Alert) bool {
	if a.Severity != b.Severity {
		return a.Severity.Worse(b.Severity)
	}
	if (a.Cause == "") != (b.Cause == "") {
		return a.Cause == ""
	}
	return a.Since.Before(b.Since)
}

// calm words the quiet wall. It never claims that all is well when nothing, or not everything, is being looked at.
func (h *headline) calm(src model.Source, env panels.Env) {
	if last := src.Events(model.EventFilter{Kind: "alert", MinRank: model.Critical, Until: h.now, Limit: 1}); len(last) > 0 {
		h.label = env.Text("No critical alert for %s", panels.Duration(env.Text, h.now.Sub(last[0].Time)))
	} else {
		h.label = env.Text("No critical alert")
	}
	answering, all := 0, 0
	for _, s := range src.Sources() {
		all++
		if s.State == model.OK {
			answering++
		}
	}
	switch {
	case all == 0:
		h.statement = env.Text("Nothing is being watched")
	case answering < all:
		h.statement = env.Text("%d of %d sources answer", answering, all)
	default:
		if last := src.Events(model.EventFilter{Kind: "alert", Until: h.now, Limit: 1}); len(last) > 0 {
			h.statement = env.Text("All well since %s", clockText(last[0].Time, h.now, env))
		} else {
			h.statement = env.Text("All well")
		}
	}
}

// clockText says an instant by its time of day, with the date when that was not today.
func clockText(t, now time.Time, env panels.Env) string {
	t, now = t.In(env.Style.Loc), now.In(env.Style.Loc)
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return dateText(t, env) + t.Format(" 15:04")
}

// Moment says an instant in full: "Tue 18 Nov 03:12:54 KST".
func Moment(t time.Time, env panels.Env) string {
	t = t.In(env.Style.Loc)
	return dateText(t, env) + t.Format(" 15:04:05 MST")
}

// dateText is the short date with its weekday: "Tue 18 Nov", "11월 18일 화".
func dateText(t time.Time, env panels.Env) string {
	if env.Lang == "ko" {
		return t.Format("1월 2일 ") + [...]string{"일", "월", "화", "수", "목", "금", "토"}[t.Weekday()]
	}
	return t.Format("Mon 2 Jan")
}

// paint draws the strip on c, which is exactly the strip's size, tabs included.
func (h headline) paint(c *plot.Canvas, env panels.Env) {
	p, k := env.Style.Palette, env.Style.K
	r := c.Bounds()
	c.Clear(mix(p.Background, p.Surface, 0.43))
	c.FillRect(plot.Rect{X: 0, Y: r.H - max(1, k), W: r.W, H: max(1, k)}, p.Outline)
	if len(h.tabs.titles) > 0 {
		h.tabs.paint(c, env)
	}

	x := h.paintCounts(c, env)
	right := h.paintClock(c, env)
	right = h.paintBoard(c, env, right)

	separator(c, env, x+16*k)
	x += 40 * k
	room := right - 24*k - x
	if room < 60*k {
		return
	}
	c.Text(x, 35*k, c.Ellipsis(h.label, plot.Font{Size: 18 * k}, room), plot.Font{Size: 18 * k}, p.Muted)
	if !h.problem {
		f := plot.Font{Size: 26 * k}
		c.Text(x, 69*k, c.Ellipsis(h.statement, f, room), f, p.Text2)
		return
	}
	age := panels.Duration(env.Text, h.age)
	af := plot.Font{Size: 28 * k, Bold: true}
	plate := c.Measure(age, af) + 24*k
	f := plot.Font{Size: 30 * k, Bold: true}
	text := c.Ellipsis(h.statement, f, room-plate-24*k)
	x += c.Text(x, 69*k, text, f, p.Text) + 24*k
	box := plot.Rect{X: x, Y: 41 * k, W: plate, H: 36 * k}
	if h.severity == model.Critical {
		c.FillRound(box, 4*k, p.Critical)
		c.Text(x+12*k, 69*k, age, af, p.OnCrit)
	} else {
		c.FillRound(box, 4*k, p.WarnTint)
		c.StrokeRound(box, 4*k, 2*k, p.Warning, nil)
		c.Text(x+12*k, 69*k, age, af, p.WarnText)
	}
}

// paintCounts draws the boxes of counts and returns where they end.
func (h headline) paintCounts(c *plot.Canvas, env panels.Env) float64 {
	p, k := env.Style.Palette, env.Style.K
	x := 18 * k
	for _, s := range []model.State{model.Critical, model.Warning, model.Stale, model.Unknown} {
		n := h.counts[s]
		if s == model.Unknown && n == 0 {
			continue
		}
		x = countBox(c, env, x, s, n) + 12*k
	}
	x += 8 * k
	for i, n := range []int{h.acked, h.paused} {
		col := p.Text2
		if n == 0 {
			col = p.Faint
		}
		if i == 0 {
			c.Check(x+11*k, 45*k, 24*k, 2.9*k, col)
		} else {
			c.Mark(plot.KindMaintenance, x+11*k, 45*k, 26*k, p, k, plot.MarkOptions{Hollow: n == 0})
		}
		text := strconv.Itoa(n)
		f := plot.Font{Size: 28 * k}
		x += 34*k + c.Text(x+34*k, 55*k, text, f, col) + 20*k
	}
	return x - 12*k
}

// countBox draws one severity's mark and number; a count of nought keeps its place as a grey outline.
func countBox(c *plot.Canvas, env panels.Env, x float64, s model.State, n int) float64 {
	p, k := env.Style.Palette, env.Style.K
	text := strconv.Itoa(n)
	f := plot.Font{Size: 48 * k, Bold: n > 0}
	w := 68*k + c.Measure(text, f) + 16*k
	box := plot.Rect{X: x, Y: 16 * k, W: w, H: 58 * k}
	cx, cy := x+35*k, 45*k
	kind, ink := plot.KindCritical, p.OnCrit
	opts := plot.MarkOptions{Hollow: n == 0}
	switch s {
	case model.Warning:
		kind, ink = plot.KindWarning, p.WarnText
	case model.Stale:
		kind, ink = plot.KindStale, p.Text2
	case model.Unknown:
		kind, ink = plot.KindUnknown, p.Text2
	}
	if n == 0 {
		c.StrokeRound(box, radius*k, max(1, k), p.Edge, nil)
		ink = p.Faint
	} else {
		switch s {
		case model.Critical:
			c.FillRound(box, radius*k, p.Critical)
			opts.Inverse = true
		case model.Warning:
			c.FillRound(box, radius*k, p.WarnTint)
			c.StrokeRound(box, radius*k, 2*k, p.Warning, nil)
		case model.Stale:
			c.FillRound(box, radius*k, p.Surface)
			c.Hatch(box, radius*k, 8*k, 1.4*k, p.Hatch2)
			c.StrokeRound(box, radius*k, 1.5*k, p.Stale, plot.Dash{6 * k, 4 * k})
			c.FillRound(plot.Rect{X: x + 64*k, Y: 23 * k, W: w - 76*k, H: 44 * k}, 3*k, p.Surface)
		case model.Unknown:
			c.FillRound(box, radius*k, p.UnknownTint)
			c.StrokeRound(box, radius*k, 1.5*k, p.Unknown, plot.Dash{6 * k, 4 * k})
		}
	}
	c.Mark(kind, cx, cy, 40*k, p, k, opts)
	c.Text(x+68*k, 62*k, text, f, ink)
	return x + w
}

// paintClock draws time, zone, date and the heartbeat at the right and returns where they begin.
func (h headline) paintClock(c *plot.Canvas, env panels.Env) float64 {
	p, k := env.Style.Palette, env.Style.K
	local := h.now.In(env.Style.Loc)
	zone, _ := local.Zone()
	date := dateText(local, env)
	small, bold := plot.Font{Size: 18 * k}, plot.Font{Size: 18 * k, Bold: true}
	x := c.Bounds().W - 18*k - max(c.Measure(date, small), c.Measure(zone, bold))
	c.Text(x, 38*k, zone, bold, p.Text2)
	c.Text(x, 62*k, date, small, p.Muted)

	f := plot.Font{Size: 52 * k}
	text := local.Format("15:04:05")
	w := c.Measure(text, f)
	x -= w + 14*k
	c.Text(x, 58.5*k, text, f, p.Text)
	const ticks = 10
	gap := 4 * k
	tick := (w - (ticks-1)*gap) / ticks
	for i := range ticks {
		col := p.Outline
		switch at := h.beat % ticks; {
		case i == at:
			col = p.Text
		case i < at:
			col = p.Muted
		}
		c.FillRound(plot.Rect{X: x + float64(i)*(tick+gap), Y: 73 * k, W: tick, H: 4 * k}, k, col)
	}
	separator(c, env, x-24*k)
	return x - 24*k
}

// rangeText says the range that was chosen for all charts, "" for none.
func rangeText(env panels.Env) string {
	const day = 24 * time.Hour
	switch r := env.Range; {
	case r <= 0:
		return ""
	case r == time.Hour:
		return env.Text("last hour")
	case r < 2*day:
		return env.Text("last %d hours", int(r/time.Hour))
	case r < 365*day:
		return env.Text("last %d days", int(r/day))
	}
	return env.Text("last year")
}

// paintBoard draws the board's title over a row of dots, one per board, or over the range that was
// chosen for its charts, and returns where they begin.
func (h headline) paintBoard(c *plot.Canvas, env panels.Env, right float64) float64 {
	p, k := env.Style.Palette, env.Style.K
	f := plot.Font{Size: 26 * k, Bold: true}
	title := c.Ellipsis(h.title, f, c.Bounds().W*0.16)
	if len(h.trail) > 0 {
		return h.paintTrail(c, env, right)
	}
	dots := min(h.boards, 20)
	small := plot.Font{Size: 18 * k}
	w := max(c.Measure(title, f), float64(dots-1)*16*k+26*k, c.Measure(h.span, small))
	x := right - 24*k - w
	c.Text(x, 43*k, title, f, p.Text)
	separator(c, env, x-24*k)
	if h.span != "" {
		c.Text(x, 70*k, h.span, small, p.Text2)
		return x - 24*k
	}
	dx := x
	for i := range dots {
		if i == h.active {
			c.FillRound(plot.Rect{X: dx, Y: 60 * k, W: 26 * k, H: 8 * k}, 4*k, p.Text2)
			dx += 34 * k
			continue
		}
		c.Disc(dx+4*k, 64*k, 4*k, p.Outline)
		dx += 16 * k
	}
	return x - 24*k
}

// paintTrail draws where a page is: the way to it small above, its own name below.
func (h headline) paintTrail(c *plot.Canvas, env panels.Env, right float64) float64 {
	p, k := env.Style.Palette, env.Style.K
	small, f := plot.Font{Size: 18 * k}, plot.Font{Size: 26 * k, Bold: true}
	most := c.Bounds().W * 0.24
	last := len(h.trail) - 1
	way := h.trail[:last]
	above := strings.Join(way, " › ")
	for i := 1; i < len(way) && c.Measure(above, small) > most; i++ { // the nearest tell most
		above = "… › " + strings.Join(way[i:], " › ")
	}
	above, name := c.Ellipsis(above, small, most), c.Ellipsis(h.trail[last], f, most)
	x := right - 24*k - max(c.Measure(above, small), c.Measure(name, f))
	c.Text(x, 35*k, above, small, p.Muted)
	c.Text(x, 69*k, name, f, p.Text)
	separator(c, env, x-24*k)
	return x - 24*k
}

func separator(c *plot.Canvas, env panels.Env, x float64) {
	k := env.Style.K
	c.FillRect(plot.Rect{X: x, Y: 18 * k, W: max(1, k), H: 54 * k}, env.Style.Palette.Outline)
}
