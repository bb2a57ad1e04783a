package kube

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nocturne-noc/nocturne/store/model"
)

// apiPod is a pod as the API returns it, with a container of every role.
func apiPod() *corev1.Pod {
	always, yes := corev1.ContainerRestartPolicyAlways, true
	asks := func(cpu, memory string) corev1.ResourceRequirements {
		return corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"cpu": quantity.MustParse(cpu), "memory": quantity.MustParse(memory)},
			Limits:   corev1.ResourceList{"memory": quantity.MustParse(memory)},
		}
	}
	at := metav1.NewTime(ago(time.Minute))
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "db-0", UID: "u-db", Labels: map[string]string{"app": "db", "tier": "data", podNameLabel: "db-0", podIndexLabel: "0"},
			Finalizers: []string{"example.com/hold"}, OwnerReferences: []metav1.OwnerReference{{Kind: "StatefulSet", Name: "db", Controller: &yes}},
		},
		Spec: corev1.PodSpec{
			NodeName: "n1",
			InitContainers: []corev1.Container{
				{Name: "migrate", Image: "m:1", Resources: asks("2", "64Mi")},
				{Name: "mesh", Image: "mesh:1", RestartPolicy: &always, Resources: asks("50m", "32Mi")},
			},
			Containers:          []corev1.Container{{Name: "app", Image: "db:1", Resources: asks("500m", "1Gi")}},
			EphemeralContainers: []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: "busybox"}}},
			Volumes: []corev1.Volume{
				{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-db-0"}}},
				{Name: "scratch", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}},
			},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning,
			InitContainerStatuses: []corev1.ContainerStatus{
				{Name: "migrate", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed"}}},
				{Name: "mesh", Ready: true, Started: &yes, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}}},
			},
			ContainerStatuses: []corev1.ContainerStatus{{
				Name: "app", RestartCount: 3, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
				LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled", ExitCode: 137, FinishedAt: at, Message: "the end"}},
			}},
			EphemeralContainerStatuses: []corev1.ContainerStatus{{Name: "debug", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"}}}},
		},
	}
}

func TestKeepPod(t *testing.T) {
	var in interner
	p := in.pod(apiPod())
	var roles []string
	for _, c := range p.Containers {
		roles = append(roles, c.Name+" "+c.role())
	}
	if want := []string{"migrate init", "mesh sidecar", "app ", "debug ephemeral"}; !slices.Equal(roles, want) {
		t.Errorf("containers %q, want %q", roles, want)
	}
	if p.Labels != ",app=db,tier=data," || !slices.Equal(p.Claims, []string{"data-db-0", "db-0-scratch"}) || p.Finalizers != "" {
		t.Errorf("labels %q, claims %q, finalizers %q of a pod that nobody deletes", p.Labels, p.Claims, p.Finalizers)
	}
	if c := p.main(); c == nil || c.Name != "app" || c.Last.Message != "the end" {
		t.Errorf("its first container is %+v", c)
	}
	if requests, limits := p.asks(); requests.String() != "cpu 2, memory 1Gi" || limits.String() != "memory 1Gi" {
		t.Errorf("asks for %s, limited to %s; want the init container's cores", requests, limits)
	}
	o := apiPod()
	gone := metav1.NewTime(ago(time.Minute))
	o.DeletionTimestamp = &gone
	if p := in.pod(o); p.Finalizers != "example.com/hold" {
		t.Errorf("a deletion waits for %q", p.Finalizers)
	}
}

