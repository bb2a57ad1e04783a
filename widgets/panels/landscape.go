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

// landscapeOptions are the keys of a landscape panel: the projects of the CNCF that run in Kubernetes
// clusters, by category, each with its version and health in each cluster.
type landscapeOptions struct {
	Common   `yaml:",inline"`
	Only     []string `yaml:"only"`     // names of clusters; default all
	Category []string `yaml:"category"` // names of categories; default all
}

type landscape struct{ landscapeOptions }

func landscapeKind() Kind {
	return Kind{Name: "landscape", New: func(decode func(any) error) (Panel, error) {
		var l landscape
		return &l, decode(&l.landscapeOptions)
	}}
}

func (l *landscape) Deps() Deps {
	return Deps{Samples: true, Entities: true, Every: 10 * time.Second}
}

// landscapeCell is a project in one cluster. A nil one is not there.
type landscapeCell struct {
	id, version        string
	others             string // how many other versions there are, " +2"
	workloads, objects string // "3/3": well, and all
	state              model.State
	reason             string
	figure             string // of its key metric, "" for none
}

// landscapeRow is a project, with a cell for each cluster.
type landscapeRow struct {
	name  string
	cells []*landscapeCell
	worst int // index of the cell in the worst state
}

func (r *landscapeRow) state() model.State { return r.cells[r.worst].state }

// landscapeGroup is a category, its projects worst first.
type landscapeGroup struct {
	name string
	rows []landscapeRow
}

func (g *landscapeGroup) worst() model.State { return g.rows[0].state() }

func (l *landscape) Load(ctx context.Context, src model.Source, env Env) (*View, error) {
	v := &View{State: model.OK, MinW: 220, MinH: 60}
	clusters, groups, err := l.read(ctx, src, env)
	if err != nil {
		return nil, err
	}
	if len(groups) == 0 {
		v.State, v.Notice = model.Unknown, noProjects(src, env)
		return v, nil
	}
	projects, troubled, silent := 0, 0, true
	for _, g := range groups {
		for _, r := range g.rows {
			projects++
			if r.state().Problem() {
				troubled++
			}
			for _, c := range r.cells {
				silent = silent && (c == nil || c.state == model.Stale)
			}
		}
	}
	if silent {
		v.State = model.Stale
	}
	for _, e := range src.Entities(model.Filter{Kind: model.KindProject}) {
		if e.Seen.After(v.AsOf) {
			v.AsOf, v.Every = e.Seen, cmp.Or(everyOf(src, e.Source), defaultEvery)
		}
	}
	v.Right = env.Text("%d projects", projects)
	if troubled > 0 {
		v.Right = env.Text("%d of %d projects in trouble", troubled, projects)
	}
	lay := layLandscape(clusters, groups, env)
	v.Spots = lay.spots()
	v.Paint = func(c *plot.Canvas, body plot.Rect) { lay.paint(newPen(c, env.Style), env, body) }
	return v, nil
}

// noProjects says why there is nothing to show.
func noProjects(src model.Source, env Env) *Notice {
	if len(src.Entities(model.Filter{Kind: model.KindCluster})) == 0 {
		return noClusters(src, env)
	}
	return &Notice{State: model.Unknown, Head: env.Text("No project recognised"), Lines: []string{
		env.Text("Projects are recognised by their custom resources, labels and images"),
		env.Text("Further ones: \"landscape\" of the source"),
	}}
}

// read gathers the projects by category: the categories with trouble first, and in them the projects.
func (l *landscape) read(ctx context.Context, src model.Source, env Env) (clusters []string, groups []landscapeGroup, err error) {
	var found []model.Entity
	for _, e := range src.Entities(model.Filter{Kind: model.KindProject}) {
		cluster := clusterOf(e.ID)
		if len(l.Only) > 0 && !slices.Contains(l.Only, cluster) || len(l.Category) > 0 && !slices.Contains(l.Category, e.Labels["category"]) {
			continue
		}
		found = append(found, e)
		if !slices.Contains(clusters, cluster) {
			clusters = append(clusters, cluster)
		}
	}
	slices.Sort(clusters)
	figures, err := projectFigures(ctx, src, env, found, len(clusters))
	if err != nil {
		return nil, nil, err
	}
	type place struct{ group, row int }
	places, index := map[string]place{}, map[string]int{}
	for _, e := range found {
		category := e.Labels["category"]
		i, ok := index[category]
		if !ok {
			i = len(groups)
			index[category] = i
			groups = append(groups, landscapeGroup{name: env.Text(category)})
		}
		g := &groups[i]
		at, ok := places[category+"/"+e.Name]
		if !ok {
			at = place{i, len(g.rows)}
			places[category+"/"+e.Name] = at
			g.rows = append(g.rows, landscapeRow{name: e.Name, cells: make([]*landscapeCell, len(clusters)), worst: -1})
		}
		column := slices.Index(clusters, clusterOf(e.ID))
		r := &g.rows[at.row]
		r.cells[column] = &landscapeCell{
			id: e.ID, version: e.Labels["version"], others: othersOf(e), workloads: e.Labels["workloads"], objects: e.Labels["objects"], state: e.State, reason: env.Said(e.Reason), figure: figures[e.ID],
		}
		if r.worst < 0 || e.State.Worse(r.state()) || e.State == r.state() && column < r.worst {
			r.worst = column
		}
	}
	for _, g := range groups {
		slices.SortFunc(g.rows, func(a, b landscapeRow) int {
			return cmp.Or(cmp.Compare(b.state().Rank(), a.state().Rank()), cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)))
		})
	}
	slices.SortFunc(groups, func(a, b landscapeGroup) int {
		return cmp.Or(cmp.Compare(b.worst().Rank(), a.worst().Rank()), cmp.Compare(len(b.rows), len(a.rows)), cmp.Compare(a.name, b.name))
	})
	return clusters, groups, nil
}

// clusterOf is the name of the cluster that an entity is in.
func clusterOf(id string) string {
	_, _, labels, _ := model.ParseID(id)
	return labels["cluster"]
}

// othersOf says how many other versions of a project run beside the one that is named.
func othersOf(e model.Entity) string {
	if n := number(e.Labels["versions"]); n > 1 {
		return fmt.Sprintf(" +%d", n-1)
	}
	return ""
}

// projectFigures evaluates the key metrics of projects, by entity. What has no data has no figure. A
// series that does not say its cluster counts where there is only one.
func projectFigures(ctx context.Context, src model.Source, env Env, found []model.Entity, clusters int) (map[string]string, error) {
	figures, asked := map[string]string{}, map[string][]model.Series{}
	for _, e := range found {
		query := e.Labels["metric"]
		if query == "" {
			continue
		}
		lines, ok := asked[query]
		if !ok {
			var err error
			if lines, err = src.Query(ctx, query, src.Now()); err != nil {
				return nil, fmt.Errorf("metric of %s: %w", e.Name, err)
			}
			asked[query] = lines
		}
		for _, line := range lines {
			cluster := line.Labels.Get("cluster")
			if cluster != clusterOf(e.ID) && (cluster != "" || clusters > 1) || len(line.Points) == 0 {
				continue
			}
			if value := line.Points[len(line.Points)-1].V; !math.IsNaN(value) {
				figures[e.ID] = strings.TrimSpace(env.Text(e.Labels["metric_title"]) + " " + projectFigure(value) + " " + e.Labels["metric_unit"])
			}
		}
	}
	return figures, nil
}

// projectFigure writes a value with three digits at most.
func projectFigure(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
