package panels

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	promodel "github.com/prometheus/common/model"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// eventsOptions are the keys of an events panel: what happened, newest first.
type eventsOptions struct {
	Common   `yaml:",inline"`
	Min      string          `yaml:"min"`      // "warning" or "critical"; default everything
	Since    string          `yaml:"since"`    // how far back, default 24h
	OfKind   string          `yaml:"of_kind"`  // only events of one kind: state, alert, kubernetes, trap, syslog, source, store
	OfSource string          `yaml:"source"`   // only one source's events
	Under    string          `yaml:"under"`    // only events of this entity and all below it
	Contains string          `yaml:"contains"` // only events with this text
	Empty    model.Localized `yaml:"empty"`
}

type events struct {
	eventsOptions
	min  model.State
	span time.Duration
}

func eventsKind() Kind {
	return Kind{Name: "events", New: func(decode func(any) error) (Panel, error) {
		var e events
		if err := decode(&e.eventsOptions); err != nil {
			return nil, err
		}
		level, err := oneOf("min", e.Min, "all", "warning", "critical")
		if err != nil {
			return nil, err
		}
		if level != "all" {
			if e.min, err = model.ParseState(level); err != nil {
				return nil, fmt.Errorf("min: %w", err)
			}
		}
		e.span, err = parseSpan("since", e.Since, 24*time.Hour)
		return &e, err
	}}
}

func (e *events) Deps() Deps {
	return Deps{Events: true, Alerts: true, Samples: true, Every: 10 * time.Second} // the span moves on
}

// told is one line: an event, how often it was told in a row, and whether it is the root of an incident.
type told struct {
	model.Event
	count int
	root  bool
}

func (e *events) Load(_ context.Context, src model.Source, env Env) (*View, error) {
	now := src.Now()
	rows := fitRows(env.Size.H, 40*env.Style.K)
	filter := model.EventFilter{Since: now.Add(-e.span), Until: now, MinRank: e.min, Kind: e.OfKind, Source: e.OfSource, Text: e.Contains, Limit: 10 * (rows + 1)}
	var found []model.Event
	if e.Under != "" {
		filter.Entity = e.Under + "/"
		found = src.Events(filter)
		filter.Entity = e.Under
	}
	found = newestFirst(found, src.Events(filter))
	v := &View{State: model.OK, Right: e.subtitle(env), MinW: 160, MinH: 26}
	if len(found) == 0 {
		head := e.Empty.In(env.Lang)
		if head == "" {
			head = env.Text("No events")
		}
		v.Notice = &Notice{State: model.OK, Head: head, Lines: []string{env.Text("in the last %s", spanText(env.Text, e.span))}}
		return v, nil
	}
	lines := tell(found, src.Alerts(), rows)
	pitch := min(env.Size.H/float64(len(lines)), 52*env.Style.K)
	for i, line := range lines {
		if line.Entity != "" {
			v.Spots = append(v.Spots, Spot{Rect: rowSpot(env, float64(i)*pitch, pitch), Entity: line.Entity})
		}
	}
	v.Paint = func(c *plot.Canvas, body plot.Rect) {
		n := newPen(c, env.Style)
		timeW := 0.0
		for _, line := range lines {
			timeW = max(timeW, n.width(clock(line.Time, now, env.Style.Loc, time.TimeOnly), 20, false))
		}
		for i, line := range lines {
			e.paint(n, env, plot.Rect{X: body.X, Y: body.Y + float64(i)*pitch, W: body.W, H: pitch}, timeW, line, now)
		}
	}
	return v, nil
}

// eventTitle is the object of an event in the wall's language: events of alerts carry the rule's own words.
func eventTitle(ev model.Event, env Env) string {
	switch title := cmp.Or(ev.Labels["summary_"+env.Lang], ev.Title); {
	case ev.Kind == "alert":
		return env.SaidAfter(title)
	case ev.Entity == "": // "trap storm", "history": of no object that has a name
		return env.Said(title)
	default:
		return title
	}
}

// eventText is what happened. What the wall itself has told is said in its language, the rest stays as
// it came.
func eventText(ev model.Event, env Env) string {
	if text := ev.Labels["description_"+env.Lang]; text != "" && ev.Labels["transition"] == "fired" {
		return text
	}
	switch ev.Kind {
	case "alert":
		if span, ok := strings.CutPrefix(ev.Text, "resolved after "); ok {
			if d, err := promodel.ParseDuration(span); err == nil {
				return env.Text("resolved after %s", Duration(env.Text, time.Duration(d)))
			}
		}
		if by, ok := strings.CutPrefix(ev.Text, "acknowledged by "); ok {
			return env.Text("acknowledged by %s", by)
		}
	case "state", "source":
		if from, to, ok := strings.Cut(ev.Text, " → "); ok {
			to, why, because := strings.Cut(to, ": ")
			text := stateWord(env, from) + " → " + stateWord(env, to)
			if because {
				text += ": " + env.Said(why)
			}
			return text
		}
		if why, ok := strings.CutPrefix(ev.Text, ev.Severity.String()+": "); ok { // the first that was heard of it
			return stateWord(env, ev.Severity.String()) + ": " + env.Said(why)
		}
	case "kubernetes":
		if reason := ev.Labels["reason"]; reason != "" {
			if words, ok := strings.CutPrefix(ev.Text, reason+": "); ok {
				return reason + ": " + env.Said(words)
			}
			return ev.Text
		}
	}
	if foreign(ev) {
		return ev.Text
	}
	return env.Said(ev.Text)
}

