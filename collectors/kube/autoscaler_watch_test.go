package kube

import (
	"sync/atomic"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nocturne-noc/nocturne/store/model"
)

// An autoscaler at its maximum is told at once, is a warning after 15 minutes though nothing of it changed since,
// and clears when it needs less.
func TestAutoscalerAtItsMaximum(t *testing.T) {
	t.Parallel()
	const id = "kube/ctx-a/ns/shop/horizontalpodautoscaler/cart"
	of := func(status corev1.ConditionStatus, reason string, since time.Time) *autoscalingv2.HorizontalPodAutoscaler {
		return &autoscalingv2.HorizontalPodAutoscaler{
			TypeMeta:   metav1.TypeMeta{Kind: "HorizontalPodAutoscaler", APIVersion: "autoscaling/v2"},
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "cart", CreationTimestamp: metav1.NewTime(since.Add(-time.Hour))},
			Spec:       autoscalingv2.HorizontalPodAutoscalerSpec{ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "cart"}, MaxReplicas: 10},
			Status: autoscalingv2.HorizontalPodAutoscalerStatus{CurrentReplicas: 10, DesiredReplicas: 10, Conditions: []autoscalingv2.HorizontalPodAutoscalerCondition{
				{Type: autoscalingv2.AbleToScale, Status: "True"}, {Type: autoscalingv2.ScalingActive, Status: "True"},
				{Type: autoscalingv2.ScalingLimited, Status: status, Reason: reason, LastTransitionTime: metav1.NewTime(since)},
			}},
		}
	}
	a := filled()
	_, kubeconfig := a.start(t)
	b := newBoard()
	var ahead atomic.Int64 // by how much the collector's clock is
	began := time.Now()
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	runCluster(t, Config{Kubeconfig: kubeconfig}, time.Second, b, func(c *Cluster) { c.now = now })
	b.await(t, 15*time.Second, "the cluster", func() bool { return b.row().State == model.OK && b.samples != nil })

	a.put("horizontalpodautoscalers", of("True", "TooManyReplicas", began))
	what := "at its maximum of 10 since " + clock(metav1.NewTime(began).Rfc3339Copy().Time, began)
	b.await(t, 5*time.Second, "it is told", func() bool { return b.entities[id].State == model.OK && b.entities[id].Reason == what })

	ahead.Store(int64(atMaximumFor - time.Minute))
	confirmed := func(after time.Time) func() bool {
		return func() bool { return b.seen.After(after) && b.row().LastOK.After(after) }
	}
	b.await(t, 5*time.Second, "an interval", confirmed(time.Now().Add(time.Second)))
	b.mu.Lock()
	if e := b.entities[id]; e.State != model.OK {
		t.Errorf("after 14 minutes it is %v %q", e.State, e.Reason)
	}
	b.mu.Unlock()
	ahead.Store(int64(atMaximumFor))
	took := b.await(t, 5*time.Second, "a warning", func() bool { return b.entities[id].State == model.Warning && b.entities[id].Reason == what })
	t.Logf("a warning %v after the 15 minutes were over", took)
	a.put("horizontalpodautoscalers", of("False", "DesiredWithinRange", now()))
	b.await(t, 5*time.Second, "it is well", func() bool { return b.entities[id].State == model.OK && b.entities[id].Reason == "" })
}
