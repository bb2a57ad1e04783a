package panels

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// statOptions are the keys of a stat panel: one figure, its past, and what it is measured against.
type statOptions struct {
	Common  `yaml:",inline"`
	Expr    string          `yaml:"expr"`
	Range   string          `yaml:"range"`   // of the sparkline, default 1h; "none" leaves it out
	Compare string          `yaml:"compare"` // shows the change to that long ago, for example 7d
	Every   string          `yaml:"every"`   // how often the value should come; default the source's own interval
	Note    model.Localized `yaml:"note"`    // a line beside the figure
	Empty   model.Localized `yaml:"empty"`   // what a good empty answer is called
	Limits  []Limit         `yaml:"limits"`
}

type stat struct {
	statOptions
	expr                 expression
	span, compare, every time.Duration
}

func statKind() Kind {
	return Kind{Name: "stat", New: func(decode func(any) error) (Panel, error) {
		var s stat
		if err := decode(&s.statOptions); err != nil {
			return nil, err
		}
		var err error
		read := parseExpression
		if s.Range != "none" {
			read = parseRanged
			if s.span, err = parseSpan("range", s.Range, time.Hour); err != nil {
				return nil, err
			}
		}
		if s.expr, err = read("expr", s.Expr); err != nil {
			return nil, err
		}
		if s.compare, err = parseSpan("compare", s.Compare, 0); err != nil {
			return nil, err
		}
		if s.every, err = parseSpan("every", s.Every, 0); err != nil {
			return nil, err
		}
		return &s, checkLimits(s.Limits)
	}}
}

func (s *stat) Deps() Deps { return Deps{Samples: true, Every: 2 * time.Second} }

// reading is what a stat shows.
type reading struct {
	value   float64
	state   model.State
	hit     *Limit
	asOf    time.Time
	stale   bool
	expr    string // the PromQL of this load
	every   time.Duration
	past    []plot.Sample
	band    []plot.Range // extent of past from point to point
	marks   []plot.Stretch
	start   time.Time
	end     time.Time
	step    time.Duration
	compare string // the change, "" for none
}

func (s *stat) Load(ctx context.Context, src model.Source, env Env) (*View, error) {
	now := src.Now()
	f, err := s.expr.freshness(ctx, src, s.every)
	if err != nil {
		return nil, err
	}
	r := reading{asOf: f.asOf, stale: f.stale(now), every: f.every, start: now.Add(-s.span), end: now, value: math.NaN()}
	r.expr = s.expr.in(timing{stepFor(s.span, env.width()), s.span, f.told})
	if err := s.read(ctx, src, env, &r); err != nil {
		return nil, err
	}
	if r.asOf.IsZero() || len(r.past) == 0 {
		notice, err := s.expr.empty(ctx, src, env, s.Empty.In(env.Lang))
		return &View{State: model.Unknown, Notice: notice}, err
	}
	r.state, r.hit = judge(r.value, s.Limits)
	v := &View{AsOf: f.asOf, Every: f.every, State: r.state, MinH: 40, MinW: 90}
	if r.stale {
		v.State = model.Stale
	}
	if r.state != model.Critical && !r.stale {
		v.State = model.OK // an amber figure speaks for itself
	}
	v.Paint = func(c *plot.Canvas, body plot.Rect) { s.paint(newPen(c, env.Style), env, body, r) }
	return v, nil
}

