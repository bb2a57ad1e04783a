package panels

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// workloadsOptions are the keys of a workloads panel: what is deployed in Kubernetes, a row each.
type workloadsOptions struct {
	Common `yaml:",inline"`
	Under  string       `yaml:"under"` // ID of a cluster or namespace; default all
	Kinds  []model.Kind `yaml:"kinds"` // default deployments, stateful and daemon sets, jobs, cron jobs
	Sort   string       `yaml:"sort"`  // "state" (default, worst first), "name", "ready", "restarts", "cpu", "memory", "changed"
}

// workloads is that table. A click on the head of a column sorts by it.
type workloads struct {
	workloadsOptions
	mu    sync.Mutex // guards all below
	sort  string     // by which somebody wants it, "" for what the board says
	lanes []workloadLane
	head  float64
}

func workloadsKind() Kind {
	return Kind{Name: "workloads", New: func(decode func(any) error) (Panel, error) {
		var w workloads
		if err := decode(&w.workloadsOptions); err != nil {
			return nil, err
		}
		for i, kind := range w.Kinds {
			if !slices.Contains(workloadKinds, kind) {
				return nil, fmt.Errorf("kinds[%d]: %q: want one of %v", i, kind, workloadKinds)
			}
		}
		if len(w.Kinds) == 0 {
			w.Kinds = workloadKinds
		}
		var err error
		w.Sort, err = oneOf("sort", w.Sort, "state", "name", "ready", "restarts", "cpu", "memory", "changed")
		return &w, err
	}}
}

// Deps implements Panel.
func (w *workloads) Deps() Deps {
	return Deps{Samples: true, Entities: true, Every: 10 * time.Second}
}

// workload is one row. Counts below zero and NaN mean "not known".
type workload struct {
	id, name, space         string
	kind                    model.Kind
	state                   model.State
	reason, image           string
	ready, desired, updated int
	changed                 time.Time // zero: not known
	restarts                float64   // in 10 minutes
	cpu, cpuAsked           float64   // cores
	memory, memoryAsked     float64   // bytes
}

// Load implements Panel.
func (w *workloads) Load(ctx context.Context, src model.Source, env Env) (*View, error) {
	v := &View{State: model.OK, MinW: 240, MinH: 60}
	rows, pods := w.read(src)
	if len(rows) == 0 {
		v.State, v.Notice = model.Unknown, nothing(src, env, "workloads", w.Under)
		return v, nil
	}
	lanes := workloadLanes(env.Size.W, env.Style.K)
	if err := measureWorkloads(ctx, src, rows, pods, lanes); err != nil {
		return nil, err
	}
	w.mu.Lock()
	by := cmp.Or(w.sort, w.Sort)
	w.lanes, w.head = lanes, tableHead*env.Style.K
	w.mu.Unlock()
	sortWorkloads(rows, by)
	total, k := len(rows), env.Style.K
	stale := !slices.ContainsFunc(rows, func(r workload) bool { return r.state != model.Stale })
	if stale {
		v.State = model.Stale
	}
	rows = rows[:min(total, fitRows(env.Size.H-tableHead*k, 34*k))]
	if len(rows) < total {
		v.Right = fmt.Sprintf("+%d", total-len(rows))
	}
	pitch := tablePitch(env.Size.H, len(rows), k)
	for i, r := range rows {
		v.Spots = append(v.Spots, Spot{Rect: rowSpot(env, tableHead*k+float64(i)*pitch, pitch), Entity: r.id})
	}
	t := workloadTable{rows: rows, lanes: lanes, by: by, now: src.Now()}
	v.Paint = func(c *plot.Canvas, body plot.Rect) { t.paint(newPen(c, env.Style), env, body) }
	return v, nil
}

// read gathers the rows, and for each pod which row it belongs to.
func (w *workloads) read(src model.Source) ([]workload, map[string]int) {
	all := readKinds(src, w.Under)
	var rows []workload
	index := map[string]int{}
	for _, kind := range w.Kinds {
		for _, e := range all[kind] {
			if isRun(e) && !e.State.Problem() {
				continue
			}
			index[e.ID] = len(rows)
			rows = append(rows, newWorkload(e))
		}
	}
	pods := make(map[string]int, len(all[model.KindPod]))
	for _, e := range all[model.KindPod] {
		if i, ok := index[e.Parent]; ok {
			pods[e.ID] = i
		}
	}
	return rows, pods
}

