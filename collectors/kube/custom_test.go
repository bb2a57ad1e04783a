package kube

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/store/model"
)

// object reads an object of any kind, written as YAML, as the API would give it.
func objectOf(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return u
}

func builtInLandscape(t testing.TB) *landscape {
	t.Helper()
	l, err := openLandscape(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestHealthOfCustomResources(t *testing.T) {
	const old = "2025-11-18T02:00:00Z" // an hour before noon of these tests
	now := time.Date(2025, 11, 18, 3, 0, 0, 0, time.UTC)
	rules := builtInLandscape(t).health
	for _, c := range []struct {
		name, object string
		state        model.State
		reason       string
	}{
		{"no status at all", "apiVersion: example.com/v1\nkind: Widget", model.OK, ""},
		{"ready", "apiVersion: example.com/v1\nkind: Widget\nstatus: {conditions: [{type: Ready, status: 'True'}]}", model.OK, ""},
		{"not ready", "apiVersion: example.com/v1\nkind: Widget\nstatus: {conditions: [{type: Ready, status: 'False', reason: NoGear, message: the gear is missing, lastTransitionTime: '" + old + "'}]}",
			model.Warning, "Ready False, NoGear: the gear is missing"},
		{"not ready for a moment is told at once", "apiVersion: example.com/v1\nkind: Widget\nstatus: {conditions: [{type: Ready, status: 'False', lastTransitionTime: '2025-11-18T02:59:59Z'}]}",
			model.Warning, "Ready False"},
		{"readiness unknown for an hour", "apiVersion: example.com/v1\nkind: Widget\nstatus: {conditions: [{type: Ready, status: Unknown, reason: Progressing, lastTransitionTime: '" + old + "'}]}",
			model.Warning, "Ready Unknown, Progressing, since 02:00:00"},
		{"readiness unknown for a minute", "apiVersion: example.com/v1\nkind: Widget\nstatus: {conditions: [{type: Ready, status: Unknown, reason: Progressing, lastTransitionTime: '2025-11-18T02:59:00Z'}]}",
			model.OK, "Ready Unknown, Progressing"},
		{"stalled", "apiVersion: example.com/v1\nkind: Widget\nstatus: {conditions: [{type: Stalled, status: 'True', reason: Broken, message: out of retries}]}",
			model.Warning, "Stalled: out of retries"},
		{"its controller has not seen the last change", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {generation: 3, creationTimestamp: '" + old + "', managedFields: [{manager: kubectl, operation: Update, time: '2025-11-18T02:30:00Z'}]}\nstatus: {observedGeneration: 2, conditions: [{type: Ready, status: 'False'}]}",
			model.Warning, "its controller has not finished, since 02:30:00"},
		{"being deleted", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {deletionTimestamp: '2025-11-18T02:58:00Z', finalizers: [example.com/gear]}",
			model.OK, "being deleted, held by example.com/gear"},
		{"deletion held", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {deletionTimestamp: '" + old + "', finalizers: [example.com/gear]}",
			model.Warning, "being deleted, held by example.com/gear, since 02:00:00"},
		{"status of another shape", "apiVersion: example.com/v1\nkind: Widget\nstatus: {conditions: broken}", model.Unknown, "its status cannot be read: "},
		{"Argo CD, degraded", "apiVersion: argoproj.io/v1alpha1\nkind: Application\nstatus: {health: {status: Degraded, message: 1 pod crashes}, sync: {status: Synced}}", model.Warning, "status Degraded: 1 pod crashes"},
		{"Argo CD, its source is broken", "apiVersion: argoproj.io/v1alpha1\nkind: Application\nstatus: {health: {status: Healthy}, conditions: [{type: ComparisonError, message: no such revision}]}", model.Warning, "ComparisonError: no such revision"},
		{"Argo CD, out of sync", "apiVersion: argoproj.io/v1alpha1\nkind: Application\nstatus: {health: {status: Healthy}, sync: {status: OutOfSync}}", model.OK, "out of sync"},
		{"Argo workflow", "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nstatus: {phase: Failed, message: step 2 failed}", model.Warning, "phase Failed: step 2 failed"},
		{"Flux, suspended while failing", "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec: {suspend: true}\nstatus: {conditions: [{type: Ready, status: 'False'}]}", model.OK, "suspended"},
		{"Flux, failing", "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nstatus: {conditions: [{type: Ready, status: 'False', reason: BuildFailed, message: no such file}]}", model.Warning, "Ready False, BuildFailed: no such file"},
		{"KubeVirt", "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nstatus: {printableStatus: ErrorUnschedulable}", model.Warning, "printableStatus ErrorUnschedulable"},
		{"Ceph", "apiVersion: ceph.rook.io/v1\nkind: CephCluster\nstatus: {phase: Ready, state: Created, ceph: {health: HEALTH_ERR}, message: Cluster created successfully}", model.Critical, "health HEALTH_ERR: Cluster created successfully"},
		{"Ceph pool", "apiVersion: ceph.rook.io/v1\nkind: CephBlockPool\nstatus: {phase: Failure}", model.Warning, "phase Failure"},
		{"Longhorn", "apiVersion: longhorn.io/v1beta2\nkind: Volume\nstatus: {state: detached, robustness: faulted}", model.Critical, "robustness faulted"},
		{"Crossplane, being made", "apiVersion: pkg.crossplane.io/v1\nkind: Provider\nmetadata: {creationTimestamp: '2025-11-18T02:59:00Z'}\nstatus: {conditions: [{type: Healthy, status: Unknown, reason: UnknownPackageRevisionHealth}]}", model.OK, "Healthy Unknown, UnknownPackageRevisionHealth"},
		{"Crossplane, broken", "apiVersion: pkg.crossplane.io/v1\nkind: Provider\nstatus: {conditions: [{type: Installed, status: 'True'}, {type: Healthy, status: 'False', reason: UnhealthyPackageRevision, message: no image}]}", model.Warning, "Healthy False, UnhealthyPackageRevision: no image"},
		{"Volcano", "apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nstatus: {state: {phase: Failed}}", model.Warning, "phase Failed"},
		{"Prometheus", "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nstatus: {conditions: [{type: Available, status: Degraded, reason: SomePodsNotReady}]}", model.Warning, "Available Degraded, SomePodsNotReady"},
		{"Strimzi", "apiVersion: kafka.strimzi.io/v1\nkind: Kafka\nstatus: {conditions: [{type: NotReady, status: 'True', reason: TimeoutException, message: exceeded timeout}]}", model.Warning, "NotReady True, TimeoutException: exceeded timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := objectOf(t, c.object)
			v := JudgeCustom(healthOf(u, checksFor(rules, u.GroupVersionKind().GroupKind())), now)
			if v.State != c.state || v.Reason != c.reason && (c.state != model.Unknown || !strings.HasPrefix(v.Reason, c.reason)) {
				t.Errorf("got %s %q, want %s %q", v.State, v.Reason, c.state, c.reason)
			}
		})
	}
}

func TestHealthRulesAbove(t *testing.T) {
	rules, err := parseHealth("x", []byte("- {kinds: [example.com], checks: [{field: status.violations, above: 2, state: warning}]}"))
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]model.State{"2": model.OK, "3": model.Warning, "2.5": model.Warning, "many": model.OK} {
		u := objectOf(t, "apiVersion: example.com/v1\nkind: Widget\nstatus: {violations: "+value+"}")
		if got := healthOf(u, checksFor(rules, u.GroupVersionKind().GroupKind())); got.State != want {
			t.Errorf("%s violations are %s, want %s", value, got.State, want)
		}
	}
}

