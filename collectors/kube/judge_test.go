package kube

import (
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

func term(reason string, code int32, at time.Duration) *Termination {
	return &Termination{Reason: reason, ExitCode: code, At: ago(at)}
}

func TestJudgePod(t *testing.T) {
	ready := &Condition{Type: "Ready", Status: "True", Since: ago(time.Hour)}
	notReady := func(since time.Duration) *Condition {
		return &Condition{Type: "Ready", Status: "False", Since: ago(since)}
	}
	unschedulable := func(since time.Duration) *Condition {
		return &Condition{Type: "PodScheduled", Status: "False", Reason: "Unschedulable", Message: "0/3 nodes are available: 3 Insufficient cpu.", Since: ago(since)}
	}
	one := func(c Container) []Container { c.Name = "app"; return []Container{c} }
	for _, c := range []struct {
		name   string
		pod    Pod
		lost   bool
		state  model.State
		reason string
	}{
		{"serves", Pod{Phase: "Running", Ready: ready}, false, model.OK, ""},
		{"serves after an OOM kill", Pod{Phase: "Running", Ready: ready, Containers: one(Container{Ready: true, Running: true, Restarts: 1, Last: term("OOMKilled", 137, time.Minute)})}, false, model.OK, ""},
		{"crash loop has phase Running", Pod{Phase: "Running", Ready: notReady(time.Second), Containers: one(Container{Waiting: "CrashLoopBackOff", Message: "back-off 5m0s restarting", Restarts: 6, Last: term("Error", 1, time.Minute)})},
			false, model.Critical, "CrashLoopBackOff, 6 restarts, exit code 1 (Error)"},
		{"crash loop by memory", Pod{Phase: "Running", Containers: one(Container{Waiting: "CrashLoopBackOff", Restarts: 1, Last: term("OOMKilled", 137, time.Minute)})},
			false, model.Critical, "CrashLoopBackOff, 1 restart, exit code 137 (OOMKilled)"},
		{"init container crashes", Pod{Phase: "Pending", Containers: []Container{{Name: "migrate", Init: true, Waiting: "CrashLoopBackOff", Restarts: 2, Last: term("Error", 3, 0)}, {Name: "app", Waiting: "PodInitializing"}}},
			false, model.Critical, "CrashLoopBackOff, 2 restarts, exit code 3 (Error), init container migrate"},
		{"between two crashes", Pod{Phase: "Running", Ready: notReady(time.Second), Containers: one(Container{Running: true, Restarts: 3, Last: term("Error", 1, time.Minute)})},
			false, model.Warning, "not ready after 3 restarts, exit code 1 (Error)"},
		{"just died", Pod{Phase: "Running", Containers: one(Container{Ended: term("OOMKilled", 137, 0)})}, false, model.Critical, "ended with exit code 137 (OOMKilled)"},
		{"image", Pod{Phase: "Pending", Containers: one(Container{Image: "registry.test/app:nope", Waiting: "ImagePullBackOff", Message: "manifest unknown"})},
			false, model.Critical, "ImagePullBackOff registry.test/app:nope: manifest unknown"},
		{"config", Pod{Phase: "Pending", Containers: one(Container{Waiting: "CreateContainerConfigError", Message: `secret "db" not found`})},
			false, model.Critical, `CreateContainerConfigError: secret "db" not found`},
		{"creating", Pod{Phase: "Pending", meta: meta{Created: ago(time.Minute)}, Containers: one(Container{Waiting: "ContainerCreating"})}, false, model.OK, "starting"},
		{"creating for long", Pod{Phase: "Pending", meta: meta{Created: ago(time.Hour)}, Containers: one(Container{Waiting: "ContainerCreating"})}, false, model.Warning, "starting since 11:00:00: ContainerCreating"},
		{"unschedulable just now", Pod{Phase: "Pending", Scheduled: unschedulable(5 * time.Second)}, false, model.OK, "waiting for a node"},
		{"unschedulable", Pod{Phase: "Pending", Scheduled: unschedulable(15 * time.Second)}, false, model.Warning, "unschedulable: 0/3 nodes are available: 3 Insufficient cpu."},
		{"unschedulable, and no room can be made", Pod{Phase: "Pending", Scheduled: &Condition{Reason: "Unschedulable", Since: ago(time.Minute), Message: "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."}},
			false, model.Warning, "unschedulable: 0/1 nodes are available: 1 Insufficient cpu."},
		{"gated", Pod{Phase: "Pending", Scheduled: &Condition{Reason: "SchedulingGated", Since: ago(time.Hour)}}, false, model.OK, "held back by a scheduling gate"},
		{"failed", Pod{Phase: "Failed", Containers: one(Container{Ended: term("Error", 2, 0)})}, false, model.Critical, "Failed, exit code 2 (Error)"},
		{"evicted", Pod{Phase: "Failed", Reason: "Evicted", Message: "The node was low on resource: memory."}, false, model.Warning, "Evicted: The node was low on resource: memory."},
		{"refused by the node", Pod{Phase: "Failed", Reason: "NodeAffinity", Message: "no"}, false, model.Critical, "Failed, NodeAffinity: no"},
		{"completed", Pod{Phase: "Succeeded"}, true, model.OK, "completed"},
		{"on a lost node", Pod{Phase: "Running", Node: "n1", Ready: ready}, true, model.Warning, "on lost node n1"},
		{"deleted on a lost node", Pod{Phase: "Running", Node: "n1", GoneBy: ago(time.Hour)}, true, model.Warning, "on lost node n1"},
		{"terminating", Pod{Phase: "Running", GoneBy: noon.Add(time.Second)}, false, model.OK, "terminating"},
		{"will not go", Pod{Phase: "Running", GoneBy: ago(time.Minute)}, false, model.Warning, "terminating, should be gone since 11:59:00"},
		{"held back", Pod{Phase: "Running", GoneBy: ago(time.Minute), Finalizers: "example.com/hold"}, false, model.Warning, "terminating, should be gone since 11:59:00, held by finalizer example.com/hold"},
		{"sidecar crashes", Pod{Phase: "Running", Containers: []Container{{Name: "mesh", Init: true, Sidecar: true, Waiting: "CrashLoopBackOff", Restarts: 1, Last: term("Error", 2, 0)}, {Name: "app", Running: true}}},
			false, model.Critical, "CrashLoopBackOff, 1 restart, exit code 2 (Error), sidecar mesh"},
		{"between two crashes of a sidecar", Pod{Phase: "Running", Ready: notReady(time.Second), Containers: []Container{{Name: "mesh", Init: true, Sidecar: true, Running: true, Restarts: 2, Last: term("Error", 2, 0)}}},
			false, model.Warning, "not ready after 2 restarts, exit code 2 (Error)"},
		{"debugging container failed", Pod{Phase: "Running", Ready: ready, Containers: []Container{{Name: "app", Ready: true, Running: true}, {Name: "debug", Ephemeral: true, Ended: term("Error", 130, 0)}}}, false, model.OK, ""},
		{"failed, not by the debugging container", Pod{Phase: "Failed", Reason: "DeadlineExceeded", Message: "too long", Containers: []Container{{Name: "debug", Ephemeral: true, Ended: term("Error", 130, 0)}}}, false, model.Critical, "Failed, DeadlineExceeded: too long"},
		{"init container is done", Pod{Phase: "Running", Ready: ready, Containers: []Container{{Name: "migrate", Init: true, Ended: term("Completed", 0, 0)}}}, false, model.OK, ""},
		{"not ready yet", Pod{Phase: "Running", Ready: notReady(14 * time.Minute)}, false, model.OK, "not ready yet"},
		{"not ready for long", Pod{Phase: "Running", Ready: notReady(15 * time.Minute)}, false, model.Warning, "not ready since 11:45:00"},
		{"not ready since another day", Pod{Phase: "Running", Ready: notReady(24 * time.Hour)}, false, model.Warning, "not ready since 2026-02-28 12:00"},
		{"no word", Pod{Phase: "Unknown", Message: "x"}, false, model.Unknown, "phase Unknown: x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := JudgePod(&c.pod, c.lost, noon); got.State != c.state || got.Reason != c.reason {
				t.Errorf("got %v %q, want %v %q", got.State, got.Reason, c.state, c.reason)
			}
		})
	}
}