// read fills in the value, its past and the comparison. A silent source's last value is kept.
func (s *stat) read(ctx context.Context, src model.Source, env Env, r *reading) error {
	at := r.end
	if r.stale { // as it was when it was last told
		at = r.asOf
	}
	line, err := one(src.Query(ctx, r.expr, at))
	if err != nil {
		return err
	}
	if s.span > 0 {
		past, step, err := s.past(ctx, src, env, r)
		if err != nil {
			return err
		}
		r.past, r.step = samplesOf(past, r.asOf, r.stale), step
		r.marks = stretches(src, env, r.start, r.end)
		if past != nil && !r.stale && step >= 2*r.every {
			bands, err := bandsOf(ctx, src, r.expr, r.end.Sub(r.start), step, []model.Series{*past})
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err == nil { // the line behind the figure is true without its extent, if not all
				r.band = bands[0]
			}
		}
	}
	if line == nil { // an answer that is empty now is not the one of an hour ago
		r.past, r.band = nil, nil
		return nil
	}
	r.value = line.Points[0].V
	r.past = append(r.past, plot.Sample{T: at.UnixMilli(), V: r.value})
	if s.compare > 0 {
		then, err := one(src.Query(ctx, r.expr, r.end.Add(-s.compare)))
		if err != nil {
			return err
		}
		if then != nil && then.Points[0].V != 0 {
			r.compare = signed(100 * (r.value/then.Points[0].V - 1))
		}
	}
	return nil
}

// past is the line behind the figure; while there is less history than the span, r begins later.
func (s *stat) past(ctx context.Context, src model.Source, env Env, r *reading) (*model.Series, time.Duration, error) {
	ask := func(span time.Duration) ([]model.Series, time.Duration, error) {
		step := stepFor(span, env.width())
		r.start = r.end.Add(-span)
		found, err := src.QueryRange(ctx, r.expr, r.start.Truncate(step), r.end.Truncate(step), step)
		return found, step, err
	}
	found, step, err := ask(s.span)
	if err != nil {
		return nil, 0, err
	}
	span, err := youngSpan(ctx, src, []expression{s.expr}, [][]model.Series{found}, s.span, r.every)
	if err != nil {
		return nil, 0, err
	}
	if span < s.span {
		if found, step, err = ask(span); err != nil {
			return nil, 0, err
		}
	}
	line, err := one(found, nil)
	return line, step, err
}

// one wants at most one series.
func one(lines []model.Series, err error) (*model.Series, error) {
	if err != nil {
		return nil, err
	}
	switch len(lines) {
	case 0:
		return nil, nil
	case 1:
		return &lines[0], nil
	}
	return nil, fmt.Errorf("the expression gives %d series: want one, put sum() or max() around it", len(lines))
}

// samplesOf turns a line into what charts draw. PromQL goes on telling the last value of a silent
// series for a while: what is later than the data itself is left out.
func samplesOf(line *model.Series, asOf time.Time, stale bool) []plot.Sample {
	if line == nil {
		return nil
	}
	out := make([]plot.Sample, 0, len(line.Points)+1)
	for _, p := range line.Points {
		if stale && p.T > asOf.UnixMilli() {
			break
		}
		out = append(out, plot.Sample{T: p.T, V: p.V})
	}
	return out
}

// signed writes a change in percent with its sign.
func signed(percent float64) string {
	text := formatText(math.Round(percent), plot.UnitPercent)
	if percent >= 0.5 {
		return "+" + text
	}
	return text
}

func (s *stat) paint(n pen, env Env, body plot.Rect, r reading) {
	number, suffix := format(r.value, s.Unit)
	big := body.H >= 120*n.k
	size := 64.0
	switch {
	case body.H < 80*n.k:
		size = 48
	case !big:
		size = 56
	}
	room := body.W
	if !big && s.span > 0 && body.W >= 200*n.k {
		room *= 0.55
	}
	bold := r.state.Problem() && !r.stale
	for size > 24 && n.width(number, size, bold)+n.width(" "+suffix, size*.44, false) > room {
		size -= 4
	}
	base := body.Y + min(size*n.k, body.H-4*n.k)
	end := s.paintFigure(n, body.X, base, number, suffix, size, r)
	if big {
		s.paintNotes(n, env, end, body.Right(), base, r)
		r.spark(n, env, plot.Rect{X: body.X, Y: base + 20*n.k, W: body.W, H: body.Bottom() - base - 20*n.k}, true)
		return
	}
	if note := s.below(env, r); note != "" && body.Bottom()-base >= 26*n.k {
		note = n.fit(note, 20, false, body.W)
		if r.stale {
			n.under(body.X, body.X+n.width(note, 20, false), base+34*n.k, 20)
		}
		n.text(body.X, base+34*n.k, note, 20, false, n.p.Text2)
	}
	if x := max(end+16*n.k, body.X+body.W*.58); s.span > 0 && body.Right()-x >= 50*n.k {
		r.spark(n, env, plot.Rect{X: x, Y: body.Y + 6*n.k, W: body.Right() - x, H: body.H - 10*n.k}, false)
	}
}

