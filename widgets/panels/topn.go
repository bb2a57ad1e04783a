package panels

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// topnOptions are the keys of a topn panel: the greatest of many values as bars.
type topnOptions struct {
	Common   `yaml:",inline"`
	Expr     string          `yaml:"expr"`
	Label    string          `yaml:"label"`    // template of a row's name; default the labels that differ
	N        int             `yaml:"n"`        // rows at most, default 8
	Smallest bool            `yaml:"smallest"` // the smallest first: what is left rather than what is used
	Max      float64         `yaml:"max"`      // value of a full bar; default 100 % or the greatest value
	Every    string          `yaml:"every"`
	Empty    model.Localized `yaml:"empty"`
	Limits   []Limit         `yaml:"limits"`
}

type topn struct {
	topnOptions
	expr  expression
	every time.Duration
}

func topnKind() Kind {
	return Kind{Name: "topn", New: func(decode func(any) error) (Panel, error) {
		t := topn{topnOptions: topnOptions{N: 8}}
		if err := decode(&t.topnOptions); err != nil {
			return nil, err
		}
		var err error
		if t.expr, err = parseExpression("expr", t.Expr); err != nil {
			return nil, err
		}
		if t.every, err = parseSpan("every", t.Every, 0); err != nil {
			return nil, err
		}
		if t.N < 1 || t.N > 100 {
			return nil, fmt.Errorf("n: %d: want 1 to 100 rows", t.N)
		}
		if t.Max < 0 {
			return nil, fmt.Errorf("max: %v: want more than nothing", t.Max)
		}
		return &t, checkLimits(t.Limits)
	}}
}

func (t *topn) Deps() Deps { return Deps{Samples: true, Entities: true, Every: 5 * time.Second} }

// ranked is one bar.
type ranked struct {
	name, entity string
	value        float64
	state        model.State
	stale        bool
}

func (t *topn) Load(ctx context.Context, src model.Source, env Env) (*View, error) {
	rows, total, err := t.read(ctx, src)
	if err != nil {
		return nil, err
	}
	f, err := t.expr.freshness(ctx, src, t.every)
	if err != nil {
		return nil, err
	}
	if total == 0 {
		notice, err := t.expr.empty(ctx, src, env, t.Empty.In(env.Lang))
		state := model.Unknown
		if notice != nil {
			state = notice.State
		}
		return &View{State: state, Notice: notice}, err
	}
	shown := rows[:min(len(rows), fitRows(env.Size.H, 30*env.Style.K))]
	v := &View{State: model.OK, AsOf: f.asOf, Every: f.every, MinW: 120, MinH: 26, Right: t.subtitle(env, len(shown), total)}
	v.Paint = func(c *plot.Canvas, body plot.Rect) {
		t.paint(newPen(c, env.Style), body, shown)
	}
	for i, r := range shown {
		pitch := min(env.Size.H/float64(len(shown)), 56*env.Style.K)
		if r.entity != "" {
			v.Spots = append(v.Spots, Spot{Rect: rowSpot(env, float64(i)*pitch, pitch), Entity: r.entity})
		}
	}
	return v, nil
}

// fitRows is how many rows of at least pitch fit, one at the least.
func fitRows(h, pitch float64) int { return max(1, int(h/pitch)) }

// read evaluates the expression now, and again over the last hour for rows whose source fell
// silent: their last value is kept as long as their entity is known, and marked stale.
func (t *topn) read(ctx context.Context, src model.Source) (rows []ranked, total int, err error) {
	now := src.Now()
	lines, err := src.Query(ctx, t.expr.text, now)
	if err != nil {
		return nil, 0, err
	}
	state := map[string]model.State{}
	silent := 0
	for _, e := range src.Entities(model.Filter{}) {
		state[e.ID] = e.State
		if e.State == model.Stale {
			silent++
		}
	}
	if silent > 0 {
		if lines, err = t.addSilent(ctx, src, lines, state); err != nil {
			return nil, 0, err
		}
	}
	known := names(t.Label, t.Title.In("en"), lines)
	for i, line := range lines {
		r := ranked{name: known[i], entity: model.EntityOf(line.Labels), value: line.Points[0].V}
		if math.IsNaN(r.value) {
			continue
		}
		r.state, _ = judge(r.value, t.Limits)
		s, ok := state[r.entity]
		r.stale = ok && s == model.Stale
		if !ok {
			r.entity = ""
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b ranked) int {
		if t.Smallest {
			a, b = b, a
		}
		return cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(a.name, b.name))
	})
	return rows[:min(t.N, len(rows))], len(rows), nil
}