func TestJudgeNode(t *testing.T) {
	ready := func(status string) Condition {
		c := Condition{Type: "Ready", Status: status, Since: ago(time.Minute)}
		if status != "True" {
			c.Message = "container runtime is down"
		}
		return c
	}
	for _, c := range []struct {
		name   string
		node   Node
		state  model.State
		reason string
	}{
		{"ready", Node{Conditions: []Condition{{Type: "MemoryPressure", Status: "False"}, ready("True")}}, model.OK, ""},
		{"lost", Node{Conditions: []Condition{{Type: "MemoryPressure", Status: "Unknown"}, ready("Unknown")}}, model.Critical, "lost: kubelet silent since 11:59:00"},
		{"not ready", Node{Conditions: []Condition{ready("False")}}, model.Critical, "not ready: container runtime is down"},
		{"pressure", Node{Conditions: []Condition{ready("True"), {Type: "DiskPressure", Status: "True", Message: "imagefs is low"}}}, model.Warning, "DiskPressure: imagefs is low"},
		{"pressure under cordon", Node{Cordoned: true, Conditions: []Condition{ready("True"), {Type: "PIDPressure", Status: "True"}}}, model.Warning, "PIDPressure"},
		{"cordoned", Node{Cordoned: true, Conditions: []Condition{ready("True")}}, model.OK, "cordoned"},
		{"new", Node{}, model.Unknown, "its kubelet has not reported yet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := JudgeNode(&c.node, noon); got.State != c.state || got.Reason != c.reason {
				t.Errorf("got %v %q, want %v %q", got.State, got.Reason, c.state, c.reason)
			}
		})
	}
}