// foreign reports whether an event's words are those of a device, a host or a kernel, and not its collector's about
// them.
func foreign(ev model.Event) bool {
	switch ev.Kind {
	case "syslog":
		return ev.Labels["fate"] == ""
	case "kernel":
		return ev.Labels["topic"] != "flood"
	case "trap":
		trap := ev.Labels["trap"]
		return trap != "" && trap != "storm" && trap != "refused"
	}
	return false
}

// stateWord translates a state's name, or that a thing is gone, and leaves everything else.
func stateWord(env Env, word string) string {
	if _, err := model.ParseState(word); err == nil || word == "gone" {
		return env.Text(word)
	}
	return word
}

// newestFirst merges two lists that are newest first.
func newestFirst(a, b []model.Event) []model.Event {
	out := make([]model.Event, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].Time.Before(b[0].Time) {
			out, b = append(out, b[0]), b[1:]
		} else {
			out, a = append(out, a[0]), a[1:]
		}
	}
	return append(append(out, a...), b...)
}

// tell folds what was told several times into one line and finds the roots of incidents.
func tell(found []model.Event, alerts []model.Alert, rows int) []told {
	roots := map[string]bool{}
	for _, a := range alerts {
		if a.Cause != "" {
			roots[a.Cause] = true
		}
	}
	entities := map[string]bool{}
	for _, a := range alerts {
		if roots[a.ID] && a.Entity != "" {
			entities[a.Entity] = true
		}
	}
	var out []told
	for _, ev := range found {
		if n := len(out); n > 0 && sameNews(out[n-1].Event, ev) && ev.Kind != "kubernetes" {
			out[n-1].count += max(1, ev.Count)
			continue
		}
		// Kubernetes counts by itself and tells the same thing again and again: the newest stands for all.
		if ev.Kind == "kubernetes" && slices.ContainsFunc(out, func(t told) bool {
			return t.Kind == ev.Kind && t.Title == ev.Title && t.Labels["reason"] == ev.Labels["reason"]
		}) {
			continue
		}
		if len(out) == rows {
			break
		}
		out = append(out, told{Event: ev, count: max(1, ev.Count), root: entities[ev.Entity] && ev.Severity.Problem()})
	}
	return out
}

// sameNews reports whether two events tell the same of the same thing.
func sameNews(a, b model.Event) bool {
	return a.Title == b.Title && a.Text == b.Text && a.Severity == b.Severity && a.Entity == b.Entity
}

func (e *events) subtitle(env Env) string {
	span := env.Text("last %s", spanText(env.Text, e.span))
	switch e.min {
	case model.Warning:
		return env.Text("warning and worse, %s", span)
	case model.Critical:
		return env.Text("critical, %s", span)
	}
	return span
}

func (e *events) paint(n pen, env Env, row plot.Rect, timeW float64, line told, now time.Time) {
	k := n.k
	n.rule(row.X, row.Right(), row.Y, n.p.Grid)
	mid := row.Y + row.H/2
	base := mid + 7*k
	right := row.Right()
	if line.root {
		right = n.plate(right, base, env.Text("Cause"), 18, line.Severity) - 14*k
	}
	if line.count > 1 {
		right = n.right(right, base, "×"+strconv.Itoa(line.count), 20, false, n.p.Text2) - 14*k
	}
	x := row.X
	if row.W >= 300*k {
		n.text(x, base, clock(line.Time, now, env.Style.Loc, time.TimeOnly), 20, false, n.p.Muted)
		x += timeW + 10*k
	}
	n.mark(line.Severity, x+13*k, mid, 24)
	x += 36 * k
	title, text := eventTitle(line.Event, env), eventText(line.Event, env)
	room := right - x
	if text != "" && line.Kind != "alert" && room >= 240*k && n.width(title, 20, true)+10*k+n.width(text, 18, false) > room {
		room = max(room/2, room-n.width(text, 18, false)-10*k) // a long name leaves half of the line to what happened; an alert's says it itself
	}
	x = n.text(x, base, middle(n, title, 20, true, room), 20, true, n.p.Text) + 10*k
	if right-x > 40*k && text != "" {
		n.text(x, base, n.fit(text, 18, false, right-x), 18, false, n.p.Muted)
	}
}