func TestTablesNameTheirFaults(t *testing.T) {
	for text, want := range map[string]string{
		"- {kinds: [a.example], checks: [{condition: X, is: ['True'], state: ok}]}\n- kinds: [a]\n  check: 1": "t.yaml:3: ",
		"- kinds: [a.example]\n  checks: [{condition: X, field: y, is: [z], state: ok}]":                      "t.yaml:1: a.example: check 1: want either condition or field",
		"- {kinds: [a.example], checks: [{condition: X, is: ['True'], state: bad}]}":                          `t.yaml:1: a.example: check 1: state is "bad"`,
		"- {kinds: [a.example], checks: [{condition: X, above: 3, state: ok}]}":                               "t.yaml:1: a.example: check 1: want either is, or above and a field",
		"- {kinds: [a.*.example], checks: [{condition: X, is: ['True'], state: ok}]}":                         `t.yaml:1: "a.*.example": want a group`,
		"kinds: [a.example]": "t.yaml:1: want a list",
		"- [":                "t.yaml: ",
	} {
		if _, err := parseHealth("t.yaml", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s...", text, err, want)
		}
	}
}

func TestKindPatterns(t *testing.T) {
	gk := schema.GroupKind{Group: "source.toolkit.fluxcd.io", Kind: "Bucket"}
	for pattern, want := range map[kindPattern]bool{
		"source.toolkit.fluxcd.io": true, "*.fluxcd.io": true, "*.toolkit.fluxcd.io/Bucket": true, "*": true, "*/Bucket": true,
		"toolkit.fluxcd.io": false, "*.toolkit.fluxcd.io/GitRepository": false, "*.cd.io": false, "source.toolkit.fluxcd.io/bucket": false,
	} {
		if err := pattern.check(); err != nil {
			t.Error(err)
		}
		if got := pattern.matches(gk); got != want {
			t.Errorf("%s matches %s: %t", pattern, gk, got)
		}
	}
	for _, bad := range []kindPattern{"", "/Kind", "a.example/", "a/b/c", "a*.example", "a.example/*"} {
		if bad.check() == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

const definitionText = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com, uid: u1, resourceVersion: "7", creationTimestamp: "2025-11-18T02:00:00Z", labels: {app.kubernetes.io/version: v1.2.3}}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
    - {name: v1alpha1, served: true, storage: false}
    - {name: v1, served: true, storage: false}
    - {name: v1beta1, served: true, storage: true}
    - {name: v2, served: false, storage: false}
status:
  conditions: [{type: NamesAccepted, status: "True"}, {type: Established, status: "True"}]
`

func TestDefinition(t *testing.T) {
	var in interner
	d := in.definition(objectOf(t, definitionText))
	if got, want := fmt.Sprint(d.Name, d.Group, d.Kind, d.Plural, d.Namespaced, d.Served, d.Storage, d.Release), "widgets.example.com example.com Widget widgets true [v1 v1beta1 v1alpha1] v1beta1 v1.2.3"; strings.Join(strings.Fields(got), "") != strings.Join(strings.Fields(want), "") {
		t.Errorf("got %s, want %s", got, want)
	}
	if gvr, ok := d.resource(); !ok || gvr.Version != "v1beta1" {
		t.Errorf("watches %v, %t; want the version that is stored", gvr, ok)
	}
	d.Storage = "v2"
	if gvr, _ := d.resource(); gvr.Version != "v1" {
		t.Errorf("watches %v, want the greatest that is served", gvr)
	}
	for _, c := range []struct {
		change func(*Definition)
		want   Verdict
	}{
		{func(*Definition) {}, Verdict{State: model.OK}},
		{func(d *Definition) { d.Established = false }, Verdict{model.Warning, "not established: its API is not served"}},
		{func(d *Definition) { d.Established, d.Created = false, noon.Add(-time.Second) }, Verdict{State: model.OK}},
		{func(d *Definition) {
			d.Refused = &Condition{Type: "NamesAccepted", Status: "False", Reason: "PluralConflict", Message: `"widgets" is already in use`}
		}, Verdict{model.Warning, `names not accepted, PluralConflict: "widgets" is already in use`}},
		{func(d *Definition) { d.Gone = noon.Add(-time.Minute) }, Verdict{model.OK, "being deleted"}},
		{func(d *Definition) { d.Gone = noon.Add(-time.Hour) }, Verdict{model.Warning, "its deletion has not ended since " + clock(noon.Add(-time.Hour), noon)}},
	} {
		d := in.definition(objectOf(t, definitionText))
		d.Created = noon.Add(-24 * time.Hour)
		c.change(d)
		if got := JudgeDefinition(d, noon); got != c.want {
			t.Errorf("got %v, want %v", got, c.want)
		}
	}
}

// widgets is a view of a cluster with a definition and n objects of it, of which some are not ready.
func widgets(t *testing.T, n, sick int) (*view, resource) {
	t.Helper()
	l := builtInLandscape(t)
	l.wanted = append(l.wanted, "example.com")
	v := &view{cluster: "c", now: noon, known: map[string]bool{definitions.Resource: true, "widgets.example.com": true}, landscape: l}
	var in interner
	v.add(definitions.Resource, in.definition(objectOf(t, definitionText)))
	found := customResources(v)
	if len(found) != 1 || found[0].name != "widgets.example.com" || !found[0].optional || !found[0].namespaced {
		t.Fatalf("watches %+v", found)
	}
	for i := range n {
		u := objectOf(t, fmt.Sprintf("apiVersion: example.com/v1beta1\nkind: Widget\nmetadata: {namespace: shop, name: w%04d}\nstatus: {conditions: [{type: Ready, status: '%s'}]}", i, map[bool]string{true: "False", false: "True"}[i < sick]))
		kept, err := found[0].transform(&in, u)
		if err != nil {
			t.Fatal(err)
		}
		v.add(found[0].name, kept)
	}
	v.index()
	return v, found[0]
}

func TestCustomResourcesOnTheWall(t *testing.T) {
	for _, c := range []struct{ n, sick, want int }{{3, 1, 3}, {maxCalmCustoms, 0, maxCalmCustoms}, {maxCalmCustoms + 1, 2, 2}} {
		v, r := widgets(t, c.n, c.sick)
		shown := 0
		for _, obj := range v.objects[r.name] {
			e, ok := r.draw(v, obj)
			if !ok {
				continue
			}
			shown++
			kind, name, labels, parsed := model.ParseID(e.ID)
			if !parsed || kind != model.KindCustom || name != "widgets.example.com/"+e.Name || labels["namespace"] != "shop" || e.Parent != model.NamespaceID("c", "shop") {
				t.Fatalf("entity %+v", e)
			}
		}
		if shown != c.want {
			t.Errorf("%d objects, %d of them sick: %d on the wall, want %d", c.n, c.sick, shown, c.want)
		}
		s := &sampler{cluster: "c"}
		for d := range each[*Definition](v, definitions.Resource) {
			s.definition(v, d)
		}
		got := map[string]float64{}
		for _, sample := range s.out {
			got[sample.Labels.Get("state")] = sample.V
		}
		want := map[string]float64{"ok": float64(c.n - c.sick), "warning": float64(c.sick), "critical": 0, "unknown": 0}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("counts %v, want %v", got, want)
		}
	}
}

func TestUnreadableCustomResourcesAreNotCounted(t *testing.T) {
	v, r := widgets(t, 3, 0)
	v.trouble = map[string]error{r.name: fmt.Errorf("refused")}
	s := &sampler{cluster: "c"}
	for d := range each[*Definition](v, definitions.Resource) {
		s.definition(v, d)
	}
	if len(s.out) != 0 {
		t.Errorf("counts %v of what cannot be read", s.out)
	}
	if e, _ := r.draw(v, v.objects[r.name][0]); e.State != model.Stale {
		t.Errorf("an object that cannot be read is %s", e.State)
	}
	v.trouble, v.known[r.name], v.counted = nil, false, map[string]int{r.name: 30_000}
	for d := range each[*Definition](v, definitions.Resource) {
		s.definition(v, d)
	}
	if len(s.out) != 1 || s.out[0].V != 30_000 || s.out[0].Labels.Get("state") != "unknown" {
		t.Errorf("of 30,000 objects that are only counted: %v", s.out)
	}
}

// FuzzCustom feeds objects of any shape to what keeps and judges custom resources.
func FuzzCustom(f *testing.F) {
	for _, text := range []string{definitionText, certificateText, "apiVersion: argoproj.io/v1alpha1\nkind: Application\nstatus: {health: {status: 3}, conditions: [1, {type: 2}]}"} {
		data, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	rules, err := parseHealth("health.yaml", assets.KubernetesHealth)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		u := &unstructured.Unstructured{}
		if json.Unmarshal(data, &u.Object) != nil || u.Object == nil {
			return
		}
		var in interner
		JudgeDefinition(in.definition(u), noon)
		JudgeCertificate(in.certificate(u), noon)
		for _, r := range rules {
			if v := JudgeCustom(healthOf(u, r.Checks), noon); len([]rune(v.Reason)) > 200 {
				t.Errorf("a reason of %d letters: %q", len(v.Reason), v.Reason)
			}
		}
	})
}
