package panels

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// clusterFact is one more figure of a cluster: "22/23 workloads, 1 short", or a figure without a total.
type clusterFact struct {
	what, figure string
	ready, total int // used where figure is empty
	note         string
	state        model.State // of figure and note
}

// readClusterFacts fills in what cards that are wide enough show beyond nodes, pods and use. What is
// not known is left out.
func readClusterFacts(ctx context.Context, src model.Source, env Env, list []cluster) error {
	index := make(map[string]int, len(list))
	for i := range list {
		index[list[i].id] = i
	}
	restarts, err := perCluster(ctx, src, `sum by (cluster) (increase(kube_pod_container_status_restarts_total[1h]))`)
	if err != nil {
		return err
	}
	latency, err := perCluster(ctx, src, `max by (cluster) (nocturne_kube_api_latency_seconds)`)
	if err != nil {
		return err
	}
	sums := tallyClusters(src, index)
	for i := range list {
		c, t := &list[i], sums[i]
		c.more = append(c.more, t.facts(env)...)
		if v, ok := restarts[c.id]; ok {
			c.more = append(c.more, clusterFact{what: env.Text("restarts, 1 h"), figure: strconv.Itoa(int(math.Round(v))), state: model.OK})
		}
		if v, ok := latency[c.id]; ok {
			number, suffix := format(v, plot.UnitSeconds)
			c.more = append(c.more, clusterFact{what: env.Text("API answers in"), figure: number + " " + suffix, state: model.OK})
		}
		if t.namespaces > 0 {
			c.more = append(c.more, clusterFact{what: env.Text("namespaces"), figure: strconv.Itoa(t.namespaces), state: model.OK})
		}
	}
	return nil
}

// perCluster evaluates an expression that gives one value for each cluster.
func perCluster(ctx context.Context, src model.Source, expr string) (map[string]float64, error) {
	lines, err := src.Query(ctx, expr, src.Now())
	if err != nil {
		return nil, fmt.Errorf("figures of clusters: %w", err)
	}
	out := make(map[string]float64, len(lines))
	for _, line := range lines {
		id := model.ClusterID(line.Labels.Get("cluster"))
		if v := line.Points[0].V; !math.IsNaN(v) {
			out[id] = v
		}
	}
	return out, nil
}

// clusterTally counts what is in a cluster.
type clusterTally struct {
	namespaces, critical, warning                   int // critical and warning are all things in these states
	workloads, workloadsWell, services, serviceWell int
	reasons                                         map[string]int // of pods with a problem
	reasonState                                     map[string]model.State
}

// tallyClusters counts each cluster's things in one pass.
func tallyClusters(src model.Source, index map[string]int) []clusterTally {
	out := make([]clusterTally, len(index))
	for i := range out {
		out[i].reasons, out[i].reasonState = map[string]int{}, map[string]model.State{}
	}
	for _, e := range src.Entities(model.Filter{Under: "kube"}) {
		i, ok := index[ancestor(e.ID)]
		if !ok {
			continue
		}
		t, well := &out[i], 0
		if e.State == model.OK {
			well = 1
		}
		switch e.Kind {
		case model.KindCluster, model.KindNamespace, model.KindProject: // sums of others
		case model.KindPod:
			if e.State.Problem() {
				t.addReason(e)
			}
			fallthrough
		default:
			t.problem(e.State)
		}
		known := e.State != model.Unknown && e.State != model.Stale // the rest is no zero: it is left out
		switch {
		case e.Kind == model.KindNamespace:
			t.namespaces++
		case !known:
		case e.Kind == model.KindService:
			t.services, t.serviceWell = t.services+1, t.serviceWell+well
		case e.Kind == model.KindDeployment, e.Kind == model.KindStatefulSet, e.Kind == model.KindDaemonSet:
			t.workloads, t.workloadsWell = t.workloads+1, t.workloadsWell+well
		}
	}
	return out
}

// problem counts a thing in trouble.
func (t *clusterTally) problem(s model.State) {
	switch s {
	case model.Critical:
		t.critical++
	case model.Warning:
		t.warning++
	}
}

