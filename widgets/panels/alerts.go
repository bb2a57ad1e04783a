package panels

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// alertsOptions are the keys of an alerts panel: what fires, causes before symptoms, or why to
// believe that nothing does.
type alertsOptions struct {
	Common `yaml:",inline"`
	Under  string `yaml:"under"` // only alerts about this entity and all below it
}

type alerts struct{ alertsOptions }

func alertsKind() Kind {
	return Kind{Name: "alerts", New: func(decode func(any) error) (Panel, error) {
		var a alerts
		return &a, decode(&a.alertsOptions)
	}}
}

func (a *alerts) Deps() Deps { return Deps{Alerts: true, Events: true, Sources: true, Clock: true} }

// incident is a root alert with what it explains.
type incident struct {
	model.Alert
	symptoms []symptom
	counts   map[model.State]int // of the symptoms
}

// symptom is a line under a root: alerts of one name and severity.
type symptom struct {
	model.Alert
	more int // others like it
}

func (a *alerts) Load(_ context.Context, src model.Source, env Env) (*View, error) {
	now := src.Now()
	list, firing, causes := incidents(src.Alerts(), a.Under)
	v := &View{State: model.OK, MinW: 200, MinH: 40}
	for _, row := range src.Sources() {
		if row.Kind == "rules" && !row.LastOK.IsZero() { // alerts are as old as the last look at the rules
			v.AsOf, v.Every = row.LastOK, max(row.Every, 20*time.Second)
		}
	}
	if len(list) == 0 || firing == 0 {
		q := quietOf(src, env, list, a.Under)
		v.Right = env.Text("%d alerts", 0)
		if q.watched == 0 {
			v.State, v.Notice = model.Unknown, &Notice{State: model.Unknown, Head: env.Text("Nothing is being watched"), Lines: []string{env.Text("No source is configured"), env.Text("That no alert fires means nothing")}}
			return v, nil
		}
		v.Paint = func(c *plot.Canvas, body plot.Rect) { q.paint(newPen(c, env.Style), env, body, now) }
		return v, nil
	}
	v.Head = func(c *plot.Canvas, row plot.Rect) { paintAlertCount(newPen(c, env.Style), env, row, firing, causes) }
	lay := layAlerts(list, env)
	v.Spots = lay.spots(env.Size.W)
	v.Paint = func(c *plot.Canvas, body plot.Rect) { lay.paint(newPen(c, env.Style), env, body, now) }
	return v, nil
}

// incidents gathers alerts under their causes: those that want a person first, then the
// acknowledged, then the pending.
func incidents(all []model.Alert, under string) (list []incident, firing, causes int) {
	byID := map[string]int{}
	keep := func(al model.Alert) bool {
		return al.Severity != model.Maintenance && (under == "" || al.Entity == under || strings.HasPrefix(al.Entity, under+"/"))
	}
	for _, al := range all {
		if keep(al) {
			byID[al.ID] = -1
		}
	}
	for _, al := range all { // roots, and those whose cause is not among the active ones
		if _, known := byID[al.Cause]; keep(al) && (al.Cause == "" || !known || al.Cause == al.ID) {
			byID[al.ID] = len(list)
			list = append(list, incident{Alert: al, counts: map[model.State]int{}})
		}
	}
	for _, al := range all {
		if !keep(al) {
			continue
		}
		if al.AckBy == "" && !al.Pending {
			firing++
		}
		if i := rootOf(byID, all, al); byID[al.ID] < 0 && i >= 0 {
			list[i].add(al)
		} else if al.AckBy == "" && !al.Pending {
			causes++
		}
	}
	slices.SortStableFunc(list, func(x, y incident) int {
		return cmp.Or(cmp.Compare(x.class(), y.class()), cmp.Compare(y.Severity.Rank(), x.Severity.Rank()),
			cmp.Compare(len(y.symptoms), len(x.symptoms)), x.Since.Compare(y.Since))
	})
	return list, firing, causes
}

// rootOf follows causes up to a root; a ring of causes ends at nothing.
func rootOf(byID map[string]int, all []model.Alert, al model.Alert) int {
	for range 8 {
		i, known := byID[al.Cause]
		if !known || i >= 0 {
			return i
		}
		j := slices.IndexFunc(all, func(o model.Alert) bool { return o.ID == al.Cause })
		al = all[j]
	}
	return -1
}