func TestSkew(t *testing.T) {
	for _, c := range []struct{ kubelet, server, want string }{
		{"v1.36.3", "v1.36.3", ""},
		{"v1.33.1", "v1.36.3", ""},
		{"v1.32.9+k3s1", "v1.36.3", "kubelet v1.32.9+k3s1 is 4 minor versions behind the API server"},
		{"v1.37.0", "v1.36.3-gke.100", "kubelet v1.37.0 is newer than the API server v1.36.3-gke.100"},
		{"", "v1.36.3", ""},
		{"nonsense", "v1.36.3", ""},
		{"v1.36.3", "", ""},
	} {
		if got := skew(c.kubelet, c.server); got != c.want {
			t.Errorf("%s under %s: %q, want %q", c.kubelet, c.server, got, c.want)
		}
	}
}

func TestJudgeWorkload(t *testing.T) {
	old := meta{Created: ago(time.Hour)}
	deadline := []Condition{{Type: "Available", Status: "True"}, {Type: "Progressing", Status: "False", Reason: "ProgressDeadlineExceeded", Message: `ReplicaSet "web-2" has timed out progressing.`}}
	for _, c := range []struct {
		name   string
		load   Workload
		lost   int
		state  model.State
		reason string
	}{
		{"full", Workload{meta: old, Desired: 3, Available: 3, Updated: 3}, 0, model.OK, ""},
		{"fewer", Workload{meta: old, Desired: 3, Available: 2, Updated: 3}, 0, model.Warning, "2 of 3 available"},
		{"none", Workload{meta: old, Desired: 3, Updated: 3}, 0, model.Critical, "0 of 3 available"},
		{"new", Workload{meta: meta{Created: ago(10 * time.Second)}, Desired: 3}, 0, model.OK, "starting, 0 of 3 available"},
		{"scaled down", Workload{meta: old}, 0, model.OK, "scaled to 0"},
		{"stuck, old ones serve", Workload{meta: old, Desired: 3, Available: 3, Conditions: deadline}, 0, model.Warning, `ProgressDeadlineExceeded, 3 of 3 available: ReplicaSet "web-2" has timed out progressing.`},
		{"stuck, none serves", Workload{meta: old, Desired: 3, Conditions: deadline}, 0, model.Critical, `ProgressDeadlineExceeded, 0 of 3 available: ReplicaSet "web-2" has timed out progressing.`},
		{"quota", Workload{meta: old, Desired: 3, Available: 1, Conditions: []Condition{{Type: "ReplicaFailure", Status: "True", Reason: "FailedCreate", Message: "exceeded quota"}}}, 0, model.Warning, "FailedCreate, 1 of 3 available: exceeded quota"},
		{"quota, none serves", Workload{meta: old, Desired: 3, Conditions: []Condition{{Type: "ReplicaFailure", Status: "True", Reason: "FailedCreate", Message: "exceeded quota"}}}, 0, model.Critical, "FailedCreate, 0 of 3 available: exceeded quota"},
		{"rolling out", Workload{meta: old, Desired: 3, Available: 3, Updated: 1}, 0, model.OK, "1 of 3 updated"},
		{"stuck revision", Workload{meta: old, Desired: 3, Available: 2, Updated: 1}, 0, model.Warning, "2 of 3 available, 1 of 3 updated"},
		{"paused", Workload{meta: old, Desired: 3, Available: 3, Updated: 1, Paused: true}, 0, model.OK, "1 of 3 updated, rollout paused"},
		{"partition", Workload{meta: old, Desired: 3, Available: 3, Updated: 1, Partition: 2}, 0, model.OK, "1 of 3 updated, held by partition 2"},
		{"beyond the partition", Workload{meta: old, Desired: 3, Available: 3, Partition: 2}, 0, model.OK, "0 of 3 updated"},
		{"updated by deletion", Workload{meta: old, Desired: 3, Available: 3, Updated: 1, OnDelete: true}, 0, model.OK, "1 of 3 updated, the rest when their pods are deleted"},
		{"misplaced on the lost node only", Workload{meta: old, Desired: 3, Available: 3, Updated: 3, Misplaced: 1}, 1, model.OK, ""},
		{"misplaced", Workload{meta: old, Desired: 3, Available: 3, Misplaced: 2}, 0, model.Warning, "runs on 2 nodes where it should not"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := JudgeWorkload(&c.load, c.lost, noon); got.State != c.state || got.Reason != c.reason {
				t.Errorf("got %v %q, want %v %q", got.State, got.Reason, c.state, c.reason)
			}
		})
	}
}

