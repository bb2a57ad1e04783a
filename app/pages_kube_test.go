package app

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/store"
	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// charted notes what the lines of a chart end with.
type charted struct {
	model.Source
	exprs []string
	ends  map[string]model.Point // the latest of each query; NaN for a gap
}

func (c *charted) QueryRange(ctx context.Context, expr string, start, end time.Time, step time.Duration) ([]model.Series, error) {
	lines, err := c.Source.QueryRange(ctx, expr, start, end, step)
	was, again := c.ends[expr]
	if !again {
		c.exprs = append(c.exprs, expr)
	}
	if t := end.UnixMilli(); t >= was.T { // charts ask for what is left of them, too
		c.ends[expr] = model.Point{T: t, V: math.NaN()}
		for _, line := range lines {
			if n := len(line.Points); n > 0 && line.Points[n-1].T == t {
				c.ends[expr] = line.Points[n-1]
			}
		}
	}
	return lines, err
}

// kubeSamples makes samples of "name{label=value,...}", all of cluster c.
func kubeSamples(at time.Time, values map[string]float64) []model.Sample {
	var out []model.Sample
	for text, v := range values {
		name, rest, _ := strings.Cut(text, "{")
		pairs := []string{"__name__", name, "cluster", "c"}
		for pair := range strings.SplitSeq(strings.TrimSuffix(rest, "}"), ",") {
			if key, value, ok := strings.Cut(pair, "="); ok {
				pairs = append(pairs, key, value)
			}
		}
		out = append(out, model.Sample{Labels: labels.FromStrings(pairs...), T: at.UnixMilli(), V: v})
	}
	return out
}

