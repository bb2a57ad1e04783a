package kube

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/store/model"
)

// mustKnow are the projects that the table promises to recognise.
var mustKnow = []string{
	"Helm", "Argo CD", "Argo Workflows", "Argo Rollouts", "Argo Events", "Flux", "Keptn", "OpenKruise", "NATS", "Strimzi", "TiKV", "Vitess", "Crossplane",
	"Karmada", "Knative", "Volcano", "KubeVela", "KubeVirt", "OLM", "Dapr", "Backstage", "CoreDNS", "etcd", "Envoy", "Contour", "Istio", "Linkerd",
	"Emissary", "Rook", "CubeFS", "Longhorn", "containerd", "CRI-O", "Cilium", "Falco", "OPA Gatekeeper", "Kyverno", "cert-manager", "Keycloak", "SPIRE",
	"KubeEdge", "Chaos Mesh", "Litmus", "Harbor", "Dragonfly", "Fluentd", "Jaeger", "Prometheus", "Thanos", "Cortex", "OpenTelemetry", "OpenFeature",
}

func TestBuiltInLandscape(t *testing.T) {
	l := builtInLandscape(t)
	names := map[string]bool{}
	categories := map[string]int{}
	ko := assets.Text("ko")
	for _, p := range l.projects {
		names[p.Name] = true
		categories[p.Category]++
		if p.Level == "" {
			t.Errorf("%s has no level", p.Name)
		}
		for _, objects := range p.Objects {
			group, kind, _ := strings.Cut(string(objects), "/")
			if owner := l.owner(schema.GroupKind{Group: group, Kind: kind}); owner != p {
				t.Errorf("%s judges %s, which another defines", p.Name, objects)
			}
		}
		for _, text := range []string{p.Category, p.title()} {
			if text != "" && ko(text) == text && text != "SERVFAIL" && text != "WAL fsync p99" {
				t.Errorf("%q has no Korean in i18n/ko.yaml", text)
			}
		}
	}
	for _, name := range mustKnow {
		if !names[name] {
			t.Errorf("%s is not in the table", name)
		}
	}
	if len(categories) > 8 {
		t.Errorf("%d categories are too many for a wall: %v", len(categories), categories)
	}
}

func (p *project) title() string {
	if p.Metric == nil {
		return ""
	}
	return p.Metric.Title
}

func TestHealthTableIsForKindsThatAreWatched(t *testing.T) {
	l := builtInLandscape(t)
	for _, r := range l.health {
		for _, p := range r.Kinds {
			group, kind, _ := strings.Cut(string(p), "/")
			watched := slices.ContainsFunc(l.wanted, func(w kindPattern) bool {
				wantedGroup, wantedKind, _ := strings.Cut(string(w), "/")
				return (wantedGroup == group || strings.HasSuffix(wantedGroup, strings.TrimPrefix(group, "*"))) && (kind == "" || wantedKind == "" || kind == wantedKind)
			})
			if known := map[string]bool{"*.upbound.io": true, "cluster.karmada.io/Cluster": true}; !watched && !known[string(p)] {
				t.Errorf("the health of %s is told, but nobody watches it", p)
			}
		}
	}
}

func TestLandscapeFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		path := filepath.Join(dir, "own.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := write("- {name: Shop Platform, category: Own, labels: {app.kubernetes.io/part-of: [shop]}}\n- {name: Flux, category: Own, images: [mirror/flux-*]}\n")
	l, err := openLandscape([]string{path}, []string{"example.com/Widget"})
	if err != nil {
		t.Fatal(err)
	}
	if m := l.member(map[string]string{"app.kubernetes.io/part-of": "shop"}, "api", "shop/api:7"); m == nil || m.Name != "Shop Platform" || m.version != "7" {
		t.Errorf("the shop is %+v", m)
	}
	if m := l.member(nil, "x", "reg.example:5000/mirror/flux-source:v2@sha256:0"); m == nil || m.Name != "Flux" || m.Category != "Own" || m.version != "v2" {
		t.Errorf("a replaced entry is %+v", m)
	}
	if !matchesAny(l.wanted, schema.GroupKind{Group: "example.com", Kind: "Widget"}) {
		t.Error("a configured kind is not watched")
	}
	for text, want := range map[string]string{
		"- {name: A, category: B, images: [a]}\n- {name: A, category: B, images: [b]}": ":2: A is in the table already",
		"- {name: A, category: B}":                                     ":1: A: nothing to recognise it by",
		"- {name: A, category: B, images: ['[']}":                      `:1: A: pattern "["`,
		"- {name: A, category: B, images: [a], level: gold}":           `:1: A: level is "gold"`,
		"- {name: A, category: B, images: [a], metric: {query: 'a('}}": ":1: A: metric: ",
		"- {name: A, category: B, images: [a],\n   crd: [x]}":          ":2: ",
		"- {category: B, images: [a]}":                                 ":1: want name and category",
	} {
		if _, err := openLandscape([]string{write(text)}, nil); err == nil || !strings.Contains(err.Error(), path+want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	if _, err := openLandscape([]string{filepath.Join(dir, "none.yaml")}, nil); err == nil {
		t.Error("a file that is not there is taken")
	}
	if _, err := openLandscape(nil, []string{"/Widget"}); err == nil || !strings.Contains(err.Error(), "custom: ") {
		t.Errorf("a pattern without a group: %v", err)
	}
}

func TestMembers(t *testing.T) {
	l := builtInLandscape(t)
	label := func(kv ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	for _, c := range []struct {
		labels              map[string]string
		image               string
		project, theVersion string
	}{
		{label("app.kubernetes.io/part-of", "argocd"), "quay.io/argoproj/argocd:v3.1.0", "Argo CD", "v3.1.0"},
		{label("app.kubernetes.io/part-of", "argocd"), "redis:7.2", "Argo CD", ""}, // another's tag says nothing of Argo CD
		{label("app.kubernetes.io/part-of", "argocd", "app.kubernetes.io/version", "v3.1.0"), "redis:7.2", "Argo CD", "v3.1.0"},
		{label("k8s-app", "kube-dns"), "registry.k8s.io/coredns/coredns:v1.12.1", "CoreDNS", "v1.12.1"},
		{label("component", "etcd", "tier", "control-plane"), "registry.k8s.io/etcd:3.6.4-0", "etcd", "3.6.4-0"},
		{label("k8s-app", "cilium"), "quay.io/cilium/cilium:v1.18.2@sha256:858f807ea4e20e85e3ea3240a762e1f4b29f1cb5bbd0463b8aa77e7b097c0667", "Cilium", "v1.18.2"},
		{nil, "registry.corp.example:5000/mirror/quay.io/cilium/operator-generic:v1.18.2", "Cilium", "v1.18.2"},
		{label("app", "istiod"), "docker.io/istio/pilot:1.27.1", "Istio", "1.27.1"},
		{label("app.kubernetes.io/part-of", "Linkerd", "app.kubernetes.io/version", "edge-25.9.1"), "cr.l5d.io/linkerd/proxy:edge-25.9.1", "Linkerd", "edge-25.9.1"},
		{nil, "gcr.io/knative-releases/knative.dev/serving/cmd/activator:v1.19.0", "Knative", "v1.19.0"},
		{nil, "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib:0.135.0", "OpenTelemetry", "0.135.0"},
		{label("app.kubernetes.io/name", "web"), "shop/web:9", "", ""},
		{nil, "", "", ""},
	} {
		m := l.member(c.labels, "some-name", c.image)
		switch {
		case m == nil && c.project != "":
			t.Errorf("%v %s is not recognised as %s", c.labels, c.image, c.project)
		case m != nil && (m.Name != c.project || m.version != c.theVersion):
			t.Errorf("%v %s is %s %q, want %s %q", c.labels, c.image, m.Name, m.version, c.project, c.theVersion)
		}
	}
	var none *landscape
	if none.member(nil, "a", "etcd:1") != nil {
		t.Error("no table recognises something")
	}
}

// deployed is a deployment of a project with so many of its replicas available.
func deployed(name, image string, want, have int32, labels map[string]string) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: name, Labels: labels, CreationTimestamp: metav1.NewTime(noon.Add(-time.Hour))},
		Spec:       appsv1.DeploymentSpec{Replicas: &want, Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}}}},
		Status:     appsv1.DeploymentStatus{AvailableReplicas: have, ReadyReplicas: have, UpdatedReplicas: want},
	}
}

func defined(kind, plural, group string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": plural + "." + group},
		"spec": map[string]any{"group": group, "scope": "Namespaced", "names": map[string]any{"kind": kind, "plural": plural},
			"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true}}},
		"status": map[string]any{"conditions": []any{map[string]any{"type": "Established", "status": "True"}}},
	}}
}

// platform is a cluster with some projects in it.
func platform(t *testing.T) *view {
	t.Helper()
	l := builtInLandscape(t)
	in := interner{landscape: l}
	v := &view{cluster: "c", now: noon, landscape: l, known: map[string]bool{}, trouble: map[string]error{}}
	for _, name := range []string{"nodes", "pods", "deployments", "statefulsets", "daemonsets", definitions.Resource} {
		v.known[name] = true
	}
	for _, runtime := range []string{"containerd://2.1.4", "containerd://2.1.4", "containerd://1.7.27"} {
		n := in.node(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: runtime}, Status: corev1.NodeStatus{
			NodeInfo: corev1.NodeSystemInfo{ContainerRuntimeVersion: runtime}, Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
		}})
		v.add("nodes", n)
	}
	v.add("pods", in.pod(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "etcd-a", Labels: map[string]string{"component": "etcd"}, OwnerReferences: []metav1.OwnerReference{{Kind: "Node", Name: "a", Controller: new(true)}}},
		Spec:       corev1.PodSpec{NodeName: "a", Containers: []corev1.Container{{Name: "etcd", Image: "registry.k8s.io/etcd:3.6.4-0"}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}, ContainerStatuses: []corev1.ContainerStatus{{Name: "etcd", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}},
	}))
	v.add("deployments", in.deployment(deployed("coredns", "registry.k8s.io/coredns/coredns:v1.12.1", 2, 1, nil)))
	v.add("deployments", in.deployment(deployed("cert-manager", "quay.io/jetstack/cert-manager-controller:v1.21.2", 1, 1, nil)))
	v.add("deployments", in.deployment(deployed("web", "shop/web:1", 1, 0, nil)))
	v.add(definitions.Resource, in.definition(defined("Certificate", "certificates", "cert-manager.io")))
	v.add(definitions.Resource, in.definition(defined("Kafka", "kafkas", "kafka.strimzi.io")))
	v.add(definitions.Resource, in.definition(defined("Widget", "widgets", "example.com")))
	certificates := customResources(v)[0]
	v.known[certificates.name] = true
	kept, err := certificates.transform(&in, objectOf(t, certificateText))
	if err != nil {
		t.Fatal(err)
	}
	v.add(certificates.name, kept)
	v.index()
	return v
}