func TestJudgeService(t *testing.T) {
	old := meta{Created: ago(time.Hour)}
	for _, c := range []struct {
		name         string
		svc          Service
		ready, total int
		state        model.State
		reason       string
	}{
		{"serves", Service{meta: old, Selector: "app=web"}, 1, 3, model.OK, ""},
		{"none ready", Service{meta: old, Selector: "app=web"}, 0, 3, model.Critical, "no ready endpoint: none of 3 pods of selector app=web is ready"},
		{"nothing matches", Service{meta: old, Selector: "app=wbe"}, 0, 0, model.Critical, "no endpoint: selector app=wbe matches no running pod"},
		{"new", Service{meta: meta{Created: noon}, Selector: "app=web"}, 0, 0, model.OK, "starting, no endpoint: selector app=web matches no running pod"},
		{"no selector", Service{meta: old}, 0, 0, model.OK, ""},
		{"load balancer has an address", Service{meta: old, Type: "LoadBalancer", Selector: "a=b", Address: "192.0.2.7"}, 1, 1, model.OK, ""},
		{"load balancer works at it", Service{meta: meta{Created: ago(4 * time.Minute)}, Type: "LoadBalancer", Selector: "a=b"}, 1, 1, model.OK, "waiting for its load balancer"},
		{"no load balancer", Service{meta: old, Type: "LoadBalancer", Selector: "a=b"}, 1, 1, model.Warning, "no address from a load balancer since 11:00:00"},
		{"no load balancer, nobody to serve", Service{meta: old, Type: "LoadBalancer", Selector: "a=b"}, 0, 0, model.Critical, "no endpoint: selector a=b matches no running pod"},
		{"external", Service{meta: old, Type: "ExternalName", Selector: "app=web"}, 0, 0, model.OK, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := JudgeService(&c.svc, c.ready, c.total, noon); got.State != c.state || got.Reason != c.reason {
				t.Errorf("got %v %q, want %v %q", got.State, got.Reason, c.state, c.reason)
			}
		})
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"},
		{"two\n\n lines\t", "two lines"},
		{"\x1b[31mred\a", "[31mred"},
		{"무한 재시작", "무한 재시작"},
		{strings.Repeat("가", 20), strings.Repeat("가", 10) + "…"},
		{"\xff\xfe", "\ufffd\ufffd"},
	} {
		if got := clip(c.in, 10); got != c.want {
			t.Errorf("clip(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}