func (in *incident) class() int {
	switch {
	case in.Pending:
		return 2
	case in.AckBy != "":
		return 1
	}
	return 0
}

// add puts a symptom under its root; those of the same name and severity share a line.
func (in *incident) add(al model.Alert) {
	in.counts[al.Severity]++
	for i := range in.symptoms {
		if s := &in.symptoms[i]; s.Name == al.Name && s.Severity == al.Severity {
			s.more++
			return
		}
	}
	in.symptoms = append(in.symptoms, symptom{Alert: al})
}

// summary is the alert in one line.
func summary(al model.Alert, env Env) string {
	return env.SaidAfter(cmp.Or(al.In(env.Lang, "summary"), al.Title, al.Name))
}

// detail is what is known beyond the summary.
func detail(al model.Alert, env Env) string {
	if al.AckBy != "" {
		text := env.Text("Acknowledged by %s at %s", al.AckBy, al.AckAt.In(env.Style.Loc).Format("15:04"))
		if al.AckNote != "" {
			text += ": " + al.AckNote
		}
		return text
	}
	if al.Pending {
		return env.Text("Pending, not yet an alert")
	}
	return cmp.Or(al.In(env.Lang, "description"), al.Text)
}

// alertLayout is how a list of incidents shares a panel's height.
type alertLayout struct {
	root     *incident // opened, with its symptoms; nil for none
	lines    int       // of symptoms shown
	headH    float64   // of the root alone
	rootH    float64   // of the root and its symptoms
	rows     []incident
	rowH     float64
	left     []incident // what is not shown
	k        float64
	headOnly bool // not even the line that counts the symptoms fits
}

// Heights of an alerts list at density 1.
const (
	rootHead     = 90 // the opened incident's title in one line, and what is known of it
	rootLine     = 34 // second line of its title
	alertRow     = 58
	alertRowTall = 88 // a row whose title may take two lines
)

// layAlerts opens the first incident when it is critical or explains others, and gives the rest of
// the height to the rows below it. What does not fit is counted.
func layAlerts(list []incident, env Env) alertLayout {
	const line, row, roomy = 33, alertRow, alertRowTall
	h, k := env.Size.H, env.Style.K
	lay := alertLayout{k: k}
	rest := list
	if first := &list[0]; first.class() == 0 && (first.Severity == model.Critical || len(first.symptoms) > 0) && h >= rootHead*k {
		lay.root, rest = first, list[1:]
		lay.headH = rootHead * k
		title := summary(first.Alert, env)
		wide := env.Face.Measure(title, plot.Font{Size: 28 * k, Bold: true}) > env.Size.W-200*k // beside mark and age
		if wide && strings.Contains(title, " ") && h >= 2.5*rootHead*k {
			lay.headH += rootLine * k
		}
		lay.rootH = lay.headH
		if len(first.symptoms) > 0 {
			want := min(len(rest), 3)
			room := h - lay.rootH - 52*k - float64(want)*66*k
			lay.lines = max(0, min(len(first.symptoms), int(room/(line*k))))
			if h >= lay.headH+44*k {
				lay.rootH += (52 + float64(lay.lines)*line) * k
			} else {
				lay.headOnly = true
			}
		}
	}
	room := h - lay.rootH
	fits := max(0, int(room/(row*k)))
	if lay.root == nil {
		fits = max(1, fits)
	}
	if len(rest) > fits {
		if foot := 30 * k; room-float64(fits)*row*k < foot && fits > 0 && (lay.root != nil || fits > 1) {
			fits--
		}
		lay.rows, lay.left = rest[:fits], rest[fits:]
		room -= 30 * k
	} else {
		lay.rows = rest
	}
	if len(lay.rows) > 0 {
		lay.rowH = min(room/float64(len(lay.rows)), roomy*k)
	}
	return lay
}