func TestProjects(t *testing.T) {
	v := platform(t)
	kept := v.objects["certificates.cert-manager.io"][0].(*Certificate)
	kept.NotAfter, kept.Renewal = noon.Add(3*day), time.Time{}
	got := map[string]model.Entity{}
	c := newCanvas()
	var diff changes
	c.drawProjects(v, &diff)
	for _, e := range diff.entities {
		got[e.Name] = e
	}
	end := kept.NotAfter.In(noon.Location()).Format("2006-01-02 15:04")
	for name, want := range map[string]struct {
		verdict Verdict
		labels  string // version, versions, workloads, objects
	}{
		"containerd":   {Verdict{State: model.OK}, "2.1.4 2 3/3 "},
		"etcd":         {Verdict{State: model.OK}, "3.6.4-0  1/1 "},
		"CoreDNS":      {Verdict{model.Warning, "deployment system/coredns: 1 of 2 available"}, "v1.12.1  0/1 "},
		"cert-manager": {Verdict{model.Critical, "Certificate shop/shop-tls: expires " + end}, "v1.21.2  1/1 0/1"},
		"Strimzi":      {Verdict{model.Unknown, "its custom resources are defined, none of its workloads is seen"}, "   "},
	} {
		e, ok := got[name]
		if !ok {
			t.Errorf("%s is not recognised", name)
			continue
		}
		delete(got, name)
		labels := e.Labels["version"] + " " + e.Labels["versions"] + " " + e.Labels["workloads"] + " " + e.Labels["objects"]
		if (Verdict{e.State, e.Reason}) != want.verdict || labels != want.labels {
			t.Errorf("%s is %s %q, %q; want %s %q, %q", name, e.State, e.Reason, labels, want.verdict.State, want.verdict.Reason, want.labels)
		}
		if kind, id, labels, ok := model.ParseID(e.ID); !ok || kind != model.KindProject || id != name || labels["cluster"] != "c" || e.Parent != model.ClusterID("c") || e.Labels["category"] == "" {
			t.Errorf("%s is the entity %+v", name, e)
		}
	}
	if len(got) > 0 {
		t.Errorf("also recognises %v", got)
	}
	again := changes{}
	if c.drawProjects(v, &again); !again.empty() {
		t.Errorf("drawn again, it tells %+v", again)
	}
	v.objects["deployments"] = nil
	v.index()
	gone := changes{}
	c.drawProjects(v, &gone)
	if want := []string{model.ClusterObjectID("c", model.KindProject, "CoreDNS")}; !slices.Equal(gone.gone, want) {
		t.Errorf("without its deployment %v is gone, want %v", gone.gone, want)
	}
}

func TestProjectsThatCannotBeSeenAreNotWell(t *testing.T) {
	v := platform(t)
	v.trouble["deployments"], v.objects["deployments"] = forbidden("deployments"), nil
	kept := v.objects["certificates.cert-manager.io"][0].(*Certificate)
	kept.NotAfter, kept.Renewal = noon.Add(80*day), time.Time{}
	v.index()
	for _, p := range v.presences() {
		want := map[string]model.State{"cert-manager": model.Unknown, "Strimzi": model.Unknown, "containerd": model.OK, "etcd": model.Unknown}
		if verdict := p.verdict(); verdict.State != want[p.Name] {
			t.Errorf("%s is %s %q, want %s", p.Name, verdict.State, verdict.Reason, want[p.Name])
		}
	}
}

func TestVersionsAreComparedByNumber(t *testing.T) {
	p := presence{versions: map[string]int{"v1.9.2": 1, "v1.10.0": 1, "v1.2.0": 1}}
	if v, all := p.version(); v != "v1.10.0" || all {
		t.Errorf("the version is %s, %t", v, all)
	}
	p.says("v1.2.0")
	if v, _ := p.version(); v != "v1.2.0" {
		t.Errorf("most say v1.2.0, and it is %s", v)
	}
}
