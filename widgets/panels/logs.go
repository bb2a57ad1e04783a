package panels

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// logsOptions are the keys of a logs panel: what a container says.
type logsOptions struct {
	Common    `yaml:",inline"`
	Of        string `yaml:"of"`        // ID of a pod or of one of its containers
	Container string `yaml:"container"` // default: that of the ID, else the pod's first
	Previous  bool   `yaml:"previous"`  // of the container before its last restart
}

const lookEvery = 100 * time.Millisecond // at a log whose first lines have not come

// logs shows the end of a log and follows it until somebody goes back in it.
type logs struct {
	logsOptions

	mu     sync.Mutex
	hand   reader
	chosen string // container that somebody chose, "" for none
	other  bool   // somebody wants the other run than the configured one
	behind int    // how many lines there had been when somebody went back
	page   *readPage
	total  int // lines that there have been
	shown  model.Log
	asked  model.LogRequest // what page shows
}

func logsKind() Kind {
	return Kind{Name: "logs", New: func(decode func(any) error) (Panel, error) {
		l := &logs{}
		if err := decode(&l.logsOptions); err != nil {
			return nil, err
		}
		if l.Of == "" {
			return nil, fmt.Errorf("of: want the ID of a pod or a container, on a page $entity")
		}
		return l, nil
	}}
}

// Deps implements Panel.
func (l *logs) Deps() Deps { return Deps{Clock: true} }