// chartsOf keeps ten minutes of samples, which differ by minute, and returns what the lines of the charts of an
// entity's page end with, by title.
func chartsOf(t *testing.T, id string, values func(minute int) map[string]float64) map[string][]float64 {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s, err := store.Open(store.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i := range 61 {
		err := s.Apply(model.Batch{Source: "k", Scope: "c", Time: now, Every: 10 * time.Second, Replace: true,
			Entities: []model.Entity{{ID: "kube/c", Kind: model.KindCluster, Name: "c", State: model.OK}}, Samples: kubeSamples(now, values(i/6))})
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(10 * time.Second)
	}
	now = now.Add(-10 * time.Second)
	page, err := builtinPages(t).Open(s, id)
	if err != nil {
		t.Fatal(err)
	}
	env, err := LookOf(config.Wall{}, "en", "dark").Env()
	if err != nil {
		t.Fatal(err)
	}
	env.Size = plot.Rect{W: 500, H: 300}
	out := map[string][]float64{}
	for _, panel := range page.Sheets[0].Panels {
		src := &charted{Source: s, ends: map[string]model.Point{}}
		_, err := panel.Panel.Load(t.Context(), src, env)
		if err != nil {
			t.Fatalf("%s: %v", panel.Title.In("en"), err)
		}
		for _, expr := range src.exprs {
			if end := src.ends[expr]; now.Sub(time.UnixMilli(end.T)) < time.Minute {
				title := panel.Title.In("en")
				out[title] = append(out[title], end.V)
			}
		}
	}
	return out
}

// owned are the samples of a running pod of namespace n, which uses a core and 1 MB and requests two and 2 MB.
func owned(into map[string]float64, pod, kind, owner string) {
	into[fmt.Sprintf("kube_pod_info{namespace=n,pod=%s,created_by_kind=%s,created_by_name=%s}", pod, kind, owner)] = 1
	into[fmt.Sprintf("nocturne_kube_pod_cpu_usage_cores{namespace=n,pod=%s}", pod)] = 1
	into[fmt.Sprintf("nocturne_kube_pod_memory_usage_bytes{namespace=n,pod=%s}", pod)] = 1e6
	into[fmt.Sprintf("kube_pod_container_resource_requests{namespace=n,pod=%s,container=app,resource=cpu}", pod)] = 2
	into[fmt.Sprintf("kube_pod_container_resource_requests{namespace=n,pod=%s,container=app,resource=memory}", pod)] = 2e6
	into[fmt.Sprintf("kube_pod_status_ready{namespace=n,pod=%s,condition=true}", pod)] = 1
}

// The pods of a workload are told by who owns them, however they are called.
func TestPagesOfWorkloadsFollowOwners(t *testing.T) {
	all := map[string]float64{
		"kube_replicaset_owner{namespace=n,replicaset=api-bcd,owner_kind=Deployment,owner_name=api}":       1,
		"kube_replicaset_owner{namespace=n,replicaset=api-old,owner_kind=Deployment,owner_name=api}":       1,
		"kube_replicaset_owner{namespace=n,replicaset=api-v2-bcd,owner_kind=Deployment,owner_name=api-v2}": 1,
		"kube_replicaset_owner{namespace=n,replicaset=api-roll,owner_kind=Rollout,owner_name=api}":         1,
		"kube_replicaset_owner{namespace=other,replicaset=api-bcd,owner_kind=Deployment,owner_name=other}": 1,
		"kube_job_owner{namespace=n,job_name=api-1,owner_kind=CronJob,owner_name=api}":                     1,
		"kube_job_owner{namespace=n,job_name=api-2,owner_kind=CronJob,owner_name=api}":                     1,
		"kube_job_owner{namespace=n,job_name=api-v2-1,owner_kind=CronJob,owner_name=api-v2}":               1,
	}
	for _, p := range [][3]string{
		{"api-bcd-1", "ReplicaSet", "api-bcd"}, {"api-bcd-2", "ReplicaSet", "api-bcd"}, {"api-old-1", "ReplicaSet", "api-old"},
		{"api-v2-bcd-1", "ReplicaSet", "api-v2-bcd"}, {"api-roll-1", "ReplicaSet", "api-roll"}, {"api-alone-1", "ReplicaSet", "api-alone"},
		{"api-0", "StatefulSet", "api"}, {"api-1", "StatefulSet", "api"}, {"api-v2-0", "StatefulSet", "api-v2"},
		{"api-x", "DaemonSet", "api"}, {"api-v2-x", "DaemonSet", "api-v2"}, {"api-v2-y", "DaemonSet", "api-v2"},
		{"api-1-x", "Job", "api-1"}, {"api-2-x", "Job", "api-2"}, {"api-2-y", "Job", "api-2"}, {"api-v2-1-x", "Job", "api-v2-1"},
	} {
		owned(all, p[0], p[1], p[2])
	}
	for _, c := range []struct {
		kind model.Kind
		name string
		pods float64
	}{
		{model.KindDeployment, "api", 3}, {model.KindDeployment, "api-v2", 1},
		{model.KindStatefulSet, "api", 2}, {model.KindStatefulSet, "api-v2", 1},
		{model.KindDaemonSet, "api", 1}, {model.KindDaemonSet, "api-v2", 2},
		{model.KindJob, "api-2", 2}, {model.KindJob, "api-v2-1", 1}, {model.KindCronJob, "api", 3}, {model.KindCronJob, "api-v2", 1},
	} {
		t.Run(string(c.kind)+" "+c.name, func(t *testing.T) {
			got := chartsOf(t, model.ObjectID("c", "n", c.kind, c.name), func(int) map[string]float64 { return all })
			want := map[string][]float64{"CPU, cores": {c.pods, 2 * c.pods}, "Memory": {c.pods * 1e6, c.pods * 2e6}}
			if c.kind != model.KindJob && c.kind != model.KindCronJob {
				want["Pods ready"] = []float64{c.pods}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// What a kubelet alone measures counts as well, and nothing counts twice.
func TestPagesOfWorkloadsTakeEitherUsage(t *testing.T) {
	got := chartsOf(t, model.ObjectID("c", "n", model.KindStatefulSet, "db"), func(minute int) map[string]float64 {
		all := map[string]float64{}
		owned(all, "db-0", "StatefulSet", "db")
		owned(all, "db-1", "StatefulSet", "db")
		delete(all, "nocturne_kube_pod_cpu_usage_cores{namespace=n,pod=db-1}")
		delete(all, "nocturne_kube_pod_memory_usage_bytes{namespace=n,pod=db-1}")
		for _, pod := range []string{"db-0", "db-1"} {
			all["container_cpu_usage_seconds_total{namespace=n,container=app,pod="+pod+"}"] = 60 * 0.5 * float64(minute)
			all["container_memory_working_set_bytes{namespace=n,container=app,pod="+pod+"}"] = 3e6
		}
		return all
	})
	if cpu := got["CPU, cores"][0]; math.Abs(cpu-1.5) > 0.15 {
		t.Errorf("%v cores are used, want 1 of the one and 0.5 of the other", cpu)
	}
	if memory := got["Memory"][0]; memory != 4e6 {
		t.Errorf("%v bytes are used, want 1 MB of the one and 3 MB of the other", memory)
	}
}

// A cluster of which a part cannot be read has a gap in its charts, never a smaller sum.
func TestPageOfClusterHasNoPartialSums(t *testing.T) {
	whole := func(nodes, lost, measured int) map[string]float64 {
		all := map[string]float64{}
		for i := range nodes {
			n := fmt.Sprintf("node=n%d", i)
			all["kube_node_status_allocatable{resource=cpu,"+n+"}"] = 4
			all["kube_node_status_allocatable{resource=memory,"+n+"}"] = 4e9
			all["kube_node_status_condition{condition=Ready,status=true,"+n+"}"] = 1
			if i < lost {
				all["kube_node_status_condition{condition=Ready,status=true,"+n+"}"] = 0
			}
			if i >= nodes-measured {
				all["nocturne_kube_node_cpu_usage_cores{"+n+"}"] = 1
				all["nocturne_kube_node_memory_usage_bytes{"+n+"}"] = 1e9
			}
		}
		owned(all, "api-0", "StatefulSet", "api")
		return all
	}
	gap := math.NaN()
	narrow := whole(0, 0, 0)
	narrow["nocturne_kube_only_namespaces{}"] = 1
	for _, c := range []struct {
		name string
		now  map[string]float64
		cpu  []float64 // allocatable, requested, used
	}{
		{"well", whole(10, 0, 10), []float64{40, 2, 10}},
		{"a lost node uses nothing", whole(10, 1, 9), []float64{40, 2, 9}},
		{"some nodes are not measured", whole(10, 0, 7), []float64{40, 2, gap}},
		{"no node is measured", whole(10, 0, 0), []float64{40, 2, gap}},
		{"one of many has just come", whole(100, 0, 99), []float64{400, 2, 99}},
		{"one namespace is readable", narrow, []float64{gap, gap, gap}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := chartsOf(t, "kube/c", func(minute int) map[string]float64 {
				if minute < 8 {
					return whole(10, 0, 10)
				}
				return c.now
			})
			if d := cmp.Diff(c.cpu, got["CPU, cores"], cmpopts.EquateNaNs()); d != "" {
				t.Error(d)
			}
		})
	}
}