// isRun reports whether a job is one run of a cron job.
func isRun(e *model.Entity) bool {
	return e.Kind == model.KindJob && strings.Contains(e.Parent, "/"+string(model.KindCronJob)+"/")
}

func newWorkload(e *model.Entity) workload {
	unknown := math.NaN()
	r := workload{id: e.ID, name: e.Name, space: spaceOf(e), kind: e.Kind, state: e.State, reason: e.Reason, image: e.Labels["image"],
		ready: number(e.Labels["ready"]), desired: number(e.Labels["desired"]), updated: number(e.Labels["updated"]),
		restarts: unknown, cpu: unknown, cpuAsked: unknown, memory: unknown, memoryAsked: unknown}
	changed := e.Labels["changed"]
	switch e.Kind {
	case model.KindJob:
		r.ready, r.desired = number(e.Labels["succeeded"]), number(e.Labels["completions"])
		changed = cmp.Or(e.Labels["completed"], e.Labels["started"])
	case model.KindCronJob:
		changed = e.Labels["last_schedule"]
		r.reason = cmp.Or(r.reason, e.Labels["schedule"])
	}
	if at, err := time.Parse(time.RFC3339, changed); err == nil {
		r.changed = at
	}
	return r
}

// measureWorkloads adds up what pods use, ask for and how often they were restarted, for the columns that have room.
func measureWorkloads(ctx context.Context, src model.Source, rows []workload, pods map[string]int, lanes []workloadLane) error {
	const byPod = "sum by (cluster, namespace, pod) "
	for _, q := range []struct {
		column, expr string
		to           func(*workload) *float64
	}{
		{"restarts", byPod + `(increase(kube_pod_container_status_restarts_total[10m]))`, func(r *workload) *float64 { return &r.restarts }},
		{"cpu", `nocturne_kube_pod_cpu_usage_cores`, func(r *workload) *float64 { return &r.cpu }},
		{"cpu", byPod + `(kube_pod_container_resource_requests{resource="cpu"})`, func(r *workload) *float64 { return &r.cpuAsked }},
		{"memory", `nocturne_kube_pod_memory_usage_bytes`, func(r *workload) *float64 { return &r.memory }},
		{"memory", byPod + `(kube_pod_container_resource_requests{resource="memory"})`, func(r *workload) *float64 { return &r.memoryAsked }},
	} {
		if !slices.ContainsFunc(lanes, func(l workloadLane) bool { return l.key == q.column }) {
			continue
		}
		lines, err := src.Query(ctx, q.expr, src.Now())
		if err != nil {
			return fmt.Errorf("%s of workloads: %w", q.column, err)
		}
		for _, line := range lines {
			i, ok := pods[model.EntityOf(line.Labels)]
			if !ok || math.IsNaN(line.Points[0].V) {
				continue
			}
			if sum := q.to(&rows[i]); math.IsNaN(*sum) {
				*sum = line.Points[0].V
			} else {
				*sum += line.Points[0].V
			}
		}
	}
	return nil
}

// sortWorkloads sorts by a column, what is most first; the worst come first among equals.
func sortWorkloads(rows []workload, by string) {
	key := func(r *workload) float64 {
		v := 0.0
		switch by {
		case "ready":
			v = float64(r.desired - r.ready)
		case "restarts":
			v = r.restarts
		case "cpu":
			v = r.cpu
		case "memory":
			v = r.memory
		case "changed":
			v = float64(r.changed.Unix())
		}
		if math.IsNaN(v) {
			return math.Inf(-1)
		}
		return v
	}
	worst := func(a, b *workload) int {
		return cmp.Or(cmp.Compare(b.state.Rank(), a.state.Rank()), cmp.Compare(b.desired-b.ready, a.desired-a.ready))
	}
	slices.SortFunc(rows, func(a, b workload) int {
		name := cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
		if by == "name" {
			return name
		}
		return cmp.Or(cmp.Compare(key(&b), key(&a)), worst(&a, &b), name)
	})
}

// Handle implements Interactive: a tap on a head sorts by its column, and one on the same again as the board says.
func (w *workloads) Handle(g Gesture) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.sort
	switch {
	case g.Kind == Leave:
		w.sort = ""
	case g.Kind == Tap && g.At.Y < w.head+4:
		for _, l := range w.lanes {
			if g.At.X < l.x-6 || g.At.X > l.x+l.w+6 || l.sort == "" {
				continue
			}
			if w.sort = l.sort; l.sort == was {
				w.sort = ""
			}
			return true
		}
	}
	return w.sort != was
}