func TestContainerLabels(t *testing.T) {
	var in interner
	v := shop().with(map[string][]any{"pods": {in.pod(apiPod())}})
	e := byID(v.picture())["kube/c/ns/shop/pod/db-0"]
	if e.State != model.Critical || e.Labels["requests"] != "cpu 2, memory 1Gi" || e.Labels["limits"] != "memory 1Gi" || e.Labels["image"] != "db:1" {
		t.Errorf("%v %v", e.State, e.Labels)
	}
	for name, want := range map[string]containerFacts{
		"app":     {State: "waiting", Restarts: 3, Image: "db:1", Last: "exit code 137 (OOMKilled)", Reason: "CrashLoopBackOff"},
		"mesh":    {State: "running", Ready: true, Image: "mesh:1", Started: "2026-03-01T11:59:00Z", Role: "sidecar"},
		"migrate": {State: "ended", Image: "m:1", Reason: "exit code 0 (Completed)", Role: "init"},
		"debug":   {State: "ended", Image: "busybox", Reason: "exit code 1 (Error)", Role: "ephemeral"},
	} {
		var got containerFacts
		if err := json.Unmarshal([]byte(e.Labels["container/"+name]), &got); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
	well := byID(v.picture())["kube/c/ns/shop/pod/web-1-a"]
	if len(well.Labels) > 8 && well.Labels["restarts"] == "0" {
		t.Errorf("a pod that is well carries %v", well.Labels)
	}
	// Whatever a cluster says, a pod's labels stay small.
	hostile := &Pod{}
	for i := range 50 {
		hostile.Containers = append(hostile.Containers, Container{
			Name: fmt.Sprint("c", i), Image: strings.Repeat("<", 200), Waiting: strings.Repeat("&", 80), Last: &Termination{Reason: strings.Repeat("가", 80)},
		})
	}
	labels := map[string]string{}
	hostile.tellMore(labels)
	if len(labels) != maxTold {
		t.Errorf("%d containers are told, want %d", len(labels), maxTold)
	}
	for name, text := range labels {
		if len(text) > maxToldBytes || !json.Valid([]byte(text)) {
			t.Errorf("%s: %d bytes %q", name, len(text), text)
		}
	}
}

// A pod that failed and was replaced is no fault of the service any more.
func TestFailedPodIsReplaced(t *testing.T) {
	failed := sickPod("web-1-f", func(p *Pod) { p.Phase, p.Reason, p.Message = "Failed", "Terminated", "node shutdown" })
	v := shop().with(map[string][]any{"pods": {failed}})
	if got := v.judgePod(failed); got.State != model.Warning || got.Reason != "Failed, Terminated: node shutdown, replaced" {
		t.Errorf("with all that is wanted: %v %q", got.State, got.Reason)
	}
	v.objects["deployments"][0].(*Workload).Available = 1
	if got := v.judgePod(failed); got.State != model.Critical {
		t.Errorf("with one too few: %v %q", got.State, got.Reason)
	}
}

func TestSinceOfPod(t *testing.T) {
	unscheduled := sickPod("p", func(p *Pod) {
		p.Scheduled = &Condition{Reason: "Unschedulable", Since: ago(3 * time.Minute)}
	})
	crashing := sickPod("p", func(p *Pod) { p.Containers[0].Waiting = "CrashLoopBackOff" })
	stuck := sickPod("p", func(p *Pod) { p.GoneBy = ago(time.Hour) })
	for name, c := range map[string]struct {
		pod  *Pod
		want time.Time
	}{
		"unscheduled": {unscheduled, ago(3 * time.Minute)}, "not ready": {sickPod("p", func(*Pod) {}), ago(5 * time.Minute)},
		"stuck": {stuck, ago(time.Hour)}, "crashing, which its status does not date": {crashing, time.Time{}},
	} {
		if got := c.pod.since(noon); !got.Equal(c.want) {
			t.Errorf("%s: since %v, want %v", name, got, c.want)
		}
	}
}

func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		r    Resources
		want string
	}{
		{Resources{}, ""},
		{Resources{CPU: 0.1, Memory: 128 << 20}, "cpu 100m, memory 128Mi"},
		{Resources{CPU: 1.5}, "cpu 1500m"},
		{Resources{CPU: 64, Memory: 512 << 30}, "cpu 64, memory 512Gi"},
		{Resources{Memory: 1500e6}, "memory 1.4Gi"},
		{Resources{Memory: 100}, "memory 100"},
	} {
		if got := c.r.String(); got != c.want {
			t.Errorf("%+v is %q, want %q", c.r, got, c.want)
		}
	}
}
