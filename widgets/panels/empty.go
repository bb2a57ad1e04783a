package panels

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// empty explains why an expression gave nothing. That nothing matched is a good answer; that there
// is no series to look at is none, and then the sources that should tell are asked why. good is what
// a good empty answer is called, "" for "None".
func (x expression) empty(ctx context.Context, src model.Source, env Env, good string) (*Notice, error) {
	looked := 0
	for _, s := range x.selectors {
		n, err := s.count(ctx, src)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return noSample(src, env, s), nil
		}
		looked += n
	}
	f, err := x.freshness(ctx, src, 0)
	if err != nil {
		return nil, err
	}
	if good == "" {
		good = env.Text("None")
	}
	return &Notice{State: model.OK, Head: good, Lines: []string{
		env.Text("%d series looked at, newest %s", looked, clock(f.asOf, src.Now(), env.Style.Loc, time.TimeOnly)),
		env.Text("An empty answer, not a missing one"),
	}}, nil
}

// count says how many series a selector has now.
func (s selector) count(ctx context.Context, src model.Source) (int, error) {
	found, err := src.Query(ctx, "count("+s.text+")", src.Now())
	if err != nil {
		return 0, fmt.Errorf("series of %s: %w", s.text, err)
	}
	if len(found) == 0 {
		return 0, nil
	}
	return int(found[0].Points[0].V), nil
}

// noSample is the face of a panel whose series do not exist, or not yet, or may not be read.
func noSample(src model.Source, env Env, s selector) *Notice {
	n := &Notice{State: model.Unknown, Head: env.Text("No sample yet"), Lines: []string{s.text}}
	rows := related(src.Sources(), s)
	if len(rows) == 0 {
		n.Lines = append(n.Lines, env.Text("No source that would tell is configured"))
		return n
	}
	worst := rows[0]
	for _, row := range rows[1:] {
		if row.State.Worse(worst.State) {
			worst = row
		}
	}
	name := worst.Name
	if worst.Target != "" && worst.Target != name {
		name += " " + worst.Target
	}
	switch {
	case forbidden(worst.Error):
		n.Head = env.Text("No permission")
		n.Lines = []string{name + ": " + env.Said(worst.Error), env.Text("Not counted as 0")}
	case worst.Error != "":
		n.Lines = append(n.Lines, name+": "+env.Said(worst.Error))
	case worst.LastOK.IsZero():
		n.Lines = append(n.Lines, env.Text("%s has not answered yet", name))
	default:
		n.Head = env.Text("Not told")
		n.Lines = []string{env.Text("%s answers, but does not tell this", name), s.text}
	}
	return n
}

// forbidden reports whether an error is about missing rights.
func forbidden(text string) bool {
	text = strings.ToLower(text)
	for _, word := range []string{"permission", "forbidden", "403"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// metricKinds says which kinds of sources tell metrics of a name.
var metricKinds = []struct {
	prefix string
	kinds  []string
}{
	{"kube_", []string{"kubernetes"}}, {"nocturne_kube_", []string{"kubernetes"}}, {"container_", []string{"kubernetes"}},
	{"node_", []string{"host", "scrape"}}, {"if", []string{"snmp"}}, {"probe_", []string{"probe"}},
}

// related picks the sources that should tell a selector's series: by an equality on their name, by
// the metric's name, or all of them.
func related(rows []model.SourceStatus, s selector) []model.SourceStatus {
	named := map[string]bool{}
	for _, m := range s.matchers {
		if m.Type == labels.MatchEqual && (m.Name == "source" || m.Name == "cluster" || m.Name == "device" || m.Name == "instance" || m.Name == "probe") {
			named[m.Value] = true
		}
	}
	pick := func(match func(model.SourceStatus) bool) []model.SourceStatus {
		var out []model.SourceStatus
		for _, row := range rows {
			if match(row) {
				out = append(out, row)
			}
		}
		return out
	}
	if out := pick(func(r model.SourceStatus) bool { return named[r.Name] || named[r.Target] }); len(out) > 0 {
		return out
	}
	for _, mk := range metricKinds {
		if strings.HasPrefix(s.metric, mk.prefix) {
			return pick(func(r model.SourceStatus) bool {
				for _, kind := range mk.kinds {
					if r.Kind == kind {
						return true
					}
				}
				return false
			})
		}
	}
	return pick(func(r model.SourceStatus) bool { return r.Kind != "rules" })
}

// kubeKinds are the kinds of things that only a Kubernetes source tells of.
var kubeKinds = []model.Kind{model.KindCluster, model.KindNamespace, model.KindNode, model.KindPod, model.KindDeployment,
	model.KindStatefulSet, model.KindDaemonSet, model.KindService, model.KindJob, model.KindCronJob, model.KindIngress, model.KindVolumeClaim, "workloads"}

// nothing says why there is no entity of a kind to show: the sources that should tell are asked.
func nothing(src model.Source, env Env, kind model.Kind, under string) *Notice {
	n := &Notice{State: model.Unknown, Head: env.Text("Nothing to show yet"), Lines: []string{strings.TrimSpace(string(kind) + " " + under)}}
	kube, asked := slices.Contains(kubeKinds, kind), 0
	for _, row := range src.Sources() {
		if row.Kind == "rules" || kube && row.Kind != "kubernetes" || under != "" && kube && under != model.ClusterID(row.Name) && under != model.ClusterID(row.Target) {
			continue
		}
		asked++
		if row.Error == "" || len(n.Lines) > 2 {
			continue
		}
		n.Lines = append(n.Lines, row.Name+": "+env.Said(row.Error))
		if forbidden(row.Error) {
			n.Head = env.Text("No permission")
		}
	}
	switch {
	case asked > 0:
	case kube:
		n.Lines = append(n.Lines, env.Text("No source of kind kubernetes is configured"))
	default:
		n.Lines = append(n.Lines, env.Text("No source that would tell is configured"))
	}
	return n
}
