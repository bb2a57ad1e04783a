package kube

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
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

// usage is what nodes and pods use now, as metrics.k8s.io says, or else their kubelets. The maps are never
// changed. A node or pod that is not in them is not measured: that says nothing about how it fares.
type usage struct {
	nodes      map[string]Resources
	pods       map[podName]Resources // sums over the containers
	containers []containerUsage      // by pod and name
	summaries  []nodeSummary         // by node, where kubelets are asked
	at         time.Time
	remark     string // why there is none, or none of the metrics API
	refused    bool   // it is the role that does not allow it
}

// containerUsage is what one container of a pod uses.
type containerUsage struct {
	pod  podName
	name string
	Resources
}

// usageBox holds the latest usage.
type usageBox struct {
	mu       sync.Mutex
	latest   usage
	revision uint64
}

// get is the latest usage, without values once they are old, and a number that changes with it.
func (b *usageBox) get(now time.Time) (usage, uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.latest
	if len(u.nodes)+len(u.pods) > 0 && now.Sub(u.at) > usageFresh {
		return usage{remark: "no metrics since " + clock(u.at, now) + ", requests shown"}, b.revision + 1
	}
	return u, b.revision
}

func (b *usageBox) put(u usage, changed chan struct{}) {
	b.mu.Lock()
	b.latest = u
	b.revision += 2 // get adds one when it has grown old
	b.mu.Unlock()
	poke(changed)
}

// run asks for the usage once an interval until ctx ends: the metrics API, and the kubelets of the nodes
// where that is allowed.
func (b *usageBox) run(ctx context.Context, c *Cluster, namespaces []string, nodes func() []string, changed chan struct{}) {
	var summaries []nodeSummary
	var asked, refused time.Time
	for {
		u := readUsage(ctx, c.metrics, namespaces)
		if c.kubeletSummary {
			if names, now := nodes(), c.now(); len(names) > 0 && now.Sub(asked) >= summaryEvery { // none is known at first
				asked, summaries = now, c.readSummaries(ctx, names)
			}
			u = u.with(summaries)
		}
		if ctx.Err() != nil {
			return
		}
		u.at = c.now()
		if !u.refused {
			refused = time.Time{}
		} else if refused.IsZero() {
			refused = u.at
		}
		if u.refused && u.at.Sub(refused) < believeAfter && b.known() { // not believed yet, as with what is watched
			if !sleep(ctx, askAgain) {
				return
			}
			continue
		}
		b.put(u, changed)
		every := max(c.every, usageEvery)
		if len(u.pods) > largeCluster {
			every = max(every, largeEvery)
		}
		if !sleep(ctx, every) {
			return
		}
	}
}

// known reports whether the latest answer was one.
func (b *usageBox) known() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.latest.nodes)+len(b.latest.pods) > 0
}

func readUsage(ctx context.Context, client versioned.Interface, namespaces []string) usage {
	ctx, cancel := context.WithTimeout(ctx, usageLimit)
	defer cancel()
	narrow := len(namespaces) > 0
	if !narrow {
		namespaces = []string{metav1.NamespaceAll}
	}
	u := usage{nodes: map[string]Resources{}, pods: map[podName]Resources{}}
	nodes, err := client.MetricsV1beta1().NodeMetricses().List(ctx, metav1.ListOptions{})
	if err != nil && (!narrow || !isForbidden(err)) { // a narrow role reads the usage of its pods all the same
		return usage{remark: noUsage(err), refused: isForbidden(err)}
	}
	if err == nil {
		for _, n := range nodes.Items {
			u.nodes[n.Name] = amounts(n.Usage)
		}
	}
	for _, ns := range namespaces {
		pods, err := client.MetricsV1beta1().PodMetricses(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return usage{remark: noUsage(err), refused: isForbidden(err)}
		}
		for _, p := range pods.Items {
			name := podName{p.Namespace, p.Name}
			var sum Resources
			for _, c := range p.Containers {
				r := amounts(c.Usage)
				sum.CPU += r.CPU
				sum.Memory += r.Memory
				u.containers = append(u.containers, containerUsage{name, c.Name, r})
			}
			u.pods[name] = sum
		}
	}
	slices.SortFunc(u.containers, func(a, b containerUsage) int {
		return cmp.Or(strings.Compare(a.pod.namespace, b.pod.namespace), strings.Compare(a.pod.name, b.pod.name), strings.Compare(a.name, b.name))
	})
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

// measureUsage adds what is used, in the same order each time: the store finds the series of a batch by
// their places.
func (v *view) measureUsage(s *sampler) {
	for _, name := range slices.Sorted(maps.Keys(v.usage.nodes)) {
		r := v.usage.nodes[name]
		s.add("nocturne_kube_node_cpu_usage_cores", r.CPU, "node", name)
		s.add("nocturne_kube_node_memory_usage_bytes", r.Memory, "node", name)
	}
	for list := v.usage.containers; len(list) > 0; {
		pod := list[0].pod
		n := 1
		for n < len(list) && list[n].pod == pod {
			n++
		}
		sum := v.usage.pods[pod]
		s.add("nocturne_kube_pod_cpu_usage_cores", sum.CPU, "namespace", pod.namespace, "pod", pod.name)
		s.add("nocturne_kube_pod_memory_usage_bytes", sum.Memory, "namespace", pod.namespace, "pod", pod.name)
		for _, c := range list[:n] {
			s.add("nocturne_kube_container_cpu_usage_cores", c.CPU, "namespace", pod.namespace, "pod", pod.name, "container", c.name)
			s.add("nocturne_kube_container_memory_working_set_bytes", c.Memory, "namespace", pod.namespace, "pod", pod.name, "container", c.name)
		}
		list = list[n:]
	}
	for i := range v.usage.summaries {
		s.summary(&v.usage.summaries[i])
	}
}
