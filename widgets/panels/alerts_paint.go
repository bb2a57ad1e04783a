package panels

import (
	"cmp"
	"math"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// paintRoot draws the opened incident: a zone with a bar at its left, the root with its age on a
// plate, and the symptoms below.
func (l alertLayout) paintRoot(n pen, env Env, body plot.Rect, now time.Time) {
	k, r := l.k, l.root
	zone := plot.Rect{X: body.X - 8*k, Y: body.Y, W: body.W + 12*k, H: l.rootH}
	tint, bar := n.p.CritZone, n.p.Critical
	if r.Severity != model.Critical {
		tint, bar = n.p.Raised, n.p.State(markKind(r.Severity))
	}
	n.FillRound(zone, 5*k, tint)
	n.FillRound(plot.Rect{X: zone.X, Y: zone.Y, W: 6 * k, H: zone.H}, 2*k, bar)
	n.mark(r.Severity, body.X+34*k, body.Y+45*k, 48)
	left, right := body.X+72*k, body.Right()-8*k
	edge := n.plate(right, body.Y+39.5*k, Duration(env.Text, now.Sub(r.Since)), 24, r.Severity) - 16*k
	n.text(left, body.Y+39*k, n.fit(summary(r.Alert, env.Lang), 28, true, edge-left), 28, true, n.p.Text)

	since := clock(r.Since, now, env.Style.Loc, time.TimeOnly)
	line := env.Text("Since %s", since)
	if len(r.symptoms) > 0 {
		line = env.Text("Root cause, since %s", since)
	}
	if text := detail(r.Alert, env); text != "" {
		line += ". " + text
	}
	edge = ackKey(n, env, right, body.Y+54.5*k) - 16*k
	n.text(left, body.Y+70*k, n.fit(line, 20, false, edge-left), 20, false, n.p.Muted)
	if len(r.symptoms) == 0 || l.headOnly {
		return
	}
	n.rule(left, right, body.Y+92*k, n.p.Outline)
	base := body.Y + 121*k
	n.Chevron(left+8*k, base-7*k, 16*k, 2*k, math.Pi/2, n.p.Text2)
	total := 0
	for _, c := range r.counts {
		total += c
	}
	n.text(left+24*k, base, env.Text("Symptoms +%d", total), 20, true, n.p.Text)
	paintTally(n, right-tallyWidth(n, r.counts), base, r.counts)
	for i := range l.lines {
		l.paintSymptom(n, env, left, right, base+float64(34+33*i)*k, r.symptoms[i], now, i == l.lines-1)
	}
}

func (l alertLayout) paintSymptom(n pen, env Env, left, right, base float64, s symptom, now time.Time, last bool) {
	k := l.k
	edge := n.right(right, base, clock(s.Since, now, env.Style.Loc, time.TimeOnly), 20, false, n.p.Muted) - 12*k
	if hidden := len(l.root.symptoms) - l.lines; last && hidden > 0 {
		edge = n.right(edge, base, env.Text("+%d more", hidden), 18, true, n.p.Text2) - 12*k
	}
	n.mark(s.Severity, left+10*k, base-7*k, 22)
	x := n.text(left+32*k, base, n.fit(summary(s.Alert, env.Lang), 20, false, edge-left-32*k), 20, false, n.p.Text) + 10*k
	text := detail(s.Alert, env)
	if s.more > 0 {
		text = env.Text("and %d like it", s.more)
	}
	if edge-x > 40*k {
		n.text(x, base, n.fit(text, 20, false, edge-x), 20, false, n.p.Muted)
	}
}

// paintAlertRow draws an incident in two lines, or in one where the row is flat.
func paintAlertRow(n pen, env Env, row plot.Rect, in incident, now time.Time) {
	k := n.k
	mid := row.Y + row.H/2
	quiet := in.class() > 0
	title, age := n.p.Text, n.p.Text2
	if quiet {
		title, age = n.p.Text2, n.p.Muted
	}
	n.Mark(markKind(in.Severity), row.X+34*k, mid, 36*k, n.p, k, plot.MarkOptions{Ack: in.AckBy != "", Hollow: in.Pending})
	left, right := row.X+72*k, row.Right()-8*k
	text := summary(in.Alert, env.Lang)
	since := Duration(env.Text, now.Sub(in.Since))
	if row.H < 54*k {
		edge := n.right(right, mid+8*k, since, 22, false, age) - 16*k
		n.text(left, mid+8*k, n.fit(text, 22, !quiet, edge-left), 22, !quiet, title)
		return
	}
	var edge float64
	if in.Severity == model.Critical && !quiet {
		edge = n.plate(right, mid-3*k, since, 20, model.Critical) - 16*k
	} else {
		edge = n.right(right, mid-3*k, since, 22, false, age) - 16*k
	}
	n.text(left, mid-3*k, n.fit(text, 22, !quiet, edge-left), 22, !quiet, title)
	edge = right
	if !quiet {
		edge = ackKey(n, env, right, mid+3.5*k) - 16*k
	}
	line := detail(in.Alert, env)
	if line == "" {
		line = env.Text("Since %s", clock(in.Since, now, env.Style.Loc, time.TimeOnly))
	}
	n.text(left, mid+23*k, n.fit(line, 18, false, edge-left), 18, false, n.p.Muted)
}

// ackKey draws the key that acknowledges, its letter underlined, ending at x; it returns where it begins.
func ackKey(n pen, env Env, x, top float64) float64 {
	k := n.k
	text := env.Text("Ack")
	w := n.width(text, 18, false) + 20*k
	box := plot.Rect{X: x - w, Y: top, W: w, H: 26 * k}
	n.StrokeRound(box, 4*k, max(1, k), n.p.Outline, nil)
	n.TextCenter(box.X+w/2, top+19*k, text, n.font(18, false), n.p.Text2)
	if text[0] == 'A' { // the key that does it, where the word begins with it
		n.FillRect(plot.Rect{X: box.X + 10*k, Y: top + 22*k, W: n.width("A", 18, false), H: max(1, k)}, n.p.Muted)
	}
	return box.X
}

// quiet is why to believe that nothing needs a person.
type quiet struct {
	watched, answering int
	worst              model.State   // of the sources
	oldest             time.Duration // since the last answer of the source most behind
	rate               float64       // samples a second
	rules              int           // looked at, 0 for not known
	looked             time.Duration // since they were
	acked              []incident
	past               []episode
}

// episode is an alert of the last day that is over.
type episode struct {
	title, by string
	start     time.Time
	lasted    time.Duration // below zero: not known
}

// quietOf reads the sources and the last day's alerts.
func quietOf(src model.Source, env Env, list []incident) quiet {
	now := src.Now()
	q := quiet{acked: list}
	for _, row := range src.Sources() {
		if row.Kind == "rules" {
			q.rules, q.looked = row.Samples, now.Sub(row.LastOK)
			if row.State == model.OK {
				continue
			}
		}
		q.watched++
		if row.State == model.OK {
			q.answering++
		} else if row.State.Worse(q.worst) || q.worst == model.Unknown {
			q.worst = row.State
		}
		if !row.LastOK.IsZero() {
			q.oldest = max(q.oldest, now.Sub(row.LastOK))
		}
		if row.Every > 0 {
			q.rate += float64(row.Samples) / row.Every.Seconds()
		}
	}
	q.past = episodes(src.Events(model.EventFilter{Kind: "alert", Since: now.Add(-24 * time.Hour), Until: now}))
	return q
}

// episodes pairs the events of alerts, newest first, into what was and how long it lasted.
func episodes(events []model.Event) []episode {
	var out []episode
	open := map[string]int{} // by alert: the resolved one whose beginning is looked for
	by := map[string]string{}
	for _, ev := range events {
		id := cmp.Or(ev.Labels["alert"], ev.Title)
		switch ev.Labels["transition"] {
		case "resolved":
			open[id] = len(out)
			out = append(out, episode{title: ev.Title, start: ev.Time, lasted: -1})
		case "acknowledged":
			by[id] = acknowledger(ev.Text)
		case "fired":
			if i, ok := open[id]; ok {
				out[i].lasted, out[i].start, out[i].by = out[i].start.Sub(ev.Time), ev.Time, by[id]
				delete(open, id)
				delete(by, id)
			}
		}
	}
	return out
}

// acknowledger is the name in the text of an acknowledgement, "acknowledged by NAME: note".
func acknowledger(text string) string {
	name, _ := strings.CutPrefix(text, "acknowledged by ")
	name, _, _ = strings.Cut(name, ":")
	return name
}

func (q quiet) paint(n pen, env Env, body plot.Rect, now time.Time) {
	k := n.k
	state, head := model.OK, env.Text("Nothing needs you")
	if q.answering < q.watched {
		state, head = q.worst, env.Text("No alert, but not all is seen")
	}
	size := 40.0
	for size > 22 && n.width(head, size, false) > body.W-72*k {
		size -= 2
	}
	if body.H < 90*k {
		n.mark(state, body.X+20*k, body.Y+body.H/2, 30)
		n.text(body.X+44*k, body.Y+body.H/2+size*.35*k, n.fit(head, min(size, 26), false, body.W-44*k), min(size, 26), false, n.p.Text)
		return
	}
	n.mark(state, body.X+34*k, body.Y+50*k, 45)
	n.text(body.X+72*k, body.Y+56*k, head, size, false, n.p.Text)
	why := env.Text("No alert fires")
	if q.rules > 0 {
		why = env.Text("%d rules looked at %s ago, none fired", q.rules, Duration(env.Text, q.looked))
	}
	if len(q.acked) > 0 {
		why = env.Text("All that fires is acknowledged")
	}
	n.text(body.X+72*k, body.Y+90*k, n.fit(why, 20, false, body.W-72*k), 20, false, n.p.Muted)
	y := body.Y + 125*k
	if y+80*k > body.Bottom() {
		return
	}
	n.rule(body.X+8*k, body.Right()-8*k, y, n.p.Grid)
	number, suffix := plot.Format(q.rate, "cps")
	figures := [][2]string{
		{env.Text("%d of %d", q.answering, q.watched), env.Text("Sources answering")},
		{Duration(env.Text, q.oldest), env.Text("Oldest sample")},
		{number + " " + suffix, env.Text("Samples")},
	}
	shown := min(len(figures), max(1, int(body.W/(170*k))))
	pitch := (body.W - 16*k) / float64(shown)
	for i, f := range figures[:shown] {
		x := body.X + 8*k + float64(i)*pitch
		n.text(x, y+33*k, n.fit(f[0], 22, true, pitch-8*k), 22, true, n.p.Text2)
		n.text(x, y+59*k, n.fit(f[1], 18, false, pitch-8*k), 18, false, n.p.Muted)
	}
	q.paintPast(n, env, plot.Rect{X: body.X + 8*k, Y: y + 82*k, W: body.W - 16*k, H: body.Bottom() - y - 82*k}, now)
}

// paintPast lists what is acknowledged and what was over within the last day.
func (q quiet) paintPast(n pen, env Env, r plot.Rect, now time.Time) {
	k := n.k
	rows := int((r.H - 40*k) / (36 * k))
	if rows < 1 {
		return
	}
	n.rule(r.X, r.Right(), r.Y, n.p.Grid)
	n.text(r.X, r.Y+31*k, env.Text("Last 24 h"), 18, true, n.p.Text2)
	total := len(q.acked) + len(q.past)
	if total == 0 {
		n.text(r.X+36*k, r.Y+74*k, env.Text("Nothing has fired"), 20, false, n.p.Muted)
		return
	}
	if total > rows {
		n.right(r.Right(), r.Y+31*k, env.Text("+%d more", total-rows), 18, false, n.p.Muted)
	} else if len(q.past) > 0 {
		n.right(r.Right(), r.Y+31*k, env.Text("lasted"), 18, false, n.p.Muted)
	}
	pitch := min((r.H-40*k)/float64(min(rows, total)), 48.6*k)
	for i := range min(rows, total) {
		mid := r.Y + 40*k + (float64(i)+.5)*pitch
		base := mid + 7*k
		if i < len(q.acked) {
			a := q.acked[i]
			n.Mark(markKind(a.Severity), r.X+12*k, mid, 24*k, n.p, k, plot.MarkOptions{Ack: a.AckBy != "", Hollow: a.Pending})
			pastLine(n, r, base, now, env, a.Since, summary(a.Alert, env.Lang), a.AckBy, now.Sub(a.Since))
			continue
		}
		e := q.past[i-len(q.acked)]
		if e.by != "" {
			n.Check(r.X+12*k, mid, 18*k, 2.2*k, n.p.Muted)
		} else {
			n.Circle(r.X+12*k, mid, 5*k, 2*k, n.p.OK, nil)
		}
		pastLine(n, r, base, now, env, e.start, e.title, e.by, e.lasted)
	}
}

func pastLine(n pen, r plot.Rect, base float64, now time.Time, env Env, at time.Time, title, by string, lasted time.Duration) {
	k := n.k
	edge := r.Right()
	if lasted >= 0 {
		edge = n.right(edge, base, Duration(env.Text, lasted), 20, false, n.p.Muted) - 12*k
	}
	x := n.text(r.X+36*k, base, at.In(env.Style.Loc).Format("15:04"), 20, false, n.p.Muted) + 18*k
	x = n.text(x, base, n.fit(title, 20, false, edge-x), 20, false, n.p.Text2) + 12*k
	if by != "" && edge-x > 30*k {
		n.text(x, base, n.fit(by, 18, false, edge-x), 18, false, n.p.Muted)
	}
}
