package kube

import (
	"fmt"
	"testing"

	prom "github.com/prometheus/common/model"

	"github.com/nocturne-noc/nocturne/store/model"
)

// problemsOf are the problems that a view measures, as "kind name: severity reason".
func problemsOf(v *view) map[string]bool {
	out := map[string]bool{}
	for _, s := range v.samples(noon, 0) {
		if get := s.Labels.Get; get(prom.MetricNameLabel) == "nocturne_kube_problem" {
			out[fmt.Sprintf("%s %s: %s %s", get("kind"), get("name"), get("severity"), get("reason"))] = true
		}
	}
	return out
}

func TestProblems(t *testing.T) {
	v := shop()
	if got := problemsOf(v); len(got) != 0 {
		t.Errorf("a cluster that is well has the problems %v", got)
	}
	v.add("persistentvolumeclaims", &Claim{meta: meta{Name: "data", Namespace: "shop"}, Phase: "Lost", Volume: "pv1"})
	pod := v.objects["pods"][0].(*Pod)
	pod.Ready.Status = "False"
	pod.Containers[1].Waiting, pod.Containers[1].Restarts, pod.Containers[1].Last = "CrashLoopBackOff", 6, term("Error", 1, 0)
	v.index()
	got := problemsOf(v)
	for _, want := range []string{"persistentvolumeclaim data: critical lost", "pod web-1-a: critical CrashLoopBackOff"} {
		if !got[want] {
			t.Errorf("no problem %q in %v", want, got)
		}
	}
	if len(got) != 2 { // the namespace only sums them up
		t.Errorf("problems are %v", got)
	}
	v.trouble["persistentvolumeclaims"] = forbidden("persistentvolumeclaims")
	if got := problemsOf(v); len(got) != 1 {
		t.Errorf("problems of what cannot be read: %v", got)
	}
}

// In a cluster with very many problems the worst are told.
func TestProblemsAreBounded(t *testing.T) {
	v := shop()
	for i := range maxProblems + 10 {
		v.add("persistentvolumes", &Volume{meta: meta{Name: fmt.Sprint("pv", i)}, Phase: "Failed"})
	}
	v.add("persistentvolumeclaims", &Claim{meta: meta{Name: "data", Namespace: "zoo"}, Phase: "Lost"})
	v.index()
	got := problemsOf(v)
	if len(got) != maxProblems || !got["persistentvolumeclaim data: critical lost"] {
		t.Errorf("%d problems, want %d with the critical one", len(got), maxProblems)
	}
}

func TestOwnWords(t *testing.T) {
	for _, c := range []struct {
		kind         model.Kind
		reason, want string
	}{
		{model.KindJob, "failed, BackoffLimitExceeded: Job has reached: the limit", "failed, BackoffLimitExceeded"},
		{model.KindPod, "CrashLoopBackOff, 6 restarts, exit code 1 (Error)", "CrashLoopBackOff"},
		{model.KindPod, "unschedulable: 0/3 nodes", "unschedulable"},
		{model.KindService, "", ""},
	} {
		if got := ownWords(c.kind, c.reason); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.reason, got, c.want)
		}
	}
}
