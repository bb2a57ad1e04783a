package panels

import (
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
	top := body.Y + l.headH - rootHead*k // a title of two lines moves what is below it down
	n.mark(r.Severity, body.X+34*k, body.Y+45*k, 48)
	left, right := body.X+72*k, body.Right()-8*k
	edge := n.plate(right, body.Y+39.5*k, Duration(env.Text, now.Sub(r.Since)), 24, r.Severity) - 16*k
	for i, line := range titleLines(n, summary(r.Alert, env), 28, true, edge-left, 1+int((l.headH-rootHead*k)/(rootLine*k))) {
		n.text(left, body.Y+(39+rootLine*float64(i))*k, line, 28, true, n.p.Text)
	}

	since := clock(r.Since, now, env.Style.Loc, time.TimeOnly)
	line := env.Text("Since %s", since)
	if len(r.symptoms) > 0 {
		line = env.Text("Root cause, since %s", since)
	}
	if text := detail(r.Alert, env); text != "" {
		line += ". " + text
	}
	edge = ackKey(n, env, right, top+54.5*k) - 16*k
	n.text(left, top+70*k, n.fit(line, 20, false, edge-left), 20, false, n.p.Muted)
	if len(r.symptoms) == 0 || l.headOnly {
		return
	}
	n.rule(left, right, top+92*k, n.p.Outline)
	base := top + 121*k
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
	x := n.text(left+32*k, base, n.fit(summary(s.Alert, env), 20, false, edge-left-32*k), 20, false, n.p.Text) + 10*k
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
	text := summary(in.Alert, env)
	since := Duration(env.Text, now.Sub(in.Since))
	if row.H < 54*k {
		edge := n.right(right, mid+8*k, since, 22, false, age) - 16*k
		n.text(left, mid+8*k, n.fit(text, 22, !quiet, edge-left), 22, !quiet, title)
		return
	}
	var edge float64
	title0 := mid - 6*k // baseline of the title
	lines := []string{text}
	if row.H >= alertRowTall*k && n.width(text, 22, !quiet) > right-left-n.width(since, 22, true)-36*k {
		title0 -= 14 * k
	}
	if in.Severity == model.Critical && !quiet {
		edge = n.plate(right, title0, since, 18, model.Critical) - 16*k // ends 4 pixels above the key
	} else {
		edge = n.right(right, title0, since, 22, false, age) - 16*k
	}
	if title0 < mid-6*k {
		lines = titleLines(n, text, 22, !quiet, edge-left, 2)
	}
	base := title0
	for i, line := range lines {
		base = title0 + float64(28*i)*k
		n.text(left, base, n.fit(line, 22, !quiet, edge-left), 22, !quiet, title)
	}
	edge = right
	if !quiet {
		edge = ackKey(n, env, right, base+10.5*k) - 16*k
	}
	line := detail(in.Alert, env)
	if line == "" {
		line = env.Text("Since %s", clock(in.Since, now, env.Style.Loc, time.TimeOnly))
	}
	n.text(left, base+28*k, n.fit(line, 18, false, edge-left), 18, false, n.p.Muted)
}

// titleLines breaks a title into lines. A name that is longer than a line is cut there, and what is wrong with it
// follows on the next one.
func titleLines(n pen, text string, size float64, bold bool, w float64, most int) []string {
	name, wrong, two := strings.Cut(text, " ")
	if !two || most < 2 || n.width(name, size, bold) <= w {
		return wrapWords(n, text, size, bold, w, most)
	}
	return append([]string{middle(n, name, size, bold, w)}, wrapWords(n, wrong, size, bold, w, most-1)...)
}

// ackKey draws the key that acknowledges, its letter underlined, ending at x; it returns where it begins.
func ackKey(n pen, env Env, x, top float64) float64 {
	k := n.k
	text := env.Text("Ack")
	w := n.width(text, 18, false) + 20*k
	box := plot.Rect{X: x - w, Y: top, W: w, H: 24 * k}
	n.StrokeRound(box, 4*k, max(1, k), n.p.Outline, nil)
	n.TextCenter(box.X+w/2, top+18*k, text, n.font(18, false), n.p.Text2)
	if text[0] == 'A' { // the key that does it, where the word begins with it
		n.FillRect(plot.Rect{X: box.X + 10*k, Y: top + 20.5*k, W: n.width("A", 18, false), H: max(1, k)}, n.p.Muted)
	}
	return box.X
}