// Load implements Panel.
func (l *logs) Load(ctx context.Context, src model.Source, env Env) (*View, error) {
	v := &View{MinW: 160, MinH: 54}
	if v.Notice = withheld(env); v.Notice != nil {
		return v, nil
	}
	l.mu.Lock()
	req := model.LogRequest{Entity: l.Of, Container: l.Container, Previous: l.Previous != l.other}
	if l.chosen != "" {
		req.Container = l.chosen
	}
	l.mu.Unlock()
	log, err := env.Live.Tail(ctx, req)
	if env.Fixed && err == nil {
		log, err = firstPage(ctx, env.Live, req, log)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.page, l.shown, l.asked, l.total = nil, log, req, log.Dropped+len(log.Lines)
	switch {
	case errors.Is(err, model.ErrNotLive):
		v.Notice = &Notice{State: model.OK, Head: env.Text("No log"), Lines: []string{env.Text("Its source keeps none of it"), l.Of}}
		return v, nil
	case err != nil:
		v.Notice = unreadable(env, err.Error())
		return v, nil
	}
	v.Right = l.subtitle(env, log, req)
	l.page = &readPage{} // for the keys
	if len(log.Lines) == 0 {
		v.Notice = logNotice(env, log)
		return v, nil
	}
	v.State = model.OK
	note, col := l.note(env, log)
	page := l.hand.page(logText(log, env, src.Now()), env, note != "")
	l.page = page
	v.Paint = func(c *plot.Canvas, body plot.Rect) {
		page.paint(newPen(c, env.Style), env, body, note, col)
	}
	return v, nil
}

// firstPage is the log once its first lines are there, for a picture that is drawn once. A log has no other sign for
// that than that no more came between two looks.
func firstPage(ctx context.Context, live model.Inspector, req model.LogRequest, log model.Log) (model.Log, error) {
	ctx, cancel := context.WithTimeout(ctx, pictureWait)
	defer cancel()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for came := -1; log.State != model.LogEnded && (came <= 0 || len(log.Lines) > came) && !forbidden(log.Why); {
		came = len(log.Lines)
		select {
		case <-ctx.Done():
			return log, nil
		case <-look.C:
		}
		var err error
		if log, err = live.Tail(ctx, req); err != nil {
			return log, err
		}
	}
	return log, nil
}

// subtitle says whose log it is and how it fares.
func (l *logs) subtitle(env Env, log model.Log, req model.LogRequest) string {
	var parts []string
	if log.Container != "" {
		parts = append(parts, log.Container)
	}
	if i := slices.Index(log.Containers, log.Container); i >= 0 && len(log.Containers) > 1 {
		parts = append(parts, env.Text("container %d of %d", i+1, len(log.Containers)))
	}
	if req.Previous {
		parts = append(parts, env.Text("before its last restart"))
	}
	return strings.Join(append(parts, env.Text(string(log.State))), " · ")
}

// note is what stands below the lines, "" for nothing: that they stand still, or why nothing more comes.
func (l *logs) note(env Env, log model.Log) (string, colour) {
	p := env.Style.Palette
	if l.hand.held {
		if fresh := l.total - l.behind; fresh > 0 {
			return env.Text("Paused, %d new lines: End goes on", fresh), p.Text
		}
		return env.Text("Paused: End goes on"), p.Text2
	}
	switch log.State {
	case model.LogFollowing, model.LogConnecting:
		return "", p.Muted
	}
	if log.Why == "" {
		return env.Text(string(log.State)), p.Muted
	}
	return env.Text(string(log.State)) + ": " + env.Said(log.Why), p.Text2
}

// logNotice is the face of a log without a line.
func logNotice(env Env, log model.Log) *Notice {
	switch {
	case forbidden(log.Why):
		return unreadable(env, log.Why)
	case log.State == model.LogConnecting:
		return &Notice{Head: env.Text("Being read")}
	}
	n := &Notice{State: model.OK, Head: env.Text("No line"), Lines: []string{env.Text(string(log.State))}}
	if log.Why != "" {
		n.Lines[0] += ": " + env.Said(log.Why)
	}
	return n
}

// logText is a log as a reader shows it.
func logText(log model.Log, env Env, now time.Time) readable {
	p := env.Style.Palette
	layout := time.TimeOnly
	if oldest := log.Lines[0].Time.In(env.Style.Loc); oldest.Format(time.DateOnly) != now.In(env.Style.Loc).Format(time.DateOnly) {
		layout = "01-02 " + time.TimeOnly
	}
	return readable{
		first: log.Dropped, count: len(log.Lines), leadLike: time.Date(2000, 10, 20, 20, 20, 20, 0, time.UTC).Format(layout),
		line: func(i int) string { return log.Lines[i].Text },
		inks: func(i int) []ink { return levels(log.Lines[i].Text, p.CritInk, p.WarnText) },
		lead: func(i int) string {
			if log.Lines[i].Time.IsZero() {
				return ""
			}
			return log.Lines[i].Time.In(env.Style.Loc).Format(layout)
		},
	}
}

// level finds the words by which programs say how bad a line is: as a value of a field, as klog's first
// letter, or by themselves in capitals.
var level = regexp.MustCompile(`(?:\b(?:level|lvl|severity|LEVEL|SEVERITY)"?\s?[=:]\s?"?)(?:(?P<bad>(?i:error|fatal|panic|critical|alert|emerg(?:ency)?))|(?P<warn>(?i:warn(?:ing)?)))\b` +
	`|^(?:(?P<bad2>[EF])|(?P<warn2>W))\d{4} ` +
	`|\b(?:(?P<bad3>(?:ERROR|FATAL|PANIC|CRITICAL)\b|panic:)|(?P<warn3>WARN(?:ING)?)\b)`)

// levels are the inks of the words in a line that say how bad it is.
func levels(text string, bad, warn colour) []ink {
	var out []ink
	for _, m := range level.FindAllStringSubmatchIndex(text, 4) {
		for group := 1; 2*group < len(m); group++ {
			if m[2*group] < 0 {
				continue
			}
			col := bad
			if group%2 == 0 {
				col = warn
			}
			out = append(out, ink{m[2*group], m[2*group+1], col, true})
		}
	}
	return out
}

// Handle implements Interactive.
func (l *logs) Handle(g Gesture) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.Kind == Leave {
		used := l.hand != reader{} || l.chosen != "" || l.other
		l.hand, l.chosen, l.other = reader{}, "", false
		return used
	}
	if l.page == nil {
		return false
	}
	if g.Kind == Key && !l.hand.open {
		switch g.Rune {
		case 'c', 'C':
			return l.nextContainer()
		case 'p', 'P':
			l.other, l.hand = !l.other, reader{cut: l.hand.cut}
			return true
		}
	}
	if l.page.count == 0 {
		return false
	}
	was := l.hand.held
	used := l.hand.take(g, l.page)
	if l.hand.held && !was {
		l.behind = l.total
	}
	return used
}

// nextContainer turns to the log of the pod's next container.
func (l *logs) nextContainer() bool {
	n := len(l.shown.Containers)
	if n < 2 {
		return false
	}
	i := slices.Index(l.shown.Containers, l.shown.Container)
	l.chosen, l.hand = l.shown.Containers[(i+1)%n], reader{cut: l.hand.cut}
	return true
}