// paintFigure writes the number and its unit and returns where they end.
func (s *stat) paintFigure(n pen, x, base float64, number, suffix string, size float64, r reading) float64 {
	col, bold := n.p.Text, false
	unit := n.p.Text2
	switch {
	case r.stale || r.state == model.Unknown:
		col, unit = n.p.Muted, n.p.Muted
		end := x + n.width(number, size, false) + n.width(" "+suffix, size*.44, false)
		n.under(x, end, base, size)
	case r.state == model.Critical:
		w := n.width(number, size, true)
		n.FillRound(plot.Rect{X: x, Y: base - size*.9*n.k, W: w + 14*n.k, H: size * 1.08 * n.k}, 5*n.k, n.p.Critical)
		n.text(x+7*n.k, base, number, size, true, n.p.OnCrit)
		return n.text(x+w+14*n.k, base, " "+suffix, size*.44, false, n.p.CritInk)
	case r.state == model.Warning:
		col, unit, bold = n.p.WarnText, n.p.WarnText, true
	}
	x = n.text(x, base, number, size, bold, col)
	x = n.text(x, base, " "+suffix, size*.44, false, unit)
	if r.state == model.Warning && !r.stale {
		n.mark(model.Warning, x+size*.48*n.k, base-size*.34*n.k, size*.66)
		x += size * n.k * .9
	}
	return x
}

// paintNotes writes the limit or the comparison at the right of the figure, in two lines.
func (s *stat) paintNotes(n pen, env Env, from, right, base float64, r reading) {
	var lines []string
	switch {
	case r.stale:
		lines = []string{env.Text("at %s", clock(r.asOf, r.end, env.Style.Loc, time.TimeOnly))}
	case r.hit != nil:
		lines = []string{env.Text("limit %s", formatText(r.hit.Value, s.Unit))}
		if since := r.crossedAt(); !since.IsZero() {
			lines = append(lines, env.Text("since %s", clock(since, r.end, env.Style.Loc, "15:04")))
		}
	case r.compare != "":
		lines = []string{r.compare, env.Text("to %s ago", Duration(env.Text, s.compare))}
	}
	if note := s.Note.In(env.Lang); note != "" && len(lines) < 2 {
		lines = append(lines, note)
	}
	for i, size, col := 0, 20.0, n.p.Text2; i < len(lines); i, size, col = i+1, 18, n.p.Muted {
		text := n.fit(lines[i], size, false, right-from-12*n.k)
		y := base - 22*n.k + float64(i)*24*n.k
		if r.stale {
			n.under(right-n.width(text, size, false), right, y, size)
		}
		n.right(right, y, text, size, false, col)
	}
}

// below is the one line under the figure of a flat panel.
func (s *stat) below(env Env, r reading) string {
	switch {
	case r.stale:
		return env.Text("at %s", clock(r.asOf, r.end, env.Style.Loc, time.TimeOnly))
	case r.hit != nil:
		return env.Text("limit %s", formatText(r.hit.Value, s.Unit))
	case r.compare != "":
		return r.compare + " " + env.Text("to %s ago", Duration(env.Text, s.compare))
	}
	return s.Note.In(env.Lang)
}

// crossedAt is when the value passed its limit, zero where it was past it as far as the past reaches.
func (r reading) crossedAt() time.Time {
	for i := len(r.past) - 1; i >= 0; i-- {
		if !r.hit.crossed(r.past[i].V) {
			if i+1 < len(r.past) {
				return time.UnixMilli(r.past[i+1].T)
			}
			break
		}
	}
	return time.Time{}
}