// addReason counts a pod by the first words of what is wrong with it.
func (t *clusterTally) addReason(e model.Entity) {
	word := e.Reason
	if i := strings.IndexAny(word, ",:("); i >= 0 {
		word = word[:i]
	}
	word, _, _ = strings.Cut(word, " since ")
	if node := e.Labels["node"]; node != "" {
		word = strings.TrimSuffix(word, " "+node)
	}
	if e.State == model.Critical { // CrashLoopBackOff, ImagePullBackOff: the image follows
		word, _, _ = strings.Cut(word, " ")
	}
	word = cmp.Or(strings.TrimSpace(word), e.State.String())
	t.reasons[word]++
	if e.State.Worse(t.reasonState[word]) || t.reasonState[word] == model.Unknown {
		t.reasonState[word] = e.State
	}
}

// facts are the counts as figures, the most frequent problem of pods first.
func (t *clusterTally) facts(env Env) []clusterFact {
	var out []clusterFact
	if t.critical > 0 {
		out = append(out, clusterFact{what: env.Text("critical"), figure: strconv.Itoa(t.critical), state: model.Critical})
	}
	if t.warning > 0 {
		out = append(out, clusterFact{what: env.Text("warning"), figure: strconv.Itoa(t.warning), state: model.Warning})
	}
	if t.workloads > 0 {
		out = append(out, clusterFact{what: env.Text("workloads"), ready: t.workloadsWell, total: t.workloads, note: env.Text("%d short", t.workloads-t.workloadsWell), state: model.Warning})
	}
	if t.services > 0 {
		out = append(out, clusterFact{what: env.Text("services"), ready: t.serviceWell, total: t.services, note: env.Text("%d without endpoint", t.services-t.serviceWell), state: model.Critical})
	}
	words := slices.SortedFunc(maps.Keys(t.reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(t.reasonState[b].Rank(), t.reasonState[a].Rank()), cmp.Compare(t.reasons[b], t.reasons[a]), cmp.Compare(a, b))
	})
	for _, word := range words[:min(2, len(words))] {
		out = append(out, clusterFact{what: env.Said(word), figure: strconv.Itoa(t.reasons[word]), state: t.reasonState[word]})
	}
	return out
}

// paintClusterFacts sets figures side by side, as many as are wide enough to be read.
func paintClusterFacts(n pen, r plot.Rect, facts []clusterFact, dim bool) {
	const least = 150
	k := n.k
	fits := min(len(facts), int(r.W/(least*k)))
	if fits < 1 {
		return
	}
	w := r.W / float64(fits)
	for i, f := range facts[:fits] {
		x := r.X + float64(i)*w
		if f.figure == "" {
			cardFigure(n, x, r.Y, w-20*k, f.ready, f.total, f.what, f.state, dim, func(int) string { return f.note })
			continue
		}
		paintFact(n, x, r.Y, w-12*k, f, dim)
	}
}

// paintFact writes a figure without a total, its unit small, and what it is below it.
func paintFact(n pen, x, top, w float64, f clusterFact, dim bool) {
	k := n.k
	base, below := top+100*k, top+130*k
	number, unit, _ := strings.Cut(f.figure, " ")
	size := 48.0
	for size > 26 && n.width(number, size, true)+n.width(" "+unit, size/2, false) > w {
		size -= 2
	}
	what := n.fit(f.what, 18, false, w)
	col, label, bold := n.p.Text, n.p.Muted, f.state.Problem() && !dim
	switch {
	case dim:
		col = n.p.Muted
		n.under(x, x+n.width(f.figure, size, false), base, size)
		n.under(x, x+n.width(what, 18, false), below, 18)
	case bold && f.state == model.Critical: // inverted, for red text fades in greyscale
		n.FillRound(plot.Rect{X: x - 2*k, Y: base - size*.9*k, W: n.width(number, size, true) + 14*k, H: size * 1.08 * k}, 5*k, n.p.Critical)
		n.text(x+5*k, base, number, size, true, n.p.OnCrit)
		n.text(x, below, what, 18, false, n.p.CritInk)
		return
	case bold:
		col, label = n.ink(f.state), n.ink(f.state)
	}
	end := n.text(x, base, number, size, bold, col)
	if unit != "" {
		n.text(end, base, " "+unit, size/2, false, n.p.Muted)
	}
	n.text(x, below, what, 18, false, label)
}
