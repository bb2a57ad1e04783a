package kube

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/nocturne-noc/nocturne/store/model"
)

// presence is what a cluster shows of a project.
type presence struct {
	*project
	versions        map[string]int // how often each is said
	workloads, well int            // workloads, and pods that no workload owns
	objects, calm   int            // custom objects
	defined         int            // kinds of custom resources
	worst           Verdict
	worstName       string // of what is worst, with its kind
	blind           string // collection that would tell more and cannot be read
}

// count takes the verdict on a part of the project in.
func (p *presence) count(kind, name string, own Verdict) {
	if own.State.Worse(p.worst.State) || own.State == p.worst.State && own.State != model.OK && kind+" "+name < p.worstName {
		p.worst, p.worstName = own, kind+" "+name
	}
}

func (p *presence) says(version string) {
	if version != "" {
		p.versions[version]++
	}
}

// version is what most of the project's parts say, the greatest among equals, and whether all say the same.
func (p *presence) version() (v string, all bool) {
	list := slices.SortedFunc(maps.Keys(p.versions), func(a, b string) int {
		return cmp.Or(cmp.Compare(p.versions[b], p.versions[a]), compareVersions(b, a))
	})
	if len(list) == 0 {
		return "", true
	}
	return list[0], len(list) == 1
}

// compareVersions compares v1.10.0 and v1.9.2 by their numbers, and what is no version as text.
func compareVersions(a, b string) int {
	x, errA := version.ParseGeneric(a)
	y, errB := version.ParseGeneric(b)
	if errA == nil && errB == nil {
		if x.LessThan(y) {
			return -1
		}
		if y.LessThan(x) {
			return 1
		}
	}
	return strings.Compare(a, b)
}

// presences recognises the projects that run in the cluster.
func (v *view) presences() []*presence {
	l := v.landscape
	if l == nil {
		return nil
	}
	found := map[*project]*presence{}
	at := func(p *project) *presence {
		if found[p] == nil {
			found[p] = &presence{project: p, versions: map[string]int{}, worst: Verdict{State: model.OK}}
		}
		return found[p]
	}
	part := func(m *member, kind, name string, own Verdict) {
		p := at(m.project)
		p.says(m.version)
		p.workloads++
		if own.State == model.OK {
			p.well++
		}
		p.count(kind, name, own)
	}
	for _, collection := range slices.Sorted(maps.Keys(workloadKinds)) {
		for w := range each[*Workload](v, collection) {
			if w.project != nil {
				part(w.project, string(workloadKinds[collection]), w.Namespace+"/"+w.Name, v.verdict(collection, JudgeWorkload(w, v.lostNodes, v.now)))
			}
		}
	}
	for p := range each[*Pod](v, "pods") {
		if p.project != nil && p.Phase != "Succeeded" {
			part(p.project, "pod", p.Namespace+"/"+p.Name, v.verdict("pods", JudgePod(p, v.isLost(p.Node), v.now)))
		}
	}
	for d := range each[*Definition](v, definitions.Resource) {
		if owner := l.owner(d.groupKind()); owner != nil {
			p := at(owner)
			p.defined++
			if p.workloads == 0 {
				p.says(d.Release)
			}
			p.count("definition", d.Name, v.verdict(definitions.Resource, JudgeDefinition(d, v.now)))
		}
	}
	v.runtimes(l, at)
	for d := range each[*Definition](v, definitions.Resource) {
		for _, owner := range l.projects {
			if found[owner] != nil && matchesAny(owner.Objects, d.groupKind()) {
				v.countObjects(found[owner], d)
			}
		}
	}
	for _, p := range l.projects {
		if p.Releases && len(v.releases) > 0 {
			v.countReleases(at(p))
		}
	}
	var list []*presence
	for _, p := range l.projects {
		if found[p] == nil {
			continue
		}
		for _, collection := range []string{"deployments", "statefulsets", "daemonsets"} {
			if v.trouble[collection] != nil && len(p.Labels)+len(p.Images)+len(p.Names) > 0 {
				found[p].blind = collection
			}
		}
		list = append(list, found[p])
	}
	return list
}