// addSilent adds the last values of series that have none now and belong to a stale entity.
func (t *topn) addSilent(ctx context.Context, src model.Source, lines []model.Series, state map[string]model.State) ([]model.Series, error) {
	const step = 4 * time.Minute // shorter than PromQL looks back, so that no value is missed
	now := src.Now()
	past, err := src.QueryRange(ctx, t.expr.text, now.Add(-15*step), now.Add(-step/2), step)
	if err != nil {
		return nil, err
	}
	have := make(map[uint64]bool, len(lines))
	for _, line := range lines {
		have[line.Labels.Hash()] = true
	}
	for _, line := range past {
		if n := len(line.Points); n > 0 && !have[line.Labels.Hash()] && state[model.EntityOf(line.Labels)] == model.Stale {
			lines = append(lines, model.Series{Labels: line.Labels, Points: line.Points[n-1:]})
		}
	}
	return lines, nil
}

// subtitle says unit, limit and how many rows there are beyond those shown.
func (t *topn) subtitle(env Env, shown, total int) string {
	var parts []string
	if _, suffix := format(1, t.Unit); suffix == "%" {
		parts = append(parts, "%")
	}
	if shown < total {
		parts = append(parts, env.Text("%d of %d", shown, total))
	} else if len(t.Limits) > 0 {
		parts = append(parts, env.Text("limit %s", t.number(t.Limits[0].Value)))
	}
	return strings.Join(parts, ", ")
}

// number writes a value; % stands in the title row, once for all.
func (t *topn) number(v float64) string {
	number, suffix := format(v, t.Unit)
	if suffix == "" || suffix == "%" {
		return number
	}
	return number + " " + suffix
}

// full is the value of a full bar.
func (t *topn) full(rows []ranked) float64 {
	switch {
	case t.Max > 0:
		return t.Max
	case t.Unit == plot.UnitPercent || t.Unit == "%":
		return 100
	case t.Unit == plot.UnitRatio:
		return 1
	}
	top := 0.0
	for _, r := range rows {
		top = max(top, r.value)
	}
	for _, l := range t.Limits {
		top = max(top, l.Value*1.1)
	}
	return cmp.Or(top, 1)
}

func (t *topn) paint(n pen, body plot.Rect, rows []ranked) {
	k := n.k
	nameW, valueW, marks, size := 0.0, 0.0, false, 20.0
	for _, r := range rows {
		bold := r.state.Problem() && !r.stale
		nameW = max(nameW, n.width(r.name, size, bold))
		valueW = max(valueW, n.width(t.number(r.value), 22, bold))
		marks = marks || bold
	}
	if nameW > body.W*.4 { // long names in the smaller size
		nameW *= .9
		size = 18
	}
	nameW = min(nameW, body.W*.55)
	bar := plot.Rect{X: body.X + nameW + 18*k, H: 16 * k}
	bar.W = body.Right() - valueW - 14*k - bar.X
	if marks {
		bar.W -= 40 * k
	}
	pitch := min(body.H/float64(len(rows)), 56*k)
	full := t.full(rows)
	for i, r := range rows {
		y := body.Y + (float64(i)+.5)*pitch
		bar.Y = y - 8*k
		t.paintRow(n, body, bar, plot.Rect{X: body.X, W: nameW, H: size}, y+7*k, r, full)
	}
	if bar.W >= 40*k {
		for _, l := range t.Limits {
			if x := bar.X + bar.W*l.Value/full; x >= bar.X && x <= bar.X+bar.W {
				n.Line(x, body.Y+2*k, x, body.Y+pitch*float64(len(rows))-2*k, max(1, k), n.p.Muted, plot.Dash{2 * k, 4 * k})
			}
		}
	}
}

// paintRow draws a bar between its name, of label's width and of the size that is label's height, and its figure.
func (t *topn) paintRow(n pen, body, bar, label plot.Rect, base float64, r ranked, full float64) {
	k := n.k
	bold := r.state.Problem() && !r.stale
	name, figure, fill := n.p.Text2, n.p.Text, n.p.Bar
	switch {
	case r.stale:
		name, figure = n.p.Muted, n.p.Muted
	case bold:
		name, figure, fill = n.p.Text, n.ink(r.state), n.p.State(markKind(r.state))
	}
	n.text(label.X, base, n.fit(r.name, label.H, bold, label.W+1), label.H, bold, name)
	if r.state == model.Critical && !r.stale {
		n.plate(body.Right(), base, t.number(r.value), 18, model.Critical)
	} else {
		n.right(body.Right(), base, t.number(r.value), 22, bold, figure)
	}
	if bar.W < 24*k {
		return
	}
	if !r.stale {
		n.bar(bar, r.value/full, fill)
		if bold {
			n.mark(r.state, bar.Right()+24*k, base-7*k, 24)
		}
		return
	}
	bar.W = max(8*k, bar.W*clamp01(r.value/full))
	n.Hatch(bar, 2*k, 8*k, 1.5*k, n.p.Stale)
	n.StrokeRound(bar, 2*k, max(1, k), n.p.Stale, plot.Dash{3 * k, 3 * k})
	n.mark(model.Stale, bar.Right()+22*k, base-7*k, 24)
}
