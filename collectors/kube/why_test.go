package kube

import (
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// with adds objects to a view and indexes it anew.
func (v *view) with(objects map[string][]any) *view {
	for name, list := range objects {
		for _, obj := range list {
			v.add(name, obj)
		}
	}
	v.index()
	return v
}

// sickPod is a pod of the shop's deployment, or of what the edit says.
func sickPod(name string, edit func(p *Pod)) *Pod {
	p := &Pod{
		meta: meta{Namespace: "shop", Name: name, UID: name, Created: ago(10 * time.Minute)}, Node: "n1", Phase: "Running",
		OwnerKind: "ReplicaSet", Owner: "web-1", Labels: ",app=web,",
		Ready:      &Condition{Type: "Ready", Status: "False", Since: ago(5 * time.Minute)},
		Containers: []Container{{Name: "app", Image: "shop/web:9"}},
	}
	edit(p)
	return p
}

func TestWhyPod(t *testing.T) {
	app := func(p *Pod) *Container { return &p.Containers[0] }
	for _, c := range []struct {
		name  string
		edit  func(p *Pod)
		among map[string][]any
		seen  []dated
		want  []string
	}{
		{"killed for its memory", func(p *Pod) {
			*app(p) = Container{Name: "app", Image: "shop/web:9", Waiting: "CrashLoopBackOff", Restarts: 4, Last: term("OOMKilled", 137, time.Minute), Limits: Resources{Memory: 128 << 20}}
		}, nil, nil, []string{"container app: exit code 137 (OOMKilled) at 11:59:00, limit 128Mi", "image shop/web:9 was set at 11:00:00 by rollout of deployment web"}},
		{"killed without a limit", func(p *Pod) {
			*app(p) = Container{Name: "app", Waiting: "CrashLoopBackOff", Last: term("OOMKilled", 137, 0)}
			p.OwnerKind = ""
		}, nil, nil, []string{"container app: exit code 137 (OOMKilled) at 12:00:00, no limit of its own: the node ran out of memory"}},
		{"command not found, last words", func(p *Pod) {
			*app(p) = Container{Name: "app", Waiting: "CrashLoopBackOff", Last: &Termination{Reason: "Error", ExitCode: 127, Message: "sh: serve: not found", At: noon}}
			p.OwnerKind = ""
		}, nil, nil, []string{"container app: exit code 127 (Error), its command is not in the image at 12:00:00", "its last words: sh: serve: not found"}},
		{"image, change seen", func(p *Pod) {
			*app(p) = Container{Name: "app", Image: "shop/web:9", Waiting: "ImagePullBackOff", Message: "manifest unknown"}
		}, nil, []dated{{change{"image", "app", "shop/web:8", "shop/web:9"}, ago(2 * time.Minute)}}, []string{
			"container app: ImagePullBackOff: manifest unknown",
			"image shop/web:9 was set at 11:58:00 by rollout of deployment web, before shop/web:8",
		}},
		{"crash of an old image", func(p *Pod) {
			*app(p) = Container{Name: "app", Waiting: "CrashLoopBackOff", Last: term("Error", 1, 0)}
			p.Owner = "web-0"
		}, map[string][]any{"replicasets": {&ReplicaSet{meta: meta{Namespace: "shop", Name: "web-0", Created: ago(300 * time.Hour)}, OwnerKind: "Deployment", Owner: "web"}}}, nil,
			[]string{"container app: exit code 1 (Error) at 12:00:00"}},
		{"lost node", func(p *Pod) { p.Node = "n7" }, map[string][]any{"nodes": {lostNode("n7", 3*time.Minute)}}, nil, []string{
			"node n7 lost since 11:57:00", "deployment web: 1 pod on lost node n7, replaced by 0 of 1 elsewhere",
		}},
		{"asks for more than any node has", func(p *Pod) {
			p.Node, p.Phase, p.Scheduled = "", "Pending", &Condition{Reason: "Unschedulable", Message: "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.", Since: ago(time.Minute)}
			app(p).Request = Resources{CPU: 64, Memory: 1 << 30}
			p.OwnerKind = ""
		}, nil, nil, []string{"scheduler: 0/1 nodes are available: 1 Insufficient cpu.", "it asks for 64 cores, the largest node has 4"}},
		{"its claim", func(p *Pod) {
			p.Node, p.Phase, p.Scheduled = "", "Pending", &Condition{Reason: "Unschedulable", Message: "unbound claim", Since: ago(time.Minute)}
			p.Claims, p.OwnerKind = []string{"data-0", "none"}, ""
		}, map[string][]any{"persistentvolumeclaims": {&Claim{meta: meta{Namespace: "shop", Name: "data-0", Created: ago(time.Hour)}, Phase: "Pending", Class: "fast"}}}, nil, []string{
			"scheduler: unbound claim", "PVC data-0 pending, storage class fast does not exist", "PVC none does not exist",
		}},
		{"readiness", func(p *Pod) {
			*app(p) = Container{Name: "app", Running: true, Started: true, Since: ago(time.Hour)}
			p.OwnerKind = ""
		}, map[string][]any{"events": {
			&Happening{Kind: "Pod", ObjectNamespace: "shop", ObjectName: "p", Type: "Warning", Reason: "Unhealthy", Message: "Readiness probe failed: HTTP probe failed with statuscode: 503", Last: ago(10 * time.Second)},
			&Happening{Kind: "Pod", ObjectNamespace: "shop", ObjectName: "p", Type: "Warning", Reason: "Unhealthy", Message: "older", Last: ago(time.Minute)},
		}}, nil, []string{"container app: runs since 11:00:00, its readiness probe does not pass", "Unhealthy at 11:59:50: Readiness probe failed: HTTP probe failed with statuscode: 503"}},
		{"finalizer", func(p *Pod) { p.GoneBy, p.Finalizers, p.OwnerKind = ago(time.Hour), "example.com/hold", "" }, nil, nil,
			[]string{"deletion waits for finalizer example.com/hold"}},
		{"evicted from a node under pressure", func(p *Pod) {
			p.Phase, p.Reason, p.Message, p.Node, p.OwnerKind = "Failed", "Evicted", "The node was low on resource: memory.", "n8", ""
		}, map[string][]any{"nodes": {&Node{meta: meta{Name: "n8"}, Conditions: []Condition{{Type: "Ready", Status: "True"}, {Type: "MemoryPressure", Status: "True", Since: noon}}}}}, nil,
			[]string{"Evicted: The node was low on resource: memory.", "node n8: MemoryPressure"}},
		{"node gone", func(p *Pod) { p.Node, p.OwnerKind = "n9", "" }, nil, nil, []string{"node n9 is gone"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := shop().with(c.among)
			v.news = newNewsBox(ago(time.Hour))
			for _, d := range c.seen {
				v.news.remember(object{"Deployment", "shop", "web"}, d)
			}
			p := sickPod("p", c.edit)
			v.with(map[string][]any{"pods": {p}})
			if got := v.whyPod(p).text(); got != strings.Join(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", got, strings.Join(c.want, "\n"))
			}
		})
	}
}

func lostNode(name string, since time.Duration) *Node {
	return &Node{meta: meta{Name: name}, Conditions: []Condition{{Type: "Ready", Status: "Unknown", Since: ago(since)}}}
}

// A workload is explained by the worst of its pods, and says what was lost and replaced.
func TestWhyWorkload(t *testing.T) {
	crashing := sickPod("web-1-z", func(p *Pod) {
		p.Containers[0] = Container{Name: "app", Image: "shop/web:9", Waiting: "CrashLoopBackOff", Restarts: 2, Last: term("Error", 1, time.Minute)}
	})
	waiting := sickPod("web-1-c", func(p *Pod) {})
	v := shop().with(map[string][]any{"pods": {waiting, crashing}})
	w := v.objects["deployments"][0].(*Workload)
	w.Desired = 4
	e := v.load(w)
	want := strings.Join([]string{
		"pod web-1-z: CrashLoopBackOff, 2 restarts, exit code 1 (Error)",
		"container app: exit code 1 (Error) at 11:59:00",
		"image shop/web:9 was set at 11:00:00 by rollout of deployment web",
	}, "\n")
	if e.State != model.Warning || e.Labels["why"] != want {
		t.Errorf("%v because of\n%s\nwant\n%s", e.State, e.Labels["why"], want)
	}

	v = shop()
	w = v.objects["deployments"][0].(*Workload)
	w.Conditions = []Condition{{Type: "ReplicaFailure", Status: "True", Reason: "FailedCreate", Message: `pods "web" is forbidden: exceeded quota: small`}}
	if why := v.load(w).Labels["why"]; why != `no pod can be made: pods "web" is forbidden: exceeded quota: small` {
		t.Errorf("quota: because of %q", why)
	}
}

// What a lost node took with it, and what was started in its place.
func TestReplacedElsewhere(t *testing.T) {
	gone := sickPod("web-1-gone", func(p *Pod) { p.Node = "n7" })
	v := shop().with(map[string][]any{"nodes": {lostNode("n7", 3*time.Minute)}, "pods": {gone}})
	w := v.objects["deployments"][0].(*Workload)
	w.Updated, w.Available = 2, 1
	if e := v.load(w); e.State != model.Warning || e.Reason != "1 of 2 available, 1 pod on lost node n7, replaced by 0 of 1 elsewhere" {
		t.Errorf("before: %v %q", e.State, e.Reason)
	}
	fresh := sickPod("web-1-new", func(p *Pod) { p.Created, p.Ready = ago(time.Minute), &Condition{Type: "Ready", Status: "True"} })
	v.with(map[string][]any{"pods": {fresh}})
	w.Available = 2
	if e := v.load(w); e.State != model.OK || e.Reason != "1 pod on lost node n7, replaced by 1 of 1 elsewhere" {
		t.Errorf("after: %v %q", e.State, e.Reason)
	}
	daemons := &Workload{meta: meta{Namespace: "shop", Name: "agent", Created: ago(time.Hour)}, Kind: model.KindDaemonSet, Desired: 2, Available: 2, Updated: 2}
	daemon := sickPod("agent-1", func(p *Pod) { p.Node, p.OwnerKind, p.Owner = "n7", "DaemonSet", "agent" })
	v.with(map[string][]any{"daemonsets": {daemons}, "pods": {daemon}})
	if e := v.load(daemons); e.Reason != "1 pod on lost node n7" {
		t.Errorf("a daemon set, which replaces nothing: %q", e.Reason)
	}
	v.trouble["pods"] = forbidden("pods")
	if e := v.load(w); strings.Contains(e.Reason, "replaced") {
		t.Errorf("pods that cannot be read are counted: %q", e.Reason)
	}
}

func TestWhyService(t *testing.T) {
	empty := func() *view {
		v := shop()
		v.objects["endpointslices"] = nil
		for _, obj := range v.objects["pods"] {
			obj.(*Pod).Labels = ",app=web,tier=front,"
		}
		v.objects["deployments"][0].(*Workload).Template.Labels = ",app=web,tier=front,"
		v.index()
		return v
	}
	why := func(v *view, s *Service) string {
		v.objects["services"] = []any{s}
		e, _ := v.service(s)
		if e.State != model.Critical {
			t.Errorf("%q: %v %q, want it critical", s.Selector, e.State, e.Reason)
		}
		return e.Labels["why"]
	}
	svc := func(selector string) *Service {
		return &Service{meta: meta{Namespace: "shop", Name: "web", Created: ago(time.Hour)}, Selector: selector}
	}
	v := empty()
	v.news = newNewsBox(ago(time.Hour))
	v.news.remember(object{"Service", "shop", "web"}, dated{change{What: "selector", Before: "app=web", After: "app=wbe"}, ago(time.Minute)})
	if got, want := why(v, svc("app=wbe,tier=front")), "selector app=wbe,tier=front matches no pod\napp=wbe is on 0 pods, tier=front is on 2 pods\nservice web changed at 11:59:00: selector: app=web -> app=wbe"; got != want {
		t.Errorf("wrong selector: got\n%s\nwant\n%s", got, want)
	}
	v = empty()
	v.objects["pods"] = nil
	v.objects["deployments"][0].(*Workload).Desired = 0
	v.index()
	if got, want := why(v, svc("app=web")), "selector app=web matches no pod\nit matches the template of deployment web, which has no pod: it wants 0"; got != want {
		t.Errorf("scaled to nothing: got\n%s\nwant\n%s", got, want)
	}
	v = empty()
	sick := v.objects["pods"][1].(*Pod)
	sick.Ready = &Condition{Type: "Ready", Status: "False", Since: ago(time.Hour)}
	sick.Containers = []Container{{Name: "app", Waiting: "CrashLoopBackOff", Last: term("Error", 1, 0)}}
	if got, want := why(v, svc("app=web")), "selector app=web matches 2 pods of deployment web\npod web-1-b: CrashLoopBackOff, exit code 1 (Error)\ncontainer app: exit code 1 (Error) at 12:00:00"; got != want {
		t.Errorf("sick pods: got\n%s\nwant\n%s", got, want)
	}
}

// A selector may name one pod of a stateful set by labels that the collector does not keep.
func TestMatching(t *testing.T) {
	set := func(name string) *Pod {
		return sickPod(name, func(p *Pod) { p.OwnerKind, p.Owner, p.Labels = "StatefulSet", "db", ",app=db,role=x," })
	}
	v := shop().with(map[string][]any{"pods": {set("db-0"), set("db-1"), set("db-11"), sickPod("done", func(p *Pod) { p.Phase, p.Labels = "Succeeded", ",app=db," })}})
	for selector, want := range map[string]int{
		"app=db": 3, "role=x,app=db": 3, "app=d": 0, "app=db,role=y": 0, "app=db," + podNameLabel + "=db-1": 1, podIndexLabel + "=1,app=db": 1,
		"app=web," + podNameLabel + "=web-1-a": 0,
	} {
		if got := len(v.matching("shop", selector)); got != want {
			t.Errorf("%s matches %d pods, want %d", selector, got, want)
		}
	}
	if got := v.matching("elsewhere", "app=db"); len(got) != 0 {
		t.Errorf("%d pods of another namespace match", len(got))
	}
}

func TestWhyNode(t *testing.T) {
	n := lostNode("n7", 3*time.Minute)
	v := shop().with(map[string][]any{"nodes": {n}, "pods": {sickPod("p", func(p *Pod) { p.Node = "n7" })}})
	e, _ := v.node(n)
	if want := "its kubelet is silent since 11:57:00\n1 pod on it"; e.Labels["why"] != want || !e.Since.Equal(ago(3*time.Minute)) {
		t.Errorf("since %v because of %q, want %q", e.Since, e.Labels["why"], want)
	}
	full := &Node{meta: meta{Name: "n8"}, Conditions: []Condition{{Type: "Ready", Status: "True"}, {Type: "DiskPressure", Status: "True", Message: "imagefs is low", Since: ago(time.Minute)}}}
	v.with(map[string][]any{"nodes": {full}})
	if e, _ := v.node(full); e.Labels["why"] != "DiskPressure since 11:59:00: imagefs is low" || e.Labels["pressure"] != "DiskPressure" {
		t.Errorf("because of %q, pressure %q", e.Labels["why"], e.Labels["pressure"])
	}
}

// A chain is bounded whatever the cluster says.
func TestChainIsBounded(t *testing.T) {
	var c chain
	for i := range 20 {
		c.add("", strings.Repeat("x", 500)+number(i), "twice", "twice\n\x1b[31m")
	}
	if len(c) > maxWhy || strings.Count(c.text(), "\n") != len(c)-1 {
		t.Errorf("%d lines: %q", len(c), c)
	}
	for _, line := range c {
		if len([]rune(line)) > maxWhyLine+1 {
			t.Errorf("a line of %d runes", len([]rune(line)))
		}
	}
}
