package kube

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/nocturne-noc/nocturne/assets"
)

// project is an entry of the landscape: how one project is recognised where it runs, and what tells its
// health and version. Patterns of names and images are those of path.Match.
type project struct {
	Name     string `yaml:"name"`
	Category string `yaml:"category"` // as the CNCF's landscape sorts it
	Level    string `yaml:"level"`    // graduated, incubating, sandbox or archived; "" for a project outside the CNCF

	// CRDs are the kinds that the project defines.
	CRDs []kindPattern `yaml:"crds"`
	// Labels are those of its workloads, each with the values that count; one is enough.
	Labels map[string][]string `yaml:"labels"`
	// Names are patterns of the names of its workloads.
	Names []string `yaml:"names"`
	// Images are patterns of the repository of a workload's first container, matched from its end, so
	// that a mirror's prefix does not matter: argoproj/argocd fits quay.io/argoproj/argocd:v3.1.0.
	Images []string `yaml:"images"`
	// Runtime is the name under which nodes report it as their container runtime.
	Runtime string `yaml:"runtime"`
	// Releases says that Helm's releases are its objects.
	Releases bool `yaml:"releases"`
	// Objects are the kinds of custom resources whose health is the project's.
	Objects []kindPattern `yaml:"objects"`
	// Metric is a figure that says how it fares, shown where it has data.
	Metric *projectMetric `yaml:"metric"`
}

// projectMetric is PromQL with one value for a cluster, or with a label cluster.
type projectMetric struct {
	Title string `yaml:"title"`
	Query string `yaml:"query"`
	Unit  string `yaml:"unit"`
}

// Levels of the CNCF.
var projectLevels = map[string]bool{"": true, "graduated": true, "incubating": true, "sandbox": true, "archived": true}

func (p *project) check() error {
	if p.Name == "" || p.Category == "" {
		return errors.New("want name and category")
	}
	if !projectLevels[p.Level] {
		return fmt.Errorf("%s: level is %q, want graduated, incubating, sandbox or archived", p.Name, p.Level)
	}
	if len(p.CRDs)+len(p.Labels)+len(p.Names)+len(p.Images) == 0 && p.Runtime == "" && !p.Releases {
		return fmt.Errorf("%s: nothing to recognise it by: want crds, labels, names, images, runtime or releases", p.Name)
	}
	for _, pattern := range append(p.Names[:len(p.Names):len(p.Names)], p.Images...) {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			return fmt.Errorf("%s: pattern %q: want a name in which * and ? stand for others", p.Name, pattern)
		}
	}
	if p.Metric != nil {
		if _, err := parser.NewParser(parser.Options{}).ParseExpr(p.Metric.Query); err != nil {
			return fmt.Errorf("%s: metric: %w", p.Name, err)
		}
	}
	if err := errors.Join(checkKinds(p.CRDs), checkKinds(p.Objects)); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	return nil
}

// landscape is what is known of projects and of custom resources' health. It does not change.
type landscape struct {
	projects []*project
	health   []healthRule
	wanted   []kindPattern // kinds of custom resources whose objects are watched
}

// openLandscape reads the built-in tables and a user's files. An entry of a user replaces the built-in
// one of its name.
func openLandscape(files, custom []string) (*landscape, error) {
	l := &landscape{}
	var err error
	if l.health, err = parseHealth("kubernetes/health.yaml", assets.KubernetesHealth); err != nil {
		return nil, err
	}
	if err := l.add("kubernetes/landscape.yaml", assets.KubernetesLandscape); err != nil {
		return nil, err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("landscape: %w", err)
		}
		if err := l.add(file, data); err != nil {
			return nil, fmt.Errorf("landscape: %w", err)
		}
	}
	for _, pattern := range custom {
		l.wanted = append(l.wanted, kindPattern(pattern))
	}
	if err := checkKinds(l.wanted); err != nil {
		return nil, fmt.Errorf("custom: %w", err)
	}
	for _, p := range l.projects {
		l.wanted = append(l.wanted, p.Objects...)
	}
	return l, nil
}