// runtimes counts the nodes that run a container runtime of the landscape as its workloads.
func (v *view) runtimes(l *landscape, at func(*project) *presence) {
	for n := range each[*Node](v, "nodes") {
		name, version, ok := strings.Cut(n.Runtime, "://")
		if !ok {
			continue
		}
		for _, p := range l.projects {
			if p.Runtime != "" && p.Runtime == name {
				runs := at(p)
				runs.says(version)
				runs.workloads++
				if n.ready() {
					runs.well++
				}
			}
		}
	}
}

func (v *view) countObjects(p *presence, d *Definition) {
	if v.trouble[d.Name] != nil {
		p.blind = d.Plural
		return
	}
	t := v.tallyCustoms(d.Name)
	p.objects += t.total
	p.calm += t.total
	for _, n := range t.bad {
		p.calm -= n
	}
	if t.worst.State != model.OK {
		p.count(d.Kind, t.name, t.worst)
	}
}

func (v *view) countReleases(p *presence) {
	for r := range each[*Release](v, helmReleases) {
		if !v.newest(r) {
			continue
		}
		own := v.verdict(helmReleases, JudgeRelease(r, v.now))
		p.objects++
		if own.State == model.OK {
			p.calm++
		}
		p.count("release", r.Namespace+"/"+r.Release, own)
	}
}

// verdict is the worst of the project's parts, which it names.
func (p *presence) verdict() Verdict {
	needs := len(p.Labels)+len(p.Images)+len(p.Names) > 0
	switch {
	case p.worst.State.Problem():
		return Verdict{p.worst.State, words(p.worstName, p.worst.Reason)}
	case p.blind != "":
		return Verdict{model.Unknown, p.blind + " cannot be read"}
	case p.worst.State != model.OK:
		return Verdict{p.worst.State, words(p.worstName, p.worst.Reason)}
	case needs && p.workloads == 0:
		return Verdict{model.Unknown, "its custom resources are defined, none of its workloads is seen"}
	}
	return Verdict{State: model.OK}
}

// drawProjects draws the projects that run in the cluster.
func (c *canvas) drawProjects(v *view, diff *changes) {
	present := map[string]bool{}
	for _, p := range v.presences() {
		present[p.Name] = true
		e := v.project(p)
		if old, ok := c.projects[p.Name]; !ok || !sameEntity(old, e) {
			c.projects[p.Name] = e
			diff.entities = append(diff.entities, e)
		}
	}
	for name, e := range c.projects {
		if !present[name] {
			diff.gone = append(diff.gone, e.ID)
			delete(c.projects, name)
		}
	}
}

func (v *view) project(p *presence) model.Entity {
	verdict := p.verdict()
	labels := map[string]string{"category": p.Category}
	set(labels, "level", p.Level)
	if version, all := p.version(); version != "" {
		labels["version"] = version
		if !all {
			labels["versions"] = number(len(p.versions))
		}
	}
	if p.workloads > 0 {
		labels["workloads"] = fmt.Sprintf("%d/%d", p.well, p.workloads)
	}
	if p.objects > 0 {
		labels["objects"] = fmt.Sprintf("%d/%d", p.calm, p.objects)
	}
	if p.Metric != nil {
		labels["metric"] = p.Metric.Query
		set(labels, "metric_title", p.Metric.Title)
		set(labels, "metric_unit", p.Metric.Unit)
	}
	return model.Entity{
		ID: model.ClusterObjectID(v.cluster, model.KindProject, p.Name), Kind: model.KindProject, Name: p.Name,
		Parent: model.ClusterID(v.cluster), State: verdict.State, Reason: clip(verdict.Reason, 240), Labels: labels,
	}
}
