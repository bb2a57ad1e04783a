package panels

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// quiet is why to believe that nothing needs a person.
type quiet struct {
	watched, answering int
	mute               *model.SourceStatus // the source that is worst off, nil when all answer
	oldest             time.Duration       // since the last answer of the source most behind
	rate               float64             // samples a second
	rules              int                 // looked at, 0 for not known
	looked             time.Duration       // since they were
	acked, pending     []incident
	past               []episode
	part               bool // only a part of all that is watched is looked at
}

// episode is an alert of the last day that is over.
type episode struct {
	title, by string
	start     time.Time
	lasted    time.Duration // below zero: not known
}

// quietOf reads the sources and the last day's alerts, those about under and what is below it.
func quietOf(src model.Source, env Env, list []incident, under string) quiet {
	now := src.Now()
	q := quiet{part: under != ""}
	for _, in := range list {
		if in.Pending {
			q.pending = append(q.pending, in)
		} else {
			q.acked = append(q.acked, in)
		}
	}
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
		} else if q.mute == nil || row.State.Worse(q.mute.State) {
			q.mute = &row
		}
		if !row.LastOK.IsZero() {
			q.oldest = max(q.oldest, now.Sub(row.LastOK))
		}
		if row.Every > 0 {
			q.rate += float64(row.Samples) / row.Every.Seconds()
		}
	}
	past := model.EventFilter{Kind: "alert", Since: now.Add(-24 * time.Hour), Until: now, Entity: under}
	told := src.Events(past)
	if under != "" {
		past.Entity += "/"
		told = newestFirst(told, src.Events(past))
	}
	q.past = episodes(told, env)
	return q
}

// episodes pairs the events of alerts, newest first, into what was and how long it lasted.
func episodes(events []model.Event, env Env) []episode {
	var out []episode
	open := map[string]int{} // by alert: the resolved one whose beginning is looked for
	by := map[string]string{}
	for _, ev := range events {
		id := cmp.Or(ev.Labels["alert"], ev.Title)
		switch ev.Labels["transition"] {
		case "resolved":
			open[id] = len(out)
			out = append(out, episode{title: eventTitle(ev, env), start: ev.Time, lasted: -1})
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

// head is the state of the picture and what it is called. What is not seen may be anything: it is
// never more than stale or unknown.
func (q quiet) head(text Text) (model.State, string) {
	switch {
	case q.mute == nil:
		return model.OK, text("Nothing needs you")
	case q.mute.LastOK.IsZero():
		return model.Unknown, text("No alert, but not all is seen")
	}
	return model.Stale, text("No alert, but not all is seen")
}

// why is the line below the head: the silent source, or how often the rules were looked at.
func (q quiet) why(env Env) string {
	text := env.Text
	if q.mute != nil {
		name := q.mute.Name
		if q.mute.Target != "" && q.mute.Target != name {
			name += " " + q.mute.Target
		}
		line := text("%s does not answer", name)
		if more := q.watched - q.answering - 1; more > 0 {
			line += ", " + text("+%d more", more)
		}
		if q.mute.Error != "" {
			line += ": " + env.Said(q.mute.Error)
		}
		return line
	}
	switch {
	case len(q.acked) > 0:
		return text("All that fires is acknowledged")
	case q.part:
		return text("No alert about what is shown here")
	case q.rules > 0:
		return text("%d rules looked at %s ago, none fired", q.rules, Duration(text, q.looked))
	}
	return text("No alert fires")
}

func (q quiet) paint(n pen, env Env, body plot.Rect, now time.Time) {
	k := n.k
	state, head := q.head(env.Text)
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
	n.text(body.X+72*k, body.Y+56*k, n.fit(head, size, false, body.W-72*k), size, false, n.p.Text)
	rows := 1
	if q.mute != nil && body.H >= 240*k { // an error may need two
		rows = 2
	}
	lines := wrapWords(n, q.why(env), 20, false, body.W-80*k, rows)
	for i, line := range lines {
		n.text(body.X+72*k, body.Y+float64(90+26*i)*k, line, 20, false, n.p.Muted)
	}
	y := body.Y + float64(99+26*len(lines))*k
	if y+80*k > body.Bottom() {
		return
	}
	n.rule(body.X+8*k, body.Right()-8*k, y, n.p.Grid)
	number, suffix := format(q.rate, "cps")
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

// paintPast lists what is active and needs nobody now, and then what was over within the last day.
func (q quiet) paintPast(n pen, env Env, r plot.Rect, now time.Time) {
	k := n.k
	const head, most = 40, 48.6 // height of a list's title, and of a line
	if r.H < (head+36)*k {
		return
	}
	present := slices.Concat(q.acked, q.pending)
	heads := 1
	if len(present) > 0 {
		heads = 2
	}
	total := len(present) + max(1, len(q.past))
	pitch := max(36*k, min((r.H-float64(heads)*head*k)/float64(total), most*k))
	y := r.Y
	room := func() int { return int((r.Bottom() - y - head*k + 1) / pitch) }
	if len(present) > 0 {
		rows := min(len(present), room())
		q.listHead(n, r, y, env.Text("Active, needs nobody now"), moreText(env, len(present)-rows))
		y += head * k
		for _, in := range present[:rows] {
			by := in.AckBy
			if in.Pending {
				by = env.Text("pending")
			}
			n.Mark(markKind(in.Severity), r.X+12*k, y+pitch/2, 24*k, n.p, k, plot.MarkOptions{Ack: in.AckBy != "", Hollow: in.Pending})
			pastLine(n, r, y+pitch/2+7*k, env, in.Since, summary(in.Alert, env), by, now.Sub(in.Since))
			y += pitch
		}
	}
	rows := min(len(q.past), room())
	if rows < 1 && (len(q.past) > 0 || room() < 1) {
		return
	}
	right := moreText(env, len(q.past)-rows)
	if right == "" && len(q.past) > 0 {
		right = env.Text("lasted")
	}
	q.listHead(n, r, y, env.Text("Last 24 h"), right)
	y += head * k
	if len(q.past) == 0 {
		n.text(r.X+36*k, y+34*k, env.Text("Nothing has fired"), 20, false, n.p.Muted)
	}
	for _, e := range q.past[:rows] {
		if e.by != "" {
			n.Check(r.X+12*k, y+pitch/2, 18*k, 2.2*k, n.p.Muted)
		} else {
			n.Circle(r.X+12*k, y+pitch/2, 5*k, 2*k, n.p.OK, nil)
		}
		pastLine(n, r, y+pitch/2+7*k, env, e.start, e.title, e.by, e.lasted)
		y += pitch
	}
}

// moreText counts what is not shown, "" for nothing.
func moreText(env Env, n int) string {
	if n <= 0 {
		return ""
	}
	return env.Text("+%d more", n)
}

func (q quiet) listHead(n pen, r plot.Rect, y float64, title, right string) {
	n.rule(r.X, r.Right(), y, n.p.Grid)
	edge := n.right(r.Right(), y+31*n.k, right, 18, false, n.p.Muted)
	n.text(r.X, y+31*n.k, n.fit(title, 18, true, edge-r.X-12*n.k), 18, true, n.p.Text2)
}

func pastLine(n pen, r plot.Rect, base float64, env Env, at time.Time, title, by string, lasted time.Duration) {
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
