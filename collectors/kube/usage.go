package kube

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/metrics/pkg/client/clientset/versioned"
)

const (
	usageEvery = 15 * time.Second // metrics-server's own resolution
	usageLimit = 10 * time.Second // deadline of one request
	usageFresh = 90 * time.Second // beyond this, old usage is no usage
)

type podName struct{ namespace, name string }

// usage is what metrics.k8s.io says that nodes and pods use now. The maps are never changed.
type usage struct {
	nodes  map[string]Resources
	pods   map[podName]Resources
	at     time.Time
	remark string // why there is none
}

// usageBox holds the latest usage.
type usageBox struct {
	mu     sync.Mutex
	latest usage
}

// get is the latest usage, without values once they are old.
func (b *usageBox) get(now time.Time) usage {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.latest
	if u.remark == "" && !u.at.IsZero() && now.Sub(u.at) > usageFresh {
		return usage{remark: "no metrics since " + clock(u.at, now) + ", requests shown"}
	}
	return u
}

// run asks for the usage once an interval until ctx ends.
func (b *usageBox) run(ctx context.Context, client versioned.Interface, namespaces []string, every time.Duration, now func() time.Time, changed chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		u := readUsage(ctx, client, namespaces)
		if ctx.Err() != nil {
			return
		}
		u.at = now()
		b.mu.Lock()
		b.latest = u
		b.mu.Unlock()
		poke(changed)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func readUsage(ctx context.Context, client versioned.Interface, namespaces []string) usage {
	ctx, cancel := context.WithTimeout(ctx, usageLimit)
	defer cancel()
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	u := usage{nodes: map[string]Resources{}, pods: map[podName]Resources{}}
	nodes, err := client.MetricsV1beta1().NodeMetricses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return usage{remark: noUsage(err)}
	}
	for _, n := range nodes.Items {
		u.nodes[n.Name] = amounts(n.Usage)
	}
	for _, ns := range namespaces {
		pods, err := client.MetricsV1beta1().PodMetricses(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return usage{remark: noUsage(err)}
		}
		for _, p := range pods.Items {
			var sum Resources
			for _, c := range p.Containers {
				r := amounts(c.Usage)
				sum.CPU += r.CPU
				sum.Memory += r.Memory
			}
			u.pods[podName{p.Namespace, p.Name}] = sum
		}
	}
	return u
}

// noUsage says why there is no usage.
func noUsage(err error) string {
	if isForbidden(err) {
		return "no permission to read metrics.k8s.io, requests shown"
	}
	if apierrors.IsNotFound(err) || apierrors.IsServiceUnavailable(err) {
		return "no metrics, requests shown"
	}
	return fmt.Sprintf("no metrics, requests shown (%s)", clip(err.Error(), 120))
}
