package panels

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// tableOptions are the keys of a table panel: things in rows, the worst first, or the answer of a query.
type tableOptions struct {
	Common  `yaml:",inline"`
	Of      string          `yaml:"of"`      // kind of entity, "workloads", or "sources"; empty for the rows of expr
	Under   string          `yaml:"under"`   // ID of an ancestor, for example device/dist2
	Expr    string          `yaml:"expr"`    // one row for each series
	Label   string          `yaml:"label"`   // template of a row's name with expr
	Columns []column        `yaml:"columns"` // default those that fit the kind
	Empty   model.Localized `yaml:"empty"`
}

// column is one column of figures or words.
type column struct {
	Title  model.Localized `yaml:"title"`
	Expr   string          `yaml:"expr"`  // joined to the rows by its labels
	Field  string          `yaml:"field"` // "reason", "since", "seen", "parent", "state", or "value" with the table's expr
	Label  string          `yaml:"label"` // a label of the entity
	Unit   string          `yaml:"unit"`
	Limits []Limit         `yaml:"limits"`
	Reason bool            `yaml:"reason"` // says the reason instead where the row is a problem that has one
	expr   *expression
}

type table struct {
	tableOptions
	expr *expression
}

func tableKind() Kind {
	return Kind{Name: "table", New: func(decode func(any) error) (Panel, error) {
		var t table
		if err := decode(&t.tableOptions); err != nil {
			return nil, err
		}
		if (t.Of == "") == (t.Expr == "") {
			return nil, fmt.Errorf("want either of (a kind of entity) or expr (a query)")
		}
		if t.Expr != "" {
			x, err := parseExpression("expr", t.Expr)
			if err != nil {
				return nil, err
			}
			t.expr = &x
		}
		if len(t.Columns) == 0 {
			t.Columns = defaultColumns(t.Of)
			if t.expr != nil {
				t.Columns[0].Unit = t.Unit
			}
		}
		for i := range t.Columns {
			if err := t.Columns[i].check(fmt.Sprintf("columns[%d]", i)); err != nil {
				return nil, err
			}
		}
		return &t, nil
	}}
}