func (l alertLayout) spots(w float64) []Spot {
	var out []Spot
	if l.root != nil {
		out = append(out, ackSpot(w, l.headH-rootHead*l.k+54.5*l.k, l.k, l.root.ID))
		out = append(out, Spot{Rect: plot.Rect{W: w, H: l.headH}, Entity: l.root.Entity, Alert: l.root.ID})
		for i := range l.lines {
			s := l.root.symptoms[i]
			out = append(out, Spot{Rect: plot.Rect{Y: l.headH + (44+33*float64(i))*l.k, W: w, H: 33 * l.k}, Entity: s.Entity, Alert: s.ID})
		}
	}
	for i, r := range l.rows {
		if r.class() == 0 && l.rowH >= 54*l.k {
			out = append(out, ackSpot(w, (l.rootH+(float64(i)+0.5)*l.rowH)-l.k, l.k, r.ID))
		}
		out = append(out, Spot{Rect: plot.Rect{Y: l.rootH + float64(i)*l.rowH, W: w, H: l.rowH}, Entity: r.Entity, Alert: r.ID})
	}
	return out
}

// ackSpot is the place of a row's key that acknowledges, with room for a finger. It goes before the row's
// own spot, which it lies on.
func ackSpot(w, top, k float64, alert string) Spot {
	return Spot{Rect: plot.Rect{X: max(0, w-86*k), Y: top, W: min(w, 86*k), H: 32 * k}, Alert: alert, Ack: true}
}

// paintAlertCount writes "20 alerts, 3 causes" at the right of the title row, the numbers bold.
func paintAlertCount(n pen, env Env, row plot.Rect, firing, causes int) {
	x := row.Right()
	pieces := []string{env.Text("%d alerts", firing), env.Text("%d causes", causes)}
	if firing == 1 {
		pieces[0] = env.Text("%d alert", firing)
	}
	if causes == 1 {
		pieces[1] = env.Text("%d cause", causes)
	}
	if causes == firing {
		pieces = pieces[:1]
	}
	for i := len(pieces) - 1; i >= 0; i-- {
		text := pieces[i]
		if i < len(pieces)-1 {
			text += ", "
		}
		x = writeCounts(n, x, row.Y+31*n.k, text)
	}
}

// writeCounts writes text that ends at x with its digits bold.
func writeCounts(n pen, x, base float64, text string) float64 {
	i := strings.IndexAny(text, "0123456789")
	if i < 0 {
		return n.right(x, base, text, 18, false, n.p.Muted)
	}
	j := i
	for j < len(text) && text[j] >= '0' && text[j] <= '9' {
		j++
	}
	x = n.right(x, base, text[j:], 18, false, n.p.Muted)
	x = n.right(x, base, text[i:j], 18, true, n.p.Text)
	return n.right(x, base, text[:i], 18, false, n.p.Muted)
}

func (l alertLayout) paint(n pen, env Env, body plot.Rect, now time.Time) {
	k := l.k
	if l.root != nil {
		l.paintRoot(n, env, body, now)
	}
	for i, r := range l.rows {
		row := plot.Rect{X: body.X, Y: body.Y + l.rootH + float64(i)*l.rowH, W: body.W, H: l.rowH}
		if i > 0 || l.root != nil {
			n.rule(row.X+6*k, row.Right(), row.Y, n.p.Grid)
		}
		paintAlertRow(n, env, row, r, now)
	}
	if len(l.left) == 0 {
		return
	}
	y := body.Y + l.rootH + float64(len(l.rows))*l.rowH
	if y+26*k > body.Bottom()+2*k {
		y = body.Bottom() - 28*k
	}
	x := n.text(body.X+72*k, y+22*k, env.Text("+%d more", len(l.left)), 20, true, n.p.Text2) + 16*k
	paintTally(n, x, y+22*k, tally(l.left))
}

// tally counts incidents by severity.
func tally(list []incident) map[model.State]int {
	out := map[model.State]int{}
	for _, in := range list {
		out[in.Severity]++
	}
	return out
}

// paintTally writes marks with counts from x on.
func paintTally(n pen, x, base float64, counts map[model.State]int) {
	for _, s := range []model.State{model.Critical, model.Warning, model.Stale, model.Unknown} {
		if c := counts[s]; c > 0 {
			n.mark(s, x+11*n.k, base-7*n.k, 22)
			x = n.text(x+28*n.k, base, strconv.Itoa(c), 20, true, n.ink(s)) + 16*n.k
		}
	}
}

// tallyWidth is how wide paintTally draws.
func tallyWidth(n pen, counts map[model.State]int) float64 {
	w := 0.0
	for _, c := range counts {
		if c > 0 {
			w += n.width(strconv.Itoa(c), 20, true) + 44*n.k
		}
	}
	return w - 16*n.k
}