func (l *landscape) add(name string, data []byte) error {
	known := make(map[string]int, len(l.projects))
	for i, p := range l.projects {
		known[p.Name] = i
	}
	here := map[string]bool{}
	list, err := parseTable(name, data, func(p *project) error {
		if here[p.Name] {
			return fmt.Errorf("%s is in the table already", p.Name)
		}
		here[p.Name] = true
		return p.check()
	})
	if err != nil {
		return err
	}
	for i := range list {
		if was, ok := known[list[i].Name]; ok {
			l.projects[was] = &list[i]
		} else {
			l.projects = append(l.projects, &list[i])
		}
	}
	return nil
}

// owner is the project that defines a kind, nil for none: the one that names it most exactly.
func (l *landscape) owner(gk schema.GroupKind) *project {
	var best *project
	exact := -1
	for _, p := range l.projects {
		for _, pattern := range p.CRDs {
			if n := len(strings.TrimPrefix(string(pattern), "*")); n > exact && pattern.matches(gk) {
				best, exact = p, n
			}
		}
	}
	return best
}

// member is a workload's or pod's part in a project.
type member struct {
	*project
	version string
}

// member finds the project that a workload is part of, nil for none: by its labels and its name, else
// by the image of its first container. l may be nil.
func (l *landscape) member(labels map[string]string, name, image string) *member {
	if l == nil {
		return nil
	}
	repository, tag := splitImage(image)
	byImage := func(p *project) bool { return p.ships(repository) }
	for _, recognised := range []func(*project) bool{
		func(p *project) bool { return p.labelled(labels) || p.named(name) },
		byImage,
	} {
		for _, p := range l.projects {
			if !recognised(p) {
				continue
			}
			m := &member{project: p, version: clip(labels["app.kubernetes.io/version"], 40)}
			if m.version == "" && (len(p.Images) == 0 || byImage(p)) {
				m.version = clip(tag, 40)
			}
			return m
		}
	}
	return nil
}

func (p *project) labelled(labels map[string]string) bool {
	for key, values := range p.Labels {
		own, ok := labels[key]
		for _, value := range values {
			if ok && own == value {
				return true
			}
		}
	}
	return false
}

func (p *project) named(name string) bool {
	for _, pattern := range p.Names {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

// ships reports whether a repository is one of the project's.
func (p *project) ships(repository string) bool {
	for _, pattern := range p.Images {
		tail := repository
		for drop := strings.Count(repository, "/") - strings.Count(pattern, "/"); drop > 0; drop-- {
			_, tail, _ = strings.Cut(tail, "/")
		}
		if ok, _ := path.Match(pattern, tail); ok {
			return true
		}
	}
	return false
}

// splitImage takes an image's name apart: registry.example.com:5000/app:1.2@sha256:... is the repository
// registry.example.com:5000/app with the tag 1.2.
func splitImage(image string) (repository, tag string) {
	repository, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		return repository[:i], repository[i+1:]
	}
	return repository, ""
}

// workloadProject finds the project that a workload is part of, by its own labels or those of its pods.
func (in *interner) workloadProject(o *metav1.ObjectMeta, t *corev1.PodTemplateSpec) *member {
	image := firstImage(&t.Spec)
	if m := in.landscape.member(o.Labels, o.Name, image); m != nil {
		return m
	}
	return in.landscape.member(t.Labels, o.Name, image)
}

// podProject finds the project that a pod is part of which no workload speaks for: a static one, one of
// its own, or one that an operator made.
func (in *interner) podProject(o *corev1.Pod, ownerKind string) *member {
	switch ownerKind {
	case "ReplicaSet", "StatefulSet", "DaemonSet", "Job":
		return nil
	}
	return in.landscape.member(o.Labels, o.Name, firstImage(&o.Spec))
}

func firstImage(spec *corev1.PodSpec) string {
	if len(spec.Containers) == 0 {
		return ""
	}
	return spec.Containers[0].Image
}