func (c *column) check(key string) error {
	if c.Expr != "" {
		x, err := parseExpression(key+".expr", c.Expr)
		if err != nil {
			return err
		}
		c.expr = &x
	}
	if _, err := oneOf(key+".field", c.Field, "", "reason", "since", "seen", "parent", "state", "value"); err != nil {
		return err
	}
	if c.Expr == "" && c.Field == "" && c.Label == "" {
		return fmt.Errorf("%s: want expr, field or label", key)
	}
	if err := checkLimits(c.Limits); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// defaultColumns are the columns of a kind. A word that is not translated here is on every wall alike.
func defaultColumns(of string) []column {
	title := func(en, ko string) model.Localized { return model.Localized{"en": en, "ko": ko} }
	switch model.Kind(of) {
	case model.KindInterface:
		return []column{
			{Title: title("In", "수신"), Expr: `8 * rate(ifHCInOctets[2m])`, Unit: "bps"},
			{Title: title("Out", "송신"), Expr: `8 * rate(ifHCOutOctets[2m])`, Unit: "bps"},
			{Title: title("Use", "사용률"), Expr: `100 * 8 * rate(ifHCOutOctets[2m]) / (ifHighSpeed * 1e6)`, Unit: "percent", Reason: true,
				Limits: []Limit{{Value: 80}, {Value: 95, Severity: "critical"}}},
		}
	case model.KindServer:
		return []column{
			{Title: title("CPU", "CPU"), Expr: `100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[2m])))`, Unit: "percent", Limits: []Limit{{Value: 90}}},
			{Title: title("Load", "부하"), Expr: `node_load1`},
			{Title: title("Since", "지속"), Field: "since"},
		}
	case model.KindDeployment, model.KindStatefulSet, model.KindDaemonSet, "workloads":
		return []column{{Title: title("Ready", "준비"), Label: "ready"}, {Title: title("Wanted", "목표"), Label: "desired"}, {Title: title("Reason", "사유"), Field: "reason"}}
	case "sources":
		return []column{
			{Title: title("Samples", "표본"), Label: "samples"}, {Title: title("Took", "소요"), Label: "took"}, {Title: title("Last answer", "최근 응답"), Field: "seen"},
			{Title: title("Since", "지속"), Field: "since"}, {Title: title("Reason", "사유"), Field: "reason"},
		}
	case "":
		return []column{{Title: title("Value", "값"), Field: "value"}}
	}
	return []column{{Title: title("Since", "지속"), Field: "since"}, {Title: title("Reason", "사유"), Field: "reason"}}
}

func (t *table) Deps() Deps {
	return Deps{Samples: true, Entities: t.Of != "", Sources: t.Of == "sources", Every: 5 * time.Second}
}

// tableRow is one row: what it is about, and the text of each column.
type tableRow struct {
	id, name string
	state    model.State
	worst    model.State // of the row and its figures
	plain    bool        // nothing judges it: no mark
	thing    *model.Entity
	top      float64 // the figure that decides among equals
	cells    []tableCell
}

type tableCell struct {
	text  string
	state model.State // of the figure
}

func (t *table) Load(ctx context.Context, src model.Source, env Env) (*View, error) {
	v := &View{State: model.OK, MinW: 140, MinH: 60}
	rows, err := t.rows(ctx, src)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		v.Notice, err = t.nothing(ctx, src, env)
		if v.Notice != nil {
			v.State = v.Notice.State
		}
		return v, err
	}
	slices.SortFunc(rows, func(a, b tableRow) int {
		return cmp.Or(cmp.Compare(b.worst.Rank(), a.worst.Rank()), cmp.Compare(b.top, a.top), cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
	})
	k := env.Style.K
	total := len(rows)
	rows = rows[:min(total, fitRows(env.Size.H-tableHead*k, 34*k))]
	if len(rows) < total {
		v.Right = env.Text("%d of %d, worst first", len(rows), total)
	}
	for _, r := range rows { // only what is shown is put into words
		for j := range t.Columns {
			switch col := &t.Columns[j]; {
			case r.thing == nil:
			case col.expr == nil && r.cells[j].text == "":
				r.cells[j].text = col.word(src, env, *r.thing)
			case col.Reason && r.cells[j].text == r.thing.Reason:
				r.cells[j].text = env.Said(r.thing.Reason)
			}
		}
	}
	pitch := tablePitch(env.Size.H, len(rows), k)
	for i, r := range rows {
		if r.id != "" {
			v.Spots = append(v.Spots, Spot{Rect: rowSpot(env, tableHead*k+float64(i)*pitch, pitch), Entity: r.id})
		}
	}
	if t.expr != nil {
		f, err := t.expr.freshness(ctx, src, 0)
		if err != nil {
			return nil, err
		}
		v.AsOf, v.Every = f.asOf, f.every
	}
	v.Paint = func(c *plot.Canvas, body plot.Rect) { t.paint(newPen(c, env.Style), env, body, rows) }
	return v, nil
}

func (t *table) nothing(ctx context.Context, src model.Source, env Env) (*Notice, error) {
	if t.expr != nil {
		return t.expr.empty(ctx, src, env, t.Empty.In(env.Lang))
	}
	return nothing(src, env, model.Kind(t.Of), t.Under), nil
}

// rows gathers the rows and their figures.
func (t *table) rows(ctx context.Context, src model.Source) ([]tableRow, error) {
	if t.expr != nil {
		return t.seriesRows(ctx, src)
	}
	things := t.things(src)
	if len(things) == 0 {
		return nil, nil
	}
	rows := make([]tableRow, len(things))
	for i, e := range things {
		rows[i] = tableRow{id: e.ID, name: e.Name, state: e.State, worst: e.State, thing: &things[i], top: math.Inf(-1), cells: make([]tableCell, len(t.Columns))}
	}
	for j := range t.Columns {
		col := &t.Columns[j]
		values, err := col.values(ctx, src)
		if err != nil {
			return nil, err
		}
		for i, e := range things {
			r := &rows[i]
			switch {
			case col.Reason && e.State.Problem() && e.Reason != "":
				r.cells[j] = tableCell{e.Reason, e.State}
			case col.expr != nil:
				v, ok := values[e.ID]
				if !ok {
					v = math.NaN()
				}
				r.set(j, v, col)
			}
		}
	}
	return rows, nil
}

// set fills a cell with a figure and judges it. A stale or unknown row's figures are not judged.
func (r *tableRow) set(j int, v float64, col *column) {
	state, _ := judge(v, col.Limits)
	r.cells[j] = tableCell{figure(v, col.Unit), state}
	if r.state == model.Stale || r.state == model.Unknown || math.IsNaN(v) {
		r.cells[j].state = model.OK
		return
	}
	if state.Worse(r.worst) {
		r.worst = state
	}
	if len(col.Limits) > 0 || j == 0 {
		r.top = v
	}
}

// figure writes a value short: "9.1 G", "91 %", an en dash for what is not known.
func figure(v float64, unit string) string {
	if math.IsNaN(v) {
		return "–"
	}
	number, suffix := format(v, unit)
	suffix = strings.TrimSuffix(suffix, "b/s")
	if suffix == "" {
		return number
	}
	return number + " " + suffix
}

// things are the entities of the rows; sources are made to look like entities.
func (t *table) things(src model.Source) []model.Entity {
	switch t.Of {
	case "sources":
		var out []model.Entity
		for _, row := range src.Sources() {
			name := row.Name
			if row.Target != "" && row.Target != row.Name {
				name += " " + row.Target
			}
			out = append(out, model.Entity{ID: model.SourceID(row.Name), Kind: model.KindSource, Name: name, State: row.State, Reason: row.Error, Since: row.Since, Seen: row.LastOK,
				Labels: map[string]string{"samples": strconv.Itoa(row.Samples), "took": formatText(row.Duration.Seconds(), plot.UnitSeconds), "every": formatText(row.Every.Seconds(), plot.UnitSeconds)}})
		}
		return out
	case "workloads":
		var out []model.Entity
		for _, kind := range []model.Kind{model.KindDeployment, model.KindStatefulSet, model.KindDaemonSet} {
			out = append(out, src.Entities(model.Filter{Kind: kind, Under: t.Under})...)
		}
		return out
	}
	return src.Entities(model.Filter{Kind: model.Kind(t.Of), Under: t.Under})
}

// values evaluates a column's expression for each entity; among several series of one the worst counts.
func (c *column) values(ctx context.Context, src model.Source) (map[string]float64, error) {
	if c.expr == nil {
		return nil, nil
	}
	lines, err := src.Query(ctx, c.expr.text, src.Now())
	if err != nil {
		return nil, fmt.Errorf("column %s: %w", c.Title.In("en"), err)
	}
	out := make(map[string]float64, len(lines))
	for _, line := range lines {
		v := line.Points[0].V
		// What is scraped from a pod speaks of the pod, and of the server or service that answers there.
		for _, id := range []string{model.EntityOf(line.Labels), model.ServerID(line.Labels.Get("instance"))} {
			if old, ok := out[id]; !ok || v > old {
				out[id] = v
			}
		}
	}
	return out, nil
}

// word is a column's text about an entity.
func (c *column) word(src model.Source, env Env, e model.Entity) string {
	switch {
	case c.Label != "":
		return cmp.Or(e.Labels[c.Label], "–")
	case c.Field == "since":
		return Duration(env.Text, src.Now().Sub(e.Since))
	case c.Field == "seen":
		if e.Seen.IsZero() {
			return "–"
		}
		return env.Text("%s ago", Duration(env.Text, src.Now().Sub(e.Seen)))
	case c.Field == "parent":
		return e.Parent[strings.LastIndexByte(e.Parent, '/')+1:]
	case c.Field == "state":
		return env.Text(e.State.String())
	case c.Field == "reason":
		return env.Said(e.Reason)
	}
	return ""
}

// seriesRows makes a row of each series of the table's expression.
func (t *table) seriesRows(ctx context.Context, src model.Source) ([]tableRow, error) {
	lines, err := src.Query(ctx, t.expr.text, src.Now())
	if err != nil {
		return nil, err
	}
	known := names(t.Label, t.Title.In("en"), lines)
	rows := make([]tableRow, len(lines))
	for i, line := range lines {
		rows[i] = tableRow{id: model.EntityOf(line.Labels), name: known[i], state: model.OK, worst: model.OK, plain: true, cells: make([]tableCell, len(t.Columns))}
		for j := range t.Columns {
			if col := &t.Columns[j]; col.Field == "value" {
				rows[i].set(j, line.Points[0].V, col)
				rows[i].top = line.Points[0].V
				rows[i].plain = rows[i].plain && len(col.Limits) == 0
			} else if col.Label != "" {
				rows[i].cells[j].text = line.Labels.Get(col.Label)
			}
		}
		rows[i].state = rows[i].worst
	}
	return rows, nil
}
